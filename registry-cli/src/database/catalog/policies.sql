SELECT polrelid::int8 AS relation,
       polname::text AS name,
       polcmd::text AS command,
       polpermissive AS permissive,
       polroles::int8[] AS roles,
       pg_get_expr(polqual, polrelid) AS "using",
       pg_get_expr(polwithcheck, polrelid) AS "check"
FROM pg_policy
ORDER BY 1, 2
