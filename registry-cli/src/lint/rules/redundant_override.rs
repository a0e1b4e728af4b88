use table_registry_engine::{Declaration, Diagnostic, Lint, Override};

use super::Rule;
use crate::lint::subject::Subject;

pub const RULE: Rule = Rule::Table(find);

fn find(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(declaration) = subject.table.declarations.first() else {
        return Vec::new();
    };
    let overrides = subject.krate.policy.overrides.iter();
    overrides
        .filter(|entry| entry.table.value == subject.table.name && entry.kind == Some(declaration.kind))
        .map(|entry| redundant(subject, entry, declaration))
        .collect()
}

fn redundant(subject: &Subject<'_>, entry: &Override, declaration: &Declaration) -> Diagnostic {
    let table = &subject.table.name;
    let message = format!("override of `{table}` repeats the kind that its struct declares");
    let label = format!("declared `{}` here", declaration.kind);
    let command = subject
        .krate
        .package
        .command(&format!("override {table} --remove"));
    entry
        .table
        .fault(Lint::RedundantOverride, message, "overridden here")
        .at(&declaration.source, declaration.place.clone(), label)
        .help(format!("run `{command}`"))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{SOUND, findings};

    #[test]
    fn an_override_that_repeats_the_declared_kind() {
        let schema = format!("#[table_registry::table(kind = link)]\npub struct Orders {{ {SOUND} }}\n");
        assert_eq!(
            findings(&schema, "[overrides]\norders = \"link\"", ""),
            ["warning redundant-override orders"]
        );
        assert_eq!(
            findings(&schema, "[overrides]\norders = \"control\"", ""),
            [""; 0]
        );
    }
}
