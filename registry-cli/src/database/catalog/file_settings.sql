-- The files of the server's configuration, of which the last one that names a setting counts.
SELECT DISTINCT ON (lower(name))
       0::int8 AS role,
       false AS in_database,
       true AS of_server,
       lower(name) AS name,
       setting AS value
FROM pg_file_settings
WHERE (strpos(name, '.') > 0 OR lower(name) IN ('lo_compat_privileges', 'session_replication_role'))
  AND error IS NULL
  AND setting IS NOT NULL
ORDER BY lower(name), seqno DESC
