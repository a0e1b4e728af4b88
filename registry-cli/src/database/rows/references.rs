//! Foreign keys between tables with tenants. The server checks them without row-level security:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use table_registry_engine::{Parent, RegisteredTable, Registry, Tenancy};

use crate::database::catalog::{ForeignKey, Relation};
use crate::database::context::{Context, Table};

/// A foreign key between two tables whose rows belong to tenants, unless the child's tenant is that of the referenced
/// row.
pub struct Reference<'x, 'c> {
    pub child: &'x Table<'c>,
    pub parent: &'x Table<'c>,
    /// The relation that has the key: the child, or one of its partitions and inheritance children.
    pub relation: &'c Relation,
    pub referenced: &'c Relation,
    pub key: &'c ForeignKey,
    /// Each column that has to be in the key, with the one that it refers to, so that both rows have one tenant. `None`
    /// if the child has no such column.
    tenant: Option<Vec<(&'c str, &'c str)>>,
}

impl<'c> Reference<'_, 'c> {
    /// Whether the key holds the tenant, so that a valid key joins rows of one tenant.
    pub fn holds_tenant(&self) -> bool {
        let tenant = self.tenant.iter().flatten();
        self.tenant.is_some() && all_in(tenant.copied(), self.key)
    }

    /// The columns of a key that also holds the tenant.
    pub fn with_tenant(&self) -> Option<Vec<(&'c str, &'c str)>> {
        let mut pairs = self.tenant.clone()?;
        for pair in self.key.pairs() {
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        Some(pairs)
    }
}

/// The references between tables with tenants.
pub fn references<'x, 'c>(context: &'x Context<'c>) -> Vec<Reference<'x, 'c>> {
    let keys = context.catalog.foreign_keys.iter().filter(|key| !key.of_parent);
    keys.filter_map(|key| reference(context, key)).collect()
}

fn reference<'x, 'c>(context: &'x Context<'c>, key: &'c ForeignKey) -> Option<Reference<'x, 'c>> {
    let child = context.table_holding(key.relation)?;
    let parent = context.table_holding(key.referenced)?;
    let registry = &context.project.registry;
    let (own, other) = (
        decisive(registry, child.registered),
        decisive(registry, parent.registered),
    );
    if own.is_empty() || other.is_empty() || is_of_parent(child.registered, parent.registered, key) {
        return None;
    }
    let tenant = other.iter().map(|column| {
        let same = own.iter().find(|one| one.origin == column.origin)?;
        Some((same.name, column.name))
    });
    Some(Reference {
        child,
        parent,
        relation: context.catalog.relation_of(key.relation)?,
        referenced: context.catalog.relation_of(key.referenced)?,
        key,
        tenant: tenant.collect(),
    })
}

fn all_in<'p>(mut pairs: impl Iterator<Item = (&'p str, &'p str)>, key: &ForeignKey) -> bool {
    pairs.all(|pair| key.pairs().any(|other| other == pair))
}

/// Whether the tenant of a child is that of the row to which this key refers.
fn is_of_parent(child: &RegisteredTable, parent: &RegisteredTable, key: &ForeignKey) -> bool {
    match &child.tenancy {
        Tenancy::Through(of) => of.table == parent.name && all_in(pairs(of), key),
        _ => false,
    }
}

fn pairs(parent: &Parent) -> impl Iterator<Item = (&str, &str)> {
    let columns = parent.columns.iter().map(String::as_str);
    columns.zip(parent.keys.iter().map(String::as_str))
}

/// A column that decides, alone or with others, whose a row is.
#[derive(Clone)]
struct Decisive<'r> {
    name: &'r str,
    origin: Origin<'r>,
}

/// What the value of a column is.
#[derive(Clone, Copy, PartialEq)]
enum Origin<'r> {
    Tenant,
    /// The key of a table whose row decides: table and column.
    Key(&'r str, &'r str),
}

/// The columns that decide whose a row is; none if the table has no tenant.
fn decisive<'r>(registry: &'r Registry, table: &'r RegisteredTable) -> Vec<Decisive<'r>> {
    match &table.tenancy {
        Tenancy::Column { name, .. } => vec![Decisive {
            name,
            origin: Origin::Tenant,
        }],
        Tenancy::Through(parent) => {
            let found = registry.table(&parent.table);
            let of_parent = found.map_or_else(Vec::new, |found| decisive(registry, found));
            through(parent, &of_parent)
        }
        Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => Vec::new(),
    }
}

/// If a reference holds what decides in the parent, that decides here, too.
fn through<'r>(parent: &'r Parent, of_parent: &[Decisive<'r>]) -> Vec<Decisive<'r>> {
    let inherited: Vec<Decisive<'r>> = pairs(parent)
        .filter_map(|(name, key)| {
            let decisive = of_parent.iter().find(|one| one.name == key)?;
            Some(Decisive {
                name,
                origin: decisive.origin,
            })
        })
        .collect();
    if !of_parent.is_empty() && inherited.len() == of_parent.len() {
        return inherited;
    }
    let own = pairs(parent).map(|(name, key)| Decisive {
        name,
        origin: Origin::Key(&parent.table, key),
    });
    own.collect()
}
