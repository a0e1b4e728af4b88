//! `[[database.allow.CHECK]]`: applies the exceptions, and finds those that are not needed.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::{
    Code, DatabaseCheck, DatabaseException, DatabaseSettings, Lint, RegisteredTable, did_you_mean,
};

use crate::database::context::Context;
use crate::database::findings::finding::{Finding, PolicyText};
use crate::database::requirements::{Object, Requirement, of_table};
use crate::lint::not_needed;
use crate::text::quoted;

/// What the registry requires of an object of a table, without the requirements that an exception drops for the table
/// as a whole.
pub fn requirements(
    table: &RegisteredTable,
    object: Object,
    settings: &DatabaseSettings,
) -> Vec<Requirement> {
    let mut asked = of_table(table, object, settings);
    asked.retain(|requirement| !settings.allows(requirement.check(object), &table.name));
    asked
}

/// The objects that exceptions to a check name for a table: those that a requirement does not apply to.
pub fn allowed_objects<'s>(
    settings: &'s DatabaseSettings,
    check: DatabaseCheck,
    table: &RegisteredTable,
) -> Vec<&'s str> {
    let exceptions = settings.exceptions_to(check, &table.name);
    let objects = exceptions.filter_map(|exception| exception.object.as_ref());
    objects.map(|object| object.value.as_str()).collect()
}

/// The findings after the exceptions.
pub struct Applied<'c> {
    /// The findings that no exception allows, and a finding for each exception that allows nothing.
    pub reported: Vec<Finding>,
    pub allowed: Vec<Allowance<'c>>,
}

/// A finding that exceptions allow, and one of these exceptions.
pub struct Allowance<'c> {
    pub exception: &'c DatabaseException,
    pub policy: Option<PolicyText>,
    pub message: String,
}

impl Allowance<'_> {
    /// Whether the same exception allows the same thing, in another database.
    pub fn repeats(&self, other: &Self) -> bool {
        std::ptr::eq(self.exception, other.exception)
            && self.policy == other.policy
            && self.message == other.message
    }
}

/// Applies the exceptions. Those to checks that were left out are not reported as unused.
pub fn apply<'c>(context: &Context<'c>, findings: Vec<Finding>, left_out: &[DatabaseCheck]) -> Applied<'c> {
    let settings = context.settings;
    let (allowed, mut reported): (Vec<Finding>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| is_allowed(settings, finding));
    let level = context.project.policy.lints.level(Lint::UnusedAllow);
    let needless = settings.exceptions.iter().filter(|exception| {
        let mut all = allowed.iter().chain(&reported);
        !left_out.contains(&exception.check) && !all.any(|finding| is_needed(exception, finding))
    });
    let certain = needless.filter(|exception| !may_be_needed_later(exception, &reported));
    let unused: Vec<Finding> = certain
        .filter_map(|exception| unused_finding(exception, &reported).at_level(level))
        .collect();
    reported.extend(unused);
    let mut allowed = allowances(settings, &allowed);
    allowed.sort_by_key(|one| order(one.exception));
    Applied { reported, allowed }
}

/// What an exception names, to sort by.
fn order(exception: &DatabaseException) -> (&'static str, &str, Option<&str>, Option<&str>) {
    (
        exception.check.as_str(),
        &exception.subject.value,
        exception.object.as_ref().map(|object| object.value.as_str()),
        exception
            .relation
            .as_ref()
            .map(|relation| relation.value.as_str()),
    )
}

/// Whether exceptions cover a finding: for each of its tables, and for each role through which it comes.
fn is_allowed(settings: &DatabaseSettings, finding: &Finding) -> bool {
    let is_covered = |subject: &String| {
        let all = settings.exceptions.iter();
        let naming: Vec<_> = all.filter(|one| names(one, finding, subject)).collect();
        let is_for = |role: &String| {
            let mut exceptions = naming.iter();
            exceptions.any(|one| one.roles.iter().any(|own| own.value == *role))
        };
        naming.iter().any(|one| one.roles.is_empty())
            || (!finding.roles.is_empty() && finding.roles.iter().all(is_for))
    };
    !finding.subjects.is_empty() && finding.subjects.iter().all(is_covered)
}

/// Whether an exception names the object of a finding, for one of its tables or for its role.
fn names(exception: &DatabaseException, finding: &Finding, subject: &str) -> bool {
    let kind = exception.check.subject();
    let object = exception.object.as_ref().map(|object| object.value.as_str());
    let relation = exception
        .relation
        .as_ref()
        .map(|relation| relation.value.as_str());
    finding.code == Code::from(exception.check)
        && exception.subject.value == subject
        && (kind.key().is_none() || object == finding.object_of_exceptions())
        && (!kind.has_relation() || relation == finding.relation.as_deref())
}

/// Whether a finding would be reported, or more of it, without an exception.
fn is_needed(exception: &DatabaseException, finding: &Finding) -> bool {
    let mut subjects = finding.subjects.iter();
    let is_through = |role: &String| exception.roles.iter().any(|own| own.value == *role);
    subjects.any(|subject| names(exception, finding, subject))
        && (exception.roles.is_empty() || finding.roles.iter().any(is_through))
}

/// Whether there is a finding of another check about the same table or role: the exception may be needed once that one
/// is fixed.
fn may_be_needed_later(exception: &DatabaseException, reported: &[Finding]) -> bool {
    let is_other = |finding: &Finding| finding.code != Code::from(exception.check);
    let mut others = reported.iter().filter(|finding| is_other(finding));
    others.any(|finding| finding.is_about(&exception.subject.value))
}

fn unused_finding(exception: &DatabaseException, reported: &[Finding]) -> Finding {
    let subject = &exception.subject.value;
    let named = match &exception.object {
        Some(_) => exception.named(),
        None => format!("`{subject}`"),
    };
    let (message, fix) = not_needed(&named, exception.check.into());
    let fix = meant(exception, reported).unwrap_or_else(|| fix.to_string());
    let mut finding = if exception.check.subject().is_role() {
        Finding::of_role(Lint::UnusedAllow, subject, message, fix)
    } else {
        Finding::of_table(Lint::UnusedAllow, subject, message, fix)
    };
    if let Some(object) = &exception.object {
        finding.object = Some(object.value.clone());
    }
    finding.entry = Some(exception.place().clone());
    finding
}

/// What an exception that allows nothing probably means: another object with a finding of the same check.
fn meant(exception: &DatabaseException, reported: &[Finding]) -> Option<String> {
    let object = exception.object.as_ref()?;
    let subject = &exception.subject.value;
    let others = reported
        .iter()
        .filter(|finding| finding.code == Code::from(exception.check) && finding.is_about(subject));
    let others: Vec<(&str, Option<&str>)> = others
        .filter_map(|finding| Some((finding.object_of_exceptions()?, finding.relation.as_deref())))
        .collect();
    let same = others.iter().find(|(name, _)| *name == object.value);
    if let Some((_, Some(relation))) = same {
        return Some(format!(
            "if you mean the one of `{relation}`, add `relation = {relation:?}`"
        ));
    }
    let names: BTreeSet<&str> = others.iter().map(|(name, _)| *name).collect();
    let near = did_you_mean(&object.value, names.iter().copied());
    let listed = (!names.is_empty()).then(|| format!("remove it, or name one of these: {}", quoted(&names)));
    near.or(listed)
}

/// The allowed findings, each with its exceptions.
fn allowances<'s>(settings: &'s DatabaseSettings, allowed: &[Finding]) -> Vec<Allowance<'s>> {
    let of_finding = |finding: &Finding| -> Vec<Allowance<'s>> {
        let needed = settings.exceptions.iter().filter(|one| is_needed(one, finding));
        needed
            .map(|exception| Allowance {
                exception,
                policy: finding.policy.clone(),
                message: finding.message.clone(),
            })
            .collect()
    };
    allowed.iter().flat_map(of_finding).collect()
}

/// One line for each policy that exceptions name: the checks, the policy, and what it lets through.
pub fn policies(allowed: &[Allowance<'_>]) -> Vec<String> {
    let mut codes: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for one in allowed {
        let Some(PolicyText { scope, expression }) = &one.policy else {
            continue;
        };
        let on_one_line = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = (one.exception.named(), format!("{scope} {on_one_line}"));
        codes.entry(key).or_default().insert(one.exception.check.as_str());
    }
    let lines = codes.into_iter().map(|((policy, text), checks)| {
        let checks: Vec<&str> = checks.into_iter().collect();
        format!("{}: {policy}, {text}", checks.join(", "))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use table_registry_engine::DatabaseCheck;

    use super::{Object, Requirement, apply, policies, requirements};
    use crate::database::checks::run;
    use crate::database::findings::finding::Finding;
    use crate::database::testing::{Database, TENANT};

    fn asked(object: Object, exceptions: &str) -> Vec<Requirement> {
        let mut database = Database::sound();
        database.policy_file.push_str(exceptions);
        database.inspect(|context| {
            let table = context.project.registry.table("audit_logs").unwrap();
            requirements(table, object, context.settings)
        })
    }

    /// Exceptions, each with its check and the lines of its keys.
    fn exceptions(list: &[(&str, &str)]) -> String {
        let texts = list
            .iter()
            .map(|(check, keys)| format!("[[database.allow.{check}]]\n{keys}\nreason = \"reviewed\"\n"));
        texts.collect()
    }

    #[test]
    fn an_exception_about_a_whole_table_drops_its_requirement() {
        let exception = exceptions(&[("missing-trigger", "table = \"audit_logs\"")]);
        let all = asked(Object::Table, "");
        assert_eq!(all, Requirement::ALL);
        let mut without = all;
        without.retain(|one| *one != Requirement::Trigger);
        assert_eq!(asked(Object::Table, &exception), without);
        assert_eq!(asked(Object::Child, &exception), asked(Object::Child, ""));
    }

    #[test]
    fn an_exception_about_an_object_drops_no_requirement() {
        let exception = exceptions(&[
            (
                "append-only-privilege",
                "table = \"audit_logs\"\ngrantee = \"app\"",
            ),
            (
                "unprotected-child",
                "table = \"audit_logs\"\nrelation = \"old_logs\"",
            ),
        ]);
        assert_eq!(asked(Object::Table, &exception), Requirement::ALL);
        assert_eq!(asked(Object::Child, &exception), asked(Object::Child, ""));
    }

    fn lines(findings: &[Finding]) -> Vec<String> {
        let line = |one: &Finding| {
            let object = one.object.as_deref().unwrap_or("-");
            let subject = one.table.as_deref().unwrap_or("-");
            format!("{} {subject} {object}", one.code)
        };
        findings.iter().map(line).collect()
    }

    /// What is reported, and the lines about allowed policies.
    fn applied(list: &[(&str, &str)], change: impl FnOnce(&mut Database)) -> (Vec<String>, Vec<String>) {
        let mut database = Database::sound();
        change(&mut database);
        database.policy_file.push_str(&exceptions(list));
        database.inspect(|context| {
            let applied = apply(context, run(context), &[DatabaseCheck::ProbeAllowed]);
            (lines(&applied.reported), policies(&applied.allowed))
        })
    }

    fn left(list: &[(&str, &str)], change: impl FnOnce(&mut Database)) -> Vec<String> {
        applied(list, change).0
    }

    #[test]
    fn exceptions_that_are_not_needed_are_reported() {
        let exception = [("rls-disabled", "table = \"invoices\"")];
        let off = |it: &mut Database| it.relation("invoices").row_security = false;
        assert_eq!(left(&exception, off), [""; 0]);
        assert_eq!(left(&exception, |_| ()), ["unused-allow invoices -"]);
        // Without a probe, it is unknown whether this exception is needed.
        let of_probe = [("probe-allowed", "table = \"invoices\"\nrole = \"app\"")];
        assert_eq!(left(&of_probe, |_| ()), [""; 0]);
    }

    #[test]
    fn an_exception_is_not_reported_beside_a_finding_of_another_check() {
        let off = |it: &mut Database| it.relation("invoices").row_security = false;
        assert_eq!(
            left(&[("rls-not-forced", "table = \"invoices\"")], off),
            ["rls-disabled invoices -"]
        );
    }

    const READ_ALL: (&str, &str) = ("open-policy", "table = \"invoices\"\npolicy = \"read_all\"");

    #[test]
    fn an_exception_for_one_policy_does_not_hide_the_next_one() {
        let (reported, allowed) = applied(&[READ_ALL], |it| {
            it.add_policy("invoices", "read_all", "app", "true").check = Some(TENANT.to_string());
            it.add_policy("invoices", "support", "app", "true");
        });
        assert_eq!(reported, ["open-policy invoices support"]);
        let checked = TENANT.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            allowed,
            [format!(
                "open-policy: policy `read_all` of table `invoices`, TO app USING (true) WITH CHECK ({checked})"
            )]
        );
    }

    #[test]
    fn a_policy_of_a_partition_is_another_one() {
        let change = |it: &mut Database| {
            it.child("old_invoices", "r", "invoices");
            it.add_column("old_invoices", "org_id", "text");
            it.secure("old_invoices");
            it.grant("SELECT", "old_invoices", "app");
            it.add_policy("invoices", "read_all", "app", "true");
            it.add_policy("old_invoices", "read_all", "app", "true");
        };
        assert_eq!(left(&[READ_ALL], change), ["open-policy invoices read_all"]);
        let keys = format!("{}\nrelation = \"old_invoices\"", READ_ALL.1);
        assert_eq!(left(&[READ_ALL, (READ_ALL.0, &keys)], change), [""; 0]);
    }

    #[test]
    fn an_exception_for_one_function_does_not_hide_a_new_one() {
        let purge = [(
            "definer-function",
            "table = \"audit_logs\"\nfunction = \"purge(integer)\"",
        )];
        let reported = left(&purge, |it| {
            it.function("purge", "DELETE FROM audit_logs").types = "integer".to_string();
            it.function("purge", "DELETE FROM audit_logs").types = "text".to_string();
            it.function("rewrite", "UPDATE audit_logs SET reason = ''");
        });
        assert_eq!(
            reported,
            [
                "definer-function audit_logs purge(text)",
                "definer-function audit_logs rewrite()"
            ]
        );
    }

    #[test]
    fn an_exception_for_one_table_does_not_cover_another_one_of_the_same_view() {
        let view = ("definer-view", "table = \"invoices\"\nview = \"totals\"");
        let both = |it: &mut Database| {
            it.view("totals", "v", "invoices");
            it.grant("SELECT", "totals", "app");
            let (view, used) = (it.oid("totals"), it.oid("audit_logs"));
            it.rows.uses.push(crate::database::catalog::Use {
                view,
                used,
                definition: None,
            });
        };
        assert_eq!(left(&[view], both), ["definer-view audit_logs totals"]);
        let other = ("definer-view", "table = \"audit_logs\"\nview = \"totals\"");
        assert_eq!(left(&[view, other], both), [""; 0]);
    }

    #[test]
    fn an_exception_for_some_roles_does_not_cover_the_others() {
        let keys = format!("{}\nroles = [\"app\"]", READ_ALL.1);
        let only_app = [(READ_ALL.0, keys.as_str())];
        let open = |it: &mut Database| {
            it.policy_file = it.policy_file.replace("[\"app\"]", "[\"app\", \"clerk\"]");
            it.add_role("clerk");
            it.grant("SELECT", "users", "clerk");
            it.add_policy("invoices", "read_all", "PUBLIC", "true");
        };
        assert_eq!(left(&only_app, open), [""; 0]);
        let for_both = |it: &mut Database| {
            open(it);
            it.grant("SELECT", "invoices", "clerk");
        };
        let reported = left(&only_app, for_both);
        assert_eq!(reported, ["open-policy invoices read_all"]);
        let keys = format!("{}\nroles = [\"clerk\"]", READ_ALL.1);
        let each = [only_app[0], (READ_ALL.0, keys.as_str())];
        assert_eq!(left(&each, for_both), [""; 0]);
    }

    #[test]
    fn an_exception_for_an_attribute_does_not_cover_another_one() {
        let bypass = [("privileged-app-role", "role = \"app\"\nattribute = \"BYPASSRLS\"")];
        assert_eq!(left(&bypass, |it| it.role("app").bypass_rls = true), [""; 0]);
        assert_eq!(
            left(&bypass, |it| it.add_group("group").bypass_rls = true),
            [""; 0]
        );
        let more = left(&bypass, |it| {
            it.role("app").bypass_rls = true;
            it.role("app").replication = true;
        });
        assert_eq!(more, ["privileged-app-role - app"]);
    }

    #[test]
    fn an_exception_for_another_object_says_what_is_found() {
        let misspelt = [("open-policy", "table = \"invoices\"\npolicy = \"raed_all\"")];
        let mut database = Database::sound();
        database.add_policy("invoices", "read_all", "app", "true");
        database.policy_file.push_str(&exceptions(&misspelt));
        let reported = database.inspect(|context| apply(context, run(context), &[]).reported);
        assert_eq!(
            lines(&reported),
            ["open-policy invoices read_all", "unused-allow invoices raed_all"]
        );
        assert_eq!(reported[1].fix, "did you mean `read_all`?");
    }
}
