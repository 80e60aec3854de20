//! Investors: what they invested, were credited and paid, and what they are told.
//!
//! Purpose: the months of every investment are walked from the first; documents, numbers, payouts
//! and entries are looked at one by one; and every investor's statement says what documents and
//! ledger say.

use std::collections::{BTreeMap, HashMap};

use app::Ctx;
use app::statement::Total;
use chrono::NaiveDate;
use domain::id::{CustomerId, OrgId};
use serde::Deserialize;
use tokio_postgres::Client;
use uuid::Uuid;

use super::amounts::{ONE, fine, rounded};
use super::postings::Place;
use super::rows::{Rows, all};

/// Sources whose entries are looked at one by one, by [`FINDINGS`].
pub(super) const APART: [&str; 5] =
    ["investor_invoice", "payout_sent", "payout_settled", "payout_bounced", "feature_retired"];

/// A document of credits with the sums of its lines.
#[derive(Debug, Deserialize)]
pub(super) struct SelfBill {
    issue_on: NaiveDate,
    currency: String,
    tax_minor: i128,
    total_minor: i128,
    net: i128,
    principal: i128,
    vat_class: String,
    vat_percent: String,
    /// Whether the vendor reclaims no VAT.
    small_business: bool,
}

/// The documents of credits.
pub(super) const SELF_BILLS: &str = "SELECT b.issue_on, b.currency, b.tax_minor, b.total_minor, \
         sum(l.net_minor) AS net, sum(l.principal_minor) AS principal, \
         min(l.vat_class) AS vat_class, min(l.vat_percent)::text AS vat_percent, \
         coalesce((b.buyer->>'small_business')::boolean, false) AS small_business \
     FROM self_bills b JOIN self_bill_lines l ON l.org_id = b.org_id AND l.self_bill_id = b.id \
     WHERE b.org_id = ORG GROUP BY b.org_id, b.id";

/// An investment.
#[derive(Debug, Deserialize)]
pub(super) struct Investment {
    id: Uuid,
    pub(super) invoice_id: Option<Uuid>,
    pub(super) vat_treatment: String,
    state: String,
    principal_minor: i128,
    return_percent: String,
    cap_minor: i128,
    accrued_minor: i128,
    credited_minor: i128,
    /// Taken back of it by documents of their own.
    taken_back: i128,
    months: Vec<Month>,
}

/// A month of it.
#[derive(Debug, Deserialize)]
struct Month {
    month: NaiveDate,
    accrual_minor: i128,
    accrued_minor: i128,
    credited_minor: i128,
    principal_minor: i128,
    credited_total_minor: i128,
    carried_minor: i128,
}

/// The investments.
pub(super) const INVESTMENTS: &str = "SELECT v.id, v.invoice_id, v.vat_treatment, v.state, \
         v.principal_minor, v.return_percent::text AS return_percent, v.cap_minor, \
         v.accrued_minor, v.credited_minor, \
         (SELECT coalesce(-sum(l.net_minor), 0) FROM self_bill_lines l JOIN self_bills b \
             ON b.org_id = l.org_id AND b.id = l.self_bill_id WHERE l.org_id = v.org_id \
             AND l.investment_id = v.id AND l.net_minor < 0 AND b.corrects_id IS NULL) AS taken_back, \
         (SELECT coalesce(json_agg(m ORDER BY m.month), '[]') FROM investment_months m \
             WHERE m.org_id = v.org_id AND m.investment_id = v.id) AS months \
     FROM investments v WHERE v.org_id = ORG";

/// What documents of credits post: principal first, then return, and VAT; all of it is owed. VAT that
/// is not reclaimed is a cost.
pub(super) fn post(rows: &Rows, ledger: &mut BTreeMap<Place, i128>) {
    for bill in &rows.self_bills {
        let mut post = |account: &str, vat, amount: i128| {
            let place = (bill.issue_on, account.to_owned(), bill.currency.clone(), vat);
            *ledger.entry(place).or_default() += amount;
        };
        post("1620", None, bill.principal);
        post("4500", None, bill.net - bill.principal);
        let vat = (bill.vat_class.clone(), fine(&bill.vat_percent));
        match bill.small_business {
            true => post("4500", None, bill.tax_minor),
            false => post("1530", Some(vat), bill.tax_minor),
        }
        post("1600", None, -bill.total_minor);
    }
}

/// Looks at all of an organization.
pub(super) async fn check(sql: &Client, ctx: &Ctx, org: OrgId, findings: &mut Vec<String>) {
    let investments: Vec<Investment> = all(sql, org, INVESTMENTS).await;
    for investment in &investments {
        let wrong = |what: String| format!("investment {}: {what}", investment.id);
        findings.extend(walk(investment).into_iter().map(wrong));
    }
    let question = FINDINGS.replace("ORG", &format!("'{org}'"));
    let rows = sql.query(&question, &[]).await.expect("the investors");
    findings.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    statements(sql, ctx, org, findings).await;
}

/// Walks the months of an investment: what accrued, what could be credited, and what was.
fn walk(investment: &Investment) -> Vec<String> {
    let mut found = Vec::new();
    let principal = investment.principal_minor;
    let returned = rounded(principal * fine(&investment.return_percent), 100 * ONE);
    if investment.cap_minor != principal + returned {
        found.push(format!("the cap is {}", investment.cap_minor));
    }
    let (mut accrued, mut months, mut taken_back) = (0, 0, 0);
    let mut last = None;
    for month in &investment.months {
        accrued += month.accrual_minor;
        months += month.credited_minor;
        // What was taken back since lowers the total.
        let before = month.credited_total_minor - month.credited_minor;
        taken_back = months - month.credited_total_minor;
        let left = accrued.min(investment.cap_minor) - before;
        let carried = if month.credited_minor == 0 { left } else { left - month.credited_minor };
        let part = month.credited_total_minor.min(principal) - before.min(principal);
        let follows = last.replace(month.month).is_none_or(|last| last < month.month);
        let is_right = follows
            && month.accrued_minor == accrued
            && month.carried_minor == carried
            && month.principal_minor == part
            && [0, left.max(0)].contains(&month.credited_minor)
            && (0..=investment.taken_back).contains(&taken_back);
        if !is_right {
            found.push(format!("{accrued} accrued, {before} credited before: {month:?}"));
        }
    }
    let credited = months - investment.taken_back;
    if (investment.accrued_minor, investment.credited_minor) != (accrued, credited)
        || credited > investment.cap_minor
        || taken_back > investment.taken_back
    {
        found.push(format!("{accrued} accrued and {credited} credited: {investment:?}"));
    }
    let state = match credited {
        _ if ["proposed", "accepted", "withdrawn"].contains(&&*investment.state) => return found,
        _ if credited == investment.cap_minor && accrued >= credited => "completed",
        _ if credited >= principal => "recouped",
        1.. => "recouping",
        _ => "funded",
    };
    if investment.state != state {
        found.push(format!("is {} and not {state}", investment.state));
    }
    found
}

/// What is wrong, one row of text each; `ORG` is the organization.
const FINDINGS: &str = "
    WITH moved AS (
        SELECT e.source_kind AS kind, e.source_id AS id, p.account, sum(p.amount_minor) AS amount
        FROM journal_entries e JOIN postings p ON p.org_id = e.org_id AND p.entry_id = e.id
        WHERE e.org_id = ORG GROUP BY 1, 2, 3
    ), payouts_moved AS (
        SELECT p.*, coalesce(a.amounts, '{}') AS amounts,
            CASE WHEN p.state IN ('sent', 'settled') THEN p.amount_minor ELSE 0 END AS gone,
            (SELECT count(*) FROM journal_entries e WHERE e.org_id = ORG AND e.source_id = p.id
                AND e.source_kind = 'payout_sent') AS sent,
            (SELECT max(e.posted_on) FROM journal_entries e WHERE e.org_id = ORG
                AND e.source_id = p.id AND e.source_kind = 'payout_sent') AS last_sent_on
        FROM payouts p LEFT JOIN (
            SELECT id, jsonb_object_agg(account, amount) AS amounts FROM (
                SELECT id, account, sum(amount) AS amount FROM moved
                WHERE starts_with(kind, 'payout_') GROUP BY 1, 2) one
            WHERE amount <> 0 GROUP BY id) a ON a.id = p.id
        WHERE p.org_id = ORG
    )
    SELECT concat_ws(' ', 'payout', id, 'is', state, 'and posted', amounts::text)
    FROM payouts_moved WHERE coalesce((amounts->>'1600')::bigint, 0) <> gone
        OR coalesce((amounts->>'1610')::bigint, 0) <> CASE state WHEN 'sent' THEN -amount_minor ELSE 0 END
        OR coalesce((amounts->>'1000')::bigint, 0) <> CASE state WHEN 'settled' THEN -amount_minor ELSE 0 END
        OR amounts - ARRAY['1000', '1600', '1610'] <> '{}'
    UNION ALL
    SELECT concat_ws(' ', 'payout', id, 'was sent', times, 'times, on', sent_on, 'and posted', sent, last_sent_on)
    FROM payouts_moved WHERE times <> sent OR (times > 0 AND sent_on IS DISTINCT FROM last_sent_on)
    UNION ALL
    SELECT concat_ws(' ', 'payout', p.id, 'pays', p.amount_minor, 'and sets off', p.set_off_minor)
    FROM payouts p JOIN self_bills b ON b.org_id = ORG AND b.id = p.self_bill_id
    WHERE p.org_id = ORG AND (p.amount_minor + p.set_off_minor
            <> b.total_minor + coalesce(b.own_tax_minor, 0)
        OR (p.amount_minor = 0 AND p.state <> 'cancelled'))
    UNION ALL
    SELECT concat_ws(' ', 'batch', b.id, 'is of', b.count, b.total_minor)
    FROM payout_batches b WHERE b.org_id = ORG AND EXISTS (
        SELECT FROM payouts p WHERE p.org_id = ORG AND p.batch_id = b.id HAVING count(*) > b.count
            OR sum(p.amount_minor) > b.total_minor)
    UNION ALL
    SELECT concat_ws(' ', 'document', b.id, 'has VAT', b.own_tax_minor, 'and posted', m.amount)
    FROM self_bills b LEFT JOIN moved m ON m.kind = 'investor_invoice' AND m.id = b.id
        AND m.account = CASE b.buyer->>'small_business' WHEN 'true' THEN '4500' ELSE '1530' END
    WHERE b.org_id = ORG AND coalesce(b.own_tax_minor, 0) <> coalesce(m.amount, 0)
    UNION ALL
    SELECT concat_ws(' ', 'investment', v.id, 'forgoes', v.forgone_minor, 'and posted', m.amount)
    FROM investments v LEFT JOIN moved m ON m.kind = 'feature_retired' AND m.id = v.id AND m.account = '1620'
    WHERE v.org_id = ORG AND v.forgone_minor <> coalesce(m.amount, 0)
    UNION ALL
    SELECT concat_ws(' ', 'document', b.id, b.kind, 'has a line of', l.vat_class, l.vat_percent)
    FROM self_bills b JOIN self_bill_lines l ON l.org_id = ORG AND l.self_bill_id = b.id
    WHERE b.org_id = ORG AND (l.vat_class <> CASE b.vat_treatment
            WHEN 'with_vat' THEN CASE l.vat_percent WHEN 0 THEN 'Z' ELSE 'S' END
            WHEN 'small_business' THEN 'E' WHEN 'reverse_charge' THEN 'AE' ELSE 'O' END
        OR (b.vat_treatment <> 'with_vat' AND l.vat_percent <> 0)
        OR (b.kind IN ('invoice', 'credit_note') AND b.currency = 'EUR'
            AND b.tax_minor <> round(b.net_minor * l.vat_percent / 100)))
    UNION ALL
    SELECT concat_ws(' ', 'document', b.id, 'of', b.investor_id, 'credits an investment of', v.investor_id)
    FROM self_bills b JOIN self_bill_lines l ON l.org_id = ORG AND l.self_bill_id = b.id
    JOIN investments v ON v.org_id = ORG AND v.id = l.investment_id
    WHERE b.org_id = ORG AND (v.investor_id <> b.investor_id OR v.currency <> b.currency
        OR v.vat_treatment <> b.vat_treatment)
    UNION ALL
    SELECT concat_ws(' ', 'investor', n.investor_id, n.year, 'has number', n.number, 'at', n.place)
    FROM (SELECT b.*, row_number() OVER w AS place, lag(b.issue_on) OVER w AS before
        FROM self_bills b WHERE b.org_id = ORG AND b.number IS NOT NULL
        WINDOW w AS (PARTITION BY b.investor_id, b.year ORDER BY b.sequence)) n
    JOIN organizations o ON o.org_id = ORG
    WHERE n.sequence <> n.place OR n.before > n.issue_on OR n.year <> extract(year FROM n.issue_on)
        OR NOT EXISTS (SELECT FROM self_billing_agreements g WHERE g.org_id = ORG
            AND g.investor_id = n.investor_id AND starts_with(replace(o.number_pattern, '{prefix}', g.number_prefix),
                left(n.number, length(g.number_prefix))))
    UNION ALL
    SELECT concat_ws(' ', 'feature', f.feature_id, f.basis, f.month, 'brought', f.revenue_minor, 'of', f.counted_minor)
    FROM (SELECT m.*, b.counted_minor AS before FROM feature_months m
        LEFT JOIN feature_months b ON b.org_id = ORG AND b.feature_id = m.feature_id
            AND b.basis = m.basis AND b.month = m.month - interval '1 month'
        WHERE m.org_id = ORG) f
    WHERE f.before IS NOT NULL AND f.counted_minor - f.before <> f.revenue_minor
    UNION ALL
    SELECT concat_ws(' ', 'feature', f.feature_id, f.basis, f.month, 'shares', f.accrual_minor, 'of', f.revenue_minor)
    FROM feature_months f WHERE f.org_id = ORG
        AND f.accrual_minor <> round(f.revenue_minor * f.share_percent / 100)";

/// What is said of an investor in a currency.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Told {
    /// Nobody: account 1600 was posted for a source that is no investor's.
    investor_id: Option<Uuid>,
    currency: String,
    /// Lines of documents, and what of them was paid out or is on its way.
    credited: i64,
    paid: i64,
    sent: i64,
    principal: i64,
    /// What is owed: by documents and payouts, and by account 1600.
    by_documents: i64,
    by_ledger: i64,
}

/// What documents and ledger say.
const TOLD: &str = "
    SELECT investor_id, currency, sum(credited) AS credited, sum(paid) AS paid, sum(sent) AS sent,
        sum(principal) AS principal, sum(by_documents) AS by_documents, sum(by_ledger) AS by_ledger
    FROM (
        SELECT b.investor_id, b.currency, l.net_minor AS credited,
            CASE p.state WHEN 'settled' THEN round(l.net_minor::numeric * p.amount_minor
                / (p.amount_minor + p.set_off_minor)) ELSE 0 END AS paid,
            CASE p.state WHEN 'sent' THEN round(l.net_minor::numeric * p.amount_minor
                / (p.amount_minor + p.set_off_minor)) ELSE 0 END AS sent,
            l.principal_minor AS principal, 0 AS by_documents, 0 AS by_ledger
        FROM self_bill_lines l JOIN self_bills b ON b.org_id = ORG AND b.id = l.self_bill_id
        LEFT JOIN payouts p ON p.org_id = ORG AND p.self_bill_id = b.id WHERE l.org_id = ORG
        UNION ALL
        SELECT b.investor_id, b.currency, 0, 0, 0, 0, b.total_minor + coalesce(b.own_tax_minor, 0), 0
        FROM self_bills b WHERE b.org_id = ORG
        UNION ALL
        SELECT p.investor_id, p.currency, 0, 0, 0, 0, -p.amount_minor, 0
        FROM payouts p WHERE p.org_id = ORG AND p.state IN ('sent', 'settled')
        UNION ALL
        SELECT coalesce(b.investor_id, p.investor_id), s.currency, 0, 0, 0, 0, 0, -s.amount_minor
        FROM postings s JOIN journal_entries e ON e.org_id = ORG AND e.id = s.entry_id
        LEFT JOIN self_bills b ON b.org_id = ORG AND b.id = e.source_id
        LEFT JOIN payouts p ON p.org_id = ORG AND p.id = e.source_id
        WHERE s.org_id = ORG AND s.account = '1600') one
    GROUP BY investor_id, currency";

/// Who invested.
#[derive(Debug, Deserialize)]
struct Investor {
    investor_id: Uuid,
}

/// Every investor's statement says what documents and ledger say.
async fn statements(sql: &Client, ctx: &Ctx, org: OrgId, findings: &mut Vec<String>) {
    let told: Vec<Told> = all(sql, org, TOLD).await;
    let mut told: HashMap<(Option<Uuid>, String), Told> =
        told.into_iter().map(|one| ((one.investor_id, one.currency.clone()), one)).collect();
    let investors = "SELECT DISTINCT investor_id FROM investments WHERE org_id = ORG";
    for Investor { investor_id } in all(sql, org, investors).await {
        let mut scope = ctx.scope(org).await.expect("a transaction");
        let statement = app::statement::of_investor(&mut scope, CustomerId(investor_id)).await;
        for total in &statement.expect("a statement").totals {
            let figures = &total.figures;
            let says = says(investor_id, total);
            let none = || Told {
                investor_id: says.investor_id,
                currency: says.currency.clone(),
                ..Told::default()
            };
            let key = (says.investor_id, says.currency.clone());
            let sums = told.remove(&key).unwrap_or_else(none);
            if says != sums {
                findings.push(format!("investor: the statement says {says:?}, not {sums:?}"));
            }
            let expected = figures.awaiting.minor() + figures.expected.minor();
            let most = figures.credited.minor() + expected;
            if most > figures.cap.minor() || expected > figures.left.minor() {
                findings.push(format!("investor {investor_id} expects {expected}: {figures:?}"));
            }
        }
    }
    findings.extend(told.values().map(|sums| format!("investor: no statement says {sums:?}")));
}

fn says(investor: Uuid, total: &Total) -> Told {
    let payable = total.payable_gross.minor();
    Told {
        investor_id: Some(investor),
        currency: total.figures.cap.currency().code().to_owned(),
        credited: total.figures.credited.minor(),
        paid: total.figures.paid.minor(),
        sent: total.figures.sent.minor(),
        principal: total.figures.repaid.minor(),
        by_documents: payable,
        by_ledger: payable,
    }
}
