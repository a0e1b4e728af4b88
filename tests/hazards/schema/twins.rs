use table_registry::table;

#[cfg(all())]
#[table(kind = link)]
pub struct Twin;

#[cfg(any())]
#[table(kind = link)]
pub struct Twin {
    pub id: u64,
}
