-- What the application may do, before the registry has its say.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO erp_app;

-- Before PostgreSQL 15, every role may create objects in it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Workers write both; they connect as other roles. The application shows the reports.
REVOKE INSERT, UPDATE, DELETE ON migration_reports FROM erp_app;
REVOKE ALL ON search_backfill_state FROM erp_app;
