//! The arguments of `table_registry!("schema/", overrides = "…", revoke = "…", crate = …)`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr, Path};

use super::arguments::{self, Argument, Value};
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

const OVERRIDES: &str = "overrides";
const REVOKE: &str = "revoke";
const CRATE: &str = "crate";
const OPTIONS: [&str; 3] = [OVERRIDES, REVOKE, CRATE];

/// A path in the user's source.
#[derive(Clone, Debug)]
pub struct WrittenPath {
    /// What is written.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// The arguments of one `table_registry!`.
#[derive(Debug)]
pub struct Invocation {
    /// The schema directories.
    pub directories: Vec<WrittenPath>,
    /// `overrides = "…"`.
    pub overrides: Option<WrittenPath>,
    /// `revoke = "…"`.
    pub revoke: Option<WrittenPath>,
    /// The path of the facade crate: `crate = …`, or `::table_registry`.
    pub facade: TokenStream,
    /// Whether every argument was understood.
    pub complete: bool,
}

impl Invocation {
    /// Reads the arguments. One that cannot be understood is a fault, and is left out.
    pub fn parse(tokens: TokenStream, faults: &mut Vec<Diagnostic>) -> Self {
        let before = faults.len();
        let mut invocation = Self {
            directories: Vec::new(),
            overrides: None,
            revoke: None,
            facade: quote!(::table_registry),
            complete: false,
        };
        let mut seen = Vec::new();
        for argument in arguments::split(tokens) {
            match argument.key() {
                Some(key) if seen.contains(&key.to_string()) => {
                    faults.push(arguments::repeated(Fault::InvalidArgument, &key));
                }
                Some(key) => {
                    seen.push(key.to_string());
                    invocation.option(&argument, &key, faults);
                }
                None => invocation.directory(&argument, faults),
            }
        }
        if invocation.directories.is_empty() && faults.len() == before {
            faults.push(no_directory());
        }
        invocation.complete = faults.len() == before;
        invocation
    }

    fn directory(&mut self, argument: &Argument, faults: &mut Vec<Diagnostic>) {
        let value = argument.whole();
        match written_path(&value) {
            Some(path) if is_absolute(&path.text) => faults.push(absolute_path(&path)),
            Some(path) => self.directories.push(path),
            None => faults.push(
                Diagnostic::new(
                    Fault::InvalidArgument,
                    format!(
                        "expected a directory as a string literal, found `{}`",
                        value.text()
                    ),
                )
                .spanned(value.span())
                .help(FORM),
            ),
        }
    }

    fn option(&mut self, argument: &Argument, key: &Ident, faults: &mut Vec<Diagnostic>) {
        let name = key.unraw().to_string();
        if !OPTIONS.contains(&name.as_str()) {
            faults.push(unknown_option(&name, key.span()));
            return;
        }
        let Some(value) = argument.value().filter(|value| !value.is_empty()) else {
            let form = option_form(&name);
            faults.push(arguments::missing_value(Fault::InvalidArgument, key, form));
            return;
        };
        if name == CRATE {
            match Path::parse_mod_style.parse2(value.stream()) {
                Ok(path) => self.facade = quote!(#path),
                Err(_) => faults.push(wrong_value(&name, "a path", &value)),
            }
            return;
        }
        match written_path(&value) {
            Some(path) if is_absolute(&path.text) => faults.push(absolute_path(&path)),
            Some(path) if name == OVERRIDES => self.overrides = Some(path),
            Some(path) => self.revoke = Some(path),
            None => faults.push(wrong_value(&name, "a file as a string literal", &value)),
        }
    }
}

const FORM: &str = "the correct form is `table_registry!(\"schema/\");`";

fn written_path(value: &Value) -> Option<WrittenPath> {
    let literal: LitStr = value.string()?;
    Some(WrittenPath {
        text: literal.value(),
        span: literal.span(),
    })
}

/// Whether a path is absolute on any platform: a crate that compiles on one must compile on all.
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with(['/', '\\']) || drive
}

fn absolute_path(path: &WrittenPath) -> Diagnostic {
    Diagnostic::new(Fault::AbsolutePath, format!("path `{}` is absolute", path.text))
        .spanned(path.span)
        .note("an absolute path exists on one machine only")
        .help("write it relative to this file, as in `include_str!`")
}

fn no_directory() -> Diagnostic {
    Diagnostic::new(
        Fault::InvalidArgument,
        "`table_registry!` names no schema directory",
    )
    .spanned(Span::call_site())
    .help(FORM)
}

fn unknown_option(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Fault::InvalidArgument,
        format!("unknown option `{name}` of `table_registry!`"),
    )
    .spanned(span)
    .note(format!("the options are `{}`", OPTIONS.join("`, `")))
    .help(did_you_mean(name, OPTIONS).unwrap_or_else(|| FORM.to_string()))
}

fn option_form(name: &str) -> &'static str {
    match name {
        OVERRIDES => "the correct form is `overrides = \"table-registry.toml\"`",
        REVOKE => "the correct form is `revoke = \"revoke.toml\"`",
        _ => "the correct form is `crate = ::table_registry`",
    }
}

fn wrong_value(name: &str, expected: &str, value: &Value) -> Diagnostic {
    Diagnostic::new(
        Fault::InvalidArgument,
        format!("expected {expected} for `{name}`, found `{}`", value.text()),
    )
    .spanned(value.span())
    .help(option_form(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Invocation, Vec<String>) {
        let mut faults = Vec::new();
        let invocation = Invocation::parse(text.parse().unwrap(), &mut faults);
        (
            invocation,
            faults.into_iter().map(|fault| fault.message).collect(),
        )
    }

    #[test]
    fn every_option() {
        let (invocation, faults) = parse(
            "\"schema/\", r\"../more\", overrides = \"a.toml\", revoke = \"b.toml\", crate = crate::reexport,",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(invocation.directories.len(), 2);
        assert_eq!(invocation.overrides.unwrap().text, "a.toml");
        assert_eq!(invocation.revoke.unwrap().text, "b.toml");
        assert_eq!(invocation.facade.to_string(), "crate :: reexport");
    }

    #[test]
    fn all_faults_at_once() {
        let (invocation, faults) = parse(
            "schema, 7, \"/abs\", \"C:\\\\abs\", overides = \"x\", revoke, revoke = \"y\", crate = 1, overrides = x",
        );
        assert!(!invocation.complete);
        assert_eq!(
            faults,
            [
                "unknown option `schema` of `table_registry!`",
                "expected a directory as a string literal, found `7`",
                "path `/abs` is absolute",
                "path `C:\\abs` is absolute",
                "unknown option `overides` of `table_registry!`",
                "missing value for `revoke`",
                "`revoke` is given twice",
                "expected a path for `crate`, found `1`",
                "expected a file as a string literal for `overrides`, found `x`",
            ]
        );
        assert_eq!(parse("").1, ["`table_registry!` names no schema directory"]);
    }
}
