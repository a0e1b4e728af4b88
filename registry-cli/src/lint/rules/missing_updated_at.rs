use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::conventions::rows_are_updated;
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let table = subject.table;
    if !rows_are_updated(table.kind, table.access.is_append_only()) {
        return Vec::new();
    }
    let updated_at = subject.krate.option(Lint::MissingUpdatedAt);
    let missing = subject.missing(&updated_at).into_iter();
    missing
        .map(|column| {
            let message = format!("table `{}` has no column `{column}`", table.name);
            let command = subject.krate.package.command(&format!("revoke {}", table.name));
            subject
                .finding(Lint::MissingUpdatedAt, message)
                .note("it is of kind `truth` and not append-only, so its rows may change")
                .help(format!("add `{column}`, or run `{command}` if rows never change"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::findings;

    const SCHEMA: &str =
        "#[table_registry::table]\npub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64 }\n";

    #[test]
    fn truth_tables_whose_rows_change_need_the_column() {
        assert_eq!(findings(SCHEMA, "", ""), ["warning missing-updated-at Orders"]);
    }

    #[test]
    fn rows_of_append_only_tables_never_change() {
        assert_eq!(findings(SCHEMA, "", "update_delete = [\"orders\"]"), [""; 0]);
    }

    #[test]
    fn other_kinds_need_no_column() {
        assert_eq!(findings(SCHEMA, "[overrides]\norders = \"control\"", ""), [""; 0]);
    }

    #[test]
    fn the_column_can_have_another_name() {
        let option = "[lints]\nmissing-updated-at = { column = \"created_at\" }";
        assert_eq!(findings(SCHEMA, option, ""), [""; 0]);
    }
}
