//! Constants that fail where the crate and its registry disagree.

use super::keys::Keyed;
use crate::registry::RegisteredTable;
use crate::report::{Diagnostic, Fault};
use crate::sources::{CompileCheck, Orphan};

const NOT_IN_ROOT: &str = "`table_registry!` is not in the crate root";
const MOVE_TO_ROOT: &str = "move it to `src/lib.rs` or `src/main.rs`";

/// The fault of a call in a module: all generated code uses paths that start in the crate root.
#[must_use]
pub fn not_in_crate_root() -> Diagnostic {
    Diagnostic::new(Fault::NotInCrateRoot, NOT_IN_ROOT).help(MOVE_TO_ROOT)
}

/// Fails unless the call is in the crate root.
pub(super) fn crate_root() -> String {
    let fault = fault(Fault::NotInCrateRoot, NOT_IN_ROOT, MOVE_TO_ROOT);
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
    use __table_registry::__private::{{Compiled, Copied, NotCompiled as _, any, assert, bool}};
    {of_attributes}{of_files}
}};
"
    )
}

fn checks_of_attributes(keyed: &[Keyed<'_>]) -> String {
    let is_doubtful = |check| matches!(check, CompileCheck::Attribute | CompileCheck::MacroAbove);
    let doubtful = keyed.iter().filter(|keyed| is_doubtful(keyed.table.check));
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

/// A table, and the file that a `mod` line would have to name for the compiler to reach its struct.
type Doubtful<'k> = (&'k Orphan, &'k Keyed<'k>);

fn checks_of_files(keyed: &[Keyed<'_>]) -> String {
    let of_files = keyed
        .iter()
        .filter(|keyed| keyed.table.check == CompileCheck::File);
    let mut doubtful: Vec<Doubtful<'_>> = of_files
        .filter_map(|keyed| Some((keyed.table.orphan.as_ref()?, keyed)))
        .collect();
    doubtful.sort_by_key(|(orphan, _)| *orphan);
    let mut checks = String::new();
    for tables in doubtful.chunk_by(|(one, _), (other, _)| one.below_cfg == other.below_cfg) {
        checks += &match &tables[0].0.below_cfg {
            Some(directory) => {
                let around = keyed
                    .iter()
                    .filter(|keyed| is_below(directory, &keyed.table.file));
                unless_none_is_compiled(around, checks_of_orphans(tables, "|| !ANY"))
            }
            None => checks_of_orphans(tables, ""),
        };
    }
    checks
}

fn is_below(directory: &str, file: &str) -> bool {
    let rest = file.strip_prefix(directory);
    directory.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
}

fn checks_of_orphans(tables: &[Doubtful<'_>], unless: &str) -> String {
    tables
        .chunk_by(|(one, _), (other, _)| one.file == other.file)
        .map(|tables| check_of_orphan(tables, unless))
        .collect()
}

fn any_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> String {
    let compiled: Vec<String> = tables.map(compiled).collect();
    format!("any(&[{}])", compiled.join(", "))
}

/// Like [`any_compiled`], but a struct that a macro renamed counts, too.
fn any_made<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> String {
    let made: Vec<String> = tables
        .map(|keyed| {
            let copied = format!("Copied::<directories_of_table_registry::{}>::HERE", keyed.key);
            format!("{}, {copied}", compiled(keyed))
        })
        .collect();
    format!("any(&[{}])", made.join(", "))
}

fn compiled(Keyed { key, .. }: &Keyed<'_>) -> String {
    format!("Compiled::<directories_of_table_registry::{key}>::HERE")
}

fn check_of_attribute(keyed: &Keyed<'_>) -> String {
    let RegisteredTable {
        name, file, check, ..
    } = keyed.table;
    let help = if *check == CompileCheck::MacroAbove {
        "put `#[table]` above the other attribute macros of the struct; if one of them leaves the struct out in some \
         builds, put that one on a `mod … { … }` around the struct"
    } else {
        "check that `#[table]` there is the attribute of `table_registry`, or remove the struct"
    };
    let fault = fault(
        Fault::NotCompiled,
        &format!("table `{name}` is declared in `{file}`, but the crate does not compile that struct"),
        help,
    );
    constant(&format!("{} || !ANY", any_made([keyed].into_iter())), &fault)
}

/// One error for the file, not one for each of its tables.
fn check_of_orphan(tables: &[Doubtful<'_>], unless: &str) -> String {
    let any = any_made(tables.iter().map(|(_, keyed)| *keyed));
    let declared = declared_in(tables);
    let fault = fault(
        Fault::NotCompiled,
        &format!("{declared}, but the crate does not compile that file"),
        "name the file in a `mod` line, or remove it",
    );
    constant(&format!("{any} {unless}"), &fault)
}

fn constant(condition: &str, fault: &str) -> String {
    format!("const _: () = assert!({condition}, \"{{}}\", {fault:?});\n")
}

fn declared_in(tables: &[Doubtful<'_>]) -> String {
    const SHOWN: usize = 5;
    let file = &tables[0].0.file;
    let names: Vec<String> = tables
        .iter()
        .map(|(_, keyed)| format!("`{}`", keyed.table.name))
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
    let below = if tables.iter().all(|(_, keyed)| keyed.table.file == *file) {
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
