-- The functions that aggregates call. The server asks whether the owner of the aggregate may execute them, and not whether
-- the role may that uses the aggregate.
SELECT DISTINCT n.nspname::text AS schema,
       format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)) AS name,
       p.proowner::int8 AS owner,
       ARRAY(
           SELECT e.grantee::int8
           FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
           WHERE e.privilege_type = 'EXECUTE'
       ) AS executors,
       fn.nspname::text AS function_schema,
       f.proname::text AS function,
       oidvectortypes(f.proargtypes) AS function_types
FROM pg_aggregate a
JOIN pg_proc p ON p.oid = a.aggfnoid
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_proc f ON f.oid IN (
    a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
    a.aggmfinalfn
)
JOIN pg_namespace fn ON fn.oid = f.pronamespace
WHERE f.oid >= 16384
ORDER BY 1, 2, 5, 6, 7
