-- Whether the files of the server's configuration are shown to this session.
SELECT 'the files of the configuration' AS name
WHERE has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
  AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')
