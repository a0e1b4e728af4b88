//! The checks: each a function from the registry and the catalogs to what it found.

pub mod append_only;
mod columns;
mod openings;
mod roles;
mod row_security;
mod tables;

use std::collections::BTreeMap;

use table_registry_engine::{DatabaseSettings, Lint, RegisteredTable};

use super::catalog::{Catalog, Oid, Relation};
use super::expression::is_always_true;
use super::finding::Finding;
use super::mention::Words;
use super::roles::Actor;
use super::statements::{Qualified, role_list};
use crate::failure::Failure;
use crate::project::Project;

type Check = fn(&Context<'_>) -> Vec<Finding>;

/// In the order in which people want to read of them.
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
    openings::unprotected_relative,
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
    pub config: &'c DatabaseSettings,
    pub catalog: &'c Catalog,
    pub app_roles: Vec<Actor<'c>>,
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
            .filter_map(|role| catalog.role(&role.value));
        let tables: Vec<Table<'_>> = project
            .registry
            .tables()
            .iter()
            .map(|registered| {
                let qualified = qualified(config, &registered.name, registered.schema.as_deref());
                Table {
                    registered,
                    relation: catalog.table(&qualified),
                    qualified,
                }
            })
            .collect();
        if tables.iter().all(|table| table.relation.is_none()) {
            return Err(no_table(config, catalog, tables.len()));
        }
        let tenant = project.policy.lints.option(Lint::MissingTenantColumn);
        let positions = tables.iter().enumerate();
        Ok(Self {
            by_relation: positions
                .filter_map(|(at, table)| Some((table.relation?.oid, at)))
                .collect(),
            project,
            config,
            catalog,
            app_roles: roles.map(|role| Actor::new(catalog, role)).collect(),
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

    /// A table, and those of its partitions and inheritance children, on all levels, that belong to no
    /// struct of their own.
    pub fn family(&self, relation: &'c Relation) -> impl Iterator<Item = &'c Relation> {
        let is_own = |child: &Relation| child.is_table() && self.table_of(child.oid).is_none();
        let children = self.catalog.descendants_through(relation.oid, is_own).into_iter();
        std::iter::once(relation).chain(children.filter_map(|child| self.catalog.relation_of(child)))
    }

    pub fn table_of(&self, relation: Oid) -> Option<&Table<'c>> {
        self.by_relation.get(&relation).map(|at| &self.tables[*at])
    }

    /// The roles of the application as the list of a statement.
    pub fn app_role_list(&self) -> String {
        role_list(self.app_roles.iter().map(|role| role.role.name.as_str()))
    }

    /// The role of the application that has, or can take on, the privileges of a grantee.
    pub fn app_role_reaching(&self, grantee: Oid) -> Option<&Actor<'c>> {
        self.app_roles.iter().find(|role| role.reaches(grantee))
    }

    pub fn actor(&self, role: Oid) -> Option<Actor<'c>> {
        let role = self.catalog.role_of(role)?;
        Some(Actor::new(self.catalog, role))
    }

    /// Whether a role sees and writes rows of a table whatever the policies for the application say.
    pub fn is_above_rls(&self, role: Oid, relation: &Relation) -> bool {
        let Some(actor) = self.actor(role) else {
            return true;
        };
        actor.ignores_policies()
            || !relation.row_security
            || (!relation.force_row_security && actor.reaches(relation.owner))
            || self.has_open_policy(&actor, relation)
    }

    /// Whether a policy lets it see every row, other than one that the application has as well.
    fn has_open_policy(&self, actor: &Actor<'_>, relation: &Relation) -> bool {
        let is_own = |role: &Oid| actor.reaches(*role) && self.app_role_reaching(*role).is_none();
        let mut policies = self.catalog.policies(relation.oid).iter();
        policies.any(|policy| {
            let using = policy.using.as_deref();
            policy.permissive
                && policy.roles.iter().any(is_own)
                && using.is_some_and(|text| self.is_open(text, relation))
        })
    }

    /// Whether an expression lets rows of every tenant through.
    pub fn is_open(&self, expression: &str, relation: &Relation) -> bool {
        let columns = self.catalog.columns(relation.oid);
        // A tenant column may be null by mistake.
        let never_null = |name: &str| {
            name == self.tenant_column
                || columns
                    .iter()
                    .any(|column| column.not_null && column.name == name)
        };
        is_always_true(expression, &never_null) || !self.compares_row_with_asker(expression, relation)
    }

    /// Whether an expression is about the tenant, or about both the row and who asks: a setting, a function,
    /// a table. In a subquery the server writes each column with its table.
    fn compares_row_with_asker(&self, expression: &str, relation: &Relation) -> bool {
        let words = Words::outside_quotes(expression);
        let columns = self.catalog.columns(relation.oid).iter();
        let mut own = columns
            .filter(|column| words.name_column(&relation.name, &column.name))
            .peekable();
        let is_about_row = own.peek().is_some();
        let is_about_tenant = own.any(|column| column.name == self.tenant_column);
        is_about_tenant || (is_about_row && words.ask_who())
    }

    /// Whether somebody decided that a table needs no tenant column.
    pub fn is_tenantless(&self, table: &Table<'_>) -> bool {
        is_tenantless(self.project, table.registered)
    }

    /// The expression of the registry's policy, if it fits the table.
    pub fn tenant_policy(&self, table: &Table<'_>) -> Option<&str> {
        let expression = self.config.tenant_policy.as_ref()?;
        (!self.is_tenantless(table)).then_some(expression.value.as_str())
    }
}

/// Whether somebody decided that a table needs no tenant column, at its struct or in the policy file. A
/// policy that compares that column cannot be made then.
pub fn is_tenantless(project: &Project, table: &RegisteredTable) -> bool {
    let of_structs = table.declarations.iter().flat_map(|one| &one.allowed);
    let mut of_structs = of_structs.filter(|allowed| allowed.lint == Lint::MissingTenantColumn);
    let mut of_policy = project.policy.lints.exceptions.iter();
    of_structs.next().is_some()
        || of_policy.any(|entry| entry.rule == Lint::MissingTenantColumn && entry.subject.value == table.name)
}

/// The roles of the application that are not there.
pub fn missing_app_roles<'c>(context: &Context<'c>) -> Vec<&'c str> {
    let roles = context.config.app_roles.iter().map(|role| role.value.as_str());
    roles
        .filter(|role| context.catalog.role(role).is_none())
        .collect()
}

/// Everything that the catalogs tell.
pub fn run(context: &Context<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(context)).collect()
}

/// A registered or exempt table in the database.
pub fn qualified(config: &DatabaseSettings, name: &str, schema: Option<&str>) -> Qualified {
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

fn no_table(config: &DatabaseSettings, catalog: &Catalog, count: usize) -> Failure {
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
