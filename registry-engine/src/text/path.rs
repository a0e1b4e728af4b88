//! Paths as people see them, and the files that they lead to.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The directory that relative paths start from. Every access to a file goes through it, so the current directory
/// of the process is never changed.
#[derive(Clone, Debug, Default)]
pub struct Root(PathBuf);

impl Root {
    /// The current directory of the process. For a macro, that is the root of the workspace.
    #[must_use]
    pub fn current() -> Self {
        Self::default()
    }

    /// Another directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The path that leads to a file from the current directory of the process.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        let resolved = self.0.join(path);
        // `join` treats the empty path as the current directory; the file system does not accept it.
        if resolved == Path::new("") {
            PathBuf::from(".")
        } else {
            resolved
        }
    }

    /// The absolute path; links are not followed.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        let resolved = self.resolve(path);
        std::path::absolute(&resolved).unwrap_or(resolved)
    }

    /// The path from the root, if the file is below it.
    #[must_use]
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.0).unwrap_or(path)
    }

    /// Whether there is a file at a path.
    #[must_use]
    pub fn has_file(&self, path: &Path) -> bool {
        self.resolve(path).is_file()
    }

    /// Whether there is a directory at a path.
    #[must_use]
    pub fn has_directory(&self, path: &Path) -> bool {
        self.resolve(path).is_dir()
    }

    /// Whether a path leads to something that exists.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        self.resolve(path).exists()
    }

    /// Whether there may be anything at a path, even a broken link, or something in a directory that cannot be
    /// searched.
    #[must_use]
    pub fn has_entry(&self, path: &Path) -> bool {
        match fs::symlink_metadata(self.resolve(path)) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }

    /// The absolute path without links, if the path leads to something that exists.
    #[must_use]
    pub fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.resolve(path).canonicalize().ok()
    }

    /// The sorted names of the entries of a directory that `keep` accepts. Empty if the directory cannot be read.
    pub fn names_in(&self, directory: &Path, keep: impl Fn(&fs::DirEntry) -> bool) -> Vec<String> {
        let entries = fs::read_dir(self.resolve(directory)).into_iter().flatten();
        let kept = entries.flatten().filter(keep);
        let mut names: Vec<String> = kept
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// The path without `.`, and without each `..` that follows the name of a directory. Files are compared by these
/// paths, so that two spellings of one path count as one file.
#[must_use]
pub fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The clean path with forward slashes on every platform.
#[must_use]
pub fn display(path: &Path) -> String {
    with_slashes(&clean(path))
}

/// The path as it is, with forward slashes on every platform.
#[must_use]
pub fn with_slashes(path: &Path) -> String {
    let text = path.to_string_lossy().into_owned();
    if std::path::MAIN_SEPARATOR == '/' {
        text
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_path_become_one() {
        for (path, clean) in [
            ("src/./schema/", "src/schema"),
            ("src/../schema", "schema"),
            ("../schema", "../schema"),
            ("../../a/../b", "../../b"),
            ("/a/../b", "/b"),
        ] {
            assert_eq!(display(Path::new(path)), clean, "{path}");
        }
    }

    #[test]
    fn paths_start_from_the_root() {
        assert_eq!(Root::current().resolve(Path::new("a/b")), Path::new("a/b"));
        assert_eq!(Root::current().resolve(Path::new("")), Path::new("."));
        assert_eq!(Root::at("/r").resolve(Path::new("a")), Path::new("/r/a"));
        assert_eq!(Root::at("/r").resolve(Path::new("/a")), Path::new("/a"));
    }
}
