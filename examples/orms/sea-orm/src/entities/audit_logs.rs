//! The table `audit_logs`.

use sea_orm::entity::prelude::*;
use table_registry::table;

/// Who did what. Rows are written once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_logs")]
#[table(kind = evidence)]
pub struct Model {
    /// The key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The tenant.
    pub org_id: i64,
    /// What was done.
    pub action: String,
}

/// None.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
