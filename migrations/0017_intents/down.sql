-- The terms of a change to come are stored in full beside what it names.
ALTER TABLE subscription_intents DROP COLUMN named;
ALTER TABLE subscription_items
    DROP CONSTRAINT subscription_items_forfeited,
    DROP COLUMN forfeited_until;
