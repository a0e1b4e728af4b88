//! Splits a text of SQL into its statements, as `psql` and migration tools do.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// One statement of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without the semicolon.
    pub text: String,
    /// The line of the file in which it starts.
    pub line: usize,
    /// Its first words, in lower case.
    pub head: Vec<String>,
}

/// A command of `psql`, which no server understands.
#[derive(Debug, PartialEq, Eq)]
pub struct PsqlCommand {
    pub text: String,
    pub line: usize,
}

/// How many words tell one kind of statement from another.
const HEAD: usize = 4;

impl Statement {
    /// Whether it starts with these words.
    pub fn starts(&self, words: &str) -> bool {
        let mut head = self.head.iter();
        words
            .split(' ')
            .all(|word| head.next().is_some_and(|found| found == word))
    }

    /// The start of its text, on one line.
    pub fn excerpt(&self) -> String {
        const LENGTH: usize = 60;
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LENGTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    /// The line of the file for a position in the text, counted in characters from one.
    pub fn line_at(&self, position: usize) -> usize {
        let before = self.text.chars().take(position.saturating_sub(1));
        self.line + before.filter(|c| *c == '\n').count()
    }
}

/// The statements of a text. If the text cannot be taken apart, it is one statement, and the server says what is wrong.
pub fn statements(text: &str) -> Result<Vec<Statement>, PsqlCommand> {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location() else {
        return whole(text);
    };
    let tokens: Vec<&TokenWithSpan> = tokens.iter().filter(|token| !is_space(&token.token)).collect();
    if let Some(command) = tokens.iter().find(|token| token.token == Token::Backslash) {
        return Err(psql_command(text, command.span.start.line));
    }
    if let Some(copy) = copy_from_client(&tokens) {
        return Err(PsqlCommand {
            text: "COPY … FROM stdin".to_string(),
            line: usize::try_from(copy.span.start.line).unwrap_or(1),
        });
    }
    let offsets = Offsets::of(text);
    let mut statements = Vec::new();
    for (start, end) in ranges(&tokens) {
        let Some(first) = tokens[start..end].first() else {
            continue;
        };
        let from = offsets.at(first.span.start);
        let to = tokens
            .get(end)
            .map_or(text.len(), |next| offsets.at(next.span.start));
        statements.push(Statement {
            text: text[from..to].trim_end().to_string(),
            line: usize::try_from(first.span.start.line).unwrap_or(1),
            head: tokens[start..end]
                .iter()
                .take(HEAD)
                .map(|token| token.token.to_string().to_lowercase())
                .collect(),
        });
    }
    Ok(statements)
}

/// The text as one statement, unless a line is a command of `psql`.
fn whole(text: &str) -> Result<Vec<Statement>, PsqlCommand> {
    let mut lines = (1..).zip(text.lines());
    if let Some((line, _)) = lines.find(|(_, text)| text.trim_start().starts_with('\\')) {
        return Err(psql_command(text, line));
    }
    let head = text.split_whitespace().take(HEAD).map(str::to_lowercase);
    Ok(vec![Statement {
        text: text.to_string(),
        line: 1,
        head: head.collect(),
    }])
}

/// The word `stdin` after `FROM`: the rows follow the statement, which only `psql` understands.
fn copy_from_client<'t>(tokens: &[&'t TokenWithSpan]) -> Option<&'t TokenWithSpan> {
    let mut pairs = tokens.windows(2);
    let found = pairs.find(|pair| is_word(pair[0], "from") && is_word(pair[1], "stdin"));
    found.map(|pair| pair[1])
}

fn psql_command(text: &str, line: u64) -> PsqlCommand {
    let line = usize::try_from(line).unwrap_or(1);
    let words = text.lines().nth(line - 1).unwrap_or_default().split_whitespace();
    let command = words.clone().find(|word| word.starts_with('\\'));
    PsqlCommand {
        text: command.unwrap_or("\\").to_string(),
        line,
    }
}

fn is_space(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_) | Token::EOF)
}

/// The positions of the tokens of each statement: up to its semicolon. A semicolon in parentheses, as in CREATE RULE, or
/// in BEGIN ATOMIC … END does not end a statement.
fn ranges(tokens: &[&TokenWithSpan]) -> Vec<(usize, usize)> {
    let (mut ranges, mut start, mut parentheses, mut blocks) = (Vec::new(), 0, 0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen => parentheses += 1,
            Token::RParen => parentheses = parentheses.saturating_sub(1),
            Token::Word(word) if word.quote_style.is_none() => {
                let is_atomic = || tokens.get(at + 1).is_some_and(|next| is_word(next, "atomic"));
                if is_word(token, "begin") && is_atomic() || blocks > 0 && is_word(token, "case") {
                    blocks += 1;
                } else if blocks > 0 && is_word(token, "end") {
                    blocks -= 1;
                }
            }
            Token::SemiColon if parentheses == 0 && blocks == 0 => {
                ranges.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    ranges.push((start, tokens.len()));
    ranges
}

fn is_word(token: &TokenWithSpan, text: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

/// Where the lines of a text start.
struct Offsets<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Offsets<'t> {
    fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            lines: [0].into_iter().chain(breaks).collect(),
        }
    }

    /// The byte of a location, whose columns are characters.
    fn at(&self, location: Location) -> usize {
        let number = |number: u64| usize::try_from(number).unwrap_or(1).saturating_sub(1);
        let start = self.lines[number(location.line).min(self.lines.len() - 1)];
        let mut rest = self.text[start..].char_indices();
        start
            + rest
                .nth(number(location.column))
                .map_or(self.text.len() - start, |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, String)> {
        let all = statements(text).unwrap().into_iter();
        all.map(|one| (one.line, one.text)).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        split(text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn each_statement_with_its_line() {
        let text = "-- a comment; not a statement\n\nSELECT 'ä;';  SELECT 2 -- two; three\n;\n;\nSELECT\n  3";
        assert_eq!(
            split(text),
            [
                (3, "SELECT 'ä;'".to_string()),
                (3, "SELECT 2 -- two; three".to_string()),
                (6, "SELECT\n  3".to_string())
            ]
        );
        assert_eq!(split("-- nothing\n;"), []);
        let statement = &statements(text).unwrap()[2];
        assert_eq!((statement.line_at(1), statement.line_at(10)), (6, 7));
    }

    #[test]
    fn semicolons_that_end_nothing() {
        for one in [
            "SELECT E'it\\'s; not', \";\", $$;$$, $a$ $$; $a$ /* ; /* ; */ */",
            "CREATE RULE r AS ON UPDATE TO a DO (DELETE FROM b; DELETE FROM c)",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END",
            "DO $do$ BEGIN CREATE ROLE a; EXCEPTION WHEN OTHERS THEN NULL; END $do$",
        ] {
            assert_eq!(texts(&format!("{one};\nSELECT 2;")), [one, "SELECT 2"]);
        }
        assert_eq!(texts("BEGIN; SELECT 1; END;"), ["BEGIN", "SELECT 1", "END"]);
    }

    #[test]
    fn commands_of_psql() {
        for (text, command, line) in [
            ("SELECT 1;\n  \\connect other\n", "\\connect", 2),
            ("SELECT 1; \\q\nCREATE TABLE a ();", "\\q", 1),
            ("SELECT 1 \\g \\connect postgres", "\\g", 1),
            ("\\set name 'it''s'", "\\set", 1),
        ] {
            let found = statements(text).unwrap_err();
            assert_eq!((found.text.as_str(), found.line), (command, line), "{text}");
        }
        assert_eq!(texts("SELECT '\n\\connect x'").len(), 1);
    }

    #[test]
    fn a_text_that_cannot_be_taken_apart_is_one_statement() {
        assert_eq!(texts("SELECT 'a; SELECT 2"), ["SELECT 'a; SELECT 2"]);
    }

    #[test]
    fn kinds_of_statements() {
        let only = |text: &str| statements(text).unwrap().remove(0);
        assert!(only("Start\n Transaction").starts("start transaction"));
        assert!(!only("START").starts("start transaction"));
        assert_eq!(
            only(&format!("SELECT\n {}", "x".repeat(80)))
                .excerpt()
                .chars()
                .count(),
            61
        );
    }
}
