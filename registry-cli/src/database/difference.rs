//! Compares the policy that a table has with the one that the registry requires.

use std::collections::BTreeMap;

use sqlx::Row;

use super::catalog::{Catalog, ColumnRow, PolicyRow, Relation};
use super::context::Context;
use super::mention::Words;
use super::session::Session;
use super::statements::{POLICY, Qualified, identifier, literal};
use crate::failure::Failure;
use crate::text::quoted;

/// How the server spells the expression of the registry's policy for each table.
pub struct Spellings<'e> {
    expression: &'e str,
    words: Words,
    known: BTreeMap<NamedColumns, String>,
}

/// The columns that the expression names, with their types.
type NamedColumns = Vec<(String, String)>;

impl<'e> Spellings<'e> {
    pub fn new(expression: &'e str) -> Self {
        Self {
            expression,
            words: Words::of(expression),
            known: BTreeMap::new(),
        }
    }

    pub fn of(
        &mut self,
        session: &mut Session,
        catalog: &Catalog,
        table: &Qualified,
        relation: &Relation,
    ) -> Result<String, Failure> {
        let Some(columns) = self.decisive(&table.name, catalog.columns(relation.oid)) else {
            return spelling(session, table, self.expression);
        };
        if let Some(known) = self.known.get(&columns) {
            return Ok(known.clone());
        }
        let asked = spelling(session, table, self.expression)?;
        self.known.insert(columns, asked.clone());
        Ok(asked)
    }

    /// The columns that decide the spelling, if nothing else does. In a subquery, the server qualifies each column with
    /// its table.
    fn decisive(&self, table: &str, columns: &[ColumnRow]) -> Option<NamedColumns> {
        let named = columns.iter().filter(|column| self.words.contains(&column.name));
        let named: NamedColumns = named
            .map(|column| (column.name.clone(), column.type_text.clone()))
            .collect();
        let depends_on_table = ["select", "table", table]
            .iter()
            .any(|word| self.words.contains(word));
        (!named.is_empty() && !depends_on_table).then_some(named)
    }
}

/// To find out how the server spells the expression, the policy is created on a temporary copy of the table in a
/// transaction that is rolled back.
fn spelling(session: &mut Session, table: &Qualified, expression: &str) -> Result<String, Failure> {
    let (copy, policy) = (identifier(&table.name), identifier(POLICY));
    let rows = session.rows(
        &format!("`tenant_policy` cannot be a policy of table {table}"),
        &format!(
            "BEGIN;
             CREATE TEMP TABLE {copy} (LIKE {table}) ON COMMIT DROP;
             CREATE POLICY {policy} ON pg_temp.{copy} USING (\n{}\n);
             SET LOCAL search_path = pg_catalog;
             SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = {}::regclass;
             ROLLBACK",
            expression.trim(),
            literal(&format!("pg_temp.{copy}"))
        ),
    )?;
    let spelt = rows.first().and_then(|row| row.try_get(0).ok());
    spelt.ok_or_else(|| Failure::new(format!("the server does not return the policy of table {table}")))
}

/// How a table's policy compares with the registry's.
pub enum OwnPolicy {
    Same,
    /// The table has no policy that lets rows through, or a different policy with the registry's name.
    Lacking,
    /// The table has no policy with the registry's name, but the named ones let rows through.
    Others(String),
}

/// Compares a table's policies with the registry's policy, which is only for the roles of the application.
pub fn policy(context: &Context<'_>, relation: &Relation, spelling: &str) -> OwnPolicy {
    let policies = context.catalog.policies(relation.oid);
    if let Some(policy) = policies.iter().find(|policy| policy.name == POLICY) {
        return if is_same(context, policy, spelling) {
            OwnPolicy::Same
        } else {
            OwnPolicy::Lacking
        };
    }
    let mut others = policies.iter().filter(|policy| policy.permissive).peekable();
    if others.peek().is_none() {
        return OwnPolicy::Lacking;
    }
    OwnPolicy::Others(quoted(others.map(|policy| &policy.name)))
}

fn is_same(context: &Context<'_>, policy: &PolicyRow, spelling: &str) -> bool {
    let apps = &context.app_roles;
    let for_roles =
        policy.roles.len() == apps.len() && apps.iter().all(|app| policy.roles.contains(&app.role.oid));
    let expressions = [&policy.using, &policy.check];
    policy.command == "*"
        && policy.permissive
        && for_roles
        && expressions.iter().all(|text| text.as_deref() == Some(spelling))
}

#[cfg(test)]
mod tests {
    use super::{ColumnRow, Spellings};

    fn column(name: &str, type_text: &str) -> ColumnRow {
        ColumnRow {
            relation: 1,
            name: name.to_string(),
            type_name: String::new(),
            type_text: type_text.to_string(),
            type_kind: "b".to_string(),
            not_null: true,
        }
    }

    #[test]
    fn the_spelling_depends_on_the_columns_in_the_expression() {
        let spellings = Spellings::new("org_id = current_setting('app.org_id')::uuid OR \"Public\"");
        let decisive = |table: &str, columns: &[ColumnRow]| spellings.decisive(table, columns);
        let org = decisive("invoices", &[column("org_id", "uuid")]);
        assert_eq!(org, Some(vec![("org_id".to_string(), "uuid".to_string())]));
        assert_eq!(
            decisive("contacts", &[column("id", "int8"), column("org_id", "uuid")]),
            org
        );
        for others in [
            vec![column("org_id", "text")],
            vec![column("org_id", "uuid"), column("Public", "bool")],
        ] {
            assert_ne!(decisive("contacts", &others), org);
        }
    }

    /// Then each table has its own spelling.
    #[test]
    fn the_spelling_may_depend_on_the_table() {
        for expression in [
            "EXISTS (SELECT FROM members WHERE members.org_id = org_id)",
            "invoices.org_id = current_setting('app.org_id')",
            "org_id = tenant_of('invoices')",
            "org_id = ANY (ARRAY(select 1))",
            "is_visible()",
        ] {
            let columns = [column("org_id", "uuid")];
            assert_eq!(Spellings::new(expression).decisive("invoices", &columns), None);
        }
    }
}
