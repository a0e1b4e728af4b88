//! What a policy costs: one tenant of a thousand counts its rows among a million, on a server of our own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::commands::program;
use crate::crates::{library, repository, write};
use crate::server::Server;
use crate::table::{Rows, median, ratio, time};

const ROUNDS: usize = 15;
const DATABASE: &str = "policies";

/// `tasks` belong to tenants through `projects`; the other tables have a tenant column.
const SCHEMA: &str = "use table_registry::table;
#[table] pub struct Bare { pub id: i64, pub org_id: i64, pub note: String }
#[table] pub struct Wrapped { pub id: i64, pub org_id: i64, pub note: String }
#[table] pub struct Indexed { pub id: i64, pub org_id: i64, pub note: String }
#[table] pub struct Projects { pub id: i64, pub org_id: i64, pub note: String }
#[table(tenant = through(project_id -> projects))]
pub struct Tasks { pub id: i64, pub project_id: i64, pub note: String }
";

const POLICY: &str = r#"[tenancy]
column = "org_id"
setting = "app.org_id"

[database]
app_roles = ["app"]
"#;

/// The rows of tenants lie next to each other, as they come in. A tenant has 1,000 of a million rows, or 100 projects with
/// 10 tasks each.
const TABLES: &str = "
CREATE TABLE bare (id int8 PRIMARY KEY, org_id int8 NOT NULL, note text NOT NULL);
CREATE TABLE wrapped (LIKE bare INCLUDING ALL);
CREATE TABLE indexed (LIKE bare INCLUDING ALL);
CREATE TABLE projects (LIKE bare INCLUDING ALL);
CREATE TABLE tasks (id int8 PRIMARY KEY, project_id int8 NOT NULL REFERENCES projects, note text NOT NULL);
INSERT INTO bare SELECT n, n % 1000, repeat('x', 40) FROM generate_series(1, 1000000) n;
INSERT INTO wrapped SELECT * FROM bare;
INSERT INTO indexed SELECT * FROM bare;
INSERT INTO projects SELECT n, n % 1000, 'p' FROM generate_series(1, 100000) n;
INSERT INTO tasks SELECT n, 1 + n % 100000, repeat('x', 40) FROM generate_series(1, 1000000) n;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;
";

/// The registry's policy without its sub-select.
const BARE: &str = "ALTER POLICY tenant_isolation ON bare
USING (org_id = nullif(current_setting('app.org_id', true), '')::int8);
";

const INDEXED: [&str; 3] = ["indexed", "projects", "tasks"];

/// What is measured, the query, and the number of rows that it counts.
const QUERIES: [(&str, &str, &str); 5] = [
    (
        "`current_setting` for each row, no index",
        "SELECT count(*) FROM bare",
        "1000",
    ),
    (
        "in a sub-select, as `sql` prints it, no index",
        "SELECT count(*) FROM wrapped",
        "1000",
    ),
    (
        "in a sub-select, with an index on the tenant column",
        "SELECT count(*) FROM indexed",
        "1000",
    ),
    (
        "through a parent, with indexes",
        "SELECT count(*) FROM tasks",
        "1000",
    ),
    (
        "through a parent, with indexes: the rows of one parent",
        "SELECT count(*) FROM tasks WHERE project_id = 2007",
        "10",
    ),
];

/// The one that the others are compared with.
const WRAPPED: usize = 1;

pub fn rows() -> Rows {
    let server = Server::start();
    prepare(&server);
    let medians = measured(&server).map(median);
    let mut rows = Rows::default();
    for ((what, ..), spent) in QUERIES.iter().zip(medians) {
        rows.add(what, time(spent), compared(spent, medians[WRAPPED]));
    }
    rows
}

fn compared(spent: Duration, wrapped: Duration) -> String {
    let times = ratio(spent, wrapped);
    if times < 1.0 {
        format!("1/{:.0} of the sub-select without an index", 1.0 / times)
    } else {
        format!("{times:.2} × the sub-select without an index")
    }
}

/// Makes the tables with the policies and indexes that the registry asks for, as far as they are part of the comparison.
fn prepare(server: &Server) {
    let directory = registry();
    let program = program();
    let sql = |arguments: &[&str]| printed(&program, &directory, arguments);
    server.run("postgres", &format!("CREATE DATABASE {DATABASE}"));
    // The server of the tests already has the role `app`.
    server.script(DATABASE, &format!("{TABLES}{}{BARE}", sql(&["sql"])));
    let tables = INDEXED.iter().flat_map(|table| ["--table", table]);
    let indexes: Vec<&str> = ["sql", "--indexes"].into_iter().chain(tables).collect();
    server.script(DATABASE, &format!("{}VACUUM ANALYZE;\n", sql(&indexes)));
}

fn registry() -> PathBuf {
    let facade = format!("table-registry = {{ path = \"{}\" }}\n", repository().display());
    let root = "mod schema;\ntable_registry::table_registry!(\"schema/\");\n";
    let directory = library(DATABASE, &facade, root);
    fs::create_dir(directory.join("src/schema")).expect("a new directory");
    write(&directory.join("src/schema/mod.rs"), SCHEMA);
    write(&directory.join("table-registry.toml"), POLICY);
    write(&directory.join("revoke.toml"), "");
    directory
}

fn printed(program: &Path, directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .arg("table-registry")
        .args(arguments)
        .current_dir(directory);
    let output = command.output().expect("the program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The times of each query, all in one session of the application, in turns.
fn measured(server: &Server) -> [Vec<Duration>; QUERIES.len()] {
    let round = QUERIES.map(|(_, query, _)| [query, ";\n"].concat()).concat();
    // The first round is not measured.
    let script = format!(
        "SET ROLE app; SET app.org_id = '7'; SET max_parallel_workers_per_gather = 0;\n\\timing on\n{}",
        round.repeat(ROUNDS + 1)
    );
    let mut psql = server.psql(DATABASE);
    psql.args(["-At", "-f", "-"]).env("LC_ALL", "C");
    let mut process = psql
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psql runs");
    let mut input = process.stdin.take().expect("psql reads");
    input.write_all(script.as_bytes()).expect("psql reads all");
    drop(input);
    let output = process.wait_with_output().expect("psql ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let mut times = QUERIES.map(|_| Vec::new());
    for round in lines.chunks(2 * QUERIES.len()).skip(1) {
        for ((pair, (_, query, count)), times) in round.chunks(2).zip(&QUERIES).zip(&mut times) {
            assert_eq!(pair[0], *count, "{query}");
            times.push(milliseconds(pair[1]));
        }
    }
    times
}

/// The time that `psql` prints: `Time: 12.345 ms`.
fn milliseconds(line: &str) -> Duration {
    let number = line
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<f64>().ok());
    Duration::from_secs_f64(number.expect("psql prints the time") / 1e3)
}
