SELECT c.conrelid::int8 AS relation,
       c.conname::text AS name,
       c.confrelid::int8 AS referenced,
       ARRAY(
           SELECT a.attname::text
           FROM unnest(c.conkey) WITH ORDINALITY AS k (number, position)
           JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
           ORDER BY k.position
       ) AS columns,
       ARRAY(
           SELECT a.attname::text
           FROM unnest(c.confkey) WITH ORDINALITY AS k (number, position)
           JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number
           ORDER BY k.position
       ) AS keys,
       -- Without what it does to rows.
       regexp_replace(
           pg_get_constraintdef(c.oid),
           ' ON (UPDATE|DELETE) (CASCADE|SET NULL|SET DEFAULT)( \([^)]*\))?', '', 'g'
       ) AS harmless,
       c.confdeltype::text AS on_delete,
       -- Since PostgreSQL 15 the action of DELETE may be for some columns alone.
       ARRAY(
           SELECT a.attname::text
           FROM pg_attribute a
           WHERE a.attrelid = c.conrelid
             AND to_jsonb(a.attnum) <@ coalesce(nullif(to_jsonb(c) -> 'confdelsetcols', 'null'), to_jsonb(c.conkey))
           ORDER BY a.attnum
       ) AS set_on_delete,
       c.confupdtype::text AS on_update,
       CASE WHEN c.condeferred THEN 'DEFERRABLE INITIALLY DEFERRED'
           WHEN c.condeferrable THEN 'DEFERRABLE'
           ELSE '' END AS deferral,
       c.convalidated AS is_valid,
       c.conparentid <> 0 AS of_parent
FROM pg_constraint c
WHERE c.contype = 'f'
  -- Since PostgreSQL 18 a constraint may be there for the record alone.
  AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
ORDER BY 1, 2
