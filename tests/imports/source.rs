//! The imports and definitions of one Rust file, read from its tokens. Code under `#[cfg(test)]` does not count.

use std::collections::{BTreeMap, BTreeSet};

/// A path such as `crate::text::Root`, in segments.
pub type Path = Vec<String>;

#[derive(Default)]
pub struct SourceFile {
    /// The names that `use` brings into scope, and the path that each stands for.
    pub imports: BTreeMap<String, Path>,
    /// The paths in front of `::*`.
    pub globs: Vec<Path>,
    /// Every path of two or more segments outside of `use`.
    pub paths: Vec<Path>,
    /// The words outside of `use`. An imported name that is not among them is only re-exported.
    pub words: BTreeSet<String>,
    /// The names that the file defines.
    pub definitions: BTreeSet<String>,
}

impl SourceFile {
    pub fn read(text: &str) -> Self {
        let mut file = Self::default();
        let tokens = tokens(text);
        let mut rest = tokens.as_slice();
        while let [first, ..] = rest {
            rest = match first.as_str() {
                "#" if rest.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_string)) => {
                    behind_item(&rest[7..])
                }
                "use" => {
                    let end = position(rest, ";");
                    file.read_use(&rest[1..end]);
                    &rest[end..]
                }
                _ => file.read_code(rest),
            };
        }
        file
    }

    fn read_use(&mut self, tree: &[String]) {
        let mut prefixes: Vec<Path> = Vec::new();
        let mut path = Path::new();
        let mut tokens = tree.iter();
        while let Some(token) = tokens.next() {
            match token.as_str() {
                "::" => {}
                "{" => prefixes.push(path.clone()),
                "," | "}" => {
                    self.add_import(&path, None);
                    path = prefixes.last().cloned().unwrap_or_default();
                    if token == "}" {
                        prefixes.pop();
                        // A comma or the end follows.
                        path.clear();
                    }
                }
                "as" => {
                    self.add_import(&path, tokens.next());
                    path.clear();
                }
                segment => {
                    if path.is_empty() {
                        path = prefixes.last().cloned().unwrap_or_default();
                    }
                    path.push(segment.to_string());
                }
            }
        }
        self.add_import(&path, None);
    }

    fn add_import(&mut self, written: &Path, alias: Option<&String>) {
        let mut path = written.clone();
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        match path.last().cloned() {
            Some(last) if last == "*" => {
                path.pop();
                self.globs.push(path);
            }
            Some(last) => _ = self.imports.insert(alias.cloned().unwrap_or(last), path),
            None => {}
        }
    }

    fn read_code<'t>(&mut self, code: &'t [String]) -> &'t [String] {
        let mut path = vec![code[0].clone()];
        let mut length = 1;
        while let Some([colons, next]) = code.get(length..length + 2)
            && colons == "::"
            && is_word(&path[0])
            && is_word(next)
        {
            path.push(next.clone());
            length += 2;
        }
        if let [keyword, name, ..] = code
            && DEFINING.contains(&keyword.as_str())
        {
            self.definitions.insert(name.clone());
        }
        self.words.insert(path[0].clone());
        if path.len() > 1 {
            self.paths.push(path);
        }
        &code[length..]
    }
}

/// The tokens after an item, which ends with a semicolon or with braces.
fn behind_item(item: &[String]) -> &[String] {
    let semicolon = position(item, ";");
    let body = position(item, "{");
    let is_import = item[..semicolon.min(body)].iter().any(|token| token == "use");
    if semicolon < body || is_import {
        &item[semicolon..]
    } else {
        &item[body + length_of_group(&item[body..])..]
    }
}

const DEFINING: &[&str] = &[
    "fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod",
];

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The position of the first such token, or the end.
fn position(tokens: &[String], wanted: &str) -> usize {
    let found = tokens.iter().position(|token| token == wanted);
    found.unwrap_or(tokens.len())
}

/// The number of tokens from an opening brace to the one that closes it.
fn length_of_group(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (position, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    tokens.len()
}

/// The tokens of a text: words, `::`, and every other character on its own, without comments, strings, character
/// literals and the quotes of lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => length_of_string(rest),
            '\'' => length_of_character(rest),
            _ if is_word(rest) => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(length);
                match (word, behind.trim_start_matches('#').starts_with('"')) {
                    ("r" | "br" | "cr", true) => length + length_of_raw_string(behind),
                    ("r", false) if behind.starts_with('#') => length + 1,
                    _ => {
                        tokens.push(word.to_string());
                        length
                    }
                }
            }
            _ if rest.starts_with("::") => {
                tokens.push("::".to_string());
                2
            }
            other => {
                if !other.is_whitespace() {
                    tokens.push(other.to_string());
                }
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

fn length_of_string(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

fn length_of_raw_string(text: &str) -> usize {
    let hashes = &text[..text.find('"').unwrap_or_default()];
    let end = format!("\"{hashes}");
    let start = hashes.len() + 1;
    let content = text[start..].find(&end).unwrap_or_default();
    start + content + end.len()
}

/// The length of a literal such as `'x'` or `'\n'`, or of the quote that starts a lifetime.
fn length_of_character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let start = at + escaped.len_utf8();
            start + text[start..].find('\'').unwrap_or_default() + 1
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
