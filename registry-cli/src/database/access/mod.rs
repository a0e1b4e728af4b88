//! Who can do what: which roles a role can become, what it owns, what it is granted, and what it reaches.

pub mod bookkeeping;
pub mod execution;
pub mod grants;
pub mod logins;
pub mod ownership;
pub mod parent_access;
pub mod reach;
pub mod revocations;
pub mod roles;
