//! The expansion of `table_registry!`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::quote;
use table_registry_engine::{self as engine, Analysis, CallSite, Diagnostic, Fault, Invocation, Root};

/// Runs the pipeline on the files that the invocation names. `file` is the invoking file if the compiler says which it
/// is, `package` is the directory in `CARGO_MANIFEST_DIR`, and `lex` is the compiler's lexer.
pub(crate) fn expand(
    file: Option<PathBuf>,
    package: Option<OsString>,
    arguments: TokenStream,
    lex: impl FnOnce(&str) -> TokenStream,
) -> (TokenStream, Vec<Diagnostic>) {
    let first_argument = arguments.clone().into_iter().next().map(|token| token.span());
    let mut faults = Vec::new();
    let invocation = Invocation::parse(arguments, &mut faults);
    let invoking_file = file.or_else(|| crate_root(package));
    let call = invoking_file.map(|file| CallSite::new(Root::current(), file));
    let analysis = match &call {
        Some(call) => engine::run(&invocation, call),
        None => Analysis::incomplete(unknown_location()),
    };
    let tracked = call.as_ref().map_or_else(Vec::new, |call| analysis.tracked(call));
    let directories = call.map_or_else(Vec::new, |call| directories(&invocation, &call));
    let expansion = engine::expand(&analysis.registry, &tracked, &directories);
    faults.extend(analysis.faults);
    for fault in &mut faults {
        // A fault in a file is shown at an argument. If it were shown at the whole call, the compiler would add a line
        // about the macro's expansion to each error.
        fault.span = fault.span.or(first_argument);
    }
    let import = engine::import(&invocation.facade);
    let expansion = lex(&expansion);
    (quote!(#import #expansion), faults)
}

fn directories(invocation: &Invocation, call: &CallSite) -> Vec<PathBuf> {
    let written = invocation.directories.iter();
    written.map(|directory| call.resolve(&directory.text)).collect()
}

/// The crate root, where the macro has to be called: a guess for rust-analyzer, which does not say which file invokes
/// the macro.
fn crate_root(package: Option<OsString>) -> Option<PathBuf> {
    let source = Path::new(&package?).join("src");
    let roots = [source.join("lib.rs"), source.join("main.rs")];
    let present = roots.iter().find(|root| Root::current().has_file(root));
    Some(present.unwrap_or(&roots[0]).clone())
}

fn unknown_location() -> Diagnostic {
    Diagnostic::new(
        Fault::UnknownLocation,
        "the compiler does not say which file this is",
    )
    .note("schema directories are relative to the invoking file, and `CARGO_MANIFEST_DIR` is not set either")
    .help("compile with cargo, or set `CARGO_MANIFEST_DIR` to the package's directory")
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Code;

    use super::*;

    fn expansion(package: Option<&Path>) -> (String, Vec<Diagnostic>) {
        let directory = package.map(OsString::from);
        let arguments = "\"schema/\"".parse().unwrap();
        let (tokens, faults) = expand(None, directory, arguments, |text| text.parse().unwrap());
        (tokens.to_string(), faults)
    }

    /// As under rust-analyzer. This package has no schema directory, and that is the only fault.
    #[test]
    fn without_a_file_the_package_says_where_the_crate_root_is() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (text, faults) = expansion(Some(package));
        assert_eq!(faults[0].code, Fault::DirectoryNotFound.into());
        let schema = package.join("src/schema");
        assert!(faults[0].message.contains(&schema.display().to_string()));
        assert!(text.contains("TABLE_REGISTRY"));
        let quickstart = package.join("../examples/quickstart");
        let (text, faults) = expansion(Some(&quickstart));
        assert!(faults.is_empty() && text.contains("audit_logs"), "{faults:?}");
    }

    /// Everything that a struct needs is still generated, so that this fault stays the only error.
    #[test]
    fn without_file_and_package_there_is_one_fault() {
        let (text, faults) = expansion(None);
        let codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [Fault::UnknownLocation.into()]);
        assert!(faults[0].span.is_some());
        assert!(text.contains("TABLE_REGISTRY") && text.contains("registered_by_table_registry"));
    }
}
