ALTER TABLE organizations
    -- The day of a month on which the month before is credited to investors.
    ADD COLUMN payout_day integer NOT NULL DEFAULT 1,
    -- What is less is carried to the next month, in minor units of the default currency.
    ADD COLUMN minimum_payout_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT organizations_payout CHECK (
        payout_day BETWEEN 1 AND 28 AND minimum_payout_minor >= 0);
ALTER TABLE organizations
    ALTER COLUMN payout_day DROP DEFAULT,
    ALTER COLUMN minimum_payout_minor DROP DEFAULT;

-- Which month is credited next; held while one is credited, so that months follow each other. No
-- row: nobody has invested yet.
CREATE TABLE share_progress (
    org_id uuid PRIMARY KEY REFERENCES organizations,
    -- Its first day.
    next_month date NOT NULL,
    CONSTRAINT share_progress_month CHECK (extract(day FROM next_month) = 1)
);
CALL isolate('share_progress', 'SELECT, INSERT, UPDATE');

-- What a feature brought in a month that was credited, counted in one of the ways.
CREATE TABLE feature_months (
    org_id uuid NOT NULL,
    feature_id uuid NOT NULL,
    basis text NOT NULL,
    -- Its first day.
    month date NOT NULL,
    currency text NOT NULL,
    -- What counted at its end, of all times, and how much more that was than a month before.
    counted_minor bigint NOT NULL,
    revenue_minor bigint NOT NULL,
    -- The shares of everybody who had funded it, together, and their part of the revenue.
    share_percent numeric NOT NULL,
    accrual_minor bigint NOT NULL,
    PRIMARY KEY (org_id, feature_id, basis, month),
    FOREIGN KEY (org_id, feature_id) REFERENCES features,
    CONSTRAINT feature_months_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT feature_months_share CHECK (share_percent > 0 AND share_percent <= 100
        AND abs(accrual_minor) <= abs(revenue_minor))
);
CALL isolate('feature_months', 'SELECT, INSERT');
CALL freeze('feature_months');

-- What an investment got of a month.
CREATE TABLE investment_months (
    org_id uuid NOT NULL,
    investment_id uuid NOT NULL,
    -- Its first day.
    month date NOT NULL,
    revenue_minor bigint NOT NULL,
    -- Its part of the revenue; of all months to date.
    accrual_minor bigint NOT NULL,
    accrued_minor bigint NOT NULL,
    -- What was credited, the principal in it, and all that was credited to date.
    credited_minor bigint NOT NULL,
    principal_minor bigint NOT NULL,
    credited_total_minor bigint NOT NULL,
    -- What is carried: less than the minimum, or, negative, more credited than accrued.
    carried_minor bigint NOT NULL,
    PRIMARY KEY (org_id, investment_id, month),
    FOREIGN KEY (org_id, investment_id) REFERENCES investments,
    CONSTRAINT investment_months_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT investment_months_credited CHECK (credited_minor >= 0
        AND principal_minor BETWEEN 0 AND credited_minor
        AND credited_total_minor >= credited_minor
        AND abs(accrual_minor) <= abs(revenue_minor)),
    CONSTRAINT investment_months_carried CHECK (credited_minor = 0 OR carried_minor = 0)
);
CALL isolate('investment_months', 'SELECT, INSERT');
CALL freeze('investment_months');

-- Documents of what investors were credited: one per investor, month, VAT treatment and currency.
CREATE TABLE self_bills (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    investor_id uuid NOT NULL,
    kind text NOT NULL,
    vat_treatment text NOT NULL,
    currency text NOT NULL,
    -- The first day of the month that it credits; of a credit note, of the month in which it is.
    month date NOT NULL,
    issue_on date NOT NULL,
    -- In the investor's own series; null: it is no invoice.
    year integer,
    sequence bigint,
    number text,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    -- The parties as they were: the investor supplies, the vendor buys.
    supplier jsonb NOT NULL,
    buyer jsonb NOT NULL,
    -- What it takes back: a document that was rejected.
    corrects_id uuid,
    reason text,
    -- Whether the investor agrees, or the day from which silence does.
    acceptance text NOT NULL,
    accepts_on date,
    -- The investor's own invoice for what was credited without one.
    own_number text,
    own_issue_on date,
    own_tax_minor bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, investor_id) REFERENCES customers,
    FOREIGN KEY (org_id, corrects_id) REFERENCES self_bills,
    CONSTRAINT self_bills_number UNIQUE (org_id, investor_id, year, sequence),
    CONSTRAINT self_bills_paper UNIQUE (org_id, investor_id, number),
    CONSTRAINT self_bills_corrects UNIQUE (org_id, corrects_id, kind),
    CONSTRAINT self_bills_kind CHECK (kind IN ('invoice', 'credit_note', 'statement', 'advice')),
    CONSTRAINT self_bills_treatment CHECK (
        vat_treatment IN ('with_vat', 'small_business', 'reverse_charge', 'outside_scope')
        AND (vat_treatment = 'outside_scope') = (kind = 'statement')),
    CONSTRAINT self_bills_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT self_bills_numbered CHECK (
        (kind IN ('invoice', 'credit_note')) = (number IS NOT NULL)
        AND (number IS NULL) = (sequence IS NULL) AND (number IS NULL) = (year IS NULL)),
    CONSTRAINT self_bills_total CHECK (total_minor = net_minor + tax_minor
        AND CASE kind WHEN 'credit_note' THEN net_minor < 0 AND tax_minor <= 0
                      WHEN 'invoice' THEN net_minor > 0 AND tax_minor >= 0
                      WHEN 'advice' THEN net_minor > 0 AND tax_minor = 0
                      ELSE net_minor <> 0 AND tax_minor = 0 END),
    CONSTRAINT self_bills_acceptance CHECK (
        acceptance IN ('not_asked', 'waiting', 'accepted', 'rejected')
        AND (acceptance = 'not_asked' OR kind = 'invoice')),
    CONSTRAINT self_bills_reason CHECK (
        reason IS NOT NULL OR (kind <> 'credit_note' AND corrects_id IS NULL)),
    CONSTRAINT self_bills_own CHECK (
        (own_number IS NULL) = (own_issue_on IS NULL) AND (own_number IS NULL) = (own_tax_minor IS NULL)
        AND (own_number IS NULL OR kind = 'advice') AND own_tax_minor >= 0)
);
-- A month is credited once.
CREATE UNIQUE INDEX self_bills_once ON self_bills (org_id, investor_id, month, vat_treatment, currency)
    WHERE corrects_id IS NULL AND net_minor > 0;
CREATE INDEX self_bills_investor ON self_bills (org_id, investor_id, id);
CREATE INDEX self_bills_waiting ON self_bills (org_id, accepts_on) WHERE acceptance = 'waiting';
CALL isolate('self_bills', 'SELECT, INSERT, UPDATE');

CREATE FUNCTION refuse_change_of_self_bill() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['acceptance', 'accepts_on'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'documents are never deleted: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    -- What was rejected stays so, and an own invoice is recorded once.
    IF OLD.acceptance IN ('rejected', 'not_asked') THEN
        free := '{}';
    END IF;
    IF OLD.own_number IS NULL THEN
        free := free || ARRAY['own_number', 'own_issue_on', 'own_tax_minor'];
    END IF;
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'a self-billing document never changes: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER self_bills_immutable BEFORE UPDATE OR DELETE ON self_bills
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_self_bill();
CALL keep('self_bills');

-- One line per investment. All lines of an investment add up to what was credited to it.
CREATE TABLE self_bill_lines (
    org_id uuid NOT NULL,
    self_bill_id uuid NOT NULL,
    position integer NOT NULL,
    investment_id uuid NOT NULL,
    description text NOT NULL,
    -- What it is a share of; null on credit notes that take back without a month.
    revenue_minor bigint,
    share_percent numeric NOT NULL,
    net_minor bigint NOT NULL,
    -- The principal in it; the rest is return.
    principal_minor bigint NOT NULL,
    vat_class text NOT NULL,
    vat_percent numeric NOT NULL,
    PRIMARY KEY (org_id, self_bill_id, position),
    FOREIGN KEY (org_id, self_bill_id) REFERENCES self_bills,
    FOREIGN KEY (org_id, investment_id) REFERENCES investments,
    CONSTRAINT self_bill_lines_net CHECK (net_minor <> 0
        AND principal_minor BETWEEN least(net_minor, 0) AND greatest(net_minor, 0))
);
CREATE INDEX self_bill_lines_investment ON self_bill_lines (org_id, investment_id);
CALL isolate('self_bill_lines', 'SELECT, INSERT');
CALL freeze('self_bill_lines');

-- Where investors' money goes. The account number is sealed: only a process with the key reads it,
-- and only from its own row.
CREATE TABLE payout_accounts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    investor_id uuid NOT NULL,
    holder text NOT NULL,
    -- Country and last four characters.
    masked_account text NOT NULL,
    sealed bytea NOT NULL,
    fingerprint bytea NOT NULL,
    key_id text NOT NULL,
    set_on date NOT NULL,
    -- By which key of the interface: another one approves what is paid to it soon after.
    set_by text NOT NULL,
    -- Whether it took the place of another account.
    is_change boolean NOT NULL,
    ended_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, investor_id) REFERENCES customers,
    CONSTRAINT payout_accounts_fingerprint CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT payout_accounts_days CHECK (ended_on >= set_on)
);
CREATE UNIQUE INDEX payout_accounts_active ON payout_accounts (org_id, investor_id)
    WHERE ended_on IS NULL;
CALL isolate('payout_accounts', 'SELECT, INSERT, UPDATE');
CALL keep('payout_accounts');

-- What is handed to the bank together.
CREATE TABLE payout_batches (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    currency text NOT NULL,
    count integer NOT NULL,
    total_minor bigint NOT NULL,
    sent_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT payout_batches_total CHECK (count > 0 AND total_minor > 0)
);
CALL isolate('payout_batches', 'SELECT, INSERT');
CALL freeze('payout_batches');

-- What investors are paid: one per document.
CREATE TABLE payouts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    investor_id uuid NOT NULL,
    self_bill_id uuid NOT NULL,
    currency text NOT NULL,
    -- Including VAT; of an advice without, until the investor's own invoice is recorded.
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    -- Why it waits, or why it went back, in words.
    why text,
    -- Who approved it, where a second person has to.
    approved_by text,
    -- How often it was sent.
    times integer NOT NULL,
    batch_id uuid,
    account_id uuid,
    sent_on date,
    settled_on date,
    bounced_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, investor_id) REFERENCES customers,
    FOREIGN KEY (org_id, self_bill_id) REFERENCES self_bills,
    FOREIGN KEY (org_id, batch_id) REFERENCES payout_batches,
    FOREIGN KEY (org_id, account_id) REFERENCES payout_accounts,
    CONSTRAINT payouts_document UNIQUE (org_id, self_bill_id),
    CONSTRAINT payouts_amount CHECK (amount_minor > 0),
    CONSTRAINT payouts_state CHECK (state IN ('waiting_invoice', 'waiting_acceptance', 'ready',
        'sent', 'settled', 'bounced', 'cancelled')),
    CONSTRAINT payouts_sent CHECK (times >= 0
        AND (state NOT IN ('sent', 'settled') OR (times > 0 AND sent_on IS NOT NULL
             AND batch_id IS NOT NULL AND account_id IS NOT NULL))
        AND (state = 'settled') = (settled_on IS NOT NULL)
        AND (state <> 'bounced' OR bounced_on IS NOT NULL))
);
CREATE INDEX payouts_investor ON payouts (org_id, investor_id, id);
CREATE INDEX payouts_open ON payouts (org_id, state) WHERE state NOT IN ('settled', 'cancelled');
CALL isolate('payouts', 'SELECT, INSERT, UPDATE');
CALL keep('payouts');

-- What investors are owed is compared with the ledger all the time.
CREATE INDEX postings_investors ON postings (org_id, account, currency)
    WHERE account IN ('1530', '1600', '1610', '1620', '4500');
