//! One-off charges: each on its invoice once, as it was agreed, or not at all.

use domain::id::OrgId;
use tokio_postgres::Client;

/// What is wrong, one row of text each; `ORG` is the organization and `TODAY` its date.
const FINDINGS: &str = "
    SELECT concat_ws(' ', 'charge', c.id, c.state, 'stands on', count(l.id), 'lines')
    FROM charges c LEFT JOIN invoice_lines l ON l.org_id = c.org_id AND l.charge_id = c.id
    WHERE c.org_id = ORG GROUP BY c.id, c.state, c.invoice_id
    HAVING count(l.id) <> CASE WHEN c.state = 'billed' AND c.invoice_id IS NOT NULL THEN 1 ELSE 0 END
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, 'is not what its line says', l.id)
    FROM charges c JOIN invoice_lines l ON l.org_id = c.org_id AND l.charge_id = c.id
    JOIN invoices i ON i.org_id = c.org_id AND i.id = l.invoice_id
    WHERE c.org_id = ORG AND (c.invoice_id, c.customer_id, c.currency, c.product_id, c.description,
            c.quantity, c.unit_price, c.net_minor, c.service_from, c.service_until)
        IS DISTINCT FROM (i.id, i.customer_id, i.currency, l.product_id, l.description,
            l.quantity, l.unit_price, l.net_minor, l.service_from, l.service_until)
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, 'was to be billed on', c.bill_on, 'and not on', i.billing_on)
    FROM charges c JOIN invoices i ON i.org_id = c.org_id AND i.id = c.invoice_id
    WHERE c.org_id = ORG AND i.billing_on <> c.bill_on
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, 'costs', c.net_minor)
    FROM charges c WHERE c.org_id = ORG AND c.currency = 'EUR'
        AND c.net_minor <> round(c.quantity * c.unit_price, 2) * 100
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, 'waits since', c.bill_on)
    FROM charges c WHERE c.org_id = ORG AND c.state = 'waiting' AND c.bill_on <= 'TODAY'
        AND NOT EXISTS (SELECT FROM set_asides a WHERE a.org_id = ORG
            AND a.customer_id = c.customer_id AND a.resolved_at IS NULL)";

/// Looks at all of an organization.
pub(super) async fn check(
    sql: &Client,
    org: OrgId,
    today: chrono::NaiveDate,
    findings: &mut Vec<String>,
) {
    let question =
        FINDINGS.replace("ORG", &format!("'{org}'")).replace("TODAY", &today.to_string());
    let rows = sql.query(&question, &[]).await.expect("the one-off charges");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
}
