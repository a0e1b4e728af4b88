//! `[overrides]` and `[exempt]`: decisions about individual tables.

use table_registry_core::TableKind;

use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use crate::name;
use crate::report::{Diagnostic, Fault};
use crate::written::unknown_kind;

/// An entry of `[overrides]`.
#[derive(Clone, Debug)]
pub struct Override {
    /// The table.
    pub table: Placed<String>,
    /// The kind; `None` if the file gives an unknown one, which is reported.
    pub kind: Option<TableKind>,
}

/// An entry of `[exempt]`.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The table.
    pub table: Placed<String>,
    /// Why it has no struct.
    pub reason: String,
}

impl Override {
    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, name: TomlKey, value: &TomlValue<'a>) -> Self {
        let text = reader.string(&name, value, "truth");
        let kind = text.and_then(|text| text.parse().ok());
        if let (Some(text), None) = (text, kind) {
            reader.fault(unknown_kind(text), value.span(), "");
        }
        Self {
            table: reader.placed(name),
            kind,
        }
    }
}

impl Exemption {
    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, name: TomlKey, value: &TomlValue<'a>) -> Self {
        // The names of other tables are checked at their structs.
        let mut parts = name.get_ref().splitn(2, '.');
        if let Some(fault) = parts.find_map(|part| name::check("table name", part).err()) {
            let fault =
                Diagnostic::new(fault.code, fault.message).help("write the name of a table in the database");
            reader.fault(fault, name.span(), "");
        }
        let reason = reader.reason(&name, value, "why it has no struct", || {
            let message = format!("exempt table `{}` has no reason", name.get_ref());
            Diagnostic::new(Fault::ExemptWithoutReason, message)
                .help("say why the table exists in the database without a struct here")
        });
        Self {
            table: reader.placed(name),
            reason,
        }
    }
}
