//! One connection to a PostgreSQL server, and the failures to connect.

use std::env;
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;
use sqlx::AssertSqlSafe;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgErrorPosition, PgRow, PgSslMode};
use sqlx::{Connection, Either, Executor, FromRow, PgConnection};
use tokio::runtime::{self, Runtime};
use url::Url;

use crate::database::server::process::{PORT, Server};
use crate::failure::Failure;

/// The variable that names a database, as in sqlx and Diesel.
const DATABASE_URL: &str = "DATABASE_URL";
/// The variables by which libpq finds a server: <https://www.postgresql.org/docs/current/libpq-envars.html>.
const LIBPQ: &[&str] = &["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGUSER"];
/// A code of SQLSTATE.
pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// A class of codes of SQLSTATE.
const INTEGRITY_CONSTRAINT_VIOLATION: &str = "23";
/// In seconds, unless `PGCONNECT_TIMEOUT` says otherwise.
const CONNECT_TIMEOUT: u64 = 10;

/// The outcome of statements that the server may refuse.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// They succeeded, and the last ones returned or changed this many rows.
    Done(u64),
    /// A policy refused a row.
    RowRefused,
    /// A privilege is missing.
    PrivilegeMissing(String),
    /// A row broke a constraint. The server looks at those after it has looked at the policies.
    Constrained,
    /// The row could not be made: a value is none of its domain, or the row has no partition.
    NoRow,
    /// They failed for another reason.
    Failed(String),
}

/// Why the server refuses a statement.
pub struct Rejected {
    pub message: String,
    /// The constraint that a row breaks.
    pub constraint: Option<String>,
    pub is_unique: bool,
}

/// What a server says when it refuses a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The SQLSTATE.
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// The place in the statement, in characters from one.
    pub position: Option<usize>,
}

impl Refusal {
    #[cfg(test)]
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            code: code.to_string(),
            message: message.to_string(),
            ..Self::default()
        }
    }

    fn of(error: &dyn DatabaseError) -> Self {
        let details = error.try_downcast_ref::<PgDatabaseError>();
        let text = |text: Option<&str>| text.map(ToString::to_string);
        let position = details.and_then(PgDatabaseError::position);
        Self {
            code: error.code().unwrap_or_default().into_owned(),
            message: error.message().to_string(),
            detail: text(details.and_then(PgDatabaseError::detail)),
            hint: text(details.and_then(PgDatabaseError::hint)),
            position: position.and_then(|position| match position {
                PgErrorPosition::Original(position) => Some(position),
                PgErrorPosition::Internal { .. } => None,
            }),
        }
    }
}

/// Where a database is, without a user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub database: String,
}

/// A connection with blocking methods, so that no other code has to be asynchronous.
pub struct Session {
    runtime: Runtime,
    connection: PgConnection,
    /// Passwords that must not appear in messages.
    secrets: Vec<String>,
    pub address: Address,
}

impl Session {
    /// Connects to the given database, or else to the one named by the environment.
    pub fn connect(url: Option<&str>) -> Result<Self, Failure> {
        let from_environment = || env::var(DATABASE_URL).ok().filter(|url| !url.is_empty());
        if let Some(url) = url {
            return Self::connect_named(url, "the option `--database-url`");
        }
        if let Some(url) = from_environment() {
            return Self::connect_named(&url, "the environment variable `DATABASE_URL`");
        }
        let mut given = LIBPQ.iter().filter(|name| env::var_os(name).is_some());
        let Some(variable) = given.next() else {
            return Err(no_database());
        };
        let opened = Self::open(PgConnectOptions::new(), secrets(None));
        opened.map_err(|failure| failure.note(named_by(&format!("the environment variable `{variable}`"))))
    }

    /// Connects to each of the given databases, or else to the one named by the environment.
    pub fn connect_all(urls: &[String]) -> Result<Vec<Self>, Failure> {
        match urls {
            [] => Ok(vec![Self::connect(None)?]),
            [url] => Ok(vec![Self::connect(Some(url))?]),
            several => {
                let connect = |(number, url): (usize, &String)| {
                    Self::connect_named(
                        url,
                        &format!("`--database-url` number {number} of {}", several.len()),
                    )
                };
                (1..).zip(several).map(connect).collect()
            }
        }
    }

    fn connect_named(url: &str, source: &str) -> Result<Self, Failure> {
        let opened = options(url).and_then(|options| Self::open(options, secrets(Some(url))));
        opened.map_err(|failure| failure.note(named_by(source)))
    }

    /// Connects to a throwaway server, regardless of the environment.
    pub fn connect_to(server: &Server, database: &str) -> Result<Self, Failure> {
        Self::with_defaults(server, database, &[])
    }

    /// Connects to a throwaway server, with defaults of settings as a role has them.
    pub fn with_defaults(
        server: &Server,
        database: &str,
        settings: &[(String, String)],
    ) -> Result<Self, Failure> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(server.directory())
            .port(PORT)
            .username(server.superuser())
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .options(settings.iter().map(|(name, value)| (name, value)));
        Self::open(options, Vec::new())
    }

    fn open(requested: PgConnectOptions, secrets: Vec<String>) -> Result<Self, Failure> {
        let options = requested
            .application_name("cargo-table-registry")
            // A pooler may run a statement on a connection that has not prepared it.
            .statement_cache_capacity(0);
        let built = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = built.map_err(|error| Failure::new("the program cannot connect").note(error))?;
        let connection = runtime.block_on(async {
            let connecting = PgConnection::connect_with(&options);
            tokio::time::timeout(connect_timeout(), connecting).await
        });
        let connection = match connection {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(no_connection(&options, &error, &secrets)),
            Err(_) => {
                let failure = Failure::new("the database server does not answer");
                return Err(failure.help("check host and port, or set `PGCONNECT_TIMEOUT`, in seconds"));
            }
        };
        Ok(Self {
            runtime,
            connection,
            secrets,
            address: address(&options),
        })
    }

    /// The rows of a query.
    pub fn query<T>(&mut self, what: &str, sql: &str) -> Result<Vec<T>, Failure>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let rows = sqlx::query_as::<_, T>(AssertSqlSafe(sql)).persistent(false);
        let rows = self.runtime.block_on(rows.fetch_all(&mut self.connection));
        rows.map_err(|error| {
            let failure = self.failure(&format!("{what} cannot be read from the database"), &error);
            let reported = error.as_database_error();
            let is_denied =
                reported.is_some_and(|error| error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE));
            let help = "connect as a role that may read the system catalogs";
            failure.maybe_help(is_denied.then(|| help.to_string()))
        })
    }

    /// The rows of a statement outside a transaction, or why the server refuses it.
    pub fn try_query<T>(&mut self, sql: &str) -> Result<Result<Vec<T>, Rejected>, Failure>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let rows = sqlx::query_as::<_, T>(AssertSqlSafe(sql)).persistent(false);
        match self.runtime.block_on(rows.fetch_all(&mut self.connection)) {
            Ok(rows) => Ok(Ok(rows)),
            Err(sqlx::Error::Database(error)) if !is_broken(&*error) => Ok(Err(Rejected {
                message: error.message().to_string(),
                constraint: error.constraint().map(ToString::to_string),
                is_unique: error.is_unique_violation(),
            })),
            Err(error) => Err(self
                .failure("a statement cannot be run", &error)
                .note(format!("the statement was `{sql}`"))),
        }
    }

    /// Runs statements that the server may refuse.
    pub fn run(&mut self, sql: &str) -> Result<Result<(), Refusal>, Failure> {
        let run = self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql)));
        match self.runtime.block_on(run) {
            Ok(_) => Ok(Ok(())),
            Err(sqlx::Error::Database(error)) => Ok(Err(Refusal::of(&*error))),
            Err(error) => Err(self.failure("a statement cannot be run", &error)),
        }
    }

    /// Runs statements without looking at rows.
    pub fn execute(&mut self, what_fails: &str, sql: &str) -> Result<(), Failure> {
        self.rows(what_fails, sql).map(drop)
    }

    /// The rows of several statements, in one round trip.
    pub fn rows(&mut self, what_fails: &str, sql: &str) -> Result<Vec<PgRow>, Failure> {
        let rows = self.connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(sql)));
        let rows = self.runtime.block_on(rows);
        rows.map_err(|error| self.failure(what_fails, &error))
    }

    /// Begins a transaction for attempts.
    pub fn begin_attempts(&mut self, begin: &str) -> Result<(), Failure> {
        self.execute(
            "a probe cannot be started",
            &format!("{begin}; SAVEPOINT attempt"),
        )
    }

    /// Ends the transaction, which changes nothing.
    pub fn end_attempts(&mut self) -> Result<(), Failure> {
        self.execute("a probe cannot be ended", "ROLLBACK")
    }

    /// Takes back the last attempt, and runs statements that the server may refuse. Rows count for some of the last
    /// statements. If the server gives up for a reason that has nothing to do with rights, that is a failure.
    pub fn attempt(&mut self, sql: &str, counted: usize) -> Result<Attempt, Failure> {
        let all = format!("ROLLBACK TO attempt; {sql}");
        let connection = &mut self.connection;
        let last = self.runtime.block_on(async {
            let mut results = connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(all)));
            let mut rows = Vec::new();
            while let Some(result) = results.try_next().await? {
                if let Either::Left(done) = result {
                    rows.push(done.rows_affected());
                }
            }
            Ok(rows.iter().rev().take(counted).sum())
        });
        match last {
            Ok(rows) => Ok(Attempt::Done(rows)),
            Err(sqlx::Error::Database(error)) if !is_broken(&*error) => Ok(refusal(&*error)),
            Err(error) => Err(self
                .failure("a probe cannot be completed", &error)
                .note(format!("the statement was `{sql}`"))),
        }
    }

    fn failure(&self, what_fails: &str, error: &sqlx::Error) -> Failure {
        Failure::new(what_fails).note(redacted(&text(error), &self.secrets))
    }
}

/// What an error says about an attempt. The places in the server's source by which errors are told apart are not
/// translated, as messages are.
fn refusal(error: &dyn DatabaseError) -> Attempt {
    const OF_POLICIES: &str = "ExecWithCheckOptions";
    const OF_CONSTRAINTS: &[&str] = &[
        "ExecConstraints",
        "ReportNotNullViolationError",
        "_bt_check_unique",
        "check_exclusion_or_unique_constraint",
        "ri_ReportViolation",
    ];
    const OF_RAISE: &str = "exec_stmt_raise";
    let code = error.code().unwrap_or_default();
    let details = error.try_downcast_ref::<PgDatabaseError>();
    let routine = details.and_then(PgDatabaseError::routine).unwrap_or_default();
    let message = error.message().to_string();
    if routine == OF_RAISE {
        return Attempt::Failed(message);
    }
    if code == INSUFFICIENT_PRIVILEGE {
        return if routine == OF_POLICIES {
            Attempt::RowRefused
        } else {
            Attempt::PrivilegeMissing(message)
        };
    }
    if !code.starts_with(INTEGRITY_CONSTRAINT_VIOLATION) {
        return Attempt::Failed(message);
    }
    if OF_CONSTRAINTS.contains(&routine) {
        Attempt::Constrained
    } else {
        Attempt::NoRow
    }
}

/// Whether memory or disk space ran out, or the server stopped. The codes and classes are those of
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_broken(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    // A statement that was cancelled took too long.
    code != "57014"
        && ["53", "57", "58", "XX"]
            .iter()
            .any(|class| code.starts_with(class))
}

fn options(url: &str) -> Result<PgConnectOptions, Failure> {
    let unreadable = |reason: String| {
        Failure::new("the database URL cannot be read")
            .note(redacted(&reason, &secrets(Some(url))))
            .help("write it as `postgres://USER@HOST:PORT/DATABASE`, or with a socket as `…@localhost/DATABASE?host=/run/postgresql`")
    };
    let parsed = Url::parse(url).map_err(|error| unreadable(error.to_string()))?;
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(unreadable(format!("`{}` is not PostgreSQL", parsed.scheme())));
    }
    PgConnectOptions::from_str(url).map_err(|error| unreadable(text(&error)))
}

fn named_by(source: &str) -> String {
    format!("the database is named by {source}")
}

fn no_database() -> Failure {
    Failure::new("no database is named").help(
        "give `--database-url`, or set `DATABASE_URL` or the variables of libpq, such as `PGHOST`; \
         to check migrations without a database, give `--migrations DIR`",
    )
}

/// The server and the database of a connection. Without a name, the database is that of the role.
fn address(options: &PgConnectOptions) -> Address {
    Address {
        host: host(options),
        port: options.get_port(),
        database: options
            .get_database()
            .unwrap_or(options.get_username())
            .to_string(),
    }
}

fn host(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|path| path.display().to_string());
    socket.unwrap_or_else(|| options.get_host().to_string())
}

fn no_connection(options: &PgConnectOptions, error: &sqlx::Error, secrets: &[String]) -> Failure {
    let host = host(options);
    Failure::new("cannot connect to the database")
        .note(redacted(&text(error), secrets))
        .note(format!(
            "the server is `{host}`, port {}; the role is `{}`",
            options.get_port(),
            options.get_username()
        ))
}

/// The message of the server or the system, without the additions of the library.
fn text(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_string(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Configuration(error) | sqlx::Error::Tls(error) => error.to_string(),
        error => error.to_string(),
    }
}

fn connect_timeout() -> Duration {
    let seconds = env::var("PGCONNECT_TIMEOUT")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(CONNECT_TIMEOUT))
}

/// The passwords that could appear in a message, both decoded and as written in a URL.
fn secrets(url: Option<&str>) -> Vec<String> {
    let of_url = url.map(passwords).unwrap_or_default();
    let of_environment = env::var("PGPASSWORD").ok();
    let all = of_url.into_iter().chain(of_environment);
    all.filter(|secret| !secret.is_empty()).collect()
}

fn passwords(url: &str) -> Vec<String> {
    let Ok(parsed) = Url::parse(url) else {
        // The text between the first colon after the slashes and the last `@`.
        let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        return user
            .and_then(|user| Some(user.split_once(':')?.1.to_string()))
            .into_iter()
            .collect();
    };
    let written = parsed.password().unwrap_or_default();
    let decoded = percent_decode_str(written).decode_utf8_lossy().into_owned();
    let in_query = parsed.query_pairs().filter(|(key, _)| key == "password");
    let of_query = in_query.map(|(_, value)| value.into_owned());
    [written.to_string(), decoded]
        .into_iter()
        .chain(of_query)
        .collect()
}

fn redacted(text: &str, secrets: &[String]) -> String {
    secrets
        .iter()
        .fold(text.to_string(), |text, secret| text.replace(secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        for (url, secret) in [
            ("postgres://app:s3cret@host/db", "s3cret"),
            ("postgres://app:s3cret@host/db?options=a@b", "s3cret"),
            ("postgres://app:p%40ss@host/db?host=/tmp", "p%40ss"),
            ("postgres://app:p%40ss@host/db?host=/tmp", "p@ss"),
            ("postgres://app@host/db?password=s3cret", "s3cret"),
            ("postgres://app:a:b@c@ho st/db", "a:b@c"),
        ] {
            assert!(secrets(Some(url)).contains(&secret.to_string()), "{url}");
        }
        for url in ["postgres://app@host/db", "host=x"] {
            assert_eq!(passwords(url).concat(), "", "{url}");
        }
        assert_eq!(redacted("no s3cret here", &["s3cret".to_string()]), "no *** here");
    }
}
