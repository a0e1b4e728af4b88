//! Finds out whether a call of a macro is a call of `table_registry!`: under another name, re-exported, or in a macro that
//! forwards its arguments.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use table_registry_engine::{CallSite, CrateFiles, ScannedFile};

use crate::compiler_variables::PackageVariables;
use crate::imports::{Import, imports, imports_with_modules};
use crate::macro_rules::{self, Rule};
use crate::nesting;
use crate::workspace::{FACADE, Package, called, can_hold_schema};

pub const MACRO: &str = "table_registry";

/// How deeply wrappers may nest: this limit stops a macro that calls itself.
const MAX_WRAPPERS: usize = 64;

/// The macros of the standard library that expand to items.
const STANDARD: &[&str] = &["compile_error", "global_asm", "include", "thread_local"];

/// What a call of a macro means.
#[derive(Debug)]
pub enum Meaning {
    /// `table_registry!` is called.
    Registry {
        arguments: TokenStream,
        /// Whether a macro puts the call into a module.
        is_in_module: bool,
    },
    /// `table_registry!` is not called.
    Other,
    /// That cannot be told, for this reason.
    Unclear(String),
}

impl Meaning {
    /// One meaning for what may mean several things: a call, if there is one.
    fn of_all(all: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::Other;
        for meaning in all {
            match meaning {
                Self::Registry { .. } => return meaning,
                Self::Unclear(_) if matches!(result, Self::Other) => result = meaning,
                Self::Unclear(_) | Self::Other => {}
            }
        }
        result
    }
}

/// What the path of a macro leads to.
enum Found {
    /// `table_registry!` itself.
    Registry,
    /// The definitions with this name in one crate, of which a `cfg` may choose one.
    Rules(Rc<Krate>, Rc<Definitions>),
    /// A macro that cannot call `table_registry!`.
    Other,
    Nothing,
}

/// One search for a macro.
struct Query {
    /// Whether the macro is given a call of `table_registry!`, which any macro may pass on.
    is_given_call: bool,
    /// The crates and paths that were looked up before, since imports may form a circle.
    seen: Vec<(Vec<String>, Vec<String>)>,
}

/// A crate whose macros are looked up.
struct Krate {
    /// The path by which the user's code names it.
    path: Vec<String>,
    /// The package of another crate than the user's.
    package: Option<cargo_metadata::Package>,
    /// Whether one of its macros may call `table_registry!`: not without a dependency on the facade.
    may_wrap: bool,
    files: Rc<CrateFiles>,
    imports_of_root: OnceCell<Vec<Import>>,
    all_imports: OnceCell<Vec<Import>>,
    definitions: RefCell<BTreeMap<String, Rc<Definitions>>>,
}

/// The rules of each macro with one name.
type Definitions = Vec<Vec<Rule>>;

/// What the first name of a path stands for.
#[derive(Clone)]
enum Dependency {
    Facade,
    Crate(Rc<Krate>),
    /// No dependency: perhaps a module.
    None,
}

impl Krate {
    fn new(
        path: Vec<String>,
        package: Option<cargo_metadata::Package>,
        may_wrap: bool,
        files: Rc<CrateFiles>,
    ) -> Rc<Self> {
        Rc::new(Self {
            path,
            package,
            may_wrap,
            files,
            imports_of_root: OnceCell::new(),
            all_imports: OnceCell::new(),
            definitions: RefCell::default(),
        })
    }

    fn imports_of_root(&self) -> &[Import] {
        self.imports_of_root.get_or_init(|| {
            let files = self.files.in_root().iter().filter(|file| has_imports(file));
            files.flat_map(|file| imports(tokens(text(file)))).collect()
        })
    }

    /// The imports of all modules: much slower, since it reads all files.
    fn all_imports(&self) -> &[Import] {
        self.all_imports.get_or_init(|| {
            let files = self.files.all().filter(|file| has_imports(file));
            files
                .flat_map(|file| imports_with_modules(tokens(text(file))))
                .collect()
        })
    }

    fn definitions(&self, name: &str) -> Rc<Definitions> {
        if let Some(known) = self.definitions.borrow().get(name) {
            return Rc::clone(known);
        }
        let mut bodies = Vec::new();
        for file in self.files.all() {
            let text = text(file);
            if text.contains("macro_rules") && text.contains(name) {
                add_definitions(tokens(text), name, &mut bodies);
            }
        }
        let found = Rc::new(bodies.into_iter().map(macro_rules::rules).collect());
        let mut known = self.definitions.borrow_mut();
        Rc::clone(known.entry(name.to_string()).or_insert(found))
    }
}

/// Looks up the macros that a crate calls.
pub struct MacroLookup<'p> {
    package: &'p Package,
    own: Rc<Krate>,
    /// The crates that were read, by manifest.
    others: RefCell<BTreeMap<PathBuf, Rc<Krate>>>,
    /// What was found for the paths that start with the name of a crate.
    dependencies: RefCell<BTreeMap<Vec<String>, Dependency>>,
}

impl<'p> MacroLookup<'p> {
    /// `files` are those of the user's crate.
    pub fn new(package: &'p Package, files: Rc<CrateFiles>) -> Self {
        Self {
            package,
            own: Krate::new(vec!["crate".to_string()], None, true, files),
            others: RefCell::default(),
            dependencies: RefCell::default(),
        }
    }

    /// What the call of a macro means in the user's crate.
    pub fn meaning(&self, path: &[String], arguments: &TokenStream) -> Meaning {
        let meaning = self.meaning_at(path, arguments, 0);
        if let Meaning::Unclear(_) = meaning {
            let mut given = Vec::new();
            add_calls_inside(arguments.clone(), &mut given);
            // A macro such as `cfg_if!` passes on what it is given.
            if let [call] = given.as_slice() {
                return self.meaning_at(&call.path, &call.arguments.stream(), 1);
            }
        }
        meaning
    }

    fn meaning_at(&self, path: &[String], arguments: &TokenStream, depth: usize) -> Meaning {
        if depth == MAX_WRAPPERS {
            return Meaning::Unclear("its calls nest too deeply, as if it called itself".to_string());
        }
        let mut query = Query {
            is_given_call: mentions_macro(arguments.clone()),
            seen: Vec::new(),
        };
        match self.find(&self.own, path, &mut query) {
            Found::Registry => Meaning::Registry {
                arguments: arguments.clone(),
                is_in_module: false,
            },
            Found::Other => Meaning::Other,
            Found::Nothing => Meaning::Unclear(self.not_found(path)),
            Found::Rules(krate, definitions) => Meaning::of_all(definitions.iter().map(|rules| {
                self.meaning_of_rules(&krate, rules, arguments, depth)
                    .unwrap_or_else(|| {
                        Meaning::Unclear(format!(
                            "the expansion of `{}!` cannot be followed",
                            path.join("::")
                        ))
                    })
            })),
        }
    }

    fn not_found(&self, path: &[String]) -> String {
        let hint = if self.resolved().is_none() {
            "; the dependencies cannot be read: run `cargo fetch`"
        } else {
            ""
        };
        format!("no definition of `{}!` was found{hint}", path.join("::"))
    }

    /// `None` if no rule is found to match.
    fn meaning_of_rules(
        &self,
        krate: &Krate,
        rules: &[Rule],
        arguments: &TokenStream,
        depth: usize,
    ) -> Option<Meaning> {
        if !rules.iter().any(Rule::has_macro_call) && !mentions_macro(arguments.clone()) {
            return Some(Meaning::Other);
        }
        let expansion = with_crate(macro_rules::expand(rules, arguments)?, &krate.path);
        let calls = item_calls_in(expansion).into_iter();
        Some(Meaning::of_all(calls.map(|call| {
            let arguments = call.arguments.stream();
            let of_path = |path: &[String]| self.meaning_at(path, &arguments, depth + 1);
            let meaning = if call.path.len() > 1 || call.path[0] == MACRO {
                of_path(&call.path)
            } else {
                match of_path(&[krate.path.as_slice(), &call.path].concat()) {
                    Meaning::Unclear(_) => of_path(&call.path),
                    clear => clear,
                }
            };
            match meaning {
                Meaning::Registry {
                    arguments,
                    is_in_module,
                } => Meaning::Registry {
                    arguments,
                    is_in_module: is_in_module || call.is_in_module,
                },
                other => other,
            }
        })))
    }

    fn find(&self, krate: &Rc<Krate>, path: &[String], query: &mut Query) -> Found {
        let here = (krate.path.clone(), path.to_vec());
        if query.seen.contains(&here) {
            return Found::Nothing;
        }
        query.seen.push(here);
        let [first, rest @ ..] = path else {
            return Found::Nothing;
        };
        let Some(name) = rest.last() else {
            return self.find_name(krate, first, query);
        };
        match first.as_str() {
            "std" | "core" | "alloc" => return Found::Other,
            "crate" | "self" | "super" => return self.find(krate, rest, query),
            _ => {}
        }
        // A macro may be imported under the name of the facade, too.
        let is_facade = krate.package.is_none() && self.package.facade.as_ref() == Some(first);
        let is_alias = |import: &&Import| import.name.as_ref() == Some(first) && import.path[0] != *first;
        let mut imports = krate.imports_of_root().iter();
        if let Some(import) = imports.find(is_alias).filter(|_| !is_facade) {
            return self.find(krate, &[import.path.as_slice(), rest].concat(), query);
        }
        match self.dependency(krate, first) {
            Dependency::Facade if name == MACRO => Found::Registry,
            Dependency::Crate(other) if other.may_wrap || query.is_given_call => {
                self.find(&other, rest, query)
            }
            Dependency::Facade | Dependency::Crate(_) => Found::Other,
            Dependency::None => self.find_name(krate, name, query),
        }
    }

    fn find_name(&self, krate: &Rc<Krate>, name: &str, query: &mut Query) -> Found {
        let is_named = |import: &&Import| import.name.as_deref() == Some(name) && import.path != [name];
        let is_local = |import: &Import| matches!(import.path[0].as_str(), "crate" | "self" | "super");
        let mut in_root = krate.imports_of_root().iter().filter(is_named);
        if let Some(import) = in_root.find(|import| !is_local(import)) {
            return self.find(krate, &import.path, query);
        }
        let definitions = krate.definitions(name);
        if !definitions.is_empty() {
            return Found::Rules(Rc::clone(krate), definitions);
        }
        let all = krate.all_imports();
        let named = all.iter().filter(is_named);
        let mut through_names = named.map(|import| self.find(krate, &import.path, query));
        if let Some(found) = through_names.find(|found| !matches!(found, Found::Nothing)) {
            return found;
        }
        let globs = all.iter().filter(|import| import.name.is_none());
        for glob in globs.filter(|import| !import.path.is_empty() && !is_local(import)) {
            let found = match self.dependency(krate, &glob.path[0]) {
                Dependency::Crate(other) if other.may_wrap || query.is_given_call => {
                    self.find_name(&other, name, query)
                }
                Dependency::Crate(other) if !other.definitions(name).is_empty() => Found::Other,
                _ => Found::Nothing,
            };
            if !matches!(found, Found::Nothing) {
                return found;
            }
        }
        match name {
            // Its import may be in a macro. If it has none, the compiler says so.
            MACRO if krate.package.is_none() || krate.may_wrap => Found::Registry,
            _ if STANDARD.contains(&name) => Found::Other,
            _ => Found::Nothing,
        }
    }

    fn dependency(&self, krate: &Krate, name: &str) -> Dependency {
        let path = [krate.path.as_slice(), &[name.to_string()]].concat();
        if let Some(known) = self.dependencies.borrow().get(&path) {
            return known.clone();
        }
        let found = self.new_dependency(krate, name);
        self.dependencies.borrow_mut().insert(path, found.clone());
        found
    }

    fn new_dependency(&self, krate: &Krate, name: &str) -> Dependency {
        let found = match &krate.package {
            None if self.package.facade.as_deref() == Some(name) => return Dependency::Facade,
            None => {
                let mut by_path = self.package.path_dependencies.iter();
                let by_path = by_path.find(|(known, _)| known == name);
                let in_directory = by_path.and_then(|(_, directory)| package_in(directory));
                let found = in_directory.or_else(|| self.own_library(name));
                found.or_else(|| self.resolved_dependency(&self.own_manifest(), name))
            }
            Some(package) => {
                let normal =
                    |dependency: &&cargo_metadata::Dependency| dependency.kind == DependencyKind::Normal;
                let mut named = package.dependencies.iter().filter(normal);
                let named = named.find(|dependency| called(dependency) == name);
                if named.is_some_and(|dependency| dependency.name == FACADE) {
                    return Dependency::Facade;
                }
                let path = named.and_then(|dependency| dependency.path.as_ref());
                let in_directory = path.and_then(|path| package_in(path.as_std_path()));
                in_directory.or_else(|| self.resolved_dependency(package.manifest_path.as_std_path(), name))
            }
        };
        match found {
            Some(package) if package.name == FACADE => Dependency::Facade,
            Some(package) => {
                let path = match &krate.package {
                    None => vec![name.to_string()],
                    Some(_) => [krate.path.as_slice(), &[name.to_string()]].concat(),
                };
                self.krate(package, path)
                    .map_or(Dependency::None, Dependency::Crate)
            }
            None if name == MACRO => Dependency::Facade,
            None => Dependency::None,
        }
    }

    /// `None` if the package has no library.
    fn krate(&self, package: cargo_metadata::Package, path: Vec<String>) -> Option<Rc<Krate>> {
        let manifest = package.manifest_path.clone().into_std_path_buf();
        if let Some(known) = self.others.borrow().get(&manifest) {
            return Some(Rc::clone(known));
        }
        let files = Rc::new(self.files(&package)?);
        let may_wrap = self.may_wrap(&package);
        let krate = Krate::new(path, Some(package), may_wrap, files);
        self.others.borrow_mut().insert(manifest, Rc::clone(&krate));
        Some(krate)
    }

    /// `None` if the package has no library.
    fn files(&self, package: &cargo_metadata::Package) -> Option<CrateFiles> {
        let library = library(package)?;
        let file = library.src_path.clone().into_std_path_buf();
        let directory = package
            .manifest_path
            .as_std_path()
            .parent()
            .unwrap_or(Path::new(""));
        let call = CallSite::in_crate(self.package.root.clone(), file.clone(), file, Some(directory));
        let variables = PackageVariables::new(package, Path::new("")).of_crate(Some(&library.name), false);
        Some(CrateFiles::read(call.with_variables(Arc::new(variables))))
    }

    /// Whether the user's crate can call `table_registry!` through another crate at all.
    pub fn may_use_wrapper(&self) -> bool {
        let manifest = self.own_manifest();
        self.package.mentions_facade
            || self.resolved().is_none_or(|metadata| {
                let mut members = metadata.packages.iter();
                let own = members.find(|package| package.manifest_path.as_std_path() == manifest);
                own.is_none_or(|own| reaches_facade(metadata, &own.id))
            })
    }

    fn may_wrap(&self, package: &cargo_metadata::Package) -> bool {
        let dependencies = &package.dependencies;
        dependencies.iter().any(|dependency| dependency.name == FACADE)
            || (!dependencies.is_empty()
                && self
                    .resolved()
                    .is_none_or(|metadata| reaches_facade(metadata, &package.id)))
    }

    /// The library of the package, for its binaries.
    fn own_library(&self, name: &str) -> Option<cargo_metadata::Package> {
        let root = self.own.files.in_root().first()?;
        let directory = self.package.root.absolute(&self.package.directory);
        let is_binary = self.package.crate_roots.first() != Some(&root.path);
        let package = is_binary.then(|| package_in(&directory))??;
        let is_named = library(&package)?.name.replace('-', "_") == name;
        is_named.then_some(package)
    }

    fn own_manifest(&self) -> PathBuf {
        self.package.root.resolve(&self.package.manifest())
    }

    fn resolved_dependency(&self, manifest: &Path, name: &str) -> Option<cargo_metadata::Package> {
        let metadata = self.resolved()?;
        let is_package = |id: &PackageId| metadata[id].manifest_path.as_std_path() == manifest;
        let mut nodes = metadata.resolve.as_ref()?.nodes.iter();
        let node = nodes.find(|node| is_package(&node.id))?;
        let dependency = node.deps.iter().find(|dependency| dependency.name == name)?;
        Some(metadata[&dependency.pkg].clone())
    }

    /// All packages of the workspace and their dependencies, as far as they are downloaded.
    fn resolved(&self) -> Option<&Metadata> {
        let read = || {
            let mut command = MetadataCommand::new();
            command.manifest_path(self.own_manifest());
            command.other_options(["--offline".to_string()]);
            command.exec().ok()
        };
        self.package.resolved.get_or_init(read).as_ref()
    }
}

/// Whether a package depends on the facade, directly or not. If nothing is known of it, it may.
fn reaches_facade(metadata: &Metadata, package: &PackageId) -> bool {
    let nodes = metadata
        .resolve
        .as_ref()
        .map_or(&[][..], |resolve| &resolve.nodes);
    let dependencies = |id: &PackageId| nodes.iter().find(|node| node.id == *id);
    let mut ids = vec![package];
    let mut next = 0;
    while let Some(id) = ids.get(next) {
        next += 1;
        let Some(node) = dependencies(id) else {
            return true;
        };
        for id in &node.dependencies {
            if metadata[id].name == FACADE {
                return true;
            }
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    false
}

fn library(package: &cargo_metadata::Package) -> Option<&cargo_metadata::Target> {
    let mut targets = package.targets.iter();
    targets.find(|target| !target.is_bin() && target.kind.iter().any(can_hold_schema))
}

/// The package whose manifest is in a directory.
fn package_in(directory: &Path) -> Option<cargo_metadata::Package> {
    let manifest = directory.join("Cargo.toml");
    let mut command = MetadataCommand::new();
    let metadata = command.no_deps().manifest_path(&manifest).exec().ok()?;
    let canonical = manifest.canonicalize().ok()?;
    let is_here = |package: &cargo_metadata::Package| {
        package
            .manifest_path
            .as_std_path()
            .canonicalize()
            .is_ok_and(|path| path == canonical)
    };
    metadata.packages.into_iter().find(is_here)
}

/// Adds the body of each `macro_rules! name { … }`, which may be in a module.
fn add_definitions(tokens: TokenStream, name: &str, bodies: &mut Vec<TokenStream>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for window in trees.windows(4) {
        if let [
            TokenTree::Ident(keyword),
            TokenTree::Punct(_),
            TokenTree::Ident(defined),
            TokenTree::Group(body),
        ] = window
            && keyword == "macro_rules"
            && defined.unraw() == name
        {
            bodies.push(body.stream());
        }
    }
    for tree in trees {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                add_definitions(group.stream(), name, bodies);
            }
            _ => {}
        }
    }
}

/// The tokens with `$crate` replaced by the path of the crate.
fn with_crate(tokens: TokenStream, path: &[String]) -> TokenStream {
    let krate: TokenStream = path.join("::").parse().unwrap_or_default();
    let is_crate = |tree: &TokenTree| matches!(tree, TokenTree::Ident(ident) if ident == "crate");
    let mut trees = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => match trees.next_if(is_crate) {
                Some(_) => replaced.extend(krate.clone()),
                None => replaced.extend([TokenTree::Punct(dollar)]),
            },
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_crate(group.stream(), path));
                inner.set_span(group.span());
                replaced.extend([TokenTree::Group(inner)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

fn has_imports(file: &ScannedFile) -> bool {
    text(file).contains("use ") || text(file).contains("extern ")
}

fn text(file: &ScannedFile) -> &str {
    &file.source.text
}

/// The tokens of a file; none if it cannot be tokenized, which the compiler reports.
fn tokens(text: &str) -> TokenStream {
    nesting::tokens(text).unwrap_or_default()
}

/// `path!(…)`.
struct MacroCall {
    path: Vec<String>,
    arguments: Group,
    is_in_module: bool,
}

/// The calls in the expansion of a macro where an item may stand.
fn item_calls_in(tokens: TokenStream) -> Vec<MacroCall> {
    let mut calls = Vec::new();
    // `None` in the middle of an item.
    let mut path: Option<Vec<String>> = Some(Vec::new());
    let mut is_call = false;
    let mut words: Vec<String> = Vec::new();
    for tree in tokens {
        let is_empty = path.as_ref().is_some_and(Vec::is_empty);
        match tree {
            TokenTree::Ident(ident) if !is_call => {
                if let Some(path) = path.as_mut().filter(|_| words.is_empty()) {
                    path.push(ident.unraw().to_string());
                } else {
                    path = None;
                }
                words.push(ident.to_string());
                continue;
            }
            TokenTree::Group(arguments) if is_call && path.is_some() => calls.push(MacroCall {
                path: path.replace(Vec::new()).unwrap_or_default(),
                arguments,
                is_in_module: false,
            }),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if matches!(words.as_slice(), [.., keyword, _] if keyword == "mod") {
                    let inside = item_calls_in(group.stream()).into_iter();
                    calls.extend(inside.map(|call| MacroCall {
                        is_in_module: true,
                        ..call
                    }));
                }
                path = Some(Vec::new());
            }
            // An attribute.
            TokenTree::Group(group) if is_empty && group.delimiter() == Delimiter::Bracket => {}
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => path = Some(Vec::new()),
                '!' if path.is_some() && !is_empty => {
                    is_call = true;
                    words.clear();
                    continue;
                }
                '#' | '!' if is_empty => {}
                ':' => {}
                _ => path = None,
            },
            _ => path = None,
        }
        is_call = false;
        words.clear();
    }
    calls
}

/// Adds the calls of `table_registry!` among the tokens that a macro is given, at any depth of braces.
fn add_calls_inside(tokens: TokenStream, calls: &mut Vec<MacroCall>) {
    let is_ours = |call: &MacroCall| call.path.last().is_some_and(|name| name == MACRO);
    calls.extend(item_calls_in(tokens.clone()).into_iter().filter(is_ours));
    for tree in tokens {
        if let TokenTree::Group(group) = tree
            && group.delimiter() == Delimiter::Brace
        {
            add_calls_inside(group.stream(), calls);
        }
    }
}

fn mentions_macro(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident.unraw() == MACRO,
        TokenTree::Group(group) => mentions_macro(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> String {
        let calls = item_calls_in(text.parse().unwrap()).into_iter();
        let shown: Vec<String> = calls
            .map(|call| format!("{}({})", call.path.join("::"), call.arguments.stream()))
            .collect();
        shown.join(", ")
    }

    #[test]
    fn calls_where_an_item_may_stand() {
        assert_eq!(
            calls("use a::b; ::a::b!(\"x\"); fn f() { c!(); } d! { y } macro_rules! e { () => {} }"),
            "a::b(\"x\"), d(y)"
        );
        assert_eq!(
            calls("const A: &str = a!(1); #[doc = \"x\"] b!(); pub mod c {} impl d!() {}"),
            "b()"
        );
        assert_eq!(
            calls("pub mod a { b!(1); mod c { d!(2); } } e!(3);"),
            "b(1), d(2), e(3)"
        );
        let mut inside = Vec::new();
        let given = "if #[cfg(x)] { a::table_registry!(1); } else { b!(2); }";
        add_calls_inside(given.parse().unwrap(), &mut inside);
        assert_eq!(inside.len(), 1);
    }

    #[test]
    fn every_definition_is_found_in_modules_too() {
        let text = "mod m { macro_rules! a { () => { b!() } } } macro_rules! c { () => {} } macro_rules! c { () => { d!() } }";
        let count = |name| {
            let mut bodies = Vec::new();
            add_definitions(text.parse().unwrap(), name, &mut bodies);
            bodies.len()
        };
        assert_eq!((count("a"), count("b"), count("c")), (1, 0, 2));
    }

    #[test]
    fn the_crate_gets_the_path_that_the_user_gives_it() {
        let tokens = "a!(crate = $crate::b, [$crate])".parse().unwrap();
        let expected: TokenStream = "a!(crate = company::c::b, [company::c])".parse().unwrap();
        let path = ["company".to_string(), "c".to_string()];
        assert_eq!(with_crate(tokens, &path).to_string(), expected.to_string());
    }
}
