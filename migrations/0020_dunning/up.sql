-- What follows when money does not come. A policy never changes: another one takes its place.
CREATE TABLE dunning_policies (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    -- The first day without grace; null: delivery stops on day 0.
    grace_until_day integer,
    -- The steps in order of day, each with schemes and classes.
    steps jsonb NOT NULL,
    -- Days of the month to which retries move.
    pay_days jsonb NOT NULL,
    late_fee_minor bigint,
    late_fee_currency text,
    -- Whether cards may be tried more often than usual.
    more_retries boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT dunning_policies_grace CHECK (grace_until_day BETWEEN 1 AND 365),
    CONSTRAINT dunning_policies_late_fee CHECK (
        late_fee_minor > 0 AND (late_fee_minor IS NULL) = (late_fee_currency IS NULL))
);
CALL isolate('dunning_policies', 'SELECT, INSERT');
CALL freeze('dunning_policies');

-- What a customer must owe at least in a currency for a policy's steps to be taken.
CREATE TABLE dunning_minimums (
    org_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (org_id, policy_id, currency),
    FOREIGN KEY (org_id, policy_id) REFERENCES dunning_policies,
    CONSTRAINT dunning_minimums_amount CHECK (amount_minor > 0)
);
CALL isolate('dunning_minimums', 'SELECT, INSERT');
CALL freeze('dunning_minimums');

-- The policy of an organization; without a row, or null: the built-in one.
CREATE TABLE dunning_defaults (
    org_id uuid NOT NULL PRIMARY KEY REFERENCES organizations,
    policy_id uuid,
    FOREIGN KEY (org_id, policy_id) REFERENCES dunning_policies
);
CALL isolate('dunning_defaults', 'SELECT, INSERT, UPDATE');

-- The policy of a plan's invoices; null: that of the organization.
ALTER TABLE plans ADD COLUMN dunning_policy_id uuid;
ALTER TABLE plans ADD CONSTRAINT plans_dunning_policy
    FOREIGN KEY (org_id, dunning_policy_id) REFERENCES dunning_policies (org_id, id);
