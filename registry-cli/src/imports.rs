//! The names that `use` and `extern crate` bring into scope.

use proc_macro2::{TokenStream, TokenTree};

/// A name that is in scope, and what it stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub path: Vec<String>,
    /// `None` for everything in the path: a glob import, or the macros of an `extern crate`.
    pub name: Option<String>,
}

/// The imports outside of any block.
pub fn imports(tokens: TokenStream) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut trees = tokens.into_iter();
    while let Some(tree) = trees.next() {
        let TokenTree::Ident(keyword) = tree else { continue };
        if keyword != "use" && keyword != "extern" {
            continue;
        }
        let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
        let item: TokenStream = trees.by_ref().take_while(|tree| !is_end(tree)).collect();
        if keyword == "use" {
            add_tree(item, &[], &mut imports);
        } else {
            add_crate(item, &mut imports);
        }
    }
    imports
}

/// The imports outside of any block, and those in inline modules.
pub fn imports_with_modules(tokens: TokenStream) -> Vec<Import> {
    let mut all = imports(tokens.clone());
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for window in trees.windows(3) {
        if let [
            TokenTree::Ident(keyword),
            TokenTree::Ident(_),
            TokenTree::Group(body),
        ] = window
            && keyword == "mod"
        {
            all.extend(imports_with_modules(body.stream()));
        }
    }
    all
}

/// `crate name`, `crate name as other`.
fn add_crate(item: TokenStream, imports: &mut Vec<Import>) {
    let words: Vec<String> = item.into_iter().map(|tree| tree.to_string()).collect();
    let [_, name, other @ ..] = words.as_slice() else {
        return;
    };
    let path = vec![name.clone()];
    imports.push(Import {
        path: path.clone(),
        name: None,
    });
    if let Some(other) = other.last() {
        imports.push(Import {
            path,
            name: Some(other.clone()),
        });
    }
}

fn add_tree(tree: TokenStream, prefix: &[String], imports: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let mut trees = tree.into_iter();
    let mut other_name = None;
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) if ident == "as" => {
                other_name = trees.next().map(|tree| tree.to_string());
            }
            TokenTree::Ident(ident) => path.push(without_raw(&ident.to_string())),
            TokenTree::Group(group) => {
                for part in split(group.stream()) {
                    add_tree(part, &path, imports);
                }
                return;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                imports.push(Import { path, name: None });
                return;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    path.pop_if(|last| last == "self");
    if let Some(last) = path.last() {
        let name = other_name.unwrap_or(last.clone());
        imports.push(Import {
            path,
            name: Some(name),
        });
    }
}

fn without_raw(ident: &str) -> String {
    ident.trim_start_matches("r#").to_string()
}

/// The parts between commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    let parts = trees.split(is_comma);
    parts.map(|part| part.iter().cloned().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_inline_modules() {
        let text = "use a::b; pub mod c { use d::e; mod f { use g::*; } fn h() { use i::j; } }";
        let found = imports_with_modules(text.parse().unwrap());
        let paths: Vec<String> = found.iter().map(|import| import.path.join("::")).collect();
        assert_eq!(paths, ["a::b", "d::e", "g"]);
    }

    #[test]
    fn every_form_of_import() {
        for (text, expected) in [
            ("use a::b;", "a::b as b"),
            ("pub use ::a::b as c;", "a::b as c"),
            (
                "use a::{self, b, c::{d as e, f::*}};",
                "a as a, a::b as b, a::c::d as e, a::c::f::*",
            ),
            ("use r#mod::r#b;", "mod::b as b"),
            ("#[macro_use] extern crate a;", "a::*"),
            ("extern crate a as b;", "a::*, a as b"),
            ("fn f() { use a::b; }", ""),
        ] {
            let found: Vec<String> = imports(text.parse().unwrap())
                .into_iter()
                .map(|Import { path, name }| match name {
                    Some(name) => format!("{} as {name}", path.join("::")),
                    None => format!("{}::*", path.join("::")),
                })
                .collect();
            assert_eq!(found.join(", "), expected, "{text}");
        }
    }
}
