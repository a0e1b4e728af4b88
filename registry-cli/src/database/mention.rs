//! What a piece of SQL names: a migration, the body of a function, the definition of a rule.

use std::collections::HashMap;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// The words of a text and what stands between them, without comments. What is neither a word nor one
/// of `.,;()` is the empty string.
#[derive(Debug, Default)]
pub struct Words {
    all: Vec<String>,
    places: HashMap<String, Vec<usize>>,
    /// A command in a string has no table: that is put there when the function runs.
    changes_what_it_is_given: bool,
}

/// As deep as quotes are looked into.
const DEPTH: usize = 4;

impl Words {
    /// Those of code, and those of strings that may be code.
    pub fn of(text: &str) -> Self {
        Self::new(text, DEPTH)
    }

    pub fn outside_quotes(text: &str) -> Self {
        Self::new(text, 0)
    }

    /// Strings in a function are code only if it runs some.
    pub fn of_function(body: &str) -> Self {
        let words = Self::outside_quotes(body);
        let runs_code = words
            .all
            .iter()
            .any(|word| word == "execute" || word.starts_with("spi_"));
        if runs_code { Self::of(body) } else { words }
    }

    fn new(text: &str, depth: usize) -> Self {
        let mut words = Self::default();
        words.collect(text, depth);
        for (at, word) in words.all.iter().enumerate() {
            words.places.entry(word.clone()).or_default().push(at);
        }
        words
    }

    fn collect(&mut self, text: &str, depth: usize) {
        let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
            self.all.extend(plain_words(text));
            return;
        };
        for token in tokens {
            match token {
                Token::Word(word) if word.quote_style.is_none() => self.all.push(word.value.to_lowercase()),
                Token::Word(word) => {
                    // In other languages code stands in such quotes, too.
                    if depth > 0 && word.value.contains(' ') {
                        self.code(&word.value, depth);
                    }
                    self.all.push(word.value);
                }
                Token::SingleQuotedString(inner) | Token::EscapedStringLiteral(inner) if depth > 0 => {
                    self.code(&inner, depth);
                }
                Token::DollarQuotedString(inner) if depth > 0 => self.code(&inner.value, depth),
                Token::Whitespace(_) => {}
                Token::Period => self.all.push(".".to_string()),
                Token::Comma => self.all.push(",".to_string()),
                Token::SemiColon => self.all.push(";".to_string()),
                Token::LParen => self.all.push("(".to_string()),
                Token::RParen => self.all.push(")".to_string()),
                _ => self.all.push(String::new()),
            }
        }
    }

    fn code(&mut self, text: &str, depth: usize) {
        self.changes_what_it_is_given |= lacks_table(text);
        self.all.push(String::new());
        self.collect(text, depth - 1);
        self.all.push(String::new());
    }

    pub fn contain(&self, word: &str) -> bool {
        self.places.contains_key(word)
    }

    /// Whether a statement creates the role.
    pub fn create_role(&self, name: &str) -> bool {
        self.places(name)
            .any(|at| self.word(at, 2) == "create" && matches!(self.word(at, 1), "role" | "user" | "group"))
    }

    /// Whether a statement reads rows of the table.
    pub fn read(&self, schema: &str, name: &str) -> bool {
        self.starts(schema, name)
            .any(|(_, start)| match (self.word(start, 2), self.word(start, 1)) {
                ("distinct", "from") => false,
                (_, "from" | "join" | "using" | "update" | "table" | "copy")
                | ("merge", "into")
                | ("from" | "join", "(") => true,
                (_, ",") => matches!(self.clause_before(start), "from" | "using"),
                _ => false,
            })
    }

    /// Whether a statement changes or removes rows of the table.
    pub fn change(&self, schema: &str, name: &str) -> bool {
        let is_given = self.changes_what_it_is_given && self.contain(name);
        is_given
            || self
                .starts(schema, name)
                .any(|(at, start)| match (self.word(start, 2), self.word(start, 1)) {
                    (_, "update" | "truncate")
                    | ("delete", "from")
                    | ("merge", "into")
                    | ("truncate" | "alter" | "drop", "table") => true,
                    ("insert", "into") => self.updates_on_conflict(at),
                    (_, ",") => self.clause_before(start) == "truncate",
                    _ => false,
                })
    }

    fn places(&self, name: &str) -> impl Iterator<Item = usize> {
        self.places.get(name).into_iter().flatten().copied()
    }

    /// Where the table is named, and where that name starts: with its schema, and ONLY. What is named
    /// with another schema is another table.
    fn starts(&self, schema: &str, name: &str) -> impl Iterator<Item = (usize, usize)> {
        self.places(name).filter_map(move |at| {
            let start = match (self.word(at, 2), self.word(at, 1)) {
                // Perhaps with the database in front.
                (found, ".") if found == schema && self.word(at, 3) == "." => at - 4,
                (found, ".") if found == schema => at - 2,
                (_, ".") => return None,
                _ => at,
            };
            let is_only = self.word(start, 1) == "only";
            Some((at, start - usize::from(is_only)))
        })
    }

    fn word(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.all[at].as_str())
    }

    /// What the list is of in which something stands.
    fn clause_before(&self, at: usize) -> &str {
        let mut closed = 0_usize;
        for word in self.all[..at].iter().rev() {
            match word.as_str() {
                ")" => closed += 1,
                "(" if closed > 0 => closed -= 1,
                "(" | ";" | "select" | "from" | "where" | "set" | "values" | "returning" | "by" | "using"
                | "truncate" | "having" | "into"
                    if closed == 0 =>
                {
                    return word;
                }
                _ => {}
            }
        }
        ""
    }

    fn updates_on_conflict(&self, at: usize) -> bool {
        let statement: Vec<&str> = self.all[at..]
            .iter()
            .map(String::as_str)
            .take_while(|word| *word != ";")
            .collect();
        statement.windows(2).any(|pair| pair == ["do", "update"])
    }
}

/// Where an odd quote, say, leaves no tokens, the words are still there.
fn plain_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if ".,;()".contains(c) {
            words.push(c.to_string());
        }
    }
    words
}

/// Whether a command ends where its table would stand: `DELETE FROM %I`, `UPDATE ` and then `||`.
fn lacks_table(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut line = words.join(" ");
    if text.ends_with(char::is_whitespace) {
        line.push(' ');
    }
    let commands = [
        "update ",
        "delete from ",
        "truncate ",
        "truncate table ",
        "merge into ",
    ];
    commands.iter().any(|command| {
        let formatted = format!("{command}%");
        line.ends_with(command) || line.contains(&formatted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_changes() {
        for (text, reads, changes) in [
            ("SELECT * FROM logs", true, false),
            ("SELECT * FROM a x, public.logs y", true, false),
            ("SELECT * FROM a JOIN b ON f(a, b) = 1, logs", true, false),
            ("SELECT a, logs FROM x", false, false),
            (
                "SELECT count(*) AS logs FROM other.logs WHERE a IS DISTINCT FROM logs",
                false,
                false,
            ),
            ("SELECT f(a, logs)", false, false),
            ("INSERT INTO logs VALUES (1)", false, false),
            (
                "INSERT INTO public.logs SELECT * FROM x; UPDATE x SET a = 1",
                false,
                false,
            ),
            (
                "INSERT INTO logs VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1",
                false,
                true,
            ),
            ("DELETE FROM ONLY public.\"logs\"", true, true),
            ("UPDATE logs SET a = 1", true, true),
            ("TRUNCATE TABLE logs", true, true),
            ("truncate LOGS", false, true),
            ("truncate a, logs", false, true),
            ("ALTER TABLE logs DISABLE TRIGGER ALL", true, true),
            ("MERGE INTO logs USING x", true, true),
            ("EXECUTE 'DELETE FROM logs'", true, true),
            ("EXECUTE format('DELETE FROM %I', 'logs')", false, true),
            ("EXECUTE 'UPDATE ' || quote_ident('logs')", false, true),
            (
                "EXECUTE 'SELECT 1'; IF tg_op = 'UPDATE' THEN INSERT INTO logs",
                false,
                false,
            ),
            ("RAISE EXCEPTION 'cannot DELETE FROM logs'", false, false),
            ("plpy.execute(\"DELETE FROM logs\")", true, true),
            ("-- FROM logs\nSELECT 1 /* FROM logs */", false, false),
            ("SELECT * FROM \"Logs\", logs_old", false, false),
            ("it's DELETE FROM public.logs", true, true),
        ] {
            let words = Words::of_function(text);
            assert_eq!(
                (words.read("public", "logs"), words.change("public", "logs")),
                (reads, changes),
                "{text}"
            );
        }
    }

    #[test]
    fn created_roles() {
        let words = Words::of(
            "CREATE ROLE App; create user \"Web\" LOGIN; CREATE GROUP g;
             -- CREATE ROLE comment;
             DO $$ BEGIN CREATE ROLE guarded; END $$; DROP ROLE gone;",
        );
        for role in ["app", "Web", "g", "guarded"] {
            assert!(words.create_role(role), "{role}");
        }
        for role in ["App", "web", "comment", "gone"] {
            assert!(!words.create_role(role), "{role}");
        }
    }

    #[test]
    fn quotes_can_be_left_out() {
        let text = "SELECT 'a', $$b$$, c -- d";
        let found = |words: &Words| ["a", "b", "c", "d"].map(|word| words.contain(word));
        assert_eq!(found(&Words::of(text)), [true, true, true, false]);
        assert_eq!(found(&Words::outside_quotes(text)), [false, false, true, false]);
    }
}
