-- What customers wish to have built, and what became of it.
CREATE TABLE features (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    -- Who wished it; null: the vendor itself.
    requested_by uuid,
    state text NOT NULL,
    -- What it is worth to other customers, and what it takes to build; null until it is assessed.
    value integer,
    complexity integer,
    -- Other customers who want it too, and what all of it comes to: kept with feature_votes.
    votes integer NOT NULL,
    score integer,
    -- Why it was declined, or a remark of whoever assessed it.
    note text,
    -- Of its prices and investments; null until there is one of them.
    currency text,
    submitted_on date NOT NULL,
    assessed_on date,
    started_on date,
    released_on date,
    retired_on date,
    -- Since when it is the vendor's alone: all investments in it were recouped.
    owned_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, requested_by) REFERENCES customers,
    CONSTRAINT features_state CHECK (state IN (
        'submitted', 'declined', 'backlog', 'funded', 'in_development', 'released', 'retired')),
    CONSTRAINT features_score CHECK (value BETWEEN 1 AND 10 AND complexity BETWEEN 1 AND 10
        AND (value IS NULL) = (complexity IS NULL) AND (value IS NULL) = (score IS NULL)
        AND votes >= 0 AND score > 0
        AND (value IS NULL) = (state IN ('submitted', 'declined'))),
    CONSTRAINT features_assessed CHECK ((assessed_on IS NULL) = (state = 'submitted')
        AND (state <> 'declined' OR note IS NOT NULL)),
    CONSTRAINT features_days CHECK (
        (started_on IS NOT NULL OR state NOT IN ('in_development', 'released'))
        AND (released_on IS NOT NULL OR state <> 'released')
        AND (retired_on IS NOT NULL) = (state = 'retired'))
);
CALL isolate('features', 'SELECT, INSERT, UPDATE');
CALL keep('features');
CREATE INDEX features_score ON features (org_id, state, score DESC, id);

-- Which other customers want it too.
CREATE TABLE feature_votes (
    org_id uuid NOT NULL,
    feature_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    voted_on date NOT NULL,
    PRIMARY KEY (org_id, feature_id, customer_id),
    FOREIGN KEY (org_id, feature_id) REFERENCES features,
    FOREIGN KEY (org_id, customer_id) REFERENCES customers
);
CALL isolate('feature_votes', 'SELECT, INSERT');
CALL freeze('feature_votes');

-- What a price sells; null: nothing that customers invested in. The lines of an item belong to the
-- feature of its price.
ALTER TABLE prices
    ADD COLUMN feature_id uuid,
    ADD CONSTRAINT prices_sells FOREIGN KEY (org_id, feature_id) REFERENCES features;
CREATE INDEX prices_feature ON prices (org_id, feature_id) WHERE feature_id IS NOT NULL;
CREATE INDEX subscription_items_price ON subscription_items (org_id, price_id);

-- Products of investments are not sold: their lines are principals.
ALTER TABLE products
    DROP CONSTRAINT products_revenue,
    ADD CONSTRAINT products_revenue CHECK (
        revenue IN ('subscription', 'service', 'usage', 'investment'));
CREATE UNIQUE INDEX products_investment ON products (org_id) WHERE revenue = 'investment';

-- What customers paid to have a feature built first, and what they get for it.
CREATE TABLE investments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    feature_id uuid NOT NULL,
    investor_id uuid NOT NULL,
    currency text NOT NULL,
    principal_minor bigint NOT NULL,
    -- Percent of what others pay for the feature.
    share_percent numeric NOT NULL,
    -- Percent of the principal, beyond it.
    return_percent numeric NOT NULL,
    -- Principal and return: what is credited at most.
    cap_minor bigint NOT NULL,
    -- When what others pay counts.
    basis text NOT NULL,
    -- How its payments are taxed.
    vat_treatment text NOT NULL,
    state text NOT NULL,
    proposed_on date NOT NULL,
    accepted_on date,
    withdrawn_on date,
    -- That the feature may be sold to others.
    consent_on date,
    -- The principal's invoice.
    invoice_id uuid,
    funded_on date,
    -- The day of the credit that did it, the first time.
    recouped_on date,
    completed_on date,
    -- What all months to date have accrued, and what was credited of it: kept with
    -- investment_months and self_bill_lines.
    accrued_minor bigint NOT NULL,
    credited_minor bigint NOT NULL,
    -- Principal that will not be repaid: its feature was retired.
    forgone_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, feature_id) REFERENCES features,
    FOREIGN KEY (org_id, investor_id) REFERENCES customers,
    FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
    CONSTRAINT investments_terms CHECK (principal_minor > 0 AND cap_minor >= principal_minor
        AND share_percent > 0 AND share_percent <= 100 AND return_percent BETWEEN 0 AND 100),
    CONSTRAINT investments_basis CHECK (basis IN ('collected', 'invoiced', 'collected_and_aged')),
    CONSTRAINT investments_vat_treatment CHECK (
        vat_treatment IN ('with_vat', 'small_business', 'reverse_charge', 'outside_scope')),
    CONSTRAINT investments_state CHECK (state IN (
        'proposed', 'accepted', 'funded', 'recouping', 'recouped', 'completed', 'withdrawn')),
    CONSTRAINT investments_accepted CHECK (
        (accepted_on IS NULL) = (invoice_id IS NULL)
        AND (accepted_on IS NOT NULL OR state IN ('proposed', 'withdrawn'))
        AND (withdrawn_on IS NOT NULL) = (state = 'withdrawn')),
    CONSTRAINT investments_funded CHECK (
        (funded_on IS NOT NULL) = (state IN ('funded', 'recouping', 'recouped', 'completed'))
        AND (recouped_on IS NOT NULL OR state NOT IN ('recouped', 'completed'))
        AND (completed_on IS NOT NULL OR state <> 'completed')),
    CONSTRAINT investments_credited CHECK (credited_minor BETWEEN 0 AND cap_minor
        AND (credited_minor = 0 OR funded_on IS NOT NULL)),
    CONSTRAINT investments_forgone CHECK (forgone_minor BETWEEN 0 AND principal_minor)
);
CREATE INDEX investments_feature ON investments (org_id, feature_id, id);
CREATE INDEX investments_investor ON investments (org_id, investor_id, id);
CREATE UNIQUE INDEX investments_invoice ON investments (org_id, invoice_id)
    WHERE invoice_id IS NOT NULL;
CALL isolate('investments', 'SELECT, INSERT, UPDATE');
CALL keep('investments');

-- That the vendor issues an investor's invoices (Directive 2006/112/EC art. 224).
CREATE TABLE self_billing_agreements (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    investor_id uuid NOT NULL,
    signed_on date NOT NULL,
    -- The day after the last; null: until another one is signed.
    valid_until date,
    acceptance text NOT NULL,
    -- After how many days without a word a document is accepted.
    silent_days integer,
    -- Before the numbers of the investor's documents.
    number_prefix text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, investor_id) REFERENCES customers,
    CONSTRAINT self_billing_agreements_once UNIQUE (org_id, investor_id, signed_on),
    CONSTRAINT self_billing_agreements_days CHECK (signed_on < valid_until),
    CONSTRAINT self_billing_agreements_acceptance CHECK (acceptance IN ('explicit', 'silent')
        AND (acceptance = 'silent') = (silent_days IS NOT NULL) AND silent_days BETWEEN 1 AND 90)
);
CALL isolate('self_billing_agreements', 'SELECT, INSERT');
CALL freeze('self_billing_agreements');

-- Events about investments and payouts.
ALTER TABLE events
    ADD COLUMN investment_id uuid,
    ADD COLUMN self_bill_id uuid,
    DROP CONSTRAINT events_subject,
    ADD CONSTRAINT events_subject CHECK (
        num_nonnulls(subscription_id, invoice_id, investment_id, self_bill_id) = 1);
