//! The checks: each a function from the registry and the catalogs to what it found.

pub mod append_only;
mod columns;
mod openings;
mod roles;
mod row_security;
mod tables;

use std::collections::BTreeMap;

use registry_core::engine::{Code, Database, Entry, RegisteredTable};

use super::catalog::{Catalog, Oid, Relation};
use super::finding::Finding;
use super::roles::AppRole;
use super::statements::{Qualified, role_list};
use crate::failure::Failure;
use crate::project::Project;

/// A check, in the order in which people want to read of them.
type Check = fn(&Context<'_>) -> Vec<Finding>;

const CHECKS: [Check; 18] = [
    roles::missing_app_role,
    roles::privileged_app_role,
    roles::app_role_owns_table,
    roles::default_privilege,
    tables::missing_table,
    tables::missing_exempt_table,
    tables::unregistered_table,
    row_security::rls_disabled,
    row_security::rls_not_forced,
    row_security::missing_policy,
    row_security::open_policy,
    row_security::policy_without_check,
    append_only::append_only_privilege,
    append_only::missing_trigger,
    append_only::cascade_into_append_only,
    openings::unprotected_child,
    openings::views_functions_and_rules,
    columns::columns,
];

/// A registered table, and what the database has of it.
#[derive(Debug)]
pub struct Table<'c> {
    pub registered: &'c RegisteredTable,
    pub qualified: Qualified,
    pub relation: Option<&'c Relation>,
}

impl Table<'_> {
    pub fn name(&self) -> &str {
        &self.registered.name
    }

    pub fn has_rls(&self) -> bool {
        self.registered.kind.row_level_security()
    }
}

/// What the checks look at.
pub struct Context<'c> {
    pub project: &'c Project,
    pub config: &'c Database,
    pub catalog: &'c Catalog,
    pub app_roles: Vec<AppRole<'c>>,
    pub tables: Vec<Table<'c>>,
    by_relation: BTreeMap<Oid, usize>,
    pub tenant_column: String,
}

impl<'c> Context<'c> {
    /// Fails where there is nothing to check.
    pub fn new(project: &'c Project, catalog: &'c Catalog) -> Result<Self, Failure> {
        let config = &project.policy.database;
        let roles = config
            .app_roles
            .iter()
            .filter_map(|role| catalog.role(&role.name));
        let tables: Vec<Table<'_>> = project
            .registry
            .tables()
            .iter()
            .map(|registered| {
                let qualified = qualified(config, &registered.name, registered.schema.as_deref());
                let relation = catalog.relation(&qualified.schema, &qualified.name);
                Table {
                    registered,
                    relation: relation.filter(|relation| relation.is_table()),
                    qualified,
                }
            })
            .collect();
        if tables.iter().all(|table| table.relation.is_none()) {
            return Err(no_table(config, catalog, tables.len()));
        }
        let tenant = project.policy.lints.option(Code::MissingTenantColumn);
        let positions = tables.iter().enumerate();
        Ok(Self {
            by_relation: positions
                .filter_map(|(at, table)| Some((table.relation?.oid, at)))
                .collect(),
            project,
            config,
            catalog,
            app_roles: roles.map(|role| AppRole::new(catalog, role)).collect(),
            tables,
            tenant_column: tenant.into_iter().next().unwrap_or_default(),
        })
    }

    /// The tables that are there.
    pub fn present(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.tables
            .iter()
            .filter_map(|table| Some((table, table.relation?)))
    }

    /// Those with row-level security.
    pub fn row_secured(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.present().filter(|(table, _)| table.has_rls())
    }

    /// Those whose rows never change.
    pub fn append_only(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.present().filter(|(table, _)| table.registered.append_only)
    }

    /// A table, and those of its partitions and inheritance children that have no struct of their own.
    pub fn family(&self, relation: &'c Relation) -> impl Iterator<Item = &'c Relation> {
        let children = self.catalog.descendants(relation.oid).into_iter();
        let own = children.filter(|child| child.is_table() && self.table_of(child.oid).is_none());
        std::iter::once(relation).chain(own)
    }

    pub fn table_of(&self, relation: Oid) -> Option<&Table<'c>> {
        self.by_relation.get(&relation).map(|at| &self.tables[*at])
    }

    /// The roles of the application as the list of a statement.
    pub fn app_role_list(&self) -> String {
        role_list(self.app_roles.iter().map(|role| role.role.name.as_str()))
    }

    /// The role of the application that has, or can take on, the privileges of a grantee.
    pub fn app_role_reaching(&self, grantee: Oid) -> Option<&AppRole<'c>> {
        self.app_roles.iter().find(|role| role.reaches(grantee))
    }

    /// Whether a role sees and writes rows of a table whatever its policies say.
    pub fn is_above_rls(&self, role: Oid, relation: &Relation) -> bool {
        let found = self.catalog.role_of(role);
        let exempt = found.is_some_and(|role| role.superuser || role.bypass_rls);
        exempt
            || !relation.row_security
            || (!relation.force_row_security && self.acts_as(role, relation.owner))
    }

    /// Whether a role has the privileges of another.
    pub fn acts_as(&self, role: Oid, other: Oid) -> bool {
        role == other
            || self
                .catalog
                .role_of(role)
                .is_some_and(|role| AppRole::new(self.catalog, role).reaches(other))
    }
}

/// Every finding that no exception allows, and every exception that allows none.
pub fn run(context: &Context<'_>) -> Vec<Finding> {
    let config = context.config;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(context)).collect();
    // Where something else is wrong, what is needed shows when that is mended.
    let is_unused = |entry: &&Entry<Code>| findings.iter().all(|finding| finding.subject != entry.name);
    let unused: Vec<Finding> = config.exceptions.iter().filter(is_unused).map(unused).collect();
    let found = findings
        .into_iter()
        .filter(|finding| !config.allows(finding.code, &finding.subject));
    found.chain(unused).collect()
}

fn unused(exception: &Entry<Code>) -> Finding {
    let (check, name) = (exception.value, &exception.name);
    let mut finding = Finding::of_table(
        Code::UnusedAllow,
        name,
        format!("exception of `{name}` from `{check}` is not needed"),
        "remove it: the check finds nothing there",
    )
    .warning();
    finding.entry = Some(exception.clone());
    finding
}

/// A registered or exempt table in the database.
pub fn qualified(config: &Database, name: &str, schema: Option<&str>) -> Qualified {
    match schema.and_then(|schema| Some((schema, name.strip_prefix(schema)?.strip_prefix('.')?))) {
        Some((schema, name)) => Qualified {
            schema: schema.to_string(),
            name: name.to_string(),
        },
        None => Qualified {
            schema: config.schema.clone(),
            name: name.to_string(),
        },
    }
}

fn no_table(config: &Database, catalog: &Catalog, count: usize) -> Failure {
    Failure::new(format!(
        "none of the {count} registered tables is in the database `{}`",
        catalog.server.database
    ))
    .note(format!(
        "looked in schema `{}` and in those that structs name",
        config.schema
    ))
    .help("check the name of the database, and `schema` in `[database]`")
}
