//! The claims of the token that a request comes with, where the API of the platform checks the token and hands the claims
//! to the database.
//!
//! `PostgREST` puts all of them into `request.jwt.claims`, as JSON. Older versions set `request.jwt.claim.NAME` for each.
//! Either way they come from one token, so a claim has one value, whichever setting is read: the application cannot choose
//! it, as it can choose other settings.

use serde_json::json;
use table_registry_engine::{Platform, Policy};

/// The settings with all claims.
const ALL: &[&str] = &["request.jwt.claims", "request.jwt.claim"];
/// The prefix of the settings that hold one claim each.
const ONE: &str = "request.jwt.claim.";

/// Whether a setting, in lower case, holds all claims.
pub fn hold_all(setting: &str) -> bool {
    ALL.contains(&setting)
}

/// The claim that is the tenant. `None` if the tenant is not a claim, or nothing says that claims come from a token.
pub fn tenant(policy: &Policy) -> Option<&str> {
    let Platform::Supabase = policy.database.platform?;
    let setting = policy.tenancy.column()?.setting.value.as_str();
    let start = setting.get(..ONE.len())?;
    let claim = &setting[ONE.len()..];
    (start.eq_ignore_ascii_case(ONE) && !claim.contains('.')).then_some(claim)
}

/// The settings that decide which tenant the session has.
pub fn settings(policy: &Policy) -> Vec<&str> {
    let own = policy
        .tenancy
        .column()
        .map(|column| column.setting.value.as_str());
    let all = tenant(policy).map_or(&[][..], |_| ALL);
    own.into_iter().chain(all.iter().copied()).collect()
}

/// The tenant of the session as an expression of a type.
pub fn expression(claim: &str, sql_type: &str) -> String {
    if claim == "sub" && sql_type == "uuid" {
        return "(SELECT auth.uid())".to_string();
    }
    let cast = match sql_type {
        "text" => String::new(),
        other => format!("::{other}"),
    };
    format!(
        "(SELECT coalesce(nullif(current_setting('{ONE}{claim}', true), ''), \
         nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> '{claim}'){cast})"
    )
}

/// What the API sets in a session of a role with a tenant.
pub fn set(claim: &str, tenant: &str, role: &str) -> Vec<(&'static str, String)> {
    let text = json!({ claim: tenant, "role": role }).to_string();
    vec![("request.jwt.claims", text)]
}

/// What a session reads after a request, or a request without a token.
pub fn unset() -> Vec<(&'static str, String)> {
    ALL.iter().map(|name| (*name, String::new())).collect()
}
