SELECT inhrelid::int8 AS child, inhparent::int8 AS parent
FROM pg_inherits
ORDER BY 1, 2
