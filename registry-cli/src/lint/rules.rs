//! The rules, each a function from what it looks at to what it found.

use std::collections::BTreeMap;

use heck::ToSnakeCase;
use pluralizer::pluralize;
use table_registry_core::TableKind;
use table_registry_engine::{Diagnostic, Lint};

use super::reserved::is_reserved;
use super::{Finding, Subject};
use crate::columns::Column;
use crate::project::Project;

/// A rule that looks at one table at a time, and its option.
type Rule = fn(&Subject<'_>, &[String]) -> Vec<Diagnostic>;

/// The rules that look at tables.
pub const OF_TABLES: [(Lint, Rule); 9] = [
    (Lint::ColumnNotSnakeCase, column_not_snake_case),
    (Lint::FloatMoney, float_money),
    (Lint::MissingRequiredColumn, missing_required_column),
    (Lint::MissingRevoke, missing_revoke),
    (Lint::MissingTenantColumn, missing_tenant_column),
    (Lint::MissingUpdatedAt, missing_updated_at),
    (Lint::ReservedWord, reserved_word),
    (Lint::TableNotPluralSnakeCase, table_not_plural_snake_case),
    (Lint::UnknownReference, unknown_reference),
];

fn missing_tenant_column(subject: &Subject<'_>, tenant: &[String]) -> Vec<Diagnostic> {
    let table = subject.table;
    let missing = tenant.iter().filter(|column| !subject.has(column));
    let applies = table.kind.row_level_security() && subject.knows_all_columns;
    let faults = missing.filter(|_| applies).map(|column| {
        subject
            .fault(
                Lint::MissingTenantColumn,
                format!("table `{}` has no tenant column `{column}`", table.name),
            )
            .note(format!(
                "tables of kind `{}` get row-level security, and its policy compares this column",
                table.kind
            ))
            .help(format!(
                "add `{column}`, name another column in `[lints]`, or make the table `system` if it belongs to no tenant"
            ))
    });
    faults.collect()
}

fn missing_required_column(subject: &Subject<'_>, required: &[String]) -> Vec<Diagnostic> {
    let missing: Vec<String> = required
        .iter()
        .filter(|column| !subject.has(column))
        .map(|column| format!("`{column}`"))
        .collect();
    if missing.is_empty() || !subject.knows_all_columns {
        return Vec::new();
    }
    let noun = if missing.len() == 1 { "column" } else { "columns" };
    let missing = missing.join(", ");
    let message = format!("table `{}` lacks the {noun} {missing}", subject.table.name);
    vec![
        subject
            .fault(Lint::MissingRequiredColumn, message)
            .help(format!("add {missing}")),
    ]
}

fn missing_updated_at(subject: &Subject<'_>, updated_at: &[String]) -> Vec<Diagnostic> {
    let table = subject.table;
    let is_mutable = table.kind == TableKind::Truth && !table.append_only;
    let missing = updated_at.iter().filter(|column| !subject.has(column));
    let faults = missing
        .filter(|_| is_mutable && subject.knows_all_columns)
        .map(|column| {
            subject
                .fault(
                    Lint::MissingUpdatedAt,
                    format!("table `{}` has no column `{column}`", table.name),
                )
                .note("it is of kind `truth` and not append-only, so its rows may change")
                .help(format!(
                    "add `{column}`, or run `{}` if rows never change",
                    subject.project.package.command(&format!("revoke {}", table.name))
                ))
        });
    faults.collect()
}

fn missing_revoke(subject: &Subject<'_>, _: &[String]) -> Vec<Diagnostic> {
    let table = subject.table;
    let should_be = matches!(table.kind, TableKind::Evidence | TableKind::Projection);
    if !should_be || table.append_only {
        return Vec::new();
    }
    let message = format!("{} table `{}` is not append-only", table.kind, table.name);
    vec![
        subject
            .fault(Lint::MissingRevoke, message)
            .note("the application role may update and delete its rows")
            .help(format!(
                "run `{}`",
                subject.project.package.command(&format!("revoke {}", table.name))
            )),
    ]
}

fn float_money(subject: &Subject<'_>, words: &[String]) -> Vec<Diagnostic> {
    let is_money = |column: &&Column| {
        let name = column.name.to_snake_case();
        name.split('_').any(|part| words.iter().any(|word| word == part))
    };
    let floats = subject.columns.iter().filter(|column| column.is_float);
    let faults = floats.filter(is_money).map(|column| {
        of_column(Lint::FloatMoney, column, "holds money as a floating-point number")
            .note("binary fractions cannot hold most decimal ones: sums drift")
            .help("use `numeric` with a decimal type, or an integer number of cents")
    });
    faults.collect()
}

fn column_not_snake_case(subject: &Subject<'_>, _: &[String]) -> Vec<Diagnostic> {
    let odd = subject
        .columns
        .iter()
        .filter(|column| !is_snake_case(&column.name));
    let faults = odd.map(|column| {
        let expected = column.name.to_snake_case();
        of_column(Lint::ColumnNotSnakeCase, column, "is not in `snake_case`")
            .note("PostgreSQL folds a name to lower case unless it is quoted")
            .help(other_name(&column.name, &expected))
    });
    faults.collect()
}

fn table_not_plural_snake_case(subject: &Subject<'_>, _: &[String]) -> Vec<Diagnostic> {
    let name = bare_name(subject);
    let expected = plural(&name.to_snake_case());
    let is_numbered = name
        .rsplit('_')
        .next()
        .is_some_and(|word| word.contains(char::is_numeric));
    if is_snake_case(name) && (expected == name || is_numbered) {
        return Vec::new();
    }
    let message = format!(
        "table name `{}` is not a plural in `snake_case`",
        subject.table.name
    );
    vec![
        subject
            .fault(Lint::TableNotPluralSnakeCase, message)
            .help(other_name(name, &expected)),
    ]
}

fn reserved_word(subject: &Subject<'_>, _: &[String]) -> Vec<Diagnostic> {
    let way_out = "give it another name, or quote it wherever SQL is written by hand";
    let name = bare_name(subject);
    let table = is_reserved(name).then(|| {
        let message = format!("table name `{name}` is a reserved key word of PostgreSQL");
        subject.fault(Lint::ReservedWord, message).help(way_out)
    });
    let columns = subject.columns.iter().filter(|column| is_reserved(&column.name));
    let columns = columns.map(|column| {
        of_column(Lint::ReservedWord, column, "is a reserved key word of PostgreSQL").help(way_out)
    });
    table.into_iter().chain(columns).collect()
}

/// Whether `customer_id` refers to a table: `customer`, `customers`, `erp_customers`.
fn unknown_reference(subject: &Subject<'_>, _: &[String]) -> Vec<Diagnostic> {
    let lints = &subject.project.policy.lints;
    let tenant = lints.option(Lint::MissingTenantColumn);
    let registry = &subject.project.registry;
    let registered = registry.tables().iter().map(|table| table.name.as_str());
    let exempt = registry.exempt().iter().map(|table| table.name.as_str());
    let known: Vec<&str> = registered.chain(exempt).collect();
    let refers = |target: &str| {
        let is_target = |name: &str| name == target || name == plural(target);
        let ends_like = |name: &str| name.match_indices('_').any(|(at, _)| is_target(&name[at + 1..]));
        known.iter().any(|name| {
            let name = name.rsplit('.').next().unwrap_or(name);
            is_target(name) || ends_like(name)
        })
    };
    let columns = subject
        .columns
        .iter()
        .filter(|column| !tenant.contains(&column.name));
    let targets = columns.filter_map(|column| Some((column, column.name.strip_suffix("_id")?)));
    let unknown = targets.filter(|(_, target)| !target.is_empty() && !refers(target));
    let faults = unknown.map(|(column, target)| {
        of_column(
            Lint::UnknownReference,
            column,
            &format!("refers to no registered table `{}`", plural(target)),
        )
        .help("register the table, exempt it, or name the column after the table that it refers to")
    });
    faults.collect()
}

/// The overrides that say what the structs say anyway.
pub fn redundant_overrides(project: &Project) -> Vec<Finding> {
    let declared = |name: &str| project.registry.table(name)?.declarations.first();
    let findings = project.policy.overrides.iter().filter_map(|entry| {
        let declaration =
            declared(&entry.table.value).filter(|declaration| Some(declaration.kind) == entry.kind)?;
        let message = format!(
            "override of `{}` gives the kind that its struct declares",
            entry.table.value
        );
        let diagnostic = entry
            .table
            .fault(Lint::RedundantOverride, message, "overridden here")
            .at(
                &declaration.source,
                declaration.place.clone(),
                format!("declared `{}` here", declaration.kind),
            )
            .help(format!(
                "run `{}`",
                project
                    .package
                    .command(&format!("override {} --remove", entry.table.value))
            ));
        Some(Finding {
            code: Lint::RedundantOverride,
            table: entry.table.value.clone(),
            diagnostic,
        })
    });
    findings.collect()
}

/// The tables that several crates register, as findings of all of these but the first, by position. An
/// exception in either crate is enough.
pub fn tables_in_several_crates(
    projects: &[Project],
    is_allowed: impl Fn(usize, &str) -> bool,
) -> BTreeMap<usize, Vec<Finding>> {
    let mut first: BTreeMap<&str, (usize, &Project)> = BTreeMap::new();
    let mut findings: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
    for (position, project) in projects.iter().enumerate() {
        for table in project.registry.tables() {
            let (owner, other) = *first.entry(table.name.as_str()).or_insert((position, project));
            if owner == position || is_allowed(owner, &table.name) {
                continue;
            }
            findings.entry(position).or_default().push(Finding {
                code: Lint::TableInSeveralCrates,
                table: table.name.clone(),
                diagnostic: in_two_crates(&table.name, project, other),
            });
        }
    }
    findings
}

fn in_two_crates(name: &str, project: &Project, other: &Project) -> Diagnostic {
    let (ours, theirs) = (&project.package.name, &other.package.name);
    let message = format!("table `{name}` is registered by `{theirs}` and by `{ours}`");
    let mut diagnostic = Diagnostic::new(Lint::TableInSeveralCrates, message);
    for project in [project, other] {
        let table = project.registry.table(name);
        if let Some(declaration) = table.and_then(|table| table.declarations.first()) {
            let text = format!("in `{}`", project.package.name);
            diagnostic = diagnostic.at(&declaration.source, declaration.place.clone(), text);
        }
    }
    diagnostic
        .note("two registries of one table can disagree")
        .help("keep the struct in one crate, and use it from the other")
}

fn of_column(code: Lint, column: &Column, what: &str) -> Diagnostic {
    Diagnostic::new(code, format!("column `{}` {what}", column.name)).at(
        &column.source,
        column.place.clone(),
        "",
    )
}

/// The name inside its PostgreSQL schema.
fn bare_name<'s>(subject: &Subject<'s>) -> &'s str {
    &subject.table.declarations[0].name.table
}

/// The name that a thing should have, if the rules give one.
fn other_name(name: &str, expected: &str) -> String {
    if is_snake_case(expected) && expected != name {
        format!("call it `{expected}`")
    } else {
        "give it another name".to_string()
    }
}

/// Letters without case count as lower case.
fn is_snake_case(name: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase());
    name.chars().all(is_part)
        && name.starts_with(|c: char| c.is_alphabetic())
        && !name.contains("__")
        && !name.ends_with('_')
}

/// The name with its last word in the plural.
fn plural(name: &str) -> String {
    let start = name.rfind('_').map_or(0, |at| at + 1);
    format!("{}{}", &name[..start], pluralize(&name[start..], 2, false))
}
