//! What `#[table(…)]` and the other attributes of a struct say about its table.
//! The macro and the scan of the files both ask here, so they cannot disagree.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Ident, LitStr, Meta, MetaNameValue, Path, Token, bracketed};

use super::arguments::{self, Argument, Value};
use super::diagnostic::{Code, Diagnostic};
use super::lints::{LintRule, unknown_lint};
use super::name::{self, TableName};
use super::scan::{is_our_crate, may_bring_helpers};
use super::suggest::{did_you_mean, nearest};
use crate::TableKind;

const TABLE: &str = "table";
const KIND: &str = "kind";
const NAME: &str = "name";
const SCHEMA: &str = "schema";
const ALLOW: &str = "allow";
const REASON: &str = "reason";
const KEYS: [&str; 4] = [KIND, NAME, SCHEMA, ALLOW];

/// The attributes that name the table of a struct: `#[diesel(table_name = users)]`,
/// `#[sea_orm(schema_name = "auth", table_name = "users")]`.
const ORMS: [&str; 2] = ["diesel", "sea_orm"];
const ORM_NAME: &str = "table_name";
const ORM_SCHEMA: &str = "schema_name";

/// A lint that does not apply to a table.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// The rule.
    pub rule: Code,
    /// Where the attribute names it.
    pub span: Span,
}

/// The table that one struct declares. Faults leave the best guess in place, so
/// that one mistake in an attribute is one error.
#[derive(Debug)]
pub struct Declared {
    /// The table's name.
    pub name: TableName,
    /// Another name, which a second ORM attribute gives the same table.
    pub other_name: Option<String>,
    /// The kind, before any override.
    pub kind: TableKind,
    /// The lints that do not apply to the table.
    pub allowed: Vec<Allowed>,
    /// What is wrong with the attribute; without a place, with the name that the struct's own gives.
    pub faults: Vec<Diagnostic>,
}

/// Reads the arguments of `#[table(…)]`, the other attributes of the same struct,
/// and the struct's name.
#[must_use]
pub fn declare(arguments: TokenStream, neighbours: &[&Meta], ident: &Ident) -> Declared {
    let mut faults = Vec::new();
    let own = OwnArguments::read(arguments, &mut faults);
    let orm = OrmNames::read(neighbours, own.name.is_none(), &mut faults);
    let table = own
        .name
        .or(orm.table)
        .unwrap_or_else(|| default_name(ident, &mut faults));
    Declared {
        other_name: orm.other_table,
        name: TableName {
            schema: own.schema.or(orm.schema),
            table,
        },
        kind: own.kind.unwrap_or_default(),
        allowed: own.allowed,
        faults,
    }
}

/// A fault of it has no place, which stands for the struct's name.
fn default_name(ident: &Ident, faults: &mut Vec<Diagnostic>) -> String {
    let name = TableName::of_struct(&ident.unraw().to_string());
    faults.extend(name_fault("table name", &name));
    name
}

fn name_fault(what: &str, name: &str) -> Option<Diagnostic> {
    let fault = name::check(what, name).err()?;
    Some(Diagnostic::new(fault.code, fault.message).help(fault.help))
}

/// `kind`, `name`, `schema` and `allow`, as far as they could be understood.
#[derive(Default)]
struct OwnArguments {
    kind: Option<TableKind>,
    name: Option<String>,
    schema: Option<String>,
    allowed: Vec<Allowed>,
}

impl OwnArguments {
    fn read(arguments: TokenStream, faults: &mut Vec<Diagnostic>) -> Self {
        let mut own = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for argument in arguments::split(arguments) {
            let Some(key) = argument.key().filter(|key| KEYS.iter().any(|known| key == known)) else {
                faults.push(unknown_key(&argument));
                own.guess(&argument);
                continue;
            };
            if seen.contains(&key.to_string()) {
                faults.push(arguments::repeated(Code::RepeatedKey, &key));
                continue;
            }
            seen.push(key.to_string());
            if key == ALLOW {
                own.allowed = allowed(&argument, &key, faults);
                continue;
            }
            match value_of(&argument, &key) {
                Ok(value) if key == KIND => own.kind = kind(&value).map_err(|fault| faults.push(fault)).ok(),
                Ok(value) if key == NAME => own.name = string(&key, &value, faults),
                Ok(value) => own.schema = string(&key, &value, faults),
                Err(fault) => faults.push(fault),
            }
        }
        own
    }
}

impl OwnArguments {
    /// What a misspelt key probably gives, so that the policy files can still refer to it.
    fn guess(&mut self, argument: &Argument) {
        let (Some(key), Some(value)) = (argument.key(), argument.value()) else {
            return;
        };
        let text = value.string().map(|literal| literal.value());
        match nearest(&key.unraw().to_string(), KEYS) {
            Some(NAME) => self.name = self.name.take().or(text),
            Some(SCHEMA) => self.schema = self.schema.take().or(text),
            _ => {}
        }
    }
}

/// `allow(rule, …, reason = "…")`, as in Rust's own `#[allow]`.
fn allowed(argument: &Argument, key: &Ident, faults: &mut Vec<Diagnostic>) -> Vec<Allowed> {
    let before = faults.len();
    let mut rules = Vec::new();
    for item in argument.list().into_iter().flat_map(arguments::split) {
        match allowed_rule(&item) {
            Ok(rule) => rules.extend(rule),
            Err(fault) => faults.push(fault),
        }
    }
    if rules.is_empty() && faults.len() == before {
        let message = format!("expected a list of lints after `{key}`");
        faults.push(
            Diagnostic::new(Code::InvalidValue, message)
                .spanned(key.span())
                .help(correct_form(ALLOW)),
        );
    }
    rules
}

/// One lint; nothing for the reason.
fn allowed_rule(item: &Argument) -> Result<Option<Allowed>, Diagnostic> {
    let text = item.whole().text();
    let fault = |message: String| Diagnostic::new(Code::InvalidValue, message).spanned(item.span());
    match (item.key(), item.value().map(|value| (value.string(), value))) {
        (Some(key), Some((Some(reason), value))) if key == REASON => {
            if !reason.value().trim().is_empty() {
                return Ok(None);
            }
            Err(
                Diagnostic::new(Code::AllowWithoutReason, "the reason of an exception is empty")
                    .spanned(value.span())
                    .help("say why the rules do not apply to this table, or leave `reason` out"),
            )
        }
        (Some(key), None) if item.is_lone() => {
            let name = key.unraw().to_string();
            let rule = LintRule::named(&name).ok_or_else(|| unknown_lint(&name, "_").spanned(key.span()))?;
            Ok(Some(Allowed {
                rule: rule.code,
                span: key.span(),
            }))
        }
        _ => {
            // `float-money`, as TOML writes it, is several tokens here.
            let meant = LintRule::named(&text.replace(' ', ""));
            Err(
                fault(format!("expected a lint, found `{text}`")).help(match meant {
                    Some(rule) => format!("write `{}`", rule.code.as_str().replace('-', "_")),
                    None => correct_form(ALLOW),
                }),
            )
        }
    }
}

fn correct_form(key: &str) -> String {
    match key {
        ALLOW => "the correct form is `#[table(allow(missing_updated_at, reason = \"…\"))]`".to_string(),
        KIND => "the correct form is `#[table(kind = truth)]`".to_string(),
        _ => format!("the correct form is `#[table({key} = \"…\")]`"),
    }
}

fn unknown_key(argument: &Argument) -> Diagnostic {
    let all = KEYS.join("`, `");
    let Some(key) = argument.key() else {
        return Diagnostic::new(
            Code::UnknownKey,
            format!("expected a key, found `{}`", argument.whole().text()),
        )
        .spanned(argument.span())
        .note(format!("`#[table]` takes `{all}`"))
        .help(if argument.whole().string().is_some() {
            correct_form(NAME)
        } else {
            correct_form(KIND)
        });
    };
    let text = key.unraw().to_string();
    let fault = Diagnostic::new(Code::UnknownKey, format!("unknown key `{text}` in `#[table]`"))
        .spanned(key.span())
        .note(format!("`#[table]` takes `{all}`"));
    match text.parse::<TableKind>() {
        Ok(kind) if argument.is_lone() => fault.help(format!("write `kind = {kind}`")),
        _ => fault.maybe_help(did_you_mean(&text, KEYS)),
    }
}

fn value_of(argument: &Argument, key: &Ident) -> Result<Value, Diagnostic> {
    match argument.value() {
        Some(value) if !value.is_empty() => Ok(value),
        None if !argument.is_lone() => Err(Diagnostic::new(
            Code::InvalidValue,
            format!("expected `=` after `{key}`"),
        )
        .spanned(key.span())
        .help(correct_form(&key.to_string()))),
        _ => Err(arguments::missing_value(
            Code::MissingValue,
            key,
            correct_form(&key.to_string()),
        )),
    }
}

fn kind(value: &Value) -> Result<TableKind, Diagnostic> {
    let written = value.ident().map(|ident| ident.unraw().to_string());
    let Some(text) = written.or_else(|| value.string().map(|literal| literal.value())) else {
        return Err(Diagnostic::new(
            Code::InvalidValue,
            format!("expected a table kind, found `{}`", value.text()),
        )
        .spanned(value.span())
        .note(kinds_note())
        .help(correct_form(KIND)));
    };
    text.parse()
        .map_err(|_| unknown_kind(&text).spanned(value.span()))
}

/// The fault that `text` is no table kind, without its place.
#[must_use]
pub fn unknown_kind(text: &str) -> Diagnostic {
    Diagnostic::new(Code::UnknownKind, format!("unknown table kind `{text}`"))
        .note(kinds_note())
        .maybe_help(did_you_mean(text, TableKind::ALL.map(TableKind::as_str)))
}

fn kinds_note() -> String {
    format!(
        "the kinds are `{}`",
        TableKind::ALL.map(TableKind::as_str).join("`, `")
    )
}

fn string(key: &Ident, value: &Value, faults: &mut Vec<Diagnostic>) -> Option<String> {
    if let Some(literal) = value.string() {
        return checked(key_name(key), &literal, faults);
    }
    let meant = value.ident().map(|ident| ident.unraw().to_string());
    let help = match &meant {
        Some(name) => format!("write `{key} = \"{name}\"`"),
        None => correct_form(&key.to_string()),
    };
    faults.push(
        Diagnostic::new(
            Code::InvalidValue,
            format!("expected a string literal for `{key}`, found `{}`", value.text()),
        )
        .spanned(value.span())
        .help(help),
    );
    meant
}

fn key_name(key: &Ident) -> &'static str {
    if key == SCHEMA {
        "schema name"
    } else {
        "table name"
    }
}

fn checked(what: &str, literal: &LitStr, faults: &mut Vec<Diagnostic>) -> Option<String> {
    let name = literal.value();
    let fault = name_fault(what, &name).map(|fault| fault.spanned(literal.span()));
    // With a dot it is clear what is meant, and what the policy files call it.
    let is_name = fault.as_ref().is_none_or(|fault| fault.code == Code::DottedName);
    faults.extend(fault);
    is_name.then_some(name)
}

/// What the attributes of the ORM on the same struct say.
#[derive(Default)]
struct OrmNames {
    table: Option<String>,
    other_table: Option<String>,
    schema: Option<String>,
}

impl OrmNames {
    fn read(neighbours: &[&Meta], name_is_wanted: bool, faults: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        for argument in neighbours.iter().copied().flat_map(orm_arguments) {
            let (Some(key), Some(value)) = (argument.key(), argument.value()) else {
                continue;
            };
            if key == ORM_NAME && name_is_wanted {
                let Some(name) = orm_name(&value, faults) else {
                    continue;
                };
                match &names.table {
                    Some(first) if *first != name => names.other_table = Some(name),
                    _ => names.table = Some(name),
                }
            } else if key == ORM_SCHEMA {
                names.schema = value
                    .string()
                    .and_then(|literal| checked("schema name", &literal, faults));
            }
        }
        names
    }
}

fn orm_arguments(meta: &Meta) -> Vec<Argument> {
    match meta {
        Meta::List(list) if ORMS.iter().any(|orm| list.path.is_ident(orm)) => {
            arguments::split(list.tokens.clone())
        }
        _ => Vec::new(),
    }
}

/// SeaORM writes a string, Diesel a path into its `table!` module, whose last
/// segment is the table.
fn orm_name(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<String> {
    if let Some(literal) = value.string() {
        return checked("table name", &literal, faults);
    }
    let path: Path = syn::parse2(value.stream()).ok()?;
    let ident = &path.segments.last()?.ident;
    let name = ident.unraw().to_string();
    faults.extend(name_fault("table name", &name).map(|fault| fault.spanned(ident.span())));
    Some(name)
}

/// One attribute, alone or inside `cfg_attr`.
pub struct FlatMeta {
    /// The attribute's content.
    pub meta: Meta,
    /// Whether a `cfg_attr` holds it.
    pub conditional: bool,
}

/// The attributes one by one, those in `cfg_attr` included whatever its condition:
/// the registry describes the database, not one build.
#[must_use]
pub fn flatten(attributes: impl IntoIterator<Item = Meta>) -> Vec<FlatMeta> {
    let mut flat = Vec::new();
    for attribute in attributes {
        flatten_into(attribute, false, &mut flat);
    }
    flat
}

/// The attributes in front of an item.
///
/// # Errors
///
/// What begins as an attribute and is none.
pub fn outer_attributes(input: ParseStream<'_>) -> syn::Result<Vec<Meta>> {
    let mut attributes = Vec::new();
    while input.peek(Token![#]) {
        input.parse::<Token![#]>()?;
        let content;
        bracketed!(content in input);
        attributes.push(attribute(&content)?);
    }
    Ok(attributes)
}

/// The content of one attribute. A value that is more than a literal stays what it is, tokens: nobody here asks for it,
/// and syn would follow it down as deep as it nests, until the stack ends.
fn attribute(input: ParseStream<'_>) -> syn::Result<Meta> {
    let ahead = input.fork();
    let has_value = ahead.call(Path::parse_mod_style).is_ok() && ahead.peek(Token![=]);
    if !has_value {
        return input.parse();
    }
    let path = input.call(Path::parse_mod_style)?;
    let eq_token = input.parse()?;
    let tokens: TokenStream = input.parse()?;
    let value = match syn::parse2(tokens.clone()) {
        Ok(lit) => Expr::Lit(ExprLit {
            attrs: Vec::new(),
            lit,
        }),
        Err(_) => Expr::Verbatim(tokens),
    };
    Ok(Meta::NameValue(MetaNameValue {
        path,
        eq_token,
        value,
    }))
}

/// The attributes in one piece of a file, flattened. What is no attribute is none.
#[must_use]
pub fn flatten_text(text: &str) -> Vec<FlatMeta> {
    flatten(outer_attributes.parse_str(text).unwrap_or_default())
}

fn flatten_into(meta: Meta, conditional: bool, flat: &mut Vec<FlatMeta>) {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            for argument in arguments::split(list.tokens).iter().skip(1) {
                if let Ok(inner) = attribute.parse2(argument.whole().stream()) {
                    flatten_into(inner, true, flat);
                }
            }
        }
        meta => flat.push(FlatMeta { meta, conditional }),
    }
}

/// `#[table]` alone, which most structs carry: worth no parse.
#[must_use]
pub fn plain_table() -> FlatMeta {
    FlatMeta {
        meta: Meta::Path(Ident::new(TABLE, Span::call_site()).into()),
        conditional: false,
    }
}

/// Whether this is `#[table]` by its path: `table`, `table_registry::table`.
#[must_use]
pub fn is_table(meta: &Meta) -> bool {
    meta.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == TABLE)
}

/// The arguments of `#[table]`, `#[table(…)]`.
#[must_use]
pub fn table_arguments(meta: &Meta) -> TokenStream {
    match meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    }
}

/// Whether the arguments of an attribute called `table` make sense to us.
#[must_use]
pub fn is_understood(meta: &Meta) -> bool {
    let mut faults = Vec::new();
    if let Meta::List(list) = meta {
        OwnArguments::read(list.tokens.clone(), &mut faults);
    }
    faults.is_empty() && !matches!(meta, Meta::NameValue(_))
}

/// Whether an attribute called `table` has a key that nobody would write for one of ours.
#[must_use]
pub fn has_foreign_key(meta: &Meta) -> bool {
    let is_ours = |argument: &Argument| {
        let key = argument.key().map(|key| key.unraw().to_string());
        key.is_some_and(|key| nearest(&key, KEYS).is_some() || key.parse::<TableKind>().is_ok())
    };
    !arguments::split(table_arguments(meta)).iter().all(is_ours)
}

/// A second `#[table]` of ours among the neighbours of the first. One that may as well belong to
/// another crate, as the helper attribute of a derive, is left alone.
#[must_use]
pub fn repeated(neighbours: &[&Meta]) -> Option<Diagnostic> {
    let has_helpers = neighbours.iter().any(|meta| derives_helpers(meta));
    let second = neighbours.iter().copied().find(|meta| {
        let segments = &meta.path().segments;
        let may_be_ours = match segments.len() {
            1 => !has_helpers,
            _ => segments
                .iter()
                .any(|segment| is_our_crate(&segment.ident.to_string())),
        };
        is_table(meta) && may_be_ours && is_understood(meta)
    })?;
    let span = second.path().segments.last()?.ident.span();
    Some(
        Diagnostic::new(
            Code::RepeatedTableAttribute,
            "`#[table]` stands twice on this struct",
        )
        .spanned(span)
        .help("keep one: a struct declares one table"),
    )
}

/// Whether this is a `#[derive(…)]` that may bring a helper attribute called `table`.
fn derives_helpers(meta: &Meta) -> bool {
    let Meta::List(list) = meta else {
        return false;
    };
    let brings_helpers =
        |tree| matches!(tree, TokenTree::Ident(name) if may_bring_helpers(&name.to_string()));
    list.path.is_ident("derive") && list.tokens.clone().into_iter().any(brings_helpers)
}

/// The fault that `#[table]` stands on something else than a struct.
#[must_use]
pub fn not_a_struct(item: &TokenStream) -> Diagnostic {
    let found = item.clone().into_iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) if ITEMS.iter().any(|item| ident == item) => Some(ident),
        _ => None,
    });
    let (what, span) = match found {
        Some(keyword) => (format!(", found `{keyword}`"), keyword.span()),
        None => (String::new(), Span::call_site()),
    };
    Diagnostic::new(Code::NotAStruct, format!("`#[table]` goes on a struct{what}"))
        .spanned(span)
        .note("a table is declared by the struct that holds one of its rows")
        .help("move `#[table]` to that struct")
}

const ITEMS: [&str; 12] = [
    "enum",
    "union",
    "fn",
    "mod",
    "impl",
    "trait",
    "type",
    "const",
    "static",
    "use",
    "extern",
    "macro_rules",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(attributes: &str, ident: &str) -> (String, TableKind, Vec<String>) {
        let attributes = outer_attributes.parse_str(attributes).unwrap();
        let mut metas: Vec<Meta> = flatten(attributes).into_iter().map(|flat| flat.meta).collect();
        let own = metas.iter().position(is_table).unwrap();
        let own = metas.remove(own);
        let neighbours: Vec<&Meta> = metas.iter().collect();
        let declared = declare(
            table_arguments(&own),
            &neighbours,
            &syn::parse_str(ident).unwrap(),
        );
        let codes = declared
            .faults
            .iter()
            .map(|fault| fault.code.to_string())
            .collect();
        (declared.name.to_string(), declared.kind, codes)
    }

    fn clean(attributes: &str, ident: &str) -> (String, TableKind) {
        let (name, kind, codes) = declared(attributes, ident);
        assert_eq!(codes, [""; 0], "{attributes}");
        (name, kind)
    }

    /// Fuzzing found it: the stack ended in syn.
    #[test]
    fn values_are_not_followed_down() {
        let (minus, open, close) = ("-".repeat(10_000), "{".repeat(500), "}".repeat(500));
        for value in [format!("{minus}1"), format!("{open}{close}")] {
            let text = format!("#[cfg_attr(x, a = {value})] #[a = {value}] #[table(kind = link)]");
            let flat = flatten_text(&text);
            assert_eq!(flat.len(), 3);
            assert!(is_table(&flat[2].meta));
        }
    }

    #[test]
    fn where_the_name_comes_from() {
        for (attributes, ident, name) in [
            ("#[table]", "AuditLog", "audit_log"),
            ("#[table()]", "r#Type", "type"),
            ("#[table(name = \"users\")]", "User", "users"),
            ("#[table(name = r#\"users\"#,)]", "User", "users"),
            ("#[table] #[diesel(table_name = users)]", "User", "users"),
            (
                "#[table] #[diesel(table_name = crate::schema::users, primary_key(id))]",
                "User",
                "users",
            ),
            (
                "#[table] #[diesel(primary_key(a, b), table_name = r#type)]",
                "User",
                "type",
            ),
            ("#[table] #[sea_orm(table_name = \"users\")]", "Model", "users"),
            (
                "#[table] #[sea_orm(schema_name = \"auth\", table_name = \"users\")]",
                "Model",
                "auth.users",
            ),
            (
                "#[table] #[cfg_attr(feature = \"ssr\", derive(A), diesel(table_name = users))]",
                "User",
                "users",
            ),
            (
                "#[table] #[cfg_attr(a, cfg_attr(b, sea_orm(table_name = \"users\")))]",
                "User",
                "users",
            ),
            (
                "#[table(name = \"own\")] #[diesel(table_name = orm)]",
                "User",
                "own",
            ),
            (
                "#[table(schema = \"audit\", name = \"events\")]",
                "Event",
                "audit.events",
            ),
            (
                "#[table(schema = \"audit\")] #[diesel(table_name = events)]",
                "Event",
                "audit.events",
            ),
            ("#[table] #[serde(table_name = \"no\")]", "Event", "event"),
        ] {
            assert_eq!(clean(attributes, ident).0, name, "{attributes}");
        }
    }

    #[test]
    fn where_the_kind_comes_from() {
        for (attributes, kind) in [
            ("#[table]", TableKind::Truth),
            ("#[table(kind = evidence)]", TableKind::Evidence),
            ("#[table(kind = \"link\")]", TableKind::Link),
            (
                "#[table_registry::table(name = \"x\", kind = system)]",
                TableKind::System,
            ),
            (
                "#[cfg_attr(a, ::table_registry::table(kind = control))]",
                TableKind::Control,
            ),
        ] {
            assert_eq!(clean(attributes, "User").1, kind, "{attributes}");
        }
    }

    #[test]
    fn all_faults_of_one_attribute_at_once() {
        let (name, kind, codes) = declared(
            "#[table(kind = trth, kin = truth, name, schema = \"\", name = \"a\", 7, kind(x), name = users)]",
            "User",
        );
        assert_eq!((name.as_str(), kind), ("user", TableKind::Truth));
        assert_eq!(
            codes,
            [
                "unknown-kind",
                "unknown-key",
                "missing-value",
                "empty-name",
                "repeated-key",
                "unknown-key",
                "repeated-key",
                "repeated-key",
            ]
        );
    }

    #[test]
    fn lints_are_allowed_by_name() {
        let attribute = "#[table(allow(missing_updated_at, float_money, reason = \"x\"), kind = link)]";
        let mut metas = flatten(outer_attributes.parse_str(attribute).unwrap());
        let arguments = table_arguments(&metas.remove(0).meta);
        let declared = declare(arguments, &[], &syn::parse_str("User").unwrap());
        assert!(declared.faults.is_empty());
        let rules: Vec<Code> = declared.allowed.iter().map(|allowed| allowed.rule).collect();
        assert_eq!(rules, [Code::MissingUpdatedAt, Code::FloatMoney]);
        assert_eq!(declared.kind, TableKind::Link);
    }

    #[test]
    fn values_of_the_wrong_form() {
        for (attributes, code) in [
            ("#[table(kind = 1)]", "invalid-value"),
            ("#[table(kind = a::b)]", "invalid-value"),
            ("#[table(kind(truth))]", "invalid-value"),
            ("#[table(kind: truth)]", "invalid-value"),
            ("#[table(kind =)]", "missing-value"),
            ("#[table(name = users)]", "invalid-value"),
            ("#[table(name = b\"users\")]", "invalid-value"),
            ("#[table(name = concat!(\"a\"))]", "invalid-value"),
            ("#[table(allow)]", "invalid-value"),
            ("#[table(allow = \"float_money\")]", "invalid-value"),
            ("#[table(allow())]", "invalid-value"),
            ("#[table(allow(reason = \"x\"))]", "invalid-value"),
            ("#[table(allow(flot_money))]", "unknown-lint"),
            ("#[table(allow(float-money))]", "invalid-value"),
            (
                "#[table(allow(float_money, reason = \" \"))]",
                "allow-without-reason",
            ),
            ("#[table(allow(\"float_money\"))]", "invalid-value"),
            ("#[table(allow(reason))]", "unknown-lint"),
            ("#[table(allow(reason = x))]", "invalid-value"),
            ("#[table(truth)]", "unknown-key"),
            ("#[table(\"users\")]", "unknown-key"),
            ("#[table(name = \"a\\0b\")]", "nul-in-name"),
            ("#[table(name = \"a.b\")]", "dotted-name"),
            (
                "#[table] #[diesel(table_name = this_name_is_sixty_four_bytes_long_but_only_sixty_three_are_kept)]",
                "name-too-long",
            ),
        ] {
            assert_eq!(declared(attributes, "User").2, [code], "{attributes}");
        }
    }
}
