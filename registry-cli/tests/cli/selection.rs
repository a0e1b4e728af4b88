//! Which package a command works on, and what it reports if there is none.

use snapbox::str;

use crate::harness::{Crate, Report, program};
use crate::says;

/// A workspace with two members that have a registry, and one that has none.
fn workspace() -> Crate {
    let schema = |table: &str| format!("#[table_registry::table]\npub struct {table} {{\n    id: i64,\n}}\n");
    let krate = Crate::workspace(&[("shop", schema("Orders")), ("bank", schema("Accounts"))]);
    krate.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"shop\", \"bank\", \"tool\"]\nresolver = \"3\"\n",
    );
    krate.write(
        "tool/Cargo.toml",
        "[package]\nname = \"tool\"\nedition = \"2024\"\n",
    );
    krate.write("tool/src/main.rs", "fn main() {}\n");
    krate
}

#[test]
fn all_registries_of_a_workspace_or_the_named_ones() {
    let krate = workspace();
    says!(
        krate,
        ["list"],
        str![[r#"
-- stdout
PACKAGE  TABLE     KIND   TENANT   ACCESS      STRUCT    PLACE
bank     accounts  truth  unknown  read-write  Accounts  bank/src/schema/mod.rs:1
shop     orders    truth  unknown  read-write  Orders    shop/src/schema/mod.rs:1
-- exit 0

"#]]
    );
    says!(
        krate,
        ["list", "-p", "shop"],
        str![[r#"
-- stdout
TABLE   KIND   TENANT   ACCESS      STRUCT  PLACE
orders  truth  unknown  read-write  Orders  shop/src/schema/mod.rs:1
-- exit 0

"#]]
    );
    says!(
        krate,
        ["list", "--manifest-path", "bank/Cargo.toml"],
        str![[r#"
-- stdout
TABLE     KIND   TENANT   ACCESS      STRUCT    PLACE
accounts  truth  unknown  read-write  Accounts  bank/src/schema/mod.rs:1
-- exit 0

"#]]
    );
    let twice = krate.run(&["list", "-p", "shop", "-p", "shop"]);
    assert_eq!(twice.stdout, krate.run(&["list", "-p", "shop"]).stdout);
    let inside = krate.run_in("shop/src", &["list"]);
    assert_eq!(inside.stdout, krate.run(&["list", "-p", "shop"]).stdout);
    let whole = krate.run_in("shop/src", &["list", "--workspace"]);
    assert_eq!(whole.stdout, krate.run(&["list"]).stdout);
}

#[test]
fn subdirectories_belong_to_the_root_package() {
    let krate = workspace();
    let root = "[package]\nname = \"root\"\nedition = \"2024\"\n\n[workspace]\nmembers = [\"shop\"]\n";
    krate.write("Cargo.toml", root);
    krate.write(
        "src/lib.rs",
        "mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write(
        "src/schema/mod.rs",
        "#[table_registry::table]\npub struct Parts;\n",
    );
    krate.write("table-registry.toml", "");
    krate.write("revoke.toml", "");
    assert_eq!(krate.run_in("src", &["revoke", "parts"]).code, 0);
    let names = |report: &Report| report.stdout.matches("truth").count();
    assert_eq!(names(&krate.run_in("src", &["list"])), 1);
    assert_eq!(names(&krate.run(&["list"])), 2);
}

#[cfg(unix)]
#[test]
fn a_manifest_reached_through_a_link() {
    let (krate, elsewhere) = (workspace(), Crate::empty());
    std::os::unix::fs::symlink(krate.path(), elsewhere.path().join("link")).unwrap();
    let named = elsewhere.run(&["list", "--manifest-path", "link/shop/Cargo.toml"]);
    assert_eq!(
        named.stdout,
        krate.run(&["list", "-p", "shop"]).stdout,
        "{}",
        named.stderr
    );
}

#[test]
fn an_edit_needs_one_package() {
    let krate = workspace();
    says!(
        krate,
        ["revoke", "orders"],
        str![[r#"
-- stderr
error: several packages have a registry
 |
 = note: `bank` (bank/Cargo.toml), `shop` (shop/Cargo.toml)
 = help: name one with `-p`
-- exit 2

"#]]
    );
    says!(
        krate,
        ["revoke", "orders", "-p", "shop"],
        str![[r#"
-- stderr
     Updated shop/revoke.toml
         Now `orders` is `truth`, with row-level security, append-only
-- exit 0

"#]]
    );
    assert_eq!(
        krate.read("shop/revoke.toml"),
        "update_delete = [\n    \"orders\",\n]\n"
    );
    assert_eq!(krate.run_in("bank", &["revoke", "accounts"]).code, 0);
}

#[test]
fn sync_writes_one_lock_file_per_package() {
    let krate = workspace();
    says!(
        krate,
        ["sync"],
        str![[r#"
-- stderr
     Created bank/table-registry.lock
     Created shop/table-registry.lock
-- exit 0

"#]]
    );
    krate.run(&["override", "accounts", "link", "-p", "bank"]);
    says!(
        krate,
        ["sync", "--check"],
        str![[r#"
-- stdout
--- bank/table-registry.lock
+++ bank/table-registry.lock
@@ -5 +5 @@
-accounts = { kind = "truth", tenant = "unknown", access = "read-write", file = "src/schema/mod.rs" }
+accounts = { kind = "link", tenant = "unknown", access = "read-write", file = "src/schema/mod.rs" }
-- stderr
error: `bank/table-registry.lock` is out of date
 --> bank/table-registry.lock:5:1
  |
5 | accounts = { kind = "truth", tenant = "unknown", access = "read-write", file = "src/schema/mod.rs" }
  | ^^^^^^^^ this line is the first that differs
  |
  = help: run `cargo table-registry sync`, review the difference, and commit it
  = note: diagnostic code `stale-lock`

error: 1 error found
-- exit 1

"#]]
    );
}

#[test]
fn packages_that_do_not_exist_or_have_no_registry() {
    let krate = workspace();
    says!(
        krate,
        ["list", "-p", "shp"],
        str![[r#"
-- stderr
error: the workspace has no package `shp`
 |
 = help: did you mean `shop`?
-- exit 2

"#]]
    );
    says!(
        krate,
        ["list", "-p", "tool"],
        str![[r#"
-- stderr
error: package `tool` does not call `table_registry!`
 |
 = note: looked in `tool/src/main.rs`
 = note: only the library and the binaries are searched: not tests, examples, benches or build scripts
 = help: run `cargo table-registry init -p tool` to add the call
-- exit 2

"#]]
    );
    let inside = krate.run_in("tool", &["lint"]);
    assert_eq!(inside.code, 2);
    krate.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"tool\"]\nresolver = \"3\"\n",
    );
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
error: package `tool` does not call `table_registry!`
 |
 = note: looked in `tool/src/main.rs`
 = note: only the library and the binaries are searched: not tests, examples, benches or build scripts
 = help: run `cargo table-registry init` to add the call
-- exit 2

"#]]
    );
}

const PROGRAM: &str = "table_registry::table_registry!(\"schema/\");\nfn main() {}\n";

/// As in the compiler, the library and the program share one registry.
#[test]
fn a_registry_of_two_crates_counts_once() {
    let krate = Crate::shop();
    krate.write("src/main.rs", PROGRAM);
    says!(
        krate,
        ["list"],
        str![[r#"
-- stdout
TABLE       KIND      TENANT   ACCESS       STRUCT     PLACE
audit_logs  evidence  unknown  append-only  AuditLogs  src/schema/audit_logs.rs:3
users       system    -        read-write   Users      src/schema/users.rs:3
-- stderr
      Exempt 1 table, listed by `--format json`
-- exit 0

"#]]
    );
    krate.run(&["sync"]);
    assert!(krate.has("table-registry.lock") && !krate.has("table-registry-main.lock"));
}

/// The compiler rejects this, too: the macro would define its constants twice.
#[test]
fn two_calls_in_one_crate() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        &format!("{PROGRAM}table_registry::table_registry!(\"more/\");\n"),
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: a crate of package `shop` calls `table_registry!` more than once
 |
 = note: `src/lib.rs:1`, `src/lib.rs:3`
 = help: keep one call; it can name several directories
-- exit 2

"#]]
    );
}

#[test]
fn two_registries_in_one_package() {
    let krate = Crate::shop();
    krate.write("src/bin/admin/main.rs", &format!("mod schema;\n{PROGRAM}"));
    krate.write(
        "src/bin/admin/schema/mod.rs",
        "#[table_registry::table]\npub struct Admins;\n",
    );
    krate.write("src/bin/admin/table-registry.toml", "");
    krate.write("src/bin/admin/revoke.toml", "");
    says!(
        krate,
        ["list"],
        str![[r#"
-- stdout
PACKAGE  TABLE       KIND      TENANT   ACCESS       STRUCT     PLACE
shop     audit_logs  evidence  unknown  append-only  AuditLogs  src/schema/audit_logs.rs:3
shop     users       system    -        read-write   Users      src/schema/users.rs:3
shop     admins      truth     unknown  read-write   Admins     src/bin/admin/schema/mod.rs:1
-- stderr
      Exempt 1 table, listed by `--format json`
-- exit 0

"#]]
    );
    says!(
        krate,
        ["sync"],
        str![[r#"
-- stderr
     Created table-registry.lock
     Created table-registry-admin.lock
-- exit 0

"#]]
    );
    krate.write(
        "table-registry-old.lock",
        &krate.read("table-registry-admin.lock"),
    );
    krate.write("table-registry-mine.lock", "# not generated\n");
    says!(
        krate,
        ["sync", "--check"],
        str![[r#"
-- stderr
       Fresh table-registry.lock
       Fresh table-registry-admin.lock
warning: lock file `table-registry-old.lock` belongs to no registry
 |
 = note: the crate that it is named after does not call `table_registry!`, or shares the registry of another crate
 = help: remove the file
 = note: diagnostic code `stale-lock`

warning: 1 warning found
-- exit 0

"#]]
    );
    std::fs::remove_file(krate.path().join("table-registry-old.lock")).unwrap();
    says!(
        krate,
        ["new", "zones"],
        str![[r#"
-- stderr
error: package `shop` has several registries
 |
 = note: the calls of its crates lead to different directories or policy files
 = help: keep the call in the library, and use its arrays in the binaries
-- exit 2

"#]]
    );
}

/// The file is `main.rs` in both directories, so that only cargo knows the names.
#[test]
fn lock_files_are_named_after_targets() {
    let krate = Crate::shop();
    let program = |name| format!("[[bin]]\nname = \"{name}\"\npath = \"{name}/src/main.rs\"\n");
    let manifest = krate.read("Cargo.toml") + &program("one") + &program("two");
    krate.write("Cargo.toml", &manifest);
    for name in ["one", "two"] {
        krate.write(&format!("{name}/src/main.rs"), &format!("mod schema;\n{PROGRAM}"));
        let table = format!("#[table_registry::table(name = \"of_{name}\")]\npub struct Row;\n");
        krate.write(&format!("{name}/src/schema/mod.rs"), &table);
        krate.write(&format!("{name}/table-registry.toml"), "");
        krate.write(&format!("{name}/revoke.toml"), "");
    }
    let report = krate.run(&["sync"]);
    assert_eq!(report.code, 0, "{}", report.all());
    for name in ["one", "two"] {
        let lock = krate.read(&format!("table-registry-{name}.lock"));
        assert!(lock.contains(&format!("of_{name}")), "{lock}");
    }
}

#[test]
fn no_package_at_all() {
    let krate = Crate::empty();
    let report = krate.run(&["list"]);
    assert_eq!((report.code, report.stdout.as_str()), (2, ""));
    assert!(
        report.stderr.starts_with("error: the workspace cannot be read\n"),
        "{}",
        report.stderr
    );
    assert!(
        report.stderr.contains("could not find `Cargo.toml`"),
        "{}",
        report.stderr
    );
    assert!(report.stderr.contains("--manifest-path"), "{}", report.stderr);
}

#[cfg(unix)]
#[test]
fn a_deleted_current_directory() {
    let krate = Crate::shop();
    let gone = krate.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        "rmdir ../gone && exec \"$0\" list",
        env!("CARGO_BIN_EXE_cargo-table-registry"),
    ]);
    let report = Report::new(shell.current_dir(&gone).output().unwrap());
    assert_eq!(report.code, 2, "{}", report.stderr);
    assert!(report.stderr.starts_with("error"), "{}", report.stderr);
}

#[test]
fn wrong_use_has_exit_code_2() {
    for arguments in [
        &["lst"][..],
        &[],
        &["list", "--kind", "x"],
        &["sync", "--format", "github"],
        &["explain", "x"],
    ] {
        let report = Report::new(program().args(arguments).output().unwrap());
        assert_eq!(report.code, 2, "{arguments:?}");
        assert_eq!(report.stdout, "", "{arguments:?}");
    }
    let krate = Crate::empty();
    says!(
        krate,
        ["explain", "unknown-overide"],
        str![[r#"
-- stderr
error: unknown code `unknown-overide`
 |
 = help: did you mean `unknown-override`?
 = help: run `cargo table-registry explain` for the list of all codes
-- exit 2

"#]]
    );
}

/// They are shown in the crate root, where the compiler shows them.
#[test]
fn faults_of_the_call() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "mod schema;\ntable_registry::table_registry!(\n    \"shema/\",\n    overides = \"x\"\n);\n",
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: unknown option `overides` of `table_registry!`
 --> src/lib.rs:4:5
  |
4 |     overides = "x"
  |     ^^^^^^^^
  |
  = note: the options are `overrides`, `revoke`, `crate`
  = help: did you mean `overrides`?
  = note: diagnostic code `invalid-argument`

error: directory `src/shema` does not exist
 --> src/lib.rs:3:5
  |
3 |     "shema/",
  |     ^^^^^^^^
  |
  = note: the path is relative to this file, as in `include_str!`
  = help: did you mean `schema`?
  = note: diagnostic code `directory-not-found`

error: 2 errors found
-- exit 2

"#]]
    );
}

/// They are shown at their tokens, as the compiler shows them.
#[test]
fn faults_of_attributes() {
    let krate = Crate::shop();
    krate.write(
        "src/schema/users.rs",
        "\u{feff}use table_registry::table;\n\n#[table(kind = sytem)]\npub struct Users;\n\n#[cfg_attr(all(), table(nam = \"é\"))]\npub struct Other;\n\n#[table]\npub enum Roles {}\n\n#[table]\npub struct ThisNameOfAStructIsLongerThanPostgresqlKeepsOfAnIdentifierByFar;\n",
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: unknown table kind `sytem`
 --> src/schema/users.rs:3:16
  |
3 | #[table(kind = sytem)]
  |                ^^^^^
  |
  = note: the kinds are `truth`, `control`, `projection`, `evidence`, `link`, `system`
  = help: did you mean `system`?
  = note: diagnostic code `unknown-kind`

error: unknown key `nam` in `#[table]`
 --> src/schema/users.rs:6:25
  |
6 | #[cfg_attr(all(), table(nam = "é"))]
  |                         ^^^
  |
  = note: `#[table]` takes `kind`, `name`, `schema`, `tenant`, `shared_rows`, `allow`
  = help: did you mean `name`?
  = note: diagnostic code `unknown-key`

error: `#[table]` goes on a struct, found `enum`
  --> src/schema/users.rs:10:5
   |
10 | pub enum Roles {}
   |     ^^^^
   |
   = note: a table is declared by the struct that holds one of its rows
   = help: move `#[table]` to that struct
   = note: diagnostic code `not-a-struct`

error: table name is 77 bytes long, but PostgreSQL keeps only 63
  --> src/schema/users.rs:13:12
   |
13 | pub struct ThisNameOfAStructIsLongerThanPostgresqlKeepsOfAnIdentifierByFar;
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: shorten it: PostgreSQL would truncate it, and two tables could end up with the same name
   = note: diagnostic code `name-too-long`

error: 4 errors found
-- exit 1

"#]]
    );
}

#[test]
fn calls_under_cfg() {
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "mod schema;\n#[cfg(feature = \"a\")]\ntable_registry::table_registry!(\"schema/\");\n\
         #[cfg(not(feature = \"a\"))]\ntable_registry::table_registry!(\"more/\");\n",
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: a crate of package `shop` calls `table_registry!` more than once
 |
 = note: `src/lib.rs:3`, `src/lib.rs:5`
 = note: only the compiler knows which `cfg` holds; the registry has to be the same in every build
 = help: keep one call; it can name several directories
-- exit 2

"#]]
    );
    krate.write(
        "src/lib.rs",
        "mod schema;\n#[cfg(unix)]\ntable_registry::table_registry!(\"schema/\");\n\
         #[cfg(not(unix))]\ntable_registry::table_registry! { \"schema/\" }\n",
    );
    assert_eq!(krate.run(&["list"]).code, 0);
}

#[test]
fn a_call_in_a_module() {
    for (root, module) in [
        (
            "mod schema;\nmod r {\n    table_registry::table_registry!(\"schema/\");\n}\n",
            "",
        ),
        (
            "mod schema;\nmod r;\n",
            "table_registry::table_registry!(\"schema/\");\n",
        ),
        (
            "mod schema;\nmod r { include!(\"r.rs\"); }\n",
            "table_registry::table_registry!(\"schema/\");\n",
        ),
        (
            "mod schema;\nmacro_rules! w { ($d:literal) => { table_registry::table_registry!($d); } }\nmod r { w!(\"schema/\"); }\n",
            "",
        ),
    ] {
        let krate = Crate::shop();
        krate.write("src/lib.rs", root);
        krate.write("src/r.rs", module);
        let report = krate.run(&["list"]);
        let expected = "error: `table_registry!` is not in the crate root\n";
        assert!(report.stderr.starts_with(expected), "{root}\n{}", report.all());
    }
    let krate = Crate::shop();
    krate.write(
        "src/lib.rs",
        "mod schema;\ntable_registry::table_registry!(\"schema/\");\nmod r {\n    table_registry::table_registry!(\"schema/\");\n}\n",
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: `table_registry!` is not in the crate root
 --> src/lib.rs:4:37
  |
4 |     table_registry::table_registry!("schema/");
  |                                     ^^^^^^^^^
  |
  = help: move it to `src/lib.rs` or `src/main.rs`
  = note: diagnostic code `not-in-crate-root`

error: 1 error found
-- exit 1

"#]]
    );
}

/// A macro that cannot be followed may hold the call, so `init` must not add a second one.
#[test]
fn a_macro_that_may_hold_the_call() {
    let krate = Crate::shop();
    let root = "mod schema;\nthread_local! { static A: u8 = 1; }\n\
                macro_rules! make { ($name:ident) => { macro_rules! $name { () => { table_registry::table_registry!(\"schema/\"); } } } }\n\
                make!(made);\nmade!();\n";
    krate.write("src/lib.rs", root);
    krate.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nedition = \"2024\"\n\n[dependencies]\ntable-registry = { path = \"registry\" }\n",
    );
    krate.write(
        "registry/Cargo.toml",
        "[package]\nname = \"table-registry\"\nedition = \"2024\"\n",
    );
    krate.write("registry/src/lib.rs", "");
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: cannot tell whether package `shop` calls `table_registry!`
 |
 = note: `made!` in `src/lib.rs:5` may call it: no definition of `made!` was found
 = note: looked in `src/lib.rs`
 = note: only the library and the binaries are searched: not tests, examples, benches or build scripts
 = help: if that macro calls it, call `table_registry!` without the macro; if not, add the call by hand: `init` does not add a second call
-- exit 2

"#]]
    );
    says!(
        krate,
        ["init"],
        str![[r#"
-- stderr
error: cannot tell whether package `shop` calls `table_registry!`
 |
 = note: `made!` in `src/lib.rs:5` may call it: no definition of `made!` was found
 = note: looked in `src/lib.rs`
 = note: only the library and the binaries are searched: not tests, examples, benches or build scripts
 = help: if that macro calls it, call `table_registry!` without the macro; if not, add the call by hand: `init` does not add a second call
-- exit 2

"#]]
    );
    assert_eq!(krate.read("src/lib.rs"), root);
    // What a macro expands to is known here, and it is not a call.
    krate.write("src/lib.rs", "macro_rules! ids { ($($n:ident),*) => { $(one!($n);)* } }\nmacro_rules! one { ($n:ident) => { struct $n; } }\nids!(A, B);\n");
    assert_eq!(krate.run(&["init"]).code, 0);
}

/// The library's macro in a binary of the same package, and macros that pass on what they are given.
#[test]
fn calls_through_macros_of_the_same_package() {
    let wrapper = "pub mod schema;\n#[macro_export]\nmacro_rules! registry { ($d:literal) => { table_registry::table_registry!($d); } }\n";
    let given = "pub mod schema;\nmacro_rules! on { ($($t:tt)*) => { #[cfg(unix)] $($t)* } }\n\
                 on! { table_registry::table_registry!(\"schema/\"); }\n";
    let unknown = "pub mod schema;\ncfg_if::cfg_if! { if #[cfg(unix)] { table_registry::table_registry!(\"schema/\"); } else {} }\n";
    for (library, program) in [
        (
            wrapper,
            "mod schema;\nshop::registry!(\"schema/\");\nfn main() {}\n",
        ),
        (given, "fn main() {}\n"),
        (unknown, "fn main() {}\n"),
    ] {
        let krate = Crate::shop();
        krate.write("src/lib.rs", library);
        krate.write("src/main.rs", program);
        let report = krate.run(&["list"]);
        assert!(
            report.stdout.contains("audit_logs"),
            "{library}\n{}",
            report.all()
        );
    }
}
