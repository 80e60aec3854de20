-- Subscriptions that stand still because money is missing.
ALTER TABLE subscriptions
    -- First day that is not delivered, of a suspension that was not lifted.
    ADD COLUMN suspended_from date,
    -- Identity of its days once it is lifted.
    ADD COLUMN suspension_id uuid,
    ADD CONSTRAINT subscriptions_suspension CHECK ((suspended_from IS NULL) = (suspension_id IS NULL)),
    DROP CONSTRAINT subscriptions_state,
    ADD CONSTRAINT subscriptions_state CHECK (
        state IN ('pending', 'trialing', 'active', 'paused', 'suspended', 'cancelled')),
    ADD CONSTRAINT subscriptions_suspended CHECK (state <> 'suspended' OR suspended_from IS NOT NULL);

-- Days that were not delivered because of a suspension are kept with the pauses.
ALTER TABLE subscription_pauses ADD COLUMN kind text NOT NULL DEFAULT 'customer';
ALTER TABLE subscription_pauses
    ALTER COLUMN kind DROP DEFAULT,
    ADD CONSTRAINT subscription_pauses_kind CHECK (kind IN ('customer', 'suspension'));
