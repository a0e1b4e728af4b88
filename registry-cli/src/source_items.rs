//! Finds the definitions of types in the files of a crate, and the imports around them.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::DeriveInput;
use table_registry_engine::{Source, nests_too_deeply, start_of_code};

use crate::imports::{Import, imports};
use crate::nesting::{self, AngleBracket};

/// The files of a crate. Each is tokenized at most once, and only if a type is looked for in it.
#[derive(Default)]
pub struct SourceItems {
    files: BTreeMap<String, File>,
    words: OnceCell<Words>,
}

/// The words of all files, so that only a file that can have an item is tokenized.
#[derive(Default)]
struct Words {
    /// The files in which a word stands after `struct`, `enum` or `type`.
    defined: HashMap<String, BTreeSet<String>>,
    /// The files with implementations in which a word stands.
    in_impls: HashMap<String, BTreeSet<String>>,
}

struct File {
    source: Arc<Source>,
    /// `None` if it cannot be tokenized.
    trees: OnceCell<Option<Vec<TokenTree>>>,
    items: OnceCell<Items>,
}

/// What is at the top level of a file and of its inline modules.
#[derive(Default)]
struct Items {
    types: BTreeMap<String, Vec<Definition>>,
    impls: Vec<TokenStream>,
}

/// The definition of a struct, an enum or a type alias.
#[derive(Clone)]
pub struct Definition {
    pub tokens: TokenStream,
    pub scope: Scope,
}

/// A place in a file, from which names are looked up.
#[derive(Clone)]
pub struct Scope {
    pub path: String,
    /// The brackets around the place, outermost first: the bytes before them, and their content.
    around: Vec<(usize, TokenStream)>,
}

/// Why an item cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Invalid,
    TooDeep,
}

impl SourceItems {
    pub fn new<'s>(sources: impl IntoIterator<Item = &'s Arc<Source>>) -> Self {
        let file = |source: &Arc<Source>| File {
            source: Arc::clone(source),
            trees: OnceCell::new(),
            items: OnceCell::new(),
        };
        let files = sources.into_iter();
        Self {
            files: files.map(|source| (source.path.clone(), file(source))).collect(),
            words: OnceCell::new(),
        }
    }

    fn words(&self) -> &Words {
        self.words.get_or_init(|| {
            let mut all = Words::default();
            for (path, file) in &self.files {
                all.add(path, &file.source.text);
            }
            all
        })
    }

    fn files_of<'s>(&'s self, paths: Option<&'s BTreeSet<String>>) -> impl Iterator<Item = &'s File> {
        let paths = paths.into_iter().flatten();
        paths.filter_map(|path| self.files.get(path))
    }

    /// The struct whose name is at these bytes of a file. It may be in a module, in a function, or in the arguments of a
    /// macro.
    pub fn struct_at(&self, path: &str, name: &Range<usize>) -> Result<(DeriveInput, Scope), Unreadable> {
        let file = self.files.get(path).ok_or(Unreadable::Invalid)?;
        let start = start_of_code(&file.source.text);
        let trees = file.trees().ok_or(Unreadable::Invalid)?;
        let mut scope = Scope {
            path: path.to_string(),
            around: Vec::new(),
        };
        let item = item_named_at(trees, &(name.start - start..name.end - start), &mut scope);
        let tokens = item.ok_or(Unreadable::Invalid)?;
        if is_too_deep(&tokens) {
            return Err(Unreadable::TooDeep);
        }
        let item = syn::parse2(tokens).map_err(|_| Unreadable::Invalid)?;
        Ok((item, scope))
    }

    /// The definitions that a name may stand for in a scope: those in the module that a path or an import names, or else
    /// the nearest ones.
    pub fn types(&self, name: &str, module: Option<&str>, scope: &Scope) -> Vec<&Definition> {
        let files = self.files_of(self.words().defined.get(name));
        let found: Vec<&Definition> = files
            .filter_map(|file| file.items().types.get(name))
            .flatten()
            .collect();
        let those = |is_meant: &dyn Fn(&Scope) -> bool| -> Option<Vec<&Definition>> {
            let meant = found.iter().copied().filter(|one| is_meant(&one.scope));
            Some(meant.collect()).filter(|meant: &Vec<_>| !meant.is_empty())
        };
        let is_same_file = |other: &Scope| other.path == scope.path;
        module
            .and_then(|module| those(&|other| other.is_in(module)))
            .or_else(|| those(&|other| is_same_file(other) && other.module() == scope.module()))
            .or_else(|| those(&is_same_file))
            .unwrap_or(found)
    }

    /// The headers of the implementations that may be for a type of this name: `impl Type<Postgres> for Mood`.
    pub fn impls(&self, name: &str) -> impl Iterator<Item = &TokenStream> {
        let files = self.files_of(self.words().in_impls.get(name));
        files.flat_map(|file| &file.items().impls)
    }

    /// The imports that apply to a scope, innermost first.
    pub fn imports(&self, scope: &Scope) -> Vec<Import> {
        let inner = scope.around.iter().rev().map(|(_, tokens)| tokens.clone());
        let of_file = self.files.get(&scope.path).and_then(File::trees);
        let outermost = of_file.map(|trees| trees.iter().cloned().collect());
        inner.chain(outermost).flat_map(imports).collect()
    }
}

impl Scope {
    /// Whether the file belongs to a module of this name.
    fn is_in(&self, module: &str) -> bool {
        let names = self.path.trim_end_matches(".rs").split('/');
        names.into_iter().any(|name| name == module)
    }

    fn module(&self) -> Vec<usize> {
        self.around.iter().map(|(start, _)| *start).collect()
    }

    fn within(&self, group: &proc_macro2::Group) -> Self {
        let inner = (group.span_open().byte_range().start, group.stream());
        Self {
            path: self.path.clone(),
            around: self.around.iter().cloned().chain([inner]).collect(),
        }
    }
}

impl Words {
    fn add(&mut self, path: &str, text: &str) {
        let has_impls = text.contains("impl");
        let mut is_defined = false;
        for word in text.split(|c: char| c != '_' && !c.is_alphanumeric()) {
            match word {
                "struct" | "enum" | "type" => is_defined = true,
                // Spaces, and the start of a raw identifier.
                "" | "r" => {}
                _ => {
                    if std::mem::take(&mut is_defined) {
                        insert(&mut self.defined, word, path);
                    }
                    if has_impls {
                        insert(&mut self.in_impls, word, path);
                    }
                }
            }
        }
    }
}

fn insert(files: &mut HashMap<String, BTreeSet<String>>, word: &str, path: &str) {
    // Copies a text only if it is new.
    let paths = match files.get_mut(word) {
        Some(paths) => paths,
        None => files.entry(word.to_string()).or_default(),
    };
    if !paths.contains(path) {
        paths.insert(path.to_string());
    }
}

impl File {
    fn trees(&self) -> Option<&[TokenTree]> {
        let read = || {
            let text = &self.source.text;
            let tokens = text[start_of_code(text)..].parse::<TokenStream>().ok()?;
            Some(tokens.into_iter().collect())
        };
        self.trees.get_or_init(read).as_deref()
    }

    fn items(&self) -> &Items {
        self.items.get_or_init(|| {
            let mut items = Items::default();
            let scope = Scope {
                path: self.source.path.clone(),
                around: Vec::new(),
            };
            let mut open = vec![(self.trees().unwrap_or_default().to_vec(), scope)];
            while let Some((trees, scope)) = open.pop() {
                items.add(&trees, &scope, &mut open);
            }
            items
        })
    }
}

impl Items {
    /// Adds the items of one level. Modules, and the arguments of macros where an item may stand, are levels of their
    /// own, except for those with tests.
    fn add(&mut self, trees: &[TokenTree], scope: &Scope, open: &mut Vec<(Vec<TokenTree>, Scope)>) {
        let mut at = 0;
        while at < trees.len() {
            let next = match (&trees[at], trees.get(at + 1), trees.get(at + 2)) {
                (TokenTree::Ident(word), Some(TokenTree::Ident(_)), Some(TokenTree::Group(body)))
                    if word == "mod" =>
                {
                    if !is_for_tests(&trees[start_of_item(&trees[..=at])..at]) && !is_deep(scope) {
                        open.push((body.stream().into_iter().collect(), scope.within(body)));
                    }
                    Some(at + 2)
                }
                (TokenTree::Punct(bang), Some(TokenTree::Group(input)), _) if bang.as_char() == '!' => {
                    if !is_deep(scope) {
                        open.push((input.stream().into_iter().collect(), scope.within(input)));
                    }
                    Some(at + 1)
                }
                (TokenTree::Ident(word), Some(TokenTree::Ident(name)), _)
                    if word == "struct" || word == "enum" || word == "type" =>
                {
                    let end = if word == "type" {
                        (at..trees.len()).find(|&end| is_semicolon(&trees[end]))
                    } else {
                        end_of_item(trees, at + 1)
                    };
                    if let Some(end) = end {
                        let tokens = trees[start_of_item(&trees[..=at])..=end]
                            .iter()
                            .cloned()
                            .collect();
                        let name = name.to_string().trim_start_matches("r#").to_string();
                        let scope = scope.clone();
                        self.types
                            .entry(name)
                            .or_default()
                            .push(Definition { tokens, scope });
                    }
                    end
                }
                (TokenTree::Ident(word), ..) if word == "impl" || word == "trait" => {
                    let end = end_of_item(trees, at);
                    if let Some(end) = end
                        && word == "impl"
                    {
                        self.impls.push(trees[at..end].iter().cloned().collect());
                    }
                    end
                }
                _ => None,
            };
            at = next.unwrap_or(at) + 1;
        }
    }
}

/// Modules of code that people write do not nest more deeply.
fn is_deep(scope: &Scope) -> bool {
    scope.around.len() > 16
}

fn is_for_tests(attributes: &[TokenTree]) -> bool {
    attributes.iter().any(|tree| {
        let text = tree.to_string().replace(' ', "");
        text.contains("cfg(test)")
    })
}

pub fn is_too_deep(tokens: &TokenStream) -> bool {
    nests_too_deeply(tokens) || nesting::has_deep_brackets(tokens)
}

/// The item whose name is at this place, from its first attribute to its body.
fn item_named_at(trees: &[TokenTree], name: &Range<usize>, scope: &mut Scope) -> Option<TokenStream> {
    let mut trees = Cow::Borrowed(trees);
    loop {
        let at = trees.partition_point(|tree| tree.span().byte_range().end < name.end);
        let TokenTree::Group(group) = trees.get(at)? else {
            let item = &trees[start_of_item(&trees[..at])..=end_of_item(&trees, at)?];
            return Some(item.iter().cloned().collect());
        };
        let stream = group.stream();
        scope
            .around
            .push((group.span_open().byte_range().start, stream.clone()));
        trees = Cow::Owned(stream.into_iter().collect());
    }
}

/// The index of an item's first token. The slice ends right before the item's name, or with its keyword.
fn start_of_item(trees: &[TokenTree]) -> usize {
    let mut start = trees.len().saturating_sub(1);
    start = match &trees[..start] {
        [.., TokenTree::Ident(word), TokenTree::Group(_)] if word == "pub" => start - 2,
        [.., TokenTree::Ident(word)] if word == "pub" => start - 1,
        _ => start,
    };
    while let [.., TokenTree::Punct(pound), TokenTree::Group(group)] = &trees[..start] {
        if pound.as_char() != '#' || group.delimiter() != Delimiter::Bracket {
            break;
        }
        start -= 2;
    }
    start
}

/// The index of an item's body or semicolon. Braces inside angle brackets do not count: the default of a const
/// parameter has braces, too.
fn end_of_item(trees: &[TokenTree], name: usize) -> Option<usize> {
    let mut open = 0_usize;
    (name..trees.len()).find(|&at| {
        match nesting::angle_bracket(trees, at) {
            Some(AngleBracket::Open) => open += 1,
            Some(AngleBracket::Close) => open = open.saturating_sub(1),
            None => {}
        }
        open == 0 && (is_semicolon(&trees[at]) || is_body(&trees[at]))
    })
}

fn is_semicolon(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';')
}

fn is_body(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], name: &str, from: &str) -> Vec<String> {
        let sources: Vec<Arc<Source>> = files
            .iter()
            .map(|(path, text)| Arc::new(Source::new(*path, *text)))
            .collect();
        let items = SourceItems::new(&sources);
        let scope = Scope {
            path: from.to_string(),
            around: Vec::new(),
        };
        let types = items.types(name, None, &scope).into_iter();
        types
            .map(|one| format!("{}: {}", one.scope.path, one.tokens))
            .collect()
    }

    #[test]
    fn types_of_other_files() {
        let files = [
            ("a.rs", "#[derive(A)] pub(crate) struct Id(i64); type Other = u8;"),
            (
                "b.rs",
                "mod m { pub enum Mood { A } } x! { pub type r#Raw<T> = [T; { 1 }]; }",
            ),
            (
                "c.rs",
                "#[cfg(test)] mod tests { struct Id(String); } impl A for B { type Id = u8; } fn f() { struct Id; }",
            ),
        ];
        for (name, expected) in [
            ("Id", "a.rs: # [derive (A)] pub (crate) struct Id (i64) ;"),
            ("Mood", "b.rs: pub enum Mood { A }"),
            ("Raw", "b.rs: pub type r#Raw < T > = [T ; { 1 }] ;"),
        ] {
            assert_eq!(found(&files, name, "d.rs"), [expected]);
        }
        assert_eq!(found(&files, "Nothing", "d.rs"), [""; 0]);
    }

    #[test]
    fn the_nearest_type() {
        let files = [
            ("a.rs", "struct Id(i64); mod m { struct Id(i32); }"),
            ("b.rs", "struct Id(i16);"),
        ];
        assert_eq!(found(&files, "Id", "a.rs"), ["a.rs: struct Id (i64) ;"]);
        assert_eq!(found(&files, "Id", "b.rs"), ["b.rs: struct Id (i16) ;"]);
        assert_eq!(found(&files, "Id", "c.rs").len(), 3);
    }

    #[test]
    fn nested_modules_and_broken_files() {
        let deep = format!("{}struct Id;{}", "mod m { ".repeat(10_000), "}".repeat(10_000));
        assert_eq!(
            found(&[("a.rs", &deep), ("b.rs", "struct Id {")], "Id", "c.rs"),
            [""; 0]
        );
    }
}
