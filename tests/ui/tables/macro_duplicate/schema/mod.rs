use table_registry::table;

#[table]
pub struct Users;

macro_rules! copy {
    ($name:ident) => {
        #[table(name = "users")]
        pub struct $name;
    };
}

copy!(People);
