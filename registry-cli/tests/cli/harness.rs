//! Crates in temporary directories, and the output of the program for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory that is removed when the test ends.
pub struct Crate {
    directory: tempfile::TempDir,
}

/// A crate without faults: two tables, one of them append-only.
pub const SHOP: &[(&str, &str)] = &[
    (
        "src/lib.rs",
        "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
    ),
    ("src/schema/mod.rs", "pub mod audit_logs;\npub mod users;\n"),
    (
        "src/schema/users.rs",
        "use table_registry::table;\n\n#[table(kind = system)]\npub struct Users {\n    pub id: i64,\n    pub created_at: i64,\n}\n",
    ),
    (
        "src/schema/audit_logs.rs",
        "use table_registry::table;\n\n#[table(kind = evidence)]\npub struct AuditLogs {\n    pub id: i64,\n    pub org_id: i64,\n    pub created_at: i64,\n}\n",
    ),
    (
        "table-registry.toml",
        "# Decisions.\n\n[overrides] # kinds\n\n[exempt]\nold = \"kept for the archive\" # since 2019\n",
    ),
    (
        "revoke.toml",
        "update_delete = [\n    # Audit.\n    \"audit_logs\", # forever\n]\n",
    ),
];

impl Crate {
    pub fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn with(files: &[(&str, &str)]) -> Self {
        let made = Self::empty();
        for (path, text) in files {
            made.write(path, text);
        }
        made
    }

    /// The crate `shop`, from [`SHOP`].
    pub fn shop() -> Self {
        let made = Self::with(SHOP);
        made.manifest("shop");
        made
    }

    /// A workspace with one registry per member. Each member comes with the text of its `schema/mod.rs`.
    pub fn workspace(members: &[(&str, String)]) -> Self {
        let names: Vec<&str> = members.iter().map(|(member, _)| *member).collect();
        let manifest = format!("[workspace]\nmembers = {names:?}\nresolver = \"3\"\n");
        let made = Self::with(&[("Cargo.toml", &manifest)]);
        for (member, schema) in members {
            let write = |path: &str, text: &str| made.write(&format!("{member}/{path}"), text);
            write(
                "Cargo.toml",
                &format!("[package]\nname = \"{member}\"\nedition = \"2024\"\n"),
            );
            write(
                "src/lib.rs",
                "mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
            );
            write("src/schema/mod.rs", schema);
            write("table-registry.toml", "");
            write("revoke.toml", "");
        }
        made
    }

    /// Writes the manifest of a package. Its dependency is never resolved.
    pub fn manifest(&self, name: &str) {
        let text = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\ntable-registry = \"0.1\"\n"
        );
        self.write("Cargo.toml", &text);
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// The paths of all files outside the target directory, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut directories = vec![self.path().to_path_buf()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with("target") {
                    continue;
                }
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(path.strip_prefix(self.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// Runs the program in the directory of the crate.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Report {
        self.run_in("", arguments)
    }

    #[track_caller]
    pub fn run_in(&self, directory: &str, arguments: &[&str]) -> Report {
        Report::new(
            program()
                .args(arguments)
                .current_dir(self.path().join(directory))
                .output()
                .unwrap(),
        )
    }
}

/// Copies a directory with everything in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The target directory of the crates that tests build. It is kept between runs, so that dependencies are built once.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("target")
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-table-registry"));
    command
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("GITHUB_WORKSPACE")
        .env_remove("COLUMNS")
        .env_remove("CARGO_TARGET_DIR");
    command
}

/// The root of this repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// The output and the exit code of the program.
pub struct Report {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Report {
    pub fn new(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().expect("it ends by itself"),
        }
    }

    /// Output and exit code as one text.
    pub fn all(&self) -> String {
        let part = |name: &str, text: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!("-- {name}\n{text}")
            }
        };
        let (stdout, stderr) = (part("stdout", &self.stdout), part("stderr", &self.stderr));
        format!("{stdout}{stderr}-- exit {}\n", self.code)
    }
}

/// Compares the output and the exit code of a command with the expected text.
#[macro_export]
macro_rules! says {
    ($crate_:expr, $arguments:expr, $expected:expr) => {
        snapbox::assert_data_eq!($crate_.run(&$arguments).all(), snapbox::IntoData::raw($expected))
    };
}
