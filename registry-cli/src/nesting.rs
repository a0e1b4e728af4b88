//! Tokenizes whole texts, with a limit on nested brackets: syn and proc-macro2 read and print groups recursively.

use proc_macro2::{LexError, Spacing, TokenStream, TokenTree};

/// The depth to which brackets may be nested. Code that people write stays far below it.
const LIMIT: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AngleBracket {
    Open,
    Close,
}

/// The angle bracket at this index, if there is one. The `>` of `->` and `=>` does not count.
pub fn angle_bracket(trees: &[TokenTree], at: usize) -> Option<AngleBracket> {
    let TokenTree::Punct(punct) = &trees[at] else {
        return None;
    };
    let before = at.checked_sub(1).map(|before| &trees[before]);
    let is_arrow = matches!(before, Some(TokenTree::Punct(punct))
        if punct.spacing() == Spacing::Joint && matches!(punct.as_char(), '-' | '='));
    match punct.as_char() {
        '<' => Some(AngleBracket::Open),
        '>' if !is_arrow => Some(AngleBracket::Close),
        _ => None,
    }
}

/// The tokens of a text, or the reason why it cannot be tokenized.
pub fn tokens(text: &str) -> Result<TokenStream, String> {
    let tokens: TokenStream = text.parse().map_err(|error: LexError| error.to_string())?;
    if has_deep_brackets(&tokens) {
        return Err(format!("brackets are nested more than {LIMIT} levels deep"));
    }
    Ok(tokens)
}

pub fn has_deep_brackets(tokens: &TokenStream) -> bool {
    let mut open = vec![tokens.clone().into_iter()];
    while let Some(innermost) = open.last_mut() {
        match innermost.next() {
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(_) => {}
            None => _ = open.pop(),
        }
        if open.len() > LIMIT {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_of_a_text() {
        let nested = |levels: usize| format!("{}{}", "[{(".repeat(levels), ")}]".repeat(levels));
        assert!(tokens(&nested(LIMIT / 3)).is_ok());
        for levels in [LIMIT, 100_000] {
            assert!(
                tokens(&nested(levels))
                    .unwrap_err()
                    .contains("more than 128 levels")
            );
        }
        assert!(tokens("(").is_err());
    }
}
