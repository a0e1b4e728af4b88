//! How the commands that read a database grow with the number of tables: a server of our own, and two databases that
//! meet every requirement.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::commands::program;
use crate::cost;
use crate::crates::{library, repository, write};
use crate::server::Server;
use crate::table::{Rows, median, ratio, time};

const SIZES: [usize; 2] = [2_000, 10_000];
const ROUNDS: usize = 5;
const POLICY: &str = r#"[tenancy]
column = "org_id"
setting = "app.org_id"
type = "bigint"

[database]
app_roles = ["app"]
"#;
const COMMANDS: [&[&str]; 2] = [&["verify"], &["sql", "--diff"]];

pub fn rows() -> Rows {
    let program = program();
    let server = Server::start();
    let crates = SIZES.map(|tables| prepared(&program, &server, tables));
    let mut rows = Rows::default();
    for command in COMMANDS {
        let mut times = SIZES.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (directory, times) in crates.iter().zip(&mut times) {
                let mut run = table_registry(&program, directory);
                run.args(command)
                    .env("DATABASE_URL", server.url(&database(directory)));
                times.push(cost::of(&run).wall);
            }
        }
        let [two, ten]: [Duration; 2] = times.map(median);
        rows.add(
            format!(
                "`{}`, from 2,000 to 10,000 tables, nothing to report",
                command.join(" ")
            ),
            format!(
                "{} and {}: {:.2} times the time",
                time(two),
                time(ten),
                ratio(ten, two)
            ),
            "linear is 5.0",
        );
    }
    rows
}

/// A crate with tables that a database has, too, with all that the registry requires.
fn prepared(program: &Path, server: &Server, tables: usize) -> PathBuf {
    let facade = format!("table-registry = {{ path = \"{}\" }}\n", repository().display());
    let root = "mod schema;\ntable_registry::table_registry!(\"schema/\");\n";
    let directory = library(&format!("database_{tables}"), &facade, root);
    let mut structs = String::from("use table_registry::table;\n");
    let mut sql = String::new();
    for number in 0..tables {
        let name = format!("table_{number:05}");
        writeln!(
            structs,
            "#[table(name = \"{name}\")]\npub struct Row{number} {{\n    pub id: u64,\n    pub org_id: u64,\n    pub note: String,\n}}"
        )
        .expect("a string takes every text");
        writeln!(
            sql,
            "CREATE TABLE {name} (id int8 PRIMARY KEY, org_id int8 NOT NULL, note text NOT NULL);\nCREATE INDEX ON {name} (org_id);"
        )
        .expect("a string takes every text");
    }
    sql += "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;\n";
    fs::create_dir(directory.join("src/schema")).expect("a new directory");
    write(&directory.join("src/schema/mod.rs"), &structs);
    write(&directory.join("table-registry.toml"), POLICY);
    write(&directory.join("revoke.toml"), "update_delete = []\n");
    let required = table_registry(program, &directory).arg("sql").output();
    sql += &String::from_utf8(required.expect("the program runs").stdout).expect("text");
    let name = database(&directory);
    server.run("postgres", &format!("CREATE DATABASE {name}"));
    // As on a server with default settings.
    server.run("postgres", &format!("ALTER DATABASE {name} SET jit = on"));
    server.script(&name, &format!("{sql}ANALYZE;\n"));
    directory
}

fn database(directory: &Path) -> String {
    let name = directory.file_name().expect("a crate has a directory");
    name.to_string_lossy().into_owned()
}

fn table_registry(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("table-registry").current_dir(directory);
    command
}
