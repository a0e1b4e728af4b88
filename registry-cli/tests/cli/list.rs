//! `list`.

use std::fs;

use snapbox::{IntoData as _, str};

use crate::harness::{Crate, copy, repository};
use crate::says;

#[test]
fn every_format() {
    let krate = Crate::shop();
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
    says!(
        krate,
        ["list", "--kind", "evidence", "--format", "markdown"],
        str![[r#"
-- stdout
| table | kind | tenant | access | struct | place |
|---|---|---|---|---|---|
| audit_logs | evidence | unknown | append-only | AuditLogs | src/schema/audit_logs.rs:3 |
-- stderr
      Exempt 1 table, listed by `--format json`
-- exit 0

"#]]
    );
    says!(
        krate,
        ["list", "--format", "json"],
        str![[r#"
-- stdout
{
  "version": 1,
  "tables": [
    {
      "package": "shop",
      "name": "audit_logs",
      "kind": "evidence",
      "declared_kind": "evidence",
      "rls": true,
      "tenant": "unknown",
      "access": "append-only",
      "struct": "AuditLogs",
      "file": "src/schema/audit_logs.rs",
      "line": 3
    },
    {
      "package": "shop",
      "name": "users",
      "kind": "system",
      "declared_kind": "system",
      "rls": false,
      "tenant": null,
      "access": "read-write",
      "struct": "Users",
      "file": "src/schema/users.rs",
      "line": 3
    }
  ],
  "exempt": [
    {
      "package": "shop",
      "name": "old",
      "reason": "kept for the archive"
    }
  ]
}
-- exit 0

"#]]
    );
    assert_eq!(
        krate
            .run(&["list", "--kind", "system", "--kind", "evidence"])
            .stdout,
        krate.run(&["list"]).stdout
    );
}

/// Table, file and line of the attribute, for every hazard of real model code.
const HAZARDS: &[(&str, &str, u64)] = &[
    ("above", "attributes.rs", 14),
    ("after_mark", "bom.rs", 1),
    ("after_strings", "strings.rs", 23),
    ("among_others", "attributes.rs", 25),
    ("audit.events", "attributes.rs", 30),
    ("borrowed", "shapes.rs", 14),
    ("cakes", "orms.rs", 20),
    ("deprecated", "shapes.rs", 49),
    ("diesel_users", "orms.rs", 39),
    ("final", "shapes.rs", 30),
    ("gen", "shapes.rs", 33),
    ("größe", "shapes.rs", 45),
    ("in_cfg_attr", "attributes.rs", 19),
    ("in_cfg_attr_that_is_off", "attributes.rs", 22),
    ("in_function", "places.rs", 11),
    ("in_macro_call", "places.rs", 23),
    ("in_pieces", "places.rs", 39),
    ("inline", "places.rs", 5),
    ("leaf", "nested/leaf.rs", 1),
    ("left_out", "left_out.rs", 4),
    ("left_out_deep", "left_out/deep.rs", 1),
    ("order items; drop table \"x\"", "shapes.rs", 42),
    ("r2_files", "shapes.rs", 9),
    ("renamed", "odd name.rs", 1),
    ("restricted", "shapes.rs", 22),
    ("shop.fruits", "orms.rs", 32),
    ("tuple", "shapes.rs", 6),
    ("twin", "twins.rs", 4),
    ("type", "shapes.rs", 27),
    ("unit", "shapes.rs", 3),
    ("wrapped", "attributes.rs", 5),
];

/// A crate with every hazard of real model code.
pub fn hazards() -> Crate {
    let krate = Crate::empty();
    krate.manifest("hazards");
    copy(&repository().join("tests/hazards"), &krate.path().join("src"));
    krate.write(
        "src/lib.rs",
        "mod schema;\ntable_registry::table_registry!(\"schema\");\n",
    );
    krate
}

/// The command line finds these structs, as the compiler does, whether or not a policy entry names them.
#[test]
fn a_file_that_was_moved_out_is_one_fault() {
    let krate = Crate::shop();
    for file in ["audit_logs.rs", "users.rs"] {
        krate.write(&format!("src/{file}"), &krate.read(&format!("src/schema/{file}")));
        fs::remove_file(krate.path().join("src/schema").join(file)).unwrap();
    }
    krate.write(
        "src/lib.rs",
        "pub mod schema;\npub mod audit_logs;\npub mod users;\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write(
        "src/schema/mod.rs",
        "#[table_registry::table]\npub struct Orders;\n",
    );
    krate.write(
        "table-registry.toml",
        "[overrides]\naudit_logs = \"truth\"\n[lints.allow.missing-revoke]\naudit_logs = \"x\"\n",
    );
    says!(
        krate,
        ["list"],
        str![[r#"
-- stderr
error: struct `AuditLogs` lies outside the directories of `table_registry!`
 --> src/audit_logs.rs:4:12
  |
4 | pub struct AuditLogs {
  |            ^^^^^^^^^
  |
  = help: move its file below `src/schema`, or name its directory in the call
  = note: diagnostic code `outside-directories`

error: struct `Users` lies outside the directories of `table_registry!`
 --> src/users.rs:4:12
  |
4 | pub struct Users {
  |            ^^^^^
  |
  = help: move its file below `src/schema`, or name its directory in the call
  = note: diagnostic code `outside-directories`

error: 2 errors found
-- exit 1

"#]]
    );
}

#[test]
fn wrong_paths_get_a_suggestion() {
    let krate = Crate::shop();
    for (arguments, help) in [
        ("\"src/schema\"", "did you mean `schema`?"),
        ("\"schema/*.rs\"", "did you mean `schema`?"),
        ("\"src\"", "did you mean `.`?"),
        (
            "\"schema\\\\users\"",
            "create `src/schema/users`, with the schema structs in it, and write `schema/users`",
        ),
        (
            "\"src/tables/*.rs\"",
            "create `src/tables`, with the schema structs in it, and write `tables`",
        ),
        (
            "\"tables/\"",
            "create `src/tables`, with the schema structs in it",
        ),
        (
            "\"schema\", revoke = \"revoke.toml\"",
            "did you mean `../revoke.toml`?",
        ),
        (
            "\"schema\", revoke = \"src/revoke.toml\"",
            "did you mean `../revoke.toml`?",
        ),
        (
            "\"schema\", revoke = \"../revok.toml\"",
            "did you mean `../revoke.toml`?",
        ),
    ] {
        krate.write(
            "src/lib.rs",
            &format!("pub mod schema;\ntable_registry::table_registry!({arguments});\n"),
        );
        let report = krate.run(&["list"]);
        let helps: Vec<&str> = report
            .stderr
            .lines()
            .filter(|line| line.contains("= help: "))
            .collect();
        assert_eq!(helps, [format!("  = help: {help}")], "{arguments}");
    }
}

#[test]
fn every_hazard_is_listed() {
    let krate = hazards();
    let report = krate.run(&["list", "--format", "json"]);
    assert_eq!(report.code, 0, "{}", report.stderr);
    let list: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let tables = list["tables"].as_array().unwrap();
    let found: Vec<(&str, String, u64)> = tables
        .iter()
        .map(|table| {
            let file = table["file"].as_str().unwrap();
            (
                table["name"].as_str().unwrap(),
                file.trim_start_matches("src/schema/").to_string(),
                table["line"].as_u64().unwrap(),
            )
        })
        .collect();
    // The policy file declares it.
    let without_struct = ("crm.accounts", "src/table-registry.toml", 5);
    let mut expected: Vec<(&str, String, u64)> = HAZARDS
        .iter()
        .chain([&without_struct])
        .map(|(name, file, line)| (*name, (*file).to_string(), *line))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    use std::process::{Command, Stdio};

    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "\"$0\" list -p erp | head -n 1",
        env!("CARGO_BIN_EXE_cargo-table-registry"),
    ]);
    let output = shell
        .current_dir(repository())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("error") && !stderr.contains("panic"), "{stderr}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("TABLE"));
}

/// The committed lock file of the ERP example matches its sources.
#[test]
fn the_erp_example_is_in_sync() {
    let lock = fs::read_to_string(repository().join("examples/erp/table-registry.lock")).unwrap();
    let (above, exempt) = lock.split_once("\n[exempt]\n").unwrap();
    let tables: Vec<&str> = above
        .lines()
        .filter(|line| line.contains(" = { kind = "))
        .collect();
    assert_eq!(
        (tables.len(), tables.is_sorted(), exempt.lines().count()),
        (175, true, 1)
    );
    let run = |arguments: &[&str]| {
        let mut program = crate::harness::program();
        let output = program
            .args(arguments)
            .args(["-p", "erp"])
            .current_dir(repository())
            .output()
            .unwrap();
        crate::harness::Report::new(output)
    };
    let check = run(&["sync", "--check"]);
    assert_eq!(check.code, 0, "{}", check.all());
    snapbox::assert_data_eq!(
        run(&["lint"]).all(),
        str![[r#"
-- stderr
warning: evidence table `entity_versions` is not append-only
  --> examples/erp/src/schema/entity_versions.rs:10:12
   |
10 | pub struct EntityVersions {
   |            ^^^^^^^^^^^^^^
   |
   = note: the application role may update and delete its rows
   = help: run `cargo table-registry revoke entity_versions -p erp`
   = note: diagnostic code `missing-revoke`

     Checked 175 tables of `erp`
warning: 1 warning found
-- exit 0

"#]]
        .raw()
    );
}

/// The tables of a crate that has no struct for any of them.
fn in_policy_alone() -> Crate {
    let krate = Crate::shop();
    krate.write("src/schema/mod.rs", "pub struct Plain;\n");
    for file in ["users", "audit_logs"] {
        fs::remove_file(krate.path().join(format!("src/schema/{file}.rs"))).unwrap();
    }
    krate.write("revoke.toml", "");
    krate.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\ntype = \"text\"\n\n[database]\napp_roles = [\"app\"]\n\n\
         [tables.invoices]\n",
    );
    krate
}

#[test]
fn tables_of_the_policy_file_alone() {
    let krate = in_policy_alone();
    let listed = krate.run(&["list", "--format", "markdown"]);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""), "{}", listed.all());
    assert!(listed.stdout.contains("| invoices |"), "{}", listed.all());
    for command in ["sql", "lint", "sync"] {
        let report = krate.run(&[command]);
        assert_eq!(report.code, 0, "{}", report.all());
    }
    // An unknown name is still one.
    krate.write("revoke.toml", "update_delete = [\"invoicse\"]\n");
    let report = krate.run(&["list"]);
    assert!(
        report.stderr.contains("did you mean `invoices`?"),
        "{}",
        report.all()
    );
}

/// Without a table in the policy file, or beside a directory with tables, an empty directory is probably the wrong one.
#[test]
fn a_directory_without_tables() {
    let krate = in_policy_alone();
    let policy = krate.read("table-registry.toml");
    krate.write("table-registry.toml", &policy.replace("[tables.invoices]\n", ""));
    let report = krate.run(&["list"]);
    assert_eq!(report.code, 2, "{}", report.all());
    assert!(
        report.stderr.contains("src/lib.rs:3:33") && report.stderr.contains("no table found in `src/schema`"),
        "{}",
        report.all()
    );
    let krate = Crate::shop();
    krate.write("src/other/mod.rs", "");
    krate.write(
        "src/lib.rs",
        "pub mod other;\npub mod schema;\n\ntable_registry::table_registry!(\"schema/\", \"other/\");\n",
    );
    krate.write("table-registry.toml", "[tables.invoices]\n");
    let report = krate.run(&["list"]);
    assert!(
        report.stderr.contains("no table found in `src/other`"),
        "{}",
        report.all()
    );
    // Their structs are elsewhere: the compiler accepts none of them.
    let krate = in_policy_alone();
    krate.write(
        "src/lib.rs",
        "pub mod elsewhere;\npub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write(
        "src/elsewhere.rs",
        "use table_registry::table;\n\n#[table]\npub struct Payments { pub id: i64, pub org_id: String }\n",
    );
    let report = krate.run(&["list"]);
    assert_eq!(report.code, 1, "{}", report.all());
    assert!(report.stderr.contains("Payments"), "{}", report.all());
}
