//! Edits of policy files. Each edit changes decisions about some tables, and is checked before it is written.

use std::path::Path;
use std::sync::Arc;

use table_registry_core::TableKind;
use table_registry_engine::{
    DatabaseException, DatabaseSettings, Diagnostic, Inputs, Lint, Placed, Policy, PolicyFiles, Source,
    TenantColumn, Tenants, WrittenTenant,
};

use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::lock_file;
use crate::project::{Checked, Project};
use crate::report::{self, Exit};
use crate::text;

/// Which of the two policy files.
#[derive(Clone, Copy)]
pub enum PolicyFile {
    Main,
    Revoke,
}

impl PolicyFile {
    fn among(self, files: &mut PolicyFiles) -> &mut Option<Arc<Source>> {
        match self {
            Self::Main => &mut files.main,
            Self::Revoke => &mut files.revoke,
        }
    }
}

/// A new text for one policy file.
pub struct Edit {
    before: Arc<Source>,
    after: Arc<Source>,
    inputs: Inputs,
}

impl Edit {
    pub fn new(
        project: &Project,
        file: PolicyFile,
        tables: &[&str],
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, Failure> {
        let mut inputs = project.inputs.clone();
        let source = file.among(&mut inputs.files);
        let (before, after) = edited(project, source.as_ref(), edit)?;
        *source = Some(Arc::clone(&after));
        Self {
            before,
            after,
            inputs,
        }
        .guarded(project, tables)
    }

    /// Refuses an edit that would change a decision about anything but its tables. In a file of unusual form, that
    /// could happen.
    fn guarded(self, project: &Project, tables: &[&str]) -> Result<Self, Failure> {
        let after = Policy::read(&self.inputs.files, &mut Vec::new());
        if decisions_about_others(&after, tables) == decisions_about_others(&project.policy, tables) {
            return Ok(self);
        }
        Err(Failure::new(format!(
            "`{}` is laid out in a way that cannot be edited safely",
            self.before.path
        ))
        .help("edit it by hand"))
    }

    /// Writes the file, unless the compiler would reject the result.
    pub fn apply(self, project: &Project, run: &ExclusiveRun) -> Result<Exit, Failure> {
        if self.before.text == self.after.text {
            report::status("Unchanged", &self.before.path);
            return Ok(Exit::Fine);
        }
        refuse(&new_faults(project, self.inputs.clone()))?;
        let mut changes = Changes::new(&project.package.root);
        self.add_to(&mut changes);
        changes.commit(run)?;
        let after = Checked::new(self.inputs);
        for change in lock_file::differences(&project.registry, &after.registry) {
            report::status("Now", change);
        }
        project.say_if_lock_is_stale();
        Ok(Exit::Fine)
    }

    pub fn add_to(&self, changes: &mut Changes) {
        changes.update(
            Path::new(&self.before.path),
            &self.before.text,
            self.after.text.clone(),
        );
    }

    pub fn into_inputs(self) -> Inputs {
        self.inputs
    }
}

/// Every setting of `[database]`.
fn database(policy: &Policy) -> Vec<String> {
    let DatabaseSettings {
        app_roles,
        schema,
        owner,
        setup,
        platform,
        force_rls,
        append_only_trigger,
        roles,
        exceptions,
        levels,
        probe,
    } = &policy.database;
    let names = app_roles.iter().map(|entry| entry.value.clone());
    let across_tenants = roles.iter().map(|role| {
        let name = &role.name.value;
        format!("{name} {:?} {:?}", values(&role.tables), role.reason)
    });
    let allowed = exceptions.iter().map(exception);
    let made_up: Vec<(&String, &String)> = probe.iter().map(|(name, value)| (&name.value, value)).collect();
    let owner = owner.as_ref().map(|owner| &owner.value);
    let server = format!("{owner:?} {:?} {platform:?}", values(setup));
    let settings = format!("{schema:?} {server} {force_rls} {append_only_trigger} {levels:?} {made_up:?}");
    names
        .chain(across_tenants)
        .chain(allowed)
        .chain([settings])
        .collect()
}

/// Everything that an exception to a check says.
fn exception(entry: &DatabaseException) -> String {
    let DatabaseException {
        check,
        subject,
        object,
        relation,
        roles,
        reason,
    } = entry;
    format!(
        "{check} {:?} {:?} {:?} {:?} {reason:?}",
        subject.value,
        values(object),
        values(relation),
        values(roles)
    )
}

fn values<'p>(names: impl IntoIterator<Item = &'p Placed<String>>) -> Vec<&'p str> {
    names.into_iter().map(|name| name.value.as_str()).collect()
}

/// How rows belong to tenants, without the places in the text.
fn way_to_tenant(tenant: &WrittenTenant) -> String {
    let columns: Vec<&str> = tenant
        .columns()
        .iter()
        .map(|column| column.text.as_str())
        .collect();
    match tenant {
        WrittenTenant::Column(_) => format!("{columns:?}"),
        WrittenTenant::Through(parent) => format!("{columns:?} {:?} {:?}", parent.table.text, parent.keys),
    }
}

/// Whose rows the database holds, without the places of the values.
fn tenants(tenants: &Tenants) -> String {
    match tenants {
        Tenants::Many(TenantColumn {
            name,
            setting,
            sql_type,
        }) => format!("{:?} {:?} {sql_type:?}", name.value, setting.value),
        Tenants::Unknown | Tenants::One => format!("{tenants:?}"),
    }
}

/// Every decision of the policy files except those about some tables.
fn decisions_about_others(policy: &Policy, tables: &[&str]) -> Vec<String> {
    let overrides = policy.overrides.iter().map(|entry| {
        let kind = entry.kind.map_or("no kind", TableKind::as_str);
        (&entry.table.value, kind.to_string())
    });
    let exempt = policy
        .exempt
        .iter()
        .map(|entry| (&entry.table.value, entry.reason.clone()));
    let revoke = policy.revoke.iter().map(|entry| {
        (
            &entry.table.value,
            format!("revoked, read-only {}", entry.is_read_only),
        )
    });
    let system = policy
        .append_only_system
        .iter()
        .map(|name| (&name.value, "append-only, system".to_string()));
    let declared = policy.tables.iter().map(|table| {
        let tenant = table.tenant.as_ref().map(|tenant| way_to_tenant(&tenant.value));
        let shared_rows = table.shared_rows.is_some();
        (
            &table.name.value,
            format!("{} {tenant:?} {shared_rows}", table.kind),
        )
    });
    let policies = policy.tenancy.policies.iter().map(|policy| {
        let texts = policy
            .using
            .iter()
            .chain(&policy.check)
            .map(|text| text.value.as_str());
        let texts: Vec<&str> = texts.collect();
        (
            &policy.table.value,
            format!("{} {}", policy.command.as_str(), texts.join(" ")),
        )
    });
    let exceptions = policy
        .lints
        .exceptions
        .iter()
        .map(|entry| (&entry.subject.value, entry.rule.to_string()));
    let all = overrides
        .chain(exempt)
        .chain(revoke)
        .chain(system)
        .chain(declared)
        .chain(policies)
        .chain(exceptions);
    let others = all
        .filter(|(name, _)| !tables.contains(&name.as_str()))
        .map(|(name, value)| format!("{name} {value}"));
    let lints = Lint::ALL.iter().map(|&lint| {
        let (level, option) = (policy.lints.level(lint), policy.lints.option(lint));
        format!("{lint} {level} {}", option.join(" "))
    });
    let tenants = tenants(&policy.tenancy.tenants);
    let mut decisions: Vec<String> = others
        .chain(lints)
        .chain(database(policy))
        .chain([tenants])
        .collect();
    decisions.sort();
    decisions
}

/// The file before and after an edit. Fails if the file has faults that hide what it says.
fn edited(
    project: &Project,
    source: Option<&Arc<Source>>,
    edit: impl FnOnce(&str) -> Result<String, String>,
) -> Result<(Arc<Source>, Arc<Source>), Failure> {
    let is_about_it = |fault: &&Diagnostic| match (fault.labels.first(), source) {
        (Some(label), Some(source)) => label.source.path == source.path,
        // The fault of a file that is missing or cannot be opened has no place.
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let faults: Vec<Diagnostic> = project.reading_faults().filter(is_about_it).cloned().collect();
    report::human(&faults);
    let missing = || Failure::new("nothing was changed: the policy file cannot be read");
    let before = source.ok_or_else(missing)?;
    let message = format!("nothing was changed: `{}` cannot be edited as it is", before.path);
    let unusable = || Failure::new(message.clone());
    if !faults.is_empty() {
        return Err(unusable());
    }
    let text = text::edited(&before.text, edit).map_err(|error| unusable().note(error))?;
    Ok((Arc::clone(before), Arc::new(Source::new(&before.path, text))))
}

/// The faults that a change would add to the existing ones.
pub fn new_faults(project: &Project, after: Inputs) -> Vec<Diagnostic> {
    let faults = |mut inputs: Inputs| {
        // Otherwise an unknown table is no fault while some schema file cannot be read.
        inputs.declarations.complete = true;
        inputs.declarations.empty.clear();
        Checked::new(inputs).faults
    };
    let before = faults(project.inputs.clone());
    let is_new = |fault: &Diagnostic| {
        let is_same = |old: &Diagnostic| (old.code, &old.message) == (fault.code, &fault.message);
        !before.iter().any(is_same)
    };
    faults(after).into_iter().filter(is_new).collect()
}

/// Fails if there are faults.
pub fn refuse(faults: &[Diagnostic]) -> Result<(), Failure> {
    if faults.is_empty() {
        return Ok(());
    }
    report::human(faults);
    Err(Failure::new(
        "nothing was changed: the compiler would reject the result",
    ))
}
