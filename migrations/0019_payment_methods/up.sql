-- By which keys details are sealed: ids only, made of the keys by a one-way function. Global: a key
-- belongs to the processes, not to an organization. One of them seals; the others were replaced.
CREATE TABLE seal_keys (
    key_id text PRIMARY KEY,
    is_current boolean NOT NULL
);
CREATE UNIQUE INDEX seal_keys_current ON seal_keys (is_current) WHERE is_current;
GRANT SELECT, INSERT, UPDATE ON seal_keys TO recoup_service;

-- How customers pay and paid. The account number or token is sealed: only a process with the key
-- reads it, and only from its own row.
CREATE TABLE payment_methods (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    scheme text NOT NULL,
    state text NOT NULL,
    -- Whose account or card it is.
    holder text,
    -- The account as it is shown: country and last four characters.
    masked_account text,
    mandate_reference text,
    mandate_signed_on date,
    card_brand text,
    card_last_four text,
    card_expires_year integer,
    card_expires_month integer,
    -- The sealed account number or token; what it is recognized by (HMAC-SHA-256); by which key.
    sealed bytea,
    fingerprint bytea,
    key_id text,
    set_on date NOT NULL,
    -- Since when it is no longer active.
    ended_on date,
    end_reason text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT payment_methods_scheme CHECK (scheme IN ('direct_debit', 'card', 'bank_transfer')),
    CONSTRAINT payment_methods_state CHECK (state IN ('active', 'replaced', 'ended')),
    CONSTRAINT payment_methods_mandate CHECK (
        (scheme = 'direct_debit') = (mandate_reference IS NOT NULL)
        AND (scheme = 'direct_debit') = (mandate_signed_on IS NOT NULL)
        AND (scheme = 'direct_debit') = (masked_account IS NOT NULL)
        AND (scheme <> 'direct_debit' OR holder IS NOT NULL)),
    CONSTRAINT payment_methods_card CHECK (
        (scheme = 'card') = (card_brand IS NOT NULL)
        AND (scheme = 'card') = (card_last_four IS NOT NULL)
        AND (scheme = 'card') = (card_expires_year IS NOT NULL)
        AND (scheme = 'card') = (card_expires_month IS NOT NULL)
        AND card_last_four ~ '^[0-9]{4}$' AND card_expires_month BETWEEN 1 AND 12),
    CONSTRAINT payment_methods_sealed CHECK (
        (scheme = 'bank_transfer') = (sealed IS NULL)
        AND (sealed IS NULL) = (fingerprint IS NULL)
        AND (sealed IS NULL) = (key_id IS NULL)
        AND octet_length(fingerprint) = 32),
    CONSTRAINT payment_methods_end CHECK (
        (state = 'active') = (ended_on IS NULL)
        AND (state = 'ended') = (end_reason IS NOT NULL))
);
CREATE UNIQUE INDEX payment_methods_active ON payment_methods (org_id, customer_id)
    WHERE state = 'active';
-- The banks do not tell small letters from large ones.
CREATE UNIQUE INDEX payment_methods_mandate_reference
    ON payment_methods (org_id, upper(mandate_reference));
CREATE INDEX payment_methods_customer ON payment_methods (org_id, customer_id, id);
CREATE INDEX payment_methods_fingerprint ON payment_methods (org_id, fingerprint);
CALL isolate('payment_methods', 'SELECT, INSERT, UPDATE');
CALL keep('payment_methods');

-- Details never change, and what is over stays so. What is sealed may be sealed again by another
-- key.
CREATE FUNCTION refuse_change_of_payment_method() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['sealed', 'fingerprint', 'key_id'];
BEGIN
    IF OLD.state = 'active' THEN
        free := free || ARRAY['state', 'ended_on', 'end_reason'];
    END IF;
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'a payment method keeps its details, and stays as it ended'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER kept_details BEFORE UPDATE ON payment_methods
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_payment_method();
