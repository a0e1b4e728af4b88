//! Crates to measure: the ERP example, and many copies of its files under other names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The dependencies of the ERP example for its column types, and `serde`.
const COLUMN_TYPES: &str = r#"chrono = { version = "0.4", default-features = false, features = ["serde"] }
rust_decimal = { version = "1", default-features = false, features = ["serde"] }
serde = { version = "1", features = ["derive"] }
serde_json = { version = "1", default-features = false, features = ["alloc"] }
uuid = { version = "1", default-features = false, features = ["serde"] }
"#;

pub fn repository() -> PathBuf {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    benches
        .parent()
        .expect("the benches lie in the repository")
        .to_path_buf()
}

/// The directory of a crate to measure.
fn place(name: &str) -> PathBuf {
    repository().join("target/benches").join(name)
}

/// The target directory that all crates share.
pub fn target() -> PathBuf {
    place("target")
}

/// Whether a crate declares its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Macros {
    With,
    Without,
}

/// One file of a schema: the module's name and the text.
pub struct File {
    pub module: String,
    pub text: String,
}

/// The files of the ERP example.
pub fn erp() -> Vec<File> {
    let schema = repository().join("examples/erp/src/schema");
    let entries = fs::read_dir(schema).expect("the ERP example is there");
    let mut files: Vec<File> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "mod"))
        .map(|path| File {
            module: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            text: fs::read_to_string(&path).expect("a readable file"),
        })
        .collect();
    files.sort_by(|one, other| one.module.cmp(&other.module));
    files
}

/// A number of tables, one per file: files of the ERP example, with a number after each struct's name.
pub fn synthetic(tables: usize) -> Vec<File> {
    let originals: Vec<File> = erp()
        .into_iter()
        .filter(|file| file.text.matches("#[table").count() == 1)
        .collect();
    let files = (0..tables).map(|number| {
        let file = &originals[number % originals.len()];
        File {
            module: format!("{}_{number}", file.module),
            text: with_parent_of_first_copy(&numbered(&file.text, number), &originals),
        }
    });
    files.collect()
}

/// Every copy of a child refers to the first copy of its parent, whose number is its position among the originals.
fn with_parent_of_first_copy(text: &str, originals: &[File]) -> String {
    let Some((before, rest)) = text.split_once("-> ") else {
        return text.to_string();
    };
    let (parent, after) = rest.split_once(')').expect("`through` has brackets");
    let number = originals.iter().position(|file| file.module == parent);
    let number = number.expect("a parent has a file of its own");
    format!("{before}-> {parent}{number}){after}")
}

fn numbered(text: &str, number: usize) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix("pub struct ") {
        Some(rest) => {
            let end = rest.find([' ', '{', ';', '(']).expect("a struct has a body");
            format!("pub struct {}{number}{}\n", &rest[..end], &rest[end..])
        }
        // The name of the table must follow from the struct's, so that copies do not share it.
        None if line.starts_with("#[table(name") || line.contains(", name =") => "#[table]\n".to_string(),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Writes a library crate with these files as its schema, and returns its directory.
pub fn with_schema(name: &str, files: &[File], macros: Macros) -> PathBuf {
    let facade = format!("table-registry = {{ path = \"{}\" }}\n", repository().display());
    let directory = library(name, &format!("{COLUMN_TYPES}{facade}"), &root(macros));
    let mut modules = String::new();
    let schema = directory.join("src/schema");
    fs::create_dir_all(&schema).expect("a new directory");
    for file in files {
        writeln!(modules, "pub mod {};", file.module).expect("a string takes every text");
        let text = match macros {
            Macros::With => file.text.clone(),
            Macros::Without => without_macros(&file.text),
        };
        write(&schema.join(format!("{}.rs", file.module)), &text);
    }
    write(&schema.join("mod.rs"), &modules);
    write(&directory.join("table-registry.toml"), "");
    write(&directory.join("revoke.toml"), "update_delete = []\n");
    directory
}

fn root(macros: Macros) -> String {
    let call = match macros {
        Macros::With => "\ntable_registry::table_registry!(\"schema/\");\n",
        Macros::Without => "",
    };
    format!("#![allow(missing_docs)]\npub mod schema;\n{call}")
}

pub fn without_macros(text: &str) -> String {
    let is_kept = |line: &&str| !line.starts_with("#[table") && *line != "use table_registry::table;";
    let kept: Vec<&str> = text.lines().filter(is_kept).collect();
    kept.join("\n") + "\n"
}

/// Writes a library crate that is its own workspace.
pub fn library(name: &str, dependencies: &str, root: &str) -> PathBuf {
    let directory = place(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("src")).expect("a new directory");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}"
    );
    write(&directory.join("Cargo.toml"), &manifest);
    write(&directory.join("src/lib.rs"), root);
    directory
}

pub fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a new file");
}
