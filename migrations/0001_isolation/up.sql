-- The service role: every transaction of the service runs as it. It owns nothing, so that row
-- level security applies to it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_service') THEN
        BEGIN
            CREATE ROLE recoup_service NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION
            -- Two databases of one server may be migrated at once.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the database user may not create roles: as a superuser run '
                    'CREATE ROLE recoup_service NOLOGIN; GRANT recoup_service TO %;', current_user;
        END;
    END IF;
    -- Who may act as the role: from PostgreSQL 16 on, whoever makes a role is a member of it but
    -- may not act as it without saying so.
    BEGIN
        SET LOCAL ROLE recoup_service;
        RESET ROLE;
    EXCEPTION WHEN insufficient_privilege THEN
        IF current_setting('server_version_num')::integer >= 160000 THEN
            EXECUTE format('GRANT recoup_service TO %I WITH SET TRUE', current_user);
        ELSE
            EXECUTE format('GRANT recoup_service TO %I', current_user);
        END IF;
    END;
END $$;

GRANT USAGE ON SCHEMA public TO recoup_service;

-- Puts a table behind the second wall: only rows of the transaction's organization are seen; no
-- organization, no rows. After a transaction with SET LOCAL the setting reads '', hence nullif.
CREATE PROCEDURE isolate(relation regclass, privileges text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format(
        'CREATE POLICY isolation ON %s USING (org_id = nullif(current_setting(''recoup.org'', true), '''')::uuid)',
        relation);
    EXECUTE format('GRANT %s ON %s TO recoup_service', privileges, relation);
END $$;

-- For tables whose rows are facts: refuses every update, delete and truncate.
CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: corrections are new rows', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- Makes a table's rows facts, also for its owner.
CREATE PROCEDURE freeze(relation regclass)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON %s '
        'FOR EACH ROW EXECUTE FUNCTION refuse_change()', relation);
    CALL keep(relation);
END $$;

-- Refuses to empty a table.
CREATE PROCEDURE keep(relation regclass)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER kept BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', relation);
END $$;
