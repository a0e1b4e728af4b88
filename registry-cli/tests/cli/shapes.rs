//! Crates laid out as in real projects. For each, the compiler and this program have to find the same tables, and
//! neither they nor clippy and rustdoc may complain.

use std::fs;
use std::process::Command;

use crate::harness::{Crate, repository, target};

/// One package of the workspace.
struct Shape {
    /// The name of the package, and of its directory.
    name: &'static str,
    /// The keys of its manifest beyond the usual ones.
    manifest: &'static str,
    /// `LIB`, `USERS` and so on stand for the files below.
    files: &'static [(&'static str, &'static str)],
    tables: &'static [&'static str],
}

const ROOT: &str = "pub mod schema;\ntable_registry::table_registry!(\"schema/\");\n";
const PROGRAM: &str = "mod schema;\ntable_registry::table_registry!(\"schema/\");\n\
                       fn main() {\n    let user = schema::users::Users { id: 1 };\n    assert_eq!(user.id, 1);\n}\n";
const MODULES: &str = "//! The tables.\npub mod users;\n";
const USERS: &str = "//! The table `users`.\n/// A row.\n#[table_registry::table]\npub struct Users {\n    /// The key.\n    pub id: i64,\n}\n";
/// The same table, through the facade's path in the crate `company`.
const COMPANY_USERS: &str = "//! The table `users`.\n/// A row.\n#[company::table_registry::table]\npub struct Users {\n    /// The key.\n    pub id: i64,\n}\n";
const GENERATE: &str = "//! Writes the table `orders`.\nfn main() {\n    let out = std::env::var(\"OUT_DIR\").expect(\"cargo sets it\");\n    \
                        let text = \"/// A row.\\n#[table_registry::table]\\npub struct Orders {\\n    /// The key.\\n    pub id: i64,\\n}\\n\";\n    \
                        std::fs::write(format!(\"{out}/orders.rs\"), text).expect(\"it is writable\");\n}\n";

const COMPANY: &str = "company = { path = \"../company\" }";
const MIDDLE: &str = "middle = { path = \"../middle\" }";
/// The same table, through a crate that re-exports `company`.
const MIDDLE_USERS: &str = "//! The table `users`.\n/// A row.\n#[middle::company::table_registry::table]\npub struct Users {\n    /// The key.\n    pub id: i64,\n}\n";
const OTHER: &str = "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\ndescription = \"another crate\"\n\
                     license = \"MIT\"\nrepository = \"https://example.org\"\nreadme = \"../README.md\"\nkeywords = [\"x\"]\n\
                     categories = [\"database\"]\n";

/// A crate that wraps the macro. Its own tables must not be mistaken for those of its users.
const COMPANY_ROOT: &str = "\
pub use table_registry;
pub mod schema;
/// The registry of a crate, from its directories.
#[macro_export]
macro_rules! registry {
    ($($directory:literal),+) => {
        $crate::forward!($($directory),+, crate = $crate::table_registry);
    };
}
/// The registry of a crate that keeps its tables in `schema/`.
#[macro_export]
macro_rules! usual_registry {
    () => {
        $crate::registry!(\"schema/\");
    };
}
#[doc(hidden)]
#[macro_export]
macro_rules! forward {
    ($($arguments:tt)*) => {
        $crate::table_registry::table_registry!($($arguments)*);
    };
}
registry!(\"schema/\");
";

const SHAPES: &[Shape] = &[
    Shape {
        name: "plain",
        manifest: "",
        files: &[
            ("src/lib.rs", ROOT),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "company",
        manifest: "",
        files: &[
            ("src/lib.rs", COMPANY_ROOT),
            (
                "src/schema/mod.rs",
                "//! The tables.\n/// A row.\n#[table_registry::table]\npub struct Templates;\n",
            ),
        ],
        tables: &["templates"],
    },
    Shape {
        name: "wrapped",
        manifest: COMPANY,
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\ncompany::registry!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", COMPANY_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "wrapped-whole",
        manifest: COMPANY,
        files: &[
            ("src/lib.rs", "pub mod schema;\ncompany::usual_registry!();\n"),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", COMPANY_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "wrapped-renamed",
        manifest: COMPANY,
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\nuse company::registry as r;\nr!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", COMPANY_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "wrapped-by-macro-use",
        manifest: COMPANY,
        files: &[
            (
                "src/lib.rs",
                "#[macro_use]\nextern crate company;\npub mod schema;\nregistry! { \"schema/\" }\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", COMPANY_USERS),
        ],
        tables: &["users"],
    },
    // Its own tables, and the wrappers of `company` under other names and paths.
    Shape {
        name: "middle",
        manifest: COMPANY,
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\npub use company;\npub use company::registry as outer;\npub use company::*;\n\
                 company::registry!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", COMPANY_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "re-exported-renamed",
        manifest: MIDDLE,
        files: &[
            ("src/lib.rs", "pub mod schema;\nmiddle::outer!(\"schema/\");\n"),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", MIDDLE_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "re-exported-crate",
        manifest: MIDDLE,
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\nuse middle::company::registry as r;\nr!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", MIDDLE_USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "re-exported-by-glob",
        manifest: MIDDLE,
        files: &[
            ("src/lib.rs", "pub mod schema;\nmiddle::usual_registry!();\n"),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", MIDDLE_USERS),
        ],
        tables: &["users"],
    },
    // The macros of other crates have the same name, and what looks like a second call is none.
    Shape {
        name: "no-second-call",
        manifest: "other.path = \"../other\"",
        files: &[
            ("../other/Cargo.toml", OTHER),
            (
                "../other/src/lib.rs",
                "//! Another crate.\n/// A macro.\n#[macro_export]\nmacro_rules! table_registry {\n    ($($input:tt)*) => {};\n}\n",
            ),
            (
                "src/lib.rs",
                "pub mod schema;\nother::table_registry!(\"nowhere/\");\ntable_registry::table_registry!(\"schema/\");\n\
                 /// A text.\npub const TEXT: &str = stringify!(table_registry!(\"a/\"));\n\
                 macro_rules! template {\n    () => {\n        table_registry!(\"b/\");\n    };\n    ($($input:tt)*) => {};\n}\n\
                 template! { table_registry!(\"c/\"); }\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    // The files of the wrapper lie outside of `src`, and a file that is not compiled has a macro of the same name.
    Shape {
        name: "own-wrapper-elsewhere",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "#[macro_use]\n#[path = \"../macros/outer.rs\"]\nmod outer;\npub mod schema;\nwrapper!();\n",
            ),
            ("macros/outer.rs", "include!(\"inner.inc\");\n"),
            (
                "macros/inner.inc",
                "#[cfg(any())]\nmacro_rules! wrapper {\n    () => {\n        struct Nothing;\n    };\n}\n\
                 #[cfg(not(any()))]\nmacro_rules! wrapper {\n    () => {\n        table_registry::table_registry!(\"schema/\");\n    };\n}\n",
            ),
            (
                "src/a_stray_file.rs",
                "macro_rules! wrapper {\n    () => {};\n}\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "renamed-macro",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\nuse table_registry::table_registry as reg;\nreg!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "own-wrapper",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "#[macro_use]\nmod macros;\n#[cfg(any())]\npub mod schema;\nwrapper!();\n",
            ),
            (
                "src/macros/mod.rs",
                "macro_rules! wrapper {\n    () => {\n        table_registry::table_registry!(\"schema/\");\n    };\n}\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "included-call",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\ninclude!(\"parts/registry.rs\");\n",
            ),
            (
                "src/parts/registry.rs",
                "table_registry::table_registry!(\"../schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "included-structs",
        manifest: "",
        files: &[
            ("src/lib.rs", ROOT),
            (
                "src/schema/mod.rs",
                "//! The tables.\ninclude!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/schema/part.rs\"));\n",
            ),
            (
                "src/schema/part.rs",
                "/// A row.\n#[table_registry::table]\npub struct Users;\n",
            ),
        ],
        tables: &["users"],
    },
    Shape {
        name: "generated",
        manifest: "",
        files: &[
            ("build.rs", GENERATE),
            (
                "src/lib.rs",
                "pub mod schema;\ntable_registry::table_registry!(\"schema/\", env!(\"OUT_DIR\"));\n",
            ),
            (
                "src/schema/mod.rs",
                "//! The tables.\ninclude!(concat!(env!(\"OUT_DIR\"), \"/orders.rs\"));\npub mod users;\n",
            ),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["orders", "users"],
    },
    Shape {
        name: "root-beside-manifest",
        manifest: "[lib]\npath = \"lib.rs\"",
        files: &[
            ("lib.rs", ROOT),
            ("schema/mod.rs", MODULES),
            ("schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "root-outside",
        manifest: "[lib]\npath = \"../outside/lib.rs\"",
        files: &[
            ("../outside/lib.rs", ROOT),
            ("../outside/schema/mod.rs", MODULES),
            ("../outside/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "program",
        manifest: "[[bin]]\nname = \"tool\"\npath = \"tools/tool.rs\"",
        files: &[
            ("tools/tool.rs", PROGRAM),
            ("tools/schema/mod.rs", MODULES),
            ("tools/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "program-in-bin",
        manifest: "",
        files: &[
            ("src/bin/worker/main.rs", PROGRAM),
            ("src/bin/worker/schema/mod.rs", MODULES),
            ("src/bin/worker/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "library-and-program",
        manifest: "",
        files: &[
            ("src/lib.rs", ROOT),
            ("src/main.rs", PROGRAM),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "two-registries",
        manifest: "",
        files: &[
            ("src/lib.rs", ROOT),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
            (
                "src/bin/other/main.rs",
                "table_registry::table_registry!(\"own/\");\nmod own;\nfn main() {\n    assert_eq!(own::Zones(1).0, 1);\n}\n",
            ),
            (
                "src/bin/other/own/mod.rs",
                "/// A row.\n#[table_registry::table]\npub struct Zones(pub i64);\n",
            ),
        ],
        tables: &["users", "zones"],
    },
    Shape {
        name: "optional",
        manifest: "[features]\ndefault = [\"registry\"]\nregistry = []",
        files: &[
            (
                "src/lib.rs",
                "pub mod schema;\n#[cfg(feature = \"registry\")]\ntable_registry::table_registry!(\"schema/\");\n",
            ),
            (
                "src/schema/mod.rs",
                "//! The tables.\n/// A row.\n#[cfg_attr(feature = \"registry\", table_registry::table)]\npub struct Users;\n",
            ),
        ],
        tables: &["users"],
    },
    Shape {
        name: "no-std",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "#![no_std]\npub mod schema;\ntable_registry::table_registry!(\"schema/\");\n",
            ),
            ("src/schema/mod.rs", MODULES),
            ("src/schema/users.rs", USERS),
        ],
        tables: &["users"],
    },
    Shape {
        name: "modules-elsewhere",
        manifest: "",
        files: &[
            (
                "src/lib.rs",
                "#[path = \"schema/all.rs\"]\npub mod tables_of_users;\ntable_registry::table_registry!(\"schema/\");\n",
            ),
            (
                "src/schema/all.rs",
                "//! The tables.\n#[path = \"deep/people.rs\"]\npub mod users;\n",
            ),
            ("src/schema/deep/people.rs", USERS),
        ],
        tables: &["users"],
    },
];

fn workspace() -> Crate {
    let names: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
    let root = repository();
    let made = Crate::with(&[(
        "Cargo.toml",
        &format!(
            "[workspace]\nmembers = {names:?}\nresolver = \"3\"\n\n[workspace.dependencies]\ntable-registry = {{ path = {:?} }}\n",
            root.display().to_string()
        ),
    )]);
    for shape in SHAPES {
        let (dependency, rest) = if [COMPANY, MIDDLE].contains(&shape.manifest) {
            (shape.manifest, "")
        } else {
            ("table-registry.workspace = true", shape.manifest)
        };
        // Clippy's group `cargo` asks for all of these keys.
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\ndescription = \"a shape\"\nlicense = \"MIT\"\n\
             repository = \"https://example.org\"\nreadme = \"../README.md\"\nkeywords = [\"x\"]\ncategories = [\"database\"]\n\n\
             [dependencies]\n{dependency}\n\n{rest}\n",
            shape.name
        );
        made.write(&format!("{}/Cargo.toml", shape.name), &manifest);
        made.write(&format!("{}/table-registry.toml", shape.name), "");
        made.write(&format!("{}/revoke.toml", shape.name), "");
        for (path, text) in shape.files {
            let is_root = text.contains("registry!") && path.ends_with("lib.rs");
            let text = if is_root {
                format!("//! A shape of a crate.\n{text}{}", proof(shape))
            } else {
                (*text).to_string()
            };
            made.write(&format!("{}/{path}", shape.name), &text);
        }
    }
    fs::copy(root.join("Cargo.lock"), made.path().join("Cargo.lock")).unwrap();
    made
}

/// A constant that fails unless the crate has these tables. The command line may see more of a package.
fn proof(shape: &Shape) -> String {
    let is_two = shape.name == "two-registries";
    let tables = if is_two { &shape.tables[..1] } else { shape.tables };
    let known = tables
        .iter()
        .map(|table| format!(" && tables::resolve(\"{table}\").is_some()"));
    let feature = if shape.name == "optional" {
        "#[cfg(feature = \"registry\")]\n"
    } else {
        ""
    };
    format!(
        "{feature}const _: () = assert!(TABLE_NAMES.len() == {}{});\n",
        tables.len(),
        known.collect::<String>()
    )
}

fn cargo(krate: &Crate, arguments: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(krate.path())
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_TERM_COLOR", "never")
        .env("RUSTDOCFLAGS", "-D warnings")
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}\n{errors}");
}

#[test]
fn the_compiler_and_this_program_see_the_same_tables() {
    let krate = workspace();
    cargo(&krate, &["check", "--workspace", "--quiet"]);
    cargo(
        &krate,
        &[
            "clippy",
            "--workspace",
            "--quiet",
            "--",
            "-Dwarnings",
            "-Dclippy::all",
            "-Dclippy::pedantic",
            "-Dclippy::nursery",
            "-Dclippy::cargo",
        ],
    );
    cargo(&krate, &["doc", "--workspace", "--no-deps", "--quiet"]);
    for shape in SHAPES {
        let mut program = crate::harness::program();
        let output = program
            .args(["list", "--format", "json", "-p", shape.name])
            .current_dir(krate.path())
            .env("CARGO_TARGET_DIR", target())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let list: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{}: {error}\n{}",
                shape.name,
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let tables = list["tables"].as_array().unwrap().iter();
        let mut names: Vec<&str> = tables.map(|table| table["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, shape.tables, "{}", shape.name);
    }
}
