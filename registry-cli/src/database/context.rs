//! The registry together with the catalog: the input of the checks.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use table_registry_engine::{DatabaseSettings, Lint, LintLevel, RegisteredTable};

use super::allowed::Allowed;
use super::catalog::{Catalog, Oid, Relation};
use super::roles::Actor;
use super::statements::{Qualified, role_list};
use crate::columns::{self, TableColumns};
use crate::failure::Failure;
use crate::project::Project;

/// A registered table, and its relation in the database.
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

/// The input of the checks.
pub struct Context<'c> {
    pub project: &'c Project,
    pub settings: &'c DatabaseSettings,
    pub catalog: &'c Catalog,
    pub app_roles: Vec<Actor<'c>>,
    pub tables: Vec<Table<'c>>,
    pub tenant_column: String,
    /// What the server allowed the roles of the application to do. Empty without a probe.
    pub allowed: Vec<Allowed>,
    by_relation: BTreeMap<Oid, usize>,
    /// Read when a check first needs the fields of a table.
    fields: OnceCell<BTreeMap<String, TableColumns>>,
}

impl<'c> Context<'c> {
    /// Fails if there is nothing to check.
    pub fn new(project: &'c Project, catalog: &'c Catalog) -> Result<Self, Failure> {
        let settings = &project.policy.database;
        let named = settings.app_roles.iter();
        let roles = named.filter_map(|role| catalog.role(&role.value));
        let tables: Vec<Table<'_>> = project
            .registry
            .tables()
            .iter()
            .map(|registered| {
                let name = qualified(settings, &registered.name, registered.schema.as_deref());
                Table {
                    registered,
                    relation: catalog.table(&name),
                    qualified: name,
                }
            })
            .collect();
        if tables.iter().all(|table| table.relation.is_none()) {
            return Err(no_table(settings, catalog, tables.len()));
        }
        let tenant = project.policy.lints.option(Lint::MissingTenantColumn);
        let positions = tables.iter().enumerate();
        Ok(Self {
            by_relation: positions
                .filter_map(|(at, table)| Some((table.relation?.oid, at)))
                .collect(),
            project,
            settings,
            catalog,
            app_roles: roles.map(|role| Actor::new(catalog, role)).collect(),
            tables,
            tenant_column: tenant.into_iter().next().unwrap_or_default(),
            allowed: Vec::new(),
            fields: OnceCell::new(),
        })
    }

    /// The registered tables that the database has.
    pub fn present(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.tables
            .iter()
            .filter_map(|table| Some((table, table.relation?)))
    }

    /// The tables that need row-level security.
    pub fn row_secured(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.present().filter(|(table, _)| table.has_rls())
    }

    /// The tables whose rows never change.
    pub fn append_only(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation)> {
        self.present().filter(|(table, _)| table.registered.append_only)
    }

    /// A table with its partitions and inheritance children on all levels, except those that have a struct of their
    /// own.
    pub fn family(&self, relation: &'c Relation) -> impl Iterator<Item = &'c Relation> {
        let is_own = |child: &Relation| child.is_table() && self.table_of(child.oid).is_none();
        let children = self.catalog.descendants_through(relation.oid, is_own).into_iter();
        std::iter::once(relation).chain(children.filter_map(|child| self.catalog.relation_of(child)))
    }

    pub fn table_of(&self, relation: Oid) -> Option<&Table<'c>> {
        self.by_relation.get(&relation).map(|at| &self.tables[*at])
    }

    /// The roles of the application as a list for SQL statements.
    pub fn app_role_list(&self) -> String {
        role_list(self.app_roles.iter().map(|role| role.role.name.as_str()))
    }

    /// The role of the application that has or can obtain the privileges of a grantee.
    pub fn app_role_reaching(&self, grantee: Oid) -> Option<&Actor<'c>> {
        self.app_roles.iter().find(|role| role.reaches(grantee))
    }

    /// Whether a role of the application holds one of some privileges.
    pub fn is_used(&self, relation: &Relation, privileges: &[&str]) -> bool {
        self.app_roles.iter().any(|app| app.may(relation, privileges))
    }

    pub fn actor(&self, role: Oid) -> Option<Actor<'c>> {
        let role = self.catalog.role_of(role)?;
        Some(Actor::new(self.catalog, role))
    }

    /// Whether an exception says that a table needs no tenant column.
    pub fn is_tenantless(&self, table: &Table<'_>) -> bool {
        is_tenantless(self.project, table.registered)
    }

    /// Whether a table needs a tenant column, according to the level, the option and the exceptions of the lint.
    pub fn needs_tenant_column(&self, table: &Table<'_>) -> bool {
        let level = self.project.policy.lints.level(Lint::MissingTenantColumn);
        table.has_rls()
            && !self.tenant_column.is_empty()
            && level != LintLevel::Allow
            && !self.is_tenantless(table)
    }

    /// The expression of the registry's policy, if it fits the table.
    pub fn tenant_policy(&self, table: &Table<'_>) -> Option<&str> {
        tenant_policy(self.project, table.registered)
    }

    /// The fields of a table's structs.
    pub fn fields(&self, table: &Table<'_>) -> &TableColumns {
        let read = || columns::of_tables(self.project.registry.tables());
        &self.fields.get_or_init(read)[table.name()]
    }
}

/// Whether somebody decided that a table needs no tenant column, at its struct or in the policy file. A
/// policy that compares that column cannot be made then.
fn is_tenantless(project: &Project, table: &RegisteredTable) -> bool {
    let mut of_structs = table.declarations.iter().flat_map(|one| &one.allowed);
    let mut of_policy = project.policy.lints.exceptions.iter();
    of_structs.any(|allowed| allowed.lint == Lint::MissingTenantColumn)
        || of_policy.any(|entry| entry.rule == Lint::MissingTenantColumn && entry.subject.value == table.name)
}

/// The expression of the registry's policy, if it fits the table.
pub fn tenant_policy<'p>(project: &'p Project, table: &RegisteredTable) -> Option<&'p str> {
    let expression = project.policy.database.tenant_policy.as_ref()?;
    (!is_tenantless(project, table)).then_some(expression.value.as_str())
}

/// The roles of the application that the database does not have.
pub fn missing_app_roles<'c>(context: &Context<'c>) -> Vec<&'c str> {
    let roles = context.settings.app_roles.iter().map(|role| role.value.as_str());
    roles
        .filter(|role| context.catalog.role(role).is_none())
        .collect()
}

/// The name of a registered or exempt table in the database.
pub fn qualified(settings: &DatabaseSettings, name: &str, schema: Option<&str>) -> Qualified {
    match schema.and_then(|schema| Some((schema, name.strip_prefix(schema)?.strip_prefix('.')?))) {
        Some((schema, name)) => Qualified {
            schema: schema.to_string(),
            name: name.to_string(),
        },
        None => Qualified {
            schema: settings.schema.clone(),
            name: name.to_string(),
        },
    }
}

/// The relation of an exempt table.
pub fn exempt_relation<'c>(context: &Context<'c>, name: &str) -> Option<&'c Relation> {
    let schema = name.split_once('.').map(|(schema, _)| schema);
    let name = qualified(context.settings, name, schema);
    context.catalog.relation(&name.schema, &name.name)
}

fn no_table(settings: &DatabaseSettings, catalog: &Catalog, count: usize) -> Failure {
    Failure::new(format!(
        "none of the {count} registered tables is in the database `{}`",
        catalog.server.database
    ))
    .note(format!(
        "looked in schema `{}` and in the schemas that structs name",
        settings.schema
    ))
    .help("check the name of the database, and `schema` in `[database]`")
}
