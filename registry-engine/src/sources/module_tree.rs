//! How the compiler gets to a file: along the `mod` lines and `include!`s, from the file that invokes
//! the macro.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syn::{Expr, ExprLit, Lit, LitStr, Meta};

use super::scan::{Condition, FoundInclude, FoundModule, ModuleName, Scan, scan};
use crate::text::{Root, Source, display};
use crate::written::flatten_text;

/// How the compiler gets to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        /// Whether there is a `cfg` on the way from that file.
        conditional: bool,
        /// The directory around the file that belongs to a module under `cfg`, where a macro may
        /// read files on its own account.
        below_cfg: Option<String>,
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

/// The ways to the schema files from the root.
///
/// Other files of the crate are read only as far as needed: first those that lie on the way to a
/// schema file by their names, and the rest while a file with tables has not been reached.
pub fn ways(root: &Root, crate_root: &ScannedFile, files: &[ScannedFile]) -> Ways {
    let mut walk = Walk::new(root, crate_root, files);
    walk.run(Stop::at(crate_root));
    if !walk.leads_nowhere {
        walk.run_from_orphans(files);
    }
    Ways {
        reach: files
            .iter()
            .map(|file| walk.reach_of(&file.source.path))
            .collect(),
        included: walk.included,
    }
}

/// How the compiler gets to the schema files.
pub struct Ways {
    /// In the order of the files.
    pub reach: Vec<Reach>,
    /// The paths of files that some `include!` names, and that imports elsewhere are valid for.
    pub included: BTreeSet<String>,
}

/// A file, on the way along one `mod` line or `include!`.
#[derive(Clone)]
struct Stop {
    path: String,
    /// Whether its modules lie beside it, as those of `mod.rs`, and not in a folder of its name:
    /// so do those of the root, and of what `path` attributes and `include!` name.
    is_mod_rs: bool,
    is_included: bool,
    condition: Condition,
    /// Where the way starts, if not at the root.
    orphan: Option<usize>,
}

impl Stop {
    /// The start of a way.
    fn at(file: &ScannedFile) -> Self {
        Self {
            path: file.source.path.clone(),
            is_mod_rs: true,
            is_included: false,
            condition: Condition::None,
            orphan: None,
        }
    }

    /// The start of a way to which no `mod` line leads.
    fn at_orphan(file: &ScannedFile, position: usize) -> Self {
        Self {
            is_mod_rs: file.path.ends_with("mod.rs"),
            orphan: Some(position),
            ..Self::at(file)
        }
    }

    fn along(&self, path: &Path, is_mod_rs: bool) -> Self {
        Self {
            path: display(path),
            is_mod_rs,
            is_included: false,
            condition: self.condition.min(Condition::Around),
            orphan: self.orphan,
        }
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
}

/// What is known of a file that was met.
struct Met {
    conditional: bool,
    orphan: Option<usize>,
}

struct Walk<'a> {
    root: &'a Root,
    crate_root: &'a ScannedFile,
    known: BTreeMap<&'a str, &'a ScannedFile>,
    met: BTreeMap<String, Met>,
    included: BTreeSet<String>,
    /// Counted along the way: asking every file again at each step would be quadratic.
    unmet_with_tables: usize,
    /// Whether some line names no file.
    leads_nowhere: bool,
    /// Directories of modules under `cfg`.
    conditional_directories: BTreeSet<String>,
    near: VecDeque<Stop>,
    far: VecDeque<Stop>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Root, crate_root: &'a ScannedFile, files: &'a [ScannedFile]) -> Self {
        Self {
            root,
            crate_root,
            known: files
                .iter()
                .map(|file| (file.source.path.as_str(), file))
                .collect(),
            met: BTreeMap::new(),
            included: BTreeSet::new(),
            unmet_with_tables: files.iter().filter(|file| !file.scan.structs.is_empty()).count(),
            leads_nowhere: false,
            conditional_directories: BTreeSet::new(),
            near: VecDeque::new(),
            far: VecDeque::new(),
        }
    }

    fn run(&mut self, start: Stop) {
        self.near.push_back(start);
        while let Some(stop) = self.near.pop_front().or_else(|| self.next_far()) {
            self.visit(&stop);
        }
    }

    fn next_far(&mut self) -> Option<Stop> {
        (self.unmet_with_tables > 0).then(|| self.far.pop_front())?
    }

    /// Goes on from the files that were not met, and first from those that none of them names.
    fn run_from_orphans(&mut self, files: &[ScannedFile]) {
        let is_unmet = |position: &usize| !self.met.contains_key(&files[*position].source.path);
        let unmet = (0..files.len()).filter(is_unmet);
        let starts: Vec<Stop> = unmet
            .map(|position| Stop::at_orphan(&files[position], position))
            .collect();
        let named: BTreeSet<String> = starts.iter().flat_map(|start| self.names(start)).collect();
        let (later, first): (Vec<Stop>, Vec<Stop>) =
            starts.into_iter().partition(|start| named.contains(&start.path));
        for start in first.into_iter().chain(later) {
            self.run(start);
        }
    }

    /// The files that an orphan names: whether its modules lie beside it is not certain before it
    /// is known what names it.
    fn names(&self, start: &Stop) -> Vec<String> {
        let Some(file) = self.file(&start.path) else {
            return Vec::new();
        };
        let stops = [true, false].map(|is_mod_rs| {
            let start = Stop {
                is_mod_rs,
                ..start.clone()
            };
            self.stops_from(&file, &start)
        });
        stops.into_iter().flatten().map(|stop| stop.path).collect()
    }

    fn visit(&mut self, stop: &Stop) {
        match self.met.get(&stop.path) {
            Some(met) if met.orphan != stop.orphan => return,
            Some(met) if stop.is_conditional() || !met.conditional => return,
            _ => {}
        }
        let Some(file) = self.file(&stop.path) else { return };
        let stop = &stop.clone().under(Condition::own_if(file.scan.conditional));
        let met = Met {
            conditional: stop.is_conditional(),
            orphan: stop.orphan,
        };
        let is_first = self.met.insert(stop.path.clone(), met).is_none();
        let is_awaited = |known: &&ScannedFile| !known.scan.structs.is_empty();
        if is_first && self.known.get(stop.path.as_str()).is_some_and(is_awaited) {
            self.unmet_with_tables -= 1;
        }
        self.conditional_directories
            .extend(directories_under_cfg(&file, stop));
        for stop in self.stops_from(&file, stop) {
            self.push(stop);
        }
    }

    fn file(&self, path: &str) -> Option<ScannedFile> {
        if path == self.crate_root.source.path {
            return Some(self.crate_root.clone());
        }
        if let Some(file) = self.known.get(path) {
            return Some((*file).clone());
        }
        let source = Source::read(self.root, Path::new(path)).ok()?;
        Some(ScannedFile::new(PathBuf::from(path), source))
    }

    fn exists(&self, path: &str) -> bool {
        self.known.contains_key(path) || self.root.has_file(Path::new(path))
    }

    /// Puts a file on the way.
    fn push(&mut self, stop: Stop) {
        if stop.is_included {
            self.included.insert(stop.path.clone());
        }
        if !self.exists(&stop.path) {
            self.leads_nowhere |= !stop.is_conditional();
        } else if self.known.contains_key(stop.path.as_str()) || self.leads_to_schema(&stop) {
            self.near.push_back(stop);
        } else {
            self.far.push_back(stop);
        }
    }

    /// `schema.rs` and `schema/mod.rs` lie on the way to `schema/users.rs`.
    fn leads_to_schema(&self, stop: &Stop) -> bool {
        let directory = display(&ModuleDirectory::of(stop).own()) + "/";
        let first = self.known.range(directory.as_str()..).next();
        first.is_some_and(|(path, _)| path.starts_with(&directory))
    }

    /// Where the lines of a file lead.
    fn stops_from(&self, file: &ScannedFile, stop: &Stop) -> Vec<Stop> {
        let text = &file.source.text;
        let directory = ModuleDirectory::of(stop);
        let modules = file.scan.modules.iter().filter(|module| !module.is_inline);
        let includes = file
            .scan
            .includes
            .iter()
            .filter_map(|include| stop_at_include(text, stop, include));
        modules
            .flat_map(|module| self.stops_at_module(text, stop, &directory.around(text, module), module))
            .chain(includes)
            .collect()
    }

    fn stops_at_module(
        &self,
        text: &str,
        stop: &Stop,
        directory: &ModuleDirectory,
        module: &FoundModule,
    ) -> Vec<Stop> {
        let by_path = path_attributes(text, &module.name);
        let is_certain = by_path.iter().any(|(_, conditional)| !conditional);
        let by_name = (!is_certain).then(|| {
            (
                self.stop_by_name(stop, directory, &module.name.name),
                !by_path.is_empty(),
            )
        });
        let by_path = by_path
            .into_iter()
            .map(|(path, conditional)| (stop.along(&directory.path.join(path), true), conditional));
        by_path
            .chain(by_name)
            .map(|(stop, by_condition)| stop.under(module.condition.max(Condition::own_if(by_condition))))
            .collect()
    }

    fn stop_by_name(&self, stop: &Stop, directory: &ModuleDirectory, name: &str) -> Stop {
        let own = directory.own();
        let beside = stop.along(&own.join(format!("{name}.rs")), false);
        if self.exists(&beside.path) {
            return beside;
        }
        let in_folder = stop.along(&own.join(name).join("mod.rs"), true);
        if self.exists(&in_folder.path) {
            in_folder
        } else {
            beside
        }
    }

    fn reach_of(&self, path: &str) -> Reach {
        match self.met.get(path) {
            Some(Met {
                orphan: None,
                conditional: false,
            }) => Reach::Always,
            Some(Met {
                orphan: None,
                conditional: true,
            }) => Reach::Sometimes,
            Some(Met {
                orphan: Some(orphan),
                conditional,
            }) => Reach::Never {
                orphan: *orphan,
                conditional: *conditional,
                below_cfg: self.directory_under_cfg(path),
            },
            None => Reach::Unknown,
        }
    }

    /// The innermost one around a file.
    fn directory_under_cfg(&self, path: &str) -> Option<String> {
        let mut directories = Path::new(path).ancestors().skip(1).map(display);
        directories.find(|directory| self.conditional_directories.contains(directory))
    }
}

fn stop_at_include(text: &str, stop: &Stop, include: &FoundInclude) -> Option<Stop> {
    let literal: LitStr = syn::parse_str(&text[include.path.clone()]).ok()?;
    let path = parent(&stop.path).join(literal.value());
    Some(Stop {
        is_included: true,
        ..stop.along(&path, true).under(include.condition)
    })
}

/// Directories of which a `cfg` in this file or on the line to it decides.
fn directories_under_cfg(file: &ScannedFile, stop: &Stop) -> Vec<String> {
    let text = &file.source.text;
    let own = ModuleDirectory::of(stop);
    let modules = file.scan.modules.iter();
    let conditional = modules.filter(|module| module.is_inline && module.condition == Condition::Own);
    let inline = conditional.map(|module| own.around(text, module).of_inline(text, &module.name));
    let mut directories: Vec<String> = inline.map(|directory| display(&directory.own())).collect();
    if stop.condition == Condition::Own {
        directories.push(display(&own.own()));
    }
    directories
}

/// Where the modules of a file or of an inline module lie: the Rust reference,
/// items.mod.outlined, and `mod_dir_path` in the compiler.
#[derive(Clone)]
struct ModuleDirectory {
    /// What a `path` attribute is relative to.
    path: PathBuf,
    /// The folder in there for modules without one, if it is another: that of a file like `users.rs`.
    folder: Option<PathBuf>,
}

impl ModuleDirectory {
    fn of(stop: &Stop) -> Self {
        let stem = Path::new(&stop.path).file_stem().unwrap_or_default();
        Self {
            path: parent(&stop.path),
            folder: (!stop.is_mod_rs).then(|| PathBuf::from(stem)),
        }
    }

    /// That of the innermost inline module around another one.
    fn around(&self, text: &str, module: &FoundModule) -> Self {
        let inline = module.inside.iter();
        inline.fold(self.clone(), |directory, inline| {
            directory.of_inline(text, inline)
        })
    }

    fn of_inline(&self, text: &str, module: &ModuleName) -> Self {
        let path = match path_attributes(text, module).first() {
            Some((path, _)) => self.path.join(path),
            None => self.own().join(&module.name),
        };
        Self { path, folder: None }
    }

    fn own(&self) -> PathBuf {
        self.path.join(self.folder.as_deref().unwrap_or(Path::new("")))
    }
}

fn parent(path: &str) -> PathBuf {
    Path::new(path).parent().unwrap_or(Path::new("")).to_path_buf()
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
        paths
            .zip(ways(&Root::current(), &scanned[0], &scanned).reach)
            .skip(1)
            .collect()
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
        let orphans = [
            ("src/schema/orphan.rs", Some("src/schema")),
            ("src/other/orphan.rs", None),
        ];
        for ((path, below_cfg), orphan) in orphans.into_iter().zip(5..) {
            let reach = Reach::Never {
                orphan,
                conditional: false,
                below_cfg: below_cfg.map(str::to_string),
            };
            assert_eq!(reaches(&files)[orphan - 1], (path, reach));
        }
    }

    /// The directory under `cfg` around each orphan.
    fn below_cfg(files: &[(&str, &str)]) -> Vec<Option<String>> {
        let reaches = reaches(files).into_iter();
        let orphans = reaches.filter_map(|(_, reach)| match reach {
            Reach::Never { below_cfg, .. } => Some(below_cfg),
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

    /// The file that answers for each file to which no line leads, and whether a `cfg` is on the way.
    fn orphans<'p>(files: &[(&'p str, &str)]) -> Vec<(&'p str, bool)> {
        let reaches = reaches(files).into_iter();
        let orphans = reaches.map(|(path, reach)| match reach {
            Reach::Never {
                orphan, conditional, ..
            } => (files[orphan].0, conditional),
            reach => panic!("{path} {reach:?}"),
        });
        orphans.collect()
    }

    #[test]
    fn an_orphan_answers_for_what_it_names() {
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
    fn one_orphan_answers_for_a_long_chain_and_for_a_circle() {
        let mut files = vec![("src/lib.rs".to_string(), String::new())];
        let mut path = "src/m".to_string();
        for _ in 0..40 {
            files.push((format!("{path}.rs"), "mod n;".to_string()));
            path += "/n";
        }
        files.push((format!("{path}.rs"), String::new()));
        files.push(("src/x/a.rs".to_string(), "#[path = \"b.rs\"] mod b;".to_string()));
        files.push(("src/x/b.rs".to_string(), "#[path = \"a.rs\"] mod a;".to_string()));
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let answering: BTreeSet<&str> = orphans(&files).into_iter().map(|(orphan, _)| orphan).collect();
        assert_eq!(answering, BTreeSet::from(["src/m.rs", "src/x/a.rs"]));
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
        assert_eq!(reaches(&files), [("src/a.rs", Reach::Unknown)]);
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
