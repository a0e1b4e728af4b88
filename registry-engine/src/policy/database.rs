//! `[database]`: how the registry maps to a PostgreSQL server.
//!
//! Only `cargo table-registry sql` and `verify` use these settings. They are read here so that the compiler reports a
//! typo in them, too.

use super::reader::{Exception, Placed, PolicyReader, TomlKey, TomlValue};
use super::sql;
use crate::name;
use crate::report::{CheckSubject, DatabaseCheck, Diagnostic, Fault, Level};
use crate::text::did_you_mean;

const SCHEMA: &str = "schema";
const APP_ROLES: &str = "app_roles";
const FORCE_RLS: &str = "force_rls";
const APPEND_ONLY_TRIGGER: &str = "append_only_trigger";
const ALLOW: &str = "allow";
const LEVELS: &str = "levels";
const PROBE: &str = "probe";

/// The settings in `[database]`.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The PostgreSQL schema of tables whose struct names none.
    pub schema: String,
    /// The roles that the application connects as.
    pub app_roles: Vec<Placed<String>>,
    /// Whether row-level security applies to the owner of a table, too.
    pub force_rls: bool,
    /// Whether append-only tables have a trigger that refuses changes.
    pub append_only_trigger: bool,
    /// `[database.allow.CHECK]`: the tables and roles to which a check does not apply.
    pub exceptions: Vec<Exception<DatabaseCheck>>,
    /// `[database.levels]`.
    pub levels: Vec<(DatabaseCheck, Level)>,
    /// `[database.probe]`: expressions for the columns of made-up rows, by table and column.
    pub probe: Vec<(Placed<String>, String)>,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            schema: "public".to_string(),
            app_roles: Vec::new(),
            force_rls: true,
            append_only_trigger: false,
            exceptions: Vec::new(),
            levels: Vec::new(),
            probe: Vec::new(),
        }
    }
}

impl DatabaseSettings {
    /// Whether there is an exception to a check for a table or role.
    #[must_use]
    pub fn allows(&self, check: DatabaseCheck, subject: &str) -> bool {
        let mut exceptions = self.exceptions.iter();
        exceptions.any(|exception| exception.rule == check && exception.subject.value == subject)
    }

    /// The expression for a column of made-up rows.
    #[must_use]
    pub fn probe_value(&self, table: &str, column: &str) -> Option<&str> {
        let mut values = self.probe.iter();
        let found = values.find(|(name, _)| name.value.rsplit_once('.') == Some((table, column)));
        found.map(|(_, value)| value.as_str())
    }

    /// The level of a check: that of the policy file, or the default.
    #[must_use]
    pub fn level(&self, check: DatabaseCheck) -> Level {
        let set = self.levels.iter().rfind(|(of, _)| *of == check);
        set.map_or(check.default_level(), |(_, level)| *level)
    }

    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Self {
        let mut database = Self::default();
        for (key, value) in reader.table(key, value) {
            match key.get_ref().as_str() {
                SCHEMA => database.schema = schema(reader, &key, &value).unwrap_or(database.schema),
                APP_ROLES => database.app_roles = roles(reader, &key, value),
                FORCE_RLS => database.force_rls = reader.boolean(&key, &value).unwrap_or(true),
                APPEND_ONLY_TRIGGER => {
                    database.append_only_trigger = reader.boolean(&key, &value).unwrap_or_default();
                }
                ALLOW => database.exceptions = exceptions(reader, &key, value),
                LEVELS => database.levels = levels(reader, &key, value),
                PROBE => database.probe = probe_values(reader, &key, value),
                _ => {
                    let known = [
                        SCHEMA,
                        APP_ROLES,
                        FORCE_RLS,
                        APPEND_ONLY_TRIGGER,
                        ALLOW,
                        LEVELS,
                        PROBE,
                    ];
                    reader.unknown_key(&key, &known);
                }
            }
        }
        database.check_roles_of_exceptions(reader);
        database
    }

    /// Exceptions that name a table are checked later, when the registry is known.
    fn check_roles_of_exceptions(&self, reader: &mut PolicyReader<'_>) {
        let roles = || self.app_roles.iter().map(|role| role.value.as_str());
        for entry in &self.exceptions {
            let subject = &entry.subject;
            if entry.rule.subject() == CheckSubject::Role && !roles().any(|role| role == subject.value) {
                let message = format!(
                    "exception to `{}` names unknown role `{}`",
                    entry.rule, subject.value
                );
                let fault = Diagnostic::new(Fault::UnknownAllow, message)
                    .note("the roles are listed in `app_roles`")
                    .maybe_help(did_you_mean(&subject.value, roles()));
                reader.fault(fault, subject.range.clone(), "");
            }
        }
    }
}

fn schema<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: &TomlValue<'a>) -> Option<String> {
    let text = reader.string(key, value, "public")?;
    if let Err(fault) = name::check("schema name", text) {
        let fault =
            Diagnostic::new(fault.code, fault.message).help("write the name of a schema in the database");
        reader.fault(fault, value.span(), "");
        return None;
    }
    Some(text.to_string())
}

fn roles<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Vec<Placed<String>> {
    let mut roles: Vec<Placed<String>> = Vec::new();
    for role in reader.strings(key, value, "app") {
        if let Some(fault) = role_fault(role.get_ref()) {
            let with_help = fault.help("write the name of a role: `app_roles = [\"app\"]`");
            reader.fault(with_help, role.span(), "");
        } else if roles.iter().all(|known| known.value != *role.get_ref()) {
            roles.push(reader.placed(role));
        }
    }
    roles
}

/// PostgreSQL reserves `public` and `none`, even in quotes, and the prefix `pg_`:
/// <https://www.postgresql.org/docs/current/sql-createrole.html>.
fn role_fault(name: &str) -> Option<Diagnostic> {
    if matches!(name, "public" | "none") || name.starts_with("pg_") {
        let message = format!("`{name}` is not a role that an application connects as");
        return Some(Diagnostic::new(Fault::InvalidValue, message));
    }
    let fault = name::check_identifier("role name", name).err()?;
    Some(Diagnostic::new(fault.code, fault.message))
}

fn exceptions<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Vec<Exception<DatabaseCheck>> {
    let mut exceptions = Vec::new();
    for (name, value) in reader.table(key, value) {
        if let Some(check) = known_check(reader, &name, &EXCEPTIONS) {
            exceptions.extend(reader.exceptions(&name, value, check));
        }
    }
    exceptions
}

fn levels<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Vec<(DatabaseCheck, Level)> {
    let mut levels = Vec::new();
    for (name, value) in reader.table(key, value) {
        let Some(check) = known_check(reader, &name, &SETTABLE_LEVELS) else {
            continue;
        };
        if levels.iter().any(|(set, _)| *set == check) {
            let fault = Diagnostic::new(Fault::RepeatedKey, format!("the level of `{check}` is set twice"))
                .note("`-` and `_` mean the same in the name of a check")
                .help("keep one of them");
            reader.fault(fault, name.span(), "");
        }
        let level = reader.level(&name, &value, check.default_level());
        levels.extend(level.map(|level| (check, level)));
    }
    levels
}

fn probe_values<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Vec<(Placed<String>, String)> {
    let read = |reader: &mut PolicyReader<'a>, name: TomlKey, value: &TomlValue<'a>| {
        let text = reader
            .string(&name, value, "an SQL expression")
            .map(ToString::to_string)?;
        if let Some(flaw) = sql::flaw(&text) {
            let fault = Diagnostic::new(Fault::InvalidValue, "this is not one SQL expression".to_string());
            reader.fault(
                fault.note(flaw).help("write one value, such as `'EUR'`"),
                value.span(),
                "",
            );
        }
        if !name.get_ref().contains('.') {
            let message = format!("`{}` is not the name of a column with its table", name.get_ref());
            let fault = Diagnostic::new(Fault::InvalidValue, message);
            reader.fault(
                fault.help("write `\"table.column\" = \"an SQL expression\"`"),
                name.span(),
                "",
            );
        }
        Some((reader.placed(name), text))
    };
    let entries = reader.entries(key, value, read);
    entries.into_iter().flatten().collect()
}

/// A table of the policy file whose keys are checks.
struct Section {
    accepts: fn(DatabaseCheck) -> bool,
    /// The fault of a check that it does not accept.
    refusal: fn(DatabaseCheck) -> Diagnostic,
    /// What the checks that it accepts have in common.
    accepted: &'static str,
}

const EXCEPTIONS: Section = Section {
    accepts: |check| check.subject() != CheckSubject::Nothing,
    refusal: |check| {
        let message = format!("database check `{check}` allows no exceptions");
        Diagnostic::new(Fault::UnknownCheck, message)
    },
    accepted: "the checks that allow exceptions are",
};

const SETTABLE_LEVELS: Section = Section {
    accepts: DatabaseCheck::has_settable_level,
    refusal: |check| {
        let message = format!("the level of database check `{check}` cannot be set");
        let example = match check.subject() {
            CheckSubject::Table => Some("table"),
            CheckSubject::Role => Some("role"),
            CheckSubject::Nothing => None,
        };
        let help = example.map(|subject| {
            format!(
                "to accept its findings about one {subject}, write an exception: `[database.allow.{check}]`"
            )
        });
        Diagnostic::new(Fault::UnknownCheck, message)
            .note("only checks that are not about isolation have a level")
            .maybe_help(help)
    },
    accepted: "the checks whose level can be set are",
};

fn known_check(reader: &mut PolicyReader<'_>, name: &TomlKey, section: &Section) -> Option<DatabaseCheck> {
    let found = DatabaseCheck::named(name.get_ref());
    if let Some(check) = found.filter(|check| (section.accepts)(*check)) {
        return Some(check);
    }
    let known = DatabaseCheck::ALL
        .iter()
        .filter(|check| (section.accepts)(**check));
    let mut names: Vec<&str> = known.map(|check| check.as_str()).collect();
    names.sort_unstable();
    let fault = match found {
        Some(check) => (section.refusal)(check),
        None => {
            let message = format!("unknown database check `{}`", name.get_ref());
            let near = did_you_mean(&name.get_ref().replace('_', "-"), names.iter().copied());
            Diagnostic::new(Fault::UnknownCheck, message).maybe_help(near)
        }
    };
    let list = format!("{} `{}`", section.accepted, names.join("`, `"));
    let help = fault.helps.is_empty().then_some(list);
    reader.fault(fault.maybe_help(help), name.span(), "");
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{codes, places};
    use crate::{Policy, Source};

    fn read(text: &str) -> (DatabaseSettings, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.database, faults)
    }

    #[test]
    fn every_key() {
        let (database, faults) = read(
            "[database]
             schema = \"erp\"
             app_roles = [\"app\", \"worker\", \"app\"]
             force_rls = false
             append_only_trigger = true
             [database.allow.rls_disabled]
             invoices = \"why\"
             [database.allow.default-privilege]
             app = \"why\"
             [database.levels]
             missing_tenant_index = \"deny\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        assert_eq!(database.level(DatabaseCheck::MissingTenantIndex), Level::Deny);
        assert_eq!(database.level(DatabaseCheck::PerRowCall), Level::Warn);
        let roles: Vec<&str> = database
            .app_roles
            .iter()
            .map(|role| role.value.as_str())
            .collect();
        assert_eq!((database.schema.as_str(), roles), ("erp", vec!["app", "worker"]));
        assert!(!database.force_rls && database.append_only_trigger);
        assert!(database.allows(DatabaseCheck::RlsDisabled, "invoices"));
        assert!(!database.allows(DatabaseCheck::RlsDisabled, "orders"));
    }

    #[test]
    fn the_defaults_are_the_safe_choice() {
        let (database, _) = read("");
        assert!(database.force_rls && database.app_roles.is_empty());
        assert_eq!(database.schema, "public");
    }

    #[test]
    fn every_fault_at_its_place() {
        let (_, faults) = read(
            "[database]
             schema = \"a.b\"
             app_roles = [\"\", 1, \"public\", \"pg_monitor\"]
             force_rls = \"yes\"
             force_rsl = true
             [database.allow.rls-disabeld]
             invoices = \"why\"
             [database.allow.missing-app-role]
             app = \"why\"
             [database.allow.open-policy]
             invoices = \"\"
             [database.allow.default-privilege]
             apq = \"why\"
             [database.levels]
             missing-tenant-indx = \"deny\"
             open-policy = \"warn\"
             per-row-call = \"alow\"
             extra-column = \"warn\"
             extra_column = \"warn\"",
        );
        assert_eq!(
            places(&faults),
            [
                "dotted-name \"a.b\"",
                "wrong-type 1",
                "empty-name \"\"",
                "invalid-value \"public\"",
                "invalid-value \"pg_monitor\"",
                "wrong-type \"yes\"",
                "unknown-key force_rsl",
                "unknown-check rls-disabeld",
                "unknown-check missing-app-role",
                "allow-without-reason \"\"",
                "unknown-check missing-tenant-indx",
                "unknown-check open-policy",
                "unknown-level \"alow\"",
                "repeated-key extra_column",
                "unknown-allow apq",
            ]
        );
    }

    #[test]
    fn values_for_the_probe() {
        let (database, faults) = read(
            "[database.probe]\n\"a.b\" = \"'x'\"\n\"erp.a.b\" = \"1\"\nb = \"1\"\n\"a.c\" = \"1; 2\"\n\"a.d\" = 1",
        );
        assert_eq!(
            places(&faults)[..3],
            ["invalid-value b", "invalid-value \"1; 2\"", "wrong-type 1"]
        );
        assert_eq!(database.probe_value("a", "b"), Some("'x'"));
        assert_eq!(database.probe_value("erp.a", "b"), Some("1"));
        assert_eq!(database.probe_value("b", "b"), None);
    }

    #[test]
    fn the_level_of_a_check_about_isolation_cannot_be_set() {
        let (_, faults) = read("[database.levels]\nopen-policy = \"warn\"\nmissing-app-role = \"warn\"");
        let texts: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            texts,
            [
                "the level of database check `open-policy` cannot be set",
                "the level of database check `missing-app-role` cannot be set"
            ]
        );
        assert_eq!(
            faults[0].helps,
            ["to accept its findings about one table, write an exception: `[database.allow.open-policy]`"]
        );
        assert!(
            faults[1].helps[0].starts_with("the checks whose level can be set are `column-type-mismatch`")
        );
    }
}
