//! Decides whether a policy lets through no more than another expression does: one that the policy file declares.
//!
//! Both are taken apart at AND, OR, NOT and the like. What is left may be true, false or null, as long as it is the same
//! wherever it occurs. The server spells an expression in its own way, so parts are compared in a form of ours.

use std::collections::BTreeMap;

use sqlparser::ast::{BinaryOperator, Expr, Query, UnaryOperator, Value as Literal};

use super::evaluate::{Evaluation, Scope, arguments, called_name};
use super::query::Parts;
use super::truth::Truths;
use super::value::full_name;

/// More parts than these are not compared: each multiplies the cases by three.
const MAX_PARTS: usize = 8;

/// Whether a row that all of some expressions let through is always one that another expression lets through.
pub fn implies(evaluation: &mut Evaluation<'_>, all: &[&Expr], other: &Expr) -> bool {
    let mut names = Vec::new();
    for expression in all.iter().copied().chain([other]) {
        add_parts(evaluation, expression, &mut names);
    }
    names.sort();
    names.dedup();
    if names.len() > MAX_PARTS {
        return false;
    }
    let cases = 3_usize.pow(u32::try_from(names.len()).unwrap_or(u32::MAX));
    (0..cases).all(|case| {
        let mut rest = case;
        let mut values = BTreeMap::new();
        for name in &names {
            values.insert(
                name.as_str(),
                [Truths::TRUE, Truths::FALSE, Truths::NULL][rest % 3],
            );
            rest /= 3;
        }
        let holds = all
            .iter()
            .all(|expression| truth(evaluation, expression, &values) == Truths::TRUE);
        !holds || truth(evaluation, other, &values) == Truths::TRUE
    })
}

/// Whether all parts of an expression are among those of others, or the other way round, so that they can be compared.
pub fn are_comparable(evaluation: &mut Evaluation<'_>, all: &[&Expr], other: &Expr) -> bool {
    let (mut known, mut wanted) = (Vec::new(), Vec::new());
    for expression in all {
        add_parts(evaluation, expression, &mut known);
    }
    add_parts(evaluation, other, &mut wanted);
    wanted.iter().all(|part| known.contains(part)) || known.iter().all(|part| wanted.contains(part))
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

fn add_parts(evaluation: &mut Evaluation<'_>, expression: &Expr, names: &mut Vec<String>) {
    match taken_apart(expression) {
        Some((operands, _)) => {
            for operand in operands {
                add_parts(evaluation, operand, names);
            }
        }
        None => names.push(evaluation.spelt(expression)),
    }
}

fn truth(evaluation: &mut Evaluation<'_>, expression: &Expr, values: &BTreeMap<&str, Truths>) -> Truths {
    match taken_apart(expression) {
        Some((operands, combine)) => {
            let of: Vec<Truths> = operands
                .into_iter()
                .map(|operand| truth(evaluation, operand, values))
                .collect();
            combine(&of)
        }
        None => values
            .get(evaluation.spelt(expression).as_str())
            .copied()
            .unwrap_or(Truths::ANY),
    }
}

/// Whether a query returns some of the rows that it finds.
fn is_ordered(query: &Query) -> bool {
    query.limit_clause.is_some() || query.order_by.is_some() || query.fetch.is_some()
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
            } => match right.as_ref() {
                Expr::Array(array) => self.spelt_any(left, &array.elem),
                Expr::Nested(inner) if matches!(inner.as_ref(), Expr::Array(_)) => match inner.as_ref() {
                    Expr::Array(array) => self.spelt_any(left, &array.elem),
                    _ => expression.to_string(),
                },
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

    /// A sub-select of which only matters whether it finds a row.
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

    fn spelt_parts(&mut self, parts: &Parts<'_>, with_selected: bool) -> String {
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
