//! `cargo table-registry override`, `revoke` and `exempt`.

use table_registry_engine::{EXEMPT, OVERRIDES, UPDATE_DELETE, did_you_mean};

use crate::cli::{Exempt, Override, Revoke};
use crate::edit::Lock;
use crate::failure::Failure;
use crate::policy_edit::Edit;
use crate::policy_file;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::workspace::Workspace;

pub fn run_override(arguments: &Override) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let names = project
        .policy
        .overrides
        .iter()
        .map(|entry| entry.table.value.as_str());
    let table = arguments.table.as_str();
    let edit = match arguments.kind {
        Some(kind) => Edit::of_main_file(&project, table, |text| {
            policy_file::set(text, OVERRIDES, table, kind.as_str())
        })?,
        None => {
            let edit =
                Edit::of_main_file(&project, table, |text| policy_file::unset(text, OVERRIDES, table))?;
            must_contain("`[overrides]`", names, table)?;
            edit
        }
    };
    edit.apply(&project)
}

pub fn run_exempt(arguments: &Exempt) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let names = project
        .policy
        .exempt
        .iter()
        .map(|entry| entry.table.value.as_str());
    let table = arguments.table.as_str();
    let edit = match &arguments.reason {
        Some(reason) => Edit::of_main_file(&project, table, |text| {
            policy_file::set(text, EXEMPT, table, reason)
        })?,
        None => {
            let edit = Edit::of_main_file(&project, table, |text| policy_file::unset(text, EXEMPT, table))?;
            must_contain("`[exempt]`", names, table)?;
            edit
        }
    };
    edit.apply(&project)
}

pub fn run_revoke(arguments: &Revoke) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let _lock = Lock::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let names: Vec<&str> = project
        .policy
        .revoke
        .iter()
        .map(|table| table.value.as_str())
        .collect();
    let table = arguments.table.as_str();
    if arguments.remove {
        let edit = Edit::of_revoke(&project, table, |text| {
            policy_file::remove(text, UPDATE_DELETE, table)
        })?;
        must_contain("the revoke list", names, table)?;
        return edit.apply(&project);
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
