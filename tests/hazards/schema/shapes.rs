use table_registry::table;

#[table]
pub struct Unit;

#[table]
pub struct Tuple(pub u8, pub String);

#[table]
pub struct R2Files {
    pub r#type: String,
}

#[table]
pub struct Borrowed<'a, T, const N: usize = { 1 + 1 }>
where
    T: Clone,
{
    pub rows: [&'a T; N],
}

#[table]
pub(crate) struct Restricted<T>(#[allow(dead_code)] pub(crate) T)
where
    T: Copy;

#[table(name = "type")]
pub struct Keyword;

#[table]
pub struct r#Final;

#[table]
pub struct Gen;

impl Tuple {
    pub fn letters(&self) -> impl Iterator<Item = char> + use<'_> {
        self.1.chars()
    }
}

#[table(name = "order items; drop table \"x\"")]
pub struct Hostile;

#[table]
pub struct Größe;

#[deprecated]
#[table]
pub struct Deprecated;
