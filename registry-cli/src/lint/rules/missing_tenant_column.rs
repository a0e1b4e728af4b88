use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::OfTable(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let table = subject.table;
    if !table.kind.row_level_security() {
        return Vec::new();
    }
    let tenant = subject.krate.option(Lint::MissingTenantColumn);
    let missing = subject.missing(&tenant).into_iter();
    missing
        .map(|column| {
            let message = format!("table `{}` has no tenant column `{column}`", table.name);
            subject
                .finding(Lint::MissingTenantColumn, message)
                .note(format!(
                    "tables of kind `{}` get row-level security, and its policy compares this column",
                    table.kind
                ))
                .help(format!(
                    "add `{column}`, name another column in `[lints]`, or make the table `system` if it belongs to no tenant"
                ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::findings;

    fn schema(attribute: &str, columns: &str) -> String {
        format!(
            "#[table_registry::table{attribute}]\npub struct Orders {{ pub id: i64, pub created_at: i64, pub updated_at: i64, {columns} }}\n"
        )
    }

    const MISSING: &[&str] = &["error missing-tenant-column Orders"];

    #[test]
    fn tables_of_tenants_need_the_column() {
        assert_eq!(findings(&schema("", ""), "", ""), MISSING);
        assert_eq!(findings(&schema("", "pub tenant: i64"), "", ""), MISSING);
        assert_eq!(findings(&schema("", "pub org_id: i64"), "", ""), [""; 0]);
    }

    #[test]
    fn system_tables_belong_to_no_tenant() {
        assert_eq!(findings(&schema("(kind = system)", ""), "", ""), [""; 0]);
        assert_eq!(
            findings(&schema("", ""), "[overrides]\norders = \"system\"", ""),
            [""; 0]
        );
    }

    #[test]
    fn the_column_can_have_another_name() {
        let option = "[lints]\nmissing-tenant-column = { column = \"tenant\" }";
        assert_eq!(findings(&schema("", "pub tenant: i64"), option, ""), [""; 0]);
    }

    #[test]
    fn columns_of_another_struct_may_be_the_tenant() {
        let flattened = schema("", "#[sqlx(flatten)] pub base: Base");
        assert_eq!(findings(&flattened, "", ""), [""; 0]);
    }

    #[test]
    fn the_name_is_the_one_that_the_orm_gives_the_column() {
        let renamed = |attribute: &str| {
            schema(
                "",
                &format!("#[{attribute}(rename = \"org_id\")] pub tenant: i64"),
            )
        };
        assert_eq!(findings(&renamed("sqlx"), "", ""), [""; 0]);
        assert_eq!(findings(&renamed("serde"), "", ""), MISSING);
    }
}
