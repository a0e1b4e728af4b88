//! `cargo table-registry new NAME`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heck::ToSnakeCase;
use table_registry_engine::{
    Diagnostic, Inputs, Source, UPDATE_DELETE, check_name, clean, declarations_in_text, did_you_mean,
    display, file_leading_into,
};

use crate::cli::NewArguments;
use crate::conventions::should_be_append_only;
use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::module_file::ModuleFile;
use crate::policy_edit::{Edit, PolicyFile, new_faults, refuse};
use crate::policy_file;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::scaffold::{ColumnArgument, ColumnTypes, NewTable, is_snake_case_identifier};
use crate::text;
use crate::workspace::Workspace;

pub fn run(arguments: &NewArguments) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let run = ExclusiveRun::of(&workspace);
    let project = Project::load_one(&workspace)?;
    project.package.check_edition()?;
    check_sources(&project)?;
    check_table(&project, &arguments.name)?;
    check_columns(&arguments.columns)?;
    let directory = directory(&project, arguments.directory.as_deref())?;
    let mut changes = Changes::new(&workspace.root);
    let source = add_file(&project, arguments, &directory, &mut changes)?;
    let missing = add_module(&project, &arguments.name, &directory, &mut changes)?;
    let mut inputs = add_revoke(&project, arguments, &mut changes)?;
    inputs.declarations.list.extend(declarations_in_text(source));
    refuse(&new_faults(&project, inputs))?;
    changes.commit(&run)?;
    say_what_is_next(&project, arguments, missing.as_deref());
    Ok(Exit::Fine)
}

/// Fails if a source cannot be read: a name that seems free may be taken in an unreadable file.
fn check_sources(project: &Project) -> Result<(), Failure> {
    let faults: Vec<Diagnostic> = project.reading_faults().cloned().collect();
    if faults.is_empty() {
        return Ok(());
    }
    report::human(&faults);
    Err(Failure::new("nothing was changed: the registry cannot be read"))
}

fn check_table(project: &Project, name: &str) -> Result<(), Failure> {
    if !is_snake_case_identifier(name) {
        let snake_case = name.to_snake_case();
        let failure = Failure::new(format!("`{name}` is not a `snake_case` identifier"))
            .note("the table's name is also the name of its module");
        return Err(if let Some((schema, table)) = name.split_once('.') {
            failure.help(format!(
                "run the command for `{table}`, and write `#[table(schema = \"{schema}\")]` on the struct"
            ))
        } else if is_snake_case_identifier(&snake_case) {
            failure.help(format!("did you mean `{snake_case}`?"))
        } else {
            failure.help("name the module in `snake_case`, and the table with `#[table(name = \"…\")]`")
        });
    }
    check_name("table name", name).map_err(|fault| Failure::new(fault.message).help(fault.help))?;
    if let Some(table) = project.registry.table(name) {
        let line = table.declared.source.line(table.declared.range.start);
        return Err(
            Failure::new(format!("table `{name}` already exists")).note(format!(
                "it is declared in `{}:{line}`",
                table.declared.source.path
            )),
        );
    }
    if let Some(exempt) = project.registry.exempt().iter().find(|table| table.name == name) {
        return Err(Failure::new(format!("table `{name}` is exempt"))
            .note(format!("the reason is: {}", exempt.reason))
            .help(format!(
                "run `{}` first if it is to get a struct",
                project.package.command(&format!("exempt {name} --remove"))
            )));
    }
    Ok(())
}

fn check_columns(columns: &[ColumnArgument]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match columns.iter().find(|column| !seen.insert(&column.name)) {
        Some(twice) => Err(Failure::new(format!("column `{}` is given twice", twice.name))),
        None => Ok(()),
    }
}

/// The directory for the file: the one that the user names, or else the first.
fn directory(project: &Project, wanted: Option<&str>) -> Result<PathBuf, Failure> {
    // Nobody writes a table by hand in a directory of generated files.
    let directories = project.invocation.directories.iter();
    let written: Vec<&str> = directories.filter_map(|path| path.literal()).collect();
    let Some(name) = wanted.or(written.first().copied()) else {
        return Err(Failure::new("`table_registry!` names no directory"));
    };
    let is_wanted = |path: &&&str| clean(Path::new(path)) == clean(Path::new(name));
    match written.iter().find(is_wanted) {
        Some(path) => Ok(clean(&project.call.directory().join(path))),
        None => {
            let failure = Failure::new(format!("`table_registry!` does not name the directory `{name}`"))
                .note(format!("it names `{}`", written.join("`, `")));
            Err(failure.maybe_help(did_you_mean(name, written)))
        }
    }
}

fn add_file(
    project: &Project,
    arguments: &NewArguments,
    directory: &Path,
    changes: &mut Changes,
) -> Result<Arc<Source>, Failure> {
    let path = directory.join(format!("{}.rs", arguments.name));
    if project.package.root.has_entry(&path) {
        return Err(Failure::new(format!("`{}` already exists", display(&path)))
            .help("put `#[table]` on the struct in it"));
    }
    let table = NewTable {
        name: &arguments.name,
        kind: arguments.kind,
        append_only: arguments.revoke,
        tenant: arguments.tenant.as_ref(),
        columns: &arguments.columns,
        facade: facade(project),
        feature: project.package.registry_feature()?,
    };
    if syn::parse_str::<syn::Ident>(&table.ident()).is_err() || arguments.name == "mod" {
        return Err(Failure::new(format!(
            "`{}` cannot be turned into the name of a struct and its file",
            arguments.name
        ))
        .help("choose another name, and name the table with `#[table(name = \"…\")]`"));
    }
    let text = table.text(&project.policy, &ColumnTypes::new(project))?;
    changes.create(&path, text.clone());
    Ok(Arc::new(Source::new(display(&path), text)))
}

/// The path of the facade as a `use` needs it.
fn facade(project: &Project) -> String {
    let path = project.invocation.facade.to_string().replace(' ', "");
    path.trim_start_matches("::").to_string()
}

/// Adds the `mod` line. If no `mod` line leads to the directory, returns the step that is left to the user.
fn add_module(
    project: &Project,
    name: &str,
    directory: &Path,
    changes: &mut Changes,
) -> Result<Option<String>, Failure> {
    let Some(path) = file_leading_into(&project.call, directory) else {
        refuse_module_elsewhere(project, directory)?;
        let path = directory.join("mod.rs");
        changes.create(&path, ModuleFile::parse("", "")?.with_module(name));
        return missing_module(project, directory);
    };
    let text = project.package.read(&path)?;
    let shown = display(&path);
    let after = text::edited(&text, |text| {
        let file = ModuleFile::parse(&shown, text)?;
        if file.declares(name) {
            return Err(Failure::new(format!("`{shown}` already has a module `{name}`"))
                .help("remove it, or choose another name"));
        }
        Ok(file.with_module(name))
    })?;
    changes.update(&path, &text, after);
    Ok(None)
}

/// Fails if the module is inline or has a `path` attribute: the compiler does not look for its files in this folder.
fn refuse_module_elsewhere(project: &Project, directory: &Path) -> Result<(), Failure> {
    let root = ModuleFile::parse(&project.root.path, &project.root.text)?;
    match module_name(directory).filter(|name| root.keeps_elsewhere(name)) {
        Some(name) => Err(Failure::new(format!(
            "the module `{name}` of `{}` is not in `{}`",
            project.root.path,
            display(directory)
        ))
        .note("a file that is created in this folder would not be compiled")
        .help(format!(
            "move the module to `{}`",
            display(&directory.join("mod.rs"))
        ))),
        None => Ok(()),
    }
}

fn module_name(directory: &Path) -> Option<String> {
    Some(directory.file_name()?.to_string_lossy().into_owned())
}

/// The step that adds the `mod` line for the directory, unless the line is already there.
fn missing_module(project: &Project, directory: &Path) -> Result<Option<String>, Failure> {
    let parent = directory.parent().unwrap_or(Path::new(""));
    let crate_root = || project.call.crate_root().to_path_buf();
    let file = file_leading_into(&project.call, parent).unwrap_or_else(crate_root);
    let text = project.package.read(&file)?;
    let modules = ModuleFile::parse(&display(&file), &text)?;
    let missing = module_name(directory).filter(|name| !modules.declares(name));
    Ok(missing.map(|name| format!("add `mod {name};` to `{}`", display(&file))))
}

fn add_revoke(project: &Project, arguments: &NewArguments, changes: &mut Changes) -> Result<Inputs, Failure> {
    let is_named = project
        .policy
        .revoke
        .iter()
        .any(|entry| entry.table.value == arguments.name);
    if !arguments.revoke || is_named {
        return Ok(project.inputs.clone());
    }
    let edit = Edit::new(project, PolicyFile::Revoke, &[&arguments.name], |text| {
        policy_file::add(text, UPDATE_DELETE, &arguments.name)
    })?;
    edit.add_to(changes);
    Ok(edit.into_inputs())
}

fn say_what_is_next(project: &Project, arguments: &NewArguments, missing: Option<&str>) {
    if let Some(line) = missing {
        report::next(line);
    }
    report::next(if arguments.columns.is_empty() {
        "fill in the columns, and run `cargo check`"
    } else {
        "run `cargo check`, and write the migration that creates the table"
    });
    if should_be_append_only(arguments.kind) && !arguments.revoke {
        let command = project.package.command(&format!("revoke {}", arguments.name));
        report::next(format!("run `{command}` if its rows are only ever added"));
    }
    project.say_if_lock_is_stale();
}
