-- What the billing run writes for an organization on a day, from its subscriptions, in one
-- transaction: for flat monthly prices, domestic customers and one product, without a check.
BEGIN;
SET LOCAL work_mem = '256MB';
CREATE TEMP TABLE billed ON COMMIT DROP AS
SELECT m.*, round(m.net_minor * m.percent / 100)::bigint AS tax_minor,
       (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS invoice_id,
       (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS line_id,
       (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid AS entry_id,
       replace(replace(replace(number_pattern, '{prefix}', invoice_prefix),
           '{year}', extract(year FROM DATE ':day')::text),
           '{seq:05}', lpad(n::text, greatest(5, length(n::text)), '0')) AS number
FROM (
    SELECT next_sequence - 1 + row_number() OVER (ORDER BY s.customer_id) AS n,
           s.org_id, s.customer_id, s.id AS subscription_id, s.plan_id, s.version_id, s.state,
           s.currency, s.ends_on, i.id AS item_id, i.component, i.quantity,
           i.billed_until AS service_from, (i.billed_until + interval '1 month')::date AS service_until,
           p.product_id, o.name AS description, o.unit_label, o.revenue,
           (p.model ->> 'amount')::numeric AS unit_price,
           round((p.model ->> 'amount')::numeric * 100)::bigint AS net_minor,
           (SELECT percent FROM vat_rates v WHERE v.org_id = s.org_id AND v.country = g.country
            AND v.category = o.vat_category AND v.valid_from <= DATE ':day'
            ORDER BY v.valid_from DESC LIMIT 1) AS percent,
           DATE ':day' + coalesce(c.payment_terms_days, g.payment_terms_days) AS due_on,
           g.number_pattern, g.invoice_prefix,
           jsonb_build_object('name', g.legal_name, 'address', g.address, 'vat_number', g.vat_number,
               'registration_number', g.registration_number, 'iban', g.iban, 'email', g.email,
               'language', g.language, 'small_business', g.small_business) AS seller,
           jsonb_build_object('name', c.name, 'address', c.address, 'vat_number', c.vat_number,
               'registration_number', NULL, 'iban', NULL, 'email', c.email,
               'language', c.language, 'small_business', false) AS buyer
    FROM billing_accounts a
    JOIN customers c ON c.org_id = a.org_id AND c.id = a.customer_id
    JOIN subscriptions s ON s.org_id = a.org_id AND s.customer_id = a.customer_id
        AND s.currency = a.currency AND s.next_billing_on <= DATE ':day'
    JOIN subscription_items i ON i.org_id = s.org_id AND i.subscription_id = s.id
    JOIN prices p ON p.org_id = i.org_id AND p.id = i.price_id
    JOIN products o ON o.org_id = p.org_id AND o.id = p.product_id
    JOIN organizations g ON g.org_id = a.org_id
    JOIN number_series r ON r.org_id = a.org_id AND r.series = 'invoice'
    WHERE a.org_id = ':org' AND a.due_on <= DATE ':day' AND NOT a.set_aside
) m;
INSERT INTO invoices (org_id, seller, finalized_at, id, customer_id, kind, state, currency,
    billing_on, issue_on, due_on, net_minor, tax_minor, total_minor, open_minor, balance_minor,
    written_off_minor, buyer)
SELECT org_id, seller, TIMESTAMPTZ ':now', invoice_id, customer_id, 'invoice', 'open', currency,
    DATE ':day', DATE ':day', due_on, net_minor, tax_minor, net_minor + tax_minor,
    net_minor + tax_minor, 0, 0, buyer
FROM billed ORDER BY n;
INSERT INTO invoice_lines (org_id, id, invoice_id, position, subscription_id, item_id, product_id,
    description, unit_label, revenue, service_from, service_until, quantity, unit_price, net_minor,
    vat_class, vat_percent, kind, change_number, discount_minor)
SELECT org_id, line_id, invoice_id, 0, subscription_id, item_id, product_id, description, unit_label,
    revenue, service_from, service_until, quantity, unit_price, net_minor, 'S', percent, 'recurring',
    0, 0
FROM billed ORDER BY n;
INSERT INTO invoice_vat (org_id, invoice_id, vat_class, vat_percent, base_minor, tax_minor)
SELECT org_id, invoice_id, 'S', percent, net_minor, tax_minor FROM billed ORDER BY n;
INSERT INTO journal_entries (org_id, created_at, id, posted_on, source_kind, source_id, source_part)
SELECT org_id, TIMESTAMPTZ ':now', entry_id, DATE ':day', 'invoice', invoice_id, ''
FROM billed ORDER BY n;
INSERT INTO postings (org_id, entry_id, position, account, currency, amount_minor, vat_class, vat_percent)
SELECT org_id, entry_id, position, account, currency, amount_minor, vat_class, vat_percent
FROM billed, LATERAL (VALUES
    (0, '1300', net_minor + tax_minor, NULL, NULL),
    (1, '8000', -net_minor, NULL, NULL),
    (2, '1520', -tax_minor, 'S', percent)) AS sides (position, account, amount_minor, vat_class, vat_percent)
ORDER BY n, position;
UPDATE subscriptions s SET billed_on = DATE ':day', next_billing_on = b.service_until
FROM billed b WHERE s.org_id = b.org_id AND s.id = b.subscription_id;
UPDATE subscription_items i SET charged_from = b.service_from, billed_until = b.service_until
FROM billed b WHERE i.org_id = b.org_id AND i.id = b.item_id;
UPDATE billing_accounts a SET due_on = b.service_until
FROM billed b WHERE a.org_id = b.org_id AND a.customer_id = b.customer_id AND a.currency = b.currency;
UPDATE number_series SET next_sequence = next_sequence + (SELECT count(*) FROM billed),
    last_issue_on = DATE ':day' WHERE org_id = ':org' AND series = 'invoice';
INSERT INTO document_numbers (org_id, series, year, sequence, document_id, number)
SELECT org_id, 'invoice', extract(year FROM DATE ':day')::integer, n, invoice_id, number
FROM billed ORDER BY n;
WITH head AS (
    UPDATE event_positions SET last_position = last_position + 2 * (SELECT count(*) FROM billed)
    WHERE org_id = ':org' RETURNING last_position - 2 * (SELECT count(*) FROM billed) AS before)
INSERT INTO events (org_id, position, id, kind, occurred_at, effective_on, customer_id,
    subscription_id, invoice_id, payload)
SELECT org_id, before + row_number() OVER (ORDER BY part, n),
    (lpad(to_hex(:millis + n), 12, '0') || right(gen_random_uuid()::text, 22))::uuid,
    CASE part WHEN 1 THEN 'subscription_renewed' ELSE 'invoice_finalized' END,
    TIMESTAMPTZ ':now', DATE ':day', customer_id,
    CASE part WHEN 1 THEN subscription_id END, CASE part WHEN 2 THEN invoice_id END,
    CASE part WHEN 1 THEN jsonb_build_object('subscription', jsonb_build_object(
        'id', subscription_id, 'plan_id', plan_id, 'version_id', version_id, 'state', state,
        'currency', currency, 'items', jsonb_build_array(jsonb_build_object(
            'product_id', product_id, 'component', component, 'quantity', quantity::text)),
        'next_renewal_on', service_until, 'ends_on', ends_on))
    ELSE jsonb_build_object('document', jsonb_build_object(
        'id', invoice_id, 'number', number, 'kind', 'invoice', 'issue_on', DATE ':day',
        'due_on', due_on, 'total', currency || ' ' || net_minor + tax_minor,
        'open', currency || ' ' || net_minor + tax_minor)) END
FROM billed, head, generate_series(1, 2) AS part;
COMMIT;
