-- The functions that policies call.
SELECT n.nspname::text AS schema, p.proname::text AS name, min(p.provolatile::text) AS volatility
FROM pg_depend d
JOIN pg_proc p ON p.oid = d.refobjid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE d.classid = 'pg_policy'::regclass
  AND d.refclassid = 'pg_proc'::regclass
  AND n.nspname <> 'pg_catalog'
GROUP BY 1, 2
UNION ALL
-- Dependencies on built-in functions are not recorded. Where one of several functions of a name is immutable, a call
-- of that name may be, too.
SELECT 'pg_catalog', p.proname::text, min(p.provolatile::text)
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
GROUP BY p.proname
HAVING bool_and(p.provolatile <> 'i')
ORDER BY 1, 2
