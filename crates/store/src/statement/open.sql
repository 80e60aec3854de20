-- What is open of invoices issued from day $3 to day $4 would bring features $2.
SELECT p.feature_id,
    sum(round((l.net_minor + coalesce(credited.net, 0)) * d.open_minor::numeric / d.due))::bigint AS minor
FROM prices p
JOIN subscription_items i ON i.org_id = $1 AND i.price_id = p.id
JOIN invoice_lines l ON l.org_id = $1 AND l.item_id = i.id AND l.corrects_line_id IS NULL
JOIN LATERAL (
    SELECT b.customer_id, b.issue_on, b.open_minor,
        b.total_minor - coalesce((SELECT sum(a.amount_minor) FROM credit_allocations a
            WHERE a.org_id = $1 AND a.invoice_id = b.id), 0) AS due
    FROM invoices b
    WHERE b.org_id = $1 AND b.id = l.invoice_id AND b.kind = 'invoice' AND b.open_minor > 0
        AND b.issue_on BETWEEN $3 AND $4) d ON d.due > 0
LEFT JOIN LATERAL (
    SELECT sum(c.net_minor) AS net FROM invoice_lines c
    WHERE c.org_id = $1 AND c.corrects_line_id = l.id) credited ON true
WHERE p.org_id = $1 AND p.feature_id = ANY($2)
    -- By invoice: who had funded it by then.
    AND NOT EXISTS (SELECT FROM investments v WHERE v.org_id = $1 AND v.feature_id = p.feature_id
        AND v.investor_id = d.customer_id AND v.funded_on <= d.issue_on)
GROUP BY p.feature_id
