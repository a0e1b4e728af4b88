//! Which files a `mod` line names, and which of them some builds leave out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::parse::Parser;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use super::declare::flatten;
use super::scan::{FoundModule, Scan};
use super::source::clean;

/// A scanned file, as far as the module tree is concerned.
#[derive(Clone, Copy)]
pub struct File<'a> {
    pub path: &'a Path,
    pub text: &'a str,
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
    let positions: BTreeMap<PathBuf, usize> = files
        .iter()
        .enumerate()
        .map(|(position, file)| (clean(file.path), position))
        .collect();
    let mut parents: Vec<Vec<(usize, bool)>> = files.iter().map(|_| Vec::new()).collect();
    for (parent, file) in files.iter().enumerate() {
        for module in &file.scan.modules {
            let (paths, path_is_conditional) = candidates(file, module);
            for child in paths.iter().filter_map(|path| positions.get(path)) {
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
    let beside = file.path.parent().unwrap_or_else(|| Path::new(""));
    let mut own = beside.to_path_buf();
    if !file.is_root {
        own.push(file.path.file_stem().unwrap_or_default());
    }
    let inside = |mut directory: PathBuf| {
        directory.extend(&module.inside);
        directory
    };
    let by_path = path_attributes(file.text, module);
    let is_certain = by_path.iter().any(|(_, conditional)| !conditional);
    let mut paths: Vec<PathBuf> = by_path
        .iter()
        .map(|(path, _)| {
            let base = if module.inside.is_empty() {
                beside.to_path_buf()
            } else {
                inside(own.clone())
            };
            clean(&base.join(path))
        })
        .collect();
    if !is_certain {
        let directory = inside(own.clone());
        paths.push(clean(&directory.join(format!("{}.rs", module.name))));
        paths.push(clean(&directory.join(&module.name).join("mod.rs")));
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

    /// The files that some builds leave out; the first one is the crate root.
    fn conditional_files(files: &[(&str, &str)]) -> Vec<String> {
        let scans: Vec<Scan> = files.iter().map(|(_, text)| scan(text)).collect();
        let files: Vec<File<'_>> = files
            .iter()
            .zip(&scans)
            .map(|((path, text), scan)| File {
                path: Path::new(path),
                text,
                scan,
                is_root: *path == "src/lib.rs" || path.ends_with("mod.rs"),
            })
            .collect();
        let found = files.iter().zip(reach(&files));
        let conditional = found.filter(|(_, reach)| reach.conditional);
        conditional
            .map(|(file, _)| file.path.display().to_string())
            .collect()
    }

    #[test]
    fn a_file_without_a_mod_line_is_not_named() {
        let scans = [scan("mod a;"), scan(""), scan("")];
        let paths = ["src/lib.rs", "src/a.rs", "src/orphan.rs"].map(Path::new);
        let file = |number: usize| File {
            path: paths[number],
            text: "",
            scan: &scans[number],
            is_root: number == 0,
        };
        let named = reach(&[file(0), file(1), file(2)])
            .into_iter()
            .map(|reach| reach.named);
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
