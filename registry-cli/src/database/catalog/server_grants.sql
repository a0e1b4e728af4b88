-- Privileges that no list of a table shows, and by which a role reaches rows, files or other databases.
SELECT a.grantee::int8 AS grantee,
       0::int8 AS mapped,
       a.privilege_type AS privilege,
       'FUNCTION' AS kind,
       format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS object,
       format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)) AS name
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE a.grantee <> p.proowner
  -- They read and write files of the server, or connect as the user that the server runs as.
  AND p.proname ~ '^(pg_read_(binary_)?file|pg_ls_dir|pg_file_(read|write|rename|unlink)|lo_(im|ex)port|dblink_connect_u)$'
  AND (
      n.nspname = 'pg_catalog'
      OR EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      )
  )
UNION ALL
SELECT a.grantee::int8, 0, a.privilege_type, 'TABLE', format('%I.%I', n.nspname, c.relname), c.relname::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(c.relacl) a
WHERE n.nspname = 'pg_catalog'
  AND a.grantee <> c.relowner
  AND (
      -- They hold values of rows, or passwords.
      (
          a.privilege_type = 'SELECT'
          AND c.relname IN (
              'pg_authid', 'pg_largeobject', 'pg_shadow', 'pg_statistic', 'pg_statistic_ext_data', 'pg_user_mapping'
          )
      )
      OR (a.privilege_type <> 'SELECT' AND c.relname <> 'pg_settings')
  )
UNION ALL
-- Views of superusers that show the contents of these catalogs.
SELECT a.grantee::int8, 0, a.privilege_type, 'TABLE', format('%I.%I', n.nspname, c.relname), c.relname::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.oid = c.relowner AND r.rolsuper
CROSS JOIN aclexplode(c.relacl) a
WHERE c.relkind IN ('v', 'm')
  AND c.oid >= 16384
  AND a.privilege_type = 'SELECT'
  AND a.grantee <> c.relowner
  AND NOT EXISTS (
      SELECT FROM pg_options_to_table(c.reloptions) o
      WHERE o.option_name = 'security_invoker' AND o.option_value::bool
  )
  -- `pg_stats` looks at the rights of whoever uses the view, and `pg_shadow` is a view itself.
  AND pg_get_viewdef(c.oid) ~ (
      '\m(FROM|JOIN)\s+\(*pg_(authid|largeobject|shadow|statistic|statistic_ext_data|user_mapping'
      || CASE c.relkind WHEN 'm' THEN '|stats|stats_ext|stats_ext_exprs' ELSE '' END || ')\M'
  )
UNION ALL
-- A server can be used by a role for which there is a mapping, or with a mapping for every role.
SELECT DISTINCT a.grantee::int8, m.umuser::int8, a.privilege_type, 'FOREIGN SERVER', format('%I', s.srvname), s.srvname::text
FROM pg_foreign_server s
JOIN pg_user_mappings m ON m.srvid = s.oid
CROSS JOIN aclexplode(s.srvacl) a
WHERE a.grantee <> s.srvowner
UNION ALL
-- Languages whose functions do what the user of the server may do, if somebody has made them trusted. Then every role may
-- create such functions, at least temporary ones.
SELECT a.grantee::int8, 0, a.privilege_type, 'LANGUAGE', format('%I', l.lanname), l.lanname::text
FROM pg_language l
LEFT JOIN pg_proc h ON h.oid = l.lanplcallfoid
CROSS JOIN aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
WHERE l.lanpltrusted
  AND a.grantee <> l.lanowner
  AND (l.lanname IN ('c', 'internal') OR h.prosrc ~ '^(plpython|plperlu_|pltclu_|plr_|plsh_|plj?avau)')
UNION ALL
-- Each of them has privileges of its own, and an owner, but no policy.
SELECT DISTINCT g.grantee::int8, 0, 'SELECT', 'LARGE OBJECT', 'large objects', 'large objects'
FROM pg_largeobject_metadata l
CROSS JOIN LATERAL (
    SELECT l.lomowner AS grantee
    UNION
    SELECT a.grantee FROM aclexplode(l.lomacl) a
) g
ORDER BY 4, 6, 3, 1, 2
