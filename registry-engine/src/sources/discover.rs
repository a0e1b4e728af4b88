//! Reads the schema directories and collects their declarations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declarations::{Declaration, Declarations, Orphan, OutsideImports, declarations_in};
use super::module_tree::{ModuleTree, Reachability, ScannedFile};
use super::scan::Condition;
use crate::call_site::CallSite;
use crate::report::{Diagnostic, Fault, not_utf8, unreadable_directory, unreadable_file};
use crate::text::{Source, display, rust_files};
use crate::written::{Invocation, WrittenPath};

/// Reads every `.rs` file below the directories.
pub fn discover(call: &CallSite, invocation: &Invocation, faults: &mut Vec<Diagnostic>) -> Declarations {
    let before = faults.len();
    let (mut files, mut empty) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for directory in &invocation.directories {
        match existing(call, directory) {
            Ok(path) => {
                let found = read_directory(call, directory, &path, &mut seen, &mut files, faults);
                empty.extend(found.err());
            }
            Err(fault) => faults.push(fault),
        }
    }
    let is_read = faults[before..].iter().all(|fault| fault.is(Fault::NotUtf8));
    let root = read_root(call);
    let taken = taken_module(&root);
    let tables_is_taken = taken.is_some();
    faults.extend(taken);
    let tree = ModuleTree::follow(call, &root, &files);
    Declarations {
        list: declarations(
            call,
            invocation.may_import_table(&root.scan.macro_use),
            &files,
            &tree,
        ),
        complete: is_read && invocation.complete,
        empty,
        tables_is_taken,
        unreached: unreached(&files, &tree.reachability),
        outside: Vec::new(),
        misplaced: Vec::new(),
    }
}

/// The crate root. If it cannot be read, it counts as empty; the compiler reports the problem.
fn read_root(call: &CallSite) -> ScannedFile {
    let path = call.crate_root().to_path_buf();
    let empty = || Arc::new(Source::new(display(&path), ""));
    let source = Source::read(call.root(), &path).unwrap_or_else(|_| empty());
    ScannedFile::new(path, source)
}

/// The fault of a module in the user's crate that has the name of the generated one.
fn taken_module(root: &ScannedFile) -> Option<Diagnostic> {
    let mut modules = root
        .scan
        .modules
        .iter()
        .filter(|module| module.condition == Condition::None);
    let taken = modules.find(|module| module.name.name == "tables" && module.is_top_level)?;
    Some(
        Diagnostic::new(Fault::NameTaken, "the crate already has a module `tables`")
            .at(&root.source, taken.place.clone(), "")
            .note("`table_registry!` puts `mod tables` with one type per table into the crate root")
            .help("give this module another name, such as `schema`"),
    )
}

fn existing(call: &CallSite, directory: &WrittenPath) -> Result<PathBuf, Diagnostic> {
    let path = call.resolve(directory)?;
    if call.root().has_directory(&path) {
        return Ok(path);
    }
    let shown = display(&path);
    if call.root().has_entry(&path) {
        return Err(
            Diagnostic::new(Fault::NotADirectory, format!("`{shown}` is not a directory"))
                .spanned(directory.span)
                .help(
                    "name the directory that holds the schema files; it is read with all its subdirectories",
                ),
        );
    }
    let fault = Diagnostic::new(
        Fault::DirectoryNotFound,
        format!("directory `{shown}` does not exist"),
    );
    Err(fault
        .spanned(directory.span)
        .note("the path is relative to this file, as in `include_str!`")
        .help(way_to_directory(call, &directory.to_string())))
}

/// How to name a directory that exists, or which one to create.
fn way_to_directory(call: &CallSite, written: &str) -> String {
    let plain = plain_directory(written);
    if let Some(meant) = call.meant(&plain, |path| call.root().has_directory(path)) {
        return format!("did you mean `{meant}`?");
    }
    let from_file = call.without_own_directory(&plain);
    let shown = display(&call.directory().join(&from_file));
    let create = format!("create `{shown}`, with the schema structs in it");
    if from_file == written.trim_end_matches('/') {
        create
    } else {
        format!("{create}, and write `{from_file}`")
    }
}

/// The directory that a pattern or the path of a file stands for: `schema` for `schema/*.rs`, and `.` for `*.rs`. All
/// files of a directory are read.
fn plain_directory(written: &str) -> String {
    let is_file = |component: &str| {
        Path::new(component)
            .extension()
            .is_some_and(|extension| extension == "rs")
    };
    let is_name = |component: &&str| !component.contains(['*', '?', '[', '{']) && !is_file(component);
    let with_slashes = written.replace('\\', "/");
    let names: Vec<&str> = with_slashes.split('/').take_while(is_name).collect();
    match display(Path::new(&names.join("/"))) {
        path if path.is_empty() => ".".to_string(),
        path => path,
    }
}

/// Adds the files of one directory, except for those that were already read from an earlier directory. Returns a fault if
/// the directory declares no table.
fn read_directory(
    call: &CallSite,
    directory: &WrittenPath,
    path: &Path,
    seen: &mut BTreeSet<String>,
    files: &mut Vec<ScannedFile>,
    faults: &mut Vec<Diagnostic>,
) -> Result<(), Diagnostic> {
    let (first, before) = (files.len(), faults.len());
    let (paths, unreadable) = rust_files(call.root(), path, call.file());
    faults.extend(unreadable.as_ref().map(unreadable_directory));
    let count = paths.len();
    for file in paths {
        let has_plain_name = file.strip_prefix(path).unwrap_or(&file).to_str().is_some();
        if has_plain_name && !seen.insert(display(&file)) {
            continue;
        }
        match Source::read(call.root(), &file) {
            Ok(source) if has_plain_name => {
                faults.extend(not_utf8(&source));
                files.push(ScannedFile::new(file, source));
            }
            Ok(source) => faults.extend(unnameable(source)),
            Err(error) => faults.push(unreadable_file(&file, &error)),
        }
    }
    let has_table = files[first..].iter().any(|file| !file.scan.structs.is_empty());
    let was_read_before = files.len() - first < count;
    if faults.len() == before && !has_table && !was_read_before {
        return Err(no_tables(directory, path, count));
    }
    Ok(())
}

/// The fault of a table in a file that no `mod` line can name because its path is not UTF-8. Without a table, such a file
/// does not matter.
fn unnameable(source: Arc<Source>) -> Option<Diagnostic> {
    let file = ScannedFile::new(PathBuf::from(&source.path), source);
    let table = file.scan.structs.first()?;
    Some(
        Diagnostic::new(
            Fault::UnreadableFile,
            format!("the path of `{}` is not valid UTF-8", file.source.path),
        )
        .at(&file.source, table.ident.clone(), "a table in this file")
        .note("no `mod` line can name such a file")
        .help("rename the file, or remove it"),
    )
}

fn no_tables(directory: &WrittenPath, path: &Path, file_count: usize) -> Diagnostic {
    let shown = display(path);
    let files = match file_count {
        0 => "the directory contains no Rust file".to_string(),
        1 => "one Rust file was read, and it has no struct with `#[table]`".to_string(),
        _ => format!("{file_count} Rust files were read, and none has a struct with `#[table]`"),
    };
    Diagnostic::new(Fault::NoTables, format!("no table found in `{shown}`"))
        .spanned(directory.span)
        .note(files)
        .help("put `#[table]` on the schema structs, or name the directory that holds them")
}

fn unreached(files: &[ScannedFile], reachability: &[Reachability]) -> Vec<PathBuf> {
    let pairs = files.iter().zip(reachability);
    let unreached = pairs.filter(|(_, reachability)| **reachability != Reachability::Always);
    unreached.map(|(file, _)| file.path.clone()).collect()
}

fn declarations(
    call: &CallSite,
    is_imported_everywhere: bool,
    files: &[ScannedFile],
    tree: &ModuleTree,
) -> Vec<Declaration> {
    let mut list = Vec::new();
    for (file, reachability) in files.iter().zip(&tree.reachability) {
        if file.scan.structs.is_empty() {
            continue;
        }
        let in_package = call.in_package(&file.source.path);
        let orphan = orphan(call, files, reachability);
        let outside_imports = if is_imported_everywhere || tree.included.contains(&file.source.path) {
            OutsideImports::Possible
        } else {
            OutsideImports::None
        };
        for mut declaration in declarations_in(file, reachability, outside_imports) {
            declaration.file.clone_from(&in_package);
            declaration.orphan.clone_from(&orphan);
            list.push(declaration);
        }
    }
    list
}

/// What is in the files that the compiler reads.
#[derive(Debug)]
pub struct CompiledFiles {
    /// The structs with `#[table]` in none of the directories, each with its fault.
    pub outside: Vec<(Declaration, Diagnostic)>,
    /// All files, the crate root included.
    pub sources: Vec<Arc<Source>>,
}

/// Follows the `mod` lines through the whole crate. The macros do that only if a policy file names an unknown table.
#[must_use]
pub fn compiled_files(call: &CallSite, invocation: &Invocation) -> CompiledFiles {
    let root = read_root(call);
    let directories: Vec<PathBuf> = invocation
        .directories
        .iter()
        .flat_map(|directory| call.resolve(directory))
        .collect();
    let shown: Vec<String> = directories.iter().map(|directory| display(directory)).collect();
    let canonical = |path: &Path| call.root().canonical(path);
    let canonical_directories: Vec<PathBuf> = directories
        .iter()
        .filter_map(|directory| canonical(directory))
        .collect();
    let is_inside = |file: &Path| {
        let is_under = |all: &[PathBuf], file: &Path| all.iter().any(|directory| file.starts_with(directory));
        is_under(&directories, file)
            || canonical(file).is_some_and(|file| is_under(&canonical_directories, &file))
    };
    let (files, included) = ModuleTree::all_files(call, &root);
    let is_imported_everywhere = invocation.may_import_table(&root.scan.macro_use);
    let mut outside = Vec::new();
    let sources = files.iter().map(|(file, _)| Arc::clone(&file.source)).collect();
    for (file, reachability) in files {
        if file.scan.structs.is_empty() || is_inside(&file.path) {
            continue;
        }
        let outside_imports = if is_imported_everywhere || included.contains(&file.source.path) {
            OutsideImports::Possible
        } else {
            OutsideImports::None
        };
        for mut declaration in declarations_in(&file, &reachability, outside_imports) {
            declaration.file = call.in_package(&file.source.path);
            let is_generated = call.is_generated(&file.path);
            let (message, help) = outside_directories(&declaration.ident, &shown, is_generated);
            let fault = Diagnostic::new(Fault::OutsideDirectories, message)
                .at(&file.source, declaration.place.clone(), "")
                .help(help);
            outside.push((declaration, fault));
        }
    }
    CompiledFiles { outside, sources }
}

/// The message and the help for a struct outside the directories, whose file may be generated in `OUT_DIR`.
pub fn outside_directories(ident: &str, directories: &[String], is_generated: bool) -> (String, String) {
    let help = if is_generated {
        "name the directory of generated files in the call: `env!(\"OUT_DIR\")`".to_string()
    } else {
        let directories = directories.join("` or `");
        format!("move its file below `{directories}`, or name its directory in the call")
    };
    (
        format!("struct `{ident}` lies outside the directories of `table_registry!`"),
        help,
    )
}

fn orphan(call: &CallSite, files: &[ScannedFile], reachability: &Reachability) -> Option<Orphan> {
    let Reachability::Never {
        orphan, below_cfg, ..
    } = reachability
    else {
        return None;
    };
    Some(Orphan {
        file: call.in_package(&files[*orphan].source.path),
        below_cfg: below_cfg.as_ref().map(|directory| call.in_package(directory)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_a_directory() {
        for (written, plain) in [
            ("schema/*.rs", "schema"),
            ("./schema/**/*", "schema"),
            ("../schema/{a,b}.rs", "../schema"),
            ("*.rs", "."),
            ("schema/users.rs", "schema"),
            ("src\\schema", "src/schema"),
            ("schema/", "schema"),
        ] {
            assert_eq!(plain_directory(written), plain, "{written}");
        }
    }
}
