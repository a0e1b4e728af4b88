//! Checks the names of tables and schemas in attributes.

use syn::LitStr;

use crate::name;
use crate::report::{Diagnostic, Fault};

/// The fault of a name, without a place. `what` is `table name` or `schema name`.
pub fn name_fault(what: &str, name: &str) -> Option<Diagnostic> {
    let fault = name::check(what, name).err()?;
    Some(Diagnostic::new(fault.code, fault.message).help(fault.help))
}

/// The name in a string literal, if it can be one.
pub fn checked(what: &str, literal: &LitStr, faults: &mut Vec<Diagnostic>) -> Option<String> {
    let name = literal.value();
    let fault = name_fault(what, &name).map(|fault| fault.spanned(literal.span()));
    // With a dot in it, the name is still the one that the policy files use.
    let is_name = fault.as_ref().is_none_or(|fault| fault.is(Fault::DottedName));
    faults.extend(fault);
    is_name.then_some(name)
}
