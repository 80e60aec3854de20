//! Events: one after the other without a gap, and one for every document and settlement.

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
    WHERE i.org_id = ORG GROUP BY i.id, w.times HAVING count(e.id) <> coalesce(w.times, 0)";

/// Looks at all of an organization.
pub(super) async fn check(sql: &Client, org: OrgId, findings: &mut Vec<String>) {
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&question, &[]).await.expect("the events");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
}
