//! Which files a `mod` line names, and which of them some builds leave out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::parse::Parser;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use super::declare::flatten;
use super::scan::{FoundModule, Scan};
use super::source::{Source, display};

/// A scanned file, as far as the module tree is concerned.
#[derive(Clone, Copy)]
pub struct File<'a> {
    pub source: &'a Source,
    pub scan: &'a Scan,
    /// Whether its modules lie beside it and not in a folder of its name:
    /// `lib.rs`, `main.rs`, `mod.rs`, and whatever file invokes the macro.
    pub is_root: bool,
}

/// How the compiler gets to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reach {
    /// Whether a `mod` line that was read leads to the file.
    pub named: bool,
    /// Whether it is compiled only under some condition: it says so itself, or every `mod` line
    /// that leads to it does.
    pub conditional: bool,
}

/// The reach of each file.
pub fn reach(files: &[File<'_>]) -> Vec<Reach> {
    let paths = files.iter().map(|file| file.source.path.as_str());
    let positions: BTreeMap<&str, usize> = paths.zip(0..).collect();
    let mut parents: Vec<Vec<(usize, bool)>> = files.iter().map(|_| Vec::new()).collect();
    for (parent, file) in files.iter().enumerate() {
        for module in &file.scan.modules {
            let (paths, path_is_conditional) = candidates(file, module);
            for child in paths
                .iter()
                .filter_map(|path| positions.get(display(path).as_str()))
            {
                parents[*child].push((parent, module.conditional || path_is_conditional));
            }
        }
    }
    let conditional = propagate(files, &parents);
    let named = parents.iter().map(|lines| !lines.is_empty());
    let reach = named.zip(conditional);
    reach
        .map(|(named, conditional)| Reach { named, conditional })
        .collect()
}

fn propagate(files: &[File<'_>], parents: &[Vec<(usize, bool)>]) -> Vec<bool> {
    let mut conditional: Vec<bool> = files.iter().map(|file| file.scan.conditional).collect();
    loop {
        let mut changed = false;
        for (child, lines) in parents.iter().enumerate() {
            let by_lines =
                !lines.is_empty() && lines.iter().all(|(parent, line)| *line || conditional[*parent]);
            if by_lines && !conditional[child] {
                conditional[child] = true;
                changed = true;
            }
        }
        if !changed {
            return conditional;
        }
    }
}

/// Where the module of a `mod` line may be, and whether a `cfg_attr` decides it.
/// The rules are those of the Rust reference, items.mod.outlined.
fn candidates(file: &File<'_>, module: &FoundModule) -> (Vec<PathBuf>, bool) {
    let path = Path::new(&file.source.path);
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    let mut own = beside.to_path_buf();
    if !file.is_root {
        own.push(path.file_stem().unwrap_or_default());
    }
    let inside = |mut directory: PathBuf| {
        directory.extend(&module.inside);
        directory
    };
    let by_path = path_attributes(&file.source.text, module);
    let is_certain = by_path.iter().any(|(_, conditional)| !conditional);
    let mut paths: Vec<PathBuf> = by_path
        .iter()
        .map(|(path, _)| {
            let base = if module.inside.is_empty() {
                beside.to_path_buf()
            } else {
                inside(own.clone())
            };
            base.join(path)
        })
        .collect();
    if !is_certain {
        let directory = inside(own.clone());
        paths.push(directory.join(format!("{}.rs", module.name)));
        paths.push(directory.join(&module.name).join("mod.rs"));
    }
    (paths, !by_path.is_empty() && !is_certain)
}

/// The values of `#[path = "…"]`, and whether a `cfg_attr` holds each.
fn path_attributes(text: &str, module: &FoundModule) -> Vec<(String, bool)> {
    let mut paths = Vec::new();
    for range in &module.attributes {
        let attributes = Attribute::parse_outer
            .parse_str(&text[range.clone()])
            .unwrap_or_default();
        for flat in flatten(attributes) {
            if let Meta::NameValue(pair) = &flat.meta
                && pair.path.is_ident("path")
                && let Expr::Lit(ExprLit {
                    lit: Lit::Str(path), ..
                }) = &pair.value
            {
                paths.push((path.value(), flat.conditional));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::scan::scan;

    /// The reach of each file; the first one is the crate root.
    fn reach_of<'p>(files: &[(&'p str, &str)]) -> Vec<(&'p str, Reach)> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::new(*path, *text))
            .collect();
        let scans: Vec<Scan> = files.iter().map(|(_, text)| scan(text)).collect();
        let found = sources.iter().zip(&scans);
        let files_in: Vec<File<'_>> = found
            .map(|(source, scan)| File {
                source,
                scan,
                is_root: source.path == files[0].0 || source.path.ends_with("mod.rs"),
            })
            .collect();
        files
            .iter()
            .map(|(path, _)| *path)
            .zip(reach(&files_in))
            .collect()
    }

    /// The files that some builds leave out.
    fn conditional_files<'p>(files: &[(&'p str, &str)]) -> Vec<&'p str> {
        let reach = reach_of(files).into_iter();
        reach
            .filter(|(_, reach)| reach.conditional)
            .map(|(path, _)| path)
            .collect()
    }

    #[test]
    fn a_file_without_a_mod_line_is_not_named() {
        let files = [("src/lib.rs", "mod a;"), ("src/a.rs", ""), ("src/orphan.rs", "")];
        let named = reach_of(&files).into_iter().map(|(_, reach)| reach.named);
        assert_eq!(named.collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_condition_reaches_everything_below() {
        let files = [
            ("src/lib.rs", "#[cfg(a)] mod schema;"),
            ("src/schema/mod.rs", "mod users; mod deep;"),
            ("src/schema/users.rs", "mod inner;"),
            ("src/schema/users/inner.rs", ""),
            ("src/schema/deep/mod.rs", ""),
            ("src/schema/orphan.rs", ""),
        ];
        assert_eq!(
            conditional_files(&files),
            [
                "src/schema/mod.rs",
                "src/schema/users.rs",
                "src/schema/users/inner.rs",
                "src/schema/deep/mod.rs"
            ]
        );
    }

    #[test]
    fn one_unconditional_line_is_enough() {
        let files = [
            (
                "src/lib.rs",
                "#[cfg(a)] mod a; #[cfg(not(a))] #[path = \"a.rs\"] mod b; #[path = \"./c.rs\"] mod d; #[cfg(x)] mod c;",
            ),
            ("src/a.rs", ""),
            ("src/c.rs", ""),
        ];
        assert_eq!(conditional_files(&files), ["src/a.rs"]);
    }

    #[test]
    fn paths_and_inline_modules() {
        let files = [
            (
                "src/lib.rs",
                "#[cfg_attr(unix, path = \"unix.rs\")] mod os; #[cfg(a)] mod x { mod y; #[path = \"z.rs\"] mod q; }",
            ),
            ("src/unix.rs", ""),
            ("src/os.rs", ""),
            ("src/x/y.rs", ""),
            ("src/x/z.rs", ""),
            ("src/z.rs", ""),
        ];
        assert_eq!(
            conditional_files(&files),
            ["src/unix.rs", "src/os.rs", "src/x/y.rs", "src/x/z.rs"]
        );
    }

    #[test]
    fn modules_in_a_circle_end() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "#[path = \"a.rs\"] #[cfg(b)] mod a;"),
        ];
        assert_eq!(conditional_files(&files), [""; 0]);
    }
}
