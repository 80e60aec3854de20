//! Prices that sell a feature.

use server::pb::v1;

use crate::world::{Client, Plan, World, cents, refusal};

async fn retired(client: &mut Client, feature: &v1::Feature) {
    let feature_id = feature.feature_id.clone();
    let request = v1::RetireFeatureRequest { feature_id, ..Default::default() };
    client.features.retire_feature(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_names_the_feature_that_it_sells() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    client.invest(&feature, &ann, Client::stake(10_000, "40")).await;
    let plan = client.sale("export", &feature, "25.00").await.unwrap();
    let request = v1::GetPlanRequest { plan_id: plan.id.clone() };
    let found = client.catalog.get_plan(request).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(found.versions[0].prices[0].feature_id, feature.feature_id);
    let mut version = found.versions[0].clone();
    (version.valid_from, version.prices[0].id) = (None, String::new());
    let request = v1::PublishPlanVersionRequest {
        plan_id: plan.id.clone(),
        version: Some(version),
        ..Default::default()
    };
    let next = client.catalog.publish_plan_version(request).await.unwrap().into_inner();
    assert_eq!(next.plan.unwrap().versions[1].prices[0].feature_id, feature.feature_id);

    let ben = client.customer("Ben").await;
    client.subscribe(Client::terms(&ben, &plan, "2025-02-01")).await.unwrap();
    client.run_billing().await;
    let of_ben: Vec<v1::Invoice> =
        client.documents().await.into_iter().filter(|one| one.customer_id == ben.id).collect();
    assert_eq!(cents(&of_ben[0].net), 2_500, "it is billed as any other");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_funded_or_retired_is_not_sold() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (wish, waiting) = (client.wish("Wish").await, client.backlog("Export", 5, 5).await);
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&waiting, &ann, Client::stake(100, "10")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    for (code, feature, state) in [("a", &wish, "submitted"), ("b", &waiting, "backlog")] {
        let refused = refusal(client.sale(code, feature, "25.00").await);
        assert_eq!(refused.line(), "FailedPrecondition FEATURE_NOT_FOR_SALE");
        assert_eq!(
            (&refused.facts["state"], &refused.facts["feature_id"]),
            (&state.to_owned(), &feature.feature_id)
        );
    }
    client.pay_principal(&accepted).await;
    client.sale("c", &waiting, "25.00").await.unwrap();
    retired(&mut client, &waiting).await;
    let refused = refusal(client.sale("d", &waiting, "25.00").await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_NOT_FOR_SALE");
    let nobody = v1::Feature { feature_id: ann.id.clone(), ..waiting };
    let refused = refusal(client.sale("e", &nobody, "25.00").await);
    assert_eq!(refused.line(), "InvalidArgument version.prices[0].feature_id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_consent_of_all_its_investors_nothing_is_sold() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    client.invest(&feature, &ann, Client::stake(10_000, "40")).await;
    let proposed = client.propose(&feature, &ben, Client::stake(1_000, "10")).await.unwrap();
    let silent = client.accept(&proposed, false).await.unwrap();
    let refused = refusal(client.sale("a", &feature, "25.00").await);
    assert_eq!(refused.line(), "FailedPrecondition CONSENT_MISSING");
    assert_eq!(refused.facts["investment_id"], silent.investment_id);
    assert!(refused.message.contains("has not consented"), "{}", refused.message);

    client.pay_principal(&silent).await;
    let refused = refusal(client.sale("a", &feature, "25.00").await);
    assert_eq!(refused.line(), "FailedPrecondition CONSENT_MISSING", "funded or not");
    let request = v1::GiveConsentRequest {
        investment_id: silent.investment_id.clone(),
        ..Default::default()
    };
    let given = client.investments.give_consent(request.clone()).await.unwrap().into_inner();
    client.advance("2025-02-02").await.unwrap();
    let again = client.investments.give_consent(request).await.unwrap().into_inner();
    assert_eq!(again, given, "given before");
    client.sale("b", &feature, "25.00").await.unwrap();

    // From now on, who invests has to consent.
    let cor = client.customer("Cor").await;
    let proposed = client.propose(&feature, &cor, Client::stake(1_000, "10")).await.unwrap();
    let refused = refusal(client.accept(&proposed, false).await);
    assert_eq!(refused.line(), "FailedPrecondition CONSENT_MISSING");
    client.accept(&proposed, true).await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_is_sold_in_the_currency_of_its_investments() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    client.invest(&feature, &ann, Client::stake(10_000, "40")).await;
    let dollars = Plan { currency: "USD", ..Plan::months(1, "25.00") };
    let product = client.product("export", &dollars).await;
    let mut version = dollars.version(&product.id);
    version.prices[0].feature_id.clone_from(&feature.feature_id);
    let request = v1::CreatePlanRequest {
        code: "export".into(),
        name: "export".into(),
        version: Some(version),
        ..Default::default()
    };
    let refused = refusal(client.catalog.create_plan(request).await);
    assert_eq!(refused.line(), "FailedPrecondition CURRENCY_DIFFERS");
    assert_eq!(refused.facts["currency"], "EUR");
    world.finish().await;
}
