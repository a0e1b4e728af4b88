//! The table `users`.

use sea_orm::entity::prelude::*;
use table_registry::table;

/// Who can log in.
#[table]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The address.
    pub email: String,
    /// What the user did. Not a column.
    #[sea_orm(has_many)]
    pub actions: HasMany<super::audit_logs::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
