-- Another organization in the very state of this one: everything has the same id in it. Neither
-- triggers nor foreign keys: the original has passed them.
DO $$
DECLARE
    relation text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR relation IN
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND a.attname = 'org_id' AND c.relname <> 'jobs'
    LOOP
        EXECUTE format('INSERT INTO %1$I SELECT (jsonb_populate_record(t, '
            'jsonb_build_object(''org_id'', '':twin''))).* FROM %1$I t WHERE t.org_id = '':org''', relation);
    END LOOP;
END $$;
