-- Writes what the gateway would have answered.
BEGIN;
UPDATE payment_attempts a SET state = 'settled', answered_at = submitted_at, ask_at = NULL
FROM claimed WHERE a.org_id = ':org' AND a.id = claimed.attempt_id;
UPDATE collections c SET state = 'closed'
FROM claimed WHERE c.org_id = ':org' AND c.invoice_id = claimed.invoice_id;
COMMIT;
