//! The arguments of `table_registry!("schema/", overrides = "…", revoke = "…", crate = …)`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, Path};

use super::arguments::{self, Argument, Value};
use super::ours::is_our_crate;
use super::path::WrittenPath;
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

/// An argument of `table_registry!`: how it is read, and what documentation says of it.
pub struct CallArgument {
    /// The key that users write; none for a schema directory.
    pub key: Option<&'static str>,
    /// An example, which messages call the correct form.
    pub form: &'static str,
    /// What it means, as documentation.
    pub meaning: &'static str,
    /// What applies where the argument is missing, as documentation.
    pub default: &'static str,
    read: Read,
}

enum Read {
    /// A relative path; the text says what an error expects.
    Path(&'static str, fn(&mut Invocation, WrittenPath)),
    /// The path of the facade crate.
    Facade,
}

/// Every argument. Parsing, messages and documentation follow this list.
pub const CALL_ARGUMENTS: &[CallArgument] = &[
    DIRECTORY,
    CallArgument {
        key: Some("overrides"),
        form: "overrides = \"table-registry.toml\"",
        meaning: "the file with `[tenancy]`, `[overrides]`, `[exempt]`, `[tables]`, `[lints]` and `[database]`, relative to the \
                  invoking file",
        default: "`table-registry.toml` in the directory of the invoking file or the nearest of its parents, up to \
                  the one with `Cargo.toml`",
        read: Read::Path(FILE, |invocation, path| invocation.overrides = Some(path)),
    },
    CallArgument {
        key: Some("revoke"),
        form: "revoke = \"revoke.toml\"",
        meaning: "the file with `update_delete` and `insert_update_delete`, relative to the invoking file",
        default: "`revoke.toml`, found in the same way",
        read: Read::Path(FILE, |invocation, path| invocation.revoke = Some(path)),
    },
    CallArgument {
        key: Some("crate"),
        form: "crate = ::table_registry",
        meaning: "the path of the crate `table-registry`: a facade has to re-export all of it, as in `pub use table_registry;`",
        default: "`::table_registry`",
        read: Read::Facade,
    },
];

const DIRECTORY: CallArgument = CallArgument {
    key: None,
    form: "\"schema/\"",
    meaning: "one or more directories, relative to the invoking file as in `include_str!`; every `.rs` file below \
              them is read, hidden files excepted. `env!(\"OUT_DIR\")` is the directory of generated files",
    default: "none: one is required",
    read: Read::Path("a directory as a string literal", |invocation, path| {
        invocation.directories.push(path);
    }),
};

const FILE: &str = "a file as a string literal";

impl CallArgument {
    fn with_key(key: &str) -> Option<&'static Self> {
        CALL_ARGUMENTS.iter().find(|argument| argument.key == Some(key))
    }

    /// A directory is shown with the call around it, since it has no key.
    fn correct_form(&self) -> String {
        match self.key {
            Some(_) => format!("the correct form is `{}`", self.form),
            None => format!("the correct form is `table_registry!({});`", self.form),
        }
    }

    fn read(&self, value: &Value, invocation: &mut Invocation, faults: &mut Vec<Diagnostic>) {
        match self.read {
            Read::Path(expected, set) => match WrittenPath::parse(value) {
                Some(path) if is_absolute(&path.start()) => faults.push(absolute_path(&path)),
                Some(path) => set(invocation, path),
                None => faults.push(self.wrong_value(expected, value)),
            },
            Read::Facade => match Path::parse_mod_style.parse2(value.stream()) {
                Ok(path) => invocation.facade = quote!(#path),
                Err(_) => faults.push(self.wrong_value("a path", value)),
            },
        }
    }

    fn wrong_value(&self, expected: &str, value: &Value) -> Diagnostic {
        let argument = self.key.map_or(String::new(), |key| format!(" for `{key}`"));
        let message = format!("expected {expected}{argument}, found `{}`", value.text());
        Diagnostic::new(Fault::InvalidArgument, message)
            .spanned(value.span())
            .help(self.correct_form())
    }
}

fn options() -> impl Iterator<Item = &'static str> {
    CALL_ARGUMENTS.iter().filter_map(|argument| argument.key)
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
        for written in arguments::split(tokens) {
            match written.key() {
                None => DIRECTORY.read(&written.whole(), &mut invocation, faults),
                // `env!("…")` and `concat!(…)`, and literals that are words.
                Some(key) if written.is_macro_call() || key == "true" || key == "false" => {
                    DIRECTORY.read(&written.whole(), &mut invocation, faults);
                }
                Some(key) if seen.contains(&key.to_string()) => {
                    faults.push(arguments::repeated(Fault::InvalidArgument, &key));
                }
                Some(key) => {
                    seen.push(key.to_string());
                    invocation.option(&written, &key, faults);
                }
            }
        }
        if invocation.directories.is_empty() && faults.len() == before {
            faults.push(no_directory());
        }
        invocation.complete = faults.len() == before;
        invocation
    }

    /// The schema directories as they are written.
    #[must_use]
    pub fn written_directories(&self) -> Vec<String> {
        self.directories.iter().map(ToString::to_string).collect()
    }

    /// Whether `#[macro_use]` on these crates brings `#[table]` into scope, as far as the call shows. If another crate's
    /// macro makes the call, that crate may have any name.
    #[must_use]
    pub fn may_import_table(&self, crates: &[String]) -> bool {
        let trees = self.facade.clone().into_iter();
        let mut facade = trees.filter_map(|tree| match tree {
            TokenTree::Ident(ident) => Some(ident.unraw().to_string()),
            _ => None,
        });
        let is_named = facade.any(|name| name == "$crate" || crates.contains(&name));
        !crates.is_empty() && (is_named || crates.iter().any(|name| is_our_crate(name)))
    }

    fn option(&mut self, written: &Argument, key: &Ident, faults: &mut Vec<Diagnostic>) {
        let name = key.unraw().to_string();
        let Some(option) = CallArgument::with_key(&name) else {
            faults.push(unknown_option(&name, key.span()));
            return;
        };
        match written.value().filter(|value| !value.is_empty()) {
            Some(value) => option.read(&value, self, faults),
            None => {
                let form = option.correct_form();
                faults.push(arguments::missing_value(Fault::InvalidArgument, key, form));
            }
        }
    }
}

/// Whether a path is absolute on any platform: a crate that compiles on one must compile on all.
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with(['/', '\\']) || drive
}

fn absolute_path(path: &WrittenPath) -> Diagnostic {
    Diagnostic::new(Fault::AbsolutePath, format!("path `{path}` is absolute"))
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
    .help(DIRECTORY.correct_form())
}

fn unknown_option(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Fault::InvalidArgument,
        format!("unknown option `{name}` of `table_registry!`"),
    )
    .spanned(span)
    .note(format!(
        "the options are `{}`",
        options().collect::<Vec<_>>().join("`, `")
    ))
    .help(did_you_mean(name, options()).unwrap_or_else(|| DIRECTORY.correct_form()))
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
        assert_eq!(invocation.overrides.unwrap().to_string(), "a.toml");
        assert_eq!(invocation.revoke.unwrap().to_string(), "b.toml");
        assert_eq!(invocation.facade.to_string(), "crate :: reexport");
    }

    #[test]
    fn crates_that_may_bring_the_attribute_into_scope() {
        for (call, krate, expected) in [
            ("\"a\"", "table_registry", true),
            ("\"a\"", "company", false),
            ("\"a\", crate = company", "company", true),
            ("\"a\", crate = ::r#company::registry", "company", true),
            ("\"a\", crate = crate::company", "company", true),
            ("\"a\", crate = company", "diesel", false),
        ] {
            let (invocation, _) = parse(call);
            assert_eq!(
                invocation.may_import_table(&[krate.to_string()]),
                expected,
                "{call}"
            );
        }
    }

    #[test]
    fn all_faults_at_once() {
        let (invocation, faults) = parse(
            "schema, 7, true, concat!(\"/\", env!(\"X\")), \"/abs\", \"C:\\\\abs\", overides = \"x\", revoke, revoke = \"y\", crate = 1, overrides = x",
        );
        assert!(!invocation.complete);
        assert_eq!(
            faults,
            [
                "unknown option `schema` of `table_registry!`",
                "expected a directory as a string literal, found `7`",
                "expected a directory as a string literal, found `true`",
                "path `/$X` is absolute",
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
