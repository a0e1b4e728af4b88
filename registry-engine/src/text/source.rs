//! The text of a file, and positions in it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::lex::without_mark;
use super::path::{Root, display, with_slashes};

/// A text file, read once and shared by every diagnostic about it.
#[derive(Debug)]
pub struct Source {
    /// The path as people and tools see it: relative to where the compiler runs, with forward slashes.
    pub path: String,
    /// The text. Bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The offset of the first replaced byte, if the file is not UTF-8. The compiler cannot read such a file.
    pub invalid_utf8: Option<usize>,
}

impl Source {
    /// A source that was not read from a file.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            invalid_utf8: None,
        }
    }

    /// Reads a file. Bytes that are not UTF-8 are not an error here, since otherwise one bad byte would make every name
    /// in the file unknown.
    ///
    /// # Errors
    ///
    /// Fails if [`fs::read`] does, or if the path does not lead to a regular file.
    pub fn read(root: &Root, path: &Path) -> io::Result<Arc<Self>> {
        let bytes = read(&root.resolve(path))?;
        let (text, invalid_utf8) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => (
                String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Some(error.utf8_error().valid_up_to()),
            ),
        };
        Ok(Arc::new(Self {
            path: display(path),
            text,
            invalid_utf8,
        }))
    }

    /// Whether the whole file is UTF-8.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.invalid_utf8.is_none()
    }

    /// The line of a byte offset, counted from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.position(offset).0
    }

    /// The line and the column of a byte offset, both counted from 1, the column in characters. As for the compiler, a
    /// byte order mark is not part of the first line.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = without_mark(&self.text[..offset]);
        let line = before.rsplit('\n').next().unwrap_or(before);
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// Reads a regular file. Reading a pipe could wait forever.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path).map_err(|error| with_target(error, path))?;
    if metadata.is_file() {
        fs::read(path)
    } else if metadata.is_dir() {
        Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"))
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// Adds the target to the error if the path is that of a symbolic link.
fn with_target(error: io::Error, path: &Path) -> io::Error {
    match fs::read_link(path) {
        Ok(target) => io::Error::new(
            error.kind(),
            format!("{error}: it is a symbolic link to `{}`", with_slashes(&target)),
        ),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_match_the_compiler() {
        for (text, at, expected) in [
            ("a b", 2, (1, 3)),
            ("\u{feff}a b", 5, (1, 3)),
            ("\u{feff}a\nb c", 7, (2, 3)),
            ("a\r\nb c", 5, (2, 3)),
            ("\tä b", 4, (1, 4)),
            ("", 0, (1, 1)),
            ("\u{feff}", 0, (1, 1)),
        ] {
            assert_eq!(Source::new("x", text).position(at), expected, "{text:?}");
        }
    }

    #[test]
    fn only_regular_files_are_read() {
        let error = Source::read(&Root::current(), Path::new("src")).unwrap_err();
        assert_eq!(error.to_string(), "it is a directory");
    }
}
