-- Functions that may be one expression. Not those of extensions, which are in other languages as a rule.
SELECT n.nspname::text AS schema,
       p.proname::text AS name,
       coalesce(p.proargnames[1:p.pronargs], array_fill(''::text, ARRAY[p.pronargs]))::text[] AS parameters,
       ARRAY(
           SELECT format_type(t.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY t (type, position) ORDER BY position
       ) AS types,
       format_type(p.prorettype, NULL) AS result,
       p.proisstrict AS is_strict,
       p.provolatile = 'i' AS is_immutable,
       NOT EXISTS (SELECT FROM pg_proc o WHERE o.proname = p.proname AND o.oid <> p.oid) AS is_only,
       p.prosrc <> '' AS is_text,
       -- A body in standard SQL is kept in another form than as text.
       CASE WHEN p.prosrc = '' THEN coalesce(
           substring(pg_get_functiondef(p.oid) FROM '(BEGIN ATOMIC.*)'),
           substring(pg_get_functiondef(p.oid) FROM '\n\s*(RETURN .*)')
       ) ELSE p.prosrc END AS body
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname IN ('sql', 'plpgsql')
  AND p.prokind = 'f'
  -- The types of the arguments would have to decide between several.
  AND NOT EXISTS (
      SELECT FROM pg_proc o WHERE o.proname = p.proname AND o.pronamespace = p.pronamespace AND o.oid <> p.oid
  )
  AND NOT p.proretset
  AND NOT p.prosecdef
  AND p.pronargdefaults = 0
  AND p.provariadic = 0
  -- Parameters for results.
  AND p.proargmodes IS NULL
  AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c NOT LIKE 'search_path=%')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
ORDER BY 1, 2, p.oid
