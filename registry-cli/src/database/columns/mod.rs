//! The columns of tables beside the fields of structs.

pub mod column_types;
pub mod missing_tenant_column;
pub mod renames;
