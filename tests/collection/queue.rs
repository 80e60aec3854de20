//! The retry queue as people use it.

use server::pb::v1::{self, CollectionState as State, NextAction};

use super::{collection, payer, pays_by, story, world};
use crate::world::{Client, date, day, refusal};

async fn retry_now(client: &mut Client, id: &str) -> Result<v1::Collection, tonic::Status> {
    let request = v1::RetryNowRequest { invoice_id: id.to_owned(), ..Default::default() };
    Ok(client.collection.retry_now(request).await?.into_inner().collection.unwrap())
}

async fn hold(
    client: &mut Client,
    id: &str,
    until: Option<&str>,
) -> Result<v1::Collection, tonic::Status> {
    let until = until.map(date);
    let request = v1::HoldRetryRequest { invoice_id: id.to_owned(), until, ..Default::default() };
    Ok(client.collection.hold_retry(request).await?.into_inner().collection.unwrap())
}

async fn release(client: &mut Client, id: &str) -> Result<v1::Collection, tonic::Status> {
    let request = v1::ReleaseRetryRequest { invoice_id: id.to_owned(), ..Default::default() };
    Ok(client.collection.release_retry(request).await?.into_inner().collection.unwrap())
}

async fn skip(client: &mut Client, id: &str) -> Result<v1::Collection, tonic::Status> {
    let request = v1::SkipRetryRequest { invoice_id: id.to_owned(), ..Default::default() };
    Ok(client.collection.skip_retry(request).await?.into_inner().collection.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_hurries_an_attempt_and_asking_twice_is_one() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_1_do_not_honor").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-05").await.unwrap();
    for _ in 0..2 {
        let hurried = retry_now(&mut client, &one.id).await.unwrap();
        assert_eq!((hurried.state(), hurried.next_action()), (State::Waiting, NextAction::Extra));
    }
    client.advance("2025-02-06").await.unwrap();
    let paid = "02-03 declined do_not_honor, 02-05 settled: closed 0.00";
    assert_eq!(story(&mut client, &one).await, paid);
    let refused = refusal(retry_now(&mut client, &one.id).await);
    assert_eq!(refused.line(), "FailedPrecondition NOTHING_TO_COLLECT");
    // An attempt that may still bring the money is the only one.
    let ben = payer(&mut client, "Ben", "settles_after_5").await;
    let two = client.invoice_of(&ben, &product).await;
    client.advance("2025-02-07").await.unwrap();
    let refused = refusal(retry_now(&mut client, &two.id).await);
    assert_eq!(refused.line(), "FailedPrecondition ATTEMPT_UNDER_WAY");
    // Held while it is under way: it goes on, and nothing follows it.
    let held = hold(&mut client, &two.id, None).await.unwrap();
    assert_eq!((held.state(), held.held_by.is_empty()), (State::UnderWay, false));
    let cor = payer(&mut client, "Cor", "transfer").await;
    let three = client.invoice_of(&cor, &product).await;
    let refused = refusal(retry_now(&mut client, &three.id).await);
    assert_eq!(refused.line(), "FailedPrecondition NO_PAYMENT_METHOD");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_collection_waits_and_goes_on_when_it_is_released() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_1_insufficient_funds").await;
    let ben = payer(&mut client, "Ben", "declines_1_insufficient_funds").await;
    let (one, two) =
        (client.invoice_of(&ann, &product).await, client.invoice_of(&ben, &product).await);
    client.advance("2025-02-03").await.unwrap();
    let held = hold(&mut client, &one.id, None).await.unwrap();
    assert_eq!((held.state(), held.next_time), (State::Held, None));
    let held = hold(&mut client, &two.id, Some("2025-02-12")).await.unwrap();
    assert_eq!((held.state(), held.next_action()), (State::Held, NextAction::Release));
    assert_eq!(day(&held.held_until), "2025-02-12");
    for past in ["2025-02-03", "2025-02-02"] {
        let refused = refusal(hold(&mut client, &two.id, Some(past)).await);
        assert_eq!(refused.line(), "InvalidArgument until");
    }
    client.advance("2025-02-11").await.unwrap();
    let once = "02-03 declined insufficient_funds: held 121.00";
    assert_eq!(story(&mut client, &one).await, once);
    assert_eq!(story(&mut client, &two).await, once);
    let released = release(&mut client, &one.id).await.unwrap();
    assert_eq!(released.state(), State::Waiting);
    assert_eq!(release(&mut client, &one.id).await.unwrap(), released);
    client.advance("2025-02-12").await.unwrap();
    let paid = |on| format!("02-03 declined insufficient_funds, {on} settled: closed 0.00");
    assert_eq!(story(&mut client, &one).await, paid("02-11"));
    assert_eq!(story(&mut client, &two).await, paid("02-12"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_hurries_what_is_held_releases_it_also_when_new_details_wait() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_expired_card").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-03").await.unwrap();
    hold(&mut client, &one.id, None).await.unwrap();
    pays_by(&mut client, &ann, "settles").await;
    assert_eq!(collection(&mut client, &one).await.state(), State::Held);
    let hurried = retry_now(&mut client, &one.id).await.unwrap();
    assert_eq!((hurried.state(), hurried.next_action()), (State::Waiting, NextAction::Extra));
    assert_eq!(collection(&mut client, &one).await, hurried);
    client.advance("2025-02-04").await.unwrap();
    let paid = "02-03 declined expired_card, 02-03 settled: closed 0.00";
    assert_eq!(story(&mut client, &one).await, paid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_pass_over_new_details_leaves_the_steps_of_the_policy() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_insufficient_funds").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-03").await.unwrap();
    let before = collection(&mut client, &one).await;
    pays_by(&mut client, &ann, "settles").await;
    assert_eq!(collection(&mut client, &one).await.next_action(), NextAction::Extra);
    assert_eq!(skip(&mut client, &one.id).await.unwrap(), before);
    client.advance("2025-02-04").await.unwrap();
    let paid = "02-03 declined insufficient_funds, 02-04 settled: closed 0.00";
    assert_eq!(story(&mut client, &one).await, paid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_attempt_cannot_be_passed_over_and_it_is_said_why() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "settles").await;
    let one = client.invoice_of(&ann, &product).await;
    let refused = refusal(skip(&mut client, &one.id).await);
    assert_eq!(refused.line(), "FailedPrecondition NOTHING_TO_SKIP");
    assert!(refused.message.contains("hold it instead"), "{}", refused.message);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_passed_over_does_not_happen() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_1_insufficient_funds").await;
    let one = client.invoice_of(&ann, &product).await;
    let refused = refusal(skip(&mut client, &one.id).await);
    assert_eq!(refused.line(), "FailedPrecondition NOTHING_TO_SKIP");
    client.advance("2025-02-03").await.unwrap();
    let skipped = skip(&mut client, &one.id).await.unwrap();
    assert_eq!((skipped.state(), skipped.next_action()), (State::Waiting, NextAction::Retry));
    client.advance("2025-02-06").await.unwrap();
    let paid = "02-03 declined insufficient_funds, 02-06 settled: closed 0.00";
    assert_eq!(story(&mut client, &one).await, paid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_and_the_attempts_are_listed_by_what_they_are() {
    let (world, mut client, product) = world().await;
    let mut invoices = Vec::new();
    for pays in ["settles", "declines_insufficient_funds", "declines_expired_card", "none"] {
        let customer = payer(&mut client, pays, pays).await;
        invoices.push(client.invoice_of(&customer, &product).await);
    }
    client.advance("2025-02-03").await.unwrap();
    let filter = |state: State, class: v1::FailureClass, customer: &str| v1::ListRetriesRequest {
        state: state.into(),
        failure_class: class.into(),
        customer_id: customer.to_owned(),
        ..Default::default()
    };
    let any = v1::FailureClass::Unspecified;
    let table = [
        (filter(State::Unspecified, any, ""), vec![1, 2, 3]),
        (filter(State::Waiting, any, ""), vec![1, 2]),
        (filter(State::Person, any, ""), vec![3]),
        (filter(State::Closed, any, ""), vec![0]),
        (filter(State::Held, any, ""), vec![]),
        (filter(State::Unspecified, v1::FailureClass::WrongDetails, ""), vec![2]),
        (filter(State::Unspecified, any, &invoices[1].customer_id), vec![1]),
    ];
    for (request, expected) in table {
        let listed = client.collection.list_retries(request.clone()).await.unwrap().into_inner();
        let ids: Vec<_> = listed.collections.iter().map(|one| &one.invoice_id).collect();
        let mut expected: Vec<_> =
            expected.iter().map(|index: &usize| &invoices[*index].id).collect();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{request:?}");
    }
    let mut seen = Vec::new();
    let mut request = v1::ListAttemptsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = client.collection.list_attempts(request.clone()).await.unwrap().into_inner();
        seen.extend(page.attempts.into_iter().map(|one| one.invoice_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    seen.sort_unstable();
    let mut tried: Vec<_> = invoices[..3].iter().map(|one| one.id.clone()).collect();
    tried.sort_unstable();
    assert_eq!(seen, tried);
    let request =
        v1::ListAttemptsRequest { state: v1::AttemptState::Settled.into(), ..Default::default() };
    let settled = client.collection.list_attempts(request).await.unwrap().into_inner().attempts;
    assert_eq!(settled.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_vendor_sees_and_moves_nothing_of_it() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_insufficient_funds").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-03").await.unwrap();
    let before = collection(&mut client, &one).await;
    let mut other = world.sandbox("2025-02-03").await;
    for answer in [
        retry_now(&mut other, &one.id).await,
        hold(&mut other, &one.id, None).await,
        release(&mut other, &one.id).await,
        skip(&mut other, &one.id).await,
    ] {
        assert_eq!(refusal(answer).line(), "NotFound");
    }
    let listed = other.collection.list_retries(v1::ListRetriesRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().collections, []);
    let listed = other.collection.list_attempts(v1::ListAttemptsRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().attempts, []);
    // Who only looks may not act.
    let mut viewer = client.with_roles(world.channel(), &[v1::Role::Viewer]).await;
    let refused = refusal(retry_now(&mut viewer, &one.id).await);
    assert_eq!(refused.code, tonic::Code::PermissionDenied);
    assert_eq!(collection(&mut viewer, &one).await, before);
    for wrong in ["", "x"] {
        assert_eq!(
            refusal(retry_now(&mut client, wrong).await).line(),
            "InvalidArgument invoice_id"
        );
    }
    pays_by(&mut client, &ann, "settles").await;
    world.finish().await;
}
