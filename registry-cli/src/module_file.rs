//! Edits of `mod` lines: adding and removing one without touching anything else in the file.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use table_registry_engine::{path_attributes, raw_where_needed, start_of_code, without_mark};

use crate::failure::Failure;

/// In a comment at the top of a file, this mark lets `sync` update the `mod` lines.
const GENERATED: &str = "@generated";

/// A file with `mod` lines, split into its top-level items.
#[derive(Debug)]
pub struct ModuleFile {
    text: String,
    /// The start of the code, after a byte order mark and a shebang line.
    start: usize,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    /// From the first doc comment or attribute to the end.
    range: Range<usize>,
    kind: ItemKind,
}

#[derive(Debug, PartialEq)]
enum ItemKind {
    /// `#![…]`, `//!`.
    InnerAttribute,
    /// `use …;`, `extern crate …;`.
    Import,
    Module(OutlinedModule),
    /// `mod name { … }`.
    InlineModule {
        name: String,
    },
    Other,
}

/// `mod name;`.
#[derive(Debug, PartialEq)]
pub struct OutlinedModule {
    pub name: String,
    /// The text in front of `mod`: `pub `, for example, or nothing.
    visibility: String,
    /// The attributes as source text.
    attributes: String,
}

impl OutlinedModule {
    /// The values of `#[path = "…"]`: there can be several within `cfg_attr`s.
    pub fn paths(&self) -> Vec<String> {
        let attributes = path_attributes(&self.attributes).into_iter();
        attributes.map(|attribute| attribute.path).collect()
    }

    fn may_be_conditional(&self) -> bool {
        self.attributes.contains("cfg")
    }
}

impl ModuleFile {
    /// Splits a text into items. Fails if it cannot be tokenized.
    pub fn parse(path: &str, text: &str) -> Result<Self, Failure> {
        let start = start_of_code(text);
        let code = &text[start..];
        let tokens: TokenStream = code.parse().map_err(|error: proc_macro2::LexError| {
            Failure::new(format!("`{path}` cannot be changed: it cannot be tokenized")).note(error)
        })?;
        let items = items(code, tokens).into_iter().map(|item| Item {
            range: item.range.start + start..item.range.end + start,
            ..item
        });
        Ok(Self {
            text: text.to_string(),
            start,
            items: items.collect(),
        })
    }

    /// Whether a comment above the first item says that the file is generated.
    pub fn is_generated(text: &str) -> bool {
        let lines = without_mark(text).lines();
        let mut comments = lines.take_while(|line| line.is_empty() || line.starts_with("//"));
        comments.any(|line| line.contains(GENERATED))
    }

    /// Whether the file has a module of this name, inline or not.
    pub fn declares(&self, module: &str) -> bool {
        self.items.iter().any(|item| match &item.kind {
            ItemKind::Module(OutlinedModule { name, .. }) | ItemKind::InlineModule { name } => name == module,
            _ => false,
        })
    }

    /// The modules that are not inline.
    pub fn modules(&self) -> impl DoubleEndedIterator<Item = &OutlinedModule> {
        self.module_items().map(|(_, module)| module)
    }

    fn module_items(&self) -> impl DoubleEndedIterator<Item = (&Item, &OutlinedModule)> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Module(module) => Some((item, module)),
            _ => None,
        })
    }

    /// The text with a new `mod` line, in its sorted place, with the visibility of its neighbour.
    pub fn with_module(&self, name: &str) -> String {
        let before = self.module_items().rfind(|(_, module)| *module.name < *name);
        let first = self.module_items().next();
        let line = format!("{}mod {};", self.visibility_beside(name), raw_where_needed(name));
        match (before, first) {
            (Some((before, _)), _) => self.with_line_after(before.range.end, &line),
            (None, Some((first, _))) => {
                self.with_text(self.start_of_line(first.range.start), &format!("{line}\n"))
            }
            (None, None) => self.with_block(&line),
        }
    }

    /// The visibility of the previous module, or else of the first one. Modules under `cfg` count only if there are
    /// no others.
    fn visibility_beside(&self, name: &str) -> &str {
        let (conditional, unconditional): (Vec<_>, Vec<_>) =
            self.modules().partition(|module| module.may_be_conditional());
        let known = if unconditional.is_empty() {
            conditional
        } else {
            unconditional
        };
        let before = known.iter().rfind(|module| *module.name < *name);
        let neighbour = before.or(known.first());
        neighbour.map_or("pub ", |module| &module.visibility)
    }

    /// Whether the file has a module whose content is not in a file named after it, because the module is inline or
    /// has a `path` attribute.
    pub fn keeps_elsewhere(&self, module: &str) -> bool {
        self.items.iter().any(|item| match &item.kind {
            ItemKind::InlineModule { name } => name == module,
            ItemKind::Module(outlined) => outlined.name == module && !outlined.paths().is_empty(),
            _ => false,
        })
    }

    /// The text without the `mod` line and the attributes of a module.
    pub fn without_module(&self, name: &str) -> String {
        let Some((item, _)) = self.module_items().find(|(_, module)| module.name == name) else {
            return self.text.clone();
        };
        let start = self.start_of_line(item.range.start);
        let end = self.end_of_line(item.range.end);
        format!("{}{}", &self.text[..start], &self.text[end..])
    }

    /// The text with more lines, between empty lines, after the attributes, imports and `mod` lines at the top.
    pub fn with_block(&self, block: &str) -> String {
        let preamble = self.items.iter().rfind(|item| {
            matches!(
                item.kind,
                ItemKind::InnerAttribute | ItemKind::Import | ItemKind::Module(_)
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

    fn with_line_after(&self, place: usize, line: &str) -> String {
        let at = self.end_of_line(place);
        let line_break = if self.text[..at].ends_with('\n') { "" } else { "\n" };
        self.with_text(at, &format!("{line_break}{line}\n"))
    }

    fn with_text(&self, at: usize, text: &str) -> String {
        format!("{}{text}{}", &self.text[..at], &self.text[at..])
    }

    /// The start of the line if this place has nothing before it in its line, or else the place.
    fn start_of_line(&self, place: usize) -> usize {
        let start = self.text[..place].rfind('\n').map_or(0, |at| at + 1);
        if self.text[start..place].trim().is_empty() {
            start
        } else {
            place
        }
    }

    /// The start of the next line if only a comment follows this place in its line, or else the place.
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

    /// The end of the comments at the top, such as a licence or `@generated`. Comments with three slashes belong to
    /// the item below.
    fn end_of_leading_comments(&self) -> usize {
        let is_outer = |line: &str| line.starts_with("///") && !line.starts_with("////");
        let lines = self.text[self.start..].split_inclusive('\n');
        let comments =
            lines.take_while(|line| (line.starts_with("//") && !is_outer(line)) || line.trim().is_empty());
        self.start + comments.map(str::len).sum::<usize>()
    }
}

/// Splits tokens into items: each ends with a `;` or with braces.
fn items(code: &str, tokens: TokenStream) -> Vec<Item> {
    let mut items = Vec::new();
    let mut trees: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let ends = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => {
                let is_inner = matches!(trees.as_slice(), [TokenTree::Punct(pound), TokenTree::Punct(bang)]
                    if pound.as_char() == '#' && bang.as_char() == '!');
                // `use a::{b, c};` ends at its semicolon, not at its braces.
                let is_body = group.delimiter() == Delimiter::Brace && !is_import(&trees);
                is_inner || is_body
            }
            _ => false,
        };
        trees.push(tree);
        if ends {
            items.extend(item(code, &std::mem::take(&mut trees)));
        }
    }
    items
}

fn item(code: &str, trees: &[TokenTree]) -> Option<Item> {
    let kind = if is_inner_attribute(trees) {
        ItemKind::InnerAttribute
    } else if is_import(trees) {
        ItemKind::Import
    } else {
        module(code, trees).unwrap_or(ItemKind::Other)
    };
    let range = range(trees)?;
    Some(Item { range, kind })
}

fn range(trees: &[TokenTree]) -> Option<Range<usize>> {
    let (first, last) = (trees.first()?, trees.last()?);
    Some(first.span().byte_range().start..last.span().byte_range().end)
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

/// The tokens of an item after its outer attributes.
fn without_attributes(mut trees: &[TokenTree]) -> &[TokenTree] {
    while let [TokenTree::Punct(pound), TokenTree::Group(_), rest @ ..] = trees {
        if pound.as_char() != '#' {
            break;
        }
        trees = rest;
    }
    trees
}

fn module(code: &str, all: &[TokenTree]) -> Option<ItemKind> {
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
        TokenTree::Punct(_) => ItemKind::Module(OutlinedModule {
            name,
            visibility: match text(code, visibility) {
                "" => String::new(),
                visibility => format!("{visibility} "),
            },
            attributes: text(code, attributes).to_string(),
        }),
        _ => ItemKind::InlineModule { name },
    })
}

fn text<'c>(code: &'c str, trees: &[TokenTree]) -> &'c str {
    range(trees).map_or("", |range| &code[range])
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
        let names: Vec<&str> = file.modules().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["a", "e"]);
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
    fn modules_without_a_file_of_their_name() {
        let file = file("mod a { } /// The path.\n#[path = \"x.rs\"] mod b; /// path = \"y.rs\"\nmod c;");
        let paths: Vec<_> = file.modules().map(OutlinedModule::paths).collect();
        assert_eq!(paths, [vec!["x.rs".to_string()], vec![]]);
        assert!(file.keeps_elsewhere("a") && file.keeps_elsewhere("b") && !file.keeps_elsewhere("c"));
    }

    #[test]
    fn attributes_may_nest_deeply() {
        let text = format!("#[a{}b{}] mod m;", "(".repeat(10_000), ")".repeat(10_000));
        assert!(file(&text).declares("m"));
    }

    #[test]
    fn a_text_that_is_not_rust_is_refused() {
        assert!(ModuleFile::parse("mod.rs", "mod a; }").is_err());
    }
}
