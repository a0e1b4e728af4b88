use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let required = subject.krate.option(Lint::MissingRequiredColumn);
    let missing: Vec<String> = subject
        .missing(&required)
        .iter()
        .map(|column| format!("`{column}`"))
        .collect();
    let noun = match missing.len() {
        0 => return Vec::new(),
        1 => "column",
        _ => "columns",
    };
    let names = missing.join(", ");
    let message = format!("table `{}` lacks the {noun} {names}", subject.table.name);
    let finding = subject.finding(Lint::MissingRequiredColumn, message);
    vec![finding.help(format!("add {names}"))]
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, findings, lint};

    const SCHEMA: &str = "#[table_registry::table(kind = control)]\npub struct Orders { pub org_id: i64 }\n";

    #[test]
    fn missing_columns_are_one_finding() {
        let found = lint(&[CrateInMemory::new("shop", SCHEMA, "", "")]);
        let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, ["table `orders` lacks the columns `id`, `created_at`"]);
        assert_eq!(found[0].helps, ["add `id`, `created_at`"]);
        assert_eq!(
            findings(SCHEMA, "", ""),
            ["warning missing-required-column Orders"]
        );
    }

    #[test]
    fn the_columns_can_be_set() {
        let option = "[lints]\nmissing-required-column = { columns = [\"org_id\"] }";
        assert_eq!(findings(SCHEMA, option, ""), [""; 0]);
    }

    #[test]
    fn columns_of_another_struct_may_be_the_required_ones() {
        let schema = SCHEMA.replace("org_id: i64", "org_id: i64, #[sqlx(flatten)] pub base: Base");
        assert_eq!(findings(&schema, "", ""), [""; 0]);
    }
}
