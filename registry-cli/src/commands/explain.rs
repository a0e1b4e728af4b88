//! `cargo table-registry explain [CODE]`.

use table_registry_engine::{Code, did_you_mean};

use crate::cli::ExplainArguments;
use crate::explain;
use crate::failure::Failure;
use crate::report::{self, Exit};

pub fn run(arguments: &ExplainArguments) -> Result<Exit, Failure> {
    let text = match &arguments.code {
        Some(name) => explain::page(find(name)?),
        None => explain::list(),
    };
    report::data(&text)?;
    Ok(Exit::Fine)
}

/// As in rustc, `-` and `_` are interchangeable.
fn find(name: &str) -> Result<Code, Failure> {
    let wanted = name.replace('_', "-");
    let found = Code::all().into_iter().find(|code| code.as_str() == wanted);
    found.ok_or_else(|| {
        let names = || Code::all().into_iter().map(Code::as_str);
        let part_of = || names().find(|code| code.split('-').any(|word| word == wanted));
        let part_of = || part_of().map(|code| format!("did you mean `{code}`?"));
        Failure::new(format!("unknown code `{name}`"))
            .maybe_help(did_you_mean(&wanted, names()).or_else(part_of))
            .help("run `cargo table-registry explain` for the list of all codes")
    })
}
