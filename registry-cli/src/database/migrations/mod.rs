//! Migrations: found in the directory of a tool, and applied to a server as production does.

pub mod apply;
pub mod blind;
pub mod directory;
mod extensions;
pub mod new_file;
pub mod platform;
pub mod refused;
pub mod script;
mod server_objects;
pub mod throwaway;
pub mod told;
pub mod tool;
