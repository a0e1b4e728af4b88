//! The reference tables in the guide and in the documentation of the macros match the definitions in the engine.
//!
//! `SNAPSHOTS=overwrite cargo test --test reference` writes them; read the diff.

use std::fs;
use std::path::{Path, PathBuf};

use table_registry::TableKind;
use table_registry_engine::{ARRAYS, CALL_ARGUMENTS, LOOK_UPS, TABLE_ARGUMENTS};

fn table(header: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let columns = header.matches(" | ").count() + 1;
    let line = |cells: &str| format!("| {cells} |\n");
    let lines = rows.into_iter().map(|cells| line(&cells.join(" | ")));
    line(header) + "|" + &"---|".repeat(columns) + "\n" + &lines.collect::<String>()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table_arguments() -> String {
    let arguments = TABLE_ARGUMENTS.iter();
    arguments_table(arguments.map(|argument| [argument.form, argument.meaning, argument.default]))
}

fn call_arguments() -> String {
    let arguments = CALL_ARGUMENTS.iter();
    arguments_table(arguments.map(|argument| [argument.form, argument.meaning, argument.default]))
}

fn arguments_table<'a>(arguments: impl Iterator<Item = [&'a str; 3]>) -> String {
    let rows = arguments.map(|[form, meaning, default]| vec![code(form), meaning.into(), default.into()]);
    table("argument | meaning | default", rows)
}

fn generated_items() -> String {
    let arrays = ARRAYS.iter().map(|array| (array.form(), array.meaning));
    let setting = (
        "TENANT_SETTING: Option<&str>".to_owned(),
        "the setting that holds the tenant; nothing in a database of one tenant, and without `[tenancy]`",
    );
    let keys = (
        "tables::users".to_owned(),
        "an uninhabited type for each table: its typed key, which implements `Table`",
    );
    let look_ups = LOOK_UPS.iter().map(|look_up| (look_up.form(), look_up.meaning));
    let items = arrays.chain([setting, keys]).chain(look_ups);
    table(
        "item | content",
        items.map(|(form, meaning)| vec![code(&form), meaning.into()]),
    )
}

/// A file of the quickstart as an example for a documentation comment. It is compiled in the package of the
/// quickstart.
fn example(file: &str) -> String {
    let content = read(&Path::new("examples/quickstart").join(file));
    let lines = content
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.starts_with("#![") || line.is_empty());
    let code: Vec<&str> = lines.collect();
    format!("```rust,ignore\n// {file}\n{}\n```\n", code.join("\n"))
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn is_written(path: &Path, expected: &str) {
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), expected).unwrap();
    }
    let message = format!(
        "{}: `SNAPSHOTS=overwrite cargo test --test reference` writes it",
        path.display()
    );
    assert_eq!(read(path), expected, "{message}");
}

#[test]
fn the_documentation_of_the_macros() {
    let directory = PathBuf::from("registry-macros/src/docs");
    for (file, text) in [
        ("table_arguments.md", table_arguments()),
        ("table_example.md", example("src/schema/mod.rs")),
        ("call_arguments.md", call_arguments()),
        ("generated_items.md", generated_items()),
        ("call_example.md", example("src/lib.rs")),
    ] {
        is_written(&directory.join(file), &text);
    }
}

/// A table of the guide stands between `<!-- reference: name -->` and `<!-- end -->`.
#[test]
fn the_tables_of_the_guide() {
    let path = Path::new("docs/src/macros.md");
    let mut page = read(path);
    for (name, text) in [
        ("#[table] arguments", table_arguments()),
        ("table_registry! arguments", call_arguments()),
        ("generated items", generated_items()),
    ] {
        let start = format!("<!-- reference: {name} -->\n");
        let (before, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {start}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        page = format!("{before}{start}\n{text}\n<!-- end -->{after}");
    }
    is_written(path, &page);
}

/// The front page of the documentation is the first part of the README, without its pictures and with the way to the
/// macros.
#[test]
fn the_front_page_of_the_documentation() {
    let readme = read(Path::new("README.md"));
    let (first, _) = readme.split_once("\n## Try it\n").unwrap();
    let (_, text) = first.split_once('\n').unwrap();
    let without_pictures = text.replace(":\n\n![", ".\n\n![");
    let lines = without_pictures.lines().filter(|line| !line.starts_with("!["));
    let page = lines.collect::<Vec<_>>().join("\n");
    let page = page
        .replace("```rust\n", "```rust,ignore\n")
        .replace("\n\n\n", "\n\n")
        // No file of the repository is beside the documentation.
        .replace(
            "[the first day](docs/src/first-day.md)",
            "`docs/src/first-day.md`",
        );
    assert!(!page.contains("](docs/"), "a link leads nowhere");
    is_written(Path::new("src/front_page.md"), page.trim_start());
}

#[test]
fn every_kind_is_in_the_guide_with_its_row_level_security() {
    let page = read(Path::new("docs/src/kinds.md"));
    for kind in TableKind::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")));
        let secured = if kind.row_level_security() { "yes" } else { "no" };
        assert!(
            row.is_some_and(|row| row.contains(&format!(" | {secured} | "))),
            "{row:?}"
        );
    }
}
