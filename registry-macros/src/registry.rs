//! `table_registry!`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::quote;
use registry_core::engine::{self, CallSite, Code, Diagnostic, Invocation};

/// Where cargo says which package it compiles.
const PACKAGE: &str = "CARGO_MANIFEST_DIR";

/// Runs the pipeline on the files that the invocation names. `file` is the invoking file, if
/// the compiler tells it; `lex` is the compiler's lexer.
pub(crate) fn expand(
    file: Option<PathBuf>,
    arguments: TokenStream,
    lex: impl FnOnce(&str) -> TokenStream,
) -> (TokenStream, Vec<Diagnostic>) {
    let first_argument = arguments.clone().into_iter().next().map(|token| token.span());
    let mut faults = Vec::new();
    let invocation = Invocation::parse(arguments, &mut faults);
    let Some(file) = file.or_else(|| crate_root(env::var_os(PACKAGE))) else {
        faults.push(unknown_location());
        return (TokenStream::new(), faults);
    };
    let outcome = engine::run(&invocation, &CallSite::new(file));
    faults.extend(outcome.faults);
    for fault in &mut faults {
        // What is wrong in a file is shown at an argument: the call as a whole would add a line
        // about its expansion to each error.
        fault.span = fault.span.or(first_argument);
    }
    let import = import(&invocation.facade);
    let expansion = lex(&engine::expand(&outcome.registry, &outcome.tracked));
    (quote!(#import #expansion), faults)
}

/// One import, so that a crate that cannot be found is one error.
fn import(facade: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(unused_imports, unused_qualifications)]
        use #facade as __table_registry;
    }
}

/// rust-analyzer does not tell the invoking file. The macro belongs in the crate root.
fn crate_root(package: Option<OsString>) -> Option<PathBuf> {
    let source = Path::new(&package?).join("src");
    let roots = [source.join("lib.rs"), source.join("main.rs")];
    let present = roots.iter().find(|root| root.is_file());
    Some(present.unwrap_or(&roots[0]).clone())
}

fn unknown_location() -> Diagnostic {
    Diagnostic::new(
        Code::UnknownLocation,
        "the compiler does not say which file this is",
    )
    .note("schema directories are relative to the invoking file, and `CARGO_MANIFEST_DIR` is not set either")
    .help("compile with cargo, or set `CARGO_MANIFEST_DIR` to the package's directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rust-analyzer does: this package has no schema directory, which is then the fault.
    #[test]
    fn without_a_file_the_package_is_asked() {
        let (tokens, faults) = expand(None, "\"schema/\"".parse().unwrap(), |text| text.parse().unwrap());
        assert_eq!(faults[0].code, Code::DirectoryNotFound);
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema");
        assert!(faults[0].message.contains(&schema.display().to_string()));
        assert!(tokens.to_string().contains("TABLE_REGISTRY"));
    }

    #[test]
    fn without_either_there_is_a_fault_and_no_panic() {
        assert_eq!(crate_root(None), None);
        let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
        let root = crate_root(Some(quickstart.clone().into()));
        assert_eq!(root, Some(quickstart.join("src/lib.rs")));
        let fault = unknown_location();
        assert_eq!(fault.code, Code::UnknownLocation);
        assert!(fault.render().contains("`CARGO_MANIFEST_DIR`"));
    }
}
