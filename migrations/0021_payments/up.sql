-- Money that came or went. A row never changes; what goes back is another row.
CREATE TABLE payments (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    -- Whose; null: nobody knew when it came.
    customer_id uuid,
    kind text NOT NULL,
    currency text NOT NULL,
    -- Positive when it came in.
    amount_minor bigint NOT NULL,
    -- What the bank asked for it, besides.
    fee_minor bigint NOT NULL,
    -- The bank's date.
    booked_on date NOT NULL,
    -- Whether it had been posted as under way.
    in_transit boolean NOT NULL,
    -- The attempt that collected it, or whose money went back.
    attempt_id uuid,
    -- The payment that went back.
    reverses uuid,
    reference text,
    payer_name text,
    note text,
    -- The bank's own name of the movement: a statement that is imported twice counts once.
    external_id text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, reverses) REFERENCES payments,
    CONSTRAINT payments_attempt UNIQUE (org_id, attempt_id, kind),
    CONSTRAINT payments_reverses UNIQUE (org_id, reverses),
    CONSTRAINT payments_external UNIQUE (org_id, external_id),
    CONSTRAINT payments_kind
        CHECK (kind IN ('receipt', 'collection', 'bounce', 'refund', 'refund_returned')),
    CONSTRAINT payments_amount CHECK (
        CASE WHEN kind IN ('bounce', 'refund') THEN amount_minor < 0 ELSE amount_minor > 0 END),
    CONSTRAINT payments_fee CHECK (fee_minor >= 0),
    CONSTRAINT payments_back
        CHECK ((reverses IS NOT NULL) = (kind IN ('bounce', 'refund_returned'))),
    CONSTRAINT payments_transit CHECK (NOT in_transit OR kind = 'collection')
);
CREATE INDEX payments_customer ON payments (org_id, customer_id, id);
CREATE INDEX payments_booked ON payments (org_id, booked_on);
CALL isolate('payments', 'SELECT, INSERT');
CALL freeze('payments');

-- Where the parts of a payment went. Money that matched nothing is matched by more rows: one that
-- takes it from there, and others that bring it where it belongs.
CREATE TABLE payment_allocations (
    org_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    position integer NOT NULL,
    target text NOT NULL,
    -- Who owes or owns it; null: nobody is known.
    customer_id uuid,
    invoice_id uuid,
    -- Signed as the payment is: positive goes there, negative is taken from there.
    amount_minor bigint NOT NULL,
    -- The day for which it counts.
    allocated_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, payment_id, position),
    FOREIGN KEY (org_id, payment_id) REFERENCES payments,
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT payment_allocations_target
        CHECK (target IN ('invoice', 'written_off', 'balance', 'unmatched')),
    CONSTRAINT payment_allocations_invoice
        CHECK ((invoice_id IS NOT NULL) = (target IN ('invoice', 'written_off'))),
    CONSTRAINT payment_allocations_customer
        CHECK (customer_id IS NOT NULL OR target = 'unmatched'),
    CONSTRAINT payment_allocations_amount CHECK (amount_minor <> 0)
);
-- What was collected of an invoice, by day.
CREATE INDEX payment_allocations_invoice ON payment_allocations (org_id, invoice_id, allocated_on)
    INCLUDE (amount_minor) WHERE invoice_id IS NOT NULL;
CREATE INDEX payment_allocations_day ON payment_allocations (org_id, allocated_on)
    WHERE invoice_id IS NOT NULL;
CREATE INDEX payment_allocations_customer ON payment_allocations (org_id, customer_id, payment_id);
CREATE INDEX payment_allocations_unmatched ON payment_allocations (org_id, payment_id)
    INCLUDE (amount_minor) WHERE target = 'unmatched';
CALL isolate('payment_allocations', 'SELECT, INSERT');
CALL freeze('payment_allocations');

-- The parts of a payment add up to it, at first and whenever it is matched.
CREATE FUNCTION refuse_uneven_payment() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT p.id INTO wrong FROM (SELECT DISTINCT org_id, payment_id FROM inserted) i
        JOIN payments p ON p.org_id = i.org_id AND p.id = i.payment_id
        WHERE p.amount_minor <> (SELECT sum(a.amount_minor) FROM payment_allocations a
            WHERE a.org_id = i.org_id AND a.payment_id = i.payment_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the parts of payment % do not add up to it', wrong
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_allocations_even AFTER INSERT ON payment_allocations
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_uneven_payment();

-- What was written off of an invoice, and what of it was paid after all.
CREATE TABLE write_offs (
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    times integer NOT NULL,
    amount_minor bigint NOT NULL,
    recovered_minor bigint NOT NULL,
    reason text NOT NULL,
    written_off_on date NOT NULL,
    -- When its VAT was reclaimed; null: not yet.
    dated_on date,
    dated_at timestamptz,
    PRIMARY KEY (org_id, invoice_id),
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT write_offs_times CHECK (times >= 1),
    CONSTRAINT write_offs_amount CHECK (amount_minor > 0),
    CONSTRAINT write_offs_recovered CHECK (recovered_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT write_offs_dated CHECK ((dated_on IS NULL) = (dated_at IS NULL))
);
CALL isolate('write_offs', 'SELECT, INSERT, UPDATE');
CALL keep('write_offs');

CREATE TABLE write_off_vat (
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    vat_class text NOT NULL,
    vat_percent numeric NOT NULL,
    tax_minor bigint NOT NULL,
    recovered_minor bigint NOT NULL,
    PRIMARY KEY (org_id, invoice_id, vat_class, vat_percent),
    FOREIGN KEY (org_id, invoice_id) REFERENCES write_offs,
    CONSTRAINT write_off_vat_recovered CHECK (abs(recovered_minor) <= abs(tax_minor))
);
CALL isolate('write_off_vat', 'SELECT, INSERT, UPDATE');
CALL keep('write_off_vat');

-- One-off payments: a reference under which a customer pays chosen invoices.
CREATE TABLE one_off_payments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    reference text NOT NULL,
    started_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT one_off_payments_reference UNIQUE (org_id, reference),
    CONSTRAINT one_off_payments_amount CHECK (amount_minor > 0)
);
CALL isolate('one_off_payments', 'SELECT, INSERT');
CALL freeze('one_off_payments');

CREATE TABLE one_off_payment_invoices (
    org_id uuid NOT NULL,
    one_off_payment_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- What was open on it when the payment was started.
    amount_minor bigint NOT NULL,
    PRIMARY KEY (org_id, one_off_payment_id, invoice_id),
    FOREIGN KEY (org_id, one_off_payment_id) REFERENCES one_off_payments,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT one_off_payment_invoices_amount CHECK (amount_minor > 0)
);
CALL isolate('one_off_payment_invoices', 'SELECT, INSERT');
CALL freeze('one_off_payment_invoices');

-- Invoices that will not be paid.
ALTER TABLE invoices
    -- What was written off and not paid after all.
    ADD COLUMN written_off_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT invoices_state,
    DROP CONSTRAINT invoices_open,
    DROP CONSTRAINT invoices_settled,
    ADD CONSTRAINT invoices_state CHECK (state IN ('open', 'settled', 'written_off')),
    ADD CONSTRAINT invoices_open CHECK (open_minor >= 0 AND written_off_minor >= 0
        AND open_minor + written_off_minor <= greatest(total_minor, 0)),
    ADD CONSTRAINT invoices_settled CHECK (
        CASE state WHEN 'open' THEN open_minor > 0
                   WHEN 'written_off' THEN open_minor = 0 AND written_off_minor > 0
                   WHEN 'settled' THEN open_minor = 0 AND written_off_minor = 0 ELSE true END);
ALTER TABLE invoices ALTER COLUMN written_off_minor DROP DEFAULT;
-- What a customer owes.
CREATE INDEX invoices_owed ON invoices (org_id, customer_id, due_on)
    WHERE open_minor > 0 OR written_off_minor > 0;

CREATE OR REPLACE FUNCTION refuse_change_of_document() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'documents are never deleted: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(OLD) - 'state' - 'open_minor' - 'written_off_minor')
        <> (to_jsonb(NEW) - 'state' - 'open_minor' - 'written_off_minor') THEN
        RAISE EXCEPTION 'a finalized document never changes: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
