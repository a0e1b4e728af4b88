//! Takes paths and names; returns the texts of files, their tokens, and names that are almost right. Nothing in here
//! knows what a table is.

mod lex;
mod near;
mod path;
mod source;
mod walk;

pub use lex::{
    Token, Tokens, conflict_marker, conflict_marker_at, conflict_marker_in_lines, nesting, start_of_code,
    tokens, until_closed, without_mark,
};
pub use near::{did_you_mean, nearest};
pub use path::{Root, clean, display, with_slashes};
pub use source::Source;
pub use walk::{Unreadable, is_foreign, rust_files};
