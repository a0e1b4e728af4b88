SELECT n.nspname::text AS schema,
       p.proname::text AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       oidvectortypes(p.proargtypes) AS types,
       p.proowner::int8 AS owner,
       -- A body in standard SQL is kept in another form than as text.
       CASE WHEN p.prosrc <> '' OR l.lanname <> 'sql' THEN p.prosrc
           ELSE coalesce(
               substring(pg_get_functiondef(p.oid) FROM '(BEGIN ATOMIC.*)'),
               substring(pg_get_functiondef(p.oid) FROM '\n\s*(RETURN .*)'),
               ''
           ) END AS body,
       p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
           WHERE a.privilege_type = 'EXECUTE'
       ) AS executors,
       l.lanname::text AS language,
       -- Only a superuser can install functions in C, and SQL cannot change what they do, so they do not count.
       NOT l.lanpltrusted AND l.lanname <> 'c' AS is_untrusted,
       p.prosecdef AS is_definer,
       l.lanname = 'sql' AND p.prosrc = '' AS is_bound,
       p.proleakproof AS is_leakproof,
       (SELECT substr(c, length('search_path=') + 1) FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%') AS search_path,
       ARRAY(SELECT split_part(c, '=', 1) FROM unnest(p.proconfig) c) AS settings,
       -- Views, operators, casts, defaults, constraints, triggers and functions in standard SQL find a function by its OID, without
       -- USAGE on its schema. Policies do not count: they use the result of a call, and do not show it to the role.
       EXISTS (
           SELECT FROM pg_depend d
           WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid AND d.deptype IN ('n', 'a')
             AND d.classid <> 'pg_policy'::regclass
       ) AS is_stored,
       ARRAY(
           SELECT DISTINCT o.polrelid::int8
           FROM pg_depend d
           JOIN pg_policy o ON o.oid = d.objid
           WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
           ORDER BY 1
       ) AS policies_of
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  -- Nobody calls a function of triggers but a trigger.
  AND (
      p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgenabled <> 'D')
      OR EXISTS (SELECT FROM pg_event_trigger t WHERE t.evtfoid = p.oid AND t.evtenabled <> 'D')
  )
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
ORDER BY 1, 2, 3
