//! Policies that call a function for each row, although its value is the same for all rows.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::code::calls::{Call, for_each_row};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::policies::{self, Clause, policies_of_families};
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let applied = policies_of_families(context)
        .into_iter()
        .filter(|(_, relation, policy)| {
            let mut roles = policy.roles.iter();
            relation.row_security && roles.any(|role| context.app_role_reaching(*role).is_some())
        });
    applied
        .filter_map(|(table, relation, policy)| finding(context, table, relation, policy))
        .collect()
}

/// A clause of a policy with its needless calls.
struct Slow<'p> {
    clause: Clause,
    text: &'p str,
    calls: Vec<NeedlessCall>,
}

struct NeedlessCall {
    call: Call,
    is_volatile: bool,
}

impl NeedlessCall {
    fn name(&self) -> String {
        match &self.call.schema {
            Some(schema) => format!("{schema}.{}", self.call.name),
            None => self.call.name.clone(),
        }
    }

    /// Whether a sub-select around the call has the same value, and is not a list of rows.
    fn can_be_wrapped(&self) -> bool {
        !self.is_volatile && !self.call.is_list
    }
}

fn finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
) -> Option<Finding> {
    let written = Clause::ALL.iter().filter(|clause| clause.is_written(policy));
    let slow: Vec<Slow<'_>> = written
        .filter_map(|clause| slow_clause(context, relation, policy, *clause))
        .collect();
    let mut names: Vec<String> = slow
        .iter()
        .flat_map(|slow| slow.calls.iter().map(NeedlessCall::name))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "policy `{}` of table `{}` calls {} for each row",
        policy.name,
        relation.name,
        quoted(&names)
    );
    let fix = fix(relation, policy, &slow);
    let place = (table, relation, policy);
    let finding = policies::finding(context, DatabaseCheck::PerRowCall, place, message, fix);
    Some(finding.fact("in a sub-select without tables, the server calls it once for each statement"))
}

fn slow_clause<'p>(
    context: &Context<'_>,
    relation: &Relation,
    policy: &'p PolicyRow,
    clause: Clause,
) -> Option<Slow<'p>> {
    let text = clause.of(policy)?;
    let columns = context.catalog.columns(relation.oid);
    let is_column = |name: &str| columns.iter().any(|column| column.name == name);
    let mut calls: Vec<NeedlessCall> = Vec::new();
    for call in for_each_row(text, &is_column) {
        if let Some(needless) = needless(context, call) {
            // A call comes after those in its arguments, which it covers.
            calls.retain(|inner| inner.call.range.start < needless.call.range.start);
            calls.push(needless);
        }
    }
    (!calls.is_empty()).then_some(Slow { clause, text, calls })
}

/// A call whose value is the same for all rows. A user's function that is VOLATILE counts, because VOLATILE is the
/// default, and nobody may have chosen it; a built-in one such as `random()` does not.
fn needless(context: &Context<'_>, call: Call) -> Option<NeedlessCall> {
    let schema = call.schema.as_deref().unwrap_or(BUILT_IN);
    let is_volatile = match context.catalog.volatility(schema, &call.name)? {
        "v" if schema != BUILT_IN => true,
        "s" => false,
        _ => return None,
    };
    let is_clock = schema == BUILT_IN && CLOCKS.contains(&call.name.as_str());
    (!call.depends_on_row && !is_clock).then_some(NeedlessCall { call, is_volatile })
}

/// The schema of what is built in.
const BUILT_IN: &str = "pg_catalog";

/// The time at which the statement or the transaction began, which costs nothing to read.
const CLOCKS: &[&str] = &["now", "statement_timestamp", "transaction_timestamp"];

fn fix(relation: &Relation, policy: &PolicyRow, slow: &[Slow<'_>]) -> String {
    let all = || slow.iter().flat_map(|slow| &slow.calls);
    if let Some(volatile) = all().find(|call| call.is_volatile) {
        return format!(
            "if `{}` has one value for all rows of a statement, declare it STABLE, and call it in a sub-select: `(SELECT {}(…))`",
            volatile.name(),
            volatile.name()
        );
    }
    if let Some(list) = all().find(|call| !call.can_be_wrapped()) {
        return format!(
            "call it in a sub-select, and cast the result to its array type: `ANY ((SELECT {}(…))::text[])`",
            list.name()
        );
    }
    let clauses = slow
        .iter()
        .map(|slow| format!(" {} ({})", slow.clause.name(), wrapped(slow)));
    format!(
        "ALTER POLICY {} ON {}{};",
        identifier(&policy.name),
        relation.qualified(),
        clauses.collect::<String>()
    )
}

/// The expression with its needless calls in sub-selects.
fn wrapped(slow: &Slow<'_>) -> String {
    let mut text = slow.text.to_string();
    for needless in slow.calls.iter().rev() {
        let range = needless.call.range.clone();
        let call = format!("(SELECT {})", &slow.text[range.clone()]);
        text.replace_range(range, &call);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::findings::finding::Finding;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A database whose table `invoices` has this policy.
    fn policy(it: &mut Database, expression: &str) {
        it.called("pg_catalog", "current_setting", "s");
        it.called("pg_catalog", "now", "s");
        it.called("pg_catalog", "random", "v");
        it.called("auth", "uid", "s");
        it.called("auth", "orgs", "s");
        it.called("public", "is_member", "s");
        it.called("public", "is_lucky", "v");
        it.called("public", "fixed", "i");
        it.policy("invoices").using = Some(expression.to_string());
    }

    fn with(expression: &str) -> Vec<Finding> {
        findings(find, |it| policy(it, expression))
    }

    #[test]
    fn a_setting() {
        let found = with("(org_id = NULLIF(current_setting('app.org_id'::text, true), ''::text))");
        assert_eq!(
            found[0].message,
            "policy `tenant_isolation` of table `invoices` calls `current_setting` for each row"
        );
        assert_eq!(
            found[0].fix,
            "ALTER POLICY \"tenant_isolation\" ON \"public\".\"invoices\" USING ((org_id = \
             NULLIF((SELECT current_setting('app.org_id'::text, true)), ''::text)));"
        );
    }

    #[test]
    fn two_calls_in_one_expression() {
        let found = with("((auth.uid() = org_id) OR public.is_member(auth.uid(), org_id))");
        assert_eq!(
            found[0].fix,
            "ALTER POLICY \"tenant_isolation\" ON \"public\".\"invoices\" USING \
             ((((SELECT auth.uid()) = org_id) OR public.is_member((SELECT auth.uid()), org_id)));"
        );
    }

    #[test]
    fn a_call_covers_those_in_its_arguments() {
        let found = with("(org_id = public.is_member(auth.uid()))");
        assert!(
            found[0].fix.contains("(SELECT public.is_member(auth.uid()))"),
            "{}",
            found[0].fix
        );
    }

    #[test]
    fn what_cannot_be_wrapped() {
        let volatile = with("(public.is_lucky() AND (auth.uid() = org_id))");
        assert!(volatile[0].fix.starts_with("if `public.is_lucky` has one value"));
        let list = with("(org_id = ANY (auth.orgs()))");
        assert!(list[0].fix.contains("ANY ((SELECT auth.orgs(…))::text[])"));
    }

    /// The call itself depends on the row, but not its argument.
    #[test]
    fn an_argument_that_is_the_same_for_all_rows() {
        for function in ["is_member", "is_lucky"] {
            let found = with(&format!("public.{function}(org_id, auth.uid())"));
            assert_eq!(
                found[0].message,
                "policy `tenant_isolation` of table `invoices` calls `auth.uid` for each row"
            );
            assert!(
                found[0]
                    .fix
                    .contains(&format!("public.{function}(org_id, (SELECT auth.uid()))"))
            );
        }
    }

    #[test]
    fn calls_that_are_no_fault() {
        for expression in [
            "(org_id = ( SELECT current_setting('app.org_id'::text, true) AS current_setting))",
            "public.is_member(org_id)",
            "public.is_lucky(org_id)",
            "(public.is_lucky(invoices.*) AND public.is_lucky(tableoid))",
            "((total)::double precision > random())",
            "(EXISTS ( SELECT 1 FROM public.members m WHERE public.is_lucky(m.id, invoices.org_id)))",
            "(org_id IN ( SELECT o.o FROM unnest(auth.orgs()) o(o)))",
            "(public.fixed() = org_id)",
            "((total)::text > (now())::text)",
            "(org_id = CURRENT_USER)",
        ] {
            assert_eq!(found(find, |it| policy(it, expression)), NOTHING, "{expression}");
        }
    }

    #[test]
    fn a_policy_that_is_not_for_the_application() {
        let found = found(find, |it| {
            policy(it, "(auth.uid() = org_id)");
            let owner = it.role_oid("owner");
            it.policy("invoices").roles = vec![owner];
        });
        assert_eq!(found, NOTHING);
    }
}
