//! The directories below which the schema lies, and the files that bring their files in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use table_registry_engine::{Root, clean, display};

use crate::failure::Failure;
use crate::module_file::{ModuleFile, path_attribute};
use crate::project::Project;
use crate::scaffold::is_snake_case_identifier;

/// One directory.
#[derive(Debug)]
pub struct SchemaDirectory {
    root: Root,
    pub path: PathBuf,
    /// The file whose `mod` lines lead into the directory, if there is one.
    pub module_file: Option<PathBuf>,
    /// The modules that its files and subdirectories can be, by name.
    pub modules: BTreeSet<String>,
}

/// The directories of a registry and all below them, each once.
pub fn all(project: &Project) -> Result<Vec<SchemaDirectory>, Failure> {
    let written = project.invocation.directories.iter();
    let mut waiting: Vec<PathBuf> = written
        .map(|path| clean(&project.call.resolve(&path.text)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut directories = Vec::new();
    while let Some(path) = waiting.pop() {
        // A link may lead to a directory around it.
        let target = project
            .package
            .root
            .canonical(&path)
            .unwrap_or_else(|| path.clone());
        if seen.insert(target) {
            let (directory, below) = SchemaDirectory::read(project, path)?;
            waiting.extend(below);
            directories.push(directory);
        }
    }
    directories.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(directories)
}

impl SchemaDirectory {
    /// Reads one directory; gives back the directories in it, too.
    pub fn read(project: &Project, path: PathBuf) -> Result<(Self, Vec<PathBuf>), Failure> {
        let unreadable = |error| Failure::io("read", &path, &error);
        let module_file = module_file(project, &path);
        let (mut modules, mut below) = (BTreeSet::new(), Vec::new());
        for entry in fs::read_dir(project.package.root.resolve(&path)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Links lead to files and directories like any other.
            let is_directory = entry.path().is_dir();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_root = project.package.crate_roots.contains(&path.join(&name));
            if name.starts_with('.') || is_root {
                continue;
            }
            if is_directory {
                below.push(path.join(&name));
            }
            modules.extend(module_of(
                project,
                &path,
                &name,
                is_directory,
                module_file.as_deref(),
            ));
        }
        let directory = Self {
            root: project.package.root.clone(),
            path,
            module_file,
            modules,
        };
        Ok((directory, below))
    }

    /// A module file with one `mod` line for each module, and none for a file that is gone.
    pub fn regenerated(&self, path: &Path, text: &str) -> Result<String, Failure> {
        let parse = |text: &str| ModuleFile::parse(&display(path), text);
        let file = parse(text)?;
        let paths: Vec<String> = file
            .modules()
            .filter_map(|(_, attributes)| path_attribute(attributes))
            .collect();
        let is_gone = |(name, attributes): &(&str, &str)| {
            path_attribute(attributes).is_none() && !self.has_file_of(name)
        };
        let gone = file.modules().filter(is_gone).map(|(name, _)| name);
        let missing = self
            .modules
            .iter()
            .filter(|name| !file.declares(name) && !paths.contains(&format!("{name}.rs")));
        let without = gone
            .map(str::to_string)
            .try_fold(text.to_string(), |text, name| {
                parse(&text).map(|file| file.without_module(&name))
            })?;
        missing.cloned().try_fold(without, |text, name| {
            parse(&text).map(|file| file.with_module(&name))
        })
    }

    fn has_file_of(&self, module: &str) -> bool {
        let files = [
            self.path.join(format!("{module}.rs")),
            self.path.join(module).join("mod.rs"),
        ];
        files.iter().any(|file| self.root.has_file(file))
    }
}

/// The file with the `mod` lines of a directory: the invoking file, `mod.rs`, or `schema.rs` beside
/// `schema/`.
pub fn module_file(project: &Project, directory: &Path) -> Option<PathBuf> {
    if *directory == clean(project.call.directory()) {
        return Some(project.call.file().to_path_buf());
    }
    let candidates = [directory.join("mod.rs"), directory.with_extension("rs")];
    candidates
        .into_iter()
        .find(|path| project.package.root.has_file(path))
}

/// The module that an entry of a directory can be.
fn module_of(
    project: &Project,
    directory: &Path,
    name: &str,
    is_directory: bool,
    module_file: Option<&Path>,
) -> Option<String> {
    let is_module_file = module_file.is_some_and(|file| file == directory.join(name));
    let module = if is_directory {
        name.to_string()
    } else {
        name.strip_suffix(".rs").filter(|_| !is_module_file)?.to_string()
    };
    let is_reachable = !is_directory
        || project
            .package
            .root
            .has_file(&directory.join(name).join("mod.rs"));
    (is_reachable && is_snake_case_identifier(&module)).then_some(module)
}
