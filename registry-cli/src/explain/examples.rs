//! Runs the examples of the texts: each example reports only its own code, and nothing is reported after the fix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use snapbox::assert_data_eq;
use table_registry_engine::{Code, Diagnostic, Fault, Root, repeated};
use tempfile::TempDir;

use super::example::{Block, LIBRARY, Part, REVOKE, TABLES, completed, find, parts};
use super::text;
use crate::commands::sync;
use crate::edit::ExclusiveRun;
use crate::lint;
use crate::lock_file;
use crate::project::{self, Project};
use crate::workspace::{Package, Workspace};

/// A workspace in a temporary directory: one crate in its root, or several in directories of their own.
struct Laid {
    directory: TempDir,
    members: Vec<String>,
}

impl Laid {
    /// The files under an example: those of a sound crate, or of workspace members with one table each.
    fn under(example: &Part<'_>) -> Self {
        let laid = Self {
            directory: tempfile::tempdir().unwrap(),
            members: members(example),
        };
        for member in &laid.members {
            let write = |path: &str, text: &str| laid.write(&format!("{member}{path}"), text);
            write("Cargo.toml", "");
            write("src/lib.rs", LIBRARY);
            write("table-registry.toml", "");
            write("revoke.toml", "");
            if !member.is_empty() {
                let name = member.trim_end_matches('/');
                let table =
                    format!("#[table(kind = system, name = \"{name}_settings\")]\npub struct Settings;\n");
                write("src/schema/settings.rs", &table);
            }
        }
        if laid.members == [""] {
            laid.lay_tables(example);
        }
        laid
    }

    /// Writes the tables that the example's own `mod.rs` names, or all if it has none.
    fn lay_tables(&self, example: &Part<'_>) {
        let mut blocks = example.blocks.iter().filter(|block| block.runs());
        let tree = blocks.find(|block| block.path == "src/schema/mod.rs");
        let is_in_tree =
            |module: &str| tree.is_none_or(|tree| tree.content.contains(&format!("mod {module};")));
        for (module, text) in TABLES.iter().filter(|(module, _)| is_in_tree(module)) {
            self.write(&format!("src/schema/{module}.rs"), text);
        }
        if is_in_tree("audit_logs") {
            self.write("revoke.toml", REVOKE);
        }
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.directory.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, completed(path, text)).unwrap();
    }

    fn lay(&self, part: &Part<'_>) {
        for block in part.blocks.iter().filter(|block| block.runs()) {
            if block.language == "sh" {
                self.run(block);
            } else {
                self.write(block.path, block.content);
            }
        }
    }

    /// Runs a block of commands. Of this program, only `sync` is run.
    fn run(&self, block: &Block<'_>) {
        if block.content.starts_with("cargo table-registry sync\n") {
            let projects = self.projects();
            let (changes, _) = sync::compare(&self.workspace(), &projects).unwrap();
            return changes.commit(&ExclusiveRun::of(&self.workspace())).unwrap();
        }
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", block.content])
            .current_dir(self.directory.path());
        assert!(shell.status().unwrap().success(), "{}", block.content);
    }

    /// Writes a `mod.rs` that names every file, unless the example has its own.
    fn complete_modules(&self) {
        for member in &self.members {
            let schema = self.directory.path().join(format!("{member}src/schema"));
            let tree = schema.join("mod.rs");
            let is_ours = |text: &String| text.starts_with(OURS);
            if fs::read_to_string(&tree).is_ok_and(|text| !is_ours(&text)) || !schema.is_dir() {
                continue;
            }
            let files = fs::read_dir(schema).unwrap().map(|entry| entry.unwrap().path());
            let modules: BTreeSet<String> = files.map(|file| module(&file)).collect();
            let names = modules.iter().filter(|name| *name != "mod");
            let lines: Vec<String> = names.map(|name| format!("pub mod {name};\n")).collect();
            fs::write(tree, format!("{OURS}{}", lines.concat())).unwrap();
        }
    }

    fn write_lock(&self) {
        for project in self.projects() {
            let path = self.directory.path().join(project.package.lock_file());
            fs::write(path, lock_file::text(&project.registry)).unwrap();
        }
    }

    fn workspace(&self) -> Workspace {
        let packages = self.members.iter().map(|member| self.package(member));
        Workspace {
            root: self.root(),
            packages: packages.collect(),
            is_explicit: true,
            target: self.directory.path().join("target"),
        }
    }

    fn package(&self, member: &str) -> Package {
        let name = member.trim_end_matches('/');
        Package {
            name: if name.is_empty() { "shop" } else { name }.to_string(),
            root: self.root(),
            directory: PathBuf::from(name),
            crate_roots: vec![PathBuf::from(format!("{member}src/lib.rs"))],
            facade: Some("table_registry".to_string()),
            mentions_facade: true,
            has_crate_paths: true,
            is_alone: self.members.len() == 1,
            ..Package::default()
        }
    }

    fn root(&self) -> Root {
        Root::at(self.directory.path())
    }

    fn projects(&self) -> Vec<Project> {
        Project::load_all(&self.workspace()).unwrap_or_else(|failure| panic!("{}", failure.render()))
    }

    /// The fault that only the macro `#[table]` finds, in the attributes beside it. The file has to hold one struct.
    fn repeated_attribute(&self, file: &str) -> Option<Diagnostic> {
        let text = fs::read_to_string(self.directory.path().join(file)).unwrap();
        let item: syn::DeriveInput = syn::parse_str(&text[text.find("#[").unwrap()..]).unwrap();
        let neighbours: Vec<&syn::Meta> = item
            .attrs
            .iter()
            .skip(1)
            .map(|attribute| &attribute.meta)
            .collect();
        repeated(&neighbours)
    }

    /// The findings of `lint`, or of `sync --check` for its codes.
    fn findings(&self, code: Code) -> Vec<String> {
        self.complete_modules();
        if code == Fault::StaleModFile.into() {
            self.write_lock();
        }
        let projects = self.projects();
        let mut found = project::all_faults(&projects);
        if code == Fault::RepeatedTableAttribute.into() {
            found.extend(self.repeated_attribute("src/schema/users.rs"));
        }
        if found.is_empty() && is_of_sync(code) {
            found = sync::compare(&self.workspace(), &projects).unwrap().1;
        } else if found.is_empty() {
            found = lint::run(&projects);
        }
        found
            .iter()
            .map(|one| format!("{}: {}", one.code, one.message))
            .collect()
    }
}

/// The first line of a `mod.rs` that the example leaves out.
const OURS: &str = "// Every file.\n";

fn is_of_sync(code: Code) -> bool {
    [Fault::StaleLock.into(), Fault::StaleModFile.into()].contains(&code)
}

/// The directories before `src/`: one empty string for a crate in the root.
fn members(example: &Part<'_>) -> Vec<String> {
    let paths = example
        .blocks
        .iter()
        .filter_map(|block| block.path.split_once("src/"));
    let members: BTreeSet<String> = paths.map(|(member, _)| member.to_string()).collect();
    if members.is_empty() {
        return vec![String::new()];
    }
    members.into_iter().collect()
}

fn module(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// A crate with the example of a text.
fn laid(code: Code, example: &Part<'_>) -> Laid {
    let laid = Laid::under(example);
    if code == Fault::StaleLock.into() {
        laid.complete_modules();
        laid.write_lock();
    }
    laid.lay(example);
    laid
}

/// The problems with the example of a text, or with the sections after it.
fn problems(code: Code) -> Vec<String> {
    let mut problems = Vec::new();
    let example = find(text(code), "Example").unwrap();
    if !example.is_prose() {
        let found = laid(code, &example).findings(code);
        if found.is_empty() || !found.iter().all(|one| one.starts_with(&format!("{code}: "))) {
            problems.push(format!("{code}: the example gives {found:#?}"));
        }
    }
    let others = parts(text(code)).into_iter().skip(1);
    for part in others.filter(|part| !part.is_prose()) {
        let laid = laid(code, &example);
        laid.lay(&part);
        let found = laid.findings(code);
        if !found.is_empty() {
            problems.push(format!("{code}: {} leaves {found:#?}", part.title));
        }
    }
    problems
}

#[test]
fn the_crate_under_an_example_is_sound() {
    let nothing = Part {
        title: "",
        blocks: Vec::new(),
    };
    let laid = Laid::under(&nothing);
    assert_eq!(laid.findings(Fault::NoTables.into()), [""; 0]);
}

#[test]
fn examples_of_faults_and_lints() {
    let all = Code::all().into_iter();
    let codes = all.filter(|code| !matches!(code, Code::DatabaseCheck(_)));
    let problems: Vec<String> = codes.flat_map(problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Lists which parts are run and which are only prose, so that no part becomes prose by accident.
#[test]
fn parts_that_are_run() {
    let mut run: BTreeMap<&str, usize> = BTreeMap::new();
    let mut prose = Vec::new();
    for code in Code::all() {
        for part in parts(text(code)) {
            if part.is_prose() {
                prose.push(format!("{code}: {}\n", part.title.to_lowercase()));
            } else {
                *run.entry(part.title).or_default() += 1;
            }
        }
    }
    let counts = run.iter().map(|(title, count)| format!("{title}: {count}\n"));
    let report = format!(
        "Texts: {}\n\nRun:\n{}\nIn words: {}\n{}",
        Code::all().len(),
        counts.collect::<Vec<_>>().concat(),
        prose.len(),
        prose.concat()
    );
    assert_data_eq!(report, snapbox::file!["examples.txt"].raw());
}
