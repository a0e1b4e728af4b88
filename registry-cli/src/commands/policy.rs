//! `cargo table-registry override`, `revoke` and `exempt`: one decision about one table, in a policy file.

use table_registry_core::TableKind;
use table_registry_engine::{EXEMPT, OVERRIDES, Policy, UPDATE_DELETE, did_you_mean};

use crate::cli::{ExemptArguments, OverrideArguments, RevokeArguments, Selection};
use crate::edit::ExclusiveRun;
use crate::failure::Failure;
use crate::policy_edit::{Edit, PolicyFile};
use crate::policy_file;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::workspace::Workspace;

pub fn run_override(arguments: &OverrideArguments) -> Result<Exit, Failure> {
    let kind = arguments.kind.map(TableKind::as_str);
    let change = kind.map_or(EntryChange::RemoveKey, EntryChange::SetKey);
    run(&arguments.selection, &OVERRIDDEN, &arguments.table, change)
}

pub fn run_exempt(arguments: &ExemptArguments) -> Result<Exit, Failure> {
    let reason = arguments.reason.as_deref();
    let change = reason.map_or(EntryChange::RemoveKey, EntryChange::SetKey);
    run(&arguments.selection, &EXEMPTED, &arguments.table, change)
}

pub fn run_revoke(arguments: &RevokeArguments) -> Result<Exit, Failure> {
    let change = if arguments.remove {
        EntryChange::RemoveItem
    } else {
        EntryChange::AddItem
    };
    run(&arguments.selection, &REVOKED, &arguments.table, change)
}

/// The part of a policy file that a command edits.
struct Section {
    /// Its name in messages.
    shown: &'static str,
    file: PolicyFile,
    /// The TOML key of its table or list.
    key: &'static str,
    /// The tables that have an entry.
    tables: fn(&Policy) -> Vec<&str>,
}

const OVERRIDDEN: Section = Section {
    shown: "`[overrides]`",
    file: PolicyFile::Main,
    key: OVERRIDES,
    tables: |policy| {
        let entries = policy.overrides.iter();
        entries.map(|entry| entry.table.value.as_str()).collect()
    },
};

const EXEMPTED: Section = Section {
    shown: "`[exempt]`",
    file: PolicyFile::Main,
    key: EXEMPT,
    tables: |policy| {
        let entries = policy.exempt.iter();
        entries.map(|entry| entry.table.value.as_str()).collect()
    },
};

const REVOKED: Section = Section {
    shown: "the revoke list",
    file: PolicyFile::Revoke,
    key: UPDATE_DELETE,
    tables: |policy| {
        policy
            .revoke
            .iter()
            .map(|entry| entry.table.value.as_str())
            .collect()
    },
};

/// What happens to a table's entry: a key with a value, or an item of a list.
#[derive(Clone, Copy)]
enum EntryChange<'v> {
    SetKey(&'v str),
    RemoveKey,
    AddItem,
    RemoveItem,
}

fn run(
    selection: &Selection,
    section: &Section,
    table: &str,
    change: EntryChange<'_>,
) -> Result<Exit, Failure> {
    let workspace = Workspace::load(selection)?;
    let run = ExclusiveRun::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let tables = (section.tables)(&project.policy);
    let is_listed = tables.contains(&table);
    if is_listed && matches!(change, EntryChange::AddItem) {
        report::status("Unchanged", format!("`{table}` is already append-only"));
        return Ok(Exit::Fine);
    }
    let edit = Edit::new(&project, section.file, table, |text| match change {
        EntryChange::SetKey(value) => policy_file::set(text, section.key, table, value),
        EntryChange::RemoveKey => policy_file::unset(text, section.key, table),
        EntryChange::AddItem => policy_file::add(text, section.key, table),
        EntryChange::RemoveItem => policy_file::remove(text, section.key, table),
    })?;
    if !is_listed && matches!(change, EntryChange::RemoveKey | EntryChange::RemoveItem) {
        let failure = Failure::new(format!("{} has no `{table}`", section.shown));
        return Err(failure.maybe_help(did_you_mean(table, tables)));
    }
    edit.apply(&project, &run)
}
