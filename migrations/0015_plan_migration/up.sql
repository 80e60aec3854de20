-- Movements of subscriptions to a version of their plan. The workers go through the subscribers in
-- the order of their ids; how far they are is the cursor.
CREATE TABLE plan_migrations (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    -- The target.
    version_id uuid NOT NULL,
    -- Only subscriptions on this version; null: on any but the target.
    from_version_id uuid,
    -- Only this subscription; null: all of the plan.
    subscription_id uuid,
    -- The first day of the new terms; null: when the period ends that runs on made_on.
    effective_on date,
    made_on date NOT NULL,
    state text NOT NULL,
    -- How many subscriptions it was about when it was made.
    expected integer NOT NULL,
    -- The last subscription that was looked at.
    cursor uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, plan_id) REFERENCES plans,
    FOREIGN KEY (org_id, version_id) REFERENCES plan_versions,
    FOREIGN KEY (org_id, from_version_id) REFERENCES plan_versions,
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT plan_migrations_state CHECK (state IN ('running', 'done')),
    CONSTRAINT plan_migrations_expected CHECK (expected >= 0)
);
CREATE INDEX plan_migrations_state ON plan_migrations (org_id, state, id);
CALL isolate('plan_migrations', 'SELECT, INSERT, UPDATE');

-- What a migration did with a subscription: once, because it is written with it.
CREATE TABLE plan_migration_results (
    org_id uuid NOT NULL,
    migration_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    outcome text NOT NULL,
    -- The first day of the new terms; null when refused.
    effective_on date,
    -- Why it was refused, for programs and for people.
    reason text,
    message text,
    PRIMARY KEY (org_id, migration_id, subscription_id),
    FOREIGN KEY (org_id, migration_id) REFERENCES plan_migrations,
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT plan_migration_results_outcome
        CHECK (outcome IN ('migrated', 'unchanged', 'refused')),
    CONSTRAINT plan_migration_results_day
        CHECK ((outcome = 'refused') = (effective_on IS NULL)),
    CONSTRAINT plan_migration_results_reason CHECK (
        (outcome = 'refused') = (reason IS NOT NULL) AND (reason IS NULL) = (message IS NULL))
);
CALL isolate('plan_migration_results', 'SELECT, INSERT');
CALL freeze('plan_migration_results');

-- The subscribers of a plan, in order.
CREATE INDEX subscriptions_plan ON subscriptions (org_id, plan_id, id);
