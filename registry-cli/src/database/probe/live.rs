//! What can be asked of a live database without a statement that could write.
//!
//! Roles read their tables, and the policies of each command are evaluated by SELECT on made-up rows. Triggers and rules
//! are not tried.

use serde_json::{Map, Value, json};
use table_registry_engine::{Command, Parent, Tenancy};

use crate::database::access::roles::Actor;
use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::matrix::{Scope, Verb};
use crate::database::policies::{Clause, letter};
use crate::database::probe::attempts::{Attempts, Counted, Tenant, Try};
use crate::database::probe::probed::{Action, Effect};
use crate::database::probe::question::Question;
use crate::database::requirements::statements::{identifier, literal};
use crate::failure::Failure;
use crate::progress;

/// Asks as every role, first in sessions that never had a tenant: a setting that was set once is empty afterwards.
pub fn try_all(attempts: &mut Attempts<'_, '_>) -> Result<(), Failure> {
    let context = attempts.context;
    let tenant = session_tenant(attempts)?;
    let sessions = [Tenant::None, Tenant::Empty, Tenant::Is(&tenant)];
    let tables = context.row_secured().count();
    let bar = progress::bar("Probing", sessions.len() * context.app_roles.len() * tables);
    for tenant in sessions {
        for app in &context.app_roles {
            let Some(role) = context.owner(app.role.oid) else {
                continue;
            };
            let mut actions = Vec::new();
            for (table, relation) in context.row_secured() {
                for relation in context.family(relation) {
                    let asked = Asked {
                        context,
                        role: &role,
                        table,
                        relation,
                        tenant,
                    };
                    actions.extend(asked.actions(attempts)?);
                }
                bar.inc(1);
            }
            attempts.run_as(app, tenant, |attempts| {
                actions
                    .iter()
                    .try_for_each(|action| attempts.attempt(app, action))
            })?;
        }
    }
    Ok(())
}

/// The first tenant that has a row, or else a made-up one.
pub fn session_tenant(attempts: &mut Attempts<'_, '_>) -> Result<String, Failure> {
    let context = attempts.context;
    let mut is_uuid = false;
    for (table, relation) in context.row_secured() {
        let Some(column) = table.tenant_column() else {
            continue;
        };
        let columns = context.catalog.columns(relation.oid).iter();
        is_uuid |= columns
            .filter(|one| one.name == column)
            .any(|one| one.type_name == "uuid");
        let column = identifier(column);
        let query = format!(
            "SELECT {column}::text AS text FROM {} WHERE {column} IS NOT NULL LIMIT 1",
            relation.qualified()
        );
        if let Some(text) = attempts.ask(&query)? {
            return Ok(text);
        }
    }
    let made_up = if is_uuid {
        "00000000-0000-0000-0000-000000000002"
    } else {
        "2"
    };
    Ok(made_up.to_string())
}

/// A table that a role may use, in a session.
pub struct Asked<'t, 'c> {
    pub context: &'t Context<'c>,
    /// The role, with what it inherits.
    pub role: &'t Actor<'c>,
    pub table: &'t Table<'c>,
    pub relation: &'t Relation,
    pub tenant: Tenant<'t>,
}

impl<'t> Asked<'t, '_> {
    fn actions(&self, attempts: &mut Attempts<'_, '_>) -> Result<Vec<Try<'t>>, Failure> {
        if !self.role.enters(&self.relation.schema) || self.table.registered.tenancy == Tenancy::Unknown {
            return Ok(Vec::new());
        }
        let mut actions: Vec<Try<'t>> = self.read().into_iter().collect();
        let rows = self.made_up_rows(attempts)?;
        for command in Command::ALL {
            if self.role.holds(self.relation, &command.as_str().to_uppercase()) {
                actions.extend(self.plan(command));
                for clause in clauses(command) {
                    let evaluated = self.evaluated(command, *clause, &rows);
                    attempts.probed.not_made += usize::from(evaluated.is_none());
                    actions.extend(evaluated.into_iter().flatten());
                }
            }
        }
        Ok(actions)
    }

    /// For each command and for the rows of each owner: whether the policies let them through.
    pub fn questions(&self, attempts: &mut Attempts<'_, '_>) -> Result<Vec<Question<'t>>, Failure> {
        let mut all = Vec::new();
        if !self.role.enters(&self.relation.schema) {
            return Ok(all);
        }
        for scope in self.scopes() {
            let rows = self.rows_in(attempts, scope)?;
            for command in Command::ALL.into_iter().filter(|command| self.holds(*command)) {
                let clauses = clauses(command).iter();
                let policies = clauses
                    .map(|clause| self.evaluated(command, *clause, &rows))
                    .collect();
                let unbound = [self.unbound(command)].into_iter();
                let read = self.read_in(scope).filter(|_| command == Command::Select);
                for conditions in [policies, Some(vec![unbound.chain(read).collect()])] {
                    all.push(self.question(command.into(), scope, conditions));
                }
            }
        }
        let truncate = format!(
            "SELECT WHERE has_table_privilege({}, 'TRUNCATE')",
            literal(&self.relation.qualified().to_string())
        );
        let truncate = self.action(Command::Select, true, truncate);
        all.push(self.question(Verb::Truncate, Scope::All, Some(vec![vec![truncate]])));
        Ok(all)
    }

    fn question(&self, verb: Verb, scope: Scope, conditions: Option<Vec<Vec<Try<'t>>>>) -> Question<'t> {
        Question {
            table: self.table.name(),
            verb,
            scope,
            conditions,
        }
    }

    fn holds(&self, command: Command) -> bool {
        let privilege = command.as_str().to_uppercase();
        let mut columns = self.context.catalog.columns(self.relation.oid).iter();
        self.role.holds(self.relation, &privilege)
            || columns.any(|column| self.role.holds_on(self.relation, &column.name, &privilege))
    }

    /// The owners of the rows that the session tells apart.
    fn scopes(&self) -> Vec<Scope> {
        if !self.table.has_rls() {
            return vec![Scope::All];
        }
        let shared = self.table.column_of_shared_rows().map(|_| Scope::Shared);
        let own = match self.tenant {
            Tenant::Is(_) => vec![Scope::Own, Scope::Others],
            Tenant::None | Tenant::Empty => vec![Scope::Unset],
        };
        own.into_iter().chain(shared).collect()
    }

    /// Whether row-level security does not apply to the role.
    fn unbound(&self, command: Command) -> Try<'t> {
        let name = literal(&self.relation.qualified().to_string());
        self.action(
            command,
            true,
            format!("SELECT WHERE NOT row_security_active({name})"),
        )
    }

    /// Made-up rows of an owner. Empty if none is certain to be one.
    fn rows_in(
        &self,
        attempts: &mut Attempts<'_, '_>,
        scope: Scope,
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        let (Scope::Own | Scope::Shared) = scope else {
            return self.made_up_rows(attempts);
        };
        let mut row = self.made_up_row();
        match (&self.table.registered.tenancy, self.tenant) {
            (Tenancy::Column { name, .. }, _) if scope == Scope::Shared => {
                row.remove(name);
            }
            (Tenancy::Column { name, .. }, Tenant::Is(text)) => {
                row.insert(name.clone(), json!(text));
            }
            (Tenancy::Through(parent), Tenant::Is(_)) => {
                let Some(keys) = self.keys_of_a_parent(attempts, parent, true)? else {
                    return Ok(Vec::new());
                };
                row.extend(parent.columns.iter().cloned().zip(keys));
            }
            _ => return Ok(Vec::new()),
        }
        Ok(vec![row])
    }

    /// Reads the rows of an owner that are there.
    fn read_in(&self, scope: Scope) -> Option<Try<'t>> {
        let column = || self.table.tenant_column().map(identifier);
        let condition = match (scope, self.tenant) {
            (Scope::Others | Scope::Unset, _) => return self.read(),
            (Scope::Own, Tenant::Is(text)) => format!(" WHERE {}::text = {}", column()?, literal(text)),
            (Scope::Own, _) => return None,
            (Scope::Shared, _) => format!(" WHERE {} IS NULL", column()?),
            (Scope::All, _) => String::new(),
        };
        let statement = format!("SELECT FROM {}{condition} LIMIT 1", self.relation.qualified());
        let is_permitted = self.role.holds(self.relation, "SELECT");
        is_permitted.then(|| self.action(Command::Select, false, statement))
    }

    /// Reads the rows that are there.
    fn read(&self) -> Option<Try<'t>> {
        let of_others = match (self.tenant, self.table.tenant_column()) {
            (Tenant::Is(text), Some(column)) => {
                Some(format!("{}::text <> {}", identifier(column), literal(text)))
            }
            // Which tenant a row of a child belongs to is not seen at the row.
            (Tenant::Is(_), None) => return None,
            _ => {
                let column = self.table.column_of_shared_rows();
                column.map(|column| format!("{} IS NOT NULL", identifier(column)))
            }
        };
        let condition = of_others.map_or_else(String::new, |condition| format!(" WHERE {condition}"));
        let statement = format!("SELECT FROM {}{condition} LIMIT 1", self.relation.qualified());
        let is_permitted = self.role.holds(self.relation, "SELECT");
        is_permitted.then(|| self.action(Command::Select, false, statement))
    }

    /// Asks how the server would run a command, for which it puts the policies together.
    fn plan(&self, command: Command) -> Option<Try<'t>> {
        let columns = self.context.catalog.columns(self.relation.oid).iter();
        let name = command.as_str().to_uppercase();
        let mut permitted = columns.filter(|column| self.role.holds_on(self.relation, &column.name, &name));
        let (table, column) = (
            self.relation.qualified(),
            permitted.next().map(|one| identifier(&one.name)),
        );
        let statement = match command {
            Command::Select => return None,
            Command::Insert => format!("INSERT INTO {table} ({}) VALUES (DEFAULT)", column?),
            Command::Update => format!("UPDATE {table} SET {} = DEFAULT", column?),
            Command::Delete => format!("DELETE FROM {table}"),
        };
        Some(Try {
            counted: Counted::Nothing,
            ..self.action(command, false, format!("EXPLAIN {statement}"))
        })
    }

    /// Evaluates the policies for a command on made-up rows. `None` if that is not possible.
    fn evaluated(
        &self,
        command: Command,
        clause: Clause,
        rows: &[Map<String, Value>],
    ) -> Option<Vec<Try<'t>>> {
        let Some(condition) = self.condition(command, clause) else {
            return Some(Vec::new());
        };
        // A made-up row is in no table.
        if SYSTEM_COLUMNS.iter().any(|name| condition.contains(name)) {
            return None;
        }
        if rows.is_empty() {
            return None;
        }
        let actions = rows.iter().map(|row| {
            let statement = format!(
                "SELECT FROM jsonb_populate_record(NULL::{}, {}) AS {} WHERE {condition}",
                self.relation.qualified(),
                literal(&Value::Object(row.clone()).to_string()),
                identifier(&self.relation.name),
            );
            self.action(command, true, statement)
        });
        Some(actions.collect())
    }

    /// The combined condition of the policies: any permissive one, and every restrictive one. `None` if row-level
    /// security is off or no policy is permissive.
    fn condition(&self, command: Command, clause: Clause) -> Option<String> {
        let policies = self.context.catalog.policies(self.relation.oid).iter();
        let of_command =
            policies.filter(|policy| policy.is_for(letter(command)) && self.role.is_given(policy));
        let (permissive, restrictive): (Vec<&PolicyRow>, Vec<_>) =
            of_command.partition(|policy| policy.permissive);
        let texts = |policies: Vec<&PolicyRow>| -> Vec<String> {
            let texts = policies.into_iter().filter_map(|policy| clause.of(policy));
            texts.map(|text| format!("({text})")).collect()
        };
        let mut all = vec![format!("({})", texts(permissive).join(" OR "))];
        all.extend(texts(restrictive));
        (self.relation.row_security && all[0] != "()").then(|| all.join(" AND "))
    }

    /// Rows that the session must not reach: those of another tenant, and one without a tenant unless such rows are
    /// everybody's.
    fn made_up_rows(&self, attempts: &mut Attempts<'_, '_>) -> Result<Vec<Map<String, Value>>, Failure> {
        let mut row = self.made_up_row();
        if let Tenancy::Through(parent) = &self.table.registered.tenancy {
            let Some(keys) = self.keys_of_a_parent(attempts, parent, false)? else {
                return Ok(Vec::new());
            };
            row.extend(parent.columns.iter().cloned().zip(keys));
            return Ok(vec![row]);
        }
        let Some(tenant) = self.table.tenant_column() else {
            return Ok(vec![row]);
        };
        if let (Tenant::Is(text), Some(value)) = (self.tenant, row.get_mut(tenant)) {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), ToString::to_string);
            if shown == text {
                *value = another(value);
            }
        }
        let only_tenant = row.iter().filter(|(name, _)| *name == tenant);
        let only_tenant: Map<String, Value> = only_tenant
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut without_tenant = row.clone();
        without_tenant.remove(tenant);
        let without_tenant = self
            .table
            .column_of_shared_rows()
            .is_none()
            .then_some(without_tenant);
        Ok([row, only_tenant].into_iter().chain(without_tenant).collect())
    }

    fn made_up_row(&self) -> Map<String, Value> {
        let columns = self.context.catalog.columns(self.relation.oid).iter();
        columns
            .filter_map(|column| Some((column.name.clone(), made_up(&column.type_name)?)))
            .collect()
    }

    /// The keys of a row of the parent that belongs to the tenant of the session, or to another one, if there is one.
    fn keys_of_a_parent(
        &self,
        attempts: &mut Attempts<'_, '_>,
        reference: &Parent,
        is_own: bool,
    ) -> Result<Option<Vec<Value>>, Failure> {
        let mut tables = self.context.tables.iter();
        let found = tables.find(|table| table.name() == reference.table);
        let Some((parent, relation)) = found.and_then(|parent| Some((parent, parent.relation?))) else {
            return Ok(None);
        };
        let condition = match (self.tenant, parent.tenant_column()) {
            (Tenant::Is(text), Some(column)) => {
                let comparison = if is_own { "=" } else { "<>" };
                format!(
                    " WHERE {}::text {comparison} {}",
                    identifier(column),
                    literal(text)
                )
            }
            // Which tenant it belongs to is not seen at the row.
            (Tenant::Is(_), None) => return Ok(None),
            (_, Some(column)) => format!(" WHERE {} IS NOT NULL", identifier(column)),
            (_, None) => String::new(),
        };
        let names: Vec<String> = reference.keys.iter().map(|key| identifier(key)).collect();
        let query = format!(
            "SELECT jsonb_build_array({})::text AS text FROM {}{condition} LIMIT 1",
            names.join(", "),
            relation.qualified()
        );
        let text = attempts.ask(&query)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn action(&self, command: Command, is_made_up: bool, statement: String) -> Try<'t> {
        Try {
            table: self.table,
            action: Action {
                command: command.as_str().to_uppercase(),
                circumstance: if is_made_up {
                    self.tenant.circumstance_of_made_up_rows()
                } else {
                    self.tenant.circumstance()
                },
            },
            before: String::new(),
            statement,
            after: String::new(),
            effect: Effect::Foreign,
            counted: if self.context.is_declared(self.table, command) {
                Counted::Nothing
            } else {
                Counted::Rows
            },
            is_permitted: true,
        }
    }
}

/// What PostgreSQL evaluates for a command.
fn clauses(command: Command) -> &'static [Clause] {
    match command {
        Command::Insert => &[Clause::Check],
        Command::Update => &[Clause::Using, Clause::Check],
        Command::Select | Command::Delete => &[Clause::Using],
    }
}

/// <https://www.postgresql.org/docs/current/ddl-system-columns.html>.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"];

/// Another value of the same type.
fn another(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 1 => json!("00000000-0000-0000-0000-000000000001"),
        Value::String(_) => json!("2"),
        _ => json!(2),
    }
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
