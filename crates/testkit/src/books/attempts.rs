//! Attempts and collections: what is open is being worked on, and what came is recorded once.
//!
//! Purpose: every attempt stands as its payments and entries say; every invoice of which something
//! is to be paid has a collection that waits for a moment, is under way, is asked about, is held, or
//! is listed for a person; nothing that is paid is still collected. Refunds that gateways carry out
//! went once, and set apart what may still go.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::id::OrgId;
use serde::Deserialize;
use tokio_postgres::Client;

use super::postings::Place;

/// An entry of an attempt, with the attempt's own amount.
#[derive(Debug, Deserialize)]
pub(super) struct Transit {
    posted_on: NaiveDate,
    source_kind: String,
    currency: String,
    amount_minor: i128,
}

/// The entries of attempts. The day on which a bank accepted something is known by the entry alone.
pub(super) const TRANSITS: &str = "SELECT e.posted_on, e.source_kind, a.currency, a.amount_minor \
     FROM journal_entries e JOIN payment_attempts a ON a.org_id = e.org_id AND a.id = e.source_id \
     WHERE e.org_id = ORG AND e.source_kind IN ('attempt_accepted', 'attempt_failed')";

/// What is wrong, one row of text each; `ORG` is the organization.
const FINDINGS: &str = "
    WITH attempts AS (
        SELECT a.*,
            (SELECT count(*) FROM payments p WHERE p.org_id = a.org_id AND p.attempt_id = a.id
                AND p.kind = 'collection' AND p.amount_minor = a.amount_minor
                AND p.currency = a.currency AND p.customer_id = a.customer_id) AS paid,
            (SELECT count(*) FROM payments p WHERE p.org_id = a.org_id AND p.attempt_id = a.id
                AND p.kind = 'collection' AND p.in_transit) AS arrived,
            (SELECT count(*) FROM payments b JOIN payments p ON p.org_id = b.org_id
                AND p.id = b.reverses WHERE b.org_id = a.org_id AND p.attempt_id = a.id) AS back,
            (SELECT count(*) FROM journal_entries e WHERE e.org_id = a.org_id
                AND e.source_id = a.id AND e.source_kind = 'attempt_accepted') AS accepted,
            (SELECT count(*) FROM journal_entries e WHERE e.org_id = a.org_id
                AND e.source_id = a.id AND e.source_kind = 'attempt_failed') AS failed
        FROM payment_attempts a WHERE a.org_id = ORG
    ), open_attempts AS (
        SELECT invoice_id, count(*) AS attempts, min(state) AS state,
            bool_or(ask_at IS NULL) AS lost
        FROM attempts WHERE state IN ('submitting', 'accepted', 'unknown') GROUP BY invoice_id
    )
    SELECT concat_ws(' ', 'attempt', id, 'is', state, 'with', paid, 'payments and', back, 'returns')
    FROM attempts WHERE paid <> CASE WHEN state IN ('settled', 'bounced') THEN 1 ELSE 0 END
        OR back > paid OR (state = 'bounced' AND back <> 1)
    UNION ALL
    SELECT concat_ws(' ', 'attempt', id, 'is', state, 'and was accepted', accepted, 'times, failed',
        failed, 'and arrived', arrived)
    FROM attempts WHERE accepted > 1 OR in_transit <> (state = 'accepted')
        OR accepted - failed - arrived <> CASE WHEN in_transit THEN 1 ELSE 0 END
    UNION ALL
    SELECT concat_ws(' ', 'attempt', a.id, 'is of another than its invoice')
    FROM attempts a JOIN invoices i ON i.org_id = ORG AND i.id = a.invoice_id
    WHERE i.customer_id <> a.customer_id OR i.currency <> a.currency
    UNION ALL
    SELECT concat_ws(' ', 'invoice', invoice_id, 'has', attempts, 'open attempts')
    FROM open_attempts WHERE attempts > 1
    UNION ALL
    SELECT concat_ws(' ', 'invoice', i.id, 'is open by', i.open_minor, 'and its collection',
        coalesce(c.state, 'is not there'))
    FROM invoices i LEFT JOIN collections c ON c.org_id = ORG AND c.invoice_id = i.id
    WHERE i.org_id = ORG AND i.kind = 'invoice'
        AND (i.open_minor > 0) <> (coalesce(c.state, 'closed') <> 'closed')
    UNION ALL
    SELECT concat_ws(' ', 'collection', c.invoice_id, 'is', c.state, 'with an attempt that is', o.state)
    FROM collections c JOIN invoices i ON i.org_id = ORG AND i.id = c.invoice_id
    LEFT JOIN open_attempts o ON o.invoice_id = c.invoice_id
    WHERE c.org_id = ORG AND c.state <> 'closed' AND CASE
        WHEN o.state IS NULL THEN c.state IN ('under_way', 'unknown')
        WHEN o.lost THEN c.state <> 'person'
        WHEN o.state = 'unknown' THEN c.state <> 'unknown'
        ELSE c.state <> 'under_way' END
    UNION ALL
    SELECT concat_ws(' ', 'collection', c.invoice_id, 'is', c.state, 'and nothing says when or by whom')
    FROM collections c WHERE c.org_id = ORG AND (c.why = '' OR (c.state = 'waiting' AND c.next_at IS NULL)
        OR (c.state = 'held' AND (c.held_by IS NULL OR (c.held_until IS NULL) <> (c.next_at IS NULL))))
    UNION ALL
    SELECT concat_ws(' ', 'collection', c.invoice_id, 'counts', c.attempts, 'attempts')
    FROM collections c WHERE c.org_id = ORG AND c.attempts <>
        (SELECT count(*) FROM attempts a WHERE a.invoice_id = c.invoice_id)
    UNION ALL
    SELECT concat_ws(' ', 'refund', r.id, 'is', r.state, 'with', count(p.id), 'payments')
    FROM payment_refunds r LEFT JOIN payments p ON p.org_id = ORG AND p.id = r.id
        AND p.kind = 'refund' AND p.amount_minor = -r.amount_minor AND p.currency = r.currency
        AND p.customer_id = r.customer_id
    WHERE r.org_id = ORG GROUP BY r.id, r.state
    HAVING count(p.id) <> CASE WHEN r.state = 'settled' THEN 1 ELSE 0 END
    UNION ALL
    SELECT concat_ws(' ', 'payment', p.id, 'is refunded beyond what it is')
    FROM payments p WHERE p.org_id = ORG AND p.kind = 'collection' AND p.amount_minor <
        (SELECT sum(r.amount_minor) FROM payment_refunds r
         WHERE r.org_id = ORG AND r.payment_id = p.id AND r.state <> 'declined'
            AND NOT EXISTS (SELECT FROM payments b WHERE b.org_id = ORG AND b.reverses = r.id))
    UNION ALL
    SELECT concat_ws(' ', 'account', a.customer_id, a.currency, 'sets apart', a.refunding_minor)
    FROM billing_accounts a WHERE a.org_id = ORG AND a.refunding_minor <>
        (SELECT coalesce(sum(r.amount_minor), 0) FROM payment_refunds r
         WHERE r.org_id = ORG AND r.customer_id = a.customer_id AND r.currency = a.currency
            AND r.state IN ('submitting', 'accepted', 'unknown'))
    UNION ALL
    SELECT concat_ws(' ', 'customer', c.id, 'is in arrears:', c.in_arrears)
    FROM customers c WHERE c.org_id = ORG AND c.in_arrears <> EXISTS (
        SELECT FROM arrears a WHERE a.org_id = ORG AND a.customer_id = c.id)";

/// Looks at all of an organization.
pub(super) async fn check(sql: &Client, org: OrgId, findings: &mut Vec<String>) {
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&question, &[]).await.expect("the attempts");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
}

/// What attempts post: what is under way is no receivable, and one again when it fails.
pub(super) fn post(transits: &[Transit], ledger: &mut BTreeMap<Place, i128>) {
    for one in transits {
        let way = if one.source_kind == "attempt_accepted" { 1 } else { -1 };
        for (account, sign) in [("1010", way), ("1300", -way)] {
            let place = (one.posted_on, account.to_owned(), one.currency.clone(), None);
            *ledger.entry(place).or_default() += sign * one.amount_minor;
        }
    }
}
