//! Extensions that migrations create and the installation of the server lacks.

use crate::database::migrations::script::Statement;
use crate::database::server::session::Refusal;
use crate::failure::Failure;

/// An extension of the platform whose statements are passed over: the platform's SQL declares what it creates, or this
/// machine lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub name: String,
    /// The file and the line of the statement that creates it.
    pub place: String,
}

const UNDEFINED_OBJECT: &str = "42704";

/// The packages of Debian for `postgresql-VERSION-…`, where they are not called after the extension.
const DEBIAN: &[(&str, &str)] = &[
    ("address_standardizer", "postgis-3"),
    ("hll", "hll"),
    ("http", "http"),
    ("hypopg", "hypopg"),
    ("ip4r", "ip4r"),
    ("orafce", "orafce"),
    ("pg_cron", "cron"),
    ("pg_hint_plan", "pg-hint-plan"),
    ("pg_partman", "partman"),
    ("pg_qualstats", "pg-qualstats"),
    ("pg_repack", "repack"),
    ("pg_similarity", "similarity"),
    ("pg_stat_kcache", "pg-stat-kcache"),
    ("pg_wait_sampling", "pg-wait-sampling"),
    ("pgaudit", "pgaudit"),
    ("pglogical", "pglogical"),
    ("pgrouting", "pgrouting"),
    ("pgtap", "pgtap"),
    ("plpgsql_check", "plpgsql-check"),
    ("postgis", "postgis-3"),
    ("postgis_raster", "postgis-3"),
    ("postgis_sfcgal", "postgis-3"),
    ("postgis_tiger_geocoder", "postgis-3"),
    ("postgis_topology", "postgis-3"),
    ("prefix", "prefix"),
    ("rum", "rum"),
    ("semver", "semver"),
    ("tdigest", "tdigest"),
    ("vector", "pgvector"),
];

/// The extension that a statement creates.
pub fn created(statement: &Statement) -> Option<String> {
    if !statement.starts("create extension") {
        return None;
    }
    let mut words = statement.text.split_whitespace().skip(2).peekable();
    if words.peek()?.eq_ignore_ascii_case("if") {
        words.nth(2)?;
    }
    let word = words.next()?;
    match word.strip_prefix('"') {
        Some(quoted) => Some(quoted.trim_end_matches('"').to_string()),
        None => Some(word.to_lowercase()),
    }
}

/// The extension that the installation lacks, if that is why a statement was refused. Older servers name its file.
pub fn missing(refusal: &Refusal) -> Option<&str> {
    let message = refusal.message.as_str();
    let named = |text: &'_ str| -> Option<(usize, usize)> {
        let start = text.len();
        let end = start + message.get(start..)?.find('"')?;
        message.starts_with(text).then_some((start, end))
    };
    if let Some((start, end)) = named("extension \"")
        && message[end..].starts_with("\" is not available")
    {
        return Some(&message[start..end]);
    }
    let (start, end) = named("could not open extension control file \"")?;
    let file = message[start..end].rsplit(['/', '\\']).next()?;
    file.strip_suffix(".control")
}

/// The extension that a statement is about, if the server refused the statement because the extension does not exist.
pub fn undefined<'r>(refusal: &'r Refusal, statement: &Statement) -> Option<&'r str> {
    let is_about = ["alter extension", "comment on extension", "drop extension"]
        .iter()
        .any(|words| statement.starts(words));
    let name = refusal.message.strip_prefix("extension \"")?;
    let name = name.strip_suffix("\" does not exist")?;
    (is_about && refusal.code == UNDEFINED_OBJECT).then_some(name)
}

/// The failure of a statement that needs an extension which the installation lacks.
pub fn not_installed(failure: Failure, name: &str, version: &str) -> Failure {
    failure
        .note(format!(
            "PostgreSQL {version} on this machine has no extension `{name}`, and no file of `setup` can give it one"
        ))
        .help(format!(
            "{}, or verify an existing database with `--database-url`",
            install(name, version)
        ))
}

/// How to install an extension for a server.
pub fn install(name: &str, version: &str) -> String {
    let major = version.split('.').next().unwrap_or_default();
    match DEBIAN.iter().find(|(extension, _)| *extension == name) {
        Some((_, package)) => {
            format!("install its package, on Debian `postgresql-{major}-{package}`")
        }
        None if is_contributed(name) => {
            "install the package with the extensions of PostgreSQL itself, such as `postgresql-contrib`"
                .to_string()
        }
        None => format!("install `{name}` for PostgreSQL {major}"),
    }
}

/// Whether the extension is part of PostgreSQL: some systems have those in a package of their own.
fn is_contributed(name: &str) -> bool {
    const CONTRIBUTED: &[&str] = &[
        "amcheck",
        "autoinc",
        "bloom",
        "btree_gin",
        "btree_gist",
        "citext",
        "cube",
        "dblink",
        "dict_int",
        "dict_xsyn",
        "earthdistance",
        "file_fdw",
        "fuzzystrmatch",
        "hstore",
        "insert_username",
        "intagg",
        "intarray",
        "isn",
        "lo",
        "ltree",
        "moddatetime",
        "pageinspect",
        "pg_buffercache",
        "pg_freespacemap",
        "pg_prewarm",
        "pg_stat_statements",
        "pg_surgery",
        "pg_trgm",
        "pg_visibility",
        "pg_walinspect",
        "pgcrypto",
        "pgrowlocks",
        "pgstattuple",
        "postgres_fdw",
        "refint",
        "seg",
        "sslinfo",
        "tablefunc",
        "tcn",
        "tsm_system_rows",
        "tsm_system_time",
        "unaccent",
        "uuid-ossp",
        "xml2",
    ];
    CONTRIBUTED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::script::statements;
    use super::*;

    #[test]
    fn missing_extensions() {
        for (message, expected) in [
            ("extension \"pg_cron\" is not available", Some("pg_cron")),
            (
                "could not open extension control file \"/usr/share/x/extension/uuid-ossp.control\": No such file or directory",
                Some("uuid-ossp"),
            ),
            ("extension \"citext\" already exists", None),
            ("could not open file \"a.control\": Permission denied", None),
            ("type \"vector\" does not exist", None),
        ] {
            assert_eq!(missing(&Refusal::new("0A000", message)), expected, "{message}");
        }
    }

    #[test]
    fn created_extensions() {
        for (sql, expected) in [
            ("CREATE EXTENSION pg_cron;", Some("pg_cron")),
            (
                "create extension\n if not exists \"pg_net\" with schema extensions",
                Some("pg_net"),
            ),
            ("Create Extension PG_CRON", Some("pg_cron")),
            ("CREATE EXTENSION IF NOT EXISTS", None),
            ("CREATE TABLE pg_cron (id int)", None),
        ] {
            let statement = &statements(sql).unwrap()[0];
            assert_eq!(created(statement).as_deref(), expected, "{sql}");
        }
    }

    #[test]
    fn statements_about_a_missing_extension() {
        let found = Refusal::new("42704", "extension \"pg_net\" does not exist");
        for (sql, expected) in [
            ("COMMENT ON EXTENSION pg_net IS 'x'", Some("pg_net")),
            ("alter extension \"pg_net\" SET SCHEMA extensions", Some("pg_net")),
            ("DO $$ BEGIN COMMENT ON EXTENSION pg_net IS 'x'; END $$", None),
        ] {
            let statement = &statements(sql).unwrap()[0];
            assert_eq!(undefined(&found, statement), expected, "{sql}");
        }
    }

    #[test]
    fn packages() {
        for (name, part) in [
            ("vector", "`postgresql-16-pgvector`"),
            ("pg_cron", "`postgresql-16-cron`"),
            ("hstore", "`postgresql-contrib`"),
            ("pgmq", "install `pgmq` for PostgreSQL 16"),
        ] {
            let text = install(name, "16.4");
            assert!(text.contains(part), "{text}");
        }
    }
}
