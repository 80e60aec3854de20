CREATE TABLE products (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    vat_category text NOT NULL,
    revenue text NOT NULL,
    unit_label text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT products_vat_category CHECK (vat_category IN ('standard', 'intermediate', 'reduced', 'zero', 'exempt')),
    CONSTRAINT products_revenue CHECK (revenue IN ('subscription', 'service', 'usage'))
);
CALL isolate('products', 'SELECT, INSERT');

CREATE TABLE plans (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    retired_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT plans_code UNIQUE (org_id, code)
);
CALL isolate('plans', 'SELECT, INSERT, UPDATE');

-- Versions and their prices are published once and never change.
CREATE TABLE plan_versions (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    number integer NOT NULL,
    valid_from date NOT NULL,
    interval_count integer NOT NULL,
    interval_unit text NOT NULL,
    timing text NOT NULL,
    trial_days integer NOT NULL,
    cancel_policy text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, plan_id) REFERENCES plans,
    CONSTRAINT plan_versions_number UNIQUE (org_id, plan_id, number),
    CONSTRAINT plan_versions_valid_from UNIQUE (org_id, plan_id, valid_from),
    CONSTRAINT plan_versions_interval CHECK (interval_count BETWEEN 1 AND 366 AND interval_unit IN ('day', 'week', 'month', 'year')),
    CONSTRAINT plan_versions_timing CHECK (timing IN ('in_advance', 'in_arrears')),
    CONSTRAINT plan_versions_trial CHECK (trial_days BETWEEN 0 AND 730)
);
CALL isolate('plan_versions', 'SELECT, INSERT');
CALL freeze('plan_versions');

CREATE TABLE prices (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    version_id uuid NOT NULL,
    position integer NOT NULL,
    product_id uuid NOT NULL,
    component text NOT NULL,
    currency text NOT NULL,
    model jsonb NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, version_id) REFERENCES plan_versions,
    FOREIGN KEY (org_id, product_id) REFERENCES products,
    CONSTRAINT prices_component UNIQUE (org_id, version_id, component, currency)
);
CALL isolate('prices', 'SELECT, INSERT');
CALL freeze('prices');
