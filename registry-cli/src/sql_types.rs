//! The types of PostgreSQL from which ORMs read Rust types.
//!
//! sqlx compares types by `Type::compatible` (`sqlx-postgres/src/types`), and SeaORM reads through sqlx (`try_getable_*`
//! in `sea-orm/src/executor/query.rs`). Diesel decodes by the size or format of the type that `schema.rs` names
//! (`diesel/src/pg/types`), so a different type is an error there, too.

/// The type of a column, as far as the type of its field tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlType {
    /// Any of these, by their names in `pg_type`. A statement that makes a column uses the first.
    OneOf(Vec<&'static str>),
    /// A type that the schema defines.
    Named(String),
    Array(Box<Self>),
    /// No ORM reads the Rust type from PostgreSQL.
    Unmapped,
}

/// The types that are part of PostgreSQL or of its usual extensions, and how SQL spells them if not by that name.
const BUILT_IN: &[(&str, &str)] = &[
    ("bit", "bit"),
    ("bool", "boolean"),
    ("box", "box"),
    ("bpchar", "character"),
    ("bytea", "bytea"),
    ("char", "\"char\""),
    ("cidr", "cidr"),
    ("circle", "circle"),
    ("citext", "citext"),
    ("cube", "cube"),
    ("date", "date"),
    ("daterange", "daterange"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("hstore", "hstore"),
    ("inet", "inet"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int4range", "int4range"),
    ("int8", "bigint"),
    ("int8range", "int8range"),
    ("interval", "interval"),
    ("json", "json"),
    ("jsonb", "jsonb"),
    ("jsonpath", "jsonpath"),
    ("line", "line"),
    ("lquery", "lquery"),
    ("lseg", "lseg"),
    ("ltree", "ltree"),
    ("macaddr", "macaddr"),
    ("macaddr8", "macaddr8"),
    ("money", "money"),
    ("name", "name"),
    ("numeric", "numeric"),
    ("numrange", "numrange"),
    ("oid", "oid"),
    ("path", "path"),
    ("pg_lsn", "pg_lsn"),
    ("point", "point"),
    ("polygon", "polygon"),
    ("text", "text"),
    ("time", "time"),
    ("timestamp", "timestamp"),
    ("timestamptz", "timestamptz"),
    ("timetz", "timetz"),
    ("tsquery", "tsquery"),
    ("tsrange", "tsrange"),
    ("tstzrange", "tstzrange"),
    ("tsvector", "tsvector"),
    ("uuid", "uuid"),
    ("varbit", "bit varying"),
    ("varchar", "character varying"),
    ("vector", "vector"),
    ("xml", "xml"),
];

/// Other spellings: <https://www.postgresql.org/docs/current/datatype.html>.
const ALIASES: &[(&str, &str)] = &[
    ("char", "bpchar"),
    ("decimal", "numeric"),
    ("int", "int4"),
    ("time without time zone", "time"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
];

const TEXT: &[&str] = &["text", "varchar", "bpchar", "name", "citext"];
const JSON: &[&str] = &["jsonb", "json"];
/// ORMs have no type for these, so a query that reads one casts it to text.
const READ_AS_TEXT: &[&str] = &["jsonpath", "tsquery", "tsvector", "xml"];
const NETWORK: &[&str] = &["inet", "cidr"];
const BITS: &[&str] = &["bit", "varbit"];
const RANGES: &[&str] = &[
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
];

impl SqlType {
    pub fn one_of(names: &[&'static str]) -> Self {
        Self::OneOf(names.to_vec())
    }

    pub fn json() -> Self {
        Self::one_of(JSON)
    }

    pub fn text() -> Self {
        Self::one_of(TEXT)
    }

    pub fn bytes() -> Self {
        Self::one_of(&["bytea"])
    }

    /// `[u8; N]`. Diesel reads the addresses of network cards into it.
    pub fn byte_array() -> Self {
        Self::one_of(&["bytea", "macaddr", "macaddr8"])
    }

    /// The type that an attribute names as SQL does: `public.mood`, `INT4`, `text[]`, `_text`.
    pub fn named(name: &str) -> Self {
        let bare = name.rsplit('.').next().unwrap_or(name).trim();
        if let Some(element) = bare.strip_suffix("[]").or_else(|| bare.strip_prefix('_')) {
            return Self::Array(Box::new(Self::named(element)));
        }
        let unquoted = bare.trim_matches('"');
        let is_quoted = unquoted.len() < bare.len();
        let lower = unquoted.to_lowercase();
        let without_length = lower.split('(').next().unwrap_or_default().trim();
        match built_in(without_length, is_quoted) {
            Some(name) if TEXT.contains(&name) => {
                let others = TEXT.iter().copied().filter(|other| *other != name);
                Self::OneOf([name].into_iter().chain(others).collect())
            }
            Some(name) => Self::OneOf(vec![name]),
            None if is_quoted => Self::Named(unquoted.to_string()),
            None => Self::Named(lower),
        }
    }

    /// Whether the column holds a binary floating-point number.
    pub fn is_float(&self) -> bool {
        match self {
            Self::OneOf(names) => names.iter().any(|name| matches!(*name, "float4" | "float8")),
            Self::Array(element) => element.is_float(),
            Self::Named(_) | Self::Unmapped => false,
        }
    }

    /// The type as a statement names it.
    pub fn spelled(&self) -> Option<String> {
        match self {
            Self::OneOf(names) => names.first().map(|name| spelled(name).to_string()),
            Self::Named(name) => Some(quoted_where_needed(name)),
            Self::Array(element) => element.spelled().map(|element| format!("{element}[]")),
            Self::Unmapped => None,
        }
    }

    /// Whether an ORM reads a column of a type into the field. The type is given by its name in `pg_type`, which starts
    /// with `_` if it is an array. `None` if that is not known: text may be read from a type that the schema defines.
    pub fn reads(&self, column: &str) -> Option<bool> {
        let element = column.strip_prefix('_');
        match self {
            Self::Unmapped => Some(false),
            Self::Array(of_field) => match element {
                Some(element) => of_field.reads(element),
                None => is_built_in(column).then_some(false),
            },
            Self::Named(name) => Some(name.eq_ignore_ascii_case(column)),
            Self::OneOf(names) if names.contains(&column) => Some(true),
            Self::OneOf(names) if names.contains(&"text") && READ_AS_TEXT.contains(&column) => None,
            Self::OneOf(_) => (element.is_some() || is_built_in(column)).then_some(false),
        }
    }

    /// Whether a value of the field can be written to a column of a type: PostgreSQL converts between these types by
    /// itself (<https://www.postgresql.org/docs/current/typeconv-query.html>).
    pub fn is_assigned_to(&self, column: &str) -> Option<bool> {
        const CONVERTED: &[&[&str]] = &[
            &["int2", "int4", "int8", "float4", "float8", "numeric"],
            &["date", "timestamp", "timestamptz"],
            &["json", "jsonb"],
            NETWORK,
            BITS,
        ];
        let is_converted = |names: &[&str]| {
            CONVERTED
                .iter()
                .any(|group| group.contains(&column) && names.iter().any(|name| group.contains(name)))
        };
        match self {
            Self::OneOf(names) if is_converted(names) => Some(true),
            _ => self.reads(column),
        }
    }
}

fn built_in(name: &str, is_quoted: bool) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name && !is_quoted);
    let spelled = |(internal, sql): &&(&'static str, &'static str)| *internal == name || *sql == name;
    alias
        .map(|(_, internal)| *internal)
        .or_else(|| BUILT_IN.iter().find(spelled).map(|(internal, _)| *internal))
}

fn is_built_in(internal: &str) -> bool {
    BUILT_IN.iter().any(|(name, _)| *name == internal)
}

fn spelled(internal: &'static str) -> &'static str {
    let found = BUILT_IN.iter().find(|(name, _)| *name == internal);
    found.map_or(internal, |(_, sql)| sql)
}

fn quoted_where_needed(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.chars().all(is_plain) {
        name.to_string()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// The type from which every ORM reads a type of Rust itself.
pub fn primitive(name: &str) -> Option<SqlType> {
    Some(match name {
        "bool" => SqlType::one_of(&["bool"]),
        "i8" | "u8" => SqlType::one_of(&["char"]),
        "i16" => SqlType::one_of(&["int2"]),
        "i32" => SqlType::one_of(&["int4"]),
        "i64" => SqlType::one_of(&["int8"]),
        "u32" => SqlType::one_of(&["oid"]),
        "f32" => SqlType::one_of(&["float4"]),
        "f64" => SqlType::one_of(&["float8"]),
        "String" | "str" => SqlType::text(),
        "u16" | "u64" | "u128" | "i128" | "usize" | "isize" | "char" => SqlType::Unmapped,
        _ => return None,
    })
}

/// A type of a library, as a file names it.
#[derive(Clone, Copy)]
pub struct LibraryType<'n> {
    pub name: &'n str,
    /// The crate that a path or an import names.
    pub krate: Option<&'n str>,
    pub has_arguments: bool,
    /// Whether the prelude of SeaORM is imported.
    pub in_sea_orm: bool,
    /// Whether Diesel reads the field.
    pub in_diesel: bool,
}

struct Known {
    names: &'static [&'static str],
    /// The crates that define such a type.
    crates: &'static [&'static str],
    /// Whether only one library has a type of this name, so that no import need say which.
    is_distinctive: bool,
    types: &'static [&'static str],
}

const fn known(
    names: &'static [&'static str],
    crates: &'static [&'static str],
    types: &'static [&'static str],
) -> Known {
    Known {
        names,
        crates,
        is_distinctive: true,
        types,
    }
}

const fn ambiguous(
    names: &'static [&'static str],
    crates: &'static [&'static str],
    types: &'static [&'static str],
) -> Known {
    Known {
        is_distinctive: false,
        ..known(names, crates, types)
    }
}

/// Crates that export the types of other crates.
const UMBRELLAS: &[&str] = &["sqlx", "sea_orm", "diesel", "sea_query"];

const JIFF: &[&str] = &["jiff", "jiff_sqlx", "jiff_diesel", "sea_orm"];

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known(&["Uuid"], &["uuid"], &["uuid"]),
    ambiguous(&["Hyphenated", "Simple", "Braced", "Urn"], &["uuid"], &["uuid"]),
    known(&["TextUuid"], &[], TEXT),
    known(&["Decimal"], &["rust_decimal"], &["numeric"]),
    known(&["BigDecimal"], &["bigdecimal"], &["numeric"]),
    known(&["PgNumeric"], &[], &["numeric"]),
    known(&["NonZeroI16"], &["std", "core"], &["int2"]),
    known(&["NonZeroI32"], &["std", "core"], &["int4"]),
    known(&["NonZeroI64"], &["std", "core"], &["int8"]),
    known(&["ChronoUnixTimestamp", "ChronoUnixTimestampMillis", "TimeUnixTimestamp", "TimeUnixTimestampMillis"], &[], &["int8"]),
    known(&["NaiveDate"], &["chrono"], &["date"]),
    known(&["ChronoDate", "TimeDate"], &[], &["date"]),
    ambiguous(&["Date"], &["time", "jiff", "jiff_sqlx", "jiff_diesel"], &["date"]),
    known(&["NaiveTime"], &["chrono"], &["time"]),
    known(&["ChronoTime", "TimeTime"], &[], &["time"]),
    ambiguous(&["Time"], &["time", "jiff", "jiff_sqlx", "jiff_diesel"], &["time"]),
    known(&["NaiveDateTime"], &["chrono"], &["timestamp"]),
    known(&["PrimitiveDateTime"], &["time"], &["timestamp"]),
    known(&["ChronoDateTime", "TimeDateTime"], &[], &["timestamp"]),
    ambiguous(&["SystemTime"], &["std"], &["timestamptz", "timestamp"]),
    known(&["OffsetDateTime"], &["time"], &["timestamptz"]),
    known(&["DateTimeUtc", "DateTimeWithTimeZone", "DateTimeLocal"], &[], &["timestamptz"]),
    known(&["ChronoDateTimeUtc", "ChronoDateTimeWithTimeZone", "ChronoDateTimeLocal", "TimeDateTimeWithTimeZone"], &[], &["timestamptz"]),
    ambiguous(&["Timestamp"], JIFF, &["timestamptz"]),
    known(&["PgInterval"], &[], &["interval"]),
    ambiguous(&["Duration", "TimeDelta"], &["chrono", "time", "std"], &["interval"]),
    ambiguous(&["Span"], JIFF, &["interval"]),
    known(&["PgTimeTz"], &[], &["timetz"]),
    known(&["JsonValue"], &["serde_json"], JSON),
    ambiguous(&["Value"], &["serde_json"], JSON),
    known(&["IpNetwork", "Ipv4Network", "Ipv6Network"], &["ipnetwork"], NETWORK),
    known(&["IpNet"], &["ipnet"], NETWORK),
    known(&["IpAddr"], &["std", "core"], NETWORK),
    known(&["IpCidr", "IpInet"], &["cidr"], NETWORK),
    known(&["MacAddress"], &["mac_address"], &["macaddr"]),
    known(&["BitVec"], &["bit_vec"], BITS),
    known(&["PgMoney"], &[], &["money"]),
    known(&["PgRange"], &[], RANGES),
    known(&["PgLsn"], &[], &["pg_lsn"]),
    ambiguous(&["Oid"], &[], &["oid"]),
    known(&["PgHstore"], &[], &["hstore"]),
    known(&["PgLTree"], &[], &["ltree"]),
    known(&["PgLQuery"], &[], &["lquery"]),
    known(&["PgCube"], &[], &["cube"]),
    known(&["PgPoint"], &[], &["point"]),
    known(&["PgLine"], &[], &["line"]),
    known(&["PgLSeg"], &[], &["lseg"]),
    known(&["PgBox"], &[], &["box"]),
    known(&["PgPath"], &[], &["path"]),
    known(&["PgPolygon"], &[], &["polygon"]),
    known(&["PgCircle"], &[], &["circle"]),
    known(&["PgCiText"], &[], &["citext", "text", "varchar", "bpchar", "name"]),
    ambiguous(&["Text"], &[], TEXT),
    known(&["PgVector"], &[], &["vector"]),
    ambiguous(&["Vector"], &["pgvector"], &["vector"]),
];

impl LibraryType<'_> {
    pub fn sql_type(self) -> Option<SqlType> {
        self.with_two_meanings().or_else(|| {
            let mut known = KNOWN.iter().filter(|known| known.names.contains(&self.name));
            let found = known.find(|known| self.is_of(known))?;
            let mut types = found.types.to_vec();
            // Diesel reads these from either type: `impl FromSql<Timestamptz, Pg> for NaiveDateTime`.
            if self.in_diesel && matches!(self.name, "NaiveDateTime" | "PrimitiveDateTime") {
                types.push("timestamptz");
            }
            // `tokio-postgres` reads it from either type, Diesel does not.
            if self.in_diesel && self.name == "SystemTime" {
                types.retain(|name| *name == "timestamp");
            }
            Some(SqlType::OneOf(types))
        })
    }

    fn is_of(self, known: &Known) -> bool {
        match self.krate {
            Some(krate) => known.crates.contains(&krate) || UMBRELLAS.contains(&krate),
            None => known.is_distinctive || (self.in_sea_orm && matches!(self.name, "Date" | "Time")),
        }
    }

    /// `DateTime<Utc>` is a type of chrono; `DateTime` alone is one of SeaORM's prelude, or of jiff. The same is true of
    /// `Json<T>` and SeaORM's `Json`.
    fn with_two_meanings(self) -> Option<SqlType> {
        let is_umbrella = self.krate.is_some_and(|krate| UMBRELLAS.contains(&krate));
        let is_of = |crates: &[&str]| self.krate.is_some_and(|krate| crates.contains(&krate)) || is_umbrella;
        match (self.name, self.has_arguments) {
            ("DateTime", true) if self.krate.is_none() || is_of(&["chrono"]) => {
                Some(SqlType::one_of(&["timestamptz"]))
            }
            ("DateTime", false) if is_of(JIFF) || (self.krate.is_none() && self.in_sea_orm) => {
                Some(SqlType::one_of(&["timestamp"]))
            }
            ("Json", true) if self.krate.is_none() || is_of(&["diesel_json", "sqlx_core"]) => {
                Some(SqlType::json())
            }
            ("Json", false) if is_umbrella || (self.krate.is_none() && self.in_sea_orm) => {
                Some(SqlType::json())
            }
            _ => None,
        }
    }
}

/// Whether a crate of this name defines or exports some of these types.
pub fn is_library(krate: &str) -> bool {
    UMBRELLAS.contains(&krate) || KNOWN.iter().any(|known| known.crates.contains(&krate)) || krate == "alloc"
}

/// A type of `diesel::sql_types`.
pub fn diesel(name: &str) -> Option<SqlType> {
    let types: &[&'static str] = match name {
        "BigInt" | "Int8" | "BigSerial" | "Bigint" => &["int8"],
        "Binary" | "Bytea" => &["bytea"],
        "Bool" => &["bool"],
        "CChar" => &["char"],
        "Cidr" => &["cidr"],
        "Citext" => &["citext"],
        "Date" => &["date"],
        "Daterange" => &["daterange"],
        "Double" | "Float8" => &["float8"],
        "Float" | "Float4" => &["float4"],
        "Inet" => &["inet"],
        "Int4range" => &["int4range"],
        "Int8range" => &["int8range"],
        "Integer" | "Int4" | "Serial" => &["int4"],
        "Interval" => &["interval"],
        "Json" => &["json"],
        "Jsonb" => &["jsonb"],
        "MacAddr" => &["macaddr"],
        "MacAddr8" => &["macaddr8"],
        "Money" => &["money"],
        "Numeric" | "Decimal" => &["numeric"],
        "Numrange" => &["numrange"],
        "Oid" => &["oid"],
        "PgLsn" => &["pg_lsn"],
        "SmallInt" | "Int2" | "SmallSerial" => &["int2"],
        "Text" | "VarChar" | "Varchar" | "Bpchar" => TEXT,
        "Time" => &["time"],
        "Timestamp" => &["timestamp"],
        "Timestamptz" => &["timestamptz"],
        "Tsrange" => &["tsrange"],
        "Tstzrange" => &["tstzrange"],
        "Uuid" => &["uuid"],
        _ => return None,
    };
    Some(SqlType::one_of(types))
}

/// A `ColumnType` of SeaORM, as an attribute writes it: `Decimal(Some((16, 4)))`, `custom("citext")`.
pub fn sea_orm(written: &str) -> Option<SqlType> {
    let (name, arguments) = written.split_once('(').unwrap_or((written, ""));
    let name = name.rsplit("::").next().unwrap_or(name).trim();
    let types: &[&'static str] = match name {
        "BigInteger" | "BigUnsigned" => &["int8"],
        "Binary" | "Blob" | "VarBinary" => &["bytea"],
        "Bit" => &["bit"],
        "Boolean" => &["bool"],
        "Char" | "String" | "Text" => TEXT,
        "Cidr" => &["cidr"],
        "Custom" | "custom" => return arguments.split('"').nth(1).map(SqlType::named),
        "Date" => &["date"],
        "DateTime" | "Timestamp" => &["timestamp"],
        "Decimal" => &["numeric"],
        "Double" => &["float8"],
        "Float" => &["float4"],
        "Inet" => &["inet"],
        "Integer" | "Unsigned" => &["int4"],
        "Interval" => &["interval"],
        "Json" => &["json"],
        "JsonBinary" => &["jsonb"],
        "LTree" => &["ltree"],
        "MacAddr" => &["macaddr"],
        "Money" => &["money"],
        "SmallInteger" | "SmallUnsigned" | "TinyInteger" | "TinyUnsigned" => &["int2"],
        "Time" => &["time"],
        "TimestampWithTimeZone" => &["timestamptz"],
        "Uuid" => &["uuid"],
        "VarBit" => &["varbit"],
        "Vector" => &["vector"],
        _ => return None,
    };
    Some(SqlType::one_of(types))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sql() {
        for (name, spelled) in [
            ("mood", "mood"),
            ("Mood", "mood"),
            ("\"Mood\"", "\"Mood\""),
            ("public.mood", "mood"),
            ("INT4", "integer"),
            ("integer", "integer"),
            ("VARCHAR(255)", "character varying"),
            ("timestamp with time zone", "timestamptz"),
            ("text[]", "text[]"),
            ("_mood", "mood[]"),
            ("char", "character"),
            ("\"char\"", "\"char\""),
        ] {
            assert_eq!(SqlType::named(name).spelled().as_deref(), Some(spelled), "{name}");
        }
    }

    #[test]
    fn what_is_read_from_a_column() {
        let array = |element| SqlType::Array(Box::new(element));
        for (field, column, reads) in [
            (SqlType::text(), "varchar", Some(true)),
            (SqlType::text(), "uuid", Some(false)),
            (SqlType::text(), "mood", None),
            (SqlType::text(), "tsvector", None),
            (SqlType::text(), "_text", Some(false)),
            (array(SqlType::text()), "_varchar", Some(true)),
            (array(SqlType::text()), "_int4", Some(false)),
            (array(SqlType::text()), "text", Some(false)),
            (array(SqlType::text()), "tags", None),
            (SqlType::named("mood"), "mood", Some(true)),
            (SqlType::named("mood"), "feeling", Some(false)),
            (SqlType::Unmapped, "int8", Some(false)),
        ] {
            assert_eq!(field.reads(column), reads, "{field:?} {column}");
        }
    }

    #[test]
    fn what_is_written_to_a_column() {
        for (field, column, is_written) in [
            ("i32", "int8", Some(true)),
            ("i64", "int4", Some(true)),
            ("String", "uuid", Some(false)),
            ("u64", "int8", Some(false)),
        ] {
            assert_eq!(
                primitive(field).unwrap().is_assigned_to(column),
                is_written,
                "{field} {column}"
            );
        }
    }

    #[test]
    fn column_types_of_sea_orm() {
        for (written, spelled) in [
            ("Text", Some("text")),
            ("String(StringLen::N(1))", Some("text")),
            ("Decimal(Some((16, 4)))", Some("numeric")),
            ("custom(\"citext\")", Some("citext")),
            ("Custom(\"mood\".into())", Some("mood")),
            ("JsonBinary", Some("jsonb")),
            ("ColumnType::Uuid", Some("uuid")),
            ("Array(RcOrArc::new(ColumnType::Text))", None),
        ] {
            let found = sea_orm(written).and_then(|found| found.spelled());
            assert_eq!(found.as_deref(), spelled, "{written}");
        }
    }
}
