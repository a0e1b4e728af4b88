SELECT format_type(t.oid, NULL) AS name, format_type(t.typbasetype, t.typtypmod) AS base
FROM pg_type t
WHERE t.typtype = 'd' AND t.oid >= 16384
ORDER BY 1
