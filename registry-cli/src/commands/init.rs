//! `cargo table-registry init`.

use std::path::{Path, PathBuf};

use table_registry_engine::{CallSite, Invocation, MAIN_FILE, REVOKE_FILE, display, module_candidates};
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::cli::InitArguments;
use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::module_file::ModuleFile;
use crate::registry_call::{self, RegistryCall, call_site};
use crate::report::{self, Exit};
use crate::scaffold::is_snake_case_identifier;
use crate::text;
use crate::workspace::{self, FACADE, Package, Workspace};

/// The names to try for the module of the schema, in this order.
const MODULES: &[&str] = &["schema", "models", "entities"];

const OVERRIDES: &str = r#"# How rows belong to tenants. For a database of one tenant, write only `mode = "none"`.
[tenancy]
column = "org_id" # the tenant column of every table that names no other
setting = "app.org_id" # what the application sets at the start of each transaction
# type = "uuid" # the type of the column, where no field shows it

# Which kind a table has, and which tables have no struct. Both are decisions for a review.
[overrides]
# users = "system" # replaces the kind that the struct declares

[exempt]
# search_jobs = "created by a migration, used by the search service only"

# For `cargo table-registry sql` and `verify`:
# [database]
# app_roles = ["app"] # the roles that the application connects as
"#;

const REVOKE: &str = "\
# The append-only tables: the application role gets no UPDATE, DELETE or TRUNCATE.
update_delete = []
";

pub fn run(arguments: &InitArguments) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let run = ExclusiveRun::of(&workspace);
    let package = package(&workspace)?;
    package.check_edition()?;
    let root = CrateRoot::read(package)?;
    let mut changes = Changes::new(&workspace.root);
    if !root.has_facade_of_another_crate() {
        add_dependency(package, &mut changes)?;
    }
    add_call(package, &root, arguments.directory.as_deref(), &mut changes)?;
    add_policy_files(package, &root, &mut changes);
    if changes.is_empty() {
        report::status("Unchanged", format!("`{}` is ready", package.name));
    } else {
        changes.commit(&run)?;
    }
    report::next(
        "run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have",
    );
    Ok(Exit::Fine)
}

/// The package to change. In the root of a workspace, without `-p`, it is the root package.
fn package(workspace: &Workspace) -> Result<&Package, Failure> {
    match workspace.packages.as_slice() {
        [package] => Ok(package),
        packages => {
            let root = packages.iter().find(|package| package.directory == Path::new(""));
            root.filter(|_| !workspace.is_explicit).ok_or_else(|| {
                Failure::new("`init` works on one package at a time")
                    .note(workspace::names(packages))
                    .help("name one with `-p`")
            })
        }
    }
}

/// The root file of the crate, as it is before the command.
struct CrateRoot {
    path: PathBuf,
    text: String,
    file: ModuleFile,
    /// The call of `table_registry!`, or where it would be.
    call: CallSite,
    /// The arguments of the call, if there is one.
    invocation: Option<Invocation>,
}

impl CrateRoot {
    /// The crate root that calls the macro, or else that of the library, or else that of the first binary.
    fn read(package: &Package) -> Result<Self, Failure> {
        let found = RegistryCall::find_all(package)?.into_iter().next();
        if found.is_none() && !registry_call::unclear_calls(package).is_empty() {
            return Err(registry_call::no_call(package).help(registry_call::CALL_PLAINLY));
        }
        let first = package.crate_roots.first();
        let path = found
            .as_ref()
            .map(|found| found.call.crate_root())
            .or(first.map(PathBuf::as_path));
        let Some(path) = path else {
            return Err(Failure::new(format!(
                "package `{}` has neither a library nor a binary",
                package.name
            ))
            .help("create `src/lib.rs`"));
        };
        let text = package.read(path)?;
        let arguments = found.as_ref().map(|found| found.arguments.clone());
        Ok(Self {
            path: path.to_path_buf(),
            file: ModuleFile::parse(&display(path), &text)?,
            call: found
                .as_ref()
                .map_or_else(|| call_site(package, path, path), |found| found.call.clone()),
            invocation: arguments.map(|arguments| Invocation::parse(arguments, &mut Vec::new())),
            text,
        })
    }

    /// Whether the call names another crate that re-exports the facade.
    fn has_facade_of_another_crate(&self) -> bool {
        let facade = self
            .invocation
            .as_ref()
            .map(|invocation| invocation.facade.to_string());
        facade.is_some_and(|path| path.replace([' ', ':'], "") != "table_registry")
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The name for the module of the schema: the first name that has a folder or is not taken. A `schema.rs` without
    /// a folder is usually Diesel's, with its `table!` calls.
    fn module<'n>(&self, package: &Package, wanted: Option<&'n str>) -> Option<&'n str> {
        let names = wanted.map_or(MODULES.to_vec(), |name| vec![name]);
        names.into_iter().find(|name| {
            let [file, _] = module_candidates(self.directory(), name);
            let is_taken = self.file.declares(name) || package.root.has_entry(&file);
            package.root.has_directory(&self.directory().join(name)) || !is_taken
        })
    }

    fn is_library(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "lib.rs")
    }
}

/// Adds the call to the crate root, with the module of the schema and its folder.
fn add_call(
    package: &Package,
    root: &CrateRoot,
    wanted: Option<&str>,
    changes: &mut Changes,
) -> Result<(), Failure> {
    if root.invocation.is_some() {
        return Ok(());
    }
    if let Some(name) = wanted.filter(|name| !is_snake_case_identifier(name)) {
        return Err(Failure::new(format!("`{name}` is not a `snake_case` identifier"))
            .note("the name of the directory is also the name of a module"));
    }
    if root.file.declares("tables") {
        return Err(
            Failure::new(format!("`{}` has a module `tables`", display(&root.path)))
                .note("`table_registry!` puts `mod tables` with one type per table into the crate root")
                .help("rename that module, and run the command again"),
        );
    }
    let module = root
        .module(package, wanted)
        .ok_or_else(|| no_free_name(root, wanted))?;
    let is_declared = root.file.declares(module);
    let named = package.facade.as_deref().or(package.optional_facade.as_deref());
    let facade = named.unwrap_or("table_registry");
    let path = if facade == "table_registry" {
        String::new()
    } else {
        format!(", crate = ::{facade}")
    };
    let condition = match package.registry_feature()? {
        Some(feature) => format!("#[cfg(feature = \"{feature}\")]\n"),
        None => String::new(),
    };
    let call = format!("{condition}{facade}::table_registry!(\"{module}/\"{path});");
    let visibility = if root.is_library() { "pub " } else { "" };
    let block = if is_declared {
        call
    } else {
        format!("{visibility}mod {module};\n\n{call}")
    };
    let path = display(&root.path);
    let after = text::edited(&root.text, |text| {
        Ok(ModuleFile::parse(&path, text)?.with_block(&block))
    })?;
    changes.update(&root.path, &root.text, after);
    let candidates = module_candidates(root.directory(), module);
    let has_file = candidates.iter().any(|file| package.root.has_entry(file));
    if !has_file && !is_declared {
        let [_, in_folder] = candidates;
        changes.create(in_folder, "//! The tables of the database, one struct each.\n");
    }
    Ok(())
}

fn no_free_name(root: &CrateRoot, wanted: Option<&str>) -> Failure {
    let names = wanted.map_or(MODULES.to_vec(), |name| vec![name]).join("`, `");
    Failure::new(format!(
        "every name for the module of the schema is taken in `{}`",
        display(&root.path)
    ))
    .note(format!("these modules have no folder for the schema: `{names}`"))
    .help("choose another name with `--directory`")
}

/// Adds the policy files, unless the macro already finds them.
fn add_policy_files(package: &Package, root: &CrateRoot, changes: &mut Changes) {
    let written = root.invocation.as_ref();
    let overrides = written.and_then(|invocation| invocation.overrides.as_ref());
    let revoke = written.and_then(|invocation| invocation.revoke.as_ref());
    let files = [(MAIN_FILE, overrides, OVERRIDES), (REVOKE_FILE, revoke, REVOKE)];
    for (name, written, text) in files {
        let (path, is_there) = match written {
            Some(written) => {
                // The macro reports a variable that is not set.
                let Ok(path) = root.call.resolve(written) else {
                    continue;
                };
                (path.clone(), package.root.has_entry(&path))
            }
            None => (
                package.directory.join(name),
                root.call
                    .ancestors()
                    .iter()
                    .any(|directory| package.root.has_entry(&directory.join(name))),
            ),
        };
        if !is_there {
            changes.create(path, text);
        }
    }
}

/// Adds the dependency: inherited from the workspace if it is declared there, or else in the version of this program.
fn add_dependency(package: &Package, changes: &mut Changes) -> Result<(), Failure> {
    if package.facade.is_some() {
        return Ok(());
    }
    // The condition of a dependency that only some builds have is known, or is an error.
    if package.registry_feature()?.is_some() {
        return Ok(());
    }
    let path = package.manifest();
    let text = package.read(&path)?;
    let requirement = requirement(package)?;
    let after = text::edited(&text, |text| with_dependency(&path, text, requirement))?;
    changes.update(path, &text, after);
    Ok(())
}

fn with_dependency(path: &Path, text: &str, requirement: Value) -> Result<String, Failure> {
    let mut parsed = manifest(path, text)?;
    let dependencies = parsed
        .entry("dependencies")
        .or_insert_with(|| Item::Table(Table::new()));
    let Some(dependencies) = dependencies.as_table_like_mut() else {
        return Err(Failure::new(format!(
            "`dependencies` in `{}` is not a table",
            display(path)
        )));
    };
    let is_sorted = dependencies.iter().map(|(name, _)| name).is_sorted();
    dependencies.insert(FACADE, Item::Value(requirement));
    if is_sorted {
        dependencies.sort_values();
    }
    Ok(parsed.to_string())
}

fn requirement(package: &Package) -> Result<Value, Failure> {
    let manifest_of_root = Path::new("Cargo.toml");
    let is_inherited = package.root.has_entry(manifest_of_root) && {
        let text = package.read(manifest_of_root)?;
        let parsed = manifest(manifest_of_root, &text)?;
        let dependencies = parsed
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies"));
        dependencies
            .and_then(|dependencies| dependencies.get(FACADE))
            .is_some()
    };
    if is_inherited {
        let table: InlineTable = [("workspace", true)].into_iter().collect();
        return Ok(table.into());
    }
    let (major_minor, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap_or_default();
    Ok(major_minor.into())
}

fn manifest(path: &Path, text: &str) -> Result<DocumentMut, Failure> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(format!("`{}` is not valid TOML", display(path))).note(error.message())
    })
}
