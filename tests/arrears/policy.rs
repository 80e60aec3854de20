//! The strict policy from end to end, and suspension with direct debits.

use server::pb::v1::set_payment_method_request::Details;
use server::pb::v1::{self, DunningPolicy};

use super::{card, due_at_once, pay, standing, without_money};
use crate::world::{Client, Plan, World, book, date, refusal};

/// Chooses the built-in policy with a change.
pub(super) async fn with_policy(client: &mut Client, change: impl FnOnce(&mut DunningPolicy)) {
    let request = v1::GetDunningPolicyRequest::default();
    let usual = client.dunning.get_dunning_policy(request).await.unwrap().into_inner();
    let mut policy = DunningPolicy {
        id: String::new(),
        name: "own".into(),
        is_default: false,
        ..usual.policy.unwrap()
    };
    change(&mut policy);
    let request = v1::CreateDunningPolicyRequest { policy: Some(policy), ..Default::default() };
    let made = client.dunning.create_dunning_policy(request).await.unwrap().into_inner();
    let request = v1::SetDefaultDunningPolicyRequest {
        dunning_policy_id: made.policy.unwrap().id,
        ..Default::default()
    };
    client.dunning.set_default_dunning_policy(request).await.unwrap();
}

/// Chooses the built-in policy without its grace.
pub(super) async fn strictly(client: &mut Client) {
    with_policy(client, |policy| policy.grace_until_day = 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_vendor_delivers_nothing_from_the_first_failure_until_it_is_paid() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    strictly(&mut client).await;
    let (customer, subscription) = without_money(&mut client, Plan::months(1, "31.00")).await;
    let id = subscription.id;
    client.advance("2025-01-02").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "PAST_DUE STOP OVERDUE");
    let plan = client.plan("more", Plan::months(1, "5.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-02");
    assert_eq!(refusal(client.subscribe(terms).await).about, "PAYMENT_OVERDUE");
    // A part of it brings nothing back; the rest brings all of it back at once.
    pay(&mut client, &customer, 10_00).await;
    assert_eq!(standing(&mut client, &id).await, "PAST_DUE STOP OVERDUE");
    pay(&mut client, &customer, 27_51).await;
    assert_eq!(standing(&mut client, &id).await, "ACTIVE DELIVER IN_FORCE");
    // The next month fails too, and is not paid.
    let table = [
        ("2025-01-31", "ACTIVE DELIVER IN_FORCE"),
        ("2025-02-01", "PAST_DUE STOP OVERDUE"),
        ("2025-02-22", "PAST_DUE STOP OVERDUE"),
        ("2025-03-03", "SUSPENDED STOP OVERDUE"),
        ("2025-04-01", "SUSPENDED STOP OVERDUE"),
        ("2025-04-02", "CANCELLED STOP ENDED"),
    ];
    for (on, expected) in table {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected, "on {on}");
    }
    world.finish().await;
}

fn debit(iban: &str) -> Details {
    Details::DirectDebit(v1::DirectDebitDetails {
        iban: iban.into(),
        holder: "A. de Vries".into(),
        mandate_reference: String::new(),
        signed_on: Some(date("2024-12-15")),
    })
}

pub(super) async fn debited(client: &mut Client, customer: &v1::Customer, iban: &str) {
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(debit(iban)),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_direct_debits_the_days_count_from_the_failure_and_money_under_way_restores_nothing() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = due_at_once(&mut client).await;
    // Without money, on the second day after each attempt.
    debited(&mut client, &customer, "NL93SNDB0000000010").await;
    let plan = client.plan("base", Plan::months(1, "31.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let id = client.subscribe(terms).await.unwrap().id;
    // Announced for 15 January, asked then, and refused on the 17th: day 0.
    let table = [
        ("2025-01-16", "ACTIVE DELIVER IN_FORCE"),
        ("2025-01-17", "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-02-07"),
        ("2025-02-07", "PAST_DUE RESTRICTED OVERDUE until 2025-02-16"),
        ("2025-02-16", "SUSPENDED STOP OVERDUE"),
    ];
    for (on, expected) in table {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected, "on {on}");
    }
    // Another account, that settles two days after it is asked.
    client.advance("2025-02-20").await.unwrap();
    debited(&mut client, &customer, "NL45SNDB0000000001").await;
    client.advance("2025-02-21").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "SUSPENDED STOP OVERDUE");
    client.advance("2025-02-22").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "ACTIVE DELIVER IN_FORCE");
    client.advance("2025-03-20").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-01 31.00 + 6.51: base 2025-01-01..2025-02-01 31.00",
            "2025-00002 2025-02-01 31.00 + 6.51: base 2025-02-01..2025-03-01 31.00",
            "2025-00003 2025-02-22 7.75 + 1.63: base 2025-02-22..2025-03-01 7.75",
            "2025-00004 2025-03-01 31.00 + 6.51: base 2025-03-01..2025-04-01 31.00",
            "C2025-00001 2025-02-22 -14.39 + -3.02: base 2025-02-16..2025-03-01 -14.39",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_in_the_place_of_a_debit_pays_at_once_and_restores_at_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = due_at_once(&mut client).await;
    debited(&mut client, &customer, "NL93SNDB0000000010").await;
    let plan = client.plan("base", Plan::months(3, "90.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let id = client.subscribe(terms).await.unwrap().id;
    client.advance("2025-02-18").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "SUSPENDED STOP OVERDUE");
    card(&mut client, &customer, "settles").await;
    client.advance("2025-02-19").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "ACTIVE DELIVER IN_FORCE");
    world.finish().await;
}
