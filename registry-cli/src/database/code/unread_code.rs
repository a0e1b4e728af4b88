//! Why the code of a function does not tell which tables it uses.

use sqlparser::tokenizer::Token;

use crate::database::catalog::Function;
use crate::database::code::calls::tokens;
use crate::database::code::sql_arguments::{decisive, is_of_files};

/// The words by which constants are put together.
const PARTS: &[&str] = &[
    "format",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "concat",
    "concat_ws",
    "text",
    "varchar",
    "regclass",
    "e",
];

#[derive(PartialEq, Eq)]
pub enum Unread {
    Language,
    /// It runs SQL that it puts together.
    Dynamic,
    /// The SQL is about the table that fires the trigger.
    OwnTable,
    /// It gives SQL that it puts together to a function that runs it.
    Argument(String),
    /// It uses a file of the server whose name it puts together.
    File,
}

impl Unread {
    pub fn of(function: &Function) -> Option<Self> {
        match function.language.as_str() {
            "plpgsql" => Self::of_executed(&function.body).or_else(|| Self::of_arguments(&function.body)),
            "sql" => Self::of_arguments(&function.body),
            _ => Some(Self::Language),
        }
    }

    /// Why the SQL that EXECUTE runs is unknown. `None` if it is made of constants alone.
    fn of_executed(body: &str) -> Option<Self> {
        const OWN_TABLE: &[&str] = &["tg_table_name", "tg_relname", "tg_table_schema"];
        let found = tokens(body)?;
        let (mut is_executed, mut result) = (false, None);
        // The last constant of the statement.
        let mut before = "";
        for (at, (token, _)) in found.iter().enumerate() {
            let word = lower(token);
            match word.as_deref() {
                Some("execute") => {
                    before = "";
                    let next = found.get(at + 1).and_then(|(next, _)| lower(next));
                    // The privilege, and the function of a trigger.
                    is_executed = !matches!(next.as_deref(), Some("on" | "function" | "procedure"));
                }
                _ if *token == Token::SemiColon => is_executed = false,
                _ if *token == Token::Comma => before = "",
                Some("into" | "using" | "loop") => is_executed = false,
                Some(word) if is_executed && OWN_TABLE.contains(&word) => {
                    result.get_or_insert(Self::OwnTable);
                }
                Some(word) if is_executed && !PARTS.contains(&word) => return Some(Self::Dynamic),
                _ if is_executed && matches!(token, Token::Placeholder(_)) => return Some(Self::Dynamic),
                _ => {}
            }
            if let Token::SingleQuotedString(text)
            | Token::EscapedStringLiteral(text)
            | Token::UnicodeStringLiteral(text) = token
            {
                if is_executed && is_within_word(before, text) {
                    return Some(Self::Dynamic);
                }
                before = text;
            }
        }
        result
    }

    /// Why the SQL that the code passes to a function that runs it is unknown.
    fn of_arguments(body: &str) -> Option<Self> {
        let found = tokens(body)?;
        let calls =
            (0..found.len()).filter(|at| found.get(at + 1).is_some_and(|(next, _)| *next == Token::LParen));
        let names = calls.filter_map(|at| Some((at, lower(&found[at].0)?)));
        let is_variable = |token: &Token| match lower(token) {
            Some(word) => !PARTS.contains(&word.as_str()),
            None => matches!(token, Token::Placeholder(_)),
        };
        let mut unknown = names.filter(|(at, name)| {
            let arguments = decisive(name, found[at + 2..].iter().map(|(token, _)| token));
            arguments.into_iter().any(is_variable)
        });
        let (_, name) = unknown.next()?;
        Some(if is_of_files(&name) {
            Self::File
        } else {
            Self::Argument(name)
        })
    }

    pub fn fact(&self, name: &str, language: &str) -> String {
        match self {
            Self::Language => format!("`{name}` is written in `{language}`, which `verify` does not read"),
            Self::Dynamic => format!("`{name}` executes SQL that it puts together from variables"),
            Self::OwnTable => format!("`{name}` executes SQL about the table that fires the trigger"),
            Self::Argument(function) => {
                format!(
                    "`{name}` gives SQL that it puts together from variables to `{function}`, which runs it"
                )
            }
            Self::File => {
                format!("`{name}` uses a file of the server whose name it puts together from variables")
            }
        }
    }
}

/// Whether two constants form one word where they meet.
fn is_within_word(before: &str, after: &str) -> bool {
    let is_of_word = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_alphanumeric());
    is_of_word(before.chars().last()) && is_of_word(after.chars().next())
}

fn lower(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    }
}
