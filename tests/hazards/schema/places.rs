pub mod inline {
    use table_registry::table;

    pub mod deeper {
        #[super::table]
        pub struct Inline;
    }

    /// The function that declares a table of its own.
    pub fn local() {
        #[table(name = "in_function")]
        struct Local;

        assert_eq!(<Local as table_registry::Table>::NAME, "in_function");
    }
}

macro_rules! db_object {
    ($($item:item)*) => { $($item)* };
}

db_object! {
    #[table_registry::table]
    pub struct InMacroCall {
        pub id: u64,
    }
}

macro_rules! pieces {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident;) => {
        $(#[$attribute])*
        $visibility struct $name;
    };
}

pieces! {
    /// Taken apart and put together again.
    #[derive(Debug)]
    #[table_registry::table(name = "in_pieces", kind = control)]
    pub struct InPieces;
}

/// Unused: a `macro_rules!` body is a template.
#[allow(unused_macros)]
macro_rules! template {
    () => {
        #[table_registry::table]
        pub struct Template;
    };
}
