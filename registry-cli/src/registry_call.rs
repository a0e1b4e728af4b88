//! Finds the calls of `table_registry!` in the crates of a package.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream};
use table_registry_engine::{
    CallSite, CrateFiles, Diagnostic, ItemCall, ScannedFile, Source, item_calls, not_in_crate_root,
};

use crate::failure::Failure;
use crate::macro_lookup::{MACRO, MacroLookup, Meaning};
use crate::nesting;
use crate::workspace::Package;

/// The note about the crates that are searched.
pub const SEARCHED: &str =
    "only the library and the binaries are searched: not tests, examples, benches or build scripts";

/// The help for a macro that may call `table_registry!`.
pub const CALL_PLAINLY: &str = "if that macro calls it, call `table_registry!` without the macro; if not, add the call by hand: `init` does not add a \
     second call";

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
    is_in_module: bool,
    /// The faults of the calls in modules: this one, or others of the same crate.
    pub misplaced: Vec<Diagnostic>,
    /// Whether a `cfg` may leave it out.
    is_conditional: bool,
}

impl RegistryCall {
    /// Every call in the crates of a package, the library's first. Fails if a crate has more than one.
    pub fn find_all(package: &Package) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for crate_root in &package.crate_roots {
            found.extend(CrateSearch::run(package, crate_root)?.calls.into_iter().next());
        }
        Ok(found)
    }

    /// `src/lib.rs:3`.
    fn line(&self) -> String {
        line(&self.source, self.place.start)
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

    /// Whether only a `cfg` can tell which of two calls counts, and it does not matter which.
    fn is_same_under_cfg(&self, other: &Self) -> bool {
        self.is_conditional
            && other.is_conditional
            && self.arguments.to_string() == other.arguments.to_string()
            && self.call.directory() == other.call.directory()
    }
}

fn line(source: &Source, place: usize) -> String {
    format!("`{}:{}`", source.path, source.line(place))
}

/// The byte range of a span in the text that it was parsed from; `None` for a span from another text.
pub fn place(span: Option<Span>, text: &str) -> Option<Range<usize>> {
    let span = span?;
    let range = span.byte_range();
    let here = text.get(range.clone())?;
    (!range.is_empty() && span.source_text().is_none_or(|written| written == here)).then_some(range)
}

/// What was found in one crate.
#[derive(Default)]
struct CrateSearch {
    calls: Vec<RegistryCall>,
    /// The calls of macros in the crate root that may call `table_registry!`, each with the reason why that cannot be
    /// told. Empty if there is a call.
    unclear: Vec<String>,
}

impl CrateSearch {
    /// Fails if there are several calls.
    fn run(package: &Package, crate_root: &Path) -> Result<Self, Failure> {
        let files = Rc::new(CrateFiles::read(call_site(package, crate_root, crate_root)));
        let Some(root) = files.in_root().first() else {
            return match Source::read(&package.root, crate_root) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Failure::io("read", crate_root, &error))
                }
                // Cargo lists targets whose files do not exist yet, or are generated.
                _ => Ok(Self::default()),
            };
        };
        let lookup = MacroLookup::new(package, Rc::clone(&files));
        let mut search = Self::default();
        search.add_all(package, &lookup, root, written_calls(files.in_root(), true))?;
        if search.calls.is_empty() {
            // The files of modules may be many: they are read only if the call is not where it belongs.
            let written = written_calls(files.in_modules(), false);
            search.add_all(package, &lookup, root, written)?;
        }
        if !search.calls.is_empty() || (!search.unclear.is_empty() && !lookup.may_use_wrapper()) {
            search.unclear.clear();
        }
        search.check_count(package)?;
        Ok(search)
    }

    /// Adds the calls by name; if there are none, the calls of macros that may be wrappers, those in the crate root first.
    fn add_all(
        &mut self,
        package: &Package,
        lookup: &MacroLookup<'_>,
        root: &ScannedFile,
        written: Vec<WrittenCall<'_>>,
    ) -> Result<(), Failure> {
        let (named, others): (Vec<_>, Vec<_>) =
            written.into_iter().partition(|written| is_named(&written.call));
        let (in_root, in_modules): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|written| written.is_in_root);
        for group in [named, in_root, in_modules] {
            if self.calls.is_empty() {
                for written in group {
                    self.add(package, lookup, root, written)?;
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        package: &Package,
        lookup: &MacroLookup<'_>,
        root: &ScannedFile,
        written: WrittenCall<'_>,
    ) -> Result<(), Failure> {
        let WrittenCall {
            file,
            call: written,
            is_in_root,
        } = written;
        let source = &file.source;
        // Parsed on their own, so that places count from the start of the arguments.
        let arguments = match nesting::tokens(&source.text[written.arguments.clone()]) {
            Ok(arguments) => arguments,
            Err(_) if !is_named(&written) => return Ok(()),
            Err(reason) => {
                let line = line(source, written.arguments.start);
                let message = format!("the arguments of `table_registry!` in {line} cannot be tokenized");
                return Err(Failure::new(message).note(reason));
            }
        };
        match lookup.meaning(&written.path, &arguments) {
            Meaning::Registry {
                arguments,
                is_in_module,
            } => self.calls.push(RegistryCall {
                call: call_site(package, &file.path, &root.path),
                arguments,
                root: Arc::clone(&root.source),
                source: Arc::clone(source),
                misplaced: Vec::new(),
                is_in_module: is_in_module || !is_in_root,
                is_conditional: written.is_conditional,
                place: written.arguments,
            }),
            Meaning::Unclear(reason) if is_in_root => self.unclear.push(format!(
                "`{}!` in {} may call it: {reason}",
                written.path.join("::"),
                line(source, written.arguments.start)
            )),
            Meaning::Unclear(_) | Meaning::Other => {}
        }
        Ok(())
    }

    /// Keeps one call, with the faults of those in modules. Fails if there are several in the crate root, unless they are
    /// the same under different conditions.
    fn check_count(&mut self, package: &Package) -> Result<(), Failure> {
        let mut misplaced = Vec::new();
        for call in self.calls.iter().filter(|call| call.is_in_module) {
            misplaced.push(not_in_crate_root().at(&call.source, call.place.clone(), ""));
        }
        self.calls.sort_by_key(|call| call.is_in_module);
        let in_root = self.calls.iter().filter(|call| !call.is_in_module).count();
        self.calls.truncate(in_root.max(1));
        let Some((first, others)) = self.calls.split_first_mut() else {
            return Ok(());
        };
        if others.iter().all(|call| call.is_same_under_cfg(first)) {
            first.misplaced = misplaced;
            self.calls.truncate(1);
            return Ok(());
        }
        let lines: Vec<String> = self.calls.iter().map(RegistryCall::line).collect();
        let failure = Failure::new(format!(
            "a crate of package `{}` calls `table_registry!` more than once",
            package.name
        ))
        .note(lines.join(", "));
        let failure = if self.calls.iter().any(|call| call.is_conditional) {
            failure.note(
                "only the compiler knows which `cfg` holds; the registry has to be the same in every build",
            )
        } else {
            failure
        };
        Err(failure.help("keep one call; it can name several directories"))
    }
}

fn is_named(call: &ItemCall) -> bool {
    call.path.last().is_some_and(|name| name == MACRO)
}

/// A call of a macro where an item may stand.
struct WrittenCall<'f> {
    file: &'f ScannedFile,
    call: ItemCall,
    /// Whether it is in the module that is the crate root.
    is_in_root: bool,
}

/// The calls in files whose items are, or are not, items of the crate root.
fn written_calls(files: &[ScannedFile], are_in_root: bool) -> Vec<WrittenCall<'_>> {
    let calls = files.iter().flat_map(|file| {
        let calls = item_calls(&file.source.text).into_iter();
        calls.map(move |call| WrittenCall {
            file,
            is_in_root: are_in_root && !call.is_in_module,
            call,
        })
    });
    calls.collect()
}

/// The failure of a package in which no call was found.
pub fn no_call(package: &Package) -> Failure {
    let unclear = unclear_calls(package);
    let failure = if unclear.is_empty() {
        let message = format!("package `{}` does not call `table_registry!`", package.name);
        Failure::new(message)
    } else {
        let message = format!(
            "cannot tell whether package `{}` calls `table_registry!`",
            package.name
        );
        unclear.iter().fold(Failure::new(message), Failure::note)
    };
    let roots = package.crate_roots.iter();
    let roots: Vec<String> = roots.map(|root| format!("`{}`", root.display())).collect();
    failure
        .note(format!("looked in {}", roots.join(", ")))
        .note("only the library and the binaries are searched: not tests, examples, benches or build scripts")
}

/// The calls of macros in the crate roots that may call `table_registry!`, and why that cannot be told.
pub fn unclear_calls(package: &Package) -> Vec<String> {
    let searches = package
        .crate_roots
        .iter()
        .flat_map(|root| CrateSearch::run(package, root));
    searches.flat_map(|search| search.unclear).collect()
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
