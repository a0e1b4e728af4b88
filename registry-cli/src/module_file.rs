//! The `mod` lines of a file, and how to add and remove one without touching anything else.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{Expr, ExprLit, Ident, Lit, Meta};
use table_registry_engine::{flatten, outer_attributes, start_of_code};

use crate::failure::Failure;
use crate::nesting;

/// Says in a comment at the top of a file that its `mod` lines are kept by `sync`.
const GENERATED: &str = "@generated";

/// A file with `mod` lines, as far as they matter.
#[derive(Debug)]
pub struct ModuleFile {
    text: String,
    /// Where code begins: behind a byte order mark and a line for the shell.
    start: usize,
    items: Vec<Item>,
}

/// An item of the top level.
#[derive(Debug)]
struct Item {
    /// From its first doc comment or attribute to its end.
    range: Range<usize>,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    /// `#![…]`, `//!`.
    InnerAttribute,
    /// `use …;`, `extern crate …;`.
    Import,
    /// `mod name;`, with the visibility that is written, and its attributes.
    Module {
        name: String,
        visibility: String,
        attributes: String,
    },
    /// `mod name { … }`.
    InlineModule {
        name: String,
    },
    Other,
}

impl ModuleFile {
    /// Fails where the text cannot be tokenized.
    pub fn parse(path: &str, text: &str) -> Result<Self, Failure> {
        let start = start_of_code(text);
        let tokens = nesting::tokens(&text[start..]).map_err(|reason| {
            Failure::new(format!("`{path}` cannot be changed: it cannot be tokenized")).note(reason)
        })?;
        let mut items = items(tokens);
        for item in &mut items {
            item.range = item.range.start + start..item.range.end + start;
        }
        Ok(Self {
            text: text.to_string(),
            start,
            items,
        })
    }

    /// Whether a comment above the first item says that the file is generated.
    pub fn is_generated(text: &str) -> bool {
        let comments = text.trim_start_matches('\u{feff}').lines();
        let mut comments = comments.take_while(|line| line.is_empty() || line.starts_with("//"));
        comments.any(|line| line.contains(GENERATED))
    }

    /// Whether the file has a module of this name, in braces or not.
    pub fn declares(&self, module: &str) -> bool {
        self.items.iter().any(|item| match &item.what {
            What::Module { name, .. } | What::InlineModule { name } => name == module,
            _ => false,
        })
    }

    /// The modules that lie in files of their own, each with its attributes as text.
    pub fn modules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter_map(|item| match &item.what {
            What::Module { name, attributes, .. } => Some((name.as_str(), attributes.as_str())),
            _ => None,
        })
    }

    /// The text with a `mod` line more, in its sorted place, with the visibility of its neighbour.
    pub fn with_module(&self, module: &str) -> String {
        let before = self.items.iter().rfind(|item| match &item.what {
            What::Module { name, .. } => name.as_str() < module,
            _ => false,
        });
        let first = self
            .items
            .iter()
            .find(|item| matches!(item.what, What::Module { .. }));
        let visibility = self.visibility_beside(module);
        let line = format!("{visibility}mod {};", identifier(module));
        match (before, first) {
            (Some(before), _) => self.with_line_behind(before.range.end, &line),
            (None, Some(first)) => {
                self.with_text(self.start_of_line(first.range.start), &format!("{line}\n"))
            }
            (None, None) => self.with_block(&line),
        }
    }

    /// The visibility of the line before, or else of the first: of modules that are in every build, if there
    /// are any.
    fn visibility_beside(&self, module: &str) -> &str {
        let of = |with_conditional: bool| {
            let mut known = self.items.iter().filter_map(|item| match &item.what {
                What::Module {
                    name,
                    visibility,
                    attributes,
                } if with_conditional || !attributes.contains("cfg") => {
                    Some((name.as_str(), visibility.as_str()))
                }
                _ => None,
            });
            let first = known.next()?;
            let later = known.rfind(|(name, _)| *name < module);
            Some(later.unwrap_or(first).1)
        };
        of(false).or_else(|| of(true)).unwrap_or("pub ")
    }

    /// Whether a module has its content in the file, or a file of another name.
    pub fn hides(&self, module: &str) -> bool {
        self.items.iter().any(|item| match &item.what {
            What::InlineModule { name } => name == module,
            What::Module { name, attributes, .. } => name == module && path_attribute(attributes).is_some(),
            _ => false,
        })
    }

    /// The text without the `mod` line of a module and its attributes.
    pub fn without_module(&self, module: &str) -> String {
        let found = self.items.iter().find(|item| match &item.what {
            What::Module { name, .. } => name == module,
            _ => false,
        });
        let Some(item) = found else {
            return self.text.clone();
        };
        let start = self.start_of_line(item.range.start);
        let end = self.end_of_line(item.range.end);
        format!("{}{}", &self.text[..start], &self.text[end..])
    }

    /// The text with lines behind everything that has to stand at the top of a file, apart from
    /// what follows.
    pub fn with_block(&self, block: &str) -> String {
        let preamble = self.items.iter().rfind(|item| {
            matches!(
                item.what,
                What::InnerAttribute | What::Import | What::Module { .. }
            )
        });
        let Some(item) = preamble else {
            let at = self.end_of_leading_comments();
            let gap_above = if at > 0 && !self.text[..at].ends_with("\n\n") {
                "\n"
            } else {
                ""
            };
            let gap_below = if self.text[at..].trim().is_empty() {
                ""
            } else {
                "\n"
            };
            return self.with_text(at, &format!("{gap_above}{block}\n{gap_below}"));
        };
        let at = self.end_of_line(item.range.end);
        let line_break = if self.text[..at].ends_with('\n') { "" } else { "\n" };
        self.with_text(at, &format!("{line_break}\n{block}\n"))
    }

    fn with_line_behind(&self, place: usize, line: &str) -> String {
        let at = self.end_of_line(place);
        let line_break = if self.text[..at].ends_with('\n') { "" } else { "\n" };
        self.with_text(at, &format!("{line_break}{line}\n"))
    }

    fn with_text(&self, at: usize, text: &str) -> String {
        format!("{}{text}{}", &self.text[..at], &self.text[at..])
    }

    /// The start of the line, if nothing else stands there.
    fn start_of_line(&self, place: usize) -> usize {
        let start = self.text[..place].rfind('\n').map_or(0, |at| at + 1);
        if self.text[start..place].trim().is_empty() {
            start
        } else {
            place
        }
    }

    /// Behind the line break, if nothing but a comment stands there.
    fn end_of_line(&self, place: usize) -> usize {
        let end = self.text[place..]
            .find('\n')
            .map_or(self.text.len(), |at| place + at + 1);
        let rest = self.text[place..end].trim();
        if rest.is_empty() || rest.starts_with("//") {
            end
        } else {
            place
        }
    }

    /// Comments at the top, which are no tokens: a licence, `@generated`. Those with three slashes belong to
    /// the item below.
    fn end_of_leading_comments(&self) -> usize {
        let is_outer = |line: &str| line.starts_with("///") && !line.starts_with("////");
        let lines = self.text[self.start..].split_inclusive('\n');
        let comments =
            lines.take_while(|line| (line.starts_with("//") && !is_outer(line)) || line.trim().is_empty());
        self.start + comments.map(str::len).sum::<usize>()
    }
}

/// A module's name as it is written: `r#type`.
fn identifier(module: &str) -> String {
    match syn::parse_str::<Ident>(module) {
        Ok(_) if module != "gen" => module.to_string(),
        _ => format!("r#{module}"),
    }
}

/// Splits tokens into items: each ends with a `;` or with braces.
fn items(tokens: TokenStream) -> Vec<Item> {
    let mut items = Vec::new();
    let mut item: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let ends = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => {
                let is_inner = matches!(item.as_slice(), [TokenTree::Punct(pound), TokenTree::Punct(bang)]
                    if pound.as_char() == '#' && bang.as_char() == '!');
                // The braces of `use a::{b, c};` are followed by its semicolon.
                let is_body = group.delimiter() == Delimiter::Brace && !is_import(&item);
                is_inner || is_body
            }
            _ => false,
        };
        item.push(tree);
        if ends {
            items.extend(finished(&std::mem::take(&mut item)));
        }
    }
    items
}

fn finished(trees: &[TokenTree]) -> Option<Item> {
    let (first, last) = (trees.first()?, trees.last()?);
    let range = first.span().byte_range().start..last.span().byte_range().end;
    let what = if is_inner_attribute(trees) {
        What::InnerAttribute
    } else if is_import(trees) {
        What::Import
    } else {
        module(trees).unwrap_or(What::Other)
    };
    Some(Item { range, what })
}

fn is_inner_attribute(trees: &[TokenTree]) -> bool {
    matches!(trees, [_, TokenTree::Punct(bang), TokenTree::Group(_)] if bang.as_char() == '!')
}

fn is_import(trees: &[TokenTree]) -> bool {
    let first = without_attributes(trees).iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) if ident != "pub" => Some(ident),
        _ => None,
    });
    first.is_some_and(|word| word == "use")
        || matches!(without_attributes(trees), [TokenTree::Ident(word), TokenTree::Ident(krate), ..]
            if word == "extern" && krate == "crate")
}

/// The tokens of an item behind its outer attributes.
fn without_attributes(mut trees: &[TokenTree]) -> &[TokenTree] {
    while let [TokenTree::Punct(pound), TokenTree::Group(_), rest @ ..] = trees {
        if pound.as_char() != '#' {
            break;
        }
        trees = rest;
    }
    trees
}

fn module(all: &[TokenTree]) -> Option<What> {
    let trees = without_attributes(all);
    let attributes = &all[..all.len() - trees.len()];
    let at = trees
        .iter()
        .position(|tree| matches!(tree, TokenTree::Ident(word) if word == "mod"))?;
    let (visibility, rest) = trees.split_at(at);
    let [_, TokenTree::Ident(name), end] = rest else {
        return None;
    };
    let name = syn::ext::IdentExt::unraw(name).to_string();
    Some(match end {
        TokenTree::Punct(_) => What::Module {
            name,
            visibility: written(visibility),
            attributes: text(attributes),
        },
        _ => What::InlineModule { name },
    })
}

/// The value of `#[path = "…"]`, also inside `cfg_attr`.
pub fn path_attribute(attributes: &str) -> Option<String> {
    let attributes = outer_attributes.parse_str(attributes).ok()?;
    flatten(attributes).into_iter().find_map(|flat| match flat.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path), ..
            }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// `pub `, `pub(crate) `, or nothing.
fn written(visibility: &[TokenTree]) -> String {
    let text = text(visibility).replace("pub (", "pub(");
    if text.is_empty() { text } else { text + " " }
}

fn text(trees: &[TokenTree]) -> String {
    trees.iter().cloned().collect::<TokenStream>().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ModuleFile {
        ModuleFile::parse("mod.rs", text).unwrap()
    }

    #[test]
    fn a_line_is_added_in_its_sorted_place() {
        for (before, after) in [
            ("", "pub mod m;\n"),
            ("pub mod a;\npub mod z;\n", "pub mod a;\npub mod m;\npub mod z;\n"),
            ("mod a;", "mod a;\nmod m;\n"),
            ("pub(crate) mod z;\n", "pub(crate) mod m;\npub(crate) mod z;\n"),
            (
                "//! Doc.\n#![allow(x)]\n\nuse a::{b, c};\n\n/// Z.\n#[cfg(z)]\nmod z;\nstruct S;\n",
                "//! Doc.\n#![allow(x)]\n\nuse a::{b, c};\n\nmod m;\n/// Z.\n#[cfg(z)]\nmod z;\nstruct S;\n",
            ),
            ("mod a; // first\nmod z;\n", "mod a; // first\nmod m;\nmod z;\n"),
            ("//! Doc.\n\nstruct S;\n", "//! Doc.\n\npub mod m;\n\nstruct S;\n"),
            (
                "use a::B;\n\nstruct S;\n",
                "use a::B;\n\npub mod m;\n\nstruct S;\n",
            ),
            (
                "/// Doc of f.\nfn f() {}\n",
                "pub mod m;\n\n/// Doc of f.\nfn f() {}\n",
            ),
            (
                "#!/usr/bin/env x\nfn f() {}\n",
                "#!/usr/bin/env x\n\npub mod m;\n\nfn f() {}\n",
            ),
            (
                "pub mod a;\n#[cfg(test)]\nmod b;\npub mod z;\n",
                "pub mod a;\n#[cfg(test)]\nmod b;\npub mod m;\npub mod z;\n",
            ),
            ("// @generated\n", "// @generated\n\npub mod m;\n"),
            (
                "// Licence.\n\nfn f() {}\n",
                "// Licence.\n\npub mod m;\n\nfn f() {}\n",
            ),
            (
                "mod z { mod a; }\nfn f() {}\n",
                "pub mod m;\n\nmod z { mod a; }\nfn f() {}\n",
            ),
            ("mod a; mod z;\n", "mod a;\nmod m;\n mod z;\n"),
            ("mod a; /* more\n */\n", "mod a;\nmod m;\n /* more\n */\n"),
            ("\u{feff}mod a;\n", "\u{feff}mod a;\nmod m;\n"),
            (
                "extern crate alloc;\n/* c */ mod b;\nmod r#type;\n",
                "extern crate alloc;\n/* c */ mod b;\nmod m;\nmod r#type;\n",
            ),
        ] {
            let text = file(before).with_module("m");
            assert_eq!(text, after);
            assert!(file(&text).declares("m"));
        }
        assert_eq!(file("").with_module("type"), "pub mod r#type;\n");
    }

    #[test]
    fn a_line_is_removed_with_its_attributes() {
        let text = "mod a;\n/// M.\n#[cfg(\n    m\n)]\npub mod m; // m\nmod z;\n";
        assert_eq!(file(text).without_module("m"), "mod a;\nmod z;\n");
        assert_eq!(file(text).without_module("x"), text);
        assert_eq!(file("mod a; mod m; mod z;").without_module("m"), "mod a;  mod z;");
    }

    #[test]
    fn modules_of_the_top_level() {
        let file = file("mod a; mod b { mod c; } fn f() { mod d {} } pub(in crate::x) mod r#e;");
        assert_eq!(
            file.modules().map(|(name, _)| name).collect::<Vec<_>>(),
            ["a", "e"]
        );
        assert!(file.declares("b") && !file.declares("c") && !file.declares("d"));
    }

    #[test]
    fn the_mark_of_a_generated_file_is_a_comment_at_the_top() {
        assert!(ModuleFile::is_generated("// @generated by x\nmod a;"));
        assert!(ModuleFile::is_generated("//! Doc.\n//!\n//! @generated\n"));
        assert!(!ModuleFile::is_generated("mod a;\n// @generated\n"));
        assert!(!ModuleFile::is_generated("const A: &str = \"@generated\";"));
    }

    #[test]
    fn a_path_is_one_of_an_attribute() {
        assert_eq!(
            path_attribute("/// The path = \"a\".\n#[path = \"odd name.rs\"]").as_deref(),
            Some("odd name.rs")
        );
        assert_eq!(
            path_attribute("#[cfg_attr(x, path = \"b.rs\")]").as_deref(),
            Some("b.rs")
        );
        assert_eq!(path_attribute("/// The path.\n"), None);
        let file = file("mod a { } #[path = \"x.rs\"] mod b; mod c;");
        assert!(file.hides("a") && file.hides("b") && !file.hides("c"));
    }

    #[test]
    fn what_is_no_rust_is_a_failure() {
        assert!(ModuleFile::parse("mod.rs", "mod a; }").is_err());
    }
}
