//! The names come from the attributes of an ORM; the derives here stand for theirs.

/// A `table!` macro in scope, as Diesel has it.
#[allow(unused_macros)]
macro_rules! table {
    ($($tokens:tt)*) => {};
}
#[allow(unused_imports)]
pub(crate) use table;

table! {
    diesel_users (id) {
        id -> BigInt,
    }
}

#[allow(unused_imports)]
pub mod cake {
    #[cfg_attr(any(), derive(DeriveEntityModel), sea_orm(table_name = "cakes"))]
    #[table_registry::table]
    pub struct Model {
        pub id: u64,
    }
}

pub mod fruit {
    #[cfg_attr(
        any(),
        derive(DeriveEntityModel),
        sea_orm(schema_name = "shop", table_name = "fruits")
    )]
    #[table_registry::table(name = "fruits")]
    pub struct Model {
        pub id: u64,
    }
}

#[cfg_attr(any(), derive(Queryable), diesel(table_name = crate::schema::diesel_users))]
#[table_registry::table]
pub struct User {
    pub id: u64,
}
