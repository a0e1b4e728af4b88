//! Tests that need a real cargo and a real crate: rebuilds, editions, `no_std`, and errors in crates that trybuild
//! cannot build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate in a temporary directory. All crates share one target directory, so that their dependencies are built once.
struct Crate {
    directory: PathBuf,
}

/// The result of a run of cargo.
struct Report {
    success: bool,
    stdout: String,
    stderr: String,
}

const SOUND: &[(&str, &str)] = &[
    (
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
    ),
    ("src/schema/mod.rs", "pub mod users;\n"),
    (
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users;\n",
    ),
    ("table-registry.toml", ""),
    ("revoke.toml", ""),
];

impl Crate {
    /// A crate with one table, and nothing wrong with it.
    fn sound(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        let made = Self { directory };
        made.manifest("2024", "");
        for (path, text) in SOUND {
            made.write(path, text);
        }
        fs::copy(root.join("Cargo.lock"), made.directory.join("Cargo.lock")).unwrap();
        made
    }

    fn manifest(&self, edition: &str, more: &str) {
        let name = self.directory.file_name().unwrap().to_str().unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let text = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = {edition:?}\n\n\
             [features]\ndatabase = []\n\n\
             [dependencies]\ntable-registry = {{ path = {root:?} }}\n{more}\n[workspace]\n"
        );
        self.write("Cargo.toml", &text);
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.directory.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.directory.join(path)).unwrap();
    }

    fn cargo(&self, arguments: &[&str]) -> Report {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.directory)
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("target"),
            )
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        Report {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The packages of this workspace that end up in a user's build: name and features of each package that is
    /// compiled for the target, in the order of cargo's tree.
    fn packages_for_the_target(&self) -> Vec<String> {
        let report = self.cargo(&[
            "tree",
            "--offline",
            "--quiet",
            "--edges=normal,no-proc-macro",
            "--prefix=none",
            "--format={lib} [{f}]",
        ]);
        assert!(report.success, "{}", report.stderr);
        report.stdout.lines().map(str::to_owned).collect()
    }

    fn check(&self) -> Report {
        self.cargo(&["check", "--quiet"])
    }
}

impl Report {
    #[track_caller]
    fn passes(&self) {
        assert!(self.success, "{}", self.stderr);
        assert_eq!(self.stderr, "");
    }

    /// Fails with exactly these errors, compared by their first lines.
    #[track_caller]
    fn fails_with(&self, errors: &[&str]) {
        assert!(!self.success, "it compiles");
        let first_lines = self.stderr.lines().filter(|line| line.starts_with("error"));
        let found: Vec<&str> = first_lines
            .filter(|line| !line.contains("could not compile"))
            .collect();
        assert_eq!(found, errors, "{}", self.stderr);
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.stderr.contains(text), "missing: {text}\n{}", self.stderr);
    }
}

#[test]
fn an_edit_of_a_policy_file_recompiles() {
    let krate = Crate::sound("policy_edit");
    krate.check().passes();
    krate.write("table-registry.toml", "[overrides]\nusrs = \"system\"\n");
    let report = krate.check();
    report.fails_with(&["error: override refers to unknown table `usrs`"]);
    report.says("--> table-registry.toml:2:1");
    report.says("help: did you mean `users`?");
    krate.write("table-registry.toml", "[overrides]\nusers = \"system\"\n");
    krate.check().passes();
    krate.write("revoke.toml", "update_delete = [\"users\"]\n");
    krate
        .check()
        .fails_with(&["error: revoke list names system table `users`"]);
}

#[test]
fn the_policy_files_decide_which_bounds_a_table_satisfies() {
    let krate = Crate::sound("bounds");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n\
         fn tenant_query<T: table_registry::RowSecured>() {}\n\
         fn update<T: table_registry::Mutable>() {}\n\
         pub fn both() {\n    tenant_query::<tables::users>();\n    update::<schema::users::Users>();\n}\n",
    );
    krate.write("table-registry.toml", "[overrides]\nusers = \"system\"\n");
    krate
        .check()
        .fails_with(&["error[E0277]: table `tables::users` belongs to no tenant"]);
    krate.write("table-registry.toml", "[overrides]\nusers = \"truth\"\n");
    krate.check().passes();
    krate.write("revoke.toml", "update_delete = [\"users\"]\n");
    let report = krate.check();
    report.fails_with(&["error[E0277]: table `tables::users` is `AppendOnly`"]);
    report.says("`revoke.toml`, names this table in `update_delete`");
}

#[test]
fn a_new_file_is_registered_with_its_mod_line() {
    let krate = Crate::sound("new_file");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\nconst _: () = assert!(TABLE_NAMES.len() == 1);\n",
    );
    krate.check().passes();
    krate.write(
        "src/schema/orders.rs",
        "#[table_registry::table]\npub struct Orders;\n",
    );
    krate.write("src/schema/mod.rs", "pub mod orders;\npub mod users;\n");
    let report = krate.check();
    report.fails_with(&["error[E0080]: evaluation panicked: assertion failed: TABLE_NAMES.len() == 1"]);
}

#[test]
fn missing_policy_files_are_errors_that_say_where_they_were_looked_for() {
    let krate = Crate::sound("missing_policy");
    krate.remove("table-registry.toml");
    krate.remove("revoke.toml");
    let report = krate.check();
    report.fails_with(&[
        "error: policy file `table-registry.toml` not found",
        "error: policy file `revoke.toml` not found",
    ]);
    report.says("looked for `src/table-registry.toml`, `table-registry.toml`");
    report.says(
        "create `revoke.toml` beside `Cargo.toml`; it may be empty, but a missing file could be a mistake",
    );
    krate.write("src/table_registry.toml", "");
    krate
        .check()
        .says("rename `src/table_registry.toml` to `table-registry.toml`");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_one_error() {
    let krate = Crate::sound("unreadable_file");
    krate.write("table-registry.toml", "[overrides]\norders = \"control\"\n");
    std::os::unix::fs::symlink("nowhere.rs", krate.directory.join("src/schema/orders.rs")).unwrap();
    let report = krate.check();
    report.fails_with(&["error: file `src/schema/orders.rs` cannot be read"]);
    report.says("No such file or directory");
}

/// A file in a parent directory must not take its place.
#[cfg(unix)]
#[test]
fn a_policy_file_that_is_not_a_regular_file_is_one_error() {
    let krate = Crate::sound("odd_policy_file");
    std::os::unix::fs::symlink("nowhere.toml", krate.directory.join("src/revoke.toml")).unwrap();
    fs::create_dir(krate.directory.join("src/table-registry.toml")).unwrap();
    let report = krate.check();
    report.fails_with(&[
        "error: file `src/table-registry.toml` cannot be read",
        "error: file `src/revoke.toml` cannot be read",
    ]);
    report.says("it is a directory");
    report.says("it is a symbolic link to `nowhere.toml`");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_name_that_is_not_utf8_matters_only_with_a_table() {
    use std::os::unix::ffi::OsStrExt as _;
    let krate = Crate::sound("odd_file_name");
    let name = std::ffi::OsStr::from_bytes(b"src/schema/caf\xe9.rs");
    fs::write(krate.directory.join(name), "// Nothing.\n").unwrap();
    krate.check().passes();
    fs::write(
        krate.directory.join(name),
        "#[table_registry::table]\nstruct Cafes;\n",
    )
    .unwrap();
    // The crate does not track a file that it cannot name, so `lib.rs` has to change.
    krate.write("src/lib.rs", &format!("{}\n", SOUND[0].1));
    krate
        .check()
        .fails_with(&["error: the path of `src/schema/caf\u{fffd}.rs` is not valid UTF-8"]);
}

#[test]
fn directories_of_other_crates_are_not_read() {
    let krate = Crate::sound("other_crates");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"..\");\n",
    );
    let table = |name: &str| format!("#[table_registry::table]\npub struct {name};\n");
    krate.write("examples/demo/main.rs", &table("InExample"));
    krate.write("target/CACHEDIR.TAG", "");
    krate.write("target/debug/generated.rs", &table("Generated"));
    krate.write("src/schema/nested/Cargo.toml", "");
    krate.write("src/schema/nested/src/lib.rs", &table("Users"));
    krate.check().passes();
}

#[cfg(unix)]
#[test]
fn directories_in_a_circle_are_read_once() {
    let krate = Crate::sound("circle");
    std::os::unix::fs::symlink("..", krate.directory.join("src/schema/up")).unwrap();
    std::os::unix::fs::symlink("users.rs", krate.directory.join("src/schema/alias.rs")).unwrap();
    fs::create_dir(krate.directory.join("src/schema/zoo")).unwrap();
    krate.write(
        "src/schema/zoo/mod.rs",
        "#[table_registry::table]\npub struct Zoo;\n",
    );
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod zoo;\n");
    std::os::unix::fs::symlink("zoo", krate.directory.join("src/schema/a_link")).unwrap();
    std::os::unix::fs::symlink("nowhere.rs", krate.directory.join("src/schema/.#users.rs")).unwrap();
    krate.check().passes();
}

/// Attributes that forbid every lint of this compiler except those in `except`.
fn forbid_lints_of_rustc(except: &[&str]) -> String {
    let output = Command::new("rustc").args(["-W", "help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lints = help.split("Lint groups").next().unwrap();
    let names = lints
        .lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [name, "allow" | "warn" | "deny", ..] => Some(name.replace('-', "_")),
            _ => None,
        });
    let forbidden = names.filter(|name| !except.contains(&name.as_str()));
    let attributes: Vec<String> = forbidden.map(|name| format!("#![forbid({name})]\n")).collect();
    assert!(attributes.len() > 200, "{help}");
    format!(
        "#![allow(unknown_lints, reason = \"a lint may be unstable\")]\n{}",
        attributes.concat()
    )
}

/// Lints about the attributes themselves, and one that only binaries can have.
const ABOUT_LINTS: &[&str] = &["unknown_lints", "forbidden_lint_groups", "linker_messages"];

#[test]
fn every_edition_and_the_strictest_lints() {
    let krate = Crate::sound("editions");
    krate.write(
        "src/lib.rs",
        &format!(
            "//! Documented.\n#![no_std]\n{}/// The schema.\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
            forbid_lints_of_rustc(ABOUT_LINTS)
        ),
    );
    krate.write("src/schema/mod.rs", "/// One table.\npub mod users;\n");
    krate.write(
        "src/schema/users.rs",
        "/// Rows.\n#[table_registry::table]\n#[derive(Debug, Clone, Copy)]\npub struct Users<'a> {\n    /// Name.\n    pub name: &'a str,\n}\n",
    );
    for edition in ["2018", "2021", "2024"] {
        krate.manifest(edition, "");
        krate.check().passes();
    }
}

/// Lints that `tests/lints` itself violates, because they contradict each other or are about the layout of a crate.
const OF_THE_USER: &[&str] = &[
    "arbitrary_source_item_ordering",
    "blanket_clippy_restriction_lints",
    "implicit_return",
    "self_named_module_files",
    "pub_with_shorthand",
    "single_call_fn",
];

/// Under `forbid`, every `allow` in generated code is an error. `ARCHITECTURE.md` lists the few that there are; of
/// these, the crate here meets `long_running_const_eval`.
#[cfg(unix)]
#[test]
fn generated_code_is_clean_under_every_lint() {
    let krate = Crate::sound("every_lint");
    let attributes = forbid_lints_of_rustc(&[ABOUT_LINTS, &["long_running_const_eval"]].concat());
    let names: Vec<String> = OF_THE_USER.iter().map(|lint| format!("clippy::{lint}")).collect();
    let allowed = names.join(", ");
    let lib = include_str!("lints/lib.rs").replace(
        "#![no_std]\n",
        &format!(
            "#![no_std]\n\
             #![forbid(clippy::complexity, clippy::correctness, clippy::perf, clippy::style)]\n\
             #![forbid(clippy::pedantic, clippy::nursery)]\n\
             #![deny(clippy::suspicious, clippy::restriction)]\n\
             #![allow({allowed}, reason = \"about the crate\")]\n{attributes}"
        ),
    );
    krate.write("src/lib.rs", &lib);
    krate.remove("src/schema/mod.rs");
    krate.write("src/schema.rs", include_str!("lints/schema.rs"));
    krate.write("src/schema/users.rs", include_str!("lints/schema/users.rs"));
    krate.write("src/schema/pages.rs", include_str!("lints/schema/pages.rs"));
    krate.write("src/schema/hidden.rs", include_str!("lints/schema/hidden.rs"));
    krate.write("src/linked.rs", include_str!("lints/linked.rs"));
    std::os::unix::fs::symlink("../linked.rs", krate.directory.join("src/schema/linked.rs")).unwrap();
    krate.write("revoke.toml", "update_delete = [\"two\"]\n");
    krate.write(
        "table-registry.toml",
        "[exempt]\nold = \"kept\"\n[overrides]\npair = \"link\"\n",
    );
    krate.cargo(&["clippy", "--quiet"]).passes();
}

#[test]
fn a_binary_that_uses_nothing_has_no_warning() {
    let krate = Crate::sound("binary");
    krate.remove("src/lib.rs");
    krate.write(
        "src/main.rs",
        &format!(
            "//! Documented.\n{}mod schema;\ntable_registry::table_registry!(\"schema/\");\nfn main() {{\n    let _ = schema::Users;\n}}\n",
            forbid_lints_of_rustc(ABOUT_LINTS)
        ),
    );
    krate.write("src/schema/mod.rs", "mod users;\npub(crate) use users::Users;\n");
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub(crate) struct Users;\n",
    );
    krate.check().passes();
}

#[test]
fn items_of_the_user_do_not_shadow_generated_paths() {
    let krate = Crate::sound("shadows");
    krate.write(
        "src/lib.rs",
        "#![allow(non_camel_case_types, dead_code)]\n\
         mod schema;\n\
         table_registry::table_registry!(\"schema/\");\n\
         struct str; struct bool; struct u8; struct Option; struct Table; struct TableKind; struct Some;\n\
         mod core {} mod std {}\n\
         macro_rules! assert { () => {}; }\n\
         macro_rules! panic { () => {}; }\n\
         macro_rules! include_bytes { () => {}; }\n",
    );
    let tables = [
        "str",
        "bool",
        "Option",
        "TableKind",
        "kind_of",
        "tables",
        "core",
        "Self",
        "crate",
        "_",
    ];
    let structs = tables
        .iter()
        .enumerate()
        .map(|(number, name)| format!("#[table_registry::table(name = {name:?})]\npub struct T{number};\n"));
    krate.write("src/schema/users.rs", &structs.collect::<String>());
    let report = krate.check();
    assert!(report.success, "{}", report.stderr);
}

#[test]
fn a_schema_behind_a_feature_is_registered_in_every_build() {
    let krate = Crate::sound("feature");
    krate.write(
        "src/lib.rs",
        "#[cfg(feature = \"database\")]\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n\
         const _: () = assert!(TABLE_NAMES.len() == 1);\n",
    );
    krate.check().passes();
    krate
        .cargo(&["check", "--quiet", "--features", "database"])
        .passes();
}

#[test]
fn a_schema_that_the_compiler_does_not_read_is_not_stale() {
    let krate = Crate::sound("unread");
    let root =
        "#[cfg(feature = \"database\")]\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n";
    krate.write(
        "src/lib.rs",
        &format!("{root}const _: () = assert!(TABLE_NAMES.len() == 1);\n"),
    );
    krate.check().passes();
    let more = "#[table_registry::table]\npub struct Users;\n#[table_registry::table]\npub struct Orders;\n";
    krate.write("src/schema/users.rs", more);
    krate
        .check()
        .fails_with(&["error[E0080]: evaluation panicked: assertion failed: TABLE_NAMES.len() == 1"]);
}

#[test]
fn files_are_found_wherever_modules_lie() {
    let krate = Crate::sound("layout");
    krate.remove("src/schema/mod.rs");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\n\
         #[cfg(feature = \"database\")]\npub mod backend;\n\
         #[cfg(feature = \"database\")]\n#[path = \"schema/named.rs\"]\npub mod other;\n\
         #[path = \"schema/inside\"]\npub mod inline {\n    pub mod deep;\n}\n\
         table_registry::table_registry!(\"schema\", \"../entities/\");\n\
         const _: () = assert!(TABLE_NAMES.len() == 5);\n",
    );
    krate.write("src/schema.rs", "pub mod users;\n");
    krate.write(
        "src/schema/named.rs",
        "pub mod beside;\n#[table_registry::table]\npub struct Named;\n",
    );
    krate.write(
        "src/schema/beside.rs",
        "#[table_registry::table]\npub struct Beside;\n",
    );
    krate.write(
        "src/schema/inside/deep.rs",
        "#[table_registry::table]\npub struct Deep;\n",
    );
    krate.write(
        "src/backend.rs",
        "#[path = \"../entities/cakes.rs\"]\npub mod cakes;\n",
    );
    krate.write(
        "entities/cakes.rs",
        "#[table_registry::table]\npub struct Cakes;\n",
    );
    krate.check().passes();
    krate
        .cargo(&["check", "--quiet", "--features", "database"])
        .passes();
}

#[test]
fn an_orphan_behind_a_feature_is_an_error_where_the_feature_is_on() {
    let krate = Crate::sound("feature_orphan");
    krate.write(
        "src/lib.rs",
        "#[cfg(feature = \"database\")]\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write(
        "src/schema/orders.rs",
        "#[table_registry::table]\npub struct Orders;\n",
    );
    krate.check().passes();
    krate.cargo(&["check", "--quiet", "--features", "database"]).fails_with(&[
        "error[E0080]: evaluation panicked: table `orders` is declared in `src/schema/orders.rs`, but the crate does not compile that file",
    ]);
}

#[test]
fn a_forgotten_mod_line_is_one_error_however_many_files_are_below() {
    let krate = Crate::sound("forgotten_mod");
    krate.write(
        "src/schema/orders.rs",
        "#[table_registry::table]\npub struct Orders;\n",
    );
    krate.write("src/schema/mod.rs", "pub mod orders;\npub mod users;\n");
    krate.write("src/lib.rs", "table_registry::table_registry!(\"schema/\");\n");
    krate.check().fails_with(&[
        "error[E0080]: evaluation panicked: tables `orders`, `users` are declared in `src/schema/mod.rs` and below it, but the crate does not compile that file",
    ]);
}

#[test]
fn a_registry_in_a_module_is_an_error_that_says_where_it_belongs() {
    let krate = Crate::sound("in_module");
    krate.write("src/lib.rs", "pub mod schema;\n");
    krate.write(
        "src/schema/mod.rs",
        "pub mod users;\ntable_registry::table_registry!(\".\");\n",
    );
    krate
        .check()
        .says("evaluation panicked: `table_registry!` is not in the crate root");
}

/// `test`, renamed, plays the part of another crate's attribute `table`.
#[test]
fn an_attribute_of_another_crate_is_recognised() {
    let krate = Crate::sound("foreign");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\npub use test as table;\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write("src/schema/mod.rs", "pub mod cakes;\npub mod users;\n");
    krate.write("src/schema/cakes.rs", "#[crate::table]\npub struct Cakes;\n");
    let report = krate.check();
    report.says("table `cakes` is declared in `src/schema/cakes.rs`, but the crate does not compile");
}

#[test]
fn a_renamed_dependency_is_one_error_and_an_option_fixes_it() {
    let krate = Crate::with_other_macros("renamed");
    let root = env!("CARGO_MANIFEST_DIR");
    let manifest = fs::read_to_string(krate.directory.join("Cargo.toml")).unwrap();
    let renamed = format!("registry = {{ package = \"table-registry\", path = {root:?} }}");
    let sound = format!("table-registry = {{ path = {root:?} }}");
    krate.write("Cargo.toml", &manifest.replace(&sound, &renamed));
    krate.write("src/schema/users.rs", "#[registry::table]\npub struct Users;\n");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\nregistry::table_registry!(\"schema/\");\n",
    );
    krate
        .check()
        .fails_with(&["error[E0432]: unresolved import `table_registry`"]);
    krate.write(
        "src/lib.rs",
        "pub mod schema;\nregistry::table_registry!(\"schema/\", crate = ::registry);\n",
    );
    krate.check().passes();
    krate.write(
        "src/lib.rs",
        "#[macro_use]\nextern crate registry;\npub mod schema;\ntable_registry!(\"schema/\", crate = registry);\n",
    );
    krate.write(
        "src/schema/users.rs",
        "#[derive(other::Model)]\n#[table]\npub struct Users;\n",
    );
    krate.check().passes();
}

/// `company` stands for a crate that re-exports our names.
#[test]
fn a_facade_has_to_re_export_the_whole_crate() {
    let krate = Crate::sound("facade");
    krate.write("src/schema/mod.rs", "pub mod orders;\npub mod users;\n");
    krate.write(
        "src/schema/orders.rs",
        "#[crate::company::table]\npub struct Orders<T>(T);\n\
         pub const NAME: &str = <Orders<u8> as crate::company::Table>::NAME;\n",
    );
    let with = |re_export: &str, facade: &str| {
        let text = format!(
            "pub mod schema;\npub mod company {{\n    pub use {re_export};\n}}\n\
             company::table_registry!(\"schema/\", crate = {facade});\n\
             pub const RLS: bool = tables::is_rls(\"users\");\n"
        );
        krate.write("src/lib.rs", &text);
        krate.check()
    };
    let some = "table_registry::{Table, table, table_registry}";
    let report = with(some, "company");
    report
        .fails_with(&["error[E0432]: unresolved import `company::re_export_the_whole_crate_table_registry`"]);
    report.says("company::table_registry!(\"schema/\", crate = company);");
    report.says("^^^^^^^ no `re_export_the_whole_crate_table_registry` in `company`");
    with(some, "crate::compny").fails_with(&["error[E0432]: unresolved import `crate::compny`"]);
    with(some, "::company").fails_with(&["error[E0432]: unresolved import `company`"]);
    with("table_registry::*", "company").passes();
    with(
        "::table_registry::{self, Table, table, table_registry}",
        "company::table_registry",
    )
    .passes();
}

#[test]
fn generic_parameters_under_cfg() {
    let krate = Crate::sound("generics");
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\n\
         pub struct Users<\n\
         #[cfg(feature = \"database\")] 'a,\n\
         #[cfg(feature = \"database\")] T: Copy = u8,\n\
         #[allow(non_camel_case_types)] u: Copy = u8,\n\
         #[cfg(not(feature = \"database\"))] const N: usize = 3,\n\
         >\nwhere\n    u: Into<u8>,\n{\n\
         #[cfg(feature = \"database\")] pub a: &'a T,\n\
         #[cfg(not(feature = \"database\"))] pub a: [u8; N],\n\
         pub b: u,\n}\n\
         pub const NAME: &str = <Users as table_registry::Table>::NAME;\n",
    );
    krate.check().passes();
    krate
        .cargo(&["check", "--quiet", "--features", "database"])
        .passes();
    let parameter = |number| format!("#[cfg(all(any(), feature = \"f{number}\"))] T{number}");
    let conditions = (0..5).map(parameter).collect::<Vec<_>>().join(", ");
    krate.write(
        "src/schema/users.rs",
        &format!("#[table_registry::table]\npub struct Users<{conditions}>;\n"),
    );
    krate
        .check()
        .fails_with(&["error: the generic parameters of this struct have too many conditions"]);
}

#[test]
fn errors_of_the_user_are_the_only_errors() {
    let krate = Crate::sound("user_errors");
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users {\n    id u64\n}\n",
    );
    krate.check().fails_with(&["error: expected `:`, found `u64`"]);
    krate.write("src/schema/users.rs", "#[table]\npub struct Users;\n");
    krate
        .check()
        .fails_with(&["error: cannot find attribute `table` in this scope"]);
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users {\n    id: Uuid,\n}\n",
    );
    krate
        .check()
        .fails_with(&["error[E0425]: cannot find type `Uuid` in this scope"]);
}

#[test]
fn no_artefact_names_the_machine() {
    let krate = Crate::sound("paths");
    krate
        .cargo(&["doc", "--quiet", "--no-deps", "--document-private-items"])
        .passes();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("target/doc/paths/tables/enum.users.html");
    let page = fs::read_to_string(path).unwrap();
    assert!(page.contains("src/schema/users.rs"));
    assert!(!page.contains(env!("CARGO_MANIFEST_DIR")), "{page}");
}

/// A crate with modules that a macro declares if a feature is on, and with a table that every build compiles.
fn modules_behind_a_feature(name: &str, root: &str) -> Crate {
    let krate = Crate::sound(name);
    krate.write(
        "src/lib.rs",
        &format!(
            "#![allow(unused_macros)]\nmacro_rules! bring {{ ($($name:ident)*) => {{ $(pub mod $name;)* }} }}\n{root}\npub mod always;\n\
             table_registry::table_registry!(\"schema/\", \"always/\");\n"
        ),
    );
    krate.write("src/schema/mod.rs", "bring! { users }\n");
    krate.write(
        "src/always/mod.rs",
        "#[table_registry::table]\npub struct Always;\n",
    );
    krate
}

#[test]
fn modules_that_a_macro_declares_behind_a_feature() {
    for (name, root) in [
        ("bring_file", "#[cfg(feature = \"database\")]\npub mod schema;"),
        (
            "bring_path",
            "#[cfg(feature = \"database\")]\n#[path = \"schema/mod.rs\"]\npub mod db;",
        ),
        (
            "bring_inline",
            "#[cfg(feature = \"database\")]\npub mod schema { bring! { users } }",
        ),
    ] {
        let krate = modules_behind_a_feature(name, root);
        let with_feature = ["check", "--quiet", "--features", "database"];
        krate.write(
            "src/schema/orders.rs",
            "#[table_registry::table]\npub struct Orders;\n",
        );
        krate.cargo(&with_feature).fails_with(&[
            "error[E0080]: evaluation panicked: table `orders` is declared in `src/schema/orders.rs`, but the crate does not compile that file",
        ]);
        krate.remove("src/schema/orders.rs");
        krate.cargo(&with_feature).passes();
        krate.check().passes();
    }
}

#[test]
fn a_cfg_in_a_module_that_a_macro_declares() {
    let krate = modules_behind_a_feature("bring_cfg", "bring! { schema }");
    krate.write(
        "src/schema/mod.rs",
        "#[cfg(feature = \"database\")]\npub mod users;\nbring! { orders }\n",
    );
    krate.write(
        "src/schema/orders.rs",
        "#![cfg(feature = \"database\")]\n#[table_registry::table]\npub struct Orders;\n",
    );
    krate.check().passes();
    krate
        .cargo(&["check", "--quiet", "--features", "database"])
        .passes();
}

#[test]
fn an_included_file_is_compiled() {
    let krate = Crate::sound("include");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\n\
         #[cfg(feature = \"database\")]\npub mod more {\n    use table_registry::table;\n    include!(\"schema/more.rs\");\n}\n\
         table_registry::table_registry!(\"schema/\");\n\
         const _: () = assert!(TABLE_NAMES.len() == 2);\n",
    );
    krate.write(
        "src/schema/more.rs",
        "#[derive(PartialEq)]\n#[table]\npub struct More;\n",
    );
    krate.check().passes();
    krate
        .cargo(&["check", "--quiet", "--features", "database"])
        .passes();
}

impl Crate {
    /// A sound crate that depends on a crate `other`. `other` has an attribute `table`, a derive with a helper
    /// attribute `table`, derives without one, attributes that drop, keep, copy or rename their item, and one that turns
    /// its item into a test.
    fn with_other_macros(name: &str) -> Self {
        let krate = Self::sound(name);
        krate.manifest("2024", "other = { path = \"other\" }\n");
        krate.write(
            "other/Cargo.toml",
            "[package]\nname = \"other\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\nproc-macro = true\n",
        );
        krate.write("other/src/lib.rs", OTHER_MACROS);
        krate
    }
}

const OTHER_MACROS: &str = "
use proc_macro::{Ident, Span, TokenStream, TokenTree};

#[proc_macro_attribute]
pub fn table(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

#[proc_macro_attribute]
pub fn dropped(_: TokenStream, _: TokenStream) -> TokenStream {
    TokenStream::new()
}

#[proc_macro_attribute]
pub fn kept(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

#[proc_macro_attribute]
pub fn case(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut test: TokenStream = \"#[cfg(test)] #[test]\".parse().unwrap();
    test.extend(item);
    test
}

/// The struct and a copy whose name ends with `Patch`.
#[proc_macro_attribute]
pub fn copied(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut both = item.clone();
    both.extend(with_name(item, |name| format!(\"{name}Patch\"), None));
    both
}

/// The struct and a copy with the name in the argument.
#[proc_macro_attribute]
pub fn copied_as(name: TokenStream, item: TokenStream) -> TokenStream {
    let Some(TokenTree::Ident(name)) = name.into_iter().next() else { panic!() };
    let mut both = item.clone();
    both.extend(with_name(item, |_| name.to_string(), Some(name.span())));
    both
}

/// Only a struct whose name ends with `Row`.
#[proc_macro_attribute]
pub fn renamed(_: TokenStream, item: TokenStream) -> TokenStream {
    with_name(item, |name| format!(\"{name}Row\"), Some(Span::call_site()))
}

fn with_name(item: TokenStream, name: impl Fn(&str) -> String, span: Option<Span>) -> TokenStream {
    let mut is_name = false;
    let trees = item.into_iter().map(|tree| match tree {
        TokenTree::Ident(old) if std::mem::take(&mut is_name) => {
            Ident::new(&name(&old.to_string()), span.unwrap_or(old.span())).into()
        }
        tree => {
            is_name = tree.to_string() == \"struct\";
            tree
        }
    });
    trees.collect()
}

#[proc_macro_derive(Queryable)]
pub fn queryable(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

#[proc_macro_derive(Model, attributes(table))]
pub fn model(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

#[proc_macro_derive(Rows, attributes(rows))]
pub fn rows(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
";

#[test]
fn attributes_of_other_crates_are_no_tables() {
    let krate = Crate::with_other_macros("other_attributes");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\nconst _: () = assert!(TABLE_NAMES.len() == 1);\n",
    );
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod others;\n");
    for others in [
        "use other::table;\n#[table(name = person, public)]\npub struct Person;\n",
        "use other::table;\n#[table(title = \"x\")]\npub struct Person;\n#[cfg(test)]\nmod tests {\n    use table_registry::table;\n}\n",
        "#[cfg_attr(all(), derive(other::Model))]\n#[table(name = \"person\")]\npub struct Person;\n",
    ] {
        krate.write("src/schema/others.rs", others);
        krate.check().passes();
    }
}

#[test]
fn a_struct_that_is_not_compiled_is_an_error_if_it_looks_like_a_table() {
    let krate = Crate::with_other_macros("other_attributes_like_ours");
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod others;\n");
    for others in [
        "use other::table;\n#[table(name = person)]\npub struct Person;\n",
        "use other::table;\n#[table]\npub struct Person;\n#[cfg(test)]\nmod tests {\n    use table_registry::table;\n}\n",
        "use table_registry::table;\n#[other::dropped]\n#[table]\npub struct Person;\n",
    ] {
        krate.write(
            "src/schema/others.rs",
            &format!("#![allow(unused_imports)]\n{others}"),
        );
        krate.check().fails_with(&[
            "error[E0080]: evaluation panicked: table `person` is declared in `src/schema/others.rs`, but the crate does not compile that struct",
        ]);
    }
}

/// The crate `other`, renamed, stands in for `rustversion`.
#[test]
fn attribute_macros_that_leave_structs_out() {
    let krate = Crate::with_other_macros("left_out");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\nconst _: () = assert!(TABLE_NAMES.len() == 2);\n",
    );
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod others;\n");
    let table = "#[table_registry::table]";
    for others in [
        format!("#[rustversion::dropped]\n{table}\npub struct Person;\n"),
        format!("{table}\n#[rustversion::dropped]\npub struct Person;\n"),
        format!("#[other::dropped]\nmod person {{\n    {table}\n    pub struct Person;\n}}\n"),
        format!(
            "#[rustversion::dropped]\n{table}\npub struct Person;\n#[rustversion::kept]\n{table}\npub struct Person;\n"
        ),
        format!(
            "{table}\n#[rustversion::dropped]\npub struct Person;\n{table}\n#[rustversion::kept]\npub struct Person;\n"
        ),
        format!(
            "#[other::dropped]\n{table}\npub struct Person;\n#[other::kept]\n{table}\npub struct Person;\n"
        ),
    ] {
        krate.write(
            "src/schema/others.rs",
            &format!("#![allow(unused_imports)]\nuse ::other as rustversion;\n{others}"),
        );
        krate.check().passes();
    }
}

#[test]
fn an_attribute_that_another_macro_copies_is_one_error() {
    let krate = Crate::with_other_macros("copied_attribute");
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod people;\n");
    for (attributes, copy, table, above) in [
        (
            "#[other::copied]\n#[table]",
            "PersonPatch",
            "person",
            "#[other::copied]",
        ),
        (
            "#[other::copied]\n#[table(name = \"people\")]",
            "PersonPatch",
            "people",
            "#[other::copied]",
        ),
        (
            "#[other::copied_as(Patch)]\n#[table]",
            "Patch",
            "person",
            "#[other::copied_as]",
        ),
    ] {
        let text = |attributes| format!("use table_registry::table;\n{attributes}\npub struct Person;\n");
        krate.write("src/schema/people.rs", &text(attributes));
        let report = krate.check();
        report.fails_with(&[&format!(
            "error[E0080]: evaluation panicked: a macro makes `{copy}` of `Person` and copies `#[table]`, so both declare table `{table}`"
        )]);
        report.says(&format!(
            "= help: put `#[table]` above `{above}`, which then does not see it"
        ));
        let (outer, inner) = attributes.split_once('\n').unwrap();
        krate.write("src/schema/people.rs", &text(&format!("{inner}\n{outer}")));
        krate.check().passes();
    }
}

#[test]
fn a_struct_that_another_macro_renames_keeps_its_table() {
    let krate = Crate::with_other_macros("renamed_struct");
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod people;\n");
    krate.write(
        "src/schema/people.rs",
        "use table_registry::{Table, table};\n#[other::renamed]\n#[table]\npub struct Person;\n\
         const _: () = assert!(PersonRow::NAME.len() == \"person\".len());\n",
    );
    krate.check().passes();
}

#[test]
fn a_name_that_a_diesel_derive_implies() {
    let krate = Crate::with_other_macros("implied_name");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\npub mod diesel {\n    pub use other::Queryable;\n}\n\
         table_registry::table_registry!(\"schema/\");\n\
         const _: () = assert!(tables::is_rls(\"invoices\") && !tables::is_rls(\"invoice\"));\n",
    );
    krate.write("src/schema/mod.rs", "pub mod users;\npub mod invoices;\n");
    for attributes in [
        "#[derive(Queryable)]\n#[table]",
        "#[table]\n#[derive(Queryable)]",
        "#[cfg_attr(all(), derive(Queryable))]\n#[table]",
        "#[cfg_attr(any(), derive(Queryable))]\n#[table]",
    ] {
        krate.write(
            "src/schema/invoices.rs",
            &format!(
                "#![allow(unused_imports)]\nuse crate::diesel::Queryable;\nuse table_registry::{{Table, table}};\n\
                 {attributes}\npub struct Invoice;\n\
                 const _: () = assert!(Invoice::NAME.len() == \"invoices\".len());\n"
            ),
        );
        krate.check().passes();
    }
}

#[test]
fn a_faulty_attribute_is_one_error_however_it_is_imported() {
    let krate = Crate::with_other_macros("one_error");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\npub mod prelude {\n    pub use table_registry::table;\n}\ntable_registry::table_registry!(\"schema/\");\n",
    );
    let unknown_kind = "error: unknown table kind `trth`";
    let glob = "#![allow(unused_imports)]\nuse crate::prelude::*;\n";
    for policy in ["", "[overrides]\nusers = \"control\"\n"] {
        krate.write("table-registry.toml", policy);
        for (import, attributes, error) in [
            (glob, "#[derive(other::Rows)] #[table(kind = trth)]", unknown_kind),
            (
                "",
                "#[derive(other::Rows)] #[crate::prelude::table(kind = trth)]",
                unknown_kind,
            ),
            (
                glob,
                "#[derive(other::Rows)] #[table(naem = \"users\")]",
                "error: unknown key `naem` in `#[table]`",
            ),
            (
                glob,
                "#[table(name = users)]",
                "error: expected a string literal for `name`, found `users`",
            ),
            (
                glob,
                "#[derive(other::Rows)] #[table(control)]",
                "error: unknown key `control` in `#[table]`",
            ),
            (
                glob,
                "#[table(audience = 1)]",
                "error: unknown key `audience` in `#[table]`",
            ),
            (
                "",
                "#[derive(other::Rows)] #[table]",
                "error: cannot find attribute `table` in this scope",
            ),
            (
                "",
                "#[derive(other::Rows)] #[table(kind = trth)]",
                "error: cannot find attribute `table` in this scope",
            ),
        ] {
            krate.write(
                "src/schema/users.rs",
                &format!("{import}{attributes}\npub struct Users;\n"),
            );
            krate.check().fails_with(&[error]);
        }
    }
}

#[test]
fn wherever_the_attribute_is_imported() {
    let krate = Crate::with_other_macros("imports");
    let table = "#[derive(other::Rows)]\n#[table]\npub struct Users;\n";
    for (root, users) in [
        ("#[macro_use]\nextern crate table_registry;\n", table.to_string()),
        ("", format!("{table}use table_registry::*;\n")),
        (
            "pub mod prelude {\n    pub use table_registry::table;\n}\n",
            format!("{table}use crate::prelude::*;\n"),
        ),
        (
            "pub mod r#mod {\n    pub use table_registry::table;\n}\n",
            format!("use crate::r#mod::r#table;\n{table}"),
        ),
        (
            "pub mod prelude {\n    pub use table_registry::table;\n}\n",
            format!(
                "use crate::prelude::*;\n{table}#[other::case]\nfn test() {{\n    #[table]\n    struct Local;\n}}\n"
            ),
        ),
    ] {
        krate.write(
            "src/lib.rs",
            &format!("{root}pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n"),
        );
        krate.write("src/schema/users.rs", &users);
        krate.check().passes();
    }
}

#[test]
fn a_module_named_tables_in_a_function_does_no_harm() {
    let krate = Crate::sound("tables_in_a_function");
    krate.write(
        "src/lib.rs",
        "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n\
         pub fn count() -> usize {\n    mod tables {\n        pub const COUNT: usize = 1;\n    }\n    tables::COUNT\n}\n",
    );
    krate.check().passes();
}

/// Edition 2018, and a virtual workspace that names no resolver, use cargo's feature resolver 1, which also enables
/// the features that a macro's dependencies ask for.
#[test]
fn a_build_contains_only_the_facade_and_the_vocabulary() {
    let ours = ["table_registry []", "table_registry_core []"];
    let krate = Crate::sound("target_tree");
    for edition in ["2018", "2021", "2024"] {
        krate.manifest(edition, "");
        let packages = krate.packages_for_the_target();
        assert_eq!(packages[0], "target_tree []");
        assert_eq!(packages[1..], ours, "edition {edition}");
    }
    let workspace = Crate::sound("target_tree_workspace");
    let manifest = fs::read_to_string(krate.directory.join("Cargo.toml")).unwrap();
    let member = manifest.replace("[workspace]\n", "");
    workspace.write("member/Cargo.toml", &member);
    workspace.write("member/src/lib.rs", "");
    workspace.write("Cargo.toml", "[workspace]\nmembers = [\"member\"]\n");
    let packages = workspace.packages_for_the_target();
    assert_eq!(packages[0], "target_tree []");
    assert_eq!(packages[1..], ours, "a virtual workspace");
}

/// The compiler suggests types of the unresolved name before modules, and `tables::users` is such a type. At least
/// the suggested path has to be public.
#[test]
fn a_suggested_import_has_a_public_path() {
    let krate = Crate::sound("suggested_import");
    krate.write(
        "src/lib.rs",
        "pub mod db;\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n\
         pub mod caller {\n    pub fn all() {\n        users::all();\n    }\n}\n",
    );
    krate.write("src/db.rs", "pub mod users {\n    pub fn all() {}\n}\n");
    let report = krate.check();
    report.fails_with(&["error[E0433]: cannot find module or crate `users` in this scope"]);
    report.says("use crate::tables::users;");
    assert!(!report.stderr.contains("table_registry"), "{}", report.stderr);
}

#[cfg(unix)]
#[test]
fn sources_behind_a_link() {
    let krate = Crate::sound("linked");
    let sources = krate.directory.join("src");
    fs::create_dir_all(krate.directory.join("some/where")).unwrap();
    fs::rename(&sources, krate.directory.join("some/where/else")).unwrap();
    std::os::unix::fs::symlink("some/where/else", &sources).unwrap();
    krate.check().passes();
    krate.write("table-registry.toml", "[overrides]\nusrs = \"system\"\n");
    krate
        .check()
        .fails_with(&["error: override refers to unknown table `usrs`"]);
}

/// The path by which the compiler reads the file is outside the schema directories, and differs from the path of the
/// scan.
#[cfg(unix)]
#[test]
fn a_struct_in_a_linked_schema_directory() {
    let krate = Crate::sound("linked_schema");
    krate.write(
        "src/lib.rs",
        "#[path = \"../models/users.rs\"]\npub mod users;\n\
         table_registry::table_registry!(\"schema/\");\n\
         const _: () = assert!(matches!(\n    <users::Users<'static, u8> as table_registry::Table>::NAME.as_bytes(),\n    b\"users\"\n));\n",
    );
    krate.write(
        "models/users.rs",
        "pub mod tables {\n    pub trait Row {}\n    impl Row for u8 {}\n}\n\
         #[table_registry::table]\npub struct Users<'a, T>(pub &'a T)\nwhere\n    T: tables::Row;\n",
    );
    fs::remove_dir_all(krate.directory.join("src/schema")).unwrap();
    std::os::unix::fs::symlink("../models", krate.directory.join("src/schema")).unwrap();
    krate.check().passes();
}

#[test]
fn orphans_that_name_each_other_by_path_are_one_error() {
    let krate = Crate::sound("orphan_path");
    let table = |name: &str| format!("#[table_registry::table]\npub struct {name};\n");
    krate.write(
        "src/schema/a.rs",
        &format!("{}#[path = \"odd/b.rs\"]\nmod c;\n", table("A")),
    );
    krate.write("src/schema/odd/b.rs", &table("B"));
    krate.check().fails_with(&[
        "error[E0080]: evaluation panicked: tables `a`, `b` are declared in `src/schema/a.rs` and below it, but the crate does not compile that file",
    ]);
}

#[test]
fn a_path_attribute_on_an_inline_module_hides_no_orphan() {
    let krate = Crate::sound("inline_path");
    let table = |name: &str| format!("#[table_registry::table]\npub struct {name};\n");
    krate.write(
        "src/schema/users.rs",
        &format!(
            "#[path = \"here\"]\npub mod inline {{\n    pub mod deep;\n}}\n{}",
            table("Users")
        ),
    );
    krate.write("src/schema/here/deep.rs", &table("Deep"));
    krate.write("src/schema/lost.rs", &table("Lost"));
    krate.check().fails_with(&[
        "error[E0080]: evaluation panicked: table `lost` is declared in `src/schema/lost.rs`, but the crate does not compile that file",
    ]);
}
