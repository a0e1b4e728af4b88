//! `lint`: everything except the rules, which are tested in their own files.

use snapbox::str;

use crate::harness::Crate;
use crate::says;

/// A crate with one table, whose file is given, and policy files.
fn table(schema: &str, overrides: &str, revoke: &str) -> Crate {
    let krate = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", schema),
        ("table-registry.toml", overrides),
        ("revoke.toml", revoke),
    ]);
    krate.manifest("shop");
    krate
}

/// A schema file with a table that no rule objects to.
fn sound(ident: &str) -> String {
    format!(
        "#[table_registry::table]\npub struct {ident} {{ pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64, }}\n"
    )
}

#[test]
fn warnings_can_be_denied() {
    let schema =
        "#[table_registry::table]\npub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64 }\n";
    let krate = table(schema, "", "");
    assert_eq!(krate.run(&["lint"]).code, 0);
    assert_eq!(krate.run(&["lint", "--deny-warnings"]).code, 1);
}

#[test]
fn a_crate_without_findings() {
    let krate = table(&sound("Orders"), "", "");
    says!(
        krate,
        ["lint", "--deny-warnings"],
        str![[r#"
-- stderr
     Checked 1 table of `shop`
-- exit 0

"#]]
    );
}

#[test]
fn the_format_of_findings() {
    let schema = "#[table_registry::table]\npub struct Order {\n    pub id: i64,\n    pub user: i64,\n    pub total: f64,\n}\n";
    let policy =
        "[overrides]\norder = \"truth\"\n\n[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";
    let krate = table(schema, policy, "");
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
warning: table `order` lacks the column `created_at`
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = help: add `created_at`
  = note: diagnostic code `missing-required-column`

error: table `order` has no tenant column `org_id`
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = note: tables of kind `truth` get row-level security: the policy compares this column with the tenant of the session
  = help: add `org_id`, or name another column: `#[table(tenant = "…")]`
  = help: if the tenant is that of a parent row: `#[table(tenant = through(project_id -> projects))]`
  = help: if the rows belong to no tenant: `#[table(kind = system)]`
  = note: diagnostic code `missing-tenant-column`

warning: table `order` has no column `updated_at`
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = note: it is of kind `truth` and not append-only, so its rows may change
  = help: add `updated_at`, or run `cargo table-registry revoke order` if rows never change
  = note: diagnostic code `missing-updated-at`

warning: table name `order` is a reserved key word of PostgreSQL
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = help: give it another name, or quote it wherever SQL is written by hand
  = note: diagnostic code `reserved-word`

warning: column `user` is a reserved key word of PostgreSQL
 --> src/schema/mod.rs:4:9
  |
4 |     pub user: i64,
  |         ^^^^
  |
  = help: give it another name, or quote it wherever SQL is written by hand
  = note: diagnostic code `reserved-word`

warning: table name `order` is not a plural in `snake_case`
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = help: call it `orders`
  = note: diagnostic code `table-not-plural-snake-case`

error: column `total` holds money as a floating-point number
 --> src/schema/mod.rs:5:9
  |
5 |     pub total: f64,
  |         ^^^^^
  |
  = note: most decimal fractions have no exact binary value, so sums drift
  = help: use `numeric` with a decimal type, or an integer number of cents
  = note: diagnostic code `float-money`

warning: override of `order` repeats the kind that its struct declares
 --> table-registry.toml:2:1
  |
2 | order = "truth"
  | ^^^^^ overridden here
  |
 ::: src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ----- declared `truth` here
  |
  = help: run `cargo table-registry override order --remove`
  = note: diagnostic code `redundant-override`

     Checked 1 table of `shop`
error: 2 errors, 6 warnings found
-- exit 1

"#]]
    );
    says!(
        krate,
        ["lint", "--format", "github"],
        str![[r#"
-- stdout
::warning title=missing-required-column,file=src/schema/mod.rs,line=2,col=12::table `order` lacks the column `created_at`%0Ahelp: add `created_at`
::error title=missing-tenant-column,file=src/schema/mod.rs,line=2,col=12::table `order` has no tenant column `org_id`%0Anote: tables of kind `truth` get row-level security: the policy compares this column with the tenant of the session%0Ahelp: add `org_id`, or name another column: `#[table(tenant = "…")]`%0Ahelp: if the tenant is that of a parent row: `#[table(tenant = through(project_id -> projects))]`%0Ahelp: if the rows belong to no tenant: `#[table(kind = system)]`
::warning title=missing-updated-at,file=src/schema/mod.rs,line=2,col=12::table `order` has no column `updated_at`%0Anote: it is of kind `truth` and not append-only, so its rows may change%0Ahelp: add `updated_at`, or run `cargo table-registry revoke order` if rows never change
::warning title=reserved-word,file=src/schema/mod.rs,line=2,col=12::table name `order` is a reserved key word of PostgreSQL%0Ahelp: give it another name, or quote it wherever SQL is written by hand
::warning title=table-not-plural-snake-case,file=src/schema/mod.rs,line=2,col=12::table name `order` is not a plural in `snake_case`%0Ahelp: call it `orders`
::warning title=reserved-word,file=src/schema/mod.rs,line=4,col=9::column `user` is a reserved key word of PostgreSQL%0Ahelp: give it another name, or quote it wherever SQL is written by hand
::error title=float-money,file=src/schema/mod.rs,line=5,col=9::column `total` holds money as a floating-point number%0Anote: most decimal fractions have no exact binary value, so sums drift%0Ahelp: use `numeric` with a decimal type, or an integer number of cents
::warning title=redundant-override,file=table-registry.toml,line=2,col=1::override of `order` repeats the kind that its struct declares%0Ahelp: run `cargo table-registry override order --remove`
-- stderr
     Checked 1 table of `shop`
error: 2 errors, 6 warnings found
-- exit 1

"#]]
    );
    says!(
        krate,
        ["lint", "--format", "json"],
        str![[r#"
-- stdout
{
  "version": 1,
  "findings": [
    {
      "code": "missing-required-column",
      "severity": "warning",
      "message": "table `order` lacks the column `created_at`",
      "file": "src/schema/mod.rs",
      "line": 2,
      "column": 12,
      "notes": [],
      "helps": [
        "add `created_at`"
      ]
    },
    {
      "code": "missing-tenant-column",
      "severity": "error",
      "message": "table `order` has no tenant column `org_id`",
      "file": "src/schema/mod.rs",
      "line": 2,
      "column": 12,
      "notes": [
        "tables of kind `truth` get row-level security: the policy compares this column with the tenant of the session"
      ],
      "helps": [
        "add `org_id`, or name another column: `#[table(tenant = \"…\")]`",
        "if the tenant is that of a parent row: `#[table(tenant = through(project_id -> projects))]`",
        "if the rows belong to no tenant: `#[table(kind = system)]`"
      ]
    },
    {
      "code": "missing-updated-at",
      "severity": "warning",
      "message": "table `order` has no column `updated_at`",
      "file": "src/schema/mod.rs",
      "line": 2,
      "column": 12,
      "notes": [
        "it is of kind `truth` and not append-only, so its rows may change"
      ],
      "helps": [
        "add `updated_at`, or run `cargo table-registry revoke order` if rows never change"
      ]
    },
    {
      "code": "reserved-word",
      "severity": "warning",
      "message": "table name `order` is a reserved key word of PostgreSQL",
      "file": "src/schema/mod.rs",
      "line": 2,
      "column": 12,
      "notes": [],
      "helps": [
        "give it another name, or quote it wherever SQL is written by hand"
      ]
    },
    {
      "code": "table-not-plural-snake-case",
      "severity": "warning",
      "message": "table name `order` is not a plural in `snake_case`",
      "file": "src/schema/mod.rs",
      "line": 2,
      "column": 12,
      "notes": [],
      "helps": [
        "call it `orders`"
      ]
    },
    {
      "code": "reserved-word",
      "severity": "warning",
      "message": "column `user` is a reserved key word of PostgreSQL",
      "file": "src/schema/mod.rs",
      "line": 4,
      "column": 9,
      "notes": [],
      "helps": [
        "give it another name, or quote it wherever SQL is written by hand"
      ]
    },
    {
      "code": "float-money",
      "severity": "error",
      "message": "column `total` holds money as a floating-point number",
      "file": "src/schema/mod.rs",
      "line": 5,
      "column": 9,
      "notes": [
        "most decimal fractions have no exact binary value, so sums drift"
      ],
      "helps": [
        "use `numeric` with a decimal type, or an integer number of cents"
      ]
    },
    {
      "code": "redundant-override",
      "severity": "warning",
      "message": "override of `order` repeats the kind that its struct declares",
      "file": "table-registry.toml",
      "line": 2,
      "column": 1,
      "notes": [],
      "helps": [
        "run `cargo table-registry override order --remove`"
      ]
    }
  ]
}
-- stderr
     Checked 1 table of `shop`
error: 2 errors, 6 warnings found
-- exit 1

"#]]
    );
}

#[test]
fn a_struct_that_cannot_be_read() {
    let schema = "#[table_registry::table]\npub struct Orders { pub id i64 }\n";
    let krate = table(schema, "", "");
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
error: the fields of `Orders` cannot be read
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Orders { pub id i64 }
  |            ^^^^^^
  |
  = help: run `cargo check`: the compiler says what is wrong with the struct
  = note: diagnostic code `unreadable-struct`

     Checked 1 table of `shop`
error: 1 error found
-- exit 2

"#]]
    );
}

#[test]
fn a_file_that_no_line_leads_to() {
    let krate = table(&sound("Orders"), "", "");
    krate.write("src/schema/refunds.rs", &sound("Refunds"));
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
warning: table `refunds` is declared in `src/schema/refunds.rs`, but no `mod` line leads to that file
 --> src/schema/refunds.rs:2:12
  |
2 | pub struct Refunds { pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64, }
  |            ^^^^^^^
  |
  = note: the crate does not compile, unless a macro brings the file in
  = help: name the file in a `mod` line, or remove it
  = note: diagnostic code `not-compiled`

     Checked 2 tables of `shop`
warning: 1 warning found
-- exit 0

"#]]
    );
}

#[test]
fn one_table_in_two_crates() {
    let krate = Crate::workspace(&[("shop", sound("Orders")), ("bank", sound("Orders"))]);
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
error: table `orders` is registered by `bank` and by `shop`
 --> shop/src/schema/mod.rs:2:12
  |
2 | pub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64, }
  |            ^^^^^^ in `shop`
  |
 ::: bank/src/schema/mod.rs:2:12
  |
2 | pub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64, }
  |            ------ in `bank`
  |
  = note: two registries of one table can disagree
  = help: keep the struct in one crate, and use it from the other
  = note: diagnostic code `table-in-several-crates`

     Checked 1 table of `bank`
     Checked 1 table of `shop`
error: 1 error found
-- exit 1

"#]]
    );
    let exception = "[lints.allow.table-in-several-crates]\norders = \"one for reading\"\n";
    for member in ["shop", "bank"] {
        krate.write(&format!("{member}/table-registry.toml"), exception);
        for arguments in [
            &["lint", "--deny-warnings"][..],
            &["lint", "--deny-warnings", "-p", member],
        ] {
            assert_eq!(krate.run(arguments).code, 0, "{member} {arguments:?}");
        }
        krate.write(&format!("{member}/table-registry.toml"), "");
    }
}

#[test]
fn faults_come_first() {
    let krate = table(
        "#[table_registry::table]\npub struct Orders;\n",
        "[overrides]\nordrs = \"link\"\n",
        "",
    );
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
error: override refers to unknown table `ordrs`
 --> table-registry.toml:2:1
  |
2 | ordrs = "link"
  | ^^^^^ no struct declares this table
  |
  = help: did you mean `orders`?
  = note: diagnostic code `unknown-override`

error: 1 error found
-- exit 1

"#]]
    );
}

/// Every form of real model code is read.
#[test]
fn every_hazard_is_read() {
    let krate = crate::list::hazards();
    let report = krate.run(&["lint", "--format", "json"]);
    assert!(report.stdout.contains("missing-tenant-column") && !report.stdout.contains("unreadable-struct"));
}

/// syn parses types recursively, on the stack of the main thread.
#[test]
fn a_type_that_is_nested_too_deeply() {
    let schema = |levels: usize| {
        let fields = [
            ("Vec<", ">"),
            ("&", ""),
            ("[", "]"),
            ("(", ")"),
            ("Box<dyn Fn() -> ", ">"),
        ];
        let structs = fields.iter().enumerate().map(|(number, (open, close))| {
            let ty = format!("{}u8{}", open.repeat(levels), close.repeat(levels));
            sound(&format!("Orders{number}s")).replace("{ ", &format!("{{ pub deep: {ty}, "))
        });
        structs.collect::<String>()
    };
    let shallow = table(&schema(5), "", "").run(&["lint"]);
    assert_eq!(shallow.code, 0, "{}", shallow.stderr);
    let deep = table(&schema(100_000), "", "").run(&["lint", "--format", "json"]);
    assert_eq!(deep.code, 2, "{}", deep.stderr);
    assert_eq!(
        deep.stdout
            .matches("its types may be nested at most 32 levels deep")
            .count(),
        5
    );
}
