//! `override`, `revoke` and `exempt`.

use snapbox::str;

use crate::harness::Crate;
use crate::says;

/// What an edit leaves alone may move.
#[test]
fn an_edit_above_everything_else() {
    let krate = Crate::shop();
    let rest = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n\n\
                [[tenancy.policies]]\ntable = \"audit_logs\"\nfor = \"select\"\nusing = \"true\"\nreason = \"open\"\n\n\
                [tables.lines]\ntenant = \"through(log_id -> audit_logs)\"\n\n\
                [database]\napp_roles = [\"app\"]\n";
    krate.write("table-registry.toml", &format!("[overrides]\n{rest}"));
    let report = krate.run(&["override", "users", "control"]);
    assert_eq!(report.code, 0, "{}", report.all());
    assert_eq!(
        krate.read("table-registry.toml"),
        format!("[overrides]\nusers = \"control\"\n{rest}")
    );
}

#[test]
fn an_override_keeps_every_comment() {
    let krate = Crate::shop();
    let before = krate.read("table-registry.toml");
    says!(
        krate,
        ["override", "users", "truth"],
        str![[r#"
-- stderr
     Updated table-registry.toml
         Now `users` is `truth`, with row-level security
-- exit 0

"#]]
    );
    let after = krate.read("table-registry.toml");
    assert_eq!(after, before.replace("# kinds\n", "# kinds\nusers = \"truth\"\n"));
    krate.write(
        "table-registry.toml",
        &after.replace("\"truth\"", "\"truth\" # for now"),
    );
    krate.run(&["override", "users", "link"]);
    let expected = before.replace("# kinds\n", "# kinds\nusers = \"link\" # for now\n");
    assert_eq!(krate.read("table-registry.toml"), expected);
    says!(
        krate,
        ["override", "users", "link"],
        str![[r#"
-- stderr
   Unchanged table-registry.toml
-- exit 0

"#]]
    );
    says!(
        krate,
        ["override", "users", "--remove"],
        str![[r#"
-- stderr
     Updated table-registry.toml
         Now `users` is `system`, without row-level security
-- exit 0

"#]]
    );
    assert_eq!(krate.read("table-registry.toml"), before);
}

#[test]
fn an_override_that_the_compiler_would_reject_is_refused() {
    let krate = Crate::shop();
    let before = krate.read("table-registry.toml");
    says!(
        krate,
        ["override", "usrs", "system"],
        str![[r#"
-- stderr
error: override refers to unknown table `usrs`
 --> table-registry.toml:4:1
  |
4 | usrs = "system"
  | ^^^^ no struct declares this table
  |
  = help: did you mean `users`?
  = note: diagnostic code `unknown-override`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["override", "old", "system"],
        str![[r#"
-- stderr
error: override of exempt table `old`
 --> table-registry.toml:4:1
  |
4 | old = "system"
  | ^^^ overridden here
...
7 | old = "kept for the archive" # since 2019
  | --- exempt here
  |
  = note: an exempt table has no struct, so it has no kind to override
  = help: remove it from `[overrides]` or from `[exempt]`
  = note: diagnostic code `exempt-override`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["override", "audit_logs", "system"],
        str![[r#"
-- stderr
error: revoke list names system table `audit_logs`
 --> revoke.toml:3:5
  |
3 |     "audit_logs", # forever
  |     ^^^^^^^^^^^^ named here
  |
 ::: table-registry.toml:4:1
  |
4 | audit_logs = "system"
  | ---------- made `system` here
  |
  = note: system tables usually hold users and roles, whose rows have to change
  = help: remove it from the revoke list, or give the table another kind
  = help: if its rows never change, say why in the revoke list: `[system]` with `audit_logs = "…"`
  = help: if the application only reads it, move it to `insert_update_delete`
  = note: diagnostic code `system-revoke`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["override", "users", "sytem"],
        str![[r#"
-- stderr
error: unknown table kind `sytem`
 |
 = note: the kinds are `truth`, `control`, `projection`, `evidence`, `link`, `system`
 = help: did you mean `system`?
-- exit 2

"#]]
    );
    says!(
        krate,
        ["override", "users", "--remove"],
        str![[r#"
-- stderr
error: `[overrides]` has no `users`
-- exit 2

"#]]
    );
    says!(
        krate,
        ["override", "users"],
        str![[r#"
-- stderr
error: no kind is given
 |
 = help: write the kind after the tables: `cargo table-registry override users system`
-- exit 2

"#]]
    );
    assert_eq!(krate.read("table-registry.toml"), before);
}

#[test]
fn a_revoke_keeps_every_comment() {
    let krate = Crate::shop();
    let before = krate.read("revoke.toml");
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users;\n#[table_registry::table]\npub struct Approvals;\n",
    );
    says!(
        krate,
        ["revoke", "users"],
        str![[r#"
-- stderr
     Updated revoke.toml
         Now `users` is `truth`, with row-level security, append-only
-- exit 0

"#]]
    );
    assert_eq!(
        krate.read("revoke.toml"),
        before.replace("forever\n", "forever\n    \"users\",\n")
    );
    says!(
        krate,
        ["revoke", "users"],
        str![[r#"
-- stderr
   Unchanged revoke.toml
-- exit 0

"#]]
    );
    krate.run(&["revoke", "users", "--remove"]);
    assert_eq!(krate.read("revoke.toml"), before);
    krate.run(&["revoke", "approvals"]);
    assert_eq!(
        krate.read("revoke.toml"),
        before.replace("[\n", "[\n    \"approvals\",\n")
    );
}

#[test]
fn a_revoke_that_the_compiler_would_reject_is_refused() {
    let krate = Crate::shop();
    let before = krate.read("revoke.toml");
    says!(
        krate,
        ["revoke", "audit_log"],
        str![[r#"
-- stderr
error: revoke list names unknown table `audit_log`
 --> revoke.toml:2:5
  |
2 |     "audit_log",
  |     ^^^^^^^^^^^ no struct declares this table
  |
  = help: did you mean `audit_logs`?
  = note: diagnostic code `unknown-revoke`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["revoke", "users"],
        str![[r#"
-- stderr
error: revoke list names system table `users`
 --> revoke.toml:4:5
  |
4 |     "users",
  |     ^^^^^^^ named here
  |
 ::: src/schema/users.rs:4:12
  |
4 | pub struct Users {
  |            ----- declared `system` here
  |
  = note: system tables usually hold users and roles, whose rows have to change
  = help: remove it from the revoke list, or give the table another kind
  = help: if its rows never change, say why in the revoke list: `[system]` with `users = "…"`
  = help: if the application only reads it, move it to `insert_update_delete`
  = note: diagnostic code `system-revoke`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["revoke", "old"],
        str![[r#"
-- stderr
error: revoke list names exempt table `old`
 --> revoke.toml:4:5
  |
4 |     "old",
  |     ^^^^^ named here
  |
 ::: table-registry.toml:6:1
  |
6 | old = "kept for the archive" # since 2019
  | --- exempt here
  |
  = note: an exempt table is not registered, so no policy is derived for it
  = help: remove it from the revoke list or from `[exempt]`
  = note: diagnostic code `exempt-revoke`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["revoke", "audit_log", "--remove"],
        str![[r#"
-- stderr
error: the revoke list has no `audit_log`
 |
 = help: did you mean `audit_logs`?
-- exit 2

"#]]
    );
    assert_eq!(krate.read("revoke.toml"), before);
}

#[test]
fn an_exemption_needs_a_reason_and_no_struct() {
    let krate = Crate::shop();
    let before = krate.read("table-registry.toml");
    says!(
        krate,
        ["exempt", "sessions", "--reason", "kept by \"the\" pooler"],
        str![[r#"
-- stderr
     Updated table-registry.toml
-- exit 0

"#]]
    );
    let expected = format!("{before}sessions = 'kept by \"the\" pooler'\n");
    assert_eq!(krate.read("table-registry.toml"), expected);
    krate.run(&["exempt", "sessions", "--remove"]);
    assert_eq!(krate.read("table-registry.toml"), before);
    says!(
        krate,
        ["exempt", "sessions"],
        str![[r#"
-- stderr
error: the following required arguments were not provided:
  --reason <REASON>

Usage: cargo table-registry exempt <TABLE>... --reason <REASON>
       cargo table-registry exempt <TABLE>... --remove

For more information, try '--help'.
-- exit 2

"#]]
    );
    says!(
        krate,
        ["exempt", "sessions", "--reason", " "],
        str![[r#"
-- stderr
error: exempt table `sessions` has no reason
 --> table-registry.toml:7:12
  |
7 | sessions = " "
  |            ^^^
  |
  = help: say why the table exists in the database without a struct here
  = note: diagnostic code `exempt-without-reason`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["exempt", "users", "--reason", "no"],
        str![[r#"
-- stderr
error: exempt table `users` is declared by a struct
 --> table-registry.toml:7:1
  |
7 | users = "no"
  | ^^^^^ exempt here
  |
 ::: src/schema/users.rs:4:12
  |
4 | pub struct Users {
  |            ----- declared here
  |
  = note: an exempt table is one that nothing declares
  = help: remove `users` from `[exempt]`, or `#[table]` from the struct
  = note: diagnostic code `exempt-table-declared`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    says!(
        krate,
        ["exempt", "a.b.c", "--reason", "no"],
        str![[r#"
-- stderr
error: table name `b.c` contains a dot
 --> table-registry.toml:7:1
  |
7 | "a.b.c" = "no"
  | ^^^^^^^
  |
  = help: write the name of a table in the database
  = note: diagnostic code `dotted-name`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
    assert_eq!(krate.read("table-registry.toml"), before);
}

#[test]
fn existing_faults_do_not_block_an_edit() {
    let krate = Crate::shop();
    krate.write("table-registry.toml", "[overrides]\nusrs = \"system\"\n");
    says!(
        krate,
        ["override", "users", "truth"],
        str![[r#"
-- stderr
     Updated table-registry.toml
         Now `users` is `truth`, with row-level security
-- exit 0

"#]]
    );
    says!(
        krate,
        ["override", "usrs", "--remove"],
        str![[r#"
-- stderr
     Updated table-registry.toml
-- exit 0

"#]]
    );
    assert_eq!(
        krate.read("table-registry.toml"),
        "[overrides]\nusers = \"truth\"\n"
    );
}

#[test]
fn a_missing_or_broken_file_is_not_written() {
    let krate = Crate::shop();
    krate.write("table-registry.toml", "[overrides\n");
    says!(
        krate,
        ["override", "users", "truth"],
        str![[r#"
-- stderr
error: `table-registry.toml` is not valid TOML
 --> table-registry.toml:1:11
  |
1 | [overrides
  |           ^ unclosed table, expected `]`
  |
  = note: no part of a broken policy file is applied
  = help: fix the syntax, see <https://toml.io>
  = note: diagnostic code `invalid-toml`

error: nothing was changed: `table-registry.toml` cannot be edited as it is
-- exit 2

"#]]
    );
    assert_eq!(krate.read("table-registry.toml"), "[overrides\n");
    krate.write("table-registry.toml", "overrides = 3\n");
    says!(
        krate,
        ["override", "users", "truth"],
        str![[r#"
-- stderr
error: nothing was changed: `table-registry.toml` cannot be edited as it is
 |
 = note: `overrides` is not a table
-- exit 2

"#]]
    );
    assert_eq!(krate.read("table-registry.toml"), "overrides = 3\n");
    std::fs::remove_file(krate.path().join("revoke.toml")).unwrap();
    says!(
        krate,
        ["revoke", "audit_logs"],
        str![[r#"
-- stderr
error: policy file `revoke.toml` not found
 |
 = note: looked for `src/revoke.toml`, `revoke.toml`
 = help: create `revoke.toml` beside `Cargo.toml`; it may be empty, but a missing file could be a mistake
 = note: diagnostic code `policy-file-not-found`

error: nothing was changed: the policy file cannot be read
-- exit 2

"#]]
    );
    assert!(!krate.has("revoke.toml"));
}

#[test]
fn without_tables_every_name_is_unknown() {
    let krate = Crate::shop();
    krate.write("src/schema/users.rs", "");
    krate.write("src/schema/audit_logs.rs", "");
    krate.write("revoke.toml", "");
    says!(
        krate,
        ["override", "users", "system"],
        str![[r#"
-- stderr
error: override refers to unknown table `users`
 --> table-registry.toml:4:1
  |
4 | users = "system"
  | ^^^^^ no struct declares this table
  |
  = help: remove the name, or give it to a struct: `#[table(name = "users")]`
  = note: diagnostic code `unknown-override`

error: nothing was changed: the compiler would reject the result
-- exit 2

"#]]
    );
}

#[test]
fn line_breaks_are_kept() {
    let krate = Crate::shop();
    let text = "[overrides]\r\n# c\r\n";
    krate.write("table-registry.toml", text);
    krate.run(&["override", "users", "truth"]);
    assert_eq!(
        krate.read("table-registry.toml"),
        "[overrides]\r\nusers = \"truth\"\r\n# c\r\n"
    );
    krate.run(&["override", "users", "--remove"]);
    assert_eq!(krate.read("table-registry.toml"), text);
}

/// No run may change what another has read and not yet written.
#[test]
fn concurrent_runs_lose_no_edit() {
    let krate = Crate::shop();
    let children: Vec<_> = (0..12)
        .map(|number| {
            let mut program = crate::harness::program();
            let table = format!("t{number}");
            program
                .args(["exempt", &table, "--reason", "x"])
                .current_dir(krate.path());
            program.stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = krate.read("table-registry.toml");
    assert_eq!(
        (0..12)
            .filter(|number| text.contains(&format!("t{number} = ")))
            .count(),
        12,
        "{text}"
    );
}

#[test]
fn a_removal_reports_the_faults_of_the_file() {
    let krate = Crate::shop();
    krate.write("table-registry.toml", "[overrides\n");
    says!(
        krate,
        ["override", "users", "--remove"],
        str![[r#"
-- stderr
error: `table-registry.toml` is not valid TOML
 --> table-registry.toml:1:11
  |
1 | [overrides
  |           ^ unclosed table, expected `]`
  |
  = note: no part of a broken policy file is applied
  = help: fix the syntax, see <https://toml.io>
  = note: diagnostic code `invalid-toml`

error: nothing was changed: `table-registry.toml` cannot be edited as it is
-- exit 2

"#]]
    );
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\", overrides = \"../policy.toml\");\n",
    );
    says!(
        krate,
        ["exempt", "x", "--reason", "y"],
        str![[r#"
-- stderr
error: policy file `policy.toml` does not exist
 --> src/lib.rs:2:56
  |
2 | table_registry::table_registry!("schema/", overrides = "../policy.toml");
  |                                                        ^^^^^^^^^^^^^^^^
  |
  = note: the path is relative to this file, as in `include_str!`
  = help: create it; it may be empty, but a missing file could be a mistake
  = note: diagnostic code `policy-file-not-found`

error: nothing was changed: the policy file cannot be read
-- exit 2

"#]]
    );
    // Other faults in the file do not block the edit.
    let krate = Crate::shop();
    krate.write("table-registry.toml", "[lints]\nfloat-money = true\n");
    assert_eq!(krate.run(&["override", "users", "link"]).code, 0);
}
