//! `[tenancy]`: how rows belong to tenants, where a struct says nothing, and the policies that a team declares itself.

use std::ops::Range;

use toml::Spanned;

use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use super::setting::Setting;
use super::sql;
use crate::name;
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

const COLUMN: &str = "column";
const SETTING: &str = "setting";
const TYPE: &str = "type";
const MODE: &str = "mode";
const NONE: &str = "none";
const POLICIES: &str = "policies";

const TABLE: &str = "table";
const FOR: &str = "for";
const USING: &str = "using";
const CHECK: &str = "check";
const REASON: &str = "reason";

/// The settings in `[tenancy]`.
#[derive(Clone, Debug, Default)]
pub struct TenancySettings {
    /// Whose rows the database holds.
    pub tenants: Tenants,
    /// `[[tenancy.policies]]`, in the order of the file.
    pub policies: Vec<DeclaredPolicy>,
}

/// Whose rows a database holds.
#[derive(Clone, Debug, Default)]
pub enum Tenants {
    /// The policy file does not say.
    #[default]
    Unknown,
    /// Those of one tenant: `mode = "none"`.
    One,
    /// Those of many.
    Many(TenantColumn),
}

/// The tenant column of every table that names no other, and how the server knows the tenant.
#[derive(Clone, Debug)]
pub struct TenantColumn {
    /// The column's name.
    pub name: Placed<String>,
    /// The setting that the application sets at the start of each transaction.
    pub setting: Placed<String>,
    /// The type of the column in PostgreSQL, if it is written.
    pub sql_type: Option<String>,
}

/// An entry of `[[tenancy.policies]]`: what one command may do in one table.
#[derive(Clone, Debug)]
pub struct DeclaredPolicy {
    /// The table.
    pub table: Placed<String>,
    /// The command.
    pub command: Command,
    /// Which rows it reaches; `None` for INSERT.
    pub using: Option<Placed<String>>,
    /// Which rows it may leave behind; `None` for SELECT and DELETE.
    pub check: Option<Placed<String>>,
    /// Why.
    pub reason: String,
}

/// A command that policies are for: <https://www.postgresql.org/docs/current/sql-createpolicy.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// SELECT.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

impl Command {
    /// Every command, in the order in which `sql` prints their policies.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The name in the policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Whether it reaches rows that are there.
    #[must_use]
    pub fn reads(self) -> bool {
        self != Self::Insert
    }

    /// Whether it leaves rows behind.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Insert | Self::Update)
    }
}

impl TenancySettings {
    pub(super) fn unite(&mut self, other: Self) {
        self.policies.extend(other.policies);
        match (&mut self.tenants, other.tenants) {
            (own @ Tenants::Unknown, tenants) => *own = tenants,
            (Tenants::Many(own), Tenants::Many(column)) => {
                own.sql_type = own.sql_type.take().or(column.sql_type);
            }
            _ => {}
        }
    }

    /// The column and setting, if the database has many tenants.
    #[must_use]
    pub fn column(&self) -> Option<&TenantColumn> {
        match &self.tenants {
            Tenants::Many(column) => Some(column),
            Tenants::Unknown | Tenants::One => None,
        }
    }

    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Self {
        let mut tenancy = Self::default();
        if !value.get_ref().is_table() {
            reader.table(key, value);
            return tenancy;
        }
        let mut written = Settings::default();
        for (name, value) in reader.table(key, value) {
            match name.get_ref().as_str() {
                COLUMN => written.column = Setting::of(text(reader, &name, &value, "org_id", column_fault)),
                SETTING => {
                    written.setting = Setting::of(text(reader, &name, &value, "app.org_id", setting_fault));
                }
                TYPE => written.sql_type = Setting::of(text(reader, &name, &value, "uuid", type_fault)),
                MODE => written.mode = Setting::of(mode(reader, &name, &value)),
                POLICIES => tenancy.policies = policies(reader, &name, value),
                _ => match reader.unknown_key(&name, &[COLUMN, SETTING, TYPE, MODE, POLICIES]) {
                    Some(COLUMN) => written.column.set_faulty(),
                    Some(SETTING) => written.setting.set_faulty(),
                    Some(MODE) => written.mode.set_faulty(),
                    _ => {}
                },
            }
        }
        tenancy.tenants = written.tenants(reader, key);
        tenancy
    }
}

/// The keys of `[tenancy]`.
#[derive(Default)]
struct Settings {
    column: Setting<Placed<String>>,
    setting: Setting<Placed<String>>,
    sql_type: Setting<Placed<String>>,
    /// The place of `"none"`.
    mode: Setting<Range<usize>>,
}

impl Settings {
    fn tenants(self, reader: &mut PolicyReader<'_>, key: &TomlKey) -> Tenants {
        if self.mode.is_absent() {
            return self.many(reader, key);
        }
        let stands_alone = self.column.is_absent() && self.setting.is_absent() && self.sql_type.is_absent();
        match self.mode {
            Setting::Is(_) if stands_alone => Tenants::One,
            Setting::Is(place) => {
                let fault = Diagnostic::new(
                    Fault::ConflictingTenancy,
                    "`mode = \"none\"` excludes all other keys",
                )
                .note("a database of one tenant has no tenant column and no setting")
                .help("remove it, or remove the other keys");
                reader.fault(fault, place, "");
                Tenants::Unknown
            }
            Setting::Absent | Setting::Faulty => Tenants::Unknown,
        }
    }

    fn many(self, reader: &mut PolicyReader<'_>, key: &TomlKey) -> Tenants {
        const FORM: &str = "write `column = \"org_id\"` and `setting = \"app.org_id\"`, or `mode = \"none\"` for a \
                            database of one tenant";
        for (value, name) in [(&self.column, COLUMN), (&self.setting, SETTING)] {
            if value.is_absent() {
                let message = format!("`[tenancy]` has no `{name}`");
                let fault = Diagnostic::new(Fault::MissingValue, message).help(FORM);
                reader.fault(fault, key.span(), "");
            }
        }
        match (self.column.value(), self.setting.value()) {
            (Some(name), Some(setting)) => Tenants::Many(TenantColumn {
                name,
                setting,
                sql_type: self.sql_type.value().map(|written| written.value),
            }),
            _ => Tenants::Unknown,
        }
    }
}

/// A string that a rule accepts. The rule returns the fault of one that it does not.
fn text<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: &TomlValue<'a>,
    example: &str,
    rule: impl FnOnce(&str) -> Option<Diagnostic>,
) -> Option<Placed<String>> {
    let text = reader.string(key, value, example)?.to_string();
    match rule(&text) {
        Some(fault) => {
            reader.fault(fault, value.span(), "");
            None
        }
        None => Some(reader.placed(Spanned::new(value.span(), text))),
    }
}

fn column_fault(text: &str) -> Option<Diagnostic> {
    let fault = name::check_identifier("column name", text).err()?;
    Some(Diagnostic::new(fault.code, fault.message).help("write the name of the tenant column"))
}

/// The settings in which `PostgREST` passes on the claims of a token.
const CLAIMS: &[&str] = &["request.jwt.claims", "request.jwt.claim"];

/// Only names with a dot are free for applications:
/// <https://www.postgresql.org/docs/current/runtime-config-custom.html>.
fn setting_fault(text: &str) -> Option<Diagnostic> {
    if CLAIMS.iter().any(|claims| text.eq_ignore_ascii_case(claims)) {
        return Some(
            Diagnostic::new(
                Fault::InvalidValue,
                format!("`{text}` holds all claims of a token, not one tenant"),
            )
            .note("PostgREST fills it with JSON")
            .help("name the claim that is the tenant: `request.jwt.claim.sub` for `auth.uid()`"),
        );
    }
    if text.contains('.') && text.split('.').all(is_identifier) {
        return None;
    }
    let message = format!("`{text}` is not the name of a custom setting");
    Some(
        Diagnostic::new(Fault::InvalidValue, message)
            .note("the name of a custom setting in PostgreSQL is two or more identifiers with dots between them")
            .help("write a name such as `app.org_id`"),
    )
}

/// The type becomes part of SQL, so only a type name is allowed. A type that truncates or rounds values is refused,
/// because two tenants could be treated as one.
fn type_fault(text: &str) -> Option<Diagnostic> {
    const FORM: &str =
        "write the name of the column's type, without a length or a precision: `uuid`, `bigint`, `text`";
    const CAUSE: &str = "a cast truncates or rounds values, so two tenants could be treated as one";
    let fault = |message: String| Some(Diagnostic::new(Fault::InvalidValue, message));
    let written: Vec<&str> = text.split_whitespace().collect();
    let written = written.join(" ");
    let (name, behind) = match written.split_once('(') {
        Some((name, behind)) => (name.trim_end(), Some(behind)),
        None => (written.as_str(), None),
    };
    let lower = name.to_lowercase();
    let bare = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
    // A quoted name with capital letters is not that of a built-in type.
    let is_exact = !name.contains('"') || name.to_lowercase() == name;
    let unquoted = bare.trim_matches('"');
    let inexact = INEXACT_TYPES
        .iter()
        .find(|(name, _)| is_exact && *name == unquoted);
    if let Some((_, instead)) = inexact {
        let fault = fault(format!("a cast to `{text}` does not keep every value"))?;
        return Some(fault.note(CAUSE).help(format!("write `type = \"{instead}\"`")));
    }
    let is_name = EXACT_TYPES_OF_TWO_WORDS.contains(&lower.as_str()) || is_type_name(name);
    match behind {
        None if is_name => None,
        Some(length) if is_name && length.ends_with(')') && !name.contains('"') => {
            let fault = fault(format!("`{text}` has a length or a precision"))?;
            Some(fault.note(CAUSE).help(format!("write `type = \"{name}\"`")))
        }
        _ => Some(fault(format!("`{text}` is not a type"))?.help(FORM)),
    }
}

/// The built-in types that keep only a part of some values, each with one that keeps it whole:
/// <https://www.postgresql.org/docs/current/datatype.html>.
const INEXACT_TYPES: &[(&str, &str)] = &[
    ("bit", "bit varying"),
    ("bool", "text"),
    ("boolean", "text"),
    ("char", "bpchar"),
    ("character", "bpchar"),
    ("date", "text"),
    ("double precision", "numeric"),
    ("float", "numeric"),
    ("float4", "numeric"),
    ("float8", "numeric"),
    ("interval", "text"),
    ("money", "numeric"),
    ("name", "text"),
    ("national character", "bpchar"),
    ("nchar", "bpchar"),
    ("real", "numeric"),
    ("time", "text"),
    ("time with time zone", "text"),
    ("time without time zone", "text"),
    ("timestamp", "text"),
    ("timestamp with time zone", "text"),
    ("timestamp without time zone", "text"),
    ("timestamptz", "text"),
    ("timetz", "text"),
];

const EXACT_TYPES_OF_TWO_WORDS: &[&str] = &[
    "bit varying",
    "char varying",
    "character varying",
    "national char varying",
    "national character varying",
    "nchar varying",
];

/// One name, with a schema or without.
fn is_type_name(text: &str) -> bool {
    let mut rest = text;
    for is_first in [true, false] {
        let part = match rest.strip_prefix('"') {
            Some(inner) => match inner.find('"') {
                None | Some(0) => return false,
                Some(end) => &rest[..end + 2],
            },
            None => &rest[..rest.find('.').unwrap_or(rest.len())],
        };
        if !part.starts_with('"') && !is_identifier(part) {
            return false;
        }
        rest = &rest[part.len()..];
        match rest.strip_prefix('.') {
            Some(after) if is_first => rest = after,
            _ => break,
        }
    }
    rest.is_empty()
}

/// Whether a text is an identifier without quotes:
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
fn is_identifier(text: &str) -> bool {
    let may_start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let may_follow = |c: char| may_start(c) || c.is_ascii_digit() || c == '$';
    text.starts_with(may_start) && text.chars().all(may_follow)
}

fn mode<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: &TomlValue<'a>) -> Option<Range<usize>> {
    let text = reader.string(key, value, NONE)?;
    if text == NONE {
        return Some(value.span());
    }
    let fault = Diagnostic::new(Fault::InvalidValue, format!("unknown mode `{text}`"))
        .note("`mode = \"none\"` is for a database of one tenant; with a `column` and a `setting` there is no mode")
        .maybe_help(did_you_mean(text, [NONE]));
    reader.fault(fault, value.span(), "");
    None
}

fn policies<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Vec<DeclaredPolicy> {
    let mut policies: Vec<DeclaredPolicy> = Vec::new();
    for (place, entry) in reader.tables("tenancy", key, value) {
        let Some(policy) = policy(reader, &place, entry) else {
            continue;
        };
        let is_same = |known: &&DeclaredPolicy| {
            known.table.value == policy.table.value && known.command == policy.command
        };
        match policies.iter().find(is_same) {
            None => policies.push(policy),
            Some(first) => {
                let message = format!(
                    "`{}` on table `{}` has two policies",
                    policy.command.as_str(),
                    policy.table.value
                );
                let fault = policy
                    .table
                    .fault(Fault::RepeatedPolicy, message, "again here")
                    .at(&first.table.source, first.table.range.clone(), "first here")
                    .help("join the two expressions with OR or AND");
                reader.push(fault);
            }
        }
    }
    policies
}

/// The keys of one entry of `[[tenancy.policies]]`.
#[derive(Default)]
struct Entry<'a> {
    /// Whether it has a key that means nothing, which was probably meant for a missing one.
    has_unknown_key: bool,
    table: Setting<TomlKey>,
    command: Setting<TomlKey>,
    using: Setting<(TomlKey, TomlValue<'a>)>,
    check: Setting<(TomlKey, TomlValue<'a>)>,
    reason: Setting<TomlKey>,
}

impl<'a> Entry<'a> {
    fn read(reader: &mut PolicyReader<'a>, pairs: Vec<(TomlKey, TomlValue<'a>)>) -> Self {
        let mut entry = Self::default();
        for (key, value) in pairs {
            match key.get_ref().as_str() {
                TABLE => entry.table = Setting::of(reader.text(&key, &value, "memberships")),
                FOR => entry.command = Setting::of(reader.text(&key, &value, "select")),
                USING => entry.using = Setting::Is((key, value)),
                CHECK => entry.check = Setting::Is((key, value)),
                REASON => entry.reason = Setting::of(reader.text(&key, &value, "why")),
                _ => match reader.unknown_key(&key, &[TABLE, FOR, USING, CHECK, REASON]) {
                    Some(TABLE) => entry.table.set_faulty(),
                    Some(FOR) => entry.command.set_faulty(),
                    Some(USING) => entry.using.set_faulty(),
                    Some(CHECK) => entry.check.set_faulty(),
                    Some(REASON) => entry.reason.set_faulty(),
                    _ => entry.has_unknown_key = true,
                },
            }
        }
        entry
    }
}

fn policy<'a>(
    reader: &mut PolicyReader<'a>,
    place: &Range<usize>,
    pairs: Vec<(TomlKey, TomlValue<'a>)>,
) -> Option<DeclaredPolicy> {
    let entry = Entry::read(reader, pairs);
    let missing = [(entry.table.is_absent(), TABLE), (entry.command.is_absent(), FOR)];
    let missing = missing
        .iter()
        .filter(|(is_missing, _)| *is_missing && !entry.has_unknown_key);
    for (_, name) in missing {
        let fault = Diagnostic::new(Fault::MissingValue, format!("this policy has no `{name}`"))
            .help("write the `table`, and the command in `for`: `select`, `insert`, `update` or `delete`");
        reader.fault(fault, place.clone(), "");
    }
    let table = reader.placed(entry.table.value()?);
    let command = command(reader, &entry.command.value()?)?;
    let reason = match entry.reason {
        Setting::Is(reason) if !reason.get_ref().trim().is_empty() => reason.into_inner(),
        Setting::Faulty => String::new(),
        Setting::Absent if entry.has_unknown_key => String::new(),
        Setting::Absent | Setting::Is(_) => {
            reader.push(without_reason(&table, command));
            String::new()
        }
    };
    let using = expression(reader, &table, command, (USING, entry.using), command.reads());
    let check = expression(reader, &table, command, (CHECK, entry.check), command.writes());
    Some(DeclaredPolicy {
        table,
        command,
        using,
        check,
        reason,
    })
}

fn without_reason(table: &Placed<String>, command: Command) -> Diagnostic {
    let message = format!(
        "the policy of `{}` for `{}` has no reason",
        table.value,
        command.as_str()
    );
    table
        .fault(Fault::PolicyWithoutReason, message, "")
        .help("say why neither a tenant column nor a parent fits these rows: `reason = \"…\"`")
}

fn command(reader: &mut PolicyReader<'_>, text: &TomlKey) -> Option<Command> {
    let is_named = |command: &Command| command.as_str() == text.get_ref().to_ascii_lowercase();
    if let Some(found) = Command::ALL.iter().copied().find(is_named) {
        return Some(found);
    }
    let names = Command::ALL.map(Command::as_str);
    let fault = Diagnostic::new(
        Fault::InvalidValue,
        format!("unknown command `{}`", text.get_ref()),
    )
    .note(format!(
        "the commands are `{}`; each has a policy of its own",
        names.join("`, `")
    ))
    .maybe_help(did_you_mean(text.get_ref(), names));
    reader.fault(fault, text.span(), "");
    None
}

/// The expression in `using` or `check`. Which of the two a command has is PostgreSQL's rule. One is never taken for
/// the other: <https://www.postgresql.org/docs/current/sql-createpolicy.html>.
fn expression<'a>(
    reader: &mut PolicyReader<'a>,
    table: &Placed<String>,
    command: Command,
    (name, written): (&str, Setting<(TomlKey, TomlValue<'a>)>),
    is_needed: bool,
) -> Option<Placed<String>> {
    let (what, title) = (if name == USING { "reaches" } else { "writes" }, command.as_str());
    match (written, is_needed) {
        (Setting::Absent, false) | (Setting::Faulty, _) => None,
        (Setting::Absent, true) => {
            let message = format!("the policy of `{}` for `{title}` has no `{name}`", table.value);
            let fault = table
                .fault(Fault::MissingValue, message, "")
                .note("`using` says which rows a command reaches, `check` which rows it may write")
                .help(format!(
                    "write the expression for the rows that `{title}` {what}: `{name} = \"…\"`"
                ));
            reader.push(fault);
            None
        }
        (Setting::Is((key, _)), false) => {
            let fault = Diagnostic::new(
                Fault::InvalidValue,
                format!("a policy for `{title}` has no `{name}`"),
            )
            .note(format!("`{title}` {what} no rows"))
            .help("remove it");
            reader.fault(fault, key.span(), "");
            None
        }
        (Setting::Is((key, value)), true) => text(reader, &key, &value, "user_id = …", |text| {
            expression_fault(name, text)
        }),
    }
}

/// The expression becomes part of `CREATE POLICY`. Only the server can decide whether it is a valid one.
fn expression_fault(name: &str, text: &str) -> Option<Diagnostic> {
    if text.trim().is_empty() {
        let fault = Diagnostic::new(Fault::EmptyName, format!("`{name}` is empty"));
        return Some(fault.help("write an SQL expression"));
    }
    let flaw = sql::flaw(text)?;
    Some(
        Diagnostic::new(Fault::InvalidValue, "this is not one SQL expression".to_string())
            .note(flaw)
            .note("the expression is inserted into the parentheses of `USING (…)` or `WITH CHECK (…)` in `CREATE POLICY`")
            .help("write one condition, such as `user_id = (SELECT nullif(current_setting('app.user_id', true), '')::bigint)`"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use table_registry_core::TableKind;

    use super::*;
    use crate::testing::places;
    use crate::{Policy, Source};

    fn read(text: &str) -> (Policy, Vec<String>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy, places(&faults))
    }

    #[test]
    fn every_key() {
        let (policy, faults) = read(
            "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\ntype = \"varchar\"\n\
             [[tenancy.policies]]\ntable = \"memberships\"\nfor = \"select\"\nusing = \"user_id = 1\"\nreason = \"own\"\n\
             [[tenancy.policies]]\ntable = \"memberships\"\nfor = \"UPDATE\"\nusing = \"a\"\ncheck = \"b\"\nreason = \"own\"\n\
             [tables.legacy_ledger]\nkind = \"evidence\"\ntenant = \"org_id\"\nshared_rows = true\n\
             [tables.\"audit.events\"]\ntenant = \"through(job_id -> jobs)\"\n",
        );
        assert_eq!(faults, [""; 0]);
        let column = policy.tenancy.column().unwrap();
        assert_eq!(
            (column.name.value.as_str(), column.setting.value.as_str()),
            ("org_id", "app.org_id")
        );
        assert_eq!(column.sql_type.as_deref(), Some("varchar"));
        let commands: Vec<Command> = policy
            .tenancy
            .policies
            .iter()
            .map(|policy| policy.command)
            .collect();
        assert_eq!(commands, [Command::Select, Command::Update]);
        let [ledger, events] = policy.tables.as_slice() else {
            panic!("{:?}", policy.tables);
        };
        assert_eq!(ledger.kind, TableKind::Evidence);
        assert!(ledger.shared_rows.is_some());
        assert_eq!(events.tenant.as_ref().unwrap().value.columns()[0].text, "job_id");
    }

    #[test]
    fn one_tenant() {
        let (policy, faults) = read("[tenancy]\nmode = \"none\"");
        assert_eq!(faults, [""; 0]);
        assert!(matches!(policy.tenancy.tenants, Tenants::One));
        assert!(matches!(read("").0.tenancy.tenants, Tenants::Unknown));
    }

    #[test]
    fn every_fault_at_its_place() {
        for (text, expected) in [
            (
                "[tenancy]",
                &["missing-value tenancy", "missing-value tenancy"][..],
            ),
            ("tenancy = 1", &["wrong-type 1"]),
            ("[tenancy]\nmode = \"nine\"", &["invalid-value \"nine\""]),
            (
                "[tenancy]\nmode = \"none\"\ncolumn = \"org_id\"",
                &["conflicting-tenancy \"none\""],
            ),
            (
                "[tenancy]\ncolumn = \"\"\nsetting = \"org\"\ntype = \"int; DROP\"",
                &[
                    "empty-name \"\"",
                    "invalid-value \"org\"",
                    "invalid-value \"int; DROP\"",
                ],
            ),
            (
                "[tenancy]\ncolumn = \"a\"\nsetting = \"request.jwt.claims\"",
                &["invalid-value \"request.jwt.claims\""],
            ),
            (
                "[tenancy]\ncolum = \"a\"\nsetting = \"a.b\"",
                &["unknown-key colum"],
            ),
            (
                "[tenancy]\ncolumn = \"a\"\nsetting = \"a.\"\ntyp = 1",
                &["invalid-value \"a.\"", "unknown-key typ"],
            ),
            ("[tables.a]\nkind = \"trth\"", &["unknown-kind \"trth\""]),
            (
                "[tables.a]\ntenant = \"through(x)\"",
                &["invalid-value \"through(x)\""],
            ),
            ("[tables.a]\nshared_rows = 1", &["wrong-type 1"]),
            ("[tables.\"\"]\n", &["empty-name \"\""]),
            ("[tables]\na = 1", &["wrong-type 1"]),
            ("[tables.audit.events]\nkind = \"link\"", &["unknown-key events"]),
        ] {
            assert_eq!(read(text).1, expected, "{text}");
        }
    }

    #[test]
    fn types_that_do_not_truncate() {
        for text in [
            "uuid",
            "bigint",
            "sales.org_id",
            "\"OrgId\"",
            "sales.\"Org Id\"",
            "\"a.b\"",
            "\"CHAR\"",
            "Character  Varying",
            "nchar varying",
            "int8",
            "numeric",
        ] {
            assert_eq!(type_fault(text).map(|fault| fault.message), None, "{text}");
        }
        for (text, help) in [
            ("varchar(36)", "write `type = \"varchar\"`"),
            ("numeric (4, 2)", "write `type = \"numeric\"`"),
            ("CHAR", "write `type = \"bpchar\"`"),
            ("pg_catalog.char", "write `type = \"bpchar\"`"),
            ("char(2)", "write `type = \"bpchar\"`"),
            ("\"char\"", "write `type = \"bpchar\"`"),
            ("pg_catalog.\"name\"", "write `type = \"text\"`"),
            ("bit(3)", "write `type = \"bit varying\"`"),
            ("double precision", "write `type = \"numeric\"`"),
            ("timestamp(3) with time zone", "write `type = \"text\"`"),
        ] {
            assert_eq!(type_fault(text).unwrap().helps, [help], "{text}");
        }
        for text in [
            "",
            " ",
            "bigint OR true",
            "uuid[]",
            "a.b.c",
            "int)",
            "int --",
            "1a",
            "\"a\"b\"",
            "f(x)::int",
            "\"OrgId\"(3)",
            "\"a\nb\" x",
        ] {
            let fault = type_fault(text).unwrap();
            assert!(fault.message.ends_with("is not a type"), "{text}");
        }
    }

    #[test]
    fn every_fault_of_a_policy() {
        let policy = |text: &str| {
            read(&format!(
                "[tenancy]\ncolumn = \"a\"\nsetting = \"a.b\"\n[[tenancy.policies]]\n{text}"
            ))
            .1
        };
        for (text, expected) in [
            ("", &["missing-value policies", "missing-value policies"][..]),
            ("table = \"a\"\nfor = \"all\"", &["invalid-value \"all\""]),
            (
                "table = \"a\"\nfor = \"select\"\nusing = \"x\"",
                &["policy-without-reason \"a\""],
            ),
            (
                "table = \"a\"\nfor = \"select\"\nusing = \"x\"\ncheck = \"x\"\nreason = \"y\"",
                &["invalid-value check"],
            ),
            (
                "table = \"a\"\nfor = \"insert\"\nusing = \"x\"\nreason = \"y\"",
                &["invalid-value using", "missing-value \"a\""],
            ),
            (
                "table = \"a\"\nfor = \"update\"\nusing = \"x\"\nreason = \"y\"",
                &["missing-value \"a\""],
            ),
            (
                "table = \"a\"\nfor = \"delete\"\nusing = \" \"\nreason = \"y\"",
                &["empty-name \" \""],
            ),
            (
                "table = \"a\"\nfor = \"delete\"\nusing = \"x = 1]\"\nreason = \"y\"",
                &["invalid-value \"x = 1]\""],
            ),
            (
                "tabel = \"a\"\nfor = [\"delete\"]\nusing = 1\nreason = 1",
                &["unknown-key tabel", "wrong-type [\"delete\"]", "wrong-type 1"],
            ),
            (
                "table = \"a\"\ncommand = \"delete\"\nusing = \"x\"\nreason = \"y\"",
                &["unknown-key command"],
            ),
            (
                "table = \"a\"\nfor = \"delete\"\nusin = \"x\"\nreson = \"y\"",
                &["unknown-key usin", "unknown-key reson"],
            ),
            (
                "table = \"a\"\nfor = \"delete\"\nusing = \"x\"\nreason = \"y\"\n\
                 [[tenancy.policies]]\ntable = \"a\"\nfor = \"delete\"\nusing = \"z\"\nreason = \"y\"",
                &["repeated-policy \"a\""],
            ),
        ] {
            assert_eq!(policy(text), expected, "{text}");
        }
        assert_eq!(
            read("[tenancy]\nmode = \"none\"\npolicies = 1").1,
            ["wrong-type 1"]
        );
    }
}
