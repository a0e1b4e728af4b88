//! Decides whether a policy lets rows of other tenants through, and finds values that show it.

use std::cell::Cell;
use std::rc::Rc;

use sqlparser::ast::{BinaryOperator, Expr};

use crate::database::access::roles::Actor;
use crate::database::catalog::Relation;
use crate::database::code::claims;
use crate::database::context::{Context, Table};
use crate::database::logic::answers::{Verdict, Witness, changing};
use crate::database::logic::evaluate::{Evaluation, Row};
use crate::database::logic::implication;
use crate::database::logic::truth::Truths;
use crate::database::logic::value::{Constant, Known, Tenant, Value, Variable};
use crate::database::logic::world::{Choice, Session, World, pairs};

/// The most combinations of values that are tried.
const MAX_EVALUATIONS: usize = 2_048;

/// One policy, as it applies to one role and one command.
pub struct Question<'q> {
    pub context: &'q Context<'q>,
    pub actor: &'q Actor<'q>,
    pub relation: &'q Relation,
    /// The expression of the permissive policy.
    pub permissive: &'q str,
    /// Those of the restrictive policies.
    pub restrictive: Vec<&'q str>,
    /// Whether the expressions are text of a function's body, not what the server writes.
    pub is_text: bool,
    /// Whether the command may run other code of the database, before its rows are checked, which changes the setting.
    pub is_unsettled: bool,
    /// Whether rows that belong to everybody may be let through.
    pub may_share: bool,
    /// How many more parts of expressions are evaluated: [`MAX_STEPS`] at first.
    pub steps: Rc<Cell<usize>>,
}

/// The most parts of expressions that are evaluated for one question.
pub const MAX_STEPS: usize = 50_000;

/// What a search found.
enum Found {
    Never,
    Always(World),
    Unknown,
}

impl Question<'_> {
    pub fn verdict(&self) -> Verdict {
        if self.is_unsettled {
            let table = &self.relation.name;
            let what = "a trigger, default or constraint";
            return Verdict::Unknown(vec![format!("{what} of `{table}`, which may change the setting")]);
        }
        let key = (
            self.relation.oid,
            self.actor.role.oid,
            self.texts().map(str::to_string).collect(),
            self.may_share,
            self.is_text,
        );
        self.context.verdicts.known_or(key, || self.new_verdict())
    }

    /// The expressions that all have to be true, that of the permissive policy first.
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.permissive).chain(self.restrictive.iter().copied())
    }

    /// Fails with the text that cannot be parsed.
    fn parsed(&self) -> Result<Vec<Rc<Expr>>, &str> {
        self.texts()
            .map(|text| self.context.expressions.policy(text).ok_or(text))
            .collect()
    }

    fn new_verdict(&self) -> Verdict {
        let expressions = match self.parsed() {
            Ok(expressions) => expressions,
            Err(text) => return Verdict::Unknown(vec![format!("`{text}`")]),
        };
        let expressions: Vec<&Expr> = expressions.iter().map(AsRef::as_ref).collect();
        let mut changes = self.texts().filter_map(|text| self.context.setters.in_code(text));
        if let Some(name) = changes.next() {
            return Verdict::Unknown(vec![changing(&name)]);
        }
        let mut reasons = Vec::new();
        let mut is_unknown = false;
        for world in self.worlds() {
            let left = Cell::new(MAX_EVALUATIONS);
            match self.search(&expressions, &world, &left, &mut reasons) {
                Found::Never => {}
                Found::Always(world) => return Verdict::Open(self.witness(&world, expressions[0])),
                Found::Unknown => is_unknown = true,
            }
        }
        if is_unknown {
            Verdict::Unknown(reasons)
        } else {
            Verdict::Isolated
        }
    }

    /// Whether the policy lets through no more than a declared expression does. `None` if they cannot be compared, since
    /// the server may spell a part in another way than ours.
    pub fn is_within(&self, declared: &str) -> Option<bool> {
        let declared = self.context.expressions.policy(declared)?;
        let all = self.parsed().ok()?;
        let all: Vec<&Expr> = all.iter().map(AsRef::as_ref).collect();
        if all.iter().any(|one| self.is_never_true(one)) {
            return Some(true);
        }
        // Two settings hold the same claim, and the declared expression may read only one of them.
        let sessions = match claims::tenant(&self.context.project.policy) {
            Some(_) => &Session::ALL[..],
            None => &[Session::Tenant],
        };
        let mut is_within = true;
        for session in sessions {
            let world = World::new(*session);
            is_within &= implication::is_implied(&mut self.evaluation(&world, None), &all, &declared)?;
        }
        Some(is_within)
    }

    fn is_never_true(&self, expression: &Expr) -> bool {
        !Session::ALL.into_iter().any(|session| {
            let world = World::new(session);
            self.evaluation(&world, None)
                .truths(expression)
                .contains(Truths::TRUE)
        })
    }

    /// Whether the policy may let any row through, of whatever tenant.
    pub fn may_let_rows_through(&self) -> bool {
        let Some(expression) = self.context.expressions.policy(self.permissive) else {
            return true;
        };
        !self.is_never_true(&expression)
    }

    /// Whether the policy lets every row through, of whatever tenant or of none.
    pub fn lets_all_rows_through(&self) -> bool {
        let Some(expression) = self.context.expressions.policy(self.permissive) else {
            return false;
        };
        Session::ALL.into_iter().all(|session| {
            let world = World::new(session);
            self.evaluation(&world, None).truths(&expression) == Truths::TRUE
        })
    }

    /// Each session with a row of another tenant, and again with a shared row if the command may not touch shared rows.
    fn worlds(&self) -> Vec<World> {
        let mut worlds: Vec<World> = Session::ALL.into_iter().map(World::new).collect();
        let shared = self.context.table_holding(self.relation.oid);
        if let Some(column) = shared.and_then(Table::column_of_shared_rows)
            && !self.may_share
        {
            let null = Variable::Column(self.relation.name.clone(), column.to_string());
            let without_tenant = |world: &World| world.with(null.clone(), Choice::Value(Value::NULL));
            let more: Vec<World> = worlds.iter().map(without_tenant).collect();
            worlds.extend(more);
        }
        worlds
    }

    fn search(
        &self,
        expressions: &[&Expr],
        world: &World,
        left: &Cell<usize>,
        reasons: &mut Vec<String>,
    ) -> Found {
        if left.get() == 0 || self.steps.get() == 0 {
            return Found::Unknown;
        }
        left.set(left.get() - 1);
        let mut evaluation = self.evaluation(world, self.owner_in(world));
        let mut truths = Truths::TRUE;
        for expression in expressions {
            truths = truths.and(evaluation.truths(expression));
        }
        if let Some(changes) = evaluation.seen.changes {
            reasons.push(changes);
            return Found::Unknown;
        }
        if !truths.contains(Truths::TRUE) {
            return Found::Never;
        }
        if truths == Truths::TRUE {
            // The part that was not evaluated may raise an error.
            return if self.steps.get() > 0 && world.is_consistent(self.relation.oid) {
                Found::Always(world.clone())
            } else {
                Found::Unknown
            };
        }
        for reason in &evaluation.seen.opaque {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        let Some((variable, choices)) = evaluation.seen.next() else {
            return Found::Unknown;
        };
        for choice in choices {
            let world = world.with(variable.clone(), choice);
            if let Found::Always(world) = self.search(expressions, &world, left, reasons) {
                return Found::Always(world);
            }
        }
        Found::Unknown
    }

    fn evaluation<'w>(&'w self, world: &'w World, owner: Option<Tenant>) -> Evaluation<'w> {
        let row = Row {
            alias: self.relation.name.clone(),
            label: self.relation.name.clone(),
            relation: self.relation.oid,
            owner,
            is_absent: false,
        };
        let steps = Rc::clone(&self.steps);
        let mut evaluation = Evaluation::new(self.context, self.actor, world, row, steps);
        for scope in &mut evaluation.scopes {
            scope.is_closed = self.is_text;
            scope.is_text = self.is_text;
        }
        evaluation
    }

    fn has_tenants(&self) -> bool {
        let table = self.context.table_holding(self.relation.oid);
        table.is_some_and(Table::has_tenants)
    }

    /// The tenant of the row. `None` if the row is shared or its table has no tenants.
    fn owner_in(&self, world: &World) -> Option<Tenant> {
        let table = self.context.table_holding(self.relation.oid);
        let column = table.and_then(Table::column_of_shared_rows);
        let is_shared = column.is_some_and(|column| {
            let variable = Variable::Column(self.relation.name.clone(), column.to_string());
            world.value(&variable) == Some(&Value::NULL)
        });
        (self.has_tenants() && !is_shared).then_some(Tenant::OfRow)
    }

    fn witness(&self, world: &World, expression: &Expr) -> Witness {
        let evaluation = self.evaluation(world, self.owner_in(world));
        let sql_type = evaluation.tenant_type(self.relation.oid);
        let usual = pairs(sql_type.as_deref().unwrap_or("bigint"), None)
            .into_iter()
            .next();
        let usual = usual.unwrap_or((Constant::Integer(1), Constant::Integer(2)));
        let (own, other) = match world.tenants() {
            Some((own, other)) => (own.clone(), other.clone()),
            None => usual,
        };
        let shown = |value: &Value| match &value.known {
            Known::Tenant(Tenant::OfSession) | Known::Spelling(Tenant::OfSession) => own.to_string(),
            Known::Tenant(_) | Known::Spelling(_) => other.to_string(),
            Known::One(constant) => constant.to_string(),
            Known::Nothing => "NULL".to_string(),
            Known::Variable(_) | Known::Claims | Known::Anything => "not null".to_string(),
        };
        let mut session = Vec::new();
        if let Some(column) = self.context.project.policy.tenancy.column() {
            session.push(match world.session {
                Session::Tenant => format!("`{}` is {own}", column.setting.value),
                Session::Unset => format!("`{}` is not set", column.setting.value),
                Session::Empty => format!("`{}` is ''", column.setting.value),
            });
        }
        let mut row = Vec::new();
        let table = self.context.table_holding(self.relation.oid);
        let tenant_column = table.and_then(Table::tenant_column);
        if let Some(column) = tenant_column
            && self.owner_in(world).is_some()
        {
            row.push(format!("`{column}` is {other}"));
        } else if self.has_tenants() && tenant_column.is_none() {
            row.push(format!("it belongs to tenant {other}"));
        }
        for (variable, choice) in &world.choices {
            match (variable, choice) {
                (Variable::Setting(name) | Variable::Role(name), Choice::Value(value)) => {
                    session.push(format!("`{name}` is {}", shown(value)));
                }
                (Variable::Column(table, column), Choice::Value(value)) if *table == self.relation.name => {
                    row.push(format!("`{column}` is {}", shown(value)));
                }
                (Variable::Column(table, column), Choice::Value(value)) => {
                    row.push(format!("`{table}.{column}` is {}", shown(value)));
                }
                (Variable::Rows(search), Choice::Rows(false)) => {
                    let names: Vec<String> = search
                        .tables
                        .iter()
                        .map(|(_, name)| format!("`{name}`"))
                        .collect();
                    row.push(format!("there is no row of {}", names.join(", ")));
                }
                (Variable::Owner(table), Choice::Owner(owner)) => {
                    let tenant = if *owner == Tenant::OfSession { &own } else { &other };
                    row.push(format!("a row of `{table}` belongs to tenant {tenant}"));
                }
                _ => {}
            }
        }
        Witness {
            session,
            row,
            branch: self.branch(world, expression),
            world: world.clone(),
        }
    }

    /// The smallest part of the expression that already lets the row through.
    fn branch(&self, world: &World, expression: &Expr) -> Option<String> {
        let mut part = expression;
        let mut is_part = false;
        loop {
            let mut evaluation = self.evaluation(world, self.owner_in(world));
            let mut is_true = |part: &Expr| evaluation.truths(part) == Truths::TRUE;
            part = match part {
                Expr::Nested(inner) => inner,
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Or,
                    right,
                } if is_true(left) || is_true(right) => {
                    is_part = true;
                    if is_true(left) { left } else { right }
                }
                Expr::Case {
                    operand: None,
                    conditions,
                    else_result,
                    ..
                } => {
                    let arm = conditions.iter().find(|arm| is_true(&arm.condition));
                    match arm.map(|arm| &arm.result).or(else_result.as_deref()) {
                        Some(result) => {
                            is_part = true;
                            result
                        }
                        None => break,
                    }
                }
                _ => break,
            };
        }
        is_part.then(|| part.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;
    use crate::database::policies::{Clause, verdict};
    use crate::database::testing::Database;

    const T: &str = "(( SELECT NULLIF(current_setting('app.org_id'::text, true), ''::text) AS \"nullif\"))";

    /// The verdict about a policy of `invoices` for one command.
    fn judged(command: &str, expression: &str, change: impl FnOnce(&mut Database)) -> Verdict {
        let mut database = Database::sound();
        database.add_column("invoices", "body", "text");
        database.column("invoices", "body").not_null = false;
        database.add_column("invoices", "status", "text");
        database.add_column("invoices", "author", "text");
        database.add_column("invoices", "valid_until", "timestamptz");
        let policy = database.policy("invoices");
        policy.using = Some(expression.replace("$T", T));
        policy.check = None;
        policy.command = command.to_string();
        change(&mut database);
        database.inspect(|context| {
            let relation = context.catalog.relation("public", "invoices").unwrap();
            let policies = context.catalog.policies(relation.oid);
            verdict(context, relation, &policies[0], Clause::Using)
        })
    }

    fn shown(expression: &str) -> String {
        judged("r", expression, |_| ()).to_string()
    }

    #[test]
    fn isolated() {
        let mut wrong: Vec<String> = Vec::new();
        for expression in [
            "false",
            "NULL::boolean",
            "(1 = 0)",
            "(org_id = $T)",
            "(org_id = current_setting('app.org_id'::text, true))",
            "(org_id = current_setting('app.org_id'::text))",
            "((org_id)::text = NULLIF(current_setting('app.org_id'::text, true), ''::text))",
            "((org_id = $T) AND (body IS NOT NULL))",
            "((org_id = $T) AND ((total < 10) OR (status = 'open'::text)))",
            "((body IS NULL) AND (org_id = $T))",
            "(NOT (org_id IS DISTINCT FROM $T))",
            "((org_id = $T) IS TRUE)",
            "(org_id = ANY (ARRAY[$T]))",
            "CASE WHEN (body IS NULL) THEN (org_id = $T) ELSE false END",
            "CASE WHEN (current_setting('app.org_id'::text, true) IS NULL) THEN false ELSE (org_id = $T) END",
            "(COALESCE(org_id, ''::text) = $T)",
            "COALESCE((org_id = $T), false)",
            "(org_id = COALESCE(current_setting('app.org_id'::text, true), ''::text))",
            "((org_id >= $T) AND (org_id = $T))",
        ] {
            wrong.extend(
                (shown(expression) != "isolated").then(|| format!("{expression}: {}", shown(expression))),
            );
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn open() {
        let mut wrong: Vec<String> = Vec::new();
        for expression in [
            "true",
            "(1 = 1)",
            "(1 < 2)",
            "(NOT (1 > 2))",
            "('a'::text = 'a'::text)",
            "(org_id = org_id)",
            "((org_id)::text = (org_id)::text)",
            "(org_id = ANY (ARRAY[org_id]))",
            "(NOT (org_id IS DISTINCT FROM org_id))",
            "(org_id IS NOT NULL)",
            "(NOT (org_id IS NULL))",
            "(id IS NOT NULL)",
            "(org_id ~~ '%'::text)",
            "(org_id ~~* '%'::text)",
            "((org_id = $T) OR true)",
            "((current_setting('app.org_id'::text, true) IS NULL) OR (org_id = $T))",
            "((current_setting('app.org_id'::text, true) = ''::text) OR (org_id = 'a'))",
            "((NULLIF(current_setting('app.org_id'::text, true), ''::text) IS NULL) OR (org_id = 'a'))",
            "((COALESCE(current_setting('app.org_id'::text, true), ''::text) = ''::text) OR (org_id = 'a'))",
            "(org_id = COALESCE(NULLIF(current_setting('app.org_id'::text, true), ''::text), org_id))",
            "CASE WHEN (current_setting('app.org_id'::text, true) IS NULL) THEN true ELSE (org_id = 'a') END",
            "((( SELECT current_setting('app.org_id'::text, true) AS current_setting) IS NULL) OR (org_id = 'a'))",
            "((org_id = $T) IS NOT FALSE)",
            "((org_id = $T) IS NOT TRUE)",
            "COALESCE((org_id = $T), true)",
            "(current_setting('app.org_id'::text, true) IS NOT NULL)",
            "( SELECT true AS bool)",
            "(EXISTS ( SELECT 1))",
            "(org_id >= $T)",
            "(org_id <> $T)",
            "((org_id IS NOT NULL) AND (current_setting('app.org_id'::text, true) <> ''::text))",
            "((org_id = $T) OR (body IS NOT NULL))",
            "(valid_until > now())",
            "(lower(status) = 'public'::text)",
            "(author = CURRENT_USER)",
            "((SESSION_USER = 'app'::name) AND (status = 'open'::text))",
            "(org_id = current_setting('app.tenant_id'::text, true))",
            "((org_id = $T) OR (current_setting('app.org_id'::text, true) = '1'::text))",
            "(org_id ~~ (current_setting('app.org_id'::text, true) || '%'::text))",
            "(total < 10)",
            "(total IS NULL)",
            "(EXISTS ( SELECT 1 FROM audit_logs a WHERE (a.org_id = $T)))",
            "(org_id = 'a'::text)",
            "((org_id = $T) OR (author = current_setting('app.user'::text, true)))",
            "CASE status WHEN 'public'::text THEN true ELSE (org_id = $T) END",
        ] {
            let found = shown(expression);
            if !found.starts_with("where") {
                wrong.push(format!("{expression}: {found}"));
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn unknown() {
        for (expression, reason) in [
            ("(org_id = auth.tenant())", "function `auth.tenant`"),
            ("is_member(org_id)", "function `is_member`"),
            ("(org_id = $T) AND (", "`(org_id = "),
            ("(total @@@ 3)", "operator"),
        ] {
            let found = shown(expression);
            assert!(
                found.starts_with("unknown") && found.contains(reason),
                "{expression}: {found}"
            );
        }
    }
}
