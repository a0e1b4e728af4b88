use table_registry_engine::{Diagnostic, Lint, Registry, Tenancy};

use super::Rule;
use crate::lint::names::plural;
use crate::lint::subject::{Subject, finding_about_column};

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    // A system table may have the tenant column, too.
    let of_policy = subject.krate.policy.tenancy.column();
    let of_policy = of_policy.map(|column| &column.name.value);
    let of_table = match &subject.table.tenancy {
        Tenancy::Column { name, .. } => Some(name),
        _ => None,
    };
    let known = known_names(subject.krate.registry);
    let columns = subject.columns.iter();
    let references = columns
        .filter(|column| ![of_policy, of_table].contains(&Some(&column.name)))
        .filter_map(|column| Some((column, column.name.strip_suffix("_id")?)));
    references
        .filter(|(_, target)| !target.is_empty() && !known.iter().any(|name| is_named(name, target)))
        .map(|(column, target)| {
            let what = format!("refers to no registered table `{}`", plural(target));
            finding_about_column(Lint::UnknownReference, column, &what)
                .help("register the table, exempt it, or name the column after the table that it refers to")
        })
        .collect()
}

/// The names of all registered and exempt tables, without their PostgreSQL schemas.
fn known_names(registry: &Registry) -> Vec<&str> {
    let registered = registry.tables().iter().map(|table| table.name.as_str());
    let exempt = registry.exempt().iter().map(|table| table.name.as_str());
    let names = registered.chain(exempt);
    names
        .map(|name| name.rsplit('.').next().unwrap_or(name))
        .collect()
}

/// Whether a column `customer_id` refers to a table: `customer`, `customers`, `erp_customers`.
fn is_named(table: &str, target: &str) -> bool {
    let is_target = |name: &str| name == target || name == plural(target);
    let mut ends = table.match_indices('_').map(|(at, _)| &table[at + 1..]);
    is_target(table) || ends.any(is_target)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{SOUND, findings};

    const ON: &str = "[lints]\nunknown-reference = \"warn\"\n";

    fn schema() -> String {
        format!(
            "use table_registry::table;\n\
             #[table]\npub struct Orders {{ {SOUND} pub customer_id: i64, pub order_id: i64, pub parent_order_id: i64, pub country_id: i64 }}\n\
             #[table(name = \"erp_countries\")]\npub struct Countries {{ {SOUND} }}\n"
        )
    }

    #[test]
    fn it_is_off_by_default() {
        assert_eq!(findings(&schema(), "", ""), [""; 0]);
    }

    #[test]
    fn columns_that_refer_to_no_table() {
        assert_eq!(
            findings(&schema(), ON, ""),
            [
                "warning unknown-reference customer_id",
                "warning unknown-reference parent_order_id"
            ]
        );
    }

    #[test]
    fn a_table_may_be_exempt_or_in_another_postgresql_schema() {
        for table in ["customers", "\"crm.customers\""] {
            let exempt = format!("{ON}[exempt]\n{table} = \"of another service\"\n");
            assert_eq!(
                findings(&schema(), &exempt, ""),
                ["warning unknown-reference parent_order_id"],
                "{table}"
            );
        }
    }
}
