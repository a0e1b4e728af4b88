//! The declarations of tables in a file.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream};
use ra_ap_rustc_lexer::TokenKind;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, Meta};
use table_registry_core::TableKind;

use super::module_tree::{Reachability, ScannedFile};
use super::scan::{FoundStruct, Origin};
use crate::name::TableName;
use crate::report::Diagnostic;
use crate::text::{Source, Token, tokens, until_closed};
use crate::written::{self, AllowedLint, Declared, FlatMeta, WrittenTenant, is_our_crate};

/// A struct with `#[table]`.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name of the table.
    pub name: TableName,
    /// The kind, before any override.
    pub kind: TableKind,
    /// The struct's name.
    pub ident: String,
    /// Whether some builds leave the struct out.
    pub left_out: LeftOut,
    /// Whether the struct is in a function, or in the input of a macro that may put it into one.
    pub is_in_body: bool,
    /// What has to be checked when the crate is compiled.
    pub check: CompileCheck,
    /// A different name that a second ORM attribute gives the table.
    pub other_name: Option<String>,
    /// The name that `#[table]` reads, if it differs from the real one.
    pub hidden_name: Option<HiddenName>,
    /// The file with the struct.
    pub source: Arc<Source>,
    /// The path of the file, relative to the package.
    pub file: String,
    /// Whether the attribute probably belongs to another crate, such as a helper of a derive. It counts as ours if a
    /// policy entry names the table.
    pub is_doubtful: bool,
    /// Set if no `mod` line leads to the file.
    pub orphan: Option<Orphan>,
    /// The bytes of the file that hold the struct's name.
    pub place: Range<usize>,
    /// The bytes of the file that hold the attribute with `#[table]`.
    pub attribute: Range<usize>,
    /// Whether it really is a struct. The compiler reports `#[table]` on an `enum`.
    pub is_struct: bool,
    /// How the rows belong to a tenant, if the attribute says so.
    pub tenant: Option<WrittenTenant>,
    /// The place of `shared_rows`, if the attribute has it.
    pub shared_rows: Option<Span>,
    /// The lints that do not apply to the table.
    pub allowed: Vec<AllowedLint>,
    /// What is wrong with the attribute. The compiler reports it at the exact token when it expands `#[table]`; the
    /// command line reports it from here.
    pub faults: Vec<Diagnostic>,
}

impl Declaration {
    /// The place in the attribute of the last of some words that follow each other in this order, with others between
    /// them. A word may be in quotes. If one is missing, this is the whole attribute.
    #[must_use]
    pub fn place_of(&self, words: &[&str]) -> Range<usize> {
        let text = &self.source.text[self.attribute.clone()];
        let mut found = tokens(text);
        let mut place = None;
        for word in words {
            let is_word = |token: &Token<'_>| token.ident().unwrap_or(token.text.trim_matches('"')) == *word;
            match found.find(is_word) {
                Some(token) => {
                    place = Some(self.attribute.start + token.start..self.attribute.start + token.end());
                }
                None => return self.attribute.clone(),
            }
        }
        place.unwrap_or(self.attribute.clone())
    }
}

/// The name that `#[table]` reads for a struct if it does not see the real name of the table.
#[derive(Clone, Debug)]
pub struct HiddenName {
    /// The name.
    pub name: TableName,
    /// Whether the real name is implied by Diesel's derives: the compiler removes those above `#[table]` before it
    /// expands `#[table]`. If not, the real name is in a `cfg_attr`, which the compiler removes in builds in which its
    /// condition is off.
    pub is_implied: bool,
}

/// A file to which no `mod` line leads. Paths are relative to the package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// The directory around the file that belongs to a module under `cfg`. If no struct in that directory is compiled,
    /// this file need not be compiled, either.
    pub below_cfg: Option<String>,
    /// The file that a `mod` line would have to name for the compiler to reach this one. It may be this file itself.
    pub file: String,
}

/// Whether some builds leave a struct out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// No build does.
    Never,
    /// Some may, because of a `cfg` on the struct or around it, or because the struct is the input of a macro.
    Sometimes,
    /// Some may, because of these attribute macros above `#[table]`: what they do is unknown.
    Perhaps(String),
}

/// What has to be checked about a struct when the crate is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompileCheck {
    /// Nothing: the compiler compiles the struct or says why not, or some builds leave the struct out.
    None,
    /// That `#[table]` was expanded: the attribute may belong to another crate. Not checked if no `#[table]` at all was
    /// expanded, since the compiler then reports another error.
    Attribute,
    /// The same, because a macro above `#[table]` may have dropped the struct.
    MacroAbove,
    /// That the file was compiled, although no `mod` line leads to it.
    File,
}

/// Everything that the schema directories declare. The default is the state before anything was read.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// The declarations in the order of files and lines.
    pub list: Vec<Declaration>,
    /// Whether every directory and file could be read, and every argument of the call understood. If not, an unknown
    /// name may be that of a table that was not read.
    pub complete: bool,
    /// The faults of the directories that declare no table.
    pub empty: Vec<Diagnostic>,
    /// Whether the crate root already has a module `tables`.
    pub tables_is_taken: bool,
    /// The schema files that the compiler does not read in every build. An edit to one of them must recompile the crate
    /// nevertheless.
    pub unreached: Vec<PathBuf>,
    /// The structs outside the directories, if anything looked for them, each with its fault.
    pub outside: Vec<(Declaration, Diagnostic)>,
    /// The names of the tables in [`Self::list`] whose structs are outside the directories.
    pub misplaced: Vec<String>,
}

impl Declarations {
    /// The faults of the directories that declare no table. There are none if the policy file declares all tables.
    /// Otherwise such a directory is probably the wrong one, and its tables are not known.
    pub fn without_tables(&mut self, policy_has_tables: bool) -> Vec<Diagnostic> {
        let mut empty = std::mem::take(&mut self.empty);
        if self.list.is_empty() && policy_has_tables {
            empty.clear();
        }
        self.complete &= empty.is_empty();
        empty
    }

    /// The declarations with a fault that the compiler reports when it expands their `#[table]`.
    #[must_use]
    pub fn faulty(&self) -> Vec<Declaration> {
        let is_faulty = |declaration: &&Declaration| !declaration.is_struct || !declaration.faults.is_empty();
        self.list.iter().filter(is_faulty).cloned().collect()
    }
}

/// What a file declares if every build compiles it.
#[must_use]
pub fn declarations_in_text(source: Arc<Source>) -> Vec<Declaration> {
    let file = ScannedFile::new(PathBuf::from(&source.path), source);
    declarations_in(&file, &Reachability::Always, OutsideImports::None)
}

/// Whether something outside a file may bring `#[table]` into scope in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OutsideImports {
    None,
    /// The imports of a file that includes this one, or `#[macro_use]` in the crate root.
    Possible,
}

/// What one file declares.
pub fn declarations_in(
    file: &ScannedFile,
    reachability: &Reachability,
    outside_imports: OutsideImports,
) -> Vec<Declaration> {
    let structs = file.scan.structs.iter();
    structs
        .flat_map(|found| declarations_of(file, found, reachability, outside_imports))
        .collect()
}

/// Usually one declaration; none if the compiler does not accept the name; several if each of several `cfg_attr` has a
/// `#[table]` of its own.
pub(super) fn declarations_of(
    file: &ScannedFile,
    found: &FoundStruct,
    reachability: &Reachability,
    outside_imports: OutsideImports,
) -> Vec<Declaration> {
    let Some(ident) = ident(&file.source.text[found.ident.clone()]) else {
        return Vec::new();
    };
    let attributes = Attributes {
        text: &file.source.text,
        metas: metas_of(&file.source.text, found),
        ident,
        found,
        reachability,
        outside_imports,
    };
    let ours = attributes.ours();
    ours.into_iter()
        .map(|position| attributes.declaration(&file.source, position))
        .collect()
}

/// `None` if the compiler rejects the identifier: the lexer may accept non-ASCII identifiers that the compiler does
/// not.
fn ident(text: &str) -> Option<Ident> {
    if text.is_ascii() && !text.starts_with("r#") {
        return Some(Ident::new(text, Span::call_site()));
    }
    Ident::parse_any.parse_str(text).ok()
}

/// The fields of a struct in their braces, if it has named fields; `start` is the end of its name.
fn body(text: &str, start: usize) -> TokenStream {
    let text = &text[start..];
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        if token.kind == TokenKind::Semi {
            break;
        }
        if !token.opens() {
            continue;
        }
        let close = until_closed(&mut tokens, |_| {});
        // In front of the body, braces are only in constants, such as `<const N: usize = { 3 }>`.
        let is_constant = tokens
            .peek()
            .is_some_and(|next| matches!(next.text, ">" | "," | "]"));
        if let (TokenKind::OpenBrace, Some(close), false) = (token.kind, close, is_constant) {
            return text[token.start..close.end()].parse().unwrap_or_default();
        }
    }
    TokenStream::new()
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
    text: &'f str,
    metas: Vec<(Range<usize>, FlatMeta)>,
    ident: Ident,
    found: &'f FoundStruct,
    reachability: &'f Reachability,
    outside_imports: OutsideImports,
}

/// How certain it is that an attribute with the name `table` is ours. The fields are compared in the order in which
/// they are declared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Certainty {
    /// Whether nothing suggests that the attribute belongs to another crate.
    is_beyond_doubt: bool,
    origin: Origin,
    /// Whether `#[table]` of this crate would accept all its arguments.
    is_understood: bool,
}

impl Attributes<'_> {
    /// The positions of our `#[table]`: one, or one in each of several `cfg_attr`. Other crates have attributes of the
    /// same name, so the attributes that are most certainly ours count.
    fn ours(&self) -> Vec<usize> {
        let certainty = |position| Some((self.certainty(position)?, position));
        let candidates: Vec<_> = (0..self.metas.len()).filter_map(certainty).collect();
        let best = candidates.iter().map(|(certainty, _)| *certainty).max();
        let most_certain = candidates
            .iter()
            .filter(|(certainty, _)| Some(*certainty) == best);
        let positions: Vec<usize> = most_certain.map(|(_, position)| *position).collect();
        let is_in_every_build = |position: &&usize| !self.metas[**position].1.conditional;
        // If there are several, the compiler reports all but the last of them.
        match positions.iter().rev().find(is_in_every_build) {
            Some(last) => vec![*last],
            None => positions,
        }
    }

    /// `None` if the attribute certainly belongs to another crate.
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
        } else if !is_bare
            || self.outside_imports == OutsideImports::Possible
            // A file that is not compiled may well lack its imports.
            || matches!(self.reachability, Reachability::Never { .. })
        {
            self.found.bare_table.max(Origin::Unknown)
        } else {
            self.found.bare_table
        }
    }

    fn declare(&self, position: usize, neighbours: &[&Meta]) -> Declared {
        let arguments = written::table_arguments(&self.metas[position].1.meta);
        written::declare(arguments, neighbours, &self.ident, || {
            body(self.text, self.found.ident.end)
        })
    }

    fn implied_name(&self, declared: &Declared) -> Option<String> {
        let derive = self.found.diesel.filter(|_| declared.is_default_name)?;
        written::diesel_name(&self.ident.unraw().to_string(), derive)
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
        let mut declared = self.declare(position, &all);
        let implied = self.implied_name(&declared);
        let above = self.found.neighbours.macros_above.iter();
        let macros_above: String = above.map(|range| &source.text[range.clone()]).collect();
        let is_file_conditional = matches!(
            self.reachability,
            Reachability::Sometimes
                | Reachability::Never {
                    conditional: true,
                    ..
                }
        );
        let conditional = self.found.conditional || own.conditional || is_file_conditional;
        let is_hidden = !conditional && certain.len() < all.len();
        let is_implied = implied.is_some();
        let read = match implied {
            Some(implied) => {
                let own = std::mem::replace(&mut declared.name.table, implied);
                Some(TableName {
                    schema: declared.name.schema.clone(),
                    table: own,
                })
            }
            None => is_hidden.then(|| self.declare(position, &certain).name),
        };
        let hidden = read.filter(|read| *read != declared.name);
        Declaration {
            hidden_name: hidden.map(|name| HiddenName { name, is_implied }),
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
            left_out: if conditional {
                LeftOut::Sometimes
            } else if macros_above.is_empty() {
                LeftOut::Never
            } else {
                LeftOut::Perhaps(macros_above)
            },
            is_in_body: self.found.is_in_body,
            source: Arc::clone(source),
            file: source.path.clone(),
            orphan: None,
            place: self.found.ident.clone(),
            attribute: range.clone(),
            is_struct: self.found.is_struct,
            tenant: declared.tenant,
            shared_rows: declared.shared_rows,
            allowed: declared.allowed,
            faults: declared
                .faults
                .into_iter()
                .map(|fault| {
                    // A fault without a span is about the struct's name.
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
        match (self.reachability, self.origin(own)) {
            (Reachability::Never { .. }, _) => CompileCheck::File,
            (Reachability::Unknown, _) => CompileCheck::None,
            (_, Origin::Ours | Origin::Unknown) if !self.found.neighbours.macros_above.is_empty() => {
                CompileCheck::MacroAbove
            }
            (_, Origin::Unknown) => CompileCheck::Attribute,
            // If `#[table]` is not imported, the compiler reports that.
            (_, Origin::Ours | Origin::Nowhere) => CompileCheck::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, reachability: &Reachability) -> Vec<Declaration> {
        let source = Arc::new(Source::new("a.rs", text));
        let file = ScannedFile::new(PathBuf::from("a.rs"), source);
        declarations_in(&file, reachability, OutsideImports::None)
    }

    #[test]
    fn faults_of_an_attribute_are_kept_with_their_place() {
        let text = "#[table(kind = trth)]\n#[diesel(table_name = users)]\npub struct User;";
        let found = found(text, &Reachability::Always);
        assert_eq!(found.len(), 1);
        let names = (found[0].name.to_string(), found[0].ident.clone());
        assert_eq!(names, ("users".to_string(), "User".to_string()));
        let label = &found[0].faults[0].labels[0];
        assert_eq!(&text[label.range.clone()], "#[table(kind = trth)]");
    }

    #[test]
    fn the_fields_of_a_struct() {
        for (text, columns) in [
            ("struct A { id: u8, org_id: u8 }", true),
            (
                "struct A<T: Copy = [u8; { 3 }], const N: usize = { 3 }> where [u8; { 1 }]: Copy { org_id: T }",
                true,
            ),
            ("struct A { id: u8 }", false),
            ("struct A { id: u8 } struct B { org_id: u8 }", false),
            ("struct A(u8); struct B { id: u8 }", true),
        ] {
            let found = found(
                &format!("#[table(tenant = \"org_id\")] {text}"),
                &Reachability::Always,
            );
            assert_eq!(found[0].faults.is_empty(), columns, "{text}");
        }
    }

    #[test]
    fn an_attribute_that_sea_orm_passes_on() {
        let text = "#[sea_orm::model] #[sea_orm(table_name = \"users\", model_attrs(table(kind = system)))] \
                    pub struct Model { a: u8 } #[sea_orm(table = \"b\")] struct B;";
        let found = found(
            &format!("use table_registry::table; {text}"),
            &Reachability::Always,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.to_string(), found[0].kind),
            ("users".to_string(), TableKind::System)
        );
        assert_eq!(found[0].check, CompileCheck::MacroAbove);
        assert!(matches!(found[0].left_out, LeftOut::Perhaps(_)));
    }

    #[test]
    fn names_that_diesel_derives_imply() {
        for (text, names) in [
            ("#[derive(Queryable)] #[table] struct Invoice;", "invoices"),
            (
                "#[table] #[derive(Debug, diesel::Insertable)] struct Invoice;",
                "invoices",
            ),
            (
                "#[derive(::diesel::prelude::Selectable)] #[table(kind = link)] struct UserRole;",
                "user_roles",
            ),
            (
                "#[cfg_attr(x, derive(Clone, Queryable))] #[table] struct Invoice;",
                "invoices",
            ),
            (
                "use diesel::{Queryable as Q}; #[derive(Q)] #[table] struct Invoice;",
                "invoices",
            ),
            (
                "use diesel::{prelude::Insertable as I, Queryable as Q}; #[derive(I)] #[table] struct A;",
                "as",
            ),
            (
                "use db::diesel::Queryable; #[derive(Queryable)] #[table] struct Invoice;",
                "invoices",
            ),
            (
                "use other::Queryable; #[derive(Queryable)] #[table] struct Invoice;",
                "invoice",
            ),
            ("#[derive(other::Queryable)] #[table] struct Invoice;", "invoice"),
            (
                "#[derive(other::A, crate::db::Queryable)] #[table] struct Invoice;",
                "invoices",
            ),
            (
                "#[derive(db::diesel::Queryable)] #[table] struct Invoice;",
                "invoices",
            ),
            ("#[derive(Queryable)] #[table] struct Users;", "users"),
            (
                "#[derive(Queryable, Identifiable)] #[table] struct Users;",
                "userss",
            ),
            (
                "#[derive(Queryable)] #[table(name = \"bill\")] struct Invoice;",
                "bill",
            ),
            (
                "#[derive(Queryable)] #[diesel(table_name = bill)] #[table] struct Invoice;",
                "bill",
            ),
            (
                "#[derive(Queryable)] #[table(schema = \"s\")] struct Invoice;",
                "s.invoices",
            ),
            ("#[derive(FromRow)] #[table] struct Invoice;", "invoice"),
        ] {
            let found = found(text, &Reachability::Always);
            assert_eq!(found[0].name.to_string(), names, "{text}");
            let is_default = matches!(names, "invoices" | "user_roles" | "as" | "s.invoices" | "userss");
            let hidden = found[0].hidden_name.as_ref();
            assert_eq!(
                hidden.is_some_and(|hidden| hidden.is_implied),
                is_default,
                "{text}"
            );
        }
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
            let found = found(text, &Reachability::Always);
            let certain = found.iter().filter(|declaration| !declaration.is_doubtful);
            let kinds_found: Vec<&str> = certain.map(|declaration| declaration.kind.as_str()).collect();
            assert_eq!(kinds_found.join(" "), kinds, "{text}");
        }
    }

    #[test]
    fn what_the_compiler_has_to_check() {
        let never = |conditional| Reachability::Never {
            orphan: 0,
            conditional,
            below_cfg: None,
        };
        for (text, reachability, check) in [
            (
                "#[table_registry::table] struct A;",
                Reachability::Always,
                CompileCheck::None,
            ),
            (
                "use table_registry::table; #[table] struct A;",
                Reachability::Always,
                CompileCheck::None,
            ),
            ("#[table] struct A;", Reachability::Always, CompileCheck::None),
            (
                "use crate::prelude::*; #[table] struct A;",
                Reachability::Always,
                CompileCheck::Attribute,
            ),
            (
                "#[facade::table] struct A;",
                Reachability::Always,
                CompileCheck::Attribute,
            ),
            (
                "#[facade::table] struct A;",
                Reachability::Sometimes,
                CompileCheck::None,
            ),
            (
                "#[cfg(a)] #[facade::table] struct A;",
                Reachability::Always,
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
                Reachability::Always,
                CompileCheck::MacroAbove,
            ),
            (
                "use crate::prelude::*; #[x] #[table] struct A;",
                Reachability::Always,
                CompileCheck::MacroAbove,
            ),
            (
                "use table_registry::table; #[rustversion::since(1.80)] #[table] struct A;",
                Reachability::Always,
                CompileCheck::None,
            ),
            (
                "#[x] #[table] struct A;",
                Reachability::Always,
                CompileCheck::None,
            ),
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
            assert_eq!(found(text, &reachability)[0].check, check, "{text}");
        }
    }
}
