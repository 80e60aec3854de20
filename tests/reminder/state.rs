//! Where a customer stands, and what comes next.

use server::pb::v1::{self, DunningDegree, FailureClass, Language};

use super::{customer, invoice, pay, transfer};
use crate::world::{Client, World, day, refusal};

async fn state(client: &mut Client, customer: &v1::Customer) -> v1::GetDunningStateResponse {
    let request = v1::GetDunningStateRequest { customer_id: customer.id.clone() };
    client.dunning.get_dunning_state(request).await.unwrap().into_inner()
}

fn preview(invoice: &v1::Invoice) -> v1::PreviewDunningRequest {
    v1::PreviewDunningRequest { invoice_id: invoice.id.clone(), ..Default::default() }
}

/// `2025-02-24 RESTRICTED RESTRICT`
fn lines(days: &[v1::DunningDay]) -> Vec<String> {
    let line = |one: &v1::DunningDay| {
        let steps: Vec<_> = one
            .steps
            .iter()
            .map(|step| step.action().as_str_name().replace("DUNNING_ACTION_", ""))
            .collect();
        let degree = one.degree().as_str_name().replace("DUNNING_DEGREE_", "");
        format!("{} {degree} {}", day(&one.on), steps.join(" ")).trim_end().to_owned()
    };
    days.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_says_what_is_missing_and_what_comes_next_until_it_is_paid() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let ann = customer(&mut client, Some(transfer()), Language::Nl).await;
    let owed = invoice(&mut client, &ann).await;
    let clear = state(&mut client, &ann).await;
    assert_eq!((clear.degree(), clear.delivery()), (DunningDegree::Clear, v1::Delivery::Deliver));
    assert_eq!((clear.courses.len(), clear.day_zero_on), (1, None));
    let before = client.dunning.preview_dunning(preview(&owed)).await.unwrap().into_inner();
    assert_eq!(before.class(), FailureClass::NoMoney);
    let later = [
        "2025-02-13 OVERDUE SECOND_REMINDER",
        "2025-02-17 OVERDUE FINAL_NOTICE",
        "2025-02-24 RESTRICTED RESTRICT",
        "2025-03-05 SUSPENDED SUSPEND",
        "2025-04-04 CANCELLED CANCEL PROPOSE_WRITE_OFF",
    ];
    let first = ["2025-02-03 OVERDUE", "2025-02-06 OVERDUE FRIENDLY_REMINDER"];
    assert_eq!(lines(&before.days), [first.as_slice(), &later].concat());

    client.advance("2025-02-07").await.unwrap();
    let now = state(&mut client, &ann).await;
    assert_eq!(now.degree(), DunningDegree::Overdue);
    assert_eq!(now.delivery(), v1::Delivery::DeliverInGrace);
    assert_eq!((now.invoice_id.as_str(), now.left_out), (owed.id.as_str(), 0));
    let days = [&now.day_zero_on, &now.grace_until_on, &now.changes_on].map(day);
    assert_eq!(days, ["2025-02-03", "2025-02-24", "2025-02-24"]);
    let [course] = now.courses.as_slice() else { panic!("{now:?}") };
    assert_eq!(course.collection.as_ref().unwrap().invoice_number, owed.number);
    let expected = [["2025-02-07 OVERDUE"].as_slice(), &later].concat();
    assert_eq!(lines(&course.days), expected);
    let shown = client.dunning.preview_dunning(preview(&owed)).await.unwrap().into_inner();
    assert_eq!(shown.days, course.days);

    pay(&mut client, &owed.number, 12_100).await;
    let paid = state(&mut client, &ann).await;
    assert_eq!((paid.degree(), paid.courses.len()), (DunningDegree::Clear, 0));
    let refused = refusal(client.dunning.preview_dunning(preview(&owed)).await);
    assert_eq!(refused.line(), "FailedPrecondition NOTHING_TO_COLLECT");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_an_invoice_takes_nothing_else_and_needs_a_way_of_paying() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let ben = customer(&mut client, None, Language::En).await;
    let owed = invoice(&mut client, &ben).await;
    let refused = refusal(client.dunning.preview_dunning(preview(&owed)).await);
    assert_eq!(refused.line(), "FailedPrecondition NO_PAYMENT_METHOD");
    let both = v1::PreviewDunningRequest { scheme: v1::Scheme::Card.into(), ..preview(&owed) };
    let refused = refusal(client.dunning.preview_dunning(both).await);
    assert_eq!(refused.line(), "InvalidArgument invoice_id");
    let nowhere = uuid::Uuid::max().to_string();
    let unknown = v1::PreviewDunningRequest { invoice_id: nowhere.clone(), ..Default::default() };
    assert_eq!(refusal(client.dunning.preview_dunning(unknown).await).line(), "NotFound");
    let unknown = v1::GetDunningStateRequest { customer_id: nowhere };
    assert_eq!(refusal(client.dunning.get_dunning_state(unknown).await).line(), "NotFound");
    world.finish().await;
}
