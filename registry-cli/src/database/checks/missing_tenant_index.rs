//! Tables in which the rows of one tenant are found only by looking through all rows.

use table_registry_engine::{DatabaseCheck, Tenancy};

use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::requirements::indexes::{self, Lacking};
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let lacking = context.row_secured().filter_map(|(table, relation)| {
        let lacking = indexes::lacking(context.catalog, table.registered, relation)?;
        Some(finding(table, lacking))
    });
    lacking.collect()
}

fn finding(table: &Table<'_>, lacking: Lacking<'_>) -> Finding {
    let names = quoted(&lacking.columns);
    let (what, why) = match table.registered.tenancy {
        Tenancy::Through(_) => (
            format!("its reference {names} to its parent"),
            "to find the rows of one parent, the server looks through the rows of all tenants",
        ),
        _ => (
            format!("its tenant column {names}"),
            "to find the rows of one tenant, the server looks through the rows of all tenants",
        ),
    };
    let message = format!("no index of table `{}` starts with {what}", table.name());
    let finding = Finding::of_table(
        DatabaseCheck::MissingTenantIndex,
        table.name(),
        message,
        lacking.statement,
    )
    .object(lacking.columns.join(", "))
    .of_column(lacking.columns[0])
    .fixed_by(Remedy::Indexes)
    .fact(why);
    if lacking.is_partitioned {
        finding.fact(
            "on a partitioned table, CREATE INDEX does not take CONCURRENTLY, and blocks writes until it ends: it is quick \
             if each partition has such an index before",
        )
    } else {
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A table whose tenant column leads no index.
    fn without_index(it: &mut Database) {
        it.rows.indexes.clear();
        it.index("audit_logs", &["org_id"]);
    }

    #[test]
    fn no_index() {
        let found = findings(find, without_index);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message,
            "no index of table `invoices` starts with its tenant column `org_id`"
        );
        assert_eq!(
            found[0].fix,
            "CREATE INDEX CONCURRENTLY \"invoices__org_id_tenant_idx\" ON \"public\".\"invoices\" (\"org_id\");"
        );
    }

    #[test]
    fn what_counts() {
        for (columns, counts) in [
            (&["org_id", "id"][..], true),
            (&["id", "org_id"], false),
            (&["id"], false),
        ] {
            let found = found(find, |it| {
                without_index(it);
                it.index("invoices", columns);
            });
            assert_eq!(found.is_empty(), counts, "{columns:?}");
        }
        for change in [
            |it: &mut Database| it.index("invoices", &["org_id"]).is_partial = true,
            |it: &mut Database| it.index("invoices", &["org_id"]).method = "brin".to_string(),
            |it: &mut Database| it.index("invoices", &["org_id"]).columns = vec![None],
        ] {
            let found = found(find, |it| {
                without_index(it);
                change(it);
            });
            assert_eq!(found, ["invoices org_id"]);
        }
    }

    #[test]
    fn an_index_that_was_not_finished_is_built_again() {
        let found = findings(find, |it| {
            without_index(it);
            it.index("invoices", &["org_id"]).is_valid = false;
        });
        assert_eq!(
            found[0].fix,
            "REINDEX INDEX CONCURRENTLY \"public\".\"invoices_org_id_idx\";"
        );
    }

    #[test]
    fn a_partitioned_table() {
        let partitioned = |it: &mut Database| {
            without_index(it);
            it.relation("invoices").kind = "p".to_string();
            it.child("invoices_1", "r", "invoices");
        };
        let found_in = findings(find, partitioned);
        assert!(
            found_in[0].fix.starts_with("CREATE INDEX \"invoices__org_id"),
            "{}",
            found_in[0].fix
        );
        let indexed = |it: &mut Database| {
            partitioned(it);
            it.index("invoices_1", &["org_id"]);
        };
        assert_eq!(found(find, indexed), NOTHING);
    }

    #[test]
    fn the_reference_of_a_child() {
        let child = |it: &mut Database| {
            it.schema = "#[table(tenant = through((a, b) -> invoices(id, total)))] pub struct Lines { pub a: i64, pub b: i32 }"
                .to_string();
            it.table("lines", &[("a", "int8"), ("b", "int4")]);
        };
        let found_in = findings(find, child);
        assert_eq!(
            found_in[0].message,
            "no index of table `lines` starts with its reference `a` and `b` to its parent"
        );
        let indexed = |it: &mut Database| {
            child(it);
            it.index("lines", &["b", "a"]);
        };
        assert_eq!(found(find, indexed), NOTHING);
    }

    #[test]
    fn other_checks_report_a_missing_column() {
        let found = found(find, |it| {
            it.rows.indexes.clear();
            it.remove_column("invoices", "org_id");
            it.remove_column("audit_logs", "org_id");
        });
        assert_eq!(found, NOTHING);
    }
}
