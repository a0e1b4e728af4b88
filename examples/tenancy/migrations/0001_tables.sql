-- The tables of `src/schema`, and what the application may do with them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN
        CREATE ROLE app;
    END IF;
END
$$;

CREATE SCHEMA stock;

CREATE TABLE orgs (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE login_history (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
CREATE TABLE projects (
    id bigint PRIMARY KEY, org_id uuid NOT NULL REFERENCES orgs, name text NOT NULL, UNIQUE (org_id, id)
);
CREATE TABLE subscriptions (id bigint PRIMARY KEY, account_id uuid NOT NULL REFERENCES orgs, plan text NOT NULL);
CREATE TABLE tasks (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects, title text NOT NULL);
CREATE TABLE comments (id bigint PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, body text NOT NULL);
CREATE TABLE invoices (
    org_id uuid NOT NULL REFERENCES orgs, number bigint NOT NULL, total_cents bigint NOT NULL,
    PRIMARY KEY (org_id, number)
);
CREATE TABLE invoice_lines (
    org_id uuid NOT NULL, invoice_number bigint NOT NULL, line integer NOT NULL, text text NOT NULL,
    PRIMARY KEY (org_id, invoice_number, line),
    FOREIGN KEY (org_id, invoice_number) REFERENCES invoices (org_id, number)
);
CREATE TABLE stock.shelves (
    warehouse integer NOT NULL, number integer NOT NULL, org_id uuid NOT NULL, PRIMARY KEY (warehouse, number)
);
CREATE TABLE stock.pallets (
    id bigint PRIMARY KEY, warehouse integer NOT NULL, shelf integer NOT NULL,
    FOREIGN KEY (warehouse, shelf) REFERENCES stock.shelves (warehouse, number)
);
CREATE TABLE announcements (id bigint PRIMARY KEY, org_id uuid REFERENCES orgs, body text NOT NULL);
CREATE TABLE memberships (
    id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, org_id uuid NOT NULL REFERENCES orgs
);
CREATE TABLE audit_logs (id bigint PRIMARY KEY, org_id uuid NOT NULL, action text NOT NULL);
CREATE TABLE legacy_ledger (id bigint PRIMARY KEY, org_id uuid NOT NULL, amount_cents bigint NOT NULL);

-- The policies compare these columns.
CREATE INDEX ON projects (org_id);
CREATE INDEX ON subscriptions (account_id);
CREATE INDEX ON tasks (project_id);
CREATE INDEX ON comments (task_id);
CREATE INDEX ON stock.shelves (org_id);
CREATE INDEX ON stock.pallets (warehouse, shelf);
CREATE INDEX ON announcements (org_id);
CREATE INDEX ON memberships (user_id);
CREATE INDEX ON memberships (org_id);
CREATE INDEX ON audit_logs (org_id);
CREATE INDEX ON legacy_ledger (org_id);

GRANT USAGE ON SCHEMA stock TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, stock TO app;
REVOKE UPDATE, DELETE ON memberships FROM app;
-- The application has no business in what the migration tool records.
DO $$ BEGIN
    IF to_regclass('public._sqlx_migrations') IS NOT NULL THEN
        REVOKE ALL ON _sqlx_migrations FROM app;
    END IF;
END $$;
