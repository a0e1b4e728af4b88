-- What the application may do, before the registry has its say.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO erp_app;

-- It has no business in what the migration tool records.
DO $$ BEGIN
    IF to_regclass('public._sqlx_migrations') IS NOT NULL THEN
        REVOKE ALL ON _sqlx_migrations FROM erp_app;
    END IF;
END $$;

-- Before PostgreSQL 15, every role may create objects in it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Workers write both; they connect as other roles. The application shows the reports.
REVOKE INSERT, UPDATE, DELETE ON migration_reports FROM erp_app;
REVOKE ALL ON search_backfill_state FROM erp_app;
