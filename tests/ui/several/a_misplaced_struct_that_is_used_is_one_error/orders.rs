use table_registry::table;

mod users {
    pub trait Row {}

    impl Row for u8 {}
}

/// `users` in the bound is this module, and not the key of the same name.
#[table]
pub struct Orders<'a, T>(pub &'a T)
where
    T: users::Row;
