//! Writes the generated files of the example `erp`, and removes those that are no longer generated.

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
    let directory = example();
    let generated = generate(&Data::read(&directory.join("data"))?);
    fs::create_dir_all(directory.join(SCHEMA))?;
    let present = on_disk(&directory)?;
    for stale in present.keys().filter(|path| !generated.contains_key(*path)) {
        fs::remove_file(directory.join(stale))?;
        println!("removed {stale}");
    }
    // Unchanged files are not written, so that cargo does not rebuild the example.
    for (path, content) in &generated {
        if present.get(path) != Some(content) {
            fs::write(directory.join(path), content)?;
            println!("wrote {path}");
        }
    }
    Ok(())
}
