//! Expands a `macro_rules!` macro that forwards its arguments, as far as a wrapper of `table_registry!` needs it: see
//! the Rust reference, [Macros By Example](https://doc.rust-lang.org/reference/macros-by-example.html).
//!
//! Fragments are matched as tokens, without parsing: an expression or a type ends at the next `,` or `;`.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// One rule of a macro: `(matcher) => { transcriber }`.
#[derive(Debug)]
pub struct Rule {
    matcher: Vec<Pattern>,
    transcriber: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    Token(TokenTree),
    /// `$name:fragment`, or `$name` in a transcriber.
    Variable {
        name: String,
        fragment: String,
    },
    /// `$( … ) separator operator`.
    Repetition {
        patterns: Vec<Pattern>,
        separator: Option<TokenTree>,
    },
    Group(Delimiter, Vec<Pattern>),
}

/// What the variables of a matcher stand for.
type Bindings = Vec<(String, Binding)>;

#[derive(Clone, Debug)]
enum Binding {
    Tokens(Vec<TokenTree>),
    Repeated(Vec<Bindings>),
}

impl Rule {
    /// Whether the rule expands to the call of a macro.
    pub fn has_macro_call(&self) -> bool {
        has_bang(&self.transcriber)
    }
}

fn has_bang(patterns: &[Pattern]) -> bool {
    patterns.iter().any(|pattern| match pattern {
        Pattern::Token(token) => is_punct(token, &['!']),
        Pattern::Variable { .. } => false,
        Pattern::Repetition { patterns, .. } | Pattern::Group(_, patterns) => has_bang(patterns),
    })
}

/// The rules in the body of a `macro_rules!`.
pub fn rules(body: TokenStream) -> Vec<Rule> {
    let groups = body.into_iter().filter_map(|tree| match tree {
        TokenTree::Group(group) => Some(patterns(group.stream())),
        _ => None,
    });
    let mut groups = groups.collect::<Vec<_>>().into_iter();
    let mut rules = Vec::new();
    while let (Some(matcher), Some(transcriber)) = (groups.next(), groups.next()) {
        rules.push(Rule { matcher, transcriber });
    }
    rules
}

/// What the first rule that matches the arguments expands to.
pub fn expand(rules: &[Rule], arguments: &TokenStream) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = arguments.clone().into_iter().collect();
    rules.iter().find_map(|rule| {
        let (bindings, rest) = matched(&rule.matcher, &trees)?;
        rest.is_empty().then(|| transcribed(&rule.transcriber, &bindings))
    })
}

fn patterns(tokens: TokenStream) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        patterns.push(match tree {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => match trees.next() {
                Some(TokenTree::Group(group)) => {
                    let mut separator = None;
                    for tree in trees.by_ref() {
                        if is_punct(&tree, &['*', '+', '?']) {
                            break;
                        }
                        separator = Some(tree);
                    }
                    Pattern::Repetition {
                        patterns: self::patterns(group.stream()),
                        separator,
                    }
                }
                Some(TokenTree::Ident(name)) => {
                    let has_fragment = trees.next_if(is_single_colon).is_some();
                    let fragment = if has_fragment { trees.next() } else { None };
                    Pattern::Variable {
                        name: name.to_string(),
                        fragment: fragment.map_or_else(String::new, |tree| tree.to_string()),
                    }
                }
                _ => Pattern::Token(TokenTree::Punct(dollar)),
            },
            TokenTree::Group(group) => Pattern::Group(group.delimiter(), self::patterns(group.stream())),
            other => Pattern::Token(other),
        });
    }
    patterns
}

/// Whether this is the colon of `$name:fragment`, not one of `$crate::name`.
fn is_single_colon(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Alone)
}

fn is_punct(tree: &TokenTree, characters: &[char]) -> bool {
    matches!(tree, TokenTree::Punct(punct) if characters.contains(&punct.as_char()))
}

/// Matches tokens from the start. Returns the bindings and the remaining tokens.
fn matched<'t>(patterns: &[Pattern], mut trees: &'t [TokenTree]) -> Option<(Bindings, &'t [TokenTree])> {
    let mut bindings = Bindings::new();
    for pattern in patterns {
        match pattern {
            Pattern::Token(token) => {
                let (first, rest) = trees.split_first()?;
                if first.to_string() != token.to_string() {
                    return None;
                }
                trees = rest;
            }
            Pattern::Variable { name, fragment } => {
                let (taken, rest) = trees.split_at_checked(length(fragment, trees)?)?;
                bindings.push((name.clone(), Binding::Tokens(taken.to_vec())));
                trees = rest;
            }
            Pattern::Repetition { patterns, separator } => {
                let (repeated, rest) = repetitions(patterns, separator.as_ref(), trees);
                bindings.extend(by_variable(patterns, &repeated));
                trees = rest;
            }
            Pattern::Group(delimiter, patterns) => {
                let Some((TokenTree::Group(group), rest)) = trees.split_first() else {
                    return None;
                };
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let (inside, []) = matched(patterns, &inner)? else {
                    return None;
                };
                if group.delimiter() != *delimiter {
                    return None;
                }
                bindings.extend(inside);
                trees = rest;
            }
        }
    }
    Some((bindings, trees))
}

/// How many tokens a fragment takes.
fn length(fragment: &str, trees: &[TokenTree]) -> Option<usize> {
    let first = trees.first()?;
    match fragment {
        "tt" => Some(1),
        "ident" => matches!(first, TokenTree::Ident(_)).then_some(1),
        "literal" => matches!(first, TokenTree::Literal(_)).then_some(1),
        "block" => matches!(first, TokenTree::Group(_)).then_some(1),
        _ => {
            let end = trees.iter().position(|tree| is_punct(tree, &[',', ';']));
            Some(end.unwrap_or(trees.len())).filter(|length| *length > 0)
        }
    }
}

fn repetitions<'t>(
    patterns: &[Pattern],
    separator: Option<&TokenTree>,
    mut trees: &'t [TokenTree],
) -> (Vec<Bindings>, &'t [TokenTree]) {
    let mut repeated = Vec::new();
    let mut start = trees;
    while let Some((bindings, rest)) = matched(patterns, start).filter(|(_, rest)| rest.len() < start.len()) {
        repeated.push(bindings);
        trees = rest;
        start = match (separator, rest.split_first()) {
            (None, _) => rest,
            (Some(separator), Some((next, after))) if next.to_string() == separator.to_string() => after,
            (Some(_), _) => break,
        };
    }
    (repeated, trees)
}

/// The bindings of a repetition, one entry per variable in it.
fn by_variable(patterns: &[Pattern], repeated: &[Bindings]) -> Bindings {
    variables(patterns)
        .into_iter()
        .map(|name| (name, Binding::Repeated(repeated.to_vec())))
        .collect()
}

fn variables(patterns: &[Pattern]) -> Vec<String> {
    let names = patterns.iter().flat_map(|pattern| match pattern {
        Pattern::Token(_) => Vec::new(),
        Pattern::Variable { name, .. } => vec![name.clone()],
        Pattern::Repetition { patterns, .. } | Pattern::Group(_, patterns) => variables(patterns),
    });
    names.collect()
}

fn transcribed(patterns: &[Pattern], bindings: &Bindings) -> TokenStream {
    let parts = patterns.iter().map(|pattern| match pattern {
        Pattern::Token(token) => token.clone().into(),
        Pattern::Variable { name, .. } => match bound(bindings, name) {
            Some(Binding::Tokens(tokens)) => tokens.iter().cloned().collect(),
            // `$crate`, which the caller replaces.
            _ => format!("${name}").parse().unwrap_or_default(),
        },
        Pattern::Repetition { patterns, separator } => repeated(patterns, separator.as_ref(), bindings),
        Pattern::Group(delimiter, patterns) => {
            let group = Group::new(*delimiter, transcribed(patterns, bindings));
            TokenTree::Group(group).into()
        }
    });
    parts.collect()
}

fn repeated(patterns: &[Pattern], separator: Option<&TokenTree>, bindings: &Bindings) -> TokenStream {
    let names = variables(patterns);
    let rounds = names.iter().find_map(|name| match bound(bindings, name) {
        Some(Binding::Repeated(rounds)) => Some(rounds),
        _ => None,
    });
    let mut tokens = TokenStream::new();
    for (position, round) in rounds.into_iter().flatten().enumerate() {
        if position > 0 {
            tokens.extend(separator.cloned());
        }
        let inner: Bindings = round.iter().chain(bindings).cloned().collect();
        tokens.extend(transcribed(patterns, &inner));
    }
    tokens
}

fn bound<'b>(bindings: &'b Bindings, name: &str) -> Option<&'b Binding> {
    let (_, binding) = bindings.iter().find(|(known, _)| known == name)?;
    Some(binding)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drops white space, which depends on where a token comes from.
    fn tokens(stream: &TokenStream) -> String {
        stream.to_string().split_whitespace().collect()
    }

    #[test]
    fn arguments_are_forwarded() {
        for (body, arguments, expected) in [
            ("() => { t!(\"a\") }", "", "t!(\"a\")"),
            (
                "($d:literal) => { t!($d, crate = $crate::x) }",
                "\"a\"",
                "t!(\"a\", crate = $crate::x)",
            ),
            (
                "($($d:literal),+ $(,)?) => { t!($($d),+) }",
                "\"a\", \"b\",",
                "t!(\"a\", \"b\")",
            ),
            (
                "($($t:tt)*) => { t!($($t)*, x) }",
                "\"a\", b = c",
                "t!(\"a\", b = c, x)",
            ),
            (
                "($d:expr, $o:expr) => { t!($o, $d) }",
                "a!(1, 2), \"b\"",
                "t!(\"b\", a!(1, 2))",
            ),
            (
                "($a:ident) => { n!() }; ([$d:literal]) => { t!($d) }",
                "[\"a\"]",
                "t!(\"a\")",
            ),
            (
                "($($k:ident = $v:literal);*) => { t!($($v, $k = $v),*) }",
                "a = 1; b = 2",
                "t!(1, a = 1, 2, b = 2)",
            ),
        ] {
            let rules = rules(body.parse().unwrap());
            let expanded = expand(&rules, &arguments.parse().unwrap()).unwrap();
            let expected: TokenStream = expected.parse().unwrap();
            assert_eq!(tokens(&expanded), tokens(&expected), "{body}");
        }
        let one = rules("($d:literal) => { t!($d) }".parse().unwrap());
        assert!(expand(&one, &"\"a\", \"b\"".parse().unwrap()).is_none());
        assert!(expand(&one, &"x".parse().unwrap()).is_none());
    }
}
