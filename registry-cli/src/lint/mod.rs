//! The lints: rules about the tables of a crate, their levels, and the exceptions to them.

mod exceptions;
mod names;
mod rules;
mod subject;
#[cfg(test)]
mod testing;

use table_registry_engine::{Code, Diagnostic};

use crate::columns::ColumnReader;
use crate::orphans;
use crate::project::Project;
use rules::{RULES, Rule};
use subject::{Crate, Subject, Violation};

pub use rules::not_needed;

/// All findings in the crates of one workspace. Those of each crate are sorted by file and line.
pub fn run(projects: &[Project]) -> Vec<Diagnostic> {
    let crates: Vec<Crate<'_>> = projects
        .iter()
        .map(|project| Crate {
            sources: &project.sources,
            ..Crate::new(&project.package, &project.policy, &project.registry)
        })
        .collect();
    lint_workspace(&crates)
}

fn lint_workspace(crates: &[Crate<'_>]) -> Vec<Diagnostic> {
    let positions = 0..crates.len();
    positions
        .flat_map(|position| lint_crate(&crates[position], &crates[..position]))
        .collect()
}

fn lint_crate(krate: &Crate<'_>, earlier_crates: &[Crate<'_>]) -> Vec<Diagnostic> {
    let subjects = read_tables(krate, earlier_crates);
    let mut violations = violations_of_tables(&subjects);
    violations.extend(violations_of_exceptions(krate, &subjects, &violations));
    let mut diagnostics: Vec<Diagnostic> = violations
        .into_iter()
        .filter(|violation| !krate.allows(violation.lint, violation.table))
        .filter_map(|violation| with_level(krate, violation))
        .collect();
    diagnostics.extend(subjects.into_iter().flat_map(|subject| subject.unreadable));
    diagnostics.extend(orphans::warnings(krate.registry));
    diagnostics.sort_by_cached_key(place);
    diagnostics
}

fn read_tables<'c>(krate: &'c Crate<'c>, earlier_crates: &'c [Crate<'c>]) -> Vec<Subject<'c>> {
    let reader = ColumnReader::new(krate.registry.tables(), krate.sources);
    let tables = krate.registry.tables().iter();
    tables
        .map(|table| Subject::new(krate, earlier_crates, table, reader.read(table)))
        .collect()
}

fn violations_of_tables<'c>(subjects: &[Subject<'c>]) -> Vec<Violation<'c>> {
    let mut violations = Vec::new();
    for (lint, rule) in RULES {
        let found: Vec<(&Subject<'c>, Diagnostic)> = match rule {
            Rule::Table(find) => {
                let of_each = |subject| find(subject).into_iter().map(move |found| (subject, found));
                subjects.iter().flat_map(of_each).collect()
            }
            Rule::Crate(find) => find(subjects),
            Rule::Exception(_) => continue,
        };
        violations.extend(found.into_iter().map(|(subject, diagnostic)| Violation {
            lint: *lint,
            table: &subject.table.name,
            diagnostic,
        }));
    }
    violations
}

fn violations_of_exceptions<'c>(
    krate: &'c Crate<'c>,
    subjects: &[Subject<'c>],
    violations: &[Violation<'c>],
) -> Vec<Violation<'c>> {
    let mut found = Vec::new();
    for (lint, rule) in RULES {
        let Rule::Exception(find) = rule else { continue };
        for exception in &krate.exceptions {
            found.extend(find(exception, subjects, violations).map(|diagnostic| Violation {
                lint: *lint,
                table: &exception.subject.value,
                diagnostic,
            }));
        }
    }
    found
}

/// The diagnostic, unless the lint is off.
fn with_level(krate: &Crate<'_>, violation: Violation<'_>) -> Option<Diagnostic> {
    Some(Diagnostic {
        severity: krate.policy.lints.level(violation.lint).severity()?,
        ..violation.diagnostic
    })
}

fn place(diagnostic: &Diagnostic) -> (String, usize, Code) {
    let label = diagnostic.labels.first();
    let place = label.map(|label| (label.source.path.clone(), label.range.start));
    let (path, start) = place.unwrap_or_default();
    (path, start, diagnostic.code)
}

#[cfg(test)]
mod tests {
    use super::testing::{SOUND, findings, with_columns};

    const NO_UPDATED_AT: &str =
        "#[table_registry::table]\npub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64 }\n";

    #[test]
    fn a_sound_table_has_no_finding() {
        assert_eq!(with_columns(""), [""; 0]);
    }

    #[test]
    fn the_policy_file_sets_levels() {
        for (level, found) in [
            ("", &["warning missing-updated-at Orders"][..]),
            (
                "missing-updated-at = \"deny\"",
                &["error missing-updated-at Orders"],
            ),
            (
                "missing-updated-at = { level = \"deny\" }",
                &["error missing-updated-at Orders"],
            ),
            ("missing_updated_at = \"allow\"", &[]),
        ] {
            assert_eq!(
                findings(NO_UPDATED_AT, &format!("[lints]\n{level}"), ""),
                found,
                "{level}"
            );
        }
    }

    #[test]
    fn an_exception_covers_one_lint_of_one_table() {
        let schema = |attribute: &str| NO_UPDATED_AT.replace("::table]", &format!("::table({attribute})]"));
        let in_policy = "[lints.allow.missing-updated-at]\norders = \"never changed\"\n";
        for (attribute, policy) in [
            ("allow(missing_updated_at)", ""),
            ("allow(missing_updated_at, reason = \"never changed\")", ""),
            ("", in_policy),
        ] {
            assert_eq!(findings(&schema(attribute), policy, ""), [""; 0], "{attribute}");
        }
        let two = format!(
            "{}\n{}",
            schema("allow(missing_updated_at)"),
            NO_UPDATED_AT.replace("Orders", "Items")
        );
        assert_eq!(findings(&two, "", ""), ["warning missing-updated-at Items"]);
        let two_faults = schema("allow(missing_updated_at)").replace("org_id", "user");
        assert_eq!(
            findings(&two_faults, "", ""),
            ["error missing-tenant-column Orders", "warning reserved-word user"]
        );
    }

    #[test]
    fn twins_under_cfg_are_one_table() {
        let schema = "use table_registry::table;\n\
            #[cfg(a)]\n#[table]\npub struct Orders { pub id: i64, pub org_id: i64, pub r#user: i64 }\n\
            #[cfg(not(a))]\n#[table]\npub struct Orders { pub created_at: i64, pub updated_at: i64, pub user: i64 }\n";
        assert_eq!(findings(schema, "", ""), ["warning reserved-word r#user"]);
    }

    #[test]
    fn a_struct_that_cannot_be_read_is_the_only_finding_about_its_columns() {
        let schema = "#[table_registry::table]\npub struct Orders { pub id i64 }\n";
        assert_eq!(findings(schema, "", ""), ["error unreadable-struct Orders"]);
    }

    #[test]
    fn a_struct_with_a_type_nested_too_deeply_is_unreadable() {
        for (open, close) in [("Vec<", ">"), ("&", ""), ("[", "]"), ("(", ")")] {
            let nested = |levels: usize| {
                with_columns(&format!(
                    "pub deep: {}u8{}",
                    open.repeat(levels),
                    close.repeat(levels)
                ))
            };
            assert_eq!(nested(10), [""; 0], "{open}");
            assert_eq!(nested(100_000), ["error unreadable-struct Orders"], "{open}");
        }
    }

    #[test]
    fn findings_are_sorted_by_file_and_line() {
        let schema = format!(
            "use table_registry::table;\n#[table]\npub struct Zones {{ {SOUND} pub user: i64, pub from: i64 }}\n\
             #[table]\npub struct Areas {{ {SOUND} pub to: i64 }}\n"
        );
        assert_eq!(
            findings(&schema, "[overrides]\nzones = \"truth\"", ""),
            [
                "warning reserved-word user",
                "warning reserved-word from",
                "warning reserved-word to",
                "warning redundant-override zones",
            ]
        );
    }
}
