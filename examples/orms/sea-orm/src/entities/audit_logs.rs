//! The table `audit_logs`.

use sea_orm::entity::prelude::*;
use table_registry::table;

/// Who did what. Rows are written once.
#[table(kind = evidence)]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_logs")]
pub struct Model {
    /// The key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The tenant.
    pub org_id: i64,
    /// Who did it.
    pub user_id: i64,
    /// What was done.
    pub action: String,
    /// The user with this key. Not a column.
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<super::users::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
