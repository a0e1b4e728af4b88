use table_registry::table;

#[table]
pub struct Users;

macro_rules! rows {
    ($($name:ident)*) => {
        $(
            #[table]
            pub struct $name;
        )*
    };
}

rows! { Orders }
