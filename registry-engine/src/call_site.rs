//! The file that calls `table_registry!`, and paths relative to it.

use std::path::{Component, Path, PathBuf};

use crate::text::{Root, clean, display, nearest, with_slashes};

/// The file that invokes `table_registry!`.
#[derive(Clone, Debug)]
pub struct CallSite {
    root: Root,
    file: PathBuf,
    ancestors: Vec<PathBuf>,
    /// The directory of the package with a slash at the end; empty for the current directory.
    package: String,
}

impl CallSite {
    /// A call in this file, whose path is absolute or relative to the root.
    pub fn new(root: Root, path: impl Into<PathBuf>) -> Self {
        let file = path.into();
        let ancestors = ancestors(&root, &file);
        let mut package = ancestors
            .last()
            .map(|directory| display(directory))
            .unwrap_or_default();
        if !package.is_empty() {
            package.push('/');
        }
        Self {
            root,
            file,
            ancestors,
            package,
        }
    }

    /// The directory that relative paths start from.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The invoking file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The file that a path in the user's code leads to: relative to the invoking file, as in `include_str!`.
    #[must_use]
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.directory().join(path)
    }

    /// The directory of the invoking file.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// That directory and its parents, up to the one with `Cargo.toml`: where policy files are looked for, in this
    /// order.
    #[must_use]
    pub fn ancestors(&self) -> &[PathBuf] {
        &self.ancestors
    }

    /// The path that was probably meant by one that leads nowhere: the path or the end of it, but from a directory
    /// around the invoking file, or a path with almost the same name. `is_wanted` says whether there is a file or
    /// directory of the right kind.
    pub fn meant(&self, written: &str, is_wanted: impl Fn(&Path) -> bool) -> Option<String> {
        let mut end = Path::new(written).components();
        while !end.as_path().as_os_str().is_empty() {
            let mut paths = self
                .ancestors
                .iter()
                .map(|directory| directory.join(end.as_path()));
            if let Some(found) = paths.find(|path| is_wanted(path)) {
                let path = relative(&clean(self.directory()), &found);
                return Some(if path.is_empty() { ".".to_string() } else { path });
            }
            end.next();
        }
        let missing = clean(&self.resolve(written));
        let parent = missing.parent()?;
        let names = self
            .root
            .names_in(parent, |entry| is_wanted(&parent.join(entry.file_name())));
        let near = nearest(
            &missing.file_name()?.to_string_lossy(),
            names.iter().map(String::as_str),
        )?;
        Some(display(&Path::new(written).with_file_name(near)))
    }

    /// The path without the invoking file's own directory at its start, if it is relative to the package by mistake.
    pub fn without_own_directory(&self, written: &str) -> String {
        let own = self.in_package(&display(self.directory()));
        let rest = Path::new(written).strip_prefix(&own).ok();
        match rest
            .map(display)
            .filter(|rest| !own.is_empty() && !rest.is_empty())
        {
            Some(rest) => rest,
            None => written.to_string(),
        }
    }

    /// A clean path relative to the package, for artefacts that must be the same on every machine.
    #[must_use]
    pub fn in_package(&self, path: &str) -> String {
        match path.strip_prefix(&self.package) {
            Some(inside) => inside.to_string(),
            None => relative(Path::new(&self.package), Path::new(path)),
        }
    }

    /// A path relative to the invoking file, for `include_bytes!`. Both are made canonical first, because the file
    /// system resolves `..` after a symbolic link to the parent of the link's target.
    #[must_use]
    pub fn relative(&self, path: &Path) -> String {
        let canonical = |directory: &Path| self.root.canonical(directory);
        match (
            canonical(self.directory()),
            path.parent().and_then(canonical),
            path.file_name(),
        ) {
            (Some(from), Some(to), Some(name)) => relative(&from, &to.join(name)),
            _ => relative(&clean(self.directory()), path),
        }
    }
}

/// The relative path from a clean directory to another path, with forward slashes.
fn relative(from: &Path, to: &Path) -> String {
    let target = clean(to);
    let pairs = from.components().zip(target.components());
    let shared = pairs.take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(target.components().skip(shared)).collect();
    with_slashes(&relative)
}

fn ancestors(root: &Root, file: &Path) -> Vec<PathBuf> {
    let mut ancestors = Vec::new();
    for directory in file.ancestors().skip(1) {
        ancestors.push(directory.to_path_buf());
        if root.has_file(&directory.join("Cargo.toml")) {
            break;
        }
    }
    ancestors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_that_was_meant() {
        let call = CallSite::new(Root::current(), "src/lib.rs");
        let directory = |path: &Path| call.root().has_directory(path);
        let file = |path: &Path| call.root().has_file(path);
        for (written, meant) in [
            ("src", Some(".")),
            ("./src/", Some(".")),
            ("src/text", Some("text")),
            ("registry-engine/src/text", Some("text")),
            ("txt", Some("text")),
            ("../sr", Some("../src")),
            ("../billing", None),
        ] {
            assert_eq!(call.meant(written, directory).as_deref(), meant, "{written}");
        }
        for (written, meant) in [
            ("Cargo.toml", Some("../Cargo.toml")),
            ("src/Cargo.toml", Some("../Cargo.toml")),
            ("../cargo.toml", Some("../Cargo.toml")),
            ("../revoke.toml", None),
        ] {
            assert_eq!(call.meant(written, file).as_deref(), meant, "{written}");
        }
        for (written, from_file) in [
            ("src/schema/", "schema"),
            ("src", "src"),
            ("schema", "schema"),
            ("../src/schema", "../src/schema"),
        ] {
            assert_eq!(call.without_own_directory(written), from_file);
        }
    }

    #[test]
    fn paths_from_the_invoking_file() {
        let call = CallSite::new(Root::current(), "examples/erp/src/lib.rs");
        assert_eq!(call.resolve("schema/"), Path::new("examples/erp/src/schema/"));
        assert_eq!(
            call.relative(Path::new("examples/erp/revoke.toml")),
            "../revoke.toml"
        );
        assert_eq!(call.relative(Path::new("examples/erp/src/a/b.toml")), "a/b.toml");
        // The tests run in the directory of this package.
        let call = CallSite::new(Root::current(), "src/lib.rs");
        assert_eq!(call.in_package("src/a.rs"), "src/a.rs");
        assert_eq!(call.in_package("../shared/a.rs"), "../shared/a.rs");
        let call = CallSite::new(Root::current(), "../examples/erp/src/lib.rs");
        assert_eq!(call.in_package("../examples/erp/src/a.rs"), "src/a.rs");
        assert_eq!(call.in_package("../examples/shared/a.rs"), "../shared/a.rs");
        assert_eq!(
            CallSite::new(Root::current(), "lib.rs").relative(Path::new("revoke.toml")),
            "revoke.toml"
        );
        assert_eq!(
            CallSite::new(Root::current(), "/x/src/lib.rs").relative(Path::new("/x/revoke.toml")),
            "../revoke.toml"
        );
    }
}
