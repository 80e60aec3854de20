//! The auditor itself: it finds what is wrong, whatever it is.

use domain::period::Interval;
use testkit::{Database, ManualClock, Offer, Vendor, books, copy, date};

/// Books of some months with everything in them.
async fn kept() -> (Database, Vendor) {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at("2025-01-31T09:00:00Z"));
    let vendor = Vendor::sandbox(&ctx, "2025-01-31").await;
    let monthly = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    let yearly = vendor.plan("yearly", Offer::flat(Interval::YEARLY, "365.00")).await;
    for name in ["Ann", "Ben"] {
        let customer = vendor.customer(name).await;
        vendor.subscribe(&customer, monthly, "2025-01-31").await;
        vendor.subscribe(&customer, yearly, "2025-02-10").await;
    }
    vendor.live_until(date("2025-03-31")).await.unwrap();
    (database, vendor)
}

/// One of the organization's rows of a table.
fn one(table: &str, condition: &str) -> String {
    format!("ctid = (SELECT min(ctid) FROM {table} WHERE org_id = ORG AND {condition})")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_finds_every_kind_of_mistake() {
    let (database, vendor) = kept().await;
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
    let update = |table: &str, set: &str, condition: &str| {
        format!("UPDATE {table} SET {set} WHERE {}", one(table, condition))
    };
    let delete = |table: &str| format!("DELETE FROM {table} WHERE {}", one(table, "true"));
    let table = [
        (update("invoice_lines", "net_minor = net_minor + 1", "true"), "line "),
        (update("invoice_lines", "service_until = service_until + 1", "true"), "charged 2 times"),
        (update("invoice_lines", "service_from = service_from + 1", "true"), "not invoiced"),
        (update("invoice_lines", "vat_percent = 9", "true"), "VAT"),
        (update("invoice_lines", "quantity = 2", "true"), "line "),
        (delete("invoice_lines"), "not invoiced"),
        (update("invoices", "tax_minor = tax_minor + 1, total_minor = total_minor + 1", "true"), "sums"),
        (update("invoices", "open_minor = 0, state = 'settled'", "true"), "open"),
        (update("invoices", "issue_on = issue_on + 1", "issue_on = '2025-01-31'"), "issued on"),
        (update("invoices", "currency = 'USD'", "true"), "instead of"),
        (update("invoice_vat", "tax_minor = tax_minor + 1", "true"), "VAT rows"),
        (delete("document_numbers"), "has no number"),
        (update("document_numbers", "sequence = 99", "true"), "number "),
        (update("document_numbers", "number = 'x'", "true"), "number "),
        (update("number_series", "next_sequence = 99", "true"), "series "),
        (update("postings", "amount_minor = amount_minor + 1", "true"), "ledger "),
        (update("postings", "account = '8010'", "account = '8000'"), "without a reason"),
        (delete("postings"), "ledger "),
        (update("journal_entries", "posted_on = posted_on + 1", "true"), "ledger "),
        (update("deferrals", "earned_minor = earned_minor + 1", "true"), "proof"),
        (update("subscription_items", "billed_until = billed_until - 1", "true"), "charged until"),
        (update("subscriptions", "next_billing_on = '2025-03-30'", "true"), "next billed on"),
        (update("subscriptions", "state = 'trialing'", "true"), "trialing"),
        (update("subscriptions", "anchor_on = anchor_on - 1", "true"), "subscription "),
        (update("subscriptions", "ends_on = '2025-02-10', cancel_reason = 'unknown'", "true"), "not owed"),
        (update("billing_accounts", "due_on = '2025-03-01'", "true"), "billing is due"),
        (
            "INSERT INTO jobs VALUES (gen_random_uuid(), 'billing', ORG, '{}', NULL, false, 'dead', \
             0, 1, 1, now(), NULL, NULL, NULL, now(), now())".to_owned(),
            "job: billing",
        ),
    ];
    for (spoil, finding) in table {
        let twin = copy::twin(&database, vendor.org).await;
        let spoil = spoil.replace("ORG", &format!("'{twin}'"));
        let past_the_triggers = format!("SET session_replication_role = replica; {spoil}");
        database.sql().await.batch_execute(&past_the_triggers).await.expect(&spoil);
        let findings = books::audit(&database, &vendor.ctx, twin).await;
        let found = findings.iter().any(|found| found.contains(finding));
        assert!(found, "{spoil}\nis found as {findings:#?}");
    }
    books::assert_right(&database, &vendor.ctx, copy::twin(&database, vendor.org).await).await;
}
