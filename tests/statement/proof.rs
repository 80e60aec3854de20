//! That the ledger's proof and the auditor see every cent between investments, documents, payouts
//! and entries.

use server::pb::v1;
use testkit::{books, copy};

use super::{pay, sold};
use crate::world::World;

/// A month credited and paid out, and one that is not.
async fn paid(world: &World) -> domain::id::OrgId {
    let (mut client, investment, buyers) = sold(world, 4).await;
    let account = v1::SetPayoutAccountRequest {
        investor_id: investment.investor_id.clone(),
        iban: "NL91ABNA0417164300".into(),
        holder: "Ann".into(),
        ..Default::default()
    };
    client.payouts.set_payout_account(account).await.unwrap();
    pay(&mut client, &buyers, 1).await;
    client.advance("2025-02-20").await.unwrap();
    pay(&mut client, &buyers, 1).await;
    client.payouts.send_payouts(v1::SendPayoutsRequest::default()).await.unwrap();
    client.advance("2025-03-20").await.unwrap();
    client.org
}

/// The first of the organization's rows of a table.
fn update(table: &str, set: &str, condition: &str) -> String {
    format!(
        "UPDATE {table} SET {set} WHERE ctid = \
         (SELECT min(ctid) FROM {table} WHERE org_id = ORG AND {condition})"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_comparison_of_investments_finds_a_cent() {
    let world = World::new().await;
    let org = paid(&world).await;
    books::assert_right(&world.database, &world.ctx, org).await;
    let posting = |account: &str| {
        update("postings", "amount_minor = amount_minor + 1", &format!("account = '{account}'"))
    };
    let table = [
        (posting("1600"), "1600 = "),
        (posting("1610"), "1610 = "),
        (posting("1620"), "1620 = "),
        (posting("1530"), "1530 = "),
        (update("postings", "account = '4500'", "account = '1620'"), "4500 = "),
        (update("payouts", "amount_minor = amount_minor + 1", "state = 'sent'"), "1610 = "),
        (update("payouts", "amount_minor = amount_minor + 1", "true"), "payouts that are not"),
        (update("payouts", "set_off_minor = 1", "true"), "payouts that are not"),
        (update("payouts", "state = 'ready'", "state = 'sent'"), "1600 = "),
        (update("investments", "credited_minor = credited_minor + 1", "true"), "documents are not"),
        (update("investments", "credited_minor = credited_minor + 1", "true"), "months are not"),
        (update("investments", "accrued_minor = accrued_minor + 1", "true"), "months are not"),
        (update("investments", "forgone_minor = 1", "true"), "1620 = "),
        (
            update("self_bill_lines", "principal_minor = principal_minor - 1", "true"),
            "principal first",
        ),
        (update("self_bill_lines", "net_minor = net_minor + 1", "true"), "lines do not add up"),
        (
            update(
                "self_bills",
                "tax_minor = tax_minor + 1, total_minor = total_minor + 1",
                "true",
            ),
            "1530 = ",
        ),
        (update("feature_months", "accrual_minor = accrual_minor + 1", "true"), "not shared out"),
        (update("self_bills", "sequence = 9", "true"), "with a gap"),
        (
            update("number_series", "next_sequence = 9", "starts_with(series, 'self_billing')"),
            "with a gap",
        ),
        (
            "DELETE FROM number_series WHERE org_id = ORG AND series LIKE 'self%'".to_owned(),
            "with a gap",
        ),
        (
            update("journal_entries", "source_part = 'x'", "source_kind = 'share'"),
            "without their entry",
        ),
    ];
    for (spoil, name) in table {
        let twin = copy::twin(&world.database, org).await;
        spoiled(&world, &spoil, twin).await;
        let checks = app::ledger::verify(&world.ctx, twin).await.unwrap();
        forgotten(&world, twin).await;
        let wrong: Vec<&str> = checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| check.comparison.name.as_str())
            .collect();
        assert!(wrong.iter().any(|wrong| wrong.contains(name)), "{spoil}: {wrong:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_finds_every_kind_of_mistake_about_investors() {
    let world = World::new().await;
    let org = paid(&world).await;
    let table = [
        (update("investments", "cap_minor = cap_minor + 1", "true"), "the cap is"),
        (
            update("investments", "state = 'recouped', recouped_on = '2025-02-01'", "true"),
            "not recouping",
        ),
        (update("investments", "accrued_minor = accrued_minor + 1", "true"), "accrued and"),
        (update("investment_months", "accrual_minor = accrual_minor + 1", "true"), "accrued, "),
        (
            update("investment_months", "accrued_minor = accrued_minor + 1", "true"),
            "credited before",
        ),
        (update("investment_months", "principal_minor = 0", "true"), "credited before"),
        (update("feature_months", "revenue_minor = revenue_minor + 10", "true"), "shares"),
        (update("feature_months", "counted_minor = counted_minor + 1", "true"), "brought"),
        (update("self_bills", "sequence = 9", "true"), "has number"),
        (update("self_bills", "tax_minor = 0, total_minor = net_minor", "true"), "has a line of"),
        (update("self_bill_lines", "vat_class = 'E', vat_percent = 0", "true"), "has a line of"),
        (update("self_bill_lines", "net_minor = net_minor + 1", "true"), "the statement says"),
        (update("payouts", "amount_minor = amount_minor + 1", "state = 'sent'"), "and posted"),
        (update("payouts", "set_off_minor = 1", "true"), "and sets off"),
        (update("payouts", "times = 2", "state = 'sent'"), "was sent"),
        (update("payouts", "state = 'ready'", "state = 'sent'"), "the statement says"),
        (
            update("postings", "amount_minor = amount_minor + 1", "account = '1600'"),
            "the statement says",
        ),
        (update("investments", "forgone_minor = 1", "true"), "forgoes"),
        (update("payout_batches", "total_minor = 1", "true"), "batch"),
    ];
    for (spoil, finding) in table {
        let twin = copy::twin(&world.database, org).await;
        spoiled(&world, &spoil, twin).await;
        let findings = books::audit(&world.database, &world.ctx, twin).await;
        forgotten(&world, twin).await;
        let found = findings.iter().any(|found| found.contains(finding));
        assert!(found, "{spoil}\nis found as {findings:#?}");
    }
    world.finish().await;
}

/// Breaks a copy past the triggers, as a broken disk would. Constraints would refuse some of it.
async fn spoiled(world: &World, spoil: &str, twin: domain::id::OrgId) {
    let spoil = spoil.replace("ORG", &format!("'{twin}'"));
    let past_the_triggers = format!("SET session_replication_role = replica; {spoil}");
    world.database.sql().await.batch_execute(&past_the_triggers).await.expect(&spoil);
}

/// What was broken on purpose is not audited at the end.
async fn forgotten(world: &World, twin: domain::id::OrgId) {
    let forget = format!("DELETE FROM organization_directory WHERE org_id = '{twin}'");
    world.database.sql().await.batch_execute(&forget).await.unwrap();
}
