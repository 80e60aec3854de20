CREATE TABLE subscriptions (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    version_id uuid NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    start_on date NOT NULL,
    trial_ends_on date,
    alignment text NOT NULL,
    anchor_on date NOT NULL,
    interval_count integer NOT NULL,
    interval_unit text NOT NULL,
    timing text NOT NULL,
    -- Every day before this one has been charged or was free.
    billed_until date NOT NULL,
    ends_on date,
    cancel_reason text,
    cancel_note text,
    -- When something is to be billed next; null when nothing is.
    next_billing_on date,
    -- When the state changes by itself; null when it does not.
    next_turn_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    FOREIGN KEY (org_id, version_id) REFERENCES plan_versions,
    CONSTRAINT subscriptions_state CHECK (state IN ('pending', 'trialing', 'active', 'cancelled')),
    CONSTRAINT subscriptions_alignment CHECK (alignment IN ('own_day', 'calendar')),
    CONSTRAINT subscriptions_timing CHECK (timing IN ('in_advance', 'in_arrears')),
    CONSTRAINT subscriptions_cancel CHECK ((ends_on IS NULL) = (cancel_reason IS NULL))
);
CREATE INDEX subscriptions_customer ON subscriptions (org_id, customer_id, next_billing_on);
CREATE INDEX subscriptions_turn ON subscriptions (org_id, next_turn_on) WHERE next_turn_on IS NOT NULL;
CALL isolate('subscriptions', 'SELECT, INSERT, UPDATE');

CREATE TABLE subscription_items (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    position integer NOT NULL,
    price_id uuid NOT NULL,
    component text NOT NULL,
    quantity numeric NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    FOREIGN KEY (org_id, price_id) REFERENCES prices,
    CONSTRAINT subscription_items_component UNIQUE (org_id, subscription_id, component),
    CONSTRAINT subscription_items_quantity CHECK (quantity >= 0)
);
CALL isolate('subscription_items', 'SELECT, INSERT');

-- One per customer and currency: what the billing run claims. Holds the earliest date on which
-- something of the customer is to be billed, and whether the customer has been set aside.
CREATE TABLE billing_accounts (
    org_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    due_on date,
    set_aside boolean NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, customer_id, currency),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers
);
CREATE INDEX billing_accounts_due ON billing_accounts (org_id, due_on, customer_id)
    WHERE due_on IS NOT NULL AND NOT set_aside;
CALL isolate('billing_accounts', 'SELECT, INSERT, UPDATE');
