//! `sql`: the migration that makes a database meet the registry's requirements, and the one that reverses it.

use table_registry_engine::Diagnostic;

use crate::cli::SqlArguments;
use crate::database::catalog::{Catalog, Relation};
use crate::database::context::{Context, missing_app_roles, qualified, tenant_policy};
use crate::database::difference::{self, OwnPolicy, Spellings};
use crate::database::exceptions;
use crate::database::grants::open_grants;
use crate::database::requirements::{Names, Object, Requirement, without_own};
use crate::database::session::Session;
use crate::database::statements::{
    EACH, POLICY, Qualified, Start, create_trigger_function, disable_rls, drop_trigger,
    drop_trigger_function, for_each_descendant, for_each_without_policy, unforce_rls,
};
use crate::database::with_project;
use crate::failure::Failure;
use crate::progress;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::text::{printable, quoted};

pub fn run(arguments: &SqlArguments) -> Result<Exit, Failure> {
    let report = |_: &Project, faults: Vec<Diagnostic>| Ok(report::faults(&faults));
    with_project(&arguments.selection, report, |project| {
        let plan = Plan::new(project);
        if arguments.diff {
            return plan.print_difference(project, arguments.database_url.as_deref());
        }
        report::data(&if arguments.down { plan.down() } else { plan.up() })?;
        Ok(Exit::Fine)
    })
}

/// Everything that the registry requires of a database.
struct Plan<'p> {
    package: &'p str,
    names: Names<'p>,
    /// Sorted by name.
    tables: Vec<PlannedTable>,
}

/// What the registry requires of one table, without the requirements that an exception drops.
struct PlannedTable {
    name: Qualified,
    own: Vec<Requirement>,
    of_children: Vec<Requirement>,
}

impl PlannedTable {
    /// The requirements that have an effect on the table: some have none while row-level security is off.
    fn own(&self, relation: Option<&Relation>) -> impl DoubleEndedIterator<Item = Requirement> {
        let is_on = relation.is_some_and(|relation| relation.row_security);
        let has_row_security = is_on || self.own.contains(&Requirement::RowSecurity);
        let own = self.own.iter().copied();
        own.filter(move |one| has_row_security || !one.needs_row_security())
    }

    fn asks(&self, requirement: Requirement) -> bool {
        self.own(None).any(|one| one == requirement)
    }

    fn asks_of_children(&self, requirement: Requirement) -> bool {
        self.of_children.contains(&requirement)
    }
}

impl<'p> Plan<'p> {
    fn new(project: &'p Project) -> Self {
        let settings = &project.policy.database;
        let tables = project.registry.tables().iter().map(|table| {
            let mut own = exceptions::requirements(table, Object::Table, settings);
            if tenant_policy(project, table).is_none() {
                // Only the user knows the policy of such a table.
                own.retain(|requirement| *requirement != Requirement::Policy);
            }
            PlannedTable {
                name: qualified(settings, &table.name, table.schema.as_deref()),
                own,
                of_children: exceptions::requirements(table, Object::Child, settings),
            }
        });
        Self {
            package: &project.package.name,
            names: Names::new(settings),
            tables: tables
                .filter(|table| !table.own.is_empty() || !table.of_children.is_empty())
                .collect(),
        }
    }

    fn up(&self) -> String {
        let mut header = self.header("sql");
        if self.tables.iter().any(|table| table.asks(Requirement::Policy)) {
            header = format!("{header}\n{BESIDE_OTHERS}");
        }
        let mut sections = vec![header];
        if self.has_triggers() {
            sections.push(create_trigger_function(&self.names.schema));
        }
        let tables = self.tables.iter().map(|table| self.up_table(table));
        sections.extend(tables.filter(|section| !section.is_empty()));
        sections.extend(self.up_descendants());
        joined(&sections)
    }

    fn up_table(&self, table: &PlannedTable) -> String {
        let statements = table
            .own(None)
            .flat_map(|requirement| requirement.establish(&table.name, &self.names));
        statements.collect::<Vec<_>>().join("\n")
    }

    /// Only the server knows the descendants of a table. One statement covers the descendants of all tables with the
    /// same requirements.
    fn up_descendants(&self) -> Vec<String> {
        const GROUPS: &[&[Requirement]] = &[
            &[Requirement::RowSecurity, Requirement::ForcedRowSecurity],
            &[Requirement::RowSecurity],
            &[Requirement::RevokedChanges],
            &[Requirement::Trigger],
        ];
        let names = self.names.in_format();
        let sections = GROUPS.iter().filter_map(|group| {
            let statements = group.iter().flat_map(|one| one.establish(EACH, &names));
            let tables = self.tables.iter().filter(|table| is_of_group(table, group));
            for_descendants(tables, &statements.collect::<Vec<_>>())
        });
        sections.collect()
    }

    fn print_difference(&self, project: &Project, url: Option<&str>) -> Result<Exit, Failure> {
        let mut session = Session::connect(url)?;
        let catalog = Catalog::read(&mut session)?;
        let context = Context::new(project, &catalog)?;
        let missing = missing_app_roles(&context);
        if !missing.is_empty() {
            return Err(
                Failure::new(format!("the database has no role {}", quoted(missing)))
                    .note("`app_roles` names it, so policies and privileges refer to it")
                    .help("create it, or use the names of the database's roles in `app_roles`"),
            );
        }
        let mut spellings = Spellings::new(self.names.tenant_policy.unwrap_or_default());
        let mut is_complete = true;
        let (mut sections, mut needs_function) = (Vec::new(), false);
        let bar = progress::bar("Comparing", self.tables.len());
        for table in bar.wrap_iter(self.tables.iter()) {
            match catalog.table(&table.name) {
                Some(relation) => {
                    let lacking = self.lacking(table, relation, &context, &mut session, &mut spellings)?;
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
            sections.insert(0, create_trigger_function(&self.names.schema));
        }
        sections.insert(0, self.header("sql --diff"));
        report::data(&joined(&sections))?;
        Ok(Exit::Findings)
    }

    fn lacking(
        &self,
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        session: &mut Session,
        spellings: &mut Spellings<'_>,
    ) -> Result<Lacking, Failure> {
        let mut lacking = Lacking::default();
        let own = table.own(Some(relation));
        let (policies, others): (Vec<Requirement>, Vec<_>) =
            own.partition(|requirement| *requirement == Requirement::Policy);
        self.add_unmet(&others, relation, context, &mut lacking);
        if !policies.is_empty() {
            lacking
                .statements
                .extend(self.lacking_policy(table, relation, context, session, spellings)?);
        }
        for child in context.catalog.descendants(relation.oid) {
            if child.is_table() {
                let asked = without_own(context, &table.of_children, child);
                self.add_unmet(&asked, child, context, &mut lacking);
            }
        }
        Ok(lacking)
    }

    /// The statements that give a table the registry's policy. Any other policy is not enough: it has to match the
    /// registry's policy as the server spells it.
    fn lacking_policy(
        &self,
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        session: &mut Session,
        spellings: &mut Spellings<'_>,
    ) -> Result<Vec<String>, Failure> {
        let spelling = spellings.of(session, context.catalog, &table.name, relation)?;
        match difference::policy(context, relation, &spelling) {
            OwnPolicy::Same => {}
            OwnPolicy::Lacking => return Ok(Requirement::Policy.establish(&table.name, &self.names)),
            OwnPolicy::Others(names) => report::say!(
                "warning: table {} has policies of its own, {}: `{POLICY}` beside them would open it further; \
                 leave it out with `[database.allow.missing-policy]`",
                table.name,
                printable(&names)
            ),
        }
        Ok(Vec::new())
    }

    fn add_unmet(
        &self,
        asked: &[Requirement],
        relation: &Relation,
        context: &Context<'_>,
        lacking: &mut Lacking,
    ) {
        let unmet = asked.iter().filter(|one| !one.is_met(context, relation));
        for requirement in unmet {
            lacking.trigger |= *requirement == Requirement::Trigger;
            lacking.statements.extend(match requirement {
                // One REVOKE from all roles would miss the privileges that other grantors have granted.
                Requirement::RevokedChanges => revokes(context, relation),
                _ => requirement.establish(relation.qualified(), &self.names),
            });
        }
    }

    fn down(&self) -> String {
        let mut sections = vec![self.header("sql --down")];
        let tables = self.tables.iter();
        let with_trigger = tables.filter(|table| table.asks_of_children(Requirement::Trigger));
        sections.extend(for_descendants(with_trigger, &[drop_trigger(EACH)]));
        let tables = self.tables.iter().rev().map(|table| self.down_table(table));
        sections.extend(tables.filter(|section| !section.is_empty()));
        sections.extend(self.down_rls());
        if self.has_triggers() {
            sections.push(drop_trigger_function(&self.names.schema));
        }
        joined(&sections)
    }

    fn down_table(&self, table: &PlannedTable) -> String {
        let statements = table
            .own(None)
            .rev()
            .filter_map(|requirement| requirement.take_back(&table.name, &self.names));
        statements.collect::<Vec<_>>().join("\n")
    }

    /// Tables and children with policies of their own keep row-level security.
    fn down_rls(&self) -> Vec<String> {
        let statements = [unforce_rls(EACH), disable_rls(EACH)];
        let (with_table, of_children): (Vec<&PlannedTable>, Vec<&PlannedTable>) = self
            .tables
            .iter()
            .filter(|table| {
                table.asks(Requirement::RowSecurity) || table.asks_of_children(Requirement::RowSecurity)
            })
            .partition(|table| table.asks(Requirement::RowSecurity));
        let groups = [(with_table, Start::Itself), (of_children, Start::Below)];
        groups
            .into_iter()
            .filter(|(tables, _)| !tables.is_empty())
            .map(|(tables, start)| {
                let names: Vec<&Qualified> = tables.iter().map(|table| &table.name).collect();
                for_each_without_policy(&names, start, &statements)
            })
            .collect()
    }

    fn has_triggers(&self) -> bool {
        let mut tables = self.tables.iter();
        tables.any(|table| table.asks(Requirement::Trigger) || table.asks_of_children(Requirement::Trigger))
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
    /// Whether a trigger is missing: it also needs its function.
    trigger: bool,
}

/// A note in the migration, because `sql` does not see which policies the database has.
const BESIDE_OTHERS: &str =
    "-- Where a table has policies of its own, this one stands beside them, joined by OR; leave it out with
-- `[database.allow.missing-policy]`.";

/// Whether the registry requires a group of requirements of a table's children. Tables that also require forced
/// row-level security are not in the group of row-level security alone.
fn is_of_group(table: &PlannedTable, group: &[Requirement]) -> bool {
    let is_forced = table.asks_of_children(Requirement::ForcedRowSecurity);
    let is_plain = group == [Requirement::RowSecurity];
    group.iter().all(|one| table.asks_of_children(*one)) && !(is_plain && is_forced)
}

fn for_descendants<'t>(
    tables: impl Iterator<Item = &'t PlannedTable>,
    statements: &[String],
) -> Option<String> {
    let names: Vec<&Qualified> = tables.map(|table| &table.name).collect();
    (!names.is_empty()).then(|| for_each_descendant(&names, statements))
}

/// A statement for each grant that has to be revoked.
fn revokes(context: &Context<'_>, relation: &Relation) -> Vec<String> {
    let grants = open_grants(context, relation);
    let statements = grants.iter().map(|grant| grant.revoke(context, relation));
    statements.collect()
}

fn joined(sections: &[String]) -> String {
    sections.join("\n\n") + "\n"
}
