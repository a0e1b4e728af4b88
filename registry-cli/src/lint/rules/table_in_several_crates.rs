use table_registry_engine::{Diagnostic, Lint, RegisteredTable};

use super::Rule;
use crate::lint::subject::{Crate, Subject};

pub const RULE: Rule = Rule::Table(find);

/// Compares with the first crate that registers the table. An exception in either crate is enough.
fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let name = &subject.table.name;
    let mut earlier_crates = subject.earlier_crates.iter();
    // A crate without a struct only says what another one declares.
    let has_struct = |table: &RegisteredTable| !table.declarations.is_empty();
    let first = earlier_crates.find(|other| other.registry.table(name).is_some_and(has_struct));
    let conflicting =
        first.filter(|other| has_struct(subject.table) && !other.allows(Lint::TableInSeveralCrates, name));
    let diagnostic = conflicting.map(|other| in_two_crates(name, subject.krate, other));
    diagnostic.into_iter().collect()
}

fn in_two_crates(name: &str, ours: &Crate<'_>, theirs: &Crate<'_>) -> Diagnostic {
    let message = format!(
        "table `{name}` is registered by `{}` and by `{}`",
        theirs.package.name, ours.package.name
    );
    let mut diagnostic = Diagnostic::new(Lint::TableInSeveralCrates, message);
    for krate in [ours, theirs] {
        let table = krate.registry.table(name);
        if let Some(table) = table {
            diagnostic = table.at_declaration(diagnostic, format!("in `{}`", krate.package.name));
        }
    }
    diagnostic
        .note("two registries of one table can disagree")
        .help("keep the struct in one crate, and use it from the other")
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{CrateInMemory, SOUND, lint};

    const ALLOWED: &str = "[lints.allow.table-in-several-crates]\norders = \"one for reading\"\n";

    /// The messages for crates that all register `orders`, each with its policy file.
    fn messages(crates: &[(&str, &str)]) -> Vec<String> {
        let schema = format!("#[table_registry::table]\npub struct Orders {{ {SOUND} }}\n");
        let workspace: Vec<CrateInMemory> = crates
            .iter()
            .map(|(name, policy)| CrateInMemory::new(name, &schema, policy, ""))
            .collect();
        let found = lint(&workspace);
        found.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn later_crates_are_compared_with_the_first() {
        assert_eq!(messages(&[("bank", "")]), [""; 0]);
        assert_eq!(
            messages(&[("bank", ""), ("post", ""), ("shop", "")]),
            [
                "table `orders` is registered by `bank` and by `post`",
                "table `orders` is registered by `bank` and by `shop`",
            ]
        );
    }

    #[test]
    fn an_exception_in_either_crate_is_enough() {
        assert_eq!(messages(&[("bank", ALLOWED), ("shop", "")]), [""; 0]);
        assert_eq!(messages(&[("bank", ""), ("shop", ALLOWED)]), [""; 0]);
    }

    #[test]
    fn an_exception_is_not_unused_if_the_other_crate_is_not_selected() {
        assert_eq!(messages(&[("bank", ALLOWED)]), [""; 0]);
    }

    #[test]
    fn both_structs_are_shown() {
        let schema = format!("#[table_registry::table]\npub struct Orders {{ {SOUND} }}\n");
        let [bank, shop] = ["bank", "shop"].map(|name| CrateInMemory::new(name, &schema, "", ""));
        let found = lint(&[bank, shop]);
        let places: Vec<&str> = found[0]
            .labels
            .iter()
            .map(|label| label.source.path.as_str())
            .collect();
        assert_eq!(places, ["shop/src/schema/mod.rs", "bank/src/schema/mod.rs"]);
    }
}
