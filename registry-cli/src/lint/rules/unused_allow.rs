use table_registry_engine::{Code, Diagnostic, Exception, Lint};

use super::Rule;
use crate::lint::subject::{Subject, Violation};

pub const RULE: Rule = Rule::Exception(find);

fn find(
    exception: &Exception<Lint>,
    subjects: &[Subject<'_>],
    violations: &[Violation<'_>],
) -> Option<Diagnostic> {
    let table = &exception.subject.value;
    let is_needed = violations
        .iter()
        .any(|violation| violation.lint == exception.rule && violation.table == table);
    if is_needed || !is_certain(exception, subjects) {
        return None;
    }
    let (message, help) = not_needed(&format!("`{table}`"), exception.rule.into());
    Some(exception.subject.fault(Lint::UnusedAllow, message, "").help(help))
}

/// Whether it is certain that nothing needs the exception: everything that it could apply to was looked at.
fn is_certain(exception: &Exception<Lint>, subjects: &[Subject<'_>]) -> bool {
    let is_unreadable = |subject: &Subject<'_>| {
        subject.table.name == exception.subject.value && !subject.unreadable.is_empty()
    };
    // The other crate may not have been selected.
    let needs_other_crates = exception.rule == Lint::TableInSeveralCrates;
    exception.rule != Lint::UnusedAllow && !needs_other_crates && !subjects.iter().any(is_unreadable)
}

/// What to say about an exception to a lint or a database check that nothing needs, and how to fix it.
pub fn not_needed(named: &str, code: Code) -> (String, &'static str) {
    let message = format!("exception to `{code}` for {named} is not needed");
    (message, "remove it: there is nothing to allow")
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, findings, lint};

    const IN_POLICY: &str = "[lints.allow.missing-updated-at]\norders = \"never changed\"\n";

    fn schema(attribute: &str) -> String {
        format!(
            "#[table_registry::table({attribute})]\npub struct Orders {{ pub id: i64, pub org_id: i64, pub created_at: i64 }}\n"
        )
    }

    #[test]
    fn an_exception_that_allows_something_is_needed() {
        assert_eq!(findings(&schema(""), IN_POLICY, ""), [""; 0]);
        assert_eq!(findings(&schema("allow(missing_updated_at)"), "", ""), [""; 0]);
    }

    #[test]
    fn the_finding_is_at_the_exception() {
        assert_eq!(
            findings(&schema("kind = link"), IN_POLICY, ""),
            ["warning unused-allow orders"]
        );
        assert_eq!(
            findings(&schema("kind = link, allow(missing_updated_at)"), "", ""),
            ["warning unused-allow missing_updated_at"]
        );
    }

    #[test]
    fn what_it_says() {
        let found = lint(&[CrateInMemory::new("shop", &schema("kind = link"), IN_POLICY, "")]);
        assert_eq!(
            found[0].message,
            "exception to `missing-updated-at` for `orders` is not needed"
        );
        assert_eq!(found[0].helps, ["remove it: there is nothing to allow"]);
    }

    #[test]
    fn an_exception_from_this_lint_is_never_unused() {
        let policy = "[lints.allow.unused-allow]\norders = \"for the next release\"\n";
        assert_eq!(
            findings(&schema("kind = link, allow(missing_updated_at)"), policy, ""),
            [""; 0]
        );
        assert_eq!(findings(&schema("kind = link"), policy, ""), [""; 0]);
    }

    #[test]
    fn exceptions_of_an_unreadable_struct_are_not_reported() {
        let unreadable = schema("allow(missing_updated_at)").replace("id: i64", "id i64");
        assert_eq!(findings(&unreadable, "", ""), ["error unreadable-struct Orders"]);
    }
}
