//! The file that calls `table_registry!`, and paths relative to it.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::report::{Diagnostic, Fault};
use crate::text::{Root, clean, display, nearest, with_slashes};
use crate::written::WrittenPath;

const PACKAGE_DIRECTORY: &str = "CARGO_MANIFEST_DIR";
const OUTPUT_DIRECTORY: &str = "OUT_DIR";

/// The file that invokes `table_registry!`, and the crate that it belongs to.
#[derive(Clone, Debug)]
pub struct CallSite {
    root: Root,
    file: PathBuf,
    crate_root: PathBuf,
    variables: Arc<dyn Variables>,
    ancestors: Vec<PathBuf>,
    /// The directory of the package with a slash at the end; empty for the current directory.
    package: String,
}

/// The environment variables that the compiler would get.
pub trait Variables: fmt::Debug + Send + Sync {
    /// The value that `env!` reads.
    fn value(&self, name: &str) -> Option<String>;

    /// `OUT_DIR`, if `value` has returned it before: no file can be in a directory that no path names.
    fn output_directory(&self) -> Option<String>;
}

/// The variables of this process, for a macro.
#[derive(Debug)]
struct ProcessVariables;

impl Variables for ProcessVariables {
    fn value(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn output_directory(&self) -> Option<String> {
        self.value(OUTPUT_DIRECTORY)
    }
}

impl CallSite {
    /// A call in this file, which is the crate root. Its path is absolute or relative to the root.
    pub fn new(root: Root, path: impl Into<PathBuf>) -> Self {
        let file = path.into();
        Self::in_crate(root, file.clone(), file, None)
    }

    /// A call in a file that the crate root includes. The package matters only if the crate root is outside it.
    #[must_use]
    pub fn in_crate(root: Root, file: PathBuf, crate_root: PathBuf, package: Option<&Path>) -> Self {
        let of_root = ancestors(&root, &crate_root, package);
        let of_file = if file == crate_root {
            of_root.clone()
        } else {
            ancestors(&root, &file, package)
        };
        // A generated file is in no package.
        let is_in_package = of_file.last() == of_root.last();
        let ancestors = if is_in_package { of_file } else { of_root };
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
            crate_root,
            variables: Arc::new(ProcessVariables),
            ancestors,
            package,
        }
    }

    /// The same call with the variables that the compiler would get, for the command line.
    #[must_use]
    pub fn with_variables(self, variables: Arc<dyn Variables>) -> Self {
        Self { variables, ..self }
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

    /// The root file of the crate: the invoking file, or a file that includes it.
    #[must_use]
    pub fn crate_root(&self) -> &Path {
        &self.crate_root
    }

    /// The file or directory that a path in the invoking file leads to, as in `include_str!`.
    ///
    /// # Errors
    ///
    /// Fails if the path names an environment variable that is not set.
    pub fn resolve(&self, path: &WrittenPath) -> Result<PathBuf, Diagnostic> {
        let resolved = self.resolve_in(self.directory(), path);
        resolved.map_err(|variable| unset_variable(path, variable))
    }

    /// The file or directory that a path leads to from a directory, or the variable in it that is not set.
    pub(crate) fn resolve_in<'p>(&self, directory: &Path, path: &'p WrittenPath) -> Result<PathBuf, &'p str> {
        let text = path.evaluate(|name| self.variables.value(name))?;
        let absolute = directory.join(text);
        if path.literal().is_some() {
            return Ok(absolute);
        }
        Ok(self.below_package(&absolute).unwrap_or(absolute))
    }

    /// An absolute path to a file of the package as the compiler shows it, unless the file is generated.
    fn below_package(&self, path: &Path) -> Option<PathBuf> {
        let package = self.variables.value(PACKAGE_DIRECTORY)?;
        let inside = path.strip_prefix(&package).ok()?;
        let shown = Path::new(&self.package);
        // Under `trybuild`, the variable names another directory.
        let is_package = self.root.canonical(shown) == self.root.canonical(Path::new(&package));
        (!self.is_generated(path) && is_package).then(|| shown.join(inside))
    }

    /// The directory of the invoking file.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// That directory and its parents, up to the one with `Cargo.toml`: where policy files are looked for, in this
    /// order. If the crate root is outside the package, the last one is the directory of the package.
    #[must_use]
    pub fn ancestors(&self) -> &[PathBuf] {
        &self.ancestors
    }

    /// The path that was probably meant by one that leads nowhere: the same path, or the end of it, from a directory
    /// around the invoking file; or a path with almost the same name. `is_wanted` says whether there is a file or
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
        let missing = clean(&self.directory().join(written));
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

    /// The path without the invoking file's own directory at its start, in case it was written relative to the package.
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

    /// A clean path relative to the package, for artefacts that must be the same on every machine. A generated file is
    /// `$OUT_DIR/name.rs`.
    #[must_use]
    pub fn in_package(&self, path: &str) -> String {
        if self.is_generated(Path::new(path)) {
            let output = self.variables.output_directory().unwrap_or_default();
            let inside = Path::new(path).strip_prefix(output).unwrap_or(Path::new(path));
            return format!("${OUTPUT_DIRECTORY}/{}", with_slashes(inside));
        }
        match path.strip_prefix(&self.package) {
            Some(inside) => inside.to_string(),
            None => relative(Path::new(&self.package), Path::new(path)),
        }
    }

    /// Whether a build script wrote the file into `OUT_DIR`.
    #[must_use]
    pub fn is_generated(&self, path: &Path) -> bool {
        let output = self.variables.output_directory();
        path.is_absolute() && output.is_some_and(|output| path.starts_with(output))
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

fn unset_variable(path: &WrittenPath, variable: &str) -> Diagnostic {
    let fault = Diagnostic::new(
        Fault::UnsetVariable,
        format!("environment variable `{variable}` is not set"),
    )
    .spanned(path.span);
    if variable == OUTPUT_DIRECTORY {
        fault
            .note("cargo sets it for a package with a build script, and only the compiler knows its value")
            .help("add `build.rs`, or compile the package once before another tool reads it")
    } else {
        fault.help("set it where the compiler runs, or write the path as a string literal")
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

fn ancestors(root: &Root, file: &Path, package: Option<&Path>) -> Vec<PathBuf> {
    let mut ancestors = Vec::new();
    for directory in file.ancestors().skip(1) {
        let manifest = directory.join("Cargo.toml");
        let ends = root.has_file(&manifest);
        match package.filter(|package| ends && *package != directory && is_virtual(root, &manifest)) {
            Some(package) => ancestors.push(package.to_path_buf()),
            None => ancestors.push(directory.to_path_buf()),
        }
        if ends {
            break;
        }
    }
    ancestors
}

/// Whether a manifest is that of a workspace without a package.
fn is_virtual(root: &Root, manifest: &Path) -> bool {
    let text = fs::read_to_string(root.resolve(manifest)).unwrap_or_default();
    DeTable::parse(&text).is_ok_and(|table| !table.get_ref().contains_key("package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_path_gets_a_suggestion() {
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
        let resolve = |text: &str| call.resolve(&WrittenPath::of_include(text.parse().unwrap()).unwrap());
        assert_eq!(
            resolve("\"schema/\"").unwrap(),
            Path::new("examples/erp/src/schema/")
        );
        let fault = resolve("env!(\"NO_SUCH_VARIABLE\")").unwrap_err();
        assert_eq!(fault.code, Fault::UnsetVariable.into());
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
