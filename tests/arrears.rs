//! What missing money does to subscriptions, day by day: delivery in grace, restricted, stopped;
//! ended, or delivered again when it is paid.

mod late_fee;
mod minimum;
mod policy;
mod suspension;
mod wake;

use server::pb::v1::{self, set_payment_method_request::Details};

use crate::world::{Client, Plan, day};

/// Makes a customer pay with a card.
async fn card(client: &mut Client, customer: &v1::Customer, token: &str) {
    let details = v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2029, month: 3 }),
        holder: String::new(),
    };
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(Details::Card(details)),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

/// A customer whose invoices are to be paid on the day of their issue.
async fn due_at_once(client: &mut Client) -> v1::Customer {
    let customer =
        v1::Customer { payment_terms_days: Some(0), ..Client::business("Bakkerij Jansen") };
    client.create_customer(customer).await.unwrap()
}

/// A customer without money on a plan from the first of January on.
async fn without_money(client: &mut Client, plan: Plan) -> (v1::Customer, v1::Subscription) {
    let customer = due_at_once(client).await;
    card(client, &customer, "declines_insufficient_funds").await;
    let plan = client.plan("base", plan).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let subscription = client.subscribe(terms).await.unwrap();
    (customer, subscription)
}

/// `ACTIVE DELIVER IN_FORCE`, with `until` where there is one.
async fn standing(client: &mut Client, id: &str) -> String {
    let of = client.entitlement(id).await;
    let name = |name: &str, prefix: &str| name.replace(prefix, "");
    let state = name(of.state().as_str_name(), "SUBSCRIPTION_STATE_");
    let delivery = name(of.delivery().as_str_name(), "DELIVERY_");
    let reason = name(of.reason().as_str_name(), "ENTITLEMENT_REASON_");
    let until = of.until.map(|until| format!(" until {}", day(&Some(until)))).unwrap_or_default();
    let shown = client.subscription(id).await;
    assert_eq!(shown.state(), of.state(), "the same wherever it is asked");
    format!("{state} {delivery} {reason}{until}")
}

/// Pays everything of a customer by transfer.
async fn pay(client: &mut Client, customer: &v1::Customer, cents: i64) -> v1::Payment {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    let amount = server::pb::google::r#type::Money {
        currency_code: "EUR".into(),
        units: cents / 100,
        nanos,
    };
    let request = v1::RecordPaymentRequest {
        customer_id: customer.id.clone(),
        amount: Some(amount),
        ..Default::default()
    };
    let answer = client.payments.record_payment(request).await.unwrap().into_inner();
    answer.payment.unwrap()
}
