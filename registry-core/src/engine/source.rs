//! Files as they were read, and the directories they come from.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic};

/// A text file, read once and shared by every diagnostic about it.
#[derive(Debug)]
pub struct Source {
    /// The path as people and tools see it: relative to where the compiler runs,
    /// with forward slashes.
    pub path: String,
    /// The text. Bytes that are not UTF-8 are replaced, after a fault about them.
    pub text: String,
    /// Whether the file is UTF-8, so that the compiler can read it, too.
    pub is_utf8: bool,
}

impl Source {
    /// A source from its parts.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            is_utf8: true,
        }
    }

    /// The line of a place, counted from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.position(at).0
    }

    /// The line and the column of a place, in characters, both counted from 1.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let line = before.rsplit('\n').next().unwrap_or(before);
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }

    /// Reads a file. A file that is not UTF-8 is a fault, and is still given back,
    /// so that one bad byte does not make every name in the file unknown.
    ///
    /// # Errors
    ///
    /// Whatever [`fs::read`] says.
    pub fn read(path: &Path, faults: &mut Vec<Diagnostic>) -> io::Result<Arc<Self>> {
        let bytes = fs::read(path)?;
        let (text, valid_up_to) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => (
                String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Some(error.utf8_error().valid_up_to()),
            ),
        };
        let source = Arc::new(Self {
            path: display(path),
            text,
            is_utf8: valid_up_to.is_none(),
        });
        if let Some(at) = valid_up_to {
            faults.push(not_utf8(&source, at));
        }
        Ok(source)
    }
}

fn not_utf8(source: &Arc<Source>, at: usize) -> Diagnostic {
    let replaced = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
    Diagnostic::new(Code::NotUtf8, format!("`{}` is not valid UTF-8", source.path))
        .at(source, replaced, "this byte")
        .help("save the file as UTF-8, as Rust and TOML files have to be")
}

/// The path without `.` and, where it can be told from the text alone, `..`.
/// Two spellings of one path become one, which is how files are compared.
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

/// The names of some entries of a directory, sorted; none if it cannot be read. For near misses.
pub fn names_in(directory: &Path, keep: impl Fn(&fs::DirEntry) -> bool) -> Vec<String> {
    let entries = fs::read_dir(or_here(directory)).into_iter().flatten().flatten();
    let kept = entries.filter(keep);
    let mut names: Vec<String> = kept
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The empty path is that of no directory, though joining makes it the current one.
pub fn or_here(directory: &Path) -> &Path {
    if directory == Path::new("") {
        Path::new(".")
    } else {
        directory
    }
}

/// Every `.rs` file below a directory, in byte order of their paths.
///
/// Hidden files are left out: editors keep locks and backups there, and no `mod`
/// line can name them. Symbolic links are followed, and no file or directory is met twice.
pub fn rust_files(directory: &Path, faults: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut walk = Walk::default();
    if let Err((path, error)) = walk.run(directory) {
        faults.push(unreadable_directory(&path, &error));
    }
    walk.files.sort_by_cached_key(|path| display(path));
    walk.files
}

type Unreadable = (PathBuf, io::Error);

#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    /// Links wait until everything else was met, so that what is found does not depend on the
    /// order in which a file system lists it.
    links: BTreeSet<PathBuf>,
    /// What was met, under the path that no link is part of.
    met: BTreeSet<PathBuf>,
}

impl Walk {
    fn run(&mut self, directory: &Path) -> Result<(), Unreadable> {
        self.enter(directory)?;
        while let Some(link) = self.links.pop_first() {
            match link.canonicalize() {
                Ok(target) if self.met.contains(&target) => {}
                Ok(target) if target.is_dir() => self.enter(&link)?,
                Ok(target) => self.meet(link, target),
                // A link to nowhere cannot be read, which is then said of the file.
                Err(_) => self.meet(link.clone(), link),
            }
        }
        Ok(())
    }

    fn enter(&mut self, directory: &Path) -> Result<(), Unreadable> {
        let unreadable = |error| (directory.to_path_buf(), error);
        let target = directory.canonicalize().map_err(unreadable)?;
        if !self.met.insert(target.clone()) {
            return Ok(());
        }
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_symlink() {
                self.links.insert(entry.path());
            } else if kind.is_dir() {
                self.enter(&entry.path())?;
            } else {
                self.meet(entry.path(), target.join(name));
            }
        }
        Ok(())
    }

    fn meet(&mut self, path: PathBuf, target: PathBuf) {
        if path.extension().is_some_and(|extension| extension == "rs") && self.met.insert(target) {
            self.files.push(path);
        }
    }
}

fn unreadable_directory(directory: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new(
        Code::UnreadableDirectory,
        format!("directory `{}` cannot be read", display(directory)),
    )
    .note(error.to_string())
    .help("give the user who compiles this crate the right to list it")
}

/// The fault that a file which was found could not be read.
#[must_use]
pub fn unreadable_file(file: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new(
        Code::UnreadableFile,
        format!("file `{}` cannot be read", display(file)),
    )
    .note(error.to_string())
    .help("make it readable for the user who compiles this crate, or remove it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_read_is_one_fault() {
        let mut faults = Vec::new();
        // A file can no more be listed than a directory without the right to.
        assert_eq!(
            rust_files(Path::new("Cargo.toml"), &mut faults),
            [""; 0].map(PathBuf::from)
        );
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].code, Code::UnreadableDirectory);
        assert_eq!(faults[0].message, "directory `Cargo.toml` cannot be read");
    }

    #[test]
    fn two_spellings_of_one_path_are_one() {
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
}
