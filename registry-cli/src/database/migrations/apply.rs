//! Applies migrations to a throwaway server as production does: as the owner, which is no superuser.

use std::path::PathBuf;

use sqlx::FromRow;
use table_registry_engine::{Platform, display};

use crate::database::code::mention::Words;
use crate::database::migrations::blind::{self, BlindStatement, Bound};
use crate::database::migrations::directory::{Migration, Migrations, not_applied, without_restrictions};
use crate::database::migrations::extensions::{self, PassedOver};
use crate::database::migrations::platform;
use crate::database::migrations::refused::{self, Remedy};
use crate::database::migrations::script::{self, Statement};
use crate::database::migrations::server_objects;
use crate::database::migrations::tool::Tool;
use crate::database::requirements::statements::{identifier, literal};
use crate::database::server::process::{MAINTENANCE_DATABASE, Server};
use crate::database::server::session::{Refusal, Session};
use crate::failure::Failure;
use crate::progress;
use crate::report::counted;
use crate::text::one_line;

/// The role that applies migrations, and owns what they create, unless the policy file names one.
pub const MIGRATOR: &str = "table_registry_migrator";

/// The database that migrations are applied to.
pub const DATABASE: &str = "verify";

/// A code of SQLSTATE.
const UNDEFINED_TABLE: &str = "42P01";

/// Set before each statement of a transaction, which goes on if the statement is refused.
const SAVEPOINT: &str = "table_registry_statement";

/// What production has before the first migration.
#[derive(Debug, Default)]
pub struct Production {
    pub owner: Option<String>,
    pub platform: Option<Platform>,
    pub setup: Vec<SetupFile>,
    /// The roles of the policy file.
    pub roles: Vec<String>,
    /// The setting that holds the tenant.
    pub tenant_setting: Option<String>,
}

impl Production {
    /// The role that runs the migrations.
    pub fn owner(&self) -> &str {
        let of_platform = self.platform.map(platform::owner);
        self.owner.as_deref().or(of_platform).unwrap_or(MIGRATOR)
    }
}

/// A file that a superuser runs before the migrations.
#[derive(Debug)]
pub struct SetupFile {
    pub path: PathBuf,
    pub statements: Vec<Statement>,
}

impl SetupFile {
    pub fn of_text(path: PathBuf, text: &str) -> Result<Self, Failure> {
        match script::statements(&without_restrictions(text)) {
            Ok(statements) => Ok(Self { path, statements }),
            Err(command) => Err(
                Failure::new(format!("setup file `{}` cannot be run", display(&path)))
                    .note(format!(
                        "`{}:{}`: `{}` is a command of `psql`",
                        display(&path),
                        command.line,
                        command.text
                    ))
                    .help("write it as SQL"),
            ),
        }
    }
}

/// What became of the migrations beside their effect on the database.
#[derive(Debug, Default)]
pub struct Applied {
    pub by_superuser: Vec<OfSuperuser>,
    pub made_up: Vec<MadeUpRole>,
    pub memberships: Vec<String>,
    pub blind: Vec<BlindStatement>,
    pub passed_over: Vec<PassedOver>,
    /// The number of migrations.
    pub count: usize,
    /// The tool that owns them, if it is a known one.
    pub tool: Option<&'static str>,
    /// The role that ran them.
    pub owner: String,
    /// The version of the server.
    pub version: String,
}

/// A statement that only a superuser may run.
#[derive(Debug, PartialEq, Eq)]
pub struct OfSuperuser {
    /// The file and the line.
    pub place: String,
    pub statement: String,
    /// Why the server refused it.
    pub reason: String,
}

/// A role that migrations name, and that nothing creates.
#[derive(Debug, PartialEq, Eq)]
pub struct MadeUpRole {
    pub name: String,
    pub place: String,
}

/// Prepares a database as production is prepared, and applies migrations to it.
pub fn apply(server: &Server, migrations: &Migrations, production: &Production) -> Result<Applied, Failure> {
    let mut applied = Applied {
        count: migrations.all.len(),
        tool: (migrations.tool != Tool::Plain).then(|| migrations.tool.name()),
        owner: production.owner().to_string(),
        ..Applied::default()
    };
    let mut session = prepared(server, migrations, production, &mut applied)?;
    let owner = production.owner();
    create_roles(&mut session, &[owner])?;
    create_roles(&mut session, &missing_roles(&migrations.all, &production.roles))?;
    let hand_over = format!("ALTER DATABASE {DATABASE} OWNER TO {}", identifier(owner));
    session.execute(UNPREPARED, &hand_over)?;
    let mut runner = Runner {
        server,
        session,
        settings: Vec::new(),
        owner,
        migrations,
        production,
        is_open: false,
        applied,
    };
    runner.create_bookkeeping()?;
    let bar = progress::bar("Applying", migrations.all.len());
    for (number, migration) in (1..).zip(&migrations.all) {
        bar.set_message(display(&migration.path));
        runner.run(migration, number)?;
        bar.inc(1);
    }
    Ok(runner.applied)
}

const UNPREPARED: &str = "the database cannot be prepared";

#[derive(FromRow)]
struct Text(String);

/// A superuser's session in a new database, with what the platform and the setup files make.
fn prepared(
    server: &Server,
    migrations: &Migrations,
    production: &Production,
    applied: &mut Applied,
) -> Result<Session, Failure> {
    let create = format!("CREATE DATABASE {DATABASE}");
    Session::connect_to(server, MAINTENANCE_DATABASE)?.execute(UNPREPARED, &create)?;
    let mut session = Session::connect_to(server, DATABASE)?;
    let version: Vec<Text> = session.query("the version of the server", "SHOW server_version")?;
    let version = version.into_iter().next().map_or(String::new(), |row| row.0);
    applied.version = version.split(' ').next().unwrap_or_default().to_string();
    if let Some(platform) = production.platform {
        session.execute(UNPREPARED, &platform::sql(platform))?;
    }
    create_roles(&mut session, &roles_of_setup(migrations, production))?;
    for file in &production.setup {
        for statement in &file.statements {
            let path = display(&file.path);
            if applied.is_declared(statement, &path, production.platform) {
                continue;
            }
            let Err(refusal) = session.run(&statement.text)? else {
                continue;
            };
            if applied.lacks_extension(&refusal, statement, &path, production.platform) {
                continue;
            }
            let failure = Failure::new(format!("setup file `{path}` cannot be run"));
            if let Some(name) = extensions::missing(&refusal) {
                let failure = failure.note(format!("`{path}:{}`: {}", statement.line, refusal.message));
                return Err(extensions::not_installed(failure, name, &applied.version));
            }
            let failure = refused::explained(failure, &path, statement, &refusal).note(format!(
                "a superuser runs the file in a database with {}, before the migrations",
                refused::content(production.platform)
            ));
            return Err(applied.with_missing(failure, &refusal, production.platform));
        }
    }
    // A setup file may have changed the state of its session.
    Session::connect_to(server, DATABASE)
}

/// The owner and the roles of the policy file that setup files name, and that neither they nor migrations create.
fn roles_of_setup<'p>(migrations: &Migrations, production: &'p Production) -> Vec<&'p str> {
    let statements = production.setup.iter().flat_map(|file| &file.statements);
    let setup: Vec<Words> = statements.map(|one| Words::of(&one.text)).collect();
    let texts: Vec<Words> = migrations.all.iter().map(|one| Words::of(&one.sql)).collect();
    let is_named = |role: &str| setup.iter().any(|words| words.contains(role));
    let is_created = |role: &str| setup.iter().chain(&texts).any(|words| words.creates_role(role));
    let roles = production.roles.iter().map(String::as_str);
    [production.owner()]
        .into_iter()
        .chain(roles)
        .filter(|role| is_named(role) && !is_created(role))
        .collect()
}

impl Applied {
    pub fn summary(&self) -> String {
        let tool = self.tool.map_or(String::new(), |tool| format!(" of {tool}"));
        format!(
            "{}{tool} as `{}`",
            counted(self.count, "migration"),
            one_line(&self.owner)
        )
    }

    /// Whether a statement creates an extension that the platform's SQL stands in for.
    fn is_declared(&mut self, statement: &Statement, path: &str, platform: Option<Platform>) -> bool {
        let created = extensions::created(statement);
        let Some(name) = created.filter(|name| platform.is_some_and(|it| platform::declares(it, name)))
        else {
            return false;
        };
        self.pass_over(name, statement, path);
        true
    }

    /// Whether a refused statement is about an extension that the platform has and this machine has not.
    fn lacks_extension(
        &mut self,
        refusal: &Refusal,
        statement: &Statement,
        path: &str,
        platform: Option<Platform>,
    ) -> bool {
        if let Some(name) = extensions::undefined(refusal, statement) {
            return platform.is_some_and(|it| platform::declares(it, name))
                || self.passed_over.iter().any(|one| one.name == name);
        }
        let missing = extensions::missing(refusal).filter(|_| statement.starts("create extension"));
        let offered = missing.filter(|name| platform.is_some_and(|it| platform::offers(it, name)));
        let Some(name) = offered else {
            return false;
        };
        self.pass_over(name.to_string(), statement, path);
        true
    }

    fn pass_over(&mut self, name: String, statement: &Statement, path: &str) {
        if !self.passed_over.iter().any(|one| one.name == name) {
            let place = format!("{path}:{}", statement.line);
            self.passed_over.push(PassedOver { name, place });
        }
    }

    /// The failure with the extensions that were passed over, if one of them may have what the statement lacks.
    fn with_missing(&self, failure: Failure, refusal: &Refusal, platform: Option<Platform>) -> Failure {
        if !refused::is_about_something_undefined(refusal) {
            return failure;
        }
        let is_declared = |name: &str| platform.is_some_and(|it| platform::declares(it, name));
        let undeclared = self.passed_over.iter().filter(|one| !is_declared(&one.name));
        undeclared.fold(failure, |failure, PassedOver { name, place }| {
            failure
                .note(format!(
                    "`{place}`: extension `{name}` was passed over, because this machine does not have it"
                ))
                .help(format!(
                    "if the statement needs `{name}`: {}",
                    extensions::install(name, &self.version)
                ))
        })
    }
}

fn create_roles(session: &mut Session, roles: &[&str]) -> Result<(), Failure> {
    for role in roles {
        let known: Vec<Text> = session.query(
            "the roles",
            &format!(
                "SELECT rolname::text FROM pg_roles WHERE rolname = {}",
                literal(role)
            ),
        )?;
        if known.is_empty() {
            let create = format!("CREATE ROLE {} LOGIN", identifier(role));
            session.execute(UNPREPARED, &create)?;
        }
    }
    Ok(())
}

/// The roles of the policy file that migrations name but do not create. If no migration names a role, a check reports
/// it.
fn missing_roles<'a>(migrations: &[Migration], roles: &'a [String]) -> Vec<&'a str> {
    let texts: Vec<Words> = migrations.iter().map(|one| Words::of(&one.sql)).collect();
    let is_named = |role: &str| texts.iter().any(|words| words.contains(role));
    let is_created = |role: &str| texts.iter().any(|words| words.creates_role(role));
    let roles = roles.iter().map(String::as_str);
    roles.filter(|role| is_named(role) && !is_created(role)).collect()
}

/// A session in which the owner runs migrations. The session itself is a superuser's, so that it can lend the owner that
/// right in the middle of a transaction.
struct Runner<'m> {
    server: &'m Server,
    session: Session,
    /// The defaults of the session.
    settings: Vec<(String, String)>,
    owner: &'m str,
    migrations: &'m Migrations,
    production: &'m Production,
    /// Whether a transaction is open.
    is_open: bool,
    applied: Applied,
}

/// The query for the settings that a session of a role starts with.
fn settings_of(role: &str) -> String {
    format!(
        "SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
         FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS c
         WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = {}))
           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
           AND split_part(c, '=', 1) <> 'session_authorization'
         ORDER BY s.setrole <> 0, s.setdatabase <> 0, name",
        literal(role)
    )
}

#[derive(FromRow)]
struct SettingRow {
    name: String,
    value: String,
}

impl Runner<'_> {
    /// Creates the table in which the tool records what it has run.
    fn create_bookkeeping(&mut self) -> Result<(), Failure> {
        let Some(bookkeeping) = self.migrations.tool.bookkeeping() else {
            return Ok(());
        };
        self.become_owner_anew()?;
        if let Err(refusal) = self.session.run(bookkeeping.create)? {
            let tool = self.migrations.tool.name();
            return Err(
                Failure::new(format!("{tool} cannot create its table `{}`", bookkeeping.table))
                    .note(format!("role `{}`: {}", self.owner, refusal.message)),
            );
        }
        Ok(())
    }

    fn run(&mut self, migration: &Migration, number: usize) -> Result<(), Failure> {
        self.become_owner_anew()?;
        if migration.is_transaction() {
            self.session.execute(UNPREPARED, "BEGIN")?;
            self.is_open = true;
        }
        for statement in &migration.statements {
            self.note_blind(migration, statement)?;
            self.statement(migration, statement)?;
        }
        self.record(migration, number)?;
        if std::mem::take(&mut self.is_open)
            && let Err(refusal) = self.session.run("COMMIT")?
        {
            return Err(not_applied(&migration.path).note(refusal.message));
        }
        Ok(())
    }

    /// A session like a new one of the owner, with the settings that the role and the database have.
    fn become_owner_anew(&mut self) -> Result<(), Failure> {
        self.session.execute(UNPREPARED, "RESET SESSION AUTHORIZATION")?;
        self.session.execute(UNPREPARED, "DISCARD ALL")?;
        let query = settings_of(self.owner);
        let rows: Vec<SettingRow> = self.session.query("the settings of the owner", &query)?;
        let (role, settings): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .map(|row| (row.name, row.value))
            .partition(|(name, _)| name == "role");
        if settings != self.settings {
            self.session = Session::with_defaults(self.server, DATABASE, &settings)?;
            self.settings = settings;
        }
        self.become_owner()?;
        match role.last() {
            Some((_, role)) => {
                let set = format!("SET ROLE {}", identifier(role));
                self.session.execute(UNPREPARED, &set)
            }
            None => Ok(()),
        }
    }

    fn become_owner(&mut self) -> Result<(), Failure> {
        let become_owner = format!("SET SESSION AUTHORIZATION {}", identifier(self.owner));
        self.session.execute(UNPREPARED, &become_owner)
    }

    /// Runs a statement as the owner. If the server refuses it for a reason that does not concern the migration, removes
    /// the reason and tries again.
    fn statement(&mut self, migration: &Migration, statement: &Statement) -> Result<(), Failure> {
        let (path, platform) = (display(&migration.path), self.production.platform);
        if self.applied.is_declared(statement, &path, platform) {
            return Ok(());
        }
        let mut tried: Vec<Remedy> = Vec::new();
        loop {
            let is_lent = tried.contains(&Remedy::Superuser);
            let place = format!("{path}:{}", statement.line);
            let before = self.privileges_before(statement)?;
            let Err(refusal) = self.attempt(statement, is_lent)? else {
                self.follow(statement)?;
                if let Some(before) = before.filter(|_| !is_lent) {
                    self.grant_as_superuser(statement, &before, place)?;
                }
                return Ok(());
            };
            if self.applied.lacks_extension(&refusal, statement, &path, platform) {
                return Ok(());
            }
            match self
                .remedy(&refusal, statement)?
                .filter(|remedy| !tried.contains(remedy) && self.can_retry(statement))
            {
                Some(remedy) => {
                    self.apply_remedy(&remedy, &refusal, statement, place)?;
                    tried.push(remedy);
                }
                None => return Err(self.refused(migration, statement, &refusal)),
            }
        }
    }

    fn remedy(&mut self, refusal: &Refusal, statement: &Statement) -> Result<Option<Remedy>, Failure> {
        let remedy = refused::remedy(refusal, statement);
        match server_objects::refused(refusal, statement) {
            Some(query) if remedy.is_none() => {
                let found: Vec<Text> = self.session.query("the objects of the server", &query)?;
                Ok((!found.is_empty()).then_some(Remedy::Superuser))
            }
            _ => Ok(remedy),
        }
    }

    /// A hash of all privileges before a GRANT on objects of the server. `None` for other statements.
    fn privileges_before(&mut self, statement: &Statement) -> Result<Option<String>, Failure> {
        let Some(query) = server_objects::granted(statement) else {
            return Ok(None);
        };
        let found: Vec<Text> = self.session.query("the objects of the server", &query)?;
        if found.is_empty() {
            return Ok(None);
        }
        self.privileges().map(Some)
    }

    fn privileges(&mut self) -> Result<String, Failure> {
        let query = server_objects::privileges(self.owner);
        let found: Vec<Text> = self.session.query("privileges", &query)?;
        Ok(found.into_iter().map(|one| one.0).collect())
    }

    /// Runs a GRANT as a superuser if the owner's attempt was accepted but had no effect.
    fn grant_as_superuser(
        &mut self,
        statement: &Statement,
        before: &str,
        place: String,
    ) -> Result<(), Failure> {
        if self.privileges()? != before {
            return Ok(());
        }
        let outcome = self.attempt(statement, true)?;
        if outcome.is_ok() && self.privileges()? != before {
            self.applied.by_superuser.push(OfSuperuser {
                place,
                statement: statement.excerpt(),
                reason: server_objects::NOTHING_GRANTED.to_string(),
            });
        }
        Ok(())
    }

    /// Whether a refused statement leaves a state in which it can be tried again.
    fn can_retry(&self, statement: &Statement) -> bool {
        !self.is_open || !controls_transaction(statement)
    }

    fn apply_remedy(
        &mut self,
        remedy: &Remedy,
        refusal: &Refusal,
        statement: &Statement,
        place: String,
    ) -> Result<(), Failure> {
        match remedy {
            Remedy::Superuser if self.is_permitted(&refusal.message) => {}
            Remedy::Superuser => self.applied.by_superuser.push(OfSuperuser {
                place,
                statement: statement.excerpt(),
                reason: refusal.message.clone(),
            }),
            Remedy::Role(name) => {
                self.as_superuser(&format!("CREATE ROLE {}", identifier(name)))?;
                let name = name.clone();
                self.applied.made_up.push(MadeUpRole { name, place });
            }
            Remedy::Membership(name) => {
                let (role, owner) = (identifier(name), identifier(self.owner));
                self.as_superuser(&format!("GRANT {role} TO {owner}"))?;
                self.applied.memberships.push(name.clone());
            }
        }
        Ok(())
    }

    /// Whether the platform lets the owner run what PostgreSQL leaves to superusers.
    fn is_permitted(&self, message: &str) -> bool {
        let platform = self.production.platform;
        platform.is_some_and(|it| self.owner == platform::owner(it) && platform::permits(it, message))
    }

    fn attempt(&mut self, statement: &Statement, is_lent: bool) -> Result<Result<(), Refusal>, Failure> {
        if is_lent {
            let owner = identifier(self.owner);
            self.as_superuser(&format!("ALTER ROLE {owner} SUPERUSER"))?;
        }
        let outcome = self.attempt_as_owner(statement)?;
        if is_lent {
            let owner = identifier(self.owner);
            self.as_superuser(&format!("ALTER ROLE {owner} NOSUPERUSER"))?;
        }
        Ok(outcome)
    }

    fn attempt_as_owner(&mut self, statement: &Statement) -> Result<Result<(), Refusal>, Failure> {
        // A semicolon after a comment to the end of the line would belong to the comment.
        let Statement { text, .. } = statement;
        if !self.is_open || controls_transaction(statement) {
            return self.session.run(text);
        }
        // On its own, because a text that the server cannot parse is rejected as a whole.
        self.session
            .execute(UNPREPARED, &format!("SAVEPOINT {SAVEPOINT}"))?;
        let outcome = self
            .session
            .run(&format!("{text}\n; RELEASE SAVEPOINT {SAVEPOINT}"))?;
        if outcome.is_err() {
            let back = format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}; RELEASE SAVEPOINT {SAVEPOINT}");
            self.session.execute(UNPREPARED, &back)?;
        }
        Ok(outcome)
    }

    /// Runs a statement of our own as the superuser, and becomes the owner again, or the role that the owner has become.
    fn as_superuser(&mut self, sql: &str) -> Result<(), Failure> {
        let role: Vec<Text> = self
            .session
            .query("the role of the session", "SELECT current_setting('role')")?;
        self.session
            .execute(UNPREPARED, &format!("RESET SESSION AUTHORIZATION; {sql}"))?;
        self.become_owner()?;
        match role.first().map(|role| role.0.as_str()) {
            None | Some("none") => Ok(()),
            Some(role) => {
                let scope = if self.is_open { "LOCAL" } else { "SESSION" };
                self.session
                    .execute(UNPREPARED, &format!("SET {scope} ROLE {}", identifier(role)))
            }
        }
    }

    /// Follows what a statement has done to the session.
    fn follow(&mut self, statement: &Statement) -> Result<(), Failure> {
        if statement.starts("begin") || statement.starts("start transaction") {
            self.is_open = true;
        } else if ends_transaction(statement) {
            self.is_open = false;
        } else if statement.starts("reset session authorization") || statement.starts("discard") {
            self.become_owner()?;
        }
        Ok(())
    }

    /// Adds the row by which the tool knows that it has run the migration.
    fn record(&mut self, migration: &Migration, number: usize) -> Result<(), Failure> {
        let tool = self.migrations.tool;
        let Some(bookkeeping) = tool.bookkeeping() else {
            return Ok(());
        };
        let values = bookkeeping
            .values
            .replace("{version}", &literal(&migration.version))
            .replace("{name}", &literal(&migration.name))
            .replace("{rank}", &number.to_string());
        let insert = format!(
            "INSERT INTO {} ({}) VALUES ({values})",
            bookkeeping.table, bookkeeping.columns
        );
        match self.session.run(&insert)? {
            Ok(()) => Ok(()),
            Err(refusal) => {
                let failure = not_applied(&migration.path).note(format!(
                    "{} cannot record it in its table `{}`: {}",
                    tool.name(),
                    bookkeeping.table,
                    refusal.message
                ));
                let is_lost = refusal.code == UNDEFINED_TABLE;
                let help = "if the migration changes `search_path`, end it with `RESET search_path;`";
                Err(failure
                    .note(self.circumstances())
                    .maybe_help(is_lost.then(|| help.to_string())))
            }
        }
    }

    /// Notes a statement that changes or reads rows which the policies hide from the owner.
    fn note_blind(&mut self, migration: &Migration, statement: &Statement) -> Result<(), Failure> {
        if !blind::concerns_rows(statement) {
            return Ok(());
        }
        let setting = self.production.tenant_setting.as_deref();
        let bound: Vec<Bound> = self.session.query(
            "the tables with row-level security",
            &blind::bound_tables(setting),
        )?;
        let found = blind::of_statement(statement, &bound, setting).into_iter();
        let found = found.filter(|found| !found.is_of_new_table(&migration.sql));
        let owner = self.owner;
        let short = migration.short.clone();
        let place = format!("{}:{}", display(&migration.path), statement.line);
        self.applied
            .blind
            .extend(found.map(|found| found.placed(&short, place.clone(), statement, owner)));
        Ok(())
    }

    fn refused(&self, migration: &Migration, statement: &Statement, refusal: &Refusal) -> Failure {
        let path = display(&migration.path);
        if let Some(name) = extensions::missing(refusal) {
            let failure = not_applied(&migration.path)
                .note(format!("`{path}:{}`: {}", statement.line, refusal.message))
                .note(format!("the statement is `{}`", statement.excerpt()));
            return extensions::not_installed(failure, name, &self.applied.version);
        }
        let failure = refused::explained(not_applied(&migration.path), &path, statement, refusal);
        let failure = failure.note(self.circumstances());
        if refused::is_about_transactions(refusal) && migration.is_transaction() {
            let (note, help) = self.migrations.tool.transaction_rule(migration.is_asked_for);
            return failure.note(note).help(help);
        }
        let platform = self.production.platform;
        let failure = self.applied.with_missing(failure, refusal, platform);
        refused::helped(failure, refusal, self.owner, platform)
    }

    fn circumstances(&self) -> String {
        format!(
            "the server is PostgreSQL {}, the role `{}`",
            self.applied.version, self.owner
        )
    }
}

/// Whether a statement begins, ends or divides a transaction.
fn controls_transaction(statement: &Statement) -> bool {
    ends_transaction(statement)
        || [
            "begin",
            "start transaction",
            "savepoint",
            "release",
            "rollback",
            "prepare transaction",
        ]
        .iter()
        .any(|words| statement.starts(words))
}

fn ends_transaction(statement: &Statement) -> bool {
    let ends = ["commit", "end", "abort", "rollback", "prepare transaction"];
    let is_partial = statement.head.iter().any(|word| word == "to");
    ends.iter().any(|words| statement.starts(words)) && !is_partial
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;

    use table_registry_engine::Root;
    use tempfile::TempDir;

    use super::*;
    use crate::database::migrations::directory::find;
    use crate::database::server::process::SUPERUSER;

    fn migrations(files: &[(&str, &str)]) -> (TempDir, Migrations) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = find(&Root::current(), directory.path());
        (
            directory,
            found.unwrap_or_else(|failure| panic!("{}", failure.render())),
        )
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

    fn query(server: &Server, query: &str) -> Vec<String> {
        let mut session = Session::connect_to(server, DATABASE).unwrap();
        let rows: Vec<Text> = session.query("rows", query).unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }

    /// Applies migrations to a new database of the server.
    fn applied(server: &Server, files: &[(&str, &str)], production: &Production) -> Result<Applied, Failure> {
        let drop = format!("DROP DATABASE IF EXISTS {DATABASE}");
        let mut session = Session::connect_to(server, MAINTENANCE_DATABASE).unwrap();
        session.execute("", &drop).unwrap();
        let (_directory, migrations) = migrations(files);
        apply(server, &migrations, production)
    }

    fn failure(server: &Server, files: &[(&str, &str)], production: &Production) -> String {
        let text = applied(server, files, production).unwrap_err().render();
        anstream::adapter::strip_str(&text).to_string()
    }

    fn owned_by(owner: &str) -> Production {
        Production {
            owner: Some(owner.to_string()),
            tenant_setting: Some("app.org_id".to_string()),
            ..Production::default()
        }
    }

    #[test]
    fn roles_that_no_migration_creates_are_created_before() {
        let text = "CREATE ROLE app; DO $$ BEGIN CREATE ROLE guarded; END $$; DROP ROLE web;";
        let (_directory, migrations) = migrations(&[("1_a.sql", text)]);
        let roles = ["app", "guarded", "web", "wbe"].map(String::from);
        assert_eq!(missing_roles(&migrations.all, &roles), ["web"]);
    }

    #[test]
    fn migrations_run_as_a_plain_owner() {
        let Some(server) = server() else { return };
        let path = server.directory().to_path_buf();
        let files = [
            (
                "1_a.sql",
                "CREATE TABLE a (id int);\nCREATE ROLE web;\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO app, web, made;\n\
                 ALTER DEFAULT PRIVILEGES FOR ROLE web GRANT SELECT ON TABLES TO app;\n",
            ),
            (
                "2_b.sql",
                "-- no-transaction\nCREATE INDEX CONCURRENTLY ON a (id);\n",
            ),
            (
                "3_c.sql",
                "SET ROLE web; SELECT 1; RESET ROLE;\nCREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION f();",
            ),
        ];
        let mut production = owned_by("app_owner");
        production.roles = vec!["app".to_string()];
        production.setup = vec![
            SetupFile::of_text(
                PathBuf::from("roles.sql"),
                "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;",
            )
            .unwrap(),
        ];
        let done = applied(&server, &files, &production).unwrap();
        assert_eq!(
            query(
                &server,
                "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
            ),
            ["app_owner", "app_owner"]
        );
        let superusers = "SELECT rolname::text FROM pg_roles WHERE rolsuper";
        assert_eq!(query(&server, superusers), [SUPERUSER]);
        assert_eq!(
            query(
                &server,
                "SELECT count(*)::text FROM pg_indexes WHERE tablename = 'a'"
            ),
            ["1"]
        );
        let by_superuser: Vec<&str> = done
            .by_superuser
            .iter()
            .map(|one| one.statement.as_str())
            .collect();
        assert_eq!(by_superuser[0], "CREATE ROLE web");
        assert!(
            by_superuser.last().unwrap().starts_with("CREATE EVENT TRIGGER"),
            "{by_superuser:?}"
        );
        let made_up: Vec<&str> = done.made_up.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(made_up, ["made"]);
        assert!(
            done.memberships.contains(&"web".to_string()),
            "{:?}",
            done.memberships
        );
        // The tool has recorded each migration, and what migrations grant on all tables reaches its table.
        let recorded = "SELECT version || ' ' || description FROM _sqlx_migrations ORDER BY version";
        assert_eq!(query(&server, recorded), ["1 a", "2 b", "3 c"]);
        let reached = "SELECT has_table_privilege('app', '_sqlx_migrations', 'SELECT')::text";
        assert_eq!(query(&server, reached), ["true"]);

        drop(server);
        assert!(!path.exists());
    }

    #[test]
    fn privileges_on_objects_of_the_server() {
        let Some(server) = server() else { return };
        let of_server = [
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app",
            "GRANT EXECUTE ON FUNCTION lo_import(text), f() TO app",
            "GRANT SELECT ON pg_statistic TO app",
            "GRANT UPDATE ON pg_catalog.pg_class TO app",
            "GRANT USAGE ON SCHEMA pg_catalog TO app",
            "ALTER FUNCTION int4div(int, int) LEAKPROOF",
            "ALTER FUNCTION f() LEAKPROOF",
            "ALTER VIEW pg_stats OWNER TO app_owner",
            "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM app",
            "UPDATE pg_language SET lanpltrusted = true WHERE false",
            "DO $$ BEGIN GRANT SELECT ON pg_authid TO app; END $$",
        ];
        // The server warns again, so this is told once.
        let twice = ["GRANT SELECT ON pg_class TO PUBLIC", "GRANT SELECT ON a TO app"];
        let text = format!(
            "CREATE TABLE a (id int); CREATE TABLE tables (id int); CREATE ROLE app;
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             {}; {}; GRANT SELECT ON tables TO app; GRANT EXECUTE ON FUNCTION f() TO app;",
            of_server.join(";\n"),
            twice.join(";\n"),
        );
        let done = applied(&server, &[("1_a.sql", &text)], &owned_by("app_owner"))
            .unwrap_or_else(|failure| panic!("{}", failure.render()));
        let told: Vec<&str> = done
            .by_superuser
            .iter()
            .map(|one| one.statement.as_str())
            .collect();
        assert_eq!(told[0], "CREATE ROLE app");
        assert_eq!(told[1..], of_server, "{:?}", done.by_superuser);
        assert_eq!(done.by_superuser[4].reason, server_objects::NOTHING_GRANTED);
        let may_import = "SELECT has_function_privilege('app', 'lo_import(text)', 'EXECUTE')::text";
        assert_eq!(query(&server, may_import), ["true"]);
        let superusers = "SELECT rolname::text FROM pg_roles WHERE rolsuper";
        assert_eq!(query(&server, superusers), [SUPERUSER]);

        // What nobody but the owner of a table may grant is refused in production, too.
        let mut production = owned_by("app_owner");
        let setup = "CREATE TABLE of_another (id int)";
        production.setup = vec![SetupFile::of_text(PathBuf::from("a.sql"), setup).unwrap()];
        let text = failure(
            &server,
            &[("1_a.sql", "GRANT SELECT ON of_another TO app")],
            &production,
        );
        assert!(text.contains("permission denied for table of_another"), "{text}");
    }

    #[test]
    fn failures_say_where_and_why() {
        let Some(server) = server() else { return };
        let production = owned_by("app_owner");
        let check = |files: &[(&str, &str)], expected: &[&str]| {
            let text = failure(&server, files, &production);
            for part in expected {
                assert!(text.contains(part), "{part}\n{text}");
            }
        };
        check(
            &[("3_c.sql", "CREATE TABLE c (id int);\nSELECT 1;\nDROP TABLE d;\n")],
            &[
                "3_c.sql` cannot be applied",
                "3_c.sql:3`: table \"d\" does not exist",
                "the server is PostgreSQL 1",
            ],
        );
        check(
            &[("1_a.sql", "SELECT 1;\nSELECT\n  ä,\n  nothing;")],
            &["1_a.sql:3`: column \"ä\" does not exist"],
        );
        check(
            &[(
                "1_a.sql",
                "CREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY ON a (id);",
            )],
            &[
                "1_a.sql:2`: CREATE INDEX CONCURRENTLY cannot run",
                "sqlx runs each migration in a transaction",
                "-- no-transaction",
            ],
        );
        check(
            &[(
                "1_a.sql",
                "-- no-transaction\nCREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY ON a (id);",
            )],
            &[
                "1_a.sql:3`: CREATE INDEX CONCURRENTLY cannot run",
                "as one query",
                "a migration of its own",
            ],
        );
        check(
            &[(
                "1_a.sql",
                "CREATE TABLE a (id int); ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\nINSERT INTO a VALUES (1);",
            )],
            &[
                "1_a.sql:2`: new row violates row-level security",
                "`app_owner` is no superuser",
                "NO FORCE ROW LEVEL SECURITY",
            ],
        );
        check(
            &[("1_a.sql", "CREATE TABLE pg_catalog.a (id int);")],
            &[
                "permission denied for schema pg_catalog",
                "`owner` of `[database]`",
            ],
        );
    }

    #[test]
    fn statements_on_rows_that_the_owner_does_not_see() {
        let Some(server) = server() else { return };
        let files = [
            (
                "1_a.sql",
                "CREATE TABLE a (id int, org_id int); UPDATE a SET id = 1; ALTER TABLE a ENABLE ROW LEVEL SECURITY;\n\
                 UPDATE a SET id = 2; ALTER TABLE a FORCE ROW LEVEL SECURITY;\nUPDATE a SET id = 3;",
            ),
            (
                "2_b.sql",
                "CREATE POLICY p ON a USING (org_id = current_setting('app.org_id', true)::int);\nDELETE FROM a;\n\
                 SET LOCAL app.org_id = 1; DELETE FROM a; CREATE POLICY all_rows ON a USING (true);",
            ),
            (
                "3_c.sql",
                "DELETE FROM a; ALTER TABLE a NO FORCE ROW LEVEL SECURITY; DELETE FROM a;",
            ),
        ];
        let done = applied(&server, &files, &owned_by("app_owner")).unwrap();
        let found: Vec<(&str, &str)> = done
            .blind
            .iter()
            .map(|blind| (blind.migration.as_str(), blind.statement.as_str()))
            .collect();
        assert_eq!(
            found,
            [("1_a.sql", "UPDATE a SET id = 3"), ("2_b.sql", "DELETE FROM a")]
        );
    }

    /// Each tool finds its table as if it had run the migrations itself.
    #[test]
    fn every_tool_records_what_it_has_run() {
        let Some(server) = server() else { return };
        let journal = r#"{"entries": [{"tag": "0000_a"}]}"#;
        for (files, record) in [
            (
                &[("2024-01-02-000000_a/up.sql", "SELECT 1")][..],
                "SELECT version::text FROM __diesel_schema_migrations",
            ),
            (
                &[("V1__a.sql", "SELECT 1")],
                "SELECT name::text FROM refinery_schema_history",
            ),
            (
                &[("V1.2__a.sql", "SELECT 1")],
                "SELECT version::text FROM flyway_schema_history",
            ),
            (
                &[("20240102_a.sql", "-- migrate:up\nSELECT 1")],
                "SELECT version::text FROM schema_migrations",
            ),
            (
                &[("00001_a.sql", "-- +goose Up\nSELECT 1")],
                "SELECT version_id::text FROM goose_db_version",
            ),
            (
                &[("1_a.sql", "-- +migrate Up\nSELECT 1")],
                "SELECT id FROM gorp_migrations",
            ),
            (
                &[("000001_a.up.sql", "SELECT 1")],
                "SELECT version::text FROM schema_migrations",
            ),
            (
                &[("0000_a.sql", "SELECT 1"), ("meta/_journal.json", journal)],
                "SELECT hash FROM drizzle.__drizzle_migrations",
            ),
            (
                &[("20240102_a/migration.sql", "SELECT 1")],
                "SELECT migration_name::text FROM _prisma_migrations",
            ),
        ] {
            applied(&server, files, &Production::default())
                .unwrap_or_else(|failure| panic!("{}", failure.render()));
            assert_eq!(query(&server, record).len(), 1, "{record}");
        }
    }

    /// The settings of the role hold as in a session of its own, and end with each migration.
    #[test]
    fn each_migration_starts_in_a_new_session() {
        let Some(server) = server() else { return };
        let mut production = owned_by("app_owner");
        let setup = "CREATE ROLE app_owner LOGIN; ALTER ROLE app_owner SET search_path = shop, public; CREATE SCHEMA shop AUTHORIZATION app_owner;";
        production.setup = vec![SetupFile::of_text(PathBuf::from("roles.sql"), setup).unwrap()];
        let files = [
            (
                "1_a.sql",
                "CREATE TABLE a (id int); SET search_path = public; CREATE ROLE app; CREATE TABLE b (id int); RESET search_path;\n\
                 SET TIME ZONE 'UTC';",
            ),
            ("2_b.sql", "CREATE TABLE c (id int);"),
        ];
        applied(&server, &files, &production).unwrap_or_else(|failure| panic!("{}", failure.render()));
        let tables =
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = 'app_owner' ORDER BY 1";
        assert_eq!(
            query(&server, tables),
            ["public.b", "shop._sqlx_migrations", "shop.a", "shop.c"]
        );

        // `pg_dump` writes this statement, after which sqlx does not find its own table.
        let files = [(
            "1_a.sql",
            "SELECT pg_catalog.set_config('search_path', '', false);",
        )];
        let text = failure(&server, &files, &owned_by("app_owner"));
        assert!(
            text.contains("sqlx cannot record it in its table `_sqlx_migrations`"),
            "{text}"
        );
        assert!(text.contains("`RESET search_path;`"), "{text}");
    }
}
