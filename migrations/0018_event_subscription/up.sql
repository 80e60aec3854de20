-- The events of one subscription, in order.
CREATE INDEX events_subscription ON events (org_id, subscription_id, position)
    WHERE subscription_id IS NOT NULL;
