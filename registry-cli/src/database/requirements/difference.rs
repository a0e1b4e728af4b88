//! Compares the policy that a table has with the one that the registry requires.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::database::catalog::{Catalog, ColumnRow, PolicyRow, Relation};
use crate::database::code::mention::Words;
use crate::database::context::Context;
use crate::database::logic::Verdict;
use crate::database::policies::{Clause, letter, verdict};
use crate::database::requirements::statements::{POLICY, Qualified, RequiredPolicy, identifier, literal};
use crate::database::requirements::tenancy::policy_names;
use crate::database::server::session::Session;
use crate::failure::Failure;

/// How the server spells the expressions of the registry's policies.
#[derive(Default)]
pub struct Spellings {
    by_expression: BTreeMap<String, Expression>,
}

/// An expression of a policy, which many tables may have.
struct Expression {
    words: Words,
    in_sub_select: Option<Words>,
    spelt: BTreeMap<NamedColumns, String>,
}

/// The columns that an expression names, with their types.
type NamedColumns = Vec<(String, String)>;

impl Spellings {
    fn of(
        &mut self,
        session: &mut Session,
        catalog: &Catalog,
        relation: &Relation,
        text: &str,
    ) -> Result<String, Failure> {
        let table = relation.qualified();
        let expression = self
            .by_expression
            .entry(text.to_string())
            .or_insert_with(|| Expression::new(text));
        let Some(columns) = expression.decisive(&table.name, catalog.columns(relation.oid)) else {
            return spelling(session, &table, text);
        };
        if let Some(known) = expression.spelt.get(&columns) {
            return Ok(known.clone());
        }
        let asked = spelling(session, &table, text)?;
        expression.spelt.insert(columns, asked.clone());
        Ok(asked)
    }
}

impl Expression {
    fn new(text: &str) -> Self {
        // Of the same length as the text.
        let sub_select = text.to_ascii_lowercase().find("select");
        Self {
            words: Words::of(text),
            in_sub_select: sub_select.map(|start| Words::outside_quotes(&text[start..])),
            spelt: BTreeMap::new(),
        }
    }

    /// The columns that decide the spelling, if nothing else does. In a sub-select, the server qualifies each column with
    /// its table.
    fn decisive(&self, table: &str, columns: &[ColumnRow]) -> Option<NamedColumns> {
        let named = columns.iter().filter(|column| self.words.contains(&column.name));
        let mut decisive = NamedColumns::new();
        for column in named {
            if self
                .in_sub_select
                .as_ref()
                .is_some_and(|words| words.contains(&column.name))
            {
                return None;
            }
            decisive.push((column.name.clone(), column.type_text.clone()));
        }
        let depends_on_table = ["from", "table", table]
            .iter()
            .any(|word| self.words.contains(word));
        (!decisive.is_empty() && !depends_on_table).then_some(decisive)
    }
}

/// To find out how the server spells the expression, the policy is created on a temporary copy of the table in a
/// transaction that is rolled back.
fn spelling(session: &mut Session, table: &Qualified, expression: &str) -> Result<String, Failure> {
    let (copy, policy) = (identifier(&table.name), identifier(POLICY));
    let rows = session.rows(
        &format!("the server rejects the registry's policy for table {table}"),
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

/// How the policies of a table differ from those that the registry requires.
#[derive(Default)]
pub struct Difference<'p> {
    /// The policies that are missing, or that the table has in another form.
    pub missing: Vec<&'p RequiredPolicy>,
    /// The names of the registry's policies that the table has and that are not required in this form.
    pub outdated: Vec<String>,
    /// The names of the policies that are not proved to keep tenants apart, where the table has only policies that are not
    /// the registry's.
    pub others: Vec<String>,
}

/// Compares the policies of a table with the required ones, which are only for the roles of the application.
pub fn of_policies<'p>(
    context: &Context<'_>,
    session: &mut Session,
    spellings: &mut Spellings,
    relation: &Relation,
    required: &'p [RequiredPolicy],
) -> Result<Difference<'p>, Failure> {
    let names = policy_names();
    let policies = context.catalog.policies(relation.oid).iter();
    let (ours, others): (Vec<&PolicyRow>, Vec<_>) = policies.partition(|policy| names.contains(&policy.name));
    // The policy of a role that works across tenants lets nothing through for the application.
    let is_of_app = |policy: &PolicyRow| {
        let mut roles = policy.roles.iter();
        roles.any(|role| !context.works_across_tenants(*role, relation.oid))
    };
    let others = others.into_iter();
    let mut others = others
        .filter(|policy| policy.permissive && is_of_app(policy))
        .peekable();
    if ours.is_empty() && others.peek().is_some() {
        let unproven = others.filter(|policy| !is_isolated(context, relation, policy));
        return Ok(Difference {
            others: unproven.map(|policy| policy.name.clone()).collect(),
            ..Difference::default()
        });
    }
    let mut difference = Difference::default();
    for policy in required {
        let own = ours.iter().find(|own| own.name == policy.name);
        let is_same = match own {
            Some(own) => is_same(context, session, spellings, relation, own, policy)?,
            None => false,
        };
        if !is_same {
            difference.missing.push(policy);
            difference.outdated.extend(own.map(|own| own.name.clone()));
        }
    }
    let is_required = |own: &&PolicyRow| required.iter().any(|policy| policy.name == own.name);
    let needless = ours.iter().filter(|own| !is_required(own));
    difference.outdated.extend(needless.map(|own| own.name.clone()));
    Ok(difference)
}

/// Whether a policy is proved to keep tenants apart, as the registry's own policies do.
fn is_isolated(context: &Context<'_>, relation: &Relation, policy: &PolicyRow) -> bool {
    let mut clauses = Clause::ALL.iter();
    clauses.all(|clause| verdict(context, relation, policy, *clause) == Verdict::Isolated)
}

fn is_same(
    context: &Context<'_>,
    session: &mut Session,
    spellings: &mut Spellings,
    relation: &Relation,
    own: &PolicyRow,
    required: &RequiredPolicy,
) -> Result<bool, Failure> {
    let apps = &context.app_roles;
    let for_roles = own.roles.len() == apps.len() && apps.iter().all(|app| own.roles.contains(&app.role.oid));
    let letter = required.command.map_or("*", letter);
    if own.command != letter || !own.permissive || !for_roles {
        return Ok(false);
    }
    for (own, required) in [(&own.using, &required.using), (&own.check, &required.check)] {
        let spelt = match required {
            Some(text) => Some(spellings.of(session, context.catalog, relation, text)?),
            None => None,
        };
        if *own != spelt {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{ColumnRow, Expression, NamedColumns};

    fn decisive(expression: &str, table: &str, columns: &[ColumnRow]) -> Option<NamedColumns> {
        Expression::new(expression).decisive(table, columns)
    }

    fn column(name: &str, type_text: &str) -> ColumnRow {
        ColumnRow {
            relation: 1,
            name: name.to_string(),
            type_name: String::new(),
            type_text: type_text.to_string(),
            type_kind: "b".to_string(),
            base_type: None,
            not_null: true,
            is_numbered: false,
            is_generated: false,
            has_default: false,
        }
    }

    #[test]
    fn the_spelling_depends_on_the_columns_in_the_expression() {
        let own = "org_id = (SELECT nullif(current_setting('app.org_id', true), '')::uuid) OR \"Public\"";
        let expression =
            "\"Public\" OR org_id = (SELECT nullif(current_setting('app.org_id', true), '')::uuid)";
        assert_eq!(decisive(own, "invoices", &[column("Public", "bool")]), None);
        let decisive = |table: &str, columns: &[ColumnRow]| decisive(expression, table, columns);
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
            "org_id = (SELECT org_id)",
            "is_visible()",
        ] {
            let columns = [column("org_id", "uuid")];
            assert_eq!(decisive(expression, "invoices", &columns), None);
        }
    }
}
