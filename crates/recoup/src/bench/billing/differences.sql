-- The tables in which two organizations hold other rows, apart from ids that were made, the order
-- of events and the moment of writing; nothing when there are none.
SELECT coalesce(string_agg(name, ', '), '') FROM (
    SELECT name FROM (
        SELECT 'invoices' AS name, org_id, to_jsonb(t) - '{id,finalized_at}'::text[] AS fact FROM invoices t
        UNION ALL SELECT 'invoice_lines', org_id, to_jsonb(t) - '{id,invoice_id}'::text[] FROM invoice_lines t
        UNION ALL SELECT 'invoice_vat', org_id, to_jsonb(t) - 'invoice_id' FROM invoice_vat t
        UNION ALL SELECT 'journal_entries', org_id, to_jsonb(t) - '{id,source_id,created_at}'::text[] FROM journal_entries t
        UNION ALL SELECT 'postings', org_id, to_jsonb(t) - 'entry_id' FROM postings t
        UNION ALL SELECT 'deferrals', org_id, to_jsonb(t) - 'line_id' FROM deferrals t
        UNION ALL SELECT 'number_series', org_id, to_jsonb(t) FROM number_series t
        UNION ALL SELECT 'document_numbers', org_id, to_jsonb(t) - 'document_id' FROM document_numbers t
        UNION ALL SELECT 'subscriptions', org_id, to_jsonb(t) FROM subscriptions t
        UNION ALL SELECT 'subscription_items', org_id, to_jsonb(t) FROM subscription_items t
        UNION ALL SELECT 'billing_accounts', org_id, to_jsonb(t) FROM billing_accounts t
        UNION ALL SELECT 'set_asides', org_id, to_jsonb(t) FROM set_asides t
        UNION ALL SELECT 'event_positions', org_id, to_jsonb(t) FROM event_positions t
        UNION ALL SELECT 'events', org_id, (to_jsonb(t) - '{position,id,occurred_at,invoice_id,payload}'::text[])
            || jsonb_build_object('payload', payload #- '{document,id}') FROM events t
    ) facts
    WHERE org_id IN (':org', ':twin')
    GROUP BY name
    HAVING count(*) FILTER (WHERE org_id = ':org') <> count(*) FILTER (WHERE org_id = ':twin')
        OR sum(hashtextextended((fact - 'org_id')::text, 0)::numeric) FILTER (WHERE org_id = ':org')
            <> sum(hashtextextended((fact - 'org_id')::text, 0)::numeric) FILTER (WHERE org_id = ':twin')
) different
