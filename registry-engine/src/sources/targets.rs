//! Which file is the root of the crate that is being compiled.
//!
//! A span only says which file its tokens come from, and that may be the file of a macro that makes the call. The crate
//! root is the file of the cargo target that is being compiled: see the Cargo book,
//! [Cargo Targets](https://doc.rust-lang.org/cargo/reference/cargo-targets.html).

use std::cell::OnceCell;
use std::env;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::calls::{item_calls, without_macros};
use super::module_tree::{ModuleTree, ScannedFile, included_file};
use crate::call_site::CallSite;
use crate::text::{Root, Source, clean};
use crate::written::Invocation;

/// What cargo tells a macro about the crate that is being compiled.
#[derive(Clone, Debug, Default)]
pub struct Compilation {
    /// The directory of the package: `CARGO_MANIFEST_DIR`.
    pub package: Option<PathBuf>,
    /// The name of the crate: `CARGO_CRATE_NAME`.
    pub crate_name: Option<String>,
    /// The name of the target if it is a program: `CARGO_BIN_NAME`. rust-analyzer never sets it.
    pub program: Option<String>,
    /// The name of the package: `CARGO_PKG_NAME`.
    pub package_name: Option<String>,
    /// Whether the target is an integration test or a benchmark, for which cargo sets `CARGO_TARGET_TMPDIR`.
    /// rust-analyzer never does.
    pub is_test: bool,
    /// The Rust files among the compiler's arguments: the crate root, if this process is the compiler.
    pub inputs: Vec<PathBuf>,
}

impl Compilation {
    /// Reads the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let arguments = env::args_os().skip(1).map(PathBuf::from);
        let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
        Self {
            inputs: arguments.filter(is_rust).collect(),
            package: env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            crate_name: env::var("CARGO_CRATE_NAME").ok(),
            program: env::var("CARGO_BIN_NAME").ok(),
            package_name: env::var("CARGO_PKG_NAME").ok(),
            is_test: env::var_os("CARGO_TARGET_TMPDIR").is_some(),
        }
    }

    /// Where `table_registry!` is called; `None` if that cannot be found out. `file` is the file that the tokens of the
    /// call come from, if the compiler says, and `file_of_literal` that of the first directory.
    #[must_use]
    pub fn call_site(
        &self,
        file: Option<PathBuf>,
        file_of_literal: Option<PathBuf>,
        invocation: &Invocation,
    ) -> Option<CallSite> {
        let root = Root::current();
        let crate_root = self.crate_root(&root, file.as_deref(), invocation);
        let (file, crate_root) = match (file, crate_root) {
            // Without a target, the file counts only if it cannot be that of a wrapper.
            (Some(file), None) => {
                let is_call = self.package.is_none() || calls_with(&root, &file, invocation);
                return is_call.then(|| CallSite::new(root, file));
            }
            (None, crate_root) => return crate_root.map(|file| CallSite::new(root, file)),
            (Some(file), Some(crate_root)) => (file, crate_root),
        };
        let shown_package = self
            .package
            .as_ref()
            .map(|package| spelled_like(&root, package, &file));
        let package = shown_package.as_deref();
        if is_same(&root, &file, &crate_root) {
            return Some(CallSite::in_crate(root, file.clone(), file, package));
        }
        let shown_root = spelled_like(&root, &crate_root, &file);
        let in_root = CallSite::in_crate(root.clone(), shown_root.clone(), shown_root.clone(), package);
        let files = files_of_root(&in_root, true);
        let included = [Some(file), file_of_literal].into_iter().flatten();
        let mut with_call = included.filter(|file| holds_call(&root, &files, file, invocation));
        match with_call.next() {
            Some(file) => Some(CallSite::in_crate(root, file, shown_root, package)),
            None => Some(in_root),
        }
    }

    fn crate_root(&self, root: &Root, file: Option<&Path>, invocation: &Invocation) -> Option<PathBuf> {
        let package = self.package.as_ref()?;
        let conventional = self.conventional_root(package);
        if conventional.is_some_and(|path| file.is_some_and(|file| root.absolute(file) == path)) {
            return file.map(Path::to_path_buf);
        }
        let targets = self.targets(package);
        // A binary and an example may have the same name.
        let is_input = |target: &&Target| self.inputs.iter().any(|input| is_same(root, input, &target.path));
        let is_here = |target: &&Target| file.is_some_and(|file| is_same(root, file, &target.path));
        let calls = |target: &&Target| calls_with(root, &target.path, invocation);
        let found = targets
            .iter()
            .find(is_input)
            .or_else(|| targets.iter().find(is_here))
            .or_else(|| targets.iter().find(calls));
        found.or(targets.first()).map(|target| target.path.clone())
    }

    /// The root that the crate has unless `Cargo.toml`, which need not be read then, says otherwise.
    fn conventional_root(&self, package: &Path) -> Option<PathBuf> {
        let name = self.package_name.as_ref()?;
        let is_named_like_package = self.crate_name.as_ref()? == &name.replace('-', "_");
        match &self.program {
            _ if self.is_test || !is_named_like_package => None,
            None => Some(package.join("src/lib.rs")),
            Some(program) => (program == name).then(|| package.join("src/main.rs")),
        }
    }

    /// The targets that may be the one that is being compiled, the library first.
    fn targets(&self, package: &Path) -> Vec<Target> {
        let mut targets = targets_of(package);
        if let Some(name) = &self.crate_name {
            targets.retain(|target| target.name == *name);
        }
        if self.program.is_some() {
            targets.retain(|target| target.is_program);
        }
        if self.is_test {
            targets.retain(|target| target.is_test);
        }
        targets
    }
}

fn is_same(root: &Root, one: &Path, other: &Path) -> bool {
    root.absolute(one) == root.absolute(other) || root.canonical(one) == root.canonical(other)
}

/// The path of another file, relative if `like` is: the compiler shows all files of a workspace in the same way.
fn spelled_like(root: &Root, path: &Path, like: &Path) -> PathBuf {
    let base = root.absolute(Path::new(""));
    let relative = path.strip_prefix(base);
    relative
        .ok()
        .filter(|_| like.is_relative())
        .unwrap_or(path)
        .to_path_buf()
}

/// The files of a crate that the compiler reads, as far as `mod` lines and `include!` show.
#[derive(Debug)]
pub struct CrateFiles {
    call: CallSite,
    in_root: Vec<ScannedFile>,
    in_modules: OnceCell<Vec<ScannedFile>>,
}

impl CrateFiles {
    /// Reads the crate root and the files that it includes. Without a crate root that can be read, there are no files.
    #[must_use]
    pub fn read(call: CallSite) -> Self {
        let in_root = files_of_root(&call, false);
        Self {
            call,
            in_root,
            in_modules: OnceCell::new(),
        }
    }

    /// The crate root, first, and the files that it includes outside of all modules: their items are items of the crate
    /// root.
    #[must_use]
    pub fn in_root(&self) -> &[ScannedFile] {
        &self.in_root
    }

    /// The files of modules, read when they are first asked for.
    #[must_use]
    pub fn in_modules(&self) -> &[ScannedFile] {
        self.in_modules.get_or_init(|| {
            let Some(root) = self.in_root.first() else {
                return Vec::new();
            };
            let (all, _) = ModuleTree::all_files(&self.call, root);
            let is_new = |file: &ScannedFile| self.in_root.iter().all(|known| known.path != file.path);
            all.into_iter().map(|(file, _)| file).filter(is_new).collect()
        })
    }

    /// All files, those of the crate root first.
    pub fn all(&self) -> impl Iterator<Item = &ScannedFile> {
        self.in_root.iter().chain(self.in_modules())
    }
}

/// The crate root and the files that it includes, directly or through other files; those that are included in modules
/// only if `in_modules`. Files that cannot be read are left out.
fn files_of_root(call: &CallSite, in_modules: bool) -> Vec<ScannedFile> {
    let mut paths = vec![call.crate_root().to_path_buf()];
    let mut files = Vec::new();
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let Ok(source) = Source::read(call.root(), &path) else {
            continue;
        };
        let file = ScannedFile::new(path, source);
        let includes = file.scan.includes.iter();
        for include in includes.filter(|include| in_modules || include.is_top_level) {
            let path = included_file(call, &file.path, &file.source.text, include);
            let clean_path = path.map(|path| clean(&path));
            paths.extend(clean_path.filter(|path| !paths.contains(path)));
        }
        files.push(file);
    }
    files
}

/// Whether the call is written in a file that the crate root, the first of `files`, includes. A file with a macro that
/// makes the call does not count.
fn holds_call(root: &Root, files: &[ScannedFile], file: &Path, invocation: &Invocation) -> bool {
    let mut included = files.iter().skip(1);
    let found = included.find(|included| is_same(root, &included.path, file));
    let literals = invocation.directories.iter().filter_map(|path| path.literal());
    found.is_some_and(|file| {
        let code = without_macros(&file.source.text);
        literals.into_iter().all(|literal| code.contains(literal))
    })
}

/// Whether a file calls `table_registry!` with the same directories.
fn calls_with(root: &Root, path: &Path, invocation: &Invocation) -> bool {
    let Ok(source) = Source::read(root, path) else {
        return false;
    };
    let wanted = invocation.written_directories();
    let calls = item_calls(&source.text).into_iter();
    let mut ours = calls.filter(|call| call.path.last().is_some_and(|name| name == "table_registry"));
    ours.any(|call| {
        let tokens = source.text[call.arguments].parse();
        tokens.is_ok_and(|tokens| Invocation::parse(tokens, &mut Vec::new()).written_directories() == wanted)
    })
}

/// A target of a package.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// The name of its crate.
    name: String,
    is_program: bool,
    /// Whether it is an integration test or a benchmark.
    is_test: bool,
    path: PathBuf,
}

/// A kind of target: its key in `Cargo.toml` and its directory.
struct TargetKind {
    key: &'static str,
    directory: &'static str,
    is_program: bool,
}

/// The kinds of which a package may have several targets.
const TARGET_KINDS: &[TargetKind] = &[
    TargetKind {
        key: "bin",
        directory: "src/bin",
        is_program: true,
    },
    TargetKind {
        key: "example",
        directory: "examples",
        is_program: true,
    },
    TargetKind {
        key: "test",
        directory: "tests",
        is_program: false,
    },
    TargetKind {
        key: "bench",
        directory: "benches",
        is_program: false,
    },
];

/// The targets of a package whose files exist. Without a readable `Cargo.toml`, those that cargo would find on its own.
fn targets_of(package: &Path) -> Vec<Target> {
    let text = std::fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    let manifest = DeTable::parse(&text)
        .map(toml::Spanned::into_inner)
        .unwrap_or_default();
    let default_name = string(section(&manifest, "package"), "name").unwrap_or_default();
    let target = |name: &str, is_program, path: &str| Target {
        name: name.replace('-', "_"),
        is_program,
        is_test: false,
        path: package.join(path),
    };
    let of_kind = |name: &str, kind: &TargetKind, path: &str| Target {
        is_test: !kind.is_program,
        ..target(name, kind.is_program, path)
    };
    let library = section(&manifest, "lib");
    let build_script = string(section(&manifest, "package"), "build").unwrap_or("build.rs");
    let script_name = Path::new(build_script).file_stem().unwrap_or_default();
    let mut targets = vec![
        target(
            string(library, "name").unwrap_or(default_name),
            false,
            string(library, "path").unwrap_or("src/lib.rs"),
        ),
        target(
            &format!("build-script-{}", script_name.to_string_lossy()),
            false,
            build_script,
        ),
    ];
    for kind in TARGET_KINDS {
        let listed = manifest
            .get(kind.key)
            .and_then(|value| value.get_ref().as_array());
        for table in listed.into_iter().flatten() {
            let table = table.get_ref().as_table();
            if let (Some(name), Some(path)) = (string(table, "name"), string(table, "path")) {
                targets.push(of_kind(name, kind, path));
            }
        }
        for name in Root::current().names_in(&package.join(kind.directory), |_| true) {
            let (stem, file) = match name.strip_suffix(".rs") {
                Some(stem) => (stem, ""),
                None => (name.as_str(), "/main.rs"),
            };
            let path = format!("{}/{name}{file}", kind.directory);
            targets.push(of_kind(stem, kind, &path));
        }
    }
    // Cargo leaves it out if the manifest names another file for a binary of this name.
    targets.push(target(default_name, true, "src/main.rs"));
    targets.retain(|target| target.path.is_file());
    targets
}

fn section<'t, 'i>(manifest: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    manifest.get(key)?.get_ref().as_table()
}

fn string<'t>(table: Option<&'t DeTable<'_>>, key: &str) -> Option<&'t str> {
    table?.get(key)?.get_ref().as_str()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CALL: &str = "table_registry!(\"schema/\");";

    /// Where the call is, by the crate root and by the file that paths are relative to.
    fn found(files: &[(&str, &str)], name: &str, program: Option<&str>, file: Option<&str>) -> [String; 2] {
        let compilation = Compilation {
            crate_name: Some(name.to_string()),
            program: program.map(str::to_string),
            ..Compilation::default()
        };
        found_by(files, compilation, file)
    }

    fn found_by(files: &[(&str, &str)], compilation: Compilation, file: Option<&str>) -> [String; 2] {
        let directory = written(files);
        let package = directory.path().canonicalize().unwrap();
        let compilation = Compilation {
            package: Some(package.clone()),
            ..compilation
        };
        let file = file.map(|file| package.join(file));
        let call = compilation.call_site(file.clone(), file, &invocation());
        let call = call.unwrap();
        let shown = |path: &Path| path.strip_prefix(&package).unwrap().display().to_string();
        [shown(call.crate_root()), shown(call.file())]
    }

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn invocation() -> Invocation {
        Invocation::parse("\"schema/\"".parse().unwrap(), &mut Vec::new())
    }

    #[test]
    fn the_call_of_another_file_is_in_the_crate_root() {
        let manifest = ("Cargo.toml", "[package]\nname = \"app\"");
        for (root, file, expected) in [
            ("wrapper!();", "src/macros.rs", "src/lib.rs"),
            ("wrapper!();", "../company/src/lib.rs", "src/lib.rs"),
            ("include!(\"gen/call.rs\");", "src/gen/call.rs", "src/gen/call.rs"),
            (
                "mod m { include!(\"gen/more.rs\"); }",
                "src/gen/call.rs",
                "src/gen/call.rs",
            ),
            ("include!(\"lib.rs\");", "src/gen/call.rs", "src/lib.rs"),
            (
                "include!(\"gen/wrapper.rs\");",
                "src/gen/wrapper.rs",
                "src/lib.rs",
            ),
        ] {
            let files = [
                manifest,
                ("src/lib.rs", root),
                ("src/gen/more.rs", "include!(\"call.rs\");"),
                ("src/gen/call.rs", CALL),
                (
                    "src/gen/wrapper.rs",
                    "macro_rules! w { () => { table_registry!(\"schema/\"); } }",
                ),
                ("src/macros.rs", ""),
            ];
            assert_eq!(
                found(&files, "app", None, Some(file)),
                ["src/lib.rs", expected],
                "{root} {file}"
            );
        }
    }

    #[test]
    fn without_a_file_the_calling_target_is_found() {
        let both = [("src/lib.rs", ""), ("src/main.rs", CALL)];
        assert_eq!(found(&both, "", None, None)[0], "src/main.rs");
        let twins = [
            ("Cargo.toml", "package.name = \"a-b\""),
            ("src/lib.rs", CALL),
            ("src/main.rs", CALL),
        ];
        assert_eq!(found(&twins, "a_b", None, None)[0], "src/lib.rs");
        assert_eq!(found(&twins, "a_b", Some("a-b"), None)[0], "src/main.rs");
        assert_eq!(found(&twins, "a_b", None, Some("src/main.rs"))[0], "src/main.rs");
    }

    /// The wrapper is in the library, the call in another crate of the same package.
    #[test]
    fn cargo_says_which_crate_calls_a_wrapper() {
        let files = [
            (
                "Cargo.toml",
                "package = { name = \"app\", build = \"b/s.rs\" }\n[[bin]]\nname = \"app\"\npath = \"app/app.rs\"",
            ),
            (
                "src/lib.rs",
                "macro_rules! wrapper { () => { table_registry!(\"schema/\"); } }",
            ),
            ("src/main.rs", ""),
            ("app/app.rs", ""),
            ("tests/app.rs", ""),
            ("tests/it.rs", ""),
            ("b/s.rs", ""),
        ];
        let lib = Some("src/lib.rs");
        let root = |name: &str, is_program: bool, is_test| {
            let compilation = Compilation {
                crate_name: Some(name.to_string()),
                program: is_program.then(|| name.to_string()),
                package_name: Some("app".to_string()),
                is_test,
                ..Compilation::default()
            };
            found_by(&files, compilation, lib)[0].clone()
        };
        assert_eq!(root("app", false, false), "src/lib.rs");
        assert_eq!(root("app", true, false), "app/app.rs");
        assert_eq!(root("app", false, true), "tests/app.rs");
        assert_eq!(root("it", false, true), "tests/it.rs");
        assert_eq!(root("build_script_s", false, false), "b/s.rs");
    }

    #[test]
    fn the_compiler_says_which_of_two_programs_it_compiles() {
        let files = [
            ("Cargo.toml", "package.name = \"app\""),
            ("src/macros.rs", ""),
            ("src/bin/x.rs", ""),
            ("examples/x.rs", ""),
        ];
        let directory = written(&files);
        let package = directory.path().canonicalize().unwrap();
        let root = |input: &str| {
            let compilation = Compilation {
                package: Some(package.clone()),
                crate_name: Some("x".to_string()),
                program: Some("x".to_string()),
                inputs: vec![package.join(input)],
                ..Compilation::default()
            };
            let call = compilation.call_site(Some(package.join("src/macros.rs")), None, &invocation());
            call.unwrap().crate_root().to_path_buf()
        };
        for input in ["src/bin/x.rs", "examples/x.rs"] {
            assert_eq!(root(input), package.join(input));
        }
    }

    #[test]
    fn without_a_target_only_a_direct_call_has_a_place() {
        let directory = written(&[("src/call.rs", CALL), ("src/macros.rs", "")]);
        let package = directory.path().canonicalize().unwrap();
        let call_in = |file: &str, package_is_known: bool| {
            let compilation = Compilation {
                package: package_is_known.then(|| package.clone()),
                crate_name: Some("app".to_string()),
                ..Compilation::default()
            };
            compilation.call_site(Some(package.join(file)), None, &invocation())
        };
        assert!(call_in("src/call.rs", true).is_some());
        assert!(call_in("src/macros.rs", true).is_none());
        assert!(call_in("src/macros.rs", false).is_some());
    }
}
