// No build of this test compiles this file, and the table is registered all the same.
mod deep;

#[table_registry::table]
pub struct LeftOut;
