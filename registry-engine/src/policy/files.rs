//! Finds the two policy files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::call_site::CallSite;
use crate::report::{Diagnostic, Fault, not_utf8, unreadable_file};
use crate::text::{Source, display, nearest};
use crate::written::{Invocation, WrittenPath};

/// The main policy file: overrides, exempt tables, lints and the database.
pub const MAIN_FILE: &str = "table-registry.toml";
/// The policy file with the revoke list.
pub const REVOKE_FILE: &str = "revoke.toml";

/// The two policy files. One that could not be read is `None`.
#[derive(Clone, Debug, Default)]
pub struct PolicyFiles {
    /// `table-registry.toml`.
    pub main: Option<Arc<Source>>,
    /// `revoke.toml`.
    pub revoke: Option<Arc<Source>>,
    /// The path of the main file, relative to the package.
    pub main_in_package: String,
    /// The paths of the files that were found. A change to one of them must recompile the crate.
    pub paths: Vec<PathBuf>,
}

impl PolicyFiles {
    /// Finds both files: those that the invocation names, or else the nearest.
    pub fn find(call: &CallSite, invocation: &Invocation, faults: &mut Vec<Diagnostic>) -> Self {
        let mut files = Self::default();
        files.main = files.open(call, invocation.overrides.as_ref(), MAIN_FILE, faults);
        files.revoke = files.open(call, invocation.revoke.as_ref(), REVOKE_FILE, faults);
        let in_package = files.main.as_ref().map(|source| call.in_package(&source.path));
        files.main_in_package = in_package.unwrap_or_default();
        files
    }

    fn open(
        &mut self,
        call: &CallSite,
        written: Option<&WrittenPath>,
        default: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Source>> {
        let found = match written {
            Some(path) => match call.resolve(path) {
                Ok(path) => Some(path).filter(|path| call.root().has_entry(path)),
                Err(fault) => {
                    faults.push(fault);
                    return None;
                }
            },
            None => call
                .ancestors()
                .iter()
                .map(|directory| directory.join(default))
                // A broken link counts, too: otherwise, a file in a parent directory would take its place.
                .find(|path| call.root().has_entry(path)),
        };
        let Some(path) = found else {
            faults.push(match written {
                Some(path) => written_file_not_found(call, path),
                None => file_not_found(call, default),
            });
            return None;
        };
        match Source::read(call.root(), &path) {
            Ok(source) => {
                faults.extend(not_utf8(&source));
                self.paths.push(path);
                // Part of a policy file could decide something other than the whole.
                source.is_utf8().then_some(source)
            }
            Err(error) => {
                faults.push(unreadable(&path, &error, written));
                None
            }
        }
    }
}

fn written_file_not_found(call: &CallSite, path: &WrittenPath) -> Diagnostic {
    let shown = call
        .resolve(path)
        .map_or_else(|_| path.to_string(), |file| display(&file));
    Diagnostic::new(
        Fault::PolicyFileNotFound,
        format!("policy file `{shown}` does not exist"),
    )
    .spanned(path.span)
    .note("the path is relative to this file, as in `include_str!`")
    .help(
        match call.meant(&path.to_string(), |path| call.root().has_file(path)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "create it; it may be empty, but a missing file could be a mistake".to_string(),
        },
    )
}

fn file_not_found(call: &CallSite, name: &str) -> Diagnostic {
    let directories = call.ancestors();
    let looked: Vec<String> = directories
        .iter()
        .map(|directory| display(&directory.join(name)))
        .collect();
    let fault = Diagnostic::new(
        Fault::PolicyFileNotFound,
        format!("policy file `{name}` not found"),
    )
    .note(format!("looked for `{}`", looked.join("`, `")));
    let similar = directories.iter().find_map(|directory| {
        let names = call.root().names_in(directory, |entry| entry.path().is_file());
        let near = nearest(name, names.iter().map(String::as_str))?;
        Some(display(&directory.join(near)))
    });
    match similar {
        Some(path) => fault.help(format!("rename `{path}` to `{name}`")),
        None => fault.help(format!(
            "create `{name}` beside `Cargo.toml`; it may be empty, but a missing file could be a mistake"
        )),
    }
}

fn unreadable(path: &Path, error: &io::Error, written: Option<&WrittenPath>) -> Diagnostic {
    let fault = unreadable_file(path, error);
    match written {
        Some(written) => fault.spanned(written.span),
        None => fault,
    }
}
