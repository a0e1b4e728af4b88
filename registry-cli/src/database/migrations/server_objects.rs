//! Statements that change objects of the server itself and of its extensions, or privileges on them. Those belong to a superuser, so the
//! owner of the migrations can change nothing about them: some statements are refused, others do nothing and only warn.

use crate::database::code::mention::Words;
use crate::database::migrations::script::Statement;
use crate::database::requirements::statements::literal;
use crate::database::server::session::{INSUFFICIENT_PRIVILEGE, Refusal};

/// The reason that is reported for a GRANT without effect.
pub const NOTHING_GRANTED: &str = "no privileges were granted";

/// The query that finds the object of a refusal, if it is one of the server. `None` if the refusal is about something else.
pub fn refused(refusal: &Refusal, statement: &Statement) -> Option<String> {
    let changes_something = ["grant", "revoke", "alter", "insert", "update", "delete", "do"]
        .iter()
        .any(|word| statement.starts(word));
    if refusal.code != INSUFFICIENT_PRIVILEGE || !changes_something {
        return None;
    }
    let object = ["permission denied for ", "must be owner of "]
        .iter()
        .find_map(|start| refusal.message.strip_prefix(start))?;
    let (kind, name) = object.rsplit_once(' ')?;
    match kind {
        "parameter" | "tablespace" => Some("SELECT 'of the server'".to_string()),
        _ => Some(of_server(
            &[name],
            matches!(kind, "function" | "procedure" | "routine"),
        )),
    }
}

/// The query that finds objects of the server which a GRANT names. `None` for other statements.
pub fn granted(statement: &Statement) -> Option<String> {
    if !statement.starts("grant") {
        return None;
    }
    let words = Words::outside_quotes(&statement.text);
    let all = words.statements().next()?;
    let objects = all.into_iter().skip_while(|word| *word != "on").skip(1);
    let objects: Vec<&str> = objects.take_while(|word| *word != "to").collect();
    let (kind, names) = match objects.as_slice() {
        ["all", _, "in", "schema", names @ ..] => ("schema", names),
        [
            kind @ ("function" | "procedure" | "routine" | "table" | "schema" | "language"),
            names @ ..,
        ] => (*kind, names),
        names => ("table", names),
    };
    let mut depth = 0_usize;
    let names = names.iter().copied().filter(|word| {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => return depth == 0 && !matches!(*word, "." | ","),
        }
        false
    });
    let names: Vec<&str> = names.collect();
    let is_function = matches!(kind, "function" | "procedure" | "routine");
    (!names.is_empty()).then(|| of_server(&names, is_function))
}

/// The query for those of the names that only objects of the server or of an extension have.
fn of_server(names: &[&str], is_function: bool) -> String {
    let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
    let objects = if is_function {
        "SELECT p.proname AS name, p.oid < 16384 OR EXISTS (
             SELECT FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
         ) AS is_of_server
         FROM pg_catalog.pg_proc p"
    } else {
        "SELECT c.relname AS name, c.oid < 16384 OR EXISTS (
             SELECT FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
         ) AS is_of_server
         FROM pg_catalog.pg_class c
         UNION ALL
         SELECT nspname, true FROM pg_catalog.pg_namespace WHERE nspname ~ '^(pg_|information_schema$)'
         UNION ALL
         SELECT lanname, true FROM pg_catalog.pg_language"
    };
    format!(
        "SELECT name::text FROM ({objects}) AS objects WHERE name = ANY (ARRAY[{}]::text[])
         GROUP BY name HAVING bool_and(is_of_server)",
        names.join(", ")
    )
}

/// The query for a hash that changes when the privileges change on an object that a role does not own.
pub fn privileges(owner: &str) -> String {
    let lists = [
        "'f' || oid || proacl::text FROM pg_catalog.pg_proc WHERE proowner",
        "'r' || oid || relacl::text FROM pg_catalog.pg_class WHERE relowner",
        "'n' || oid || nspacl::text FROM pg_catalog.pg_namespace WHERE nspowner",
        "'l' || oid || lanacl::text FROM pg_catalog.pg_language WHERE lanowner",
    ];
    let of_others = lists.map(|list| format!("SELECT {list} <> (SELECT oid FROM role)"));
    format!(
        "WITH role AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = {}), lines (line) AS (
             {}
             UNION ALL
             SELECT 'c' || attrelid || attname || attacl::text FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL
         )
         SELECT md5(coalesce(string_agg(line, ' ' ORDER BY line), '')) FROM lines",
        literal(owner),
        of_others.join(" UNION ALL ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> Statement {
        Statement {
            text: text.to_string(),
            line: 1,
            head: text.split(' ').take(4).map(str::to_lowercase).collect(),
        }
    }

    #[test]
    fn objects_of_refusals() {
        let query = |message: &str, text: &str| {
            let refusal = Refusal {
                code: INSUFFICIENT_PRIVILEGE.to_string(),
                message: message.to_string(),
                ..Refusal::default()
            };
            refused(&refusal, &statement(text))
        };
        let of_function = query("permission denied for function pg_read_file", "GRANT a ON b TO c").unwrap();
        assert!(of_function.contains("ARRAY['pg_read_file']") && of_function.contains("pg_proc"));
        let of_view = query("must be owner of view pg_stats", "ALTER VIEW pg_stats OWNER TO a").unwrap();
        assert!(of_view.contains("ARRAY['pg_stats']") && of_view.contains("pg_class"));
        assert!(
            query(
                "permission denied for parameter a.b",
                "GRANT SET ON PARAMETER a.b TO c"
            )
            .is_some()
        );
        assert!(
            query(
                "permission denied for table pg_statistic",
                "SELECT * FROM pg_statistic"
            )
            .is_none()
        );
        assert!(
            query(
                "permission denied for schema pg_catalog",
                "CREATE TABLE pg_catalog.a ()"
            )
            .is_none()
        );
        assert!(query("new row violates row-level security policy", "ALTER TABLE a").is_none());
    }

    #[test]
    fn objects_of_grants() {
        let names = |text: &str| {
            let query = granted(&statement(text))?;
            let (_, list) = query.split_once("ARRAY[")?;
            let (list, _) = list.split_once(']')?;
            Some(list.to_string())
        };
        let of_function = names("GRANT EXECUTE ON FUNCTION pg_catalog.lo_import(text, oid), b(int) TO app");
        assert_eq!(of_function.unwrap(), "'pg_catalog', 'lo_import', 'b'");
        assert_eq!(names("GRANT SELECT ON \"A\", b TO app").unwrap(), "'A', 'b'");
        assert_eq!(
            names("GRANT ALL ON ALL TABLES IN SCHEMA pg_catalog TO app").unwrap(),
            "'pg_catalog'"
        );
        assert_eq!(names("GRANT USAGE ON LANGUAGE c TO app").unwrap(), "'c'");
        assert_eq!(names("GRANT owner TO app"), None);
        assert_eq!(names("REVOKE ALL ON a FROM app"), None);
    }
}
