-- The settings that policies read.
SELECT DISTINCT lower(m[1]) AS name
FROM pg_policy o
CROSS JOIN LATERAL (VALUES (o.polqual), (o.polwithcheck)) AS e (expression)
CROSS JOIN LATERAL regexp_matches(
    pg_get_expr(e.expression, o.polrelid), 'current_setting\(''([[:alnum:]_.]+)''', 'g'
) AS m
ORDER BY 1
