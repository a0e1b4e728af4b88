//! `cargo table-registry override`, `revoke` and `exempt`: edits of the policy files.

use std::path::Path;
use std::sync::Arc;

use registry_core::engine::{Code, Declarations, Diagnostic, Policy, PolicyFiles, Source, did_you_mean};

use crate::cli::{Exempt, Findings, Override, Revoke};
use crate::edit::{Changes, Lock};
use crate::failure::Failure;
use crate::lock;
use crate::policy_file;
use crate::project::{Checked, Project};
use crate::report::{self, Exit};
use crate::text;
use crate::workspace::Workspace;

const OVERRIDES: &str = "overrides";
const EXEMPT: &str = "exempt";
const UPDATE_DELETE: &str = "update_delete";

pub fn run_override(arguments: &Override) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of_workspace()?;
    let project = Project::load_one(&workspace)?;
    let names = project.policy.overrides.iter().map(|entry| entry.name.as_str());
    let table = arguments.table.as_str();
    let edit = match arguments.kind {
        Some(kind) => Edit::of_overrides(&project, table, |text| {
            policy_file::set(text, OVERRIDES, table, kind.as_str())
        })?,
        None => {
            must_contain("`[overrides]`", names, table)?;
            Edit::of_overrides(&project, table, |text| policy_file::unset(text, OVERRIDES, table))?
        }
    };
    edit.apply(&project)
}

pub fn run_exempt(arguments: &Exempt) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of_workspace()?;
    let project = Project::load_one(&workspace)?;
    let names = project.policy.exempt.iter().map(|entry| entry.name.as_str());
    let table = arguments.table.as_str();
    let edit = match &arguments.reason {
        Some(reason) => Edit::of_overrides(&project, table, |text| {
            policy_file::set(text, EXEMPT, table, reason)
        })?,
        None => {
            must_contain("`[exempt]`", names, table)?;
            Edit::of_overrides(&project, table, |text| policy_file::unset(text, EXEMPT, table))?
        }
    };
    edit.apply(&project)
}

pub fn run_revoke(arguments: &Revoke) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of_workspace()?;
    let project = Project::load_one(&workspace)?;
    let names: Vec<&str> = project
        .policy
        .revoke
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    let table = arguments.table.as_str();
    if arguments.remove {
        must_contain("the revoke list", names, table)?;
        return Edit::of_revoke(&project, table, |text| {
            policy_file::remove(text, UPDATE_DELETE, table)
        })?
        .apply(&project);
    }
    if names.contains(&table) {
        report::status("Unchanged", format!("`{table}` is append-only already"));
        return Ok(Exit::Fine);
    }
    Edit::of_revoke(&project, table, |text| {
        policy_file::add(text, UPDATE_DELETE, table)
    })?
    .apply(&project)
}

fn must_contain<'n>(list: &str, names: impl IntoIterator<Item = &'n str>, name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = names.into_iter().collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Failure::new(format!("{list} has no `{name}`")).maybe_help(did_you_mean(name, names)))
}

/// Other text for one policy file.
pub struct Edit {
    before: Arc<Source>,
    after: Arc<Source>,
    files: PolicyFiles,
}

impl Edit {
    fn of_overrides(
        project: &Project,
        table: &str,
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, Failure> {
        let mut files = project.files.clone();
        let (before, after) = edited(project, files.overrides.as_ref(), "table-registry.toml", edit)?;
        files.overrides = Some(Arc::clone(&after));
        Self { before, after, files }.guarded(project, table)
    }

    pub fn of_revoke(
        project: &Project,
        table: &str,
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, Failure> {
        let mut files = project.files.clone();
        let (before, after) = edited(project, files.revoke.as_ref(), "revoke.toml", edit)?;
        files.revoke = Some(Arc::clone(&after));
        Self { before, after, files }.guarded(project, table)
    }

    /// A last look: whatever form the file has, an edit decides about its own table alone.
    fn guarded(self, project: &Project, table: &str) -> Result<Self, Failure> {
        let after = Policy::read(&self.files, &mut Vec::new());
        if decisions_about_others(&after, table) == decisions_about_others(&project.policy, table) {
            return Ok(self);
        }
        Err(Failure::new(format!(
            "`{}` has a form that cannot be edited without loss",
            self.before.path
        ))
        .help("edit it by hand"))
    }

    /// Writes the file, unless the compiler would refuse the result.
    fn apply(self, project: &Project) -> Result<Exit, Failure> {
        if self.before.text == self.after.text {
            report::status("Unchanged", &self.before.path);
            return Ok(Exit::Fine);
        }
        refuse(&new_faults(project, &project.declarations, &self.files))?;
        let mut changes = Changes::default();
        self.add_to(&mut changes);
        changes.commit()?;
        let after = Checked::new(project.declarations.clone(), &self.files);
        for change in lock::differences(&project.registry, &after.registry) {
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

    pub fn files(&self) -> &PolicyFiles {
        &self.files
    }
}

/// What the policy files say of all tables but one.
fn decisions_about_others(policy: &Policy, table: &str) -> Vec<String> {
    let overrides = policy
        .overrides
        .iter()
        .map(|entry| (&entry.name, format!("{:?}", entry.value)));
    let exempt = policy
        .exempt
        .iter()
        .map(|entry| (&entry.name, entry.value.clone()));
    let revoke = policy
        .revoke
        .iter()
        .map(|entry| (&entry.name, "append-only".to_string()));
    let exceptions = policy
        .lints
        .exceptions
        .iter()
        .map(|entry| (&entry.name, entry.value.to_string()));
    let all = overrides.chain(exempt).chain(revoke).chain(exceptions);
    let others = all.filter(|(name, _)| *name != table);
    let mut decisions: Vec<String> = others.map(|(name, value)| format!("{name} {value}")).collect();
    decisions.sort();
    decisions
}

fn edited(
    project: &Project,
    source: Option<&Arc<Source>>,
    name: &str,
    edit: impl FnOnce(&str) -> Result<String, String>,
) -> Result<(Arc<Source>, Arc<Source>), Failure> {
    let is_about_it = |fault: &&Diagnostic| match (fault.labels.first(), source) {
        (Some(label), Some(source)) => label.source.path == source.path,
        _ => fault.message.contains(name),
    };
    let is_unusable = |fault: &&Diagnostic| {
        let code = fault.code;
        report::is_unreadable(code) || code == Code::WrongType
    };
    let faults = project.faults.iter().filter(is_about_it).filter(is_unusable);
    let faults: Vec<Diagnostic> = faults.cloned().collect();
    report::diagnostics(&faults, Findings::Human)?;
    let unusable = || Failure::new(format!("nothing was changed: `{name}` cannot be used as it is"));
    let before = source.filter(|_| faults.is_empty()).ok_or_else(unusable)?;
    let text = text::edited(&before.text, edit).map_err(|error| unusable().note(error))?;
    Ok((Arc::clone(before), Arc::new(Source::new(&before.path, text))))
}

/// The faults that a change would bring, with those left out that are there already.
pub fn new_faults(project: &Project, after: &Declarations, files: &PolicyFiles) -> Vec<Diagnostic> {
    let faults = |declarations: &Declarations, files: &PolicyFiles| {
        let mut declarations = declarations.clone();
        // Who adds a name has to know that there is a table, even if some file cannot be read.
        declarations.complete = true;
        Checked::new(declarations, files).faults
    };
    let before = faults(&project.declarations, &project.files);
    let is_new = |fault: &Diagnostic| {
        let is_same = |old: &Diagnostic| (old.code, &old.message) == (fault.code, &fault.message);
        !before.iter().any(is_same)
    };
    faults(after, files).into_iter().filter(is_new).collect()
}

/// Ends the command if there are faults.
pub fn refuse(faults: &[Diagnostic]) -> Result<(), Failure> {
    if faults.is_empty() {
        return Ok(());
    }
    report::diagnostics(faults, Findings::Human)?;
    Err(Failure::new(
        "nothing was changed: the compiler would refuse the result",
    ))
}
