//! Ways around the protection of a table: views, functions and rules that do not run as the role that uses them.

use std::collections::BTreeSet;

use crate::database::CHANGES;
use crate::database::access::roles::{Actor, READ_ALL_DATA};
use crate::database::catalog::{Oid, Relation, reached};
use crate::database::code::mention::Words;
use crate::database::context::{Context, Table};
use crate::database::logic::Verdict;
use crate::database::policies::{COMMANDS, Clause, question};

/// What statements do with a table.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "statements do any of these things")]
pub struct Access {
    /// Whether they read rows of tenants that the caller chooses.
    pub reads: bool,
    /// Whether they write rows of tenants that the caller chooses.
    pub writes: bool,
    /// Whether they change or remove rows, of whatever tenant.
    pub changes: bool,
    /// Whether they remove all rows.
    pub truncates: bool,
}

impl Access {
    /// What code may do that cannot be read, TRUNCATE perhaps left out.
    pub fn unknown(truncates: bool) -> Self {
        Self {
            reads: true,
            writes: true,
            changes: true,
            truncates,
        }
    }

    fn is_any(self) -> bool {
        self.reads || self.writes || self.changes || self.truncates
    }
}

/// Whether access to a table with the rights of a role bypasses the protection of the table.
pub fn opens(
    context: &Context<'_>,
    role: Oid,
    table: &Table<'_>,
    relation: &Relation,
    access: Access,
) -> bool {
    let is_free = |letters: &[&str]| {
        let commands = COMMANDS.iter().filter(|(letter, _)| letters.contains(letter));
        table.has_rls()
            && commands
                .into_iter()
                .any(|command| is_above_rls(context, role, relation, *command))
    };
    (access.reads && is_free(&["r"]))
        || (access.writes && is_free(&["a", "w", "d"]))
        || (access.truncates && table.has_rls() && may(context, role, relation, &["TRUNCATE"]))
        || (access.changes
            && table.registered.access.is_append_only()
            && may(context, role, relation, CHANGES))
}

/// Whether a role can use a command on rows of a table regardless of the policies for the application.
fn is_above_rls(
    context: &Context<'_>,
    role: Oid,
    relation: &Relation,
    (letter, privilege): (&str, &str),
) -> bool {
    let Some(actor) = context.owner(role) else {
        return true;
    };
    actor.holds(relation, privilege)
        && (!actor.is_bound(relation) || has_open_policy(context, &actor, relation, letter))
}

/// Whether a policy that does not apply to the application may let a role use a command on rows of another tenant.
fn has_open_policy(context: &Context<'_>, actor: &Actor<'_>, relation: &Relation, letter: &str) -> bool {
    let is_own = |role: &Oid| actor.reaches(*role) && context.app_role_reaching(*role).is_none();
    let policies = context.catalog.policies(relation.oid).iter();
    let mut own = policies
        .filter(|policy| policy.permissive && policy.is_for(letter) && policy.roles.iter().any(is_own));
    own.any(|policy| {
        let clauses = Clause::ALL.iter().copied();
        let mut of_command = clauses.filter(|clause| clause.commands().contains(&letter));
        of_command.any(|clause| {
            let question = question(context, actor, relation, policy, clause, letter);
            question.is_some_and(|question| question.verdict() != Verdict::Isolated)
        })
    })
}

fn may(context: &Context<'_>, role: Oid, relation: &Relation, privileges: &[&str]) -> bool {
    let actor = context.owner(role);
    actor.is_some_and(|actor| {
        privileges
            .iter()
            .any(|privilege| actor.holds(relation, privilege))
    })
}

/// Revokes privileges from every grantee through which a role of the application has them.
pub fn revoke(context: &Context<'_>, relation: &Relation, privileges: &[&str]) -> String {
    let mut held = BTreeSet::new();
    for grant in context.catalog.grants(relation.oid) {
        let is_wanted = privileges.contains(&grant.privilege.as_str()) && grant.grantee != relation.owner;
        if is_wanted && context.app_role_reaching(grant.grantee).is_some() {
            held.insert((context.catalog.grantee(grant.grantee), grant.privilege.as_str()));
        }
    }
    let mut grantees: Vec<&String> = held.iter().map(|(grantee, _)| grantee).collect();
    grantees.dedup();
    let statements = grantees.into_iter().map(|grantee| {
        let own = held.iter().filter(|(other, _)| other == grantee);
        let privileges: Vec<&str> = own.map(|(_, privilege)| *privilege).collect();
        format!(
            "REVOKE {} ON TABLE {} FROM {grantee};",
            privileges.join(", "),
            relation.qualified()
        )
    });
    let revokes: Vec<String> = statements.collect();
    if revokes.is_empty() {
        return revoke_membership(context, relation);
    }
    revokes.join(" ")
}

/// Revokes a membership, for privileges that come from no grant on the relation.
fn revoke_membership(context: &Context<'_>, relation: &Relation) -> String {
    let apps = context.app_roles.iter();
    let memberships: String = apps.filter_map(Actor::revoke_everything_readable).collect();
    if memberships.is_empty() {
        let name = relation.qualified();
        return format!(
            "give {name} another owner, or revoke the membership through which the application reaches its owner"
        );
    }
    memberships
}

/// The views through which one of some roles reaches a view: the view itself, and the views that use it.
pub fn ways_to<'c>(
    context: &'c Context<'c>,
    actors: &[Actor<'c>],
    view: &'c Relation,
    privileges: &[&str],
) -> Vec<&'c Relation> {
    let is_used = |view: &Relation| actors.iter().any(|actor| actor.may(view, privileges));
    let relations = context.catalog.relations.iter();
    let others = relations.filter(|other| other.kind == "v" && other.oid != view.oid);
    let above = others.filter(|other| is_used(other) && reads(context, actors, other, view.oid));
    let own = is_used(view).then_some(view);
    own.into_iter().chain(above).collect()
}

/// The roles of the application that use one of these views.
pub fn users_of(context: &Context<'_>, ways: &[&Relation], privileges: &[&str]) -> Vec<String> {
    let is_used_by = |app: &&Actor<'_>| ways.iter().any(|way| app.may(way, privileges));
    let users = context.app_roles.iter().filter(is_used_by);
    users.map(|app| app.role.name.clone()).collect()
}

/// Whether a view reads a relation, perhaps through other views, and is permitted to at each step.
fn reads(context: &Context<'_>, actors: &[Actor<'_>], view: &Relation, below: Oid) -> bool {
    let views = reached(view.oid, |at| {
        let at = context.catalog.relation_of(at);
        let used = at.into_iter().flat_map(|at| {
            let used = context.catalog.used_by(at.oid);
            used.filter(|used| (used.kind == "v" || used.oid == below) && may_read(context, actors, at, used))
        });
        used.map(|used| used.oid)
    });
    views.contains(&below)
}

/// Whether a view may read a relation: its owner may, or the role that uses it, if the view uses the rights of its caller.
pub fn may_read(context: &Context<'_>, actors: &[Actor<'_>], view: &Relation, relation: &Relation) -> bool {
    if view.security_invoker {
        return actors.iter().any(|actor| actor.may(relation, &["SELECT"]));
    }
    context
        .owner(view.owner)
        .is_none_or(|owner| owner.holds(relation, "SELECT"))
}

/// The registered tables that a view uses, directly or through other views that run with the same rights: an invoker view
/// is followed through other invoker views, a materialized view, which its owner fills, through views of any kind. No
/// other view is followed: below it, an invoker view still uses the rights of the caller, and each view that runs as its
/// owner is reported itself.
pub fn below<'c>(context: &'c Context<'c>, view: &Relation) -> Vec<(&'c Table<'c>, &'c Relation)> {
    let (mut seen, mut open, mut found) = (BTreeSet::new(), vec![view.oid], Vec::new());
    while let Some(at) = open.pop() {
        for used in context.catalog.used_by(at) {
            if !seen.insert(used.oid) {
                continue;
            }
            if let Some(table) = registered(context, used) {
                found.push((table, used));
            } else if view.kind == "m" || (view.security_invoker && used.kind == "v" && used.security_invoker)
            {
                open.push(used.oid);
            }
        }
    }
    found.sort_by_key(|(table, _)| table.name());
    found
}

/// The registered table of a relation: its own, or one that it is a child of.
fn registered<'c>(context: &'c Context<'c>, relation: &Relation) -> Option<&'c Table<'c>> {
    let ancestors = || context.catalog.ancestors(relation.oid).into_iter();
    let own = context.table_of(relation.oid);
    own.or_else(|| ancestors().find_map(|parent| context.table_of(parent)))
}

/// The words of code that runs as a role.
pub struct Code {
    /// Those of all statements.
    pub all: Words,
    /// Those of the statements that are not known to stay within the tenant of the session.
    pub unbound: Words,
}

/// The names of the registered tables that code opens when it runs as a role: tables that the code names, and tables
/// used by views that it names. `counts_as_read` decides whether reading a relation counts.
pub fn opened_by<'c>(
    context: &'c Context<'c>,
    code: &Code,
    role: Oid,
    counts_as_read: impl Fn(&Relation) -> bool,
) -> Vec<&'c str> {
    let mut opened = BTreeSet::new();
    for relation in &context.catalog.relations {
        let (schema, name) = (relation.schema.as_str(), relation.name.as_str());
        let access = Access {
            reads: code.unbound.reads(schema, name) && counts_as_read(relation),
            writes: code.unbound.writes(schema, name),
            changes: code.all.changes(schema, name),
            truncates: code.all.truncates(schema, name),
        };
        if access.is_any() {
            opened.extend(opened_through(context, relation, role, access));
        }
        if code.all.truncates_references(schema, name) {
            opened.extend(emptied_with(context, relation, role));
        }
    }
    if reads_statistics(context, code, role) {
        let secured = context.row_secured();
        let read = secured.filter(|(_, relation)| counts_as_read(relation));
        opened.extend(read.map(|(table, _)| table.name()));
    }
    opened.into_iter().collect()
}

/// Whether code reads the statistics of all tables, which hold frequent values of each column.
fn reads_statistics(context: &Context<'_>, code: &Code, role: Oid) -> bool {
    const STATISTICS: &[&str] = &[
        "pg_statistic",
        "pg_statistic_ext_data",
        "pg_stats",
        "pg_stats_ext",
        "pg_stats_ext_exprs",
    ];
    let may = |role: Actor<'_>| role.role.superuser || role.others().any(|one| one.name == READ_ALL_DATA);
    STATISTICS.iter().any(|name| code.all.reads("pg_catalog", name)) && context.owner(role).is_some_and(may)
}

/// The registered tables that TRUNCATE … CASCADE of a table empties, too: those that refer to it.
fn emptied_with<'c>(context: &'c Context<'c>, relation: &Relation, role: Oid) -> Vec<&'c str> {
    let keys = || context.catalog.foreign_keys.iter();
    let referring = reached(relation.oid, |at| {
        keys()
            .filter(move |key| key.referenced == at)
            .map(|key| key.relation)
    });
    let access = Access {
        changes: true,
        truncates: true,
        ..Access::default()
    };
    let relations = referring
        .into_iter()
        .filter_map(|oid| context.catalog.relation_of(oid));
    relations
        .flat_map(|relation| opened_through(context, relation, role, access))
        .collect()
}

/// The registered tables behind a relation. Below a view, the rights are those of its owner, or those of the role that
/// runs the code if the view uses the rights of its caller.
fn opened_through<'c>(
    context: &'c Context<'c>,
    relation: &'c Relation,
    role: Oid,
    access: Access,
) -> BTreeSet<&'c str> {
    let (mut seen, mut open, mut opened) = (BTreeSet::new(), vec![(relation, role)], BTreeSet::new());
    while let Some((at, runs_as)) = open.pop() {
        if let Some(table) = registered(context, at) {
            if opens(context, runs_as, table, at, access) {
                opened.insert(table.name());
            }
        } else if at.kind == "m" {
            let copied = below(context, at).into_iter();
            opened.extend(
                copied
                    .filter(|(table, _)| table.has_rls())
                    .map(|(table, _)| table.name()),
            );
        } else {
            let runs_as = if at.security_invoker { role } else { at.owner };
            let used = context.catalog.used_by(at.oid);
            let new = used.filter(|used| seen.insert((used.oid, runs_as)));
            open.extend(new.map(|used| (used, runs_as)));
        }
    }
    opened
}
