//! Accounts, the second person, what the bank says.

use server::pb::v1::{self, PayoutHeldReason, Role};

use super::{
    IBAN, OTHER_IBAN, amounts, approve, books, credited, payouts, report, send, set_account, told,
};
use crate::world::{day, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_back_goes_again_when_a_person_says_so() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let payout = payouts(&mut client).await.remove(0);
    let early = refusal(report(&mut client, &payout, None).await);
    assert_eq!(early.line(), "FailedPrecondition PAYOUT_STATE");
    let first = send(&mut client).await;
    let bounced = report(&mut client, &payout, Some("AC04")).await.unwrap();
    assert_eq!(bounced.why, "AC04");
    assert_eq!(report(&mut client, &payout, Some("AC04")).await.unwrap(), bounced, "again");
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1600 -48400, 1620 -960000");
    let late = refusal(report(&mut client, &payout, None).await);
    assert_eq!(late.line(), "FailedPrecondition PAYOUT_BOUNCED");
    assert!(send(&mut client).await.orders.is_empty(), "nobody has approved it");
    approve(&mut client, &payout).await.unwrap();
    assert_eq!(amounts(&mut client).await, ["484.00 READY"]);
    let second = send(&mut client).await;
    let payout = second.orders[0].payout.clone().unwrap();
    assert_eq!(payout.times_sent, 2);
    // What the bank says about the first time comes late.
    use v1::report_payout_result_request::{Bounced, Result};
    let stale = v1::ReportPayoutResultRequest {
        payout_id: payout.id.clone(),
        batch_id: first.batches[0].id.clone(),
        result: Some(Result::Bounced(Bounced { why: "AC04".into() })),
        ..Default::default()
    };
    let stale = refusal(client.payouts.report_payout_result(stale).await);
    assert_eq!(stale.line(), "FailedPrecondition OTHER_BATCH");
    report(&mut client, &payout, None).await.unwrap();
    // It had arrived, and comes back.
    report(&mut client, &payout, Some("AC04")).await.unwrap();
    assert_eq!(amounts(&mut client).await, ["484.00 BOUNCED"]);
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1600 -48400, 1620 -960000");
    let told = told(&mut client).await;
    let kinds: Vec<&str> = told.iter().map(|line| line.split(' ').next().unwrap()).collect();
    let expected = [
        "SELF_BILL_ISSUED",
        "PAYOUT_SENT",
        "PAYOUT_BOUNCED",
        "PAYOUT_SENT",
        "PAYOUT_SETTLED",
        "PAYOUT_BOUNCED",
    ];
    assert_eq!(kinds, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_account_needs_a_second_person_for_two_weeks() {
    let (world, mut client, ann) = credited(14).await;
    let first = set_account(&mut client, &ann, IBAN).await.unwrap();
    assert_eq!(first.masked_iban, "NL** **** **** **45 67");
    assert_eq!(first.watched_until, None, "the first one is no change");
    let same = set_account(&mut client, &ann, &IBAN.to_lowercase()).await.unwrap();
    assert_eq!(same, first, "the same again");
    let changed = set_account(&mut client, &ann, OTHER_IBAN).await.unwrap();
    assert_eq!(day(&changed.watched_until), "2025-02-15");
    let get = v1::GetPayoutAccountRequest { investor_id: ann.id.clone() };
    let got = client.payouts.get_payout_account(get).await.unwrap().into_inner().account;
    assert_eq!(got.as_ref(), Some(&changed));
    let held = send(&mut client).await;
    assert_eq!(held.held[0].reason(), PayoutHeldReason::SecondPerson);
    let payout = held.held[0].payout.clone().unwrap();
    let alone = refusal(approve(&mut client, &payout).await);
    assert_eq!(alone.line(), "FailedPrecondition SECOND_PERSON_NEEDED");
    assert_eq!(alone.facts["until"], "2025-02-15");
    let mut second = client.with_roles(world.channel(), &[Role::Finance]).await;
    let approved = approve(&mut second, &payout).await.unwrap();
    assert_eq!(approve(&mut second, &payout).await.unwrap(), approved, "again");
    // The account is changed once more: the approval was for the other one.
    set_account(&mut client, &ann, IBAN).await.unwrap();
    assert_eq!(send(&mut client).await.held.len(), 1);
    client.advance("2025-02-14").await.unwrap();
    assert_eq!(send(&mut client).await.held.len(), 1);
    client.advance("2025-02-15").await.unwrap();
    let sent = send(&mut client).await;
    assert_eq!((sent.orders.len(), sent.held.len()), (1, 0), "two weeks are over");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approves_lets_the_payout_go_to_the_new_account() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    set_account(&mut client, &ann, OTHER_IBAN).await.unwrap();
    let payout = payouts(&mut client).await.remove(0);
    let mut second = client.with_roles(world.channel(), &[Role::Finance]).await;
    approve(&mut second, &payout).await.unwrap();
    let sent = send(&mut client).await;
    assert_eq!(sent.orders[0].iban, "BE68539007547034");
    assert_eq!(sent.orders[0].payout.as_ref().unwrap().approved_by, "[Finance]");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_send_at_once_send_each_payout_once() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let (mut left, mut right) = (client.clone(), client.clone());
    let (left, right) = tokio::join!(send(&mut left), send(&mut right));
    assert_eq!(left.orders.len() + right.orders.len(), 1);
    assert_eq!(amounts(&mut client).await, ["484.00 SENT"]);
    assert_eq!(payouts(&mut client).await[0].times_sent, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_again_is_answered_with_the_accounts_that_are_recorded_nowhere() {
    let (world, mut client, ann) = credited(14).await;
    let request_id = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let account = v1::SetPayoutAccountRequest {
        investor_id: ann.id.clone(),
        iban: IBAN.into(),
        holder: "Ann".into(),
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
    };
    assert!(!format!("{account:?}").contains("INGB"));
    let set = client.payouts.set_payout_account(account.clone()).await.unwrap().into_inner();
    let again = client.payouts.set_payout_account(account).await.unwrap().into_inner();
    assert_eq!(set, again);
    let request =
        v1::SendPayoutsRequest { currency: "EUR".into(), investor_id: ann.id.clone(), request_id };
    let first = client.payouts.send_payouts(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.orders[0].iban, "NL20INGB0001234567");
    assert!(!format!("{first:?}").contains("INGB"), "it is not shown by accident");
    let again = client.payouts.send_payouts(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    // What is kept of answers and of rows holds no number.
    let sql = world.database.sql().await;
    let kept = "SELECT count(*) FROM (SELECT position('NL20INGB0001234567'::bytea in answer) AS at \
                FROM answered_requests UNION ALL \
                SELECT position('NL20INGB0001234567' in row_to_json(e)::text) FROM events e UNION ALL \
                SELECT position('NL20INGB0001234567' in row_to_json(a)::text) FROM payout_accounts a) t \
                WHERE at > 0";
    assert_eq!(sql.query_one(kept, &[]).await.unwrap().get::<_, i64>(0), 0);
    // It went back and went again with another batch: this one has no number of it any more.
    let payout = first.orders[0].payout.clone().unwrap();
    report(&mut client, &payout, Some("AC04")).await.unwrap();
    let back = client.payouts.send_payouts(request.clone()).await.unwrap().into_inner();
    assert_eq!(back.orders[0].iban, "", "it has come back");
    set_account(&mut client, &ann, OTHER_IBAN).await.unwrap();
    let mut second = client.with_roles(world.channel(), &[Role::Finance]).await;
    approve(&mut second, &payout).await.unwrap();
    let ready = client.payouts.send_payouts(request.clone()).await.unwrap().into_inner();
    assert_eq!(ready.orders[0].iban, "", "it goes to another account, with another batch");
    send(&mut client).await;
    let old = client.payouts.send_payouts(request).await.unwrap().into_inner();
    assert_eq!(old.orders[0].iban, "");
    let none = v1::SendPayoutsRequest { currency: "USD".into(), ..Default::default() };
    assert!(client.payouts.send_payouts(none).await.unwrap().into_inner().batches.is_empty());
    world.finish().await;
}
