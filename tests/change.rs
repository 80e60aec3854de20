//! Changes of plan and quantity, now and later, with their credits.

use server::pb::v1;

use crate::world::{Client, Plan, World, book, cents, date, day, decimal, euro, refusal};

fn seats(count: &str) -> Vec<v1::ComponentQuantity> {
    vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal(count) }]
}

fn to_seats(count: &str) -> v1::Change {
    v1::Change { quantities: seats(count), ..v1::Change::default() }
}

async fn subscribed(client: &mut Client, plan: Plan, count: &str) -> v1::Subscription {
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    client.subscribe(v1::SubscriptionTerms { quantities: seats(count), ..terms }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_added_and_taken_away_are_charged_and_credited_by_the_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("31.00"), "2").await.id;
    client.advance("2025-01-11").await.unwrap();
    client.change(&id, to_seats("3")).await.unwrap();
    client.run_billing().await;
    client.advance("2025-01-21").await.unwrap();
    client.change(&id, to_seats("1")).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-01 62.00 + 13.02: base 2025-01-01..2025-02-01 62.00",
            "2025-00002 2025-01-11 21.00 + 4.41: base 2025-01-11..2025-02-01 -42.00, \
             base 2025-01-11..2025-02-01 63.00",
            "2025-00003 2025-02-01 31.00 + 6.51: base 2025-02-01..2025-03-01 31.00",
            "C2025-00001 2025-01-21 -22.00 + -4.62: base 2025-01-21..2025-02-01 -33.00, \
             base 2025-01-21..2025-02-01 11.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_pays_what_is_open_on_its_invoice_and_the_rest_pays_the_next() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("31.00"), "2").await.id;
    client.advance("2025-01-21").await.unwrap();
    client.change(&id, to_seats("1")).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let documents = client.documents().await;
    let shown: Vec<_> = documents
        .iter()
        .map(|one| (one.kind(), euro(&one.gross), euro(&one.amount_due), euro(&one.balance_change)))
        .map(|(kind, gross, due, balance)| format!("{kind:?} {gross} {due} {balance}"))
        .collect();
    assert_eq!(
        shown,
        ["Invoice 75.02 61.71 0.00", "Invoice 37.51 37.51 0.00", "CreditNote -13.31 0.00 0.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_down_on_one_day_comes_to_nothing() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("31.00"), "2").await.id;
    client.advance("2025-01-11").await.unwrap();
    client.change(&id, to_seats("5")).await.unwrap();
    let back = client.change(&id, to_seats("2")).await.unwrap();
    assert_eq!(day(&back.next_billing_on), "2025-02-01");
    client.advance("2025-01-15").await.unwrap();
    client.change(&id, to_seats("5")).await.unwrap();
    client.run_billing().await;
    client.change(&id, to_seats("2")).await.unwrap();
    client.run_billing().await;
    let documents = client.documents().await;
    let after_the_first: i64 = documents[1..].iter().map(|one| cents(&one.net)).sum();
    assert_eq!((documents.len(), after_the_first), (3, 0), "{:?}", book(&documents));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_come_is_listed_previewed_and_taken_back() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("10.00"), "2").await.id;
    client.advance("2025-01-11").await.unwrap();
    let at_period_end = v1::Change {
        when: Some(v1::change::When::AtPeriodEnd(v1::ChangeAtPeriodEnd {})),
        ..to_seats("7")
    };
    let request = v1::PreviewChangeRequest {
        subscription_id: id.clone(),
        change: Some(at_period_end.clone()),
        horizon: Some(v1::preview_change_request::Horizon::Periods(2)),
    };
    let preview = client.subscriptions.preview_change(request).await.unwrap().into_inner();
    let changed = client.change(&id, at_period_end).await.unwrap();
    assert_eq!(changed.items.len(), 1, "nothing has happened yet");
    let later =
        v1::Change { when: Some(v1::change::When::On(date("2025-02-15"))), ..to_seats("1") };
    client.change(&id, later).await.unwrap();
    let intents = client.intents(&id).await;
    let shown: Vec<_> =
        intents.iter().map(|one| format!("{:?} {}", one.kind(), day(&one.on))).collect();
    assert_eq!(shown, ["Change 2025-02-01", "Change 2025-02-15"]);
    let revoke = v1::RevokeIntentRequest {
        subscription_id: id.clone(),
        intent_id: intents[1].id.clone(),
        ..Default::default()
    };
    let left = client.subscriptions.revoke_intent(revoke.clone()).await.unwrap().into_inner();
    assert_eq!(left.intents, [intents[0].clone()]);
    let again = refusal(client.subscriptions.revoke_intent(revoke).await);
    assert_eq!(again.line(), "FailedPrecondition NOT_PLANNED");
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    assert_eq!(
        book(&documents)[1..],
        [
            "2025-00002 2025-02-01 70.00 + 14.70: base 2025-02-01..2025-03-01 70.00",
            "2025-00003 2025-03-01 70.00 + 14.70: base 2025-03-01..2025-04-01 70.00",
        ]
    );
    let nets = |of: &[v1::Invoice]| of.iter().map(|one| cents(&one.net)).collect::<Vec<_>>();
    assert_eq!(nets(&preview.invoices), nets(&documents[1..]), "preview = run");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_yearly_plan_a_new_grid_begins_on_the_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::months(1, "31.00"), "1").await.id;
    let yearly = client.plan("yearly", Plan::months(12, "365.00")).await;
    client.advance("2025-01-11").await.unwrap();
    let change = v1::Change { plan_id: yearly.id, ..v1::Change::default() };
    let changed = client.change(&id, change).await.unwrap();
    assert_eq!(day(&changed.anchor_on), "2025-01-11");
    client.advance("2026-01-11").await.unwrap();
    assert_eq!(
        book(&client.documents().await)[1..],
        [
            "2025-00002 2025-01-11 344.00 + 72.24: base 2025-01-11..2025-02-01 -21.00, \
             yearly 2025-01-11..2026-01-11 365.00",
            "2026-00001 2026-01-11 365.00 + 76.65: yearly 2026-01-11..2027-01-11 365.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("31.00"), "2").await.id;
    client.advance("2025-02-11").await.unwrap();
    let on = |day: &str, count: &str| v1::Change {
        when: Some(v1::change::When::On(date(day))),
        ..to_seats(count)
    };
    let early = refusal(client.change(&id, on("2025-01-31", "3")).await);
    assert_eq!(early.line(), "FailedPrecondition BEFORE_LAST_INVOICE");
    assert_eq!(early.facts["earliest"], "2025-02-01");
    let negative = refusal(client.change(&id, to_seats("-1")).await);
    assert_eq!(negative.line(), "InvalidArgument change.quantities[0].quantity");
    let unknown = v1::ComponentQuantity { component: "beds".into(), quantity: decimal("1") };
    let change = v1::Change { quantities: vec![unknown], ..v1::Change::default() };
    let unknown = refusal(client.change(&id, change).await);
    assert_eq!(unknown.line(), "InvalidArgument terms.quantities[0].component");
    for month in 3..27 {
        let (year, month) = (2025 + month / 12, month % 12 + 1);
        client.change(&id, on(&format!("{year}-{month:02}-15"), &month.to_string())).await.unwrap();
    }
    let many = refusal(client.change(&id, on("2028-01-01", "99")).await);
    assert_eq!(many.line(), "FailedPrecondition TOO_MANY_INTENTS");
    client.cancel(&id).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    let ended = refusal(client.change(&id, to_seats("9")).await);
    assert_eq!(ended.line(), "FailedPrecondition ALREADY_ENDED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_added_now_stay_when_a_planned_change_of_plan_happens() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::seats("10.00"), "2").await.id;
    let dearer = client.plan("dearer", Plan::seats("20.00")).await;
    client.advance("2025-01-11").await.unwrap();
    let on = |day| Some(v1::change::When::On(date(day)));
    let plan =
        v1::Change { plan_id: dearer.id.clone(), when: on("2025-02-01"), ..Default::default() };
    client.change(&id, plan).await.unwrap();
    client.change(&id, v1::Change { when: on("2025-03-01"), ..to_seats("9") }).await.unwrap();
    client.change(&id, to_seats("5")).await.unwrap();
    let intents = client.intents(&id).await;
    let shown: Vec<_> = intents
        .iter()
        .map(|one| (one.plan_id == dearer.id, one.quantities[0].quantity.clone().unwrap().value))
        .collect();
    assert_eq!(shown, [(true, "5".to_owned()), (true, "9".to_owned())]);
    client.advance("2025-03-01").await.unwrap();
    let documents = book(&client.documents().await);
    assert_eq!(
        documents[2..],
        [
            "2025-00003 2025-02-01 100.00 + 21.00: dearer 2025-02-01..2025-03-01 100.00",
            "2025-00004 2025-03-01 180.00 + 37.80: dearer 2025-03-01..2025-04-01 180.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_waits_for_nobody() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let bought = subscribed(&mut client, Plan::months(12, "365.00"), "1").await;
    let dearer = client.plan("dearer", Plan::months(12, "730.00")).await;
    client.advance("2025-01-11").await.unwrap();
    let other = world.database.sql().await;
    let hold = "BEGIN; SELECT FROM invoices FOR UPDATE; SELECT FROM deferrals FOR UPDATE; \
                SELECT FROM billing_accounts FOR UPDATE; SELECT FROM subscriptions FOR UPDATE";
    other.batch_execute(hold).await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..Default::default() };
    let request = v1::PreviewChangeRequest {
        subscription_id: bought.id.clone(),
        change: Some(change.clone()),
        horizon: Some(v1::preview_change_request::Horizon::Periods(1)),
    };
    let preview = client.subscriptions.preview_change(request).await.unwrap().into_inner();
    assert_eq!(cents(&preview.invoices[0].net), 71_000 - 35_500);
    other.batch_execute("COMMIT").await.unwrap();
    client.change(&bought.id, change).await.unwrap();
    other.batch_execute(hold).await.unwrap();
    let request =
        v1::PreviewInvoiceRequest { customer_id: bought.customer_id.clone(), ..Default::default() };
    let preview = client.invoices.preview_invoice(request).await.unwrap().into_inner();
    assert_eq!(cents(&preview.invoices[0].net), 71_000 - 35_500);
    other.batch_execute("COMMIT").await.unwrap();
    client.advance("2025-01-11").await.unwrap();
    world.finish().await;
}
