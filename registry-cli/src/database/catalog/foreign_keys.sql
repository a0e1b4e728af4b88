SELECT c.conrelid::int8 AS relation,
       c.conname::text AS name,
       -- Without what it does to rows.
       regexp_replace(
           pg_get_constraintdef(c.oid),
           ' ON (UPDATE|DELETE) (CASCADE|SET NULL|SET DEFAULT)( \([^)]*\))?', '', 'g'
       ) AS harmless,
       c.confdeltype::text AS on_delete,
       c.confupdtype::text AS on_update,
       c.conparentid <> 0 AS of_parent
FROM pg_constraint c
WHERE c.contype = 'f'
  -- Since PostgreSQL 18 a constraint may be there for the record alone.
  AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
ORDER BY 1, 2
