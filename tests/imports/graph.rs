//! The imports between the files of one crate. An import through a re-export counts as an import of the file that
//! defines the name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path as FilePath;

use crate::source::{Path, SourceFile};

/// The files of a crate, by the path of their modules: `[]` for the crate root.
pub struct Crate {
    files: BTreeMap<Path, SourceFile>,
    names: BTreeMap<Path, String>,
}

impl Crate {
    /// Reads every Rust file below the `src` of a package.
    pub fn read(package: &FilePath) -> Self {
        let mut texts = BTreeMap::new();
        read_directory(&package.join("src"), "", &mut texts);
        Self::new(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// A crate from the names of its files, relative to `src`, and their texts.
    pub fn new<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let (mut files, mut names) = (BTreeMap::new(), BTreeMap::new());
        for (name, text) in texts {
            let module = module_of(name);
            files.insert(module.clone(), SourceFile::read(text));
            names.insert(module, name.to_string());
        }
        let mut krate = Self { files, names };
        krate.keep_declared_modules();
        krate
    }

    /// Leaves out test modules, and files that no `mod` line names.
    fn keep_declared_modules(&mut self) {
        let is_declared = |module: &Path| {
            (0..module.len()).all(|end| {
                let parent = self.files.get(&module[..end]);
                parent.is_some_and(|parent| parent.definitions.contains(&module[end]))
            })
        };
        let declared: BTreeSet<Path> = self
            .files
            .keys()
            .filter(|module| is_declared(module))
            .cloned()
            .collect();
        self.files.retain(|module, _| declared.contains(module));
    }

    /// The files that each file imports.
    pub fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let edges = self.files.iter().map(|(module, file)| {
            let targets = self.targets(module, file).into_iter();
            let others = targets.filter(|target| target != module);
            (
                self.name(module),
                others.map(|target| self.name(&target)).collect(),
            )
        });
        edges.collect()
    }

    fn name(&self, module: &Path) -> &str {
        &self.names[module]
    }

    fn targets(&self, module: &Path, file: &SourceFile) -> BTreeSet<Path> {
        let used = file.imports.iter().filter(|(name, _)| file.words.contains(*name));
        // An imported module counts as used only if a path continues from it; `paths` has those.
        let items = used
            .map(|(_, path)| path)
            .filter_map(|path| self.file_of_item(module, path));
        let inline = file
            .paths
            .iter()
            .filter_map(|path| self.file_of_item(module, path));
        let globs = file.globs.iter().filter_map(|path| self.module_at(module, path));
        items.chain(inline).chain(globs).collect()
    }

    /// The file that defines the item of a path; `None` for a module, and for items of other crates.
    fn file_of_item(&self, from: &Path, path: &Path) -> Option<Path> {
        let (mut module, rest) = self.start_of(from, path)?;
        for (position, segment) in rest.iter().enumerate() {
            let child = [module.as_slice(), std::slice::from_ref(segment)].concat();
            let is_last = position + 1 == rest.len();
            let file = &self.files[&module];
            if let Some(imported) = file.imports.get(segment)
                && (is_last || !self.files.contains_key(&child))
                && (&module, path) != (from, imported)
            {
                let whole = [imported.as_slice(), &rest[position + 1..]].concat();
                return self.file_of_item(&module, &whole);
            }
            if self.files.contains_key(&child) {
                module = child;
            } else if file.definitions.contains(segment) {
                return Some(module);
            } else {
                let mut globs = file.globs.iter().filter_map(|glob| self.module_at(&module, glob));
                let found = globs.find(|glob| self.files[glob].definitions.contains(segment));
                // A macro in the module may define the item. In the crate root, an unknown item is taken for one of
                // another crate, in code that a macro generates.
                return found.or_else(|| Some(module).filter(|module| !module.is_empty()));
            }
        }
        None
    }

    fn module_at(&self, from: &Path, path: &Path) -> Option<Path> {
        let (module, rest) = self.start_of(from, path)?;
        let target = [module.as_slice(), &rest].concat();
        self.files.contains_key(&target).then_some(target)
    }

    /// The module in which a path starts, and the rest of the path; `None` if the path leads out of the crate.
    fn start_of(&self, from: &Path, path: &Path) -> Option<(Path, Path)> {
        let (first, rest) = path.split_first()?;
        let parent = || from.split_last().map(|(_, parent)| parent.to_vec());
        match first.as_str() {
            "crate" => Some((Path::new(), rest.to_vec())),
            "self" => Some((from.clone(), rest.to_vec())),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.start_of(&parent()?, &rest.to_vec())
            }
            "super" => Some((parent()?, rest.to_vec())),
            _ => {
                let child = [from.as_slice(), std::slice::from_ref(first)].concat();
                let is_ours = self.files.contains_key(&child) || self.leads_into_crate(from, first);
                is_ours.then(|| (from.clone(), path.clone()))
            }
        }
    }

    /// Whether a name was imported from this crate.
    fn leads_into_crate(&self, from: &Path, name: &str) -> bool {
        let imported = self.files[from].imports.get(name);
        imported.is_some_and(|path| matches!(path[0].as_str(), "crate" | "self" | "super"))
    }

    /// The loops of files that import each other, each loop once.
    pub fn circles(&self) -> Vec<String> {
        let imports = self.imports();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for start in imports.keys() {
            let Some(circle) = shortest_circle(&imports, start) else {
                continue;
            };
            if seen.insert(circle.iter().copied().collect::<BTreeSet<&str>>()) {
                circles.push(format!("{} → {start}", circle.join(" → ")));
            }
        }
        circles
    }
}

/// The shortest chain of imports from a file back to itself.
fn shortest_circle<'n>(
    imports: &BTreeMap<&'n str, BTreeSet<&'n str>>,
    start: &'n str,
) -> Option<Vec<&'n str>> {
    let mut waiting = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = waiting.pop_front() {
        for target in &imports[way[way.len() - 1]] {
            if *target == start {
                return Some(way);
            }
            if seen.insert(*target) {
                waiting.push_back([way.as_slice(), &[*target]].concat());
            }
        }
    }
    None
}

fn module_of(name: &str) -> Path {
    let stem = name.trim_end_matches(".rs");
    let mut module: Path = stem.split('/').map(str::to_string).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

fn read_directory(directory: &FilePath, prefix: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).expect("the directory can be listed") {
        let path = entry.expect("the entry can be read").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            read_directory(&path, &format!("{prefix}{name}/"), texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("the file is UTF-8");
            texts.insert(format!("{prefix}{name}"), text);
        }
    }
}
