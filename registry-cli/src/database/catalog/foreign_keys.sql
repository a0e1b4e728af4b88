-- Partitions repeat the constraint of their parent.
SELECT conrelid::int8 AS relation,
       conname::text AS name,
       pg_get_constraintdef(oid) AS definition,
       confdeltype::text AS on_delete,
       confupdtype::text AS on_update
FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0
ORDER BY 1, 2
