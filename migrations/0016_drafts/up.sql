ALTER TABLE organizations
    -- How many days the run keeps what it makes as drafts; 0: finalized at once.
    ADD COLUMN draft_grace_days integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT organizations_draft_grace CHECK (draft_grace_days BETWEEN 0 AND 30);
ALTER TABLE organizations ALTER COLUMN draft_grace_days DROP DEFAULT;

-- Documents that the run has made and that are not finalized yet. What is on them counts as billed;
-- the books know nothing of them. A finalized one has a row in invoices with the same id.
CREATE TABLE drafts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    billing_on date NOT NULL,
    -- The day on which it was made: VAT and due date as they stand are of that day.
    made_on date NOT NULL,
    due_on date NOT NULL,
    -- The day on which it is finalized by itself.
    finalize_on date NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    -- Who discarded it, when and why.
    discarded_at timestamptz,
    discarded_by text,
    reason text,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT drafts_kind CHECK (kind IN ('invoice', 'credit_note')),
    CONSTRAINT drafts_state CHECK (state IN ('draft', 'finalized', 'discarded')),
    CONSTRAINT drafts_total CHECK (total_minor = net_minor + tax_minor),
    CONSTRAINT drafts_days CHECK (due_on >= made_on AND finalize_on >= made_on),
    CONSTRAINT drafts_discarded CHECK (
        (state = 'discarded') = (discarded_at IS NOT NULL)
        AND (state = 'discarded') = (discarded_by IS NOT NULL)
        AND (state = 'discarded') = (reason IS NOT NULL))
);
CREATE INDEX drafts_live ON drafts (org_id, customer_id, currency, finalize_on)
    WHERE state = 'draft';
CREATE INDEX drafts_customer ON drafts (org_id, customer_id, id);
CALL isolate('drafts', 'SELECT, INSERT, UPDATE');
CALL keep('drafts');

-- What is on them. None takes anything back: documents with credits are finalized at once.
CREATE TABLE draft_lines (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL,
    subscription_id uuid,
    item_id uuid,
    -- The number of the change of the subscription that caused it.
    change_number integer NOT NULL,
    charge_id uuid,
    product_id uuid NOT NULL,
    description text NOT NULL,
    unit_label text,
    revenue text NOT NULL,
    -- Decides the VAT on the day of issue; class and percent are as they stand.
    vat_category text NOT NULL,
    vat_class text NOT NULL,
    vat_percent numeric NOT NULL,
    service_from date NOT NULL,
    -- The day after the last.
    service_until date NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric NOT NULL,
    -- Taken off already.
    discount_minor bigint NOT NULL,
    net_minor bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, draft_id) REFERENCES drafts,
    FOREIGN KEY (org_id, charge_id) REFERENCES charges,
    -- A part of an item's service is charged once, whatever happens; after a change, once more.
    CONSTRAINT draft_lines_once UNIQUE (org_id, item_id, service_from, kind, change_number),
    CONSTRAINT draft_lines_charge UNIQUE (org_id, charge_id),
    CONSTRAINT draft_lines_kind CHECK (
        kind IN ('recurring', 'minimum', 'usage', 'usage_correction', 'one_off')),
    CONSTRAINT draft_lines_origin CHECK (
        (item_id IS NULL) = (subscription_id IS NULL)
        AND (kind = 'one_off') = (charge_id IS NOT NULL)
        AND (kind = 'one_off') = (item_id IS NULL)),
    CONSTRAINT draft_lines_service CHECK (service_from < service_until)
);
CREATE INDEX draft_lines_draft ON draft_lines (org_id, draft_id, position);
CALL isolate('draft_lines', 'SELECT, INSERT');
CALL freeze('draft_lines');

ALTER TABLE charges
    -- The draft on which it stands or was waived.
    ADD COLUMN draft_id uuid,
    ADD CONSTRAINT charges_draft FOREIGN KEY (org_id, draft_id) REFERENCES drafts,
    DROP CONSTRAINT charges_state,
    ADD CONSTRAINT charges_state CHECK (
        state IN ('waiting', 'drafted', 'billed', 'waived', 'removed')),
    DROP CONSTRAINT charges_invoice,
    ADD CONSTRAINT charges_invoice CHECK (
        CASE state WHEN 'billed' THEN invoice_id IS NOT NULL OR net_minor = 0
                   ELSE invoice_id IS NULL END
        AND CASE WHEN state IN ('drafted', 'waived') THEN draft_id IS NOT NULL
                 WHEN state = 'billed' THEN draft_id IS NULL OR draft_id = invoice_id
                 ELSE draft_id IS NULL END);
