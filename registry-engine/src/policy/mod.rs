//! Takes the call; finds the policy files and returns what they decide, every value with its place.

mod database;
mod decisions;
mod exceptions;
mod files;
mod lints;
mod overrides;
mod platform;
mod reader;
mod roles;
mod setting;
mod sql;
mod tenancy;

pub use database::DatabaseSettings;
pub use decisions::{EXEMPT, INSERT_UPDATE_DELETE, OVERRIDES, Policy, Revoked, SYSTEM, UPDATE_DELETE};
pub use exceptions::DatabaseException;
pub use files::{MAIN_FILE, PolicyFiles, REVOKE_FILE};
pub use lints::LintSettings;
pub use overrides::{DeclaredTable, Exemption, Override};
pub use platform::Platform;
pub use reader::{Exception, Placed};
pub use roles::CrossTenantRole;
pub use tenancy::{Command, DeclaredPolicy, TenancySettings, TenantColumn, Tenants};
