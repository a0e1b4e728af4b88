use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::conventions::should_be_append_only;
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let table = subject.table;
    if !should_be_append_only(table.kind) || table.access.is_append_only() {
        return Vec::new();
    }
    let message = format!("{} table `{}` is not append-only", table.kind, table.name);
    let command = subject.krate.package.command(&format!("revoke {}", table.name));
    vec![
        subject
            .finding(Lint::MissingRevoke, message)
            .note("the application role may update and delete its rows")
            .help(format!("run `{command}`")),
    ]
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, SOUND, findings, lint};

    fn schema(kind: &str) -> String {
        format!("#[table_registry::table(kind = {kind})]\npub struct Orders {{ {SOUND} }}\n")
    }

    #[test]
    fn evidence_and_projections_should_be_append_only() {
        for kind in ["evidence", "projection"] {
            assert_eq!(findings(&schema(kind), "", ""), ["warning missing-revoke Orders"]);
            assert_eq!(
                findings(&schema(kind), "", "update_delete = [\"orders\"]"),
                [""; 0]
            );
        }
        for kind in ["truth", "control", "link"] {
            assert_eq!(findings(&schema(kind), "", ""), [""; 0], "{kind}");
        }
    }

    #[test]
    fn the_command_that_fixes_it() {
        let found = lint(&[CrateInMemory::new("shop", &schema("evidence"), "", "")]);
        assert_eq!(found[0].message, "evidence table `orders` is not append-only");
        assert_eq!(found[0].helps, ["run `cargo table-registry revoke orders`"]);
    }
}
