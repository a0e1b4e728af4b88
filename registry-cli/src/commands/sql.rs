//! `sql`: the migration that makes a database meet the registry's requirements, and the one that reverses it.

use std::collections::BTreeMap;

use table_registry_engine::{Access, Diagnostic, Parent, Registry, Tenancy, did_you_mean};

use crate::cli::SqlArguments;
use crate::columns;
use crate::database::catalog::{Catalog, Relation};
use crate::database::context::{Context, missing_app_roles};
use crate::database::difference::{self, Spellings};
use crate::database::exceptions;
use crate::database::grants::open_grants;
use crate::database::relatives::ANY;
use crate::database::requirements::{Asked, Names, Object, Requirement, without_own};
use crate::database::session::Session;
use crate::database::statements::{
    EACH, LOCK_TIMEOUT, Qualified, Start, create_policy, create_trigger_function, disable_rls, drop_policies,
    drop_policy, drop_trigger, drop_trigger_function, for_each_descendant, for_each_without_policy,
    grant_select, qualified, unforce_rls,
};
use crate::database::tenancy::{Policies, Unknown, policy_names};
use crate::database::with_project;
use crate::failure::Failure;
use crate::progress;
use crate::project::Project;
use crate::report::{self, Exit, counted};
use crate::text::{printable, quoted};

pub fn run(arguments: &SqlArguments) -> Result<Exit, Failure> {
    let report = |_: &Project, faults: Vec<Diagnostic>| Ok(report::faults(&faults));
    with_project(&arguments.selection, report, |project| {
        let plan = Plan::new(project, arguments)?;
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
    names: Names,
    /// Sorted by name.
    tables: Vec<PlannedTable>,
    /// Whether each table has a transaction of its own.
    by_table: bool,
}

/// What the registry requires of one table, without the requirements that an exception drops.
struct PlannedTable {
    name: Qualified,
    own: Vec<Requirement>,
    of_children: Vec<Requirement>,
    asked: Asked,
    /// The parent that its policies read, and the columns of it.
    parent: Option<(Qualified, Vec<String>)>,
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
    /// Fails if the policies of a table are not known: without them, row-level security would lock the application out.
    fn new(project: &'p Project, arguments: &SqlArguments) -> Result<Self, Failure> {
        let settings = &project.policy.database;
        let fields = columns::of_tables(project.registry.tables());
        let policies = Policies::new(&project.registry, &project.policy, &fields);
        let (mut tables, mut unknown) = (Vec::new(), Vec::new());
        for table in project.registry.tables() {
            let own = exceptions::requirements(table, Object::Table, settings);
            let required = match own.contains(&Requirement::Policy) {
                true => policies.of(table).unwrap_or_else(|reason| {
                    unknown.push((table.name.as_str(), reason));
                    Vec::new()
                }),
                false => Vec::new(),
            };
            let parent = match &table.tenancy {
                Tenancy::Through(parent) if !required.is_empty() => Some(read_columns(project, parent)),
                _ => None,
            };
            tables.push((
                &table.name,
                PlannedTable {
                    name: qualified(settings, &table.name, table.schema.as_deref()),
                    own,
                    of_children: exceptions::requirements(table, Object::Child, settings),
                    asked: Asked {
                        policies: required,
                        access: table.access,
                    },
                    parent: parent.flatten(),
                },
            ));
        }
        let is_wanted = |name: &String| arguments.table.is_empty() || arguments.table.contains(name);
        unknown.retain(|(name, _)| is_wanted(&(*name).to_string()));
        if !unknown.is_empty() {
            return Err(unknown_policies(unknown));
        }
        check_names(&project.registry, &arguments.table)?;
        let wanted = tables.into_iter().filter(|(name, _)| is_wanted(name));
        Ok(Self {
            package: &project.package.name,
            names: Names::new(settings),
            tables: wanted
                .map(|(_, table)| table)
                .filter(|table| !table.own.is_empty() || !table.of_children.is_empty())
                .collect(),
            by_table: arguments.transaction_per_table,
        })
    }

    fn up(&self) -> String {
        let mut header = self.header("sql");
        if self.tables.iter().any(|table| table.asks(Requirement::Policy)) {
            header = format!("{header}\n{BESIDE_OTHERS}");
        }
        let mut sections = Vec::new();
        let with_policies = self.tables.iter().filter(|table| table.asks(Requirement::Policy));
        if !self.by_table {
            sections.extend(without_our_policies(with_policies));
        }
        if self.has_triggers() {
            sections.push(create_trigger_function(&self.names.schema));
        }
        let tables = self.tables.iter().map(|table| self.up_table(table));
        sections.extend(tables.filter(|section| !section.is_empty()));
        sections.extend(self.up_descendants());
        self.joined(header, sections)
    }

    fn up_table(&self, table: &PlannedTable) -> String {
        let mut statements = Vec::new();
        if self.by_table && table.asks(Requirement::Policy) {
            statements.extend(without_our_policies([table].into_iter()));
        }
        statements.extend(
            table
                .own(None)
                .flat_map(|requirement| requirement.establish(&table.name, &table.asked, &self.names)),
        );
        if let Some((parent, columns)) = &table.parent {
            statements.push(grant_select(parent, columns, &self.names.app_roles));
        }
        statements.join("\n")
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
        let mut sections = Vec::new();
        for group in GROUPS {
            let mut of_group: Vec<&PlannedTable> = self
                .tables
                .iter()
                .filter(|table| is_of_group(table, group))
                .collect();
            // What is revoked depends on the access.
            of_group.sort_by_key(|table| table.asked.access.is_read_only());
            let chunks = of_group.chunk_by(|one, other| {
                *group != [Requirement::RevokedChanges] || one.asked.access == other.asked.access
            });
            for tables in chunks {
                let statements = group
                    .iter()
                    .flat_map(|one| one.establish(EACH, &tables[0].asked, &names));
                sections.extend(for_descendants(
                    tables.iter().copied(),
                    &statements.collect::<Vec<_>>(),
                ));
            }
        }
        sections
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
        let mut spellings = Spellings::default();
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
        report::data(&self.joined(self.header("sql --diff"), sections))?;
        Ok(Exit::Findings)
    }

    fn lacking(
        &self,
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        session: &mut Session,
        spellings: &mut Spellings,
    ) -> Result<Lacking, Failure> {
        let mut lacking = Lacking::default();
        let own = table.own(Some(relation));
        let (policies, others): (Vec<Requirement>, Vec<_>) =
            own.partition(|requirement| *requirement == Requirement::Policy);
        self.add_unmet(&others, table, relation, context, &mut lacking);
        if !policies.is_empty() {
            lacking
                .statements
                .extend(self.lacking_policies(table, relation, context, session, spellings)?);
            lacking
                .statements
                .extend(self.lacking_access(table, relation, context));
        }
        for child in context.catalog.descendants(relation.oid) {
            if child.is_table() {
                let asked = without_own(context, &table.of_children, child);
                self.add_unmet(&asked, table, child, context, &mut lacking);
            }
        }
        Ok(lacking)
    }

    /// The statements that give a table the registry's policies. Policies of other names are left alone.
    fn lacking_policies(
        &self,
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        session: &mut Session,
        spellings: &mut Spellings,
    ) -> Result<Vec<String>, Failure> {
        let required = &table.asked.policies;
        let difference = difference::of_policies(context, session, spellings, relation, required)?;
        if !difference.others.is_empty() {
            report::say!(
                "warning: table {} has policies of its own, {}, which are left alone: the registry's beside them would \
                 open it further; say so with `[database.allow.missing-policy]`",
                table.name,
                printable(&quoted(&difference.others))
            );
        }
        let outdated = difference.outdated.iter();
        let drops = outdated.map(|name| drop_policy(&table.name, name));
        let missing = difference.missing.iter();
        let creates = missing.map(|policy| create_policy(&table.name, &self.names.app_roles, policy));
        Ok(drops.chain(creates).collect())
    }

    /// The policies of a child read its parent with the privileges of whoever reads the child.
    fn lacking_access(
        &self,
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
    ) -> Option<String> {
        let (name, columns) = table.parent.as_ref()?;
        let parent = context.catalog.table(name)?;
        let mut apps = context.app_roles.iter();
        let is_blind = apps.any(|app| app.may(relation, ANY) && !app.may(parent, &["SELECT"]));
        is_blind.then(|| grant_select(name, columns, &self.names.app_roles))
    }

    fn add_unmet(
        &self,
        requirements: &[Requirement],
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        lacking: &mut Lacking,
    ) {
        let access = table.asked.access;
        let unmet = requirements
            .iter()
            .filter(|one| !one.is_met(context, access, relation));
        for requirement in unmet {
            lacking.trigger |= *requirement == Requirement::Trigger;
            lacking.statements.extend(match requirement {
                // One REVOKE from all roles would miss the privileges that other grantors have granted.
                Requirement::RevokedChanges => revokes(context, access, relation),
                _ => requirement.establish(relation.qualified(), &table.asked, &self.names),
            });
        }
    }

    fn down(&self) -> String {
        let mut sections = Vec::new();
        let tables = self.tables.iter();
        let with_trigger = tables.filter(|table| table.asks_of_children(Requirement::Trigger));
        sections.extend(for_descendants(with_trigger, &[drop_trigger(EACH)]));
        let with_policies = self.tables.iter().filter(|table| table.asks(Requirement::Policy));
        sections.extend(without_our_policies(with_policies));
        let tables = self.tables.iter().rev().map(|table| self.down_table(table));
        sections.extend(tables.filter(|section| !section.is_empty()));
        sections.extend(self.down_rls());
        if self.has_triggers() {
            sections.push(drop_trigger_function(&self.names.schema));
        }
        self.joined(self.header("sql --down"), sections)
    }

    fn down_table(&self, table: &PlannedTable) -> String {
        let statements = table
            .own(None)
            .rev()
            .filter_map(|requirement| requirement.take_back(&table.name, &table.asked, &self.names));
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
        let transaction = if self.by_table {
            "-- Each table has a transaction of its own. Run it as the owner of the tables."
        } else {
            "-- Run it in one transaction, as the owner of the tables."
        };
        format!(
            "-- @generated by `cargo table-registry {command}` from the registry of `{}`; do not edit.\n{transaction}",
            self.package
        )
    }

    fn joined(&self, header: String, sections: Vec<String>) -> String {
        let body: Vec<String> = if self.by_table {
            let wrapped = sections.iter();
            wrapped
                .map(|section| format!("BEGIN;\n{LOCK_TIMEOUT}\n{section}\nCOMMIT;"))
                .collect()
        } else {
            let timeout = (!sections.is_empty()).then(|| LOCK_TIMEOUT.to_string());
            timeout.into_iter().chain(sections).collect()
        };
        [header].into_iter().chain(body).collect::<Vec<_>>().join("\n\n") + "\n"
    }
}

/// Drops the registry's own policies, also those that an earlier migration made and that are not required any more.
fn without_our_policies<'t>(tables: impl Iterator<Item = &'t PlannedTable>) -> Option<String> {
    let names: Vec<&Qualified> = tables.map(|table| &table.name).collect();
    (!names.is_empty()).then(|| drop_policies(&names, &policy_names()))
}

/// The columns of a parent that the policies of its child read.
fn read_columns(project: &Project, parent: &Parent) -> Option<(Qualified, Vec<String>)> {
    let table = project.registry.table(&parent.table)?;
    let mut columns = parent.keys.clone();
    match &table.tenancy {
        Tenancy::Column { name, .. } => columns.push(name.clone()),
        Tenancy::Through(next) => columns.extend(next.columns.iter().cloned()),
        _ => {}
    }
    columns.sort();
    columns.dedup();
    let name = qualified(&project.policy.database, &table.name, table.schema.as_deref());
    Some((name, columns))
}

fn check_names(registry: &Registry, tables: &[String]) -> Result<(), Failure> {
    let mut unknown = tables.iter().filter(|name| registry.table(name).is_none());
    let Some(name) = unknown.next() else {
        return Ok(());
    };
    let names = registry.tables().iter().map(|table| table.name.as_str());
    Err(Failure::new(format!("no table `{name}` is registered")).maybe_help(did_you_mean(name, names)))
}

/// One failure for all tables whose policies are not known, grouped by the reason.
fn unknown_policies(unknown: Vec<(&str, Unknown)>) -> Failure {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut helps = Vec::new();
    let mut help = |text: &str| {
        if !helps.iter().any(|known| known == text) {
            helps.push(text.to_string());
        }
    };
    for (table, reason) in unknown {
        let text = match reason {
            Unknown::Tenancy => {
                help("add `[tenancy]` with `column` and `setting` to the policy file");
                "nothing says how rows belong to tenants".to_string()
            }
            Unknown::Column { table: of, column } => {
                help(OTHER_TENANCIES);
                if of == table {
                    format!("no column `{column}`")
                } else {
                    format!("no column `{column}` in the parent `{of}`")
                }
            }
            Unknown::Type { column, .. } => {
                help("add `type = \"uuid\"`, the type of the tenant column, to `[tenancy]`");
                format!("the type of column `{column}` is not known")
            }
        };
        groups.entry(text).or_default().push(table);
    }
    let count: usize = groups.values().map(Vec::len).sum();
    let failure = Failure::new(format!(
        "the policies of {} are not known",
        counted(count, "table")
    ));
    let failure = groups.into_iter().fold(failure, |failure, (reason, tables)| {
        failure.note(format!("{reason}: {}", quoted(tables)))
    });
    helps.into_iter().fold(failure, Failure::help)
}

const OTHER_TENANCIES: &str = "say how the rows belong to a tenant: `#[table(tenant = \"account_id\")]`, \
     `#[table(tenant = through(project_id -> projects))]`, `[[tenancy.policies]]` in the policy file, or `kind = system` \
     if they belong to none";

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
fn revokes(context: &Context<'_>, access: Access, relation: &Relation) -> Vec<String> {
    let grants = open_grants(context, access, relation);
    let statements = grants.iter().map(|grant| grant.revoke(context, relation));
    statements.collect()
}
