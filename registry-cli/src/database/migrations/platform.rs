//! What the servers of a platform have from the start.

use table_registry_engine::Platform;

use crate::database::server::process::SUPERUSER;

/// The role that created the server. Only Supabase gives `postgres` to its users.
pub fn superuser(platform: Option<Platform>) -> &'static str {
    match platform {
        None => SUPERUSER,
        Some(Platform::Supabase) => "supabase_admin",
    }
}

/// The role that runs migrations.
pub fn owner(platform: Platform) -> &'static str {
    match platform {
        Platform::Supabase => "postgres",
    }
}

/// What people call it.
pub fn name(platform: Platform) -> &'static str {
    match platform {
        Platform::Supabase => "Supabase",
    }
}

/// The schemas whose tables are its own. Their protection is the platform's, too.
pub fn schemas(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Supabase => &[
            "auth",
            "cron",
            "extensions",
            "graphql",
            "graphql_public",
            "net",
            "pgsodium",
            "realtime",
            "storage",
            "supabase_functions",
            "supabase_migrations",
            "vault",
        ],
    }
}

/// The statements that make what a server has from the start, and what its extensions would add.
pub fn sql(platform: Platform) -> String {
    let parts = match platform {
        Platform::Supabase => [
            include_str!("platform/supabase.sql"),
            include_str!("platform/supabase_extensions.sql"),
        ],
    };
    parts.join("\n")
}

/// The extensions that its servers offer, beside those of PostgreSQL itself, and whether [`sql`] declares what the
/// extension creates.
fn extensions(platform: Platform) -> &'static [(&'static str, bool)] {
    match platform {
        Platform::Supabase => &[
            ("address_standardizer", false),
            ("address_standardizer_data_us", false),
            ("http", false),
            ("hypopg", false),
            ("index_advisor", false),
            ("orioledb", false),
            ("pg_cron", true),
            ("pg_graphql", true),
            ("pg_hashids", false),
            ("pg_jsonschema", false),
            ("pg_net", true),
            ("pg_partman", false),
            ("pg_repack", false),
            ("pg_stat_monitor", false),
            ("pg_tle", false),
            ("pgaudit", false),
            ("pgjwt", false),
            ("pgmq", true),
            ("pgroonga", false),
            ("pgroonga_database", false),
            ("pgrouting", false),
            ("pgsodium", false),
            ("pgtap", false),
            ("plcoffee", false),
            ("plls", false),
            ("plpgsql_check", false),
            ("plv8", false),
            ("postgis", false),
            ("postgis_raster", false),
            ("postgis_sfcgal", false),
            ("postgis_tiger_geocoder", false),
            ("postgis_topology", false),
            ("rum", false),
            ("supabase_vault", true),
            ("timescaledb", false),
            ("vector", false),
            ("wrappers", false),
        ],
    }
}

/// Whether its servers offer an extension that PostgreSQL itself does not have.
pub fn offers(platform: Platform, extension: &str) -> bool {
    extensions(platform).iter().any(|(name, _)| *name == extension)
}

/// Whether [`sql`] declares what an extension creates.
pub fn declares(platform: Platform, extension: &str) -> bool {
    extensions(platform).contains(&(extension, true))
}

/// Whether the role that runs migrations may do there what PostgreSQL leaves to superusers.
///
/// On Supabase, `supautils` decides: <https://github.com/supabase/supautils>.
pub fn permits(platform: Platform, message: &str) -> bool {
    const PARAMETERS: &[&str] = &[
        "log_lock_waits",
        "log_min_duration_statement",
        "log_min_messages",
        "log_parameter_max_length",
        "log_replication_commands",
        "log_statement",
        "log_temp_files",
        "session_replication_role",
        "track_functions",
        "track_io_timing",
        "wal_compression",
    ];
    // Files and processes of the server are out of reach there.
    const NO_EXTENSIONS: &[&str] = &["adminpack", "file_fdw", "pageinspect", "pg_surgery"];
    let Platform::Supabase = platform;
    let name = |start: &str| message.strip_prefix(start)?.strip_suffix('"');
    name("permission denied to create extension \"").is_some_and(|name| !NO_EXTENSIONS.contains(&name))
        || name("permission denied to set parameter \"").is_some_and(|name| PARAMETERS.contains(&name))
        || message.starts_with("permission denied to create event trigger")
        || message.starts_with("permission denied to create foreign-data wrapper")
        || message == "must be superuser to create FOR ALL TABLES publication"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_owner_may_do_on_supabase() {
        for (message, is_permitted) in [
            ("permission denied to create extension \"moddatetime\"", true),
            ("permission denied to create extension \"file_fdw\"", false),
            (
                "permission denied to set parameter \"session_replication_role\"",
                true,
            ),
            ("permission denied to set parameter \"log_directory\"", false),
            ("permission denied to create role", false),
            ("must be superuser to execute ALTER SYSTEM command", false),
        ] {
            assert_eq!(permits(Platform::Supabase, message), is_permitted, "{message}");
        }
    }

    #[test]
    fn extensions_that_are_declared() {
        assert!(declares(Platform::Supabase, "pg_cron") && offers(Platform::Supabase, "pg_cron"));
        assert!(!declares(Platform::Supabase, "vector") && offers(Platform::Supabase, "vector"));
        assert!(!offers(Platform::Supabase, "my_own"));
    }
}
