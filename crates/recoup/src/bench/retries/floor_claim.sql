-- Claims a hundred due collections, and commits their attempts before the gateway would be called.
BEGIN;
CREATE TEMP TABLE IF NOT EXISTS claimed (invoice_id uuid, attempt_id uuid);
TRUNCATE claimed;
INSERT INTO claimed SELECT invoice_id, gen_random_uuid() FROM collections
WHERE org_id = ':org' AND next_at <= now() ORDER BY next_at, customer_id LIMIT 100
FOR UPDATE SKIP LOCKED;
INSERT INTO payment_attempts (org_id, id, invoice_id, customer_id, number, method_id, scheme,
    currency, amount_minor, state, in_transit, submitted_at, ask_at, asked)
SELECT i.org_id, claimed.attempt_id, i.id, i.customer_id, 1, m.id, 'card', i.currency, i.open_minor,
    'submitting', false, i.finalized_at, i.finalized_at, 0
FROM claimed
JOIN invoices i ON i.org_id = ':org' AND i.id = claimed.invoice_id
JOIN payment_methods m ON m.org_id = ':org' AND m.customer_id = i.customer_id AND m.state = 'active';
UPDATE collections c SET state = 'under_way', next_at = NULL, next_action = NULL, attempts = 1
FROM claimed WHERE c.org_id = ':org' AND c.invoice_id = claimed.invoice_id;
COMMIT;
