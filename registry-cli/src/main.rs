//! `cargo table-registry`: works on the tables of a table registry, without the compiler.

mod cells;
mod cli;
mod columns;
mod commands;
mod compiler_variables;
mod conventions;
mod database;
mod edit;
mod explain;
mod failure;
mod groups;
mod imports;
mod lint;
mod lock_file;
mod macro_lookup;
mod macro_rules;
mod module_file;
mod nesting;
mod orm;
mod orphans;
mod policy_edit;
mod policy_file;
mod progress;
mod project;
mod registry_call;
mod report;
mod rust_types;
mod scaffold;
mod schema_directory;
mod source_items;
mod sql_types;
mod tenant_column;
mod text;
mod workspace;

use std::process::ExitCode;

use cli::{Command, CommandLine};
use commands::{completions, init, list, new, policy, sync};
use failure::Failure;
use report::{Exit, say};

fn main() -> ExitCode {
    let arguments = CommandLine::read();
    arguments.color.write_global();
    report::set_quiet(arguments.quiet);
    match run(&arguments) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            say!("{}", failure.render());
            ExitCode::from(Exit::Failed as u8)
        }
    }
}

fn run(arguments: &CommandLine) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Init(init) => init::run(init),
        Command::New(new) => new::run(new),
        Command::Override(entry) => policy::run_override(entry),
        Command::Revoke(entry) => policy::run_revoke(entry),
        Command::Exempt(entry) => policy::run_exempt(entry),
        Command::Sync(sync) => sync::run(sync),
        Command::Lint(lint) => commands::lint::run(lint),
        Command::Sql(sql) => commands::sql::run(sql),
        Command::Verify(verify) => commands::verify::run(verify),
        Command::Matrix(matrix) => commands::matrix::run(matrix),
        Command::List(list) => list::run(list),
        Command::Explain(explain) => commands::explain::run(explain),
        Command::Completions(completions) => completions::run(completions),
    }
}
