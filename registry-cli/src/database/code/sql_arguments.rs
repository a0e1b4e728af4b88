//! Functions that run SQL which they get as an argument, or which they make of their arguments, with the rights of whoever
//! calls them: those of the server and of its usual extensions.

use std::ops::Range;

use sqlparser::tokenizer::Token;

/// Each with the positions of the arguments that are SQL, or that name what is read.
const RUNNERS: &[(&str, Range<usize>)] = &[
    ("query_to_xml", 0..1),
    ("query_to_xmlschema", 0..1),
    ("query_to_xml_and_xmlschema", 0..1),
    ("table_to_xml", 0..1),
    ("table_to_xml_and_xmlschema", 0..1),
    ("schema_to_xml", 0..1),
    ("schema_to_xml_and_xmlschema", 0..1),
    ("ts_stat", 0..1),
    ("ts_rewrite", 1..2),
    ("crosstab", 0..2),
    ("crosstab2", 0..1),
    ("crosstab3", 0..1),
    ("crosstab4", 0..1),
    ("connectby", 0..ALL),
    ("xpath_table", 0..ALL),
    ("dblink", 0..ALL),
    ("dblink_exec", 0..ALL),
    ("dblink_open", 0..ALL),
    ("dblink_send_query", 0..ALL),
    ("pg_background_launch", 0..1),
    ("get_raw_page", 0..1),
    ("bt_page_items", 0..1),
    ("heap_force_kill", 0..1),
    ("heap_force_freeze", 0..1),
    ("dblink_build_sql_insert", 0..1),
    ("dblink_build_sql_update", 0..1),
    ("dblink_build_sql_delete", 0..1),
];
const ALL: usize = usize::MAX;

/// Functions that read or write a file of the server, whose name is an argument.
const OF_FILES: &[&str] = &[
    "pg_read_file",
    "pg_read_binary_file",
    "pg_file_read",
    "pg_file_write",
    "pg_file_rename",
    "pg_file_unlink",
    "lo_import",
    "lo_export",
];

/// Functions that return rows of a table whose name is an argument.
const READ_TABLES: &[&str] = &[
    "table_to_xml",
    "table_to_xml_and_xmlschema",
    "xpath_table",
    "get_raw_page",
    "dblink_build_sql_insert",
    "dblink_build_sql_update",
    "dblink_build_sql_delete",
];

/// Functions that change rows of a table whose name is an argument.
const CHANGE_TABLES: &[&str] = &["heap_force_kill", "heap_force_freeze"];

/// Whether a function, by its name in lower case, returns rows of a table that an argument names.
pub fn reads_named_table(function: &str) -> bool {
    READ_TABLES.contains(&function)
}

/// Whether a function, by its name in lower case, changes rows of a table that an argument names.
pub fn changes_named_table(function: &str) -> bool {
    CHANGE_TABLES.contains(&function)
}

/// Whether a function, by its name in lower case, runs SQL that it gets.
pub fn runs_argument(function: &str) -> bool {
    RUNNERS.iter().any(|(name, _)| *name == function)
}

/// Whether a function, by its name in lower case, reads or writes a file of the server.
pub fn is_of_files(function: &str) -> bool {
    OF_FILES.contains(&function)
}

/// The tokens of the arguments that are SQL or name what is read. The tokens given start after the parenthesis of the
/// call.
pub fn decisive<'t>(function: &str, tokens: impl Iterator<Item = &'t Token>) -> Vec<&'t Token> {
    let runner = RUNNERS.iter().find(|(name, _)| *name == function);
    let places = match runner {
        Some((_, places)) => places.clone(),
        None if is_of_files(function) => 0..ALL,
        None => return Vec::new(),
    };
    let (mut depth, mut place, mut found) = (0_usize, 0_usize, Vec::new());
    let mut count = 0_usize;
    for token in tokens {
        match token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => break,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => {
                place += 1;
                count = place;
                continue;
            }
            _ => {}
        }
        if places.contains(&place) {
            found.push(token);
        }
    }
    // With three arguments, it replaces one query by another, and runs neither.
    if function == "ts_rewrite" && count == 2 {
        found.clear();
    }
    found
}
