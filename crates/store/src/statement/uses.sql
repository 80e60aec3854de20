-- How features $2 are used on day $3, and what of that is billed up to and including day $4.
WITH used AS (
    SELECT p.feature_id, s.customer_id, m.status, m.amount_minor,
        i.interval_count AS count, i.interval_unit AS unit, s.ends_on,
        -- The day on which the next period is billed.
        CASE WHEN s.next_billing_on IS NULL THEN NULL
            WHEN i.timing = 'in_advance' THEN i.billed_until
            ELSE (i.billed_until + i.interval_count * CASE i.interval_unit
                WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days'
                WHEN 'month' THEN interval '1 month' ELSE interval '1 year' END)::date END AS bills_on
    FROM prices p
    JOIN subscription_items i ON i.org_id = $1 AND i.price_id = p.id
    JOIN subscriptions s ON s.org_id = $1 AND s.id = i.subscription_id
    LEFT JOIN mrr_segments m ON m.org_id = $1 AND m.item_id = i.id
        AND m.from_on <= $3 AND (m.until_on IS NULL OR m.until_on > $3)
    WHERE p.org_id = $1 AND p.feature_id = ANY($2) AND s.state IN ('trialing', 'active')
        AND i.from_on <= $3 AND (i.until_on IS NULL OR i.until_on > $3)
        AND m.status IS DISTINCT FROM 'paused'
        AND NOT EXISTS (SELECT FROM investments v WHERE v.org_id = $1
            AND v.feature_id = p.feature_id AND v.investor_id = s.customer_id
            AND v.funded_on IS NOT NULL)
)
SELECT u.feature_id, count(DISTINCT u.customer_id) AS customers,
    coalesce(sum(u.amount_minor), 0)::bigint AS monthly,
    -- A period is worth its months (as in domain::mrr::monthly, the other way round); of days and
    -- weeks, several may be billed.
    coalesce(sum(round(u.amount_minor * CASE u.unit
        WHEN 'month' THEN u.count WHEN 'year' THEN u.count * 12
        WHEN 'week' THEN u.count * 12 / 52.0 * (1 + ($4 - u.bills_on) / (u.count * 7))
        ELSE u.count * 12 / 365.0 * (1 + ($4 - u.bills_on) / u.count) END))
        FILTER (WHERE u.bills_on <= $4 AND (u.ends_on IS NULL OR u.bills_on < u.ends_on)), 0)::bigint
        AS to_bill
FROM used u GROUP BY u.feature_id
