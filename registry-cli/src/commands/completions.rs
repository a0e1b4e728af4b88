//! `cargo table-registry completions SHELL`.

use clap::CommandFactory;

use crate::cli::{CommandLine, CompletionsArguments};
use crate::failure::Failure;
use crate::report::{self, Exit};

pub fn run(arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    clap_complete::generate(arguments.shell, &mut command, "cargo-table-registry", &mut script);
    report::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
