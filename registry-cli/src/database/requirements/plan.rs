//! What `sql` prints: the statements for all requirements, for those that a database lacks, and those that reverse them.

use std::collections::BTreeMap;

use table_registry_engine::{DatabaseCheck, RegisteredTable, Registry};

use crate::columns;
use crate::database::access::grants::{MAINTAIN, open_grants};
use crate::database::access::parent_access::{blind_roles, parents_read};
use crate::database::catalog::{Catalog, Relation};
use crate::database::context::{Context, missing_app_roles};
use crate::database::findings::exceptions;
use crate::database::requirements::difference::{self, Spellings};
use crate::database::requirements::statements::{
    EACH, LOCK_TIMEOUT, Qualified, Start, create_policy, create_trigger_function, disable_rls, drop_policies,
    drop_policy, drop_trigger, drop_trigger_function, for_each_descendant, for_each_since,
    for_each_without_policy, grant_select, qualified, revoke, role_list, unforce_rls,
};
use crate::database::requirements::tenancy::{RequiredPolicies, Unknown, policy_names};
use crate::database::requirements::{Asked, Names, Object, Requirement, without_own};
use crate::database::server::session::Session;
use crate::failure::Failure;
use crate::progress;
use crate::project::Project;
use crate::report::{self, counted};
use crate::tenant_column::Misnamed;
use crate::text::{printable, quoted};

/// Everything that the registry requires of a database.
pub struct Plan<'p> {
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
    /// The children that an exception names.
    allowed_children: Vec<String>,
    asked: Asked,
    /// The parents that its policies read, with the columns. Ends at the first parent that is in the plan itself.
    parents: Vec<(Qualified, Vec<String>)>,
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
    pub fn new(project: &'p Project, wanted: &[String], by_table: bool) -> Result<Self, Failure> {
        let settings = &project.policy.database;
        let fields = columns::of_tables(project.registry.tables(), &project.sources);
        let policies = RequiredPolicies::new(&project.registry, &project.policy, &fields);
        let (mut tables, mut unknown) = (Vec::new(), Vec::new());
        let selected = selected(&project.registry, wanted)?;
        for table in selected.iter().copied() {
            let own = exceptions::requirements(table, Object::Table, settings);
            let allowed = |check| -> Vec<String> {
                let names = exceptions::allowed_objects(settings, check, table).into_iter();
                names.map(ToString::to_string).collect()
            };
            let required = if own.contains(&Requirement::Policy) {
                policies.of(table).unwrap_or_else(|reason| {
                    unknown.push((table.name.as_str(), reason));
                    Vec::new()
                })
            } else {
                Vec::new()
            };
            let parents = if required.is_empty() {
                Vec::new()
            } else {
                unplanned_parents(project, table, &selected)
            };
            tables.push(PlannedTable {
                name: qualified(settings, &table.name, table.schema.as_deref()),
                own,
                of_children: exceptions::requirements(table, Object::Child, settings),
                allowed_children: allowed(DatabaseCheck::UnprotectedChild),
                asked: Asked {
                    policies: required,
                    access: table.access,
                    allowed: [Requirement::RevokedChanges, Requirement::RevokedUnbound]
                        .map(|one| (one, allowed(one.check(Object::Table))))
                        .into(),
                },
                parents,
            });
        }
        if !unknown.is_empty() {
            let misnamed = Misnamed::in_structs(&project.registry, &project.policy, &fields);
            return Err(unknown_policies(unknown, misnamed.as_ref()));
        }
        tables.retain(|table| !table.own.is_empty() || !table.of_children.is_empty());
        Ok(Self {
            package: &project.package.name,
            names: Names::new(settings),
            tables,
            by_table,
        })
    }

    /// The migration that makes a database meet the requirements.
    pub fn up(&self) -> String {
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
        sections.extend(self.up_maintain());
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
        for (parent, columns) in &table.parents {
            statements.push(grant_select(parent, columns, &self.names.app_roles));
        }
        statements.join("\n")
    }

    /// Only the server knows the descendants of a table. One statement covers the descendants of all tables with the
    /// same requirements.
    fn up_descendants(&self) -> Vec<String> {
        let names = self.names.in_format();
        let mut groups: BTreeMap<Vec<String>, Vec<&PlannedTable>> = BTreeMap::new();
        for table in &self.tables {
            let asked = Asked {
                policies: Vec::new(),
                access: table.asked.access,
                allowed: Vec::new(),
            };
            let required = table.of_children.iter();
            let statements = required.flat_map(|one| one.establish(EACH, &asked, &names));
            groups.entry(statements.collect()).or_default().push(table);
        }
        groups.remove(&Vec::new());
        let sections = groups.into_iter();
        sections
            .filter_map(|(statements, tables)| self.for_descendants(tables.into_iter(), &statements))
            .collect()
    }

    /// Only newer servers know MAINTAIN, so statements that name it run there alone. One statement covers all tables that
    /// revoke it from the same roles.
    fn up_maintain(&self) -> Vec<String> {
        let names = self.names.in_format();
        let mut groups: BTreeMap<String, Vec<&PlannedTable>> = BTreeMap::new();
        for table in self
            .tables
            .iter()
            .filter(|table| table.asks(Requirement::RevokedUnbound))
        {
            let kept = table.asked.allowed_grantees(Requirement::RevokedUnbound);
            if let Some(roles) = names.grantees_except(kept) {
                groups.entry(roles).or_default().push(table);
            }
        }
        let sections = groups.into_iter().map(|(roles, tables)| {
            let allowed = self.allowed_children(&tables);
            let tables: Vec<&Qualified> = tables.iter().map(|table| &table.name).collect();
            let statement = revoke(EACH, &[MAINTAIN], &roles);
            for_each_since(17, &tables, &allowed.iter().collect::<Vec<_>>(), &[statement])
        });
        sections.collect()
    }

    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// What a database lacks.
    pub fn difference(&self, project: &Project, session: &mut Session) -> Result<Difference, Failure> {
        let catalog = Catalog::read(session)?;
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
                    let lacking = self.lacking(table, relation, &context, session, &mut spellings)?;
                    needs_function |= lacking.trigger;
                    sections.extend((!lacking.statements.is_empty()).then(|| lacking.statements.join("\n")));
                }
                None => {
                    is_complete = false;
                    bar.suspend(|| report::say!("warning: table {} is not in the database", table.name));
                }
            }
        }
        if needs_function {
            sections.insert(0, create_trigger_function(&self.names.schema));
        }
        let sql = (!sections.is_empty()).then(|| self.joined(self.header("sql --diff"), sections));
        Ok(Difference { sql, is_complete })
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
        // Without a policy, and without a privilege, the server refuses everything.
        let is_closed = context.catalog.policies(relation.oid).is_empty() && context.is_refused(relation);
        if !policies.is_empty() && !is_closed {
            lacking
                .statements
                .extend(self.lacking_policies(table, relation, context, session, spellings)?);
            lacking
                .statements
                .extend(lacking_access(table, relation, context));
        }
        for child in context.catalog.descendants(relation.oid) {
            if child.is_table() && !table.allowed_children.contains(&context.name_of(child)) {
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
                "warning: table {} has policies of its own, {}, which are left alone: adding the registry's would \
                 open it further; accept this with `[[database.allow.missing-policy]]`",
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

    fn add_unmet(
        &self,
        requirements: &[Requirement],
        table: &PlannedTable,
        relation: &Relation,
        context: &Context<'_>,
        lacking: &mut Lacking,
    ) {
        let access = table.asked.access;
        let is_own = relation.qualified() == table.name;
        let kept = |requirement: Requirement| {
            if is_own {
                table.asked.allowed_grantees(requirement)
            } else {
                &[]
            }
        };
        let unmet = requirements
            .iter()
            .filter(|one| !one.is_met(context, access, relation));
        for requirement in unmet {
            lacking.trigger |= *requirement == Requirement::Trigger;
            lacking.statements.extend(match requirement {
                // One REVOKE from all roles would miss the privileges that other grantors have granted.
                one if one.is_revoked() => revokes(context, one.privileges(access), relation, kept(*one)),
                _ => requirement.establish(relation.qualified(), &table.asked, &self.names),
            });
        }
    }

    /// The migration that reverses them.
    pub fn down(&self) -> String {
        let mut sections = Vec::new();
        let tables = self.tables.iter();
        let with_trigger = tables.filter(|table| table.asks_of_children(Requirement::Trigger));
        sections.extend(self.for_descendants(with_trigger, &[drop_trigger(EACH)]));
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

    /// Statements for the descendants of some tables, except those that an exception names.
    fn for_descendants<'t>(
        &self,
        tables: impl Iterator<Item = &'t PlannedTable>,
        statements: &[String],
    ) -> Option<String> {
        let tables: Vec<&PlannedTable> = tables.collect();
        let names: Vec<&Qualified> = tables.iter().map(|table| &table.name).collect();
        let allowed = self.allowed_children(&tables);
        let allowed: Vec<&Qualified> = allowed.iter().collect();
        (!names.is_empty()).then(|| for_each_descendant(&names, &allowed, statements))
    }

    /// The children of some tables that an exception names.
    fn allowed_children(&self, tables: &[&PlannedTable]) -> Vec<Qualified> {
        let allowed = tables.iter().flat_map(|table| &table.allowed_children);
        allowed.map(|name| self.relation(name)).collect()
    }

    /// The relation that an exception names: with its schema, unless it is in that of the policy file.
    fn relation(&self, name: &str) -> Qualified {
        let (schema, name) = name.split_once('.').unwrap_or((&self.names.schema, name));
        Qualified {
            schema: schema.to_string(),
            name: name.to_string(),
        }
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

/// The tables with these names; all tables if none is given.
pub fn selected<'r>(registry: &'r Registry, names: &[String]) -> Result<Vec<&'r RegisteredTable>, Failure> {
    if let Some(name) = names.iter().find(|name| registry.table(name).is_none()) {
        let help = registry
            .meant(name)
            .map(|meant| format!("did you mean `{meant}`?"));
        return Err(Failure::new(format!("no table `{name}` is registered")).maybe_help(help));
    }
    let tables = registry.tables().iter();
    let selected = tables.filter(|table| names.is_empty() || names.contains(&table.name));
    Ok(selected.collect())
}

/// One failure for all tables whose policies are not known, grouped by the reason.
fn unknown_policies(unknown: Vec<(&str, Unknown)>, misnamed: Option<&Misnamed<'_>>) -> Failure {
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
                help(misnamed.map_or(OTHER_TENANCIES, |misnamed| &misnamed.instead));
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

/// The parents of a table, up to and including the first one in the plan: its own entry covers the rest.
fn unplanned_parents(
    project: &Project,
    table: &RegisteredTable,
    planned: &[&RegisteredTable],
) -> Vec<(Qualified, Vec<String>)> {
    let mut parents = Vec::new();
    for parent in parents_read(project, table) {
        parents.push((parent.name, parent.columns));
        if planned.iter().any(|table| table.name == parent.table.name) {
            break;
        }
    }
    parents
}

/// The policies of a child read its parents with the privileges of whoever reads the child.
fn lacking_access(table: &PlannedTable, relation: &Relation, context: &Context<'_>) -> Vec<String> {
    let mut grants = Vec::new();
    for (name, columns) in &table.parents {
        let Some(parent) = context.catalog.table(name) else {
            continue;
        };
        let blind = blind_roles(context, relation, parent, columns);
        let roles = role_list(blind.map(|app| app.role.name.as_str()));
        grants.extend((!roles.is_empty()).then(|| grant_select(name, columns, &roles)));
    }
    grants
}

/// What a database lacks.
pub struct Difference {
    pub sql: Option<String>,
    /// Whether the database has all tables.
    pub is_complete: bool,
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
-- `[[database.allow.missing-policy]]`.";

/// A statement for each grant that has to be revoked, except those to grantees that an exception names.
fn revokes(context: &Context<'_>, wanted: &[&str], relation: &Relation, allowed: &[String]) -> Vec<String> {
    let grants = open_grants(context, relation, wanted);
    let is_allowed = |grantee| {
        let mut names = allowed.iter();
        names.any(|name| name == context.catalog.role_name(grantee))
    };
    let others = grants.iter().filter(|grant| !is_allowed(grant.grantee));
    others.map(|grant| grant.revoke(context, relation)).collect()
}
