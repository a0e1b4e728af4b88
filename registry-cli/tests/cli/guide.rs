//! The guide, followed as a reader follows it: from the top of a page to its end, files are written and commands are
//! run, and what a page shows is what the command prints.
//!
//! `SNAPSHOTS=overwrite cargo test -p cargo-table-registry --test cli -- guide` writes what the commands print.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::actions;
use crate::harness::{copy, repository, target};
use crate::server::version;
use crate::verify::has_server;

/// A fenced block of a page.
struct Block {
    language: String,
    /// The number of the line after the opening fence, from zero.
    line: usize,
    content: String,
}

/// What a reader does with a block.
enum Step<'b> {
    /// Writes a file.
    Write { path: &'b str, text: &'b str },
    /// Writes a block at the end of a file.
    Append { path: &'b str, text: &'b str },
    /// Reads a part of a file of this repository, which is compiled and tested there.
    Read { path: &'b str, text: &'b str },
    /// Lets CI run commands, or a hook.
    Automate(Vec<actions::Command>),
    /// Types commands.
    Run(Vec<Typed<'b>>),
}

/// A command with the lines that the page shows below it.
struct Typed<'b> {
    command: &'b str,
    /// The number of lines of the block up to the command.
    line: usize,
    shown: Vec<&'b str>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_open => is_open = false,
            Some(language) => {
                is_open = true;
                blocks.push(Block {
                    language: language.to_string(),
                    line: number + 1,
                    content: String::new(),
                });
            }
            None if is_open => {
                let block = blocks.last_mut().expect("a block is open");
                block.content += line;
                block.content.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// The start of a comment in a language.
const COMMENTS: &[(&str, &str)] = &[("rust", "// "), ("toml", "# "), ("sql", "-- "), ("yaml", "# ")];

impl Block {
    fn step(&self) -> Option<Step<'_>> {
        if self.language == "console" {
            return Some(Step::Run(typed(&self.content)));
        }
        let (_, comment) = COMMENTS.iter().find(|(language, _)| *language == self.language)?;
        let (first, text) = self.content.split_once('\n')?;
        let place = first.strip_prefix(comment)?;
        if let Some(path) = place.strip_prefix("at the end of ") {
            return Some(Step::Append { path, text });
        }
        let is_path = !place.contains(' ') && place.contains('.');
        is_path.then(|| match place {
            ".pre-commit-config.yaml" => Step::Automate(actions::commands_of_hooks(text)),
            path if path.starts_with(".github/workflows/") => {
                Step::Automate(actions::commands_of_workflow(text))
            }
            path if path.starts_with("examples/") => Step::Read { path, text },
            path => Step::Write { path, text },
        })
    }
}

fn typed(content: &str) -> Vec<Typed<'_>> {
    let mut all: Vec<Typed<'_>> = Vec::new();
    for (at, line) in content.lines().enumerate() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push(Typed {
                command,
                line: at + 1,
                shown: Vec::new(),
            }),
            (None, Some(last)) => last.shown.push(line),
            (None, None) => panic!("a block starts with a command: {line}"),
        }
    }
    all
}

/// What a reader has on the machine: a directory with a clone of this repository, and the place where they are.
struct Reader {
    home: tempfile::TempDir,
    place: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(repository(), home.path().join("table-registry")).unwrap();
        Self {
            home,
            place: PathBuf::new(),
        }
    }

    /// A reader who has done what another page says.
    fn after(page: &str) -> Self {
        static DONE: LazyLock<Mutex<BTreeMap<String, Reader>>> = LazyLock::new(Mutex::default);
        let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = done.entry(page.to_string()).or_insert_with(|| {
            let text = fs::read_to_string(guide().join(page)).unwrap();
            follow(&text).0
        });
        let reader = Self {
            place: before.place.clone(),
            ..Self::new()
        };
        for entry in fs::read_dir(before.home.path()).unwrap().map(Result::unwrap) {
            if !entry.file_type().unwrap().is_symlink() {
                copy(&entry.path(), &reader.home.path().join(entry.file_name()));
            }
        }
        reader
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(&self.place).join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs the commands of CI, each with its result.
    fn run_all(&mut self, commands: &[actions::Command]) -> Vec<(bool, String)> {
        let run = commands
            .iter()
            .filter(|command| !needs_server(&command.line) || has_server());
        run.map(|command| self.run_with(&command.line, &command.environment))
            .collect()
    }

    fn run(&mut self, command: &str) -> (bool, String) {
        self.run_with(command, &BTreeMap::new())
    }

    /// Runs a command. Returns whether it succeeds, and what it prints.
    fn run_with(&mut self, command: &str, environment: &BTreeMap<String, String>) -> (bool, String) {
        if let Some(directory) = command.strip_prefix("cd ") {
            self.place.push(directory);
            return (self.path("").is_dir(), String::new());
        }
        if command.starts_with("cargo install ") {
            return (installs(command), String::new());
        }
        let program = Path::new(env!("CARGO_BIN_EXE_cargo-table-registry"));
        let path = format!(
            "{}:{}",
            program.parent().unwrap().display(),
            env::var("PATH").unwrap()
        );
        let manifest = self.path("Cargo.toml");
        if manifest.is_file() && !self.path("Cargo.lock").is_file() {
            // The versions that the tests of this repository use, too.
            fs::copy(repository().join("Cargo.lock"), self.path("Cargo.lock")).unwrap();
        }
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(self.path(""))
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_TERM_QUIET", "true")
            .envs(environment);
        for variable in [
            "CLICOLOR_FORCE",
            "GITHUB_WORKSPACE",
            "COLUMNS",
            "DATABASE_URL",
            "RUSTFLAGS",
        ] {
            shell.env_remove(variable);
        }
        let output = shell.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }
}

/// Whether a command installs the program. Only one command does, and it runs once, in the profile that builds fastest.
fn installs(command: &str) -> bool {
    static INSTALLED: LazyLock<()> = LazyLock::new(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["install", "--path", "registry-cli", "--locked", "--debug"])
            .current_dir(repository())
            .env(
                "CARGO_INSTALL_ROOT",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed"),
            )
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        // The build script of `ring` runs again whenever one of these variables changes, and each runner of tests sets others.
        for (name, _) in env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        let output = cargo.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    });
    LazyLock::force(&INSTALLED);
    let places = [
        "table-registry/registry-cli",
        "\"$GITHUB_ACTION_PATH/registry-cli\"",
    ];
    places
        .iter()
        .any(|place| command == format!("cargo install --path {place} --locked"))
}

fn guide() -> PathBuf {
    repository().join("docs/src")
}

/// Follows a page. Returns what the reader has then, and the page with what the commands printed.
fn follow(page: &str) -> (Reader, String) {
    let before = page.lines().find_map(|line| {
        let page = line.strip_prefix("<!-- goes on after ")?;
        page.strip_suffix(" -->")
    });
    let mut reader = before.map_or_else(Reader::new, Reader::after);
    let mut printed: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for block in blocks(page) {
        let Some(step) = block.step() else {
            panic!("nothing checks this block:\n{}", block.content);
        };
        match step {
            Step::Write { path, text } => reader.write(path, text),
            Step::Append { path, text } => {
                let start = fs::read_to_string(reader.path(path)).unwrap_or_else(|_| panic!("no {path}"));
                reader.write(path, &format!("{start}\n{text}"));
            }
            Step::Read { path, text } => {
                let whole = fs::read_to_string(repository().join(path)).unwrap();
                assert!(whole.contains(text), "{path} lacks\n{text}");
            }
            Step::Automate(commands) => {
                for (success, text) in reader.run_all(&commands) {
                    assert!(success, "{text}");
                }
            }
            Step::Run(commands) => {
                for typed in commands {
                    if needs_server(typed.command) && !has_server() {
                        continue;
                    }
                    let (success, text) = reader.run(typed.command);
                    let is_failure = typed.shown.iter().any(|line| line.starts_with("error"));
                    assert_eq!(success, !is_failure, "{}\n{text}", typed.command);
                    if !typed.shown.is_empty() {
                        printed.insert(block.line + typed.line, (typed.shown.len(), text));
                    }
                }
            }
        }
    }
    let text = with_printed(page, &printed);
    (reader, text)
}

fn needs_server(command: &str) -> bool {
    command.contains("--migrations")
}

/// A line without what differs from machine to machine.
fn as_on_the_page(line: &str) -> String {
    let server = |version: u32| format!("in PostgreSQL {version}");
    line.trim_end().replace(&server(version()), &server(15))
}

/// A page in which the lines below commands are what the commands printed.
fn with_printed(page: &str, printed: &BTreeMap<usize, (usize, String)>) -> String {
    let mut lines = page.lines().enumerate();
    let mut text = String::new();
    while let Some((number, line)) = lines.next() {
        if let Some((count, output)) = printed.get(&number) {
            for line in output.lines() {
                writeln!(text, "{}", as_on_the_page(line)).unwrap();
            }
            for _ in 1..*count {
                lines.next();
            }
        } else {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

#[track_caller]
fn is_followed(path: &Path) {
    let page = fs::read_to_string(path).unwrap();
    let (_, followed) = follow(&page);
    if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        return fs::write(path, &followed).unwrap();
    }
    snapbox::assert_data_eq!(page, snapbox::IntoData::raw(followed));
}

/// One test for each page.
macro_rules! pages {
    ($($name:ident: $page:literal;)*) => {
        const PAGES: &[&str] = &[$($page),*];

        $(
            #[test]
            fn $name() {
                is_followed(&guide().join($page));
            }
        )*
    };
}

pages! {
    first_day: "first-day.md";
    command_line: "command-line.md";
    exceptions: "exceptions.md";
    types: "types.md";
    orms: "orms.md";
    workspaces: "workspaces.md";
    ci: "ci.md";
    backfills: "backfills.md";
    workers: "workers.md";
    database: "database.md";
    existing_project: "existing-project.md";
    kinds: "kinds.md";
}

/// What a command of CI finds is shown at its line in the pull request.
#[test]
fn the_workflow_fails_when_something_is_wrong() {
    let page = fs::read_to_string(guide().join("ci.md")).unwrap();
    let mut reader = follow(&page).0;
    let workflow = blocks(&page)
        .into_iter()
        .find(|block| block.language == "yaml")
        .unwrap();
    let commands = actions::commands_of_workflow(&workflow.content);
    reader.write(
        "src/schema/invoices.rs",
        "#[table_registry::table(kind = evidence)]\npub struct Invoices { pub id: f64, pub total_cents: f64 }\n",
    );
    let results = reader.run_all(&commands);
    let failed: Vec<&String> = results
        .iter()
        .filter(|(success, _)| !success)
        .map(|(_, text)| text)
        .collect();
    assert!(failed.len() >= if has_server() { 4 } else { 2 }, "{failed:?}");
    assert!(
        failed.iter().take(2).all(|text| text.contains("::error ")),
        "{failed:?}"
    );
}

#[test]
fn every_page_of_a_story_is_followed() {
    let files = fs::read_dir(guide())
        .unwrap()
        .map(|file| file.unwrap().file_name());
    for page in files.map(|name| name.into_string().unwrap()).filter(|name| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "md")
    }) {
        let text = fs::read_to_string(guide().join(&page)).unwrap();
        let is_checked_elsewhere = ["tenancy.md", "codes.md"].contains(&page.as_str());
        assert!(
            blocks(&text).is_empty() || is_checked_elsewhere || PAGES.contains(&page.as_str()),
            "nothing follows {page}"
        );
    }
}
