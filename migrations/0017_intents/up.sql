ALTER TABLE subscription_items
    -- How far it had been charged when a credit took days after an end without credit back: those
    -- days are charged anew. Null: no credit ever took such days back.
    ADD COLUMN forfeited_until date,
    ADD CONSTRAINT subscription_items_forfeited CHECK (from_on < forfeited_until);

-- What a change to come names: whether the plan, and which quantities with the ids of their items.
-- The rest of its terms is what holds when it happens. Null: its terms hold in full.
ALTER TABLE subscription_intents ADD COLUMN named jsonb;
