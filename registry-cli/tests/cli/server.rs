//! A PostgreSQL server in a temporary directory, for tests that need one that stays.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Stops when its standard input ends, and so with the test however that ends. Starts from a copy of another
/// server's files, if there are any.
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
    -o "-c shared_buffers=16MB -c autovacuum=off -c jit=off"
echo "$directory"
cat >/dev/null
"#;

/// As the program calls the role that applies migrations.
pub const MIGRATOR: &str = "table_registry_migrator";

pub struct Server {
    directory: PathBuf,
    process: Child,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// A server with the files of one that has halted.
    pub fn copy_of(other: &Self) -> Self {
        Self::start_with(&other.directory.to_string_lossy())
    }

    /// Stops it, and keeps its files as long as this value.
    pub fn halt(&self) {
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
        }
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

    /// As a migration: by a role that is a superuser as long as it takes.
    #[track_caller]
    pub fn migrate(&self, sql: &str) {
        let script = format!(
            "ALTER ROLE {MIGRATOR} SUPERUSER;\n\\connect - {MIGRATOR}\n{sql}\n;\n\\connect - postgres\nALTER ROLE {MIGRATOR} NOSUPERUSER;\n"
        );
        let mut psql = self.psql("verify");
        psql.args(["-f", "-"])
            .env("PGOPTIONS", "-c client_min_messages=error");
        psql.stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        let mut input = psql.stdin.take().unwrap();
        input.write_all(script.as_bytes()).unwrap();
        drop(input);
        let output = psql.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}");
    }

    /// As by a power cut.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the program looks first: on the `PATH`, then where Debian has them.
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

/// The first number of the version, which some tests are about.
pub fn version() -> u32 {
    let output = Command::new(binary("postgres"))
        .arg("--version")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let number = number.and_then(|number| number.split(|c: char| !c.is_ascii_digit()).next());
    number.unwrap().parse().unwrap()
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
