//! Events: one after the other without a gap, one for every document, settlement and failure, and
//! none with an account of a customer.

use domain::id::OrgId;
use tokio_postgres::Client;

/// What is wrong, one row of text each; `ORG` is the organization.
const FINDINGS: &str = "
    SELECT 'events: ' || count(*) || ' up to position ' || coalesce(max(position), 0)
        || ', and the counter says '
        || coalesce((SELECT last_position FROM event_positions WHERE org_id = ORG), 0)
    FROM events WHERE org_id = ORG
    HAVING count(*) <> coalesce(max(position), 0)
        OR count(*) <> coalesce((SELECT last_position FROM event_positions WHERE org_id = ORG), 0)
    UNION ALL
    SELECT concat_ws(' ', 'events: document', i.id, 'was told', count(e.id), 'times')
    FROM invoices i
    LEFT JOIN events e ON e.org_id = i.org_id AND e.invoice_id = i.id
        AND e.kind = i.kind || '_finalized' AND e.customer_id = i.customer_id
        AND e.effective_on = i.issue_on
    WHERE i.org_id = ORG AND EXISTS (SELECT FROM document_numbers n
        WHERE n.org_id = i.org_id AND n.document_id = i.id)
    GROUP BY i.id HAVING count(e.id) <> 1
    UNION ALL
    SELECT concat_ws(' ', 'events:', i.state, i.kind, i.id, 'was told to be settled',
        count(e.id) FILTER (WHERE e.kind = 'invoice_settled'), 'times and opened again',
        count(e.id) FILTER (WHERE e.kind = 'invoice_reopened'))
    FROM invoices i
    LEFT JOIN events e ON e.org_id = i.org_id AND e.invoice_id = i.id
        AND e.kind IN ('invoice_settled', 'invoice_reopened')
    WHERE i.org_id = ORG GROUP BY i.id, i.state, i.kind
    HAVING count(e.id) FILTER (WHERE e.kind = 'invoice_settled')
        - count(e.id) FILTER (WHERE e.kind = 'invoice_reopened')
        <> CASE WHEN i.kind = 'invoice' AND i.state = 'settled' THEN 1 ELSE 0 END
    UNION ALL
    SELECT concat_ws(' ', 'events: invoice', i.id, 'was told to be written off', count(e.id), 'times')
    FROM invoices i LEFT JOIN write_offs w ON w.org_id = i.org_id AND w.invoice_id = i.id
    LEFT JOIN events e ON e.org_id = i.org_id AND e.invoice_id = i.id
        AND e.kind = 'invoice_written_off'
    WHERE i.org_id = ORG GROUP BY i.id, w.times HAVING count(e.id) <> coalesce(w.times, 0)
    UNION ALL
    SELECT concat_ws(' ', 'events: attempt', a.number, 'of invoice', a.invoice_id, 'is', a.state,
        'and was not told')
    FROM payment_attempts a WHERE a.org_id = ORG AND a.state IN ('declined', 'bounced')
        AND NOT EXISTS (SELECT FROM events e WHERE e.org_id = a.org_id
            AND e.invoice_id = a.invoice_id AND e.kind = 'payment_failed'
            AND e.payload->'collection'->>'attempt' = a.number::text)
    UNION ALL
    SELECT concat_ws(' ', 'events:', e.kind, e.effective_on, 'of invoice', e.invoice_id,
        'is no step that was done')
    FROM events e WHERE e.org_id = ORG AND e.payload->'collection'->>'step' IS NOT NULL
        AND NOT EXISTS (SELECT FROM collection_steps s WHERE s.org_id = e.org_id
            AND s.invoice_id = e.invoice_id AND s.done_on = e.effective_on
            AND s.action = e.payload->'collection'->>'step')
    UNION ALL
    SELECT concat_ws(' ', 'events: invoice', a.invoice_id, 'is overdue since', a.day_zero,
        'and was told', count(e.id), 'times')
    FROM arrears a LEFT JOIN events e ON e.org_id = a.org_id AND e.invoice_id = a.invoice_id
        AND e.kind = 'invoice_overdue' AND e.effective_on = a.day_zero
    WHERE a.org_id = ORG GROUP BY a.invoice_id, a.day_zero HAVING count(e.id) <> 1
    UNION ALL
    SELECT concat_ws(' ', 'events:', e.kind, e.position, 'has an account that is not the vendor''s')
    FROM events e JOIN organizations o ON o.org_id = e.org_id
    WHERE e.org_id = ORG AND replace(e.payload::text, coalesce(o.iban, ' '), '')
        ~ 'NL[0-9]{2}[A-Z]{4}[0-9]{10}|BE[0-9]{14}'";

/// Looks at all of an organization.
pub(super) async fn check(sql: &Client, org: OrgId, findings: &mut Vec<String>) {
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&question, &[]).await.expect("the events");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
}
