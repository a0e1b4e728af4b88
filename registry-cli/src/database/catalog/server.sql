SELECT current_setting('server_version_num')::int4 AS version,
       d.datname::text AS database,
       d.datdba::int8 AS owner,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
           WHERE a.privilege_type = 'CONNECT'
       ) AS connectors,
       ARRAY(
           SELECT a.grantee::int8
           FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
           WHERE a.privilege_type = 'CREATE'
       ) AS creators
FROM pg_database d
WHERE d.datname = current_database()
