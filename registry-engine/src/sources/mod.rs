//! Takes the call; reads the schema directories, finds out which of their files the compiler reads, and returns what
//! they declare.

mod calls;
mod declarations;
mod discover;
mod module_files;
mod module_tree;
mod original;
mod scan;

pub use calls::registry_calls;
pub use declarations::{CompileCheck, Declaration, Declarations, HiddenName, Orphan, declarations_in_text};
#[cfg(test)]
pub use declarations::{OutsideImports, declarations_in};
pub use discover::discover;
pub use module_files::{PathAttribute, file_leading_into, module_at, module_candidates, path_attributes};
#[cfg(test)]
pub use module_tree::{Reachability, ScannedFile};
pub use original::{Original, original_at};
