//! The parts of a text that can be run, and the lines that are left out of them.
//!
//! The files of an example are added to a sound crate, or replace its files, as a reader would understand them. `//
//! …` in a struct stands for the columns that every table has, and so does a struct without fields. Imports and `mod`
//! lines are left out of examples, too.

use std::path::Path;

/// The columns that every table has.
const COLUMNS: &[(&str, &str)] = &[
    ("id", "i64"),
    ("org_id", "i64"),
    ("created_at", "std::time::SystemTime"),
    ("updated_at", "std::time::SystemTime"),
];

/// The tables of the sound crate, as module and text.
pub const TABLES: &[(&str, &str)] = &[
    (
        "audit_logs",
        "#[table(kind = evidence)]\npub struct AuditLogs {\n    // …\n    pub user_id: i64,\n}\n",
    ),
    ("invoices", "#[table]\npub struct Invoices;\n"),
    ("payments", "#[table]\npub struct Payments;\n"),
    ("users", "#[table(kind = system)]\npub struct Users;\n"),
];

pub const LIBRARY: &str = "table_registry!(\"schema/\");\n";
pub const REVOKE: &str = "update_delete = [\"audit_logs\"]\n";

/// A section with fenced blocks: the example, the fix, or the exception instead of a fix.
pub struct Part<'t> {
    pub title: &'t str,
    pub blocks: Vec<Block<'t>>,
}

pub struct Block<'t> {
    /// The word after the opening fence.
    pub language: &'t str,
    /// The path in the comment of the first line; empty for a command.
    pub path: &'t str,
    pub content: &'t str,
}

impl Block<'_> {
    /// Whether the block can be run. `text` blocks and blocks with `,ignore` cannot.
    pub fn runs(&self) -> bool {
        ["rust", "toml", "sql", "sh"].contains(&self.language)
    }
}

impl Part<'_> {
    pub fn is_prose(&self) -> bool {
        !self.blocks.iter().any(Block::runs)
    }
}

/// The sections of a text, in their order.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let sections = text.split("\n## ").skip(1);
    sections.map(part).collect()
}

/// The section with this title.
pub fn find<'t>(text: &'t str, title: &str) -> Option<Part<'t>> {
    parts(text).into_iter().find(|part| part.title == title)
}

fn part(section: &str) -> Part<'_> {
    let (title, text) = section.split_once('\n').unwrap();
    let fenced = text.split("```").skip(1).step_by(2);
    let blocks: Vec<Block<'_>> = fenced.filter(|fenced| fenced.contains('\n')).map(block).collect();
    Part { title, blocks }
}

fn block(fenced: &str) -> Block<'_> {
    let (language, content) = fenced.split_once('\n').unwrap();
    let first = content.lines().next().unwrap_or_default();
    let markers = ["// ", "# ", "-- "];
    let path = markers.iter().find_map(|marker| first.strip_prefix(marker));
    Block {
        language,
        path: path.unwrap_or_default(),
        content,
    }
}

/// The file with the lines that examples leave out, if it is a Rust file.
pub fn completed(path: &str, text: &str) -> String {
    if Path::new(path)
        .extension()
        .is_none_or(|extension| extension != "rs")
    {
        return text.to_string();
    }
    if path.ends_with("lib.rs") {
        let modules = if text.contains("mod ") {
            ""
        } else {
            "pub mod schema;\n"
        };
        return format!("use table_registry::table_registry;\n{modules}{text}");
    }
    let has_import = text.contains("use table_registry") || path.ends_with("mod.rs");
    let import = if has_import {
        ""
    } else {
        "use table_registry::table;\n"
    };
    let lines = text.lines().map(|line| with_columns(line, text));
    format!("{import}{}", lines.collect::<String>())
}

/// A line of a struct, with the columns that the struct leaves out.
fn with_columns(line: &str, text: &str) -> String {
    let missing = COLUMNS
        .iter()
        .filter(|(name, _)| !text.contains(&format!("pub {name}:")));
    let fields = missing.map(|(name, r#type)| format!("    pub {name}: {type},\n"));
    match line
        .strip_suffix(';')
        .filter(|line| line.starts_with("pub struct "))
    {
        Some(head) => format!("{head} {{\n{}}}\n", fields.collect::<String>()),
        None if line.trim() == "// …" => fields.collect(),
        None => format!("{line}\n"),
    }
}
