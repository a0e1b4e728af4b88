SELECT a.attrelid::int8 AS relation,
       a.attname::text AS name,
       t.typname::text AS type_name,
       format_type(a.atttypid, a.atttypmod) AS type_text,
       t.typtype::text AS type_kind,
       base.name AS base_type,
       -- Since PostgreSQL 18 a constraint that is not valid yet counts as one, too.
       (a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_constraint k
           WHERE k.conrelid = a.attrelid
             AND k.contype = 'n'
             AND k.conkey = ARRAY[a.attnum]
             AND NOT k.convalidated
       ))
       OR t.typnotnull
       OR EXISTS (
           SELECT FROM pg_constraint k
           WHERE k.conrelid = a.attrelid
             AND k.contype = 'c'
             AND k.convalidated
             AND pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NOT NULL)', a.attname)
       ) AS not_null,
       a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(', false) AS is_numbered,
       a.attgenerated <> '' AS is_generated,
       a.atthasdef OR t.typdefault IS NOT NULL AS has_default
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN LATERAL (
    WITH RECURSIVE under (oid) AS (
        SELECT t.typbasetype
        WHERE t.typtype = 'd'
        UNION ALL
        SELECT u.typbasetype
        FROM under
        JOIN pg_type u ON u.oid = under.oid
        WHERE u.typtype = 'd'
    )
    SELECT b.typname::text AS name
    FROM under
    JOIN pg_type b ON b.oid = under.oid
    WHERE b.typtype <> 'd'
) base ON true
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0
  AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'f')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum
