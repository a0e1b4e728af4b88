//! Finds the code that may change the setting that holds the tenant, while a statement runs.
//!
//! Such code need not stand in a policy: a function may call another one, or write to a table whose trigger changes the
//! setting. Objects are told apart by their names alone, without their schemas: the search path may lead to either.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use sqlx::FromRow;

/// Code that runs where an object is used.
#[derive(Debug, FromRow)]
pub struct CodeRow {
    pub name: String,
    /// Whether it runs only when rows of the object are written.
    pub on_write: bool,
    pub body: String,
}

/// The objects whose use may change the setting.
#[derive(Debug, Default)]
pub struct Setters {
    settings: Vec<String>,
    used: BTreeSet<String>,
    /// Those that are harmless while they are only read.
    written: BTreeSet<String>,
    /// What was found in each text.
    found: RefCell<BTreeMap<String, Option<String>>>,
}

impl Setters {
    pub fn new(rows: &[CodeRow], settings: &[&str]) -> Self {
        let mut setters = Self {
            settings: settings.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let mut open: Vec<(&CodeRow, Code)> = rows.iter().map(|row| (row, Code::of(&row.body))).collect();
        loop {
            let (found, rest): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|(_, code)| setters.are_set(code) || setters.first_in(code).is_some());
            if found.is_empty() {
                return setters;
            }
            for (row, _) in found {
                let names = if row.on_write {
                    &mut setters.written
                } else {
                    &mut setters.used
                };
                names.insert(row.name.clone());
            }
            open = rest;
        }
    }

    /// What may change the setting where this code runs.
    pub fn in_code(&self, text: &str) -> Option<String> {
        if let Some(known) = self.found.borrow().get(text) {
            return known.clone();
        }
        let found = self.new_in_code(text);
        self.found.borrow_mut().insert(text.to_string(), found.clone());
        found
    }

    fn new_in_code(&self, text: &str) -> Option<String> {
        let code = Code::of(text);
        if self.are_set(&code) {
            return Some("set_config".to_string());
        }
        self.first_in(&code)
    }

    /// Whether a statement that writes to a relation may change the setting.
    pub fn run_for(&self, relation: &str) -> bool {
        self.written.contains(relation)
    }

    fn are_set(&self, code: &Code) -> bool {
        self.settings.iter().any(|setting| code.sets(setting))
    }

    fn first_in(&self, code: &Code) -> Option<String> {
        let writes = ["insert", "update", "delete", "merge", "copy", "call"]
            .iter()
            .any(|word| code.words.iter().any(|known| known == word));
        let at = code
            .words
            .iter()
            .position(|word| self.used.contains(word) || (writes && self.written.contains(word)))?;
        let name = &code.words[at];
        Some(match at.checked_sub(2) {
            Some(schema) if code.words[at - 1] == "." => format!("{}.{name}", code.words[schema]),
            _ => name.clone(),
        })
    }
}

/// The words of a piece of code and of its strings, and the settings that it changes.
#[derive(Debug, Default)]
struct Code {
    words: Vec<String>,
    settings: Vec<Changed>,
}

/// What a statement changes.
#[derive(Debug)]
enum Changed {
    /// One setting, in lower case.
    Named(String),
    /// Any setting, or one whose name is computed.
    Any,
}

/// How deeply nested quotes are read.
const DEPTH: usize = 4;
/// Words after SET that are not settings.
const NO_SETTINGS: &[&str] = &["transaction", "constraints", "characteristics", "null", "default"];

impl Code {
    fn of(text: &str) -> Self {
        let mut code = Self::default();
        code.collect(text, DEPTH);
        code
    }

    fn sets(&self, setting: &str) -> bool {
        self.settings.iter().any(|changed| match changed {
            Changed::Named(name) => name.eq_ignore_ascii_case(setting) || name == "all",
            Changed::Any => true,
        })
    }

    fn collect(&mut self, text: &str, depth: usize) {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
        let Ok(tokens) = tokens else {
            // Code in another language: its words are still there, and so may be statements.
            let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'));
            let words: Vec<String> = words
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect();
            self.settings.extend(
                words
                    .iter()
                    .any(|word| SETTERS.contains(&word.as_str()))
                    .then_some(Changed::Any),
            );
            self.words.extend(words);
            return;
        };
        let tokens: Vec<Token> = tokens
            .into_iter()
            .filter(|token| !matches!(token, Token::Whitespace(_)))
            .collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Word(word) => {
                    let value = match word.quote_style {
                        Some(_) => word.value.clone(),
                        None => word.value.to_lowercase(),
                    };
                    self.settings.extend(setting_changed(&value, &tokens, at));
                    if depth > 0 && value.contains(' ') {
                        self.collect(&value, depth - 1);
                    }
                    self.words.push(value);
                }
                Token::SingleQuotedString(inner) | Token::EscapedStringLiteral(inner) if depth > 0 => {
                    self.collect(inner, depth - 1);
                }
                Token::DollarQuotedString(inner) if depth > 0 => self.collect(&inner.value, depth - 1),
                Token::Period => self.words.push(".".to_string()),
                _ => self.words.push(String::new()),
            }
        }
    }
}

/// The words with which code in other languages changes settings.
const SETTERS: &[&str] = &["set_config", "set", "reset", "discard", "pg_settings"];

/// The setting that is changed by a word and what follows.
fn setting_changed(word: &str, tokens: &[Token], at: usize) -> Option<Changed> {
    match word {
        "set_config" => Some(match (tokens.get(at + 2), tokens.get(at + 3)) {
            (Some(Token::SingleQuotedString(name)), Some(Token::Comma | Token::DoubleColon)) => {
                Changed::Named(name.to_lowercase())
            }
            _ => Changed::Any,
        }),
        // The rows of the view can be updated.
        "pg_settings" | "discard" => Some(Changed::Any),
        "set" | "reset" => named_setting(tokens, at),
        _ => None,
    }
}

/// The setting of SET or RESET. UPDATE … SET has the name of a table in front.
fn named_setting(tokens: &[Token], at: usize) -> Option<Changed> {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => Some(word.value.to_lowercase()),
        _ => None,
    };
    let is_local = word(at + 1).is_some_and(|word| matches!(word.as_str(), "local" | "session"));
    let before = at.checked_sub(1);
    let is_first = before.is_none_or(|before| match &tokens[before] {
        Token::Word(word) => {
            let word = word.value.to_lowercase();
            matches!(
                word.as_str(),
                "begin" | "atomic" | "then" | "else" | "loop" | "do" | "execute"
            )
        }
        Token::SemiColon => true,
        _ => false,
    });
    if !is_local && !is_first {
        return None;
    }
    let start = if is_local { at + 2 } else { at + 1 };
    let Some(mut name) = word(start) else {
        // `'SET %I = …'`, for format().
        return Some(Changed::Any);
    };
    let mut end = start + 1;
    while let (Some(Token::Period), Some(part)) = (tokens.get(end), word(end + 1)) {
        name.push('.');
        name.push_str(&part);
        end += 2;
    }
    (!NO_SETTINGS.contains(&name.as_str())).then_some(Changed::Named(name))
}

#[cfg(test)]
mod tests {
    use super::{Code, CodeRow, Setters};

    #[test]
    fn code_that_changes_the_setting() {
        for body in [
            "SELECT set_config('app.org_id', '2', true)",
            "SELECT pg_catalog.set_config('App.Org_Id', '2', true)",
            "SELECT set_config('app.' || 'org_id', '2', true)",
            "SELECT set_config(name, '2', true)",
            "BEGIN SET LOCAL app.org_id = '2'; RETURN 1; END",
            "BEGIN SET app.org_id TO '2'; RETURN 1; END",
            "BEGIN IF a THEN SET SESSION app.org_id = '2'; END IF; END",
            "BEGIN RESET app.org_id; END",
            "BEGIN RESET ALL; END",
            "BEGIN EXECUTE 'SET LOCAL app.org_id = 2'; END",
            "BEGIN EXECUTE format('SET LOCAL %I = %L', name, value); END",
            "BEGIN EXECUTE $q$SELECT set_config('app.org_id', '2', true)$q$; END",
            "DO $$ BEGIN PERFORM set_config('app.org_id', '2', true); END $$",
            "UPDATE pg_settings SET setting = '2' WHERE name = 'app.org_id'",
            "plpy.execute(\"SET app.org_id = '2'\")  # it's python",
        ] {
            assert!(Code::of(body).sets("app.org_id"), "{body}");
        }
        for body in [
            "SELECT current_setting('app.org_id', true)",
            "SELECT set_config('app.audit_actor', current_setting('app.org_id'), true)",
            "BEGIN SET LOCAL lock_timeout = '1s'; UPDATE a SET org_id = 1; RETURN 1; END",
            "BEGIN UPDATE counters c SET total = total + 1; INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1; END",
            "BEGIN -- set_config('app.org_id', '2', true)\n RETURN 1; END",
            "BEGIN SET CONSTRAINTS ALL DEFERRED; END",
        ] {
            assert!(!Code::of(body).sets("app.org_id"), "{body}");
        }
    }

    fn row(name: &str, on_write: bool, body: &str) -> CodeRow {
        CodeRow {
            name: name.to_string(),
            on_write,
            body: body.to_string(),
        }
    }

    #[test]
    fn code_that_uses_such_code() {
        let rows = [
            row("deepest", false, "SELECT set_config('app.org_id', $1, true)"),
            row(
                "deeper",
                false,
                "BEGIN PERFORM public.deepest('2'); RETURN 1; END",
            ),
            row("deep", false, "SELECT deeper()"),
            row("noted", true, "public.deep()"),
            row("shown", false, "SELECT deep() AS x"),
            row(
                "note",
                false,
                "BEGIN INSERT INTO noted VALUES (1); RETURN true; END",
            ),
            row("reads", false, "SELECT count(*) FROM noted"),
        ];
        let setters = Setters::new(&rows, &["app.org_id"]);
        for name in ["deepest", "deeper", "deep", "note", "shown"] {
            assert!(setters.used.contains(name), "{name}");
        }
        assert!(!setters.used.contains("reads"));
        assert!(setters.run_for("noted") && !setters.run_for("shown"));
        let found = |text: &str| setters.in_code(text);
        assert_eq!(found("(a = audit.note(b))").as_deref(), Some("audit.note"));
        assert_eq!(
            found("(EXISTS ( SELECT FROM public.shown))").as_deref(),
            Some("public.shown")
        );
        assert_eq!(found("(EXISTS ( SELECT FROM public.noted))"), None);
    }
}
