SELECT n.nspname::text AS name,
       n.nspowner::int8 AS owner,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
           WHERE a.privilege_type = 'USAGE'
       ) AS users,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
           WHERE a.privilege_type = 'CREATE'
       ) AS creators
FROM pg_namespace n
ORDER BY 1
