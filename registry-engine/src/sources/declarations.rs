//! The structs of a file that declare tables.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, Meta};
use table_registry_core::TableKind;

use super::module_tree::{Reach, ScannedFile};
use super::scan::{FoundStruct, Origin};
use crate::name::TableName;
use crate::report::Diagnostic;
use crate::text::Source;
use crate::written::{self, AllowedLint, Declared, FlatMeta, is_our_crate};

/// A struct with `#[table]`, and where it was found.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The table.
    pub name: TableName,
    /// The kind, before any override.
    pub kind: TableKind,
    /// The struct's name.
    pub ident: String,
    /// Whether some builds may leave the struct out.
    pub conditional: bool,
    /// What has to be checked when the crate is compiled.
    pub check: CompileCheck,
    /// Another name, which a second ORM attribute gives the same table.
    pub other_name: Option<String>,
    /// The name that `#[table]` itself sees in builds where the `cfg_attr` that names the table is
    /// off: the compiler removes it before it expands `#[table]`.
    pub hidden_name: Option<TableName>,
    /// The file.
    pub source: Arc<Source>,
    /// The file's path, relative to the package.
    pub file: String,
    /// Whether the attribute is probably that of another crate, such as a helper of a derive. A
    /// policy entry for the table tells that it is ours all the same.
    pub is_doubtful: bool,
    /// Where no `mod` line leads to the file.
    pub orphan: Option<Orphan>,
    /// Where the struct's name stands in the file.
    pub place: Range<usize>,
    /// Where the attribute stands that holds `#[table]`.
    pub attribute: Range<usize>,
    /// Whether it is a struct at all: an `enum` is a mistake that the compiler reports.
    pub is_struct: bool,
    /// The lints that do not apply to the table.
    pub allowed: Vec<AllowedLint>,
    /// What is wrong with the attribute. The compiler reports these at the exact token
    /// when it expands `#[table]`; others who read sources report them from here.
    pub faults: Vec<Diagnostic>,
}

/// What is known of a file to which no `mod` line leads. Paths are relative to the package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// The file that a `mod` line would have to name, to bring in this one, too.
    pub file: String,
    /// The directory around it that belongs to a module under `cfg`: where no struct in there is
    /// compiled, neither need this file be.
    pub below_cfg: Option<String>,
}

/// What has to be checked about a struct when the crate is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompileCheck {
    /// Nothing: it compiles the struct, or says why not, or some builds leave the struct out.
    None,
    /// That it met the struct, since the attribute may be that of another crate, or another macro
    /// may have dropped it; unless it met no struct at all, for then something else is wrong, and
    /// reported.
    Attribute,
    /// That it met the file, to which no `mod` line leads.
    File,
}

/// All that the schema directories declare. By default nothing, since nothing was read.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// In the order of files and lines.
    pub list: Vec<Declaration>,
    /// Whether every directory and file could be read, and every argument of the call understood. If not, a name
    /// that seems unknown may only be unread.
    pub complete: bool,
    /// Whether the crate root has a module `tables` already.
    pub tables_is_taken: bool,
    /// Files that take part though the compiler may not read them: an edit must recompile the
    /// crate all the same.
    pub unreached: Vec<PathBuf>,
}

impl Declarations {
    /// Those with a fault that the compiler reports when it expands their `#[table]`.
    #[must_use]
    pub fn faulty(&self) -> Vec<Declaration> {
        let is_faulty = |declaration: &&Declaration| !declaration.is_struct || !declaration.faults.is_empty();
        self.list.iter().filter(is_faulty).cloned().collect()
    }
}

/// What a file would declare that every build compiles.
#[must_use]
pub fn declarations_in_text(source: Arc<Source>) -> Vec<Declaration> {
    let file = ScannedFile::new(PathBuf::from(&source.path), source);
    declarations_in(&file, &Reach::Always, false)
}

/// What one file declares. `is_imported` tells whether something outside of the file may bring
/// `#[table]` into scope there.
pub fn declarations_in(file: &ScannedFile, reach: &Reach, is_imported: bool) -> Vec<Declaration> {
    let structs = file.scan.structs.iter();
    structs
        .flat_map(|found| declarations_of(file, found, reach, is_imported))
        .collect()
}

/// One declaration, or none if the tokens are no struct after all, or several where each
/// of several `cfg_attr` holds a `#[table]` of its own.
fn declarations_of(
    file: &ScannedFile,
    found: &FoundStruct,
    reach: &Reach,
    is_imported: bool,
) -> Vec<Declaration> {
    let Some(ident) = ident(&file.source.text[found.ident.clone()]) else {
        return Vec::new();
    };
    let attributes = Attributes {
        metas: metas_of(&file.source.text, found),
        ident,
        found,
        reach,
        is_imported,
    };
    let ours = attributes.ours();
    ours.into_iter()
        .map(|position| attributes.declaration(&file.source, position))
        .collect()
}

/// What the lexer takes for an identifier the compiler may not, beyond ASCII.
fn ident(text: &str) -> Option<Ident> {
    if text.is_ascii() && !text.starts_with("r#") {
        return Some(Ident::new(text, Span::call_site()));
    }
    Ident::parse_any.parse_str(text).ok()
}

fn metas_of(text: &str, found: &FoundStruct) -> Vec<(Range<usize>, FlatMeta)> {
    if let [range] = found.attributes.as_slice()
        && &text[range.clone()] == "#[table]"
    {
        return vec![(range.clone(), written::plain_table())];
    }
    let mut metas = Vec::new();
    for range in &found.attributes {
        let flat = written::flatten_text(&text[range.clone()]);
        metas.extend(flat.into_iter().map(|meta| (range.clone(), meta)));
    }
    metas
}

/// The attributes of one struct.
struct Attributes<'f> {
    metas: Vec<(Range<usize>, FlatMeta)>,
    ident: Ident,
    found: &'f FoundStruct,
    reach: &'f Reach,
    is_imported: bool,
}

/// How certain it is that an attribute called `table` is ours. What is compared first comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Certainty {
    /// Whether no argument of it could only belong to another crate's attribute.
    is_beyond_doubt: bool,
    /// Where its name comes from.
    origin: Origin,
    /// Whether all its arguments have a meaning for us.
    is_understood: bool,
}

impl Attributes<'_> {
    /// The positions of our `#[table]`: one, or several that exclude each other. Other crates have
    /// attributes of the same name; what is most certainly ours wins.
    fn ours(&self) -> Vec<usize> {
        let certainty = |position| Some((self.certainty(position)?, position));
        let candidates: Vec<_> = (0..self.metas.len()).filter_map(certainty).collect();
        let best = candidates.iter().map(|(certainty, _)| *certainty).max();
        let ours = candidates
            .iter()
            .filter(|(certainty, _)| Some(*certainty) == best);
        let ours: Vec<usize> = ours.map(|(_, position)| *position).collect();
        let is_certain = |position: &&usize| !self.metas[**position].1.conditional;
        // Of several, the compiler reports all but the last.
        match ours.iter().rev().find(is_certain) {
            Some(last) => vec![*last],
            None => ours,
        }
    }

    /// How certain it is that an attribute is ours. Nothing if it certainly is not.
    fn certainty(&self, position: usize) -> Option<Certainty> {
        let meta = &self.metas[position].1.meta;
        if !written::is_table(meta) || matches!(meta, Meta::NameValue(_)) {
            return None;
        }
        let origin = self.origin(meta);
        let may_be_ours = self.found.is_struct || origin == Origin::Ours;
        may_be_ours.then(|| Certainty {
            is_beyond_doubt: !self.is_doubtful(meta),
            origin,
            is_understood: written::is_understood(meta),
        })
    }

    fn is_doubtful(&self, meta: &Meta) -> bool {
        match self.origin(meta) {
            Origin::Nowhere => self.found.neighbours.derive || written::has_foreign_key(meta),
            Origin::Unknown => written::has_foreign_key(meta),
            Origin::Ours => false,
        }
    }

    fn origin(&self, meta: &Meta) -> Origin {
        let segments = &meta.path().segments;
        let is_bare = segments.len() == 1;
        let mut names = segments.iter().map(|segment| segment.ident.to_string());
        if !is_bare && names.any(|name| is_our_crate(&name)) {
            Origin::Ours
        } else if !is_bare || self.is_imported || matches!(self.reach, Reach::Never { .. }) {
            // Nobody imports anything into a file that is not compiled.
            self.found.bare_table.max(Origin::Unknown)
        } else {
            self.found.bare_table
        }
    }

    fn declare(&self, position: usize, neighbours: &[&Meta]) -> Declared {
        let arguments = written::table_arguments(&self.metas[position].1.meta);
        written::declare(arguments, neighbours, &self.ident)
    }

    fn declaration(&self, source: &Arc<Source>, position: usize) -> Declaration {
        let (range, own) = &self.metas[position];
        let flat = self.metas.iter().map(|(_, flat)| flat);
        let others = flat.filter(|flat| !written::is_table(&flat.meta));
        let all: Vec<&Meta> = others.clone().map(|flat| &flat.meta).collect();
        let certain: Vec<&Meta> = others
            .filter(|flat| !flat.conditional)
            .map(|flat| &flat.meta)
            .collect();
        let declared = self.declare(position, &all);
        let is_reach_conditional = matches!(
            self.reach,
            Reach::Sometimes
                | Reach::Never {
                    conditional: true,
                    ..
                }
        );
        let conditional = self.found.conditional || own.conditional || is_reach_conditional;
        let is_hidden = !conditional && certain.len() < all.len();
        let hidden_name = is_hidden.then(|| self.declare(position, &certain).name);
        Declaration {
            hidden_name: hidden_name.filter(|hidden| *hidden != declared.name),
            check: if conditional || !source.is_utf8() || !self.found.is_struct {
                CompileCheck::None
            } else {
                self.check(&own.meta)
            },
            is_doubtful: self.is_doubtful(&own.meta),
            name: declared.name,
            other_name: declared.other_name,
            kind: declared.kind,
            ident: self.ident.unraw().to_string(),
            conditional,
            source: Arc::clone(source),
            file: source.path.clone(),
            orphan: None,
            place: self.found.ident.clone(),
            attribute: range.clone(),
            is_struct: self.found.is_struct,
            allowed: declared.allowed,
            faults: declared
                .faults
                .into_iter()
                .map(|fault| {
                    // A fault without a place is about the struct's name.
                    let place = if fault.span.is_some() {
                        range
                    } else {
                        &self.found.ident
                    };
                    fault.at(source, place.clone(), "")
                })
                .collect(),
        }
    }

    fn check(&self, own: &Meta) -> CompileCheck {
        match (self.reach, self.origin(own)) {
            (Reach::Never { .. }, _) => CompileCheck::File,
            (Reach::Unknown, _) => CompileCheck::None,
            (_, Origin::Unknown) => CompileCheck::Attribute,
            (_, Origin::Ours) if self.found.neighbours.macro_above => CompileCheck::Attribute,
            // Without an import the compiler says so.
            (_, Origin::Ours | Origin::Nowhere) => CompileCheck::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, reach: &Reach) -> Vec<Declaration> {
        let source = Arc::new(Source::new("a.rs", text));
        declarations_in(&ScannedFile::new(PathBuf::from("a.rs"), source), reach, false)
    }

    #[test]
    fn faults_of_an_attribute_are_kept_with_their_place() {
        let text = "#[table(kind = trth)]\n#[diesel(table_name = users)]\npub struct User;";
        let found = found(text, &Reach::Always);
        assert_eq!(found.len(), 1);
        let names = (found[0].name.to_string(), found[0].ident.clone());
        assert_eq!(names, ("users".to_string(), "User".to_string()));
        let label = &found[0].faults[0].labels[0];
        assert_eq!(&text[label.range.clone()], "#[table(kind = trth)]");
    }

    #[test]
    fn which_attributes_are_ours() {
        for (text, kinds) in [
            (
                "#[table(title = \"x\")] #[table_registry::table(kind = link)] struct A;",
                "link",
            ),
            (
                "#[cfg_attr(a, table(kind = link))] #[cfg_attr(b, table(kind = control))] struct A;",
                "link control",
            ),
            ("#[cfg_attr(a, table(kind = link))] #[table] struct A;", "truth"),
            (
                "#[table(title = \"x\")] #[cfg_attr(a, table_registry::table(kind = link))] struct A;",
                "link",
            ),
            (
                "use table_registry::table; #[derive(Model)] #[table(kind = link)] struct A;",
                "link",
            ),
            (
                "use table_registry::table; #[derive(Model)] #[table(kind = lnk)] struct A;",
                "truth",
            ),
            ("#[derive(Debug, Clone)] #[table] struct A;", "truth"),
            ("#[derive(Model)] #[table = \"users\"] struct A;", ""),
            ("#[derive(Model)] #[table(name = \"users\")] struct A;", ""),
            ("use x::*; #[derive(Model)] #[table(title = \"x\")] struct A;", ""),
            ("#[helpers::table(name = person, public)] struct A;", ""),
            ("use x::table; #[table(name = person, public)] struct A;", ""),
            (
                "use x::table; #[table(kind = lnk, naem = \"x\")] struct A;",
                "truth",
            ),
            ("use x::table; #[table(control)] struct A;", "truth"),
            ("use x::table; #[table(\"a\")] struct A;", ""),
            ("#[cfg_attr(x, derive(Model))] #[table] struct A;", ""),
            (
                "#[derive(Model)] #[table(kind = link)] struct A; use x::*;",
                "link",
            ),
            ("use x::table; #[table] enum A {}", ""),
        ] {
            let found = found(text, &Reach::Always);
            let certain = found.iter().filter(|declaration| !declaration.is_doubtful);
            let kinds_found: Vec<&str> = certain.map(|declaration| declaration.kind.as_str()).collect();
            assert_eq!(kinds_found.join(" "), kinds, "{text}");
        }
    }

    #[test]
    fn what_the_compiler_has_to_prove() {
        let never = |conditional| Reach::Never {
            orphan: 0,
            conditional,
            below_cfg: None,
        };
        for (text, reach, check) in [
            (
                "#[table_registry::table] struct A;",
                Reach::Always,
                CompileCheck::None,
            ),
            (
                "use table_registry::table; #[table] struct A;",
                Reach::Always,
                CompileCheck::None,
            ),
            ("#[table] struct A;", Reach::Always, CompileCheck::None),
            (
                "use crate::prelude::*; #[table] struct A;",
                Reach::Always,
                CompileCheck::Attribute,
            ),
            (
                "#[facade::table] struct A;",
                Reach::Always,
                CompileCheck::Attribute,
            ),
            ("#[facade::table] struct A;", Reach::Sometimes, CompileCheck::None),
            (
                "#[cfg(a)] #[facade::table] struct A;",
                Reach::Always,
                CompileCheck::None,
            ),
            (
                "#[derive(Model)] #[table] struct A;",
                never(false),
                CompileCheck::File,
            ),
            (
                "#[table_registry::table] struct A;",
                never(false),
                CompileCheck::File,
            ),
            (
                "use table_registry::table; #[x] #[table] struct A;",
                Reach::Always,
                CompileCheck::Attribute,
            ),
            ("#[x] #[table] struct A;", Reach::Always, CompileCheck::None),
            (
                "#[table_registry::table] struct A;",
                never(true),
                CompileCheck::None,
            ),
            (
                "#[cfg(a)] #[table_registry::table] struct A;",
                never(false),
                CompileCheck::None,
            ),
        ] {
            assert_eq!(found(text, &reach)[0].check, check, "{text}");
        }
    }
}
