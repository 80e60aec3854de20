//! The state of an organization's books as text.
//!
//! Purpose: two histories that must have the same end are compared by their snapshots. Things are
//! named by natural keys (number, customer, item, date), because the ids of documents differ from
//! run to run.

use domain::id::OrgId;
use tokio_postgres::SimpleQueryMessage;

use crate::Database;

/// What is compared: one column of text each.
const VIEWS: [&str; 19] = [
    "SELECT concat_ws(' ', 'invoice', n.number, i.customer_id, i.state, i.billing_on, i.issue_on, \
         i.due_on, i.net_minor, i.tax_minor, i.total_minor, i.open_minor, i.currency) \
     FROM invoices i LEFT JOIN document_numbers n ON n.org_id = i.org_id AND n.document_id = i.id \
     WHERE i.org_id = ORG",
    "SELECT concat_ws(' ', 'line', n.number, l.position, l.item_id, l.service_from, \
         l.service_until, l.quantity, l.unit_price, l.net_minor, l.vat_class, l.vat_percent) \
     FROM invoice_lines l \
     LEFT JOIN document_numbers n ON n.org_id = l.org_id AND n.document_id = l.invoice_id \
     WHERE l.org_id = ORG",
    "SELECT concat_ws(' ', 'vat', n.number, v.vat_class, v.vat_percent, v.base_minor, v.tax_minor) \
     FROM invoice_vat v \
     LEFT JOIN document_numbers n ON n.org_id = v.org_id AND n.document_id = v.invoice_id \
     WHERE v.org_id = ORG",
    "SELECT concat_ws(' ', 'posting', e.posted_on, e.source_kind, e.source_part, n.number, \
         l.item_id, l.service_from, p.account, p.amount_minor, p.currency, p.vat_class, p.vat_percent) \
     FROM postings p JOIN journal_entries e ON e.org_id = p.org_id AND e.id = p.entry_id \
     LEFT JOIN document_numbers n ON n.org_id = p.org_id AND n.document_id = e.source_id \
     LEFT JOIN invoice_lines l ON l.org_id = p.org_id AND l.id = e.source_id WHERE p.org_id = ORG",
    "SELECT concat_ws(' ', 'deferral', l.item_id, l.service_from, d.account, d.net_minor, \
         d.earned_until, d.earned_minor, d.next_on) \
     FROM deferrals d JOIN invoice_lines l ON l.org_id = d.org_id AND l.id = d.line_id \
     WHERE d.org_id = ORG",
    "SELECT concat_ws(' ', 'subscription', id, state, billed_on, changes, ends_on, next_billing_on, \
         next_turn_on) FROM subscriptions WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'item', subscription_id, component, quantity, from_on, until_on, \
         charged_from, billed_until) FROM subscription_items WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'account', customer_id, currency, due_on, set_aside, balance_minor) \
     FROM billing_accounts WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'event', e.kind, e.effective_on, e.customer_id, e.subscription_id, n.number) \
     FROM events e \
     LEFT JOIN document_numbers n ON n.org_id = e.org_id AND n.document_id = e.invoice_id \
     WHERE e.org_id = ORG",
    "SELECT concat_ws(' ', 'charge', c.customer_id, c.description, c.net_minor, c.bill_on, c.state, \
         n.number) FROM charges c \
     LEFT JOIN document_numbers n ON n.org_id = c.org_id AND n.document_id = c.invoice_id \
     WHERE c.org_id = ORG",
    "SELECT concat_ws(' ', 'draft', customer_id, kind, state, currency, billing_on, made_on, due_on, \
         finalize_on, net_minor, tax_minor, total_minor, discarded_by, reason) \
     FROM drafts WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'draft line', d.customer_id, d.billing_on, l.position, l.kind, l.item_id, \
         l.description, l.service_from, l.service_until, l.quantity, l.unit_price, l.discount_minor, \
         l.net_minor, l.vat_class, l.vat_percent) \
     FROM draft_lines l JOIN drafts d ON d.org_id = l.org_id AND d.id = l.draft_id \
     WHERE l.org_id = ORG",
    "SELECT concat_ws(' ', 'paid off', c.number, i.number, a.amount_minor) \
     FROM credit_allocations a \
     JOIN document_numbers c ON c.org_id = a.org_id AND c.document_id = a.credit_note_id \
     JOIN document_numbers i ON i.org_id = a.org_id AND i.document_id = a.invoice_id \
     WHERE a.org_id = ORG",
    "SELECT concat_ws(' ', 'collection', n.number, c.state, c.day_zero, c.class, c.next_at, \
         c.next_action) FROM collections c \
     JOIN document_numbers n ON n.org_id = c.org_id AND n.document_id = c.invoice_id \
     WHERE c.org_id = ORG",
    "SELECT concat_ws(' ', 'attempt', n.number, a.number, a.state, a.amount_minor) \
     FROM payment_attempts a \
     JOIN document_numbers n ON n.org_id = a.org_id AND n.document_id = a.invoice_id \
     WHERE a.org_id = ORG",
    "SELECT concat_ws(' ', 'payment', customer_id, kind, amount_minor, booked_on) \
     FROM payments WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'investment', id, state, accrued_minor, credited_minor, forgone_minor, \
         recouped_on, completed_on) FROM investments WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'share', investment_id, month, revenue_minor, accrual_minor, \
         accrued_minor, credited_minor, principal_minor, carried_minor) \
     FROM investment_months WHERE org_id = ORG",
    "SELECT concat_ws(' ', 'series', series, year, next_sequence, last_issue_on) \
     FROM number_series WHERE org_id = ORG",
];

/// Everything that billing and recognition leave behind, sorted.
pub async fn snapshot(database: &Database, org: OrgId) -> Vec<String> {
    let sql = database.sql().await;
    let mut lines = Vec::new();
    for view in VIEWS {
        let query = view.replace("ORG", &format!("'{org}'"));
        for message in sql.simple_query(&query).await.expect("a view of the books") {
            if let SimpleQueryMessage::Row(row) = message {
                lines.push(row.get(0).unwrap_or_default().to_owned());
            }
        }
    }
    lines.sort_unstable();
    lines
}
