-- A view depends on a table, too, if it calls a function that returns its rows. Then the definition has to decide.
SELECT DISTINCT r.ev_class::int8 AS view,
       d.refobjid::int8 AS used,
       CASE WHEN EXISTS (
           SELECT FROM pg_depend f
           JOIN pg_proc p ON p.oid = f.refobjid
           JOIN pg_type t ON t.oid = p.prorettype
           WHERE f.classid = 'pg_rewrite'::regclass
             AND f.objid = r.oid
             AND f.refclassid = 'pg_proc'::regclass
             AND t.typrelid = d.refobjid
       ) THEN pg_get_viewdef(r.ev_class) END AS definition
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
WHERE r.rulename = '_RETURN'
  AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid <> r.ev_class
ORDER BY 1, 2
