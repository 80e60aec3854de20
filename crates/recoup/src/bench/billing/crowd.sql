-- Copies the customer of an organization, with its subscription, `:count` times. The ids are in the
-- order of time, as those that the service makes.
BEGIN;
CREATE TEMP TABLE crowd ON COMMIT DROP AS
SELECT n, (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS customer,
       (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS subscription,
       (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS item
FROM generate_series(1, :count) AS n;
CREATE TEMP TABLE originals ON COMMIT DROP AS
SELECT c AS customer, s AS subscription, i AS item, a AS account
FROM customers c
JOIN subscriptions s ON s.org_id = c.org_id AND s.customer_id = c.id
JOIN subscription_items i ON i.org_id = s.org_id AND i.subscription_id = s.id
JOIN billing_accounts a ON a.org_id = c.org_id AND a.customer_id = c.id
WHERE c.org_id = ':org';
INSERT INTO customers SELECT (jsonb_populate_record(o.customer, jsonb_build_object(
    'id', crowd.customer, 'name', 'Customer ' || crowd.n))).*
FROM crowd, originals o;
INSERT INTO subscriptions SELECT (jsonb_populate_record(o.subscription, jsonb_build_object(
    'id', crowd.subscription, 'customer_id', crowd.customer))).*
FROM crowd, originals o;
INSERT INTO subscription_items SELECT (jsonb_populate_record(o.item, jsonb_build_object(
    'id', crowd.item, 'subscription_id', crowd.subscription))).*
FROM crowd, originals o;
INSERT INTO billing_accounts SELECT (jsonb_populate_record(o.account, jsonb_build_object(
    'customer_id', crowd.customer))).*
FROM crowd, originals o;
COMMIT;
