use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::lint::subject::{Subject, finding_about_column};

pub const RULE: Rule = Rule::Table(find);

const HELP: &str = "give it another name, or quote it wherever SQL is written by hand";

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let name = subject.bare_name();
    let of_table = is_reserved(name).then(|| {
        let message = format!("table name `{name}` is a reserved key word of PostgreSQL");
        subject.finding(Lint::ReservedWord, message).help(HELP)
    });
    let reserved = subject.columns.iter().filter(|column| is_reserved(&column.name));
    let of_columns = reserved.map(|column| {
        finding_about_column(Lint::ReservedWord, column, "is a reserved key word of PostgreSQL").help(HELP)
    });
    of_table.into_iter().chain(of_columns).collect()
}

/// Whether a table or a column of this name has to be quoted in SQL, because the name is a key word of the categories
/// *reserved* or *reserved (can be function or type)*.
/// <https://www.postgresql.org/docs/current/sql-keywords-appendix.html>
fn is_reserved(name: &str) -> bool {
    WORDS.binary_search(&name).is_ok()
}

/// The words that `pg_get_keywords()` of PostgreSQL 15 lists, and `system_user`, which PostgreSQL 16 added.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "binary", "both", "case", "cast", "check", "collate", "collation", "column", "concurrently",
    "constraint", "create", "cross", "current_catalog", "current_date", "current_role", "current_schema",
    "current_time", "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do",
    "else", "end", "except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group",
    "having", "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral",
    "leading", "left", "like", "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null",
    "offset", "on", "only", "or", "order", "outer", "overlaps", "placing", "primary", "references",
    "returning", "right", "select", "session_user", "similar", "some", "symmetric", "system_user", "table",
    "tablesample", "then", "to", "trailing", "true", "union", "unique", "user", "using", "variadic",
    "verbose", "when", "where", "window", "with",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::{SOUND, findings, with_columns};

    #[test]
    fn columns() {
        assert_eq!(with_columns("pub user: i64"), ["warning reserved-word user"]);
        assert_eq!(
            with_columns("pub r#where: i64"),
            ["warning reserved-word r#where"]
        );
        assert_eq!(with_columns("pub name: i64"), [""; 0]);
    }

    #[test]
    fn tables() {
        let named = |arguments: &str| {
            let schema = format!("#[table_registry::table({arguments})]\npub struct Orders {{ {SOUND} }}\n");
            findings(&schema, "[lints]\ntable-not-plural-snake-case = \"allow\"", "")
        };
        assert_eq!(named("name = \"user\""), ["warning reserved-word Orders"]);
        assert_eq!(
            named("name = \"user\", schema = \"shop\""),
            ["warning reserved-word Orders"]
        );
        assert_eq!(named("name = \"users\", schema = \"user\""), [""; 0]);
    }

    #[test]
    fn words_are_sorted() {
        assert!(WORDS.is_sorted());
        assert!(is_reserved("user") && is_reserved("left") && !is_reserved("name"));
    }
}
