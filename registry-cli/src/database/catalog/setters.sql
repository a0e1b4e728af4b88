-- Functions that may change a setting. UPDATE … SET looks the same, but has no place in a policy either.
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname <> 'pg_catalog'
  AND n.nspname <> 'information_schema'
  AND (
      p.prosrc ~* '\mset_config\M'
      OR p.prosrc ~* '\mset\s+((local|session)\s+)?[[:alnum:]_."]+\s*(=|\mto\M)'
  )
ORDER BY 1, 2
