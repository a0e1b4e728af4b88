//! Decides whether a policy lets through no more than an expression that the policy file declares.
//!
//! Both are split at AND, OR, NOT and the like. Each remaining part may be true, false or null, but has the same value
//! wherever it occurs. The server spells expressions in its own way, so both sides are normalised before comparison.

use std::ops::Range;

use sqlparser::ast::{BinaryOperator, Expr, Query, UnaryOperator, Value as Literal};

use crate::database::logic::evaluate::{Evaluation, Scope, arguments, called_name};
use crate::database::logic::query;
use crate::database::logic::truth::Truths;
use crate::database::logic::value::full_name;

/// Expressions with more parts are not compared: each part triples the number of cases.
const MAX_PARTS: usize = 8;

/// Whether every row for which all of `all` are true is also one for which `other` is true. `None` if they consist of
/// different parts and so cannot be compared.
pub fn is_implied(evaluation: &mut Evaluation<'_>, all: &[&Expr], other: &Expr) -> Option<bool> {
    let mut parts = Parts::default();
    let all: Vec<Formula> = all.iter().map(|one| parts.formula(evaluation, one)).collect();
    let of_all = parts.names.len();
    let other = parts.formula(evaluation, other);
    let is_implied = parts.names.len() <= MAX_PARTS
        && parts.cases().all(|values| {
            let holds = all.iter().all(|one| one.truth(&values) == Truths::TRUE);
            !holds || other.truth(&values) == Truths::TRUE
        });
    let has_own = |range: Range<usize>| range.into_iter().any(|part| !other.has(part));
    let are_comparable = parts.names.len() == of_all || !has_own(0..of_all);
    (is_implied || are_comparable).then_some(is_implied)
}

/// The parts of which expressions are made, each once.
#[derive(Default)]
struct Parts {
    names: Vec<String>,
}

/// An expression that is taken apart.
enum Formula {
    /// By its position among the parts.
    Part(usize),
    Operator(Combine, Vec<Formula>),
}

impl Parts {
    fn formula(&mut self, evaluation: &mut Evaluation<'_>, expression: &Expr) -> Formula {
        if let Some((operands, combine)) = taken_apart(expression) {
            let operands = operands
                .into_iter()
                .map(|operand| self.formula(evaluation, operand));
            return Formula::Operator(combine, operands.collect());
        }
        let name = evaluation.spelt(expression);
        let known = self.names.iter().position(|known| *known == name);
        Formula::Part(known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }))
    }

    /// Every combination of values of the parts.
    fn cases(&self) -> impl Iterator<Item = Vec<Truths>> {
        let count = 3_usize.pow(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        (0..count).map(|case| {
            let mut rest = case;
            let values = self.names.iter().map(|_| {
                let value = [Truths::TRUE, Truths::FALSE, Truths::NULL][rest % 3];
                rest /= 3;
                value
            });
            values.collect()
        })
    }
}

impl Formula {
    fn truth(&self, values: &[Truths]) -> Truths {
        match self {
            Self::Part(part) => values[*part],
            Self::Operator(combine, operands) => {
                let of: Vec<Truths> = operands.iter().map(|operand| operand.truth(values)).collect();
                combine(&of)
            }
        }
    }

    fn has(&self, part: usize) -> bool {
        match self {
            Self::Part(own) => *own == part,
            Self::Operator(_, operands) => operands.iter().any(|operand| operand.has(part)),
        }
    }
}

/// What a logical operator makes of the values of its operands.
type Combine = fn(&[Truths]) -> Truths;

/// The operands of a logical operator.
fn taken_apart(expression: &Expr) -> Option<(Vec<&Expr>, Combine)> {
    Some(match expression {
        Expr::Nested(inner) => (vec![inner.as_ref()], |of| of[0]),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => (vec![left.as_ref(), right.as_ref()], |of| of[0].and(of[1])),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Or,
            right,
        } => (vec![left.as_ref(), right.as_ref()], |of| of[0].or(of[1])),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => (vec![expr.as_ref()], |of| of[0].not()),
        Expr::IsTrue(inner) => (vec![inner.as_ref()], |of| of[0].is(Truths::TRUE)),
        Expr::IsNotTrue(inner) => (vec![inner.as_ref()], |of| of[0].is(Truths::TRUE).not()),
        Expr::IsFalse(inner) => (vec![inner.as_ref()], |of| of[0].is(Truths::FALSE)),
        Expr::IsNotFalse(inner) => (vec![inner.as_ref()], |of| of[0].is(Truths::FALSE).not()),
        Expr::Value(literal) => match literal.value {
            Literal::Boolean(true) => (Vec::new(), |_| Truths::TRUE),
            Literal::Boolean(false) => (Vec::new(), |_| Truths::FALSE),
            Literal::Null => (Vec::new(), |_| Truths::NULL),
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether a query returns some of the rows that it finds.
fn is_ordered(query: &Query) -> bool {
    query.limit_clause.is_some() || query.order_by.is_some() || query.fetch.is_some()
}

fn without_nesting(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) => without_nesting(inner),
        other => other,
    }
}

impl Evaluation<'_> {
    /// An expression in a form that does not depend on who spells it.
    fn spelt(&mut self, expression: &Expr) -> String {
        if let Some((row, column)) = self.named_column(expression) {
            return format!("{}.{column}", row.label);
        }
        match expression {
            Expr::Nested(inner) => self.spelt(inner),
            // The server writes the type of each literal.
            Expr::Cast { expr, data_type, .. } => {
                let inner = self.spelt(expr);
                let written = data_type.to_string().to_lowercase();
                let sql_type = full_name(&written);
                if sql_type == "text" && inner.starts_with('\'') {
                    inner
                } else {
                    format!("{inner}::{sql_type}")
                }
            }
            Expr::BinaryOp { left, op, right } => {
                format!("({} {op} {})", self.spelt(left), self.spelt(right))
            }
            Expr::IsNull(inner) => format!("({} is null)", self.spelt(inner)),
            Expr::IsNotNull(inner) => format!("({} is not null)", self.spelt(inner)),
            Expr::InList {
                expr,
                list,
                negated: false,
            } => self.spelt_any(expr, list),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => match without_nesting(right) {
                Expr::Array(array) => self.spelt_any(left, &array.elem),
                Expr::Subquery(query) => format!("({} in {})", self.spelt(left), self.spelt_query(query)),
                _ => expression.to_string(),
            },
            Expr::InSubquery {
                expr,
                subquery,
                negated: false,
            } => format!("({} in {})", self.spelt(expr), self.spelt_query(subquery)),
            Expr::Exists {
                subquery,
                negated: false,
            } => format!("exists {}", self.spelt_found(subquery)),
            Expr::Subquery(query) => self.spelt_query(query),
            Expr::Function(function) => match arguments(function) {
                Some(arguments) => {
                    let (schema, name) = called_name(&function.name);
                    let arguments: Vec<String> = arguments
                        .into_iter()
                        .map(|argument| self.spelt(argument))
                        .collect();
                    // The declared expression may leave out the schema where it does not matter.
                    let is_only = self.context.catalog.body(None, &name).is_some();
                    let schema = schema.filter(|schema| schema != "pg_catalog" && !is_only);
                    let schema = schema.map_or_else(String::new, |schema| format!("{schema}."));
                    format!("{schema}{name}({})", arguments.join(", "))
                }
                None => expression.to_string(),
            },
            other => other.to_string(),
        }
    }

    fn spelt_any(&mut self, item: &Expr, list: &[Expr]) -> String {
        let item = self.spelt(item);
        let list: Vec<String> = list.iter().map(|one| self.spelt(one)).collect();
        format!("({item} in ({}))", list.join(", "))
    }

    /// Spells a sub-select for which it matters only whether it finds a row.
    fn spelt_found(&mut self, query: &Query) -> String {
        match self.parts(query) {
            Some(parts) if !is_ordered(query) => self.spelt_parts(&parts, false),
            _ => query.to_string(),
        }
    }

    fn spelt_query(&mut self, query: &Query) -> String {
        match self.parts(query) {
            Some(parts) if parts.selected.is_some() && !is_ordered(query) => self.spelt_parts(&parts, true),
            _ => query.to_string(),
        }
    }

    fn spelt_parts(&mut self, parts: &query::Parts<'_>, with_selected: bool) -> String {
        self.scopes.push(Scope {
            rows: parts.rows.clone(),
            ..Scope::default()
        });
        let mut conditions: Vec<String> = parts
            .conditions
            .iter()
            .map(|condition| self.spelt(condition))
            .collect();
        conditions.sort();
        let selected = parts
            .selected
            .filter(|_| with_selected)
            .map_or_else(String::new, |selected| self.spelt(selected));
        self.scopes.pop();
        let tables: Vec<String> = parts
            .rows
            .iter()
            .map(|row| format!("{} {}", row.relation, row.label))
            .collect();
        format!(
            "(select {selected} from {} where {})",
            tables.join(", "),
            conditions.join(" and ")
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::database::policies::{Clause, verdict};
    use crate::database::testing::Database;

    const USER: &str =
        "(total = ( SELECT (current_setting('app.user'::text, true))::integer AS current_setting))";

    /// The verdict about the policy of `invoices`, for which `declared` is declared for SELECT, and nothing else.
    fn judged(declared: &str, expression: &str, command: &str) -> String {
        let mut database = Database::sound();
        let entry = format!(
            "[[tenancy.policies]]\ntable = \"invoices\"\nfor = \"select\"\nusing = \"{declared}\"\nreason = \"x\"\n"
        );
        database.policy_file.push_str(&entry);
        let policy = database.policy("invoices");
        policy.command = command.to_string();
        policy.using = Some(expression.to_string());
        policy.check = None;
        database.inspect(|context| {
            let relation = context.catalog.relation("public", "invoices").unwrap();
            let policies = context.catalog.policies(relation.oid);
            verdict(context, relation, &policies[0], Clause::Using).to_string()
        })
    }

    #[test]
    fn no_more_than_is_declared() {
        let user = "total = (SELECT current_setting('app.user', true)::int)";
        for (declared, expression) in [
            (user, USER),
            (user, &format!("({USER} AND (org_id = 'a'::text))")),
            (user, "false"),
            (&format!("{user} OR total IS NULL"), USER),
            (
                &format!("{user} OR total IS NULL"),
                &format!("((total IS NULL) OR {USER})"),
            ),
            ("total IN (1, 2)", "(total = ANY (ARRAY[1, 2]))"),
            (
                "NOT (total = 1 OR total = 2)",
                "((NOT (total = 1)) AND (NOT (total = 2)))",
            ),
            (
                "EXISTS (SELECT FROM users WHERE users.id = total AND name = 'a')",
                "(EXISTS ( SELECT FROM users WHERE ((users.id = invoices.total) AND (users.name = 'a'::text))))",
            ),
            (
                "id IN (SELECT id FROM users)",
                "(id IN ( SELECT users.id FROM users))",
            ),
        ] {
            assert_eq!(
                judged(declared, expression, "r"),
                "isolated",
                "{declared}: {expression}"
            );
        }
    }

    #[test]
    fn more_than_is_declared() {
        for (declared, expression) in [
            ("total = 1", "true"),
            ("total = 1", "((total = 1) OR (total IS NULL))"),
            ("total = 1 AND id = 2", "(total = 1)"),
            ("NOT (total = 1)", "((total = 1) IS NOT TRUE)"),
        ] {
            let found = judged(declared, expression, "r");
            assert!(
                found.starts_with("more than"),
                "{declared}: {expression}: {found}"
            );
        }
    }

    /// Then the name of the policy decides; here it is the registry's.
    #[test]
    fn what_the_server_spells_in_another_way() {
        for (declared, expression) in [
            ("total BETWEEN 1 AND 5", "((total >= 1) AND (total <= 5))"),
            ("org_id LIKE 'a%'", "(org_id ~~ 'a%'::text)"),
            ("id IN (1, 2)", "(id = ANY (ARRAY[(1)::bigint, (2)::bigint]))"),
        ] {
            assert_eq!(judged(declared, expression, "r"), "isolated", "{declared}");
            assert!(judged(declared, &format!("({expression} OR true)"), "r").starts_with("more than"));
        }
    }

    #[test]
    fn a_command_without_an_entry() {
        assert_eq!(judged("total = 1", "(total = 1)", "d"), "more than None");
        assert_eq!(judged("total = 1", "false", "d"), "isolated");
        assert_eq!(judged("total = 1", "(total = 1)", "*"), "more than None");
    }
}
