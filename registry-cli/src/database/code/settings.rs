//! The settings that an expression reads.

use sqlparser::tokenizer::Token;

use crate::database::code::calls::tokens;

/// The names in `current_setting('app.org_id', …)`, in lower case. Names that are put together are not found.
pub fn read(expression: &str) -> Vec<String> {
    let tokens = tokens(expression).unwrap_or_default();
    let calls = tokens.windows(4).filter_map(|window| match window {
        [
            (Token::Word(function), _),
            (Token::LParen, _),
            (Token::SingleQuotedString(name), _),
            (Token::Comma | Token::RParen | Token::DoubleColon, _),
        ] if function.value.eq_ignore_ascii_case("current_setting") => Some(name.to_lowercase()),
        _ => None,
    });
    calls.collect()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_names_in_calls() {
        assert_eq!(
            read(
                "(org_id = NULLIF(current_setting('app.Org_id'::text, true), ''::text)) OR pg_catalog.current_setting('a.b') = 'c'"
            ),
            ["app.org_id", "a.b"]
        );
        assert_eq!(
            read("own('app.org_id') AND current_setting('a.' || b) = 'c'"),
            [""; 0]
        );
    }
}
