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
    let what = if rows.holds_tenant {
        "no row of the same tenant"
    } else {
        "rows of other tenants"
    };
    let message = format!(
        "{} of table `{}` {verb} to {what} in `{}`",
        counted(count, "row"),
        rows.table,
        rows.parent
    );
    let fix = if rows.holds_tenant {
        "give each row another reference, or none".to_string()
    } else {
        format!(
            "give each row the tenant of the row it refers to, or another reference, and put the tenant into the key: \
             `cargo table-registry explain {}`",
            DatabaseCheck::CrossTenantReference
        )
    };
    let finding = Finding::of_table(DatabaseCheck::ForeignTenantRow, &rows.table, message, fix)
        .object(&rows.key)
        .of_relation(rows.relation.clone())
        .fact(format!("this query shows them: {}", rows.query));
    if rows.holds_tenant {
        return finding.fact(
            "the key is not validated, or the server did not see the rows when it was: policies hid them, or triggers were off",
        );
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::rows::foreign_rows::ForeignRows;
    use crate::database::testing::Database;

    #[test]
    fn the_number_of_rows() {
        for (count, holds_tenant, message) in [
            (
                1,
                false,
                "1 row of table `lines` refers to rows of other tenants in `invoices`",
            ),
            (
                2,
                false,
                "2 rows of table `lines` refer to rows of other tenants in `invoices`",
            ),
            (
                2,
                true,
                "2 rows of table `lines` refer to no row of the same tenant in `invoices`",
            ),
        ] {
            let rows = ForeignRows {
                table: "lines".to_string(),
                relation: None,
                parent: "invoices".to_string(),
                key: "by_invoice".to_string(),
                count,
                holds_tenant,
                query: "SELECT 1;".to_string(),
            };
            let found = Database::sound().inspect_compared(vec![rows], find);
            assert_eq!(found[0].message, message);
        }
    }
}
