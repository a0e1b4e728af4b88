//! The sources: which files there are, which of them the compiler reads, and what they declare.

mod calls;
mod declarations;
mod discover;
mod module_tree;
mod scan;

pub use calls::registry_calls;
#[cfg(test)]
pub use declarations::declarations_in;
pub use declarations::{CompileCheck, Declaration, Declarations, Orphan, declarations_in_text};
pub use discover::discover;
#[cfg(test)]
pub use module_tree::{Reach, ScannedFile};
