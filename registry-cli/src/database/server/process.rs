//! A throwaway PostgreSQL server, from the binaries on the machine. Dropping it removes it.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use table_registry_engine::display;
use tempfile::TempDir;

use crate::database::server::watchdog::Watchdog;
use crate::failure::Failure;
use crate::progress;

/// The role that creates a server, unless the platform has another one.
pub const SUPERUSER: &str = "postgres";

/// The database that every server has.
pub const MAINTENANCE_DATABASE: &str = "postgres";

/// Only part of the socket's file name: nothing listens on the network.
pub const PORT: u16 = 5432;

const BINARIES: &[&str] = &["initdb", "postgres", "pg_ctl", "pg_isready"];

/// Where packages install the binaries of one version; `*` is the version.
const PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
];

const SETTINGS: &[&str] = &[
    "listen_addresses=",
    // The data do not have to survive a crash.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "jit=off",
    "shared_buffers=32MB",
    "max_connections=20",
    // One migration may create a whole schema, and it locks every table and index until it commits.
    "max_locks_per_transaction=1024",
    // Some distributions turn it on, and then the log that we read stays empty.
    "logging_collector=off",
];

const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE_SECONDS: &str = "15";
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const LOG_LINES: usize = 10;

#[derive(Debug)]
pub struct Server {
    process: Child,
    superuser: String,
    installation: Installation,
    /// Declared last, so that it is dropped after the process and the directory.
    _watchdog: Watchdog,
}

/// Everything that is needed to run PostgreSQL programs on the files of one server.
#[derive(Debug)]
struct Installation {
    binaries: PathBuf,
    account: Account,
    directory: TempDir,
}

/// The account that runs the programs. PostgreSQL refuses to run as root.
#[derive(Debug)]
struct Account {
    #[cfg(unix)]
    instead_of_root: Option<Ids>,
}

#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Server {
    /// Starts a server of the version that is found first.
    #[cfg(test)]
    pub fn start() -> Result<Self, Failure> {
        Self::start_with(SUPERUSER, None)
    }

    /// Starts a server with this superuser, of the chosen version, and waits until it accepts connections.
    pub fn start_with(superuser: &str, version: Option<&str>) -> Result<Self, Failure> {
        let installation = Installation::new(version)?;
        let _spinner = progress::spinner("Starting", "a PostgreSQL server");
        let watchdog = Watchdog::start(
            installation.program("sh"),
            &installation.binary("pg_ctl"),
            installation.directory.path(),
        );
        installation.init(superuser)?;
        let process = installation.spawn()?;
        let mut server = Self {
            process,
            superuser: superuser.to_string(),
            installation,
            _watchdog: watchdog,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The directory of the socket.
    pub fn directory(&self) -> &Path {
        self.installation.directory.path()
    }

    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    fn client(&self, name: &str) -> Command {
        let mut client = self.installation.command(name);
        client.arg("-h").arg(self.directory());
        client.args(["-p", &PORT.to_string()]);
        client
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_DEADLINE;
        while !self.is_ready()? {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(self.installation.not_started(&format!("it ended with {status}")));
            }
            if Instant::now() > deadline {
                let seconds = START_DEADLINE.as_secs();
                let reason = format!("it does not accept connections after {seconds} seconds");
                return Err(self.installation.not_started(&reason));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn is_ready(&self) -> Result<bool, Failure> {
        let mut probe = self.client("pg_isready");
        probe.args(["-q", "-d", MAINTENANCE_DATABASE, "-U", &self.superuser]);
        Ok(output(&mut probe)?.status.success())
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }

    /// Whether it has stopped.
    fn stop(&self) -> bool {
        let mut stop = self.installation.command("pg_ctl");
        stop.args(["stop", "-s", "-m", "immediate", "-t", STOP_DEADLINE_SECONDS, "-D"]);
        stop.arg(self.installation.data());
        output(&mut stop).is_ok_and(|output| output.status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended() && !self.stop() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

impl Installation {
    fn new(version: Option<&str>) -> Result<Self, Failure> {
        let binaries = find_binaries(version)?;
        // The path of a socket is limited to about a hundred bytes, so the name is short.
        let created = tempfile::Builder::new().prefix("tr-").tempdir();
        let directory = created.map_err(|error| Failure::io("written", &env::temp_dir(), &error))?;
        let account = Account::that_may_serve(directory.path())?;
        Ok(Self {
            binaries,
            account,
            directory,
        })
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// A PostgreSQL program, without its settings from the environment.
    fn command(&self, name: &str) -> Command {
        self.program(self.binary(name))
    }

    fn binary(&self, name: &str) -> PathBuf {
        binary(&self.binaries, name)
    }

    /// Any program, run as the account that runs the server.
    fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().starts_with("PG") {
                command.env_remove(variable);
            }
        }
        // With this locale, messages are in English. On macOS the server does not start with a locale that it cannot
        // load.
        command.env("LC_ALL", "C");
        // The other account may lack the permission to enter the current directory.
        command.current_dir(self.directory.path());
        command.stdin(Stdio::null());
        self.account.run(&mut command);
        command
    }

    fn init(&self, superuser: &str) -> Result<(), Failure> {
        let mut init = self.command("initdb");
        init.args(["-U", superuser, "-A", "trust", "-E", "UTF8"]);
        init.args(["--locale=C", "--no-sync", "-D"]).arg(self.data());
        let ended = output(&mut init)?;
        if ended.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&ended.stderr);
        Err(Failure::new("no PostgreSQL server can be set up").note(message.trim_end()))
    }

    fn spawn(&self) -> Result<Child, Failure> {
        let path = self.log();
        let unwritable = |error: io::Error| Failure::io("written", &path, &error);
        let log = File::create(&path).map_err(unwritable)?;
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.data());
        server.arg("-k").arg(self.directory.path());
        server.args(["-p", &PORT.to_string()]);
        server.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        server.stdout(log.try_clone().map_err(unwritable)?);
        server.stderr(log);
        server.spawn().map_err(|error| not_run(&server, &error))
    }

    fn not_started(&self, reason: &str) -> Failure {
        let failure = Failure::new("the PostgreSQL server does not start").note(reason);
        let log = fs::read(self.log()).unwrap_or_default();
        match tail(&String::from_utf8_lossy(&log)) {
            log if log.is_empty() => failure,
            log => failure.note(format!("its log ends with\n{log}")),
        }
    }
}

#[cfg(unix)]
impl Account {
    /// The account to run a server as. If this process is root, the directory is handed to another account.
    fn that_may_serve(directory: &Path) -> Result<Self, Failure> {
        use std::os::unix::fs::{MetadataExt, chown};
        let unreadable = |error| Failure::io("read", directory, &error);
        let created_by = fs::metadata(directory).map_err(unreadable)?.uid();
        if created_by != 0 {
            return Ok(Self {
                instead_of_root: None,
            });
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = ["postgres", "nobody"]
            .iter()
            .find_map(|name| ids_of(&accounts, name));
        let Some(ids) = ids else {
            return Err(Failure::new("a PostgreSQL server cannot be run by `root`")
                .note("`/etc/passwd` has neither `postgres` nor `nobody` to run it instead")
                .help("run the command as another user"));
        };
        chown(directory, Some(ids.user), Some(ids.group))
            .map_err(|error| Failure::io("given to another user", directory, &error))?;
        Ok(Self {
            instead_of_root: Some(ids),
        })
    }

    fn run(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        if let Some(ids) = self.instead_of_root {
            command.uid(ids.user).gid(ids.group);
        }
    }
}

#[cfg(not(unix))]
impl Account {
    #[expect(clippy::unnecessary_wraps, reason = "it can fail where there is a root")]
    fn that_may_serve(_directory: &Path) -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[expect(clippy::unused_self, reason = "it matters where there is a root")]
    fn run(&self, _command: &mut Command) {}
}

#[cfg(unix)]
fn ids_of(accounts: &str, name: &str) -> Option<Ids> {
    // macOS writes the ids of `nobody` as negative numbers.
    let id = |text: &str| {
        let signed = || text.parse().ok().map(i32::cast_unsigned);
        text.parse().ok().or_else(signed)
    };
    accounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [account, _, user, group, ..] if account == name => Some(Ids {
                user: id(user)?,
                group: id(group)?,
            }),
            _ => None,
        }
    })
}

/// The directory of the programs that a server needs, of the chosen major version. All come from one directory, so that
/// they have one version.
fn find_binaries(version: Option<&str>) -> Result<PathBuf, Failure> {
    let candidates = on_path().into_iter().chain(from_pg_config()).chain(installed());
    let complete = |directory: &PathBuf| BINARIES.iter().all(|name| binary(directory, name).is_file());
    let mut complete = candidates.filter(complete);
    let Some(chosen) = version else {
        return complete.next().ok_or_else(no_server);
    };
    let of_versions: Vec<(u32, PathBuf)> = complete
        .filter_map(|directory| Some((major_version(&directory)?, directory)))
        .collect();
    let mut versions: Vec<u32> = of_versions.iter().map(|(version, _)| *version).collect();
    versions.sort_unstable();
    versions.dedup();
    let number = supported(chosen).map_err(|failure| failure.note(installed_versions(&versions)))?;
    let found = of_versions.into_iter().find(|(version, _)| *version == number);
    found.map(|(_, directory)| directory).ok_or_else(|| {
        if versions.is_empty() {
            return no_server();
        }
        Failure::new(format!("PostgreSQL {number} is not installed on this machine"))
            .note(installed_versions(&versions))
            .help(format!(
                "install its server package, such as `postgresql-{number}` on Debian, or choose an installed version"
            ))
    })
}

/// The major versions that the checks were tested on.
const SUPPORTED: RangeInclusive<u32> = 13..=18;

/// The number of a supported major version.
fn supported(chosen: &str) -> Result<u32, Failure> {
    let range = format!("{} to {}", SUPPORTED.start(), SUPPORTED.end());
    let is_version = version(chosen).is_some();
    let failure = match chosen.parse() {
        Ok(number) if SUPPORTED.contains(&number) => return Ok(number),
        Err(_) if is_version && major(chosen).is_some_and(|number| number >= 10) => {
            Failure::new(format!("`{chosen}` is more than a major version of PostgreSQL"))
        }
        Ok(_) | Err(_) if is_version => Failure::new(format!("PostgreSQL {chosen} is not supported")),
        _ => Failure::new(format!("`{chosen}` is not a version of PostgreSQL")),
    };
    Err(failure.help(format!("name a major version from {range}")))
}

fn installed_versions(versions: &[u32]) -> String {
    let list: Vec<String> = versions.iter().map(u32::to_string).collect();
    match list.as_slice() {
        [] => "installed: none".to_string(),
        list => format!("installed: {}", list.join(", ")),
    }
}

/// What `postgres --version` says: `postgres (PostgreSQL) 16.4`.
fn major_version(directory: &Path) -> Option<u32> {
    let output = Command::new(binary(directory, "postgres"))
        .arg("--version")
        .output()
        .ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

fn major(text: &str) -> Option<u32> {
    let mut words = text.split_whitespace();
    let number = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

fn no_server() -> Failure {
    let in_backticks = |names: &[&str]| format!("`{}`", names.join("`, `"));
    let places = in_backticks(PLACES);
    Failure::new("there is no PostgreSQL server on this machine")
        .note(format!(
            "looked for {} beside the `initdb` on the `PATH`, in the directory that `pg_config --bindir` prints, and in {places}",
            in_backticks(BINARIES)
        ))
        .help("install the server package of PostgreSQL, such as `postgresql` on Debian, \
               `postgresql-server` on Fedora, or `postgresql@17` of Homebrew")
}

/// The directories on the `PATH` that have `initdb`. If it is a link, the directory of its target comes first,
/// because the programs beside the link may be of another version.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).filter(|directory| directory.is_absolute());
    let with_initdb = directories.filter(|directory| binary(directory, "initdb").is_file());
    let candidates = with_initdb.flat_map(|directory| {
        let linked = binary(&directory, "initdb").canonicalize().ok();
        let target = linked.and_then(|file| file.parent().map(Path::to_path_buf));
        target.into_iter().chain([directory])
    });
    candidates.collect()
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(directory.trim_end())).filter(|directory| directory.is_absolute())
}

/// The directories of installed packages, the highest version first.
fn installed() -> Vec<PathBuf> {
    let mut versions: Vec<_> = PLACES.iter().flat_map(|place| versions_at(place)).collect();
    versions.sort_by(|(one, _), (other, _)| other.cmp(one));
    versions.into_iter().map(|(_, directory)| directory).collect()
}

fn versions_at(place: &str) -> Vec<(Vec<u32>, PathBuf)> {
    let Some((before, after)) = place.split_once('*') else {
        return Vec::new();
    };
    let Some((directory, prefix)) = before.rsplit_once('/') else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let numbers = version(name.strip_prefix(prefix)?)?;
        Some((numbers, entry.path().join(after.trim_start_matches('/'))))
    });
    versions.collect()
}

/// `9.6` is a lower version than `15`.
fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|number| number.parse().ok()).collect()
}

fn binary(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{EXE_SUFFIX}"))
}

/// Runs a program and returns its output and exit status.
pub fn output(command: &mut Command) -> Result<Output, Failure> {
    command.output().map_err(|error| not_run(command, &error))
}

fn not_run(command: &Command, error: &io::Error) -> Failure {
    let failure = Failure::io("run", Path::new(command.get_program()), error);
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let directory = command.get_current_dir().filter(|_| denied);
    failure.maybe_help(directory.map(|directory| {
        let directory = display(directory);
        format!("`root` runs it as another user, who must be able to enter `{directory}`")
    }))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        let mut versions = ["9.6", "15", "8.4", "9.10"].map(|text| version(text).unwrap());
        versions.sort();
        assert_eq!(versions, [vec![8, 4], vec![9, 6], vec![9, 10], vec![15]]);
        assert_eq!(version("common"), None);
    }

    #[test]
    fn major_versions() {
        for (text, version) in [
            ("postgres (PostgreSQL) 16.4 (Debian 16.4-1.pgdg120+1)", Some(16)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres", None),
        ] {
            assert_eq!(major(text), version);
        }
    }

    #[test]
    fn versions_that_can_be_chosen() {
        assert_eq!(supported("13").ok(), Some(13));
        assert_eq!(supported("18").ok(), Some(18));
        for (text, part) in [
            ("0", "PostgreSQL 0 is not supported"),
            ("9.6", "PostgreSQL 9.6 is not supported"),
            ("12", "PostgreSQL 12 is not supported"),
            ("99", "PostgreSQL 99 is not supported"),
            ("15.4", "`15.4` is more than a major version"),
            ("abc", "`abc` is not a version"),
            ("", "`` is not a version"),
            ("-15", "`-15` is not a version"),
        ] {
            let text = anstream::adapter::strip_str(&supported(text).unwrap_err().render()).to_string();
            assert!(text.contains(part) && text.contains("from 13 to 18"), "{text}");
        }
    }

    #[test]
    fn the_tail_of_a_log() {
        let log = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        assert_eq!(tail(log), "3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
        assert_eq!(tail(""), "");
    }

    #[cfg(unix)]
    #[test]
    fn accounts_are_looked_up_by_name() {
        let accounts = "postgresql:x:1:2::/:/bin/sh\npostgres:x:101:104:Administrator:/:/bin/sh\nnobody:*:-2:-2::/:/bin/false\n";
        let ids = |user, group| Some(Ids { user, group });
        assert_eq!(ids_of(accounts, "postgres"), ids(101, 104));
        assert_eq!(ids_of(accounts, "nobody"), ids(u32::MAX - 1, u32::MAX - 1));
        assert_eq!(ids_of(accounts, "root"), None);
    }
}
