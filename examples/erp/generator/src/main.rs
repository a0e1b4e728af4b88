//! Writes the generated files of the example `erp`, and removes those that no longer belong to a table.

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use erp_generator::{Data, SCHEMA, example, generate, on_disk};

fn main() -> ExitCode {
    match regenerate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn regenerate() -> Result<(), Box<dyn Error>> {
    let example = example();
    let generated = generate(&Data::read(&example.join("data"))?);
    fs::create_dir_all(example.join(SCHEMA))?;
    let present = on_disk(&example)?;
    for stale in present.keys().filter(|path| !generated.contains_key(*path)) {
        fs::remove_file(example.join(stale))?;
        println!("removed {stale}");
    }
    // An unchanged file keeps its modification time, so that it is not recompiled.
    for (path, content) in &generated {
        if present.get(path) != Some(content) {
            fs::write(example.join(path), content)?;
            println!("wrote {path}");
        }
    }
    Ok(())
}
