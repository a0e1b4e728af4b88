//! How the compiler gets to a file: along the `mod` lines and `include!`s, from the file that invokes the macro.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::module_files::{
    ModuleDirectory, PathAttribute, is_mod_rs, module_candidates, parent, path_attributes,
};
use super::scan::{Condition, FoundInclude, FoundModule, ModuleName, Scan, scan};
use crate::call_site::CallSite;
use crate::text::{Source, display};
use crate::written::WrittenPath;

/// Whether the compiler gets to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// In every build.
    Always,
    /// In some builds, because of a `cfg` on the way.
    Sometimes,
    /// Perhaps, along a `mod` line whose file does not exist. The compiler reports that line.
    Unknown,
    /// Along no `mod` line that could be found.
    Never {
        /// The position of the file that such a line would have to name for the compiler to get to this one. It may
        /// be this file itself.
        orphan: usize,
        /// Whether there is a `cfg` on the way from that file.
        conditional: bool,
        /// The directory around the file that belongs to a module under `cfg`. A macro in that module may read the
        /// files in that directory.
        below_cfg: Option<String>,
    },
}

/// A file and what was found in it.
#[derive(Clone, Debug)]
pub struct ScannedFile {
    /// The path by which it was found.
    pub path: PathBuf,
    /// The text.
    pub source: Arc<Source>,
    pub(crate) scan: Arc<Scan>,
}

impl ScannedFile {
    pub(crate) fn new(path: PathBuf, source: Arc<Source>) -> Self {
        let scan = Arc::new(scan(&source.text));
        Self { path, source, scan }
    }
}

/// How the compiler gets to the schema files.
pub struct ModuleTree {
    /// In the order of the files.
    pub reachability: Vec<Reachability>,
    /// The paths of the files that some `include!` names: the imports of the including file apply to them.
    pub included: BTreeSet<String>,
}

impl ModuleTree {
    /// Follows the `mod` lines from the crate root to the schema files.
    ///
    /// Other files of the crate are read only as far as needed: first those that lead to a schema file by their
    /// names, and the rest only while a file with tables has not been reached.
    pub fn follow(call: &CallSite, crate_root: &ScannedFile, files: &[ScannedFile]) -> Self {
        let mut walk = ModuleWalk::new(call, crate_root, files);
        walk.run(Stop::at(crate_root));
        if !walk.leads_nowhere {
            walk.run_from_orphans(files);
        }
        let paths = files.iter().map(|file| &file.source.path);
        Self {
            reachability: paths.map(|path| walk.reachability(path)).collect(),
            included: walk.included,
        }
    }

    /// All files that the compiler reads, as far as `mod` lines and `include!` show, and the paths of those that some
    /// `include!` names.
    pub fn all_files(
        call: &CallSite,
        crate_root: &ScannedFile,
    ) -> (Vec<(ScannedFile, Reachability)>, BTreeSet<String>) {
        let mut walk = ModuleWalk::new(call, crate_root, &[]);
        // As if a file with tables had not been reached yet, so that the walk visits every file.
        walk.unreached_with_tables = 1;
        walk.run(Stop::at(crate_root));
        let reached = walk.reached.iter();
        let files = reached
            .map(|(path, reached)| (reached.file.clone(), walk.reachability(path)))
            .collect();
        (files, walk.included)
    }
}

/// A file that a `mod` line or `include!` leads to.
#[derive(Clone)]
struct Stop {
    path: String,
    /// Whether its modules lie beside it, and not in a folder with its name.
    has_modules_beside: bool,
    is_included: bool,
    condition: Condition,
    /// The orphan from which the walk started, if not from the crate root.
    orphan: Option<usize>,
}

impl Stop {
    /// The crate root, where the walk starts.
    fn at(file: &ScannedFile) -> Self {
        Self {
            path: file.source.path.clone(),
            has_modules_beside: true,
            is_included: false,
            condition: Condition::None,
            orphan: None,
        }
    }

    /// A file to which no `mod` line leads.
    fn at_orphan(file: &ScannedFile, position: usize) -> Self {
        Self {
            has_modules_beside: is_mod_rs(&file.path),
            orphan: Some(position),
            ..Self::at(file)
        }
    }

    /// A file that a `path` attribute names.
    fn by_path(&self, file: &Path) -> Self {
        Self {
            path: display(file),
            has_modules_beside: true,
            is_included: false,
            condition: self.condition.min(Condition::Around),
            orphan: self.orphan,
        }
    }

    /// A file that has the name of its module.
    fn by_name(&self, file: &Path) -> Self {
        Self {
            has_modules_beside: is_mod_rs(file),
            ..self.by_path(file)
        }
    }

    fn by_include(&self, call: &CallSite, text: &str, include: &FoundInclude) -> Option<Self> {
        let file = included_file(call, Path::new(&self.path), text, include)?;
        Some(Self {
            is_included: true,
            ..self.by_path(&file).under(include.condition)
        })
    }

    fn under(self, condition: Condition) -> Self {
        Self {
            condition: self.condition.max(condition),
            ..self
        }
    }

    fn is_conditional(&self) -> bool {
        self.condition > Condition::None
    }

    fn directory(&self) -> ModuleDirectory {
        let file = Path::new(&self.path);
        if self.has_modules_beside {
            ModuleDirectory::beside(file)
        } else {
            ModuleDirectory::below(file)
        }
    }
}

/// The file that an `include!` in another file names, if the path can be evaluated.
pub fn included_file(call: &CallSite, file: &Path, text: &str, include: &FoundInclude) -> Option<PathBuf> {
    let path = WrittenPath::of_include(text[include.path.clone()].parse().ok()?)?;
    call.resolve_in(parent(file), &path).ok()
}

/// How a file was reached.
struct Reached {
    file: ScannedFile,
    conditional: bool,
    orphan: Option<usize>,
}

struct ModuleWalk<'a> {
    call: &'a CallSite,
    crate_root: &'a ScannedFile,
    /// The schema files, by path in byte order.
    known: Vec<&'a ScannedFile>,
    reached: BTreeMap<String, Reached>,
    included: BTreeSet<String>,
    /// Counted along the way: checking every file again at each stop would be quadratic.
    unreached_with_tables: usize,
    /// Whether the file of some unconditional line does not exist.
    leads_nowhere: bool,
    /// The directories of modules under `cfg`.
    conditional_directories: BTreeSet<String>,
    /// Schema files, and files that lead to them by their names.
    near: VecDeque<Stop>,
    far: VecDeque<Stop>,
}

impl<'a> ModuleWalk<'a> {
    fn new(call: &'a CallSite, crate_root: &'a ScannedFile, files: &'a [ScannedFile]) -> Self {
        let mut known: Vec<&ScannedFile> = files.iter().collect();
        known.sort_by_key(|file| file.source.path.as_str());
        Self {
            call,
            crate_root,
            known,
            reached: BTreeMap::new(),
            included: BTreeSet::new(),
            unreached_with_tables: files.iter().filter(|file| !file.scan.structs.is_empty()).count(),
            leads_nowhere: false,
            conditional_directories: BTreeSet::new(),
            near: VecDeque::new(),
            far: VecDeque::new(),
        }
    }

    fn run(&mut self, start: Stop) {
        self.near.push_back(start);
        while let Some(stop) = self.near.pop_front().or_else(|| self.next_far()) {
            self.visit(stop);
        }
    }

    fn next_far(&mut self) -> Option<Stop> {
        if self.unreached_with_tables == 0 {
            return None;
        }
        self.far.pop_front()
    }

    /// Continues from the files that were not reached, starting with those that no other such file names.
    fn run_from_orphans(&mut self, files: &[ScannedFile]) {
        let is_unreached = |position: &usize| !self.reached.contains_key(&files[*position].source.path);
        let orphans = (0..files.len()).filter(is_unreached);
        let starts: Vec<Stop> = orphans
            .map(|position| Stop::at_orphan(&files[position], position))
            .collect();
        let named: BTreeSet<String> = starts
            .iter()
            .flat_map(|start| self.named_by_orphan(start))
            .collect();
        let (later, first): (Vec<Stop>, Vec<Stop>) =
            starts.into_iter().partition(|start| named.contains(&start.path));
        for start in first.into_iter().chain(later) {
            self.run(start);
        }
    }

    /// The files that an orphan may name. Where the orphan's modules lie depends on the line that would name the
    /// orphan, so both places count.
    fn named_by_orphan(&self, start: &Stop) -> Vec<String> {
        let Some(file) = self.file(&start.path) else {
            return Vec::new();
        };
        let stops = [true, false].map(|has_modules_beside| {
            let from = Stop {
                has_modules_beside,
                ..start.clone()
            };
            self.stops_from(&file, &from)
        });
        stops.into_iter().flatten().map(|stop| stop.path).collect()
    }

    fn visit(&mut self, stop: Stop) {
        match self.reached.get(&stop.path) {
            Some(before) if before.orphan != stop.orphan => return,
            Some(before) if stop.is_conditional() || !before.conditional => return,
            _ => {}
        }
        let Some(file) = self.file(&stop.path) else { return };
        let here = stop.under(Condition::own_if(file.scan.conditional));
        let reached = Reached {
            file: file.clone(),
            conditional: here.is_conditional(),
            orphan: here.orphan,
        };
        let is_first = self.reached.insert(here.path.clone(), reached).is_none();
        let has_tables = |known: &ScannedFile| !known.scan.structs.is_empty();
        if is_first && self.known(&here.path).is_some_and(has_tables) {
            self.unreached_with_tables -= 1;
        }
        self.conditional_directories
            .extend(directories_under_cfg(&file, &here));
        for next in self.stops_from(&file, &here) {
            self.push(next);
        }
    }

    fn file(&self, path: &str) -> Option<ScannedFile> {
        if path == self.crate_root.source.path {
            return Some(self.crate_root.clone());
        }
        if let Some(file) = self.known(path) {
            return Some(file.clone());
        }
        let source = Source::read(self.call.root(), Path::new(path)).ok()?;
        Some(ScannedFile::new(PathBuf::from(path), source))
    }

    fn known(&self, path: &str) -> Option<&'a ScannedFile> {
        let position = self.position(path);
        let at = self.known.get(position).copied();
        at.filter(|file| file.source.path == path)
    }

    /// Where a path stands or would stand among the schema files.
    fn position(&self, path: &str) -> usize {
        self.known
            .partition_point(|file| file.source.path.as_str() < path)
    }

    fn exists(&self, path: &str) -> bool {
        self.known(path).is_some() || self.call.root().has_file(Path::new(path))
    }

    fn push(&mut self, stop: Stop) {
        if stop.is_included {
            self.included.insert(stop.path.clone());
        }
        if !self.exists(&stop.path) {
            self.leads_nowhere |= !stop.is_conditional();
        } else if self.known(&stop.path).is_some() || self.leads_to_schema(&stop) {
            self.near.push_back(stop);
        } else {
            self.far.push_back(stop);
        }
    }

    /// `schema.rs` and `schema/mod.rs` lead to `schema/users.rs`.
    fn leads_to_schema(&self, stop: &Stop) -> bool {
        let directory = display(&stop.directory().for_modules()) + "/";
        let first = self.known.get(self.position(&directory));
        first.is_some_and(|file| file.source.path.starts_with(&directory))
    }

    /// The files that the lines of a file name.
    fn stops_from(&self, file: &ScannedFile, stop: &Stop) -> Vec<Stop> {
        let text = &file.source.text;
        let directory = stop.directory();
        let modules = file.scan.modules.iter().filter(|module| !module.is_inline);
        let includes = file.scan.includes.iter();
        modules
            .flat_map(|module| {
                let around = directory_around(&directory, text, module);
                self.stops_at_module(text, stop, &around, module)
            })
            .chain(includes.filter_map(|include| stop.by_include(self.call, text, include)))
            .collect()
    }

    fn stops_at_module(
        &self,
        text: &str,
        stop: &Stop,
        directory: &ModuleDirectory,
        module: &FoundModule,
    ) -> Vec<Stop> {
        let paths = paths_of(text, &module.name);
        let is_by_path_alone = paths.iter().any(|attribute| !attribute.conditional);
        let by_name = (!is_by_path_alone).then(|| {
            let named = self.stop_by_name(stop, directory, &module.name.name);
            named.under(Condition::own_if(!paths.is_empty()))
        });
        let by_path = paths.iter().map(|attribute| {
            let named = stop.by_path(&directory.at(&attribute.path));
            named.under(Condition::own_if(attribute.conditional))
        });
        by_path
            .chain(by_name)
            .map(|next| next.under(module.condition))
            .collect()
    }

    fn stop_by_name(&self, stop: &Stop, directory: &ModuleDirectory, name: &str) -> Stop {
        let [beside, in_folder] = module_candidates(&directory.for_modules(), name);
        let stop_beside = stop.by_name(&beside);
        if self.exists(&stop_beside.path) {
            return stop_beside;
        }
        let stop_in_folder = stop.by_name(&in_folder);
        if self.exists(&stop_in_folder.path) {
            stop_in_folder
        } else {
            stop_beside
        }
    }

    fn reachability(&self, path: &str) -> Reachability {
        match self.reached.get(path) {
            None => Reachability::Unknown,
            Some(Reached {
                orphan: Some(orphan),
                conditional,
                ..
            }) => Reachability::Never {
                orphan: *orphan,
                conditional: *conditional,
                below_cfg: self.directory_under_cfg(path),
            },
            Some(Reached {
                conditional: true, ..
            }) => Reachability::Sometimes,
            Some(Reached {
                conditional: false, ..
            }) => Reachability::Always,
        }
    }

    /// The innermost directory around a file that belongs to a module under `cfg`.
    fn directory_under_cfg(&self, path: &str) -> Option<String> {
        let mut directories = Path::new(path).ancestors().skip(1).map(display);
        directories.find(|directory| self.conditional_directories.contains(directory))
    }
}

/// The directories of the modules for which this file, or the line that leads to it, has a `cfg`.
fn directories_under_cfg(file: &ScannedFile, stop: &Stop) -> Vec<String> {
    let text = &file.source.text;
    let own = stop.directory();
    let modules = file.scan.modules.iter();
    let conditional = modules.filter(|module| module.is_inline && module.condition == Condition::Own);
    let inline = conditional
        .map(|module| directory_of_inline(&directory_around(&own, text, module), text, &module.name));
    let of_file = (stop.condition == Condition::Own).then(|| own.clone());
    inline
        .chain(of_file)
        .map(|directory| display(&directory.for_modules()))
        .collect()
}

/// The directory for the innermost inline module around a module, or else for the file.
fn directory_around(of_file: &ModuleDirectory, text: &str, module: &FoundModule) -> ModuleDirectory {
    let inline = module.inside.iter();
    inline.fold(of_file.clone(), |directory, inline| {
        directory_of_inline(&directory, text, inline)
    })
}

fn directory_of_inline(around: &ModuleDirectory, text: &str, module: &ModuleName) -> ModuleDirectory {
    let paths = paths_of(text, module);
    let path = paths.first().map(|attribute| attribute.path.as_str());
    around.of_inline(&module.name, path)
}

fn paths_of(text: &str, module: &ModuleName) -> Vec<PathAttribute> {
    let attributes = module.attributes.iter();
    attributes
        .flat_map(|range| path_attributes(&text[range.clone()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Root;

    /// The reachability of each file but the first, which is the crate root.
    fn reaches<'p>(files: &[(&'p str, &str)]) -> Vec<(&'p str, Reachability)> {
        let scanned: Vec<ScannedFile> = files
            .iter()
            .map(|(path, text)| ScannedFile::new(PathBuf::from(path), Arc::new(Source::new(*path, *text))))
            .collect();
        let call = CallSite::new(Root::current(), files[0].0);
        let paths = files.iter().map(|(path, _)| *path);
        paths
            .zip(ModuleTree::follow(&call, &scanned[0], &scanned).reachability)
            .skip(1)
            .collect()
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], always: &[&str], sometimes: &[&str]) {
        let found = reaches(files);
        let of = |wanted| -> Vec<&str> {
            let matching = found.iter().filter(|(_, reach)| *reach == wanted);
            matching.map(|(path, _)| *path).collect()
        };
        assert_eq!(
            (of(Reachability::Always), of(Reachability::Sometimes)),
            (always.to_vec(), sometimes.to_vec())
        );
    }

    #[test]
    fn a_condition_applies_to_everything_below() {
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
        let never = |orphan, below_cfg: Option<&str>| Reachability::Never {
            orphan,
            conditional: false,
            below_cfg: below_cfg.map(str::to_string),
        };
        let orphans = [
            ("src/schema/orphan.rs", never(5, Some("src/schema"))),
            ("src/other/orphan.rs", never(6, None)),
        ];
        assert_eq!(reaches(&files)[4..], orphans);
    }

    /// The directory under `cfg` around each orphan.
    fn below_cfg(files: &[(&str, &str)]) -> Vec<Option<String>> {
        let reaches = reaches(files).into_iter();
        let orphans = reaches.filter_map(|(_, reach)| match reach {
            Reachability::Never { below_cfg, .. } => Some(below_cfg),
            _ => None,
        });
        orphans.collect()
    }

    #[test]
    fn the_innermost_cfg_decides() {
        let root = "#[cfg(a)] mod b { mod c { bring!(); } } #[cfg(a)] mod d; #[cfg(a)] #[path = \"e/mod.rs\"] mod f; mod g;";
        for (path, directory) in [
            ("src/b/c/x.rs", Some("src/b")),
            ("src/d/x.rs", Some("src/d")),
            ("src/d/h/x.rs", Some("src/d/h")),
            ("src/d/i/x.rs", Some("src/d")),
            ("src/e/x.rs", Some("src/e")),
            ("src/g/x.rs", Some("src/g")),
            ("src/x.rs", None),
        ] {
            let files = [
                ("src/lib.rs", root),
                ("src/d.rs", "#[cfg(a)] mod h; mod i;"),
                ("src/d/h.rs", "bring!();"),
                ("src/d/i.rs", "bring!();"),
                ("src/e/mod.rs", "bring!();"),
                ("src/g.rs", "#![cfg(a)] bring!();"),
                (path, ""),
            ];
            assert_eq!(below_cfg(&files), [directory.map(str::to_string)], "{path}");
        }
    }

    /// For each orphan, the file that a line would have to name, and whether there is a `cfg` on the way from it.
    fn orphans<'p>(files: &[(&'p str, &str)]) -> Vec<(&'p str, bool)> {
        let reaches = reaches(files).into_iter();
        let orphans = reaches.map(|(path, reach)| match reach {
            Reachability::Never {
                orphan, conditional, ..
            } => (files[orphan].0, conditional),
            reach => panic!("{path} {reach:?}"),
        });
        orphans.collect()
    }

    #[test]
    fn an_orphan_stands_for_the_files_that_it_names() {
        let files = [
            ("src/lib.rs", ""),
            ("src/schema/a.rs", "mod b; #[cfg(x)] mod d;"),
            ("src/schema/a/b.rs", ""),
            ("src/schema/a/d.rs", "#[path = \"odd/e.rs\"] mod e;"),
            ("src/schema/a/odd/e.rs", "mod beside;"),
            ("src/schema/a/odd/beside.rs", "include!(\"part.rs\");"),
            ("src/schema/a/odd/part.rs", ""),
            ("src/schema/mod.rs", "mod a; mod c; mod missing;"),
            ("src/schema/other.rs", "#![cfg(x)] mod m {}"),
        ];
        let schema = "src/schema/mod.rs";
        assert_eq!(
            orphans(&files),
            [
                (schema, false),
                (schema, false),
                (schema, true),
                (schema, true),
                (schema, true),
                (schema, true),
                (schema, false),
                ("src/schema/other.rs", true)
            ]
        );
    }

    #[test]
    fn one_orphan_stands_for_a_long_chain_and_for_a_circle() {
        let mut files = vec![("src/lib.rs".to_string(), String::new())];
        let mut path = "src/m".to_string();
        for _ in 0..40 {
            files.push((format!("{path}.rs"), "mod n;".to_string()));
            path += "/n";
        }
        files.push((format!("{path}.rs"), String::new()));
        files.push(("src/x/a.rs".to_string(), "#[path = \"b.rs\"] mod b;".to_string()));
        files.push(("src/x/b.rs".to_string(), "#[path = \"a.rs\"] mod a;".to_string()));
        let borrowed: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let starts: BTreeSet<&str> = orphans(&borrowed).into_iter().map(|(orphan, _)| orphan).collect();
        assert_eq!(starts, BTreeSet::from(["src/m.rs", "src/x/a.rs"]));
    }

    #[test]
    fn an_include_is_followed() {
        let files = [
            (
                "src/lib.rs",
                "mod m { include!(\"parts/a.rs\"); } #[cfg(x)] mod n { include!(\"b.rs\"); }",
            ),
            ("src/parts/a.rs", "mod beside;"),
            ("src/parts/beside.rs", ""),
            ("src/b.rs", ""),
        ];
        check(&files, &["src/parts/a.rs", "src/parts/beside.rs"], &["src/b.rs"]);
        let files = [("src/lib.rs", "include!(\"missing.rs\");"), ("src/a.rs", "")];
        assert_eq!(reaches(&files), [("src/a.rs", Reachability::Unknown)]);
    }

    #[test]
    fn a_line_without_its_file_leaves_orphans_to_the_compiler() {
        let files = [("src/lib.rs", "mod usr;"), ("src/user.rs", "")];
        assert_eq!(reaches(&files), [("src/user.rs", Reachability::Unknown)]);
        let files = [("src/lib.rs", "#[cfg(a)] mod usr;"), ("src/user.rs", "")];
        assert_ne!(reaches(&files)[0].1, Reachability::Unknown);
    }

    #[test]
    fn a_file_under_its_own_cfg() {
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
            (
                "src/x/y.rs",
                "mod child; mod inner { #[path = \"in.rs\"] mod i; } #[path = \"here\"] mod h { mod deep; }",
            ),
            ("src/x/y/child.rs", ""),
            ("src/x/z.rs", ""),
            ("src/in/r.rs", ""),
            ("src/p/f.rs", "mod beside;"),
            ("src/p/beside.rs", ""),
            ("src/z.rs", ""),
            ("src/x/y/inner/in.rs", ""),
            ("src/x/here/deep.rs", ""),
        ];
        let always = [
            "src/x/y.rs",
            "src/x/y/child.rs",
            "src/x/z.rs",
            "src/in/r.rs",
            "src/p/f.rs",
            "src/p/beside.rs",
            "src/x/y/inner/in.rs",
            "src/x/here/deep.rs",
        ];
        check(&files, &always, &["src/unix.rs", "src/os.rs"]);
    }

    #[test]
    fn a_circle_of_modules_is_followed_once() {
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
