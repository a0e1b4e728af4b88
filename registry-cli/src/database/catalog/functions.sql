SELECT n.nspname::text AS schema,
       p.proname::text AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       p.proowner::int8 AS owner,
       p.prosrc AS body,
       p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
           WHERE a.privilege_type = 'EXECUTE'
       ) AS executors,
       ARRAY(
           SELECT DISTINCT d.refobjid::int8
           FROM pg_depend d
           WHERE d.classid = 'pg_proc'::regclass
             AND d.objid = p.oid
             AND d.refclassid = 'pg_class'::regclass
             AND d.deptype = 'n'
       ) AS used
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
ORDER BY 1, 2, 3
