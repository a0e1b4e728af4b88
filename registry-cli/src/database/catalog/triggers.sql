SELECT t.tgrelid::int8 AS relation,
       t.tgname::text AS name,
       t.tgtype AS events,
       t.tgenabled::text AS enabled,
       n.nspname::text AS function_schema,
       p.proname::text AS function,
       p.prosrc AS function_body,
       p.proowner::int8 AS function_owner,
       -- WHEN, or UPDATE OF some columns.
       t.tgqual IS NOT NULL OR t.tgattr::text <> '' AS has_condition,
       array_remove(ARRAY[t.tgoldtable::text, t.tgnewtable::text], NULL) AS transition_tables
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal
ORDER BY 1, 2
