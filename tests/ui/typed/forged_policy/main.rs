use table_registry::{AppendOnly, Global, HasTenant, IsKind, PermitsUpdate, kind, table_registry};

mod schema;

table_registry!("schema/");

impl PermitsUpdate<tables::audit_logs> for AppendOnly {}

impl HasTenant<tables::users> for Global {}

impl IsKind<kind::Truth, tables::audit_logs> for kind::Evidence {}

fn main() {}
