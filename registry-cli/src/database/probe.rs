//! Tries what the server really allows the roles of the application to do, in transactions that are rolled back.
//!
//! The catalogs show why something is possible; an attempt shows whether it is. Each attempt has a savepoint of its
//! own and changes no row, except TRUNCATE, which has no condition. Reading an empty table proves nothing, so its
//! policies are evaluated on made-up rows.

use serde_json::{Map, Value, json};

use super::allowed::{Allowed, Effect};
use super::catalog::{PolicyRow, Relation};
use super::context::{Context, Table};
use super::roles::Actor;
use super::session::{Attempt, Session};
use super::statements::{identifier, literal};
use crate::failure::Failure;
use crate::progress;

/// Overrides defaults of the role or the database that would make an attempt fail as if it were refused.
const BEGIN: &str = "BEGIN READ WRITE; SET LOCAL row_security = on; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'";

/// The number of attempts, and those that succeeded.
#[derive(Debug, Default)]
pub struct Probed {
    pub attempts: usize,
    pub allowed: Vec<Allowed>,
}

/// Attempts everything that the server should refuse.
pub fn run(session: &mut Session, context: &Context<'_>) -> Result<Probed, Failure> {
    let tables = context.append_only().count() + context.row_secured().count();
    let bar = progress::bar("Probing", context.app_roles.len() * tables);
    let mut probe = Probe {
        session,
        context,
        probed: Probed::default(),
    };
    for app in &context.app_roles {
        probe.begin_as(app)?;
        for (table, relation) in context.append_only() {
            for relation in context.family(relation) {
                probe.try_changes(app, table, relation)?;
            }
            bar.inc(1);
        }
        for (table, relation) in context.row_secured() {
            for relation in context.family(relation) {
                probe.try_read(app, table, relation)?;
            }
            bar.inc(1);
        }
        probe.end()?;
    }
    Ok(probe.probed)
}

struct Probe<'p, 'c> {
    session: &'p mut Session,
    context: &'p Context<'c>,
    probed: Probed,
}

impl Probe<'_, '_> {
    fn begin_as(&mut self, app: &Actor<'_>) -> Result<(), Failure> {
        let name = &app.role.name;
        self.session.execute("a probe cannot be started", BEGIN)?;
        let set_role = format!("SET LOCAL ROLE {}", identifier(name));
        let is_set = self
            .session
            .execute(&format!("cannot probe as role `{name}`"), &set_role);
        is_set.map_err(|failure| failure.help("connect as a superuser, or as a member of the role"))
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.session.execute("a probe cannot be ended", "ROLLBACK")
    }

    fn attempt(&mut self, statement: &str) -> Result<Attempt, Failure> {
        self.probed.attempts += 1;
        self.session.attempt(statement)
    }

    fn try_changes(
        &mut self,
        app: &Actor<'_>,
        table: &Table<'_>,
        relation: &Relation,
    ) -> Result<(), Failure> {
        for action in actions(self.context, relation) {
            if let Attempt::Done(_) = self.attempt(&action.statement)? {
                self.record(table, app, &action.name, Effect::Change);
            }
        }
        Ok(())
    }

    fn try_read(&mut self, app: &Actor<'_>, table: &Table<'_>, relation: &Relation) -> Result<(), Failure> {
        let shared_rows = table.column_of_shared_rows();
        let condition = shared_rows.map_or_else(String::new, |column| {
            format!(" WHERE {} IS NOT NULL", identifier(column))
        });
        let read = format!("SELECT FROM {}{condition} LIMIT 1", relation.qualified());
        match self.attempt(&read)? {
            Attempt::Refused => {}
            Attempt::Done(0) => {
                for statement in made_up_reads(self.context, app, relation, shared_rows.is_some()) {
                    if matches!(self.attempt(&statement)?, Attempt::Done(rows) if rows > 0) {
                        self.record(
                            table,
                            app,
                            "SELECT without a tenant (on a made-up row)",
                            Effect::Read,
                        );
                        break;
                    }
                }
            }
            Attempt::Done(_) => self.record(table, app, "SELECT without a tenant", Effect::Read),
        }
        Ok(())
    }

    fn record(&mut self, table: &Table<'_>, app: &Actor<'_>, action: &str, effect: Effect) {
        self.probed.allowed.push(Allowed {
            table: table.name().to_string(),
            role: app.role.name.clone(),
            action: action.to_string(),
            effect,
        });
    }
}

/// Reads of made-up rows: rows of some tenant, while the session has none, and a row without a tenant, unless that is
/// everybody's.
fn made_up_reads(
    context: &Context<'_>,
    app: &Actor<'_>,
    relation: &Relation,
    has_shared_rows: bool,
) -> Vec<String> {
    let Some(condition) = shown_rows(context, app, relation) else {
        return Vec::new();
    };
    let columns = context.catalog.columns(relation.oid).iter();
    let row: Map<String, Value> = columns
        .filter_map(|column| Some((column.name.clone(), made_up(&column.type_name)?)))
        .collect();
    let mut without_tenant = row.clone();
    let tenant_column = context.tenant_column_of(relation).unwrap_or_default();
    without_tenant.remove(tenant_column);
    let tenant = row.iter().filter(|(name, _)| *name == tenant_column);
    let only_tenant = tenant
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let without_tenant = (!has_shared_rows).then_some(without_tenant);
    let rows = [row, only_tenant].into_iter().chain(without_tenant);
    let reads = rows.map(|row| {
        format!(
            "SELECT FROM jsonb_populate_record(NULL::{}, {}) AS {} WHERE {condition}",
            relation.qualified(),
            literal(&Value::Object(row).to_string()),
            identifier(&relation.name),
        )
    });
    reads.collect()
}

/// A made-up value for the usual types.
fn made_up(type_name: &str) -> Option<Value> {
    Some(match type_name {
        "bool" => json!(false),
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" => json!(1),
        "text" | "varchar" | "bpchar" | "citext" => json!("1"),
        "uuid" => json!("00000000-0000-0000-0000-000000000000"),
        "date" | "timestamp" | "timestamptz" => json!("2000-01-01"),
        "json" | "jsonb" => json!({}),
        _ => return None,
    })
}

/// The combined condition of the policies: any permissive one, and every restrictive one. `None` if row-level
/// security is off or no policy is permissive.
fn shown_rows(context: &Context<'_>, app: &Actor<'_>, relation: &Relation) -> Option<String> {
    let policies = context.catalog.policies(relation.oid).iter();
    let of_reads = policies.filter(|policy| matches!(policy.command.as_str(), "*" | "r"));
    let applying = of_reads.filter(|policy| app.is_given(policy));
    let (permissive, restrictive): (Vec<&PolicyRow>, Vec<_>) = applying.partition(|policy| policy.permissive);
    let using = |policies: Vec<&PolicyRow>| -> Vec<String> {
        let using = policies.into_iter().filter_map(|policy| policy.using.as_deref());
        using.map(|text| format!("({text})")).collect()
    };
    let mut all = vec![format!("({})", using(permissive).join(" OR "))];
    all.extend(using(restrictive));
    (relation.row_security && all[0] != "()").then(|| all.join(" AND "))
}

struct Action {
    name: String,
    statement: String,
}

/// The changes to attempt. TRUNCATE has CASCADE, because a foreign key could refuse it although the privileges allow
/// it. UPDATE sets a column to DEFAULT, which is possible even for a generated column.
fn actions(context: &Context<'_>, relation: &Relation) -> Vec<Action> {
    let table = relation.qualified();
    let rules = || context.catalog.rules(relation.oid).iter();
    // An INSTEAD rule replaces the statement, so an attempt would succeed without doing anything.
    let is_replaced = |event: &str| rules().any(|rule| rule.instead_of.as_deref() == Some(event));
    let all = context.catalog.columns(relation.oid).iter();
    // If there is a grant on a column, each column is attempted.
    let grants = context.catalog.grants(relation.oid);
    let by_column = grants.iter().any(|grant| grant.column.is_some());
    let shown = if by_column { usize::MAX } else { 1 };
    let columns = all.filter(|_| !is_replaced("2")).take(shown);
    let updates = columns.map(|column| Action {
        name: format!("UPDATE of `{}`", column.name),
        statement: format!(
            "UPDATE {table} SET {} = DEFAULT WHERE false",
            identifier(&column.name)
        ),
    });
    let statements = [
        ("DELETE", format!("DELETE FROM {table} WHERE false")),
        ("TRUNCATE", format!("TRUNCATE {table} CASCADE")),
    ];
    let possible = statements
        .into_iter()
        .filter(|(name, _)| *name != "DELETE" || !is_replaced("4"));
    let others = possible.map(|(name, statement)| Action {
        name: name.to_string(),
        statement,
    });
    updates.chain(others).collect()
}
