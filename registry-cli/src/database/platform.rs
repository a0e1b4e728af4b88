//! What the servers of a platform have from the start.

use table_registry_engine::Platform;

use super::server::SUPERUSER;

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

/// The schemas whose tables are its own. Their protection is the platform's, too.
pub fn schemas(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Supabase => &[
            "auth",
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

/// The statements that make it.
pub fn sql(platform: Platform) -> &'static str {
    match platform {
        Platform::Supabase => include_str!("platform/supabase.sql"),
    }
}
