-- The totals of many periods, each in the way its meter adds up: the same as the fold of
-- domain::usage, which a test compares it with. Only the branch of the meter's aggregation is
-- carried out, and each is one range of the index usage_events_total.
SELECT q.place, coalesce(CASE m.aggregation
    WHEN 'sum' THEN (
        SELECT sum(e.quantity) FROM usage_events e
        WHERE e.org_id = $1 AND e.customer_id = q.customer_id AND e.meter_id = q.meter_id
        AND e.on_date >= q.start_on AND e.on_date < q.end_on)
    WHEN 'max' THEN (
        SELECT max(e.quantity) FROM usage_events e
        WHERE e.org_id = $1 AND e.customer_id = q.customer_id AND e.meter_id = q.meter_id
        AND e.on_date >= q.start_on AND e.on_date < q.end_on)
    -- Of two at one instant, the one with the larger id, byte by byte.
    WHEN 'last' THEN (
        SELECT e.quantity FROM usage_events e
        WHERE e.org_id = $1 AND e.customer_id = q.customer_id AND e.meter_id = q.meter_id
        AND e.on_date >= q.start_on AND e.on_date < q.end_on
        ORDER BY e.occurred_at DESC, e.event_id COLLATE "C" DESC LIMIT 1)
    WHEN 'distinct' THEN (
        SELECT count(DISTINCT e.value COLLATE "C")::numeric FROM usage_events e
        WHERE e.org_id = $1 AND e.customer_id = q.customer_id AND e.meter_id = q.meter_id
        AND e.on_date >= q.start_on AND e.on_date < q.end_on)
    END, 0) AS quantity
FROM unnest($2, $3, $4, $5) WITH ORDINALITY
    AS q (customer_id, meter_id, start_on, end_on, place)
JOIN meters m ON m.org_id = $1 AND m.id = q.meter_id
