use table_registry_engine::{Diagnostic, Lint, Tenancy};

use super::Rule;
use crate::columns::Column;
use crate::lint::subject::{Subject, finding_about_column};

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Tenancy::Column {
        name,
        shared_rows: true,
    } = &subject.table.tenancy
    else {
        return Vec::new();
    };
    let fields = || subject.columns.iter().filter(|column| column.name == *name);
    // Structs of different builds may have fields of different types. Other types may stand for an `Option`.
    let is_never_null = |field: &Column| {
        !field.rust_type.is_option
            && !field.is_converted
            && !field.is_only_written
            && field.rust_type.sql.is_some()
    };
    fields()
        .filter(|_| fields().all(is_never_null))
        .take(1)
        .map(|field| {
            finding_about_column(
                Lint::NeverSharedRows,
                field,
                "is not an `Option`, so it cannot hold the NULL of a shared row",
            )
            .note(format!(
                "with `shared_rows`, every tenant can read the rows of `{}` whose tenant column is NULL",
                subject.table.name
            ))
            .help(format!(
                "make the field an `Option<{}>`, or remove `shared_rows`",
                field.rust_type.text
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::findings;

    fn schema(attribute: &str, ty: &str) -> String {
        format!(
            "#[table_registry::table{attribute}]\npub struct Orders {{ pub id: i64, pub created_at: i64, pub updated_at: i64, pub org_id: {ty} }}\n"
        )
    }

    #[test]
    fn the_tenant_of_a_shared_row_is_null() {
        assert_eq!(
            findings(&schema("(shared_rows)", "i64"), "", ""),
            ["warning never-shared-rows org_id"]
        );
        for sound in [
            schema("(shared_rows)", "Option<i64>"),
            schema("", "i64"),
            schema("(shared_rows)", "MaybeOrg"),
            schema("(shared_rows)", "i64").replace("pub org_id", "#[sqlx(try_from = \"i64\")] pub org_id"),
        ] {
            assert_eq!(findings(&sound, "", ""), [""; 0], "{sound}");
        }
    }
}
