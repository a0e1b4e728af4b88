//! Why the code of a function does not tell which tables it uses.

use sqlparser::tokenizer::Token;

use super::calls::tokens;
use super::catalog::Function;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    Language,
    /// It runs SQL that it puts together.
    Dynamic,
    /// The SQL is about the table that fires the trigger.
    OwnTable,
}

impl Unread {
    pub fn of(function: &Function) -> Option<Self> {
        match function.language.as_str() {
            "plpgsql" => Self::of_executed(&function.body),
            "sql" => None,
            _ => Some(Self::Language),
        }
    }

    /// What EXECUTE runs: nothing is unknown if it is made of constants alone.
    fn of_executed(body: &str) -> Option<Self> {
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
            "e",
        ];
        const OWN_TABLE: &[&str] = &["tg_table_name", "tg_relname", "tg_table_schema"];
        let found = tokens(body)?;
        let words = |token: &Token| match token {
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        };
        let (mut is_executed, mut result) = (false, None);
        for (token, _) in &found {
            let word = words(token);
            match word.as_deref() {
                Some("execute") => is_executed = true,
                _ if *token == Token::SemiColon => is_executed = false,
                Some("into" | "using" | "loop") => is_executed = false,
                Some(word) if is_executed && OWN_TABLE.contains(&word) => {
                    result.get_or_insert(Self::OwnTable);
                }
                Some(word) if is_executed && !PARTS.contains(&word) => return Some(Self::Dynamic),
                _ if is_executed && matches!(token, Token::Placeholder(_)) => return Some(Self::Dynamic),
                _ => {}
            }
        }
        result
    }

    pub fn fact(self, name: &str, language: &str) -> String {
        match self {
            Self::Language => format!("`{name}` is written in `{language}`, which `verify` does not read"),
            Self::Dynamic => format!("`{name}` executes SQL that it puts together from variables"),
            Self::OwnTable => format!("`{name}` executes SQL about the table that fires the trigger"),
        }
    }
}
