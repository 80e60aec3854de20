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
            AND a.customer_id = c.customer_id AND a.resolved_at IS NULL)
    UNION ALL
    SELECT concat_ws(' ', 'late fee', c.id, 'is charged by no step of a policy')
    FROM charges c WHERE c.org_id = ORG AND c.late_fee_of IS NOT NULL AND NOT EXISTS (
        SELECT FROM collection_steps s
        JOIN collections o ON o.org_id = ORG AND o.invoice_id = s.invoice_id
        JOIN dunning_policies p ON p.org_id = ORG AND p.id = o.policy_id
        JOIN dunning_late_fees f ON f.org_id = ORG AND f.policy_id = p.id
        WHERE s.org_id = ORG AND s.invoice_id = c.late_fee_of AND s.action = 'charge_late_fee'
            AND (o.customer_id, o.currency, p.late_fee_product_id, f.currency, f.amount_minor)
                = (c.customer_id, c.currency, c.product_id, c.currency, c.net_minor))
    UNION ALL
    SELECT concat_ws(' ', 'late fee', c.id, 'is not alone on', l.invoice_id)
    FROM charges c JOIN invoice_lines l ON l.org_id = c.org_id AND l.invoice_id = c.invoice_id
    WHERE c.org_id = ORG AND c.late_fee_of IS NOT NULL AND l.charge_id IS DISTINCT FROM c.id
    UNION ALL
    SELECT concat_ws(' ', 'late fee', c.id, 'is one of a late fee')
    FROM charges c JOIN charges o ON o.org_id = c.org_id AND o.invoice_id = c.late_fee_of
    WHERE c.org_id = ORG AND o.late_fee_of IS NOT NULL";

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
