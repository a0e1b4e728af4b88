//! Several databases that should be the same: what all lack, and what only some lack.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::{Code, DatabaseCheck, Lint, Severity};

use crate::database::findings::finding::Finding;
use crate::database::server::session::Address;

/// The shortest names that tell databases apart.
pub fn names(addresses: &[Address]) -> Vec<String> {
    let by_database: Vec<String> = addresses.iter().map(|one| one.database.clone()).collect();
    let by_server = addresses
        .iter()
        .map(|one| format!("{}:{}/{}", one.host, one.port, one.database));
    let by_server: Vec<String> = by_server.collect();
    let are_different = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let found = [by_database, by_server.clone()]
        .into_iter()
        .find(|names| are_different(names));
    found.unwrap_or_else(|| {
        let numbered = (1..).zip(by_server);
        numbered
            .map(|(number, name)| format!("{name} ({number})"))
            .collect()
    })
}

/// The findings of several databases in one list. One that only some of them have names these.
pub fn united(of_each: Vec<(String, Vec<Finding>)>) -> Vec<Finding> {
    let count = of_each.len();
    let mut all: Vec<(Finding, Vec<String>)> = Vec::new();
    let mut places: BTreeMap<(Identity, usize), usize> = BTreeMap::new();
    for (name, findings) in of_each {
        // One database may have several findings that read alike. The first of them matches the first in the next
        // database, and so on.
        let mut alike: BTreeMap<Identity, usize> = BTreeMap::new();
        for finding in findings {
            let identity = identity(&finding);
            let turn = alike.entry(identity.clone()).or_default();
            *turn += 1;
            match places.entry((identity, *turn)) {
                Entry::Occupied(place) => all[*place.get()].1.push(name.clone()),
                Entry::Vacant(free) => {
                    free.insert(all.len());
                    all.push((finding, vec![name.clone()]));
                }
            }
        }
    }
    // An exception that one of the databases needs is used.
    all.retain(|(finding, names)| finding.code != Code::Lint(Lint::UnusedAllow) || names.len() == count);
    let united = all.into_iter().map(|(mut finding, names)| {
        if names.len() < count {
            finding.databases = names;
        }
        finding
    });
    let mut united: Vec<Finding> = united.collect();
    if count > 1 {
        united.sort_by_key(|finding| place_in_report(finding.code));
    }
    united
}

/// Checks are reported in the order of their list, and before everything else.
fn place_in_report(code: Code) -> usize {
    let place = match code {
        Code::DatabaseCheck(check) => DatabaseCheck::ALL.iter().position(|one| *one == check),
        _ => None,
    };
    place.unwrap_or(usize::MAX)
}

/// Code, whether it is an error, table, object, relation and message.
type Identity = (Code, bool, Option<String>, Option<String>, Option<String>, String);

/// What two databases have in common if they have the same finding.
fn identity(finding: &Finding) -> Identity {
    (
        finding.code,
        finding.severity == Severity::Error,
        finding.table.clone(),
        finding.object.clone(),
        finding.relation.clone(),
        finding.message.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, database: &str) -> Address {
        Address {
            host: host.to_string(),
            port: 5432,
            database: database.to_string(),
        }
    }

    #[test]
    fn names_are_as_short_as_possible() {
        assert_eq!(names(&[address("a", "one"), address("a", "two")]), ["one", "two"]);
        assert_eq!(
            names(&[address("a", "one"), address("b", "one")]),
            ["a:5432/one", "b:5432/one"]
        );
        assert_eq!(
            names(&[address("a", "one"), address("a", "one")]),
            ["a:5432/one (1)", "a:5432/one (2)"]
        );
    }

    fn finding(table: &str) -> Finding {
        Finding::of_table(DatabaseCheck::RlsDisabled, table, format!("`{table}`"), "fix")
    }

    #[test]
    fn what_all_have_stands_once() {
        let unused = || Finding::of_table(Lint::UnusedAllow, "a", "unused", "remove it");
        let united = united(vec![
            ("one".to_string(), vec![finding("a"), finding("b"), unused()]),
            ("two".to_string(), vec![finding("a"), finding("c")]),
            ("three".to_string(), vec![finding("c"), finding("a")]),
        ]);
        let lines: Vec<(&str, String)> = united
            .iter()
            .map(|one| (one.message.as_str(), one.databases.join(" ")))
            .collect();
        assert_eq!(
            lines,
            [
                ("`a`", String::new()),
                ("`b`", "one".to_string()),
                ("`c`", "two three".to_string())
            ]
        );
    }
}
