SELECT t.tgrelid::int8 AS relation,
       t.tgname::text AS name,
       t.tgtype AS events,
       t.tgenabled::text AS enabled,
       p.proname::text AS function,
       t.tgqual IS NOT NULL AS has_condition
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal
ORDER BY 1, 2
