//! The arguments of `#[table(…)]`.

use proc_macro2::{Span, TokenStream};
use syn::Ident;
use syn::ext::IdentExt;
use table_registry_core::TableKind;

use super::arguments::{self, Argument, Value};
use super::names::checked;
use super::tenant::WrittenTenant;
use super::unknown::{kinds_note, unknown_kind, unknown_lint};
use crate::report::{Diagnostic, Fault, Lint};
use crate::text::{did_you_mean, nearest};

/// An argument of `#[table]`: how it is read, and what documentation says of it.
pub struct TableArgument {
    /// The key that users write.
    pub key: &'static str,
    /// An example, which messages call the correct form.
    pub form: &'static str,
    /// What it means, as documentation.
    pub meaning: &'static str,
    /// What applies where the argument is missing, as documentation.
    pub default: &'static str,
    read: Read,
}

enum Read {
    /// `key = value`; the function decides which values are valid.
    Value(fn(&mut TableArguments, &TableArgument, &Value, &mut Vec<Diagnostic>)),
    /// `key` alone.
    Flag(fn(&mut TableArguments, Span)),
    /// `key(item, …)`.
    List(fn(&mut TableArguments, &TableArgument, &Argument, &mut Vec<Diagnostic>)),
}

/// Every argument. Parsing, messages and documentation follow this list.
pub const TABLE_ARGUMENTS: &[TableArgument] = &[
    KIND,
    NAME,
    TableArgument {
        key: "schema",
        form: "schema = \"audit\"",
        meaning: "the PostgreSQL schema; arrays and policy files then say `audit.users`",
        default: "`#[sea_orm(schema_name = \"audit\")]`, else none",
        read: Read::Value(|table, argument, value, faults| {
            table.schema = name(argument, "schema name", value, faults);
        }),
    },
    TableArgument {
        key: "tenant",
        form: "tenant = through(project_id -> projects)",
        meaning: "how a row belongs to a tenant: by its own column, `tenant = \"account_id\"`, or through a row of a \
                  parent table, whose `id` is in this table's column; other keys: \
                  `through((org, no) -> \"sales.orders\"(org, number))`",
        default: "the column in `[tenancy]` of the policy file",
        read: Read::Value(|table, _, value, faults| {
            table.tenant = WrittenTenant::read(value.stream(), value.span(), faults);
        }),
    },
    TableArgument {
        key: "shared_rows",
        form: "shared_rows",
        meaning: "a row without a tenant (NULL in the tenant column) belongs to everybody: all tenants read it, and \
                  the application cannot change it",
        default: "a row without a tenant belongs to nobody",
        read: Read::Flag(|table, span| table.shared_rows = Some(span)),
    },
    TableArgument {
        key: "allow",
        form: "allow(missing_updated_at, reason = \"…\")",
        meaning: "lints of `cargo table-registry lint` that do not apply to the table",
        default: "none",
        read: Read::List(|table, argument, written, faults| {
            table.allowed = allowed_lints(argument, written, faults);
        }),
    },
];

const KIND: TableArgument = TableArgument {
    key: "kind",
    form: "kind = truth",
    meaning: "what the table holds, with or without quotes: `truth`, `control`, `projection`, `evidence`, \
              `link` or `system`",
    default: "`truth`",
    read: Read::Value(|table, argument, value, faults| {
        table.kind = kind(argument, value).map_err(|fault| faults.push(fault)).ok();
    }),
};

const NAME: TableArgument = TableArgument {
    key: "name",
    form: "name = \"users\"",
    meaning: "the table's name in PostgreSQL: at most 63 bytes, no dot, no NUL",
    default: "the name in the ORM's attribute on the same struct: `#[diesel(table_name = users)]` (a \
              `sql_name` in its `table!` is not read), `#[sea_orm(table_name = \"users\")]`, also inside \
              `cfg_attr`; else the name that a Diesel derive on the struct implies: `invoices` for `Invoice`; \
              else the struct's name in `snake_case`, never pluralised",
    read: Read::Value(|table, argument, value, faults| {
        table.name = name(argument, "table name", value, faults);
    }),
};

impl TableArgument {
    fn with_key(key: &Ident) -> Option<&'static Self> {
        TABLE_ARGUMENTS.iter().find(|argument| key == argument.key)
    }

    fn correct_form(&self) -> String {
        format!("the correct form is `#[table({})]`", self.form)
    }
}

fn keys() -> impl Iterator<Item = &'static str> {
    TABLE_ARGUMENTS.iter().map(|argument| argument.key)
}

/// A lint that does not apply to a table.
#[derive(Clone, Copy, Debug)]
pub struct AllowedLint {
    /// Which one.
    pub lint: Lint,
    /// Where the attribute names it.
    pub span: Span,
}

/// What the arguments of one `#[table]` say; without those that could not be read.
#[derive(Default)]
pub struct TableArguments {
    pub kind: Option<TableKind>,
    pub name: Option<String>,
    pub schema: Option<String>,
    pub tenant: Option<WrittenTenant>,
    pub shared_rows: Option<Span>,
    pub allowed: Vec<AllowedLint>,
}

impl TableArguments {
    pub fn read(arguments: TokenStream, faults: &mut Vec<Diagnostic>) -> Self {
        let mut table = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for written in arguments::split(arguments) {
            let key = written.key();
            let Some((key, argument)) =
                key.and_then(|key| TableArgument::with_key(&key).map(|argument| (key, argument)))
            else {
                faults.push(unknown_key(&written));
                table.guess(&written);
                continue;
            };
            if seen.contains(&argument.key) {
                faults.push(arguments::repeated(Fault::RepeatedKey, &key));
                continue;
            }
            seen.push(argument.key);
            match argument.read {
                Read::Value(read) => match value_of(argument, &written, &key) {
                    Ok(value) => read(&mut table, argument, &value, faults),
                    Err(fault) => faults.push(fault),
                },
                Read::Flag(read) if written.is_lone() => read(&mut table, key.span()),
                Read::Flag(_) => faults.push(
                    Diagnostic::new(Fault::InvalidValue, format!("`{}` takes no value", argument.key))
                        .spanned(written.span())
                        .help(argument.correct_form()),
                ),
                Read::List(read) => read(&mut table, argument, &written, faults),
            }
        }
        table
    }

    /// Takes the value of a misspelt key, so that the policy files can still refer to the table.
    fn guess(&mut self, written: &Argument) {
        let (Some(key), Some(value)) = (written.key(), written.value()) else {
            return;
        };
        let text = value.string().map(|literal| literal.value());
        match nearest(&key.unraw().to_string(), keys()) {
            Some("name") => self.name = self.name.take().or(text),
            Some("schema") => self.schema = self.schema.take().or(text),
            _ => {}
        }
    }
}

/// Whether an argument could be meant for `#[table]`: its key is known or nearly so, or it is a kind alone.
pub fn may_be_argument(written: &Argument) -> bool {
    let key = written.key().map(|key| key.unraw().to_string());
    key.is_some_and(|key| nearest(&key, keys()).is_some() || key.parse::<TableKind>().is_ok())
}

/// Reads `allow(lint, …, reason = "…")`, as in Rust's own `#[allow]`.
fn allowed_lints(
    argument: &TableArgument,
    written: &Argument,
    faults: &mut Vec<Diagnostic>,
) -> Vec<AllowedLint> {
    let before = faults.len();
    let mut lints = Vec::new();
    for item in written.list().into_iter().flat_map(arguments::split) {
        match allowed_lint(argument, &item) {
            Ok(lint) => lints.extend(lint),
            Err(fault) => faults.push(fault),
        }
    }
    if lints.is_empty() && faults.len() == before {
        let message = format!("expected a list of lints after `{}`", argument.key);
        faults.push(
            Diagnostic::new(Fault::InvalidValue, message)
                .spanned(written.span())
                .help(argument.correct_form()),
        );
    }
    lints
}

/// One item of the list: a lint, or nothing if the item is the reason.
fn allowed_lint(argument: &TableArgument, item: &Argument) -> Result<Option<AllowedLint>, Diagnostic> {
    let text = item.whole().text();
    match (item.key(), item.value().map(|value| (value.string(), value))) {
        (Some(key), Some((Some(reason), value))) if key == "reason" => {
            if !reason.value().trim().is_empty() {
                return Ok(None);
            }
            Err(
                Diagnostic::new(Fault::AllowWithoutReason, "the reason of an exception is empty")
                    .spanned(value.span())
                    .help("say why the rules do not apply to this table, or leave `reason` out"),
            )
        }
        (Some(key), None) if item.is_lone() => {
            let name = key.unraw().to_string();
            let lint = Lint::named(&name).ok_or_else(|| unknown_lint(&name, "_").spanned(key.span()))?;
            Ok(Some(AllowedLint {
                lint,
                span: key.span(),
            }))
        }
        _ => {
            // `float-money`, the spelling of policy files, is several tokens here.
            let meant = Lint::named(&text.replace(' ', ""));
            Err(
                Diagnostic::new(Fault::InvalidValue, format!("expected a lint, found `{text}`"))
                    .spanned(item.span())
                    .help(match meant {
                        Some(lint) => format!("write `{}`", lint.as_str().replace('-', "_")),
                        None => argument.correct_form(),
                    }),
            )
        }
    }
}

fn unknown_key(written: &Argument) -> Diagnostic {
    let note = format!("`#[table]` takes `{}`", keys().collect::<Vec<_>>().join("`, `"));
    let Some(key) = written.key() else {
        let meant = if written.whole().string().is_some() {
            &NAME
        } else {
            &KIND
        };
        let message = format!("expected a key, found `{}`", written.whole().text());
        return Diagnostic::new(Fault::UnknownKey, message)
            .spanned(written.span())
            .note(note)
            .help(meant.correct_form());
    };
    let text = key.unraw().to_string();
    let fault = Diagnostic::new(Fault::UnknownKey, format!("unknown key `{text}` in `#[table]`"))
        .spanned(key.span())
        .note(note);
    match text.parse::<TableKind>() {
        Ok(kind) if written.is_lone() => fault.help(format!("write `kind = {kind}`")),
        _ => fault.maybe_help(did_you_mean(&text, keys())),
    }
}

fn value_of(argument: &TableArgument, written: &Argument, key: &Ident) -> Result<Value, Diagnostic> {
    match written.value() {
        Some(value) if !value.is_empty() => Ok(value),
        None if !written.is_lone() => Err(Diagnostic::new(
            Fault::InvalidValue,
            format!("expected `=` after `{key}`"),
        )
        .spanned(key.span())
        .help(argument.correct_form())),
        _ => Err(arguments::missing_value(
            Fault::MissingValue,
            key,
            argument.correct_form(),
        )),
    }
}

fn kind(argument: &TableArgument, value: &Value) -> Result<TableKind, Diagnostic> {
    let written = value.ident().map(|ident| ident.unraw().to_string());
    let Some(text) = written.or_else(|| value.string().map(|literal| literal.value())) else {
        return Err(Diagnostic::new(
            Fault::InvalidValue,
            format!("expected a table kind, found `{}`", value.text()),
        )
        .spanned(value.span())
        .note(kinds_note())
        .help(argument.correct_form()));
    };
    text.parse()
        .map_err(|_| unknown_kind(&text).spanned(value.span()))
}

fn name(argument: &TableArgument, what: &str, value: &Value, faults: &mut Vec<Diagnostic>) -> Option<String> {
    if let Some(literal) = value.string() {
        return checked(what, &literal, faults);
    }
    let key = argument.key;
    let meant = value.ident().map(|ident| ident.unraw().to_string());
    let help = match &meant {
        Some(name) => format!("write `{key} = \"{name}\"`"),
        None => argument.correct_form(),
    };
    faults.push(
        Diagnostic::new(
            Fault::InvalidValue,
            format!("expected a string literal for `{key}`, found `{}`", value.text()),
        )
        .spanned(value.span())
        .help(help),
    );
    meant
}
