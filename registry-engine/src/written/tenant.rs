//! `tenant = …`: how the rows of a table belong to a tenant. Structs and the policy file say it in the same way.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use super::arguments::{self, Argument, ungroup};
use crate::name;
use crate::report::{Diagnostic, Fault};

/// How the rows of a table belong to a tenant, as it is written.
#[derive(Clone, Debug)]
pub enum WrittenTenant {
    /// By a column of their own: `"org_id"`.
    Column(WrittenName),
    /// By the row of another table: `through(project_id -> projects)`.
    Through(WrittenParent),
}

/// The parent in `through(project_id -> projects)`.
#[derive(Clone, Debug)]
pub struct WrittenParent {
    /// The columns that refer to the parent.
    pub columns: Vec<WrittenName>,
    /// The parent.
    pub table: WrittenName,
    /// The columns of the parent that these refer to, in the same order. `id` where nothing is written.
    pub keys: Vec<String>,
}

/// The name of a column or table, with its place among the tokens.
#[derive(Clone, Debug)]
pub struct WrittenName {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The column that a parent's row is found by if nothing else is written.
pub const DEFAULT_KEY: &str = "id";

const THROUGH: &str = "through";

/// The two correct forms, as an error shows them.
pub const TENANT_FORMS: &str =
    "the correct form is `tenant = \"org_id\"` or `tenant = through(project_id -> projects)`";

impl WrittenTenant {
    /// Reads the tokens behind `tenant =`. `None` if there is a fault.
    pub fn read(value: TokenStream, place: Span, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let trees: Vec<TokenTree> = ungroup(value).into_iter().collect();
        match trees.as_slice() {
            [TokenTree::Literal(literal)] => {
                let literal: LitStr = syn::parse2(TokenTree::from(literal.clone()).into())
                    .map_err(|_| faults.push(wrong_form(place, &literal.to_string())))
                    .ok()?;
                let span = literal.span();
                if is_parent(&literal.value()) {
                    faults.push(quoted_parent(&literal.value()).spanned(span));
                    return None;
                }
                column(literal.value())
                    .map(|text| Self::Column(WrittenName { text, span }))
                    .map_err(|fault| faults.push(fault.spanned(span)))
                    .ok()
            }
            [TokenTree::Ident(through), TokenTree::Group(group)]
                if through == THROUGH && group.delimiter() == Delimiter::Parenthesis =>
            {
                parent(group)
                    .map(Self::Through)
                    .map_err(|fault| faults.push(fault))
                    .ok()
            }
            _ => {
                let shown: TokenStream = trees.iter().cloned().collect();
                let fault = wrong_form(place, &shown.to_string());
                faults.push(match trees.as_slice() {
                    [TokenTree::Ident(column)] => fault.help(format!("write `tenant = \"{column}\"`")),
                    _ => fault.help(TENANT_FORMS),
                });
                None
            }
        }
    }

    /// Reads the text of a string in the policy file: the name of a column, or `through(project_id -> projects)`. Places
    /// in the text are lost.
    pub fn read_text(text: &str, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        if !is_parent(text) {
            let span = Span::call_site();
            return column(text.to_string())
                .map(|text| Self::Column(WrittenName { text, span }))
                .map_err(|fault| faults.push(fault))
                .ok();
        }
        match text.parse() {
            Ok(tokens) => Self::read(tokens, Span::call_site(), faults),
            Err(_) => {
                faults.push(wrong_form(Span::call_site(), text).help(TENANT_FORMS));
                None
            }
        }
    }

    /// The columns of the table itself.
    #[must_use]
    pub fn columns(&self) -> &[WrittenName] {
        match self {
            Self::Column(column) => std::slice::from_ref(column),
            Self::Through(parent) => &parent.columns,
        }
    }
}

fn quoted_parent(form: &str) -> Diagnostic {
    let mut faults = Vec::new();
    let is_right = WrittenTenant::read_text(form, &mut faults).is_some();
    let message = format!("`{form}` is in quotes, so it is read as a column name");
    Diagnostic::new(Fault::InvalidValue, message).help(if is_right {
        format!("write `tenant = {form}`")
    } else {
        TENANT_FORMS.to_string()
    })
}

/// Whether a text is meant as `through(…)`.
fn is_parent(text: &str) -> bool {
    let lower = text.trim_start().to_ascii_lowercase();
    let list = lower.strip_prefix(THROUGH);
    list.is_some_and(|list| list.trim_start().starts_with('('))
}

fn column(name: String) -> Result<String, Diagnostic> {
    match name::check_identifier("column name", &name) {
        Err(fault) => Err(Diagnostic::new(fault.code, fault.message).help("write the name of a column")),
        Ok(()) => Ok(name),
    }
}

fn wrong_form(place: Span, found: &str) -> Diagnostic {
    let message = format!("expected a column or `through(…)` for `tenant`, found `{found}`");
    Diagnostic::new(Fault::InvalidValue, message).spanned(place)
}

/// `project_id -> projects`, `(org, no) -> "sales.orders"(org, number)`.
fn parent(group: &Group) -> Result<WrittenParent, Diagnostic> {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    let fault = |place: Span, message: &str| {
        Diagnostic::new(Fault::InvalidValue, message.to_string())
            .spanned(place)
            .note("`through(project_id -> projects)`: the row belongs to the tenant of the row of `projects` whose `id` is its `project_id`")
            .help("the correct form is `through(project_id -> projects)` or `through((org, no) -> orders(org, number))`")
    };
    let arrow = trees.windows(2).position(is_arrow);
    let Some(arrow) = arrow else {
        return Err(fault(
            group.span_open(),
            "expected `->` between the column and its parent",
        ));
    };
    let (before, after) = (&trees[..arrow], &trees[arrow + 2..]);
    let columns = match before {
        [TokenTree::Group(list)] if list.delimiter() == Delimiter::Parenthesis => names(list.stream())?,
        one => vec![name_of(one).ok_or_else(|| fault(group.span_open(), "expected a column before `->`"))?],
    };
    let (table, keys) = match after {
        [table] => (std::slice::from_ref(table), None),
        [table, TokenTree::Group(list)] if list.delimiter() == Delimiter::Parenthesis => {
            (std::slice::from_ref(table), Some(list))
        }
        other => (other, None),
    };
    let arrow_place = trees[arrow].span();
    let table = name_of(table).ok_or_else(|| {
        fault(
            after.first().map_or(arrow_place, TokenTree::span),
            "expected the parent table after `->`",
        )
        .help("put a name with a schema in quotes: `\"sales.orders\"`")
    })?;
    let keys = match keys {
        Some(list) => names(list.stream())?.into_iter().map(|key| key.text).collect(),
        None => vec![DEFAULT_KEY.to_string()],
    };
    if columns.is_empty() || columns.len() != keys.len() {
        return Err(fault(
            table.span,
            &format!(
                "{} of the table {} to {} of `{}`",
                counted(columns.len()),
                if columns.len() == 1 { "refers" } else { "refer" },
                counted(keys.len()),
                table.text
            ),
        ));
    }
    let repeated =
        (1..columns.len()).find(|at| columns[..*at].iter().any(|one| one.text == columns[*at].text));
    if let Some(column) = repeated.map(|at| &columns[at]) {
        return Err(fault(
            column.span,
            &format!("column `{}` is named twice", column.text),
        ));
    }
    if let Some(key) = (1..keys.len()).find(|at| keys[..*at].contains(&keys[*at])) {
        let message = format!("column `{}` of `{}` is named twice", keys[key], table.text);
        return Err(fault(table.span, &message));
    }
    Ok(WrittenParent { columns, table, keys })
}

fn counted(columns: usize) -> String {
    match columns {
        1 => "1 column".to_string(),
        _ => format!("{columns} columns"),
    }
}

fn is_arrow(pair: &[TokenTree]) -> bool {
    let [TokenTree::Punct(minus), TokenTree::Punct(greater)] = pair else {
        return false;
    };
    minus.as_char() == '-' && greater.as_char() == '>'
}

fn names(list: TokenStream) -> Result<Vec<WrittenName>, Diagnostic> {
    let items = arguments::split(list).into_iter();
    items.map(|item| listed_name(&item)).collect()
}

fn listed_name(item: &Argument) -> Result<WrittenName, Diagnostic> {
    let trees: Vec<TokenTree> = item.whole().stream().into_iter().collect();
    name_of(&trees).ok_or_else(|| {
        let message = format!("expected a column, found `{}`", item.whole().text());
        Diagnostic::new(Fault::InvalidValue, message)
            .spanned(item.span())
            .help("write the column's name, in quotes if it is not a Rust identifier")
    })
}

/// An identifier, or a string for a name that is not one.
fn name_of(trees: &[TokenTree]) -> Option<WrittenName> {
    let [tree] = trees else { return None };
    let span = tree.span();
    let tokens = ungroup(tree.clone().into());
    let text = match Ident::parse_any.parse2(tokens.clone()) {
        Ok(ident) => ident.unraw().to_string(),
        Err(_) => syn::parse2::<LitStr>(tokens).ok()?.value(),
    };
    (!text.is_empty()).then_some(WrittenName { text, span })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut faults = Vec::new();
        let tenant = WrittenTenant::read(text.parse().unwrap(), Span::call_site(), &mut faults);
        let names = |names: &[WrittenName]| {
            let texts: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            texts.join(",")
        };
        match tenant {
            Some(WrittenTenant::Column(column)) => column.text,
            Some(WrittenTenant::Through(parent)) => {
                format!(
                    "{} -> {}({})",
                    names(&parent.columns),
                    parent.table.text,
                    parent.keys.join(",")
                )
            }
            None => {
                let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
                messages.join("; ")
            }
        }
    }

    #[test]
    fn every_form() {
        for (text, expected) in [
            ("\"account_id\"", "account_id"),
            ("through(project_id -> projects)", "project_id -> projects(id)"),
            (
                "through(project -> projects(number))",
                "project -> projects(number)",
            ),
            (
                "through((org, no) -> \"sales.orders\"(org, number))",
                "org,no -> sales.orders(org,number)",
            ),
            ("through(r#type -> r#types)", "type -> types(id)"),
            ("through(\"projectId\" -> projects)", "projectId -> projects(id)"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn wrong_forms() {
        for (text, expected) in [
            (
                "org_id",
                "expected a column or `through(…)` for `tenant`, found `org_id`",
            ),
            ("7", "expected a column or `through(…)` for `tenant`, found `7`"),
            ("\"\"", "column name is empty"),
            (
                "through(projects)",
                "expected `->` between the column and its parent",
            ),
            ("through(-> projects)", "expected a column before `->`"),
            ("through(project_id ->)", "expected the parent table after `->`"),
            (
                "through(project_id -> sales.orders)",
                "expected the parent table after `->`",
            ),
            (
                "through((a, b) -> projects)",
                "2 columns of the table refer to 1 column of `projects`",
            ),
            (
                "through(a -> projects(a, b))",
                "1 column of the table refers to 2 columns of `projects`",
            ),
            (
                "through((a, 7) -> projects(a, b))",
                "expected a column, found `7`",
            ),
            ("through((a, a) -> projects(a, b))", "column `a` is named twice"),
            (
                "through((a, b) -> projects(c, c))",
                "column `c` of `projects` is named twice",
            ),
            (
                "\"through(a -> projects)\"",
                "`through(a -> projects)` is in quotes, so it is read as a column name",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn the_policy_file_writes_the_same() {
        let mut faults = Vec::new();
        for (text, columns) in [("org_id", 1), ("through", 1), ("through((a, b) -> c(a, b))", 2)] {
            let tenant = WrittenTenant::read_text(text, &mut faults).unwrap();
            assert_eq!(tenant.columns().len(), columns);
        }
        assert!(faults.is_empty());
        for text in ["", "through(a)", "through(a -> b", "through((((("] {
            assert!(WrittenTenant::read_text(text, &mut faults).is_none(), "{text}");
        }
        assert_eq!(faults.len(), 4);
    }
}
