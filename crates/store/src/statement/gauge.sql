-- What investors are owed, and were credited and paid from day $2 to day $3; $4: what was retired
-- since this day is still shared. By currency.
WITH invested AS (
    SELECT v.currency,
        sum(v.principal_minor - v.forgone_minor) FILTER (WHERE v.funded_on IS NOT NULL) AS funded,
        -- What was not funded yet is on account 1620 too.
        sum(v.principal_minor - v.forgone_minor)
            FILTER (WHERE v.accepted_on IS NOT NULL AND v.state <> 'withdrawn') AS invoiced,
        sum(least(v.credited_minor, v.principal_minor)) AS repaid,
        sum(v.credited_minor) AS credited,
        sum(v.cap_minor - greatest(v.credited_minor, v.principal_minor))
            FILTER (WHERE v.funded_on IS NOT NULL AND (f.retired_on IS NULL OR f.retired_on >= $4)) AS returns,
        sum(greatest(least(v.cap_minor, v.accrued_minor) - v.credited_minor, 0))
            FILTER (WHERE v.funded_on IS NOT NULL AND (f.retired_on IS NULL OR f.retired_on >= $4)) AS accrued
    FROM investments v JOIN features f ON f.org_id = $1 AND f.id = v.feature_id
    WHERE v.org_id = $1 GROUP BY v.currency
), documents AS (
    SELECT currency, sum(total_minor + coalesce(own_tax_minor, 0)) AS total,
        sum(tax_minor + coalesce(own_tax_minor, 0))
            FILTER (WHERE NOT coalesce((buyer->>'small_business')::boolean, false)) AS tax,
        -- Not reclaimed: a cost, with the returns.
        sum(tax_minor + coalesce(own_tax_minor, 0))
            FILTER (WHERE coalesce((buyer->>'small_business')::boolean, false)) AS cost,
        sum(net_minor) FILTER (WHERE issue_on BETWEEN $2 AND $3) AS credited
    FROM self_bills WHERE org_id = $1 GROUP BY currency
), paid AS (
    SELECT currency, sum(amount_minor) AS amount,
        sum(amount_minor) FILTER (WHERE state = 'sent') AS sent,
        sum(amount_minor) FILTER (WHERE state = 'settled' AND settled_on BETWEEN $2 AND $3) AS settled
    FROM payouts WHERE org_id = $1 AND state IN ('sent', 'settled') GROUP BY currency
), ledger AS (
    SELECT currency, sum(amount_minor) FILTER (WHERE account = '1530') AS vat,
        sum(amount_minor) FILTER (WHERE account = '1600') AS payable,
        sum(amount_minor) FILTER (WHERE account = '1610') AS in_transit,
        sum(amount_minor) FILTER (WHERE account = '1620') AS to_repay,
        sum(amount_minor) FILTER (WHERE account = '4500') AS returned
    FROM postings WHERE org_id = $1 AND account IN ('1530', '1600', '1610', '1620', '4500')
    GROUP BY currency
), sums AS (
    SELECT i.currency, coalesce(i.funded, 0) - i.repaid AS principal,
        coalesce(i.returns, 0) AS returns, coalesce(i.accrued, 0) AS accrued,
        coalesce(d.total, 0) - coalesce(p.amount, 0) AS payable, coalesce(p.sent, 0) AS in_transit,
        coalesce(d.credited, 0) AS credited, coalesce(p.settled, 0) AS paid,
        coalesce(d.tax, 0) AS tax, coalesce(i.invoiced, 0) - i.repaid AS to_repay,
        i.credited - i.repaid + coalesce(d.cost, 0) AS returned
    FROM invested i
    LEFT JOIN documents d ON d.currency = i.currency
    LEFT JOIN paid p ON p.currency = i.currency
)
SELECT s.currency, s.principal::bigint, s.returns::bigint, s.accrued::bigint, s.payable::bigint,
    s.in_transit::bigint, s.credited::bigint, s.paid::bigint,
    (abs(s.tax - coalesce(l.vat, 0)) + abs(s.payable + coalesce(l.payable, 0))
        + abs(s.in_transit + coalesce(l.in_transit, 0)) + abs(s.to_repay + coalesce(l.to_repay, 0))
        + abs(s.returned - coalesce(l.returned, 0)))::bigint AS mismatch
FROM sums s LEFT JOIN ledger l ON l.currency = s.currency
ORDER BY s.currency
