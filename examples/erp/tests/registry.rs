//! The registry is what the data says.

use erp::schema::audit_logs::AuditLogs;
use erp::{REGISTRY_EXEMPT, REVOKE_UPDATE_DELETE_TABLES, RLS_TABLES, TABLE_NAMES, TABLE_REGISTRY, tables};
use table_registry::{Table, TableKind};

const REGISTRY: &str = include_str!("../data/registry.tsv");
const RLS: &str = include_str!("../data/rls.txt");
const REVOKE: &str = include_str!("../data/revoke.txt");
const EXEMPT: &str = include_str!("../data/exempt.txt");

fn expected_registry() -> Vec<(&'static str, TableKind)> {
    let entry = |line: &'static str| {
        let (name, kind) = line.split_once('\t').unwrap();
        (name, kind.parse().unwrap())
    };
    REGISTRY.lines().map(entry).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn names_and_kinds() {
    let expected = expected_registry();
    assert_eq!(TABLE_REGISTRY.as_slice(), expected);
    assert_eq!(
        TABLE_NAMES.to_vec(),
        expected.iter().map(|&(name, _)| name).collect::<Vec<_>>()
    );
}

#[test]
fn counts_by_kind() {
    let counts = TableKind::ALL.map(|kind| {
        (
            kind,
            TABLE_REGISTRY.iter().filter(|entry| entry.1 == kind).count(),
        )
    });
    assert_eq!(
        counts,
        [
            (TableKind::Truth, 144),
            (TableKind::Control, 12),
            (TableKind::Projection, 3),
            (TableKind::Evidence, 2),
            (TableKind::Link, 6),
            (TableKind::System, 8),
        ]
    );
}

#[test]
fn row_level_security() {
    assert_eq!(RLS_TABLES.as_slice(), lines(RLS));
}

#[test]
fn append_only() {
    let mut expected = lines(REVOKE);
    expected.sort_unstable();
    assert_eq!(REVOKE_UPDATE_DELETE_TABLES.as_slice(), expected);
}

#[test]
fn exempt() {
    assert_eq!(REGISTRY_EXEMPT.as_slice(), lines(EXEMPT));
}

#[test]
fn look_up_by_name() {
    for (name, kind) in expected_registry() {
        assert_eq!(tables::kind_of(name), Some(kind), "{name}");
    }
    for name in lines(EXEMPT) {
        assert_eq!(tables::kind_of(name), None, "{name}");
    }
}

#[test]
fn look_up_at_compile_time() {
    const AUDIT_LOGS: Option<TableKind> = tables::kind_of("audit_logs");
    const UNKNOWN: Option<TableKind> = tables::kind_of("audit_log");
    assert_eq!(AUDIT_LOGS, Some(TableKind::Evidence));
    assert_eq!(UNKNOWN, None);
}

type Facts = (&'static str, Option<&'static str>, TableKind, bool, bool);

const fn facts<T: Table>() -> Facts {
    (T::NAME, T::SCHEMA, T::KIND, T::RLS, T::APPEND_ONLY)
}

#[test]
fn a_struct_says_the_same_as_its_key() {
    let expected = ("audit_logs", None, TableKind::Evidence, true, true);
    assert_eq!(facts::<AuditLogs>(), expected);
    assert_eq!(facts::<tables::audit_logs>(), expected);
    assert_eq!(facts::<<AuditLogs as Table>::Key>(), expected);
}
