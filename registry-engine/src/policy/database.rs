//! `[database]`: how the registry maps to a PostgreSQL server.
//!
//! Only `cargo table-registry sql` and `verify` use these settings. They are read here so that the compiler reports a
//! typo in them, too.

use super::exceptions::{DatabaseException, Section, known_check};
use super::platform::Platform;
use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use super::roles::{CrossTenantRole, app_roles, owner};
use super::sql;
use crate::name;
use crate::report::{CheckSubject, DatabaseCheck, Diagnostic, Fault, Level};

const SCHEMA: &str = "schema";
const APP_ROLES: &str = "app_roles";
const OWNER: &str = "owner";
const SETUP: &str = "setup";
const PLATFORM: &str = "platform";
const FORCE_RLS: &str = "force_rls";
const APPEND_ONLY_TRIGGER: &str = "append_only_trigger";
const ROLES: &str = "roles";
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
    /// The role that owns the tables and runs the migrations.
    pub owner: Option<Placed<String>>,
    /// SQL files that prepare a throwaway server, relative to the package.
    pub setup: Vec<Placed<String>>,
    /// What such a server has from the start.
    pub platform: Option<Platform>,
    /// Whether row-level security applies to the owner of a table, too.
    pub force_rls: bool,
    /// Whether append-only tables have a trigger that refuses changes.
    pub append_only_trigger: bool,
    /// `[database.roles]`: the roles that work across tenants.
    pub roles: Vec<CrossTenantRole>,
    /// `[[database.allow.CHECK]]`, in the order of the file.
    pub exceptions: Vec<DatabaseException>,
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
            owner: None,
            setup: Vec::new(),
            platform: None,
            force_rls: true,
            append_only_trigger: false,
            roles: Vec::new(),
            exceptions: Vec::new(),
            levels: Vec::new(),
            probe: Vec::new(),
        }
    }
}

impl DatabaseSettings {
    /// The roles of the application, and those that work across tenants.
    pub fn checked_roles(&self) -> impl Iterator<Item = &str> {
        let across_tenants = self.roles.iter().map(|role| &role.name);
        let all = self.app_roles.iter().chain(across_tenants);
        all.map(|role| role.value.as_str())
    }

    /// Whether there is an exception to a check for a table or role as a whole.
    #[must_use]
    pub fn allows(&self, check: DatabaseCheck, subject: &str) -> bool {
        let mut exceptions = self.exceptions_to(check, subject);
        exceptions.any(|exception| exception.object.is_none())
    }

    /// The exceptions to a check that name a table or role, perhaps with an object of it.
    pub fn exceptions_to(
        &self,
        check: DatabaseCheck,
        subject: &str,
    ) -> impl Iterator<Item = &DatabaseException> {
        let all = self.exceptions.iter();
        all.filter(move |exception| exception.check == check && exception.subject.value == subject)
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

    pub(super) fn unite(&mut self, other: Self) {
        if self.app_roles.is_empty() {
            self.app_roles = other.app_roles;
        }
        self.owner = self.owner.take().or(other.owner);
        self.platform = self.platform.or(other.platform);
        self.setup.extend(other.setup);
        for role in other.roles {
            match self
                .roles
                .iter_mut()
                .find(|known| known.name.value == role.name.value)
            {
                Some(known) => known.tables.extend(role.tables),
                None => self.roles.push(role),
            }
        }
        self.exceptions.extend(other.exceptions);
        self.levels.extend(other.levels);
        self.probe.extend(other.probe);
    }

    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Self {
        let mut database = Self::default();
        for (key, value) in reader.table(key, value) {
            match key.get_ref().as_str() {
                SCHEMA => database.schema = schema(reader, &key, &value).unwrap_or(database.schema),
                APP_ROLES => database.app_roles = app_roles(reader, &key, value),
                OWNER => database.owner = owner(reader, &key, &value),
                SETUP => database.setup = setup(reader, &key, value),
                PLATFORM => database.platform = Platform::read(reader, &key, &value),
                FORCE_RLS => database.force_rls = reader.boolean(&key, &value).unwrap_or(true),
                APPEND_ONLY_TRIGGER => {
                    database.append_only_trigger = reader.boolean(&key, &value).unwrap_or_default();
                }
                ROLES => database.roles = CrossTenantRole::read_all(reader, &key, value),
                ALLOW => database.exceptions = DatabaseException::read_all(reader, &key, value),
                LEVELS => database.levels = levels(reader, &key, value),
                PROBE => database.probe = probe_values(reader, &key, value),
                _ => {
                    let known = [
                        SCHEMA,
                        APP_ROLES,
                        OWNER,
                        SETUP,
                        PLATFORM,
                        FORCE_RLS,
                        APPEND_ONLY_TRIGGER,
                        ROLES,
                        ALLOW,
                        LEVELS,
                        PROBE,
                    ];
                    reader.unknown_key(&key, &known);
                }
            }
        }
        for exception in &database.exceptions {
            exception.check_roles(reader, &database.app_roles, &database.roles);
        }
        for role in &database.roles {
            role.check_name(reader, &database.app_roles);
        }
        database
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

fn setup<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Vec<Placed<String>> {
    let mut files = Vec::new();
    for file in reader.strings(key, value, "ci/roles.sql") {
        if file.get_ref().trim().is_empty() {
            let fault = Diagnostic::new(Fault::InvalidValue, "a file of `setup` has no name".to_string())
                .help("write the path of a file, relative to the package: `setup = [\"ci/roles.sql\"]`");
            reader.fault(fault, file.span(), "");
        } else {
            files.push(reader.placed(file));
        }
    }
    files
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
            let message = format!("`{}` does not have the form `table.column`", name.get_ref());
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

const SETTABLE_LEVELS: Section = Section {
    accepts: DatabaseCheck::has_settable_level,
    refusal: |check| {
        let message = format!("the level of database check `{check}` cannot be set");
        let has_exceptions = check.subject() != CheckSubject::Nothing;
        let help = has_exceptions.then(|| {
            format!("to accept one of its findings, write an exception: `[[database.allow.{check}]]`")
        });
        Diagnostic::new(Fault::UnknownCheck, message)
            .note("only checks that are not about isolation have a level")
            .maybe_help(help)
    },
    accepted: "the checks whose level can be set are",
};

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
             owner = \"app_owner\"
             setup = [\"ci/roles.sql\", \"ci/more.sql\"]
             platform = \"supabase\"
             force_rls = false
             append_only_trigger = true
             [database.roles.relay]
             tenants = \"all\"
             tables = [\"outbox\"]
             reason = \"why\"
             [[database.allow.rls_disabled]]
             table = \"invoices\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"orders\"
             policy = \"read_all\"
             reason = \"why\"
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
        assert_eq!(
            database.owner.as_ref().map(|owner| owner.value.as_str()),
            Some("app_owner")
        );
        assert_eq!(
            (database.setup.len(), database.platform),
            (2, Some(Platform::Supabase))
        );
        assert!(database.allows(DatabaseCheck::RlsDisabled, "invoices"));
        assert!(!database.allows(DatabaseCheck::RlsDisabled, "orders"));
        assert!(!database.allows(DatabaseCheck::OpenPolicy, "orders"));
        assert_eq!((database.roles.len(), database.exceptions.len()), (1, 2));
    }

    #[test]
    fn faults_in_what_prepares_a_server() {
        let (_, faults) = read(
            "[database]
             app_roles = [\"app\"]
             owner = \"public\"
             setup = [\"\", 1]
             platform = \"supbase\"",
        );
        assert_eq!(
            places(&faults),
            [
                "invalid-value \"public\"",
                "wrong-type 1",
                "invalid-value \"\"",
                "invalid-value \"supbase\"",
            ]
        );
        assert_eq!(faults[3].helps[0], "did you mean `supabase`?");
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
             allow = true
             roles = \"worker\"
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
                "wrong-type true",
                "wrong-type \"worker\"",
                "unknown-check missing-tenant-indx",
                "unknown-check open-policy",
                "unknown-level \"alow\"",
                "repeated-key extra_column",
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
            ["to accept one of its findings, write an exception: `[[database.allow.open-policy]]`"]
        );
        let help = &faults[1].helps[0];
        assert!(
            help.starts_with("the checks whose level can be set are `"),
            "{help}"
        );
        assert!(
            help.contains("`column-type-mismatch`") && !help.contains("`open-policy`"),
            "{help}"
        );
    }
}
