//! Compares the columns of tables with the fields of structs.

pub mod column_types;
pub mod missing_tenant_column;
pub mod renames;
