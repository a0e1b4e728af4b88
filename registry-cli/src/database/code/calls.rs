//! Finds the function calls in the expression of a policy that the server makes for each row.
//!
//! A call in a sub-select without tables, which does not depend on the row, is made once for each statement:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use std::ops::Range;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Token, Tokenizer};

/// A call outside a sub-select without tables.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// The schema, if the call names it.
    pub schema: Option<String>,
    pub name: String,
    /// The bytes of the whole call.
    pub range: Range<usize>,
    /// Whether an argument depends on a row.
    pub depends_on_row: bool,
    /// Whether the call is all that stands in the parentheses of `ANY (…)`. There, a sub-select would mean its rows.
    pub is_list: bool,
}

/// The calls that are made for each row, in the order in which they end, so that a call comes after those in its
/// arguments. Empty if the text cannot be read.
pub fn for_each_row(text: &str, is_column: &dyn Fn(&str) -> bool) -> Vec<Call> {
    let Some(tokens) = tokens(text) else {
        return Vec::new();
    };
    let mut reading = Reading {
        tokens,
        is_column,
        open: Vec::new(),
        sub_selects: Vec::new(),
        calls: Vec::new(),
    };
    for at in 0..reading.tokens.len() {
        reading.read(at);
    }
    let Reading {
        sub_selects, calls, ..
    } = reading;
    let is_repeated = |place: Option<usize>| place.is_none_or(|place| sub_selects[place].has_tables);
    let repeated = calls.into_iter().filter(|(place, _)| is_repeated(*place));
    repeated.map(|(_, call)| call).collect()
}

struct Reading<'t> {
    tokens: Vec<(Token, Range<usize>)>,
    is_column: &'t dyn Fn(&str) -> bool,
    /// The parentheses around the current token.
    open: Vec<Parenthesis>,
    sub_selects: Vec<SubSelect>,
    /// Each with the innermost sub-select around it.
    calls: Vec<(Option<usize>, Call)>,
}

enum Parenthesis {
    Call(Call),
    /// The arguments of a function that gives the rows of a table expression. They are computed once for each of its scans.
    Table,
    /// With its position in the list of sub-selects.
    SubSelect(usize),
    Other,
}

#[derive(Default)]
struct SubSelect {
    has_tables: bool,
    /// Whether the current token is in the list of its tables.
    is_in_tables: bool,
}

/// The words that stand before a parenthesis and are no functions.
const NOT_CALLED: &[&str] = &[
    "all", "and", "any", "else", "in", "not", "on", "or", "select", "some", "then", "using", "when", "where",
];

/// The columns that every table has: <https://www.postgresql.org/docs/current/ddl-system-columns.html>.
const SYSTEM_COLUMNS: &[&str] = &["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"];

impl Reading<'_> {
    fn read(&mut self, at: usize) {
        match &self.tokens[at].0 {
            Token::LParen => {
                let opened = self.opened(at);
                self.open.push(opened);
            }
            Token::RParen => {
                if let Some(Parenthesis::Call(mut call)) = self.open.pop() {
                    call.range.end = self.tokens[at].1.end;
                    call.is_list &= self.is(at + 1, &Token::RParen);
                    if call.depends_on_row || !self.is_in_table_function() {
                        self.calls.push((self.sub_select(), call));
                    }
                }
            }
            Token::Word(_) => self.read_word(at),
            _ => {}
        }
    }

    fn opened(&mut self, at: usize) -> Parenthesis {
        if matches!(self.keyword(at + 1).as_str(), "select" | "with" | "values") {
            self.sub_selects.push(SubSelect::default());
            return Parenthesis::SubSelect(self.sub_selects.len() - 1);
        }
        match self.start_of_name(at) {
            Some(start) if self.is_table(start) => Parenthesis::Table,
            // The names of columns: `FROM unnest(a) b(c)`.
            Some(_) if self.is_in_tables() => Parenthesis::Other,
            _ => self.call(at).map_or(Parenthesis::Other, Parenthesis::Call),
        }
    }

    /// Where the name of what is called starts, if a word stands before a parenthesis.
    fn start_of_name(&self, at: usize) -> Option<usize> {
        let name_at = at.checked_sub(1)?;
        self.name(name_at)?;
        let is_qualified = name_at >= 2 && self.is(name_at - 1, &Token::Period);
        Some(if is_qualified { name_at - 2 } else { name_at })
    }

    /// Whether the current token is in the arguments of a function that gives rows.
    fn is_in_table_function(&self) -> bool {
        let mut around = self.open.iter().rev();
        let closest = around.find(|one| matches!(one, Parenthesis::Table | Parenthesis::SubSelect(_)));
        matches!(closest, Some(Parenthesis::Table))
    }

    /// The call whose arguments start at a parenthesis.
    fn call(&self, at: usize) -> Option<Call> {
        let name_at = at.checked_sub(1)?;
        let name = self.name(name_at)?;
        if NOT_CALLED.contains(&self.keyword(name_at).as_str()) {
            return None;
        }
        let start = self.start_of_name(at)?;
        let schema = if start < name_at { self.name(start) } else { None };
        if self.is_before(start, &Token::DoubleColon) {
            return None;
        }
        let is_alone = self.is_before(start, &Token::LParen);
        let is_list =
            is_alone && start >= 2 && matches!(self.keyword(start - 2).as_str(), "any" | "all" | "some");
        Some(Call {
            schema,
            name,
            range: self.tokens[start].1.clone(),
            depends_on_row: false,
            is_list,
        })
    }

    /// Whether a function gives the rows of a table expression. It is called once for each of them.
    fn is_table(&self, start: usize) -> bool {
        let keyword = |back: usize| {
            start
                .checked_sub(back)
                .map(|at| self.keyword(at))
                .unwrap_or_default()
        };
        match keyword(1).as_str() {
            // `extract(epoch FROM a)`, and `a IS DISTINCT FROM b`.
            "from" => !matches!(self.open.last(), Some(Parenthesis::Call(_))) && keyword(2) != "distinct",
            "join" | "lateral" => true,
            _ => self.is_in_tables() && self.is_before(start, &Token::Comma),
        }
    }

    /// Whether the current token is in the list of tables of a sub-select.
    fn is_in_tables(&self) -> bool {
        match self.open.last() {
            Some(Parenthesis::SubSelect(place)) => self.sub_selects[*place].is_in_tables,
            _ => false,
        }
    }

    fn read_word(&mut self, at: usize) {
        let keyword = self.keyword(at);
        let before = at.checked_sub(1).map(|at| self.keyword(at)).unwrap_or_default();
        if let Some(Parenthesis::SubSelect(place)) = self.open.last() {
            let sub_select = &mut self.sub_selects[*place];
            match keyword.as_str() {
                "from" if before != "distinct" => {
                    sub_select.has_tables = true;
                    sub_select.is_in_tables = true;
                }
                "where" | "group" | "having" | "order" | "limit" | "union" | "intersect" | "except" => {
                    sub_select.is_in_tables = false;
                }
                _ => {}
            }
        }
        if self.is_of_row(at) {
            for parenthesis in &mut self.open {
                if let Parenthesis::Call(call) = parenthesis {
                    call.depends_on_row = true;
                }
            }
        }
    }

    /// Whether a word is a column: of a table that stands in front, or of the policy's own table.
    fn is_of_row(&self, at: usize) -> bool {
        let is_called = self.is(at + 1, &Token::LParen);
        let is_table = self.is(at + 1, &Token::Period);
        let is_in_table = self.is_before(at, &Token::Period);
        let start = if is_in_table { at.saturating_sub(2) } else { at };
        let is_type = self.is_before(start, &Token::DoubleColon);
        if is_called || is_type {
            return false;
        }
        if is_table {
            // All columns: `invoices.*`.
            return self.is(at + 2, &Token::Mul);
        }
        let is_column = |name: String| SYSTEM_COLUMNS.contains(&name.as_str()) || (self.is_column)(&name);
        is_in_table || self.name(at).is_some_and(is_column)
    }

    fn sub_select(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|parenthesis| match parenthesis {
            Parenthesis::SubSelect(place) => Some(*place),
            Parenthesis::Call(_) | Parenthesis::Table | Parenthesis::Other => None,
        })
    }

    fn is(&self, at: usize, token: &Token) -> bool {
        self.tokens.get(at).is_some_and(|(found, _)| found == token)
    }

    fn is_before(&self, at: usize, token: &Token) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is(before, token))
    }

    /// The word as a name.
    fn name(&self, at: usize) -> Option<String> {
        match &self.tokens.get(at)?.0 {
            Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        }
    }

    /// The word as a keyword, or an empty string.
    fn keyword(&self, at: usize) -> String {
        match self.tokens.get(at) {
            Some((Token::Word(word), _)) if word.quote_style.is_none() => word.value.to_lowercase(),
            _ => String::new(),
        }
    }
}

/// The tokens other than whitespace, each with its byte range. `None` if the text cannot be read.
pub fn tokens(text: &str) -> Option<Vec<(Token, Range<usize>)>> {
    let found = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location();
    let mut characters = text.char_indices().peekable();
    let (mut line, mut column) = (1, 1);
    // Places are asked for in their order.
    let mut offset = |location: Location| {
        while let Some(&(at, character)) = characters.peek() {
            if (line, column) >= (location.line, location.column) {
                return at;
            }
            (line, column) = if character == '\n' {
                (line + 1, 1)
            } else {
                (line, column + 1)
            };
            characters.next();
        }
        text.len()
    };
    let mut located = Vec::new();
    for found in found.ok()? {
        let range = offset(found.span.start)..offset(found.span.end);
        if !matches!(found.token, Token::Whitespace(_)) {
            located.push((found.token, range));
        }
    }
    Some(located)
}

#[cfg(test)]
mod tests {
    use super::for_each_row;

    /// The calls of an expression, with `*` where they depend on a row, and `[]` where they give a list.
    fn calls(text: &str) -> Vec<String> {
        let found = for_each_row(text, &|name| name == "org_id").into_iter();
        let shown = found.map(|call| {
            assert!(text[call.range.clone()].ends_with(')'), "{text}");
            let schema = call
                .schema
                .map_or_else(String::new, |schema| format!("{schema}."));
            let (row, list) = (
                if call.depends_on_row { "*" } else { "" },
                if call.is_list { "[]" } else { "" },
            );
            format!("{schema}{}{row}{list}", call.name)
        });
        shown.collect()
    }

    #[test]
    fn calls_for_each_row() {
        for (text, expected) in [
            (
                "(org_id = current_setting('app.org_id'::text, true))",
                vec!["current_setting"],
            ),
            (
                "(org_id = (NULLIF(current_setting('a'::text, true), ''::text))::uuid)",
                vec!["current_setting", "nullif"],
            ),
            (
                "(org_id = ( SELECT current_setting('a'::text, true) AS current_setting))",
                vec![],
            ),
            ("(org_id = CURRENT_USER)", vec![]),
            (
                "auth.is_member(org_id, auth.uid())",
                vec!["auth.uid", "auth.is_member*"],
            ),
            ("(\"Auth\".\"Uid\"() = org_id)", vec!["Auth.Uid"]),
            ("(org_id = ANY (auth.orgs()))", vec!["auth.orgs[]"]),
            ("(org_id = ANY ((auth.orgs())::text[]))", vec!["auth.orgs"]),
            ("(org_id = ANY (ARRAY[auth.org()]))", vec!["auth.org"]),
            ("((a)::numeric(10,2) > (1)::numeric)", vec![]),
            ("f('org_id'::text, 'x'::public.org_id)", vec!["f"]),
            ("f(invoices.*)", vec!["f*"]),
            // In a sub-select with a table, a call is made for the rows of that table.
            (
                "(EXISTS ( SELECT 1\n   FROM public.members m\n  WHERE ((m.user_id = auth.uid()) AND f(m.id))))",
                vec!["auth.uid", "f*"],
            ),
            (
                "(EXISTS ( SELECT FROM public.members m WHERE (m.user_id = ( SELECT auth.uid() AS uid))))",
                vec![],
            ),
            ("(org_id IN ( SELECT o.o FROM auth.orgs() o))", vec![]),
            ("(org_id IN ( SELECT o.o FROM unnest(auth.orgs()) o(o)))", vec![]),
            (
                "(org_id IN ( SELECT o.o FROM public.members m, unnest(f(m.orgs), (SELECT auth.uid())) o(o)))",
                vec!["f*"],
            ),
            (
                "(org_id IN ( SELECT o.o FROM unnest(ARRAY( SELECT f(m.a, auth.uid()) AS f FROM public.members m)) o(o)))",
                vec!["auth.uid", "f*"],
            ),
            ("f(tableoid, ctid)", vec!["f*"]),
            ("(org_id IS NOT DISTINCT FROM auth.uid())", vec!["auth.uid"]),
            (
                "(EXTRACT(epoch FROM auth.since()) > total)",
                vec!["auth.since", "extract"],
            ),
            ("(( SELECT (auth.uid() IS DISTINCT FROM auth.uid())))", vec![]),
            ("not sql '", vec![]),
        ] {
            assert_eq!(calls(text), expected, "{text}");
        }
    }

    #[test]
    fn the_bytes_of_a_call() {
        let text = "('ä' =\n 'ö' || auth.uid('ü'))";
        let found = for_each_row(text, &|_| false);
        assert_eq!(&text[found[0].range.clone()], "auth.uid('ü')");
    }
}
