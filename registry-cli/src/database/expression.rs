//! What the expression of a policy lets through.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem, SetExpr,
    UnaryOperator, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// Whether an expression is true for every row, whoever asks, or for whoever has not said which tenant they
/// are. What cannot be parsed is not called open: a probe asks the server.
pub fn is_always_true(text: &str, never_null: &dyn Fn(&str) -> bool) -> bool {
    let Ok(mut parser) = Parser::new(&PostgreSqlDialect {}).try_with_sql(text) else {
        return false;
    };
    let expression = parser.parse_expr();
    expression.is_ok_and(|expression| truth(&expression, never_null) == Some(true))
}

/// Whether a text can stand between parentheses without ending them, or the statement. Whether it is an
/// expression, and one that fits a table, the server says.
pub fn is_one_expression(text: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
        return false;
    };
    let mut depth = 0_usize;
    let mut is_empty = true;
    for token in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen => depth += 1,
            Token::RParen if depth > 0 => depth -= 1,
            // `psql` takes what follows a backslash for a command.
            Token::RParen | Token::SemiColon | Token::Backslash => return false,
            _ => {}
        }
        is_empty = false;
    }
    !is_empty && depth == 0
}

/// The value of a condition, if it is the same for every row.
fn truth(expression: &Expr, never_null: &dyn Fn(&str) -> bool) -> Option<bool> {
    let truth = |inner: &Expr| truth(inner, never_null);
    match plain(expression) {
        Expr::Value(value) => match value.value {
            Value::Boolean(value) => Some(value),
            _ => None,
        },
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Or => any(truth(left), truth(right), true),
            BinaryOperator::And => any(truth(left), truth(right), false),
            op => compared(left, op, right),
        },
        Expr::IsNotDistinctFrom(left, right) => (plain(left) == plain(right)).then_some(true),
        Expr::IsDistinctFrom(left, right) => (plain(left) == plain(right)).then_some(false),
        Expr::IsNotNull(inner) => is_null(inner, never_null).map(|is_null| !is_null),
        Expr::IsNull(inner) => is_null(inner, never_null),
        Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => truth(inner),
        Expr::IsFalse(inner) | Expr::IsNotTrue(inner) => truth(inner).map(|value| !value),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => truth(expr).map(|value| !value),
        Expr::AnyOp { left, right, .. } => is_item(left, right).then_some(true),
        Expr::InList {
            expr,
            list,
            negated: false,
        } => list.iter().any(|item| plain(item) == plain(expr)).then_some(true),
        Expr::Like {
            negated: false,
            pattern,
            ..
        } => matches!(plain(pattern), Expr::Value(value) if value.value == Value::SingleQuotedString("%".into()))
            .then_some(true),
        Expr::Subquery(query) => selected(query).and_then(truth),
        Expr::Exists { subquery, negated } => selected(subquery).map(|_| !negated),
        _ => None,
    }
}

/// Three-valued OR, and AND with `wins` false.
fn any(left: Option<bool>, right: Option<bool>, wins: bool) -> Option<bool> {
    match (left, right) {
        (Some(one), _) | (_, Some(one)) if one == wins => Some(wins),
        (Some(_), Some(_)) => Some(!wins),
        _ => None,
    }
}

fn compared(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<bool> {
    let (left, right) = (plain(left), plain(right));
    if left == right {
        return match op {
            BinaryOperator::Eq | BinaryOperator::GtEq | BinaryOperator::LtEq => Some(true),
            BinaryOperator::NotEq | BinaryOperator::Gt | BinaryOperator::Lt => Some(false),
            _ => None,
        };
    }
    let (Expr::Value(one), Expr::Value(other)) = (left, right) else {
        return unset(left, op, right);
    };
    let numbers = number(&one.value).zip(number(&other.value));
    match (op, numbers) {
        (BinaryOperator::Eq, _) => Some(false),
        (BinaryOperator::NotEq, _) => Some(true),
        (BinaryOperator::Lt | BinaryOperator::LtEq, Some((one, other))) => Some(one < other),
        (BinaryOperator::Gt | BinaryOperator::GtEq, Some((one, other))) => Some(one > other),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(text, _) => text.parse().ok(),
        _ => None,
    }
}

/// `current_setting('app.tenant', true) = ''`, after the setting was once set.
fn unset(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<bool> {
    let is_empty = |one: &Expr| matches!(one, Expr::Value(value) if value.value == Value::SingleQuotedString(String::new()));
    let is_unset = (is_setting(left) && is_empty(right)) || (is_setting(right) && is_empty(left));
    (is_unset && *op == BinaryOperator::Eq).then_some(true)
}

/// What a session does not set is null.
fn is_null(inner: &Expr, never_null: &dyn Fn(&str) -> bool) -> Option<bool> {
    match plain(inner) {
        Expr::Identifier(ident) => never_null(&ident.value).then_some(false),
        Expr::Value(value) => Some(value.value == Value::Null),
        inner if is_setting(inner) => Some(true),
        _ => None,
    }
}

/// `current_setting('…', true)`, also inside `nullif(…, '')`.
fn is_setting(expression: &Expr) -> bool {
    let Expr::Function(function) = expression else {
        return false;
    };
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    let first = list.args.first();
    match name.rsplit('.').next() {
        Some("current_setting") => list.args.len() == 2,
        Some("nullif") => {
            matches!(first, Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))) if is_setting(plain(inner)))
        }
        _ => false,
    }
}

fn is_item(item: &Expr, list: &Expr) -> bool {
    match plain(list) {
        Expr::Array(array) => array.elem.iter().any(|one| plain(one) == plain(item)),
        _ => false,
    }
}

/// What a query without tables gives.
fn selected(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let is_constant = select.from.is_empty() && select.selection.is_none();
    match select.projection.first() {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) if is_constant => {
            Some(expr)
        }
        _ => None,
    }
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

    fn is_open(text: &str) -> bool {
        is_always_true(text, &|name| name == "org_id" || name == "id")
    }

    #[test]
    fn open_and_closed() {
        for text in [
            "true",
            "(1 = 1)",
            "(1 < 2)",
            "(NOT (1 > 2))",
            "('a'::text = 'a'::text)",
            "(org_id = org_id)",
            "((org_id)::text = (org_id)::text)",
            "(org_id = ANY (ARRAY[org_id]))",
            "(org_id IN (org_id))",
            "(NOT (org_id IS DISTINCT FROM org_id))",
            "(org_id IS NOT NULL)",
            "(NOT (org_id IS NULL))",
            "(id IS NOT NULL)",
            "(org_id ~~ '%'::text) OR true",
            "(org_id LIKE '%')",
            "((org_id = current_setting('app.org_id'::text, true)) OR true)",
            "((current_setting('app.org_id'::text, true) IS NULL) OR (org_id = current_setting('app.org_id'::text, true)))",
            "((current_setting('app.org_id'::text, true) = ''::text) OR (org_id = 'a'))",
            "((NULLIF(current_setting('app.org_id'::text, true), ''::text) IS NULL) OR (org_id = 'a'))",
            "(true AND (1 <> 2))",
            "(NOT false)",
            "( SELECT true AS bool)",
            "(EXISTS ( SELECT 1))",
        ] {
            assert!(is_open(text), "{text}");
        }
        for text in [
            "false",
            "(org_id = current_setting('app.org_id'::text, true))",
            "((org_id)::text = NULLIF(current_setting('app.org_id'::text, true), ''::text))",
            "((org_id = 'a'::text) AND true)",
            "(current_setting('app.org_id'::text, true) IS NOT NULL)",
            "(deleted_at IS NOT NULL)",
            "(org_id = ANY (ARRAY['a'::text, 'b'::text]))",
            "(EXISTS ( SELECT 1 FROM members m WHERE (m.org_id = orders.org_id)))",
            "(org_id = ( SELECT current_setting('app.org_id'::text, true) AS current_setting))",
            "((1 <> 1) OR (a = b))",
            "not sql (",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn one_expression_alone() {
        for text in [
            "org_id = current_setting('app.org_id')",
            "a OPERATOR(pg_catalog.=) (b)",
            "a = ';)'",
        ] {
            assert!(is_one_expression(text), "{text}");
        }
        for text in [
            "a = b) WITH CHECK (true",
            "a; DROP TABLE b",
            "(a",
            "",
            " ",
            "\\! ls",
            "a = '",
        ] {
            assert!(!is_one_expression(text), "{text}");
        }
    }
}
