//! Decides which rows policies let through: <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use table_registry_engine::Command;

use super::catalog::{PUBLIC, PolicyRow, Relation};
use super::context::{Context, Table};
use super::expression::is_always_true;
use super::mention::Words;
use super::roles::Actor;
use super::statements::{create_policy, drop_policy};

/// The commands that policies are for, with their letters in `pg_policy`.
pub const COMMANDS: &[(&str, &str)] = &[("r", "SELECT"), ("a", "INSERT"), ("w", "UPDATE"), ("d", "DELETE")];

/// The letter of a command in `pg_policy`.
pub fn letter(command: Command) -> &'static str {
    match command {
        Command::Select => "r",
        Command::Insert => "a",
        Command::Update => "w",
        Command::Delete => "d",
    }
}

/// Whether a policy is for a command, given by its letter.
pub fn is_for(policy: &PolicyRow, letter: &str) -> bool {
    policy.command == "*" || policy.command == letter
}

/// The policies of each table, of its children and of its parents. Those of a child or a parent apply to statements
/// that address it directly.
pub fn policies_of_families<'c>(
    context: &'c Context<'c>,
) -> Vec<(&'c Table<'c>, &'c Relation, &'c PolicyRow)> {
    let mut found = Vec::new();
    for (table, relation) in context.row_secured() {
        let ancestors = context.catalog.ancestors(relation.oid).into_iter();
        let unregistered = ancestors.filter(|parent| context.table_of(*parent).is_none());
        let parents = unregistered.filter_map(|parent| context.catalog.relation_of(parent));
        for relation in context.family(relation).chain(parents) {
            let policies = context.catalog.policies(relation.oid).iter();
            found.extend(policies.map(|policy| (table, relation, policy)));
        }
    }
    found
}

/// The two expressions of a policy: which rows are visible, and which may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    Using,
    Check,
}

impl Clause {
    pub const ALL: &'static [Self] = &[Self::Using, Self::Check];

    pub fn name(self) -> &'static str {
        match self {
            Self::Using => "USING",
            Self::Check => "WITH CHECK",
        }
    }

    /// The letters of the commands that evaluate the clause.
    fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Using => &["r", "w", "d"],
            Self::Check => &["a", "w"],
        }
    }

    /// The expression of a policy. PostgreSQL takes USING where there is no WITH CHECK.
    pub fn of(self, policy: &PolicyRow) -> Option<&str> {
        let using = policy.using.as_deref();
        match self {
            Self::Using => using,
            Self::Check => policy.check.as_deref().or(using),
        }
    }

    /// Whether the policy itself has this clause.
    pub fn is_written(self, policy: &PolicyRow) -> bool {
        match self {
            Self::Using => policy.using.is_some(),
            Self::Check => policy.check.is_some(),
        }
    }
}

/// Whether a clause lets rows of every tenant through, for a command that a role of the application may run.
pub fn is_open(context: &Context<'_>, relation: &Relation, policy: &PolicyRow, clause: Clause) -> bool {
    let is_true = |policy: &PolicyRow| {
        let text = clause.of(policy);
        text.is_some_and(|text| is_open_expression(context, text, relation))
    };
    let applies = |policy: &PolicyRow, app: &Actor<'_>| policy.roles.iter().any(|role| app.reaches(*role));
    let is_restricted = |letter: &str, app: &Actor<'_>| {
        let mut others = context.catalog.policies(relation.oid).iter();
        others.any(|other| {
            // A role can give up the policies of a role that it has switched to, but not its own.
            let is_bound = other.roles.contains(&PUBLIC) || other.roles.contains(&app.role.oid);
            !other.permissive && is_for(other, letter) && is_bound && !is_true(other)
        })
    };
    let mut commands = COMMANDS
        .iter()
        .filter(|(letter, _)| clause.commands().contains(letter) && is_for(policy, letter));
    is_true(policy)
        && commands.any(|(letter, command)| {
            let mut apps = context.app_roles.iter();
            apps.any(|app| {
                applies(policy, app) && app.may(relation, &[command]) && !is_restricted(letter, app)
            })
        })
}

/// Whether an expression lets rows of every tenant through.
pub fn is_open_expression(context: &Context<'_>, expression: &str, relation: &Relation) -> bool {
    let columns = context.catalog.columns(relation.oid);
    let tenant = context.tenant_column_of(relation);
    // A tenant column may be null by mistake.
    let never_null = |name: &str| {
        tenant == Some(name)
            || columns
                .iter()
                .any(|column| column.not_null && column.name == name)
    };
    is_always_true(expression, &never_null) || !compares_row_with_asker(context, expression, relation, tenant)
}

/// Whether an expression uses the tenant column, or both the row and the session: a setting, a function, or another
/// table. In a subquery, the server writes each column with its table.
fn compares_row_with_asker(
    context: &Context<'_>,
    expression: &str,
    relation: &Relation,
    tenant: Option<&str>,
) -> bool {
    let words = Words::outside_quotes(expression);
    let columns = context.catalog.columns(relation.oid).iter();
    let mut own = columns
        .filter(|column| words.names_column(&relation.name, &column.name))
        .peekable();
    let is_about_row = own.peek().is_some();
    let is_about_tenant = own.any(|column| tenant == Some(&column.name));
    is_about_tenant || (is_about_row && words.asks_who())
}

/// The statements that give a table the registry's policies, or a policy with gaps to fill in if they are not
/// known. `None` if the database has no role of the application, which a policy has to name.
pub fn create_policies_anew(context: &Context<'_>, table: &Table<'_>) -> Option<String> {
    let roles = context.app_role_list();
    if roles.is_empty() {
        return None;
    }
    Some(match context.required_policies(table) {
        Ok(policies) => {
            let statements = policies.iter().flat_map(|policy| {
                [
                    drop_policy(&table.qualified, &policy.name),
                    create_policy(&table.qualified, &roles, policy),
                ]
            });
            statements.collect::<Vec<_>>().join("\n")
        }
        Err(_) => format!(
            "CREATE POLICY … ON {} TO {roles} USING (…) WITH CHECK (…);",
            table.qualified
        ),
    })
}
