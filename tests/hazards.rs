//! All forms of real model code that could cause trouble, in one crate that compiles.
#![deny(warnings)]

use table_registry::TableKind::{self, Control, Evidence, Link, Projection, System, Truth};
use table_registry::{Key, Table, table_registry};

#[allow(dead_code, reason = "the rows of these tables are never read")]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::needless_lifetimes,
    clippy::needless_raw_string_hashes,
    reason = "the schema is written as users write it"
)]
#[path = "hazards/schema/mod.rs"]
mod schema;

table_registry!(
    "hazards/schema",
    overrides = "hazards/table-registry.toml",
    revoke = "hazards/revoke.toml"
);

const EXPECTED: &[(&str, TableKind)] = &[
    ("above", Control),
    ("after_mark", Truth),
    ("after_strings", Truth),
    ("among_others", Projection),
    ("audit.events", Evidence),
    ("borrowed", Truth),
    ("cakes", Truth),
    ("crm.accounts", Control),
    ("deprecated", Truth),
    ("diesel_users", Truth),
    ("final", Truth),
    ("gen", Truth),
    ("größe", Truth),
    ("in_cfg_attr", Link),
    ("in_cfg_attr_that_is_off", Link),
    ("in_function", Truth),
    ("in_macro_call", Truth),
    ("in_pieces", Control),
    ("inline", Truth),
    ("leaf", Truth),
    ("left_out", Truth),
    ("left_out_deep", Truth),
    ("order items; drop table \"x\"", Truth),
    ("r2_files", System),
    ("renamed", Truth),
    ("restricted", Truth),
    ("shop.fruits", Truth),
    ("tuple", Truth),
    ("twin", Link),
    ("type", Truth),
    ("unit", Truth),
    ("wrapped", Evidence),
];

#[test]
fn each_table_is_registered_once() {
    assert_eq!(TABLE_REGISTRY.as_slice(), EXPECTED);
    assert!(TABLE_NAMES.iter().eq(EXPECTED.iter().map(|(name, _)| name)));
    assert_eq!(REVOKE_UPDATE_DELETE_TABLES, ["audit.events", "twin"]);
    assert_eq!(REVOKE_INSERT_UPDATE_DELETE_TABLES, ["twin"]);
    assert_eq!(TENANT_SETTING, Some("app.org_id"));
    assert_eq!(REGISTRY_EXEMPT, ["legacy"]);
    assert_eq!(RLS_TABLES.len(), EXPECTED.len() - 1);
    assert!(!RLS_TABLES.contains(&"r2_files"));
}

#[test]
fn a_kind_is_found_by_name_even_at_compile_time() {
    const AT_COMPILE_TIME: Option<TableKind> = tables::kind_of("r2_files");
    assert_eq!(AT_COMPILE_TIME, Some(System));
    for &(name, kind) in EXPECTED {
        assert_eq!(tables::kind_of(name), Some(kind), "{name}");
    }
    assert_eq!(tables::kind_of("r2_file"), None);
}

#[test]
fn policies_are_found_by_name_even_at_compile_time() {
    const APPEND_ONLY: bool = tables::is_append_only("audit.events");
    const { assert!(APPEND_ONLY && !tables::is_rls("r2_files")) };
    for &(name, kind) in EXPECTED {
        assert_eq!(tables::is_rls(name), kind != System, "{name}");
        assert_eq!(
            tables::is_append_only(name),
            ["audit.events", "twin"].contains(&name),
            "{name}"
        );
        assert_eq!(tables::is_read_only(name), name == "twin", "{name}");
        assert_eq!(tables::resolve(&String::from(name)), Some(name));
    }
    for unknown in ["", "r2_file", "order items; drop table", "legacy"] {
        assert!(!tables::is_rls(unknown) && !tables::is_append_only(unknown));
        assert!(!tables::is_read_only(unknown));
        assert_eq!(tables::resolve(unknown), None);
    }
}

#[test]
fn a_struct_has_the_constants_of_its_key() {
    // The constants of a struct are defaults that read its key.
    fn same<Row: Table<Key = Key>, Key: Table>() {}
    same::<schema::attributes::Events, tables::audit_events>();
    same::<schema::orms::cake::Model, tables::cakes>();
    same::<schema::orms::User, tables::diesel_users>();
    same::<schema::shapes::Borrowed<'_, u8>, tables::borrowed>();
    same::<schema::shapes::Keyword, tables::r#type>();
    same::<schema::shapes::Hostile, tables::order_items__drop_table__x_>();
    same::<schema::shapes::R2Files, tables::r2_files>();
    schema::places::inline::local();
}

/// The constants are unambiguous even if both traits of a key are imported.
#[test]
fn the_constants_of_a_key() {
    assert_eq!(<tables::audit_events as Key>::TABLE_NAME, "audit.events");
    assert_eq!(tables::audit_events::NAME, "audit.events");
    assert_eq!(tables::audit_events::SCHEMA, Some("audit"));
    const { assert!(tables::audit_events::RLS && tables::audit_events::APPEND_ONLY) };
    const { assert!(!tables::r2_files::RLS && !tables::r2_files::APPEND_ONLY) };
    const { assert!(tables::twin::APPEND_ONLY && tables::twin::READ_ONLY && !tables::audit_events::READ_ONLY) };
    assert_eq!(tables::r2_files::SCHEMA, None);
    assert_eq!(tables::r2_files::SQL_NAME, "\"public\".\"r2_files\"");
    assert_eq!(tables::audit_events::SQL_NAME, "\"audit\".\"events\"");
    assert_eq!(
        tables::order_items__drop_table__x_::SQL_NAME,
        "\"public\".\"order items; drop table \"\"x\"\"\""
    );
}

/// A table that the policy file declares has a key, and no struct.
#[test]
fn a_table_without_a_struct() {
    assert_eq!(tables::crm_accounts::NAME, "crm.accounts");
    assert_eq!(tables::crm_accounts::SCHEMA, Some("crm"));
    const { assert!(tables::crm_accounts::RLS) };
}
