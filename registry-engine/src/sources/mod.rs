//! Takes the call; reads the schema directories, finds out which of their files the compiler reads, and returns what
//! they declare.

mod calls;
mod declarations;
mod discover;
mod module_files;
mod module_tree;
mod original;
mod scan;
mod targets;

pub use calls::{ItemCall, item_calls};
pub use declarations::{
    CompileCheck, Declaration, Declarations, HiddenName, LeftOut, Orphan, declarations_in_text,
};
#[cfg(test)]
pub use declarations::{OutsideImports, declarations_in};
pub use discover::{CompiledFiles, compiled_files, discover, outside_directories};
pub use module_files::{PathAttribute, file_leading_into, module_at, module_candidates, path_attributes};
#[cfg(test)]
pub use module_tree::Reachability;
pub use module_tree::ScannedFile;
pub use original::{Original, original_at};
pub use targets::{Compilation, CrateFiles};
