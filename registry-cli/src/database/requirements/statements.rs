//! The SQL that makes a database meet the requirements of the registry. Every identifier is quoted, so that no name can
//! become SQL: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.

use std::fmt::{self, Display};

use table_registry_engine::{Access, Command, DatabaseSettings};

/// The policy that the registry requires.
pub const POLICY: &str = "tenant_isolation";
/// The trigger that refuses changes, and its function.
pub const TRIGGER: &str = "table_registry_append_only";

/// A policy that the registry requires of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredPolicy {
    pub name: String,
    /// `None` for all commands.
    pub command: Option<Command>,
    pub using: Option<String>,
    pub check: Option<String>,
}

/// A table by schema and name; displays as SQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Qualified {
    pub schema: String,
    pub name: String,
}

impl Display for Qualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

/// The name of a registered or exempt table in the database.
pub fn qualified(settings: &DatabaseSettings, name: &str, schema: Option<&str>) -> Qualified {
    match schema.and_then(|schema| Some((schema, name.strip_prefix(schema)?.strip_prefix('.')?))) {
        Some((schema, name)) => Qualified {
            schema: schema.to_string(),
            name: name.to_string(),
        },
        None => Qualified {
            schema: settings.schema.clone(),
            name: name.to_string(),
        },
    }
}

pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant, whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// A string constant that may span several lines. Its tag does not occur in the text.
pub fn dollar_quoted(text: &str) -> String {
    let tags = (0..).map(|number| format!("$table_registry_{number}$"));
    let mut tags = std::iter::once("$table_registry$".to_string()).chain(tags);
    let tag = tags.find(|tag| !text.contains(tag.as_str())).unwrap_or_default();
    format!("{tag}\n{text}{tag}")
}

/// Roles as a list for SQL statements.
pub fn role_list<'r>(names: impl IntoIterator<Item = &'r str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(identifier).collect();
    quoted.join(", ")
}

pub fn enable_rls(table: impl Display) -> String {
    format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
}

pub fn disable_rls(table: impl Display) -> String {
    format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;")
}

pub fn force_rls(table: impl Display) -> String {
    format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY;")
}

pub fn unforce_rls(table: impl Display) -> String {
    format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;")
}

/// Adds a column. One that may not be null is filled in between: a made-up default would be data that nobody entered.
pub fn add_column(table: &Qualified, name: &str, sql_type: &str, is_required: bool) -> String {
    let name = identifier(name);
    let add = format!("ALTER TABLE {table} ADD COLUMN {name} {sql_type};");
    if !is_required {
        return add;
    }
    format!(
        "{add}\n-- Before the next statement, give the rows that are there a value; under FORCE, switch it off for that.\n\
         ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;"
    )
}

/// An expression is on lines of its own, so that a comment at its end does not hide the parenthesis.
pub fn create_policy(table: impl Display, roles: &str, policy: &RequiredPolicy) -> String {
    let clause = |keyword: &str, expression: &Option<String>| {
        let text = expression.as_ref().map(|text| text.trim());
        text.map_or_else(String::new, |text| {
            format!("\n    {keyword} (\n        {text}\n    )")
        })
    };
    let command = policy.command.map_or_else(String::new, |command| {
        format!(" FOR {}", command.as_str().to_uppercase())
    });
    format!(
        "CREATE POLICY {} ON {table}{command} TO {roles}{}{};",
        identifier(&policy.name),
        clause("USING", &policy.using),
        clause("WITH CHECK", &policy.check)
    )
}

pub fn drop_policy(table: impl Display, policy: &str) -> String {
    format!("DROP POLICY IF EXISTS {} ON {table};", identifier(policy))
}

/// Drops all policies of some names on some tables.
pub fn drop_policies(tables: &[&Qualified], policies: &[String]) -> String {
    let list = |items: Vec<String>| items.join(",\n            ");
    let tables = list(tables.iter().map(|table| literal(&table.to_string())).collect());
    let policies = list(policies.iter().map(|policy| literal(policy)).collect());
    let body = format!(
        "DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT polname, polrelid::regclass AS relation FROM pg_policy
        WHERE polrelid = ANY (ARRAY[
            {tables}
            ]::regclass[])
            AND polname = ANY (ARRAY[
            {policies}
            ])
        ORDER BY polrelid::regclass::text, polname
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy.polname, policy.relation);
    END LOOP;
END
"
    );
    format!("DO {};", dollar_quoted(&body))
}

/// A lock that is not there in time ends the migration, instead of every statement behind it waiting, too:
/// <https://www.postgresql.org/docs/current/runtime-config-client.html>.
pub const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s';";

pub fn grant_select(table: &Qualified, columns: &[String], roles: &str) -> String {
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    format!(
        "GRANT SELECT ({}) ON TABLE {table} TO {roles};",
        column_list(&columns)
    )
}

/// How an index is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Without blocking writes, outside a transaction.
    Concurrently,
    /// The index of a partitioned table cannot be built otherwise.
    AtOnce,
}

pub fn create_index(table: &Qualified, columns: &[&str], build: Build) -> String {
    let name = bounded(&table.name, columns, "tenant_idx");
    format!(
        "CREATE INDEX {}{};",
        build.keyword(),
        index_of(&name, table, columns)
    )
}

pub fn create_index_if_missing(table: &Qualified, columns: &[&str]) -> String {
    let name = bounded(&table.name, columns, "tenant_idx");
    format!(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS {};",
        index_of(&name, table, columns)
    )
}

pub fn create_unique_index(table: &Qualified, columns: &[&str]) -> String {
    let name = bounded(&table.name, columns, "key");
    format!(
        "CREATE UNIQUE INDEX CONCURRENTLY {};",
        index_of(&name, table, columns)
    )
}

impl Build {
    fn keyword(self) -> &'static str {
        match self {
            Self::Concurrently => "CONCURRENTLY ",
            Self::AtOnce => "",
        }
    }
}

fn index_of(name: &str, table: &Qualified, columns: &[&str]) -> String {
    format!("{} ON {table} ({})", identifier(name), column_list(columns))
}

pub fn column_list(columns: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| identifier(column.as_ref())).collect();
    quoted.join(", ")
}

/// A unique name for an index or a constraint on columns of a table. Two underscores separate the parts. A hash is
/// added if underscores in a part make that ambiguous, or if PostgreSQL would truncate the name to 63 bytes.
pub fn bounded(table: &str, columns: &[&str], suffix: &str) -> String {
    const MOST: usize = 63;
    const BETWEEN: &str = "__";
    let parts = [&[table], columns].concat();
    let start = parts.join(BETWEEN);
    let name = format!("{start}_{suffix}");
    let is_clear = |part: &&str| !part.contains(BETWEEN) && !part.starts_with('_') && !part.ends_with('_');
    if name.len() <= MOST && parts.iter().all(is_clear) {
        return name;
    }
    let end = format!("_{:08x}_{suffix}", hash(&parts.join("\0")));
    let fits = |at: &usize| start.is_char_boundary(*at);
    let most = start.len().min(MOST - end.len());
    let cut = (0..=most).rev().find(fits).unwrap_or_default();
    format!("{}{end}", &start[..cut])
}

/// FNV-1a, which is the same in every version of Rust: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn hash(text: &str) -> u32 {
    let add = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    text.bytes().fold(2_166_136_261, add)
}

/// Revokes privileges on columns as well: <https://www.postgresql.org/docs/current/sql-revoke.html>.
pub fn revoke(table: impl Display, privileges: &[&str], roles: &str) -> String {
    format!("REVOKE {} ON TABLE {table} FROM {roles};", privileges.join(", "))
}

/// The earlier grants are unknown. TRUNCATE is left out: no policy restricts it, and it is hardly ever granted.
pub fn grant_changes(table: &Qualified, access: Access, roles: &str) -> String {
    let insert = if access.is_read_only() { "INSERT, " } else { "" };
    format!("GRANT {insert}UPDATE, DELETE ON TABLE {table} TO {roles};")
}

fn trigger_function(schema: &str) -> Qualified {
    Qualified {
        schema: schema.to_string(),
        name: TRIGGER.to_string(),
    }
}

/// The error code 42501 is `insufficient_privilege`:
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub fn create_trigger_function(schema: &str) -> String {
    let body = "BEGIN
    RAISE EXCEPTION 'table %.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '42501';
END
";
    format!(
        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger\nLANGUAGE plpgsql\nSET search_path = pg_catalog\nAS {};",
        trigger_function(schema),
        dollar_quoted(body)
    )
}

pub fn drop_trigger_function(schema: &str) -> String {
    format!("DROP FUNCTION IF EXISTS {}();", trigger_function(schema))
}

/// A statement-level trigger fires for foreign key actions and TRUNCATE as well, and even if no row is changed.
pub fn create_trigger(table: impl Display, schema: &str) -> String {
    format!(
        "CREATE TRIGGER {}\n    BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}\n    FOR EACH STATEMENT EXECUTE FUNCTION {}();",
        identifier(TRIGGER),
        trigger_function(schema)
    )
}

pub fn drop_trigger(table: impl Display) -> String {
    format!("DROP TRIGGER IF EXISTS {} ON {table};", identifier(TRIGGER))
}

/// The placeholder for a table in statements that run for each of several tables.
pub const EACH: &str = "%s";

/// Runs statements for each partition and inheritance child of some tables, except some. The server finds them when the
/// SQL runs. A percent sign that is not part of [`EACH`] has to be doubled.
pub fn for_each_descendant(tables: &[&Qualified], except: &[&Qualified], statements: &[String]) -> String {
    for_each(tables, Start::Below, &is_none_of(except), statements)
}

/// Runs statements for each of some tables and their descendants, except some, on servers since a version.
pub fn for_each_since(
    version: u32,
    tables: &[&Qualified],
    except: &[&Qualified],
    statements: &[String],
) -> String {
    let is_new = format!("\n        AND current_setting('server_version_num')::int >= {version}0000");
    for_each(tables, Start::Itself, &(is_new + &is_none_of(except)), statements)
}

/// The condition that a descendant is none of some relations.
fn is_none_of(relations: &[&Qualified]) -> String {
    let conditions = relations.iter().map(|child| {
        let name = literal(&child.to_string());
        format!("\n        AND c.oid IS DISTINCT FROM to_regclass({name})")
    });
    conditions.collect()
}

/// Runs statements for each of some tables, and of their descendants, that has no policy left.
pub fn for_each_without_policy(tables: &[&Qualified], start: Start, statements: &[String]) -> String {
    let condition = " AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)";
    for_each(tables, start, condition, statements)
}

/// Whether the statements run for a table itself or only for its descendants.
#[derive(Clone, Copy)]
pub enum Start {
    Itself,
    Below,
}

fn for_each(tables: &[&Qualified], start: Start, condition: &str, statements: &[String]) -> String {
    let names: Vec<String> = tables.iter().map(|table| literal(&table.to_string())).collect();
    let list = names.join(",\n            ");
    let array = format!("ARRAY[\n            {list}\n            ]::regclass[]");
    let first = match start {
        Start::Itself => format!("SELECT unnest({array})::oid AS inhrelid"),
        Start::Below => format!("SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ({array})"),
    };
    let executions: Vec<String> = statements
        .iter()
        .map(|statement| {
            let text = literal(statement.trim_end_matches(';'));
            format!("        EXECUTE format({text}, child);\n")
        })
        .collect();
    let loop_body = executions.concat();
    let body = format!(
        "DECLARE
    child regclass;
BEGIN
    FOR child IN
        WITH RECURSIVE descendant AS (
            {first}
            UNION
            SELECT i.inhrelid FROM pg_inherits i JOIN descendant d ON i.inhparent = d.inhrelid
        )
        SELECT c.oid FROM descendant d JOIN pg_class c ON c.oid = d.inhrelid
        WHERE c.relkind IN ('r', 'p'){condition} ORDER BY c.oid::regclass::text
    LOOP
{loop_body}    END LOOP;
END
"
    );
    format!("DO {};", dollar_quoted(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_sql() {
        let table = Qualified {
            schema: "a\"b".to_string(),
            name: "x; DROP TABLE y --'".to_string(),
        };
        assert_eq!(
            enable_rls(&table),
            "ALTER TABLE \"a\"\"b\".\"x; DROP TABLE y --'\" ENABLE ROW LEVEL SECURITY;"
        );
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'"), "E'a\\\\'''");
        assert!(dollar_quoted("$table_registry$").starts_with("$table_registry_0$\n"));
    }

    #[test]
    fn names_have_at_most_63_bytes() {
        assert_eq!(
            bounded("tasks", &["org", "no"], "tenant_idx"),
            "tasks__org__no_tenant_idx"
        );
        let names = [
            ("a_b", "c"),
            ("a", "b_c"),
            ("a__b", "c"),
            ("a", "b__c"),
            ("a_", "c"),
            ("a", "_c"),
        ];
        let names = names.map(|(table, column)| bounded(table, &[column], "key"));
        assert!(
            (1..names.len()).all(|at| !names[..at].contains(&names[at])),
            "{names:?}"
        );
        let long = "ä".repeat(31);
        let (one, other) = (bounded(&long, &["a"], "key"), bounded(&long, &["b"], "key"));
        assert!(one.len() <= 63 && one != other, "{one} {other}");
        assert_eq!(hash("foobar"), 0xbf9c_f968);
    }
}
