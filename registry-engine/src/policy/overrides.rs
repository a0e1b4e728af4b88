//! `[overrides]`, `[exempt]` and `[tables]`: decisions about individual tables.

use std::ops::Range;

use table_registry_core::TableKind;
use toml::Spanned;

use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use crate::name;
use crate::report::{Diagnostic, Fault};
use crate::written::{WrittenTenant, unknown_kind};

const KIND: &str = "kind";
const TENANT: &str = "tenant";
const SHARED_ROWS: &str = "shared_rows";

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
        Self {
            kind: kind(reader, &name, value),
            table: reader.placed(name),
        }
    }
}

impl Exemption {
    pub(super) fn read<'a>(reader: &mut PolicyReader<'a>, name: TomlKey, value: &TomlValue<'a>) -> Self {
        check_table_name(reader, &name);
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

/// An entry of `[tables]`: a table whose struct is in another crate, or nowhere.
#[derive(Clone, Debug)]
pub struct DeclaredTable {
    /// The name in the registry.
    pub name: Placed<String>,
    /// The kind.
    pub kind: TableKind,
    /// How rows belong to a tenant, if the entry says so, and where it does.
    pub tenant: Option<Placed<WrittenTenant>>,
    /// The place of `shared_rows`, if it is true.
    pub shared_rows: Option<Range<usize>>,
}

impl DeclaredTable {
    pub(super) fn read_all<'a>(
        reader: &mut PolicyReader<'a>,
        key: &TomlKey,
        value: TomlValue<'a>,
    ) -> Vec<Self> {
        let mut tables = Vec::new();
        for (name, value) in reader.table(key, value) {
            if check_table_name(reader, &name) {
                tables.push(Self::read(reader, &name, value));
            }
        }
        tables
    }

    fn read<'a>(reader: &mut PolicyReader<'a>, name: &TomlKey, value: TomlValue<'a>) -> Self {
        let mut table = Self {
            name: reader.placed(name.clone()),
            kind: TableKind::default(),
            tenant: None,
            shared_rows: None,
        };
        for (key, value) in reader.table(name, value) {
            match key.get_ref().as_str() {
                KIND => table.kind = kind(reader, &key, &value).unwrap_or_default(),
                TENANT => table.tenant = tenant(reader, &key, &value),
                SHARED_ROWS => {
                    let is_true = reader.boolean(&key, &value).unwrap_or_default();
                    table.shared_rows = is_true.then(|| key.span());
                }
                _ if reader.is_section(&value) => reader.unquoted_name(name, &key),
                _ => {
                    reader.unknown_key(&key, &[KIND, TENANT, SHARED_ROWS]);
                }
            }
        }
        table
    }
}

/// `None` for an unknown kind, which is reported.
fn kind<'a>(reader: &mut PolicyReader<'a>, key: &TomlKey, value: &TomlValue<'a>) -> Option<TableKind> {
    let text = reader.string(key, value, "truth")?;
    let kind = text.parse().ok();
    if kind.is_none() {
        reader.fault(unknown_kind(text), value.span(), "");
    }
    kind
}

/// Checks the name of a table that no struct declares: the names of others are checked at their structs.
fn check_table_name(reader: &mut PolicyReader<'_>, name: &TomlKey) -> bool {
    let mut parts = name.get_ref().splitn(2, '.');
    let Some(fault) = parts.find_map(|part| name::check("table name", part).err()) else {
        return true;
    };
    let fault = Diagnostic::new(fault.code, fault.message).help("write the name of a table in the database");
    reader.fault(fault, name.span(), "");
    false
}

fn tenant<'a>(
    reader: &mut PolicyReader<'a>,
    key: &TomlKey,
    value: &TomlValue<'a>,
) -> Option<Placed<WrittenTenant>> {
    let text = reader.string(key, value, "org_id")?;
    let mut faults = Vec::new();
    let tenant = WrittenTenant::read_text(text, &mut faults);
    for mut fault in faults {
        fault.span = None;
        reader.fault(fault, value.span(), "");
    }
    let place = reader.placed(Spanned::new(value.span(), String::new()));
    tenant.map(|value| Placed {
        value,
        source: place.source,
        range: place.range,
    })
}
