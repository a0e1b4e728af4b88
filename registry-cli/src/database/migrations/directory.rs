//! Finds the migrations of a directory, in the order of the tool that owns it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use table_registry_engine::{Root, display, without_mark};
use toml_edit::DocumentMut;

use crate::database::code::mention::Words;
use crate::database::migrations::script::{Statement, statements};
use crate::database::migrations::tool::{self, Sending, Tool};
use crate::failure::Failure;

#[derive(Debug)]
pub struct Migration {
    pub path: PathBuf,
    /// The path relative to the directory, as exceptions write it.
    pub short: String,
    /// By which the tool knows the migration.
    pub version: String,
    pub name: String,
    pub sql: String,
    pub statements: Vec<Statement>,
    sending: Sending,
    /// Whether it asks to run outside a transaction.
    pub is_asked_for: bool,
}

impl Migration {
    /// Whether its statements run in one transaction.
    pub fn is_transaction(&self) -> bool {
        self.sending.is_transaction(&self.statements)
    }
}

/// The migrations of a directory.
#[derive(Debug)]
pub struct Migrations {
    pub tool: Tool,
    /// In the order in which the tool runs them.
    pub all: Vec<Migration>,
}

/// The migrations of a directory in order, for any of the supported tools.
pub fn find(root: &Root, directory: &Path) -> Result<Migrations, Failure> {
    let (tool, paths) = paths(root, directory)?;
    let all = paths.into_iter().map(|path| read(root, directory, path, tool));
    Ok(Migrations {
        tool,
        all: all.collect::<Result<_, _>>()?,
    })
}

/// The tool that owns a directory, and its files in order. Fails if there is none.
pub fn paths(root: &Root, directory: &Path) -> Result<(Tool, Vec<PathBuf>), Failure> {
    if let Some(tags) = drizzle_journal(root, directory)? {
        let paths = tags.iter().map(|tag| directory.join(format!("{tag}.sql")));
        return Ok((Tool::Drizzle, paths.collect()));
    }
    let mut paths = without_journal(root, directory)?;
    let Some(first) = paths.first() else {
        return Err(no_migrations(root, directory));
    };
    let names: Vec<String> = paths.iter().map(|path| short(path, directory)).collect();
    let tool = tool::of_files(directory, &names, &text(root, first)?);
    if tool == Tool::Diesel {
        paths.retain(|path| path.ends_with("up.sql"));
    }
    if tool.orders_texts() {
        paths.sort_by_cached_key(|path| version_and_name(tool, &short(path, directory)).0);
    }
    refuse_other_languages(root, directory, tool)?;
    Ok((tool, paths))
}

fn no_migrations(root: &Root, directory: &Path) -> Failure {
    let failure = Failure::new(format!("`{}` contains no migrations", display(directory)));
    let failure = failure
        .note("a migration is a file `<name>.sql`, or a directory with a file `up.sql` or `migration.sql`");
    match sea_orm_migration(root, directory) {
        Some(path) => Failure::new(format!(
            "the migrations of `{}` are Rust programs, which cannot be run from their files",
            display(directory)
        ))
        .note(format!("`{}` is a migration of SeaORM", display(&path)))
        .help("let SeaORM apply them to an empty database, and verify that with `--database-url`"),
        None => failure,
    }
}

/// A migration of SeaORM in the directory, or in the sources of the crate in it.
fn sea_orm_migration(root: &Root, directory: &Path) -> Option<PathBuf> {
    let directories = [directory.to_path_buf(), directory.join("src")];
    let existing = directories.into_iter().filter(|path| root.has_directory(path));
    existing.into_iter().find_map(|directory| {
        let mut names = names_in(root, &directory).ok()?;
        names.sort();
        let number = |name: &str| {
            name.strip_prefix('m')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let name = names.iter().find(|name| number(name) && is_of(name, "rs"))?;
        Some(directory.join(name))
    })
}

/// Fails if the tool also runs programs in the directory: without them, the result is another database.
fn refuse_other_languages(root: &Root, directory: &Path, tool: Tool) -> Result<(), Failure> {
    let mut names = names_in(root, directory)?;
    names.sort();
    let is_program = |name: &&String| match tool {
        Tool::Refinery => {
            is_of(name, "rs")
                && ['V', 'U']
                    .iter()
                    .any(|prefix| tool::versioned(*prefix, name).is_some())
        }
        Tool::Flyway => is_of(name, "java") && tool::versioned('V', name).is_some(),
        Tool::Goose => is_of(name, "go") && leading_number(name).is_some(),
        _ => false,
    };
    match names.iter().find(is_program) {
        Some(name) => Err(Failure::new(format!(
            "`{}` is a program, which cannot be run from its file",
            display(&directory.join(name))
        ))
        .note(format!("{} runs it between the migrations in SQL", tool.name()))
        .help(format!(
            "let {} apply all of them to an empty database, and verify that with `--database-url`",
            tool.name()
        ))),
        None => Ok(()),
    }
}

fn is_of(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

/// A path relative to the directory.
fn short(path: &Path, directory: &Path) -> String {
    display(path.strip_prefix(directory).unwrap_or(path))
}

/// The text of a file, without a byte order mark.
pub fn text(root: &Root, path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(root.resolve(path)).map_err(|error| unreadable(path, &error))?;
    Ok(without_mark(&text).to_string())
}

fn read(root: &Root, directory: &Path, path: PathBuf, tool: Tool) -> Result<Migration, Failure> {
    let whole = text(root, &path)?;
    let mut sql = without_restrictions(without_down(&whole));
    if tool == Tool::Drizzle {
        sql = sql.replace(BREAKPOINT, &format!(";{BREAKPOINT}"));
    }
    let statements = statements(&sql).map_err(|command| {
        not_applied(&path)
            .note(format!(
                "`{}:{}`: `{}` is a command of `psql`, and tools send their files to the server as they are",
                display(&path),
                command.line,
                command.text
            ))
            .help("write it as SQL")
    })?;
    let is_asked_for =
        tool.without_transaction().is_some() && asks_for_no_transaction(root, &path, tool, &sql)?;
    let sending = tool.without_transaction().filter(|_| is_asked_for);
    let short = short(&path, directory);
    let (version, name) = version_and_name(tool, &short);
    Ok(Migration {
        path,
        short,
        version,
        name,
        sql,
        statements,
        sending: sending.unwrap_or(tool.usual()),
        is_asked_for,
    })
}

pub fn not_applied(path: &Path) -> Failure {
    Failure::new(format!("migration `{}` cannot be applied", display(path)))
}

/// What drizzle writes between statements.
const BREAKPOINT: &str = "--> statement-breakpoint";

/// The text without the two commands that `pg_dump` writes for `psql`. The lines stay.
pub fn without_restrictions(text: &str) -> String {
    let is_restriction = |line: &str| line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
    let lines = text.split_inclusive('\n');
    lines
        .map(|line| if is_restriction(line) { "\n" } else { line })
        .collect()
}

/// By which version and name the tool knows a migration, given by its path in the directory.
pub fn version_and_name(tool: Tool, short: &str) -> (String, String) {
    let file = short.split('/').next().unwrap_or(short);
    let stem = [".up.sql", ".sql"]
        .iter()
        .find_map(|end| file.strip_suffix(end))
        .unwrap_or(file);
    let pair = |at: &str| {
        let (version, name) = stem.split_once(at).unwrap_or((stem, ""));
        (version.to_string(), name.replace('_', " "))
    };
    match tool {
        Tool::Diesel => {
            let (version, name) = pair("_");
            (version.replace('-', ""), name)
        }
        Tool::Refinery | Tool::Flyway => {
            let (version, name) = pair("__");
            (
                version.trim_start_matches(['V', 'U', 'R']).replace('_', "."),
                name,
            )
        }
        Tool::Drizzle | Tool::Prisma | Tool::Plain => (stem.to_string(), stem.to_string()),
        Tool::SqlMigrate => (file.to_string(), file.to_string()),
        Tool::Sqlx | Tool::Dbmate | Tool::Goose | Tool::GolangMigrate | Tool::Supabase => pair("_"),
    }
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

/// Whether no tool has migrations in a directory, or there is no such directory.
pub fn has_none(root: &Root, directory: &Path) -> bool {
    let has_journal = || !matches!(drizzle_journal(root, directory), Ok(None));
    let has_scripts = || without_journal(root, directory).map_or(true, |paths| !paths.is_empty());
    !root.has_directory(directory)
        || !(has_journal() || has_scripts() || sea_orm_migration(root, directory).is_some())
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

/// Whether a migration asks the tool to run it outside a transaction.
fn asks_for_no_transaction(root: &Root, path: &Path, tool: Tool, sql: &str) -> Result<bool, Failure> {
    let lines = sql.lines().map(str::trim);
    let mut head = lines.take_while(|line| line.is_empty() || line.starts_with("--"));
    Ok(match tool {
        Tool::Sqlx => sql.starts_with("-- no-transaction"),
        Tool::Diesel => !diesel_permits_transaction(root, path)?,
        _ => head.any(line_refuses_transaction),
    } || tool.notices_concurrently() && runs_concurrently(sql))
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
    use tempfile::TempDir;

    use super::*;

    fn find_in(directory: &Path) -> Result<Vec<Migration>, Failure> {
        Ok(find(&Root::current(), directory)?.all)
    }

    fn tool(directory: &TempDir) -> Tool {
        find(&Root::current(), directory.path()).unwrap().tool
    }

    fn sendings(directory: &TempDir) -> Vec<Sending> {
        let migrations = find_in(directory.path()).unwrap();
        migrations.iter().map(|migration| migration.sending).collect()
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
        assert_eq!(
            sendings(&directory),
            [
                Sending::InTransaction,
                Sending::InTransaction,
                Sending::AsOneQuery
            ]
        );
    }

    /// Diesel drops the dashes, and orders versions as texts. It ignores files beside the directories.
    #[test]
    fn the_order_of_diesel() {
        let directory = empty(&[
            "2017-01-01-000000_b/up.sql",
            "20140101000000_a/up.sql",
            "10_d/up.sql",
            "2_c/up.sql",
            "notes.sql",
        ]);
        assert_eq!(
            order(&directory),
            [
                "10_d/up.sql",
                "2_c/up.sql",
                "20140101000000_a/up.sql",
                "2017-01-01-000000_b/up.sql"
            ]
        );
        let migrations = find_in(directory.path()).unwrap();
        let known = (migrations[3].version.as_str(), migrations[3].name.as_str());
        assert_eq!(known, ("20170101000000", "b"));
    }

    #[test]
    fn the_transactions_of_sqlx() {
        let directory = directory(&[
            (
                "1_a.sql",
                "-- no-transaction\nCREATE INDEX CONCURRENTLY ON a (b);",
            ),
            ("2_b.sql", "-- a comment\n-- no-transaction\nVACUUM;"),
            ("3_c.sql", "CREATE INDEX CONCURRENTLY ON a (b);"),
            ("4_d.sql", "-- no-transaction\nVACUUM; VACUUM;"),
        ]);
        assert_eq!(tool(&directory), Tool::Sqlx);
        let migrations = find_in(directory.path()).unwrap();
        let in_transaction = migrations.iter().map(Migration::is_transaction);
        assert_eq!(in_transaction.collect::<Vec<_>>(), [false, true, true, true]);
    }

    #[test]
    fn programs_cannot_be_run() {
        let sea_orm = empty(&["src/lib.rs", "src/m20220101_000001_create_post.rs", "Cargo.toml"]);
        let text = failure(sea_orm.path());
        assert!(
            text.contains("are Rust programs") && text.contains("`--database-url`"),
            "{text}"
        );
        assert!(failure(&sea_orm.path().join("src")).contains("is a migration of SeaORM"));
        let refinery = empty(&["V1__a.sql", "V2__b.rs", "mod.rs"]);
        assert!(failure(refinery.path()).contains("V2__b.rs` is a program"));
        let goose = directory(&[("00001_a.sql", "-- +goose Up\n"), ("00002_b.go", "")]);
        assert!(failure(goose.path()).contains("goose runs it between the migrations"));
    }

    #[test]
    fn statements_of_drizzle() {
        let journal = r#"{"entries": [{"tag": "0000_a"}]}"#;
        let text = "CREATE TABLE a (id int)\n--> statement-breakpoint\nCREATE TABLE b (id int);--> statement-breakpoint\nSELECT 1";
        let directory = directory(&[("0000_a.sql", text), ("meta/_journal.json", journal)]);
        let statements = &find_in(directory.path()).unwrap()[0].statements;
        let lines = statements.iter().map(|one| (one.line, one.head[0].as_str()));
        assert_eq!(
            lines.collect::<Vec<_>>(),
            [(1, "create"), (3, "create"), (4, "select")]
        );
    }

    #[test]
    fn what_pg_dump_writes_for_psql() {
        let migration = only("\\restrict abc\nSELECT 1;\n\\unrestrict abc\n");
        assert_eq!((migration.statements.len(), migration.statements[0].line), (1, 2));
        let migrations = directory(&[("1.sql", "SELECT 1;\n\\i other.sql")]);
        let text = failure(migrations.path());
        assert!(text.contains(":2`: `\\i` is a command of `psql`"), "{text}");
        let migrations = directory(&[("1.sql", "COPY a FROM stdin;\n1\tit's\n\\.\n")]);
        assert!(failure(migrations.path()).contains("is a command of `psql`"));
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
            assert!(migration.is_transaction(), "{up}");
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
            assert_ne!(only(text).sending, Sending::InTransaction, "{text}");
        }
        for text in [
            "-- not concurrently\nSELECT 1;",
            "SELECT 1;\n-- no-transaction",
            "SELECT 'CONCURRENTLY', concurrently_created FROM a;",
            "-- migrate:up transaction:true\nSELECT 1;",
        ] {
            assert_eq!(only(text).sending, Sending::InTransaction, "{text}");
        }
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
}
