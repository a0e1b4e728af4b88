-- The tables in which pg_partman lists what it manages, whichever schema it is in, if this session may read them.
SELECT format('%I.%I', n.nspname, c.relname) AS config
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'part_config'
  AND c.relkind = 'r'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')
  AND (
      SELECT count(*) FROM pg_attribute a
      WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN ('parent_table', 'template_table')
  ) = 2
ORDER BY 1
