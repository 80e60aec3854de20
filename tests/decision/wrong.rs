//! Fraud, and what is refused, repeated, or somebody else's.

use super::{
    DecisionState, Standing, StrikeReason, Verdict, decide, decision, decisions, standing, strikes,
    verdict, world,
};
use crate::world::{Client, date, refusal};
use server::pb::v1;
use tonic::Code;

fn fraud(customer: &v1::Customer, note: &str) -> v1::RecordFraudRequest {
    v1::RecordFraudRequest {
        customer_id: customer.id.clone(),
        note: note.into(),
        ..Default::default()
    }
}

async fn record(client: &mut Client, request: v1::RecordFraudRequest) -> v1::Strike {
    client.decisions.record_fraud(request).await.unwrap().into_inner().strike.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fraud_proposes_a_block_again_after_a_rejection_and_not_of_who_is_blocked() {
    let (world, mut client, _) = world().await;
    let ann = client.customer("Ann").await;
    let first = record(&mut client, fraud(&ann, "valse naam")).await;
    assert_eq!((first.reason(), first.points, first.counts), (StrikeReason::Fraud, 5, true));
    assert_eq!(
        (first.note.as_str(), first.recorded_by.as_str()),
        ("valse naam", "first admin key")
    );
    assert_eq!(first.lapses_on, Some(date("2026-02-03")));
    assert_eq!(record(&mut client, fraud(&ann, "nog eens")).await, first, "once a day");
    let proposed = decision(&mut client, &ann).await;
    assert_eq!((proposed.points, proposed.state()), (5, DecisionState::Open));
    decide(&mut client, verdict(&proposed, Verdict::Reject)).await.unwrap();
    assert_eq!(standing(&mut client, &ann).await.0, Standing::Good);

    client.advance("2025-02-04").await.unwrap();
    record(&mut client, fraud(&ann, "weer")).await;
    let again = decisions(&mut client, &ann).await.pop().unwrap();
    assert_eq!((again.points, again.state()), (10, DecisionState::Open));
    decide(&mut client, verdict(&again, Verdict::Confirm)).await.unwrap();
    let (blocked, block) = standing(&mut client, &ann).await;
    let block = block.unwrap();
    assert_eq!((blocked, block.expires_on), (Standing::Blocked, Some(date("2026-02-04"))));
    assert_eq!(block.reason, again.why);

    client.advance("2025-02-05").await.unwrap();
    record(&mut client, fraud(&ann, "en weer")).await;
    assert_eq!(strikes(&mut client, &ann).await.len(), 3);
    assert_eq!(decisions(&mut client, &ann).await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_calls_answer_what_they_answered() {
    let (world, mut client, _) = world().await;
    let ann = client.customer("Ann").await;
    let id = || domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let keyed = v1::RecordFraudRequest { request_id: id(), ..fraud(&ann, "valse naam") };
    let first = record(&mut client, keyed.clone()).await;
    client.advance("2025-02-04").await.unwrap();
    assert_eq!(record(&mut client, keyed.clone()).await, first);
    let reused = v1::RecordFraudRequest { note: "anders".into(), ..keyed };
    let refused = refusal(client.decisions.record_fraud(reused).await);
    assert_eq!(refused.line(), "AlreadyExists REQUEST_ID_REUSED");
    let proposed = decision(&mut client, &ann).await;
    let keyed = v1::DecideRequest { request_id: id(), ..verdict(&proposed, Verdict::Confirm) };
    let confirmed = decide(&mut client, keyed.clone()).await.unwrap();
    let unblock = v1::UnblockCustomerRequest { customer_id: ann.id.clone(), ..Default::default() };
    client.customers.unblock_customer(unblock).await.unwrap();
    assert_eq!(decide(&mut client, keyed).await.unwrap(), confirmed);
    let same = verdict(&proposed, Verdict::Confirm);
    assert_eq!(decide(&mut client, same).await.unwrap(), confirmed);
    assert_eq!(standing(&mut client, &ann).await.0, Standing::Good, "it is not blocked again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_of_others_nothing_is_seen() {
    let (world, mut client, product) = world().await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let of_ben = client.invoice_of(&ben, &product).await;
    let nobody = uuid::Uuid::max().to_string();
    let fine = fraud(&ann, "x");
    type Fraud = v1::RecordFraudRequest;
    for (request, expected) in [
        (Fraud { customer_id: "A".into(), ..fine.clone() }, "InvalidArgument customer_id"),
        (Fraud { customer_id: nobody.clone(), ..fine.clone() }, "NotFound"),
        (Fraud { invoice_id: "1".into(), ..fine.clone() }, "InvalidArgument invoice_id"),
        (Fraud { invoice_id: nobody.clone(), ..fine.clone() }, "InvalidArgument invoice_id"),
        (Fraud { invoice_id: of_ben.id, ..fine.clone() }, "InvalidArgument invoice_id"),
        (fraud(&ann, " "), "InvalidArgument note"),
        (fraud(&ann, &"x".repeat(1_001)), "InvalidArgument note"),
    ] {
        let refused = refusal(client.decisions.record_fraud(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    assert_eq!(decisions(&mut client, &ann).await, []);
    record(&mut client, fine).await;
    let proposed = decision(&mut client, &ann).await;
    let right = verdict(&proposed, Verdict::Confirm);
    let until = |on: &str| Some(date(on));
    type Decide = v1::DecideRequest;
    for (request, expected) in [
        (Decide { decision_id: "1".into(), ..right.clone() }, "InvalidArgument decision_id"),
        (Decide { decision_id: nobody.clone(), ..right.clone() }, "NotFound"),
        (Decide { verdict: 0, ..right.clone() }, "InvalidArgument verdict"),
        (Decide { verdict: 9, ..right.clone() }, "InvalidArgument verdict"),
        (Decide { note: "x".repeat(1_001), ..right.clone() }, "InvalidArgument note"),
        (
            Decide { block_expires_on: until("2025-02-03"), ..right.clone() },
            "InvalidArgument block_expires_on",
        ),
        (
            Decide { block_expires_on: until("2025-03-03"), ..verdict(&proposed, Verdict::Reject) },
            "InvalidArgument block_expires_on",
        ),
    ] {
        let refused = refusal(decide(&mut client, request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let strange = v1::ListDecisionsRequest { kind: 9, ..Default::default() };
    assert_eq!(
        refusal(client.decisions.list_decisions(strange).await).line(),
        "InvalidArgument kind"
    );
    let strange = v1::ListStrikesRequest { customer_id: nobody, ..Default::default() };
    assert_eq!(refusal(client.decisions.list_strikes(strange).await).line(), "NotFound");
    assert_eq!(decision(&mut client, &ann).await, proposed);

    let mut other = world.sandbox("2025-02-03").await;
    let all = other.decisions.list_decisions(v1::ListDecisionsRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().decisions, []);
    let all = other.decisions.list_strikes(v1::ListStrikesRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().strikes, []);
    assert_eq!(refusal(decide(&mut other, right).await).code, Code::NotFound);
    let of_ann = fraud(&ann, "x");
    assert_eq!(refusal(other.decisions.record_fraud(of_ann).await).code, Code::NotFound);
    world.finish().await;
}
