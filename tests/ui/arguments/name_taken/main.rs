use table_registry::{Table, table_registry};

mod tables;

table_registry!("tables/");

fn main() {
    println!("{}", tables::Users::NAME);
}
