//! Which file a `mod` line names, and which file's `mod` lines lead into a directory: the rules of the Rust reference,
//! items.mod.outlined, and of `mod_dir_path` in the compiler. The module tree and the command line both use this.

use std::path::{Path, PathBuf};

use syn::{Expr, ExprLit, Lit, Meta};

use crate::call_site::CallSite;
use crate::text::{Root, clean};
use crate::written::flatten_text;

/// The directory in which the modules of a file or of an inline module lie.
#[derive(Clone)]
pub struct ModuleDirectory {
    /// What a `path` attribute is relative to.
    base: PathBuf,
    /// The folder in `base` for modules without a `path` attribute, if it is not `base` itself.
    folder: Option<PathBuf>,
}

impl ModuleDirectory {
    /// For a file whose modules lie beside it: the crate root, a `mod.rs`, or a file that a `path` attribute or
    /// `include!` names.
    pub fn beside(file: &Path) -> Self {
        Self {
            base: parent(file).to_path_buf(),
            folder: None,
        }
    }

    /// For any other file: its modules lie in a folder with its name.
    pub fn below(file: &Path) -> Self {
        Self {
            base: parent(file).to_path_buf(),
            folder: file.file_stem().map(PathBuf::from),
        }
    }

    /// For an inline module in this one.
    pub fn of_inline(&self, name: &str, path: Option<&str>) -> Self {
        let base = match path {
            Some(path) => self.base.join(path),
            None => self.for_modules().join(name),
        };
        Self { base, folder: None }
    }

    /// The directory for modules without a `path` attribute.
    pub fn for_modules(&self) -> PathBuf {
        self.base.join(self.folder.as_deref().unwrap_or(Path::new("")))
    }

    /// The file that a `path` attribute names.
    pub fn at(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }
}

pub fn parent(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// The files that `mod name;` can mean if the modules lie in `directory`. One of them has to exist.
#[must_use]
pub fn module_candidates(directory: &Path, name: &str) -> [PathBuf; 2] {
    [
        directory.join(format!("{name}.rs")),
        directory.join(name).join("mod.rs"),
    ]
}

/// Whether the name of a file alone decides that its modules lie beside it.
pub fn is_mod_rs(file: &Path) -> bool {
    file.ends_with("mod.rs")
}

/// The file whose `mod` lines lead into a clean directory, by the names of the files that exist: the crate root for
/// its own directory, or else `schema.rs` or `schema/mod.rs` for `schema/`.
#[must_use]
pub fn file_leading_into(call: &CallSite, directory: &Path) -> Option<PathBuf> {
    if directory == clean(parent(call.crate_root())) {
        return Some(call.crate_root().to_path_buf());
    }
    let name = directory.file_name()?.to_string_lossy();
    let mut candidates = module_candidates(parent(directory), &name).into_iter();
    candidates.find(|file| call.root().has_file(file))
}

/// The name of the module that a file or directory can be in the directory around it: `users` for `users.rs` and for
/// `users/mod.rs`.
#[must_use]
pub fn module_at(root: &Root, path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    if !root.has_directory(path) {
        return name.strip_suffix(".rs").map(str::to_string);
    }
    let [_, in_folder] = module_candidates(parent(path), &name);
    root.has_file(&in_folder).then(|| name.into_owned())
}

/// `#[path = "…"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathAttribute {
    /// The path, relative to the directory of the file or inline module.
    pub path: String,
    /// Whether a `cfg_attr` holds the attribute.
    pub conditional: bool,
}

/// The `path` attributes among the attributes of a module.
#[must_use]
pub fn path_attributes(attributes: &str) -> Vec<PathAttribute> {
    let attributes = flatten_text(attributes).into_iter();
    let paths = attributes.filter_map(|attribute| match attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path), ..
            }) => Some(PathAttribute {
                path: path.value(),
                conditional: attribute.conditional,
            }),
            _ => None,
        },
        _ => None,
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_attribute_is_no_comment_and_may_be_conditional() {
        for (attributes, path, conditional) in [
            (
                "/// The path = \"a\".\n#[path = \"odd name.rs\"]",
                "odd name.rs",
                false,
            ),
            ("#[cfg_attr(x, path = \"b.rs\")]", "b.rs", true),
        ] {
            let expected = PathAttribute {
                path: path.to_string(),
                conditional,
            };
            assert_eq!(path_attributes(attributes), [expected], "{attributes}");
        }
        assert_eq!(path_attributes("/// The path.\n"), []);
    }

    #[test]
    fn the_modules_of_each_kind_of_file() {
        let beside = ModuleDirectory::beside(Path::new("src/a/mod.rs"));
        let below = ModuleDirectory::below(Path::new("src/a.rs"));
        for directory in [&beside, &below] {
            assert_eq!(directory.for_modules(), Path::new("src/a"));
        }
        assert_eq!(beside.at("x.rs"), Path::new("src/a/x.rs"));
        assert_eq!(below.at("x.rs"), Path::new("src/x.rs"));
        assert_eq!(below.of_inline("b", None).at("x.rs"), Path::new("src/a/b/x.rs"));
        assert_eq!(below.of_inline("b", Some("c")).for_modules(), Path::new("src/c"));
    }

    #[test]
    fn files_of_this_crate() {
        let call = CallSite::new(Root::current(), "src/lib.rs");
        for (directory, file) in [
            ("src", Some("src/lib.rs")),
            ("src/sources", Some("src/sources/mod.rs")),
            ("tests", None),
        ] {
            let found = file_leading_into(&call, Path::new(directory));
            assert_eq!(found.as_deref(), file.map(Path::new), "{directory}");
        }
        for (path, module) in [
            ("src/sources", Some("sources")),
            ("src/name.rs", Some("name")),
            ("tests", None),
            ("Cargo.toml", None),
        ] {
            let found = module_at(&Root::current(), Path::new(path));
            assert_eq!(found.as_deref(), module, "{path}");
        }
    }
}
