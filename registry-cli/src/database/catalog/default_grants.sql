SELECT d.defaclrole::int8 AS owner,
       n.nspname::text AS schema,
       a.grantee::int8 AS grantee,
       a.privilege_type AS privilege
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN aclexplode(d.defaclacl) a
WHERE d.defaclobjtype = 'r' AND a.grantee <> d.defaclrole
ORDER BY 1, 2, 3, 4
