SELECT nspname::text AS name, nspowner::int8 AS owner
FROM pg_namespace
ORDER BY 1
