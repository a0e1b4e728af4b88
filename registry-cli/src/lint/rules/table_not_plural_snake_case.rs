use heck::ToSnakeCase;
use table_registry_engine::{Diagnostic, Lint};

use super::Rule;
use crate::lint::names::{is_snake_case, plural, rename};
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let name = subject.bare_name();
    let expected = plural(&name.to_snake_case());
    if is_snake_case(name) && (expected == name || is_numbered(name)) {
        return Vec::new();
    }
    let message = format!(
        "table name `{}` is not a plural in `snake_case`",
        subject.table.name
    );
    let finding = subject.finding(Lint::TableNotPluralSnakeCase, message);
    vec![finding.help(rename(name, &expected))]
}

/// Whether the last word is a year or a version: `users_2024`, `addresses_v2`.
fn is_numbered(name: &str) -> bool {
    let last_word = name.rsplit('_').next();
    last_word.is_some_and(|word| word.contains(char::is_numeric))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, SOUND, findings, lint};

    fn schema(arguments: &str) -> String {
        format!("#[table_registry::table({arguments})]\npub struct Orders {{ {SOUND} }}\n")
    }

    #[test]
    fn plurals_in_snake_case() {
        for name in ["order_items", "news", "people", "users_2024", "addresses_v2"] {
            assert_eq!(
                findings(&schema(&format!("name = {name:?}")), "", ""),
                [""; 0],
                "{name}"
            );
        }
    }

    #[test]
    fn other_names() {
        for name in ["order_item", "OrderItems", "order-items", "users__"] {
            assert_eq!(
                findings(&schema(&format!("name = {name:?}")), "", ""),
                ["warning table-not-plural-snake-case Orders"],
                "{name}"
            );
        }
        assert_eq!(
            findings(&schema("name = \"user\""), "", ""),
            [
                "warning reserved-word Orders",
                "warning table-not-plural-snake-case Orders"
            ]
        );
    }

    #[test]
    fn the_postgresql_schema_is_not_part_of_the_name() {
        let help = |arguments: &str| {
            let found = lint(&[CrateInMemory::new("shop", &schema(arguments), "", "")]);
            found
                .into_iter()
                .flat_map(|diagnostic| diagnostic.helps)
                .collect::<Vec<_>>()
        };
        assert_eq!(help("schema = \"Audit\", name = \"events\""), [""; 0]);
        assert_eq!(help("schema = \"audit\", name = \"event\""), ["call it `events`"]);
    }
}
