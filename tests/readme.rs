//! What the README and the page on tenancy show is the code of examples, and links lead somewhere. The other pages of the
//! guide are followed step by step by the tests of the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use table_registry_engine::{Code, Fault, Policy, Source, Tenants};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of the README in one language, without the fences.
fn blocks(language: &str) -> Vec<String> {
    blocks_of("README.md", language)
}

fn blocks_of(page: &str, language: &str) -> Vec<String> {
    let text = read(page);
    let fence = format!("```{language}\n");
    let starts = text.split(fence.as_str()).skip(1);
    starts
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The path and the content of a block that starts with a path in a comment, in the file's language.
fn named(block: &str, comment: &str) -> Option<(PathBuf, String)> {
    let (first, content) = block.split_once('\n')?;
    let path = first.strip_prefix(comment)?.trim();
    Some((Path::new("examples/quickstart").join(path), content.to_owned()))
}

/// A file without the comments and inner attributes at its top, which readers of the README need not see.
fn without_preamble(content: &str) -> String {
    let lines: Vec<&str> = content.lines().collect();
    let preamble = |line: &&str| line.starts_with("//!") || line.starts_with("#![") || line.is_empty();
    let start = lines.iter().position(|line| !preamble(line)).unwrap_or(0);
    lines[start..].join("\n") + "\n"
}

/// Everything that a reader needs to follow the example, except the manifest.
fn files_of_the_quickstart() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::from("examples/quickstart")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let path = directory.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                directories.push(path);
            } else if !path.ends_with("Cargo.toml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_example_is_the_quickstart() {
    let rust = blocks("rust");
    let toml = blocks("toml");
    assert_eq!((rust.len(), toml.len()), (3, 3), "a block is not compared here");
    let rust_files = rust.iter().filter_map(|block| named(block, "// "));
    let toml_files = toml.iter().filter_map(|block| named(block, "# "));
    let files: Vec<_> = rust_files.chain(toml_files).collect();
    let mut paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    paths.sort();
    assert_eq!(paths, files_of_the_quickstart());
    for (path, content) in files {
        assert_eq!(content, without_preamble(&read(&path)), "{}", path.display());
    }
}

/// The blocks of a page that start with this line, without it, with an empty line between them.
fn joined(blocks: &[String], first_line: &str) -> String {
    let parts = blocks.iter().filter_map(|block| block.strip_prefix(first_line));
    parts.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_of_tenancy_is_the_document() {
    let (rust, toml) = (
        blocks_of("docs/src/tenancy.md", "rust"),
        blocks_of("docs/src/tenancy.md", "toml"),
    );
    let file = |path: &str| read(Path::new("examples/tenancy").join(path));
    let structs: Vec<String> = rust
        .iter()
        .filter(|block| !block.starts_with("// "))
        .cloned()
        .collect();
    let schema = file("src/schema/mod.rs");
    let (_, declared) = schema.split_once("use uuid::Uuid;\n\n").unwrap();
    assert_eq!(structs.join("\n"), declared);
    let test = file("tests/registry.rs");
    assert_eq!(joined(&rust, "// tests/registry.rs\n"), without_preamble(&test));
    for path in ["table-registry.toml", "revoke.toml", "table-registry.lock"] {
        assert_eq!(joined(&toml, &format!("# {path}\n")), file(path), "{path}");
    }
    let single = joined(&toml, "# table-registry.toml of a database of one tenant\n");
    let (mut policy, mut faults) = (Policy::default(), Vec::new());
    policy.read_main(&Arc::new(Source::new("single", single)), &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    assert!(matches!(policy.tenancy.tenants, Tenants::One));
}

#[test]
fn the_dependency_line_names_this_version() {
    let (major_minor, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    let line = format!("[dependencies]\ntable-registry = \"{major_minor}\"\n");
    assert!(blocks("toml").contains(&line), "{line}");
    let minimum = format!("the libraries alone need {}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(read("README.md").contains(&minimum), "{minimum}");
}

#[test]
fn ci_runs_both_commands() {
    let ci = read(".ci/run");
    let commands = blocks("sh").concat();
    assert_eq!(commands.lines().count(), 2);
    for command in commands.lines() {
        assert!(ci.lines().any(|line| line == command), "{command}");
    }
}

/// A code that is in no expected error has a test elsewhere, named here.
#[test]
fn every_code_is_in_an_expected_error() {
    let elsewhere = [
        (Fault::NotInCrateRoot, "tests/cargo.rs"),
        (Fault::UnknownLocation, "registry-macros/src/registry.rs"),
        (
            Fault::UnreadableDirectory,
            "registry-engine/src/report/reading.rs",
        ),
        (Fault::UnreadableFile, "tests/cargo.rs"),
        (Fault::CopiedAttribute, "tests/cargo.rs"),
    ];
    let categories = fs::read_dir(root().join("tests/ui")).unwrap();
    let cases = categories.flat_map(|category| fs::read_dir(category.unwrap().path()).into_iter().flatten());
    let errors = cases.filter_map(|case| fs::read_to_string(case.unwrap().path().join("main.stderr")).ok());
    let expected: String = errors.collect();
    let directories = ["tests/cli", "src/lint/rules", "src/database/checks"];
    let tests = directories.iter().flat_map(|directory| {
        let files = fs::read_dir(root().join("registry-cli").join(directory)).unwrap();
        files.filter_map(|file| rust(&file.unwrap().path()))
    });
    let command_line: String = tests.collect();
    for code in Code::all() {
        let is_elsewhere = elsewhere.iter().any(|(other, _)| code == (*other).into())
            || command_line.contains(&format!("diagnostic code `{code}`"))
            || command_line.contains(&format!("warning {code} "))
            || command_line.contains(&format!("error {code} "))
            || command_line.contains(&format!("\"{code} "))
            || command_line.contains(&format!("[\"code\"] == \"{code}\""));
        let is_expected = expected.contains(&format!("diagnostic code `{code}`"));
        assert!(is_expected || is_elsewhere, "no case for {code}");
    }
}

/// The text of a file, if it is Rust.
fn rust(file: &Path) -> Option<String> {
    let is_rust = file.extension().is_some_and(|extension| extension == "rs");
    is_rust.then(|| fs::read_to_string(file).unwrap())
}

/// The pages of the guide.
fn guide() -> Vec<String> {
    let files = fs::read_dir(root().join("docs/src")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let names = texts.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let mut pages: Vec<String> = names.collect();
    pages.sort();
    pages
}

#[test]
fn links_lead_to_files() {
    let mut pages: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .to_vec();
    pages.extend(guide().iter().map(|page| format!("docs/src/{page}")));
    for page in pages {
        let text = read(&page);
        let directory = root().join(&page).with_file_name("");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = directory.join(path);
            assert!(file.exists(), "{page}: {target}");
            if !heading.is_empty() {
                let linked = if path.is_empty() { text.clone() } else { read(file) };
                assert!(has_heading(&linked, heading), "{page}: {target}");
            }
        }
    }
}

#[test]
fn the_guide_has_a_table_of_contents() {
    let summary = read("docs/src/SUMMARY.md");
    for page in guide().iter().filter(|page| *page != "SUMMARY.md") {
        assert!(summary.contains(&format!("]({page})")), "{page}");
    }
}

/// What green says stands in three places, in the same words.
#[test]
fn what_green_says_is_the_same_everywhere() {
    let words = |page: &str| {
        let text = read(page);
        let start = text.find("**What green says.**").expect(page);
        let said = text[start..].split("\n## ").next().unwrap();
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let readme = words("README.md");
    assert_eq!(readme, words("docs/src/green.md"));
    assert_eq!(readme, words("registry-cli/src/database/checks/open_policy.md"));
}

#[test]
fn the_readme_is_short() {
    assert!(read("README.md").lines().count() <= 150);
}

/// Whether a page has a heading with this anchor, as GitHub makes it.
fn has_heading(page: &str, anchor: &str) -> bool {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    let mut anchors = headings.map(|heading| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.replace(' ', "-");
        kept.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
    });
    anchors.any(|found| found == anchor)
}
