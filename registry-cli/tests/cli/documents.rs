//! The SQL and the lock file that the documents show are those of the program.

use std::fs;

use crate::harness::{Report, program, repository};
use crate::server::{Template, shared};
use crate::verify::has_server;

/// The fenced blocks of a document in one language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(document)).unwrap();
    let fence = format!("```{language}\n");
    let rest = text.split(fence.as_str()).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap().to_string())
        .collect()
}

/// Runs a command on the example of the document.
fn run(arguments: &[&str]) -> Report {
    let mut command = program();
    command
        .args(arguments)
        .args(["-p", "tenancy"])
        .current_dir(repository());
    Report::new(command.output().unwrap())
}

fn sql() -> String {
    let report = run(&["sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    report.stdout
}

#[test]
fn the_sql_of_the_document_is_printed() {
    let (sql, shown) = (sql(), blocks("docs/src/tenancy.md", "sql"));
    for block in &shown {
        assert!(sql.contains(block.as_str()), "{block}\n{sql}");
    }
    // Only tables that are like one that is shown are left out.
    let count = |text: &str| text.matches("CREATE POLICY").count();
    assert_eq!(count(&shown.concat()) + LIKE_OTHERS.len(), count(&sql));
    for table in LIKE_OTHERS {
        assert!(sql.contains(&format!("ON {table} TO")), "{table}");
    }
}

const LIKE_OTHERS: &[&str] = &[
    "\"public\".\"audit_logs\"",
    "\"public\".\"invoices\"",
    "\"stock\".\"shelves\"",
];

#[test]
fn the_lock_file_of_the_example_is_fresh() {
    let report = run(&["sync", "--check"]);
    assert_eq!(report.code, 0, "{}", report.all());
}

/// The tables of the example.
const TABLES: &str = "
CREATE TABLE projects (id bigint PRIMARY KEY, org_id uuid NOT NULL, name text NOT NULL);
CREATE TABLE subscriptions (id bigint PRIMARY KEY, account_id uuid NOT NULL, plan text NOT NULL);
CREATE TABLE orgs (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE tasks (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects, title text NOT NULL);
CREATE TABLE comments (id bigint PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, body text NOT NULL);
CREATE TABLE invoices (
    org_id uuid NOT NULL, number bigint NOT NULL, total_cents bigint NOT NULL, PRIMARY KEY (org_id, number)
);
CREATE TABLE invoice_lines (
    org_id uuid NOT NULL, invoice_number bigint NOT NULL, line integer NOT NULL, text text NOT NULL,
    PRIMARY KEY (org_id, invoice_number, line),
    FOREIGN KEY (org_id, invoice_number) REFERENCES invoices (org_id, number)
);
CREATE SCHEMA stock;
CREATE TABLE stock.shelves (
    warehouse integer NOT NULL, number integer NOT NULL, org_id uuid NOT NULL, PRIMARY KEY (warehouse, number)
);
CREATE TABLE stock.pallets (
    id bigint PRIMARY KEY, warehouse integer NOT NULL, shelf integer NOT NULL,
    FOREIGN KEY (warehouse, shelf) REFERENCES stock.shelves (warehouse, number)
);
CREATE TABLE announcements (id bigint PRIMARY KEY, org_id uuid, body text NOT NULL);
CREATE TABLE memberships (id bigint PRIMARY KEY, user_id bigint NOT NULL, org_id uuid NOT NULL);
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE audit_logs (id bigint PRIMARY KEY, org_id uuid NOT NULL, action text NOT NULL);
CREATE TABLE login_history (id bigint PRIMARY KEY, user_id bigint NOT NULL);
CREATE TABLE legacy_ledger (id bigint PRIMARY KEY, org_id uuid NOT NULL);
GRANT USAGE ON SCHEMA stock TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, stock TO app;
";

const EXAMPLE: Template = Template {
    name: "document",
    migrations: || vec![TABLES.to_string(), sql()],
};

#[test]
fn the_sql_of_the_document_is_all_that_a_database_needs() {
    if !has_server() {
        return;
    }
    let database = shared().database(EXAMPLE);
    let report = run(&["sql", "--diff", "--database-url", &database.url()]);
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
}
