//! One file per command.

pub mod completions;
pub mod explain;
pub mod init;
pub mod lint;
pub mod list;
pub mod matrix;
pub mod new;
pub mod policy;
pub mod sql;
pub mod sync;
pub mod verify;
