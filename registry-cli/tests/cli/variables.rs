//! The variables that `env!` reads in the arguments of the call.

use std::process::Command;

use crate::harness::Crate;

const USERS: &str = "#[table_registry::table]\npub struct Users;\n";

/// A crate with this root. It has no dependencies, so cargo can run its build script, though it does not compile.
fn shop(root: &str) -> Crate {
    let krate = Crate::with(&[
        ("src/lib.rs", root),
        ("table-registry.toml", ""),
        ("revoke.toml", ""),
    ]);
    krate.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"1.2.3\"\nedition = \"2024\"\nauthors = [\"a\", \"b\"]\n",
    );
    krate
}

#[test]
fn variables_of_the_package_are_known() {
    for (path, directory) in [
        ("env!(\"CARGO_PKG_NAME\")", "shop"),
        (
            "concat!(env!(\"CARGO_CRATE_NAME\"), env!(\"CARGO_PKG_VERSION_MINOR\"), 7)",
            "shop27",
        ),
        ("concat!(\"v\", env!(\"CARGO_PKG_VERSION\"))", "v1.2.3"),
        (
            "concat!(\"x\", env!(\"CARGO_PKG_AUTHORS\"), env!(\"CARGO_PKG_DESCRIPTION\"))",
            "xa:b",
        ),
    ] {
        let krate = shop(&format!("table_registry::table_registry!({path});\n"));
        krate.write(&format!("src/{directory}/users.rs"), USERS);
        let report = krate.run(&["list"]);
        assert!(report.stdout.contains("users"), "{path}: {}", report.all());
    }
    let krate = shop("table_registry::table_registry!(env!(\"CARGO_BIN_NAME\"));\n");
    let report = krate.run(&["list"]);
    assert!(
        report.stderr.contains("`CARGO_BIN_NAME` is not set"),
        "{}",
        report.all()
    );
}

#[test]
fn cargo_says_where_the_output_of_the_build_script_is() {
    let call = "table_registry::table_registry!(env!(\"OUT_DIR\"), env!(\"EXTRA\"));\n";
    let krate = shop(call);
    krate.write("src/more/users.rs", USERS);
    krate.write(
        "build.rs",
        "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
         std::fs::write(out + \"/orders.rs\", \"#[table_registry::table]\\npub struct Orders;\\n\").unwrap();\n    \
         println!(\"cargo::rustc-env=EXTRA=more\");\n}\n",
    );
    let report = krate.run(&["list"]);
    assert!(report.stderr.contains("`OUT_DIR` is not set"), "{}", report.all());
    assert!(!krate.has("target"), "a command that reads compiled the package");
    let compiled = Command::new(env!("CARGO"))
        .args(["check", "--quiet"])
        .current_dir(krate.path())
        .env_remove("CARGO_TARGET_DIR")
        .output();
    compiled.unwrap();
    // Another package of this name, in a shared target directory.
    krate.write(
        "target/debug/build/shop-ffffffffffffffff/out/invoices.rs",
        "#[table_registry::table]\npub struct Invoices;\n",
    );
    krate.write("target/debug/build/shop-ffffffffffffffff/output", "");
    let report = krate.run(&["list"]);
    let has = |table: &str| report.stdout.contains(table);
    assert!(
        has("orders") && has("users") && !has("invoices"),
        "{}",
        report.all()
    );
}
