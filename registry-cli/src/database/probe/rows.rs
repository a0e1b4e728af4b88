//! Rows of made-up tenants in a throwaway server.
//!
//! The session has the tenant in the middle, so that a policy that compares with `<` or `>` shows a row, too; and the text
//! of the last tenant begins with that of the session's, for a policy that compares with LIKE.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::FromRow;
use table_registry_engine::{Tenancy, did_you_mean};

use crate::database::catalog::{ColumnRow, Oid, Relation};
use crate::database::context::{Context, Table, tenant_columns};
use crate::database::probe::made_up::{CREATE_CASTS, MadeUp, tenants};
use crate::database::probe::partitions::{Bounds, bounds};
use crate::database::probe::probed::Untried;
use crate::database::requirements::statements::{identifier, literal};
use crate::database::server::session::Session;
use crate::failure::Failure;

/// Whose a made-up row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Lower,
    /// The tenant of the session.
    Own,
    Higher,
    /// No tenant.
    Nobody,
}

impl Owner {
    /// The other tenants.
    pub const OTHERS: [Self; 2] = [Self::Lower, Self::Higher];
    pub const ALL: [Self; 4] = [Self::Lower, Self::Own, Self::Higher, Self::Nobody];

    /// The number from which the values of a row are made.
    fn number(self) -> u32 {
        match self {
            Self::Lower => 1,
            Self::Own => 2,
            Self::Higher => 21,
            Self::Nobody => 3,
        }
    }
}

/// Rows of one owner differ in how many columns they fill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    All,
    /// Only those that need a value.
    Needed,
    /// All, for a row that is not there yet.
    New,
}

/// A made-up row that was inserted.
struct Made {
    owner: Owner,
    relation: Oid,
    place: String,
}

/// The made-up rows of all tables.
pub struct Rows<'r, 'c> {
    context: &'r Context<'c>,
    made_up: MadeUp,
    bounds: BTreeMap<Oid, Bounds>,
    /// The values in `[database.probe]`, by table and column.
    given: BTreeMap<(String, String), String>,
    /// The texts by which the setting names the tenants, in the order of [`Owner`].
    tenants: Vec<String>,
    made: Vec<Made>,
}

const PREPARED: &str = "the probe cannot be prepared";

/// References that lead further are not followed.
const MAX_DEPTH: usize = 8;

impl<'r, 'c> Rows<'r, 'c> {
    /// Inserts rows of each tenant in every registered table, with its partitions and children.
    pub fn make(
        session: &mut Session,
        context: &'r Context<'c>,
        untried: &mut Vec<Untried>,
    ) -> Result<Self, Failure> {
        session.execute(PREPARED, CREATE_CASTS)?;
        let relations: BTreeSet<Oid> = context
            .present()
            .flat_map(|(_, relation)| context.family(relation))
            .map(|relation| relation.oid)
            .collect();
        let columns = || {
            relations
                .iter()
                .flat_map(|relation| context.catalog.columns(*relation))
        };
        let made_up = MadeUp::new(session, columns())?;
        let with_tenants = context.present();
        let types: Vec<&str> = with_tenants
            .filter_map(|(table, relation)| {
                let column = column_named(context, relation, table.tenant_column()?)?;
                Some(column.type_text.as_str())
            })
            .collect();
        let numbers = [Owner::Lower, Owner::Own, Owner::Higher].map(Owner::number);
        let tenants = tenants(session, &types, &numbers)?;
        if tenants.is_none() {
            untried.extend(context.row_secured().map(|(table, _)| no_tenants(table)));
        }
        let mut rows = Self {
            tenants: tenants.unwrap_or_default(),
            given: given_values(session, context, untried)?,
            bounds: bounds(session)?,
            context,
            made_up,
            made: Vec::new(),
        };
        session.execute(PREPARED, "SET session_replication_role = replica")?;
        for (table, relation) in context.present() {
            rows.fill(session, table, relation, untried)?;
        }
        session.execute(PREPARED, "SET session_replication_role = origin")?;
        Ok(rows)
    }

    /// The text by which the setting names the tenant of the session.
    pub fn tenant(&self) -> &str {
        self.tenants.get(1).map_or("", String::as_str)
    }

    /// The condition for the made-up rows of some owners in a table and its children.
    pub fn are_of(&self, relation: &Relation, owners: &[Owner]) -> String {
        let family: BTreeSet<Oid> = self
            .context
            .family(relation)
            .map(|relation| relation.oid)
            .collect();
        let rows = self.made.iter();
        let own = rows.filter(|row| owners.contains(&row.owner) && family.contains(&row.relation));
        let places = own.map(|row| format!("({}, '{}'::tid)", row.relation, row.place));
        let list = places.collect::<Vec<_>>().join(", ");
        if list.is_empty() {
            "false".to_string()
        } else {
            format!("(tableoid, ctid) IN ({list})")
        }
    }

    /// The columns of a new row of another tenant, with their values.
    pub fn new_row(&self, table: &Table<'_>, relation: &Relation, owner: Owner) -> Vec<(&'c str, String)> {
        self.columns_of(table, relation, owner, Filled::New)
    }

    /// The columns that say whose a row is, with their values.
    pub fn tenant_values(
        &self,
        table: &Table<'_>,
        relation: &Relation,
        owner: Owner,
    ) -> Vec<(&'c str, String)> {
        let names = tenant_columns(table.registered);
        let mut columns = self.columns_of(table, relation, owner, Filled::New);
        columns.retain(|(name, _)| names.contains(name));
        columns
    }

    /// Inserts rows in a table with its partitions and children. Rows that migrations added to a table with tenants are
    /// removed: whose they are is not known.
    fn fill(
        &mut self,
        session: &mut Session,
        table: &Table<'_>,
        relation: &Relation,
        untried: &mut Vec<Untried>,
    ) -> Result<(), Failure> {
        let has_tenants = table.has_rls();
        if has_tenants {
            // A trigger or a rule may keep them.
            let _ = session.try_query::<Place>(&format!("DELETE FROM {}", relation.qualified()))?;
        }
        let context = self.context;
        let mut reasons = Vec::new();
        let mut has_rows = false;
        for relation in context.family(relation).filter(|relation| relation.kind == "r") {
            match self.fill_relation(session, table, relation)? {
                None => has_rows = true,
                Some(reason) => reasons.push(reason),
            }
        }
        // A partition may take no row of these tenants. No policy is about a row of a system table.
        if has_tenants && !has_rows {
            let reason = reasons.pop().unwrap_or_else(|| "it has no partition".to_string());
            untried.push(row_missing(table, &reason));
        }
        Ok(())
    }

    /// Inserts rows of each owner, or returns why there is none of another tenant.
    fn fill_relation(
        &mut self,
        session: &mut Session,
        table: &Table<'_>,
        relation: &Relation,
    ) -> Result<Option<String>, Failure> {
        let mut reason = self.column_without_value(relation);
        let mut has_foreign = false;
        for owner in self.owners(table, relation) {
            for filled in [Filled::All, Filled::Needed] {
                let columns = self.columns_of(table, relation, owner, filled);
                match insert(session, self.context, relation, &columns)? {
                    Ok(place) => {
                        has_foreign |= Owner::OTHERS.contains(&owner);
                        self.made.push(Made {
                            owner,
                            relation: relation.oid,
                            place,
                        });
                    }
                    Err(message) => reason = reason.or(Some(message)),
                }
            }
        }
        Ok(reason.filter(|_| !has_foreign))
    }

    /// What to say of a column that needs a value of an unknown type.
    fn column_without_value(&self, relation: &Relation) -> Option<String> {
        let mut columns = self.context.catalog.columns(relation.oid).iter();
        let column = columns.find(|column| {
            column.not_null
                && !column.has_default
                && !column.is_generated
                && !column.is_numbered
                && self.value(relation, column, Owner::Lower, 1, 0).is_none()
        })?;
        Some(format!(
            "no value of type `{}` is known for column `{}`",
            column.type_text, column.name
        ))
    }

    fn owners(&self, table: &Table<'_>, relation: &Relation) -> Vec<Owner> {
        let may_be_null = |column: &str| {
            column_named(self.context, relation, column).is_some_and(|column| !column.not_null)
        };
        let is_nullable = table.tenant_column().is_some_and(may_be_null);
        let mut owners = Owner::ALL.to_vec();
        owners.retain(|owner| is_nullable || *owner != Owner::Nobody);
        owners
    }

    fn columns_of(
        &self,
        table: &Table<'_>,
        relation: &Relation,
        owner: Owner,
        filled: Filled,
    ) -> Vec<(&'c str, String)> {
        let catalog = self.context.catalog;
        let columns = catalog
            .columns(relation.oid)
            .iter()
            .filter(|column| !column.is_generated);
        let decides = tenant_columns(table.registered);
        let in_key: Vec<&String> = catalog
            .indexes(relation.oid)
            .iter()
            .filter(|index| index.is_unique)
            .flat_map(|index| index.columns.iter().flatten())
            .collect();
        let number = match filled {
            Filled::All => owner.number(),
            Filled::Needed => owner.number() + 3,
            Filled::New => owner.number() + 6,
        };
        let is_needed = |column: &ColumnRow| {
            filled != Filled::Needed
                || decides.contains(&column.name.as_str())
                || in_key.contains(&&column.name)
                || (column.not_null && !column.has_default)
        };
        let values = columns.filter(|column| is_needed(column)).filter_map(|column| {
            let value = self.value(relation, column, owner, number, 0)?;
            Some((column.name.as_str(), value))
        });
        values.collect()
    }

    /// A value for a column. References lead to the first row of the same owner.
    fn value(
        &self,
        relation: &Relation,
        column: &ColumnRow,
        owner: Owner,
        number: u32,
        depth: usize,
    ) -> Option<String> {
        let table = self.context.table_holding(relation.oid);
        if self.holds_tenant(table, &column.name) {
            return Some(self.tenant_value(owner));
        }
        let given = table.and_then(|table| self.given.get(&(table.name().to_string(), column.name.clone())));
        if let Some(given) = given {
            return Some(given.clone());
        }
        if let Some(value) = self
            .bounds_of(relation)
            .and_then(|bounds| bounds.value(&column.name))
        {
            return Some(value.to_string());
        }
        if let Some((referenced, key)) = self.referenced(table, relation, &column.name)
            && depth < MAX_DEPTH
            && let Some(key) = column_named(self.context, referenced, key)
        {
            return self.value(referenced, key, owner, owner.number(), depth + 1);
        }
        self.made_up.value(column, number)
    }

    /// Whether a column holds the tenant. In a table with policies of its own, the column that other tables have usually
    /// does.
    fn holds_tenant(&self, table: Option<&Table<'_>>, column: &str) -> bool {
        let usual = self
            .context
            .project
            .policy
            .tenancy
            .column()
            .map(|usual| usual.name.value.as_str());
        table.is_some_and(|table| match table.registered.tenancy {
            Tenancy::Declared => usual == Some(column),
            _ => table.tenant_column() == Some(column),
        })
    }

    /// Whether there are made-up rows of some owners in a table or its children.
    pub fn have(&self, relation: &Relation, owners: &[Owner]) -> bool {
        let mut family = self.context.family(relation);
        family.any(|one| {
            let mut rows = self.made.iter();
            rows.any(|row| row.relation == one.oid && owners.contains(&row.owner))
        })
    }

    /// Whether the partition of a row depends on a column.
    pub fn is_partition_key(&self, relation: &Relation, column: &str) -> bool {
        self.bounds_of(relation)
            .is_some_and(|bounds| bounds.value(column).is_some())
    }

    /// The bounds of a partition, or of the first one of a partitioned table.
    fn bounds_of(&self, relation: &Relation) -> Option<&Bounds> {
        let mut family = self.context.catalog.descendants(relation.oid);
        let partition = match relation.kind.as_str() {
            "p" => family.find(|partition| partition.kind == "r")?.oid,
            _ => relation.oid,
        };
        self.bounds.get(&partition)
    }

    fn tenant_value(&self, owner: Owner) -> String {
        let text = match owner {
            Owner::Lower => self.tenants.first(),
            Owner::Own => self.tenants.get(1),
            Owner::Higher => self.tenants.get(2),
            Owner::Nobody => None,
        };
        text.map_or("NULL".to_string(), |text| literal(text))
    }

    /// The column that a column refers to: one of the parent, or of a foreign key.
    fn referenced(
        &self,
        table: Option<&Table<'c>>,
        relation: &Relation,
        column: &str,
    ) -> Option<(&'c Relation, &str)> {
        let catalog = self.context.catalog;
        if let Some(table) = table
            && let Tenancy::Through(parent) = &table.registered.tenancy
            && let Some(at) = parent.columns.iter().position(|one| one == column)
        {
            let mut tables = self.context.tables.iter();
            let found = tables.find(|one| one.name() == parent.table)?;
            return Some((found.relation?, parent.keys.get(at)?));
        }
        let family = std::iter::once(relation.oid).chain(catalog.ancestors(relation.oid));
        let family: Vec<Oid> = family.collect();
        let mut keys = catalog
            .foreign_keys
            .iter()
            .filter(|key| family.contains(&key.relation));
        keys.find_map(|key| {
            let (_, referenced) = key.pairs().find(|(from, _)| *from == column)?;
            Some((catalog.relation_of(key.referenced)?, referenced))
        })
    }
}

fn column_named<'c>(context: &Context<'c>, relation: &Relation, name: &str) -> Option<&'c ColumnRow> {
    let mut columns = context.catalog.columns(relation.oid).iter();
    columns.find(|column| column.name == name)
}

/// The values in `[database.probe]`, evaluated once, as constants.
fn given_values(
    session: &mut Session,
    context: &Context<'_>,
    untried: &mut Vec<Untried>,
) -> Result<BTreeMap<(String, String), String>, Failure> {
    let mut given = BTreeMap::new();
    for (table, relation) in context.present() {
        let values = context.settings.probe.iter();
        let named = values.filter_map(|(name, text)| Some((name.value.rsplit_once('.')?, text)));
        for ((_, column), text) in named.filter(|((of, _), _)| *of == table.name()) {
            match given_value(session, context, table, relation, column, text)? {
                Ok(value) => _ = given.insert((table.name().to_string(), column.to_string()), value),
                Err((reason, fix)) => untried.push(Untried {
                    table: table.name().to_string(),
                    reason,
                    fix,
                }),
            }
        }
    }
    Ok(given)
}

fn given_value(
    session: &mut Session,
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    column: &str,
    text: &str,
) -> Result<Result<String, (String, String)>, Failure> {
    let fault = |what: &str, fix: &str| {
        let reason = format!("`[database.probe]` gives a value for column `{column}`, {what}");
        Ok(Err((reason, fix.to_string())))
    };
    if tenant_columns(table.registered).contains(&column) {
        return fault(
            "which says whose a row is",
            "remove the value: the probe needs rows of several tenants",
        );
    }
    let Some(found) = column_named(context, relation, column) else {
        let names = context
            .catalog
            .columns(relation.oid)
            .iter()
            .map(|one| one.name.as_str());
        let near = did_you_mean(column, names).unwrap_or_else(|| "remove the value".to_string());
        return fault("which the table does not have", &near);
    };
    let query = format!(
        "SELECT coalesce((({text})::{})::text, '') AS place",
        found.type_text
    );
    Ok(match session.try_query::<Place>(&query)? {
        Ok(rows) => Ok(rows
            .into_iter()
            .next()
            .map_or("NULL".to_string(), |row| literal(&row.place))),
        Err(refused) => {
            return fault(
                &format!("which fails: {}", refused.message),
                "correct the expression",
            );
        }
    })
}

#[derive(FromRow)]
struct Place {
    place: String,
}

/// Inserts a row and returns its place, or why that is not possible. A CHECK or EXCLUDE constraint in the way is dropped:
/// policies do not depend on it.
fn insert(
    session: &mut Session,
    context: &Context<'_>,
    relation: &Relation,
    columns: &[(&str, String)],
) -> Result<Result<String, String>, Failure> {
    const MOST_CONSTRAINTS: usize = 50;
    let table = relation.qualified();
    let names: Vec<String> = columns.iter().map(|(name, _)| identifier(name)).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value)| value.as_str()).collect();
    let statement = if columns.is_empty() {
        format!("INSERT INTO {table} DEFAULT VALUES RETURNING ctid::text AS place")
    } else {
        format!(
            "INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) RETURNING ctid::text AS place",
            names.join(", "),
            values.join(", ")
        )
    };
    let mut last = String::new();
    for _ in 0..MOST_CONSTRAINTS {
        match session.try_query::<Place>(&statement)? {
            Ok(rows) => {
                let place = rows.into_iter().next().map(|row| row.place);
                return Ok(place.ok_or_else(|| "a trigger or a rule keeps the row out".to_string()));
            }
            Err(refused) => {
                last = refused.message;
                let Some(constraint) = refused.constraint else {
                    return Ok(Err(last));
                };
                if refused.is_unique || !drop_constraint(session, context, relation, &constraint)? {
                    return Ok(Err(last));
                }
            }
        }
    }
    Ok(Err(last))
}

/// Drops a constraint of a table, or of the table that it inherits the constraint from.
fn drop_constraint(
    session: &mut Session,
    context: &Context<'_>,
    relation: &Relation,
    constraint: &str,
) -> Result<bool, Failure> {
    let ancestors = context.catalog.ancestors(relation.oid).into_iter();
    let above = ancestors.filter_map(|oid| context.catalog.relation_of(oid));
    for relation in std::iter::once(relation).chain(above) {
        let drop = format!(
            "ALTER TABLE {} DROP CONSTRAINT {}",
            relation.qualified(),
            identifier(constraint)
        );
        if session.try_query::<Place>(&drop)?.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_tenants(table: &Table<'_>) -> Untried {
    Untried {
        table: table.name().to_string(),
        reason: "no text names tenants that are different in all tenant columns".to_string(),
        fix: "give all tenant columns the same type".to_string(),
    }
}

fn row_missing(table: &Table<'_>, reason: &str) -> Untried {
    Untried {
        table: table.name().to_string(),
        reason: format!("no row can be made up: {reason}"),
        fix: format!(
            "give a value in the policy file: `[database.probe]` with `\"{}.column\" = \"an SQL expression\"`",
            table.name()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn the_tenant_of_the_session_is_in_the_middle() {
        let [lower, higher] = Owner::OTHERS.map(Owner::number);
        let own = Owner::Own.number();
        assert!(lower < own && own < higher);
        assert!(higher.to_string().starts_with(&own.to_string()));
    }
}
