-- What the application may do, before the registry has its say.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO erp_app;

-- Both belong to workers, which connect as other roles.
REVOKE ALL ON migration_reports, search_backfill_state FROM erp_app;
