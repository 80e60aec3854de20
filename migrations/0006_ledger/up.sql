CREATE TABLE journal_entries (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    posted_on date NOT NULL,
    source_kind text NOT NULL,
    source_id uuid NOT NULL,
    -- Which time, where a fact happens to the same thing more than once.
    source_part text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT journal_entries_source UNIQUE (org_id, source_id, source_kind, source_part)
);
CALL isolate('journal_entries', 'SELECT, INSERT');
CALL freeze('journal_entries');

CREATE TABLE postings (
    org_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    position integer NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    -- Positive for debit, negative for credit.
    amount_minor bigint NOT NULL,
    vat_class text,
    vat_percent numeric,
    PRIMARY KEY (org_id, entry_id, position),
    FOREIGN KEY (org_id, entry_id) REFERENCES journal_entries,
    CONSTRAINT postings_amount CHECK (amount_minor <> 0),
    CONSTRAINT postings_vat CHECK ((vat_class IS NULL) = (vat_percent IS NULL))
);
CALL isolate('postings', 'SELECT, INSERT');
CALL freeze('postings');

-- The postings of an entry come in one statement, start at position 0 without a gap, and add up
-- to zero per currency. Positions that do not start at 0 would add to an entry that exists.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT entry_id INTO wrong FROM inserted
        GROUP BY org_id, entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not balance', wrong USING ERRCODE = 'check_violation';
    END IF;
    SELECT entry_id INTO wrong FROM inserted
        GROUP BY org_id, entry_id HAVING min(position) <> 0 OR max(position) <> count(*) - 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % is not posted whole', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_balanced AFTER INSERT ON postings
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();

-- The last proof of the ledger: how many comparisons did not hold.
CREATE TABLE ledger_proofs (
    org_id uuid PRIMARY KEY REFERENCES organizations,
    verified_at timestamptz NOT NULL,
    mismatches integer NOT NULL,
    CONSTRAINT ledger_proofs_mismatches CHECK (mismatches >= 0)
);
CALL isolate('ledger_proofs', 'SELECT, INSERT, UPDATE');
