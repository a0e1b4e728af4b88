//! Settings that give a session of the application a tenant that it never chose.

use table_registry_engine::DatabaseCheck;

use crate::database::access::logins;
use crate::database::catalog::Setting;
use crate::database::code::claims;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let settings = context.catalog.settings.iter();
    let deciding = settings.filter(|one| !one.value.is_empty() && decides(context, one));
    deciding.filter_map(|one| finding(context, one)).collect()
}

/// Whether policies decide by a setting. Those of the server itself, such as `timezone`, are no tenant's.
fn decides(context: &Context<'_>, setting: &Setting) -> bool {
    is_tenant(context, setting)
        || (setting.name.contains('.') && context.catalog.is_read_by_policies(&setting.name))
}

fn is_tenant(context: &Context<'_>, setting: &Setting) -> bool {
    let mut own = claims::settings(&context.project.policy).into_iter();
    own.any(|name| name.eq_ignore_ascii_case(&setting.name))
}

fn finding(context: &Context<'_>, setting: &Setting) -> Option<Finding> {
    let apps = context.app_roles.iter();
    let started = apps.filter(|app| logins::start_with(context, app, setting));
    let apps: Vec<&str> = started.map(|app| app.role.name.as_str()).collect();
    let first = apps.first()?;
    let (name, value) = (&setting.name, &setting.value);
    let message = if is_tenant(context, setting) {
        format!("sessions of {} start with tenant `{value}`", quoted(&apps))
    } else {
        format!(
            "sessions of {} start with `{value}` in `{name}`, which policies read",
            quoted(&apps)
        )
    };
    let finding = Finding::of_role(
        DatabaseCheck::DefaultTenant,
        first,
        message,
        logins::reset(context, setting),
    );
    Some(
        finding
            .about(&apps)
            .object(name)
            .fact(logins::source(context, setting))
            .fact(format!(
                "a transaction that does not set `{name}` uses this value"
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::SettingName;
    use crate::database::testing::{Database, NOTHING, findings, found};

    const SETTING: &str = "app.org_id";

    #[test]
    fn claims_of_a_token_that_nobody_presented() {
        let found = found(find, |it| {
            let setting = "setting = \"app.org_id\"";
            it.policy_file = it
                .policy_file
                .replace(setting, "setting = \"request.jwt.claim.sub\"");
            it.policy_file += "platform = \"supabase\"\n";
            it.setting("app", "request.jwt.claims", "{\"sub\": \"2\"}");
        });
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_tenant_of_a_role() {
        let of_role = findings(find, |it| {
            it.setting("app", SETTING, "2");
        });
        assert_eq!(of_role[0].message, "sessions of `app` start with tenant `2`");
        assert_eq!(of_role[0].fix, "ALTER ROLE \"app\" RESET \"app\".\"org_id\";");
    }

    #[test]
    fn a_tenant_of_a_database() {
        let of_database = findings(find, |it| it.setting("PUBLIC", SETTING, "2").in_database = true);
        let fix = "ALTER DATABASE \"shop\" RESET \"app\".\"org_id\";";
        assert_eq!(of_database[0].fix, fix);
        let of_both = findings(find, |it| it.setting("app", SETTING, "2").in_database = true);
        let fix = "ALTER ROLE \"app\" IN DATABASE \"shop\" RESET \"app\".\"org_id\";";
        assert_eq!(of_both[0].fix, fix);
    }

    #[test]
    fn a_tenant_of_the_server() {
        assert_eq!(
            found(find, |it| it.setting("PUBLIC", SETTING, "2").of_server = true),
            ["- app.org_id"]
        );
    }

    #[test]
    fn a_tenant_of_a_role_that_logs_in_and_becomes_the_application() {
        let of_member = |change: fn(&mut Database)| {
            found(find, |it| {
                it.add_role("web");
                it.add_member("app", "web");
                it.setting("web", SETTING, "2");
                change(it);
            })
        };
        assert_eq!(of_member(|_| ()), ["- app.org_id"]);
        assert_eq!(of_member(|it| it.role("web").superuser = true), NOTHING);
        assert_eq!(of_member(|it| it.role("web").can_log_in = false), NOTHING);
    }

    #[test]
    fn another_setting_that_policies_read() {
        let user = |it: &mut Database| {
            it.setting("app", "app.user_id", "7");
        };
        assert_eq!(found(find, user), NOTHING);
        assert_eq!(
            found(find, |it| {
                user(it);
                it.rows.read_settings.push(SettingName {
                    name: "app.user_id".to_string(),
                });
            }),
            ["- app.user_id"]
        );
    }

    #[test]
    fn settings_that_are_no_tenant() {
        assert_eq!(
            found(find, |it| {
                it.setting("app", SETTING, "");
                it.setting("app", "search_path", "public");
                it.setting("owner", SETTING, "2");
            }),
            NOTHING
        );
    }
}
