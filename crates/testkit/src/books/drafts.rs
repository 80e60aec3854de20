//! Drafts: none is kept longer than its grace, and none is changed on the way to its document.
//!
//! Deliberately absent: which days they charge (`charges`, `coverage`); the VAT of live ones, which
//! is of the day on which they were made and decided anew.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::id::OrgId;
use tokio_postgres::Client;

use super::amounts::{ONE, fine, rounded};
use super::rows::{Draft, Rows};

/// What is wrong, one row of text each; `ORG` is the organization.
const FINDINGS: &str = "
    SELECT concat_ws(' ', 'draft', d.id, d.state, 'and', count(i.id), 'documents')
    FROM drafts d LEFT JOIN invoices i ON i.org_id = d.org_id AND i.id = d.id
    WHERE d.org_id = ORG GROUP BY d.id, d.state
    HAVING count(i.id) <> CASE WHEN d.state = 'finalized' THEN 1 ELSE 0 END
    UNION ALL
    SELECT concat_ws(' ', 'draft', d.id, 'became', i.issue_on, i.billing_on, i.net_minor, i.currency)
    FROM drafts d JOIN invoices i ON i.org_id = d.org_id AND i.id = d.id
    WHERE d.org_id = ORG AND ((d.customer_id, d.currency, d.billing_on, d.net_minor)
            IS DISTINCT FROM (i.customer_id, i.currency, i.billing_on, i.net_minor)
        OR i.issue_on < d.made_on)
    UNION ALL
    SELECT concat_ws(' ', 'draft line', coalesce(d.id, l.id), 'and its document differ')
    FROM (SELECT * FROM draft_lines WHERE org_id = ORG AND draft_id IN
            (SELECT id FROM drafts WHERE org_id = ORG AND state = 'finalized')) d
    FULL JOIN (SELECT * FROM invoice_lines WHERE org_id = ORG AND invoice_id IN
            (SELECT id FROM drafts WHERE org_id = ORG)) l ON l.id = d.id
    WHERE (d.draft_id, d.position, d.kind, d.subscription_id, d.item_id, d.change_number, d.charge_id,
            d.product_id, d.description, d.unit_label, d.revenue, d.service_from, d.service_until,
            d.quantity, d.unit_price, d.discount_minor, d.net_minor)
        IS DISTINCT FROM (l.invoice_id, l.position, l.kind, l.subscription_id, l.item_id,
            l.change_number, l.charge_id, l.product_id, l.description, l.unit_label, l.revenue,
            l.service_from, l.service_until, l.quantity, l.unit_price, l.discount_minor, l.net_minor)
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, c.state, 'stands on a draft that is', d.state)
    FROM charges c JOIN drafts d ON d.org_id = c.org_id AND d.id = c.draft_id
    WHERE c.org_id = ORG AND (c.state, d.state) NOT IN
        (('drafted', 'draft'), ('waived', 'discarded'), ('billed', 'finalized'))
    UNION ALL
    SELECT concat_ws(' ', 'charge', c.id, 'stands on', count(l.id), 'lines of its draft')
    FROM charges c LEFT JOIN draft_lines l ON l.org_id = c.org_id AND l.charge_id = c.id
        AND l.draft_id = c.draft_id AND (l.net_minor, l.quantity, l.unit_price, l.product_id)
            = (c.net_minor, c.quantity, c.unit_price, c.product_id)
    WHERE c.org_id = ORG AND c.draft_id IS NOT NULL GROUP BY c.id HAVING count(l.id) <> 1
    UNION ALL
    SELECT concat_ws(' ', 'draft', d.id, 'was told', e.kind)
    FROM drafts d JOIN events e ON e.org_id = d.org_id AND e.invoice_id = d.id
    WHERE d.org_id = ORG AND d.state <> 'finalized'
    UNION ALL
    SELECT concat_ws(' ', 'draft', d.id, 'is posted')
    FROM drafts d JOIN journal_entries e ON e.org_id = d.org_id AND e.source_id = d.id
    WHERE d.org_id = ORG AND d.state <> 'finalized'";

/// Looks at all of an organization.
pub(super) async fn check(
    sql: &Client,
    org: OrgId,
    (rows, today): (&Rows, NaiveDate),
    findings: &mut Vec<String>,
) {
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let wrong = sql.query(&question, &[]).await.expect("the drafts");
    findings.extend(wrong.iter().map(|row| row.get::<_, String>(0)));
    for draft in &rows.drafts {
        let is_set_aside = rows.customer(draft.customer_id).is_set_aside;
        if draft.state == "draft" && draft.finalize_on <= today && !is_set_aside {
            findings.push(format!("draft {}: its grace ended on {}", draft.id, draft.finalize_on));
        }
        check_sums(rows, draft, findings);
    }
}

fn check_sums(rows: &Rows, draft: &Draft, findings: &mut Vec<String>) {
    let mut bases: BTreeMap<(&str, i128), i128> = BTreeMap::new();
    for line in rows.lines_of(draft.id) {
        *bases.entry((&line.vat_class, fine(&line.vat_percent))).or_default() += line.net_minor;
    }
    let net: i128 = bases.values().sum();
    let tax: i128 =
        bases.iter().map(|((_, percent), base)| rounded(base * percent, 100 * ONE)).sum();
    let kind = if net + tax < 0 { "credit_note" } else { "invoice" };
    let expected = (net, tax, net + tax, kind);
    let has = (draft.net_minor, draft.tax_minor, draft.total_minor, draft.kind.as_str());
    if has != expected {
        findings.push(format!("draft {}: {has:?} instead of {expected:?}", draft.id));
    }
}
