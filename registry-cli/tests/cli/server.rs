//! A PostgreSQL server in a temporary directory, for tests that need one that stays.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Stops when its standard input ends, and so with the test however that ends.
const SCRIPT: &str = r#"
set -e
directory=$(mktemp -d "$1/trt-XXXXXX")
trap 'pg_ctl -D "$directory/data" -m immediate stop >/dev/null 2>&1; rm -rf "$directory"' EXIT
initdb -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
pg_ctl -D "$directory/data" -l "$directory/log" -w start >/dev/null \
    -o "-k '$directory' -c listen_addresses='' -c fsync=off -c max_locks_per_transaction=1024"
echo "$directory"
cat >/dev/null
"#;

pub struct Server {
    directory: PathBuf,
    process: Child,
}

impl Server {
    pub fn start() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            Path::new("/tmp")
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(parent).current_dir("/");
        shell.env(
            "PATH",
            format!("{}:{}", binaries().display(), std::env::var("PATH").unwrap()),
        );
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some((user, group)) = other_user() {
            shell.uid(user).gid(group);
        }
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
        let mut psql = Command::new(binaries().join("psql"));
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

fn binaries() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = debian.map(|version| version.unwrap().path().join("bin")).max();
    newest.unwrap_or_default()
}

/// PostgreSQL refuses to run as root.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find(|line| line.starts_with("postgres:"))?;
    let fields: Vec<&str> = account.split(':').collect();
    is_root.then(|| (fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}
