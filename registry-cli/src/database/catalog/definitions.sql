-- The queries of materialized views, which run with the rights of their owners.
SELECT c.oid::int8 AS view, pg_get_viewdef(c.oid) AS definition
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm'
  AND n.nspname !~ '^pg_'
ORDER BY 1
