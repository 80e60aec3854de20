-- Features that every second investment is in, their prices, the customers' subscriptions to them,
-- what customers paid of what they were billed, and the investments in them.
-- :investments, :features, :begin (the first day of the first month), :paid (the day of payment).
BEGIN;
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, gen_random_uuid() AS feature, gen_random_uuid() AS price
FROM generate_series(1, :features) AS n;
INSERT INTO features (org_id, id, title, description, state, value, complexity, score,
    votes, currency, submitted_on, assessed_on, started_on, released_on, created_at)
SELECT ':org', feature, 'Feature ' || n, 'Feature ' || n, 'released', 5, 5, 1, 0,
    'EUR', ':begin', ':begin', ':begin', ':begin', ':now'
FROM made;
INSERT INTO prices SELECT (jsonb_populate_record(NULL::prices, to_jsonb(p) || jsonb_build_object(
    'id', m.price, 'component', 'feature' || m.n, 'position', m.n, 'feature_id', m.feature))).*
FROM made m, (SELECT * FROM prices WHERE org_id = ':org' LIMIT 1) p;
UPDATE subscription_items i SET price_id = m.price, component = 'feature' || m.n
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM subscription_items
      WHERE org_id = ':org') s
JOIN made m ON m.n = 1 + s.place % :features
WHERE i.org_id = ':org' AND i.id = s.id;
CREATE TEMP TABLE investors ON COMMIT DROP AS
SELECT n, (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS id
FROM generate_series(1, :investments) AS n;
INSERT INTO customers SELECT (jsonb_populate_record(NULL::customers, to_jsonb(c) || jsonb_build_object(
    'id', i.id, 'name', 'Investor ' || i.n))).*
FROM investors i, (SELECT * FROM customers WHERE org_id = ':org' LIMIT 1) c;
-- The principals' invoices are not of interest; any document that is settled stands for them.
INSERT INTO investments (org_id, id, feature_id, investor_id, currency, principal_minor,
    share_percent, return_percent, cap_minor, basis, vat_treatment, state, proposed_on,
    accepted_on, consent_on, invoice_id, funded_on, accrued_minor, credited_minor, forgone_minor,
    created_at)
SELECT ':org', (lpad(to_hex(:millis + i.n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid,
    m.feature, i.id, 'EUR', 1000000, 20, 10, 1100000, 'collected', 'with_vat', 'funded', ':begin',
    ':begin', ':begin', d.id, ':begin', 0, 0, 0, ':now'
FROM investors i
JOIN made m ON m.n = 1 + i.n % :features
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM invoices
      WHERE org_id = ':org' AND open_minor = 0) d ON d.n = i.n;
INSERT INTO self_billing_agreements (org_id, id, investor_id, signed_on, valid_until, acceptance,
    silent_days, number_prefix, created_at)
SELECT ':org', gen_random_uuid(), id, ':begin', NULL, 'silent', 14, 'SB-', ':now' FROM investors;
INSERT INTO share_progress (org_id, next_month) VALUES (':org', ':begin');
COMMIT;
