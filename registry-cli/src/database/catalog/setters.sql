-- The code that runs where an object is used, or where its rows are written, if any code in the database may change a
-- setting. The application can see what the code is, not what it does.
WITH setting AS MATERIALIZED (
    SELECT '%:funcid ' || 'pg_catalog.set_config(text, text, boolean)'::regprocedure::oid || ' %' AS call
),
found AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM pg_proc
        WHERE oid >= 16384
          AND prosrc ~* '\mset_config\M|\mpg_settings\M|\mset\s+((local|session)\s+)?[[:alnum:]_."%]+\s*(=|\mto\M)|\m(reset|discard)\M'
    )
    OR EXISTS (SELECT FROM pg_proc p, setting WHERE p.prosrc = '' AND to_jsonb(p) ->> 'prosqlbody' LIKE call)
    OR EXISTS (SELECT FROM pg_rewrite, setting WHERE oid >= 16384 AND ev_action::text LIKE call)
    OR EXISTS (SELECT FROM pg_attrdef, setting WHERE adbin::text LIKE call)
    OR EXISTS (SELECT FROM pg_constraint, setting WHERE conbin::text LIKE call) AS any_code
),
code AS (
    SELECT n.nspname::text AS schema,
           p.proname::text AS name,
           false AS on_write,
           -- A body in standard SQL is kept in another form than as text.
           CASE WHEN p.prosrc = '' THEN pg_get_functiondef(p.oid) ELSE p.prosrc END AS body
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384
      AND p.prokind <> 'a'
      AND l.lanname NOT IN ('c', 'internal')
    UNION ALL
    SELECT n.nspname::text, p.proname::text, false, concat_ws(' ', a.aggtransfn, a.aggfinalfn)
    FROM pg_aggregate a
    JOIN pg_proc p ON p.oid = a.aggfnoid
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid >= 16384
    UNION ALL
    -- The server writes the word before each operator that is not built in.
    SELECT n.nspname::text, 'operator', false, o.oprcode::text
    FROM pg_operator o
    JOIN pg_namespace n ON n.oid = o.oprnamespace
    WHERE o.oid >= 16384
    UNION ALL
    SELECT n.nspname::text, t.typname::text, false, c.castfunc::regproc::text
    FROM pg_cast c
    JOIN pg_type t ON t.oid = c.casttarget
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE c.oid >= 16384 AND c.castfunc <> 0
    UNION ALL
    SELECT n.nspname::text, t.typname::text, false, pg_get_constraintdef(k.oid)
    FROM pg_constraint k
    JOIN pg_type t ON t.oid = k.contypid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE k.contype = 'c'
    UNION ALL
    SELECT n.nspname::text, c.relname::text, true, pg_get_constraintdef(k.oid)
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'c'
    UNION ALL
    SELECT n.nspname::text, c.relname::text, true, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d
    JOIN pg_class c ON c.oid = d.adrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT n.nspname::text, c.relname::text, true, format('%I.%I()', f.nspname, p.proname)
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_namespace f ON f.oid = p.pronamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
    UNION ALL
    SELECT n.nspname::text, c.relname::text, r.rulename <> '_RETURN', pg_get_ruledef(r.oid)
    FROM pg_rewrite r
    JOIN pg_class c ON c.oid = r.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.oid >= 16384
    UNION ALL
    SELECT n.nspname::text, c.relname::text, false,
           concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT DISTINCT name, on_write, body
FROM code
WHERE schema NOT IN ('pg_catalog', 'information_schema')
  AND (SELECT any_code FROM found)
ORDER BY 1, 2, 3
