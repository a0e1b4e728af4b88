//! The registry together with the catalog: the input of the checks.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::{Command, DatabaseSettings, Level, Lint, RegisteredTable, Tenancy};

use crate::columns::{self, TableColumns};
use crate::database::access::roles::{Actor, USES_OF_ROWS};
use crate::database::catalog::{Catalog, Function, Oid, Relation};
use crate::database::code::claims;
use crate::database::code::setters::Setters;
use crate::database::computed::Computed;
use crate::database::logic::{Expressions, Verdicts};
use crate::database::migrations::apply::MIGRATOR;
use crate::database::migrations::blind::BlindStatement;
use crate::database::probe::probed::Probed;
use crate::database::requirements::statements::{Qualified, RequiredPolicy, qualified, role_list};
use crate::database::requirements::tenancy::{RequiredPolicies, Unknown};
use crate::database::rows::foreign_rows::ForeignRows;
use crate::failure::Failure;
use crate::project::Project;
use crate::report::counted;

/// A registered table, and its relation in the database.
#[derive(Debug)]
pub struct Table<'c> {
    pub registered: &'c RegisteredTable,
    pub qualified: Qualified,
    pub relation: Option<&'c Relation>,
}

impl<'c> Table<'c> {
    /// The tenant column of the table, if its rows have one.
    pub fn tenant_column(&self) -> Option<&'c str> {
        match &self.registered.tenancy {
            Tenancy::Column { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The tenant column of the table, if a row without a tenant is everybody's.
    pub fn column_of_shared_rows(&self) -> Option<&'c str> {
        match &self.registered.tenancy {
            Tenancy::Column {
                name,
                shared_rows: true,
            } => Some(name),
            _ => None,
        }
    }

    /// Whether each of its rows belongs to a tenant, by its own column or by that of a parent.
    pub fn has_tenants(&self) -> bool {
        matches!(
            self.registered.tenancy,
            Tenancy::Column { .. } | Tenancy::Through(_)
        )
    }

    pub fn name(&self) -> &str {
        &self.registered.name
    }

    pub fn has_rls(&self) -> bool {
        self.registered.has_rls()
    }
}

/// The input of the checks.
pub struct Context<'c> {
    pub project: &'c Project,
    pub settings: &'c DatabaseSettings,
    pub catalog: &'c Catalog,
    pub app_roles: Vec<Actor<'c>>,
    pub tables: Vec<Table<'c>>,
    /// What the probe found out. Empty without a probe.
    pub probed: Probed,
    /// The rows that refer to rows of another tenant. Empty unless the rows are compared.
    pub foreign_rows: Vec<ForeignRows>,
    /// The statements of migrations on rows that are hidden from the owner. Empty unless migrations are applied.
    pub blind: Vec<BlindStatement>,
    pub expressions: Expressions,
    pub verdicts: Verdicts,
    /// What may change the setting that holds the tenant.
    pub setters: Setters,
    /// Whether the server was started for this run, so that it has the roles of the setup and the migrations alone.
    pub is_throwaway: bool,
    pub computed: Computed,
    by_relation: BTreeMap<Oid, usize>,
    by_name: BTreeMap<&'c str, usize>,
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
                    relation: present(catalog, registered, &name),
                    qualified: name,
                }
            })
            .collect();
        if tables.iter().all(|table| table.relation.is_none()) {
            return Err(no_table(settings, catalog, &tables));
        }
        let positions = tables.iter().enumerate();
        Ok(Self {
            by_relation: positions
                .clone()
                .filter_map(|(at, table)| Some((table.relation?.oid, at)))
                .collect(),
            by_name: positions
                .map(|(at, table)| (table.registered.name.as_str(), at))
                .collect(),
            project,
            settings,
            catalog,
            app_roles: roles.map(|role| Actor::new(catalog, role)).collect(),
            tables,
            probed: Probed::default(),
            foreign_rows: Vec::new(),
            blind: Vec::new(),
            expressions: Expressions::default(),
            verdicts: Verdicts::default(),
            setters: setters(project, catalog),
            is_throwaway: catalog.role(MIGRATOR).is_some(),
            computed: Computed::default(),
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
        self.present()
            .filter(|(table, _)| table.registered.access.is_append_only())
    }

    /// A table with its partitions and inheritance children on all levels, except those that have a struct of their
    /// own.
    pub fn family(&self, relation: &'c Relation) -> impl Iterator<Item = &'c Relation> {
        let is_own = |child: &Relation| child.is_table() && self.table_of(child.oid).is_none();
        let children = self.catalog.descendants_through(relation.oid, is_own).into_iter();
        std::iter::once(relation).chain(children.filter_map(|child| self.catalog.relation_of(child)))
    }

    /// The name of a relation as the policy file writes it: with its schema, unless it is in that of the policy file.
    pub fn name_of(&self, relation: &Relation) -> String {
        self.short_name(&relation.schema, &relation.name)
    }

    /// A function as the policy file writes it: `purge(integer)`.
    pub fn function_name(&self, function: &Function) -> String {
        let name = self.short_name(&function.schema, &function.name);
        format!("{name}({})", function.types)
    }

    pub fn short_name(&self, schema: &str, name: &str) -> String {
        if schema == self.settings.schema {
            name.to_string()
        } else {
            format!("{schema}.{name}")
        }
    }

    /// The name of a relation that is not the table itself.
    pub fn name_beside(&self, table: &Table<'_>, relation: &Relation) -> Option<String> {
        let is_own = table.relation.is_some_and(|own| own.oid == relation.oid);
        (!is_own).then(|| self.name_of(relation))
    }

    /// Whether a role works across tenants on a table or on one of its partitions and children, as the policy file says.
    pub fn works_across_tenants(&self, role: Oid, relation: Oid) -> bool {
        let (role, table) = (self.catalog.role_of(role), self.table_holding(relation));
        let mut declared = self.settings.roles.iter();
        role.zip(table).is_some_and(|(role, table)| {
            declared.any(|one| {
                let mut tables = one.tables.iter();
                one.name.value == role.name && tables.any(|listed| listed.value == table.name())
            })
        })
    }

    /// The registered table of this name, as the registry writes it.
    pub fn table_named(&self, name: &str) -> Option<&Table<'c>> {
        self.by_name.get(name).map(|at| &self.tables[*at])
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

    /// Whether the server refuses each statement of the application on rows of a relation, while the application uses other
    /// tables. If it may use none, its privileges are probably granted elsewhere.
    pub fn is_refused(&self, relation: &Relation) -> bool {
        let uses_any = || {
            self.row_secured()
                .any(|(_, secured)| self.is_used(secured, USES_OF_ROWS))
        };
        !self.is_used(relation, USES_OF_ROWS) && *self.computed.uses_tenant_tables.get_or_init(uses_any)
    }

    /// A role as the owner of a view or a function.
    pub fn owner(&self, role: Oid) -> Option<Actor<'c>> {
        let role = self.catalog.role_of(role)?;
        Some(Actor::of_owner(self.catalog, role))
    }

    /// The tenant column of a relation that holds rows of a registered table: the table itself, or one of its partitions
    /// and inheritance children.
    pub fn tenant_column_of(&self, relation: &Relation) -> Option<&'c str> {
        let mut tables = self.tables_above(relation.oid);
        tables.find_map(Table::tenant_column)
    }

    /// Whether a relation lacks the tenant column that its table should have.
    pub fn lacks_tenant_column(&self, relation: &Relation) -> bool {
        let columns = self.catalog.columns(relation.oid);
        let tenant = self.tenant_column_of(relation);
        tenant.is_some_and(|tenant| columns.iter().all(|column| column.name != tenant))
    }

    /// The registered table whose rows a relation holds: the relation itself, or one that it is a partition or an
    /// inheritance child of.
    pub fn table_holding(&self, relation: Oid) -> Option<&Table<'c>> {
        self.tables_above(relation).next()
    }

    fn tables_above(&self, relation: Oid) -> impl Iterator<Item = &Table<'c>> {
        let ancestors = self.catalog.ancestors(relation).into_iter();
        std::iter::once(relation)
            .chain(ancestors)
            .filter_map(|oid| self.table_of(oid))
    }

    /// The names of all tenant columns.
    pub fn all_tenant_columns(&self) -> BTreeSet<&str> {
        let usual = self.project.policy.tenancy.column();
        let of_tables = self.tables.iter().filter_map(Table::tenant_column);
        let usual = usual.map(|column| column.name.value.as_str());
        // The table of tenants has its own key as the tenant column, and every table may have such a key.
        of_tables.filter(|column| *column != "id").chain(usual).collect()
    }

    /// The tables with the columns that decide whose a row is, according to the level and the exceptions of the lint
    /// about them.
    pub fn with_tenant_columns(&self) -> impl Iterator<Item = (&Table<'c>, &'c Relation, &'c str)> {
        self.present().flat_map(|(table, relation)| {
            let columns = self.checked_columns(table).into_iter();
            columns.map(move |column| (table, relation, column))
        })
    }

    /// Whether the checks of tenant columns report this column.
    pub fn is_tenant_column(&self, table: &Table<'c>, column: &str) -> bool {
        self.checked_columns(table).contains(&column)
    }

    fn checked_columns(&self, table: &Table<'c>) -> Vec<&'c str> {
        let lints = &self.project.policy.lints;
        let mut of_structs = table.registered.declarations.iter().flat_map(|one| &one.allowed);
        let mut of_policy = lints.exceptions.iter();
        let is_off = lints.level(Lint::MissingTenantColumn) == Level::Allow
            || of_structs.any(|allowed| allowed.lint == Lint::MissingTenantColumn)
            || of_policy
                .any(|entry| entry.rule == Lint::MissingTenantColumn && entry.subject.value == table.name());
        if is_off {
            Vec::new()
        } else {
            tenant_columns(table.registered)
        }
    }

    /// The policies that the registry requires of a table, if they are known.
    pub fn required_policies(&self, table: &Table<'_>) -> Result<Vec<RequiredPolicy>, Unknown> {
        let policies = RequiredPolicies::new(&self.project.registry, &self.project.policy, self.all_fields());
        policies.of(table.registered)
    }

    /// The type of a tenant column, from its field or from the policy file.
    pub fn sql_type(&self, table: &Table<'_>, column: &str) -> Option<String> {
        let policies = RequiredPolicies::new(&self.project.registry, &self.project.policy, self.all_fields());
        policies.sql_type(table.registered, column)
    }

    /// Whether the policy file declares which rows of a table a command may reach.
    pub fn is_declared(&self, table: &Table<'_>, command: Command) -> bool {
        let mut policies = self.project.policy.tenancy.policies.iter();
        table.registered.tenancy == Tenancy::Declared
            && policies.any(|policy| policy.command == command && policy.table.value == table.name())
    }

    /// The fields of a table's structs.
    pub fn fields(&self, table: &Table<'_>) -> &TableColumns {
        &self.all_fields()[table.name()]
    }

    fn all_fields(&self) -> &BTreeMap<String, TableColumns> {
        let read = || columns::of_tables(self.project.registry.tables(), &self.project.sources);
        self.fields.get_or_init(read)
    }
}

fn setters(project: &Project, catalog: &Catalog) -> Setters {
    Setters::new(&catalog.setters, &claims::settings(&project.policy))
}

/// The relation of a registered table. A foreign table can hold what belongs to no tenant, as it has no row-level security.
fn present<'c>(catalog: &'c Catalog, registered: &RegisteredTable, name: &Qualified) -> Option<&'c Relation> {
    let found = catalog.relation(&name.schema, &name.name)?;
    let is_enough = found.is_table() || (found.is_foreign_table() && !registered.has_rls());
    is_enough.then_some(found)
}

/// The columns of a table that decide whose a row is: its tenant column, or those that refer to its parent.
pub fn tenant_columns(table: &RegisteredTable) -> Vec<&str> {
    match &table.tenancy {
        Tenancy::Column { name, .. } => vec![name],
        Tenancy::Through(parent) => parent.columns.iter().map(String::as_str).collect(),
        Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => Vec::new(),
    }
}

/// The roles of the application that the database does not have.
pub fn missing_app_roles<'c>(context: &Context<'c>) -> Vec<&'c str> {
    let roles = context.settings.app_roles.iter().map(|role| role.value.as_str());
    roles
        .filter(|role| context.catalog.role(role).is_none())
        .collect()
}

/// The relations of the exempt tables.
pub fn exempt_relations(context: &Context<'_>) -> BTreeSet<Oid> {
    let exempt = context.project.registry.exempt().iter();
    exempt
        .filter_map(|exempt| Some(exempt_relation(context, &exempt.name)?.oid))
        .collect()
}

/// The relation of an exempt table.
pub fn exempt_relation<'c>(context: &Context<'c>, name: &str) -> Option<&'c Relation> {
    let schema = name.split_once('.').map(|(schema, _)| schema);
    let name = qualified(context.settings, name, schema);
    context.catalog.relation(&name.schema, &name.name)
}

fn no_table(settings: &DatabaseSettings, catalog: &Catalog, tables: &[Table<'_>]) -> Failure {
    let failure = Failure::new(format!(
        "none of the {} registered tables is in the database `{}`",
        tables.len(),
        catalog.server.database
    ))
    .note(format!(
        "looked in schema `{}` and in the schemas that structs name",
        settings.schema
    ));
    match schema_of_most(catalog, tables) {
        Some((schema, count)) => failure.help(format!(
            "in `[database]`, write `schema = {schema:?}`, which has {} of these names",
            counted(count, "table")
        )),
        None => failure.help("check the name of the database, and `schema` in `[database]`"),
    }
}

/// The schema that has most of the tables which should be in the usual one, and how many these are.
fn schema_of_most<'c>(catalog: &'c Catalog, tables: &[Table<'_>]) -> Option<(&'c str, usize)> {
    let usual = tables.iter().filter(|table| table.registered.schema.is_none());
    let names: BTreeSet<&str> = usual.map(|table| table.qualified.name.as_str()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let is_one = |relation: &&Relation| {
        relation.is_table() && !relation.of_extension && names.contains(relation.name.as_str())
    };
    for relation in catalog.relations.iter().filter(is_one) {
        *counts.entry(&relation.schema).or_default() += 1;
    }
    // The first of the most frequent ones.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| count * 2 >= names.len())
}
