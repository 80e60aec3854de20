ALTER TABLE subscription_pauses
    DROP CONSTRAINT subscription_pauses_kind,
    DROP COLUMN kind;
UPDATE subscriptions SET state = 'active' WHERE state = 'suspended';
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_suspended,
    DROP CONSTRAINT subscriptions_state,
    ADD CONSTRAINT subscriptions_state CHECK (
        state IN ('pending', 'trialing', 'active', 'paused', 'cancelled')),
    DROP CONSTRAINT subscriptions_suspension,
    DROP COLUMN suspension_id,
    DROP COLUMN suspended_from;
