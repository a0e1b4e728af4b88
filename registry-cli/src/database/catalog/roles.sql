SELECT oid::int8 AS oid,
       rolname::text AS name,
       rolsuper AS superuser,
       rolbypassrls AS bypass_rls,
       rolcreaterole AS create_role,
       rolreplication AS replication,
       rolcanlogin AS can_log_in
FROM pg_roles
ORDER BY 2
