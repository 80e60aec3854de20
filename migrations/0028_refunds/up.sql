-- What of a balance is on its way back to the customer: it pays nothing else meanwhile.
ALTER TABLE billing_accounts
    ADD COLUMN refunding_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT billing_accounts_refunding
        CHECK (refunding_minor >= 0 AND refunding_minor <= balance_minor);
ALTER TABLE billing_accounts ALTER COLUMN refunding_minor DROP DEFAULT;

-- Money that goes back by the way on which an attempt had collected it. A row is committed before
-- the gateway is called; its id is the key under which the gateway knows it, and the id of the
-- payment that records the money once it went.
CREATE TABLE payment_refunds (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    -- The payment that collected it, and its attempt.
    payment_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    note text,
    reference text,
    -- Why it was declined.
    raw_code text,
    submitted_at timestamptz NOT NULL,
    answered_at timestamptz,
    -- When the gateway is asked next; null while it is open: a person must find out.
    ask_at timestamptz,
    asked integer NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, payment_id) REFERENCES payments,
    FOREIGN KEY (org_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT payment_refunds_amount CHECK (amount_minor > 0),
    CONSTRAINT payment_refunds_state
        CHECK (state IN ('submitting', 'accepted', 'unknown', 'settled', 'declined')),
    CONSTRAINT payment_refunds_code CHECK ((raw_code IS NOT NULL) = (state = 'declined')),
    CONSTRAINT payment_refunds_asked CHECK (asked >= 0)
);
CREATE INDEX payment_refunds_ask ON payment_refunds (org_id, ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX payment_refunds_payment ON payment_refunds (org_id, payment_id);
CREATE INDEX payment_refunds_customer ON payment_refunds (org_id, customer_id, id);
CALL isolate('payment_refunds', 'SELECT, INSERT, UPDATE');
CALL keep('payment_refunds');
