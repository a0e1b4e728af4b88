//! What `[database]` says: how the registry maps to a PostgreSQL server.
//!
//! The macros make nothing of it. It is read here all the same, so that a typo in it is an error of
//! the compiler, too; `cargo table-registry sql` and `verify` use it.

use toml::de::DeValue;

use super::config::{Entry, Key, Reader, Value};
use super::diagnostic::{Code, Diagnostic};
use super::name;
use super::suggest::did_you_mean;

/// The table of this configuration.
pub const DATABASE: &str = "database";
const SCHEMA: &str = "schema";
const APP_ROLES: &str = "app_roles";
const TENANT_POLICY: &str = "tenant_policy";
const FORCE_RLS: &str = "force_rls";
const APPEND_ONLY_TRIGGER: &str = "append_only_trigger";
const ALLOW: &str = "allow";

/// What a check of the database is about, and so what an exception from it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSubject {
    /// A registered table.
    Table,
    /// A role of the application.
    Role,
    /// Something that no exception can name: the policy file itself decides it.
    Policy,
}

/// Every check of the database that is no lint, by name.
pub const DATABASE_CHECKS: [(Code, CheckSubject); 26] = [
    (Code::AppRoleOwnsTable, CheckSubject::Role),
    (Code::AppendOnlyPrivilege, CheckSubject::Table),
    (Code::CascadeIntoAppendOnly, CheckSubject::Table),
    (Code::ColumnTypeMismatch, CheckSubject::Table),
    (Code::DefaultPrivilege, CheckSubject::Role),
    (Code::DefinerFunction, CheckSubject::Table),
    (Code::DefinerView, CheckSubject::Table),
    (Code::ExtraColumn, CheckSubject::Table),
    (Code::MaterializedView, CheckSubject::Table),
    (Code::MissingAppRole, CheckSubject::Policy),
    (Code::MissingColumn, CheckSubject::Table),
    (Code::MissingExemptTable, CheckSubject::Policy),
    (Code::MissingPolicy, CheckSubject::Table),
    (Code::MissingTable, CheckSubject::Table),
    (Code::MissingTrigger, CheckSubject::Table),
    (Code::NullableTenantColumn, CheckSubject::Table),
    (Code::OpenPolicy, CheckSubject::Table),
    (Code::PolicyWithoutCheck, CheckSubject::Table),
    (Code::PrivilegedAppRole, CheckSubject::Role),
    (Code::ProbeAllowed, CheckSubject::Table),
    (Code::RewriteRule, CheckSubject::Table),
    (Code::RlsDisabled, CheckSubject::Table),
    (Code::RlsNotForced, CheckSubject::Table),
    (Code::UnprotectedChild, CheckSubject::Table),
    (Code::UnprotectedParent, CheckSubject::Table),
    (Code::UnregisteredTable, CheckSubject::Policy),
];

/// What `[database]` says.
#[derive(Clone, Debug)]
pub struct Database {
    /// The PostgreSQL schema of tables whose struct names none.
    pub schema: String,
    /// The roles that the application connects as.
    pub app_roles: Vec<Entry<()>>,
    /// The expression that a row must meet to be seen or written, if the registry is to make the policies.
    pub tenant_policy: Option<Entry<()>>,
    /// Whether row-level security holds for the owner of a table, too.
    pub force_rls: bool,
    /// Whether a trigger refuses changes of append-only tables.
    pub append_only_trigger: bool,
    /// `[database.allow.CHECK]`: the tables and roles that a check leaves alone.
    pub exceptions: Vec<Entry<Code>>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            schema: "public".to_string(),
            app_roles: Vec::new(),
            tenant_policy: None,
            force_rls: true,
            append_only_trigger: false,
            exceptions: Vec::new(),
        }
    }
}

impl Database {
    /// Whether somebody decided that a check does not hold for a table or a role.
    #[must_use]
    pub fn allows(&self, check: Code, subject: &str) -> bool {
        let mut exceptions = self.exceptions.iter();
        exceptions.any(|exception| exception.value == check && exception.name == subject)
    }

    pub(super) fn read<'a>(reader: &mut Reader<'a>, key: &Key, value: Value<'a>) -> Self {
        let mut database = Self::default();
        for (key, value) in reader.table(key, value) {
            match key.get_ref().as_str() {
                SCHEMA => database.schema = schema(reader, &key, &value).unwrap_or(database.schema),
                APP_ROLES => database.app_roles = roles(reader, &key, value),
                TENANT_POLICY => database.tenant_policy = expression(reader, &key, &value),
                FORCE_RLS => database.force_rls = boolean(reader, &key, &value).unwrap_or(true),
                APPEND_ONLY_TRIGGER => {
                    database.append_only_trigger = boolean(reader, &key, &value).unwrap_or_default();
                }
                ALLOW => database.exceptions = exceptions(reader, &key, value),
                _ => reader.unknown_key(
                    &key,
                    &[
                        SCHEMA,
                        APP_ROLES,
                        TENANT_POLICY,
                        FORCE_RLS,
                        APPEND_ONLY_TRIGGER,
                        ALLOW,
                    ],
                ),
            }
        }
        database.check_roles_of_exceptions(reader);
        database
    }

    /// Roles are known here; tables are not, before the registry is.
    fn check_roles_of_exceptions(&self, reader: &mut Reader<'_>) {
        let roles = || self.app_roles.iter().map(|role| role.name.as_str());
        for entry in &self.exceptions {
            if subject(entry.value) == CheckSubject::Role && !roles().any(|role| role == entry.name) {
                let message = format!(
                    "exception from `{}` names unknown role `{}`",
                    entry.value, entry.name
                );
                let fault = Diagnostic::new(Code::UnknownAllow, message)
                    .note("the roles are those of `app_roles`")
                    .maybe_help(did_you_mean(&entry.name, roles()));
                reader.fault(fault, entry.place.clone(), "");
            }
        }
    }
}

/// What a check is about.
///
/// # Panics
///
/// If the code is not that of a check.
#[must_use]
pub fn subject(check: Code) -> CheckSubject {
    let found = DATABASE_CHECKS.iter().find(|(code, _)| *code == check);
    found.expect("only checks have exceptions").1
}

fn schema<'a>(reader: &mut Reader<'a>, key: &Key, value: &Value<'a>) -> Option<String> {
    let text = reader.string(key, value, "public")?;
    if let Err(fault) = name::check("schema name", text) {
        let fault =
            Diagnostic::new(fault.code, fault.message).help("write the name of a schema in the database");
        reader.fault(fault, value.span(), "");
        return None;
    }
    Some(text.to_string())
}

fn roles<'a>(reader: &mut Reader<'a>, key: &Key, value: Value<'a>) -> Vec<Entry<()>> {
    let mut roles: Vec<Entry<()>> = Vec::new();
    for role in reader.strings(key, value, "app") {
        if let Some(fault) = role_fault(role.get_ref()) {
            let fault = fault.help("write the name of a role: `app_roles = [\"app\"]`");
            reader.fault(fault, role.span(), "");
        } else if roles.iter().all(|known| known.name != *role.get_ref()) {
            roles.push(reader.entry(role, ()));
        }
    }
    roles
}

/// Even in quotes, `public` stands for everybody, and `none` for nobody; `pg_` is the server's own:
/// <https://www.postgresql.org/docs/current/sql-createrole.html>.
fn role_fault(name: &str) -> Option<Diagnostic> {
    if matches!(name, "public" | "none") || name.starts_with("pg_") {
        let message = format!("`{name}` is not a role that an application connects as");
        return Some(Diagnostic::new(Code::InvalidValue, message));
    }
    match name::check("role name", name) {
        Err(fault) if fault.code != Code::DottedName => Some(Diagnostic::new(fault.code, fault.message)),
        _ => None,
    }
}

fn expression<'a>(reader: &mut Reader<'a>, key: &Key, value: &Value<'a>) -> Option<Entry<()>> {
    let text = reader.string(key, value, "org_id = current_setting('app.org_id')")?;
    if text.trim().is_empty() {
        let fault = Diagnostic::new(Code::EmptyName, format!("`{TENANT_POLICY}` is empty"))
            .help("write an SQL expression, or leave the key out if policies are made elsewhere");
        reader.fault(fault, value.span(), "");
        return None;
    }
    let text = Key::new(value.span(), text.to_string());
    Some(reader.entry(text, ()))
}

fn boolean<'a>(reader: &mut Reader<'a>, key: &Key, value: &Value<'a>) -> Option<bool> {
    if let DeValue::Boolean(boolean) = value.get_ref() {
        return Some(*boolean);
    }
    let form = format!("write `{} = true` or `{} = false`", key.get_ref(), key.get_ref());
    reader.wrong_type(key, "true or false", value.get_ref(), value.span(), form);
    None
}

fn exceptions<'a>(reader: &mut Reader<'a>, key: &Key, value: Value<'a>) -> Vec<Entry<Code>> {
    let mut exceptions = Vec::new();
    for (check, value) in reader.table(key, value) {
        let Some(code) = known_check(reader, &check) else {
            continue;
        };
        exceptions.extend(reader.exceptions(&check, value, code));
    }
    exceptions
}

fn known_check(reader: &mut Reader<'_>, name: &Key) -> Option<Code> {
    let text = name.get_ref().replace('_', "-");
    let found = DATABASE_CHECKS.iter().find(|(code, _)| code.as_str() == text);
    if let Some((code, subject)) = found
        && *subject != CheckSubject::Policy
    {
        return Some(*code);
    }
    let allowed = DATABASE_CHECKS
        .iter()
        .filter(|(_, subject)| *subject != CheckSubject::Policy);
    let names: Vec<&str> = allowed.map(|(code, _)| code.as_str()).collect();
    let (message, near) = match found {
        Some((code, _)) => (format!("database check `{code}` has no exceptions"), None),
        None => (
            format!("unknown database check `{}`", name.get_ref()),
            did_you_mean(&text, names.iter().copied()),
        ),
    };
    let help = near.unwrap_or_else(|| format!("the checks with exceptions are `{}`", names.join("`, `")));
    reader.fault(
        Diagnostic::new(Code::UnknownCheck, message).help(help),
        name.span(),
        "",
    );
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::testing::codes;
    use crate::engine::{Policy, Source};

    fn read(text: &str) -> (Database, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_overrides(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.database, faults)
    }

    #[test]
    fn checks_are_sorted() {
        assert!(DATABASE_CHECKS.is_sorted_by_key(|(code, _)| code.as_str()));
    }

    #[test]
    fn every_key() {
        let (database, faults) = read(
            "[database]
             schema = \"erp\"
             app_roles = [\"app\", \"worker\", \"app\"]
             tenant_policy = \"org_id = current_setting('app.org_id')\"
             force_rls = false
             append_only_trigger = true
             [database.allow.rls_disabled]
             invoices = \"why\"
             [database.allow.default-privilege]
             app = \"why\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let roles: Vec<&str> = database.app_roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!((database.schema.as_str(), roles), ("erp", vec!["app", "worker"]));
        assert!(!database.force_rls && database.append_only_trigger);
        assert!(
            database
                .tenant_policy
                .as_ref()
                .unwrap()
                .name
                .starts_with("org_id")
        );
        assert!(database.allows(Code::RlsDisabled, "invoices"));
        assert!(!database.allows(Code::RlsDisabled, "orders"));
    }

    #[test]
    fn what_nobody_says_is_the_safe_choice() {
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
             tenant_policy = \" \"
             force_rls = \"yes\"
             force_rsl = true
             [database.allow.rls-disabeld]
             invoices = \"why\"
             [database.allow.missing-app-role]
             app = \"why\"
             [database.allow.open-policy]
             invoices = \"\"
             [database.allow.default-privilege]
             apq = \"why\"",
        );
        let found = codes(&faults).into_iter().zip(faults.iter().map(|fault| {
            let label = &fault.labels[0];
            &label.source.text[label.range.clone()]
        }));
        let found: Vec<String> = found.map(|(code, text)| format!("{code} {text}")).collect();
        assert_eq!(
            found,
            [
                "dotted-name \"a.b\"",
                "wrong-type 1",
                "empty-name \"\"",
                "invalid-value \"public\"",
                "invalid-value \"pg_monitor\"",
                "empty-name \" \"",
                "wrong-type \"yes\"",
                "unknown-key force_rsl",
                "unknown-check rls-disabeld",
                "unknown-check missing-app-role",
                "allow-without-reason \"\"",
                "unknown-allow apq",
            ]
        );
    }
}
