//! Diagnostics to compiler errors. The only file that knows `proc-macro-error2`.

use proc_macro_error2::{Diagnostic as Error, Level, entry_point, set_dummy};
use proc_macro2::{Span, TokenStream};
use table_registry_engine::Diagnostic;

/// Runs a macro and turns its faults into errors beside what it expands to. The tokens are
/// kept, so that a fault does not make others.
pub(crate) fn expand(
    macro_body: impl FnOnce() -> (TokenStream, Vec<Diagnostic>) + std::panic::UnwindSafe,
) -> proc_macro::TokenStream {
    let emit_all = || {
        let (tokens, faults) = macro_body();
        set_dummy(tokens.clone());
        for fault in &faults {
            emit(fault);
        }
        tokens.into()
    };
    entry_point(emit_all, false)
}

/// Where the tokens of the macro's input are the place, the compiler shows them. Where a file is
/// the place, the excerpt is part of the text: stable Rust has no spans in files.
fn emit(fault: &Diagnostic) {
    let span = fault.span.unwrap_or_else(Span::call_site);
    Error::spanned(span, Level::Error, fault.render()).emit();
}
