use table_registry::table_registry;

mod schema;

table_registry!("schema/");

use table_registry::{OfKind, kind};

fn audit<T: OfKind<kind::Evidence>>() {}

fn main() {
    audit::<tables::audit_logs>();
    audit::<tables::users>();
}
