//! `[[database.allow.CHECK]]`: exceptions to database checks. Each names the object of one finding, never more.

use std::ops::Range;

use super::reader::{Pairs, Placed, PolicyReader, TomlKey, TomlValue};
use super::roles::CrossTenantRole;
use super::setting::Setting;
use crate::report::{CheckSubject, DatabaseCheck, Diagnostic, Fault};
use crate::text::did_you_mean;

const TABLE: &str = "table";
const ROLE: &str = "role";
const RELATION: &str = "relation";
const ROLES: &str = "roles";
const REASON: &str = "reason";

/// An exception to a database check. It covers what it names, and nothing else.
#[derive(Clone, Debug)]
pub struct DatabaseException {
    /// The check.
    pub check: DatabaseCheck,
    /// The table or, for a check of roles, the role of the application.
    pub subject: Placed<String>,
    /// The policy, the column, … `None` if the check is about the table or the role as a whole.
    pub object: Option<Placed<String>>,
    /// The partition, child or other relation that has the object. `None` for the table itself.
    pub relation: Option<Placed<String>>,
    /// The roles of the application through which the findings come. Empty for all of them.
    pub roles: Vec<Placed<String>>,
    /// Why the check does not apply.
    pub reason: String,
}

impl DatabaseException {
    /// The smallest place that tells it from others.
    #[must_use]
    pub fn place(&self) -> &Placed<String> {
        self.object.as_ref().unwrap_or(&self.subject)
    }

    /// What it names, for people: ``policy `read_all` of table `announcements` ``.
    #[must_use]
    pub fn named(&self) -> String {
        let subject = self.check.subject();
        let object = self.object.as_ref().map(|object| object.value.as_str());
        let relation = self.relation.as_ref().map(|relation| relation.value.as_str());
        subject.described(&self.subject.value, object, relation)
    }

    pub(super) fn read_all<'a>(
        reader: &mut PolicyReader<'a>,
        key: &TomlKey,
        value: TomlValue<'a>,
    ) -> Vec<Self> {
        if !value.get_ref().is_table() {
            let help = "write one `[[database.allow.CHECK]]` for each exception".to_string();
            reader.wrong_type(key, "tables by check", value.get_ref(), value.span(), help);
            return Vec::new();
        }
        let mut exceptions: Vec<Self> = Vec::new();
        for (name, value) in reader.table(key, value) {
            let Some(check) = known_check(reader, &name, &EXCEPTIONS) else {
                continue;
            };
            if value.get_ref().is_table() {
                no_list(reader, &name, &value, check);
                continue;
            }
            for (place, pairs) in reader.tables("database.allow", &name, value) {
                let Some(exception) = Entry::read(reader, check, pairs).exception(reader, &place) else {
                    continue;
                };
                match exceptions.iter().find(|other| other.repeats(&exception)) {
                    Some(first) => reader.push(repeated(first, &exception)),
                    None => exceptions.push(exception),
                }
            }
        }
        exceptions
    }

    /// Whether both cover a finding that comes through the same role.
    fn repeats(&self, other: &Self) -> bool {
        let names = |one: &Self| {
            let value = |name: &Option<Placed<String>>| name.as_ref().map(|name| name.value.clone());
            (
                one.check,
                one.subject.value.clone(),
                value(&one.object),
                value(&one.relation),
            )
        };
        let is_for = |role: &Placed<String>| other.roles.iter().any(|one| one.value == role.value);
        names(self) == names(other)
            && (self.roles.is_empty() || other.roles.is_empty() || self.roles.iter().any(is_for))
    }

    /// Finds the roles that are no roles of the application. Tables are checked later, when the registry is known.
    pub(super) fn check_roles(
        &self,
        reader: &mut PolicyReader<'_>,
        app_roles: &[Placed<String>],
        others: &[CrossTenantRole],
    ) {
        let known = || app_roles.iter().map(|role| role.value.as_str());
        let subject = self.check.subject();
        let as_subject = subject.is_role().then_some(&self.subject);
        let as_object = self
            .object
            .as_ref()
            .filter(|_| subject == CheckSubject::RoleOfTable);
        for role in as_subject.into_iter().chain(as_object).chain(&self.roles) {
            if known().any(|name| name == role.value) {
                continue;
            }
            let message = format!(
                "exception to `{}` names unknown role `{}`",
                self.check, role.value
            );
            let note = if others.iter().any(|other| other.name.value == role.value) {
                "this check is not about roles in `[database.roles]`, but about those in `app_roles`"
            } else {
                "the roles are listed in `app_roles`"
            };
            let fault = Diagnostic::new(Fault::UnknownAllow, message)
                .note(note)
                .maybe_help(did_you_mean(&role.value, known()));
            reader.fault(fault, role.range.clone(), "");
        }
    }
}

/// A table where a list of tables has to be: the brackets are single, or its lines are `table = "reason"`.
fn no_list<'a>(reader: &mut PolicyReader<'a>, name: &TomlKey, value: &TomlValue<'a>, check: DatabaseCheck) {
    let subject = subject_key(check.subject());
    let table = value.get_ref().as_table();
    let first = table.and_then(|table| table.iter().min_by_key(|(key, _)| key.span().start));
    let help = match first {
        Some((key, reason)) if table.is_some_and(|table| !table.contains_key(subject)) => {
            let reason = reason.get_ref().as_str().unwrap_or("…");
            format!(
                "an exception names one object: {}",
                form(check, key.get_ref(), reason)
            )
        }
        _ => format!("write two pairs of brackets: `[[database.allow.{check}]]`"),
    };
    reader.wrong_type(name, "a list of tables", value.get_ref(), name.span(), help);
}

fn subject_key(subject: CheckSubject) -> &'static str {
    if subject.is_role() { ROLE } else { TABLE }
}

/// The form of an exception, for a help.
fn form(check: DatabaseCheck, name: &str, reason: &str) -> String {
    let subject = check.subject();
    let keys = [
        Some((subject_key(subject), name)),
        subject.key().map(|key| (key, "…")),
    ];
    let keys = keys.into_iter().flatten();
    let lines: Vec<String> = keys.map(|(key, value)| format!("`{key} = {value:?}`")).collect();
    format!(
        "write `[[database.allow.{check}]]` with {} and `reason = {reason:?}`",
        lines.join(", ")
    )
}

fn repeated(first: &DatabaseException, again: &DatabaseException) -> Diagnostic {
    let message = format!("{} is allowed twice", again.named());
    let place = first.place();
    again
        .place()
        .fault(Fault::RepeatedAllow, message, "again here")
        .at(&place.source, place.range.clone(), "first here")
        .help("keep one of them")
}

/// The keys of one entry.
struct Entry {
    check: DatabaseCheck,
    subject: Setting<TomlKey>,
    object: Setting<TomlKey>,
    relation: Option<TomlKey>,
    roles: Vec<TomlKey>,
    reason: Setting<TomlKey>,
    /// Whether a key is unknown, so that another one may be missing for that reason.
    is_misspelt: bool,
}

impl Entry {
    fn read<'a>(reader: &mut PolicyReader<'a>, check: DatabaseCheck, pairs: Pairs<'a>) -> Self {
        let mut entry = Self {
            check,
            subject: Setting::Absent,
            object: Setting::Absent,
            relation: None,
            roles: Vec::new(),
            reason: Setting::Absent,
            is_misspelt: false,
        };
        let subject = check.subject();
        let known: Vec<&str> = [
            Some(subject_key(subject)),
            subject.key(),
            subject.has_relation().then_some(RELATION),
            subject.has_roles().then_some(ROLES),
            Some(REASON),
        ]
        .into_iter()
        .flatten()
        .collect();
        for (key, value) in pairs {
            match key.get_ref().as_str() {
                name if name == subject_key(subject) => {
                    entry.subject = Setting::of(named(reader, &key, &value, "invoices"));
                }
                name if Some(name) == subject.key() => {
                    let name =
                        named(reader, &key, &value, "…").filter(|name| is_valid(reader, subject, name));
                    entry.object = Setting::of(name);
                }
                RELATION if subject.has_relation() => {
                    entry.relation = named(reader, &key, &value, "invoices_2024");
                }
                ROLES if subject.has_roles() => entry.roles = roles(reader, &key, value),
                REASON => {
                    entry.reason = Setting::of(reader.text(&key, &value, "why the check does not apply"));
                }
                _ => {
                    reader.unknown_key(&key, &known);
                    entry.is_misspelt = true;
                }
            }
        }
        entry
    }

    /// The exception, unless it lacks a key.
    fn exception(self, reader: &mut PolicyReader<'_>, place: &Range<usize>) -> Option<DatabaseException> {
        let subject = self.check.subject();
        let keys = [
            (self.subject.is_absent(), Some(subject_key(subject))),
            (self.object.is_absent(), subject.key()),
        ];
        let missing = keys.into_iter().filter(|(is_absent, _)| *is_absent);
        let missing: Vec<String> = missing
            .filter_map(|(_, key)| Some(format!("`{}`", key?)))
            .collect();
        if !missing.is_empty() && !self.is_misspelt {
            let named = match &self.subject {
                Setting::Is(name) => name.get_ref().as_str(),
                Setting::Absent | Setting::Faulty => "…",
            };
            let message = format!(
                "this exception to `{}` has no {}",
                self.check,
                missing.join(" and no ")
            );
            let fault = Diagnostic::new(Fault::MissingValue, message)
                .note("an exception names the object that it is about")
                .help(form(self.check, named, "…"));
            reader.fault(fault, place.clone(), "");
        }
        let is_complete = missing.is_empty() && !self.is_misspelt;
        let reason = match self.reason {
            Setting::Is(reason) if reason.get_ref().trim().is_empty() => {
                reader.fault(without_reason(self.check), reason.span(), "");
                None
            }
            Setting::Absent if is_complete => {
                reader.fault(without_reason(self.check), place.clone(), "");
                None
            }
            other => other.value(),
        };
        let object = if subject.key().is_some() {
            Some(reader.placed(self.object.value()?))
        } else {
            None
        };
        Some(DatabaseException {
            check: self.check,
            subject: reader.placed(self.subject.value()?),
            object,
            relation: self.relation.map(|name| reader.placed(name)),
            roles: self.roles.into_iter().map(|role| reader.placed(role)).collect(),
            reason: reason.map(TomlKey::into_inner).unwrap_or_default(),
        })
    }
}

fn without_reason(check: DatabaseCheck) -> Diagnostic {
    Diagnostic::new(
        Fault::AllowWithoutReason,
        format!("this exception to `{check}` has no reason"),
    )
    .help("say why the check does not apply: `reason = \"…\"`")
}

/// A name that is not empty.
fn named<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: &TomlValue<'a>,
    example: &str,
) -> Option<TomlKey> {
    let text = reader.text(key, value, example)?;
    if !text.get_ref().trim().is_empty() {
        return Some(text);
    }
    let fault = Diagnostic::new(Fault::EmptyName, format!("`{}` is empty", key.get_ref()))
        .help(format!("write a name: `{} = \"{example}\"`", key.get_ref()));
    reader.fault(fault, value.span(), "");
    None
}

/// The roles that limit an exception. An empty list would cover nothing.
fn roles<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: TomlValue<'a>) -> Vec<TomlKey> {
    let (is_list, span) = (value.get_ref().is_array(), value.span());
    let roles = reader.strings(key, value, "app");
    if is_list && roles.is_empty() {
        let fault = Diagnostic::new(Fault::InvalidValue, "`roles` is empty")
            .note("without `roles`, an exception holds for all roles of the application")
            .help("name a role, or remove the line");
        reader.fault(fault, span, "");
    }
    roles
}

/// The attributes that exempt a role from all rules, and the predefined roles that do:
/// <https://www.postgresql.org/docs/current/role-attributes.html>.
const ATTRIBUTES: &[&str] = &[
    "SUPERUSER",
    "BYPASSRLS",
    "REPLICATION",
    "CREATEROLE",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_write_all_data",
];

fn is_valid(reader: &mut PolicyReader<'_>, subject: CheckSubject, name: &TomlKey) -> bool {
    let text = name.get_ref().as_str();
    if subject != CheckSubject::Attribute || ATTRIBUTES.contains(&text) {
        return true;
    }
    let fault = Diagnostic::new(Fault::InvalidValue, format!("unknown attribute `{text}`"))
        .note(format!(
            "the attributes and predefined roles are `{}`",
            ATTRIBUTES.join("`, `")
        ))
        .maybe_help(did_you_mean(text, ATTRIBUTES.iter().copied()));
    reader.fault(fault, name.span(), "");
    false
}

/// A table of the policy file whose keys are checks.
pub struct Section {
    pub accepts: fn(DatabaseCheck) -> bool,
    /// The fault of a check that it does not accept.
    pub refusal: fn(DatabaseCheck) -> Diagnostic,
    /// What the checks that it accepts have in common.
    pub accepted: &'static str,
}

const EXCEPTIONS: Section = Section {
    accepts: |check| check.subject() != CheckSubject::Nothing,
    refusal: |check| {
        let message = format!("database check `{check}` allows no exceptions");
        Diagnostic::new(Fault::UnknownCheck, message)
    },
    accepted: "the checks that allow exceptions are",
};

pub fn known_check(
    reader: &mut PolicyReader<'_>,
    name: &TomlKey,
    section: &Section,
) -> Option<DatabaseCheck> {
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

    fn read(text: &str) -> (Vec<DatabaseException>, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        let text = format!("[database]\napp_roles = [\"app\", \"clerk\"]\n{text}");
        policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.database.exceptions, faults)
    }

    #[test]
    fn what_each_exception_names() {
        let (exceptions, faults) = read(
            "[[database.allow.rls_disabled]]
             table = \"invoices\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"invoices\"
             policy = \"read_all\"
             roles = [\"app\"]
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"invoices\"
             policy = \"read_all\"
             relation = \"invoices_2024\"
             reason = \"why\"
             [[database.allow.definer-function]]
             table = \"invoices\"
             function = \"purge(integer)\"
             reason = \"why\"
             [[database.allow.default-privilege]]
             role = \"app\"
             reason = \"why\"
             [[database.allow.privileged-app-role]]
             role = \"app\"
             attribute = \"BYPASSRLS\"
             reason = \"why\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let named: Vec<String> = exceptions.iter().map(DatabaseException::named).collect();
        assert_eq!(
            named,
            [
                "table `invoices`",
                "policy `read_all` of table `invoices`",
                "policy `read_all` of `invoices_2024`, for table `invoices`",
                "function `purge(integer)` of table `invoices`",
                "role `app`",
                "attribute `BYPASSRLS` of role `app`"
            ]
        );
    }

    /// Each subject asks for the keys that it names.
    #[test]
    fn every_check_takes_its_form() {
        for &check in DatabaseCheck::ALL {
            let subject = check.subject();
            if subject == CheckSubject::Nothing {
                continue;
            }
            let value = match subject {
                CheckSubject::Attribute => "SUPERUSER",
                CheckSubject::RoleOfTable => "app",
                _ => "x",
            };
            let object = subject.key().map(|key| format!("{key} = \"{value}\"\n"));
            let text = format!(
                "[[database.allow.{check}]]\n{} = \"app\"\n{}reason = \"why\"\n",
                subject_key(subject),
                object.unwrap_or_default()
            );
            let (exceptions, faults) = read(&text);
            assert_eq!((exceptions.len(), codes(&faults)), (1, Vec::new()), "{text}");
        }
    }

    /// Each exception has one mistake.
    #[test]
    fn every_fault_at_its_place() {
        let (exceptions, faults) = read(
            "[[database.allow.rls-disabeld]]
             table = \"a\"
             reason = \"why\"
             [[database.allow.missing-app-role]]
             role = \"app\"
             [[database.allow.open-policy]]
             table = \"b\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"c\"
             policy = \"p\"
             [[database.allow.open-policy]]
             table = \"d\"
             policy = \"p\"
             reason = \" \"
             [[database.allow.open-policy]]
             table = \"e\"
             polcy = \"p\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"f\"
             view = \"p\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = 1
             policy = \"p\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"g\"
             policy = \"\"
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"h\"
             policy = \"p\"
             roles = [\"clrk\"]
             reason = \"why\"
             [[database.allow.open-policy]]
             table = \"i\"
             policy = \"p\"
             roles = []
             reason = \"why\"
             [[database.allow.rls-disabled]]
             table = \"j\"
             policy = \"p\"
             reason = \"why\"
             [[database.allow.default-privilege]]
             role = \"apq\"
             reason = \"why\"
             [[database.allow.privileged-app-role]]
             role = \"app\"
             attribute = \"bypass_rls\"
             reason = \"why\"
             [database.allow.definer-function]
             invoices = \"why\"",
        );
        assert_eq!(
            places(&faults),
            [
                "unknown-check rls-disabeld",
                "unknown-check missing-app-role",
                "missing-value table",
                "allow-without-reason table",
                "allow-without-reason \" \"",
                "unknown-key polcy",
                "unknown-key view",
                "wrong-type 1",
                "empty-name \"\"",
                "invalid-value []",
                "unknown-key policy",
                "invalid-value \"bypass_rls\"",
                "wrong-type definer-function",
                "unknown-allow \"clrk\"",
                "unknown-allow \"apq\"",
            ]
        );
        assert_eq!(faults[5].helps, ["did you mean `policy`?"]);
        assert_eq!(faults[13].helps, ["did you mean `clerk`?"]);
        assert!(!exceptions.is_empty());
    }

    #[test]
    fn single_brackets_are_another_mistake_than_the_form_for_a_whole_table() {
        let help = |text: &str| read(text).1.remove(0).helps.remove(0);
        assert_eq!(
            help("[database.allow.open-policy]\ninvoices = \"for everybody\""),
            "an exception names one object: write `[[database.allow.open-policy]]` with `table = \"invoices\"`, \
             `policy = \"…\"` and `reason = \"for everybody\"`"
        );
        assert_eq!(
            help("[database.allow.open-policy]\ntable = \"invoices\"\npolicy = \"p\"\nreason = \"why\""),
            "write two pairs of brackets: `[[database.allow.open-policy]]`"
        );
    }

    #[test]
    fn an_object_is_allowed_once_for_each_role() {
        let with = |first: &str, second: &str| {
            let entry = |roles: &str| {
                format!(
                    "[[database.allow.open-policy]]\ntable = \"a\"\npolicy = \"p\"\nreason = \"why\"\n{roles}\n"
                )
            };
            codes(&read(&format!("{}{}", entry(first), entry(second))).1)
        };
        let (app, clerk) = ("roles = [\"app\"]", "roles = [\"clerk\"]");
        assert_eq!(with(app, clerk), [""; 0]);
        for (first, second) in [
            ("", ""),
            (app, ""),
            ("", app),
            (app, "roles = [\"clerk\", \"app\"]"),
        ] {
            assert_eq!(with(first, second), ["repeated-allow"], "{first} {second}");
        }
    }
}
