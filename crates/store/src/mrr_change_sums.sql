-- The changes of mrr_changes.sql, of all customers, summed over those that moved in the same way:
-- whatever tells movements apart is the same within a sum. Both files find changes alike; a test
-- compares them with the rules.
WITH changed AS (
    SELECT DISTINCT s.customer_id FROM mrr_segments s
    WHERE s.org_id = $1
        AND (s.from_on > $2 AND s.from_on <= $3
            OR s.until_on > $2 AND s.until_on <= $3)
),
marked AS (
    SELECT s.customer_id, s.currency, s.subscription_id, s.amount_minor, s.until_on, s.churn_kind,
        s.status = 'in_force' AS counts,
        s.from_on <= $2 AS begun,
        s.from_on <= $2 AND (s.until_on IS NULL OR s.until_on > $2) AS before,
        s.from_on <= $3 AND (s.until_on IS NULL OR s.until_on > $3) AS after,
        s.end_reason = 'cancelled' AND s.until_on > $2 AND s.until_on <= $3 AS lost
    FROM mrr_segments s JOIN changed ON changed.customer_id = s.customer_id
    WHERE s.org_id = $1
),
-- A subscription is paused as a whole or not at all.
subscribed AS (
    SELECT customer_id, currency, subscription_id,
        coalesce(sum(amount_minor) FILTER (WHERE counts AND before), 0) AS opening,
        coalesce(sum(amount_minor) FILTER (WHERE counts AND after), 0) AS closing,
        bool_or(before AND NOT counts) AS paused_before,
        bool_or(after AND NOT counts) AS paused_after,
        bool_or(begun AND counts) AS had_before
    FROM marked GROUP BY customer_id, currency, subscription_id
),
reasons AS (
    SELECT DISTINCT ON (customer_id, currency) customer_id, currency, churn_kind
    FROM marked WHERE lost
    ORDER BY customer_id, currency, until_on DESC, amount_minor DESC, churn_kind
),
changes AS (
    SELECT one.customer_id, one.currency,
        sum(opening) AS opening,
        sum(closing) AS closing,
        coalesce(sum(opening) FILTER (WHERE paused_after), 0) AS paused,
        coalesce(sum(closing) FILTER (WHERE paused_before), 0) AS resumed,
        bool_or(paused_before) AS paused_before,
        bool_or(paused_after) AS paused_after,
        bool_or(had_before) AS had_before,
        min(reasons.churn_kind) AS churn_kind
    FROM subscribed one
    LEFT JOIN reasons ON reasons.customer_id = one.customer_id AND reasons.currency = one.currency
    GROUP BY one.customer_id, one.currency
)
SELECT NULL::uuid AS customer_id, count(*) AS customers, currency,
    sum(opening)::bigint AS opening, sum(closing)::bigint AS closing,
    sum(paused)::bigint AS paused, sum(resumed)::bigint AS resumed,
    paused_before, paused_after, had_before, churn_kind
FROM changes
GROUP BY currency, paused_before, paused_after, had_before, churn_kind, opening = 0, closing = 0,
    sign(closing - opening + paused - resumed)
ORDER BY currency
