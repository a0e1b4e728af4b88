//! Decides which rows policies let through: <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use std::cell::Cell;
use std::rc::Rc;

use sqlparser::tokenizer::Token;
use table_registry_engine::{Command, DatabaseCheck, Tenancy};

use crate::database::access::roles::Actor;
use crate::database::catalog::{PolicyRow, Relation};
use crate::database::code::calls::tokens;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, PolicyText};
use crate::database::logic::{MAX_STEPS, Question, Verdict};
use crate::database::requirements::statements::{RequiredPolicy, create_policy, drop_policy, identifier};
use crate::database::requirements::tenancy::policy_names;

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

/// Those of [`policies_of_families`] that let rows through: the permissive ones of tables with row-level security.
pub fn effective_policies<'c>(
    context: &'c Context<'c>,
) -> impl Iterator<Item = (&'c Table<'c>, &'c Relation, &'c PolicyRow)> {
    let all = policies_of_families(context).into_iter();
    all.filter(|(_, relation, policy)| policy.permissive && relation.row_security)
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
    pub fn commands(self) -> &'static [&'static str] {
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

    /// The clauses that a policy itself has.
    pub fn written(policy: &PolicyRow) -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|clause| clause.is_written(policy))
    }

    /// The expression, as a fact of a finding.
    pub fn fact(self, policy: &PolicyRow) -> String {
        format!("its {} is `{}`", self.name(), self.of(policy).unwrap_or_default())
    }

    /// The clause as SQL writes it.
    fn sql(self, policy: &PolicyRow) -> String {
        format!("{} ({})", self.name(), self.of(policy).unwrap_or_default())
    }

    /// Whether the policy itself has this clause.
    pub fn is_written(self, policy: &PolicyRow) -> bool {
        match self {
            Self::Using => policy.using.is_some(),
            Self::Check => policy.check.is_some(),
        }
    }
}

/// Whether an expression is the same for every row and every session, as `false` or `1 = 0` are: whoever wrote it
/// meant it.
pub fn is_constant(expression: &str) -> bool {
    const WORDS: &[&str] = &[
        "false", "true", "null", "and", "or", "not", "is", "distinct", "from", "unknown", "select", "as",
        "boolean", "bool", "integer", "int", "bigint", "numeric", "text",
    ];
    let found = tokens(expression).unwrap_or_default();
    let is_fixed = |token: &Token| match token {
        Token::Word(word) => {
            word.quote_style.is_none() && WORDS.contains(&word.value.to_lowercase().as_str())
        }
        _ => true,
    };
    !found.is_empty() && found.iter().all(|(token, _)| is_fixed(token))
}

/// A finding about a policy of a table, or of one of its children and parents.
pub fn finding(
    context: &Context<'_>,
    check: DatabaseCheck,
    (table, relation, policy): (&Table<'_>, &Relation, &PolicyRow),
    message: impl Into<String>,
    fix: impl Into<String>,
) -> Finding {
    let users = users(context, relation, policy).map(|app| app.role.name.clone());
    let mut finding = Finding::of_table(check, table.name(), message, fix)
        .object(&policy.name)
        .of_relation(context.name_beside(table, relation))
        .through(users.collect());
    finding.policy = Some(policy_text(context, policy));
    finding
}

fn policy_text(context: &Context<'_>, policy: &PolicyRow) -> PolicyText {
    let command = COMMANDS.iter().find(|(letter, _)| *letter == policy.command);
    let command = command.map_or(String::new(), |(_, name)| format!("FOR {name} "));
    let roles = policy.roles.iter().map(|role| context.catalog.role_name(*role));
    let clauses = Clause::written(policy).map(|clause| clause.sql(policy));
    PolicyText {
        scope: format!("{command}TO {}", roles.collect::<Vec<_>>().join(", ")),
        expression: clauses.collect::<Vec<_>>().join(" "),
    }
}

/// The roles of the application that a policy is for. A role of the policy that works across tenants on the table is not
/// one of the application: `cross_tenant_role` reports who can become it.
pub fn app_roles_of<'q>(
    context: &'q Context<'q>,
    relation: &'q Relation,
    policy: &'q PolicyRow,
) -> impl Iterator<Item = &'q Actor<'q>> {
    let is_for = |app: &&Actor<'_>| {
        let mut roles = policy.roles.iter();
        roles.any(|role| app.reaches(*role) && !context.works_across_tenants(*role, relation.oid))
    };
    context.app_roles.iter().filter(is_for)
}

/// The roles of the application that use a policy: those that may run one of its commands.
fn users<'q>(
    context: &'q Context<'q>,
    relation: &'q Relation,
    policy: &'q PolicyRow,
) -> impl Iterator<Item = &'q Actor<'q>> {
    app_roles_of(context, relation, policy).filter(|app| {
        let mut commands = COMMANDS.iter().filter(|(letter, _)| policy.is_for(letter));
        commands.any(|(_, command)| app.holds(relation, command))
    })
}

/// What a clause of a permissive policy does with rows of other tenants, in the commands that a role of the application
/// may run.
pub fn verdict(context: &Context<'_>, relation: &Relation, policy: &PolicyRow, clause: Clause) -> Verdict {
    let mut result = Verdict::Isolated;
    if context.lacks_tenant_column(relation) {
        // Another check reports it.
        return result;
    }
    for (letter, question) in questions(context, relation, policy, clause) {
        let verdict = match declared(context, relation, clause, letter) {
            Declared::Nothing => question.verdict(),
            Declared::Refused if question.is_within("false") == Some(true) => Verdict::Isolated,
            Declared::Refused => Verdict::Undeclared(None),
            Declared::Expression(text) => match question.is_within(text) {
                Some(true) => Verdict::Isolated,
                // The registry's own policy, which the server spells differently: `sql --diff` asks it to compare them.
                None if policy_names().contains(&policy.name) && !question.lets_all_rows_through() => {
                    Verdict::Isolated
                }
                _ => Verdict::Undeclared(Some(text.to_string())),
            },
        };
        match verdict {
            Verdict::Open(_) | Verdict::Undeclared(_) => return verdict,
            Verdict::Unknown(_) => result = verdict,
            Verdict::Isolated => {}
        }
    }
    result
}

/// Whether a clause would be open if no restrictive policy stood before it.
pub fn is_open_alone(context: &Context<'_>, relation: &Relation, policy: &PolicyRow, clause: Clause) -> bool {
    let mut questions = questions(context, relation, policy, clause);
    questions.any(|(_, mut question)| {
        question.restrictive.clear();
        matches!(question.verdict(), Verdict::Open(_))
    })
}

/// The questions about a clause of a policy: one for each role of the application and each command that it may run, given
/// by its letter.
fn questions<'q>(
    context: &'q Context<'q>,
    relation: &'q Relation,
    policy: &'q PolicyRow,
    clause: Clause,
) -> impl Iterator<Item = (&'static str, Question<'q>)> {
    users(context, relation, policy).flat_map(move |app| {
        let of_clause = COMMANDS
            .iter()
            .filter(move |(letter, _)| clause.commands().contains(letter));
        let of_policy = of_clause.filter(|(letter, _)| policy.is_for(letter));
        // A view may lead into a schema that the role itself cannot use.
        let possible = of_policy.filter(|(_, command)| app.holds(relation, command));
        possible.filter_map(move |(letter, _)| {
            Some((*letter, question(context, app, relation, policy, clause, letter)?))
        })
    })
}

/// What the policy file says about a command.
enum Declared<'p> {
    /// It does not declare the policies of the table.
    Nothing,
    /// It declares them, but none for this command, which is refused.
    Refused,
    Expression(&'p str),
}

fn declared<'c>(context: &'c Context<'_>, relation: &Relation, clause: Clause, letter: &str) -> Declared<'c> {
    let table = context.table_holding(relation.oid);
    let Some(table) = table.filter(|table| table.registered.tenancy == Tenancy::Declared) else {
        return Declared::Nothing;
    };
    let mut policies = context.project.policy.tenancy.policies.iter();
    let entry =
        policies.find(|entry| entry.table.value == table.name() && self::letter(entry.command) == letter);
    let text = entry.and_then(|entry| match clause {
        Clause::Using => entry.using.as_ref(),
        Clause::Check => entry.check.as_ref(),
    });
    text.map_or(Declared::Refused, |text| Declared::Expression(&text.value))
}

/// The question of what a clause of a policy lets through for one role and one command. `None` if the policy has no
/// expression for the clause, and so lets nothing through.
pub fn question<'q>(
    context: &'q Context<'q>,
    actor: &'q Actor<'q>,
    relation: &'q Relation,
    policy: &'q PolicyRow,
    clause: Clause,
    letter: &str,
) -> Option<Question<'q>> {
    let others = context.catalog.policies(relation.oid).iter();
    let restrictive = others
        .filter(|other| !other.permissive && other.is_for(letter) && actor.is_bound_by(other, relation));
    Some(Question {
        context,
        actor,
        relation,
        permissive: clause.of(policy)?,
        restrictive: restrictive.filter_map(|other| clause.of(other)).collect(),
        is_text: false,
        is_unsettled: letter != "r" && context.setters.run_for(&relation.name),
        may_share: letter == "r",
        steps: Rc::new(Cell::new(MAX_STEPS)),
    })
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

/// The statement that replaces clauses of a policy with the expressions of the registry's own policy for its command, or
/// what to do if the policy file declares none.
pub fn compare_tenant(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
    clauses: &[Clause],
) -> String {
    let required = context.required_policies(table).unwrap_or_default();
    let is_for = |own: &&RequiredPolicy| {
        own.command
            .is_none_or(|command| letter(command) == policy.command)
    };
    let own = required.iter().find(is_for);
    let expression = |clause: Clause| {
        own.and_then(|own| match clause {
            Clause::Using => own.using.as_deref(),
            Clause::Check => own.check.as_deref(),
        })
    };
    let is_declared = table.registered.tenancy == Tenancy::Declared;
    if is_declared && clauses.iter().any(|clause| expression(*clause).is_none()) {
        return "drop the policy, or declare what it permits in `[[tenancy.policies]]`, one entry for each command"
            .to_string();
    }
    let clauses: Vec<String> = clauses
        .iter()
        .map(|clause| {
            let expression = expression(*clause).unwrap_or("…");
            // A comment at the end of the expression must not hide the closing parenthesis.
            let end = if expression.contains("--") { "\n" } else { "" };
            format!("{} ({expression}{end})", clause.name())
        })
        .collect();
    format!(
        "ALTER POLICY {} ON {} {};",
        identifier(&policy.name),
        relation.qualified(),
        clauses.join(" ")
    )
}
