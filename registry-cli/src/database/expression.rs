//! What the expression of a policy lets through.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Whether an expression is true for every row, whoever asks. What cannot be parsed is not called open.
pub fn is_always_true(text: &str, tenant: &str) -> bool {
    parse(text).is_some_and(|expression| is_true(&expression, tenant))
}

/// Whether a text is one expression, and nothing else.
pub fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?;
    let expression = parser.parse_expr().ok()?;
    (parser.peek_token().token == sqlparser::tokenizer::Token::EOF).then_some(expression)
}

fn is_true(expression: &Expr, tenant: &str) -> bool {
    let is_true = |inner: &Expr| is_true(inner, tenant);
    match plain(expression) {
        Expr::Value(value) => value.value == Value::Boolean(true),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Or,
            right,
        } => is_true(left) || is_true(right),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => is_true(left) && is_true(right),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq | BinaryOperator::GtEq | BinaryOperator::LtEq,
            right,
        }
        | Expr::IsNotDistinctFrom(left, right) => plain(left) == plain(right),
        Expr::BinaryOp { left, op, right } => differ(left, op, right),
        // Every row has a tenant; that it has one opens it to all.
        Expr::IsNotNull(inner) => is_column(plain(inner), tenant),
        Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => is_true(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => is_false(expr),
        _ => false,
    }
}

fn is_false(expression: &Expr) -> bool {
    match plain(expression) {
        Expr::Value(value) => value.value == Value::Boolean(false),
        _ => false,
    }
}

/// `1 <> 2`: two different constants.
fn differ(left: &Expr, op: &BinaryOperator, right: &Expr) -> bool {
    let constants = matches!((plain(left), plain(right)), (Expr::Value(_), Expr::Value(_)));
    constants && *op == BinaryOperator::NotEq && plain(left) != plain(right)
}

fn is_column(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Identifier(ident) if ident.value == name)
}

/// The expression without parentheses and casts.
fn plain(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => plain(inner),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_closed() {
        for text in [
            "true",
            "(1 = 1)",
            "('a'::text = 'a'::text)",
            "(org_id = org_id)",
            "((org_id)::text = (org_id)::text)",
            "(org_id IS NOT NULL)",
            "((org_id = current_setting('app.org_id'::text, true)) OR true)",
            "(true AND (1 <> 2))",
            "(NOT false)",
        ] {
            assert!(is_always_true(text, "org_id"), "{text}");
        }
        for text in [
            "false",
            "(org_id = current_setting('app.org_id'::text, true))",
            "((org_id)::text = NULLIF(current_setting('app.org_id'::text, true), ''::text))",
            "((org_id = 'a'::text) AND true)",
            "(deleted_at IS NOT NULL)",
            "(org_id = ANY (ARRAY['a'::text, 'b'::text]))",
            "(EXISTS ( SELECT 1 FROM members m WHERE (m.org_id = orders.org_id)))",
            "((1 <> 1) OR (a = b))",
            "not sql (",
        ] {
            assert!(!is_always_true(text, "org_id"), "{text}");
        }
    }

    #[test]
    fn one_expression_alone() {
        assert!(parse("org_id = current_setting('app.org_id')").is_some());
        for text in ["a = b) WITH CHECK (true", "a; DROP TABLE b", "a =", "", "a b c"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
