//! `lint`.

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

/// The code and the severity of each finding, and the text that it points at.
#[track_caller]
fn findings(schema: &str, overrides: &str, revoke: &str) -> Vec<String> {
    let krate = table(schema, overrides, revoke);
    let report = krate.run(&["lint", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&report.stdout).expect(&report.stderr);
    let findings = json["findings"].as_array().unwrap();
    let expected = i32::from(findings.iter().any(|finding| finding["severity"] == "error"));
    assert_eq!(report.code, expected, "{}", report.stderr);
    let found = findings.iter().map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_string();
        let number = |key: &str| usize::try_from(finding[key].as_u64().unwrap_or(1)).unwrap() - 1;
        let file = krate.read(&text("file"));
        let line = file.lines().nth(number("line")).unwrap_or_default();
        let rest: String = line.chars().skip(number("column")).collect();
        let is_part = |c: char| c.is_alphanumeric() || "_#\"".contains(c);
        let word: String = rest.chars().take_while(|&c| is_part(c)).collect();
        format!("{} {} {word}", text("severity"), text("code"))
    });
    found.collect()
}

const SOUND: &str = "pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64,";

/// The findings for a truth table with these columns more.
#[track_caller]
fn column(columns: &str) -> Vec<String> {
    findings(
        &format!("#[table_registry::table]\npub struct Orders {{ {SOUND} {columns} }}\n"),
        "",
        "",
    )
}

#[test]
fn a_sound_table() {
    assert_eq!(column(""), [""; 0]);
}

#[test]
fn the_tenant_column() {
    let schema = |attribute: &str, columns: &str| {
        format!(
            "#[table_registry::table{attribute}]\npub struct Orders {{ pub id: i64, pub created_at: i64, pub updated_at: i64, {columns} }}\n"
        )
    };
    let missing = ["error missing-tenant-column Orders"];
    assert_eq!(findings(&schema("", ""), "", ""), missing);
    assert_eq!(findings(&schema("(kind = system)", ""), "", ""), [""; 0]);
    assert_eq!(findings(&schema("", "pub tenant: i64"), "", ""), missing);
    let option = "[lints]\nmissing-tenant-column = { column = \"tenant\" }";
    assert_eq!(findings(&schema("", "pub tenant: i64"), option, ""), [""; 0]);
    // The columns of another struct, which is not read.
    assert_eq!(
        findings(&schema("", "#[sqlx(flatten)] pub base: Base"), "", ""),
        [""; 0]
    );
    assert_eq!(
        findings(
            &schema("", "#[sqlx(rename = \"org_id\")] pub tenant: i64"),
            "",
            ""
        ),
        [""; 0]
    );
    assert_eq!(
        findings(
            &schema("", "#[serde(rename = \"org_id\")] pub tenant: i64"),
            "",
            ""
        ),
        missing
    );
}

#[test]
fn the_required_columns() {
    let schema = "#[table_registry::table(kind = control)]\npub struct Orders { pub org_id: i64 }\n";
    assert_eq!(
        findings(schema, "", ""),
        ["warning missing-required-column Orders"]
    );
    let option = "[lints]\nmissing-required-column = { columns = [\"org_id\"] }";
    assert_eq!(findings(schema, option, ""), [""; 0]);
}

#[test]
fn the_time_of_the_last_change() {
    let schema =
        "#[table_registry::table]\npub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64 }\n";
    assert_eq!(findings(schema, "", ""), ["warning missing-updated-at Orders"]);
    assert_eq!(findings(schema, "", "update_delete = [\"orders\"]"), [""; 0]);
    assert_eq!(findings(schema, "[overrides]\norders = \"control\"", ""), [""; 0]);
}

#[test]
fn money() {
    for (columns, found) in [
        ("pub total_price: f64", true),
        ("pub total: Option<f32>", true),
        ("pub unitPrice: std::primitive::f64", true),
        ("pub price: rust_decimal::Decimal", false),
        ("pub weight: f64", false),
        ("pub feedback: f64", false),
    ] {
        let codes = column(columns);
        assert_eq!(
            codes.iter().any(|code| code.contains("float-money")),
            found,
            "{columns}: {codes:?}"
        );
    }
    let krate = table(
        &format!("#[table_registry::table]\npub struct Orders {{ {SOUND} pub gross: f64 }}\n"),
        "[lints]\nfloat-money = { level = \"warn\", words = [\"gross\"] }",
        "",
    );
    says!(
        krate,
        ["lint"],
        str![[r#"
-- stderr
warning: column `gross` holds money as a floating-point number
 --> src/schema/mod.rs:2:97
  |
2 | pub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64, pub gross: f64 }
  |                                                                                                 ^^^^^
  |
  = note: binary fractions cannot hold most decimal ones: sums drift
  = help: use `numeric` with a decimal type, or an integer number of cents
  = note: diagnostic code `float-money`

     Checked 1 table of `shop`
warning: 1 warning found
-- exit 0

"#]]
    );
}

#[test]
fn names() {
    assert_eq!(
        column("pub unitPrice: i64"),
        ["warning column-not-snake-case unitPrice"]
    );
    assert_eq!(
        column("#[diesel(column_name = \"Größe\")] pub size: i64"),
        ["warning column-not-snake-case size"]
    );
    assert_eq!(
        column("#[sea_orm(column_name = \"size\")] pub Size: i64"),
        [""; 0]
    );
    assert_eq!(column("pub user: i64"), ["warning reserved-word user"]);
    assert_eq!(column("pub r#where: i64"), ["warning reserved-word r#where"]);
    let named = |name: &str| {
        findings(
            &format!("#[table_registry::table(name = {name:?})]\npub struct Orders {{ {SOUND} }}\n"),
            "",
            "",
        )
    };
    let odd = ["warning table-not-plural-snake-case Orders"];
    assert_eq!(named("order_items"), [""; 0]);
    assert_eq!(named("news"), [""; 0]);
    assert_eq!(named("people"), [""; 0]);
    assert_eq!(named("users_2024"), [""; 0]);
    assert_eq!(named("addresses_v2"), [""; 0]);
    assert_eq!(named("order_item"), odd);
    assert_eq!(named("OrderItems"), odd);
    assert_eq!(named("order-items"), odd);
    assert_eq!(named("users__"), odd);
    assert_eq!(named("user"), ["warning reserved-word Orders", odd[0]]);
}

#[test]
fn references() {
    let schema = format!(
        "use table_registry::table;\n#[table]\npub struct Orders {{ {SOUND} pub customer_id: i64, pub order_id: i64, pub parent_order_id: i64, pub country_id: i64 }}\n#[table(name = \"erp_countries\")]\npub struct Countries {{ {SOUND} }}\n"
    );
    assert_eq!(findings(&schema, "", ""), [""; 0], "it is off");
    let on = "[lints]\nunknown-reference = \"warn\"\n";
    assert_eq!(
        findings(&schema, on, ""),
        [
            "warning unknown-reference customer_id",
            "warning unknown-reference parent_order_id"
        ]
    );
    let exempt = format!("{on}[exempt]\ncustomers = \"of another service\"\n");
    assert_eq!(
        findings(&schema, &exempt, ""),
        ["warning unknown-reference parent_order_id"]
    );
}

#[test]
fn tables_that_nobody_should_change() {
    for kind in ["evidence", "projection"] {
        let schema = format!("#[table_registry::table(kind = {kind})]\npub struct Orders {{ {SOUND} }}\n");
        assert_eq!(findings(&schema, "", ""), ["warning missing-revoke Orders"]);
        assert_eq!(findings(&schema, "", "update_delete = [\"orders\"]"), [""; 0]);
    }
}

#[test]
fn overrides_that_say_nothing_new() {
    let schema = format!("#[table_registry::table(kind = link)]\npub struct Orders {{ {SOUND} }}\n");
    assert_eq!(
        findings(&schema, "[overrides]\norders = \"link\"", ""),
        ["warning redundant-override orders"]
    );
    assert_eq!(
        findings(&schema, "[overrides]\norders = \"control\"", ""),
        [""; 0]
    );
}

#[test]
fn exceptions() {
    let schema = |attribute: &str| {
        format!(
            "#[table_registry::table({attribute})]\npub struct Orders {{ pub id: i64, pub org_id: i64, pub created_at: i64 }}\n"
        )
    };
    let policy = "[lints.allow.missing-updated-at]\norders = \"never changed\"\n";
    assert_eq!(findings(&schema("allow(missing_updated_at)"), "", ""), [""; 0]);
    assert_eq!(
        findings(
            &schema("allow(missing_updated_at, reason = \"never changed\")"),
            "",
            ""
        ),
        [""; 0]
    );
    assert_eq!(findings(&schema(""), policy, ""), [""; 0]);
    assert_eq!(
        findings(&schema("kind = link"), policy, ""),
        ["warning unused-allow orders"]
    );
    assert_eq!(
        findings(&schema("kind = link, allow(missing_updated_at)"), "", ""),
        ["warning unused-allow missing_updated_at"]
    );
    let quiet = "[lints.allow.unused-allow]\norders = \"for the next release\"\n";
    assert_eq!(
        findings(&schema("kind = link, allow(missing_updated_at)"), quiet, ""),
        [""; 0]
    );
}

#[test]
fn levels() {
    let schema =
        "#[table_registry::table]\npub struct Orders { pub id: i64, pub org_id: i64, pub created_at: i64 }\n";
    assert_eq!(
        findings(schema, "[lints]\nmissing-updated-at = \"deny\"", ""),
        ["error missing-updated-at Orders"]
    );
    assert_eq!(
        findings(schema, "[lints]\nmissing_updated_at = \"allow\"", ""),
        [""; 0]
    );
    let krate = table(schema, "", "");
    assert_eq!(krate.run(&["lint"]).code, 0);
    assert_eq!(krate.run(&["lint", "--deny-warnings"]).code, 1);
}

#[test]
fn how_findings_look() {
    let schema = "#[table_registry::table]\npub struct Order {\n    pub id: i64,\n    pub user: i64,\n    pub total: f64,\n}\n";
    let krate = table(schema, "[overrides]\norder = \"truth\"\n", "");
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
  = note: tables of kind `truth` get row-level security, and its policy compares this column
  = help: add `org_id`, name another column in `[lints]`, or make the table `system` if it belongs to no tenant
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

warning: table name `order` is not a plural in `snake_case`
 --> src/schema/mod.rs:2:12
  |
2 | pub struct Order {
  |            ^^^^^
  |
  = help: call it `orders`
  = note: diagnostic code `table-not-plural-snake-case`

warning: column `user` is a reserved key word of PostgreSQL
 --> src/schema/mod.rs:4:9
  |
4 |     pub user: i64,
  |         ^^^^
  |
  = help: give it another name, or quote it wherever SQL is written by hand
  = note: diagnostic code `reserved-word`

error: column `total` holds money as a floating-point number
 --> src/schema/mod.rs:5:9
  |
5 |     pub total: f64,
  |         ^^^^^
  |
  = note: binary fractions cannot hold most decimal ones: sums drift
  = help: use `numeric` with a decimal type, or an integer number of cents
  = note: diagnostic code `float-money`

warning: override of `order` gives the kind that its struct declares
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
::error title=missing-tenant-column,file=src/schema/mod.rs,line=2,col=12::table `order` has no tenant column `org_id`%0Anote: tables of kind `truth` get row-level security, and its policy compares this column%0Ahelp: add `org_id`, name another column in `[lints]`, or make the table `system` if it belongs to no tenant
::warning title=missing-updated-at,file=src/schema/mod.rs,line=2,col=12::table `order` has no column `updated_at`%0Anote: it is of kind `truth` and not append-only, so its rows may change%0Ahelp: add `updated_at`, or run `cargo table-registry revoke order` if rows never change
::warning title=reserved-word,file=src/schema/mod.rs,line=2,col=12::table name `order` is a reserved key word of PostgreSQL%0Ahelp: give it another name, or quote it wherever SQL is written by hand
::warning title=table-not-plural-snake-case,file=src/schema/mod.rs,line=2,col=12::table name `order` is not a plural in `snake_case`%0Ahelp: call it `orders`
::warning title=reserved-word,file=src/schema/mod.rs,line=4,col=9::column `user` is a reserved key word of PostgreSQL%0Ahelp: give it another name, or quote it wherever SQL is written by hand
::error title=float-money,file=src/schema/mod.rs,line=5,col=9::column `total` holds money as a floating-point number%0Anote: binary fractions cannot hold most decimal ones: sums drift%0Ahelp: use `numeric` with a decimal type, or an integer number of cents
::warning title=redundant-override,file=table-registry.toml,line=2,col=1::override of `order` gives the kind that its struct declares%0Ahelp: run `cargo table-registry override order --remove`
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
        "tables of kind `truth` get row-level security, and its policy compares this column"
      ],
      "helps": [
        "add `org_id`, name another column in `[lints]`, or make the table `system` if it belongs to no tenant"
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
        "binary fractions cannot hold most decimal ones: sums drift"
      ],
      "helps": [
        "use `numeric` with a decimal type, or an integer number of cents"
      ]
    },
    {
      "code": "redundant-override",
      "severity": "warning",
      "message": "override of `order` gives the kind that its struct declares",
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
fn the_structs_of_twins_are_one_table() {
    let schema = "use table_registry::table;\n#[cfg(a)]\n#[table]\npub struct Orders { pub id: i64, pub org_id: i64, pub r#user: i64 }\n#[cfg(not(a))]\n#[table]\npub struct Orders { pub created_at: i64, pub updated_at: i64, pub user: i64 }\n";
    assert_eq!(findings(schema, "", ""), ["warning reserved-word r#user"]);
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
fn a_struct_that_cannot_be_read_is_one_fault() {
    let schema = "#[table_registry::table(allow(missing_updated_at))]\npub struct Orders { pub id i64 }\n";
    assert_eq!(
        table(schema, "", "")
            .run(&["lint"])
            .stderr
            .matches("diagnostic code")
            .count(),
        1
    );
}

/// The forms of real model code are all read, and the names are those of the ORM.
#[test]
fn every_hazard_is_read() {
    let krate = crate::list::hazards();
    let report = krate.run(&["lint", "--format", "json"]);
    assert!(report.stdout.contains("missing-tenant-column") && !report.stdout.contains("unreadable-struct"));
    assert_eq!(
        column("#[cfg_attr(x, sqlx(rename = \"unitPrice\"))] pub price: i64"),
        ["warning column-not-snake-case price"]
    );
}

#[test]
fn a_file_that_no_line_leads_to() {
    let krate = table(
        &format!("#[table_registry::table]\npub struct Orders {{ {SOUND} }}\n"),
        "",
        "",
    );
    krate.write(
        "src/schema/refunds.rs",
        &format!("#[table_registry::table]\npub struct Refunds {{ {SOUND} }}\n"),
    );
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
  = note: the compiler refuses it, unless a macro reads the file
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
    let schema = format!("#[table_registry::table]\npub struct Orders {{ {SOUND} }}\n");
    let krate = Crate::workspace(&[("shop", schema.clone()), ("bank", schema)]);
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

#[test]
fn types_as_deep_as_anybody_likes() {
    let deep = format!("{}u8{}", "Option<".repeat(5_000), ">".repeat(5_000));
    assert_eq!(column(&format!("pub deep: {deep}")), [""; 0]);
}
