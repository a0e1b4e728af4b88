-- Before PostgreSQL 16 a membership has no options: SET ROLE is always allowed, and whether
-- privileges are inherited is a property of the member.
SELECT m.roleid::int8 AS role,
       m.member::int8 AS member,
       m.grantor::int8 AS grantor,
       m.admin_option AS admin,
       coalesce((to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit) AS inherit,
       coalesce((to_jsonb(m) ->> 'set_option')::bool, true) AS set
FROM pg_auth_members m
JOIN pg_roles r ON r.oid = m.member
UNION ALL
-- The owner of the database is a member of this role without a row that says so.
SELECT r.oid::int8, d.datdba::int8, NULL, false, true, true
FROM pg_roles r, pg_database d
WHERE r.rolname = 'pg_database_owner' AND d.datname = current_database()
ORDER BY 1, 2, 3
