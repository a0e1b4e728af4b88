//! Compares the tenants of rows that refer to each other, in a transaction that writes nothing.

use sqlx::{FromRow, Row};
use table_registry_engine::{RegisteredTable, Tenancy};

use crate::database::catalog::{Oid, Relation};
use crate::database::context::Context;
use crate::database::requirements::statements::{identifier, literal, qualified};
use crate::database::rows::foreign_rows::ForeignRows;
use crate::database::rows::references::{Reference, references};
use crate::database::server::session::Session;
use crate::failure::Failure;
use crate::progress;
use crate::text::quoted;

/// With row-level security off, the server refuses a query whose rows a policy would hide.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL row_security = off; SET LOCAL lock_timeout = '5s'; \
     SET LOCAL statement_timeout = '60s'";

const FAILS: &str = "the tenants of rows cannot be compared";

/// The number of foreign keys whose rows were compared, and those with rows of several tenants.
#[derive(Default)]
pub struct Compared {
    pub keys: usize,
    pub foreign_rows: Vec<ForeignRows>,
}

/// Counts the rows that refer to a row of another tenant. A key that holds the tenant permits none, unless it was validated by
/// a role that did not see the rows.
pub fn run(session: &mut Session, context: &Context<'_>) -> Result<Compared, Failure> {
    let all = references(context).into_iter();
    let comparisons = all.filter_map(|reference| {
        if reference.holds_tenant() {
            may_be_unchecked(&reference).then(|| Comparison::with_tenant(context, &reference))
        } else {
            Comparison::new(context, &reference)
        }
    });
    let comparisons: Vec<Comparison> = comparisons.collect();
    check_visibility(session, context, &comparisons)?;
    session.execute(FAILS, BEGIN)?;
    let mut compared = Compared {
        keys: comparisons.len(),
        foreign_rows: Vec::new(),
    };
    let bar = progress::bar("Comparing", comparisons.len());
    for comparison in bar.wrap_iter(comparisons.into_iter()) {
        let count = count(session, &comparison)?;
        if count > 0 {
            compared.foreign_rows.push(ForeignRows {
                count,
                ..comparison.rows
            });
        }
    }
    session.execute(FAILS, "ROLLBACK")?;
    Ok(compared)
}

/// Whether the server may have taken a key for valid without a look at the rows.
fn may_be_unchecked(reference: &Reference<'_, '_>) -> bool {
    !reference.key.is_valid || reference.relation.row_security || reference.referenced.row_security
}

fn count(session: &mut Session, comparison: &Comparison) -> Result<i64, Failure> {
    let answer = session.rows(FAILS, &format!("SELECT count(*) {}", comparison.condition));
    let rows = answer.map_err(|failure| {
        failure.note(format!(
            "in the comparison by foreign key `{}` of table `{}`",
            comparison.rows.key, comparison.rows.table
        ))
    })?;
    let count = rows.first().and_then(|row| row.try_get(0).ok());
    count.ok_or_else(|| Failure::new(FAILS).note("the server does not return a number"))
}

/// The query that compares the rows of one foreign key.
struct Comparison {
    /// What was compared; the number of rows is not known yet.
    rows: ForeignRows,
    /// FROM and WHERE of the query.
    condition: String,
    /// The tables that the query reads.
    relations: Vec<Oid>,
}

impl Comparison {
    /// `None` if a column is missing, which other checks report.
    fn new(context: &Context<'_>, reference: &Reference<'_, '_>) -> Option<Self> {
        let mut reader = Reader {
            context,
            relations: Vec::new(),
            aliases: 0,
        };
        let own = reader.tenant(reference.child.registered, reference.relation, "child")?;
        let other = reader.tenant(reference.parent.registered, reference.referenced, "parent")?;
        let (own_tenant, other_tenant) = if own.type_name == other.type_name {
            (own.expression, other.expression.clone())
        } else {
            (
                format!("{}::text", own.expression),
                format!("{}::text", other.expression),
            )
        };
        // Everybody may refer to a row that belongs to everybody.
        let not_shared = other
            .is_shared
            .then(|| format!(" AND {} IS NOT NULL", other.expression));
        let condition = format!(
            "FROM {} AS child JOIN {} AS parent ON {} WHERE {own_tenant} IS DISTINCT FROM {other_tenant}{}",
            reference.relation.qualified(),
            reference.referenced.qualified(),
            joined(reference),
            not_shared.unwrap_or_default()
        );
        Some(Self {
            rows: rows(
                context,
                reference,
                format!(
                    "SELECT child.*, {own_tenant} AS tenant, {other_tenant} AS tenant_of_parent {condition} LIMIT 100;"
                ),
            ),
            condition,
            relations: reader.relations,
        })
    }

    /// The rows that refer to no row by a key that holds the tenant. The server does not check a key of which a column is
    /// null.
    fn with_tenant(context: &Context<'_>, reference: &Reference<'_, '_>) -> Self {
        let columns = reference.key.columns.iter();
        let given = columns.map(|column| format!("child.{} IS NOT NULL", identifier(column)));
        let condition = format!(
            "FROM {} AS child WHERE {} AND NOT EXISTS (SELECT FROM {} AS parent WHERE {})",
            rows_of_key(reference.relation),
            given.collect::<Vec<_>>().join(" AND "),
            rows_of_key(reference.referenced),
            joined(reference)
        );
        Self {
            rows: rows(
                context,
                reference,
                format!("SELECT child.* {condition} LIMIT 100;"),
            ),
            condition,
            relations: vec![reference.relation.oid, reference.referenced.oid],
        }
    }
}

/// What was compared by a key, and the query that shows the rows.
fn rows(context: &Context<'_>, reference: &Reference<'_, '_>, query: String) -> ForeignRows {
    ForeignRows {
        table: reference.child.name().to_string(),
        relation: context.name_beside(reference.child, reference.relation),
        parent: reference.parent.name().to_string(),
        key: reference.key.name.clone(),
        count: 0,
        holds_tenant: reference.holds_tenant(),
        query,
    }
}

/// The condition that joins `parent` to `child` by a key.
fn joined(reference: &Reference<'_, '_>) -> String {
    let pairs = reference.key.pairs();
    let equal =
        pairs.map(|(column, key)| format!("parent.{} = child.{}", identifier(key), identifier(column)));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// The rows to which a key applies: those of partitions, but not those of inheritance children.
fn rows_of_key(relation: &Relation) -> String {
    let only = if relation.kind == "p" { "" } else { "ONLY " };
    format!("{only}{}", relation.qualified())
}

/// The tenant of a row.
struct Tenant {
    expression: String,
    type_name: String,
    /// Whether no tenant means everybody.
    is_shared: bool,
}

/// Writes the expressions for tenants, and notes the tables that they read.
struct Reader<'x, 'c> {
    context: &'x Context<'c>,
    relations: Vec<Oid>,
    aliases: usize,
}

impl Reader<'_, '_> {
    fn tenant(&mut self, table: &RegisteredTable, relation: &Relation, alias: &str) -> Option<Tenant> {
        self.relations.push(relation.oid);
        match &table.tenancy {
            Tenancy::Column { name, shared_rows } => Some(Tenant {
                expression: format!("{alias}.{}", identifier(name)),
                type_name: self.type_name(relation, name)?,
                is_shared: *shared_rows,
            }),
            Tenancy::Through(parent) => {
                let found = self.context.project.registry.table(&parent.table)?;
                let name = qualified(self.context.settings, &found.name, found.schema.as_deref());
                let above = self.context.catalog.table(&name)?;
                self.aliases += 1;
                let alias_above = format!("above_{}", self.aliases);
                let tenant = self.tenant(found, above, &alias_above)?;
                let mut joined = Vec::new();
                for (column, key) in parent.columns.iter().zip(&parent.keys) {
                    self.type_name(relation, column)?;
                    self.type_name(above, key)?;
                    joined.push(format!(
                        "{alias_above}.{} = {alias}.{}",
                        identifier(key),
                        identifier(column)
                    ));
                }
                Some(Tenant {
                    expression: format!(
                        "(SELECT {} FROM {name} AS {alias_above} WHERE {})",
                        tenant.expression,
                        joined.join(" AND ")
                    ),
                    ..tenant
                })
            }
            Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => None,
        }
    }

    fn type_name(&self, relation: &Relation, column: &str) -> Option<String> {
        let mut rows = self.context.catalog.columns(relation.oid).iter();
        let row = rows.find(|row| row.name == column)?;
        Some(row.type_name.clone())
    }
}

#[derive(FromRow)]
struct Hidden {
    relation: String,
    role: String,
}

/// Fails if policies hide rows from the connecting role: rows of other tenants would not be counted.
fn check_visibility(
    session: &mut Session,
    context: &Context<'_>,
    comparisons: &[Comparison],
) -> Result<(), Failure> {
    let oids = comparisons.iter().flat_map(|comparison| &comparison.relations);
    let relations = oids.filter_map(|oid| context.catalog.relation_of(*oid));
    let mut names: Vec<String> = relations
        .map(|relation| literal(&relation.qualified().to_string()))
        .collect();
    names.sort();
    names.dedup();
    let hidden: Vec<Hidden> = session.query(
        "row-level security",
        &format!(
            "SELECT relation::text AS relation, current_user::text AS role
             FROM unnest(ARRAY[{}]::regclass[]) AS relation
             WHERE row_security_active(relation::oid) ORDER BY 1",
            names.join(", ")
        ),
    )?;
    let Some(first) = hidden.first() else {
        return Ok(());
    };
    Err(Failure::new(format!(
        "row-level security hides rows from role `{}`",
        first.role
    ))
    .note(format!(
        "the comparison has to see the rows of all tenants, in {}",
        quoted(hidden.iter().map(|one| &one.relation))
    ))
    .help("connect as a superuser, or as a role with BYPASSRLS"))
}

#[cfg(test)]
mod tests {
    use super::{Comparison, references};
    use crate::database::testing::Database;

    /// The queries for the keys of a database.
    fn queries(change: impl FnOnce(&mut Database)) -> Vec<String> {
        let mut database = Database::sound();
        database.schema = "
            #[table(tenant = through(invoice_id -> invoices))] pub struct Lines { pub id: i64, pub invoice_id: i64 }
            #[table(shared_rows)] pub struct Templates { pub id: i64, pub org_id: Option<i64> }"
            .to_string();
        database.table("lines", &[("id", "int8"), ("invoice_id", "int8")]);
        database.table("templates", &[("id", "int8"), ("org_id", "int8")]);
        change(&mut database);
        database.inspect(|context| {
            let comparisons = references(context)
                .into_iter()
                .filter_map(|one| Comparison::new(context, &one));
            comparisons.map(|one| one.condition).collect()
        })
    }

    #[test]
    fn a_column_and_the_column_of_a_parent() {
        assert_eq!(
            queries(|it| {
                it.foreign_key("invoices", &["total"], "lines", &["id"]);
            }),
            [
                "FROM \"public\".\"invoices\" AS child JOIN \"public\".\"lines\" AS parent ON parent.\"id\" = child.\"total\" \
              WHERE child.\"org_id\" IS DISTINCT FROM (SELECT above_1.\"org_id\" FROM \"public\".\"invoices\" AS above_1 \
              WHERE above_1.\"id\" = parent.\"invoice_id\")"
            ]
        );
    }

    #[test]
    fn everybody_may_refer_to_shared_rows_and_types_may_differ() {
        assert_eq!(
            queries(|it| {
                it.foreign_key("invoices", &["total"], "templates", &["id"]);
            }),
            [
                "FROM \"public\".\"invoices\" AS child JOIN \"public\".\"templates\" AS parent ON parent.\"id\" = child.\"total\" \
              WHERE child.\"org_id\"::text IS DISTINCT FROM parent.\"org_id\"::text AND parent.\"org_id\" IS NOT NULL"
            ]
        );
    }

    #[test]
    fn a_missing_column_is_reported_elsewhere() {
        let none: [String; 0] = [];
        assert_eq!(
            queries(|it| {
                it.foreign_key("invoices", &["total"], "lines", &["id"]);
                it.remove_column("lines", "invoice_id");
            }),
            none
        );
    }
}
