//! `#[table] struct InModuleDoc;`

/// ```
/// #[table]
/// struct InDoc;
/// ```
pub const TEXT: &str = "#[table] struct InString;";
pub const RAW: &str = r#"
#[table]
struct InRawString;
"#;
pub const BYTES: &[u8] = b"#[table] struct InByteString;";
pub const QUOTE: char = '"';
pub const TICK: char = '\'';

// #[table] struct InLineComment;
/* #[table] struct InBlockComment; /* #[table] struct Nested; */ */

pub fn lifetime<'table>(x: &'table str) -> &'table str {
    x
}

#[table_registry::table]
pub struct AfterStrings;
