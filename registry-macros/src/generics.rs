//! The generics of a struct, in the form that the implementations added by `#[table]` need.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, GenericParam, Meta};

/// The parameters in the builds that meet a condition.
#[derive(Debug)]
pub(crate) struct Build {
    /// `#[cfg(…)]`; none if all builds have the same parameters.
    pub condition: Option<TokenStream>,
    /// `<'a, T: Copy>`, as after `impl`; none if there are no parameters.
    pub parameters: Option<TokenStream>,
    /// `<'a, T>`, as after the name of the struct.
    pub arguments: Option<TokenStream>,
}

/// Each condition doubles the number of implementations, of which the compiler keeps one.
pub(crate) const MAX_CONDITIONS: usize = 4;

/// The parameters in all builds; `None` if they have more than [`MAX_CONDITIONS`] conditions. A parameter may have
/// `#[cfg]`, but its argument cannot, so each combination of conditions needs an implementation of its own.
pub(crate) fn builds(parameters: impl IntoIterator<Item = GenericParam>) -> Option<Vec<Build>> {
    let mut conditions = Conditions::default();
    let parameters: Vec<Parameter> = parameters
        .into_iter()
        .map(|parameter| Parameter::new(parameter, &mut conditions))
        .collect();
    let count = conditions.predicates.len();
    let build = |met| Build::new(&parameters, &conditions, met);
    (count <= MAX_CONDITIONS).then(|| (0..1 << count).rev().map(build).collect())
}

/// The different conditions of parameters.
#[derive(Default)]
struct Conditions {
    predicates: Vec<TokenStream>,
    texts: Vec<String>,
}

impl Conditions {
    /// The position of the condition in `#[cfg(…)]`.
    fn position(&mut self, attribute: &Attribute) -> Option<usize> {
        let list = match &attribute.meta {
            Meta::List(list) if list.path.is_ident("cfg") => list,
            _ => return None,
        };
        let text = list.tokens.to_string();
        let known = self.texts.iter().position(|known| *known == text);
        Some(known.unwrap_or_else(|| {
            self.texts.push(text);
            self.predicates.push(list.tokens.clone());
            self.texts.len() - 1
        }))
    }
}

struct Parameter {
    /// The positions of its conditions.
    conditions: Vec<usize>,
    declared: TokenStream,
    argument: TokenStream,
}

impl Parameter {
    fn new(mut parameter: GenericParam, conditions: &mut Conditions) -> Self {
        let (attributes, argument) = match &mut parameter {
            GenericParam::Lifetime(found) => (&mut found.attrs, found.lifetime.to_token_stream()),
            GenericParam::Type(found) => {
                found.default = None;
                (&mut found.attrs, found.ident.to_token_stream())
            }
            GenericParam::Const(found) => {
                found.default = None;
                (&mut found.attrs, found.ident.to_token_stream())
            }
        };
        let attributes = std::mem::take(attributes);
        let lints: TokenStream = attributes
            .iter()
            .filter_map(|found| allowed(&found.meta))
            .collect();
        Self {
            conditions: attributes
                .iter()
                .filter_map(|found| conditions.position(found))
                .collect(),
            declared: generated(quote!(#lints #parameter)),
            argument: generated(argument),
        }
    }
}

impl Build {
    /// `met` has a bit for each condition.
    fn new(parameters: &[Parameter], conditions: &Conditions, met: usize) -> Self {
        let is_met = |condition: &usize| met & (1 << condition) != 0;
        let is_present = |parameter: &&Parameter| parameter.conditions.iter().all(is_met);
        let present: Vec<&Parameter> = parameters.iter().filter(is_present).collect();
        let declared = present.iter().map(|parameter| &parameter.declared);
        let arguments = present.iter().map(|parameter| &parameter.argument);
        let predicates = conditions.predicates.iter().enumerate();
        let literals = predicates.map(|(condition, predicate)| {
            if is_met(&condition) {
                predicate.clone()
            } else {
                quote!(not(#predicate))
            }
        });
        let is_generic = !present.is_empty();
        Self {
            condition: (!conditions.predicates.is_empty()).then(|| quote!(#[cfg(all(#(#literals),*))])),
            parameters: is_generic.then(|| quote!(<#(#declared),*>)),
            arguments: is_generic.then(|| quote!(<#(#arguments),*>)),
        }
    }
}

/// `#[allow(…)]` for an attribute that allows or expects lints. A lint that is expected on the struct may not fire
/// again here.
pub(crate) fn allowed(meta: &Meta) -> Option<TokenStream> {
    match meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
            let lints = &list.tokens;
            Some(quote!(#[allow(#lints)]))
        }
        _ => None,
    }
}

/// The tokens with lifetimes that belong to the macro instead of the user, so that lints such as
/// `single_use_lifetimes` do not mistake the generated code for the user's. Errors still point at the user's code.
pub(crate) fn generated(tokens: TokenStream) -> TokenStream {
    let mut is_lifetime = false;
    let ours = |span: Span| Span::call_site().located_at(span);
    let respanned = tokens.into_iter().map(|tree| {
        let is_name = std::mem::take(&mut is_lifetime);
        match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), generated(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            TokenTree::Punct(mut punct) if punct.as_char() == '\'' => {
                is_lifetime = true;
                punct.set_span(ours(punct.span()));
                TokenTree::Punct(punct)
            }
            TokenTree::Ident(name) if is_name => {
                TokenTree::Ident(Ident::new(&name.to_string(), ours(name.span())))
            }
            tree => tree,
        }
    });
    respanned.collect()
}

#[cfg(test)]
mod tests {
    use syn::Generics;

    use super::*;

    fn found(generics: &str) -> Option<Vec<[String; 3]>> {
        let generics: Generics = syn::parse_str(generics).unwrap();
        let text = |tokens: Option<TokenStream>| tokens.unwrap_or_default().to_string().replace(' ', "");
        let builds = builds(generics.params)?.into_iter();
        Some(
            builds
                .map(|build| {
                    [
                        text(build.condition),
                        text(build.parameters),
                        text(build.arguments),
                    ]
                })
                .collect(),
        )
    }

    #[test]
    fn parameters_in_every_build() {
        for (generics, parameters, arguments) in [
            ("", "", ""),
            ("<>", "", ""),
            (
                "<'a, T: Copy = u8, const N: usize = 3>",
                "<'a,T:Copy,constN:usize>",
                "<'a,T,N>",
            ),
            (
                "<'a: 'b, 'b, T: for<'c> F<'c>>",
                "<'a:'b,'b,T:for<'c>F<'c>>",
                "<'a,'b,T>",
            ),
            (
                "<#[allow(x)] 'a, #[expect(y)] t>",
                "<#[allow(x)]'a,#[allow(y)]t>",
                "<'a,t>",
            ),
            ("<#[may_dangle] T, #[doc = \"x\"] U>", "<T,U>", "<T,U>"),
        ] {
            let expected = ["", parameters, arguments].map(str::to_string);
            assert_eq!(found(generics).unwrap(), [expected], "{generics}");
        }
    }

    #[test]
    fn parameters_with_conditions() {
        let all = |generics: &str| -> Vec<String> {
            found(generics)
                .unwrap()
                .iter()
                .map(|build| build.join(" "))
                .collect()
        };
        assert_eq!(
            all("<#[cfg(x)] T: Copy, U>"),
            ["#[cfg(all(x))] <T:Copy,U> <T,U>", "#[cfg(all(not(x)))] <U> <U>"]
        );
        assert_eq!(
            all("<#[cfg(x)] 'a, #[cfg(x)] const N: u8>"),
            ["#[cfg(all(x))] <'a,constN:u8> <'a,N>", "#[cfg(all(not(x)))]  "]
        );
        assert_eq!(
            all("<#[cfg(x)] T, #[cfg(not(x))] U>"),
            [
                "#[cfg(all(x,not(x)))] <T,U> <T,U>",
                "#[cfg(all(not(x),not(x)))] <U> <U>",
                "#[cfg(all(x,not(not(x))))] <T> <T>",
                "#[cfg(all(not(x),not(not(x))))]  "
            ]
        );
        assert_eq!(all("<#[cfg(x)] #[cfg(y)] T>").len(), 4);
        assert!(found("<#[cfg(a)] A, #[cfg(b)] B, #[cfg(c)] C, #[cfg(d)] D>").is_some());
        assert!(found("<#[cfg(a)] A, #[cfg(b)] B, #[cfg(c)] C, #[cfg(d)] D, #[cfg(e)] E>").is_none());
    }
}
