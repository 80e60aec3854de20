//! Money that goes back to the card or account from which it was collected.

use std::sync::Arc;
use std::time::Duration;

use app::gateway::Gateways;
use app::payment::{OrderRefund, RecordPayment};
use app::payment_method::{NewDetails, SetPaymentMethod};
use domain::id::{CustomerId, OrgId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::Answer;
use domain::period::Interval;
use server::pb::v1::set_payment_method_request::Details;
use server::pb::v1::{self, RefundState};
use testkit::gateway::Said;
use testkit::{Database, ManualClock, Offer, ScriptedGateway, Vendor, books};

use super::{invoice, money, receipt, record};
use crate::world::{Client, Plan, World, cents, date, day, euro, refusal};

/// A card that behaves as its token says.
async fn card(client: &mut Client, customer: &v1::Customer, token: &str) {
    let details = v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2031, month: 3 }),
        holder: String::new(),
    };
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(Details::Card(details)),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

/// A customer of whom 121.00 were collected by this card, and who has 121.00 to its credit.
pub(super) async fn collected(world: &World, token: &str) -> (Client, v1::Customer, v1::Payment) {
    let mut client = world.sandbox("2025-02-03").await;
    let product = client.product("advice", &Plan::months(1, "0")).await;
    let customer = client.customer("Ann").await;
    card(&mut client, &customer, token).await;
    invoice(&mut client, &customer, &[(&product, "100.00")]).await;
    client.advance("2025-02-04").await.unwrap();
    record(&mut client, receipt(Some(&customer), 12_100)).await;
    let request =
        v1::ListPaymentsRequest { kind: v1::PaymentKind::Collection.into(), ..Default::default() };
    let mut found = client.payments.list_payments(request).await.unwrap().into_inner().payments;
    (client, customer, found.remove(0))
}

pub(super) fn refund(payment: &v1::Payment, cents: i64) -> v1::RefundPaymentRequest {
    v1::RefundPaymentRequest {
        customer_id: payment.customer_id.clone(),
        payment_id: payment.id.clone(),
        amount: money(cents),
        ..Default::default()
    }
}

pub(super) async fn ordered(client: &mut Client, request: v1::RefundPaymentRequest) -> v1::Refund {
    let answer = client.payments.refund_payment(request).await.unwrap().into_inner();
    assert_eq!(answer.payment, None, "nothing went yet");
    answer.refund.unwrap()
}

/// `settled 30.00`, one of each refund.
async fn refunds(client: &mut Client) -> Vec<String> {
    let request = v1::ListRefundsRequest::default();
    let answer = client.payments.list_refunds(request).await.unwrap().into_inner();
    let line = |one: &v1::Refund| {
        let state = one.state().as_str_name().replace("REFUND_STATE_", "").to_lowercase();
        format!("{state} {} {}", euro(&one.amount), one.raw_code).trim().to_owned()
    };
    answer.refunds.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_collected_goes_back_by_its_way_once_and_in_parts() {
    let world = World::new().await;
    let (mut client, ann, paid) = collected(&world, "settles").await;
    let request_id = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let call =
        v1::RefundPaymentRequest { request_id, note: "sorry".into(), ..refund(&paid, 3_000) };
    let first = ordered(&mut client, call.clone()).await;
    assert_eq!(ordered(&mut client, call).await, first, "the same call again");
    assert_eq!((first.state(), first.payment_id.as_str()), (RefundState::Submitting, &*paid.id));
    // What is on its way pays nothing else, and nothing has moved.
    assert_eq!(client.balances("2025-02-04").await["2060"], -12_100);
    let more = refusal(client.payments.refund_payment(refund(&paid, 9_101)).await);
    assert_eq!(more.line(), "FailedPrecondition REFUND_TOO_LARGE");
    assert_eq!(more.facts["left"], "EUR 91.00");
    let by_hand = v1::RefundPaymentRequest {
        customer_id: ann.id.clone(),
        amount: money(9_101),
        ..Default::default()
    };
    let more = refusal(client.payments.refund_payment(by_hand).await);
    assert_eq!(more.line(), "FailedPrecondition BALANCE_TOO_LOW");
    assert_eq!(more.facts["balance"], "EUR 91.00");
    client.advance("2025-02-05").await.unwrap();
    assert_eq!(refunds(&mut client).await, ["settled 30.00"]);
    let request =
        v1::ListPaymentsRequest { kind: v1::PaymentKind::Refund.into(), ..Default::default() };
    let went = client.payments.list_payments(request).await.unwrap().into_inner().payments;
    assert_eq!((went.len(), went[0].id.as_str(), cents(&went[0].amount)), (1, &*first.id, -3_000));
    assert_eq!((went[0].note.as_str(), day(&went[0].booked_on)), ("sorry", "2025-02-04".into()));
    assert_eq!(client.balances("2025-02-05").await["2060"], -9_100);
    ordered(&mut client, refund(&paid, 9_100)).await;
    client.advance("2025-02-06").await.unwrap();
    assert_eq!(refunds(&mut client).await, ["settled 30.00", "settled 91.00"]);
    assert!(!client.balances("2025-02-06").await.contains_key("2060"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_declined_is_the_balance_again_and_pays_the_next_invoice() {
    let world = World::new().await;
    let (mut client, ann, paid) = collected(&world, "refund_declines_expired_card").await;
    let one = ordered(&mut client, refund(&paid, 12_100)).await;
    client.advance("2025-02-05").await.unwrap();
    assert_eq!(refunds(&mut client).await, ["declined 121.00 expired_card"]);
    let product = client.product("more", &Plan::months(1, "0")).await;
    let next = invoice(&mut client, &ann, &[(&product, "50.00")]).await;
    assert_eq!(euro(&next.amount_due), "0.00");
    // It had gone after all: what was spent meanwhile waits for a person, and it is told once.
    let told = v1::ReportRefundResultRequest {
        refund_id: one.id.clone(),
        result: RefundState::Settled.into(),
        ..Default::default()
    };
    for _ in 0..2 {
        let answer = client.payments.report_refund_result(told.clone()).await.unwrap();
        assert_eq!(answer.into_inner().refund.unwrap().state(), RefundState::Settled);
    }
    let list = v1::ListUnmatchedRequest::default();
    let waiting = client.payments.list_unmatched(list).await.unwrap().into_inner().payments;
    assert_eq!((waiting.len(), euro(&waiting[0].unmatched)), (1, "-60.50".into()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_did_not_arrive_is_sent_again_by_the_same_way() {
    let world = World::new().await;
    let (mut client, _, paid) = collected(&world, "settles").await;
    let first = ordered(&mut client, refund(&paid, 12_100)).await;
    client.advance("2025-02-05").await.unwrap();
    let back = v1::ReturnPaymentRequest { payment_id: first.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    ordered(&mut client, refund(&paid, 12_100)).await;
    client.advance("2025-02-06").await.unwrap();
    assert_eq!(refunds(&mut client).await, ["settled 121.00", "settled 121.00"]);
    assert!(!client.balances("2025-02-06").await.contains_key("2060"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_back_by_its_way_is_refused() {
    let world = World::new().await;
    let (mut client, ann, paid) = collected(&world, "settles").await;
    let by_hand = record(&mut client, receipt(Some(&ann), 1_000)).await;
    let good = refund(&paid, 100);
    let table = [
        (refund(&by_hand, 100), "FailedPrecondition NOT_COLLECTED"),
        (refund(&paid, 0), "InvalidArgument amount"),
        (
            v1::RefundPaymentRequest { payment_id: "x".into(), ..good.clone() },
            "InvalidArgument payment_id",
        ),
        (
            v1::RefundPaymentRequest { payment_id: uuid::Uuid::max().to_string(), ..good.clone() },
            "NotFound",
        ),
        (
            v1::RefundPaymentRequest { booked_on: Some(date("2025-02-04")), ..good.clone() },
            "InvalidArgument booked_on",
        ),
        (
            v1::RefundPaymentRequest { external_id: "out-1".into(), ..good.clone() },
            "InvalidArgument external_id",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(client.payments.refund_payment(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let ben = client.customer("Ben").await;
    let of_ben = v1::RefundPaymentRequest { customer_id: ben.id, ..good.clone() };
    let refused = refusal(client.payments.refund_payment(of_ben).await);
    assert_eq!(refused.line(), "InvalidArgument payment_id");
    let mut other = world.sandbox("2025-02-03").await;
    assert_eq!(refusal(other.payments.refund_payment(good.clone()).await).line(), "NotFound");
    let one = ordered(&mut client, good.clone()).await;
    let told = v1::ReportRefundResultRequest {
        refund_id: one.id.clone(),
        result: RefundState::Declined.into(),
        ..Default::default()
    };
    let table = [
        (told.clone(), "InvalidArgument raw_code"),
        (
            v1::ReportRefundResultRequest { result: RefundState::Unknown.into(), ..told.clone() },
            "InvalidArgument result",
        ),
        (
            v1::ReportRefundResultRequest { on: Some(date("2025-02-05")), ..told.clone() },
            "InvalidArgument on",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(client.payments.report_refund_result(request).await);
        assert_eq!(refused.line(), expected);
    }
    assert_eq!(refusal(other.payments.report_refund_result(told).await).line(), "NotFound");
    // What the bank took back is not given a second time.
    let back = v1::ReturnPaymentRequest { payment_id: paid.id.clone(), ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    let refused = refusal(client.payments.refund_payment(good).await);
    assert_eq!(refused.line(), "FailedPrecondition RETURNED_BEFORE");
    world.finish().await;
}

/// 49.99 and 21 % of it.
const TOTAL: i64 = 6_049;

/// A vendor whose gateway says what the test tells it, and what it collected of a customer that has
/// as much to its credit.
async fn scripted() -> (Database, Arc<ScriptedGateway>, Vendor, (CustomerId, PaymentId)) {
    let database = Database::fresh().await;
    let gateway = ScriptedGateway::new();
    let mut ctx = database.ctx(ManualClock::at(crate::world::NOW));
    ctx.gateways =
        Gateways::only(Arc::<ScriptedGateway>::clone(&gateway)).within(Duration::from_secs(20));
    let vendor = Vendor::sandbox(&ctx, "2025-02-03").await;
    let plan = vendor.plan("yearly", Offer::flat(Interval::YEARLY, "49.99")).await;
    let customer = vendor.customer("Ben").await;
    let mut scope = vendor.scope().await;
    let details = NewDetails::Card {
        token: "settles".to_owned().into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires_year: 2031,
        expires_month: 3,
        holder: None,
    };
    let command = SetPaymentMethod { customer_id: customer.id, id: None, details };
    app::payment_method::set(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
    vendor.subscribe(&customer, plan, "2025-02-03").await;
    vendor.bill().await.unwrap();
    app::collection::run(&vendor.ctx, vendor.org).await.unwrap();
    let mut scope = vendor.scope().await;
    let command = RecordPayment {
        customer_id: Some(customer.id),
        invoice: None,
        amount: Money::new(TOTAL, Currency::EUR),
        booked_on: None,
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
    };
    app::payment::record(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
    let collected = "SELECT id::text FROM payments WHERE kind = 'collection'";
    let row = database.sql().await.query_one(collected, &[]).await.unwrap();
    let payment_id = PaymentId(row.get::<_, &str>(0).parse().unwrap());
    (database, gateway, vendor, (customer.id, payment_id))
}

async fn order(vendor: &Vendor, of: (CustomerId, PaymentId)) {
    let mut scope = vendor.scope().await;
    let (customer_id, payment_id) = of;
    let amount = Money::new(TOTAL, Currency::EUR);
    let command = OrderRefund { customer_id, payment_id, amount, note: None };
    app::payment::order(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
}

async fn collect(vendor: &Vendor) {
    app::collection::run(&vendor.ctx, vendor.org).await.unwrap();
}

async fn later(database: &Database, org: OrgId, minutes: i64) {
    let later = format!(
        "UPDATE organizations SET sandbox_now = sandbox_now + interval '{minutes} minutes' \
         WHERE org_id = '{org}'"
    );
    database.sql().await.batch_execute(&later).await.unwrap();
}

/// How refunds stand, what was recorded of them, and what is set apart.
async fn stands(database: &Database) -> (Vec<String>, i64, i64) {
    let sql = database.sql().await;
    let states = sql.query("SELECT state FROM payment_refunds ORDER BY id", &[]).await.unwrap();
    let sum = "SELECT coalesce(-sum(amount_minor), 0)::bigint FROM payments WHERE kind = 'refund'";
    let apart = "SELECT sum(refunding_minor)::bigint FROM billing_accounts";
    let states = states.iter().map(|row| row.get(0)).collect();
    let went = sql.query_one(sum, &[]).await.unwrap().get(0);
    (states, went, sql.query_one(apart, &[]).await.unwrap().get(0))
}

fn so(state: &str, went: i64, apart: i64) -> (Vec<String>, i64, i64) {
    (vec![state.to_owned()], went, apart)
}

fn settled() -> Answer {
    Answer::Settled { on: testkit::date("2025-02-03") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_it_sends_a_refund_sends_it_again_with_the_same_key() {
    for said in [Said::HangsAfter(settled()), Said::HangsBefore] {
        let (database, gateway, vendor, of) = scripted().await;
        order(&vendor, of).await;
        gateway.on_refund(said.clone());
        // One call was the submission.
        tokio::select! {
            () = collect(&vendor) => panic!("{said:?}: it hangs"),
            () = gateway.called(2) => {}
        }
        assert_eq!(stands(&database).await, so("submitting", 0, TOTAL));
        collect(&vendor).await;
        assert_eq!(stands(&database).await, so("settled", TOTAL, 0), "{said:?}");
        assert_eq!(gateway.refunded(), 1, "{said:?}");
        collect(&vendor).await;
        assert_eq!(gateway.refunded(), 1);
        books::assert_right(&database, &vendor.ctx, vendor.org).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_does_not_say_is_asked_and_at_last_a_person_finds_out() {
    let (database, gateway, vendor, of) = scripted().await;
    order(&vendor, of).await;
    for minutes in [5, 60, 1440, 1440, 1440, 1440, 1440, 1440] {
        gateway.on_refund(Said::LosesOrder);
        collect(&vendor).await;
        assert_eq!(stands(&database).await, so("unknown", 0, TOTAL));
        // Before it is time nobody asks.
        collect(&vendor).await;
        books::assert_right(&database, &vendor.ctx, vendor.org).await;
        later(&database, vendor.org, minutes).await;
    }
    collect(&vendor).await;
    assert_eq!((stands(&database).await, gateway.refunded()), (so("unknown", 0, TOTAL), 0));
    let mut scope = vendor.scope().await;
    let page = app::page::PageRequest::new(50, String::new()).unwrap();
    let filter = app::payment::RefundFilter::default();
    let found = app::payment::list_refunds(&mut scope, filter, &page).await.unwrap();
    assert_eq!(found.rows[0].ask_at, None);
    let open = store::payment::open_refunds(&mut scope.tx).await.unwrap();
    assert_eq!(open, [("lost".to_owned(), 1)]);
    let report = app::payment::RefundReport {
        refund_id: found.rows[0].id,
        result: domain::payment::refund::RefundState::Declined,
        raw_code: Some("gone".into()),
        on: None,
        reference: None,
    };
    app::payment::report_refund(&mut scope, report).await.unwrap();
    scope.commit().await.unwrap();
    assert_eq!(stands(&database).await, so("declined", 0, 0));
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_a_decline_after_it_and_two_who_ask_at_once_pay_back_once() {
    let (database, gateway, vendor, of) = scripted().await;
    order(&vendor, of).await;
    gateway.on_refund(Said::LosesAnswer(settled()));
    collect(&vendor).await;
    assert_eq!(stands(&database).await, so("unknown", 0, TOTAL));
    later(&database, vendor.org, 5).await;
    tokio::join!(collect(&vendor), collect(&vendor));
    assert_eq!(stands(&database).await, so("settled", TOTAL, 0));
    assert_eq!(gateway.refunded(), 1);
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
}
