use table_registry::table;

#[cfg(test)]
#[table(kind = link)]
pub struct Twin;

#[cfg(not(test))]
#[table(kind = link)]
pub struct Twin {
    pub id: u64,
}
