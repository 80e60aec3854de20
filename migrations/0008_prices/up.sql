ALTER TABLE prices
    -- What a whole period costs at least, in minor units of the price's currency.
    ADD COLUMN minimum_minor bigint,
    -- What counts the quantity; null where the quantity is agreed.
    ADD COLUMN meter_id uuid,
    ADD CONSTRAINT prices_model CHECK (model ->> 'kind' IN
        ('flat', 'per_unit', 'graduated', 'volume', 'package', 'percentage')),
    ADD CONSTRAINT prices_minimum CHECK (minimum_minor >= 0),
    -- A flat price counts nothing; a percentage is of an amount that is measured.
    ADD CONSTRAINT prices_meter CHECK (CASE model ->> 'kind'
        WHEN 'flat' THEN meter_id IS NULL
        WHEN 'percentage' THEN meter_id IS NOT NULL
        ELSE true END);

-- What is taken off before VAT, for whom it is applied to. Only the day of its end changes.
CREATE TABLE discounts (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    -- Either a percentage, or an amount in a currency.
    percent numeric,
    amount_minor bigint,
    currency text,
    duration text NOT NULL,
    periods integer,
    -- Components of plans that it is taken off; with those of discount_products. None: all.
    components text[] NOT NULL,
    -- When it may be applied: from the first day until before the other; null is without bound.
    valid_from date,
    valid_until date,
    retired_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT discounts_code UNIQUE (org_id, code),
    CONSTRAINT discounts_reduction CHECK ((percent IS NULL) <> (amount_minor IS NULL)),
    CONSTRAINT discounts_percent CHECK (percent > 0 AND percent <= 100),
    CONSTRAINT discounts_amount CHECK (amount_minor > 0),
    CONSTRAINT discounts_currency CHECK ((amount_minor IS NULL) = (currency IS NULL)),
    CONSTRAINT discounts_duration CHECK (duration IN ('once', 'periods', 'forever')),
    CONSTRAINT discounts_periods CHECK (
        (duration = 'periods') = (periods IS NOT NULL) AND coalesce(periods, 1) BETWEEN 1 AND 1200),
    CONSTRAINT discounts_valid CHECK (valid_from < valid_until)
);
CALL isolate('discounts', 'SELECT, INSERT, UPDATE');

-- Products that a discount is taken off.
CREATE TABLE discount_products (
    org_id uuid NOT NULL,
    discount_id uuid NOT NULL,
    product_id uuid NOT NULL,
    PRIMARY KEY (org_id, discount_id, product_id),
    FOREIGN KEY (org_id, discount_id) REFERENCES discounts,
    FOREIGN KEY (org_id, product_id) REFERENCES products
);
CALL isolate('discount_products', 'SELECT, INSERT');
CALL freeze('discount_products');

CREATE TABLE subscription_discounts (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    discount_id uuid NOT NULL,
    -- Periods that begin on or after this day, and before the other, have it.
    from_on date NOT NULL,
    ended_on date,
    -- In how many billed periods it was taken off.
    used integer NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    FOREIGN KEY (org_id, discount_id) REFERENCES discounts,
    CONSTRAINT subscription_discounts_used CHECK (used >= 0),
    CONSTRAINT subscription_discounts_ended CHECK (ended_on >= from_on)
);
-- Once at a time.
CREATE UNIQUE INDEX subscription_discounts_running
    ON subscription_discounts (org_id, subscription_id, discount_id) WHERE ended_on IS NULL;
CREATE INDEX subscription_discounts_subscription ON subscription_discounts (org_id, subscription_id);
CALL isolate('subscription_discounts', 'SELECT, INSERT, UPDATE');
