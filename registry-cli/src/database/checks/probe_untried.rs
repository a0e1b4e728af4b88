//! Tables for which the probe could not try something.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let untried = context.probed.untried.iter();
    let findings = untried.map(|one| {
        let message = format!("the probe could not try table `{}`", one.table);
        Finding::of_table(DatabaseCheck::ProbeUntried, &one.table, message, &one.fix).fact(&one.reason)
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::probe::probed::{Probed, Untried};
    use crate::database::testing::Database;

    #[test]
    fn what_is_in_the_way_is_a_fact() {
        let probed = Probed {
            untried: vec![Untried {
                table: "invoices".to_string(),
                reason: "no row can be made up".to_string(),
                fix: "give a value".to_string(),
            }],
            ..Probed::default()
        };
        let findings = Database::sound().inspect_probed(probed, find);
        assert_eq!(findings[0].message, "the probe could not try table `invoices`");
        assert_eq!(findings[0].facts, ["no row can be made up"]);
        assert_eq!(findings[0].fix, "give a value");
    }
}
