-- How long before a direct debit its payer is told.
ALTER TABLE organizations
    ADD COLUMN pre_notification_days integer NOT NULL DEFAULT 14,
    ADD CONSTRAINT organizations_pre_notification CHECK (pre_notification_days BETWEEN 1 AND 30);
ALTER TABLE organizations ALTER COLUMN pre_notification_days DROP DEFAULT;

-- The scheme of the customer's active payment method, so that billing knows due dates without
-- another look; null: it has none. Whoever changes methods holds the customer and keeps it.
ALTER TABLE customers
    ADD COLUMN scheme text,
    ADD CONSTRAINT customers_scheme CHECK (scheme IN ('direct_debit', 'card', 'bank_transfer'));
UPDATE customers c SET scheme = m.scheme FROM payment_methods m
    WHERE m.org_id = c.org_id AND m.customer_id = c.id AND m.state = 'active';
