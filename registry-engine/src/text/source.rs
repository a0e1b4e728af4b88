//! The text of a file, and positions in it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::path::{Root, display};

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
    /// Fails if [`fs::read`] does.
    pub fn read(root: &Root, path: &Path) -> io::Result<Arc<Self>> {
        let bytes = fs::read(root.resolve(path))?;
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

    /// The line and the column of a byte offset, both counted from 1, the column in characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..offset];
        let line = before.rsplit('\n').next().unwrap_or(before);
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}
