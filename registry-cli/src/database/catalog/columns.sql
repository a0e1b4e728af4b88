SELECT a.attrelid::int8 AS relation,
       a.attname::text AS name,
       t.typname::text AS type_name,
       format_type(a.atttypid, a.atttypmod) AS type_text,
       t.typtype::text AS type_kind,
       a.attnotnull AS not_null
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0
  AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum
