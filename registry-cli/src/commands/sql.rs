//! `sql`: the migration that makes a database obey the registry, and the one that takes it back.

use table_registry_engine::{DatabaseCheck, DatabaseSettings, Diagnostic};

use crate::cli::SqlArguments;
use crate::database::catalog::{Catalog, Relation};
use crate::database::checks::{self, Context, append_only, is_tenantless, qualified};
use crate::database::difference::OwnPolicy;
use crate::database::session::Session;
use crate::database::statements::{
    EACH, POLICY, Qualified, create_policy, create_trigger, create_trigger_function, disable_rls,
    drop_policy, drop_trigger, drop_trigger_function, enable_rls, for_each_descendant,
    for_each_without_policy, force_rls, grant_changes, revoke_changes, role_list, unforce_rls,
};
use crate::database::{difference, with_project};
use crate::failure::Failure;
use crate::progress;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::text::{printable, quoted};

pub fn run(arguments: &SqlArguments) -> Result<Exit, Failure> {
    let report = |_: &Project, faults: Vec<Diagnostic>| Ok(report::faults(&faults));
    with_project(&arguments.selection, report, |project| {
        let migration = Migration::new(project);
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
    config: &'p DatabaseSettings,
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

/// Which tables, and what becomes of their descendants.
type ForDescendants = (fn(&Table) -> bool, Vec<String>);

impl<'p> Migration<'p> {
    fn new(project: &'p Project) -> Self {
        let config = &project.policy.database;
        let tables = project.registry.tables().iter().map(|table| {
            let is_wanted = |check| !config.allows(check, &table.name);
            let has_rls = table.kind.row_level_security() && is_wanted(DatabaseCheck::RlsDisabled);
            let has_policy = config.tenant_policy.is_some() && !is_tenantless(project, table);
            Table {
                name: qualified(config, &table.name, table.schema.as_deref()),
                has_rls,
                is_forced: has_rls && config.force_rls && is_wanted(DatabaseCheck::RlsNotForced),
                has_policy: has_rls && has_policy && is_wanted(DatabaseCheck::MissingPolicy),
                is_revoked: table.append_only && is_wanted(DatabaseCheck::AppendOnlyPrivilege),
                has_trigger: table.append_only
                    && config.append_only_trigger
                    && is_wanted(DatabaseCheck::MissingTrigger),
            }
        });
        Self {
            package: &project.package.name,
            config,
            tables: tables.filter(Table::is_protected).collect(),
        }
    }

    fn roles(&self) -> String {
        role_list(self.config.app_roles.iter().map(|role| role.value.as_str()))
    }

    fn up(&self) -> String {
        let mut header = self.header("sql");
        if self.tables.iter().any(|table| table.has_policy) {
            header = format!("{header}\n{BESIDE_OTHERS}");
        }
        let mut sections = vec![header];
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
        if let Some(expression) = self.policy(table) {
            statements.extend([drop_policy(name), create_policy(name, &self.roles(), expression)]);
        }
        let everybody = || format!("PUBLIC, {}", self.roles());
        statements.extend(table.is_revoked.then(|| revoke_changes(name, &everybody())));
        if table.has_trigger {
            statements.extend([drop_trigger(name), create_trigger(name, &self.config.schema)]);
        }
        statements.join("\n")
    }

    /// The expression of the policy, if the table gets one.
    fn policy(&self, table: &Table) -> Option<&str> {
        let expression = self.config.tenant_policy.as_ref();
        expression
            .filter(|_| table.has_policy)
            .map(|entry| entry.value.as_str())
    }

    /// A partition or an inheritance child takes over neither row-level security nor privileges nor
    /// triggers of statements.
    fn up_descendants(&self) -> Vec<String> {
        let everybody = format!("PUBLIC, {}", escaped(&self.roles()));
        self.for_descendants([
            (|table| table.is_forced, vec![enable_rls(EACH), force_rls(EACH)]),
            (|table| table.has_rls && !table.is_forced, vec![enable_rls(EACH)]),
            (|table| table.is_revoked, vec![revoke_changes(EACH, &everybody)]),
            (
                |table| table.has_trigger,
                vec![
                    drop_trigger(EACH),
                    create_trigger(EACH, &escaped(&self.config.schema)),
                ],
            ),
        ])
    }

    fn for_descendants<const N: usize>(&self, groups: [ForDescendants; N]) -> Vec<String> {
        let mut sections = Vec::new();
        for (is_wanted, statements) in groups {
            let tables = self.tables.iter().filter(|table| is_wanted(table));
            let names: Vec<&Qualified> = tables.map(|table| &table.name).collect();
            sections.extend((!names.is_empty()).then(|| for_each_descendant(&names, &statements)));
        }
        sections
    }

    fn print_difference(&self, project: &Project, url: Option<&str>) -> Result<Exit, Failure> {
        let mut session = Session::connect(url)?;
        let catalog = Catalog::read(&mut session)?;
        let context = Context::new(project, &catalog)?;
        let missing = checks::missing_app_roles(&context);
        if !missing.is_empty() {
            return Err(
                Failure::new(format!("the database has no role {}", quoted(missing)))
                    .note("`app_roles` names it, and so policies and privileges are about it")
                    .help("create it, or name the roles of the application as the database does"),
            );
        }
        let mut is_complete = true;
        let (mut sections, mut needs_function) = (Vec::new(), false);
        let bar = progress::bar("Comparing", self.tables.len());
        for table in bar.wrap_iter(self.tables.iter()) {
            match catalog.table(&table.name) {
                Some(relation) => {
                    let lacking = self.lacking(table, relation, &context, &mut session)?;
                    needs_function |= lacking.trigger;
                    sections.extend((!lacking.statements.is_empty()).then(|| lacking.statements.join("\n")));
                }
                None => {
                    is_complete = false;
                    bar.suspend(|| report::say!("warning: table {} is not in the database", table.name));
                }
            }
        }
        if sections.is_empty() {
            return Ok(if is_complete { Exit::Fine } else { Exit::Findings });
        }
        if needs_function {
            sections.insert(0, create_trigger_function(&self.config.schema));
        }
        sections.insert(0, self.header("sql --diff"));
        report::data(&joined(&sections))?;
        Ok(Exit::Findings)
    }

    fn lacking(
        &self,
        table: &Table,
        relation: &Relation,
        context: &Context<'_>,
        session: &mut Session,
    ) -> Result<Lacking, Failure> {
        let mut lacking = Lacking::default();
        self.add_lacking(table, relation, context, &mut lacking);
        if let Some(expression) = self.policy(table) {
            let spelling = difference::spelling(session, &table.name, expression)?;
            match difference::policy(context, relation, &spelling) {
                OwnPolicy::Same => {}
                OwnPolicy::Lacking => {
                    let create = create_policy(&table.name, &self.roles(), expression);
                    lacking.statements.extend([drop_policy(&table.name), create]);
                }
                OwnPolicy::Others(names) => report::say!(
                    "warning: table {} has policies of its own, {}: `{POLICY}` beside them would open it further; \
                     leave it out with `[database.allow.missing-policy]`",
                    table.name,
                    printable(&names)
                ),
            }
        }
        for child in context.catalog.descendants(relation.oid) {
            if child.is_table() {
                self.add_lacking(table, child, context, &mut lacking);
            }
        }
        Ok(lacking)
    }

    /// Of one relation, but for the policy.
    fn add_lacking(&self, table: &Table, relation: &Relation, context: &Context<'_>, lacking: &mut Lacking) {
        let name = relation.qualified();
        let statements = &mut lacking.statements;
        statements.extend((table.has_rls && !relation.row_security).then(|| enable_rls(&name)));
        statements.extend((table.is_forced && !relation.force_row_security).then(|| force_rls(&name)));
        if table.is_revoked {
            statements.extend(difference::revokes(context, relation));
        }
        if table.has_trigger && !append_only::has_trigger(context, relation) {
            statements.extend([drop_trigger(&name), create_trigger(&name, &self.config.schema)]);
            lacking.trigger = true;
        }
    }

    fn down(&self) -> String {
        let mut sections = vec![self.header("sql --down")];
        sections.extend(self.for_descendants([(|table| table.has_trigger, vec![drop_trigger(EACH)])]));
        let tables = self.tables.iter().rev().map(|table| self.down_table(table));
        sections.extend(tables.filter(|section| !section.is_empty()));
        sections.extend(self.down_rls());
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
        statements.join("\n")
    }

    /// Tables and children that have policies of their own stay closed.
    fn down_rls(&self) -> Option<String> {
        let tables = self.tables.iter().filter(|table| table.has_rls);
        let names: Vec<&Qualified> = tables.map(|table| &table.name).collect();
        let statements = [unforce_rls(EACH), disable_rls(EACH)];
        (!names.is_empty()).then(|| for_each_without_policy(&names, &statements))
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

/// What a table and its children lack.
#[derive(Default)]
struct Lacking {
    statements: Vec<String>,
    /// Whether a trigger is among it, which needs its function.
    trigger: bool,
}

/// What only the database could tell.
const BESIDE_OTHERS: &str =
    "-- Where a table has policies of its own, this one stands beside them, joined by OR; leave it out with
-- `[database.allow.missing-policy]`.";

impl Table {
    fn is_protected(&self) -> bool {
        self.has_rls || self.is_revoked || self.has_trigger
    }
}

fn joined(sections: &[String]) -> String {
    sections.join("\n\n") + "\n"
}

/// A per cent sign stands for something in `format`.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}
