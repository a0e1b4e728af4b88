//! Finds the calls of `table_registry!` in a package: in the crate roots, in files that they include, under another name,
//! and through a macro that forwards its arguments.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_metadata::{Metadata, MetadataCommand, PackageId};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use table_registry_engine::{
    CallSite, Diagnostic, Root, ScannedFile, Source, files_of_root, registry_calls, rust_files,
};

use crate::failure::Failure;
use crate::imports::{Import, imports};
use crate::macro_rules::{self, Rule};
use crate::nesting;
use crate::workspace::{FACADE, Package};

const MACRO: &str = "table_registry";

/// How deeply wrappers may nest: this limit stops a macro that calls itself.
const MAX_WRAPPERS: usize = 64;

/// A call of `table_registry!`, under any name.
pub struct RegistryCall {
    pub call: CallSite,
    /// What `table_registry!` is called with.
    pub arguments: TokenStream,
    /// The crate root.
    pub root: Arc<Source>,
    /// The file with the call.
    source: Arc<Source>,
    /// The byte range of the arguments that the user wrote.
    place: Range<usize>,
}

impl RegistryCall {
    /// Every call in the crates of a package, the library's first. Fails if a crate has more than one.
    pub fn find_all(package: &Package) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for crate_root in &package.crate_roots {
            let mut calls = calls_in_crate(package, crate_root)?;
            match calls.len() {
                0 | 1 => found.append(&mut calls),
                _ => return Err(several_calls(package, &calls)),
            }
        }
        Ok(found)
    }

    fn line(&self) -> String {
        format!("`{}:{}`", self.source.path, self.source.line(self.place.start))
    }

    /// Returns the fault of an argument with its place in the file.
    pub fn locate(&self, fault: Diagnostic) -> Diagnostic {
        if fault.span.is_none() || !fault.labels.is_empty() {
            return fault;
        }
        let range = match place(fault.span, &self.source.text[self.place.clone()]) {
            Some(within) => self.place.start + within.start..self.place.start + within.end,
            None => self.place.clone(),
        };
        fault.at(&self.source, range, "")
    }
}

/// The byte range of a span in the text that it was parsed from; `None` for a span from another text.
pub fn place(span: Option<Span>, text: &str) -> Option<Range<usize>> {
    let range = span?.byte_range();
    (!range.is_empty() && text.get(range.clone()).is_some()).then_some(range)
}

fn calls_in_crate(package: &Package, crate_root: &Path) -> Result<Vec<RegistryCall>, Failure> {
    let files = files_of_root(&call_site(package, crate_root, crate_root));
    let Some(root) = files.first() else {
        return match Source::read(&package.root, crate_root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io("read", crate_root, &error))
            }
            // Cargo lists targets whose files do not exist yet, or are generated.
            _ => Ok(Vec::new()),
        };
    };
    let mut calls = Vec::new();
    for file in &files {
        for range in registry_calls(&file.source.text) {
            calls.push(direct_call(package, root, file, range)?);
        }
    }
    if calls.is_empty() {
        let wrappers = Wrappers::new(package, &files);
        calls.extend(files.iter().flat_map(|file| wrappers.calls_in(root, file)));
    }
    Ok(calls)
}

/// A call in a file that is the crate root, or that the crate root includes.
pub fn call_site(package: &Package, file: &Path, crate_root: &Path) -> CallSite {
    let [file_path, root_path] = [file, crate_root].map(Path::to_path_buf);
    let call = CallSite::in_crate(
        package.root.clone(),
        file_path,
        root_path,
        Some(&package.directory),
    );
    call.with_variables(Arc::new(package.variables_of(crate_root)))
}

fn direct_call(
    package: &Package,
    root: &ScannedFile,
    file: &ScannedFile,
    place: Range<usize>,
) -> Result<RegistryCall, Failure> {
    let mut call = RegistryCall {
        call: call_site(package, &file.path, &root.path),
        arguments: TokenStream::new(),
        root: Arc::clone(&root.source),
        source: Arc::clone(&file.source),
        place,
    };
    call.arguments = nesting::tokens(&file.source.text[call.place.clone()]).map_err(|reason| {
        let line = call.line();
        let message = format!("the arguments of `table_registry!` in {line} cannot be tokenized");
        Failure::new(message).note(reason)
    })?;
    Ok(call)
}

fn several_calls(package: &Package, calls: &[RegistryCall]) -> Failure {
    let lines: Vec<String> = calls.iter().map(RegistryCall::line).collect();
    Failure::new(format!(
        "a crate of package `{}` calls `table_registry!` more than once",
        package.name
    ))
    .note(lines.join(", "))
    .help("keep one call; it can name several directories")
}

/// Looks for calls of macros that call `table_registry!`.
struct Wrappers<'p> {
    package: &'p Package,
    imports: Vec<Import>,
    /// The directory of this crate's sources.
    own: PathBuf,
}

/// What the name of a macro stands for.
enum Definition {
    /// `table_registry!` itself.
    Renamed,
    Rules(Vec<Rule>),
}

impl<'p> Wrappers<'p> {
    fn new(package: &'p Package, files: &[ScannedFile]) -> Self {
        let texts = files.iter().map(|file| &file.source.text);
        let directory = files.first().and_then(|root| root.path.parent());
        Self {
            package,
            imports: texts.flat_map(|text| imports(tokens(text))).collect(),
            own: package.root.resolve(directory.unwrap_or(Path::new(""))),
        }
    }

    fn calls_in(&self, root: &ScannedFile, file: &ScannedFile) -> Vec<RegistryCall> {
        let text = &file.source.text;
        let written = macro_calls(tokens(text)).into_iter();
        let calls = written.filter_map(|written| {
            let place = written.place();
            // Parsed again, so that places count from the start of the arguments.
            let arguments = text.get(place.clone())?.parse().ok()?;
            Some(RegistryCall {
                arguments: self.arguments(&written.path, &arguments, 0)?,
                call: call_site(self.package, &file.path, &root.path),
                root: Arc::clone(&root.source),
                source: Arc::clone(&file.source),
                place,
            })
        });
        calls.collect()
    }

    /// The arguments with which a macro calls `table_registry!`, if it does.
    fn arguments(&self, path: &[String], arguments: &TokenStream, depth: usize) -> Option<TokenStream> {
        let full_path = self.without_alias(path);
        let (name, krate) = full_path.split_last()?;
        if name == MACRO {
            return Some(arguments.clone());
        }
        if depth == MAX_WRAPPERS {
            return None;
        }
        let crates = self.crates(krate.first().map(String::as_str));
        crates.into_iter().find_map(|(krate, directory)| {
            let rules = match definition(&directory, name)? {
                Definition::Renamed => return Some(arguments.clone()),
                Definition::Rules(rules) => rules,
            };
            if !rules.iter().any(Rule::has_macro_call) {
                return None;
            }
            let expanded = with_crate(macro_rules::expand(&rules, arguments)?, &krate);
            macro_calls(expanded).into_iter().find_map(|call| {
                let path = match call.path.as_slice() {
                    [name] if name != MACRO => vec![krate.clone(), name.clone()],
                    path => path.to_vec(),
                };
                self.arguments(&path, &call.arguments.stream(), depth + 1)
            })
        })
    }

    fn without_alias(&self, path: &[String]) -> Vec<String> {
        let mut full_path = path.to_vec();
        // An alias may stand for another one. The limit stops those that stand for each other.
        for _ in 0..MAX_WRAPPERS {
            let first = full_path.first();
            let mut named = self.imports.iter();
            let found = named.find(|import| import.name.as_ref() == first);
            match found.filter(|import| import.path.first() != first) {
                Some(import) => full_path = [import.path.as_slice(), &full_path[1..]].concat(),
                None => break,
            }
        }
        full_path
    }

    /// The crates that may define a macro, each under the name that the code uses: the crate in the macro's path, or
    /// else this crate and those that `#[macro_use]` or a glob import brings in.
    fn crates(&self, named: Option<&str>) -> Vec<(String, PathBuf)> {
        let own = ("crate".to_string(), self.own.clone());
        match named {
            Some("crate" | "self") => vec![own],
            // Or it is a module of this crate.
            Some(name) => vec![self.dependency(name).unwrap_or(own)],
            None => {
                let globs = self.imports.iter().filter(|import| import.name.is_none());
                let others = globs.filter_map(|import| self.dependency(import.path.first()?));
                [own].into_iter().chain(others).collect()
            }
        }
    }

    fn dependency(&self, name: &str) -> Option<(String, PathBuf)> {
        let mut by_path = self.package.path_dependencies.iter();
        let directory = match by_path.find(|(known, _)| known == name) {
            Some((_, directory)) => directory.clone(),
            None => downloaded(self.package, name)?,
        };
        Some((name.to_string(), directory))
    }
}

/// The directory of a dependency that is not a path in the manifest, if it depends on the facade, as a wrapper does.
fn downloaded(package: &Package, name: &str) -> Option<PathBuf> {
    let metadata = package.resolved.get_or_init(|| resolved(package)).as_ref()?;
    let is_package = |id: &PackageId| metadata[id].name.as_str() == package.name;
    let mut nodes = metadata.resolve.as_ref()?.nodes.iter();
    let node = nodes.find(|node| is_package(&node.id))?;
    let dependency = node.deps.iter().find(|dependency| dependency.name == name)?;
    let found = &metadata[&dependency.pkg];
    let is_wrapper = found
        .dependencies
        .iter()
        .any(|dependency| dependency.name == FACADE);
    let directory = found.manifest_path.as_std_path().parent();
    directory.filter(|_| is_wrapper).map(Path::to_path_buf)
}

/// All packages of the workspace and their dependencies, as far as they are downloaded.
fn resolved(package: &Package) -> Option<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(package.root.resolve(&package.manifest()));
    command.other_options(["--offline".to_string()]);
    command.exec().ok()
}

/// The definition of a macro in one of the files below a directory.
fn definition(directory: &Path, name: &str) -> Option<Definition> {
    let (files, _) = rust_files(&Root::current(), directory, &directory.join("src/lib.rs"));
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    texts.filter(|text| text.contains(name)).find_map(|text| {
        let tokens = tokens(&text);
        let mut imports = imports(tokens.clone()).into_iter();
        if imports.any(|import| import.renames(MACRO, name)) {
            return Some(Definition::Renamed);
        }
        defined(tokens, name).map(|body| Definition::Rules(macro_rules::rules(body)))
    })
}

/// The body of `macro_rules! name { … }`, which may be in a module.
fn defined(tokens: TokenStream, name: &str) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let here = trees.windows(4).find_map(|window| match window {
        [
            TokenTree::Ident(keyword),
            TokenTree::Punct(_),
            TokenTree::Ident(defined),
            TokenTree::Group(body),
        ] if keyword == "macro_rules" && defined == name => Some(body.stream()),
        _ => None,
    });
    here.or_else(|| {
        trees.into_iter().find_map(|tree| match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => defined(group.stream(), name),
            _ => None,
        })
    })
}

/// The tokens with `$crate` replaced by the name of the crate.
fn with_crate(tokens: TokenStream, krate: &str) -> TokenStream {
    let is_crate = |tree: &TokenTree| matches!(tree, TokenTree::Ident(ident) if ident == "crate");
    let mut trees = tokens.into_iter().peekable();
    let mut replaced: Vec<TokenTree> = Vec::new();
    while let Some(tree) = trees.next() {
        replaced.push(match tree {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => match trees.next_if(is_crate) {
                Some(_) => Ident::new(krate, Span::call_site()).into(),
                None => dollar.into(),
            },
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_crate(group.stream(), krate));
                inner.set_span(group.span());
                inner.into()
            }
            other => other,
        });
    }
    replaced.into_iter().collect()
}

/// The tokens of a file; none if it cannot be tokenized, which the compiler reports.
fn tokens(text: &str) -> TokenStream {
    nesting::tokens(text).unwrap_or_default()
}

/// `path!(…)`.
struct MacroCall {
    path: Vec<String>,
    arguments: Group,
}

impl MacroCall {
    /// The byte range between the delimiters, in the text that was parsed.
    fn place(&self) -> Range<usize> {
        let [open, close] = [self.arguments.span_open(), self.arguments.span_close()];
        open.byte_range().end..close.byte_range().start
    }
}

/// The calls outside of any block.
fn macro_calls(tokens: TokenStream) -> Vec<MacroCall> {
    let mut calls = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut is_call = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(arguments) if is_call => calls.push(MacroCall {
                path: std::mem::take(&mut path),
                arguments,
            }),
            TokenTree::Punct(punct) if punct.as_char() == '!' && !path.is_empty() => {
                is_call = true;
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            TokenTree::Ident(ident) if !is_call => path.push(ident.unraw().to_string()),
            _ => path.clear(),
        }
        is_call = false;
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<(String, String)> {
        let calls = macro_calls(text.parse().unwrap()).into_iter();
        let shown = calls.map(|call| (call.path.join("::"), text[call.place()].to_string()));
        shown.collect()
    }

    #[test]
    fn calls_outside_of_blocks() {
        let pair = |path: &str, arguments: &str| (path.to_string(), arguments.to_string());
        assert_eq!(
            written("use a::b; ::a::b!(\"x\"); fn f() { c!(); } d! { y } macro_rules! e { () => {} }"),
            [pair("a::b", "\"x\""), pair("d", " y ")]
        );
        assert_eq!(written("a != (b); !(c)"), []);
    }

    #[test]
    fn a_macro_is_found_in_modules() {
        let text = "mod m { macro_rules! a { () => { b!() } } } macro_rules! c { () => {} }";
        let body = |name| defined(text.parse().unwrap(), name).map(|body| body.to_string());
        assert!(body("a").unwrap().contains('b'));
        assert!(body("c").is_some());
        assert!(body("b").is_none());
    }

    #[test]
    fn the_crate_gets_the_name_that_the_user_gives_it() {
        let tokens = "a!(crate = $crate::b, [$crate])".parse().unwrap();
        let expected: TokenStream = "a!(crate = company::b, [company])".parse().unwrap();
        assert_eq!(with_crate(tokens, "company").to_string(), expected.to_string());
    }
}
