//! Attempts to read and to change the made-up rows of other tenants.

use table_registry_engine::{Command, Tenancy};

use crate::database::access::roles::Actor;
use crate::database::catalog::{ColumnRow, Relation};
use crate::database::context::{Context, Table, tenant_columns};
use crate::database::matrix::{Scope, Verb};
use crate::database::probe::attempts::{Attempts, Counted, Tenant, Try};
use crate::database::probe::probed::{Action, Effect};
use crate::database::probe::question::Question;
use crate::database::probe::rows::{Owner, Rows};
use crate::database::requirements::statements::{identifier, literal};
use crate::failure::Failure;
use crate::progress;

/// Tries every command on every table, as every role, first in sessions that never had a tenant: a setting that was set
/// once is empty afterwards.
pub fn try_all(attempts: &mut Attempts<'_, '_>, rows: &Rows<'_, '_>) -> Result<(), Failure> {
    let context = attempts.context;
    let sessions = [Tenant::None, Tenant::Empty, Tenant::Is(rows.tenant())];
    let tables = context.row_secured().count();
    let bar = progress::bar("Probing", sessions.len() * context.app_roles.len() * tables);
    for tenant in sessions {
        for app in &context.app_roles {
            let Some(role) = context.owner(app.role.oid) else {
                continue;
            };
            attempts.run_as(app, tenant, |attempts| {
                for (table, relation) in context.row_secured() {
                    for relation in context.family(relation) {
                        let probed = ProbedTable {
                            context,
                            rows,
                            role: &role,
                            table,
                            relation,
                            tenant,
                        };
                        for tries in probed.reaching_rows() {
                            attempts.attempt_each(app, &tries)?;
                        }
                        for tried in probed.leaving_rows() {
                            attempts.attempt(app, &tried)?;
                        }
                    }
                    bar.inc(1);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// A table that a role may use, in a session.
pub struct ProbedTable<'t, 'c> {
    pub context: &'t Context<'c>,
    pub rows: &'t Rows<'t, 'c>,
    /// The role, with what it inherits.
    pub role: &'t Actor<'c>,
    pub table: &'t Table<'c>,
    pub relation: &'t Relation,
    pub tenant: Tenant<'t>,
}

impl<'t> ProbedTable<'t, '_> {
    /// The commands that reach rows of others, by what is removed before.
    fn reaching_rows(&self) -> [Vec<Try<'t>>; 2] {
        if !self.is_probed() {
            return [Vec::new(), Vec::new()];
        }
        let select = self.select(self.without_readable()).into_iter();
        let changes = [self.update(self.without_own()), self.delete(self.without_own())];
        let changes = changes.into_iter().flatten();
        if self.has_shared_rows() {
            return [select.collect(), changes.collect()];
        }
        [select.chain(changes).collect(), Vec::new()]
    }

    /// The commands that leave rows of others behind.
    fn leaving_rows(&self) -> Vec<Try<'t>> {
        let mut tries = Vec::new();
        let shared = self.has_shared_rows().then_some(Owner::Nobody);
        let owners = Owner::OTHERS.into_iter().chain(shared);
        for owner in owners.filter(|_| self.is_probed()) {
            tries.extend(self.insert(owner));
            tries.extend(self.take_over(owner));
        }
        tries
    }

    /// For each command and for the rows of each owner: whether the command reaches them if there are no others.
    pub fn questions(&self) -> Vec<Question<'t>> {
        let mut all = Vec::new();
        if !self.role.enters(&self.relation.schema) {
            return all;
        }
        for (scope, owners) in self.scopes() {
            let others = Owner::ALL.into_iter().filter(|owner| !owners.contains(owner));
            let before = || self.removed(&others.clone().collect::<Vec<_>>());
            let found = [
                (Verb::Select, self.select(before())),
                (Verb::Update, self.update(before())),
                (Verb::Delete, self.delete(before())),
            ];
            let is_itself = self
                .table
                .relation
                .is_some_and(|own| own.oid == self.relation.oid);
            let has_rows = self.rows.have(self.relation, &owners);
            for (verb, tried) in found {
                match tried {
                    Some(tried) if has_rows => all.push(self.question(verb, scope, Some(tried))),
                    // Not every partition can hold a row of every owner.
                    Some(_) if is_itself => all.push(self.question(verb, scope, None)),
                    _ => {}
                }
            }
            for owner in owners {
                if owner == Owner::Nobody && scope != Scope::Shared {
                    continue;
                }
                let written = self.insert(owner).map(|tried| (Verb::Insert, tried));
                let moved = self.take_over(owner).filter(|_| scope != Scope::Own);
                let moved = moved.map(|tried| (Verb::Update, tried));
                let tries = written.into_iter().chain(moved);
                all.extend(tries.map(|(verb, tried)| self.question(verb, scope, Some(tried))));
            }
        }
        let truncate = format!(
            "SELECT WHERE has_table_privilege({}, 'TRUNCATE')",
            literal(&self.relation.qualified().to_string())
        );
        let truncate = self.action(Command::Select, truncate, String::new());
        all.push(self.question(Verb::Truncate, Scope::All, Some(truncate)));
        all
    }

    fn question(&self, verb: Verb, scope: Scope, tried: Option<Try<'t>>) -> Question<'t> {
        Question {
            table: self.table.name(),
            verb,
            scope,
            conditions: tried.map(|tried| vec![vec![tried]]),
        }
    }

    /// The owners of the rows that the session tells apart.
    fn scopes(&self) -> Vec<(Scope, Vec<Owner>)> {
        if !self.table.has_rls() {
            return vec![(Scope::All, Owner::ALL.to_vec())];
        }
        let own = self.own();
        let is_shared = |owner: Owner| owner == Owner::Nobody && self.has_shared_rows();
        let others = Owner::ALL
            .into_iter()
            .filter(|owner| !own.contains(owner) && !is_shared(*owner));
        let others = others.collect();
        let mut scopes = match self.tenant {
            Tenant::Is(_) => vec![(Scope::Own, own), (Scope::Others, others)],
            Tenant::None | Tenant::Empty => vec![(Scope::Unset, others)],
        };
        if self.has_shared_rows() {
            scopes.push((Scope::Shared, vec![Owner::Nobody]));
        }
        scopes
    }

    fn has_shared_rows(&self) -> bool {
        self.table.column_of_shared_rows().is_some()
    }

    fn is_probed(&self) -> bool {
        self.role.enters(&self.relation.schema) && self.table.registered.tenancy != Tenancy::Unknown
    }

    fn select(&self, before: String) -> Option<Try<'t>> {
        let statement = format!("SELECT FROM {} LIMIT 1", self.relation.qualified());
        let columns = self.columns("SELECT");
        (!columns.is_empty()).then(|| self.action(Command::Select, statement, before))
    }

    /// Without a condition, the policies for SELECT do not count.
    fn update(&self, before: String) -> Option<Try<'t>> {
        let decides = tenant_columns(self.table.registered);
        let indexes = self.context.catalog.indexes(self.relation.oid).iter();
        let in_index: Vec<&String> = indexes.flat_map(|index| index.columns.iter().flatten()).collect();
        let columns = self.columns("UPDATE");
        let is_plain = |name: &str| {
            !decides.contains(&name)
                && !in_index.iter().any(|column| *column == name)
                && !self.rows.is_partition_key(self.relation, name)
        };
        let mut values = self.rows.new_row(self.table, self.relation, Owner::Own);
        values.retain(|(name, _)| columns.iter().any(|column| column.name == *name));
        let plain = values.iter().find(|(name, _)| is_plain(name));
        let (column, value) = match plain.or(values.first()) {
            Some((name, _))
                if columns
                    .iter()
                    .any(|column| column.name == *name && column.is_numbered) =>
            {
                (*name, "DEFAULT")
            }
            Some((name, value)) => (*name, value.as_str()),
            None => (columns.first()?.name.as_str(), "DEFAULT"),
        };
        let statement = format!(
            "UPDATE {} SET {} = {value}",
            self.relation.qualified(),
            identifier(column)
        );
        Some(self.action(Command::Update, statement, before))
    }

    fn delete(&self, before: String) -> Option<Try<'t>> {
        let statement = format!("DELETE FROM {}", self.relation.qualified());
        let is_permitted = self.role.holds(self.relation, "DELETE");
        is_permitted.then(|| self.action(Command::Delete, statement, before))
    }

    /// Adds a row of another tenant.
    fn insert(&self, owner: Owner) -> Option<Try<'t>> {
        let permitted = self.columns("INSERT");
        let mut row = self.rows.new_row(self.table, self.relation, owner);
        row.retain(|(name, _)| permitted.iter().any(|column| column.name == *name));
        let (names, values): (Vec<String>, Vec<String>) = row
            .into_iter()
            .map(|(name, value)| (identifier(name), value))
            .unzip();
        let statement = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            self.relation.qualified(),
            names.join(", "),
            values.join(", ")
        );
        // Rows that are there would break unique keys.
        let before = self.removed(&Owner::ALL);
        let action = Try {
            after: self.rows_of(owner),
            ..self.action(Command::Insert, statement, before)
        };
        (!names.is_empty()).then_some(action)
    }

    /// Gives the session's own rows to another tenant.
    fn take_over(&self, owner: Owner) -> Option<Try<'t>> {
        let Tenant::Is(_) = self.tenant else { return None };
        let values = self.rows.tenant_values(self.table, self.relation, owner);
        let permitted = self.columns("UPDATE");
        let is_permitted = |name: &str| permitted.iter().any(|column| column.name == name);
        if values.is_empty() || !values.iter().all(|(name, _)| is_permitted(name)) {
            return None;
        }
        let sets = values
            .iter()
            .map(|(name, value)| format!("{} = {value}", identifier(name)));
        let statement = format!(
            "UPDATE {} SET {}",
            self.relation.qualified(),
            sets.collect::<Vec<_>>().join(", ")
        );
        let before = self.removed(&[Owner::Lower, Owner::Higher, Owner::Nobody]);
        Some(Try {
            action: Action {
                command: "UPDATE that moves rows to another tenant".to_string(),
                circumstance: "",
            },
            after: self.rows_of(owner),
            ..self.action(Command::Update, statement, before)
        })
    }

    fn action(&self, command: Command, statement: String, before: String) -> Try<'t> {
        Try {
            table: self.table,
            action: Action {
                command: command.as_str().to_uppercase(),
                circumstance: self.tenant.circumstance(),
            },
            before,
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

    /// Leaves only the rows that the session must not read.
    fn without_readable(&self) -> String {
        let shared = self.has_shared_rows().then_some(Owner::Nobody);
        self.removed(&self.own().into_iter().chain(shared).collect::<Vec<_>>())
    }

    /// Leaves only the rows that the session must not change.
    fn without_own(&self) -> String {
        self.removed(&self.own())
    }

    fn own(&self) -> Vec<Owner> {
        match self.tenant {
            Tenant::Is(_) => vec![Owner::Own],
            Tenant::None | Tenant::Empty => Vec::new(),
        }
    }

    /// Removes the rows of some owners, without triggers and foreign keys.
    fn removed(&self, owners: &[Owner]) -> String {
        if owners.is_empty() {
            return String::new();
        }
        format!(
            "SET LOCAL session_replication_role = replica; DELETE FROM {} WHERE {}; \
             SET LOCAL session_replication_role = origin; ",
            self.relation.qualified(),
            self.rows.are_of(self.relation, owners)
        )
    }

    /// Asks for rows of an owner. Empty if rows have none.
    fn rows_of(&self, owner: Owner) -> String {
        let values = self.rows.tenant_values(self.table, self.relation, owner);
        let conditions = values.iter().map(|(name, value)| {
            let comparison = if value == "NULL" { "IS" } else { "=" };
            format!("{} {comparison} {value}", identifier(name))
        });
        let conditions: Vec<String> = conditions.collect();
        if conditions.is_empty() {
            return String::new();
        }
        format!(
            "SELECT FROM {} WHERE {} LIMIT 1",
            self.relation.qualified(),
            conditions.join(" AND ")
        )
    }

    /// The columns on which the role holds a privilege.
    fn columns(&self, privilege: &str) -> Vec<&'t ColumnRow> {
        let columns = self.context.catalog.columns(self.relation.oid).iter();
        columns
            .filter(|column| self.role.holds_on(self.relation, &column.name, privilege))
            .collect()
    }
}
