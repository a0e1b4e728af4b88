//! Finds migrations, orders them, and applies them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use table_registry_engine::{Root, display, without_mark};
use toml_edit::DocumentMut;

use super::mention::Words;
use super::server::{SUPERUSER, Server, output};
use super::statements::identifier;
use crate::failure::Failure;
use crate::progress;

/// The role that applies migrations, and owns what they create.
pub const MIGRATOR: &str = "table_registry_migrator";

/// The database that migrations are applied to.
pub const DATABASE: &str = "verify";

#[derive(Debug)]
pub struct Migration {
    pub path: PathBuf,
    pub sql: String,
    pub in_transaction: bool,
}

/// The migrations of a directory in order, for any of the supported tools.
pub fn find(root: &Root, directory: &Path) -> Result<Vec<Migration>, Failure> {
    let paths = match drizzle_journal(root, directory)? {
        Some(tags) => tags
            .iter()
            .map(|tag| directory.join(format!("{tag}.sql")))
            .collect(),
        None => without_journal(root, directory)?,
    };
    if paths.is_empty() {
        return Err(
            Failure::new(format!("`{}` contains no migrations", display(directory))).note(
                "a migration is a file `<name>.sql`, or a directory with a file `up.sql` or `migration.sql`",
            ),
        );
    }
    paths
        .into_iter()
        .map(|path| Migration::read(root, path))
        .collect()
}

/// Applies migrations to a new database. The role that then owns its tables is no longer a superuser.
pub fn apply(server: &Server, migrations: &[Migration], app_roles: &[String]) -> Result<(), Failure> {
    set_up(server, &format!("CREATE ROLE {MIGRATOR} SUPERUSER LOGIN"))?;
    set_up(server, &format!("CREATE DATABASE {DATABASE} OWNER {MIGRATOR}"))?;
    for role in missing_roles(migrations, app_roles) {
        set_up(server, &format!("CREATE ROLE {} NOLOGIN", identifier(role)))?;
    }
    let bar = progress::bar("Applying", migrations.len());
    for migration in migrations {
        bar.set_message(display(&migration.path));
        migration.apply(server)?;
        bar.inc(1);
    }
    set_up(server, &format!("ALTER ROLE {MIGRATOR} NOSUPERUSER"))
}

/// The roles of the application that migrations name but do not create. If no migration names a role, a check reports
/// it.
fn missing_roles<'a>(migrations: &[Migration], app_roles: &'a [String]) -> Vec<&'a str> {
    let texts: Vec<Words> = migrations.iter().map(|one| Words::of(&one.sql)).collect();
    let is_named = |role: &str| texts.iter().any(|words| words.contains(role));
    let is_created = |role: &str| texts.iter().any(|words| words.creates_role(role));
    let roles = app_roles.iter().map(String::as_str);
    roles
        .filter(|role| *role != SUPERUSER && is_named(role) && !is_created(role))
        .collect()
}

fn set_up(server: &Server, statement: &str) -> Result<(), Failure> {
    let mut psql = server.psql(SUPERUSER, SUPERUSER);
    let ended = output(psql.args(["-c", statement]))?;
    if ended.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&ended.stderr);
    Err(Failure::new("the database cannot be prepared")
        .note(format!("`{statement}` fails"))
        .note(message.trim_end()))
}

impl Migration {
    fn read(root: &Root, path: PathBuf) -> Result<Self, Failure> {
        let text = fs::read_to_string(root.resolve(&path)).map_err(|error| unreadable(&path, &error))?;
        let sql = without_down(without_mark(&text)).to_string();
        let in_transaction = !refuses_transaction(&sql) && diesel_permits_transaction(root, &path)?;
        Ok(Self {
            path,
            sql,
            in_transaction,
        })
    }

    fn apply(&self, server: &Server) -> Result<(), Failure> {
        if let Some(command) = command_that_leaves(&self.sql) {
            return Err(self.cut_off(&format!("`{command}`")));
        }
        let mut psql = server.psql(MIGRATOR, DATABASE);
        // `--single-transaction` has no effect unless an option names the input.
        psql.args(["-f", "-"]);
        if self.in_transaction {
            psql.arg("--single-transaction");
        }
        // With a pipe, both sides could block if `psql` prints a lot before it has read all its input.
        let input = temporary_file(&format!("{}\n\\echo {END} :DBNAME\n", self.sql));
        psql.stdin(input.map_err(|error| self.not_applied(error))?);
        let ended = output(&mut psql)?;
        let message = String::from_utf8_lossy(&ended.stderr);
        // A migration can make `psql` continue after an error.
        if ended.status.success() && !message.contains(": ERROR:  ") {
            let end = format!("{END} {DATABASE}");
            let mut lines = ended.stdout.split(|byte| *byte == b'\n');
            return if lines.any(|line| line == end.as_bytes()) {
                Ok(())
            } else {
                Err(self.cut_off("`psql`"))
            };
        }
        let place = format!("{}:", display(&self.path));
        let failure = self.not_applied(message.trim_end().replace("psql:<stdin>:", &place));
        Err(failure.help(
            "the throwaway server has an empty database `verify` and the roles of `app_roles` that migrations name; \
             if the migrations need more, verify an existing database with `--database-url`",
        ))
    }

    fn cut_off(&self, by: &str) -> Failure {
        self.not_applied(format!("{by} keeps the rest of it from reaching this database"))
            .help("each migration is applied to one database, from its start to its end: remove the command that ends it or connects elsewhere")
    }

    fn not_applied(&self, reason: impl std::fmt::Display) -> Failure {
        Failure::new(format!("migration `{}` cannot be applied", display(&self.path))).note(reason)
    }
}

/// What `psql` prints at the end of a migration, before the name of its database.
const END: &str = "table-registry: end of";

/// A `psql` command at the start of a line that keeps the rest of a migration from reaching this database. Such a
/// command later in a line is noticed because [`END`] is not printed:
/// <https://www.postgresql.org/docs/current/app-psql.html>.
fn command_that_leaves(sql: &str) -> Option<&str> {
    let words = sql.lines().filter_map(|line| line.split_whitespace().next());
    let mut commands = words.filter(|word| word.starts_with('\\'));
    commands.find(|word| matches!(*word, "\\q" | "\\quit" | "\\c" | "\\connect"))
}

fn temporary_file(text: &str) -> io::Result<fs::File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::InvalidData {
        return Failure::new(format!("`{}` is not valid UTF-8", display(path)))
            .help("save the file as UTF-8");
    }
    Failure::io("read", path, error)
}

/// The order of the migrations, if there is a drizzle journal.
fn drizzle_journal(root: &Root, directory: &Path) -> Result<Option<Vec<String>>, Failure> {
    #[derive(serde::Deserialize)]
    struct Journal {
        entries: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        tag: String,
    }
    let path = directory.join("meta/_journal.json");
    if !root.has_file(&path) {
        return Ok(None);
    }
    let text = fs::read_to_string(root.resolve(&path)).map_err(|error| unreadable(&path, &error))?;
    let journal: Journal = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("`{}` is not a drizzle journal", display(&path))).note(error)
    })?;
    Ok(Some(journal.entries.into_iter().map(|entry| entry.tag).collect()))
}

fn without_journal(root: &Root, directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut names = names_in(root, directory)?;
    let undone: BTreeSet<Vec<u128>> = names.iter().filter_map(|name| version('V', name)).collect();
    names.retain(|name| !is_hidden(name) && !is_undo(name, &undone));
    names.sort_by_cached_key(|name| place_in_order(name));
    let mut scripts = Vec::new();
    for name in &names {
        let path = directory.join(name);
        if root.has_directory(&path) {
            scripts.extend(script_in(root, &path)?);
        } else {
            scripts.extend(is_script(&path, &names).then_some(path));
        }
    }
    Ok(scripts)
}

fn names_in(root: &Root, directory: &Path) -> Result<Vec<String>, Failure> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => Failure::new(format!("`{}` is not a directory", display(directory)))
            .help("name the directory that holds the migrations"),
        io::ErrorKind::NotFound => {
            Failure::io("read", directory, &error).help("name the directory that holds the migrations")
        }
        _ => Failure::io("read", directory, &error),
    };
    let entries = fs::read_dir(root.resolve(directory)).map_err(unreadable)?;
    let names = entries.map(|entry| {
        let name = entry.map_err(unreadable)?.file_name();
        name.into_string().map_err(|name| {
            let path = directory.join(name);
            Failure::new(format!("the name of `{}` is not valid UTF-8", display(&path))).help("rename it")
        })
    });
    names.collect()
}

/// The file with the statements in the directory of a migration. Fails if the directory has only other SQL files,
/// which would be ignored.
fn script_in(root: &Root, directory: &Path) -> Result<Option<PathBuf>, Failure> {
    let scripts = ["up.sql", "migration.sql"].map(|name| directory.join(name));
    if let Some(script) = scripts.into_iter().find(|script| root.has_file(script)) {
        return Ok(Some(script));
    }
    let names = names_in(root, directory)?;
    match names.iter().find(|name| is_sql(Path::new(name))) {
        Some(name) => Err(Failure::new(format!(
            "`{}` is not a migration, but contains `{name}`",
            display(directory)
        ))
        .note("a directory is a migration if it has a file `up.sql` or `migration.sql`")
        .help("name the directory whose files are the migrations, or move the file there")),
        None => Ok(None),
    }
}

fn is_sql(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case("sql"))
}

/// Whether a file is a migration and does not undo one, as `1_a.down.sql` does, and `1_a_down.sql` beside
/// `1_a_up.sql`.
fn is_script(path: &Path, names: &[String]) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let undoes = ["_down", "-down"].iter().any(|end| {
        let up = stem
            .strip_suffix(end)
            .map(|stem| format!("{stem}{}.sql", end.replace("down", "up")));
        up.is_some_and(|up| names.contains(&up))
    });
    is_sql(path) && !stem.ends_with(".down") && !undoes
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Whether a file undoes a migration: in Flyway, `U2__….sql` undoes `V2__….sql`. In refinery, `U3__….sql` is a
/// migration in its own right.
fn is_undo(name: &str, undone: &BTreeSet<Vec<u128>>) -> bool {
    version('U', name).is_some_and(|version| undone.contains(&version))
}

/// The sort key of a migration: by number. A migration without a number, such as Flyway's `R__views.sql`, comes last.
fn place_in_order(name: &str) -> (bool, Vec<u128>, String) {
    let of_tool = version('V', name).or_else(|| version('U', name));
    let numbers = of_tool.or_else(|| leading_number(name).map(|number| vec![number]));
    (numbers.is_none(), numbers.unwrap_or_default(), name.to_string())
}

/// `V1.2__name.sql` and `V1_2__name.sql` have the version 1.2.
fn version(prefix: char, name: &str) -> Option<Vec<u128>> {
    let (version, _) = name.strip_prefix(prefix)?.split_once("__")?;
    version.split(['.', '_']).map(|part| part.parse().ok()).collect()
}

fn leading_number(name: &str) -> Option<u128> {
    let number = name.strip_prefix(['V', 'U']).unwrap_or(name);
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// The text without the statements that undo the migration. dbmate, goose and sql-migrate have both in one file.
fn without_down(text: &str) -> &str {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if is_directive(line, "down") {
            return &text[..start];
        }
        start += line.len();
    }
    text
}

/// Whether the line is a directive for a direction, such as `-- migrate:down` or `-- +goose Down`.
fn is_directive(line: &str, direction: &str) -> bool {
    directive(line).is_some_and(|(found, _)| found.eq_ignore_ascii_case(direction))
}

/// Splits a directive: `-- migrate:up transaction:false` into `up` and `transaction:false`.
fn directive(line: &str) -> Option<(&str, &str)> {
    let comment = line.trim().strip_prefix("--")?.trim_start();
    let words = ["migrate:", "+goose ", "+migrate "];
    let rest = words
        .iter()
        .find_map(|word| comment.strip_prefix(word))?
        .trim_start();
    Some(rest.split_once(char::is_whitespace).unwrap_or((rest, "")))
}

fn refuses_transaction(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut head = lines.take_while(|line| line.is_empty() || line.starts_with("--"));
    head.any(line_refuses_transaction) || runs_concurrently(text)
}

fn line_refuses_transaction(line: &str) -> bool {
    let comment = line.trim().trim_start_matches('-').trim_start();
    // sqlx, goose.
    comment.starts_with("no-transaction")
        || directive(line).is_some_and(|(word, rest)| match word {
            "NO" => rest.trim() == "TRANSACTION",
            // dbmate, sql-migrate.
            _ => ["transaction:false", "notransaction"]
                .iter()
                .any(|option| rest.split_whitespace().any(|word| word == *option)),
        })
}

/// `CREATE INDEX CONCURRENTLY` and similar statements cannot run in a transaction.
fn runs_concurrently(text: &str) -> bool {
    Words::outside_quotes(text).contains("concurrently")
}

/// Whether the migration may run in a transaction. Diesel sets this in a file beside `up.sql`.
fn diesel_permits_transaction(root: &Root, script: &Path) -> Result<bool, Failure> {
    if !script.ends_with("up.sql") {
        return Ok(true);
    }
    let path = script.with_file_name("metadata.toml");
    if !root.has_file(&path) {
        return Ok(true);
    }
    let text = fs::read_to_string(root.resolve(&path)).map_err(|error| unreadable(&path, &error))?;
    let metadata: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(format!("`{}` is not valid TOML", display(&path))).note(error.message())
    })?;
    let run_in_transaction = metadata
        .get("run_in_transaction")
        .and_then(toml_edit::Item::as_bool);
    Ok(run_in_transaction.unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use std::env;

    use tempfile::TempDir;

    use super::*;

    fn find_in(directory: &Path) -> Result<Vec<Migration>, Failure> {
        find(&Root::current(), directory)
    }

    fn directory(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn empty(names: &[&str]) -> TempDir {
        let files: Vec<_> = names.iter().map(|name| (*name, "")).collect();
        directory(&files)
    }

    fn order(directory: &TempDir) -> Vec<String> {
        let migrations = find_in(directory.path()).unwrap();
        let paths = migrations.iter().map(|migration| &migration.path);
        paths
            .map(|path| display(path.strip_prefix(directory.path()).unwrap()))
            .collect()
    }

    fn only(text: &str) -> Migration {
        let migrations = directory(&[("1.sql", text)]);
        find_in(migrations.path()).unwrap().remove(0)
    }

    fn failure(directory: &Path) -> String {
        let text = find_in(directory).unwrap_err().render();
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let plain = empty(&[
            "10_c.sql",
            "2_b.sql",
            "1_a.sql",
            "views.sql",
            "README.md",
            ".3_d.sql",
        ]);
        assert_eq!(order(&plain), ["1_a.sql", "2_b.sql", "10_c.sql", "views.sql"]);
        let same_number = empty(&["1_b.sql", "001_a.sql", "1_a.sql"]);
        assert_eq!(order(&same_number), ["001_a.sql", "1_a.sql", "1_b.sql"]);
    }

    #[test]
    fn sqlx() {
        let reversible = empty(&["20240102_b.down.sql", "20240102_b.up.sql", "20240101_a.sql"]);
        assert_eq!(order(&reversible), ["20240101_a.sql", "20240102_b.up.sql"]);
        let by_suffix = empty(&["1_a_up.sql", "1_a_down.sql", "2_slow_down.sql"]);
        assert_eq!(order(&by_suffix), ["1_a_up.sql", "2_slow_down.sql"]);
    }

    #[test]
    fn diesel() {
        let directory = directory(&[
            ("2024-01-02-000000_b/up.sql", ""),
            ("2024-01-02-000000_b/down.sql", ""),
            ("2024-01-02-000000_b/metadata.toml", "run_in_transaction = false"),
            ("2024-01-01-000000_a/up.sql", ""),
            ("00000000000000_diesel_initial_setup/up.sql", ""),
            (".keep", ""),
        ]);
        let expected = [
            "00000000000000_diesel_initial_setup/up.sql",
            "2024-01-01-000000_a/up.sql",
            "2024-01-02-000000_b/up.sql",
        ];
        assert_eq!(order(&directory), expected);
        let migrations = find_in(directory.path()).unwrap();
        let in_transaction = migrations.iter().map(|migration| migration.in_transaction);
        assert_eq!(in_transaction.collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn drizzle() {
        let journal =
            r#"{"version": "7", "entries": [{"idx": 0, "tag": "0001_a"}, {"idx": 1, "tag": "0000_b"}]}"#;
        let old = directory(&[
            ("0000_b.sql", ""),
            ("0001_a.sql", ""),
            ("0002_draft.sql", ""),
            ("meta/_journal.json", journal),
            ("meta/0000_snapshot.json", "{}"),
        ]);
        assert_eq!(order(&old), ["0001_a.sql", "0000_b.sql"]);
        let broken = directory(&[("meta/_journal.json", "[]")]);
        assert!(failure(broken.path()).contains("is not a drizzle journal"));
    }

    #[test]
    fn prisma_and_newer_drizzle() {
        let directory = empty(&[
            "20240102_b/migration.sql",
            "20240102_b/snapshot.json",
            "20240101_a/migration.sql",
            "migration_lock.toml",
        ]);
        assert_eq!(
            order(&directory),
            ["20240101_a/migration.sql", "20240102_b/migration.sql"]
        );
    }

    #[test]
    fn flyway_and_refinery() {
        let flyway = empty(&[
            "R__views.sql",
            "V10__d.sql",
            "V2__c.sql",
            "V1.10__b.sql",
            "V1_2__a.sql",
            "U2__c.sql",
        ]);
        let expected = [
            "V1_2__a.sql",
            "V1.10__b.sql",
            "V2__c.sql",
            "V10__d.sql",
            "R__views.sql",
        ];
        assert_eq!(order(&flyway), expected);
        let refinery = empty(&["V1__a.sql", "U2__b.sql", "V3__c.sql"]);
        assert_eq!(order(&refinery), ["V1__a.sql", "U2__b.sql", "V3__c.sql"]);
    }

    #[test]
    fn statements_that_undo_a_migration_are_cut_off() {
        for (up, down) in [
            ("-- migrate:up", "-- migrate:down"),
            ("-- +goose Up", "-- +goose Down"),
            ("-- +migrate Up", "-- +migrate Down"),
            ("--migrate:up", "--migrate:down transaction:false"),
        ] {
            let migration = only(&format!("{up}\nSELECT 1;\n{down}\nDROP TABLE a;\n"));
            assert_eq!(migration.sql, format!("{up}\nSELECT 1;\n"));
            assert!(migration.in_transaction, "{up}");
        }
        assert_eq!(only("\u{feff}SELECT 1; -- down").sql, "SELECT 1; -- down");
    }

    #[test]
    fn some_migrations_refuse_a_transaction() {
        for text in [
            "-- no-transaction\nVACUUM;",
            "\n-- comment\n-- migrate:up transaction:false\nVACUUM;",
            "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM;",
            "-- +migrate Up notransaction\nVACUUM;",
            "CREATE INDEX concurrently ON a (b);",
        ] {
            assert!(!only(text).in_transaction, "{text}");
        }
        for text in [
            "-- not concurrently\nSELECT 1;",
            "SELECT 1;\n-- no-transaction",
            "SELECT 'CONCURRENTLY', concurrently_created FROM a;",
            "-- migrate:up transaction:true\nSELECT 1;",
        ] {
            assert!(only(text).in_transaction, "{text}");
        }
    }

    #[test]
    fn roles_that_no_migration_creates_are_created_before() {
        let migration = only("CREATE ROLE app; DO $$ BEGIN CREATE ROLE guarded; END $$; DROP ROLE web;");
        let roles = ["app", "guarded", "web", "wbe", "postgres"].map(String::from);
        assert_eq!(missing_roles(&[migration], &roles), ["web"]);
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        assert!(failure(directory.path()).contains("contains no migrations"));
        assert!(failure(&directory.path().join("a")).contains("cannot be read"));
        let file = directory.path().join("1.sql");
        fs::write(&file, b"\xff").unwrap();
        assert!(failure(&file).contains("is not a directory"));
        assert!(failure(directory.path()).contains("is not valid UTF-8"));
        let nested = empty(&["1_a.sql", "more/2_b.sql"]);
        assert!(failure(nested.path()).contains("is not a migration, but contains `2_b.sql`"));
    }

    #[test]
    fn commands_that_leave_the_database() {
        assert_eq!(
            command_that_leaves("SELECT 1;\n  \\connect other\n"),
            Some("\\connect")
        );
        assert_eq!(
            command_that_leaves("\\set x 1\nCOPY a FROM stdin;\n\\N\n\\.\n"),
            None
        );
    }

    /// A server, or `None` if the machine has no PostgreSQL. In CI that is a failure.
    fn server() -> Option<Server> {
        match Server::start() {
            Ok(server) => Some(server),
            Err(failure) => {
                let in_ci = env::var("CI").is_ok_and(|value| value == "true");
                let reason = failure.render();
                assert!(
                    !in_ci && reason.contains("there is no PostgreSQL server"),
                    "{reason}"
                );
                println!("skipped: {reason}");
                None
            }
        }
    }

    fn query(server: &Server, query: &str) -> String {
        let mut psql = server.psql(SUPERUSER, DATABASE);
        let ended = output(psql.args(["-A", "-t", "-c", query])).unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap().trim_end().to_string()
    }

    #[test]
    fn migrations_are_applied_to_a_server_that_leaves_nothing_behind() {
        let Some(server) = server() else { return };
        let path = server.directory().to_path_buf();
        let applied = directory(&[
            (
                "1_a.sql",
                "CREATE TABLE a (id int);\nCREATE ROLE web;\nGRANT SELECT ON a TO app, web;\n",
            ),
            ("2_b.sql", "CREATE INDEX CONCURRENTLY ON a (id);\n"),
        ]);
        let roles = ["app".to_string(), "web".to_string()];
        apply(&server, &find_in(applied.path()).unwrap(), &roles).unwrap();
        assert_eq!(
            query(&server, "SELECT tableowner FROM pg_tables WHERE tablename = 'a'"),
            MIGRATOR
        );
        let superusers = "SELECT rolname FROM pg_roles WHERE rolsuper";
        assert_eq!(query(&server, superusers), SUPERUSER);
        assert_eq!(
            query(&server, "SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"),
            "1"
        );

        let broken = directory(&[("3_c.sql", "CREATE TABLE c (id int);\nSELECT 1;\nDROP TABLE d;\n")]);
        let failing = find_in(broken.path()).unwrap().remove(0);
        let failure = failing.apply(&server).unwrap_err().render();
        let shown = display(&failing.path);
        assert!(
            failure.contains(&format!("migration `{shown}` cannot be applied")),
            "{failure}"
        );
        assert!(
            failure.contains(&format!("{shown}:3: ERROR:  table \"d\" does not exist")),
            "{failure}"
        );
        assert_eq!(
            query(&server, "SELECT count(*) FROM pg_tables WHERE tablename = 'c'"),
            "0"
        );

        for (sql, reason) in [
            (
                "\\set ON_ERROR_STOP 0\nDROP TABLE gone;",
                "1.sql:2: ERROR:  table \"gone\" does not exist",
            ),
            (
                "\\connect postgres\nSELECT 1;",
                "`\\connect` keeps the rest of it from reaching this database",
            ),
            (
                "SELECT 1; \\q\nCREATE TABLE users (id int);",
                "`psql` keeps the rest of it from reaching this database",
            ),
            (
                "SELECT 1 \\g \\connect postgres",
                "`psql` keeps the rest of it from reaching this database",
            ),
        ] {
            let failure = only(sql).apply(&server).unwrap_err();
            assert!(failure.render().contains(reason), "{}", failure.render());
        }

        drop(server);
        assert!(!path.exists());
    }
}
