//! PostgreSQL servers in temporary directories: one that test cases share, and one for each case that changes roles.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Runs a server until standard input ends, which happens whenever and however the test process ends. The server
/// starts with a copy of the files in `$2`, if `$2` is not empty.
const SCRIPT: &str = r#"
set -e
directory=$(mktemp -d "$1/trt-XXXXXX")
trap 'pg_ctl -D "$directory/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$directory"' EXIT
if [ -n "$2" ]; then
    cp -R "$2/data" "$directory/data"
else
    initdb -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --wal-segsize=1 >/dev/null
fi
pg_ctl -D "$directory/data" -l "$directory/log" -w start >/dev/null \
    -o "-k '$directory' -c listen_addresses='' -c fsync=off -c max_locks_per_transaction=1024" \
    -o "-c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0" \
    -o "-c shared_buffers=16MB -c autovacuum=off -c jit=off"
echo "$directory"
cat >/dev/null
"#;

/// The role that applies migrations, under the name that the program gives it.
pub const MIGRATOR: &str = "table_registry_migrator";

/// The roles of every server: the application's role, and some roles that it cannot become.
const ROLES: &str = "
    CREATE ROLE table_registry_migrator LOGIN;
    CREATE ROLE erp_app;
    CREATE ROLE app;
    CREATE ROLE clerk;
    CREATE ROLE backup BYPASSRLS;
    CREATE ROLE reporting IN ROLE erp_app;
";

/// The content of a database before a test case begins.
#[derive(Clone, Copy)]
pub struct Template {
    pub name: &'static str,
    pub migrations: fn() -> Vec<String>,
}

pub struct Server {
    directory: PathBuf,
    process: Child,
    /// The templates that exist already.
    templates: Mutex<BTreeSet<&'static str>>,
    /// The migrator is a superuser while it applies a migration, and two sessions cannot change one role.
    migration: Mutex<()>,
    /// Databases that no test case needs any more.
    spent: Mutex<Vec<String>>,
}

/// The server that test cases share. Each case has a database of its own, but roles are common to all databases of a
/// server: a case that changes a role needs [`Server::start`].
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    /// A server that contains only roles. It copies the files of a stopped server, which is quicker than `initdb`.
    pub fn start() -> Self {
        static STOPPED: OnceLock<Server> = OnceLock::new();
        let stopped = STOPPED.get_or_init(|| {
            let server = Self::start_with("");
            server.run("postgres", ROLES);
            // Before PostgreSQL 15, every role may create objects in it.
            server.run("template1", "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
            server.halt();
            server
        });
        Self::start_with(&stopped.directory.to_string_lossy())
    }

    /// Stops the server, but keeps its files until this value is dropped.
    fn halt(&self) {
        let mut stop = Command::new(binary("pg_ctl"));
        stop.args(["-m", "fast", "-w", "stop", "-D"])
            .arg(self.directory.join("data"));
        as_other_user(&mut stop);
        assert!(stop.current_dir("/").output().unwrap().status.success());
    }

    fn start_with(files: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            Path::new("/tmp")
        };
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SCRIPT, "sh"])
            .arg(parent)
            .arg(files)
            .current_dir("/");
        shell.env(
            "PATH",
            format!("{}:{}", installed().display(), std::env::var("PATH").unwrap()),
        );
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        as_other_user(&mut shell);
        let mut process = shell.spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server does not start");
        Self {
            directory: PathBuf::from(line.trim()),
            process,
            templates: Mutex::default(),
            migration: Mutex::default(),
            spent: Mutex::default(),
        }
    }

    /// A new database with the content of its template.
    pub fn database(&self, template: Template) -> Database<'_> {
        self.make(template);
        self.copy_of(template.name)
    }

    /// A new database with the content of another one, to which nobody is connected.
    pub fn copy(&self, database: &Database<'_>) -> Database<'_> {
        self.copy_of(&database.name)
    }

    fn copy_of(&self, original: &str) -> Database<'_> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("case_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let spent = std::mem::take(&mut *locked(&self.spent));
        let drop = |name: &String| format!("DROP DATABASE {name} WITH (FORCE);\n");
        let drops: String = spent.iter().map(drop).collect();
        // Copying files is quicker than the default since PostgreSQL 15, which logs every block.
        let strategy = if version() >= 15 { "STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {name} TEMPLATE {original} OWNER {MIGRATOR} {strategy};\n");
        self.script("postgres", &format!("{drops}{create}"));
        Database { server: self, name }
    }

    fn make(&self, template: Template) {
        let mut made = locked(&self.templates);
        if !made.insert(template.name) {
            return;
        }
        let name = template.name;
        self.run("postgres", &format!("CREATE DATABASE {name} OWNER {MIGRATOR}"));
        for migration in (template.migrations)() {
            self.migrate(name, &migration);
        }
        // A database cannot be copied while somebody is connected to it.
        self.run(
            "postgres",
            &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
        );
    }

    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:s3cret@localhost/{database}?host={}",
            self.directory.display()
        )
    }

    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(binary("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-h",
        ]);
        psql.arg(&self.directory);
        psql
    }

    #[track_caller]
    pub fn run(&self, database: &str, sql: &str) {
        let output = self.psql(database).args(["-c", sql]).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Runs statements one by one.
    #[track_caller]
    pub fn script(&self, database: &str, sql: &str) {
        let mut psql = self.psql(database);
        psql.args(["-f", "-"])
            .env("PGOPTIONS", "-c client_min_messages=error");
        psql.stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = psql.spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        input.write_all(sql.as_bytes()).unwrap();
        drop(input);
        let output = process.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}");
    }

    /// Runs statements as the migrator, which is a superuser until the transaction ends. No other session sees that.
    #[track_caller]
    fn migrate(&self, database: &str, sql: &str) {
        let _alone = locked(&self.migration);
        let script = format!(
            "BEGIN;
             ALTER ROLE {MIGRATOR} SUPERUSER;
             SET LOCAL SESSION AUTHORIZATION {MIGRATOR};
             {sql}
             ;
             RESET SESSION AUTHORIZATION;
             ALTER ROLE {MIGRATOR} NOSUPERUSER;
             COMMIT;"
        );
        self.script(database, &script);
    }

    /// Stops the server at once, as a power failure would.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// A poisoned lock is no problem: a case that fails while it holds the lock leaves nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A database for one case.
pub struct Database<'s> {
    server: &'s Server,
    name: String,
}

impl Database<'_> {
    /// What a superuser gets for statements that run one by one: the rows, and the first error.
    pub fn ask(&self, sql: &str) -> String {
        let mut psql = self.server.psql(&self.name);
        psql.args(["-At", "-f", "-"]);
        psql.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = psql.spawn().unwrap();
        process.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).trim().to_string()
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Applies a migration, which can name the database `:DBNAME`.
    #[track_caller]
    pub fn migrate(&self, sql: &str) {
        self.server.migrate(&self.name, sql);
    }
}

/// The database is removed by the next case that needs one.
impl Drop for Database<'_> {
    fn drop(&mut self) {
        locked(&self.server.spent).push(self.name.clone());
    }
}

/// The directory of the binaries: on the `PATH`, as the program looks there first, or else where Debian installs
/// them.
pub fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path =
        std::env::split_paths(&path).find_map(|directory| directory.join("initdb").canonicalize().ok());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = debian.filter_map(|version| version.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let candidates = versions
        .map(|version| {
            (
                version,
                PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/initdb")),
            )
        })
        .filter(|(_, initdb)| initdb.is_file());
    let initdb = on_path.or_else(|| candidates.max().map(|(_, initdb)| initdb))?;
    initdb.parent().map(Path::to_path_buf)
}

fn installed() -> PathBuf {
    binaries().expect("a test with a server asks whether there is one")
}

fn binary(name: &str) -> PathBuf {
    installed().join(name)
}

/// The major version, on which some tests depend.
pub fn version() -> u32 {
    static VERSION: OnceLock<u32> = OnceLock::new();
    *VERSION.get_or_init(read_version)
}

fn read_version() -> u32 {
    let output = Command::new(binary("postgres"))
        .arg("--version")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let major = version.and_then(|version| version.split(|c: char| !c.is_ascii_digit()).next());
    major.unwrap().parse().unwrap()
}

fn as_other_user(command: &mut Command) {
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
}

/// PostgreSQL refuses to run as root.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find(|line| line.starts_with("postgres:"))?;
    let fields: Vec<&str> = account.split(':').collect();
    is_root.then(|| (fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}
