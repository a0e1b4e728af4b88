//! The half of *registered ⇔ compiled* that the directory scan cannot see:
//! whether the compiler ever met the struct.

use core::marker::PhantomData;

use crate::Key;
use crate::policy::{InDoubt, ReadWrite, kind};

/// Implemented for a table's key by the `#[table]` struct that declares it.
/// Two structs for one table are two conflicting implementations; the trait's name is what
/// the compiler then says.
pub trait DeclaredByOneStruct {}

/// Tells whether `K: DeclaredByOneStruct`, as a constant.
///
/// For a declared key [`Compiled::HERE`] is the inherent constant; for any other
/// key the path falls back to the one of the trait [`NotCompiled`].
pub struct Compiled<K>(PhantomData<K>);

impl<K: DeclaredByOneStruct> Compiled<K> {
    /// The crate compiles a struct for this key.
    pub const HERE: bool = true;
}

/// The fallback of [`Compiled::HERE`].
pub trait NotCompiled {
    /// The crate compiles no struct for this key.
    const HERE: bool = false;
}

impl<K> NotCompiled for Compiled<K> {}

/// The key of every struct while the schema directories could not be read, and of a struct whose
/// attribute is faulty, so that one mistake stays one error.
pub enum Unknown {}

impl Key for Unknown {
    type Policies = InDoubt<(kind::Truth, ReadWrite)>;
    const TABLE_NAME: &'static str = "";
}

/// Implemented for a marker of a struct, where the struct's key is known in another scope only.
pub trait HasKey {
    /// The key.
    type Key: Key;
}

/// Whether a path of modules, as `module_path!` gives it, is that of the crate root.
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

/// Whether one of them is true.
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
