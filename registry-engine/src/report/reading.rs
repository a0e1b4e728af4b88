//! The faults of files and directories that cannot be read.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::faults::Fault;
use crate::text::{Source, Unreadable, display};

/// The fault of a file that is not UTF-8.
#[must_use]
pub fn not_utf8(source: &Arc<Source>) -> Option<Diagnostic> {
    let offset = source.invalid_utf8?;
    let replaced = offset..offset + char::REPLACEMENT_CHARACTER.len_utf8();
    Some(
        Diagnostic::new(Fault::NotUtf8, format!("`{}` is not valid UTF-8", source.path))
            .at(source, replaced, "this byte")
            .help("save the file as UTF-8, as Rust and TOML files have to be"),
    )
}

/// The fault of a file in which a merge left its conflict markers.
#[must_use]
pub fn conflict(source: &Arc<Source>, marker: Range<usize>) -> Diagnostic {
    Diagnostic::new(
        Fault::ConflictMarker,
        format!("`{}` contains conflict markers", source.path),
    )
    .at(source, marker, "the first one")
    .note("a merge left both versions of a part of this file")
    .help("keep one version, and remove the lines with markers")
}

/// The fault of a file that exists but cannot be read.
#[must_use]
pub fn unreadable_file(file: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new(
        Fault::UnreadableFile,
        format!("file `{}` cannot be read", display(file)),
    )
    .note(error.to_string())
    .help("replace it with a file that the user who compiles this crate can read, or remove it")
}

/// The fault of a directory that exists but cannot be listed.
pub fn unreadable_directory(unreadable: &Unreadable) -> Diagnostic {
    let directory = display(&unreadable.directory);
    Diagnostic::new(
        Fault::UnreadableDirectory,
        format!("directory `{directory}` cannot be read"),
    )
    .note(unreadable.error.to_string())
    .help("give the user who compiles this crate permission to list it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Root, rust_files};

    #[test]
    fn a_directory_that_cannot_be_listed_is_one_fault() {
        // Listing a file fails as listing a directory without permission does.
        let file = Path::new("Cargo.toml");
        let (_, unreadable) = rust_files(&Root::current(), file, file);
        let fault = unreadable_directory(&unreadable.unwrap());
        assert!(fault.is(Fault::UnreadableDirectory));
        assert_eq!(fault.message, "directory `Cargo.toml` cannot be read");
    }
}
