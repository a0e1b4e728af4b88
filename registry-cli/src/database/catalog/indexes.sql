SELECT i.indrelid::int8 AS relation,
       c.relname::text AS name,
       m.amname::text AS method,
       -- NULL for an expression. Columns that are only included follow the others.
       ARRAY(
           SELECT a.attname::text
           FROM unnest(i.indkey) WITH ORDINALITY AS k (number, position)
           LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
           WHERE k.position <= i.indnkeyatts
           ORDER BY k.position
       ) AS columns,
       coalesce(pg_get_expr(i.indexprs, i.indrelid), '') AS expressions,
       i.indisunique AS is_unique,
       i.indisprimary AS is_primary,
       i.indisvalid AS is_valid,
       i.indpred IS NOT NULL AS is_partial,
       EXISTS (
           SELECT FROM pg_constraint k
           WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
       ) AS is_constraint,
       c.relispartition AS of_parent
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = c.relam
WHERE n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY 1, 2
