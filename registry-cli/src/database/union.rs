//! Several crates that share a database: their registries and policies as one.

use std::collections::BTreeSet;
use std::fmt::Debug;

use table_registry_engine::{DatabaseCheck, Lint, Policy, Tenants, display};

use crate::failure::Failure;
use crate::project::Project;
use crate::text::quoted;

/// The projects as one, whose place in messages is that of the first. Fails if their policy files contradict each other.
pub fn of(projects: Vec<Project>) -> Result<Option<Project>, Failure> {
    let mut all = projects.into_iter();
    let Some(mut whole) = all.next() else {
        return Ok(None);
    };
    for project in all {
        check(&whole, &project)?;
        let tables = whole.registry.unite(project.registry.clone());
        if !tables.is_empty() {
            return Err(contradiction(&whole, &project)
                .note(format!(
                    "both register {}, and not in the same way",
                    quoted(&tables)
                ))
                .help("register a table in one crate, or with the same kind, tenancy and access in both"));
        }
        whole.policy.unite(project.policy);
        whole.faults.extend(project.faults);
        let known: BTreeSet<&str> = whole.sources.iter().map(|source| source.path.as_str()).collect();
        let mut more = project.sources;
        more.retain(|source| !known.contains(source.path.as_str()));
        whole.sources.extend(more);
    }
    Ok(Some(whole))
}

fn check(one: &Project, other: &Project) -> Result<(), Failure> {
    let different: Vec<String> = settings(&one.policy)
        .into_iter()
        .zip(settings(&other.policy))
        .filter_map(|((key, one), (_, other))| {
            let (one, other) = (one?, other?);
            (one != other).then(|| format!("`{key}`: {one} and {other}"))
        })
        .collect();
    if different.is_empty() {
        return Ok(());
    }
    let failure = different
        .into_iter()
        .fold(contradiction(one, other), Failure::note);
    Err(failure.help(
        "crates that share a database need the same settings; if each has a database of its own, name one with `-p`",
    ))
}

fn contradiction(one: &Project, other: &Project) -> Failure {
    Failure::new(format!(
        "`{}` and `{}` say different things about one database",
        policy_file(one),
        policy_file(other)
    ))
}

fn policy_file(project: &Project) -> String {
    match &project.inputs.files.main {
        Some(file) => file.path.clone(),
        None => display(&project.package.directory.join(project.main_file())),
    }
}

/// What has to be the same, with the values as the policy file writes them. `None` if it says nothing that could
/// contradict another file.
fn settings(policy: &Policy) -> Vec<(String, Option<String>)> {
    let database = &policy.database;
    let mut app_roles: Vec<&str> = database
        .app_roles
        .iter()
        .map(|role| role.value.as_str())
        .collect();
    app_roles.sort_unstable();
    let column = policy.tenancy.column();
    let tenants = match policy.tenancy.tenants {
        Tenants::Unknown => None,
        Tenants::One => Some("`mode = \"none\"`".to_string()),
        Tenants::Many(_) => Some("a tenant column".to_string()),
    };
    let levels = DatabaseCheck::ALL.iter().map(|check| {
        let set = database.levels.iter().rfind(|(of, _)| of == check);
        (
            format!("levels.{check}"),
            set.map(|(_, level)| shown(&level.as_str())),
        )
    });
    let lints = [Lint::MissingTenantColumn, Lint::UnusedAllow];
    let lints: Vec<_> = lints
        .iter()
        .map(|lint| policy.lints.level(*lint).as_str())
        .collect();
    vec![
        ("schema", Some(shown(&database.schema))),
        ("app_roles", (!app_roles.is_empty()).then(|| shown(&app_roles))),
        ("owner", database.owner.as_ref().map(|owner| shown(&owner.value))),
        (
            "platform",
            database.platform.map(|platform| shown(&platform.as_str())),
        ),
        ("force_rls", Some(shown(&database.force_rls))),
        ("append_only_trigger", Some(shown(&database.append_only_trigger))),
        ("lints", Some(shown(&lints))),
        ("tenancy", tenants),
        ("setting", column.map(|column| shown(&column.setting.value))),
        (
            "type",
            column.and_then(|column| column.sql_type.as_ref()).map(shown),
        ),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_string(), value))
    .chain(levels)
    .collect()
}

fn shown(value: &impl Debug) -> String {
    format!("`{value:?}`")
}
