//! The pipeline behind the macros and the command line of `table-registry`: sources and policy files in, a registry
//! and diagnostics out.
//!
//! Not for user crates: the public items are those that the macros and the command line need, and change with them.
//! Each folder or file is a stage, and a stage uses only the stages before it:
//!
//! `text` ← `report` ← `name` ← `written` ← `call_site` ← `sources`, `policy` ← `registry` ← `expand` ← `pipeline`

mod call_site;
mod expand;
mod name;
mod pipeline;
mod policy;
mod registry;
mod report;
mod sources;
#[cfg(test)]
mod testing;
mod text;
mod written;

pub use call_site::{CallSite, Variables};
pub use expand::{
    ARRAYS, LOOK_UPS, LookUp, RegistryArray, copied_attribute, expand, import, not_in_crate_root,
    outside_directories, path_components,
};
pub use name::{NameFault, TableName, check as check_name, key, key_ident, raw_where_needed};
pub use pipeline::{Analysis, Inputs, run};
pub use policy::{
    Command, CrossTenantRole, DatabaseException, DatabaseSettings, DeclaredPolicy, DeclaredTable, EXEMPT,
    Exception, Exemption, INSERT_UPDATE_DELETE, LintSettings, MAIN_FILE, OVERRIDES, Override, Placed,
    Platform, Policy, PolicyFiles, REVOKE_FILE, Revoked, SYSTEM, TenancySettings, TenantColumn, Tenants,
    UPDATE_DELETE,
};
pub use registry::{Access, ExemptTable, Parent, RegisteredTable, Registry, Tenancy, validate};
pub use report::{
    CheckSubject, Code, DatabaseCheck, Diagnostic, Fault, Label, Level, Lint, LintOption, Severity, conflict,
};
pub use sources::{
    Compilation, CompileCheck, CompiledFiles, CrateFiles, Declaration, Declarations, HiddenName, ItemCall,
    LeftOut, Original, Orphan, PathAttribute, ScannedFile, compiled_files, declarations_in_text,
    file_leading_into, item_calls, module_at, module_candidates, original_at, path_attributes,
};
pub use text::{
    Root, Source, clean, conflict_marker, did_you_mean, display, is_foreign, nearest, rust_files,
    start_of_code, without_mark,
};
pub use written::{
    AllowedLint, Argument, CALL_ARGUMENTS, CallArgument, Declared, FlatMeta, Invocation, MAX_NESTING,
    TABLE_ARGUMENTS, TableArgument, Value, WrittenName, WrittenParent, WrittenPath, WrittenTenant, declare,
    flatten, flatten_text, is_of_rustversion, nests_too_deeply, not_a_struct, outer_attributes, repeated,
    split_arguments, too_deep_struct, too_many_conditions, ungroup, unknown_kind,
};
