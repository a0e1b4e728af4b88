//! The exceptions of a crate from its lints.

use table_registry_engine::{Declaration, Exception, Lint, Placed, Policy, Registry};

use crate::project::place_in_attribute;

/// The exceptions of `#[table(allow(…))]`, then those of `[lints.allow]`.
pub fn exceptions(policy: &Policy, registry: &Registry) -> Vec<Exception<Lint>> {
    let tables = registry.tables().iter();
    let declarations = tables.flat_map(|table| &table.declarations);
    let of_structs = declarations.flat_map(of_struct);
    of_structs
        .chain(policy.lints.exceptions.iter().cloned())
        .collect()
}

fn of_struct(declaration: &Declaration) -> impl Iterator<Item = Exception<Lint>> {
    declaration.allowed.iter().map(|allowed| Exception {
        rule: allowed.lint,
        subject: Placed {
            value: declaration.name.to_string(),
            source: declaration.source.clone(),
            range: place_in_attribute(declaration, Some(allowed.span))
                .unwrap_or_else(|| declaration.attribute.clone()),
        },
    })
}
