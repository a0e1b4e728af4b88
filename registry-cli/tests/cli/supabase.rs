//! A project on Supabase, from an empty folder: sound as it should be written, and its classic mistakes.

use crate::harness::{Crate, Report};
use crate::verify::{findings, has_server};

const SCHEMA: &str = "
use table_registry::table;
use uuid::Uuid;

#[table]
pub struct Notes { pub id: Uuid, pub user_id: Uuid, pub body: String }

#[table]
pub struct Projects { pub id: Uuid, pub org_id: Uuid, pub name: String }

#[table(tenant = through(project_id -> projects))]
pub struct Tasks { pub id: Uuid, pub project_id: Uuid, pub title: String }
";

const TABLES: &str = "
create extension if not exists pgcrypto with schema extensions;
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users on delete cascade default auth.uid(),
    body text not null
);
create index on public.notes (user_id);
create table public.projects (id uuid primary key default gen_random_uuid(), org_id uuid not null, name text not null);
create index on public.projects (org_id);
create table public.tasks (id uuid primary key, project_id uuid not null references public.projects, title text not null);
create index on public.tasks (project_id);
create policy avatars on storage.objects for select to authenticated
    using (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text);
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
";

fn policy() -> String {
    const MINE: &str = "\"user_id = (SELECT auth.uid())\"";
    let entries = [
        ("select", format!("using = {MINE}")),
        ("insert", format!("check = {MINE}")),
        ("update", format!("using = {MINE}\ncheck = {MINE}")),
        ("delete", format!("using = {MINE}")),
    ];
    let entry = |(command, clauses): &(&str, String)| {
        format!(
            "[[tenancy.policies]]\ntable = \"notes\"\nfor = \"{command}\"\n{clauses}\nreason = \"notes belong to a user\"\n"
        )
    };
    let policies: String = entries.iter().map(entry).collect();
    format!(
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"request.jwt.claim.org_id\"\n{policies}\
         [database]\napp_roles = [\"anon\", \"authenticated\"]\nplatform = \"supabase\"\n"
    )
}

fn project() -> Crate {
    let made = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", SCHEMA),
        ("table-registry.toml", &policy()),
        ("revoke.toml", ""),
        ("supabase/migrations/20240101000000_tables.sql", TABLES),
    ]);
    made.manifest("notes");
    let registry = made.run(&["sql"]).stdout;
    made.write("supabase/migrations/20240101000001_registry.sql", &registry);
    made
}

fn verify(crate_: &Crate, more: &[&str]) -> Report {
    let arguments = [
        "verify",
        "--migrations",
        "supabase/migrations",
        "--format",
        "json",
    ];
    crate_.run(&[&arguments[..], more].concat())
}

fn codes(report: &Report) -> Vec<String> {
    let all = findings(report);
    let mut codes: Vec<String> = all
        .iter()
        .map(|one| one["code"].as_str().unwrap().to_string())
        .collect();
    codes.dedup();
    codes
}

#[test]
fn a_sound_project() {
    if !has_server() {
        return;
    }
    let report = verify(&project(), &["--probe"]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    assert!(
        report.stderr.contains("of which the server allowed 0"),
        "{}",
        report.all()
    );
    // `postgres` runs the migrations there, and policies do not bind it.
    assert!(!report.stderr.contains("superuser"), "{}", report.all());
}

#[test]
fn classic_mistakes() {
    if !has_server() {
        return;
    }
    let crate_ = project();
    for (mistake, code) in [
        ("alter table public.projects disable row level security;", "rls-disabled"),
        ("create policy p on public.projects for select using (true);", "open-policy"),
        ("create view public.all_projects as select * from public.projects;
             grant select on public.all_projects to authenticated;", "definer-view"),
        (
            "create function public.all_projects() returns setof public.projects language sql security definer
                 as 'select * from public.projects';",
            "definer-function",
        ),
        (
            "create policy p on public.projects to authenticated
                 using (org_id = (select ((auth.jwt() -> 'user_metadata') ->> 'org_id')::uuid));",
            "unproven-policy",
        ),
        ("create table public.secrets (id uuid primary key);", "unregistered-table"),
        ("create view public.people as select id, email from auth.users;
             grant select on public.people to authenticated;", "unregistered-table"),
    ] {
        crate_.write("supabase/migrations/20240102000000_mistake.sql", mistake);
        let report = verify(&crate_, &[]);
        assert_eq!((codes(&report), report.code), (vec![code.to_string()], 1), "{}", report.all());
    }
    crate_.write("supabase/migrations/20240102000000_mistake.sql", "select 1;");
    let policy = policy().replace("\"authenticated\"]", "\"authenticated\", \"service_role\"]");
    crate_.write("table-registry.toml", &policy);
    let report = crate_.run(&["sql"]);
    crate_.write("supabase/migrations/20240101000001_registry.sql", &report.stdout);
    assert_eq!(codes(&verify(&crate_, &[])), ["privileged-app-role"]);
}

/// What migrations of real projects use of the platform. Nothing of it needs a superuser there.
const OF_PLATFORM: &str = "
create extension if not exists \"pg_cron\" with schema pg_catalog;
comment on extension pg_cron is 'jobs';
create extension if not exists pg_net with schema extensions;
create schema if not exists pgmq;
create extension if not exists pgmq with schema pgmq;
create extension if not exists moddatetime with schema extensions;
create extension if not exists vector with schema extensions;
create extension if not exists index_advisor cascade;
set session_replication_role = replica;
set session_replication_role = default;
select pgmq.create('emails');
select pgmq.send('emails', '{}'::jsonb), pgmq.send('emails', '{}'::jsonb, 5);
grant select on pgmq.q_emails, pgmq.a_emails to service_role;
select cron.schedule('nightly', '0 0 * * *', $$select net.http_post(url := 'https://example.com', body := '{}'::jsonb)$$);
select cron.unschedule('nightly');
delete from cron.job_run_details where end_time < now() - interval '7 days';
select vault.create_secret('secret', 'name');
create function public.secret() returns text language sql
    as $$ select decrypted_secret from vault.decrypted_secrets where name = 'name' $$;
revoke all on function public.secret from public, anon, authenticated;
create function public.has_second_factor() returns boolean language sql stable
    as $$ select exists (select 1 from auth.mfa_factors where user_id = auth.uid() and status = 'verified') $$;
create trigger hook after insert on public.notes for each row
    execute function supabase_functions.http_request('https://example.com', 'POST', '{}', '{}', '1000');
create policy receive on realtime.messages for select to authenticated using (realtime.topic() = auth.uid()::text);
create function public.broadcast() returns trigger language plpgsql as $$
begin
    perform realtime.broadcast_changes('notes', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
    return null;
end $$;
alter publication supabase_realtime add table public.notes;
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
select graphql_public.graphql(query := '{ a }');
";

#[test]
fn what_migrations_use_of_the_platform() {
    if !has_server() {
        return;
    }
    let crate_ = project();
    crate_.write("supabase/migrations/20240102000000_uses.sql", OF_PLATFORM);
    let report = verify(&crate_, &[]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    for part in [
        "5 extensions of Supabase were passed over",
        "_uses.sql:2` creates `pg_cron`: what it has is declared here",
        "creates `vector`: install its package, on Debian `postgresql-",
    ] {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
    assert!(!report.stderr.contains("superuser"), "{}", report.all());

    // What the API roles cannot reach there, they cannot reach here.
    for sql in [
        "set role anon; select * from vault.decrypted_secrets;",
        "set role authenticated; select cron.schedule('* * * * *', 'select 1');",
        "set role authenticated; select * from auth.users;",
        "set role anon; select * from pgmq.meta;",
        "set role authenticated; select * from auth.mfa_factors;",
        "set role anon; select * from net._http_response;",
    ] {
        crate_.write("supabase/migrations/20240103000000_reach.sql", sql);
        let report = verify(&crate_, &[]);
        assert!(
            report.stderr.contains("permission denied for"),
            "{sql}\n{}",
            report.all()
        );
    }
}

#[test]
fn extensions_that_this_machine_lacks() {
    if !has_server() {
        return;
    }
    let crate_ = project();
    let failure = |sql: &str| {
        crate_.write("supabase/migrations/20240102000000_extension.sql", sql);
        let report = verify(&crate_, &[]);
        assert_eq!(report.code, 2, "{}", report.all());
        report.all()
    };
    // The platform has it, but a later statement needs more than its name.
    let text = failure("create extension vector;\ncreate table public.a (v extensions.vector(3));");
    for part in [
        "type \"extensions.vector\" does not exist",
        "extension `vector` was passed over",
        "if the statement needs `vector`: install its package, on Debian `postgresql-",
        "what Supabase has from the start",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = failure("create extension my_own;");
    assert!(
        text.contains("has no extension `my_own`, and no file of `setup` can give it one"),
        "{text}"
    );
    assert!(!text.contains("/usr/"), "{text}");

    crate_.write(
        "table-registry.toml",
        &policy().replace("platform = \"supabase\"\n", ""),
    );
    std::fs::remove_file(
        crate_
            .path()
            .join("supabase/migrations/20240101000001_registry.sql"),
    )
    .unwrap();
    crate_.write("supabase/migrations/20240101000000_tables.sql", "select 1;");
    let text = failure("create extension pg_cron;");
    assert!(
        text.contains("on Debian `postgresql-") && text.contains("-cron`"),
        "{text}"
    );
    assert!(
        !text.contains("nothing in it") && !text.contains("into a file of `setup`"),
        "{text}"
    );
    crate_.write(
        "supabase/migrations/20240102000000_extension.sql",
        "create extension moddatetime;",
    );
    let report = verify(&crate_, &[]);
    assert!(
        report.stderr.contains("1 statement needs a superuser"),
        "{}",
        report.all()
    );
}

/// The user is the tenant, and the policies are those that everybody writes.
const OF_USERS: &str = "
create table public.todos (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users on delete cascade default auth.uid(),
    task text not null
);
create index on public.todos (user_id);
alter table public.todos enable row level security, force row level security;
create policy \"users see their own\" on public.todos for select to authenticated using ((select auth.uid()) = user_id);
create policy \"users add their own\" on public.todos for insert to authenticated with check ((select auth.uid()) = user_id);
create policy \"users change their own\" on public.todos for update to authenticated
    using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy \"users delete their own\" on public.todos for delete to authenticated
    using (((select auth.jwt()) ->> 'sub')::uuid = user_id);
revoke all on public.todos from anon, authenticated;
grant select, insert, update, delete on public.todos to authenticated;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
";

#[test]
fn a_user_is_a_tenant() {
    if !has_server() {
        return;
    }
    let crate_ = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        (
            "src/schema/mod.rs",
            "use table_registry::table;\nuse uuid::Uuid;\n\n#[table]\n\
             pub struct Todos { pub id: Uuid, pub user_id: Uuid, pub task: String }\n",
        ),
        (
            "table-registry.toml",
            "[tenancy]\ncolumn = \"user_id\"\nsetting = \"request.jwt.claim.sub\"\n\
             [database]\napp_roles = [\"authenticated\"]\nplatform = \"supabase\"\n",
        ),
        ("revoke.toml", ""),
        ("supabase/migrations/20240101000000_todos.sql", OF_USERS),
    ]);
    crate_.manifest("todos");
    let report = verify(&crate_, &["--probe"]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    assert!(!report.stderr.contains("ended in an error"), "{}", report.all());
    let sql = crate_.run(&["sql"]).stdout;
    assert!(sql.contains(" = (SELECT auth.uid())"), "{sql}");

    // The server reads the tenant from the claims alone, as it does behind the API of today.
    for (mistake, code) in [
        (
            "create policy p on public.todos to authenticated using ((select auth.uid()) is not null);",
            "open-policy",
        ),
        (
            "create policy p on public.todos to authenticated using (user_id <> (select auth.uid()));",
            "open-policy",
        ),
        (
            "alter role authenticated set request.jwt.claims to '{\"sub\": \"1\"}';",
            "default-tenant",
        ),
        (
            "create policy p on public.todos for select to authenticated
                 using (user_id = ((select auth.jwt()) -> 'user_metadata' ->> 'sub')::uuid);",
            "unproven-policy",
        ),
    ] {
        crate_.write("supabase/migrations/20240102000000_mistake.sql", mistake);
        let report = verify(&crate_, &[]);
        assert_eq!(
            (codes(&report), report.code),
            (vec![code.to_string()], 1),
            "{}",
            report.all()
        );
    }

    crate_.write("supabase/migrations/20240102000000_mistake.sql", "select 1;");
    let policy = crate_.read("table-registry.toml");
    crate_.write(
        "table-registry.toml",
        &policy.replace("jwt.claim.sub", "jwt.claims"),
    );
    let report = verify(&crate_, &[]);
    assert_eq!(
        (codes(&report), report.code),
        (vec!["invalid-value".to_string()], 1),
        "{}",
        report.all()
    );
    assert!(
        report.stdout.contains("request.jwt.claim.sub"),
        "{}",
        report.all()
    );
}

/// A user belongs to several organisations: the tenant of a membership is its user, and for other tables the
/// policy file declares how a user leads to rows.
#[test]
fn tenants_through_memberships() {
    if !has_server() {
        return;
    }
    let own = "\"org_id IN (SELECT m.org_id FROM memberships AS m WHERE m.user_id = (SELECT auth.uid()))\"";
    let entry = |command: &str, clauses: &str| {
        format!(
            "[[tenancy.policies]]\ntable = \"docs\"\nfor = \"{command}\"\n{clauses}\nreason = \"members see all docs\"\n"
        )
    };
    let entries = [
        entry("select", &format!("using = {own}")),
        entry("insert", &format!("check = {own}")),
        entry("update", &format!("using = {own}\ncheck = {own}")),
        entry("delete", &format!("using = {own}")),
    ];
    let policy = format!(
        "[tenancy]\ncolumn = \"user_id\"\nsetting = \"request.jwt.claim.sub\"\n{}\
         [database]\napp_roles = [\"authenticated\"]\nplatform = \"supabase\"\n",
        entries.concat()
    );
    let crate_ = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        (
            "src/schema/mod.rs",
            "use table_registry::table;\nuse uuid::Uuid;\n\n#[table]\n\
             pub struct Memberships { pub id: Uuid, pub user_id: Uuid, pub org_id: Uuid }\n\n#[table]\n\
             pub struct Docs { pub id: Uuid, pub org_id: Uuid, pub body: String }\n",
        ),
        ("table-registry.toml", &policy),
        ("revoke.toml", ""),
        (
            "supabase/migrations/20240101000000_tables.sql",
            "create table public.memberships (id uuid primary key, user_id uuid not null, org_id uuid not null);\n\
             create index on public.memberships (user_id);\n\
             create table public.docs (id uuid primary key, org_id uuid not null, body text not null);\n\
             revoke all on all tables in schema public from anon, authenticated;\n\
             grant select on public.memberships to authenticated;\n\
             grant select, insert, update, delete on public.docs to authenticated;\n\
             alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;\n",
        ),
    ]);
    crate_.manifest("docs");
    let registry = crate_.run(&["sql"]).stdout;
    crate_.write("supabase/migrations/20240101000001_registry.sql", &registry);
    let report = verify(&crate_, &["--probe"]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    crate_.write(
        "supabase/migrations/20240102000000_mistake.sql",
        "create policy p on public.docs for select to authenticated
             using (org_id in (select m.org_id from public.memberships m));",
    );
    let report = verify(&crate_, &[]);
    assert_eq!(report.code, 1, "{}", report.all());
}
