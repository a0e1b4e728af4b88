use table_registry::table;

#[table(name = "this_name_is_sixty_four_bytes_long_but_only_sixty_three_are_kept")]
pub struct Users;
