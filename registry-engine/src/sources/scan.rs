//! Finds the annotated structs and the `mod` lines of one file by their tokens.
//!
//! A full parse would read every field of every struct, in unoptimised code, on each check of the user's crate. Tokens
//! are enough: they distinguish code from comments and strings, and any file can be lexed, even if it is not valid
//! Rust.

use std::iter::Peekable;
use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::text::{Token, Tokens, tokens, until_closed};
use crate::written::{
    DieselDerive, diesel_derive, is_built_in, is_orm, is_our_crate, leaves_out, may_bring_helpers,
};

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Scan {
    /// The structs with `#[table]`.
    pub structs: Vec<FoundStruct>,
    /// The modules: `mod name;` and `mod name { … }`.
    pub modules: Vec<FoundModule>,
    /// The files that `include!` names.
    pub includes: Vec<FoundInclude>,
    /// Whether the file starts with `#![cfg(…)]`.
    pub conditional: bool,
    /// The crates whose macros `#[macro_use] extern crate …;` brings into the scope of all files, by both names where
    /// the line has `as`.
    pub macro_use: Vec<String>,
}

/// Which crate an attribute with the name `table` belongs to, as far as tokens show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nothing brings it into scope: it belongs to a derive, or the compiler will report it.
    #[default]
    Nowhere,
    /// Perhaps this crate: a glob or another path may bring it into scope.
    Unknown,
    /// This crate, perhaps with its name misspelt.
    Ours,
}

/// A struct with `#[table]`.
#[derive(Debug)]
pub struct FoundStruct {
    /// The attributes that may say something about the table, in order.
    pub attributes: Vec<Range<usize>>,
    pub ident: Range<usize>,
    /// Whether some builds may leave the struct out: because of a `cfg` on it or around it, or because it is the input
    /// of a macro.
    pub conditional: bool,
    /// Whether it is in a function, or in the input of a macro that may put it into one.
    pub is_in_body: bool,
    /// Whether it really is a struct. The compiler reports `#[table]` on an `enum`; the policy files may refer to its
    /// table all the same.
    pub is_struct: bool,
    pub neighbours: Neighbours,
    /// Where the first of all its attributes starts.
    pub start: usize,
    /// The first attribute above `#[table]` that may be a macro.
    pub first_macro: Option<Range<usize>>,
    /// The Diesel derive that says most about the table's name.
    pub diesel: Option<DieselDerive>,
    /// What `#[table]` without a path refers to at this place.
    pub bare_table: Origin,
}

/// The other attributes of a struct with `#[table]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Whether a derive may have a helper attribute with the name `table`.
    pub derive: bool,
    /// The attributes above `#[table]` that may be macros, which could drop the struct. One that is known to do so in
    /// some builds makes the struct conditional, too.
    pub macros_above: Vec<Range<usize>>,
}

/// Whether some builds leave something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    None,
    /// Only together with the whole module around it.
    Around,
    /// Perhaps also in builds that have the module around it.
    Own,
}

impl Condition {
    pub fn own_if(is_conditional: bool) -> Self {
        if is_conditional { Self::Own } else { Self::None }
    }
}

#[derive(Clone, Debug)]
pub struct FoundModule {
    pub name: ModuleName,
    /// The inline modules around it, the outermost first.
    pub inside: Vec<ModuleName>,
    pub condition: Condition,
    /// Whether its content is in braces.
    pub is_inline: bool,
    /// Whether it is in no other module, function or macro call, so that a path from the crate root can name it.
    pub is_top_level: bool,
    /// The bytes of the name.
    pub place: Range<usize>,
}

/// The name of a module, and those of its attributes that may hold a `path`.
#[derive(Clone, Debug)]
pub struct ModuleName {
    pub name: String,
    pub attributes: Vec<Range<usize>>,
}

/// `include!(…)`.
#[derive(Clone, Debug)]
pub struct FoundInclude {
    /// The bytes of its arguments.
    pub path: Range<usize>,
    pub condition: Condition,
    /// Whether it is in no module, function or macro call.
    pub is_top_level: bool,
}

#[must_use]
pub fn scan(text: &str) -> Scan {
    let Some(last_word) = last_word(text).or_else(|| text.rfind("#![cfg")) else {
        return Scan::default();
    };
    let mut scanner = Scanner {
        tokens: tokens(text).peekable(),
        regions: Vec::new(),
        imports: Origin::Nowhere,
        unresolved: Vec::new(),
        derives: Vec::new(),
        pending: Vec::new(),
        previous: None,
        found: Scan::default(),
    };
    while let Some(token) = scanner.tokens.next() {
        scanner.step(token);
        if token.start >= last_word && !scanner.awaits_struct() && !scanner.awaits_import() {
            break;
        }
    }
    scanner.finish()
}

/// Where the last `table`, `mod`, `extern` or `include!` starts. Nothing that the scan looks for can start after it,
/// so the fields of the last struct of a file are not even lexed.
fn last_word(text: &str) -> Option<usize> {
    let is_word = |at: usize, word: &str| {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let bytes = text.as_bytes();
        !bytes[..at].last().is_some_and(part) && !bytes.get(at + word.len()).is_some_and(part)
    };
    let last = |word| {
        text.rmatch_indices(word)
            .map(|(at, _)| at)
            .find(|at| is_word(*at, word))
    };
    last("table")
        .max(last("mod"))
        .max(last("extern"))
        .max(last_include(text))
}

fn last_include(text: &str) -> Option<usize> {
    let ends = text.rmatch_indices('!').map(|(end, _)| end);
    let mut starts = ends.filter_map(|end| text[..end].strip_suffix("include"));
    starts.next().map(str::len)
}

/// An outer attribute in front of an item.
#[derive(Debug)]
struct Pending {
    range: Range<usize>,
    role: Role,
    /// Whether it makes some builds leave the item out.
    conditional: bool,
    /// Whether it has a derive, perhaps in a `cfg_attr`, that may have helper attributes.
    has_helpers: bool,
    /// The Diesel derive in it that says most about the table's name.
    diesel: Option<DieselDerive>,
    /// Whether it may be a macro, which can change or drop the item.
    is_macro: bool,
}

impl Pending {
    fn is_table(&self) -> bool {
        matches!(self.role, Role::Table | Role::TableByPath)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// `#[table]`, or a `cfg_attr` or `sea_orm` that mentions it.
    Table,
    /// `#[table_registry::table]`, which needs no import.
    TableByPath,
    /// `cfg_attr`, `diesel`, `sea_orm`, `path`.
    Relevant,
    MacroUse,
    Irrelevant,
}

/// What an opening delimiter starts.
enum Opening {
    /// The content of an inline module.
    Module(ModuleName),
    /// The input of a macro call.
    MacroInput,
    /// The body of an item, which ends it.
    Body,
    /// A part of an item, as in `pub(crate) struct`.
    Part,
}

/// What a pair of delimiters encloses.
#[derive(Debug)]
struct Region {
    conditional: bool,
    module: Option<ModuleName>,
    /// The attributes in front of the item that the delimiters belong to.
    outer: Vec<Pending>,
    /// Whether the item ends with the closing delimiter.
    ends_item: bool,
    is_in_macro: bool,
    /// What `#[table]` without a path refers to, by the imports in this region.
    imports: Origin,
    /// How many structs outside this region still wait for an import.
    unresolved_before: usize,
}

struct Scanner<'a> {
    tokens: Peekable<Tokens<'a>>,
    regions: Vec<Region>,
    /// What `#[table]` without a path refers to, by the imports outside of all regions.
    imports: Origin,
    /// The structs without an import of `#[table]` in their scope so far; the import may come after them.
    unresolved: Vec<usize>,
    /// The imported names that mean a Diesel derive, or that would mean one without the import.
    derives: Vec<(&'a str, Option<DieselDerive>)>,
    pending: Vec<Pending>,
    /// The previous token, which distinguishes a block from the constant in `<{ 3 }>`.
    previous: Option<TokenKind>,
    found: Scan,
}

impl<'a> Scanner<'a> {
    fn step(&mut self, token: Token<'a>) {
        match token.kind {
            TokenKind::Pound => self.attribute(token.start),
            TokenKind::OpenBrace if !self.is_constant() => self.open(Opening::Body),
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => self.open(Opening::Part),
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => self.close(),
            TokenKind::Semi => self.pending.clear(),
            TokenKind::Ident if token.text == "mod" => self.module(),
            TokenKind::Ident if token.text == "use" => self.import(),
            TokenKind::Ident if token.text == "extern" => self.extern_crate(),
            TokenKind::Ident if matches!(token.text, "struct" | "enum" | "union") => {
                self.item(token.text == "struct");
            }
            TokenKind::Ident | TokenKind::RawIdent => self.perhaps_macro(token),
            _ => {}
        }
        self.previous = Some(token.kind);
    }

    /// Whether a brace opens the value of a constant parameter.
    fn is_constant(&self) -> bool {
        matches!(
            self.previous,
            Some(TokenKind::Lt | TokenKind::Comma | TokenKind::Eq)
        )
    }

    fn attribute(&mut self, start: usize) {
        let inner = self.next_if(TokenKind::Bang).is_some();
        if self.next_if(TokenKind::OpenBracket).is_none() {
            return;
        }
        let mut path: Vec<&str> = Vec::new();
        let (mut in_path, mut mentions_table, mut mentions_cfg) = (true, false, false);
        let mut has_arguments = false;
        let (mut in_derive, mut has_helpers) = (false, false);
        let (mut origin, mut diesel) = (None, None);
        let derives = &self.derives;
        let end = until_closed(&mut self.tokens, |token| {
            let ident = token.ident();
            if in_derive && let Some(ident) = ident {
                let is_diesel = origin.is_none_or(may_be_diesel);
                diesel = diesel.max(meaning(derives, ident).filter(|_| is_diesel));
                origin = Some(origin_behind(origin, ident));
            } else if token.kind != TokenKind::Colon {
                origin = None;
            }
            mentions_table |= ident == Some("table");
            mentions_cfg |= ident == Some("cfg");
            has_arguments |= token.opens();
            has_helpers |= in_derive && ident.is_some_and(may_bring_helpers);
            in_derive = ident == Some("derive") || (in_derive && token.kind != TokenKind::CloseParen);
            match ident {
                Some(ident) if in_path => path.push(ident),
                _ => in_path &= token.kind == TokenKind::Colon,
            }
        });
        let Some(end) = end.as_ref().map(Token::end) else {
            return;
        };
        let conditional = match path.as_slice() {
            ["cfg" | "test" | "bench"] => true,
            ["cfg_attr"] | ["rustversion", "attr"] => mentions_cfg,
            path => leaves_out(path),
        };
        if !inner {
            let role = match role(&path, mentions_table) {
                Role::MacroUse if has_arguments && !mentions_table => Role::Irrelevant,
                role => role,
            };
            self.pending.push(Pending {
                range: start..end,
                role,
                conditional,
                has_helpers,
                diesel,
                is_macro: role == Role::Irrelevant && !is_built_in(&path),
            });
        } else if conditional {
            match self.regions.last_mut() {
                Some(region) => region.conditional = true,
                None => self.found.conditional = true,
            }
        }
    }

    fn open(&mut self, opening: Opening) {
        let is_in_call = matches!(opening, Opening::MacroInput);
        let is_input = is_in_call || self.pending.iter().any(|pending| pending.is_macro);
        let is_in_macro_around = self.regions.last().is_some_and(|region| region.is_in_macro);
        let ends_item = !matches!(opening, Opening::Part);
        let module = match opening {
            Opening::Module(name) => Some(name),
            Opening::MacroInput | Opening::Body | Opening::Part => None,
        };
        self.regions.push(Region {
            conditional: is_input || self.is_conditional(),
            is_in_macro: is_in_call || (module.is_none() && is_in_macro_around),
            module,
            outer: std::mem::take(&mut self.pending),
            ends_item,
            imports: Origin::Nowhere,
            unresolved_before: self.unresolved.len(),
        });
    }

    fn close(&mut self) {
        self.pending.clear();
        let Some(region) = self.regions.pop() else { return };
        let is_module = region.module.is_some();
        if is_module || region.imports > Origin::Nowhere {
            self.resolve(region.unresolved_before, region.imports);
        }
        if region.is_in_macro && !is_module {
            // The macro may expand to the import, which then applies outside the call.
            self.import_from(region.imports.min(Origin::Unknown));
        }
        if !region.ends_item {
            self.pending = region.outer;
        }
    }

    /// Applies the imports of a scope to its structs: those from `first` on that still wait for an import.
    fn resolve(&mut self, first: usize, imports: Origin) {
        for found in self.unresolved.drain(first..) {
            self.found.structs[found].bare_table = imports;
        }
    }

    fn finish(mut self) -> Scan {
        while !self.regions.is_empty() {
            self.close();
        }
        self.resolve(0, self.imports);
        self.found
    }

    fn module(&mut self) {
        let Some(token) = self.tokens.next_if(|token| token.ident().is_some()) else {
            return;
        };
        let is_inline = self.next_if(TokenKind::OpenBrace).is_some();
        if !is_inline && self.next_if(TokenKind::Semi).is_none() {
            return;
        }
        let name = ModuleName {
            name: token.ident().unwrap_or_default().to_string(),
            attributes: self.relevant_attributes(),
        };
        let inside = self.regions.iter().filter_map(|region| region.module.clone());
        self.found.modules.push(FoundModule {
            name: name.clone(),
            inside: inside.collect(),
            condition: self.condition(),
            is_inline,
            is_top_level: self.regions.is_empty(),
            place: token.start..token.end(),
        });
        if is_inline {
            self.open(Opening::Module(name));
        } else {
            self.pending.clear();
        }
    }

    fn extern_crate(&mut self) {
        if self.tokens.next_if(|token| token.text == "crate").is_none() {
            return;
        }
        let mut attributes = self.pending.iter();
        if !attributes.any(|pending| pending.role == Role::MacroUse) {
            return;
        }
        let name = self.next_ident();
        let alias = match self.tokens.next_if(|token| token.text == "as") {
            Some(_) => self.next_ident(),
            None => None,
        };
        let names = name.into_iter().chain(alias);
        self.found.macro_use.extend(names.map(str::to_string));
    }

    /// Reads only tokens that an import can consist of: the `use` in `impl Trait + use<'a>` is none, and the semicolon
    /// may be missing.
    fn import(&mut self) {
        let (mut names_table, mut names_us, mut depth) = (false, false, 0);
        let (mut origin, mut renamed) = (None, None);
        let root = self.tokens.peek().map_or("", |token| token.text);
        let is_standard = matches!(root, "std" | "core" | "alloc");
        while let Some(token) = self.tokens.next_if(|token| {
            let closes = token.kind == TokenKind::CloseBrace && depth > 0;
            let opens = matches!(
                token.kind,
                TokenKind::Colon | TokenKind::OpenBrace | TokenKind::Comma
            );
            let is_part = token.kind == TokenKind::RawIdent
                || (token.kind == TokenKind::Ident && !starts_item(token.text));
            closes || opens || token.kind == TokenKind::Star || is_part
        }) {
            match token.kind {
                TokenKind::OpenBrace => depth += 1,
                TokenKind::CloseBrace => depth -= 1,
                TokenKind::Star => names_table |= !is_standard,
                _ => {}
            }
            names_table |= token.ident() == Some("table");
            names_us |= token.ident().is_some_and(is_our_crate);
            if let Some(ident) = token.ident() {
                let path = origin_behind(origin, ident);
                origin = Some(path);
                self.import_derive(path, ident, &mut renamed);
            }
        }
        match (names_table, names_us) {
            (true, true) => self.import_from(Origin::Ours),
            (true, false) => self.import_from(Origin::Unknown),
            (false, _) => {}
        }
    }

    /// `Queryable`, or the `Q` of `Queryable as Q`. `renamed` is the derive before an `as`.
    fn import_derive(&mut self, origin: &str, ident: &'a str, renamed: &mut Option<DieselDerive>) {
        if let Some(derive) = diesel_derive(ident) {
            let meaning = may_be_diesel(origin).then_some(derive);
            self.derives.push((ident, meaning));
            *renamed = meaning;
        } else if ident != "as"
            && let Some(derive) = renamed.take()
        {
            self.derives.push((ident, Some(derive)));
        }
    }

    fn import_from(&mut self, origin: Origin) {
        let innermost = self.regions.last_mut();
        let imports = innermost.map_or(&mut self.imports, |region| &mut region.imports);
        *imports = origin.max(*imports);
    }

    fn item(&mut self, is_struct: bool) {
        let Some(next) = self.tokens.peek().copied() else {
            return;
        };
        if next.ident().is_some() && self.pending_table() {
            self.tokens.next();
            if self.pending.iter().any(|pending| pending.role == Role::Table) {
                self.unresolved.push(self.found.structs.len());
            }
            self.found.structs.push(FoundStruct {
                attributes: self.relevant_attributes(),
                ident: next.start..next.end(),
                conditional: self.is_conditional(),
                is_in_body: self.regions.iter().any(|region| region.module.is_none()),
                is_struct,
                neighbours: self.neighbours(),
                start: self.pending.first().map_or(next.start, |first| first.range.start),
                first_macro: self.first_macro(),
                diesel: self.pending.iter().filter_map(|pending| pending.diesel).max(),
                bare_table: Origin::Nowhere,
            });
            // So that the scan can stop before the end of the struct.
            self.pending.retain(|pending| !pending.is_table());
        }
    }

    /// `name! { … }` may leave out what it is given. The body of a `macro_rules!` is a template, which declares nothing
    /// at its own place.
    fn perhaps_macro(&mut self, name: Token<'a>) {
        if self.next_if(TokenKind::Bang).is_none() {
            return;
        }
        let is_definition = name.text == "macro_rules";
        self.next_ident();
        let Some(open) = self.tokens.next_if(Token::opens) else {
            return;
        };
        let is_include = name.text == "include";
        if !is_definition && !is_include {
            self.open(Opening::MacroInput);
            return;
        }
        let condition = self.condition();
        let is_top_level = self.regions.is_empty();
        let close = until_closed(&mut self.tokens, |_| {});
        self.pending.clear();
        if let Some(close) = close
            && is_include
        {
            let path = open.end()..close.start;
            self.found.includes.push(FoundInclude {
                path,
                condition,
                is_top_level,
            });
        }
    }

    fn next_if(&mut self, kind: TokenKind) -> Option<Token<'a>> {
        self.tokens.next_if(|token| token.kind == kind)
    }

    fn next_ident(&mut self) -> Option<&'a str> {
        self.tokens.next_if(|token| token.ident().is_some())?.ident()
    }

    fn pending_table(&self) -> bool {
        self.pending.iter().any(Pending::is_table)
    }

    /// Whether the struct of some `#[table]` is still to come: `pub(crate)` may be in between.
    fn awaits_struct(&self) -> bool {
        let outer = self.regions.iter().flat_map(|region| &region.outer);
        self.pending.iter().chain(outer).any(Pending::is_table)
    }

    /// Whether an import that is still to come may decide which crate some `#[table]` belongs to.
    fn awaits_import(&self) -> bool {
        let modules = self.regions.iter().filter(|region| region.module.is_some());
        let mut imports = modules.map(|module| module.imports).chain([self.imports]);
        !self.unresolved.is_empty() && imports.any(|imports| imports == Origin::Nowhere)
    }

    fn neighbours(&self) -> Neighbours {
        let above = self.pending.iter().take_while(|pending| !pending.is_table());
        Neighbours {
            derive: self.pending.iter().any(|pending| pending.has_helpers),
            macros_above: above
                .filter(|pending| pending.is_macro)
                .map(|pending| pending.range.clone())
                .collect(),
        }
    }

    fn first_macro(&self) -> Option<Range<usize>> {
        let mut above = self.pending.iter().take_while(|pending| !pending.is_table());
        let first = above.find(|pending| pending.is_macro)?;
        Some(first.range.clone())
    }

    fn condition(&self) -> Condition {
        let mut modules = self.regions.iter().rev().filter(|region| region.module.is_some());
        let around = modules.next().is_some_and(|module| module.conditional);
        let own = self.pending.iter().any(|pending| pending.conditional);
        match (around, self.is_conditional()) {
            (_, false) => Condition::None,
            (true, true) if !own => Condition::Around,
            (_, true) => Condition::Own,
        }
    }

    fn is_conditional(&self) -> bool {
        self.regions.last().is_some_and(|region| region.conditional)
            || self.pending.iter().any(|pending| pending.conditional)
    }

    fn relevant_attributes(&self) -> Vec<Range<usize>> {
        let relevant = |pending: &&Pending| pending.is_table() || pending.role == Role::Relevant;
        self.pending
            .iter()
            .filter(relevant)
            .map(|pending| pending.range.clone())
            .collect()
    }
}

/// The segment of a path that says most about the crate it leads to: the first, or `diesel` after it.
fn origin_behind<'a>(origin: Option<&'a str>, segment: &'a str) -> &'a str {
    match origin {
        Some(origin) if segment != "diesel" => origin,
        _ => segment,
    }
}

fn may_be_diesel(origin: &str) -> bool {
    matches!(origin, "diesel" | "crate" | "self" | "super")
}

/// What a derive of this name says about the table's name.
fn meaning(imported: &[(&str, Option<DieselDerive>)], derive: &str) -> Option<DieselDerive> {
    let import = imported.iter().rev().find(|(name, _)| *name == derive);
    import.map_or_else(|| diesel_derive(derive), |(_, meaning)| *meaning)
}

fn starts_item(word: &str) -> bool {
    matches!(
        word,
        "mod" | "pub" | "use" | "struct" | "enum" | "fn" | "impl" | "const" | "static"
    )
}

fn role(path: &[&str], mentions_table: bool) -> Role {
    match path {
        ["cfg_attr" | "sea_orm"] if mentions_table => Role::Table,
        ["cfg_attr" | "path"] => Role::Relevant,
        [name] if is_orm(name) => Role::Relevant,
        ["macro_use"] => Role::MacroUse,
        ["table"] => Role::Table,
        [.., "table"] => Role::TableByPath,
        _ => Role::Irrelevant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structs(text: &str) -> Vec<&str> {
        let found = scan(text).structs;
        found.iter().map(|found| &text[found.ident.clone()]).collect()
    }

    fn conditional(text: &str) -> Vec<bool> {
        scan(text).structs.iter().map(|found| found.conditional).collect()
    }

    #[test]
    fn every_shape_of_struct_and_attribute() {
        for text in [
            "#[table] struct A;",
            "#[table] pub struct A(u8);",
            "#[table] pub(crate) struct A { x: u8 }",
            "#[table] pub(in crate::a) struct A<'a, T: Into<u8>> where T: Copy { x: &'a T }",
            "#[table(kind = truth)]\n#[derive(Debug, Clone)]\n/// doc\nstruct A;",
            "#[derive(Debug)] #[table_registry::table] struct A;",
            "# [ table_registry :: table (\n kind = truth \n) ] struct A;",
            "#[cfg_attr(feature = \"x\", derive(A), table(kind = truth))] struct A;",
            "#[r#table] struct A;",
            "#[doc = \"#[table] struct B;\"] #[table] struct A;",
            "#[table] // struct B;\n/* struct C; */ struct A;",
            "mod m { #[table] struct A; }",
            "fn f() { if x { #[table] struct A; } }",
            "db_object! { #[table] struct A { x: u8 } }",
            "\u{feff}#[table] struct A;",
            "#![allow(x)] #[table] struct A;",
            "const X: char = '\"'; #[table] struct A;",
        ] {
            assert_eq!(structs(text), ["A"], "{text}");
        }
        assert_eq!(structs("#[table] struct r#type;"), ["r#type"]);
        assert_eq!(structs("#[table] struct Größe;"), ["Größe"]);
    }

    #[test]
    fn what_only_looks_like_an_annotated_struct() {
        for text in [
            "",
            "// #[table] struct A;",
            "/* #[table] struct A; /* */ #[table] struct B; */",
            "/// #[table]\nstruct A;",
            "//! ```\n//! #[table] struct A;\n//! ```\n",
            "const X: &str = \"#[table] struct A;\";",
            "const X: &str = r##\"#[table] struct A;\"##;",
            "table! { users (id) { id -> Uuid, } } struct A;",
            "struct A { #[table(title = \"x\")] b: u8 } struct B;",
            "#[table] fn f() { struct A; }",
            "#[table] const X: u8 = 1; struct A;",
            "#[tables] struct A;",
            "#[table::other] struct A;",
            "#[derive(table)] struct A;",
            "macro_rules! m { () => { #[table] struct A; } } struct B;",
            "macro_rules! m { ($n:ident) => { #[table] struct $n; } }",
            "#[table",
            "#[table] struct",
            "#[table] {{ template }} struct A;",
        ] {
            assert_eq!(structs(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_some_builds_leave_out() {
        for text in [
            "#[cfg(a)] #[table] struct A;",
            "#[table] #[cfg(a)] struct A;",
            "#[cfg(a)] mod m { mod n { #[table] struct A; } }",
            "mod m { #![cfg(a)] #[table] struct A; }",
            "#[cfg(a)] pub(crate) fn f<A, B>() { #[table] struct A; }",
            "wrap! { #[table] struct A; }",
            "wrap!( mod m { #[table] struct A; } );",
            "#[test] fn f() { #[table] struct A; }",
            "#[tokio::test] async fn f() { #[table] struct A; }",
            "#[cfg_attr(all(), cfg(any()))] #[table] struct A;",
            "#[cfg(a)] fn f() -> W<{ 3 }, { 4 }> { #[table] struct A; }",
            "#[rstest] fn f() { #[table] struct A; }",
            "#[x::y] mod m { mod n { #[table] struct A; } }",
            "#[rustversion::since(1.80)] #[table] struct A;",
            "#[table] #[::rustversion::before(1.80)] struct A;",
            "#[rustversion::not(any(nightly, since(1.80)))] #[table] struct A;",
            "#[rustversion::attr(nightly, cfg(a))] #[table] struct A;",
            "#[since(1.80)] #[table] struct A;",
            "#[cfg_eval] #[table] struct A;",
            "#[company::cfg_feature(a)] #[table] struct A;",
        ] {
            assert_eq!(conditional(text), [true], "{text}");
        }
        for text in [
            "#[cfg(a)] mod m { } #[table] struct A;",
            "#[cfg(a)] use x::{y, z}; #[table] struct A;",
            "#[cfg(a)] struct B(u8); #[table] struct A;",
            "wrap! { } #[table] struct A;",
            "struct C { #[cfg(a)] x: u8 } #[table] struct A;",
            "#[cfg_attr(a, derive(B))] #[table] struct A;",
            "#[x] #[table] struct A;",
            "#[rustversion::attr(nightly, derive(B))] #[table] struct A;",
            "#[x::all] #[table] struct A;",
            "#[allow(x)] #[inline] fn f() { #[table] struct A; }",
            "fn f() -> bool { a != (b) } #[table] struct A;",
        ] {
            assert_eq!(conditional(text), [false], "{text}");
        }
        assert!(scan("#![cfg(a)] #[table] struct A;").conditional);
    }

    #[test]
    fn imports() {
        for (imports, origin) in [
            ("use table_registry::table;", Origin::Ours),
            ("use table_registry::{Table, table};", Origin::Ours),
            ("use ::table_registry::*;", Origin::Ours),
            ("use helpers::table;", Origin::Unknown),
            ("use crate::prelude::*;", Origin::Unknown),
            ("use super::{a::{b, table}};", Origin::Unknown),
            ("use crate::r#mod::table;", Origin::Unknown),
            ("use crate::{r#struct::r#table, r#use};", Origin::Unknown),
            ("pub(crate) use r#table_registry::r#table;", Origin::Ours),
            ("use {a::b, table_registry::{Table, table as _}};", Origin::Ours),
            ("wrap! { if x { use table_registry::table; } }", Origin::Unknown),
            ("use diesel::tables;", Origin::Nowhere),
            ("use std::collections::*;", Origin::Nowhere),
            ("// use x::table;\n", Origin::Nowhere),
            ("use x; table!();", Origin::Nowhere),
            ("#[macro_use] extern crate table_registry;", Origin::Nowhere),
        ] {
            for text in [
                format!("{imports} #[table] struct A;"),
                format!("#[table] struct A; {imports}"),
                format!("{imports} fn f() {{ if x {{ #[table] struct A; }} }}"),
                format!("fn f() {{ {imports} #[table] struct A; }}"),
                format!("mod m {{ #[table] struct A; {imports} }}"),
                format!("use other::table; mod m {{ #[table] struct A; {imports} }}"),
            ] {
                assert_eq!(scan(&text).structs[0].bare_table, origin, "{text}");
            }
        }
    }

    #[test]
    fn crates_whose_macros_are_in_scope_everywhere() {
        for (text, names) in [
            (
                "#[macro_use] extern crate table_registry; mod a;",
                "table_registry",
            ),
            ("mod a; #[macro_use] extern crate r#company;", "company"),
            ("#[macro_use] extern crate company as tables;", "company tables"),
            ("#[macro_use(table, other)] extern crate company;", "company"),
            ("#[macro_use(other)] extern crate company;", ""),
            (
                "#[cfg(a)] #[macro_use] extern crate a; #[macro_use] extern crate b;",
                "a b",
            ),
            ("extern crate table_registry; mod a;", ""),
        ] {
            assert_eq!(scan(text).macro_use.join(" "), names, "{text}");
        }
    }

    #[test]
    fn an_import_applies_only_in_its_scope() {
        for (text, origin) in [
            (
                "use table_registry::table; mod m { #[table] struct A; }",
                Origin::Nowhere,
            ),
            (
                "mod m { use table_registry::table; } #[table] struct A;",
                Origin::Nowhere,
            ),
            (
                "#[table] struct A; fn f() { use table_registry::table; mod m; }",
                Origin::Nowhere,
            ),
            (
                "use other::table; #[table] struct A; mod m { use table_registry::table; }",
                Origin::Unknown,
            ),
            (
                "use other::table; #[table] struct A; #[x] fn f() { use table_registry::table; }",
                Origin::Unknown,
            ),
            (
                "use other::table; fn f() { use table_registry::table; #[table] struct A; }",
                Origin::Ours,
            ),
        ] {
            assert_eq!(scan(text).structs[0].bare_table, origin, "{text}");
        }
    }

    #[test]
    fn macros_and_derives_around_an_attribute() {
        for (attributes, above, derive) in [
            ("#[x] #[table]", "#[x]", false),
            (
                "#[x::y(z)] #[derive(Debug)] #[w] #[table]",
                "#[x::y(z)]#[w]",
                false,
            ),
            ("#[table] #[x]", "", false),
            (
                "#[allow(x)] #[clippy::x] #[doc(hidden)] #[diesel(x)] #[table]",
                "",
                false,
            ),
            ("#[derive(Debug, Clone)] #[table]", "", false),
            ("#[derive(Debug, Model)] #[table]", "", true),
            ("#[cfg_attr(x, derive(Debug), y)] #[table]", "", false),
            ("#[cfg_attr(x, derive(Model))] #[table]", "", true),
            ("#[cfg_attr(x, derive(Model), table(y))]", "", true),
        ] {
            let found = &scan(&format!("{attributes} struct A;")).structs[0];
            let macros = found.neighbours.macros_above.iter();
            let texts: String = macros.map(|range| &attributes[range.clone()]).collect();
            assert_eq!(
                (texts.as_str(), found.neighbours.derive),
                (above, derive),
                "{attributes}"
            );
        }
    }

    #[test]
    fn includes() {
        let text = "include!(\"a.rs\"); #[cfg(x)] mod m { std::include! { r\"b.rs\" } } include!(concat!(\"c\")); // include!(\"d\")";
        let includes = scan(text).includes;
        let found: Vec<_> = includes
            .iter()
            .map(|include| (&text[include.path.clone()], include.condition))
            .collect();
        assert_eq!(
            found,
            [
                ("\"a.rs\"", Condition::None),
                (" r\"b.rs\" ", Condition::Around),
                ("concat!(\"c\")", Condition::None),
            ]
        );
    }

    #[test]
    fn modules_with_a_condition_of_their_own() {
        let text = "#[cfg(a)] mod b { mod c { #[cfg(d)] mod e; mod f; } } g! { mod h { mod i; } } mod j;";
        let modules = scan(text).modules;
        let adding = modules.iter().filter(|module| module.condition == Condition::Own);
        let names: Vec<&str> = adding.map(|module| module.name.name.as_str()).collect();
        assert_eq!(names, ["b", "e", "h"]);
    }

    #[test]
    fn modules_at_the_top_level() {
        let text = "mod a { mod b; } fn f() { mod c {} } const X: u8 = { mod d; 1 }; g! { mod h; } mod e;";
        let modules = scan(text).modules;
        let top = modules.iter().filter(|module| module.is_top_level);
        let names: Vec<&str> = top.map(|module| module.name.name.as_str()).collect();
        assert_eq!(names, ["a", "e"]);
    }

    #[test]
    fn a_use_that_is_no_import_hides_no_struct() {
        for text in [
            "impl B { fn c() -> impl D + use<'_> { e() } } #[table] struct A;",
            "p! { use std::fmt } #[table] struct A;",
            "use std::fmt #[table] struct A;",
            "use std::fmt mod m { #[table] struct A; }",
            "use std::{fmt #[table] struct A;",
        ] {
            assert_eq!(structs(text), ["A"], "{text}");
        }
        assert_eq!(structs("use"), [""; 0]);
    }

    #[test]
    fn modules() {
        let text = "mod a; #[cfg(x)] pub mod b; mod c { #[path = \"e.rs\"] mod d; } mod r#type; // mod no;";
        let modules = scan(text).modules;
        let lines: Vec<_> = modules
            .iter()
            .map(|module| {
                let ModuleName { name, attributes } = &module.name;
                (
                    name.as_str(),
                    module.condition > Condition::None,
                    module.inside.len(),
                    attributes.len(),
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                ("a", false, 0, 0),
                ("b", true, 0, 0),
                ("c", false, 0, 0),
                ("d", false, 1, 1),
                ("type", false, 0, 0)
            ]
        );
    }

    #[test]
    fn fields_after_the_last_word_are_not_lexed() {
        assert_eq!(
            last_word("#[table] struct A { mode: u8, stable: u8, tables: u8 }"),
            Some(2)
        );
        assert_eq!(last_word("mod a; include!(\"b\"); include_str!(\"c\");"), Some(7));
        assert_eq!(last_word("struct A { model: u8 }"), None);
    }
}
