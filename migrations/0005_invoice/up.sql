-- Documents. A row is written when the document is finalized, and only its settlement changes
-- afterwards.
CREATE TABLE invoices (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    billing_on date NOT NULL,
    issue_on date NOT NULL,
    due_on date NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    -- What is still to be paid.
    open_minor bigint NOT NULL,
    -- The parties as they were on the day of issue.
    seller jsonb NOT NULL,
    buyer jsonb NOT NULL,
    finalized_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT invoices_kind CHECK (kind IN ('invoice', 'credit_note')),
    CONSTRAINT invoices_state CHECK (state IN ('open', 'settled')),
    CONSTRAINT invoices_total CHECK (total_minor = net_minor + tax_minor),
    CONSTRAINT invoices_open CHECK (open_minor BETWEEN 0 AND greatest(total_minor, 0)),
    CONSTRAINT invoices_settled CHECK ((state = 'settled') = (open_minor = 0)),
    CONSTRAINT invoices_due CHECK (due_on >= issue_on)
);
CREATE INDEX invoices_customer ON invoices (org_id, customer_id, id);
CALL isolate('invoices', 'SELECT, INSERT, UPDATE');

CREATE FUNCTION refuse_change_of_document() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'documents are never deleted: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(OLD) - 'state' - 'open_minor') <> (to_jsonb(NEW) - 'state' - 'open_minor') THEN
        RAISE EXCEPTION 'a finalized document never changes: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_immutable BEFORE UPDATE OR DELETE ON invoices
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_document();
CALL keep('invoices');

CREATE TABLE invoice_lines (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    position integer NOT NULL,
    subscription_id uuid NOT NULL,
    item_id uuid NOT NULL,
    product_id uuid NOT NULL,
    description text NOT NULL,
    unit_label text,
    revenue text NOT NULL,
    service_from date NOT NULL,
    -- The day after the last.
    service_until date NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric NOT NULL,
    net_minor bigint NOT NULL,
    vat_class text NOT NULL,
    vat_percent numeric NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    -- A part of an item's service is charged once, whatever happens.
    CONSTRAINT invoice_lines_once UNIQUE (org_id, item_id, service_from),
    CONSTRAINT invoice_lines_service CHECK (service_from < service_until)
);
CREATE INDEX invoice_lines_invoice ON invoice_lines (org_id, invoice_id);
CALL isolate('invoice_lines', 'SELECT, INSERT');
CALL freeze('invoice_lines');

CREATE TABLE invoice_vat (
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    vat_class text NOT NULL,
    vat_percent numeric NOT NULL,
    base_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    PRIMARY KEY (org_id, invoice_id, vat_class, vat_percent),
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices
);
CALL isolate('invoice_vat', 'SELECT, INSERT');
CALL freeze('invoice_vat');

-- The next number of each series and year. The row is held to commit, so numbers are taken with
-- the last statements of a transaction.
CREATE TABLE number_series (
    org_id uuid NOT NULL REFERENCES organizations,
    series text NOT NULL,
    year integer NOT NULL,
    next_sequence bigint NOT NULL,
    last_issue_on date NOT NULL,
    PRIMARY KEY (org_id, series, year),
    CONSTRAINT number_series_next CHECK (next_sequence >= 1)
);
CALL isolate('number_series', 'SELECT, INSERT, UPDATE');

CREATE TABLE document_numbers (
    org_id uuid NOT NULL,
    series text NOT NULL,
    year integer NOT NULL,
    sequence bigint NOT NULL,
    number text NOT NULL,
    document_id uuid NOT NULL,
    PRIMARY KEY (org_id, series, year, sequence),
    FOREIGN KEY (org_id, document_id) REFERENCES invoices,
    CONSTRAINT document_numbers_document UNIQUE (org_id, document_id),
    CONSTRAINT document_numbers_number UNIQUE (org_id, number, series)
);
CALL isolate('document_numbers', 'SELECT, INSERT');
CALL freeze('document_numbers');

-- Lines whose service is earned month by month.
CREATE TABLE deferrals (
    org_id uuid NOT NULL,
    line_id uuid NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    net_minor bigint NOT NULL,
    service_from date NOT NULL,
    service_until date NOT NULL,
    earned_until date NOT NULL,
    earned_minor bigint NOT NULL,
    -- When the next month can be posted; null when all is earned.
    next_on date,
    PRIMARY KEY (org_id, line_id),
    FOREIGN KEY (org_id, line_id) REFERENCES invoice_lines,
    CONSTRAINT deferrals_earned CHECK (
        earned_until BETWEEN service_from AND service_until
        AND abs(earned_minor) <= abs(net_minor)
        AND (next_on IS NULL) = (earned_until = service_until))
);
CREATE INDEX deferrals_due ON deferrals (org_id, next_on) WHERE next_on IS NOT NULL;
CALL isolate('deferrals', 'SELECT, INSERT, UPDATE');
