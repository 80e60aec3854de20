-- What became of every invoice line of some features by the end of a day each, of documents until
-- another day each: one row per line.
-- Lines belong to the feature of their item's price. Lines that take back are not listed: they lower
-- the line that they correct. An invoice is left out for ever when its customer had funded the
-- feature by its date. Only index look-ups from line to line: nothing is sorted or kept.
SELECT w.feature_id, w.day, l.net_minor AS net,
    coalesce(taken.net, 0)::bigint AS credited,
    CASE i.kind WHEN 'invoice' THEN i.total_minor - coalesce(lowered.amount, 0) ELSE 0 END::bigint AS due,
    (coalesce(paid.settled, 0) - i.balance_minor)::bigint AS settled,
    (coalesce(paid.aged, 0) - i.balance_minor)::bigint AS aged
FROM unnest($2, $3, $4) AS w (feature_id, day, sold_until)
JOIN prices p ON p.org_id = $1 AND p.feature_id = w.feature_id
JOIN subscription_items s ON s.org_id = $1 AND s.price_id = p.id
JOIN invoice_lines l ON l.org_id = $1 AND l.item_id = s.id AND l.corrects_line_id IS NULL
JOIN invoices i ON i.org_id = $1 AND i.id = l.invoice_id AND i.issue_on <= w.sold_until
LEFT JOIN LATERAL (
    SELECT sum(k.net_minor) AS net
    FROM invoice_lines k
    JOIN invoices d ON d.org_id = $1 AND d.id = k.invoice_id AND d.issue_on <= w.day
    WHERE k.org_id = $1 AND k.corrects_line_id = l.id) taken ON true
LEFT JOIN LATERAL (
    SELECT sum(a.amount_minor) AS amount
    FROM credit_allocations a
    JOIN invoices d ON d.org_id = $1 AND d.id = a.credit_note_id AND d.issue_on <= w.day
    WHERE a.org_id = $1 AND a.invoice_id = i.id) lowered ON true
-- What came counts as aged after so many days; what went back does not before what it takes back.
LEFT JOIN LATERAL (
    SELECT sum(a.amount_minor) AS settled,
        sum(a.amount_minor) FILTER (WHERE w.day >= CASE WHEN a.amount_minor > 0 THEN a.allocated_on + $5
            ELSE greatest(a.allocated_on, (
                SELECT max(o.allocated_on) + $5 FROM payments m
                JOIN payment_allocations o ON o.org_id = $1 AND o.payment_id = coalesce(m.reverses, m.id)
                    AND o.invoice_id = a.invoice_id AND o.amount_minor > 0
                WHERE m.org_id = $1 AND m.id = a.payment_id)) END) AS aged
    FROM payment_allocations a
    WHERE a.org_id = $1 AND a.invoice_id = i.id AND a.allocated_on <= w.day) paid ON true
WHERE NOT EXISTS (
    SELECT FROM investments v
    WHERE v.org_id = $1 AND v.feature_id = w.feature_id AND v.investor_id = i.customer_id
        AND v.funded_on <= i.issue_on)
