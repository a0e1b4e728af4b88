//! Rows that refer to a row of another tenant, as the comparison of the data found them.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::rows::foreign_rows::ForeignRows;
use crate::report::counted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    context.foreign_rows.iter().map(finding).collect()
}

fn finding(rows: &ForeignRows) -> Finding {
    let count = usize::try_from(rows.count).unwrap_or(usize::MAX);
    let verb = if count == 1 { "refers" } else { "refer" };
    let message = format!(
        "{} of table `{}` {verb} to rows of other tenants in `{}`",
        counted(count, "row"),
        rows.table,
        rows.parent
    );
    let fix = format!(
        "give each row the tenant of the row it refers to, or another reference, and put the tenant into the key: \
         `cargo table-registry explain {}`",
        DatabaseCheck::CrossTenantReference
    );
    Finding::of_table(DatabaseCheck::ForeignTenantRow, &rows.table, message, fix)
        .object(&rows.key)
        .of_relation(rows.relation.clone())
        .fact(format!("this query shows them: {}", rows.query))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::rows::foreign_rows::ForeignRows;
    use crate::database::testing::Database;

    #[test]
    fn the_number_of_rows() {
        for (count, message) in [
            (
                1,
                "1 row of table `lines` refers to rows of other tenants in `invoices`",
            ),
            (
                2,
                "2 rows of table `lines` refer to rows of other tenants in `invoices`",
            ),
        ] {
            let rows = ForeignRows {
                table: "lines".to_string(),
                relation: None,
                parent: "invoices".to_string(),
                key: "by_invoice".to_string(),
                count,
                query: "SELECT 1;".to_string(),
            };
            let found = Database::sound().inspect_compared(vec![rows], find);
            assert_eq!(found[0].message, message);
        }
    }
}
