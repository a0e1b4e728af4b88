//! `platform` in `[database]`: the kind of server that the database lives on.

use super::reader::{PolicyReader, TomlKey, TomlValue};
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

/// A hosted PostgreSQL whose databases have roles, schemas and functions from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Supabase.
    Supabase,
}

impl Platform {
    const ALL: [Self; 1] = [Self::Supabase];

    /// The name in the policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supabase => "supabase",
        }
    }

    pub(super) fn read<'a>(
        reader: &mut PolicyReader<'a>,
        key: &TomlKey,
        value: &TomlValue<'a>,
    ) -> Option<Self> {
        let text = reader.string(key, value, Self::Supabase.as_str())?;
        let found = Self::ALL.into_iter().find(|platform| platform.as_str() == text);
        if found.is_none() {
            let names: Vec<&str> = Self::ALL.iter().map(|platform| platform.as_str()).collect();
            let fault = Diagnostic::new(Fault::InvalidValue, format!("unknown platform `{text}`"))
                .note(format!("the platforms are `{}`", names.join("`, `")))
                .maybe_help(did_you_mean(text, names))
                .help("for another server, create what it has from the start in a file of `setup`");
            reader.fault(fault, value.span(), "");
        }
        found
    }
}
