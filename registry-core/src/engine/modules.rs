//! How the compiler gets to a file: along the `mod` lines, from the file that invokes the macro.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syn::{Expr, ExprLit, Lit, Meta};

use super::declare::flatten_text;
use super::scan::{FoundModule, ModuleName, Scan, scan};
use super::source::{Source, clean, display};

/// How the compiler gets to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every build.
    Always,
    /// In some builds, because of a `cfg` on the way.
    Sometimes,
    /// Perhaps along a `mod` line that names no file, which the compiler reports.
    Unknown,
    /// Along no `mod` line that could be found.
    Never {
        /// The position of the file that such a line would have to name, to bring in this one, too.
        orphan: usize,
        /// Whether the file lies in the directory of a module under `cfg`, where a macro may read
        /// it on its own account.
        below_cfg: bool,
    },
}

/// A file and what was found in it.
#[derive(Clone, Debug)]
pub struct ScannedFile {
    pub path: PathBuf,
    pub source: Arc<Source>,
    pub scan: Arc<Scan>,
}

impl ScannedFile {
    pub fn new(path: PathBuf, source: Arc<Source>) -> Self {
        let scan = Arc::new(scan(&source.text));
        Self { path, source, scan }
    }
}

/// The reach of each schema file from the root.
///
/// Other files of the crate are read only as far as needed: first those that lie on the way to a
/// schema file by their names, and the rest while a file with tables has not been reached.
pub fn reach(root: &ScannedFile, files: &[ScannedFile]) -> Vec<Reach> {
    let mut walk = Walk::new(root, files);
    walk.run();
    let orphans = walk.orphans(files);
    let found = files.iter().zip(orphans);
    found
        .map(|(file, orphan)| walk.reach_of(&file.source.path, orphan))
        .collect()
}

/// The most files that may name one another before the first of them is taken for the fault:
/// modules may name each other in a circle.
const MOST_LEVELS: usize = 16;

/// A module file, on the way along one `mod` line.
struct Stop {
    path: String,
    /// Whether its modules lie beside it, as those of `mod.rs`, and not in a folder of its name:
    /// so do those of the root, and of what a `path` attribute names.
    is_mod_rs: bool,
    conditional: bool,
}

struct Walk<'a> {
    root: &'a ScannedFile,
    known: BTreeMap<&'a str, &'a ScannedFile>,
    reached: BTreeMap<String, Reach>,
    /// Counted along the way: asking every file again at each step would be quadratic.
    unreached_with_tables: usize,
    /// Whether some `mod` line names no file.
    leads_nowhere: bool,
    /// Directories of modules under `cfg`.
    conditional_directories: Vec<PathBuf>,
    near: VecDeque<Stop>,
    far: VecDeque<Stop>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a ScannedFile, files: &'a [ScannedFile]) -> Self {
        let start = Stop {
            path: root.source.path.clone(),
            is_mod_rs: true,
            conditional: false,
        };
        Self {
            root,
            known: files
                .iter()
                .map(|file| (file.source.path.as_str(), file))
                .collect(),
            reached: BTreeMap::new(),
            unreached_with_tables: files.iter().filter(|file| !file.scan.structs.is_empty()).count(),
            leads_nowhere: false,
            conditional_directories: Vec::new(),
            near: VecDeque::from([start]),
            far: VecDeque::new(),
        }
    }

    fn run(&mut self) {
        while let Some(stop) = self.near.pop_front().or_else(|| self.next_far()) {
            self.visit(&stop);
        }
    }

    fn next_far(&mut self) -> Option<Stop> {
        (self.unreached_with_tables > 0).then(|| self.far.pop_front())?
    }

    fn visit(&mut self, stop: &Stop) {
        match self.reached.get(&stop.path) {
            Some(Reach::Always) => return,
            Some(Reach::Sometimes) if stop.conditional => return,
            _ => {}
        }
        let Some(file) = self.file(&stop.path) else { return };
        let conditional = stop.conditional || file.scan.conditional;
        let reach = if conditional {
            Reach::Sometimes
        } else {
            Reach::Always
        };
        let is_first = self.reached.insert(stop.path.clone(), reach).is_none();
        let is_awaited = |known: &&ScannedFile| !known.scan.structs.is_empty();
        if is_first && self.known.get(stop.path.as_str()).is_some_and(is_awaited) {
            self.unreached_with_tables -= 1;
        }
        for module in &file.scan.modules {
            self.follow(&file, stop, module, conditional || module.conditional);
        }
    }

    fn file(&self, path: &str) -> Option<ScannedFile> {
        if path == self.root.source.path {
            return Some(self.root.clone());
        }
        if let Some(file) = self.known.get(path) {
            return Some((*file).clone());
        }
        let source = Source::read(Path::new(path), &mut Vec::new()).ok()?;
        Some(ScannedFile::new(PathBuf::from(path), source))
    }

    fn follow(&mut self, file: &ScannedFile, stop: &Stop, module: &FoundModule, conditional: bool) {
        let directory = ModuleDirectory::of(file, stop.is_mod_rs, module);
        let by_path = path_attributes(&file.source.text, &module.name);
        let is_certain = by_path.iter().any(|(_, conditional)| !conditional);
        if conditional {
            self.conditional_directories
                .push(clean(&directory.own.join(&module.name.name)));
        }
        if module.is_inline {
            return;
        }
        for (path, by_condition) in &by_path {
            self.push(
                &directory.base_of_path().join(path),
                true,
                conditional || *by_condition,
            );
        }
        if !is_certain {
            let conditional = conditional || !by_path.is_empty();
            self.follow_name(&directory, &module.name.name, conditional);
        }
    }

    fn follow_name(&mut self, directory: &ModuleDirectory, name: &str, conditional: bool) {
        let [beside, in_folder] = directory.files_of(name);
        if !self.push(&beside, false, conditional) {
            let is_known = self.push(&in_folder, true, conditional);
            let exists = is_known || beside.is_file() || in_folder.is_file();
            self.leads_nowhere |= !exists && !conditional;
        }
    }

    /// Puts a file on the way; tells whether it is a schema file.
    fn push(&mut self, path: &Path, is_mod_rs: bool, conditional: bool) -> bool {
        let stop = Stop {
            path: display(path),
            is_mod_rs,
            conditional,
        };
        let is_known = self.known.contains_key(stop.path.as_str());
        if is_known || self.leads_to_schema(path, is_mod_rs) {
            self.near.push_back(stop);
        } else if path.is_file() {
            self.far.push_back(stop);
        }
        is_known
    }

    /// `schema.rs` and `schema/mod.rs` lie on the way to `schema/users.rs`.
    fn leads_to_schema(&self, path: &Path, is_mod_rs: bool) -> bool {
        let directory = if is_mod_rs {
            path.parent().map(Path::to_path_buf)
        } else {
            Some(path.with_extension(""))
        };
        let directory = directory
            .map(|directory| display(&directory) + "/")
            .unwrap_or_default();
        let first = self.known.range(directory.as_str()..).next();
        first.is_some_and(|(path, _)| path.starts_with(&directory))
    }

    /// For each file the first one on its way that is itself named by no line: itself, unless a
    /// file that is not reached either names it.
    fn orphans(&self, files: &[ScannedFile]) -> Vec<usize> {
        let paths = files.iter().map(|file| file.source.path.as_str());
        let positions: BTreeMap<&str, usize> = paths.zip(0..).collect();
        let mut parents: Vec<usize> = (0..files.len()).collect();
        let unreached = files
            .iter()
            .enumerate()
            .filter(|(_, file)| !self.reached.contains_key(&file.source.path));
        for (parent, file) in unreached {
            for module in &file.scan.modules {
                let directory = ModuleDirectory::of(file, file.path.ends_with("mod.rs"), module);
                let children = directory.files_of(&module.name.name);
                for child in children
                    .iter()
                    .filter_map(|path| positions.get(display(path).as_str()))
                {
                    parents[*child] = parent;
                }
            }
        }
        let first = |start: usize| (0..MOST_LEVELS).fold(start, |position, _| parents[position]);
        (0..files.len()).map(first).collect()
    }

    fn reach_of(&self, path: &str, orphan: usize) -> Reach {
        let directories = &self.conditional_directories;
        match self.reached.get(path) {
            Some(reach) => *reach,
            None if self.leads_nowhere => Reach::Unknown,
            None => Reach::Never {
                orphan,
                below_cfg: directories
                    .iter()
                    .any(|directory| Path::new(path).starts_with(directory)),
            },
        }
    }
}

/// Where the modules of a file or of an inline module lie: the Rust reference,
/// items.mod.outlined.
struct ModuleDirectory {
    beside: PathBuf,
    own: PathBuf,
    is_nested: bool,
}

impl ModuleDirectory {
    fn of(file: &ScannedFile, is_mod_rs: bool, module: &FoundModule) -> Self {
        let path = Path::new(&file.source.path);
        let beside = path.parent().unwrap_or_else(|| Path::new("")).to_path_buf();
        let mut own = beside.clone();
        if !is_mod_rs {
            own.push(path.file_stem().unwrap_or_default());
        }
        for inline in &module.inside {
            match path_attributes(&file.source.text, inline).first() {
                Some((path, _)) => own.push(path),
                None => own.push(&inline.name),
            }
        }
        Self {
            beside,
            own,
            is_nested: !module.inside.is_empty(),
        }
    }

    /// Where a module without a `path` may be.
    fn files_of(&self, name: &str) -> [PathBuf; 2] {
        let in_folder = self.own.join(name).join("mod.rs");
        [self.own.join(format!("{name}.rs")), in_folder]
    }

    fn base_of_path(&self) -> &Path {
        if self.is_nested { &self.own } else { &self.beside }
    }
}

/// The values of `#[path = "…"]`, and whether a `cfg_attr` holds each.
fn path_attributes(text: &str, module: &ModuleName) -> Vec<(String, bool)> {
    let mut paths = Vec::new();
    for range in &module.attributes {
        for flat in flatten_text(&text[range.clone()]) {
            if let Meta::NameValue(pair) = &flat.meta
                && pair.path.is_ident("path")
                && let Expr::Lit(ExprLit {
                    lit: Lit::Str(path), ..
                }) = &pair.value
            {
                paths.push((path.value(), flat.conditional));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reach of each file; the first one is the crate root.
    fn reaches<'p>(files: &[(&'p str, &str)]) -> Vec<(&'p str, Reach)> {
        let scanned: Vec<ScannedFile> = files
            .iter()
            .map(|(path, text)| ScannedFile::new(PathBuf::from(path), Arc::new(Source::new(*path, *text))))
            .collect();
        let paths = files.iter().map(|(path, _)| *path);
        paths.zip(reach(&scanned[0], &scanned)).skip(1).collect()
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], always: &[&str], sometimes: &[&str]) {
        let found = reaches(files);
        let of = |reach| -> Vec<&str> {
            let found = found.iter().filter(|(_, found)| *found == reach);
            found.map(|(path, _)| *path).collect()
        };
        assert_eq!(
            (of(Reach::Always), of(Reach::Sometimes)),
            (always.to_vec(), sometimes.to_vec())
        );
    }

    #[test]
    fn a_condition_reaches_everything_below() {
        let files = [
            ("src/lib.rs", "#[cfg(a)] mod schema;"),
            ("src/schema/mod.rs", "mod users; mod deep;"),
            ("src/schema/users.rs", "mod inner;"),
            ("src/schema/users/inner.rs", ""),
            ("src/schema/deep/mod.rs", ""),
            ("src/schema/orphan.rs", ""),
            ("src/other/orphan.rs", ""),
        ];
        let sometimes: Vec<&str> = files[1..5].iter().map(|(path, _)| *path).collect();
        check(&files, &[], &sometimes);
        let orphans = [("src/schema/orphan.rs", true), ("src/other/orphan.rs", false)];
        for ((path, below_cfg), orphan) in orphans.into_iter().zip(5..) {
            let found = reaches(&files)[orphan - 1];
            assert_eq!(found, (path, Reach::Never { orphan, below_cfg }));
        }
    }

    #[test]
    fn an_orphan_answers_for_what_it_names() {
        let files = [
            ("src/lib.rs", ""),
            ("src/schema/a.rs", "mod b;"),
            ("src/schema/a/b.rs", ""),
            ("src/schema/mod.rs", "mod a; mod c;"),
            ("src/schema/other.rs", ""),
        ];
        let orphan = |orphan| Reach::Never {
            orphan,
            below_cfg: false,
        };
        let found: Vec<Reach> = reaches(&files).into_iter().map(|(_, reach)| reach).collect();
        assert_eq!(found, [orphan(3), orphan(3), orphan(3), orphan(4)]);
    }

    #[test]
    fn a_line_that_names_no_file_is_the_fault_of_that_line() {
        let files = [("src/lib.rs", "mod usr;"), ("src/user.rs", "")];
        assert_eq!(reaches(&files), [("src/user.rs", Reach::Unknown)]);
        let files = [("src/lib.rs", "#[cfg(a)] mod usr;"), ("src/user.rs", "")];
        assert_ne!(reaches(&files)[0].1, Reach::Unknown);
    }

    #[test]
    fn a_file_that_says_so_itself() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "#![cfg(x)] mod b;"),
            ("src/a/b.rs", ""),
        ];
        check(&files, &[], &["src/a.rs", "src/a/b.rs"]);
    }

    #[test]
    fn one_unconditional_way_is_enough() {
        let files = [
            (
                "src/lib.rs",
                "#[cfg(a)] mod a; #[cfg(not(a))] #[path = \"a.rs\"] mod b; #[path = \"./c.rs\"] mod d; #[cfg(x)] mod c;",
            ),
            ("src/a.rs", ""),
            ("src/c.rs", "mod e;"),
            ("src/e.rs", ""),
        ];
        check(&files, &["src/c.rs", "src/e.rs"], &["src/a.rs"]);
    }

    #[test]
    fn paths_and_inline_modules() {
        let files = [
            (
                "src/lib.rs",
                "#[cfg_attr(unix, path = \"unix.rs\")] mod os;
                 mod x { mod y; #[path = \"z.rs\"] mod q; }
                 #[path = \"in\"] mod inline { mod r; }
                 #[path = \"p/f.rs\"] mod f;",
            ),
            ("src/unix.rs", ""),
            ("src/os.rs", ""),
            ("src/x/y.rs", "mod child;"),
            ("src/x/y/child.rs", ""),
            ("src/x/z.rs", ""),
            ("src/in/r.rs", ""),
            ("src/p/f.rs", "mod beside;"),
            ("src/p/beside.rs", ""),
            ("src/z.rs", ""),
        ];
        let always = [
            "src/x/y.rs",
            "src/x/y/child.rs",
            "src/x/z.rs",
            "src/in/r.rs",
            "src/p/f.rs",
            "src/p/beside.rs",
        ];
        check(&files, &always, &["src/unix.rs", "src/os.rs"]);
    }

    #[test]
    fn modules_in_a_circle_end() {
        let files = [
            ("src/lib.rs", "mod a;"),
            (
                "src/a.rs",
                "#[path = \"a.rs\"] #[cfg(b)] mod a; #[path = \"lib.rs\"] mod l;",
            ),
        ];
        check(&files, &["src/a.rs"], &[]);
    }
}
