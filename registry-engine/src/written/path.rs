//! A path in the user's source, written as the compiler's own macros accept it.

use std::fmt;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Lit, LitStr};

use super::arguments::{self, Value, ungroup};

/// A string literal, `env!("NAME")`, or `concat!(…)` of these and other literals, as `include_str!` accepts. A variable is displayed as
/// `$NAME`.
#[derive(Clone, Debug)]
pub struct WrittenPath {
    parts: Vec<PathPart>,
    /// Where it is written.
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPart {
    Text(String),
    /// An environment variable of the compiler.
    Variable(String),
}

impl WrittenPath {
    /// Reads a path; `None` for anything else.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let mut parts = Vec::new();
        read(value, &mut parts)?;
        Some(Self {
            parts,
            span: value.string().map_or(value.span(), |literal| literal.span()),
        })
    }

    /// Reads the arguments of `include!`.
    #[must_use]
    pub fn of_include(arguments: TokenStream) -> Option<Self> {
        match arguments::split(arguments).as_slice() {
            [path] => Self::parse(&path.whole()),
            _ => None,
        }
    }

    /// The path with the values of its variables.
    ///
    /// # Errors
    ///
    /// Fails with the name of the first variable that has no value.
    pub fn evaluate(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                PathPart::Text(part) => text += part,
                PathPart::Variable(name) => text += &value(name).ok_or(name.as_str())?,
            }
        }
        Ok(text)
    }

    /// What the path starts with, up to the first variable.
    #[must_use]
    pub fn start(&self) -> String {
        let texts = self.parts.iter().map_while(|part| match part {
            PathPart::Text(text) => Some(text.as_str()),
            PathPart::Variable(_) => None,
        });
        texts.collect()
    }

    /// The path, if it is a string literal.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [PathPart::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for WrittenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                PathPart::Text(text) => f.write_str(text)?,
                PathPart::Variable(name) => write!(f, "${name}")?,
            }
        }
        Ok(())
    }
}

fn read(value: &Value, parts: &mut Vec<PathPart>) -> Option<()> {
    if let Some(literal) = value.string() {
        parts.push(PathPart::Text(literal.value()));
        return Some(());
    }
    let (name, inner) = macro_call(value.stream())?;
    let arguments = arguments::split(inner);
    match (name.as_str(), arguments.as_slice()) {
        // The second argument is the error message for a variable that is not set.
        ("env", [variable] | [variable, _]) => {
            let variable: LitStr = variable.whole().string()?;
            parts.push(PathPart::Variable(variable.value()));
        }
        ("concat", arguments) => {
            for argument in arguments {
                let value = argument.whole();
                match literal_text(&value) {
                    Some(text) => parts.push(PathPart::Text(text)),
                    None => read(&value, parts)?,
                }
            }
        }
        _ => return None,
    }
    Some(())
}

/// The text of a number, a Boolean or a character in `concat!`.
fn literal_text(value: &Value) -> Option<String> {
    match syn::parse2(ungroup(value.stream())).ok()? {
        Lit::Int(number) => Some(number.base10_digits().to_string()),
        Lit::Float(number) => Some(number.base10_digits().to_string()),
        Lit::Bool(truth) => Some(truth.value.to_string()),
        Lit::Char(character) => Some(character.value().to_string()),
        _ => None,
    }
}

/// The last name in the path of a macro call, and its arguments.
fn macro_call(tokens: TokenStream) -> Option<(String, TokenStream)> {
    let trees: Vec<TokenTree> = ungroup(tokens).into_iter().collect();
    match trees.as_slice() {
        [
            ..,
            TokenTree::Ident(name),
            TokenTree::Punct(bang),
            TokenTree::Group(arguments),
        ] if bang.as_char() == '!' => Some((name.to_string(), arguments.stream())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_include_takes_them() {
        for (written, shown) in [
            ("\"a.rs\"", Some("a.rs")),
            ("r\"a.rs\",", Some("a.rs")),
            ("env!(\"OUT_DIR\")", Some("$OUT_DIR")),
            ("env!(\"OUT_DIR\", \"no build script\")", Some("$OUT_DIR")),
            ("concat!(env!(\"OUT_DIR\"), \"/a.rs\",)", Some("$OUT_DIR/a.rs")),
            (
                "std::concat!(\"a\", concat!(\"/\", core::env!(\"B\")))",
                Some("a/$B"),
            ),
            (
                "concat!(\"v\", 1_0u8, 0xf, -2, 1.50f32, true, 'x')",
                Some("v1015-21.50truex"),
            ),
            ("concat!(b\"a\")", None),
            ("concat!(b'a')", None),
            ("concat!(1 + 1)", None),
            ("1", None),
            ("a.rs", None),
            ("concat!(a)", None),
            ("stringify!(a)", None),
            ("\"a\", \"b\"", None),
            ("", None),
        ] {
            let found = WrittenPath::of_include(written.parse().unwrap());
            assert_eq!(found.map(|path| path.to_string()).as_deref(), shown, "{written}");
        }
    }

    #[test]
    fn variables_are_replaced_by_their_values() {
        let path =
            WrittenPath::of_include("concat!(env!(\"A\"), \"/\", env!(\"B\"))".parse().unwrap()).unwrap();
        let value = |name: &str| (name == "A").then(|| "/x".to_string());
        assert_eq!(path.evaluate(value), Err("B"));
        assert_eq!(
            path.evaluate(|name| Some(name.to_lowercase())),
            Ok("a/b".to_string())
        );
        assert_eq!(path.literal(), None);
    }
}
