//! Row-level security: <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use super::{Context, Table};
use crate::database::catalog::{PUBLIC, PolicyRow, Relation};
use crate::database::finding::Finding;
use crate::database::roles::Actor;
use crate::database::statements::{create_policy, drop_policy, enable_rls, force_rls, identifier};
use crate::text::quoted;

/// The commands that policies are about, by their letter in `pg_policy`.
const COMMANDS: [(&str, &str); 4] = [("r", "SELECT"), ("a", "INSERT"), ("w", "UPDATE"), ("d", "DELETE")];

pub fn rls_disabled(context: &Context<'_>) -> Vec<Finding> {
    let off = context
        .row_secured()
        .filter(|(_, relation)| !relation.row_security);
    off.map(|(table, relation)| {
        let mut fix = enable_rls(&table.qualified);
        // What else is missing is mended with it, and not reported as well.
        if is_force_missing(context, relation) {
            fix = format!("{fix} {}", force_rls(&table.qualified));
        }
        if context.catalog.policies(relation.oid).is_empty() {
            fix = format!("{fix}\n{}", missing_policy_fix(context, table));
        }
        Finding::of_table(
            DatabaseCheck::RlsDisabled,
            table.name(),
            format!("row-level security of table `{}` is off", table.name()),
            fix,
        )
        .fact("`pg_class.relrowsecurity` is false, and so its policies do nothing")
        .fact(format!("tables of kind `{}` have it", table.registered.kind))
    })
    .collect()
}

fn is_force_missing(context: &Context<'_>, relation: &Relation) -> bool {
    context.config.force_rls && !relation.force_row_security
}

pub fn rls_not_forced(context: &Context<'_>) -> Vec<Finding> {
    let secured = context
        .row_secured()
        .filter(|(_, relation)| relation.row_security);
    let not_forced = secured.filter(|(_, relation)| is_force_missing(context, relation));
    not_forced
        .map(|(table, relation)| {
            Finding::of_table(
                DatabaseCheck::RlsNotForced,
                table.name(),
                format!(
                    "row-level security of table `{}` does not hold for its owner",
                    table.name()
                ),
                force_rls(&table.qualified),
            )
            .object(context.catalog.role_name(relation.owner))
            .fact("`pg_class.relforcerowsecurity` is false")
        })
        .collect()
}

pub fn missing_policy(context: &Context<'_>) -> Vec<Finding> {
    let secured = context
        .row_secured()
        .filter(|(_, relation)| relation.row_security);
    secured
        .flat_map(|(table, relation)| {
            if context.catalog.policies(relation.oid).is_empty() {
                return vec![no_policy(context, table)];
            }
            let apps = context.app_roles.iter().filter(|app| !app.ignores_policies());
            apps.filter_map(|app| no_policy_for_commands(context, app, table, relation))
                .collect()
        })
        .collect()
}

fn no_policy(context: &Context<'_>, table: &Table<'_>) -> Finding {
    let message = format!("table `{}` has row-level security, but no policy", table.name());
    Finding::of_table(
        DatabaseCheck::MissingPolicy,
        table.name(),
        message,
        missing_policy_fix(context, table),
    )
    .fact("without a policy nobody sees a row")
}

/// Nothing is open here: the role gets no row, and no error. And so its privilege is what is too much.
fn no_policy_for_commands(
    context: &Context<'_>,
    app: &Actor<'_>,
    table: &Table<'_>,
    relation: &Relation,
) -> Option<Finding> {
    let policies = context.catalog.policies(relation.oid);
    let denied: Vec<&str> = COMMANDS
        .into_iter()
        .filter(|(letter, _)| !policies.iter().any(|policy| permits(policy, letter, app)))
        .map(|(_, command)| command)
        .filter(|command| !grantees(context, app, relation, command).is_empty())
        .collect();
    if denied.is_empty() {
        return None;
    }
    let message = format!(
        "no policy of table `{}` lets role `{}` {}",
        table.name(),
        app.role.name,
        denied.join(", ")
    );
    let revokes = denied.iter().flat_map(|command| {
        let grantees = grantees(context, app, relation, command).into_iter();
        grantees.map(move |grantee| format!("REVOKE {command} ON TABLE {} FROM {grantee};", table.qualified))
    });
    let fix = revokes.collect::<Vec<_>>().join(" ");
    let names = quoted(policies.iter().map(|policy| &policy.name));
    let finding = Finding::of_table(DatabaseCheck::MissingPolicy, table.name(), message, fix).warning();
    Some(finding.object(&app.role.name).fact(format!(
        "it holds the privilege, but the policies {names} are for other commands or roles: it gets no row"
    )))
}

/// Who has a privilege by which the role of the application has it, as SQL writes them.
fn grantees(
    context: &Context<'_>,
    app: &Actor<'_>,
    relation: &Relation,
    privilege: &str,
) -> BTreeSet<String> {
    let grants = context.catalog.grants(relation.oid).iter();
    let held = grants.filter(|grant| {
        grant.privilege == privilege && grant.grantee != relation.owner && app.reaches(grant.grantee)
    });
    held.map(|grant| context.catalog.grantee(grant.grantee)).collect()
}

/// Only permissive policies let rows through; restrictive ones take some away.
fn permits(policy: &PolicyRow, letter: &str, app: &Actor<'_>) -> bool {
    policy.permissive && is_for(policy, letter) && policy.roles.iter().any(|role| app.reaches(*role))
}

fn is_for(policy: &PolicyRow, letter: &str) -> bool {
    policy.command == "*" || policy.command == letter
}

fn missing_policy_fix(context: &Context<'_>, table: &Table<'_>) -> String {
    match context.tenant_policy(table) {
        Some(expression) => format!(
            "{}\n{}",
            drop_policy(&table.qualified),
            create_policy(&table.qualified, &context.app_role_list(), expression)
        ),
        None => format!(
            "CREATE POLICY … ON {} TO {} USING (…) WITH CHECK (…);",
            table.qualified,
            context.app_role_list()
        ),
    }
}

/// The policies of a table, and those of its children and of what it is a child of, which hold when these
/// are addressed directly.
fn policies<'c>(context: &'c Context<'c>) -> Vec<(&'c Table<'c>, &'c Relation, &'c PolicyRow)> {
    let mut found = Vec::new();
    for (table, relation) in context.row_secured() {
        let ancestors = context.catalog.ancestors(relation.oid).into_iter();
        let ancestors = ancestors.filter(|parent| context.table_of(*parent).is_none());
        let ancestors = ancestors.filter_map(|parent| context.catalog.relation_of(parent));
        for relation in context.family(relation).chain(ancestors) {
            let policies = context.catalog.policies(relation.oid).iter();
            found.extend(policies.map(|policy| (table, relation, policy)));
        }
    }
    found
}

/// The two expressions of a policy: which rows are there, and which may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clause {
    Using,
    Check,
}

impl Clause {
    const ALL: [Self; 2] = [Self::Using, Self::Check];

    fn name(self) -> &'static str {
        match self {
            Self::Using => "USING",
            Self::Check => "WITH CHECK",
        }
    }

    /// The commands that ask it, by their letter.
    fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Using => &["r", "w", "d"],
            Self::Check => &["a", "w"],
        }
    }

    /// What a policy says here. Where it does not say what may be written, that is what is there.
    fn of(self, policy: &PolicyRow) -> Option<&str> {
        let using = policy.using.as_deref();
        match self {
            Self::Using => using,
            Self::Check => policy.check.as_deref().or(using),
        }
    }
}

pub fn open_policy(context: &Context<'_>) -> Vec<Finding> {
    let found = policies(context).into_iter();
    let relevant = found.filter(|(_, relation, policy)| policy.permissive && relation.row_security);
    relevant
        .filter_map(|(table, relation, policy)| {
            let open = Clause::ALL
                .into_iter()
                .filter(|clause| is_open(context, relation, policy, *clause));
            open_policy_finding(context, table, relation, policy, &open.collect::<Vec<_>>())
        })
        .collect()
}

/// Whether a clause lets rows of every tenant through, for a command that a role of the application may run.
fn is_open(context: &Context<'_>, relation: &Relation, policy: &PolicyRow, clause: Clause) -> bool {
    let is_true = |policy: &PolicyRow| {
        let text = clause.of(policy);
        text.is_some_and(|text| context.is_open(text, relation))
    };
    let applies = |policy: &PolicyRow, app: &Actor<'_>| policy.roles.iter().any(|role| app.reaches(*role));
    let is_restricted = |letter: &str, app: &Actor<'_>| {
        let mut others = context.catalog.policies(relation.oid).iter();
        others.any(|other| {
            // It can leave a role behind, but not itself.
            let is_bound = other.roles.contains(&PUBLIC) || other.roles.contains(&app.role.oid);
            !other.permissive && is_for(other, letter) && is_bound && !is_true(other)
        })
    };
    let mut commands = COMMANDS
        .into_iter()
        .filter(|(letter, _)| clause.commands().contains(letter) && is_for(policy, letter));
    is_true(policy)
        && commands.any(|(letter, command)| {
            let mut apps = context.app_roles.iter();
            apps.any(|app| {
                applies(policy, app) && app.may(relation, &[command]) && !is_restricted(letter, app)
            })
        })
}

/// A comment at its end must not swallow the parenthesis.
fn in_parentheses(expression: &str) -> String {
    let end = if expression.contains("--") { "\n" } else { "" };
    format!("({expression}{end})")
}

fn open_policy_finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
    open: &[Clause],
) -> Option<Finding> {
    let what = match open.first()? {
        Clause::Using => "shows rows of every tenant",
        Clause::Check => "lets rows of every tenant be written",
    };
    let expression = context.tenant_policy(table).map_or("…", str::trim);
    let is_there = |clause: &Clause| match clause {
        Clause::Using => policy.using.is_some(),
        Clause::Check => policy.check.is_some(),
    };
    let there = || open.iter().copied().filter(is_there);
    let clauses: Vec<String> = there()
        .map(|clause| format!("{} {}", clause.name(), in_parentheses(expression)))
        .collect();
    let fix = format!(
        "ALTER POLICY {} ON {} {};",
        identifier(&policy.name),
        relation.qualified(),
        clauses.join(" ")
    );
    let roles = quoted(policy.roles.iter().map(|role| context.catalog.role_name(*role)));
    let message = format!(
        "policy `{}` of table `{}` {what} to {roles}",
        policy.name,
        table.name()
    );
    let mut finding =
        Finding::of_table(DatabaseCheck::OpenPolicy, table.name(), message, fix).object(&policy.name);
    for clause in there() {
        let text = clause.of(policy).unwrap_or_default();
        finding = finding.fact(format!("its {} is `{text}`", clause.name()));
    }
    Some(finding.fact("policies are joined by OR: one open policy opens the table"))
}

/// Of an open one it is said already that it lets every row be written.
pub fn policy_without_check(context: &Context<'_>) -> Vec<Finding> {
    let found = policies(context).into_iter();
    let lacking = found.filter(|(_, relation, policy)| {
        let writes = matches!(policy.command.as_str(), "*" | "w");
        let mut roles = policy.roles.iter();
        writes
            && policy.permissive
            && policy.check.is_none()
            && roles.any(|role| context.app_role_reaching(*role).is_some())
            && !is_open(context, relation, policy, Clause::Using)
    });
    lacking
        .map(|(table, relation, policy)| {
            let message = format!(
                "policy `{}` of table `{}` does not say which rows may be written",
                policy.name,
                table.name()
            );
            let fix = format!(
                "ALTER POLICY {} ON {} WITH CHECK ({});",
                identifier(&policy.name),
                relation.qualified(),
                policy.using.as_deref().unwrap_or("…")
            );
            Finding::of_table(DatabaseCheck::PolicyWithoutCheck, table.name(), message, fix)
                .object(&policy.name)
                .fact("`pg_policy.polwithcheck` is null")
                .fact("PostgreSQL takes USING instead: whoever loosens what is seen loosens what is written")
                .warning()
        })
        .collect()
}
