use table_registry::table;

#[cfg(all())]
#[table(kind = truth)]
pub struct Users;

#[cfg(any())]
#[table(kind = system)]
pub struct Users;
