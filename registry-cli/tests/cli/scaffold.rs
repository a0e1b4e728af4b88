//! `init` and `new`.

use std::fs;
use std::process::Command;

use snapbox::{IntoData as _, str};

use crate::harness::{Crate, repository, target};
use crate::says;

/// What `cargo new --lib` creates.
fn new_library() -> Crate {
    let krate = Crate::with(&[(
        "src/lib.rs",
        "pub fn add(left: u64, right: u64) -> u64 {\n    left + right\n}\n",
    )]);
    krate.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n",
    );
    krate
}

/// From an empty library to a registry that compiles.
#[test]
fn the_first_day() {
    let krate = new_library();
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
     Updated Cargo.toml
     Updated src/lib.rs
     Created src/schema/mod.rs
     Created table-registry.toml
     Created revoke.toml
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    says!(
        krate,
        ["new", "invoices"],
        str![[r#"
-- stderr
     Created src/schema/invoices.rs
     Updated src/schema/mod.rs
        Next fill in the columns, and run `cargo check`
-- exit 0

"#]]
    );
    says!(
        krate,
        ["new", "audit_logs", "--kind", "evidence", "--revoke"],
        str![[r#"
-- stderr
     Created src/schema/audit_logs.rs
     Updated src/schema/mod.rs
     Updated revoke.toml
        Next fill in the columns, and run `cargo check`
-- exit 0

"#]]
    );
    check(&krate);
    let list = krate.run(&["list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let names: Vec<&str> = list["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["audit_logs", "invoices"]);
    says!(
        krate,
        ["lint", "--deny-warnings"],
        str![[r#"
-- stderr
     Checked 2 tables of `shop`
-- exit 0

"#]]
    );
    says!(
        krate,
        ["sync"],
        str![[r#"
-- stderr
     Created table-registry.lock
-- exit 0

"#]]
    );
    says!(
        krate,
        ["sync", "--check"],
        str![[r#"
-- stderr
       Fresh table-registry.lock
-- exit 0

"#]]
    );
    let invoices = krate.read("src/schema/invoices.rs");
    krate.write(
        "src/schema/invoices.rs",
        &invoices.replace("#[table]", "#[table(kind = control)]"),
    );
    says!(
        krate,
        ["sync", "--check"],
        str![[r#"
-- stdout
--- table-registry.lock
+++ table-registry.lock
@@ -6 +6 @@
-invoices = { kind = "truth", tenant = "org_id", access = "read-write", file = "src/schema/invoices.rs" }
+invoices = { kind = "control", tenant = "org_id", access = "read-write", file = "src/schema/invoices.rs" }
-- stderr
error: `table-registry.lock` is out of date
 --> table-registry.lock:6:1
  |
6 | invoices = { kind = "truth", tenant = "org_id", access = "read-write", file = "src/schema/invoices.rs" }
  | ^^^^^^^^ this line is the first that differs
  |
  = help: run `cargo table-registry sync`, review the difference, and commit it
  = note: diagnostic code `stale-lock`

error: 1 error found
-- exit 1

"#]]
    );
}

/// Compiles the crate with the facade of this repository.
fn check(krate: &Crate) {
    let root = repository();
    krate.write(
        ".cargo/config.toml",
        &format!(
            "[patch.crates-io]\ntable-registry = {{ path = {:?} }}\n",
            root.display().to_string()
        ),
    );
    fs::copy(root.join("Cargo.lock"), krate.path().join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet"])
        .current_dir(krate.path())
        .env("CARGO_TARGET_DIR", target())
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn init_twice_changes_nothing() {
    let krate = new_library();
    krate.run(&["init"]);
    let files: Vec<(String, String)> = krate
        .files()
        .into_iter()
        .map(|path| (path.clone(), krate.read(&path)))
        .collect();
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
   Unchanged `shop` is ready
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    for (path, text) in files {
        assert_eq!(krate.read(&path), text, "{path}");
    }
}

#[test]
fn init_keeps_what_exists() {
    let krate = Crate::shop();
    let before: Vec<String> = krate.files();
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
   Unchanged `shop` is ready
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    assert_eq!(krate.files(), before);
}

#[test]
fn init_in_a_program_with_its_own_revoke_file() {
    let krate = Crate::with(&[
        (
            "src/main.rs",
            "//! Shop.\n#![forbid(unsafe_code)]\n\nuse std::fmt;\n\nmod schema;\n\nfn main() {}\n",
        ),
        ("src/schema/mod.rs", ""),
        ("src/revoke.toml", ""),
    ]);
    krate.write("Cargo.toml", "[package]\nname = \"shop\"\nedition = \"2024\"\n");
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
     Updated Cargo.toml
     Updated src/main.rs
     Created table-registry.toml
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    snapbox::assert_data_eq!(
        krate.read("src/main.rs"),
        str![[r#"
//! Shop.
#![forbid(unsafe_code)]

use std::fmt;

mod schema;

table_registry::table_registry!("schema/");

fn main() {}

"#]]
        .raw()
    );
    assert!(!krate.has("revoke.toml"));
}

/// Diesel keeps its `table!` calls in `schema.rs`.
#[test]
fn init_beside_the_schema_of_diesel() {
    let krate = new_library();
    krate.write("src/lib.rs", "pub mod schema;\n");
    krate.write("src/schema.rs", "");
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
     Updated Cargo.toml
     Updated src/lib.rs
     Created src/models/mod.rs
     Created table-registry.toml
     Created revoke.toml
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    snapbox::assert_data_eq!(
        krate.read("src/lib.rs"),
        str![[r#"
pub mod schema;

pub mod models;

table_registry::table_registry!("models/");

"#]]
        .raw()
    );
}

#[test]
fn init_in_a_member_inherits_the_dependency_of_the_workspace() {
    let krate = Crate::with(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"shop\", \"tool\"]\nresolver = \"3\"\n\n[workspace.dependencies]\ntable-registry = \"0.1\"\n",
        ),
        (
            "shop/Cargo.toml",
            "[package]\nname = \"shop\"\nedition = \"2024\"\n\n[dependencies]\nalpha = \"1\" # first\nzeta = \"1\"\n",
        ),
        ("shop/src/lib.rs", ""),
        ("tool/Cargo.toml", "[package]\nname = \"tool\"\n"),
        ("tool/src/main.rs", "fn main() {}\n"),
    ]);
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
error: `init` works on one package at a time
 |
 = note: `shop` (shop/Cargo.toml), `tool` (tool/Cargo.toml)
 = help: name one with `-p`
-- exit 2

"#]]
    );
    says!(
        krate,
        ["init", "-p", "shop"],
        str![[r#"
-- stderr
     Updated shop/Cargo.toml
     Updated shop/src/lib.rs
     Created shop/src/schema/mod.rs
     Created shop/table-registry.toml
     Created shop/revoke.toml
        Next run `cargo table-registry new NAME` to add a table, or put `#[table]` on the structs you have
-- exit 0

"#]]
    );
    snapbox::assert_data_eq!(
        krate.read("shop/Cargo.toml"),
        str![[r#"
[package]
name = "shop"
edition = "2024"

[dependencies]
alpha = "1" # first
table-registry = { workspace = true }
zeta = "1"

"#]]
        .raw()
    );
    assert!(krate.has("shop/revoke.toml") && !krate.has("revoke.toml"));
}

#[test]
fn new_writes_the_columns_that_the_lints_require() {
    let krate = Crate::shop();
    krate.write("table-registry.lock", "");
    let manifest = krate.read("Cargo.toml");
    krate.write(
        "Cargo.toml",
        &format!("{manifest}uuid = \"1\"\nchrono = \"0.4\"\n"),
    );
    says!(
        krate,
        [
            "new",
            "stock_movements",
            "--column",
            "quantity:i64",
            "-c",
            "note: Option<String>"
        ],
        str![[r#"
-- stderr
     Created src/schema/stock_movements.rs
     Updated src/schema/mod.rs
        Next run `cargo check`, and write the migration that creates the table
        Next run `cargo table-registry sync`, and commit the lock file with the change
-- exit 0

"#]]
    );
    snapbox::assert_data_eq!(
        krate.read("src/schema/stock_movements.rs"),
        str![[r#"
//! The table `stock_movements`.

use table_registry::table;

/// A row of `stock_movements`.
#[table]
pub struct StockMovements {
    pub id: i64,
    pub quantity: i64,
    pub note: Option<String>,
    pub created_at: i64,
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

"#]]
        .raw()
    );
    snapbox::assert_data_eq!(
        krate.read("src/schema/mod.rs"),
        str![[r#"
pub mod audit_logs;
pub mod stock_movements;
pub mod users;

"#]]
        .raw()
    );
}

#[test]
fn new_keeps_the_revoke_list_sorted_and_its_comments() {
    let krate = Crate::shop();
    krate.run(&["new", "stock_movements", "--revoke"]);
    krate.run(&["new", "approvals", "--kind", "evidence", "--revoke"]);
    snapbox::assert_data_eq!(
        krate.read("revoke.toml"),
        str![[r#"
update_delete = [
    "approvals",
    # Audit.
    "audit_logs", # forever
    "stock_movements",
]

"#]]
        .raw()
    );
}

#[test]
fn new_refuses_names_that_are_taken_or_invalid() {
    let krate = Crate::shop();
    krate.write("src/schema/notes.rs", "");
    let before = krate.files();
    says!(
        krate,
        ["new", "users"],
        str![[r#"
-- stderr
error: table `users` already exists
 |
 = note: it is declared in `src/schema/users.rs:4`
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "old"],
        str![[r#"
-- stderr
error: table `old` is exempt
 |
 = note: the reason is: kept for the archive
 = help: run `cargo table-registry exempt old --remove` first if it is to get a struct
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "Invoices"],
        str![[r#"
-- stderr
error: `Invoices` is not a `snake_case` identifier
 |
 = note: the table's name is also the name of its module
 = help: did you mean `invoices`?
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "drop table users"],
        str![[r#"
-- stderr
error: `drop table users` is not a `snake_case` identifier
 |
 = note: the table's name is also the name of its module
 = help: did you mean `drop_table_users`?
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "self"],
        str![[r#"
-- stderr
error: `self` is not a `snake_case` identifier
 |
 = note: the table's name is also the name of its module
 = help: name the module in `snake_case`, and the table with `#[table(name = "…")]`
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", &"x".repeat(64)],
        str![[r#"
-- stderr
error: table name is 64 bytes long, but PostgreSQL keeps only 63
 |
 = help: shorten it: PostgreSQL would truncate it, and two tables could end up with the same name
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "notes"],
        str![[r#"
-- stderr
error: `src/schema/notes.rs` already exists
 |
 = help: put `#[table]` on the struct in it
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "roles", "--kind", "system", "--revoke"],
        str![[r#"
-- stderr
error: revoke list names system table `roles`
 --> revoke.toml:4:5
  |
4 |     "roles",
  |     ^^^^^^^ named here
  |
 ::: src/schema/roles.rs:7:12
  |
7 | pub struct Roles {
  |            ----- declared `system` here
  |
  = note: system tables usually hold users and roles, whose rows have to change
  = help: remove it from the revoke list, or give the table another kind
  = help: if its rows never change, say why in the revoke list: `[system]` with `roles = "…"`
  = help: if the application only reads it, move it to `insert_update_delete`
  = note: diagnostic code `system-revoke`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "roles", "--kind", "sytem"],
        str![[r#"
-- stderr
error: invalid value 'sytem' for '--kind <KIND>'
  [possible values: truth, control, projection, evidence, link, system]

  tip: a similar value exists: 'system'

For more information, try '--help'.
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "roles", "--column", "Total:f32"],
        str![[r#"
-- stderr
error: invalid value 'Total:f32' for '--column <NAME:TYPE>': `Total` is not a `snake_case` identifier

For more information, try '--help'.
-- exit 2

"#]]
    );
    says!(
        krate,
        ["new", "roles", "--directory", "shema"],
        str![[r#"
-- stderr
error: `table_registry!` does not name the directory `shema`
 |
 = note: it names `schema/`
-- exit 2

"#]]
    );
    assert_eq!(krate.files(), before);
    assert_eq!(
        krate.read("src/schema/mod.rs"),
        "pub mod audit_logs;\npub mod users;\n"
    );
}

/// Two table names can give the same typed key.
#[test]
fn new_refuses_what_the_compiler_would_reject() {
    let krate = Crate::shop();
    krate.write(
        "src/schema/users.rs",
        "use table_registry::table;\n#[table(name = \"order-items\")]\npub struct A;\n#[table]\npub struct Users;\n",
    );
    says!(
        krate,
        ["new", "order_items"],
        str![[r#"
-- stderr
error: tables `order-items` and `order_items` have the same typed key `tables::order_items`
 --> src/schema/order_items.rs:7:12
  |
7 | pub struct OrderItems {
  |            ^^^^^^^^^^ declares `order_items`
  |
 ::: src/schema/users.rs:3:12
  |
3 | pub struct A;
  |            - declares `order-items`
  |
  = note: in a key, `_` replaces every character that a Rust identifier cannot contain
  = help: rename one of the tables
  = note: diagnostic code `key-collision`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    assert!(!krate.has("src/schema/order_items.rs"));
}

#[test]
fn new_finds_the_module_file() {
    for (files, updated) in [
        (
            &[
                (
                    "src/lib.rs",
                    "mod schema;\ntable_registry::table_registry!(\"schema\");\n",
                ),
                ("src/schema.rs", "mod users;\n"),
            ][..],
            "src/schema.rs",
        ),
        (
            &[(
                "src/lib.rs",
                "mod users;\ntable_registry::table_registry!(\"./\");\n",
            )][..],
            "src/lib.rs",
        ),
    ] {
        let krate = Crate::with(files);
        krate.manifest("shop");
        let directory = if updated == "src/lib.rs" {
            "src"
        } else {
            "src/schema"
        };
        krate.write(
            &format!("{directory}/users.rs"),
            "#[table_registry::table]\npub struct Users;\n",
        );
        krate.write("table-registry.toml", "");
        krate.write("revoke.toml", "");
        let report = krate.run(&["new", "orders"]);
        assert_eq!(report.code, 0, "{}", report.stderr);
        assert!(
            krate.read(updated).starts_with("mod orders;\nmod users;\n"),
            "{}",
            krate.read(updated)
        );
    }
}

#[test]
fn new_reports_a_missing_mod_line_for_the_directory() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\", \"more/\");\n",
    );
    fs::create_dir(krate.path().join("src/more")).unwrap();
    krate.write(
        "src/more/roles.rs",
        "#[table_registry::table]\npub struct Roles;\n",
    );
    says!(
        krate,
        ["new", "orders", "--directory", "more"],
        str![[r#"
-- stderr
     Created src/more/orders.rs
     Created src/more/mod.rs
        Next add `mod more;` to `src/lib.rs`
        Next fill in the columns, and run `cargo check`
-- exit 0

"#]]
    );
    assert_eq!(krate.read("src/more/mod.rs"), "pub mod orders;\n");
}

/// The crate root after `init`, or the first line of the error.
fn after_init(root: &str, manifest: &str) -> String {
    let krate = Crate::with(&[("src/main.rs", root)]);
    krate.write("Cargo.toml", &format!("[package]\nname = \"shop\"\n{manifest}"));
    let report = krate.run(&["init"]);
    if report.code == 0 {
        krate.read("src/main.rs")
    } else {
        assert_eq!(krate.read("src/main.rs"), root);
        report.stderr.lines().next().unwrap().to_string()
    }
}

#[test]
fn init_with_unusual_crate_roots() {
    const EDITION: &str = "edition = \"2024\"\n";
    let call = "mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n";
    for (before, after) in [
        (
            "#!/usr/bin/env x\nfn main() {}\n",
            format!("#!/usr/bin/env x\n\n{call}\nfn main() {{}}\n"),
        ),
        (
            "/// Doc of main.\nfn main() {}\n",
            format!("{call}\n/// Doc of main.\nfn main() {{}}\n"),
        ),
        (
            "fn main() {}\r\n",
            format!("{call}\nfn main() {{}}\n").replace('\n', "\r\n"),
        ),
        (
            "mod tables;\nfn main() {}\n",
            "error: `src/main.rs` has a module `tables`".to_string(),
        ),
    ] {
        assert_eq!(after_init(before, EDITION), after);
    }
    assert_eq!(
        after_init("fn main() {}\n", ""),
        "error: package `shop` uses edition 2015"
    );
    let renamed =
        format!("{EDITION}[dependencies]\ntr = {{ package = \"table-registry\", version = \"0.1\" }}\n");
    assert_eq!(
        after_init("fn main() {}\n", &renamed),
        "mod schema;\n\ntr::table_registry!(\"schema/\", crate = ::tr);\n\nfn main() {}\n"
    );
    let optional =
        format!("{EDITION}[dependencies]\ntable-registry = {{ version = \"0.1\", optional = true }}\n");
    assert_eq!(
        after_init("fn main() {}\n", &optional),
        "mod schema;\n\n#[cfg(feature = \"table-registry\")]\ntable_registry::table_registry!(\"schema/\");\n\nfn main() {}\n"
    );
    let with_feature = format!(
        "{EDITION}[dependencies]\ntr = {{ package = \"table-registry\", version = \"0.1\", optional = true }}\n\
         [features]\nregistry = [\"dep:tr\"]\n"
    );
    assert_eq!(
        after_init("fn main() {}\n", &with_feature),
        "mod schema;\n\n#[cfg(feature = \"registry\")]\ntr::table_registry!(\"schema/\", crate = ::tr);\n\nfn main() {}\n"
    );
    let on_one_platform =
        format!("{EDITION}[target.'cfg(unix)'.dependencies]\ntable-registry = {{ version = \"0.1\" }}\n");
    assert_eq!(
        after_init("fn main() {}\n", &on_one_platform),
        "error: `shop` depends on `table-registry` only in some builds"
    );
}

#[test]
fn new_refuses_tables_that_would_not_compile() {
    let krate = Crate::shop();
    let before = krate.files();
    for name in ["__", "_1", "self_", "mod", "ünits", ""] {
        let report = krate.run(&["new", name]);
        assert_eq!(
            (report.code, krate.files()),
            (2, before.clone()),
            "{name}: {}",
            report.stderr
        );
    }
    says!(
        krate,
        ["new", "orders", "-c", "id:i32", "-c", "id:i64"],
        str![[r#"
-- stderr
error: column `id` is given twice
-- exit 2

"#]]
    );
    krate.write(
        "src/lib.rs",
        "mod schema { pub mod users; }\ntable_registry::table_registry!(\"schema/\");\n",
    );
    fs::remove_file(krate.path().join("src/schema/mod.rs")).unwrap();
    says!(
        krate,
        ["new", "orders"],
        str![[r#"
-- stderr
error: the module `schema` of `src/lib.rs` is not in `src/schema`
 |
 = note: a file that is created in this folder would not be compiled
 = help: move the module to `src/schema/mod.rs`
-- exit 2

"#]]
    );
    assert!(!krate.has("src/schema/mod.rs"));
}

#[test]
fn new_in_a_crate_without_std() {
    let krate = Crate::shop();
    let root = krate.read("src/lib.rs");
    krate.write("src/lib.rs", &format!("#![no_std]\n{root}"));
    assert_eq!(krate.run(&["new", "orders"]).code, 0);
    assert!(!krate.read("src/schema/orders.rs").contains("std::"));
}

#[test]
fn new_takes_the_required_columns_from_the_policy_file() {
    let krate = Crate::shop();
    krate.write(
        "table-registry.toml",
        "[lints]\nmissing-required-column = { columns = [\"id\", \"org_id\", \"updated_at\"] }\n",
    );
    krate.run(&["new", "orders"]);
    assert_eq!(krate.read("src/schema/orders.rs").matches("pub ").count(), 4);
    krate.write(
        "table-registry.toml",
        "[lints]\nmissing-tenant-column = \"allow\"\n",
    );
    krate.run(&["new", "refunds"]);
    assert!(!krate.read("src/schema/refunds.rs").contains("org_id"));
}

#[test]
fn new_needs_a_readable_registry() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"shema/\");\n",
    );
    says!(
        krate,
        ["new", "users"],
        str![[r#"
-- stderr
error: directory `src/shema` does not exist
 --> src/lib.rs:2:33
  |
2 | table_registry::table_registry!("shema/");
  |                                 ^^^^^^^^
  |
  = note: the path is relative to this file, as in `include_str!`
  = help: did you mean `schema`?
  = note: diagnostic code `directory-not-found`

error: nothing was changed: the registry cannot be read
-- exit 2

"#]]
    );
    assert!(!krate.has("src/shema"));
}

#[test]
fn new_changes_all_files_or_none() {
    let krate = Crate::shop();
    let mut permissions = fs::metadata(krate.path().join("revoke.toml"))
        .unwrap()
        .permissions();
    permissions.set_readonly(true);
    fs::set_permissions(krate.path().join("revoke.toml"), permissions).unwrap();
    let before = krate.files();
    says!(
        krate,
        ["new", "orders", "--revoke"],
        str![[r#"
-- stderr
error: `revoke.toml` is read-only
 |
 = help: make it writable, or edit it by hand
-- exit 2

"#]]
    );
    assert_eq!(krate.files(), before);
    assert_eq!(
        krate.read("src/schema/mod.rs"),
        "pub mod audit_logs;\npub mod users;\n"
    );
}

#[test]
fn new_in_a_nested_directory() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "mod db;\ntable_registry::table_registry!(\"db/schema/\");\n",
    );
    krate.write("src/db/mod.rs", "pub mod schema;\n");
    krate.write(
        "src/db/schema/users.rs",
        "#[table_registry::table]\npub struct Users;\n",
    );
    krate.write("revoke.toml", "");
    let report = krate.run(&["new", "orders"]);
    assert!(
        report.code == 0 && !report.stderr.contains("add `mod"),
        "{}",
        report.stderr
    );
    krate.write("src/db/mod.rs", "");
    fs::remove_file(krate.path().join("src/db/schema/mod.rs")).unwrap();
    let report = krate.run(&["new", "refunds"]);
    assert!(
        report.stderr.contains("add `mod schema;` to `src/db/mod.rs`"),
        "{}",
        report.stderr
    );
}
