use table_registry::{Mutable, OfKind, RowSecured, Table, kind, table_registry};

mod schema;

table_registry!("schema/");

impl Mutable for tables::audit_logs {}

impl RowSecured for tables::users {}

impl OfKind<kind::Truth> for tables::audit_logs {}

struct Mine;

impl Table for Mine {
    type Key = tables::audit_logs;
}

impl Mutable for Mine {}

fn main() {}
