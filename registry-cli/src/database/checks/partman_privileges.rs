//! Protected tables whose partitions `pg_partman` opens to the application.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PartmanTable, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::relatives::ANY;
use crate::database::requirements::statements::literal;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let managed = context.catalog.partman.iter().filter(|managed| managed.grants);
    managed
        .filter_map(|managed| {
            let (schema, name) = managed.parent.split_once('.')?;
            let relation = context.catalog.relation(schema, name)?;
            let table = context.table_of(relation.oid)?;
            opened(context, table, relation, managed)
        })
        .collect()
}

fn opened(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    managed: &PartmanTable,
) -> Option<Finding> {
    if !table.has_rls() || !context.is_used(relation, ANY) {
        return None;
    }
    let message = format!(
        "`pg_partman` opens each new partition of table `{}` to the application",
        table.name()
    );
    let fix = if managed.can_choose {
        format!(
            "UPDATE {} SET inherit_privileges = false WHERE parent_table = {};",
            managed.config,
            literal(&managed.parent)
        )
    } else {
        "let the job that makes the partitions protect them: `ALTER TABLE … ENABLE ROW LEVEL SECURITY`"
            .to_string()
    };
    Some(
        Finding::of_table(DatabaseCheck::PartmanPrivileges, table.name(), message, fix)
            .fact(format!("`{}` lists the table", managed.config))
            .fact("a new partition gets the privileges of the table, but not its row-level security"),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::PartmanTable;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn managed(it: &mut Database, table: &str) {
        it.rows.partman.push(PartmanTable {
            config: "partman.part_config".to_string(),
            parent: format!("public.{table}"),
            grants: true,
            can_choose: true,
        });
    }

    #[test]
    fn partitions_with_the_privileges_of_the_table() {
        let open = findings(find, |it| managed(it, "invoices"));
        let fix = "UPDATE partman.part_config SET inherit_privileges = false WHERE parent_table = 'public.invoices';";
        assert_eq!(open[0].fix, fix);
    }

    #[test]
    fn partitions_without_privileges() {
        assert_eq!(
            found(find, |it| {
                managed(it, "invoices");
                it.rows.partman[0].grants = false;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_that_the_application_cannot_use() {
        assert_eq!(
            found(find, |it| {
                managed(it, "invoices");
                it.rows.grants.clear();
            }),
            NOTHING
        );
    }

    #[test]
    fn tables_without_row_level_security() {
        assert_eq!(
            found(find, |it| {
                managed(it, "users");
                managed(it, "backfill_state");
                managed(it, "gone");
            }),
            NOTHING
        );
    }
}
