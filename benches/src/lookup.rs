//! Look-up by name: the generated registry against other ways to find something by its name. It runs in a crate of
//! its own, because the names have to be in the source when it is compiled.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::crates::{erp, library, repository, synthetic, target, write};
use crate::table::Rows;

/// The program of the crate: it looks up each name, and each name with one more letter, in turns.
const MAIN: &str = include_str!("lookup.main.txt");

pub fn rows() -> Rows {
    let mut rows = Rows::default();
    let erp: Vec<String> = erp().into_iter().map(|file| file.module).collect();
    let many: Vec<String> = synthetic(10_000).into_iter().map(|file| file.module).collect();
    for (name, names) in [("lookup_erp", erp), ("lookup_many", many)] {
        let count = names.len();
        for line in measured(name, names).lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            rows.add(format!("{count} names: {}", fields[0]), fields[1], fields[2]);
        }
    }
    rows
}

fn measured(name: &str, mut names: Vec<String>) -> String {
    names.sort();
    let facade = repository();
    let dependencies = format!(
        "inventory = \"0.3\"\nphf = {{ version = \"0.13\", features = [\"macros\"] }}\ntable-registry = {{ path = \"{}\" }}\n",
        facade.display()
    );
    let directory = library(name, &dependencies, "\n");
    write(&directory.join("src/main.rs"), MAIN);
    write(&directory.join("src/names.rs"), &others(&names));
    fs::create_dir(directory.join("src/schema")).expect("a new directory");
    write(&directory.join("src/schema/mod.rs"), &tables(&names));
    write(&directory.join("table-registry.toml"), "");
    write(&directory.join("revoke.toml"), "update_delete = []\n");
    run(&directory)
}

fn tables(names: &[String]) -> String {
    let table = |(number, name)| format!("#[table(name = {name:?})]\npub struct Row{number};\n");
    let tables: String = names.iter().enumerate().map(table).collect();
    format!("use table_registry::table;\n{tables}")
}

/// The same names in every other form.
fn others(names: &[String]) -> String {
    let each = |form: &dyn Fn(&str) -> String| names.iter().map(|name| form(name)).collect::<String>();
    let map = each(&|name| format!("{name:?} => TableKind::Truth,\n"));
    let arms = each(&|name| format!("{name:?} => Some(TableKind::Truth),\n"));
    let submitted = each(&|name| format!("inventory::submit! {{ Named({name:?}, TableKind::Truth) }}\n"));
    format!(
        "pub static PHF: phf::Map<&'static str, TableKind> = phf::phf_map! {{\n{map}}};
pub fn by_match(name: &str) -> Option<TableKind> {{\nmatch name {{\n{arms}_ => None,\n}}\n}}
{submitted}"
    )
}

fn run(directory: &Path) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--release"]).current_dir(directory);
    let output = cargo
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
