//! Expands a `macro_rules!` macro that forwards its arguments, as far as a wrapper of `table_registry!` needs it: see
//! the Rust reference, [Macros By Example](https://doc.rust-lang.org/reference/macros-by-example.html).

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::{Block, Expr, Item, Lifetime, Lit, Meta, Pat, Path, Stmt, Type, Visibility};

/// The operators of several characters, which are one token to the compiler. A longer one comes before its start.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "...", "..=", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "<<", ">>", "::", "->", "<-", "=>", "..",
];

/// One rule of a macro: `(matcher) => { transcriber }`.
#[derive(Debug)]
pub struct Rule {
    matcher: Vec<Pattern>,
    transcriber: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    /// What the compiler counts as one token: an operator is several trees.
    Token(Vec<TokenTree>),
    /// `$name:fragment`, or `$name` in a transcriber.
    Variable {
        name: String,
        fragment: String,
    },
    /// `$( … ) separator operator`.
    Repetition {
        patterns: Vec<Pattern>,
        separator: Vec<TokenTree>,
        operator: char,
    },
    Group(Delimiter, Vec<Pattern>),
}

/// What the variables of a matcher stand for.
type Bindings = Vec<(String, Binding)>;

#[derive(Clone, Debug)]
enum Binding {
    Tokens(TokenStream),
    /// One entry for each round of the repetition around the variable.
    Rounds(Vec<Binding>),
}

impl Rule {
    /// Whether the rule expands to the call of a macro.
    pub fn has_macro_call(&self) -> bool {
        has_bang(&self.transcriber)
    }
}

fn has_bang(patterns: &[Pattern]) -> bool {
    patterns.iter().any(|pattern| match pattern {
        Pattern::Token(token) => matches!(token.as_slice(), [bang] if is_punct(bang, "!")),
        Pattern::Variable { .. } => false,
        Pattern::Repetition { patterns, .. } | Pattern::Group(_, patterns) => has_bang(patterns),
    })
}

/// The rules in the body of a `macro_rules!`.
pub fn rules(body: TokenStream) -> Vec<Rule> {
    let groups = body.into_iter().filter_map(|tree| match tree {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    let mut groups = groups.collect::<Vec<_>>().into_iter();
    let mut rules = Vec::new();
    while let (Some(matcher), Some(transcriber)) = (groups.next(), groups.next()) {
        rules.push(Rule {
            matcher: patterns(matcher, true),
            transcriber: patterns(transcriber, false),
        });
    }
    rules
}

/// What the first rule that matches the arguments expands to.
pub fn expand(rules: &[Rule], arguments: &TokenStream) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = arguments.clone().into_iter().collect();
    let (rule, bindings) = rules.iter().find_map(|rule| {
        let (bindings, rest) = matched(&rule.matcher, &trees)?;
        rest.is_empty().then_some((rule, bindings))
    })?;
    transcribed(&rule.transcriber, &bindings)
}

fn patterns(tokens: TokenStream, is_matcher: bool) -> Vec<Pattern> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut patterns = Vec::new();
    let mut rest = trees.as_slice();
    while !rest.is_empty() {
        let (pattern, after) = first_pattern(rest, is_matcher);
        patterns.push(pattern);
        rest = after;
    }
    patterns
}

fn first_pattern(trees: &[TokenTree], is_matcher: bool) -> (Pattern, &[TokenTree]) {
    match trees {
        [dollar, TokenTree::Group(group), rest @ ..] if is_punct(dollar, "$") => {
            let first = token_length(rest);
            let has_separator = rest
                .first()
                .is_some_and(|tree| !is_punct(tree, "*+?") || first > 1);
            let (separator, rest) = rest.split_at(if has_separator { first } else { 0 });
            let repetition = Pattern::Repetition {
                patterns: patterns(group.stream(), is_matcher),
                separator: separator.to_vec(),
                operator: rest.first().map_or('*', |tree| tree.to_string().remove(0)),
            };
            (repetition, rest.get(1..).unwrap_or_default())
        }
        [
            dollar,
            TokenTree::Ident(name),
            colon,
            TokenTree::Ident(fragment),
            rest @ ..,
        ] if is_matcher && is_punct(dollar, "$") && is_punct(colon, ":") => {
            (variable(name.to_string(), fragment.to_string()), rest)
        }
        [dollar, TokenTree::Ident(name), rest @ ..] if is_punct(dollar, "$") => {
            (variable(name.to_string(), String::new()), rest)
        }
        [TokenTree::Group(group), rest @ ..] => {
            let inner = patterns(group.stream(), is_matcher);
            (Pattern::Group(group.delimiter(), inner), rest)
        }
        _ => {
            let (token, rest) = trees.split_at(token_length(trees));
            (Pattern::Token(token.to_vec()), rest)
        }
    }
}

fn variable(name: String, fragment: String) -> Pattern {
    Pattern::Variable { name, fragment }
}

fn is_punct(tree: &TokenTree, characters: &str) -> bool {
    matches!(tree, TokenTree::Punct(punct) if characters.contains(punct.as_char()))
}

/// How many trees the first token takes, as the compiler counts tokens.
fn token_length(trees: &[TokenTree]) -> usize {
    if let [quote, TokenTree::Ident(_), ..] = trees
        && is_punct(quote, "'")
    {
        return 2;
    }
    let found = OPERATORS.iter().find(|operator| starts_with(trees, operator));
    found.map_or(trees.len().min(1), |operator| operator.len())
}

fn starts_with(trees: &[TokenTree], operator: &str) -> bool {
    let last = operator.len() - 1;
    operator.chars().enumerate().all(|(position, character)| {
        matches!(
            trees.get(position),
            Some(TokenTree::Punct(punct))
                if punct.as_char() == character && (position == last || punct.spacing() == Spacing::Joint)
        )
    })
}

/// Matches tokens from the start. Returns the bindings and the remaining tokens.
fn matched<'t>(patterns: &[Pattern], mut trees: &'t [TokenTree]) -> Option<(Bindings, &'t [TokenTree])> {
    let mut bindings = Bindings::new();
    for pattern in patterns {
        match pattern {
            Pattern::Token(token) => trees = after_token(token, trees)?,
            Pattern::Variable { name, fragment } => {
                let (taken, rest) = trees.split_at_checked(length(fragment, trees)?)?;
                bindings.push((name.clone(), Binding::Tokens(bound_tokens(fragment, taken))));
                trees = rest;
            }
            Pattern::Repetition {
                patterns,
                separator,
                operator,
            } => {
                let (rounds, rest) = rounds(patterns, separator, *operator, trees);
                if rounds.is_empty() && *operator == '+' {
                    return None;
                }
                bindings.extend(by_variable(patterns, &rounds));
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

/// The tokens after this one, if they start with it.
fn after_token<'t>(token: &[TokenTree], trees: &'t [TokenTree]) -> Option<&'t [TokenTree]> {
    let (first, rest) = trees.split_at(token_length(trees));
    let pairs = || first.iter().zip(token);
    let is_same =
        first.len() == token.len() && pairs().all(|(one, other)| one.to_string() == other.to_string());
    is_same.then_some(rest)
}

/// How many trees a fragment takes; `None` if the tokens do not start with one.
fn length(fragment: &str, trees: &[TokenTree]) -> Option<usize> {
    match fragment {
        "tt" => Some(token_length(trees)).filter(|length| *length > 0),
        "ident" => matches!(trees.first()?, TokenTree::Ident(ident) if ident != "_").then_some(1),
        "lifetime" => parsed_length(Lifetime::parse, trees),
        "literal" => parsed_length(Lit::parse, trees),
        "block" => parsed_length(Block::parse, trees),
        "expr" | "expr_2021" => parsed_length(Expr::parse, trees),
        "ty" => parsed_length(Type::parse, trees),
        "path" => parsed_length(Path::parse, trees),
        "pat" => parsed_length(Pat::parse_multi_with_leading_vert, trees),
        "pat_param" => parsed_length(Pat::parse_single, trees),
        "item" => parsed_length(Item::parse, trees),
        "meta" => parsed_length(Meta::parse, trees),
        "vis" => parsed_length(Visibility::parse, trees),
        "stmt" => statement_length(trees),
        _ => None,
    }
}

fn parsed_length<T>(parse: fn(ParseStream<'_>) -> syn::Result<T>, trees: &[TokenTree]) -> Option<usize> {
    let parser = |input: ParseStream<'_>| {
        parse(input)?;
        input.parse::<TokenStream>()
    };
    let rest = parser.parse2(trees.iter().cloned().collect()).ok()?;
    trees.len().checked_sub(rest.into_iter().count())
}

/// The `;` of a statement is not part of the fragment, but `syn` requires it.
fn statement_length(trees: &[TokenTree]) -> Option<usize> {
    if let Some(length) = parsed_length(Item::parse, trees).or_else(|| parsed_length(Expr::parse, trees)) {
        return Some(length);
    }
    let end = trees
        .iter()
        .position(|tree| is_punct(tree, ";"))
        .unwrap_or(trees.len());
    let semicolon: TokenStream = ";".parse().ok()?;
    let statement = trees[..end].iter().cloned().chain(semicolon).collect();
    syn::parse2::<Stmt>(statement).ok()?;
    Some(end)
}

/// What the compiler parsed stays one token where it is used.
fn bound_tokens(fragment: &str, taken: &[TokenTree]) -> TokenStream {
    let tokens = taken.iter().cloned().collect();
    let is_whole = matches!(fragment, "expr" | "expr_2021" | "ty" | "pat" | "pat_param");
    if is_whole && taken.len() > 1 {
        TokenTree::Group(Group::new(Delimiter::None, tokens)).into()
    } else {
        tokens
    }
}

fn rounds<'t>(
    patterns: &[Pattern],
    separator: &[TokenTree],
    operator: char,
    mut trees: &'t [TokenTree],
) -> (Vec<Bindings>, &'t [TokenTree]) {
    let mut rounds = Vec::new();
    let mut start = trees;
    while let Some((bindings, rest)) = matched(patterns, start).filter(|(_, rest)| rest.len() < start.len()) {
        rounds.push(bindings);
        trees = rest;
        if operator == '?' {
            break;
        }
        start = match after_separator(separator, rest) {
            Some(after) => after,
            None => break,
        };
    }
    (rounds, trees)
}

fn after_separator<'t>(separator: &[TokenTree], trees: &'t [TokenTree]) -> Option<&'t [TokenTree]> {
    if separator.is_empty() {
        Some(trees)
    } else {
        after_token(separator, trees)
    }
}

/// The bindings of a repetition, one entry per variable in it.
fn by_variable(patterns: &[Pattern], rounds: &[Bindings]) -> Bindings {
    let names = variables(patterns).into_iter();
    let bindings = names.map(|name| {
        let of_name = rounds.iter().filter_map(|round| bound(round, &name).cloned());
        let rounds = Binding::Rounds(of_name.collect());
        (name, rounds)
    });
    bindings.collect()
}

fn variables(patterns: &[Pattern]) -> Vec<String> {
    let names = patterns.iter().flat_map(|pattern| match pattern {
        Pattern::Token(_) => Vec::new(),
        Pattern::Variable { name, .. } => vec![name.clone()],
        Pattern::Repetition { patterns, .. } | Pattern::Group(_, patterns) => variables(patterns),
    });
    names.collect()
}

/// The expansion; `None` if the compiler would reject it.
fn transcribed(patterns: &[Pattern], bindings: &Bindings) -> Option<TokenStream> {
    let mut tokens = TokenStream::new();
    for pattern in patterns {
        match pattern {
            Pattern::Token(token) => tokens.extend(token.iter().cloned()),
            Pattern::Variable { name, .. } => match bound(bindings, name) {
                Some(Binding::Tokens(bound)) => tokens.extend(bound.clone()),
                Some(Binding::Rounds(_)) => return None,
                // `$crate`, which the caller replaces, or a variable of a macro that the expansion defines.
                None => tokens.extend(format!("${name}").parse::<TokenStream>()),
            },
            Pattern::Repetition {
                patterns, separator, ..
            } => tokens.extend(repeated(patterns, separator, bindings)?),
            Pattern::Group(delimiter, patterns) => {
                let group = Group::new(*delimiter, transcribed(patterns, bindings)?);
                tokens.extend([TokenTree::Group(group)]);
            }
        }
    }
    Some(tokens)
}

/// Repeats the patterns with the variables in them, which all have the same number of rounds.
fn repeated(patterns: &[Pattern], separator: &[TokenTree], bindings: &Bindings) -> Option<TokenStream> {
    let names = variables(patterns);
    let counts = names.iter().filter_map(|name| match bound(bindings, name) {
        Some(Binding::Rounds(rounds)) => Some(rounds.len()),
        _ => None,
    });
    let counts: Vec<usize> = counts.collect();
    let first = *counts.first()?;
    if counts.iter().any(|count| *count != first) {
        return None;
    }
    let mut tokens = TokenStream::new();
    for position in 0..first {
        if position > 0 {
            tokens.extend(separator.iter().cloned());
        }
        let of_round = names.iter().filter_map(|name| {
            let binding = match bound(bindings, name)? {
                Binding::Rounds(rounds) => rounds.get(position)?,
                once @ Binding::Tokens(_) => once,
            };
            Some((name.clone(), binding.clone()))
        });
        tokens.extend(transcribed(patterns, &of_round.collect())?);
    }
    Some(tokens)
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

    fn check(cases: &[(&str, &str, &str)]) {
        for (body, arguments, expected) in cases {
            let rules = rules(body.parse().unwrap());
            let expanded = expand(&rules, &arguments.parse().unwrap()).expect(body);
            let expected: TokenStream = expected.parse().unwrap();
            assert_eq!(tokens(&expanded), tokens(&expected), "{body}");
        }
    }

    #[test]
    fn arguments_are_forwarded() {
        check(&[
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
        ]);
    }

    #[test]
    fn the_next_token_of_the_pattern_ends_a_fragment() {
        check(&[
            (
                "($d:expr => $c:ty => $o:expr) => { t!($d, $c, $o) }",
                "\"a\" => x::Y<1, 2> => f(1) + 2",
                "t!(\"a\", x::Y<1, 2>, f(1) + 2)",
            ),
            (
                "($d:expr) => { n!($d, 1) }; ",
                "a!(1, 2) | b",
                "n!(a!(1, 2) | b, 1)",
            ),
        ]);
    }

    #[test]
    fn an_operator_is_one_token() {
        check(&[
            (
                "($($d:literal)=>*) => { t!($($d),*) }",
                "\"a\" => \"b\"",
                "t!(\"a\", \"b\")",
            ),
            ("($($d:tt)::+) => { t!($($d)->+) }", "a::b", "t!(a->b)"),
            ("($a:tt $b:tt $c:tt) => { t!($b) }", "'x => 'y", "t!(=>)"),
            (
                "($a:tt = $b:tt) => { n!() }; ($a:tt => $b:tt) => { t!($b) }",
                "1 => 2",
                "t!(2)",
            ),
        ]);
    }

    #[test]
    fn variables_of_several_repetitions_go_round_together() {
        check(&[
            (
                "([$($a:literal),*] [$($b:ident),*] $c:tt) => { t!($($a, $b = $c),*) }",
                "[1, 2] [x, y] z",
                "t!(1, x = z, 2, y = z)",
            ),
            (
                "($($k:ident { $($v:literal)* })*) => { t!($($($v, $k),*);*) }",
                "a { 1 2 } b { 3 }",
                "t!(1, a, 2, a; 3, b)",
            ),
            (
                "($a:tt) => { t!($a, $b, $crate::x) }",
                "1",
                "t!(1, $b, $crate::x)",
            ),
            (
                "($a:tt) => { t!(struct S { $a: u32 }) }",
                "x",
                "t!(struct S { x: u32 })",
            ),
        ]);
    }

    #[test]
    fn every_fragment_has_its_length() {
        check(&[
            (
                "($l:lifetime $d:literal) => { t!($d, $l) }",
                "'a \"b\"",
                "t!(\"b\", 'a)",
            ),
            ("($v:vis, $d:literal) => { t!($d) }", ", \"b\"", "t!(\"b\")"),
            (
                "($v:vis mod $d:literal) => { $v t!($d) }",
                "pub(crate) mod \"b\"",
                "pub(crate) t!(\"b\")",
            ),
            ("($v:vis) => { t!($v) }", "", "t!()"),
            (
                "($p:path, $d:literal) => { $p!($d) }",
                "a::b::t, -1",
                "a::b::t!(-1)",
            ),
            (
                "($i:item $d:literal) => { t!($d) $i }",
                "mod a { } \"b\"",
                "t!(\"b\") mod a { }",
            ),
            ("($b:block $d:literal) => { t!($d) }", "{ 1 } \"b\"", "t!(\"b\")"),
            (
                "($p:pat => $d:literal) => { t!($d) }",
                "Some(1 | 2) | None => true",
                "t!(true)",
            ),
            (
                "(#[$m:meta] $d:literal) => { t!($d) }",
                "#[a(b = 1)] \"b\"",
                "t!(\"b\")",
            ),
            (
                "($s:stmt; $d:literal) => { t!($d) }",
                "let x = 1; \"b\"",
                "t!(\"b\")",
            ),
            (
                "($(#[$m:meta])* $($d:literal)?) => { t!($($d)?) }",
                "#[a] #[b]",
                "t!()",
            ),
        ]);
    }

    #[test]
    fn what_the_compiler_rejects_has_no_expansion() {
        for (body, arguments) in [
            ("($d:literal) => { t!($d) }", "\"a\", \"b\""),
            ("($d:literal) => { t!($d) }", "x"),
            ("($($d:literal)+) => { t!() }", ""),
            ("($($d:literal)?) => { t!() }", "1 2"),
            ("($i:ident) => { t!() }", "_"),
            ("([$($a:tt)*] [$($b:tt)*]) => { t!($($a $b)*) }", "[1] [2 3]"),
            ("($($a:tt)*) => { t!($a) }", "1"),
            ("($a:tt) => { t!($($a)*) }", "1"),
            ("($a:unknown) => { t!($a) }", "1"),
        ] {
            let rules = rules(body.parse().unwrap());
            let expanded = expand(&rules, &arguments.parse().unwrap());
            assert!(expanded.is_none(), "{body}: {expanded:?}");
        }
    }
}
