//! Takes the tokens that users write: attributes, their arguments, and the call of `table_registry!`. Returns what they
//! declare, and their faults.

mod arguments;
mod attributes;
mod call;
mod declaration;
mod fields;
mod names;
mod nesting;
mod orm;
mod ours;
mod path;
mod table;
mod tenant;
mod unknown;

pub use arguments::{Argument, Value, split as split_arguments, ungroup};
pub use attributes::{FlatMeta, flatten, flatten_text, outer_attributes};
pub use call::{CALL_ARGUMENTS, CallArgument, Invocation};
pub use declaration::{
    Declared, declare, has_foreign_key, is_table, is_understood, not_a_struct, plain_table, repeated,
    table_arguments,
};
pub use nesting::{MAX_NESTING, nests_too_deeply, too_deep_struct, too_many_conditions};
pub use orm::{DieselDerive, diesel_derive, diesel_name, is_orm};
pub use ours::{is_built_in, is_of_rustversion, is_our_crate, leaves_out, may_bring_helpers};
pub use path::WrittenPath;
pub use table::{AllowedLint, TABLE_ARGUMENTS, TableArgument};
pub use tenant::{DEFAULT_KEY, WrittenName, WrittenParent, WrittenTenant};
pub use unknown::{unknown_kind, unknown_lint};
