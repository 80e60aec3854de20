-- What usage is measured by. How events become a quantity never changes: periods were billed by it.
CREATE TABLE meters (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    aggregation text NOT NULL,
    unit_label text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT meters_code UNIQUE (org_id, code),
    CONSTRAINT meters_aggregation CHECK (aggregation IN ('sum', 'max', 'last', 'distinct'))
);
CALL isolate('meters', 'SELECT, INSERT');
CALL freeze('meters');

-- What was measured. An id counts once per meter, whoever sends it however often.
CREATE TABLE usage_events (
    org_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    -- Given by the sender.
    event_id text NOT NULL,
    customer_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- Its local date: periods are counted in days of the organization.
    on_date date NOT NULL,
    quantity numeric NOT NULL,
    -- What a distinct count counts.
    value text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, meter_id, event_id),
    FOREIGN KEY (org_id, meter_id) REFERENCES meters,
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT usage_events_texts CHECK (
        octet_length(event_id) BETWEEN 1 AND 128 AND octet_length(value) BETWEEN 1 AND 128)
);
CREATE INDEX usage_events_total ON usage_events (org_id, customer_id, meter_id, on_date);
CALL isolate('usage_events', 'SELECT, INSERT');
CALL freeze('usage_events');

-- What has been billed for a period of a metered item, also where that was nothing: what arrives
-- for it later marks it stale, and the next invoice bills the difference.
CREATE TABLE usage_periods (
    org_id uuid NOT NULL,
    item_id uuid NOT NULL,
    service_from date NOT NULL,
    -- The day after the last.
    service_until date NOT NULL,
    customer_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    -- The price it was billed at, and its minimum: differences are computed with them.
    price_id uuid NOT NULL,
    currency text NOT NULL,
    minimum_minor bigint NOT NULL,
    quantity numeric NOT NULL,
    billed_minor bigint NOT NULL,
    -- How often it was billed or looked at: 1, and one more with every difference.
    times integer NOT NULL,
    stale boolean NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, item_id, service_from),
    FOREIGN KEY (org_id, item_id) REFERENCES subscription_items,
    FOREIGN KEY (org_id, meter_id) REFERENCES meters,
    FOREIGN KEY (org_id, price_id) REFERENCES prices,
    CONSTRAINT usage_periods_service CHECK (service_from < service_until),
    CONSTRAINT usage_periods_billed CHECK (
        quantity >= 0 AND minimum_minor >= 0 AND billed_minor >= 0 AND times >= 1)
);
CREATE INDEX usage_periods_customer ON usage_periods (org_id, customer_id, meter_id, service_until);
CREATE INDEX usage_periods_stale ON usage_periods (org_id, customer_id) WHERE stale;
CALL isolate('usage_periods', 'SELECT, INSERT, UPDATE');
