-- The built-in functions that somebody has made LEAKPROOF. No catalog records which ones were LEAKPROOF from the start,
-- but all rows that nobody has changed come from one transaction, in which `initdb` created them.
WITH built_in AS (
    SELECT p.oid, p.proname, p.proargtypes, p.xmin::text AS changed_by
    FROM pg_proc p
    WHERE p.oid < 16384
      AND p.proleakproof
      AND p.pronamespace = 'pg_catalog'::regnamespace
)
SELECT format('pg_catalog.%s(%s)', proname, oidvectortypes(proargtypes)) AS name,
       format('pg_catalog.%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS signature
FROM built_in
WHERE changed_by <> (SELECT mode() WITHIN GROUP (ORDER BY changed_by) FROM built_in)
ORDER BY 1
