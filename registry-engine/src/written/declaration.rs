//! What `#[table(…)]` and the other attributes of a struct say about its table. The macro `#[table]` and the scan of the
//! files both ask here, so they cannot disagree.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::{Ident, Meta};
use table_registry_core::TableKind;

use super::arguments;
use super::attributes::FlatMeta;
use super::fields::unknown_columns;
use super::names::name_fault;
use super::orm::OrmNames;
use super::ours::{is_our_crate, may_bring_helpers};
use super::table::{AllowedLint, TableArguments, may_be_argument};
use super::tenant::WrittenTenant;
use crate::name::TableName;
use crate::report::{Diagnostic, Fault};

/// The table that a struct declares. Where there is a fault, this is the best guess, so that one mistake in an
/// attribute is one error.
#[derive(Debug)]
pub struct Declared {
    /// The table's name.
    pub name: TableName,
    /// Whether the name is the struct's, since no attribute gives one.
    pub is_default_name: bool,
    /// A different name that a second ORM attribute gives the table.
    pub other_name: Option<String>,
    /// The kind, before any override.
    pub kind: TableKind,
    /// How the rows belong to a tenant, if the attribute says so.
    pub tenant: Option<WrittenTenant>,
    /// The place of `shared_rows`, if the attribute has it.
    pub shared_rows: Option<Span>,
    /// The lints that do not apply to the table.
    pub allowed: Vec<AllowedLint>,
    /// What is wrong with the attributes. A fault without a place is in the name that is made of the struct's.
    pub faults: Vec<Diagnostic>,
}

/// Reads the arguments of `#[table(…)]`, the other attributes of the struct, and its name. `body` returns the fields in
/// braces; it is called only where the arguments name a column.
#[must_use]
pub fn declare(
    arguments: TokenStream,
    neighbours: &[&Meta],
    ident: &Ident,
    body: impl FnOnce() -> TokenStream,
) -> Declared {
    let mut faults = Vec::new();
    let own = TableArguments::read(arguments, &mut faults);
    if let Some(tenant) = &own.tenant {
        let name = ident.unraw().to_string();
        faults.extend(unknown_columns(tenant, &name, neighbours, &body()));
    }
    let orm = OrmNames::read(neighbours, own.name.is_none(), &mut faults);
    let written = own.name.or(orm.table);
    Declared {
        is_default_name: written.is_none(),
        other_name: orm.other_table,
        name: TableName {
            schema: own.schema.or(orm.schema),
            table: written.unwrap_or_else(|| default_name(ident, &mut faults)),
        },
        kind: own.kind.unwrap_or_default(),
        tenant: own.tenant,
        shared_rows: own.shared_rows,
        allowed: own.allowed,
        faults,
    }
}

fn default_name(ident: &Ident, faults: &mut Vec<Diagnostic>) -> String {
    let name = TableName::of_struct(&ident.unraw().to_string());
    faults.extend(name_fault("table name", &name));
    name
}

/// `#[table]` without arguments, as on most structs. Parsing it would be a waste of time.
#[must_use]
pub fn plain_table() -> FlatMeta {
    FlatMeta {
        meta: Meta::Path(Ident::new("table", Span::call_site()).into()),
        conditional: false,
    }
}

/// Whether the path of an attribute ends with `table`.
#[must_use]
pub fn is_table(meta: &Meta) -> bool {
    meta.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "table")
}

/// The arguments of `#[table]`, `#[table(…)]`.
#[must_use]
pub fn table_arguments(meta: &Meta) -> TokenStream {
    match meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    }
}

/// Whether `#[table]` of this crate would accept the arguments of an attribute with the name `table`.
#[must_use]
pub fn is_understood(meta: &Meta) -> bool {
    let mut faults = Vec::new();
    if let Meta::List(list) = meta {
        TableArguments::read(list.tokens.clone(), &mut faults);
    }
    faults.is_empty() && !matches!(meta, Meta::NameValue(_))
}

/// Whether an attribute with the name `table` has an argument that can only be meant for another crate.
#[must_use]
pub fn has_foreign_key(meta: &Meta) -> bool {
    !arguments::split(table_arguments(meta))
        .iter()
        .all(may_be_argument)
}

/// The fault of a second `#[table]` among the other attributes of a struct. An attribute that may as well belong to
/// another crate, such as a helper of a derive, is left alone.
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
        Diagnostic::new(Fault::RepeatedTableAttribute, "this struct has `#[table]` twice")
            .spanned(span)
            .help("keep one: a struct declares one table"),
    )
}

/// Whether this is a `#[derive(…)]` that may have a helper attribute with the name `table`.
fn derives_helpers(meta: &Meta) -> bool {
    let Meta::List(list) = meta else {
        return false;
    };
    let brings_helpers =
        |tree| matches!(tree, TokenTree::Ident(name) if may_bring_helpers(&name.to_string()));
    list.path.is_ident("derive") && list.tokens.clone().into_iter().any(brings_helpers)
}

/// The fault of `#[table]` on anything but a struct.
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
    Diagnostic::new(Fault::NotAStruct, format!("`#[table]` goes on a struct{what}"))
        .spanned(span)
        .note("a table is declared by the struct that holds one of its rows")
        .help("move `#[table]` to that struct")
}

const ITEMS: &[&str] = &[
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
    use syn::parse::Parser;

    use super::*;
    use crate::report::Lint;
    use crate::written::{flatten, flatten_text, outer_attributes};

    fn declared(attributes: &str, ident: &str) -> (String, TableKind, Vec<String>) {
        declared_with(attributes, ident, "")
    }

    fn declared_with(attributes: &str, ident: &str, body: &str) -> (String, TableKind, Vec<String>) {
        let parsed = outer_attributes.parse_str(attributes).unwrap();
        let mut metas: Vec<Meta> = flatten(parsed).into_iter().map(|flat| flat.meta).collect();
        let position = metas.iter().position(is_table).unwrap();
        let own = metas.remove(position);
        let neighbours: Vec<&Meta> = metas.iter().collect();
        let declared = declare(
            table_arguments(&own),
            &neighbours,
            &syn::parse_str(ident).unwrap(),
            || body.parse().unwrap(),
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

    /// Found by fuzzing: `syn` followed such values until the stack overflowed.
    #[test]
    fn values_of_other_attributes_are_not_parsed() {
        let (minus, open, close) = ("-".repeat(10_000), "{".repeat(30), "}".repeat(30));
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
        let declared = declare(arguments, &[], &syn::parse_str("User").unwrap(), TokenStream::new);
        assert!(declared.faults.is_empty());
        let lints: Vec<Lint> = declared.allowed.iter().map(|allowed| allowed.lint).collect();
        assert_eq!(lints, [Lint::MissingUpdatedAt, Lint::FloatMoney]);
        assert_eq!(declared.kind, TableKind::Link);
    }

    #[test]
    fn the_columns_of_a_tenant_are_fields() {
        let body = "{ pub id: i64, org_id: i64, #[diesel(column_name = \"acct\")] account: i64, r#type: Vec<(u8, u8)> }";
        for (attributes, body, codes) in [
            ("#[table(tenant = \"org_id\")]", body, &[][..]),
            ("#[table(tenant = \"acct\")]", body, &[]),
            ("#[table(tenant = \"type\")]", body, &[]),
            ("#[table(tenant = \"orgid\")]", body, &["unknown-column"]),
            (
                "#[table(tenant = through((a, id, b) -> c(a, b, d)))]",
                body,
                &["unknown-column", "unknown-column"],
            ),
            (
                "#[sqlx(rename_all = \"camelCase\")] #[table(tenant = \"orgId\")]",
                body,
                &[],
            ),
            (
                "#[table(tenant = \"orgid\")]",
                "{ #[sqlx(flatten)] base: Base }",
                &[],
            ),
            ("#[table(tenant = \"orgid\")]", "", &[]),
        ] {
            assert_eq!(declared_with(attributes, "Task", body).2, codes, "{attributes}");
        }
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
            ("#[table(tenant = org_id)]", "invalid-value"),
            ("#[table(tenant)]", "missing-value"),
            ("#[table(shared_rows = true)]", "invalid-value"),
            ("#[table(shared_rows(yes))]", "invalid-value"),
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
