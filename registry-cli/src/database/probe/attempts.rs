//! One attempt: a statement that a role runs in a session with or without a tenant, and what came of it.

use std::collections::BTreeSet;

use sqlx::FromRow;

use crate::database::access::roles::Actor;
use crate::database::catalog::Relation;
use crate::database::code::claims;
use crate::database::context::{Context, Table};
use crate::database::matrix::Seen;
use crate::database::probe::probed::{Action, Effect, Probed, Untried};
use crate::database::requirements::relatives::ANY;
use crate::database::requirements::statements::{identifier, literal};
use crate::database::server::session::{Attempt, Session};
use crate::failure::Failure;

/// Overrides defaults of the role or the database that would make an attempt fail as if it were refused.
const OVERRIDES: &str =
    "SET LOCAL row_security = on; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'";

/// Whose server it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One that was started for this run, in which rows can be made up.
    Throwaway,
    /// A database that others use.
    Live,
}

/// The tenant of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tenant<'t> {
    /// The setting was never set.
    None,
    /// The setting is empty, as it is after SET LOCAL.
    Empty,
    Is(&'t str),
}

impl Tenant<'_> {
    pub fn circumstance(self) -> &'static str {
        match self {
            Self::None => "without a tenant",
            Self::Empty => "with an empty setting",
            Self::Is(_) => "of another tenant's rows",
        }
    }

    pub fn circumstance_of_made_up_rows(self) -> &'static str {
        match self {
            Self::None => "without a tenant (on made-up rows)",
            Self::Empty => "with an empty setting (on made-up rows)",
            Self::Is(_) => "of another tenant's rows (made-up ones)",
        }
    }
}

/// A statement to try.
pub struct Try<'a> {
    pub table: &'a Table<'a>,
    pub action: Action,
    /// What the superuser does before. Empty for nothing.
    pub before: String,
    pub statement: String,
    /// What the superuser asks afterwards; the attempt achieved something if this finds a row. Empty for nothing.
    pub after: String,
    pub effect: Effect,
    pub counted: Counted,
    /// Whether the role holds the privileges that it needs, so that a missing privilege is an error in the policies.
    pub is_permitted: bool,
}

/// What must not happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// That the server finds or changes a row.
    Rows,
    /// That the server runs the statement.
    Success,
    /// Only errors count.
    Nothing,
}

impl Counted {
    fn is_reached(self, rows: u64) -> bool {
        match self {
            Self::Rows => rows > 0,
            Self::Success => true,
            Self::Nothing => false,
        }
    }
}

/// The attempts, and what came of them.
pub struct Attempts<'p, 'c> {
    pub session: &'p mut Session,
    pub context: &'p Context<'c>,
    pub probed: Probed,
    target: Target,
    /// Whether the session may become any role, together with `session_user`.
    is_superuser: bool,
    settings: Vec<RoleSetting>,
    /// The tables for which there was an attempt.
    reached: BTreeSet<String>,
}

#[derive(FromRow)]
struct Text {
    text: Option<String>,
}

/// A setting that a role, or everybody in the database, starts with.
#[derive(FromRow)]
struct RoleSetting {
    role: String,
    name: String,
    value: String,
}

/// From the most general to the most particular, as later ones replace earlier ones. What a role becomes by a setting, and
/// what the attempts set themselves, is left out.
const SETTINGS: &str = "
SELECT coalesce(r.rolname::text, '') AS role, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
FROM pg_db_role_setting s
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN unnest(s.setconfig) AS c
LEFT JOIN pg_settings p ON p.name = split_part(c, '=', 1)
CROSS JOIN (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS own
WHERE (own.rolsuper OR coalesce(p.context, 'user') = 'user') AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND split_part(c, '=', 1) NOT IN (
      'role', 'session_authorization', 'row_security', 'lock_timeout', 'statement_timeout', 'transaction_read_only',
      'default_transaction_read_only', 'session_replication_role'
  )
ORDER BY s.setrole <> 0, s.setdatabase <> 0, name";

#[derive(FromRow)]
struct IsSuperuser {
    is_superuser: bool,
}

impl<'p, 'c> Attempts<'p, 'c> {
    pub fn new(session: &'p mut Session, context: &'p Context<'c>, target: Target) -> Result<Self, Failure> {
        let own: Vec<IsSuperuser> = session.query(
            "the role of the session",
            "SELECT rolsuper AS is_superuser FROM pg_roles WHERE rolname = session_user",
        )?;
        Ok(Self {
            is_superuser: own.first().is_some_and(|own| own.is_superuser),
            settings: session.query("the settings of roles", SETTINGS)?,
            session,
            context,
            probed: Probed::default(),
            reached: BTreeSet::new(),
            target,
        })
    }

    /// Runs attempts of a role in one transaction, which starts with what a new session of the role has, and a tenant.
    pub fn run_as(
        &mut self,
        app: &Actor<'_>,
        tenant: Tenant<'_>,
        run: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mode = match self.target {
            Target::Throwaway => "READ WRITE",
            Target::Live => "READ ONLY",
        };
        self.check_role(app)?;
        let settings = self.settings(app, tenant);
        self.session
            .begin_attempts(&format!("BEGIN {mode}; {settings}{OVERRIDES}"))?;
        run(self)?;
        self.session.end_attempts()
    }

    /// Makes sure that the session can become a role.
    fn check_role(&mut self, app: &Actor<'_>) -> Result<(), Failure> {
        let name = &app.role.name;
        let set_role = self.becoming(app);
        let is_set = self.session.execute(
            &format!("cannot probe as role `{name}`"),
            &format!("BEGIN; {set_role}; ROLLBACK"),
        );
        is_set.map_err(|failure| failure.help("connect as a superuser, or as a member of the role"))
    }

    /// SET ROLE leaves `session_user` as it is, which policies may look at.
    fn becoming(&self, app: &Actor<'_>) -> String {
        let name = identifier(&app.role.name);
        if self.is_superuser {
            format!("SET LOCAL SESSION AUTHORIZATION {name}")
        } else {
            format!("SET LOCAL ROLE {name}")
        }
    }

    /// What a new session of a role starts with, and its tenant.
    fn settings(&self, app: &Actor<'_>, tenant: Tenant<'_>) -> String {
        let own = self.settings.iter();
        let own = own.filter(|one| one.role.is_empty() || one.role == app.role.name);
        let mut pairs: Vec<(&str, String)> = own.map(|one| (one.name.as_str(), one.value.clone())).collect();
        let policy = &self.context.project.policy;
        let claim = claims::tenant(policy);
        if let Some(column) = policy.tenancy.column() {
            match tenant {
                Tenant::None => {}
                Tenant::Empty => {
                    pairs.push((&column.setting.value, String::new()));
                    pairs.extend(claim.map(|_| claims::unset()).into_iter().flatten());
                }
                Tenant::Is(text) => {
                    pairs.push((&column.setting.value, text.to_string()));
                    let set = claim.map(|claim| claims::set(claim, text, &app.role.name));
                    pairs.extend(set.into_iter().flatten());
                }
            }
        }
        let statements = pairs.iter().map(|(name, value)| {
            format!(
                "SELECT pg_catalog.set_config({}, {}, true); ",
                literal(name),
                literal(value)
            )
        });
        statements.collect()
    }

    /// Tries actions that share what the superuser does before. At first, all of them at once: that is all if the server
    /// runs them without finding or changing a row.
    pub fn attempt_each(&mut self, app: &Actor<'_>, tries: &[Try<'_>]) -> Result<(), Failure> {
        let Some(first) = tries.first() else {
            return Ok(());
        };
        let statements: Vec<&str> = tries.iter().map(|tried| tried.statement.as_str()).collect();
        let all = format!(
            "{}{}; {}",
            first.before,
            self.becoming(app),
            statements.join("; ")
        );
        if self.session.attempt(&all, tries.len())? == Attempt::Done(0) {
            self.reached.insert(first.table.name().to_string());
            self.probed.attempts += tries.len();
            return Ok(());
        }
        tries.iter().try_for_each(|tried| self.attempt(app, tried))
    }

    /// Tries one action. If it fails, once more without the triggers of the table: it is the policies that count.
    pub fn attempt(&mut self, app: &Actor<'_>, tried: &Try<'_>) -> Result<(), Failure> {
        self.probed.attempts += 1;
        self.reached.insert(tried.table.name().to_string());
        let mut action = tried.action.clone();
        let mut outcome = self.outcome(app, tried, true)?;
        let has_triggers = tried.effect == Effect::Foreign && self.target == Target::Throwaway;
        if let (Attempt::Failed(_), true) = (&outcome, has_triggers) {
            let without = self.outcome(app, tried, false)?;
            if !matches!(without, Attempt::Failed(_)) {
                action.command += " (only a trigger stopped it)";
                outcome = without;
            }
        }
        let (table, role) = (tried.table.name(), app.role.name.as_str());
        match outcome {
            Attempt::Done(rows) if tried.counted.is_reached(rows) => {
                self.probed.allow(table, role, action, tried.effect);
            }
            Attempt::Constrained if tried.counted != Counted::Nothing => {
                action.command += " (only a constraint stopped it)";
                self.probed.allow(table, role, action, tried.effect);
            }
            Attempt::Done(_) | Attempt::Constrained | Attempt::RowRefused => {}
            Attempt::PrivilegeMissing(_) if !tried.is_permitted => {}
            Attempt::Failed(_) if tried.effect == Effect::Change => {}
            Attempt::NoRow => self.probed.not_made += 1,
            Attempt::PrivilegeMissing(message) | Attempt::Failed(message) => {
                self.probed.fail(table, role, action, message);
            }
        }
        Ok(())
    }

    /// What came of an action that may succeed. As for other attempts, a trigger in its way does not count.
    pub fn observe(&mut self, app: &Actor<'_>, tried: &Try<'_>) -> Result<Seen, Failure> {
        self.probed.attempts += 1;
        let mut outcome = self.outcome(app, tried, true)?;
        if matches!(outcome, Attempt::Failed(_)) && self.target == Target::Throwaway {
            outcome = self.outcome(app, tried, false)?;
        }
        Ok(match outcome {
            Attempt::Done(0) | Attempt::RowRefused => Seen::Refused,
            Attempt::Done(_) | Attempt::Constrained => Seen::Reached,
            Attempt::NoRow | Attempt::PrivilegeMissing(_) | Attempt::Failed(_) => Seen::Unknown,
        })
    }

    fn outcome(&mut self, app: &Actor<'_>, tried: &Try<'_>, with_triggers: bool) -> Result<Attempt, Failure> {
        let without = if with_triggers {
            ""
        } else {
            "SET LOCAL session_replication_role = replica; "
        };
        let reset = if tried.after.is_empty() {
            ""
        } else {
            "; RESET SESSION AUTHORIZATION; "
        };
        let sql = format!(
            "{}{without}{}; {}{reset}{}",
            tried.before,
            self.becoming(app),
            tried.statement,
            tried.after
        );
        self.session.attempt(&sql, 1)
    }

    /// The text that a query finds, asked as the session's own role in a transaction that cannot write.
    pub fn ask(&mut self, query: &str) -> Result<Option<String>, Failure> {
        self.session.execute(
            "a probe cannot be started",
            &format!("BEGIN READ ONLY; {OVERRIDES}"),
        )?;
        let rows = self.session.try_query::<Text>(query)?;
        self.session.end_attempts()?;
        Ok(rows
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|row| row.text))
    }

    /// Asks the server to refuse the tables that no role of the application may use.
    pub fn ask_refused(&mut self) -> Result<(), Failure> {
        let context = self.context;
        let refused = context
            .row_secured()
            .filter(|(_, relation)| context.is_refused(relation));
        let tries: Vec<Try<'_>> = refused
            .map(|(table, relation)| refused_read(table, relation))
            .collect();
        if tries.is_empty() {
            return Ok(());
        }
        for app in &context.app_roles {
            self.run_as(app, Tenant::None, |attempts| {
                tries.iter().try_for_each(|tried| attempts.attempt(app, tried))
            })?;
        }
        Ok(())
    }

    /// Adds the tables for which there was no attempt.
    pub fn finished(mut self) -> Probed {
        for (table, relation) in self.context.row_secured() {
            if !self.reached.contains(table.name()) && !self.context.app_roles.is_empty() {
                let mut apps = self.context.app_roles.iter();
                let reason = if apps.any(|app| app.may(relation, ANY)) {
                    "the roles of the application may use it only as another role, after SET ROLE"
                } else {
                    "no role of the application holds a privilege on it, or on any other table of tenants"
                };
                self.probed.untried.push(Untried {
                    table: table.name().to_string(),
                    reason: reason.to_string(),
                    fix: "grant the application what it needs before the check, so that its policies can be tried"
                        .to_string(),
                });
            }
        }
        self.probed
    }
}

/// A read for which no role of the application has the privilege.
fn refused_read<'a>(table: &'a Table<'a>, relation: &Relation) -> Try<'a> {
    Try {
        table,
        action: Action {
            command: "SELECT".to_string(),
            circumstance: Tenant::None.circumstance(),
        },
        before: String::new(),
        statement: format!("SELECT FROM {} LIMIT 1", relation.qualified()),
        after: String::new(),
        effect: Effect::Foreign,
        counted: Counted::Success,
        is_permitted: false,
    }
}
