//! `cargo table-registry override`, `revoke` and `exempt`: one decision about some tables, in a policy file.

use table_registry_core::TableKind;
use table_registry_engine::{
    EXEMPT, INSERT_UPDATE_DELETE, OVERRIDES, Policy, SYSTEM, UPDATE_DELETE, did_you_mean, unknown_kind,
};

use crate::cli::{ExemptArguments, OverrideArguments, RevokeArguments, Selection};
use crate::edit::ExclusiveRun;
use crate::failure::Failure;
use crate::policy_edit::{Edit, PolicyFile};
use crate::policy_file;
use crate::project::Project;
use crate::report::Exit;
use crate::text::quoted;
use crate::workspace::Workspace;

pub fn run_override(arguments: &OverrideArguments) -> Result<Exit, Failure> {
    let (tables, change) = match arguments.words.as_slice() {
        words if arguments.remove => (words, Change::Remove),
        [tables @ .., kind] if !tables.is_empty() => (tables, Change::Override(known_kind(kind)?)),
        _ => {
            return Err(Failure::new("no kind is given")
                .help("write the kind after the tables: `cargo table-registry override users system`"));
        }
    };
    run(&arguments.selection, &OVERRIDDEN, tables, change)
}

fn known_kind(text: &str) -> Result<TableKind, Failure> {
    text.parse().map_err(|_| {
        let fault = unknown_kind(text);
        let failure = fault
            .notes
            .iter()
            .fold(Failure::new(fault.message), Failure::note);
        fault.helps.iter().fold(failure, Failure::help)
    })
}

pub fn run_exempt(arguments: &ExemptArguments) -> Result<Exit, Failure> {
    let reason = arguments.reason.as_deref();
    let change = reason.map_or(Change::Remove, Change::Exempt);
    run(&arguments.selection, &EXEMPTED, &arguments.tables, change)
}

pub fn run_revoke(arguments: &RevokeArguments) -> Result<Exit, Failure> {
    let change = if arguments.remove {
        Change::Remove
    } else if arguments.all_writes {
        Change::MakeReadOnly
    } else {
        Change::MakeAppendOnly {
            reason: arguments.reason.as_deref(),
        }
    };
    run(&arguments.selection, &REVOKED, &arguments.tables, change)
}

/// The part of a policy file that a command edits.
struct Section {
    /// Its name in messages.
    shown: &'static str,
    file: PolicyFile,
    /// The tables that have an entry.
    tables: fn(&Policy) -> Vec<&str>,
    /// Removes the entry of a table.
    remove: fn(&str, &str) -> Result<String, String>,
}

const OVERRIDDEN: Section = Section {
    shown: "`[overrides]`",
    file: PolicyFile::Main,
    tables: |policy| {
        let entries = policy.overrides.iter();
        entries.map(|entry| entry.table.value.as_str()).collect()
    },
    remove: |text, table| policy_file::unset(text, OVERRIDES, table),
};

const EXEMPTED: Section = Section {
    shown: "`[exempt]`",
    file: PolicyFile::Main,
    tables: |policy| {
        let entries = policy.exempt.iter();
        entries.map(|entry| entry.table.value.as_str()).collect()
    },
    remove: |text, table| policy_file::unset(text, EXEMPT, table),
};

const REVOKED: Section = Section {
    shown: "the revoke list",
    file: PolicyFile::Revoke,
    tables: |policy| {
        let entries = policy.revoke.iter();
        entries.map(|entry| entry.table.value.as_str()).collect()
    },
    remove: |text, table| {
        let text = policy_file::remove(text, UPDATE_DELETE, table)?;
        let text = policy_file::remove(&text, INSERT_UPDATE_DELETE, table)?;
        policy_file::unset(&text, SYSTEM, table)
    },
};

/// What happens to the entry of each table.
#[derive(Clone, Copy)]
enum Change<'v> {
    Override(TableKind),
    Exempt(&'v str),
    MakeAppendOnly { reason: Option<&'v str> },
    MakeReadOnly,
    Remove,
}

impl Change<'_> {
    fn applied(self, section: &Section, text: &str, table: &str) -> Result<String, String> {
        match self {
            Self::Override(kind) => policy_file::set(text, OVERRIDES, table, kind.as_str()),
            Self::Exempt(reason) => policy_file::set(text, EXEMPT, table, reason),
            Self::MakeAppendOnly { reason } => {
                let text = policy_file::remove(text, INSERT_UPDATE_DELETE, table)?;
                let text = policy_file::add(&text, UPDATE_DELETE, table)?;
                match reason {
                    Some(reason) => policy_file::set(&text, SYSTEM, table, reason),
                    None => Ok(text),
                }
            }
            Self::MakeReadOnly => {
                let text = policy_file::remove(text, UPDATE_DELETE, table)?;
                let text = policy_file::unset(&text, SYSTEM, table)?;
                policy_file::add(&text, INSERT_UPDATE_DELETE, table)
            }
            Self::Remove => (section.remove)(text, table),
        }
    }
}

fn run(
    selection: &Selection,
    section: &Section,
    tables: &[String],
    change: Change<'_>,
) -> Result<Exit, Failure> {
    let workspace = Workspace::load(selection)?;
    let run = ExclusiveRun::of(&workspace);
    let project = Project::load_one(&workspace)?;
    let listed = (section.tables)(&project.policy);
    let names: Vec<&str> = tables.iter().map(String::as_str).collect();
    let edit = Edit::new(&project, section.file, &names, |text| {
        let start = text.to_string();
        names
            .iter()
            .try_fold(start, |text, table| change.applied(section, &text, table))
    })?;
    let absent: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !listed.contains(name))
        .collect();
    if let (Change::Remove, [first, ..]) = (change, absent.as_slice()) {
        let failure = Failure::new(format!("{} has no {}", section.shown, quoted(&absent)));
        return Err(failure.maybe_help(did_you_mean(first, listed.iter().copied())));
    }
    edit.apply(&project, &run)
}
