-- What is being done about an invoice that is to be paid: from its finalization until nothing of it
-- is open. This is the retry queue, made to be read.
CREATE TABLE collections (
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    due_on date NOT NULL,
    state text NOT NULL,
    -- The scheme of the last attempt, or under which the customer pays by itself.
    scheme text,
    -- The policy it follows; null: the built-in one.
    policy_id uuid,
    -- The day from which the steps are counted: of the first failure, of a bounce, or the due date
    -- of what the customer pays by itself.
    day_zero date,
    -- The day zero from which it was told to be overdue.
    overdue_told date,
    -- Why the last attempt failed.
    class text,
    raw_code text,
    attempts integer NOT NULL,
    -- Attempts one after the other that never left.
    not_sent integer NOT NULL,
    last_attempt_on date,
    -- Why there is one attempt out of turn; null: there is none.
    extra text,
    -- What happens next by itself, and when; null: nothing does.
    next_at timestamptz,
    next_action text,
    -- In words, for people.
    why text NOT NULL,
    held_by text,
    -- First day on which it is no longer held; null: until it is released.
    held_until date,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, invoice_id),
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT collections_state CHECK (
        state IN ('waiting', 'under_way', 'unknown', 'held', 'person', 'closed')),
    CONSTRAINT collections_next CHECK ((next_at IS NULL) = (next_action IS NULL)),
    CONSTRAINT collections_extra CHECK (extra IN ('new_details', 'by_hand')),
    CONSTRAINT collections_waits CHECK (state <> 'waiting' OR next_at IS NOT NULL),
    CONSTRAINT collections_at_rest CHECK (
        state NOT IN ('person', 'closed', 'under_way', 'unknown') OR next_at IS NULL),
    CONSTRAINT collections_held CHECK (state <> 'held' OR held_by IS NOT NULL),
    CONSTRAINT collections_counts CHECK (attempts >= 0 AND not_sent >= 0)
);
CREATE INDEX collections_due ON collections (org_id, next_at, customer_id)
    WHERE next_at IS NOT NULL;
CREATE INDEX collections_customer ON collections (org_id, customer_id) WHERE state <> 'closed';
CALL isolate('collections', 'SELECT, INSERT, UPDATE');

-- Steps of the policy that were done, counted from a day zero.
CREATE TABLE collection_steps (
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    day_zero date NOT NULL,
    day integer NOT NULL,
    action text NOT NULL,
    done_on date NOT NULL,
    PRIMARY KEY (org_id, invoice_id, day_zero, day, action),
    FOREIGN KEY (org_id, invoice_id) REFERENCES collections,
    CONSTRAINT collection_steps_day CHECK (day >= 0)
);
CALL isolate('collection_steps', 'SELECT, INSERT');
CALL freeze('collection_steps');

-- Attempts to collect. A row is committed before the gateway is called; its id is the key under
-- which the gateway knows it.
CREATE TABLE payment_attempts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number integer NOT NULL,
    method_id uuid NOT NULL,
    scheme text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    -- Accepted and not at its end: on the account of collections in transit.
    in_transit boolean NOT NULL,
    reference text,
    raw_code text,
    class text,
    -- Version of the table that gave the class.
    reasons_version integer,
    submitted_at timestamptz NOT NULL,
    answered_at timestamptz,
    -- When the gateway is asked next.
    ask_at timestamptz,
    asked integer NOT NULL,
    -- When its withdrawal was decided; the gateway is asked for it until it answers.
    withdrawn_at timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, invoice_id) REFERENCES collections,
    FOREIGN KEY (org_id, method_id) REFERENCES payment_methods,
    CONSTRAINT payment_attempts_number UNIQUE (org_id, invoice_id, number),
    CONSTRAINT payment_attempts_amount CHECK (amount_minor > 0),
    CONSTRAINT payment_attempts_state CHECK (state IN ('submitting', 'accepted', 'unknown',
        'settled', 'declined', 'not_sent', 'cancelled', 'bounced')),
    CONSTRAINT payment_attempts_transit CHECK (in_transit = (state = 'accepted')),
    CONSTRAINT payment_attempts_class CHECK (
        (class IS NULL) = (raw_code IS NULL) AND (class IS NULL) = (reasons_version IS NULL))
);
-- At most one attempt of an invoice may still bring money by itself.
CREATE UNIQUE INDEX payment_attempts_open ON payment_attempts (org_id, invoice_id)
    WHERE state IN ('submitting', 'accepted', 'unknown');
CREATE INDEX payment_attempts_ask ON payment_attempts (org_id, ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX payment_attempts_customer ON payment_attempts (org_id, customer_id, id);
CALL isolate('payment_attempts', 'SELECT, INSERT, UPDATE');
CALL keep('payment_attempts');

ALTER TABLE payments
    ADD CONSTRAINT payments_of_attempt FOREIGN KEY (org_id, attempt_id) REFERENCES payment_attempts;

-- Where a customer stands with what it owes: always what the rules make of its open invoices and
-- today, kept so that others can ask for it at the price of one look.
CREATE TABLE arrears (
    org_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The oldest invoice that failed and is still open.
    invoice_id uuid NOT NULL,
    day_zero date NOT NULL,
    degree text NOT NULL,
    delivery text NOT NULL,
    -- First day without grace.
    grace_until date,
    -- The next day on which it changes by itself.
    changes_on date,
    PRIMARY KEY (org_id, customer_id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT arrears_delivery CHECK (delivery IN ('deliver_in_grace', 'restricted', 'stop')),
    CONSTRAINT arrears_grace CHECK ((delivery = 'deliver_in_grace') = (grace_until IS NOT NULL))
);
CREATE INDEX arrears_changes ON arrears (org_id, changes_on) WHERE changes_on IS NOT NULL;
CALL isolate('arrears', 'SELECT, INSERT, UPDATE, DELETE');

-- The reference that a customer was told stays the same from reminder to reminder.
CREATE INDEX one_off_payment_invoices_invoice ON one_off_payment_invoices (org_id, invoice_id);
