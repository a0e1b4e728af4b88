use table_registry_engine::{Diagnostic, Lint, Tenancy};

use super::Rule;
use crate::lint::subject::Subject;
use crate::tenant_column::{Misnamed, takes};

pub const RULE: Rule = Rule::Crate(find);

fn find<'s, 'c>(subjects: &'s [Subject<'c>]) -> Vec<(&'s Subject<'c>, Diagnostic)> {
    let misnamed = misnamed(subjects);
    let of_each = |subject| {
        find_in(subject, misnamed.as_ref())
            .into_iter()
            .map(move |found| (subject, found))
    };
    subjects.iter().flat_map(of_each).collect()
}

fn misnamed<'c>(subjects: &[Subject<'c>]) -> Option<Misnamed<'c>> {
    let column = subjects.first()?.krate.policy.tenancy.column()?;
    let takers = subjects
        .iter()
        .filter(|subject| takes(&subject.table.tenancy, column));
    let names = takers.map(|subject| {
        let names = subject.columns.iter().map(|column| column.name.as_str());
        subject.knows_all_columns.then(|| names.collect())
    });
    Misnamed::find(column, &names.collect::<Option<Vec<_>>>()?)
}

fn find_in(subject: &Subject<'_>, misnamed: Option<&Misnamed<'_>>) -> Vec<Diagnostic> {
    let table = subject.table;
    let (columns, role) = match &table.tenancy {
        Tenancy::Column { name, .. } => (
            vec![name.clone()],
            "the policy compares this column with the tenant of the session",
        ),
        Tenancy::Through(parent) => (
            parent.columns.clone(),
            "the policy finds the parent by this column",
        ),
        Tenancy::Unknown | Tenancy::Global | Tenancy::Declared => return Vec::new(),
    };
    let misnamed = misnamed.filter(|misnamed| takes(&table.tenancy, misnamed.column));
    let missing = subject.missing(&columns).into_iter();
    missing
        .map(|column| {
            let message = format!("table `{}` has no tenant column `{column}`", table.name);
            if let Some(Misnamed { column, instead }) = misnamed {
                return column
                    .name
                    .fault(Lint::MissingTenantColumn, message, "")
                    .note("no table has this column")
                    .help(instead.clone());
            }
            subject
                .finding(Lint::MissingTenantColumn, message)
                .note(format!("tables of kind `{}` get row-level security: {role}", table.kind))
                .help(format!("add `{column}`, or name another column: `#[table(tenant = \"…\")]`"))
                .help("if the tenant is that of a parent row: `#[table(tenant = through(project_id -> projects))]`")
                .help("if the rows belong to no tenant: `#[table(kind = system)]`")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, TENANCY, findings, lint};

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
    fn a_column_that_no_table_has() {
        let misspelt = TENANCY.replace("\"org_id", "\"ogr_id");
        let krate = CrateInMemory::new("shop", &schema("", "pub org_id: i64"), &misspelt, "");
        let found = lint(&[krate]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels[0].source.path, "shop/table-registry.toml");
        assert_eq!(found[0].helps, ["in `[tenancy]`, did you mean `org_id`?"]);
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
        let option = TENANCY.replace("org_id\"\nsetting", "tenant\"\nsetting");
        assert_eq!(findings(&schema("", "pub tenant: i64"), &option, ""), [""; 0]);
        let other = schema("(tenant = \"id\")", "");
        assert_eq!(findings(&other, "", ""), [""; 0]);
    }

    #[test]
    fn a_table_whose_tenancy_is_not_known_or_not_asked_for() {
        let without_tenancy = CrateInMemory::new("shop", &schema("", ""), "", "");
        assert_eq!(lint(&[without_tenancy]).len(), 0);
        assert_eq!(
            findings(&schema("", ""), "[tenancy]\nmode = \"none\"", ""),
            [""; 0]
        );
    }

    #[test]
    fn nothing_is_known_of_a_table_without_a_struct() {
        let declared = format!("{TENANCY}[tables.ledgers]\n");
        let orders = schema("", "pub org_id: i64");
        assert_eq!(findings(&orders, &declared, ""), [""; 0]);
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
