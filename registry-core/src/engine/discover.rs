//! Schema directories in, declarations out.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Attribute, Ident, Meta};

use super::call_site::CallSite;
use super::declare::{self, Declared, FlatMeta};
use super::diagnostic::{Code, Diagnostic};
use super::invocation::WrittenPath;
use super::modules::{self, Reach};
use super::name::TableName;
use super::scan::{FoundStruct, Scan, scan};
use super::source::{self, Source, display};
use super::suggest::did_you_mean;
use crate::TableKind;

/// A struct with `#[table]`, and where it was found.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The table.
    pub name: TableName,
    /// The kind, before any override.
    pub kind: TableKind,
    /// The struct's name.
    pub ident: String,
    /// Whether some builds may leave the struct out.
    pub conditional: bool,
    /// Whether the compiler has an error of its own if it does not register the struct.
    pub compiler_reports: bool,
    /// Another name, which a second ORM attribute gives the same table.
    pub other_name: Option<String>,
    /// The name that `#[table]` itself sees in builds where the `cfg_attr` that names the table is
    /// off: the compiler removes it before it expands `#[table]`.
    pub hidden_name: Option<TableName>,
    /// The file.
    pub source: Arc<Source>,
    /// The file's path, relative to the package.
    pub file: String,
    /// Where the struct's name stands in the file.
    pub place: Range<usize>,
    /// What is wrong with the attribute. The compiler reports these at the exact token
    /// when it expands `#[table]`; others who read sources report them from here.
    pub faults: Vec<Diagnostic>,
}

/// All that the schema directories declare.
#[derive(Debug)]
pub struct Declarations {
    /// In the order of files and lines.
    pub list: Vec<Declaration>,
    /// Whether every directory and file could be read. If not, a name that seems
    /// unknown may only be unread.
    pub complete: bool,
}

/// Reads every `.rs` file below the directories.
pub fn discover(call: &CallSite, directories: &[WrittenPath], faults: &mut Vec<Diagnostic>) -> Declarations {
    let before = faults.len();
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for directory in directories {
        match existing(call, directory) {
            Ok(path) => read_directory(call, directory, &path, &mut seen, &mut files, faults),
            Err(fault) => faults.push(fault),
        }
    }
    let complete = faults[before..].iter().all(|fault| fault.code == Code::NotUtf8);
    let list = declarations(call, directories, &files);
    Declarations { list, complete }
}

struct ScannedFile {
    path: PathBuf,
    source: Arc<Source>,
    scan: Scan,
}

fn existing(call: &CallSite, directory: &WrittenPath) -> Result<PathBuf, Diagnostic> {
    let path = call.resolve(&directory.text);
    if path.is_dir() {
        return Ok(path);
    }
    let shown = display(&path);
    if path.exists() {
        return Err(
            Diagnostic::new(Code::NotADirectory, format!("`{shown}` is not a directory"))
                .spanned(directory.span)
                .help(
                    "name the directory that holds the schema files; it is read with all its subdirectories",
                ),
        );
    }
    let parent = source::clean(&path)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let similar = source::names_in(&parent, |entry| entry.path().is_dir());
    let wanted = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Err(Diagnostic::new(
        Code::DirectoryNotFound,
        format!("directory `{shown}` does not exist"),
    )
    .spanned(directory.span)
    .note("the path is relative to this file, as in `include_str!`")
    .help(
        did_you_mean(&wanted, similar.iter().map(String::as_str))
            .unwrap_or_else(|| format!("create `{shown}`, with the schema structs in it")),
    ))
}

/// Adds the files of one directory; those that an earlier directory held already, once.
fn read_directory(
    call: &CallSite,
    directory: &WrittenPath,
    path: &Path,
    seen: &mut BTreeSet<String>,
    files: &mut Vec<ScannedFile>,
    faults: &mut Vec<Diagnostic>,
) {
    let (first, before) = (files.len(), faults.len());
    let paths = source::rust_files(path, faults);
    let count = paths.len();
    for path in paths {
        if !seen.insert(display(&path)) {
            continue;
        }
        match Source::read(&path, faults) {
            Ok(source) => files.push(ScannedFile {
                scan: scan(&source.text),
                path,
                source,
            }),
            Err(error) => faults.push(source::unreadable_file(&path, &error)),
        }
    }
    let has_table = files[first..].iter().any(|file| !file.scan.structs.is_empty());
    let was_read_before = files.len() - first < count;
    if faults.len() == before && !has_table && !was_read_before {
        faults.push(no_tables(call, directory, count));
    }
}

fn no_tables(call: &CallSite, directory: &WrittenPath, files: usize) -> Diagnostic {
    let shown = display(&call.resolve(&directory.text));
    let files = match files {
        0 => "there is no Rust file in it".to_string(),
        1 => "one Rust file was read, without a `#[table]` struct".to_string(),
        _ => format!("{files} Rust files were read, without a `#[table]` struct"),
    };
    Diagnostic::new(Code::NoTables, format!("no table found in `{shown}`"))
        .spanned(directory.span)
        .note(files)
        .help("put `#[table]` on the schema structs, or name the directory that holds them")
}

fn declarations(call: &CallSite, directories: &[WrittenPath], files: &[ScannedFile]) -> Vec<Declaration> {
    let reach = reach_of_files(call, directories, files);
    let mut list = Vec::new();
    for (file, reach) in files.iter().zip(reach) {
        if file.scan.structs.is_empty() {
            continue;
        }
        let in_package = call.in_package(&file.path);
        for mut declaration in declarations_in(&file.source, &file.scan) {
            declaration.conditional |= reach.conditional;
            // The compiler has its own error where nothing brings the attribute into scope.
            declaration.compiler_reports &= reach.named;
            declaration.compiler_reports |= !file.source.is_utf8;
            declaration.file.clone_from(&in_package);
            list.push(declaration);
        }
    }
    list
}

/// What one file declares.
pub(super) fn declarations_in(source: &Arc<Source>, scan: &Scan) -> Vec<Declaration> {
    scan.structs
        .iter()
        .flat_map(|found| declarations_of(source, found, scan.imports_table))
        .collect()
}

/// How the compiler gets to each scanned file. The `mod` lines that lead from the invoking file to
/// the directories are read for this, too.
fn reach_of_files(call: &CallSite, directories: &[WrittenPath], files: &[ScannedFile]) -> Vec<Reach> {
    let scanned: BTreeSet<&str> = files.iter().map(|file| file.source.path.as_str()).collect();
    let above: Vec<ScannedFile> = paths_above(call, directories)
        .into_iter()
        .filter(|path| !scanned.contains(display(path).as_str()))
        .filter_map(|path| {
            let source = Source::read(&path, &mut Vec::new()).ok()?;
            let scan = scan(&source.text);
            Some(ScannedFile { path, source, scan })
        })
        .collect();
    let root = display(call.file());
    let all: Vec<modules::File<'_>> = files
        .iter()
        .chain(&above)
        .map(|file| modules::File {
            source: &file.source,
            scan: &file.scan,
            is_root: file.path.ends_with("mod.rs") || file.source.path == root,
        })
        .collect();
    let mut reach = modules::reach(&all);
    reach.truncate(files.len());
    reach
}

/// `lib.rs`, and for `a/b/` also `a.rs`, `a/mod.rs`, `a/b.rs`.
fn paths_above(call: &CallSite, directories: &[WrittenPath]) -> Vec<PathBuf> {
    let mut paths = vec![source::clean(call.file())];
    for directory in directories {
        let mut path = call.directory().to_path_buf();
        for component in Path::new(&directory.text).components() {
            path.push(component);
            paths.push(source::clean(&path.with_extension("rs")));
            paths.push(source::clean(&path.join("mod.rs")));
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// One declaration, or none if the tokens are no struct after all, or several where each
/// of several `cfg_attr` holds a `#[table]` of its own.
fn declarations_of(source: &Arc<Source>, found: &FoundStruct, imports_table: bool) -> Vec<Declaration> {
    let Some(ident) = ident(&source.text[found.ident.clone()]) else {
        return Vec::new();
    };
    let metas = metas_of(&source.text, found);
    let declare = |position: usize| {
        let declaration = Declaration::read(source, found, &ident, &metas, position);
        let is_bare = metas[position].1.meta.path().segments.len() == 1;
        Declaration {
            compiler_reports: is_bare && !imports_table,
            ..declaration
        }
    };
    our_attributes(&metas).into_iter().map(declare).collect()
}

/// What the lexer takes for an identifier the compiler may not, beyond ASCII.
fn ident(text: &str) -> Option<Ident> {
    if text.is_ascii() && !text.starts_with("r#") {
        return Some(Ident::new(text, Span::call_site()));
    }
    Ident::parse_any.parse_str(text).ok()
}

fn metas_of(text: &str, found: &FoundStruct) -> Vec<(Range<usize>, FlatMeta)> {
    if let [range] = found.attributes.as_slice()
        && &text[range.clone()] == "#[table]"
    {
        return vec![(range.clone(), declare::plain_table())];
    }
    let mut metas = Vec::new();
    for range in &found.attributes {
        let attributes = Attribute::parse_outer
            .parse_str(&text[range.clone()])
            .unwrap_or_default();
        let flat = declare::flatten(attributes);
        metas.extend(flat.into_iter().map(|meta| (range.clone(), meta)));
    }
    metas
}

/// The positions of `#[table]`. Only one can be unconditional; a path in front of it
/// tells it from a helper attribute of the same name that a derive brings along.
fn our_attributes(metas: &[(Range<usize>, FlatMeta)]) -> Vec<usize> {
    let is_table = |position: &usize| declare::is_table(&metas[*position].1.meta);
    let all: Vec<usize> = (0..metas.len()).filter(is_table).collect();
    let certain = all
        .iter()
        .copied()
        .filter(|position| !metas[*position].1.conditional);
    let segments = |position: &usize| metas[*position].1.meta.path().segments.len();
    match certain.rev().max_by_key(segments) {
        Some(one) => vec![one],
        None => all,
    }
}

impl Declaration {
    fn read(
        source: &Arc<Source>,
        found: &FoundStruct,
        ident: &Ident,
        metas: &[(Range<usize>, FlatMeta)],
        position: usize,
    ) -> Self {
        let (range, own) = &metas[position];
        let others = metas
            .iter()
            .map(|(_, flat)| flat)
            .filter(|flat| !declare::is_table(&flat.meta));
        let all: Vec<&Meta> = others.clone().map(|flat| &flat.meta).collect();
        let certain: Vec<&Meta> = others
            .filter(|flat| !flat.conditional)
            .map(|flat| &flat.meta)
            .collect();
        let declare =
            |neighbours: &[&Meta]| declare::declare(declare::table_arguments(&own.meta), neighbours, ident);
        let Declared {
            name,
            other_name,
            kind,
            faults,
        } = declare(&all);
        let is_hidden = !own.conditional && certain.len() < all.len();
        let hidden_name = is_hidden
            .then(|| declare(&certain).name)
            .filter(|hidden| *hidden != name);
        Self {
            name,
            other_name,
            kind,
            ident: ident.unraw().to_string(),
            conditional: found.conditional || own.conditional,
            compiler_reports: false,
            hidden_name,
            source: Arc::clone(source),
            file: source.path.clone(),
            place: found.ident.clone(),
            faults: faults
                .into_iter()
                .map(|fault| fault.at(source, range.clone(), ""))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_an_attribute_are_kept_with_their_place() {
        let text = "#[table(kind = trth)]\n#[diesel(table_name = users)]\npub struct User;";
        let source = Arc::new(Source::new("users.rs", text));
        let found = declarations_in(&source, &scan(text));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.to_string().as_str(), found[0].ident.as_str()),
            ("users", "User")
        );
        let label = &found[0].faults[0].labels[0];
        assert_eq!(&text[label.range.clone()], "#[table(kind = trth)]");
    }

    #[test]
    fn which_of_several_attributes_is_ours() {
        for (text, kinds) in [
            (
                "#[table(title = \"x\")] #[table_registry::table(kind = link)] struct A;",
                "link",
            ),
            (
                "#[cfg_attr(a, table(kind = link))] #[cfg_attr(b, table(kind = control))] struct A;",
                "link control",
            ),
            ("#[cfg_attr(a, table(kind = link))] #[table] struct A;", "truth"),
        ] {
            let source = Arc::new(Source::new("a.rs", text));
            let found = declarations_in(&source, &scan(text));
            let found: Vec<&str> = found
                .iter()
                .map(|declaration| declaration.kind.as_str())
                .collect();
            assert_eq!(found.join(" "), kinds, "{text}");
        }
    }
}
