-- One-off charges: they wait until the run of their billing date takes them onto an invoice, or
-- come with an invoice of their own.
CREATE TABLE charges (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    product_id uuid NOT NULL,
    description text NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric NOT NULL,
    net_minor bigint NOT NULL,
    service_from date NOT NULL,
    -- The day after the last.
    service_until date NOT NULL,
    bill_on date NOT NULL,
    state text NOT NULL,
    -- The invoice on which it stands; null also when it is billed and no document is made of nothing.
    invoice_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, product_id) REFERENCES products,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT charges_amount CHECK (quantity > 0 AND unit_price >= 0 AND net_minor >= 0),
    CONSTRAINT charges_service CHECK (service_from < service_until),
    CONSTRAINT charges_state CHECK (state IN ('waiting', 'billed', 'removed')),
    CONSTRAINT charges_invoice CHECK (
        CASE state WHEN 'billed' THEN invoice_id IS NOT NULL OR net_minor = 0
                   ELSE invoice_id IS NULL END)
);
CREATE INDEX charges_customer ON charges (org_id, customer_id, id);
CREATE INDEX charges_waiting ON charges (org_id, customer_id, currency, bill_on)
    WHERE state = 'waiting';
CALL isolate('charges', 'SELECT, INSERT, UPDATE');

-- A line bills a charge that there is. Older rows have none.
ALTER TABLE invoice_lines
    ADD CONSTRAINT invoice_lines_of_charge FOREIGN KEY (org_id, charge_id) REFERENCES charges;
-- What was taken back of a line.
CREATE INDEX invoice_lines_corrections ON invoice_lines (org_id, corrects_line_id)
    WHERE corrects_line_id IS NOT NULL;

ALTER TABLE invoices
    -- Why it was credited by hand.
    ADD COLUMN reason text;
