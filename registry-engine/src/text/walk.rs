//! The Rust files below a directory.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::path::{Root, display};

/// A directory that cannot be listed, and why.
#[derive(Debug)]
pub struct Unreadable {
    pub directory: PathBuf,
    pub error: io::Error,
}

/// Every `.rs` file below a directory, in byte order of their paths, up to the first directory that cannot be
/// listed.
///
/// Hidden files are left out: editors keep locks and backups in them, and a `mod` line can name them only with a `path`
/// attribute. So are directories that [`is_foreign`] excludes. Symbolic links are followed, and no file or directory is
/// visited twice.
#[must_use]
pub fn rust_files(root: &Root, directory: &Path, invoking_file: &Path) -> (Vec<PathBuf>, Option<Unreadable>) {
    let mut walk = DirectoryWalk {
        root,
        invoking_file,
        files: Vec::new(),
        links: BTreeSet::new(),
        visited: BTreeSet::new(),
    };
    let unreadable = walk.run(directory).err();
    walk.files.sort_by_cached_key(|path| display(path));
    (walk.files, unreadable)
}

/// Whether a directory below a schema directory belongs to something other than the crate of the invoking file: another
/// package, a cache such as cargo's target directory, or the examples, tests and benches of the package. A directory
/// around the invoking file always belongs to its crate.
#[must_use]
pub fn is_foreign(root: &Root, directory: &Path, invoking_file: &Path) -> bool {
    let is_target = ["benches", "examples", "tests"]
        .iter()
        .any(|name| directory.ends_with(name));
    let has = |name: &str| root.has_file(&directory.join(name));
    let is_beside_manifest = || root.has_file(&directory.with_file_name("Cargo.toml"));
    let is_marked = has("Cargo.toml") || has("CACHEDIR.TAG") || (is_target && is_beside_manifest());
    is_marked
        && match (root.canonical(directory), root.canonical(invoking_file)) {
            (Some(directory), Some(file)) => !file.starts_with(directory),
            _ => true,
        }
}

struct DirectoryWalk<'r> {
    root: &'r Root,
    invoking_file: &'r Path,
    files: Vec<PathBuf>,
    /// Links wait until everything else has been visited, so that the result does not depend on the order in
    /// which a file system lists its entries.
    links: BTreeSet<PathBuf>,
    /// By canonical path.
    visited: BTreeSet<PathBuf>,
}

impl DirectoryWalk<'_> {
    fn run(&mut self, directory: &Path) -> Result<(), Unreadable> {
        self.enter(directory)?;
        while let Some(link) = self.links.pop_first() {
            match self.root.canonical(&link) {
                Some(target) if self.visited.contains(&target) => {}
                Some(target) if target.is_dir() => self.enter_below(&link)?,
                Some(target) => self.visit(link, target),
                // A broken link is a file that cannot be read.
                None => self.visit(link.clone(), link),
            }
        }
        Ok(())
    }

    fn enter_below(&mut self, directory: &Path) -> Result<(), Unreadable> {
        if is_foreign(self.root, directory, self.invoking_file) {
            return Ok(());
        }
        self.enter(directory)
    }

    fn enter(&mut self, directory: &Path) -> Result<(), Unreadable> {
        let unreadable = |error| Unreadable {
            directory: directory.to_path_buf(),
            error,
        };
        let resolved = self.root.resolve(directory);
        let target = resolved.canonicalize().map_err(unreadable)?;
        if !self.visited.insert(target.clone()) {
            return Ok(());
        }
        for listed in fs::read_dir(&resolved).map_err(unreadable)? {
            let entry = listed.map_err(unreadable)?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let path = directory.join(&name);
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_symlink() {
                self.links.insert(path);
            } else if kind.is_dir() {
                self.enter_below(&path)?;
            } else {
                self.visit(path, target.join(name));
            }
        }
        Ok(())
    }

    fn visit(&mut self, path: PathBuf, target: PathBuf) {
        if path.extension().is_some_and(|extension| extension == "rs") && self.visited.insert(target) {
            self.files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_listed() {
        // Listing a file fails as listing a directory without permission does.
        let (files, unreadable) =
            rust_files(&Root::current(), Path::new("Cargo.toml"), Path::new("src/lib.rs"));
        assert!(files.is_empty());
        assert_eq!(unreadable.unwrap().directory, Path::new("Cargo.toml"));
    }

    /// The root is this workspace, and the invoking file is in one of its packages.
    #[test]
    fn directories_of_other_crates_are_foreign() {
        let root = Root::at("..");
        for (directory, file, expected) in [
            ("registry-core", "registry-engine/src/lib.rs", true),
            ("registry-core/src", "registry-engine/src/lib.rs", false),
            ("registry-engine", "registry-engine/src/lib.rs", false),
            ("registry-engine/src", "registry-engine/src/lib.rs", false),
            ("registry-engine/tests", "registry-engine/src/lib.rs", true),
            (
                "registry-engine/tests",
                "registry-engine/tests/properties.rs",
                false,
            ),
            ("tests", "registry-engine/src/lib.rs", true),
            ("tests/hazards/schema", "src/lib.rs", false),
        ] {
            let found = is_foreign(&root, Path::new(directory), Path::new(file));
            assert_eq!(found, expected, "{directory} {file}");
        }
    }
}
