//! What a piece of SQL names: a migration, the body of a function, the definition of a rule.

use std::collections::HashMap;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// The words of a text, without comments.
#[derive(Debug)]
pub struct Words {
    all: Vec<String>,
    places: HashMap<String, Vec<usize>>,
}

impl Words {
    /// Also those in quotes, which may be SQL that is put together and run.
    pub fn of(text: &str) -> Self {
        let mut words = Vec::new();
        collect(text, &mut words, DEPTH);
        Self::new(words)
    }

    /// Without those in quotes.
    pub fn outside_quotes(text: &str) -> Self {
        let mut words = Vec::new();
        collect(text, &mut words, 0);
        Self::new(words)
    }

    fn new(all: Vec<String>) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, word) in all.iter().enumerate() {
            places.entry(word.clone()).or_default().push(at);
        }
        Self { all, places }
    }

    pub fn contain(&self, word: &str) -> bool {
        self.places(word).next().is_some()
    }

    /// Whether a statement creates the role.
    pub fn create_role(&self, name: &str) -> bool {
        self.places(name).any(|at| {
            let [before_last, last] = self.command_before(at);
            before_last == "create" && matches!(last, "role" | "user" | "group")
        })
    }

    /// Whether the table is named, other than as what rows are inserted into.
    pub fn use_table(&self, name: &str) -> bool {
        let inserted = |at: usize| self.command_before(at) == ["insert", "into"];
        self.places(name).any(|at| !inserted(at))
    }

    /// Whether rows of the table are changed or removed.
    pub fn change_table(&self, name: &str) -> bool {
        self.places(name).any(|at| {
            let [before_last, last] = self.command_before(at);
            matches!(last, "update" | "truncate")
                || matches!(
                    (before_last, last),
                    ("delete", "from") | ("merge", "into") | ("truncate", "table")
                )
        })
    }

    fn places(&self, name: &str) -> impl Iterator<Item = usize> {
        self.places.get(name).into_iter().flatten().copied()
    }

    /// The two words in front of a table's name, without its schema and ONLY.
    fn command_before(&self, mut at: usize) -> [&str; 2] {
        if at >= 2 && self.all[at - 1] == "." {
            at -= 2;
        }
        if at >= 1 && self.all[at - 1] == "only" {
            at -= 1;
        }
        let word = |back: usize| at.checked_sub(back).map_or("", |at| self.all[at].as_str());
        [word(2), word(1)]
    }
}

/// As deep as quotes are looked into.
const DEPTH: usize = 4;

fn collect(text: &str, words: &mut Vec<String>, depth: usize) {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
        // An odd quote, say; the words are still there.
        let plain = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.extend(plain.filter(|word| !word.is_empty()).map(str::to_lowercase));
        return;
    };
    for token in tokens {
        match token {
            Token::Word(word) if word.quote_style.is_some() => words.push(word.value),
            Token::Word(word) => words.push(word.value.to_lowercase()),
            Token::Period => words.push(".".to_string()),
            Token::Whitespace(_) => {}
            Token::SingleQuotedString(inner) | Token::EscapedStringLiteral(inner) if depth > 0 => {
                collect(&inner, words, depth - 1);
            }
            Token::DollarQuotedString(inner) if depth > 0 => collect(&inner.value, words, depth - 1),
            _ => words.push(String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_and_changes() {
        for (text, uses, changes) in [
            ("SELECT * FROM logs", true, false),
            ("INSERT INTO logs VALUES (1)", false, false),
            ("INSERT INTO public.logs SELECT * FROM x", false, false),
            ("DELETE FROM ONLY public.\"logs\"", true, true),
            ("UPDATE logs SET a = 1", true, true),
            ("TRUNCATE TABLE logs", true, true),
            ("truncate LOGS", true, true),
            ("MERGE INTO logs USING x", true, true),
            ("EXECUTE 'DELETE FROM logs'", true, true),
            ("-- logs\nSELECT 1 /* logs */", false, false),
            ("SELECT * FROM \"Logs\", logs_old", false, false),
            ("it's DELETE FROM logs", true, true),
        ] {
            let words = Words::of(text);
            assert_eq!(
                (words.use_table("logs"), words.change_table("logs")),
                (uses, changes),
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
