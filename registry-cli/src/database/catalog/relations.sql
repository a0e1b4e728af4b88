-- The tables after which pg_partman makes partitions. It can be in any schema, or not be there.
WITH template AS (
    SELECT m[1] AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'template_table',
    LATERAL regexp_matches(
        query_to_xml(format('SELECT template_table FROM %I.part_config', n.nspname), false, false, '')::text,
        '<template_table>([^<]*)<', 'g'
    ) m
    WHERE c.relname = 'part_config'
      AND c.relkind = 'r'
      AND has_schema_privilege(n.oid, 'USAGE')
      AND has_column_privilege(c.oid, a.attnum, 'SELECT')
)
SELECT c.oid::int8 AS oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relispartition AS is_partition,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       c.relowner::int8 AS owner,
       EXISTS (
           SELECT FROM pg_options_to_table(c.reloptions) o
           WHERE o.option_name = 'security_invoker' AND o.option_value::bool
       ) AS security_invoker,
       EXISTS (
           SELECT FROM pg_depend d
           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
       ) AS of_extension,
       EXISTS (SELECT FROM template t WHERE t.name IN (n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname)))
           AS is_template
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY 2, 3
