//! Parses the expressions of policies and the bodies of functions, each once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// Evaluation recurses into each operator. An expression with more operators and names than this would overflow the
/// stack, and nobody can review it.
const MAX_NESTING_TOKENS: usize = 2_000;

/// The expressions that were parsed, by their texts. `None` for one that cannot be parsed or is too long.
#[derive(Debug, Default)]
pub struct Expressions {
    parsed: RefCell<BTreeMap<String, Option<Rc<Expr>>>>,
    with_sub_select: RefCell<BTreeMap<String, bool>>,
}

impl Expressions {
    /// The expression of a policy.
    pub fn policy(&self, text: &str) -> Option<Rc<Expr>> {
        self.known(text, only_expression)
    }

    /// The body of a function, if it is one expression or one query.
    pub fn body(&self, body: &str) -> Option<Rc<Expr>> {
        self.known(body, parsed_body)
    }

    /// Whether an expression has a sub-select.
    pub fn has_sub_select(&self, text: &str) -> bool {
        if let Some(known) = self.with_sub_select.borrow().get(text) {
            return *known;
        }
        let found = has_sub_select(text);
        self.with_sub_select.borrow_mut().insert(text.to_string(), found);
        found
    }

    fn known(&self, text: &str, parse: impl FnOnce(&str) -> Option<Expr>) -> Option<Rc<Expr>> {
        if let Some(known) = self.parsed.borrow().get(text) {
            return known.clone();
        }
        let parsed = parse(text).map(Rc::new);
        self.parsed.borrow_mut().insert(text.to_string(), parsed.clone());
        parsed
    }
}

/// Whether an expression has a sub-select. `(VALUES …)` is one, too.
pub fn has_sub_select(text: &str) -> bool {
    let begins_query = |token: &Token| match token {
        Token::Word(word) => {
            matches!(word.keyword, Keyword::SELECT | Keyword::VALUES) && word.quote_style.is_none()
        }
        _ => false,
    };
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
    tokens.is_ok_and(|tokens| tokens.iter().any(begins_query))
}

fn parser(text: &str) -> Option<Parser<'static>> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().ok()?;
    let tokens = without_bare_from(tokens);
    let is_short = tokens.iter().filter(|token| may_nest(token)).count() <= MAX_NESTING_TOKENS;
    is_short.then(|| Parser::new(&PostgreSqlDialect {}).with_tokens(tokens))
}

/// The parser cannot read `TRIM(BOTH FROM a)`, as the server writes `TRIM(BOTH a)`.
fn without_bare_from(tokens: Vec<Token>) -> Vec<Token> {
    let mut last = None;
    let mut kept = tokens;
    kept.retain(|token| match token {
        Token::Whitespace(_) => true,
        Token::Word(word) if word.quote_style.is_none() => {
            let is_bare = word.keyword == Keyword::FROM
                && matches!(last, Some(Keyword::BOTH | Keyword::LEADING | Keyword::TRAILING));
            last = Some(word.keyword);
            !is_bare
        }
        _ => {
            last = None;
            true
        }
    });
    kept
}

fn only_expression(text: &str) -> Option<Expr> {
    let mut parser = parser(text)?;
    let parsed = parser.parse_expr().ok()?;
    (parser.peek_token().token == Token::EOF).then_some(parsed)
}

/// Whether a token may add a level. The items of a list are on one level.
fn may_nest(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)
    )
}

/// `SELECT …`, `RETURN …`, `BEGIN ATOMIC SELECT …; END`, or the `BEGIN RETURN …; END` of PL/pgSQL.
fn parsed_body(body: &str) -> Option<Expr> {
    let code = body.trim().trim_end_matches(';').trim_end();
    let inner = match (without_start(code, "begin"), without_end(code, "end")) {
        (Some(_), Some(code)) => {
            let code = without_start(code, "begin").unwrap_or(code);
            let code = without_start(code, "atomic").unwrap_or(code);
            code.trim_end().strip_suffix(';')?
        }
        _ => code,
    };
    if let Some(expression) = without_start(inner, "return") {
        return only_expression(expression);
    }
    let statements = parser(inner)?.parse_statements().ok()?;
    match <[Statement; 1]>::try_from(statements).ok()? {
        [Statement::Query(query)] => Some(Expr::Subquery(query)),
        _ => None,
    }
}

fn without_start<'t>(code: &'t str, word: &str) -> Option<&'t str> {
    let start = code.get(..word.len())?;
    let rest = &code[word.len()..];
    let ends = rest.starts_with(|c: char| c.is_whitespace() || c == '(');
    (start.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
}

fn without_end<'t>(code: &'t str, word: &str) -> Option<&'t str> {
    let start = code.len().checked_sub(word.len())?;
    let end = code.get(start..)?;
    let rest = &code[..start];
    (end.eq_ignore_ascii_case(word) && rest.ends_with(|c: char| c.is_whitespace() || c == ';'))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{Expressions, parsed_body};

    #[test]
    fn bodies_that_are_one_expression() {
        let shown = |body| parsed_body(body).map(|expression| expression.to_string());
        for body in [
            "RETURN a",
            "BEGIN RETURN a; END",
            "begin\n  return a;\nend;\n",
            "BEGIN ATOMIC\n RETURN a;\nEND",
        ] {
            assert_eq!(shown(body).as_deref(), Some("a"), "{body}");
        }
        for body in ["SELECT a", " select a ; ", "BEGIN ATOMIC SELECT a; END"] {
            assert_eq!(shown(body).as_deref(), Some("(SELECT a)"), "{body}");
        }
        for body in [
            "",
            "SELECT a; SELECT b",
            "DECLARE x int; BEGIN RETURN x; END",
            "BEGIN x := 1; RETURN x; END",
            "BEGIN IF a THEN RETURN b; END IF; RETURN c; END",
            "UPDATE a SET b = 1 RETURNING b",
            "beginning",
            "BEGIN END",
        ] {
            assert_eq!(shown(body), None, "{body}");
        }
    }

    #[test]
    fn an_expression_that_is_too_long() {
        let expressions = Expressions::default();
        assert!(expressions.policy(&vec!["a = 1"; 200].join(" OR ")).is_some());
        assert!(expressions.policy(&vec!["a = 1"; 5_000].join(" OR ")).is_none());
        assert!(
            expressions
                .policy(&format!("a IN ({})", vec!["1"; 10_000].join(", ")))
                .is_some()
        );
        assert!(expressions.policy("not sql (").is_none());
    }
}
