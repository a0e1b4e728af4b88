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
