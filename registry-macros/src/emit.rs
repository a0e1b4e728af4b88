//! Turns diagnostics into compiler errors. No other file uses `proc-macro-error2`.

use proc_macro_error2::{Diagnostic as Error, Level, entry_point, set_dummy};
use proc_macro2::{Span, TokenStream};
use table_registry_engine::Diagnostic;

/// Runs a macro and emits its faults as errors, next to what the macro expands to. The expansion is kept so that one
/// fault does not cause others.
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

/// The compiler shows the place if it is in the macro's input. If it is in another file, the excerpt is part of the text, because
/// stable Rust has no spans in such files.
fn emit(fault: &Diagnostic) {
    let span = fault.span.unwrap_or_else(Span::call_site);
    Error::spanned(span, Level::Error, fault.render()).emit();
}
