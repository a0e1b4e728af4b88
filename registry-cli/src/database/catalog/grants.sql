SELECT c.oid::int8 AS relation,
       NULL::text AS "column",
       a.grantor::int8 AS grantor,
       a.grantee::int8 AS grantee,
       a.privilege_type AS privilege,
       a.is_grantable
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(c.relacl) a
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
UNION ALL
SELECT c.oid::int8, t.attname::text, a.grantor::int8, a.grantee::int8, a.privilege_type, a.is_grantable
FROM pg_attribute t
JOIN pg_class c ON c.oid = t.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(t.attacl) a
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT t.attisdropped
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY 1, 2 NULLS FIRST, 3, 4, 5
