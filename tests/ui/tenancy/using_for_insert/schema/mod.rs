use table_registry::table;

#[table(kind = link)]
pub struct Memberships;
