//! Finds statements of migrations on rows that policies hide from the owner. Under FORCE ROW LEVEL SECURITY, such a
//! statement changes no row, and no error says so.

use sqlx::FromRow;

use crate::database::code::mention::Words;
use crate::database::migrations::script::Statement;
use crate::database::requirements::statements::literal;

/// A table whose policies bind the role of the session.
#[derive(Debug, FromRow)]
pub struct Bound {
    pub schema: String,
    pub name: String,
    /// Whether a permissive policy applies to the role that does not depend on the tenant.
    pub shows_rows: bool,
    /// Whether a permissive policy applies to the role that depends on the tenant.
    pub shows_tenant: bool,
    /// Whether the session has a tenant.
    pub has_tenant: bool,
    /// The foreign keys that no row was compared with: those that are NOT VALID.
    pub unchecked_keys: Vec<String>,
}

/// A statement that finds none of the rows that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindStatement {
    /// The migration, relative to the directory.
    pub migration: String,
    /// The file and the line.
    pub place: String,
    pub statement: String,
    /// What it does: `UPDATE`, `DELETE`, `MERGE`, `SELECT` or `FOREIGN KEY`.
    pub command: &'static str,
    pub schema: String,
    pub table: String,
    pub role: String,
}

/// What a statement does that compares rows with a key.
pub const FOREIGN_KEY: &str = "FOREIGN KEY";

/// A statement on the rows of a table.
pub struct Found<'b> {
    bound: &'b Bound,
    command: &'static str,
}

impl Found<'_> {
    /// Whether the table has no rows yet, because its migration creates it. Then there is nothing to compare with a key.
    pub fn is_of_new_table(&self, migration: &str) -> bool {
        let creates = || Words::of(migration).creates(&self.bound.schema, &self.bound.name);
        self.command == FOREIGN_KEY && creates()
    }

    pub fn placed(
        &self,
        migration: &str,
        place: String,
        statement: &Statement,
        role: &str,
    ) -> BlindStatement {
        BlindStatement {
            migration: migration.to_string(),
            place,
            statement: statement.excerpt(),
            command: self.command,
            schema: self.bound.schema.clone(),
            table: self.bound.name.clone(),
            role: role.to_string(),
        }
    }
}

/// Whether a statement may change, read or check rows when it runs. The body of a function only runs when it is called.
pub fn concerns_rows(statement: &Statement) -> bool {
    let word = |at: usize| statement.head.get(at).map_or("", String::as_str);
    let has = |words: &[&str]| {
        let text = statement.text.to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    match word(0) {
        "update" | "delete" | "merge" | "insert" | "with" | "do" => true,
        "alter" => is_alter_table(statement) && has(&["foreign", "references", "validate"]),
        "create" => {
            let kinds = ["table", "temp", "temporary", "unlogged", "materialized"];
            kinds.contains(&word(1)) && has(&["select", "as table"]) && !has(&["with no data"])
        }
        "select" => has(&["into"]),
        _ => false,
    }
}

fn is_alter_table(statement: &Statement) -> bool {
    statement.starts("alter table")
}

/// The query for the tables whose policies bind the role of the session.
pub fn bound_tables(setting: Option<&str>) -> String {
    let setting = literal(setting.unwrap_or_default());
    format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name,
             coalesce(bool_or(NOT p.asks_tenant), false) AS shows_rows,
             coalesce(bool_or(p.asks_tenant), false) AS shows_tenant,
             coalesce(current_setting(nullif({setting}, ''), true), '') <> '' AS has_tenant,
             ARRAY(
                 SELECT conname::text FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f' AND NOT convalidated
             ) AS unchecked_keys
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN LATERAL (
             SELECT {setting} <> '' AND position({setting} IN coalesce(pg_get_expr(polqual, polrelid), '')) > 0 AS asks_tenant
             FROM pg_policy
             WHERE polrelid = c.oid AND polpermissive AND polqual IS NOT NULL
               AND EXISTS (SELECT 1 FROM unnest(polroles) AS r WHERE r = 0 OR pg_has_role(current_user, r, 'USAGE'))
         ) p ON true
         WHERE c.relrowsecurity AND row_security_active(c.oid)
         GROUP BY c.oid, n.nspname, c.relname
         ORDER BY n.nspname, c.relname"
    )
}

/// The tables whose rows a statement is meant to read or change, although the policies hide all of them.
pub fn of_statement<'b>(statement: &Statement, bound: &'b [Bound], setting: Option<&str>) -> Vec<Found<'b>> {
    let words = Words::of(&statement.text);
    let sets_tenant = setting.is_some_and(|setting| statement.text.contains(setting));
    let is_hidden =
        |table: &&Bound| !table.shows_rows && !(table.shows_tenant && (table.has_tenant || sets_tenant));
    let hidden = bound.iter().filter(is_hidden);
    let found = hidden.filter_map(|table| {
        let Bound { schema, name, .. } = table;
        if words.lifts_force(schema, name) {
            return None;
        }
        let changed = words.row_change(schema, name);
        let read = || (!is_alter_table(statement) && words.copies_from(schema, name)).then_some("SELECT");
        let checked = || {
            let checks = words.checks_key(schema, name, &table.unchecked_keys);
            checks.then_some(FOREIGN_KEY)
        };
        Some(Found {
            bound: table,
            command: changed.or_else(read).or_else(checked)?,
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::migrations::script::statements;

    fn commands(sql: &str, change: impl Fn(&mut Bound)) -> Vec<&'static str> {
        let mut bound = Bound {
            schema: "public".to_string(),
            name: "projects".to_string(),
            shows_rows: false,
            shows_tenant: false,
            has_tenant: false,
            unchecked_keys: vec!["by_org".to_string()],
        };
        change(&mut bound);
        let bound = [bound];
        let all = statements(sql).unwrap().into_iter();
        let concerned = all.filter(concerns_rows);
        concerned
            .flat_map(|statement| {
                let found = of_statement(&statement, &bound, Some("app.org_id")).into_iter();
                found.map(|found| found.command).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn statements_on_hidden_rows() {
        for (sql, command) in [
            ("UPDATE projects SET slug = lower(name)", "UPDATE"),
            ("UPDATE ONLY public.\"projects\" p SET slug = 'a'", "UPDATE"),
            ("DELETE FROM projects WHERE id = 1", "DELETE"),
            (
                "MERGE INTO projects p USING a ON true WHEN MATCHED THEN DELETE",
                "MERGE",
            ),
            (
                "WITH gone AS (DELETE FROM projects RETURNING *) SELECT 1",
                "DELETE",
            ),
            ("INSERT INTO slugs SELECT id FROM projects", "SELECT"),
            (
                "UPDATE tasks SET org_id = p.org_id FROM projects p WHERE p.id = project_id",
                "SELECT",
            ),
            (
                "DO $$ BEGIN EXECUTE 'UPDATE projects SET a = 1'; END $$",
                "UPDATE",
            ),
            ("CREATE TABLE kept AS SELECT * FROM projects", "SELECT"),
            ("CREATE TEMP TABLE kept AS TABLE projects", "SELECT"),
            (
                "ALTER TABLE projects ADD CHECK (a > 0) NOT VALID, ADD FOREIGN KEY (org_id) REFERENCES orgs",
                "FOREIGN KEY",
            ),
            (
                "ALTER TABLE projects ADD org_id int DEFAULT 7 REFERENCES orgs",
                "FOREIGN KEY",
            ),
            ("SELECT * INTO kept FROM projects", "SELECT"),
            (
                "CREATE MATERIALIZED VIEW kept AS SELECT * FROM projects",
                "SELECT",
            ),
            (
                "ALTER TABLE projects ADD CONSTRAINT a FOREIGN KEY (org_id) REFERENCES orgs",
                "FOREIGN KEY",
            ),
            (
                "ALTER TABLE ONLY projects VALIDATE CONSTRAINT by_org",
                "FOREIGN KEY",
            ),
        ] {
            assert_eq!(commands(sql, |_| {}), [command], "{sql}");
        }
    }

    #[test]
    fn statements_on_no_hidden_rows() {
        for sql in [
            "INSERT INTO projects VALUES (1)",
            "ALTER TABLE projects ADD COLUMN slug text",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE projects SET a = 1 $$",
            "UPDATE other.projects SET a = 1",
            "CREATE TABLE kept (LIKE projects)",
            "CREATE TABLE kept (id int REFERENCES projects)",
            "SELECT 1 FROM projects",
            "ALTER TABLE projects ADD CONSTRAINT a FOREIGN KEY (org_id) REFERENCES orgs NOT VALID",
            "ALTER TABLE projects ADD COLUMN org_id int REFERENCES orgs",
            "ALTER TABLE projects VALIDATE CONSTRAINT is_positive",
            "ALTER TABLE tasks ALTER COLUMN a TYPE bigint USING projects::bigint, ADD FOREIGN KEY (b) REFERENCES c",
            "CREATE TABLE kept AS SELECT * FROM projects WITH NO DATA",
            "DO $$ BEGIN ALTER TABLE projects NO FORCE ROW LEVEL SECURITY; UPDATE projects SET a = 1; END $$",
            "ALTER TABLE tasks ADD FOREIGN KEY (project_id) REFERENCES projects",
            "UPDATE tasks SET projects = 1",
            "SELECT set_config('a.b', 'c', true)",
            "DO $$ BEGIN ALTER TABLE projects ADD COLUMN slug text; END $$",
        ] {
            assert_eq!(commands(sql, |_| {}), [""; 0], "{sql}");
        }
    }

    #[test]
    fn a_table_of_the_same_migration_has_no_rows() {
        let bound = Bound {
            schema: "public".to_string(),
            name: "projects".to_string(),
            shows_rows: false,
            shows_tenant: false,
            has_tenant: false,
            unchecked_keys: Vec::new(),
        };
        let sql = "ALTER TABLE projects ADD FOREIGN KEY (org_id) REFERENCES orgs";
        let statement = &statements(sql).unwrap()[0];
        let bound = [bound];
        let found = of_statement(statement, &bound, None);
        for (migration, is_new) in [
            ("CREATE TABLE IF NOT EXISTS public.projects (id int);", true),
            (
                "CREATE TABLE projects_2 (id int); CREATE INDEX ON projects (id);",
                false,
            ),
        ] {
            assert_eq!(found[0].is_of_new_table(migration), is_new, "{migration}");
        }
    }

    #[test]
    fn policies_that_show_the_owner_rows() {
        const UPDATE: &str = "UPDATE projects SET slug = 'a'";
        assert_eq!(commands(UPDATE, |table| table.shows_rows = true), [""; 0]);
        assert_eq!(commands(UPDATE, |table| table.shows_tenant = true), ["UPDATE"]);
        let with_tenant = |table: &mut Bound| (table.shows_tenant, table.has_tenant) = (true, true);
        assert_eq!(commands(UPDATE, with_tenant), [""; 0]);
        let sets =
            "DO $$ BEGIN PERFORM set_config('app.org_id', '1', true); UPDATE projects SET a = 1; END $$";
        assert_eq!(commands(sets, |table| table.shows_tenant = true), [""; 0]);
        assert_eq!(commands(sets, |_| {}), ["UPDATE"]);
    }
}
