//! Features: from a wish to something that is sold.

mod sale;

use server::pb::v1::{self, FeatureState, assess_feature_request_request::Assessment};
use tonic::{Code, Status};

use crate::world::{Client, World, day, refusal};

async fn assess(
    client: &mut Client,
    feature: &v1::Feature,
    assessment: Option<Assessment>,
) -> Result<v1::Feature, Status> {
    let request = v1::AssessFeatureRequestRequest {
        feature_id: feature.feature_id.clone(),
        assessment,
        ..Default::default()
    };
    Ok(client.features.assess_feature_request(request).await?.into_inner().feature.unwrap())
}

fn accept(value: i32, complexity: i32) -> Option<Assessment> {
    Some(Assessment::Accept(v1::AcceptFeatureRequest { value, complexity, note: String::new() }))
}

fn decline(reason: &str) -> Option<Assessment> {
    Some(Assessment::Decline(v1::DeclineFeatureRequest { reason: reason.into() }))
}

async fn vote(
    client: &mut Client,
    feature: &v1::Feature,
    customer: &v1::Customer,
) -> Result<v1::Feature, Status> {
    let request = v1::VoteFeatureRequestRequest {
        feature_id: feature.feature_id.clone(),
        customer_id: customer.id.clone(),
        ..Default::default()
    };
    Ok(client.features.vote_feature_request(request).await?.into_inner().feature.unwrap())
}

async fn start(client: &mut Client, id: &str) -> Result<v1::Feature, Status> {
    let request = v1::StartDevelopmentRequest { feature_id: id.into(), ..Default::default() };
    Ok(client.features.start_development(request).await?.into_inner().feature.unwrap())
}

async fn release(client: &mut Client, id: &str) -> Result<v1::Feature, Status> {
    let request = v1::ReleaseFeatureRequest { feature_id: id.into(), ..Default::default() };
    Ok(client.features.release_feature(request).await?.into_inner().feature.unwrap())
}

async fn retire(client: &mut Client, id: &str) -> Result<v1::Feature, Status> {
    let request = v1::RetireFeatureRequest { feature_id: id.into(), ..Default::default() };
    Ok(client.features.retire_feature(request).await?.into_inner().feature.unwrap())
}

/// The titles of a list, page by page of two.
async fn titles(client: &mut Client, state: FeatureState) -> Vec<String> {
    let mut request =
        v1::ListFeaturesRequest { page_size: 2, state: state.into(), ..Default::default() };
    let mut titles = Vec::new();
    loop {
        let page = client.features.list_features(request.clone()).await.unwrap().into_inner();
        titles.extend(page.features.into_iter().map(|feature| feature.title));
        if page.next_page_token.is_empty() {
            return titles;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_built_once_it_is_funded() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let request = v1::SubmitFeatureRequestRequest {
        title: " Export ".into(),
        description: "To a spreadsheet".into(),
        requested_by: ann.id.clone(),
        ..Default::default()
    };
    let wish = client.features.submit_feature_request(request).await.unwrap().into_inner();
    let wish = wish.feature.unwrap();
    assert_eq!((wish.title.as_str(), wish.state()), ("Export", FeatureState::Submitted));
    assert_eq!((wish.score, wish.requested_by.as_str()), (0, ann.id.as_str()));
    let id = wish.feature_id.clone();

    client.advance("2025-02-03").await.unwrap();
    let rated = assess(&mut client, &wish, accept(5, 3)).await.unwrap();
    assert_eq!((rated.state(), rated.score), (FeatureState::Backlog, 167));
    let again = assess(&mut client, &wish, accept(5, 3)).await.unwrap();
    assert_eq!(again, rated, "the same again changes nothing");
    client.advance("2025-02-04").await.unwrap();
    let better = assess(&mut client, &wish, accept(6, 3)).await.unwrap();
    assert_eq!((better.score, day(&better.assessed_on)), (200, "2025-02-04".into()));

    let unfunded = refusal(start(&mut client, &id).await);
    assert_eq!(unfunded.line(), "FailedPrecondition FEATURE_NOT_FUNDED");
    assert_eq!(unfunded.facts["state"], "backlog");
    let unfunded = refusal(release(&mut client, &id).await);
    assert_eq!(unfunded.line(), "FailedPrecondition FEATURE_NOT_FUNDED");

    let investor = client.customer("Ben").await;
    let funded = client.invest(&better, &investor, Client::stake(10_000, "40")).await;
    assert_eq!(funded.state(), v1::InvestmentState::Funded);
    assert_eq!(client.feature(&id).await.state(), FeatureState::Funded);
    let early = refusal(release(&mut client, &id).await);
    assert_eq!(early.line(), "FailedPrecondition NOT_IN_DEVELOPMENT");

    let begun = start(&mut client, &id).await.unwrap();
    assert_eq!(begun.state(), FeatureState::InDevelopment);
    client.advance("2025-02-10").await.unwrap();
    assert_eq!(start(&mut client, &id).await.unwrap(), begun, "begun before");
    let released = release(&mut client, &id).await.unwrap();
    assert_eq!(released.state(), FeatureState::Released);
    let days = [&released.started_on, &released.released_on].map(day);
    assert_eq!(days, ["2025-02-04", "2025-02-10"]);
    let late = refusal(start(&mut client, &id).await);
    assert_eq!(late.line(), "FailedPrecondition FEATURE_CLOSED");

    let retired = retire(&mut client, &id).await.unwrap();
    assert_eq!(
        (retired.state(), day(&retired.retired_on)),
        (FeatureState::Retired, "2025-02-10".into())
    );
    assert_eq!(retire(&mut client, &id).await.unwrap(), retired);
    assert_eq!(client.feature(&id).await, retired);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_value_to_others_is_declined_with_the_reason() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let wish = client.wish("Pink buttons").await;
    let declined = assess(&mut client, &wish, decline("only for one")).await.unwrap();
    assert_eq!(
        (declined.state(), declined.note.as_str()),
        (FeatureState::Declined, "only for one")
    );
    assert_eq!(assess(&mut client, &wish, decline("only for one")).await.unwrap(), declined);
    for other in [decline("no"), accept(1, 1)] {
        let refused = refusal(assess(&mut client, &wish, other).await);
        assert_eq!(refused.line(), "FailedPrecondition ALREADY_ASSESSED");
        assert_eq!(refused.facts["state"], "declined");
    }
    let ann = client.customer("Ann").await;
    let refused = refusal(vote(&mut client, &wish, &ann).await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_CLOSED");
    let refused = refusal(client.propose(&wish, &ann, Client::stake(1, "1")).await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_CLOSED");
    let refused = refusal(retire(&mut client, &wish.feature_id).await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_NOT_ACCEPTED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_of_others_raise_the_score_once_each() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let request = v1::SubmitFeatureRequestRequest {
        title: "Export".into(),
        description: "To a spreadsheet".into(),
        requested_by: ann.id.clone(),
        ..Default::default()
    };
    let wish = client.features.submit_feature_request(request).await.unwrap().into_inner();
    let wish = wish.feature.unwrap();
    let early = vote(&mut client, &wish, &ben).await.unwrap();
    assert_eq!((early.votes, early.score), (1, 0), "before it is assessed");
    let rated = assess(&mut client, &wish, accept(4, 2)).await.unwrap();
    assert_eq!(rated.score, 250);
    assert_eq!(vote(&mut client, &wish, &ben).await.unwrap(), rated, "twice counts once");
    let own = refusal(vote(&mut client, &wish, &ann).await);
    assert_eq!(own.line(), "FailedPrecondition OWN_WISH");
    let cor = client.customer("Cor").await;
    assert_eq!(vote(&mut client, &wish, &cor).await.unwrap().score, 300);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_funded_goes_first_and_then_the_highest_score() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    client.wish("not assessed").await;
    let waiting = [("low", 2), ("high", 9), ("also high", 9), ("higher", 10)];
    for (day, (title, value)) in (2..).zip(waiting) {
        client.backlog(title, value, 1).await;
        // Those of one score go by their age.
        client.advance(&format!("2025-02-{day:02}")).await.unwrap();
    }
    let (small, big) = (client.backlog("small", 1, 10).await, client.backlog("big", 1, 5).await);
    let declined = client.wish("declined").await;
    assess(&mut client, &declined, decline("no")).await.unwrap();
    let built = client.backlog("built", 10, 1).await;
    let ann = client.customer("Ann").await;
    for feature in [&small, &big, &built] {
        client.invest(feature, &ann, Client::stake(1_000, "10")).await;
    }
    start(&mut client, &built.feature_id).await.unwrap();
    let all = titles(&mut client, FeatureState::Unspecified).await;
    let expected =
        ["big", "small", "higher", "high", "also high", "low", "not assessed", "built", "declined"];
    assert_eq!(all, expected);
    assert_eq!(titles(&mut client, FeatureState::Funded).await, ["big", "small"]);
    assert_eq!(
        titles(&mut client, FeatureState::Backlog).await,
        ["higher", "high", "also high", "low"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_paid_nor_withdrawn_keeps_a_feature_from_retiring() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(100, "10")).await.unwrap();
    let refused = refusal(retire(&mut client, &feature.feature_id).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_OPEN");
    assert_eq!(refused.facts["investment_id"], proposed.investment_id);
    let request = v1::WithdrawInvestmentRequest {
        investment_id: proposed.investment_id,
        reason: "too late".into(),
        ..Default::default()
    };
    client.investments.withdraw_investment(request).await.unwrap();
    let retired = retire(&mut client, &feature.feature_id).await.unwrap();
    assert_eq!(retired.state(), FeatureState::Retired);
    let refused = refusal(client.propose(&feature, &ann, Client::stake(100, "10")).await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_CLOSED", "a share on a retired feature");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_wishes_are_refused_by_the_name_of_the_field() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let good = v1::SubmitFeatureRequestRequest {
        title: "Export".into(),
        description: "To a spreadsheet".into(),
        ..Default::default()
    };
    let nobody = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let table = [
        (v1::SubmitFeatureRequestRequest { title: " ".into(), ..good.clone() }, "title"),
        (v1::SubmitFeatureRequestRequest { title: "x".repeat(201), ..good.clone() }, "title"),
        (v1::SubmitFeatureRequestRequest { description: "".into(), ..good.clone() }, "description"),
        (v1::SubmitFeatureRequestRequest { feature_id: "1".into(), ..good.clone() }, "feature_id"),
    ];
    for (request, field) in table {
        let refused = refusal(client.features.submit_feature_request(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    let unknown = v1::SubmitFeatureRequestRequest { requested_by: nobody.clone(), ..good.clone() };
    let refused = refusal(client.features.submit_feature_request(unknown).await);
    assert_eq!(refused.code, Code::NotFound);

    let wish = client.wish("Export").await;
    let twice = v1::SubmitFeatureRequestRequest { feature_id: wish.feature_id.clone(), ..good };
    let refused = refusal(client.features.submit_feature_request(twice).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    let table = [
        (None, "assessment"),
        (accept(0, 5), "accept.value"),
        (accept(11, 5), "accept.value"),
        (accept(-1, 5), "accept.value"),
        (accept(5, 0), "accept.complexity"),
        (decline(" "), "decline.reason"),
    ];
    for (assessment, field) in table {
        let refused = refusal(assess(&mut client, &wish, assessment).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    let stranger = v1::Feature { feature_id: nobody.clone(), ..wish };
    assert_eq!(refusal(assess(&mut client, &stranger, accept(1, 1)).await).code, Code::NotFound);
    assert_eq!(refusal(start(&mut client, &nobody).await).code, Code::NotFound);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_of_another_organization_does_not_exist() {
    let world = World::new().await;
    let (mut ours, mut theirs) =
        (world.sandbox("2025-02-01").await, world.sandbox("2025-02-01").await);
    let wish = ours.wish("Export").await;
    let ann = theirs.customer("Ann").await;
    assert_eq!(refusal(vote(&mut theirs, &wish, &ann).await).code, Code::NotFound);
    assert_eq!(refusal(retire(&mut theirs, &wish.feature_id).await).code, Code::NotFound);
    assert_eq!(titles(&mut theirs, FeatureState::Unspecified).await, [""; 0]);
    assert_eq!(titles(&mut ours, FeatureState::Unspecified).await, ["Export"]);
    world.finish().await;
}
