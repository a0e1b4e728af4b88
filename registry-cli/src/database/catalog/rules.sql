SELECT r.ev_class::int8 AS relation,
       r.rulename::text AS name,
       pg_get_ruledef(r.oid) AS definition,
       -- The event, where the rule takes the place of the statement whatever the row.
       CASE WHEN r.is_instead AND r.ev_qual = '<>' THEN r.ev_type::text END AS instead_of
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN'
  AND r.ev_enabled <> 'D'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY 1, 2
