//! Decides which rows the expression of a policy lets through.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query,
    SelectItem, SetExpr, UnaryOperator, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// Whether an expression is true for every row, either in every session or in a session that has not set a tenant. An
/// expression that cannot be parsed counts as not open; a probe can test it on the server. One that is too long to
/// judge counts as open.
pub fn is_always_true(text: &str, never_null: &dyn Fn(&str) -> bool) -> bool {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
        return false;
    };
    if tokens.iter().filter(|token| may_nest(token)).count() > MAX_NESTING_TOKENS {
        return true;
    }
    let Ok(expression) = Parser::new(&PostgreSqlDialect {})
        .with_tokens(tokens)
        .parse_expr()
    else {
        return false;
    };
    // A setting is null until the session sets it, and empty after the session resets it.
    let unset = [Value::Null, Value::SingleQuotedString(String::new())];
    unset.into_iter().any(|unset| {
        let folding = Folding { never_null, unset };
        folding.truth(&expression) == Truth::True
    })
}

/// Evaluation recurses into each operator. An expression with more operators and names than this would overflow the
/// stack, and nobody can review it, so it counts as open.
const MAX_NESTING_TOKENS: usize = 2_000;

/// Whether a token may add a level. The items of a list are on one level.
fn may_nest(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)
    )
}

/// Whether a text can be put between parentheses without closing them or ending the statement. Only the server can
/// decide whether the text is a valid expression for a table.
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
            // `psql` treats the text after a backslash as a command.
            Token::RParen | Token::SemiColon | Token::Backslash => return false,
            _ => {}
        }
        is_empty = false;
    }
    !is_empty && depth == 0
}

/// The value of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Null,
    /// The value depends on the row or on the session.
    Varies,
}

impl Truth {
    fn of(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Varies, _) | (_, Self::Varies) => Self::Varies,
            (Self::Null, _) | (_, Self::Null) => Self::Null,
            (Self::False, Self::False) => Self::False,
        }
    }
}

/// Evaluates the parts of an expression that are the same for every row.
struct Folding<'f> {
    never_null: &'f dyn Fn(&str) -> bool,
    /// The value of `current_setting('…', true)` while the setting is not set.
    unset: Value,
}

impl Folding<'_> {
    fn truth(&self, expression: &Expr) -> Truth {
        match &self.folded(expression) {
            Expr::Value(value) => match &value.value {
                Value::Boolean(value) => Truth::of(*value),
                Value::Null => Truth::Null,
                _ => Truth::Varies,
            },
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::Or => self.truth(left).or(self.truth(right)),
                BinaryOperator::And => self.truth(left).not().or(self.truth(right).not()).not(),
                // The server's spelling of LIKE and ILIKE.
                BinaryOperator::PGLikeMatch | BinaryOperator::PGILikeMatch
                    if is_text(&self.folded(right), "%") =>
                {
                    Truth::True
                }
                op => compared(&self.folded(left), op, &self.folded(right)),
            },
            Expr::IsDistinctFrom(left, right) => self.is_same(left, right).not(),
            Expr::IsNotNull(inner) => self.is_null(inner).not(),
            Expr::IsNull(inner) => self.is_null(inner),
            Expr::IsTrue(inner) => self.is(inner, Truth::True),
            Expr::IsNotTrue(inner) => self.is(inner, Truth::True).not(),
            Expr::IsFalse(inner) => self.is(inner, Truth::False),
            Expr::IsNotFalse(inner) => self.is(inner, Truth::False).not(),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.truth(expr).not(),
            Expr::AnyOp { left, right, .. } => self.is_item(left, right),
            Expr::Exists { subquery, negated } => match selected(subquery) {
                Some(_) => Truth::of(!negated),
                None => Truth::Varies,
            },
            _ => Truth::Varies,
        }
    }

    fn is(&self, inner: &Expr, wanted: Truth) -> Truth {
        match self.truth(inner) {
            Truth::Varies => Truth::Varies,
            found => Truth::of(found == wanted),
        }
    }

    fn is_same(&self, left: &Expr, right: &Expr) -> Truth {
        if self.folded(left) == self.folded(right) {
            Truth::True
        } else {
            Truth::Varies
        }
    }

    fn is_null(&self, inner: &Expr) -> Truth {
        match self.folded(inner) {
            Expr::Identifier(ident) if (self.never_null)(&ident.value) => Truth::False,
            Expr::Value(value) => Truth::of(value.value == Value::Null),
            _ => match self.truth(inner) {
                Truth::Varies => Truth::Varies,
                truth => Truth::of(truth == Truth::Null),
            },
        }
    }

    fn is_item(&self, item: &Expr, list: &Expr) -> Truth {
        match self.folded(list) {
            Expr::Array(array) => self.is_one_of(item, &array.elem),
            _ => Truth::Varies,
        }
    }

    fn is_one_of(&self, item: &Expr, list: &[Expr]) -> Truth {
        let item = self.folded(item);
        if list.iter().any(|one| self.folded(one) == item) {
            Truth::True
        } else {
            Truth::Varies
        }
    }

    /// The expression without parentheses and casts, and with constant parts replaced by their values.
    fn folded(&self, expression: &Expr) -> Expr {
        match expression {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.folded(inner),
            Expr::Subquery(query) => match selected(query) {
                Some(inner) => self.folded(inner),
                None => expression.clone(),
            },
            Expr::Function(function) => self.called(function).unwrap_or_else(|| expression.clone()),
            Expr::Case {
                operand: None,
                conditions,
                else_result,
                ..
            } => self
                .chosen(conditions, else_result.as_deref())
                .unwrap_or_else(|| expression.clone()),
            other => other.clone(),
        }
    }

    fn called(&self, function: &Function) -> Option<Expr> {
        let FunctionArguments::List(list) = &function.args else {
            return None;
        };
        let unnamed = list.args.iter().map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => Some(inner),
            _ => None,
        });
        let arguments: Vec<&Expr> = unnamed.collect::<Option<_>>()?;
        let name = function.name.to_string().to_lowercase();
        match (name.rsplit('.').next()?, arguments.as_slice()) {
            ("current_setting", [_, _]) => Some(Expr::value(self.unset.clone())),
            ("nullif", [value, other]) => {
                let value = self.folded(value);
                let is_equal = value == self.folded(other);
                Some(if is_equal { Expr::value(Value::Null) } else { value })
            }
            ("coalesce", values) => {
                let mut folded = values.iter().map(|value| self.folded(value));
                folded.find(|value| *value != Expr::value(Value::Null) && self.truth(value) != Truth::Null)
            }
            _ => None,
        }
    }

    fn chosen(&self, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Option<Expr> {
        for branch in conditions {
            match self.truth(&branch.condition) {
                Truth::True => return Some(self.folded(&branch.result)),
                Truth::False | Truth::Null => {}
                Truth::Varies => return None,
            }
        }
        Some(otherwise.map_or_else(|| Expr::value(Value::Null), |inner| self.folded(inner)))
    }
}

fn compared(left: &Expr, op: &BinaryOperator, right: &Expr) -> Truth {
    let null = Expr::value(Value::Null);
    if *left == null || *right == null {
        return Truth::Null;
    }
    if left == right {
        return match op {
            BinaryOperator::Eq | BinaryOperator::GtEq | BinaryOperator::LtEq => Truth::True,
            BinaryOperator::NotEq | BinaryOperator::Gt | BinaryOperator::Lt => Truth::False,
            _ => Truth::Varies,
        };
    }
    let (Expr::Value(one), Expr::Value(other)) = (left, right) else {
        return Truth::Varies;
    };
    match (op, number(&one.value).zip(number(&other.value))) {
        (BinaryOperator::Eq, _) => Truth::False,
        (BinaryOperator::NotEq, _) => Truth::True,
        (BinaryOperator::Lt | BinaryOperator::LtEq, Some((one, other))) => Truth::of(one < other),
        (BinaryOperator::Gt | BinaryOperator::GtEq, Some((one, other))) => Truth::of(one > other),
        _ => Truth::Varies,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(text, _) => text.parse().ok(),
        _ => None,
    }
}

fn is_text(expression: &Expr, text: &str) -> bool {
    matches!(expression, Expr::Value(value) if value.value == Value::SingleQuotedString(text.to_string()))
}

/// The one expression that a query without tables selects.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(text: &str) -> bool {
        is_always_true(text, &|name| name == "org_id" || name == "id")
    }

    #[test]
    fn an_expression_that_is_too_long_to_judge_counts_as_open() {
        let judged = |text: &str| is_always_true(text, &|_| false);
        assert!(!judged(&vec!["org_id = 1"; 200].join(" OR ")));
        assert!(judged(&vec!["org_id = 1"; 5_000].join(" OR ")));
        assert!(!judged(&format!("org_id IN ({})", vec!["1"; 10_000].join(", "))));
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
            "(NOT (org_id IS DISTINCT FROM org_id))",
            "(org_id IS NOT NULL)",
            "(NOT (org_id IS NULL))",
            "(id IS NOT NULL)",
            "(org_id ~~ '%'::text)",
            "(org_id ~~* '%'::text)",
            "((org_id = current_setting('app.org_id'::text, true)) OR true)",
            "((current_setting('app.org_id'::text, true) IS NULL) OR (org_id = current_setting('app.org_id'::text, true)))",
            "((current_setting('app.org_id'::text, true) = ''::text) OR (org_id = 'a'))",
            "((NULLIF(current_setting('app.org_id'::text, true), ''::text) IS NULL) OR (org_id = 'a'))",
            "((COALESCE(current_setting('app.org_id'::text, true), ''::text) = ''::text) OR (org_id = 'a'))",
            "(org_id = COALESCE(NULLIF(current_setting('app.org_id'::text, true), ''::text), org_id))",
            "CASE WHEN (current_setting('app.org_id'::text, true) IS NULL) THEN true ELSE (org_id = 'a') END",
            "((( SELECT current_setting('app.org_id'::text, true) AS current_setting) IS NULL) OR (org_id = 'a'))",
            "((org_id = current_setting('app.org_id'::text, true)) IS NOT FALSE)",
            "COALESCE((org_id = current_setting('app.org_id'::text, true)), true)",
            "(true AND (1 <> 2))",
            "(NOT false)",
            "(current_setting('app.org_id'::text, true) IS NOT NULL)",
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
            "(deleted_at IS NOT NULL)",
            "(org_id = ANY (ARRAY['a'::text, 'b'::text]))",
            "(EXISTS ( SELECT 1 FROM members m WHERE (m.org_id = orders.org_id)))",
            "(org_id = COALESCE(current_setting('app.org_id'::text, true), 'none'::text))",
            "((org_id = current_setting('app.org_id'::text, true)) IS TRUE)",
            "CASE WHEN (current_setting('app.org_id'::text, true) IS NULL) THEN false ELSE (org_id = 'a') END",
            "(org_id = ( SELECT current_setting('app.org_id'::text, true) AS current_setting))",
            "((1 <> 1) OR (a = b))",
            "not sql (",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn texts_that_are_one_expression() {
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
