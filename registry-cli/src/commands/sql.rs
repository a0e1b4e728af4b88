//! `sql`: the migration that makes a database obey the registry, and the one that takes it back.

use registry_core::engine::{Code, Database};

use crate::cli::Sql;
use crate::database::catalog::{Catalog, Relation};
use crate::database::checks::{Context, qualified};
use crate::database::session::Session;
use crate::database::statements::{
    EACH, Qualified, create_policy, create_trigger, create_trigger_function, disable_rls, drop_policy,
    drop_trigger, drop_trigger_function, enable_rls, for_each_descendant, force_rls, grant_changes,
    revoke_changes, role_list, unforce_rls,
};
use crate::database::{difference, expression, with_project};
use crate::failure::Failure;
use crate::progress;
use crate::project::Project;
use crate::report::{self, Exit};

pub fn run(arguments: &Sql) -> Result<Exit, Failure> {
    with_project(&arguments.selection, |project| {
        let migration = Migration::new(project)?;
        if arguments.diff {
            return migration.print_difference(project, arguments.database_url.as_deref());
        }
        report::data(&if arguments.down {
            migration.down()
        } else {
            migration.up()
        })?;
        Ok(Exit::Fine)
    })
}

/// What the registry asks of a database.
struct Migration<'p> {
    package: &'p str,
    config: &'p Database,
    /// By name.
    tables: Vec<Table>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a statement of its own")]
struct Table {
    name: Qualified,
    has_rls: bool,
    is_forced: bool,
    has_policy: bool,
    is_revoked: bool,
    has_trigger: bool,
}

impl<'p> Migration<'p> {
    fn new(project: &'p Project) -> Result<Self, Failure> {
        let config = &project.policy.database;
        if let Some(text) = config
            .tenant_policy
            .as_ref()
            .filter(|text| expression::parse(text).is_none())
        {
            return Err(
                Failure::new("`tenant_policy` is not one SQL expression").note(format!("it is `{text}`"))
            );
        }
        // A table that is excepted from having a tenant column cannot have a policy that compares it.
        let tenantless = project.policy.lints.exceptions.iter();
        let tenantless = tenantless.filter(|entry| entry.value == Code::MissingTenantColumn);
        let tenantless: Vec<&str> = tenantless.map(|entry| entry.name.as_str()).collect();
        let tables = project.registry.tables().iter().map(|table| {
            let is_wanted = |check| !config.allows(check, &table.name);
            let has_rls = table.kind.row_level_security() && is_wanted(Code::RlsDisabled);
            let has_policy = config.tenant_policy.is_some() && !tenantless.contains(&table.name.as_str());
            Table {
                name: qualified(config, &table.name, table.schema.as_deref()),
                has_rls,
                is_forced: has_rls && config.force_rls && is_wanted(Code::RlsNotForced),
                has_policy: has_rls && has_policy && is_wanted(Code::MissingPolicy),
                is_revoked: table.append_only && is_wanted(Code::AppendOnlyPrivilege),
                has_trigger: table.append_only
                    && config.append_only_trigger
                    && is_wanted(Code::MissingTrigger),
            }
        });
        Ok(Self {
            package: &project.package.name,
            config,
            tables: tables.filter(Table::is_protected).collect(),
        })
    }

    fn roles(&self) -> String {
        role_list(self.config.app_roles.iter().map(|role| role.name.as_str()))
    }

    fn up(&self) -> String {
        let mut sections = vec![self.header("sql")];
        if self.has_triggers() {
            sections.push(create_trigger_function(&self.config.schema));
        }
        sections.extend(self.tables.iter().map(|table| self.up_table(table)));
        sections.extend(self.up_descendants());
        joined(&sections)
    }

    fn up_table(&self, table: &Table) -> String {
        let name = &table.name;
        let mut statements = Vec::new();
        statements.extend(table.has_rls.then(|| enable_rls(name)));
        statements.extend(table.is_forced.then(|| force_rls(name)));
        if let Some(expression) = self.config.tenant_policy.as_ref().filter(|_| table.has_policy) {
            statements.extend([drop_policy(name), create_policy(name, &self.roles(), expression)]);
        }
        statements.extend(
            table
                .is_revoked
                .then(|| revoke_changes(name, &format!("PUBLIC, {}", self.roles()))),
        );
        if table.has_trigger {
            statements.extend([drop_trigger(name), create_trigger(name, &self.config.schema)]);
        }
        statements.join("\n")
    }

    /// A partition or an inheritance child takes over neither row-level security nor privileges.
    fn up_descendants(&self) -> Vec<String> {
        let of = |wanted: fn(&Table) -> bool| -> Vec<&Qualified> {
            self.tables
                .iter()
                .filter(|table| wanted(table))
                .map(|table| &table.name)
                .collect()
        };
        let revoke = revoke_changes(EACH, &format!("PUBLIC, {}", escaped(&self.roles())));
        let groups = [
            (
                of(|table| table.is_forced),
                vec![enable_rls(EACH), force_rls(EACH)],
            ),
            (
                of(|table| table.has_rls && !table.is_forced),
                vec![enable_rls(EACH)],
            ),
            (of(|table| table.is_revoked), vec![revoke]),
        ];
        let groups = groups.into_iter().filter(|(tables, _)| !tables.is_empty());
        groups
            .map(|(tables, statements)| for_each_descendant(&tables, &statements))
            .collect()
    }

    fn print_difference(&self, project: &Project, url: Option<&str>) -> Result<Exit, Failure> {
        let mut session = Session::connect(url)?;
        let catalog = Catalog::read(&mut session)?;
        let context = Context::new(project, &catalog)?;
        let mut sections = Vec::new();
        let mut makes_trigger = false;
        let bar = progress::bar("Comparing", self.tables.len());
        for table in bar.wrap_iter(self.tables.iter()) {
            let relation = catalog.relation(&table.name.schema, &table.name.name);
            let Some(relation) = relation.filter(|relation| relation.is_table()) else {
                report::say!("warning: table {} is not in the database", table.name);
                continue;
            };
            let mut statements = lacking(table, &table.name, relation, &context);
            if let Some(expression) = self.config.tenant_policy.as_ref().filter(|_| table.has_policy) {
                let spelling = difference::spelling(&mut session, &table.name, expression)?;
                if !difference::has_policy(&context, relation, &spelling) {
                    statements.push(drop_policy(&table.name));
                    statements.push(create_policy(&table.name, &self.roles(), expression));
                }
            }
            if table.has_trigger && !difference::has_trigger(&catalog, relation) {
                makes_trigger = true;
                statements.push(drop_trigger(&table.name));
                statements.push(create_trigger(&table.name, &self.config.schema));
            }
            for child in catalog.descendants(relation.oid) {
                statements.extend(lacking(table, &child.qualified(), child, &context));
            }
            sections.extend((!statements.is_empty()).then(|| statements.join("\n")));
        }
        if sections.is_empty() {
            return Ok(Exit::Fine);
        }
        if makes_trigger {
            sections.insert(0, create_trigger_function(&self.config.schema));
        }
        sections.insert(0, self.header("sql --diff"));
        report::data(&joined(&sections))?;
        Ok(Exit::Findings)
    }

    fn down(&self) -> String {
        let mut sections = vec![self.header("sql --down")];
        sections.extend(self.tables.iter().rev().map(|table| self.down_table(table)));
        if self.has_triggers() {
            sections.push(drop_trigger_function(&self.config.schema));
        }
        joined(&sections)
    }

    fn down_table(&self, table: &Table) -> String {
        let name = &table.name;
        let mut statements = Vec::new();
        statements.extend(table.has_trigger.then(|| drop_trigger(name)));
        statements.extend(table.is_revoked.then(|| grant_changes(name, &self.roles())));
        statements.extend(table.has_policy.then(|| drop_policy(name)));
        statements.extend(table.is_forced.then(|| unforce_rls(name)));
        statements.extend(table.has_rls.then(|| disable_rls(name)));
        statements.join("\n")
    }

    fn has_triggers(&self) -> bool {
        self.tables.iter().any(|table| table.has_trigger)
    }

    fn header(&self, command: &str) -> String {
        format!(
            "-- @generated by `cargo table-registry {command}` from the registry of `{}`; do not edit.\n\
             -- Run it in one transaction, as the owner of the tables.",
            self.package
        )
    }
}

impl Table {
    fn is_protected(&self) -> bool {
        self.has_rls || self.is_revoked || self.has_trigger
    }
}

/// What a table, or a child of it, lacks of row-level security, and what is to be revoked.
fn lacking(table: &Table, name: &Qualified, relation: &Relation, context: &Context<'_>) -> Vec<String> {
    let mut statements = Vec::new();
    statements.extend((table.has_rls && !relation.row_security).then(|| enable_rls(name)));
    statements.extend((table.is_forced && !relation.force_row_security).then(|| force_rls(name)));
    if table.is_revoked {
        statements.extend(difference::revokes(context, relation));
    }
    statements
}

fn joined(sections: &[String]) -> String {
    sections.join("\n\n") + "\n"
}

/// A per cent sign stands for something in `format`.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}
