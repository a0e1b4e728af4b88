//! The half of *registered ⇔ compiled* that the directory scan cannot see: whether the compiler compiles
//! the struct.

use core::marker::PhantomData;

use crate::Key;
use crate::policy::{InDoubt, ReadWrite, kind};

/// Implemented for a table's key by the `#[table]` of the struct that declares the table. Two structs for one table are
/// conflicting implementations: the compiler's error then names this trait, so its name has to be the hint.
pub trait DeclaredByOneStruct {}

/// Implemented in place of [`DeclaredByOneStruct`] by the `#[table]` of a struct that a macro renamed or copied, for
/// the key of the original struct in the source. Two copies are conflicting implementations, so the name has to be the
/// hint.
pub trait PutTableAboveTheMacroThatCopiesIt {}

/// Whether `K: DeclaredByOneStruct`, as a constant.
///
/// For a declared key, [`Compiled::HERE`] is the inherent constant. For any other key, the path
/// means the constant of the trait [`NotCompiled`].
pub struct Compiled<K>(PhantomData<K>);

impl<K: DeclaredByOneStruct> Compiled<K> {
    /// The crate compiles a struct for this key.
    pub const HERE: bool = true;
}

/// Whether `K: PutTableAboveTheMacroThatCopiesIt`, as a constant.
pub struct Copied<K>(PhantomData<K>);

impl<K: PutTableAboveTheMacroThatCopiesIt> Copied<K> {
    /// The crate compiles a struct that a macro made from the one for this key.
    pub const HERE: bool = true;
}

/// The fallback for [`Compiled::HERE`] and [`Copied::HERE`].
pub trait NotCompiled {
    /// The crate compiles no struct for this key.
    const HERE: bool = false;
}

impl<K> NotCompiled for Compiled<K> {}
impl<K> NotCompiled for Copied<K> {}

/// The key of every struct if the schema directories could not be read, and of a struct with a faulty attribute, so
/// that one mistake stays one error.
pub enum Unknown {}

impl Key for Unknown {
    type Policies = InDoubt<(kind::Truth, ReadWrite)>;
    const TABLE_NAME: &'static str = "";
}

/// Carries the key of a struct out of the only scope that can name the key: generated code implements this trait for a
/// marker type.
pub trait HasKey {
    /// The key.
    type Key: Key;
}

/// Whether a module path from `module_path!` is the crate root's.
#[must_use]
pub const fn is_crate_root(module_path: &str) -> bool {
    let (bytes, mut at) = (module_path.as_bytes(), 0);
    while at < bytes.len() {
        if bytes[at] == b':' {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether any of the values is true.
#[must_use]
pub const fn any(all: &[bool]) -> bool {
    let mut at = 0;
    while at < all.len() {
        if all[at] {
            return true;
        }
        at += 1;
    }
    false
}
