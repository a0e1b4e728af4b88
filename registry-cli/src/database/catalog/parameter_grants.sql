-- Since PostgreSQL 15.
SELECT a.grantee::int8 AS grantee,
       0::int8 AS mapped,
       a.privilege_type AS privilege,
       'PARAMETER' AS kind,
       -- Each part of the name is an identifier.
       (
           SELECT string_agg(quote_ident(part), '.' ORDER BY position)
           FROM unnest(string_to_array(p.parname, '.')) WITH ORDINALITY AS u (part, position)
       ) AS object,
       p.parname AS name
FROM pg_parameter_acl p
CROSS JOIN aclexplode(p.paracl) a
-- These switch triggers and privileges off, or load code. ALTER SYSTEM can do so through any of many parameters.
WHERE a.privilege_type = 'ALTER SYSTEM'
   OR p.parname IN (
       'allow_system_table_mods', 'dynamic_library_path', 'lo_compat_privileges', 'session_preload_libraries',
       'session_replication_role'
   )
ORDER BY 6, 3, 1
