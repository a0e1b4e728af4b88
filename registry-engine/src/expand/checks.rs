//! Constants that fail where the crate and its registry disagree.

use std::collections::BTreeMap;

use super::keys::Keyed;
use crate::registry::RegisteredTable;
use crate::report::Fault;
use crate::sources::CompileCheck;

/// Fails unless the call is in the crate root: all generated code uses paths that start there.
pub(super) fn crate_root() -> String {
    let fault = fault(
        Fault::NotInCrateRoot,
        "`table_registry!` is not in the crate root",
        "move it to `src/lib.rs` or `src/main.rs`",
    );
    format!(
        r#"
const _: () = __table_registry::__private::assert!(
    __table_registry::__private::is_crate_root(__table_registry::__private::module_path!()),
    "{{}}",
    {fault:?}
);
"#
    )
}

/// Constants that fail if the compiler did not compile a struct that the scan found.
pub(super) fn checks(keyed: &[Keyed<'_>]) -> String {
    let of_attributes = checks_of_attributes(keyed);
    let of_files = checks_of_files(keyed);
    if of_attributes.is_empty() && of_files.is_empty() {
        return String::new();
    }
    format!(
        "
const _: () = {{
    #[allow(unused_imports)]
    use __table_registry::__private::{{Compiled, NotCompiled as _, any, assert, bool}};
    {of_attributes}{of_files}
}};
"
    )
}

fn checks_of_attributes(keyed: &[Keyed<'_>]) -> String {
    let doubtful = keyed
        .iter()
        .filter(|keyed| keyed.table.check == CompileCheck::Attribute);
    unless_none_is_compiled(keyed.iter(), doubtful.map(check_of_attribute).collect())
}

/// Puts checks into a block that defines `ANY`: whether the crate compiles any of these tables.
fn unless_none_is_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>, checks: String) -> String {
    if checks.is_empty() {
        return checks;
    }
    let any = any_compiled(tables);
    format!("const _: () = {{ const ANY: bool = {any};\n{checks}}};\n")
}

/// Tables by the file that declares them, or by the orphan file that they depend on.
type ByFile<'k> = BTreeMap<&'k str, Vec<&'k Keyed<'k>>>;

fn checks_of_files(keyed: &[Keyed<'_>]) -> String {
    let mut all = ByFile::new();
    let mut orphans: BTreeMap<Option<&str>, ByFile<'_>> = BTreeMap::new();
    for keyed in keyed {
        all.entry(&keyed.table.file).or_default().push(keyed);
        if let (CompileCheck::File, Some(orphan)) = (keyed.table.check, &keyed.table.orphan) {
            let files = orphans.entry(orphan.below_cfg.as_deref()).or_default();
            files.entry(&orphan.file).or_default().push(keyed);
        }
    }
    let checks = orphans.into_iter().map(|(directory, files)| {
        let unless = directory.map_or("", |_| "|| !ANY");
        let checks = files
            .iter()
            .map(|(file, tables)| check_of_file(file, tables, unless));
        match directory {
            Some(directory) => unless_none_is_compiled(below(directory, &all).into_iter(), checks.collect()),
            None => checks.collect(),
        }
    });
    checks.collect()
}

fn below<'k>(directory: &str, all: &ByFile<'k>) -> Vec<&'k Keyed<'k>> {
    let start = match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let files = all
        .range(start.as_str()..)
        .take_while(|(file, _)| file.starts_with(&start));
    files.flat_map(|(_, tables)| tables.iter().copied()).collect()
}

fn any_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> String {
    let compiled: Vec<String> = tables.map(compiled).collect();
    format!("any(&[{}])", compiled.join(", "))
}

fn compiled(Keyed { key, .. }: &Keyed<'_>) -> String {
    format!("Compiled::<directories_of_table_registry::{key}>::HERE")
}

fn check_of_attribute(keyed: &Keyed<'_>) -> String {
    let RegisteredTable { name, file, .. } = keyed.table;
    let fault = fault(
        Fault::NotCompiled,
        &format!("table `{name}` is declared in `{file}`, but the crate does not compile that struct"),
        "check that `#[table]` there is the attribute of `table_registry`, or remove the struct",
    );
    check(&format!("{} || !ANY", compiled(keyed)), &fault)
}

/// One error for the file, not one for each of its tables.
fn check_of_file(file: &str, tables: &[&Keyed<'_>], unless: &str) -> String {
    let any = any_compiled(tables.iter().copied());
    let declared = declared_in(file, tables);
    let fault = fault(
        Fault::NotCompiled,
        &format!("{declared}, but the crate does not compile that file"),
        "name the file in a `mod` line, or remove it",
    );
    check(&format!("{any} {unless}"), &fault)
}

fn check(condition: &str, fault: &str) -> String {
    format!("const _: () = assert!({condition}, \"{{}}\", {fault:?});\n")
}

fn declared_in(file: &str, tables: &[&Keyed<'_>]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = tables
        .iter()
        .map(|keyed| format!("`{}`", keyed.table.name))
        .collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = names[..names.len().min(SHOWN)].join(", ");
    let (noun, verb) = if tables.len() == 1 {
        ("table", "is")
    } else {
        ("tables", "are")
    };
    let below = if tables.iter().all(|keyed| keyed.table.file == file) {
        ""
    } else {
        " and below it"
    };
    format!("{noun} {shown}{more} {verb} declared in `{file}`{below}")
}

/// The text of an error that the compiler prints when it evaluates a constant. It reads like a
/// [`Diagnostic`](crate::Diagnostic).
pub(super) fn fault(code: Fault, message: &str, help: &str) -> String {
    format!("{message}\n  = help: {help}\n  = note: diagnostic code `{code}`")
}
