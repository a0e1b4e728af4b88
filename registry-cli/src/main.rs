//! `cargo table-registry`: the tables of a table registry, without the compiler.

mod cli;
mod columns;
mod commands;
mod edit;
mod failure;
mod lint;
mod lock;
mod module_file;
mod policy_file;
mod project;
mod report;
mod scaffold;
mod schema_directory;
mod workspace;

use std::process::ExitCode;

use cli::{Command, CommandLine};
use commands::{completions, explain, init, list, new, policy, sync};
use failure::Failure;
use report::Exit;
use workspace::Workspace;

fn main() -> ExitCode {
    let arguments = CommandLine::read();
    arguments.color.write_global();
    match run(&arguments) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            anstream::eprintln!("{}", failure.render());
            ExitCode::from(Exit::Unreadable as u8)
        }
    }
}

fn run(arguments: &CommandLine) -> Result<Exit, Failure> {
    let workspace = || Workspace::load(&arguments.selection);
    match &arguments.command {
        Command::Init => init::run(&workspace()?),
        Command::New(new) => new::run(&workspace()?, new),
        Command::Override(entry) => policy::run_override(&workspace()?, entry),
        Command::Revoke(entry) => policy::run_revoke(&workspace()?, entry),
        Command::Exempt(entry) => policy::run_exempt(&workspace()?, entry),
        Command::Sync(sync) => sync::run(&workspace()?, sync),
        Command::Lint(lint) => commands::lint::run(&workspace()?, lint),
        Command::List(list) => list::run(&workspace()?, list),
        Command::Explain(explain) => explain::run(explain),
        Command::Completions(completions) => completions::run(completions),
    }
}
