//! The reserved key words of PostgreSQL.

/// Whether a name has to be quoted to be the name of a table or a column: whether it is a key word
/// of the categories *reserved* and *reserved (can be function or type)*.
/// <https://www.postgresql.org/docs/current/sql-keywords-appendix.html>
pub fn is_reserved(name: &str) -> bool {
    WORDS.binary_search(&name).is_ok()
}

/// What `pg_get_keywords()` of PostgreSQL 15 lists, and `system_user`, which 16 added.
#[rustfmt::skip]
const WORDS: [&str; 101] = [
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

    #[test]
    fn words_are_sorted() {
        assert!(WORDS.is_sorted());
        assert!(is_reserved("user") && is_reserved("left") && !is_reserved("name"));
    }
}
