-- The values that sessions in this database start with. The role 0 stands for every role.
SELECT s.setrole::int8 AS role,
       s.setdatabase <> 0 AS in_database,
       false AS of_server,
       lower(split_part(c, '=', 1)) AS name,
       substr(c, strpos(c, '=') + 1) AS value
FROM pg_db_role_setting s
CROSS JOIN unnest(s.setconfig) AS c
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION ALL
-- Those of the configuration of the server that switch protection off.
SELECT 0, false, true, s.name, s.reset_val
FROM pg_settings s
WHERE s.name IN ('lo_compat_privileges', 'session_replication_role')
  AND s.source IN ('configuration file', 'command line', 'environment variable')
UNION ALL
-- What this session started with though no role and no database sets it, for the settings that policies read: no view
-- shows settings of that kind.
SELECT 0, false, true, p.name, current_setting(p.name, true)
FROM (
    SELECT DISTINCT lower(m[1]) AS name
    FROM pg_policy o
    CROSS JOIN LATERAL (VALUES (o.polqual), (o.polwithcheck)) AS e (expression)
    CROSS JOIN LATERAL regexp_matches(
        pg_get_expr(e.expression, o.polrelid), 'current_setting\(''([[:alnum:]_.]+)''', 'g'
    ) AS m
) AS p
WHERE current_setting(p.name, true) <> ''
  AND strpos(p.name, '.') > 0
  AND NOT EXISTS (
      SELECT FROM pg_db_role_setting s
      CROSS JOIN unnest(s.setconfig) AS c
      WHERE s.setrole IN (0, (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user))
        AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND lower(split_part(c, '=', 1)) = p.name
  )
ORDER BY 1, 2, 3, 4
