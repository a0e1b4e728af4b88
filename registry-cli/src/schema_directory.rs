//! The directories of a schema, and the modules that their files and subdirectories can be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use table_registry_engine::{
    Root, clean, display, file_leading_into, is_foreign, module_at, module_candidates,
};

use crate::failure::Failure;
use crate::module_file::{ModuleFile, OutlinedModule};
use crate::project::Project;
use crate::scaffold::is_snake_case_identifier;

/// A schema directory, or one below it.
#[derive(Debug)]
pub struct SchemaDirectory {
    root: Root,
    path: PathBuf,
    /// The file whose `mod` lines lead into the directory, if there is one.
    pub module_file: Option<PathBuf>,
    /// The names of the modules that the entries of the directory can be.
    modules: BTreeSet<String>,
}

/// The schema directories and all below them, each once.
pub fn all(project: &Project) -> Result<Vec<SchemaDirectory>, Failure> {
    let written = project.invocation.directories.iter();
    let mut waiting: Vec<PathBuf> = written
        .flat_map(|path| project.call.resolve(path))
        .map(|path| clean(&path))
        .collect();
    let root = &project.package.root;
    let mut seen = BTreeSet::new();
    let mut directories = Vec::new();
    while let Some(path) = waiting.pop() {
        // A symbolic link may lead to a directory that contains it.
        let target = root.canonical(&path).unwrap_or_else(|| path.clone());
        if seen.insert(target) {
            let entries = entries(project, &path)?;
            let is_below =
                |entry: &&PathBuf| root.has_directory(entry) && !is_foreign(root, entry, project.call.file());
            waiting.extend(entries.iter().filter(is_below).cloned());
            directories.push(SchemaDirectory::new(project, path, &entries));
        }
    }
    directories.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(directories)
}

/// The files and directories in a directory, without hidden ones and crate roots.
fn entries(project: &Project, directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::io("read", directory, &error);
    let mut entries = Vec::new();
    for listed in fs::read_dir(project.package.root.resolve(directory)).map_err(unreadable)? {
        let name = listed.map_err(unreadable)?.file_name();
        let path = directory.join(&name);
        let is_hidden = name.to_string_lossy().starts_with('.');
        if !is_hidden && !project.package.crate_roots.contains(&path) {
            entries.push(path);
        }
    }
    Ok(entries)
}

impl SchemaDirectory {
    fn new(project: &Project, path: PathBuf, entries: &[PathBuf]) -> Self {
        let root = project.package.root.clone();
        let module_file = file_leading_into(&project.call, &path);
        let others = entries
            .iter()
            .filter(|entry| Some(*entry) != module_file.as_ref());
        let modules = others.filter_map(|entry| module_at(&root, entry));
        Self {
            modules: modules.filter(|name| is_snake_case_identifier(name)).collect(),
            root,
            path,
            module_file,
        }
    }

    /// The module file with one `mod` line for each module, and none for a module whose file is gone.
    pub fn regenerated(&self, module_file: &Path, before: &str) -> Result<String, Failure> {
        let parse = |text: &str| ModuleFile::parse(&display(module_file), text);
        let file = parse(before)?;
        let directory = module_file.parent().unwrap_or(Path::new(""));
        let paths = file.modules().flat_map(OutlinedModule::paths);
        let by_path: BTreeSet<PathBuf> = paths.map(|path| clean(&directory.join(path))).collect();
        let is_named = |name: &str| {
            let candidates = module_candidates(&self.path, name);
            file.declares(name) || candidates.iter().any(|file| by_path.contains(file))
        };
        let mut after = before.to_string();
        for module in file.modules() {
            if module.paths().is_empty() && !self.has_file_of(&module.name) {
                after = parse(&after)?.without_module(&module.name);
            }
        }
        for name in self.modules.iter().filter(|name| !is_named(name)) {
            after = parse(&after)?.with_module(name);
        }
        Ok(after)
    }

    /// Whether a regenerated module file has a line for this file.
    pub fn is_module(&self, file: &Path) -> bool {
        let mut candidates = self
            .modules
            .iter()
            .flat_map(|name| module_candidates(&self.path, name));
        candidates.any(|candidate| candidate == file)
    }

    fn has_file_of(&self, module: &str) -> bool {
        let candidates = module_candidates(&self.path, module);
        candidates.iter().any(|file| self.root.has_file(file))
    }
}
