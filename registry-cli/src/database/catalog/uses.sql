SELECT DISTINCT r.ev_class::int8 AS view, d.refobjid::int8 AS used
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
WHERE r.rulename = '_RETURN'
  AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid <> r.ev_class
ORDER BY 1, 2
