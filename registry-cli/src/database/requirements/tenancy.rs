//! The policies that the tenancy of a table requires.
//!
//! The setting is read in a sub-select, so that the server reads it once for each statement instead of once for each
//! row. An empty setting is never a tenant: one that was set with SET LOCAL reads as an empty string after the
//! transaction.

use std::collections::BTreeMap;

use table_registry_engine::{Command, Parent, Policy, RegisteredTable, Registry, Tenancy};

use crate::columns::{Column, TableColumns};
use crate::database::code::claims;
use crate::database::requirements::statements::{
    POLICY, Qualified, RequiredPolicy, identifier, literal, qualified,
};

/// Why it is not known which policies a table needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// Nothing says how its rows belong to tenants.
    Tenancy,
    /// The struct of this table has no field for the column that a policy compares.
    Column { table: String, column: String },
    /// Neither a field nor the policy file tells the type of this tenant column.
    Type { table: String, column: String },
}

const SHARED_ROWS: &str = "shared_rows";

/// The names of all policies that the registry makes.
pub fn policy_names() -> Vec<String> {
    let commands = Command::ALL.iter().map(|command| command.as_str());
    let parts = commands.chain([SHARED_ROWS]).map(policy_name);
    std::iter::once(POLICY.to_string()).chain(parts).collect()
}

fn policy_name(part: &str) -> String {
    format!("{POLICY}_{part}")
}

/// Finds the policies that the tables of a registry need.
#[derive(Clone, Copy)]
pub struct RequiredPolicies<'p> {
    registry: &'p Registry,
    policy: &'p Policy,
    fields: &'p BTreeMap<String, TableColumns>,
}

/// Which rows belong to the tenant of the session, and which belong to everybody.
struct Rows {
    own: String,
    shared: Option<String>,
}

impl<'p> RequiredPolicies<'p> {
    pub fn new(
        registry: &'p Registry,
        policy: &'p Policy,
        fields: &'p BTreeMap<String, TableColumns>,
    ) -> Self {
        Self {
            registry,
            policy,
            fields,
        }
    }

    /// The policies of a table: none if it belongs to no tenant.
    pub fn of(self, table: &RegisteredTable) -> Result<Vec<RequiredPolicy>, Unknown> {
        match &table.tenancy {
            Tenancy::Global => Ok(Vec::new()),
            Tenancy::Declared => Ok(self.declared(table)),
            Tenancy::Unknown | Tenancy::Column { .. } | Tenancy::Through(_) => {
                self.rows(table, &mut Vec::new()).map(policies)
            }
        }
    }

    /// A command without an entry has no policy, and so is refused.
    fn declared(self, table: &RegisteredTable) -> Vec<RequiredPolicy> {
        let entries = self.policy.tenancy.policies.iter();
        let own = entries.filter(|entry| entry.table.value == table.name);
        let mut policies: Vec<RequiredPolicy> = own
            .map(|entry| RequiredPolicy {
                name: policy_name(entry.command.as_str()),
                command: Some(entry.command),
                using: entry.using.as_ref().map(|text| text.value.clone()),
                check: entry.check.as_ref().map(|text| text.value.clone()),
            })
            .collect();
        policies.sort_by_key(|policy| policy.command);
        policies
    }

    /// The conditions that hold for the rows of a table. `around` are the names of the tables whose columns can be
    /// named at this place: those of the sub-selects around it.
    fn rows(self, table: &RegisteredTable, around: &mut Vec<String>) -> Result<Rows, Unknown> {
        let name = self.qualified(table);
        let alias = alias(&name.name, around);
        let is_outermost = around.is_empty();
        around.push(alias.clone());
        match &table.tenancy {
            Tenancy::Column { name, shared_rows } => {
                self.require(table, name)?;
                let column = if is_outermost {
                    identifier(name)
                } else {
                    format!("{}.{}", identifier(&alias), identifier(name))
                };
                Ok(Rows {
                    own: format!("{column} = {}", self.tenant(table, name)?),
                    shared: shared_rows.then(|| format!("{column} IS NULL")),
                })
            }
            Tenancy::Through(parent) => self.rows_of_child(table, &alias, parent, around),
            Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => Err(Unknown::Tenancy),
        }
    }

    fn rows_of_child(
        self,
        table: &RegisteredTable,
        alias_of_child: &str,
        parent: &Parent,
        around: &mut Vec<String>,
    ) -> Result<Rows, Unknown> {
        for column in &parent.columns {
            self.require(table, column)?;
        }
        let found = self.registry.table(&parent.table).ok_or(Unknown::Tenancy)?;
        let name = self.qualified(found);
        let alias_of_parent = alias(&name.name, around);
        let depth = "    ".repeat(around.len() + 1);
        let rows = self.rows(found, around)?;
        let source = if alias_of_parent == name.name {
            name.to_string()
        } else {
            format!("{name} AS {}", identifier(&alias_of_parent))
        };
        let mut conditions: Vec<String> = Vec::new();
        for (column, key) in parent.columns.iter().zip(&parent.keys) {
            self.require(found, key)?;
            conditions.push(format!(
                "{}.{} = {}.{}",
                identifier(&alias_of_parent),
                identifier(key),
                identifier(alias_of_child),
                identifier(column)
            ));
        }
        let exists = |condition: String| {
            let all = conditions.iter().cloned().chain([condition]).collect::<Vec<_>>();
            let joined = all.join(&format!("\n{depth}    AND "));
            format!("EXISTS (\n{depth}    SELECT FROM {source}\n{depth}    WHERE {joined}\n{depth})")
        };
        Ok(Rows {
            own: exists(rows.own),
            shared: rows.shared.map(exists),
        })
    }

    /// The tenant of the session, in the type of a column.
    fn tenant(self, table: &RegisteredTable, column: &str) -> Result<String, Unknown> {
        let settings = self.policy.tenancy.column().ok_or(Unknown::Tenancy)?;
        let sql_type = self.sql_type(table, column).ok_or_else(|| Unknown::Type {
            table: table.name.clone(),
            column: column.to_string(),
        })?;
        let cast = match sql_type.as_str() {
            "text" => String::new(),
            other => format!("::{other}"),
        };
        if let Some(claim) = claims::tenant(self.policy) {
            return Ok(claims::expression(claim, &sql_type));
        }
        let setting = literal(&settings.setting.value);
        Ok(format!(
            "(SELECT nullif(current_setting({setting}, true), ''){cast})"
        ))
    }

    /// The type that the field has, or else the one in `[tenancy]`. A string may be the value of any type, so `[tenancy]`
    /// decides if it says something.
    pub fn sql_type(self, table: &RegisteredTable, column: &str) -> Option<String> {
        let mut fields = self.fields.get(&table.name)?.columns.iter();
        let of_field = fields
            .find(|field| field.name == column)
            .and_then(Column::sql_type);
        let written = self
            .policy
            .tenancy
            .column()
            .and_then(|column| column.sql_type.clone());
        match of_field.as_deref() {
            Some("text") | None => written.or(of_field),
            _ => of_field,
        }
    }

    /// A struct that shows all columns has to show this one.
    fn require(self, table: &RegisteredTable, column: &str) -> Result<(), Unknown> {
        match self.fields.get(&table.name) {
            Some(fields) if fields.is_complete && !fields.has(column) => Err(Unknown::Column {
                table: table.name.clone(),
                column: column.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn qualified(self, table: &RegisteredTable) -> Qualified {
        qualified(&self.policy.database, &table.name, table.schema.as_deref())
    }
}

/// Rows that belong to everybody are only read.
fn policies(rows: Rows) -> Vec<RequiredPolicy> {
    let own = RequiredPolicy {
        name: POLICY.to_string(),
        command: None,
        check: Some(rows.own.clone()),
        using: Some(rows.own),
    };
    let shared = rows.shared.map(|shared| RequiredPolicy {
        name: policy_name(SHARED_ROWS),
        command: Some(Command::Select),
        using: Some(shared),
        check: None,
    });
    [own].into_iter().chain(shared).collect()
}

/// Longer names are cut: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
const MAX_NAME_BYTES: usize = 63;
const MAX_SUFFIX_BYTES: usize = 8;

/// A name by which SQL can refer to a table, beside the tables around it.
fn alias(name: &str, around: &[String]) -> String {
    let taken = |alias: &String| around.contains(alias);
    if !taken(&name.to_string()) {
        return name.to_string();
    }
    // The server cuts longer names, which could make this one the same as another.
    let end = name.floor_char_boundary(MAX_NAME_BYTES - MAX_SUFFIX_BYTES);
    let mut aliases = (1..).map(|number| format!("{}_{number}", &name[..end]));
    aliases.find(|alias| !taken(alias)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns;
    use crate::database::testing::project_of;

    const TENANCY: &str = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";

    fn shown(schema: &str, policy_file: &str, table: &str) -> Result<String, Unknown> {
        let project = project_of(schema, policy_file);
        assert_eq!(project.faults.len(), 0, "{:?}", project.faults);
        let fields = columns::of_tables(project.registry.tables(), &project.sources);
        let policies = RequiredPolicies::new(&project.registry, &project.policy, &fields);
        let required = policies.of(project.registry.table(table).unwrap())?;
        let texts = required.iter().map(|policy| {
            let command = policy.command.map_or("all", Command::as_str);
            let (using, check) = (policy.using.as_deref(), policy.check.as_deref());
            format!(
                "{} {command} {} / {}\n",
                policy.name,
                using.unwrap_or("-"),
                if check == using {
                    "same"
                } else {
                    check.unwrap_or("-")
                }
            )
        });
        Ok(texts.collect())
    }

    fn unknown_column(table: &str, column: &str) -> Unknown {
        Unknown::Column {
            table: table.to_string(),
            column: column.to_string(),
        }
    }

    #[test]
    fn a_column_in_each_type() {
        for (field, sql_type, expected) in [
            ("i64", "", "::bigint"),
            ("Option<uuid::Uuid>", "", "::uuid"),
            ("i32", "uuid", "::integer"),
            ("String", "", ""),
            ("String", "uuid", "::uuid"),
            ("OrgId", "uuid", "::uuid"),
        ] {
            let main = match sql_type {
                "" => TENANCY.to_string(),
                text => format!("{TENANCY}type = \"{text}\"\n"),
            };
            let schema = format!("#[table] pub struct Invoices {{ pub org_id: {field} }}");
            assert_eq!(
                shown(&schema, &main, "invoices").unwrap(),
                format!(
                    "tenant_isolation all \"org_id\" = (SELECT nullif(current_setting('app.org_id', true), ''){expected}) / same\n"
                )
            );
        }
    }

    #[test]
    fn shared_rows_are_only_read() {
        let schema = "#[table(shared_rows)] pub struct News { pub org_id: Option<i64> }";
        assert_eq!(
            shown(schema, TENANCY, "news").unwrap().lines().nth(1),
            Some("tenant_isolation_shared_rows select \"org_id\" IS NULL / -")
        );
    }

    #[test]
    fn a_child_of_a_child() {
        let schema = "#[table(shared_rows)] pub struct Projects { pub id: i64, pub org_id: i64 }
            #[table(tenant = through(project_id -> projects))] pub struct Tasks { pub id: i64, pub project_id: i64 }
            #[table(schema = \"talk\", tenant = through((a, b) -> tasks(id, project_id)))]
            pub struct Comments { pub a: i64, pub b: i64 }";
        let own = "EXISTS (
            SELECT FROM \"public\".\"tasks\"
            WHERE \"tasks\".\"id\" = \"comments\".\"a\"
            AND \"tasks\".\"project_id\" = \"comments\".\"b\"
            AND EXISTS (
                SELECT FROM \"public\".\"projects\"
                WHERE \"projects\".\"id\" = \"tasks\".\"project_id\"
                AND \"projects\".\"org_id\" = (SELECT nullif(current_setting('app.org_id', true), '')::bigint)
            )
        )";
        let text = shown(schema, TENANCY, "talk.comments").unwrap();
        assert_eq!(
            text.split(" / ").next().unwrap(),
            format!("tenant_isolation all {own}")
        );
        assert!(text.contains("\"projects\".\"org_id\" IS NULL"), "{text}");
    }

    #[test]
    fn tables_of_one_name_are_told_apart() {
        let schema = "#[table(schema = \"a\")] pub struct Orders { pub id: i64, pub org_id: i64 }
            #[table(schema = \"b\", name = \"orders\", tenant = through(order_id -> \"a.orders\"))]
            pub struct Others { pub order_id: i64 }";
        let text = shown(schema, TENANCY, "b.orders").unwrap();
        assert!(text.contains("FROM \"a\".\"orders\" AS \"orders_1\""), "{text}");
        assert!(
            text.contains("\"orders_1\".\"id\" = \"orders\".\"order_id\""),
            "{text}"
        );
    }

    #[test]
    fn an_alias_is_no_longer_than_a_name() {
        let name = "n".repeat(63);
        assert_eq!(alias(&name, &[]), name);
        let around = [name.clone()];
        assert_eq!(alias(&name, &around), format!("{}_1", "n".repeat(55)));
        let umlauts = "ü".repeat(31);
        assert_eq!(
            alias(&umlauts, std::slice::from_ref(&umlauts)),
            format!("{}_1", "ü".repeat(27))
        );
    }

    #[test]
    fn declared_policies() {
        let schema = "#[table] pub struct Members { pub user_id: i64 }";
        let main = format!(
            "{TENANCY}[[tenancy.policies]]\ntable = \"members\"\nfor = \"update\"\nusing = \"a\"\ncheck = \"b\"\nreason = \"r\"\n\
             [[tenancy.policies]]\ntable = \"members\"\nfor = \"select\"\nusing = \"c\"\nreason = \"r\"\n"
        );
        assert_eq!(
            shown(schema, &main, "members").unwrap(),
            "tenant_isolation_select select c / -\ntenant_isolation_update update a / b\n"
        );
    }

    #[test]
    fn what_is_not_known() {
        let column = "#[table] pub struct A { pub id: i64 }";
        assert_eq!(shown(column, TENANCY, "a"), Err(unknown_column("a", "org_id")));
        assert_eq!(shown(column, "", "a"), Err(Unknown::Tenancy));
        assert_eq!(
            shown(column, "[tenancy]\nmode = \"none\"", "a"),
            Ok(String::new())
        );
        let typeless = "#[table] pub struct A { pub org_id: OrgId }";
        assert!(matches!(shown(typeless, TENANCY, "a"), Err(Unknown::Type { .. })));
        let child = "#[table(tenant = through(b -> b(key)))] pub struct A { pub b: i64 }
            #[table] pub struct B { pub id: i64, pub org_id: i64 }";
        assert_eq!(shown(child, TENANCY, "a"), Err(unknown_column("b", "key")));
        // A struct that does not show all columns may have it.
        let flattened = "#[table] pub struct A { #[sqlx(flatten)] pub base: Base }";
        let typed = format!("{TENANCY}type = \"uuid\"");
        assert!(shown(flattened, &typed, "a").is_ok());
    }
}
