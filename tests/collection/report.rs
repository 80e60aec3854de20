//! What banks, other systems and people report about attempts: late, twice, in contradiction.

use server::pb::v1::{self, AttemptState as State};

use super::{attempts, payer, story, world};
use crate::world::{Client, cents, date, refusal};

pub(super) fn told(attempt: &v1::Attempt, result: State) -> v1::ReportPaymentResultRequest {
    let raw_code = match result {
        State::Declined | State::Bounced => "insufficient_funds",
        _ => "",
    };
    v1::ReportPaymentResultRequest {
        attempt_id: attempt.attempt_id.clone(),
        result: result.into(),
        raw_code: raw_code.to_owned(),
        ..Default::default()
    }
}

pub(super) async fn report(
    client: &mut Client,
    request: v1::ReportPaymentResultRequest,
) -> Result<State, tonic::Status> {
    let answer = client.collection.report_payment_result(request).await?.into_inner();
    Ok(answer.attempt.unwrap().state())
}

async fn paid(client: &mut Client) -> Vec<i64> {
    let request = v1::ListPaymentsRequest { page_size: 500, ..Default::default() };
    let answer = client.payments.list_payments(request).await.unwrap().into_inner();
    let mut paid: Vec<i64> = answer.payments.iter().map(|one| cents(&one.amount)).collect();
    paid.sort_unstable();
    paid
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_late_twice_and_against_each_other_are_recorded_once() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "silent").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    let attempt = attempts(&mut client, &one).await.remove(0);
    let table = [
        (State::Accepted, State::Accepted, vec![]),
        (State::NotSent, State::Accepted, vec![]),
        (State::Declined, State::Declined, vec![]),
        (State::Declined, State::Declined, vec![]),
        (State::Accepted, State::Declined, vec![]),
        (State::Settled, State::Settled, vec![12_100]),
        (State::Settled, State::Settled, vec![12_100]),
        (State::Declined, State::Settled, vec![12_100]),
        (State::NotSent, State::Settled, vec![12_100]),
        (State::Cancelled, State::Settled, vec![12_100]),
        (State::Bounced, State::Bounced, vec![-12_100, 12_100]),
        (State::Bounced, State::Bounced, vec![-12_100, 12_100]),
        (State::Settled, State::Bounced, vec![-12_100, 12_100]),
    ];
    for (said, stands, payments) in table {
        assert_eq!(report(&mut client, told(&attempt, said)).await.unwrap(), stands, "{said:?}");
        assert_eq!(paid(&mut client).await, payments, "{said:?}");
        testkit::books::assert_right(&world.database, &world.ctx, client.org).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_decided_by_a_person_once() {
    let (world, mut client, product) = world().await;
    let mut invoices = Vec::new();
    for name in ["Ann", "Ben", "Cor"] {
        let customer = payer(&mut client, name, "silent").await;
        invoices.push(client.invoice_of(&customer, &product).await);
    }
    client.advance("2025-03-01").await.unwrap();
    for one in &invoices {
        // Nothing was sent a second time, and a person is asked to look.
        assert_eq!(story(&mut client, one).await, "02-03 unknown: person 121.00");
    }
    let results = [State::Settled, State::Declined, State::NotSent];
    for (one, result) in invoices.iter().zip(results) {
        let attempt = attempts(&mut client, one).await.remove(0);
        let request = v1::ResolveUnknownRequest {
            attempt_id: attempt.attempt_id,
            result: result.into(),
            raw_code: "do_not_honor".into(),
            on: Some(date("2025-02-20")),
            ..Default::default()
        };
        let wrong = v1::ResolveUnknownRequest { result: State::Accepted.into(), ..request.clone() };
        let refused = refusal(client.collection.resolve_unknown(wrong).await);
        assert_eq!(refused.line(), "InvalidArgument result");
        let answer = client.collection.resolve_unknown(request.clone()).await.unwrap();
        assert_eq!(answer.into_inner().attempt.unwrap().state(), result);
        let refused = refusal(client.collection.resolve_unknown(request).await);
        assert_eq!(refused.line(), "FailedPrecondition NOT_UNKNOWN");
    }
    let stories = [
        story(&mut client, &invoices[0]).await,
        story(&mut client, &invoices[1]).await,
        story(&mut client, &invoices[2]).await,
    ];
    assert_eq!(stories[0], "02-03 settled: closed 0.00");
    assert!(stories[1].starts_with("02-03 declined do_not_honor: "), "{}", stories[1]);
    assert_eq!(stories[2], "02-03 not_sent: waiting 121.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_reports_are_refused_with_their_field() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "settles_after_5").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-03").await.unwrap();
    let attempt = attempts(&mut client, &one).await.remove(0);
    let good = told(&attempt, State::Bounced);
    let dollar =
        server::pb::google::r#type::Money { currency_code: "USD".into(), units: 1, nanos: 0 };
    let table = [
        (told(&attempt, State::Unspecified), "InvalidArgument result"),
        (told(&attempt, State::Unknown), "InvalidArgument result"),
        (told(&attempt, State::Submitting), "InvalidArgument result"),
        (
            v1::ReportPaymentResultRequest { raw_code: " ".into(), ..good.clone() },
            "InvalidArgument raw_code",
        ),
        (
            v1::ReportPaymentResultRequest { raw_code: "x".repeat(41), ..good.clone() },
            "InvalidArgument raw_code",
        ),
        (
            v1::ReportPaymentResultRequest { on: Some(date("2025-02-04")), ..good.clone() },
            "InvalidArgument on",
        ),
        (
            v1::ReportPaymentResultRequest { fee: Some(dollar), ..good.clone() },
            "InvalidArgument fee",
        ),
        (
            v1::ReportPaymentResultRequest { reference: "x".repeat(141), ..good.clone() },
            "InvalidArgument reference",
        ),
        (
            v1::ReportPaymentResultRequest {
                attempt_id: uuid::Uuid::max().to_string(),
                ..good.clone()
            },
            "NotFound",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(report(&mut client, request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    client.advance("2025-02-11").await.unwrap();
    let on = |result, day: &str| v1::ReportPaymentResultRequest {
        on: Some(date(day)),
        ..told(&attempt, result)
    };
    let early = refusal(report(&mut client, on(State::Settled, "2025-02-02")).await);
    assert_eq!(early.line(), "InvalidArgument on");
    report(&mut client, on(State::Settled, "2025-02-08")).await.unwrap();
    for (day, expected) in [("2025-02-02", false), ("2025-02-07", false), ("2025-02-08", true)] {
        match report(&mut client, on(State::Bounced, day)).await {
            Ok(state) => assert!(expected && state == State::Bounced, "{day}"),
            Err(status) => {
                let refused = refusal::<()>(Err(status));
                assert_eq!((refused.line().as_str(), expected), ("InvalidArgument on", false));
            }
        }
    }
    let mut other = world.sandbox("2025-02-03").await;
    assert_eq!(refusal(report(&mut other, good.clone()).await).line(), "NotFound");
    let mut support = client.with_roles(world.channel(), &[v1::Role::Support]).await;
    let refused = refusal(report(&mut support, good).await);
    assert_eq!(refused.code, tonic::Code::PermissionDenied);
    world.finish().await;
}
