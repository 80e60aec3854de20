ALTER TABLE plan_versions
    ADD COLUMN max_pause_months integer NOT NULL DEFAULT 3,
    ADD CONSTRAINT plan_versions_max_pause CHECK (max_pause_months BETWEEN 0 AND 24),
    ADD CONSTRAINT plan_versions_cancel_policy CHECK (
        cancel_policy IN ('period_end', 'now_with_credit', 'now_without_credit')),
    DROP CONSTRAINT plan_versions_interval,
    -- Ten years of weeks.
    ADD CONSTRAINT plan_versions_interval CHECK (
        interval_count BETWEEN 1 AND 520 AND interval_unit IN ('day', 'week', 'month', 'year'));
ALTER TABLE plan_versions ALTER COLUMN max_pause_months DROP DEFAULT;

-- An item is a component on fixed terms: a change ends it and begins its successor. It knows its
-- own periods, its days, and which of them were charged.
ALTER TABLE subscription_items
    ADD COLUMN metered boolean NOT NULL DEFAULT false,
    ADD COLUMN anchor_on date,
    ADD COLUMN interval_count integer,
    ADD COLUMN interval_unit text,
    ADD COLUMN timing text,
    ADD COLUMN from_on date,
    ADD COLUMN until_on date,
    -- First day of the last charge.
    ADD COLUMN charged_from date,
    -- Every delivered day before this one has been charged or was free.
    ADD COLUMN billed_until date,
    DROP CONSTRAINT subscription_items_component;
UPDATE subscription_items i
    SET anchor_on = s.anchor_on, interval_count = s.interval_count, interval_unit = s.interval_unit,
        timing = s.timing, from_on = s.start_on, billed_until = s.billed_until,
        charged_from = coalesce(
            (SELECT max(l.service_from) FROM invoice_lines l
             WHERE l.org_id = i.org_id AND l.item_id = i.id),
            s.billed_until)
    FROM subscriptions s WHERE s.org_id = i.org_id AND s.id = i.subscription_id;
ALTER TABLE subscription_items
    ALTER COLUMN metered DROP DEFAULT,
    ALTER COLUMN anchor_on SET NOT NULL,
    ALTER COLUMN interval_count SET NOT NULL,
    ALTER COLUMN interval_unit SET NOT NULL,
    ALTER COLUMN timing SET NOT NULL,
    ALTER COLUMN from_on SET NOT NULL,
    ALTER COLUMN charged_from SET NOT NULL,
    ALTER COLUMN billed_until SET NOT NULL,
    ADD CONSTRAINT subscription_items_interval CHECK (
        interval_count BETWEEN 1 AND 520 AND interval_unit IN ('day', 'week', 'month', 'year')),
    ADD CONSTRAINT subscription_items_timing CHECK (timing IN ('in_advance', 'in_arrears')),
    ADD CONSTRAINT subscription_items_days CHECK (from_on <= until_on);
CREATE INDEX subscription_items_subscription ON subscription_items (org_id, subscription_id, position);
GRANT UPDATE ON subscription_items TO recoup_service;

ALTER TABLE subscriptions
    -- What happens by itself has happened up to this day.
    ADD COLUMN turned_on date,
    -- The latest billing date that was billed.
    ADD COLUMN billed_on date,
    ADD COLUMN changes integer NOT NULL DEFAULT 0,
    -- Whether days charged beyond the end are credited; else they are forfeited.
    ADD COLUMN cancel_credit boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT subscriptions_state,
    ADD CONSTRAINT subscriptions_state CHECK (
        state IN ('pending', 'trialing', 'active', 'paused', 'cancelled')),
    ADD CONSTRAINT subscriptions_changes CHECK (changes >= 0);
UPDATE subscriptions s
    SET turned_on = CASE s.state
            WHEN 'pending' THEN s.created_at::date
            WHEN 'trialing' THEN greatest(s.created_at::date, s.start_on)
            WHEN 'active' THEN greatest(s.created_at::date, coalesce(s.trial_ends_on, s.start_on))
            ELSE coalesce(s.ends_on, s.start_on) END,
        billed_on = (SELECT max(i.billing_on) FROM invoice_lines l
                     JOIN invoices i ON i.org_id = l.org_id AND i.id = l.invoice_id
                     WHERE l.org_id = s.org_id AND l.subscription_id = s.id);
ALTER TABLE subscriptions
    ALTER COLUMN turned_on SET NOT NULL,
    ALTER COLUMN changes DROP DEFAULT,
    ALTER COLUMN cancel_credit DROP DEFAULT,
    DROP COLUMN billed_until;

-- Days that are not delivered and not charged.
CREATE TABLE subscription_pauses (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    from_on date NOT NULL,
    -- First day that is delivered again.
    until_on date NOT NULL,
    note text,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT subscription_pauses_days CHECK (from_on < until_on)
);
CREATE INDEX subscription_pauses_subscription ON subscription_pauses (org_id, subscription_id, from_on);
CALL isolate('subscription_pauses', 'SELECT, INSERT, UPDATE, DELETE');

-- Changes of plan and quantity to come.
CREATE TABLE subscription_intents (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    -- Of two on one day, the later position holds.
    position integer NOT NULL,
    effective_on date NOT NULL,
    terms jsonb NOT NULL,
    migration_id uuid,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions
);
CREATE INDEX subscription_intents_subscription ON subscription_intents (org_id, subscription_id, position);
CALL isolate('subscription_intents', 'SELECT, INSERT, UPDATE, DELETE');

-- Lines of any origin. Amounts of credits are negative.
ALTER TABLE invoice_lines
    ALTER COLUMN subscription_id DROP NOT NULL,
    ALTER COLUMN item_id DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'recurring',
    -- The number of the change of the subscription that caused it.
    ADD COLUMN change_number integer NOT NULL DEFAULT 0,
    ADD COLUMN charge_id uuid,
    ADD COLUMN corrects_line_id uuid,
    -- Taken off already; negative on a credit.
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT invoice_lines_once,
    -- A part of an item's service is charged once, whatever happens; after a change, once more.
    ADD CONSTRAINT invoice_lines_once UNIQUE (org_id, item_id, service_from, kind, change_number),
    ADD CONSTRAINT invoice_lines_charge UNIQUE (org_id, charge_id),
    ADD CONSTRAINT invoice_lines_corrects
        FOREIGN KEY (org_id, corrects_line_id) REFERENCES invoice_lines (org_id, id),
    ADD CONSTRAINT invoice_lines_kind CHECK (kind IN ('recurring', 'recurring_credit', 'minimum',
        'minimum_credit', 'usage', 'usage_correction', 'one_off', 'correction')),
    ADD CONSTRAINT invoice_lines_origin CHECK (
        (item_id IS NULL) = (subscription_id IS NULL)
        AND (kind = 'one_off') = (charge_id IS NOT NULL)
        AND (kind IN ('one_off', 'correction')) = (item_id IS NULL)),
    ADD CONSTRAINT invoice_lines_credit CHECK (
        (kind IN ('recurring_credit', 'minimum_credit', 'correction')) = (corrects_line_id IS NOT NULL));
ALTER TABLE invoice_lines
    ALTER COLUMN kind DROP DEFAULT,
    ALTER COLUMN change_number DROP DEFAULT,
    ALTER COLUMN discount_minor DROP DEFAULT;

-- Settlement of documents with each other.
ALTER TABLE invoices
    -- What the document added to the customer's balance, or, negative, took from it.
    ADD COLUMN balance_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT invoices_balance CHECK (
        CASE kind WHEN 'invoice' THEN balance_minor BETWEEN -total_minor AND 0
                  ELSE balance_minor BETWEEN 0 AND -total_minor END);
ALTER TABLE invoices ALTER COLUMN balance_minor DROP DEFAULT;
ALTER TABLE billing_accounts
    -- What the vendor owes the customer, including VAT.
    ADD COLUMN balance_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT billing_accounts_balance CHECK (balance_minor >= 0);
ALTER TABLE billing_accounts ALTER COLUMN balance_minor DROP DEFAULT;

-- What a credit note paid off of an invoice.
CREATE TABLE credit_allocations (
    org_id uuid NOT NULL,
    credit_note_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (org_id, credit_note_id, invoice_id),
    FOREIGN KEY (org_id, credit_note_id) REFERENCES invoices,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT credit_allocations_amount CHECK (amount_minor > 0)
);
CREATE INDEX credit_allocations_invoice ON credit_allocations (org_id, invoice_id);
CALL isolate('credit_allocations', 'SELECT, INSERT');
CALL freeze('credit_allocations');
