-- What counts against customers. A strike lapses by itself: what counts is decided when it is asked.
CREATE TABLE strikes (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    reason text NOT NULL,
    points integer NOT NULL,
    -- The day from which it counts.
    struck_on date NOT NULL,
    -- The attempt to which the payer objected.
    attempt_id uuid,
    -- The invoice that it is about; of fraud, where it was one.
    invoice_id uuid,
    -- The day from which the steps of a lost cycle were counted.
    day_zero date,
    -- What happened, and who recorded it, of fraud.
    note text,
    recorded_by text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (org_id, attempt_id) REFERENCES payment_attempts,
    CONSTRAINT strikes_reason CHECK (reason IN ('lost_cycle', 'objection', 'fraud')),
    CONSTRAINT strikes_points CHECK (points > 0),
    CONSTRAINT strikes_about CHECK (
        (reason = 'objection') = (attempt_id IS NOT NULL)
        AND (reason = 'lost_cycle') = (day_zero IS NOT NULL)
        AND (reason = 'fraud') = (note IS NOT NULL)
        AND (reason = 'fraud') = (recorded_by IS NOT NULL)
        AND (reason = 'fraud' OR invoice_id IS NOT NULL))
);
-- The same counts once.
CREATE UNIQUE INDEX strikes_objection ON strikes (org_id, attempt_id) WHERE reason = 'objection';
CREATE UNIQUE INDEX strikes_lost_cycle ON strikes (org_id, invoice_id, day_zero)
    WHERE reason = 'lost_cycle';
CREATE UNIQUE INDEX strikes_fraud ON strikes (org_id, customer_id, struck_on)
    WHERE reason = 'fraud';
CREATE INDEX strikes_customer ON strikes (org_id, customer_id, id);
CALL isolate('strikes', 'SELECT, INSERT');
CALL freeze('strikes');

-- What automation proposes and a person decides.
CREATE TABLE decisions (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    invoice_id uuid,
    -- What was open on the invoice, why, and since when, as it was proposed.
    currency text,
    amount_minor bigint,
    class text,
    day_zero date,
    -- The points of the customer's strikes as a block was proposed.
    points integer,
    -- In words, for people.
    why text NOT NULL,
    proposed_on date NOT NULL,
    -- The day on which it was decided or became obsolete.
    closed_on date,
    decided_by text,
    note text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT decisions_kind CHECK (kind IN ('block', 'write_off')),
    CONSTRAINT decisions_state CHECK (state IN ('open', 'confirmed', 'rejected', 'obsolete')),
    CONSTRAINT decisions_amount CHECK (
        amount_minor > 0 AND (amount_minor IS NULL) = (currency IS NULL)),
    CONSTRAINT decisions_write_off CHECK ((kind = 'write_off') = (amount_minor IS NOT NULL)
        AND (kind = 'write_off') = (day_zero IS NOT NULL)
        AND (kind = 'block' OR invoice_id IS NOT NULL)),
    CONSTRAINT decisions_block CHECK ((kind = 'block') = (points IS NOT NULL) AND points >= 0),
    CONSTRAINT decisions_closed CHECK ((state = 'open') = (closed_on IS NULL)),
    CONSTRAINT decisions_decided CHECK (
        (state IN ('confirmed', 'rejected')) = (decided_by IS NOT NULL))
);
-- The same is proposed once at a time.
CREATE UNIQUE INDEX decisions_open_block ON decisions (org_id, customer_id)
    WHERE kind = 'block' AND state = 'open';
CREATE UNIQUE INDEX decisions_open_write_off ON decisions (org_id, invoice_id)
    WHERE kind = 'write_off' AND state = 'open';
CREATE INDEX decisions_customer ON decisions (org_id, customer_id, id);
CALL isolate('decisions', 'SELECT, INSERT, UPDATE');
CALL keep('decisions');
