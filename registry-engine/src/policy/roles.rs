//! The roles in `[database]`: `app_roles`, and `[database.roles.NAME]` for those that work across tenants.

use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use super::setting::Setting;
use crate::name;
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

const TENANTS: &str = "tenants";
const ALL: &str = "all";
const TABLES: &str = "tables";
const REASON: &str = "reason";

/// `[database.roles.NAME]`: a role that works across tenants, on its tables alone.
#[derive(Clone, Debug)]
pub struct CrossTenantRole {
    /// The role.
    pub name: Placed<String>,
    /// The tables of which it reaches the rows of all tenants.
    pub tables: Vec<Placed<String>>,
    /// Why it works across tenants.
    pub reason: String,
}

impl CrossTenantRole {
    pub(super) fn read_all<'a>(
        reader: &mut PolicyReader<'a>,
        key: &TomlKey,
        value: TomlValue<'a>,
    ) -> Vec<Self> {
        if !value.get_ref().is_table() {
            let help = "write one `[database.roles.NAME]` for each role".to_string();
            reader.wrong_type(key, "tables by role", value.get_ref(), value.span(), help);
            return Vec::new();
        }
        let mut roles = Vec::new();
        for (name, value) in reader.table(key, value) {
            if let Some(fault) = role_fault(name.get_ref(), "works across tenants") {
                let help = "write the name of a role: `[database.roles.worker]`";
                reader.fault(fault.help(help), name.span(), "");
            } else if value.get_ref().is_table() {
                roles.extend(Self::read(reader, name, value));
            } else {
                reader.wrong_type(&name, "a table", value.get_ref(), value.span(), FORM.to_string());
            }
        }
        roles
    }

    fn read<'a>(reader: &mut PolicyReader<'a>, name: TomlKey, value: TomlValue<'a>) -> Option<Self> {
        let (mut tenants, mut tables, mut reason) = (Setting::Absent, Setting::Absent, Setting::Absent);
        let mut is_misspelt = false;
        for (key, value) in reader.table(&name, value) {
            match key.get_ref().as_str() {
                TENANTS => tenants = Setting::of(all_tenants(reader, &key, &value)),
                TABLES => tables = Setting::of(tables_of(reader, &key, value)),
                REASON => reason = Setting::of(reason_of(reader, &key, &value, &name)),
                _ => {
                    reader.unknown_key(&key, &[TENANTS, TABLES, REASON]);
                    is_misspelt = true;
                }
            }
        }
        let keys = [
            (tenants.is_absent(), TENANTS),
            (tables.is_absent(), TABLES),
            (reason.is_absent(), REASON),
        ];
        let missing = keys.into_iter().filter(|(is_absent, _)| *is_absent);
        let missing: Vec<String> = missing.map(|(_, key)| format!("`{key}`")).collect();
        if !missing.is_empty() && !is_misspelt {
            let message = format!("role `{}` has no {}", name.get_ref(), missing.join(" and no "));
            let fault = Diagnostic::new(Fault::MissingValue, message).help(FORM);
            reader.fault(fault, name.span(), "");
        }
        tenants.value()?;
        Some(Self {
            name: reader.placed(name),
            tables: tables.value()?,
            reason: reason.value().unwrap_or_default(),
        })
    }

    /// Finds a role that is one of the application, too.
    pub(super) fn check_name(&self, reader: &mut PolicyReader<'_>, app_roles: &[Placed<String>]) {
        let name = &self.name;
        if let Some(app) = app_roles.iter().find(|app| app.value == name.value) {
            let message = format!(
                "role `{}` is in both `app_roles` and `[database.roles]`",
                name.value
            );
            let fault = name
                .fault(Fault::InvalidValue, message, "across tenants here")
                .at(&app.source, app.range.clone(), "of the application here")
                .note("a role of the application sees one tenant at a time")
                .help("give the work across tenants a role of its own, or remove the name from `app_roles`");
            reader.push(fault);
        }
    }
}

const FORM: &str = "write `tenants = \"all\"`, `tables = [\"outbox\"]` and `reason = \"…\"`";

fn all_tenants<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: &TomlValue<'a>) -> Option<()> {
    let text = reader.string(key, value, ALL)?;
    if text == ALL {
        return Some(());
    }
    let near = did_you_mean(text, [ALL]);
    let help =
        near.unwrap_or_else(|| format!("write `tenants = \"{ALL}\"`, or name the role in `app_roles`"));
    let fault = Diagnostic::new(Fault::InvalidValue, format!("unknown `tenants` value `{text}`"))
        .note("a role in `[database.roles]` works across all tenants")
        .help(help);
    reader.fault(fault, value.span(), "");
    None
}

fn tables_of<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Option<Vec<Placed<String>>> {
    let (is_list, span) = (value.get_ref().is_array(), value.span());
    let mut tables: Vec<Placed<String>> = Vec::new();
    for name in reader.strings(key, value, "outbox") {
        let table = reader.placed(name);
        match tables.iter().find(|first| first.value == table.value) {
            Some(first) => {
                let message = format!("table `{}` is named twice", table.value);
                let fault = table
                    .fault(Fault::InvalidValue, message, "again here")
                    .at(&first.source, first.range.clone(), "first here")
                    .help("remove one of them");
                reader.push(fault);
            }
            None => tables.push(table),
        }
    }
    if is_list && tables.is_empty() {
        let fault = Diagnostic::new(Fault::InvalidValue, "`tables` is empty")
            .help("name the tables that the role works on: `tables = [\"outbox\"]`");
        reader.fault(fault, span, "");
    }
    (!tables.is_empty()).then_some(tables)
}

fn reason_of<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: &TomlValue<'a>,
    role: &TomlKey,
) -> Option<String> {
    let text = reader.string(key, value, "why it works across tenants")?;
    if !text.trim().is_empty() {
        return Some(text.to_string());
    }
    let message = format!("`reason` of role `{}` is empty", role.get_ref());
    let fault = Diagnostic::new(Fault::AllowWithoutReason, message)
        .help("say why it works across tenants: `reason = \"…\"`");
    reader.fault(fault, value.span(), "");
    None
}

pub fn app_roles<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: TomlValue<'a>,
) -> Vec<Placed<String>> {
    let mut roles: Vec<Placed<String>> = Vec::new();
    for role in reader.strings(key, value, "app") {
        if let Some(fault) = role_fault(role.get_ref(), "an application connects as") {
            let with_help = fault.help("write the name of a role: `app_roles = [\"app\"]`");
            reader.fault(with_help, role.span(), "");
        } else if roles.iter().all(|known| known.value != *role.get_ref()) {
            roles.push(reader.placed(role));
        }
    }
    roles
}

/// `owner` in `[database]`.
pub fn owner<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: &TomlValue<'a>,
) -> Option<Placed<String>> {
    let role = reader.text(key, value, "app_owner")?;
    if let Some(fault) = role_fault(role.get_ref(), "owns tables") {
        let with_help = fault.help("write the name of the role that runs the migrations");
        reader.fault(with_help, role.span(), "");
        return None;
    }
    Some(reader.placed(role))
}

/// PostgreSQL reserves `public` and `none`, even in quotes, and the prefix `pg_`:
/// <https://www.postgresql.org/docs/current/sql-createrole.html>.
fn role_fault(name: &str, use_of_it: &str) -> Option<Diagnostic> {
    if matches!(name, "public" | "none") || name.starts_with("pg_") {
        let message = format!("`{name}` is not a role that {use_of_it}");
        return Some(Diagnostic::new(Fault::InvalidValue, message));
    }
    let fault = name::check_identifier("role name", name).err()?;
    Some(Diagnostic::new(fault.code, fault.message))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{codes, places};
    use crate::{Policy, Source};

    fn read(text: &str) -> (Vec<CrossTenantRole>, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.database.roles, faults)
    }

    #[test]
    fn a_role_with_its_tables() {
        let (roles, faults) = read(
            "[database.roles.worker]\ntenants = \"all\"\ntables = [\"outbox\", \"audit.events\"]\nreason = \"why\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let tables: Vec<&str> = roles[0].tables.iter().map(|table| table.value.as_str()).collect();
        assert_eq!(
            (roles[0].name.value.as_str(), tables, roles[0].reason.as_str()),
            ("worker", vec!["outbox", "audit.events"], "why")
        );
    }

    /// Each role has one mistake.
    #[test]
    fn every_fault_at_its_place() {
        let (_, faults) = read(
            "[database]
             app_roles = [\"app\"]
             roles.a = { tenants = \"al\", tables = [\"t\"], reason = \"why\" }
             roles.b = { tenants = \"one\", tables = [\"t\"], reason = \"why\" }
             roles.c = { tenants = \"all\", reason = \"why\" }
             roles.d = { tenants = \"all\", tables = [], reason = \"why\" }
             roles.e = { tenants = \"all\", tables = [\"t\", \"t\"], reason = \"why\" }
             roles.f = { tenants = \"all\", tables = [\"t\"], reason = \"\" }
             roles.g = { tenants = \"all\", tabels = [\"t\"], reason = \"why\" }
             roles.h = [\"t\"]
             roles.public = { tenants = \"all\", tables = [\"t\"], reason = \"why\" }
             roles.app = { tenants = \"all\", tables = [\"t\"], reason = \"why\" }",
        );
        assert_eq!(
            places(&faults),
            [
                "invalid-value \"al\"",
                "invalid-value \"one\"",
                "missing-value c",
                "invalid-value []",
                "invalid-value \"t\"",
                "allow-without-reason \"\"",
                "unknown-key tabels",
                "wrong-type [\"t\"]",
                "invalid-value public",
                "invalid-value app",
            ]
        );
        assert_eq!(faults[0].helps, ["did you mean `all`?"]);
    }
}
