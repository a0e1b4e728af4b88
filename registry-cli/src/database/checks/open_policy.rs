//! Policies that let rows of every tenant through.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, Placed, did_you_mean};

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::code::mention::Words;
use crate::database::code::settings;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::logic::Verdict;
use crate::database::policies::{self, Clause, compare_tenant, effective_policies, is_open_alone, verdict};
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let other = other_setting(context);
    let found = effective_policies(context).filter_map(|(table, relation, policy)| {
        let found = finding(context, table, relation, policy)?;
        Some(match &other {
            Some(other) => other.explain(context, found),
            None => found,
        })
    });
    found.collect()
}

/// A setting that all policies read in place of the one that the policy file names.
struct OtherSetting<'c> {
    named: &'c Placed<String>,
    read: String,
}

fn other_setting<'c>(context: &Context<'c>) -> Option<OtherSetting<'c>> {
    let named = &context.project.policy.tenancy.column()?.setting;
    let read: Vec<BTreeSet<String>> = effective_policies(context)
        .map(|(table, _, policy)| {
            let expressions = Clause::written(policy).filter_map(|clause| clause.of(policy));
            let names_tenant = |expression: &&str| {
                let tenant = table.tenant_column();
                tenant.is_some_and(|column| Words::outside_quotes(expression).contains(column))
            };
            expressions
                .filter(names_tenant)
                .flat_map(settings::read)
                .collect()
        })
        .collect();
    let in_all = |name: &&String| read.iter().all(|of_policy| of_policy.contains(*name));
    let common: Vec<&String> = read.first()?.iter().filter(in_all).collect();
    let is_named = |name: &String| name.eq_ignore_ascii_case(&named.value);
    match common.as_slice() {
        [one] if !read.iter().flatten().any(is_named) => Some(OtherSetting {
            named,
            read: (*one).clone(),
        }),
        _ => None,
    }
}

impl OtherSetting<'_> {
    /// The finding with the policy file as its place.
    fn explain(&self, context: &Context<'_>, mut finding: Finding) -> Finding {
        let near = did_you_mean(&self.named.value, [self.read.as_str()]);
        let meant = near.unwrap_or_else(|| format!("name `{}`", self.read));
        finding.fix = format!(
            "in `[tenancy]`, {meant}\nif the application sets `{}`: run what `{}` prints",
            self.named.value,
            context.project.package.command("sql --diff")
        );
        let Placed { value, source, range } = self.named;
        let line = source.line(range.start);
        let fact = format!(
            "`{}:{line}` names the setting `{value}`, and all policies read `{}`",
            source.path, self.read
        );
        finding.fact(fact).at_entry(self.named)
    }
}

fn finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
) -> Option<Finding> {
    let clauses = Clause::ALL.iter().copied();
    let mut open = Vec::new();
    let mut is_undeclared = false;
    for clause in clauses {
        let verdict = verdict(context, relation, policy, clause);
        is_undeclared |= matches!(verdict, Verdict::Undeclared(_));
        open.extend(reasons(verdict).map(|reasons| (clause, reasons)));
    }
    let what = match open.first()?.0 {
        _ if is_undeclared => "permits more than is declared, or cannot be compared with it,",
        Clause::Using => "lets rows of other tenants be read",
        Clause::Check => "lets rows of other tenants be written",
    };
    let by = if is_undeclared { "for" } else { "by" };
    let written = || open.iter().filter(|(clause, _)| clause.is_written(policy));
    // Also those that only a restrictive policy holds back, so that the fix leaves nothing to report.
    let clauses: Vec<Clause> = Clause::written(policy)
        .filter(|clause| {
            open.iter().any(|(open, _)| open == clause) || is_open_alone(context, relation, policy, *clause)
        })
        .collect();
    let fix = compare_tenant(context, table, relation, policy, &clauses);
    let roles = quoted(policy.roles.iter().map(|role| context.catalog.role_name(*role)));
    let message = format!(
        "policy `{}` of table `{}` {what} {by} {roles}",
        policy.name,
        table.name()
    );
    let place = (table, relation, policy);
    let mut finding = policies::finding(context, DatabaseCheck::OpenPolicy, place, message, fix);
    for (clause, reasons) in written() {
        finding = finding.fact(clause.fact(policy));
        finding = reasons.iter().fold(finding, Finding::fact);
    }
    Some(finding.fact("permissive policies are joined by OR: one open policy opens the table"))
}

/// Why a clause is open. `None` if it is not.
fn reasons(verdict: Verdict) -> Option<Vec<String>> {
    match verdict {
        Verdict::Isolated | Verdict::Unknown(_) => None,
        Verdict::Open(witness) => {
            let branch = witness.branch.as_ref();
            let branch = branch.map(|branch| format!("the part `{branch}` alone lets the row through"));
            Some(
                branch
                    .into_iter()
                    .chain([format!("for example, {witness}")])
                    .collect(),
            )
        }
        Verdict::Undeclared(Some(declared)) => Some(vec![format!(
            "`[[tenancy.policies]]` permits no more than `{declared}`"
        )]),
        Verdict::Undeclared(None) => Some(vec![
            "`[[tenancy.policies]]` has no entry for this command, so no policy may permit it".to_string(),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Severity;

    use super::find;
    use crate::database::checks::run;
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found};

    #[test]
    fn another_setting_in_the_policy_file() {
        let with = |setting: &str| {
            let line = format!("setting = \"{setting}\"");
            findings(find, |it| {
                it.policy_file = it.policy_file.replace("setting = \"app.org_id\"", &line);
            })
        };
        assert!(with("app.org_id").is_empty());
        let misspelt = with("app.ogr_id");
        assert_eq!(misspelt.len(), 2);
        assert_eq!(misspelt[0].entry.as_ref().unwrap().value, "app.ogr_id");
        assert_eq!(
            misspelt[0].fix,
            "in `[tenancy]`, did you mean `app.org_id`?\n\
             if the application sets `app.ogr_id`: run what `cargo table-registry sql --diff` prints"
        );
        let renamed = with("request.tenant");
        assert!(
            renamed[0].fix.contains("in `[tenancy]`, name `app.org_id`\n"),
            "{}",
            renamed[0].fix
        );
    }

    /// The policy file may be right if one policy reads its setting, or if a policy reads none.
    #[test]
    fn the_setting_of_the_policy_file_is_read_somewhere() {
        for expression in [
            "(org_id = current_setting('app.ogr_id')::bigint)",
            "own_rows(org_id)",
        ] {
            let found = findings(find, |it| {
                it.policy_file = it.policy_file.replace("\"app.org_id\"", "\"app.ogr_id\"");
                it.policy("invoices").using = Some(expression.to_string());
                it.policy("invoices").check = Some(expression.to_string());
            });
            assert!(found.iter().all(|one| one.entry.is_none()), "{expression}");
        }
    }

    #[test]
    fn a_policy_for_every_row() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "all", "app", "true");
            }),
            ["invoices all"]
        );
    }

    #[test]
    fn a_policy_for_everybody() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "all", "PUBLIC", "true");
            }),
            ["invoices all"]
        );
    }

    #[test]
    fn a_policy_that_only_writes() {
        assert_eq!(
            found(find, |it| {
                it.policy("invoices").check = Some("true".to_string());
            }),
            ["invoices tenant_isolation"]
        );
    }

    #[test]
    fn a_policy_that_compares_only_the_row() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "cheap", "app", "(total < 10)");
            }),
            ["invoices cheap"]
        );
    }

    #[test]
    fn a_policy_of_a_child() {
        assert_eq!(
            found(find, |it| {
                it.child("old_invoices", "r", "invoices");
                it.add_column("old_invoices", "org_id", "text");
                it.secure("old_invoices");
                it.grant("SELECT", "old_invoices", "app");
                it.add_policy("old_invoices", "all", "app", "true");
            }),
            ["invoices all"]
        );
    }

    #[test]
    fn a_policy_beside_declared_ones() {
        let found = findings(find, |it| {
            it.policy_file.push_str(
                "[[tenancy.policies]]\ntable = \"invoices\"\nfor = \"select\"\nusing = \"total = 1\"\nreason = \"x\"\n",
            );
            it.remove_policies("invoices");
            for (name, command) in [("mine", "r"), ("other", "d")] {
                let policy = it.add_policy("invoices", name, "app", "(total = 2)");
                policy.command = command.to_string();
                policy.check = None;
            }
        });
        assert_eq!(
            found[0].message,
            "policy `mine` of table `invoices` permits more than is declared, or cannot be compared with it, for `app`"
        );
        assert_eq!(
            found[0].fix,
            "ALTER POLICY \"mine\" ON \"public\".\"invoices\" USING (total = 1);"
        );
        assert!(
            found[1].fix.starts_with("drop the policy, or declare"),
            "{}",
            found[1].fix
        );
    }

    /// A way out in one branch is judged like a policy of its own, whatever it asks.
    #[test]
    fn a_way_out_beside_the_tenant() {
        let codes = |expression: String| {
            let mut database = Database::sound();
            database.body(
                "public",
                "is_staff",
                &[],
                "SELECT current_setting('app.is_admin', true) = 'on'",
            );
            database.add_policy("invoices", "way_out", "app", &expression);
            let found = database.inspect(run);
            let codes: Vec<String> = found
                .iter()
                .filter(|finding| finding.severity == Severity::Error)
                .map(|finding| format!("{} {}", finding.code, finding.object.as_deref().unwrap_or("-")))
                .collect();
            codes
        };
        for (way_out, expected) in [
            ("public.is_staff()", "open-policy way_out"),
            ("( SELECT public.is_staff() AS is_staff)", "open-policy way_out"),
            (
                "(current_setting('app.is_admin'::text, true) = 'on'::text)",
                "open-policy way_out",
            ),
            ("(CURRENT_USER = 'app'::name)", "open-policy way_out"),
            // The results of these are not known, so no verdict may rely on them.
            ("is_admin()", "unproven-policy way_out"),
            (
                "((auth.jwt() ->> 'role'::text) = 'admin'::text)",
                "unproven-policy way_out",
            ),
            (
                "(((current_setting('request.jwt.claims'::text, true))::jsonb ->> 'role'::text) = 'admin'::text)",
                "unproven-policy way_out",
            ),
        ] {
            assert_eq!(codes(way_out.to_string()), [expected], "{way_out}");
            assert_eq!(codes(format!("({TENANT} OR {way_out})")), [expected], "{way_out}");
            assert_eq!(codes(format!("({way_out} OR {TENANT})")), [expected], "{way_out}");
        }
    }

    #[test]
    fn a_policy_of_another_role() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                it.add_policy("invoices", "all", "backup", "true");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_policy_for_a_command_that_the_application_may_not_run() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("audit_logs", "all", "app", "true").command = "d".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_restrictive_policy_closes_the_table_again() {
        assert_eq!(
            found(find, |it| {
                it.policy("invoices").permissive = false;
                it.add_policy("invoices", "all", "app", "true");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_policy_about_the_row_and_who_asks() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "own", "app", "(total = my_total())");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_restrictive_policy_for_every_row() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "all", "app", "true").permissive = false;
            }),
            NOTHING
        );
    }
}
