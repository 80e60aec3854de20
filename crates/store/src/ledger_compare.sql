-- The proof of the ledger: every row says what the sub-ledger expects and what the ledger holds.
WITH balances AS (
    SELECT account, currency, sum(amount_minor) AS amount
    FROM postings WHERE org_id = $1 GROUP BY account, currency
), currencies AS (
    SELECT DISTINCT currency FROM invoices WHERE org_id = $1
    UNION SELECT DISTINCT currency FROM balances
    UNION SELECT DISTINCT currency FROM investments WHERE org_id = $1
)
SELECT 'postings add up to zero' AS name, c.currency, 0::bigint AS expected,
       coalesce((SELECT sum(b.amount) FROM balances b WHERE b.currency = c.currency), 0)::bigint AS actual
FROM currencies c
UNION ALL
SELECT '1300 + 1010 = documents not settled', c.currency,
       coalesce((SELECT sum(i.open_minor) FROM invoices i WHERE i.org_id = $1 AND i.currency = c.currency), 0)::bigint,
       coalesce((SELECT sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account IN ('1300', '1010')), 0)::bigint
FROM currencies c
UNION ALL
SELECT '1010 = attempts under way', c.currency,
       coalesce((SELECT sum(p.amount_minor) FROM payment_attempts p
                 WHERE p.org_id = $1 AND p.in_transit AND p.currency = c.currency), 0)::bigint,
       coalesce((SELECT sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1010'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '2000 = service days not earned', c.currency,
       coalesce((SELECT sum(d.net_minor - d.earned_minor) FROM deferrals d
                 WHERE d.org_id = $1 AND d.currency = c.currency), 0)::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '2000'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '2060 = balances of customers', c.currency,
       coalesce((SELECT sum(a.balance_minor) FROM billing_accounts a
                 WHERE a.org_id = $1 AND a.currency = c.currency), 0)::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '2060'), 0)::bigint
FROM currencies c
UNION ALL
SELECT 'documents and payments add up to balances', c.currency,
       (coalesce((SELECT sum(i.balance_minor) FROM invoices i
                  WHERE i.org_id = $1 AND i.currency = c.currency), 0)
        + coalesce((SELECT sum(a.amount_minor) FROM payment_allocations a
                    JOIN payments p ON p.org_id = $1 AND p.id = a.payment_id
                    WHERE a.org_id = $1 AND a.target = 'balance' AND p.currency = c.currency), 0))::bigint,
       coalesce((SELECT sum(a.balance_minor) FROM billing_accounts a
                 WHERE a.org_id = $1 AND a.currency = c.currency), 0)::bigint
FROM currencies c
UNION ALL
SELECT '1520 = VAT on documents, without what was reclaimed on bad debt', c.currency,
       (coalesce((SELECT sum(v.tax_minor) FROM invoice_vat v
                  JOIN invoices i ON i.org_id = $1 AND i.id = v.invoice_id
                  WHERE v.org_id = $1 AND i.currency = c.currency), 0)
        - coalesce((SELECT sum(v.tax_minor - v.recovered_minor) FROM write_off_vat v
                    JOIN write_offs w ON w.org_id = $1 AND w.invoice_id = v.invoice_id
                    JOIN invoices i ON i.org_id = $1 AND i.id = v.invoice_id
                    WHERE v.org_id = $1 AND w.dated_on IS NOT NULL AND i.currency = c.currency), 0))::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1520'), 0)::bigint
FROM currencies c
UNION ALL
SELECT 'lines add up to documents', c.currency,
       coalesce((SELECT sum(i.net_minor) FROM invoices i WHERE i.org_id = $1 AND i.currency = c.currency), 0)::bigint,
       coalesce((SELECT sum(l.net_minor) FROM invoice_lines l
                 JOIN invoices i ON i.org_id = $1 AND i.id = l.invoice_id
                 WHERE l.org_id = $1 AND i.currency = c.currency), 0)::bigint
FROM currencies c
UNION ALL
SELECT 'documents whose lines or VAT do not add up', NULL, 0,
       (SELECT count(*) FROM invoices i
        LEFT JOIN (SELECT invoice_id, sum(net_minor) AS net FROM invoice_lines
                   WHERE org_id = $1 GROUP BY invoice_id) l ON l.invoice_id = i.id
        LEFT JOIN (SELECT invoice_id, sum(base_minor) AS base, sum(tax_minor) AS tax FROM invoice_vat
                   WHERE org_id = $1 GROUP BY invoice_id) v ON v.invoice_id = i.id
        WHERE i.org_id = $1 AND (l.net IS DISTINCT FROM i.net_minor
              OR v.base IS DISTINCT FROM i.net_minor OR v.tax IS DISTINCT FROM i.tax_minor))::bigint
UNION ALL
SELECT 'documents without a number', NULL, 0,
       (SELECT count(*) FROM invoices i WHERE i.org_id = $1 AND NOT EXISTS (
            SELECT FROM document_numbers n WHERE n.org_id = $1 AND n.document_id = i.id))::bigint
UNION ALL
SELECT 'numbers of ' || s.series || ' ' || s.year, NULL, s.next_sequence - 1,
       CASE WHEN n.lowest = 1 AND n.highest = n.total THEN n.total ELSE -1 END
FROM number_series s
CROSS JOIN LATERAL (
    SELECT min(d.sequence) AS lowest, max(d.sequence) AS highest, count(*) AS total
    FROM document_numbers d WHERE d.org_id = $1 AND d.series = s.series AND d.year = s.year) n
-- Investors' own series are below: there are as many as investors.
WHERE s.org_id = $1 AND NOT starts_with(s.series, 'self_billing:')
UNION ALL
SELECT 'entries that do not balance', NULL, 0,
       (SELECT count(*) FROM (SELECT entry_id FROM postings WHERE org_id = $1
            GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0) unbalanced)::bigint
UNION ALL
SELECT 'documents with an amount and no entry', NULL, 0,
       (SELECT count(*) FROM invoices i WHERE i.org_id = $1 AND i.total_minor <> 0 AND NOT EXISTS (
            SELECT FROM journal_entries e WHERE e.org_id = $1 AND e.source_id = i.id
            AND e.source_kind = 'invoice' AND e.source_part = ''))::bigint
UNION ALL
SELECT 'lines of which more was credited than they charged', NULL, 0,
       (SELECT count(*) FROM invoice_lines l
        JOIN (SELECT corrects_line_id, sum(net_minor) AS net FROM invoice_lines
              WHERE org_id = $1 AND corrects_line_id IS NOT NULL GROUP BY corrects_line_id) c
            ON c.corrects_line_id = l.id
        WHERE l.org_id = $1 AND l.net_minor + c.net < 0)::bigint
UNION ALL
SELECT 'one-off charges that are not on their invoice', NULL, 0,
       (SELECT count(*) FROM charges c
        LEFT JOIN invoice_lines l ON l.org_id = $1 AND l.charge_id = c.id
        WHERE c.org_id = $1 AND (l.invoice_id IS DISTINCT FROM c.invoice_id
              OR l.net_minor IS DISTINCT FROM CASE WHEN c.invoice_id IS NULL THEN NULL ELSE c.net_minor END))::bigint
UNION ALL
SELECT '1540 = VAT to reclaim on bad debt', c.currency,
       coalesce((SELECT sum(v.tax_minor - v.recovered_minor) FROM write_off_vat v
                 JOIN write_offs w ON w.org_id = $1 AND w.invoice_id = v.invoice_id
                 JOIN invoices i ON i.org_id = $1 AND i.id = v.invoice_id
                 WHERE v.org_id = $1 AND w.dated_on IS NULL AND i.currency = c.currency), 0)::bigint,
       coalesce((SELECT sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1540'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '2050 = money that matches nothing', c.currency,
       coalesce((SELECT sum(a.amount_minor) FROM payment_allocations a
                 JOIN payments p ON p.org_id = $1 AND p.id = a.payment_id
                 WHERE a.org_id = $1 AND a.target = 'unmatched' AND p.currency = c.currency), 0)::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '2050'), 0)::bigint
FROM currencies c
UNION ALL
SELECT 'payments without their entry', NULL, 0,
       (SELECT count(*) FROM payments p WHERE p.org_id = $1 AND NOT EXISTS (
            SELECT FROM journal_entries e WHERE e.org_id = $1 AND e.source_id = p.id
            AND e.source_kind = 'payment' AND e.source_part = ''))::bigint
UNION ALL
SELECT 'invoices that are not open by what was paid, credited and written off', NULL, 0,
       (SELECT count(*) FROM invoices i
        LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS amount FROM credit_allocations
                   WHERE org_id = $1 GROUP BY invoice_id) c ON c.invoice_id = i.id
        LEFT JOIN (SELECT invoice_id, sum(amount_minor) FILTER (WHERE target = 'invoice') AS amount,
                          sum(amount_minor) FILTER (WHERE target = 'written_off') AS recovered
                   FROM payment_allocations WHERE org_id = $1 AND invoice_id IS NOT NULL
                   GROUP BY invoice_id) p ON p.invoice_id = i.id
        LEFT JOIN (SELECT invoice_id, amount_minor, recovered_minor FROM write_offs
                   WHERE org_id = $1) w ON w.invoice_id = i.id
        WHERE i.org_id = $1 AND i.kind = 'invoice'
            AND (i.open_minor <> i.total_minor + i.balance_minor - coalesce(c.amount, 0)
                     - coalesce(p.amount, 0) - coalesce(w.amount_minor, 0)
                 OR i.written_off_minor <> coalesce(w.amount_minor - w.recovered_minor, 0)
                 OR coalesce(p.recovered, 0) <> coalesce(w.recovered_minor, 0)))::bigint
UNION ALL
SELECT '1600 = what investors were credited and not sent', c.currency,
       (coalesce((SELECT sum(b.total_minor + coalesce(b.own_tax_minor, 0)) FROM self_bills b
                  WHERE b.org_id = $1 AND b.currency = c.currency), 0)
        - coalesce((SELECT sum(p.amount_minor) FROM payouts p
                    WHERE p.org_id = $1 AND p.state IN ('sent', 'settled') AND p.currency = c.currency), 0))::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1600'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '1610 = payouts under way', c.currency,
       coalesce((SELECT sum(p.amount_minor) FROM payouts p
                 WHERE p.org_id = $1 AND p.state = 'sent' AND p.currency = c.currency), 0)::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1610'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '1620 = principals not credited', c.currency,
       (coalesce((SELECT sum(v.principal_minor - v.forgone_minor) FROM investments v
                  WHERE v.org_id = $1 AND v.accepted_on IS NOT NULL AND v.state <> 'withdrawn'
                      AND v.currency = c.currency), 0)
        - coalesce((SELECT sum(l.principal_minor) FROM self_bill_lines l
                    JOIN self_bills b ON b.org_id = $1 AND b.id = l.self_bill_id
                    WHERE l.org_id = $1 AND b.currency = c.currency), 0))::bigint,
       coalesce((SELECT -sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1620'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '1530 = VAT of investors', c.currency,
       -- Under the small business scheme it is not reclaimed.
       coalesce((SELECT sum(b.tax_minor + coalesce(b.own_tax_minor, 0)) FROM self_bills b
                 WHERE b.org_id = $1 AND b.currency = c.currency
                     AND NOT coalesce((b.buyer->>'small_business')::boolean, false)), 0)::bigint,
       coalesce((SELECT sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '1530'), 0)::bigint
FROM currencies c
UNION ALL
SELECT '4500 = return credited to investors, and VAT that is not reclaimed', c.currency,
       (coalesce((SELECT sum(l.net_minor - l.principal_minor) FROM self_bill_lines l
                  JOIN self_bills b ON b.org_id = $1 AND b.id = l.self_bill_id
                  WHERE l.org_id = $1 AND b.currency = c.currency), 0)
        + coalesce((SELECT sum(b.tax_minor + coalesce(b.own_tax_minor, 0)) FROM self_bills b
                    WHERE b.org_id = $1 AND b.currency = c.currency
                        AND coalesce((b.buyer->>'small_business')::boolean, false)), 0))::bigint,
       coalesce((SELECT sum(b.amount) FROM balances b
                 WHERE b.currency = c.currency AND b.account = '4500'), 0)::bigint
FROM currencies c
UNION ALL
SELECT 'investments whose documents are not what was credited, principal first', NULL, 0,
       (SELECT count(*) FROM investments v
        LEFT JOIN (SELECT investment_id, sum(net_minor) AS net, sum(principal_minor) AS principal
                   FROM self_bill_lines WHERE org_id = $1 GROUP BY investment_id) l ON l.investment_id = v.id
        WHERE v.org_id = $1 AND (coalesce(l.net, 0) <> v.credited_minor
            OR coalesce(l.principal, 0) <> least(v.credited_minor, v.principal_minor)))::bigint
UNION ALL
SELECT 'investments whose months are not what was accrued and credited, less what was taken back', NULL, 0,
       (SELECT count(*) FROM investments v
        LEFT JOIN (SELECT investment_id, sum(accrual_minor) AS accrued, sum(credited_minor) AS credited
                   FROM investment_months WHERE org_id = $1 GROUP BY investment_id) m ON m.investment_id = v.id
        LEFT JOIN (SELECT l.investment_id, sum(l.net_minor) AS net
                   FROM self_bill_lines l JOIN self_bills b ON b.org_id = $1 AND b.id = l.self_bill_id
                   WHERE l.org_id = $1 AND b.net_minor < 0 AND b.corrects_id IS NULL
                   GROUP BY l.investment_id) t ON t.investment_id = v.id
        WHERE v.org_id = $1 AND (coalesce(m.accrued, 0) <> v.accrued_minor
            OR coalesce(m.credited, 0) + coalesce(t.net, 0) <> v.credited_minor))::bigint
UNION ALL
SELECT 'months of features that are not shared out', NULL, 0,
       (SELECT count(*) FROM feature_months f
        LEFT JOIN (SELECT v.feature_id, v.basis, m.month, sum(m.accrual_minor) AS accrual
                   FROM investment_months m JOIN investments v ON v.org_id = $1 AND v.id = m.investment_id
                   WHERE m.org_id = $1 GROUP BY v.feature_id, v.basis, m.month) m
            ON m.feature_id = f.feature_id AND m.basis = f.basis AND m.month = f.month
        WHERE f.org_id = $1 AND coalesce(m.accrual, 0) <> f.accrual_minor)::bigint
UNION ALL
SELECT 'documents of credits whose lines do not add up', NULL, 0,
       (SELECT count(*) FROM self_bills b
        LEFT JOIN (SELECT self_bill_id, sum(net_minor) AS net FROM self_bill_lines
                   WHERE org_id = $1 GROUP BY self_bill_id) l ON l.self_bill_id = b.id
        WHERE b.org_id = $1 AND l.net IS DISTINCT FROM b.net_minor)::bigint
UNION ALL
SELECT 'documents of credits without their entry', NULL, 0,
       (SELECT count(*) FROM self_bills b WHERE b.org_id = $1 AND NOT EXISTS (
            SELECT FROM journal_entries e WHERE e.org_id = $1 AND e.source_id = b.id
            AND e.source_kind = 'share' AND e.source_part = ''))::bigint
UNION ALL
SELECT 'series of investors with a gap', NULL, 0,
       (SELECT count(*) FROM (
            SELECT series, year, next_sequence FROM number_series
            WHERE org_id = $1 AND starts_with(series, 'self_billing:')) s
        FULL JOIN (
            SELECT 'self_billing:' || investor_id AS series, year, min(sequence) AS lowest,
                   max(sequence) AS highest, count(*) AS total
            FROM self_bills WHERE org_id = $1 AND number IS NOT NULL GROUP BY investor_id, year) n
            ON n.series = s.series AND n.year = s.year
        WHERE coalesce(s.next_sequence, 0) - 1 <> coalesce(n.total, 0)
            OR coalesce(n.lowest, 1) <> 1 OR coalesce(n.highest, 0) <> coalesce(n.total, 0))::bigint
UNION ALL
SELECT 'payouts that are not what their document says', NULL, 0,
       (SELECT count(*) FROM payouts p JOIN self_bills b ON b.org_id = $1 AND b.id = p.self_bill_id
        WHERE p.org_id = $1 AND (p.investor_id <> b.investor_id OR p.currency <> b.currency
            OR p.amount_minor + p.set_off_minor <> b.total_minor + coalesce(b.own_tax_minor, 0)))::bigint
