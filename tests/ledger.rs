//! The ledger: append-only and balanced, by the database itself; and what it proves.

use server::pb::v1;
use tokio_postgres::error::SqlState;

use crate::world::{Client, Plan, World, cents, date, day, text};

/// A vendor with a monthly and a yearly subscription, billed.
async fn billed(world: &World) -> Client {
    let mut client = world.sandbox("2025-01-31").await;
    let ann = client.customer("Ann").await;
    for (code, months) in [("monthly", 1), ("yearly", 12)] {
        let plan = client.plan(code, Plan::months(months, "120.00")).await;
        client.subscribe(Client::terms(&ann, &plan, "2025-01-31")).await.unwrap();
    }
    client.advance("2025-03-01").await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_never_changed_or_deleted_not_even_by_the_owner() {
    let world = World::new().await;
    billed(&world).await;
    let sql = world.database.sql().await;
    let facts = [
        "invoice_lines",
        "invoice_vat",
        "document_numbers",
        "journal_entries",
        "postings",
        "plan_versions",
        "prices",
    ];
    for table in facts {
        let count = format!("SELECT count(*) FROM {table}");
        assert!(sql.query_one(&count, &[]).await.unwrap().get::<_, i64>(0) > 0, "{table} is empty");
        for change in
            [format!("UPDATE {table} SET org_id = org_id"), format!("DELETE FROM {table}")]
        {
            let refused = sql.batch_execute(&change).await.expect_err(&change);
            assert_eq!(refused.code(), Some(&SqlState::RESTRICT_VIOLATION), "{change}: {refused}");
        }
    }
    for change in [
        "DELETE FROM invoices",
        "UPDATE invoices SET issue_on = issue_on + 1, due_on = due_on + 1",
        "UPDATE invoices SET total_minor = total_minor + 1, net_minor = net_minor + 1",
        "UPDATE invoices SET buyer = '{}'",
        "UPDATE invoices SET customer_id = id",
    ] {
        let refused = sql.batch_execute(change).await.expect_err(change);
        assert_eq!(refused.code(), Some(&SqlState::RESTRICT_VIOLATION), "{change}: {refused}");
    }
    // What is open may be paid, and no more than that.
    sql.batch_execute("BEGIN; UPDATE invoices SET state = 'settled', open_minor = 0; ROLLBACK")
        .await
        .unwrap();
    for change in [
        "UPDATE invoices SET open_minor = 0",
        "UPDATE invoices SET open_minor = open_minor + 1",
        "UPDATE invoices SET open_minor = -1",
    ] {
        let refused = sql.batch_execute(change).await.expect_err(change);
        assert_eq!(refused.code(), Some(&SqlState::CHECK_VIOLATION), "{change}: {refused}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postings_that_do_not_balance_or_come_in_parts_are_refused() {
    let world = World::new().await;
    let client = billed(&world).await;
    let sql = world.database.sql().await;
    let org = client.org;
    let entry = format!(
        "BEGIN; INSERT INTO journal_entries VALUES \
         ('{org}', '{org}', '2025-03-01', 'invoice', '{org}', 'x', now())"
    );
    let posting = |entry: &str, position: i32, currency: &str, amount: i64| {
        format!("('{org}', {entry}, {position}, '1300', '{currency}', {amount}, NULL, NULL)")
    };
    let own = format!("'{org}'");
    let other = "(SELECT min(id::text)::uuid FROM journal_entries WHERE source_part = '')";
    let table = [
        ("one-sided", vec![posting(&own, 0, "EUR", 5)]),
        ("off by one", vec![posting(&own, 0, "EUR", 5), posting(&own, 1, "EUR", -4)]),
        ("in two currencies", vec![posting(&own, 0, "EUR", 5), posting(&own, 1, "USD", -5)]),
        ("from position 1", vec![posting(&own, 1, "EUR", 5), posting(&own, 2, "EUR", -5)]),
        ("with a gap", vec![posting(&own, 0, "EUR", 5), posting(&own, 2, "EUR", -5)]),
        ("of nothing", vec![posting(&own, 0, "EUR", 0), posting(&own, 1, "EUR", 0)]),
        ("added to another", vec![posting(other, 7, "EUR", 5), posting(other, 8, "EUR", -5)]),
    ];
    for (what, rows) in table {
        sql.batch_execute(&entry).await.unwrap();
        let insert = format!("INSERT INTO postings VALUES {}", rows.join(", "));
        let refused = sql.batch_execute(&insert).await.expect_err(what);
        sql.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(refused.code(), Some(&SqlState::CHECK_VIOLATION), "{what}: {refused}");
    }
    sql.batch_execute(&entry).await.unwrap();
    let right = [posting(&own, 0, "EUR", 5), posting(&own, 1, "EUR", -5)].join(", ");
    sql.batch_execute(&format!("INSERT INTO postings VALUES {right}; ROLLBACK")).await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_posted_once() {
    let world = World::new().await;
    billed(&world).await;
    let sql = world.database.sql().await;
    let again = "INSERT INTO journal_entries SELECT org_id, gen_random_uuid(), posted_on, source_kind, \
                 source_id, source_part, created_at FROM journal_entries";
    let refused = sql.batch_execute(again).await.expect_err(again);
    assert_eq!(refused.code(), Some(&SqlState::UNIQUE_VIOLATION));
    let again = "INSERT INTO invoice_lines SELECT (jsonb_populate_record(l, \
                 jsonb_build_object('id', gen_random_uuid()))).* FROM invoice_lines l";
    let refused = sql.batch_execute(again).await.expect_err(again);
    assert_eq!(refused.code(), Some(&SqlState::UNIQUE_VIOLATION));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trial_balance_is_of_the_end_of_a_day() {
    let world = World::new().await;
    let mut client = billed(&world).await;
    // 31 January: 240.00 + 50.40 invoiced, 119.67 of the year still to be earned.
    let january = client.balances("2025-01-31").await;
    assert_eq!((january["1300"], january["1520"], january["2000"]), (29_040, -5_040, -11_967));
    assert_eq!(january["8000"], -(12_000 + 33));
    assert_eq!(client.balances("2025-01-30").await.len(), 0);
    // 28 days of February are earned on its last day, when the second month is invoiced, too.
    let february = client.balances("2025-02-28").await;
    assert_eq!((february["1300"], february["2000"]), (29_040 + 14_520, -(12_000 - 953)));
    let request = v1::GetTrialBalanceRequest { as_of: None };
    let today = client.ledger.get_trial_balance(request).await.unwrap().into_inner();
    assert_eq!(day(&today.as_of), "2025-03-01");
    let names: Vec<String> =
        today.rows.iter().map(|row| row.account.as_ref().unwrap().name.clone()).collect();
    assert_eq!(names, ["receivables", "VAT payable", "deferred revenue", "subscription revenue"]);
    for row in &today.rows {
        assert_eq!(cents(&row.debit) - cents(&row.credit), cents(&row.balance), "{row:?}");
    }
    let request = v1::GetTrialBalanceRequest { as_of: Some(date("2025-02-31")) };
    let refused = crate::world::refusal(client.ledger.get_trial_balance(request).await);
    assert_eq!(refused.line(), "InvalidArgument as_of");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_holds_and_tells_what_does_not() {
    let world = World::new().await;
    let mut client = billed(&world).await;
    let proof = client.ledger.verify_ledger(v1::VerifyLedgerRequest {}).await.unwrap().into_inner();
    assert!(proof.ok && proof.checks.len() >= 10, "{proof:?}");
    assert!(proof.checks.iter().all(|check| check.ok && check.expected == check.actual));
    let sql = world.database.sql().await;
    // Past the triggers, as a broken disk would.
    let spoil = "SET session_replication_role = replica; \
                 UPDATE invoices SET open_minor = open_minor - 1 WHERE billing_on = '2025-02-28'";
    sql.batch_execute(spoil).await.unwrap();
    let proof = client.ledger.verify_ledger(v1::VerifyLedgerRequest {}).await.unwrap().into_inner();
    let wrong: Vec<(&str, &str, &str)> = proof
        .checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| (check.name.as_str(), text(&check.expected), text(&check.actual)))
        .collect();
    assert!(!proof.ok);
    let open = "invoices that are not open by what was paid, credited and written off";
    let control = "1300 + 1010 = documents not settled";
    assert_eq!(wrong, [(control, "435.59", "435.6"), (open, "0", "1")]);
    let mend = "UPDATE invoices SET open_minor = open_minor + 1 WHERE billing_on = '2025-02-28'";
    sql.batch_execute(mend).await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_gives_accounts_its_own_codes() {
    let world = World::new().await;
    let mut client = billed(&world).await;
    let code =
        |account: &str, code: &str| v1::AccountCode { account: account.into(), code: code.into() };
    let request = |codes: Vec<v1::AccountCode>| v1::UpdateOrganizationRequest {
        organization: Some(v1::Organization { account_codes: codes, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["account_codes".into()] }),
        ..Default::default()
    };
    for wrong in [
        vec![code("1300", "1520")],
        vec![code("1300", "x"), code("8000", "x")],
        vec![code("9999", "x")],
        vec![code("1300", "")],
    ] {
        let refused = client.organizations.update_organization(request(wrong.clone())).await;
        let refused = crate::world::refusal(refused);
        assert!(
            refused.line().starts_with("InvalidArgument organization.account_codes"),
            "{wrong:?}: {refused:?}"
        );
    }
    let own = vec![code("1300", "13-DEB"), code("8000", "80.1")];
    client.organizations.update_organization(request(own)).await.unwrap();
    let codes: Vec<String> = client.balances("2025-03-01").await.into_keys().collect();
    assert_eq!(codes, ["13-DEB", "1520", "2000", "80.1"]);
    world.finish().await;
}
