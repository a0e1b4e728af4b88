-- What users have defined under the name of something built in, so that the name may mean either. The server numbers
-- the objects of users from 16384 on.
SELECT 'function' AS kind,
       p.proname::text AS name,
       bool_or(p.pronamespace = 'pg_catalog'::regnamespace) AS in_pg_catalog,
       false AS is_for_text
FROM pg_proc p
WHERE p.oid >= 16384
  AND (
      EXISTS (SELECT FROM pg_proc b WHERE b.proname = p.proname AND b.oid < 16384)
      -- Calls of these are keywords, unless the name is in quotes.
      OR p.proname IN (
          'coalesce', 'nullif', 'current_date', 'current_role', 'current_timestamp', 'localtimestamp', 'user'
      )
  )
GROUP BY p.proname
UNION ALL
SELECT 'operator',
       o.oprname::text,
       bool_or(o.oprnamespace = 'pg_catalog'::regnamespace),
       bool_or(o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype)
FROM pg_operator o
WHERE o.oid >= 16384
  AND EXISTS (SELECT FROM pg_operator b WHERE b.oprname = o.oprname AND b.oid < 16384)
  -- An operator for a type of its own does not get in the way of others.
  AND NOT EXISTS (
      SELECT FROM pg_type t WHERE t.oid IN (o.oprleft, o.oprright) AND t.oid >= 16384 AND t.typtype <> 'd'
  )
GROUP BY o.oprname
UNION ALL
-- Casts have no schema.
SELECT DISTINCT 'cast', format_type(c.casttarget, NULL), true, false
FROM pg_cast c
WHERE c.oid >= 16384
  AND c.castsource < 16384
  AND c.casttarget < 16384
  AND c.castmethod <> 'i'
UNION ALL
SELECT DISTINCT 'type', t.typname::text, false, false
FROM pg_type t
WHERE t.oid >= 16384
  AND EXISTS (SELECT FROM pg_type b WHERE b.typname = t.typname AND b.oid < 16384)
ORDER BY 1, 2
