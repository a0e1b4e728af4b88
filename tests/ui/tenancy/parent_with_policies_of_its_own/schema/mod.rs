use table_registry::table;

#[table(kind = link)]
pub struct Memberships;

#[table(tenant = through(membership_id -> memberships))]
pub struct Badges {
    pub id: u64,
    pub membership_id: u64,
}
