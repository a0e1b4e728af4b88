//! `cargo table-registry override`, `revoke` and `exempt`: one decision about one table, in a policy file.

use table_registry_engine::{EXEMPT, OVERRIDES, Policy, UPDATE_DELETE, did_you_mean};

use crate::cli::{Exempt, Override, Revoke, Selection};
use crate::edit::ExclusiveRun;
use crate::failure::Failure;
use crate::policy_edit::Edit;
use crate::policy_file;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::workspace::Workspace;

pub fn run_override(arguments: &Override) -> Result<Exit, Failure> {
    let change = match arguments.kind {
        Some(kind) => Change::Set(kind.as_str()),
        None => Change::Remove,
    };
    run(
        &arguments.selection,
        Decisions::Overrides,
        &arguments.table,
        change,
    )
}

pub fn run_exempt(arguments: &Exempt) -> Result<Exit, Failure> {
    let change = match &arguments.reason {
        Some(reason) => Change::Set(reason),
        None => Change::Remove,
    };
    run(&arguments.selection, Decisions::Exempt, &arguments.table, change)
}

pub fn run_revoke(arguments: &Revoke) -> Result<Exit, Failure> {
    let change = if arguments.remove {
        Change::Remove
    } else {
        Change::Add
    };
    run(&arguments.selection, Decisions::Revoke, &arguments.table, change)
}

fn run(
    selection: &Selection,
    decisions: Decisions,
    table: &str,
    change: Change<'_>,
) -> Result<Exit, Failure> {
    let workspace = Workspace::load(selection)?;
    let run = ExclusiveRun::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let tables = decisions.tables(&project.policy);
    if change == Change::Add && tables.contains(&table) {
        report::status("Unchanged", format!("`{table}` is already append-only"));
        return Ok(Exit::Fine);
    }
    let edit = decisions.edit(&project, table, change)?;
    if change == Change::Remove && !tables.contains(&table) {
        let failure = Failure::new(format!("{} has no `{table}`", decisions.shown()));
        return Err(failure.maybe_help(did_you_mean(table, tables)));
    }
    edit.apply(&project, &run)
}

/// The part of a policy file that holds decisions of one sort.
#[derive(Clone, Copy)]
enum Decisions {
    Overrides,
    Exempt,
    Revoke,
}

/// What happens to a table's entry.
#[derive(Clone, Copy, PartialEq)]
enum Change<'v> {
    /// It gets a value.
    Set(&'v str),
    /// It is added to a list, which holds no values.
    Add,
    Remove,
}

impl Decisions {
    /// The name in messages.
    fn shown(self) -> &'static str {
        match self {
            Self::Overrides => "`[overrides]`",
            Self::Exempt => "`[exempt]`",
            Self::Revoke => "the revoke list",
        }
    }

    /// The tables that have an entry.
    fn tables(self, policy: &Policy) -> Vec<&str> {
        match self {
            Self::Overrides => policy
                .overrides
                .iter()
                .map(|entry| entry.table.value.as_str())
                .collect(),
            Self::Exempt => policy
                .exempt
                .iter()
                .map(|entry| entry.table.value.as_str())
                .collect(),
            Self::Revoke => policy.revoke.iter().map(|table| table.value.as_str()).collect(),
        }
    }

    fn edit(self, project: &Project, table: &str, change: Change<'_>) -> Result<Edit, Failure> {
        let edited = |text: &str, key: &str| match change {
            Change::Set(value) => policy_file::set(text, key, table, value),
            Change::Add => policy_file::add(text, key, table),
            Change::Remove if key == UPDATE_DELETE => policy_file::remove(text, key, table),
            Change::Remove => policy_file::unset(text, key, table),
        };
        match self {
            Self::Overrides => Edit::of_main_file(project, table, |text| edited(text, OVERRIDES)),
            Self::Exempt => Edit::of_main_file(project, table, |text| edited(text, EXEMPT)),
            Self::Revoke => Edit::of_revoke(project, table, |text| edited(text, UPDATE_DELETE)),
        }
    }
}
