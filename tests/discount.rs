//! Discounts: offered, put on subscriptions and taken off; and every refusal on the way.

mod billed;

use domain::id::SubscriptionId;
use server::pb::google::r#type as google;
use server::pb::v1::discount::Reduction;
use server::pb::v1::{self, DiscountDuration};

use crate::world::{Client, Plan, World, date, day, decimal, refusal};

/// A discount of so many percent, for ever.
pub(crate) fn percent(code: &str, percent: &str) -> v1::Discount {
    v1::Discount {
        code: code.to_owned(),
        name: format!("{percent} % off"),
        reduction: decimal(percent).map(Reduction::Percent),
        duration: DiscountDuration::Forever.into(),
        ..v1::Discount::default()
    }
}

/// A discount of an amount, once.
pub(crate) fn fixed(code: &str, currency: &str, units: i64) -> v1::Discount {
    let amount = google::Money { currency_code: currency.to_owned(), units, nanos: 0 };
    v1::Discount {
        reduction: Some(Reduction::Amount(amount)),
        duration: DiscountDuration::Once.into(),
        ..percent(code, "0")
    }
}

pub(crate) async fn create(
    client: &mut Client,
    discount: v1::Discount,
) -> Result<v1::Discount, tonic::Status> {
    let request = v1::CreateDiscountRequest { discount: Some(discount), ..Default::default() };
    Ok(client.catalog.create_discount(request).await?.into_inner().discount.unwrap())
}

pub(crate) type Applied = Result<v1::SubscriptionDiscount, tonic::Status>;

pub(crate) async fn apply(client: &mut Client, subscription: &str, code: &str) -> Applied {
    let discount = Some(v1::apply_discount_request::Discount::Code(code.to_owned()));
    let subscription_id = subscription.to_owned();
    let request = v1::ApplyDiscountRequest { subscription_id, discount, ..Default::default() };
    apply_by(client, request).await
}

async fn apply_by(client: &mut Client, request: v1::ApplyDiscountRequest) -> Applied {
    let answer = client.subscriptions.apply_discount(request).await?.into_inner();
    Ok(answer.subscription_discount.expect("the discount is in the answer"))
}

pub(crate) async fn remove(client: &mut Client, id: &str) -> Applied {
    let subscription_discount_id = id.to_owned();
    let request = v1::RemoveDiscountRequest { subscription_discount_id, ..Default::default() };
    let answer = client.subscriptions.remove_discount(request).await?.into_inner();
    Ok(answer.subscription_discount.expect("the discount is in the answer"))
}

async fn discounts_of(client: &mut Client, id: &str) -> Vec<v1::SubscriptionDiscount> {
    let request = v1::ListSubscriptionDiscountsRequest { subscription_id: id.to_owned() };
    let answer = client.subscriptions.list_subscription_discounts(request).await.unwrap();
    answer.into_inner().subscription_discounts
}

async fn retire(client: &mut Client, id: &str) -> Result<v1::Discount, tonic::Status> {
    let request = v1::RetireDiscountRequest { discount_id: id.to_owned(), ..Default::default() };
    Ok(client.catalog.retire_discount(request).await?.into_inner().discount.unwrap())
}

/// A vendor with a subscription of ten euro a month.
async fn subscribed(world: &World) -> (Client, v1::Subscription) {
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let made = client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    (client, made)
}

#[tokio::test(flavor = "multi_thread")]
async fn discounts_are_answered_as_they_were_created() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let product = client.product("hosting", &Plan::months(1, "10")).await;
    let spring = v1::Discount {
        duration: DiscountDuration::Periods.into(),
        periods: 3,
        product_ids: vec![product.id],
        components: vec!["base".into(), "seats".into()],
        valid_from: Some(date("2025-03-01")),
        valid_until: Some(date("2025-06-01")),
        ..percent("SPRING", "12.5")
    };
    let mut made = Vec::new();
    for given in [spring, fixed("TEN", "USD", 10), percent("FREE", "100")] {
        let created = create(&mut client, given.clone()).await.unwrap();
        assert_eq!(created, v1::Discount { id: created.id.clone(), ..given });
        made.push(created);
    }
    made.sort_by(|one, other| one.id.cmp(&other.id));
    let mut listed = Vec::new();
    let mut request = v1::ListDiscountsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = client.catalog.list_discounts(request.clone()).await.unwrap().into_inner();
        listed.extend(page.discounts);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(listed, made);
    let request = v1::ListDiscountsRequest { code: "TEN".into(), ..Default::default() };
    let found = client.catalog.list_discounts(request.clone()).await.unwrap().into_inner();
    let codes: Vec<&str> = found.discounts.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["TEN"]);
    let mut other = world.sandbox("2025-02-01").await;
    assert!(other.catalog.list_discounts(request).await.unwrap().into_inner().discounts.is_empty());
    assert_eq!(refusal(retire(&mut other, &made[0].id).await).line(), "NotFound");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_discount_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let with = |change: &dyn Fn(&mut v1::Discount)| {
        let mut discount = percent("SPRING", "10");
        change(&mut discount);
        discount
    };
    let periods = DiscountDuration::Periods;
    let nobody = uuid::Uuid::max().to_string();
    let table = [
        (percent("SPRING", "100.01"), "percent"),
        (percent("SPRING", "0"), "percent"),
        (percent("SPRING", "-5"), "percent"),
        (percent("SPRING", "0.1234567"), "percent"),
        (percent("SPRING", "ten"), "percent"),
        (fixed("SPRING", "EUR", 0), "amount"),
        (fixed("SPRING", "EUR", -5), "amount"),
        (fixed("SPRING", "XYZ", 5), "amount.currency_code"),
        (with(&|it| it.reduction = None), "reduction"),
        (with(&|it| it.duration = 0), "duration"),
        (with(&|it| it.periods = 3), "periods"),
        (with(&|it| it.duration = periods.into()), "periods"),
        (with(&|it| (it.duration, it.periods) = (periods.into(), -1)), "periods"),
        (with(&|it| (it.duration, it.periods) = (periods.into(), 1201)), "periods"),
        (with(&|it| it.code = String::new()), "code"),
        (with(&|it| it.name = String::new()), "name"),
        (with(&|it| it.product_ids = vec!["hosting".into()]), "product_ids[0]"),
        (with(&|it| it.product_ids = vec![nobody.clone()]), "product_ids[0]"),
        (with(&|it| it.components = vec!["base".into(), String::new()]), "components[1]"),
        (with(&|it| it.components = vec!["base".into(); 101]), "components"),
        (
            with(&|it| {
                it.valid_from = Some(date("2025-03-01"));
                it.valid_until = Some(date("2025-03-01"));
            }),
            "valid_until",
        ),
    ];
    for (discount, field) in table {
        let refused = refusal(create(&mut client, discount.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument discount.{field}"), "{discount:?}");
    }
    let made = create(&mut client, percent("SPRING", "10")).await.unwrap();
    let refused = refusal(create(&mut client, fixed("SPRING", "EUR", 5)).await);
    assert_eq!(refused.line(), "AlreadyExists CODE_TAKEN");
    let request = v1::CreateDiscountRequest {
        discount_id: made.id,
        discount: Some(percent("OTHER", "10")),
        ..Default::default()
    };
    let refused = refusal(client.catalog.create_discount(request).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_is_on_a_subscription_once_until_it_is_removed() {
    let world = World::new().await;
    let (mut client, subscription) = subscribed(&world).await;
    let offer = create(&mut client, percent("SPRING", "10")).await.unwrap();
    let applied = apply(&mut client, &subscription.id, "SPRING").await.unwrap();
    assert_eq!((&applied.subscription_id, &applied.discount), (&subscription.id, &Some(offer)));
    assert_eq!(
        (day(&applied.from_on), day(&applied.ended_on)),
        ("2025-02-01".into(), String::new())
    );
    let refused = refusal(apply(&mut client, &subscription.id, "SPRING").await);
    assert_eq!(refused.line(), "FailedPrecondition DISCOUNT_APPLIED");
    client.advance("2025-02-10").await.unwrap();
    let removed = remove(&mut client, &applied.id).await.unwrap();
    let ended_on = Some(date("2025-02-10"));
    assert_eq!(removed, v1::SubscriptionDiscount { ended_on, periods_used: 1, ..applied });
    let refused = refusal(remove(&mut client, &removed.id).await);
    assert_eq!(refused.line(), "FailedPrecondition DISCOUNT_REMOVED");
    assert_eq!(refused.facts["ended_on"], "2025-02-10");
    let again = apply(&mut client, &subscription.id, "SPRING").await.unwrap();
    assert_eq!(discounts_of(&mut client, &subscription.id).await, [removed, again]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_calls_at_once_one_applies_the_discount() {
    let world = World::new().await;
    let (mut client, subscription) = subscribed(&world).await;
    create(&mut client, percent("SPRING", "10")).await.unwrap();
    let calls = (0..4).map(|_| {
        let (mut client, id) = (world.client(&client.key), subscription.id.clone());
        tokio::spawn(async move { apply(&mut client, &id, "SPRING").await })
    });
    let mut applied = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => applied += 1,
            other => assert_eq!(refusal(other).line(), "FailedPrecondition DISCOUNT_APPLIED"),
        }
    }
    assert_eq!(applied, 1);
    assert_eq!(discounts_of(&mut client, &subscription.id).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_that_does_not_fit_a_subscription_is_refused() {
    let world = World::new().await;
    let (mut client, subscription) = subscribed(&world).await;
    let retired = create(&mut client, percent("OLD", "10")).await.unwrap();
    retire(&mut client, &retired.id).await.unwrap();
    let expired = |code, from, until| v1::Discount {
        valid_from: Some(date(from)),
        valid_until: Some(date(until)),
        ..percent(code, "10")
    };
    let for_disks = v1::Discount { components: vec!["disk".into()], ..percent("DISK", "10") };
    for discount in [
        fixed("DOLLARS", "USD", 5),
        expired("PAST", "2025-01-01", "2025-02-01"),
        expired("COMING", "2025-02-02", "2025-03-01"),
        for_disks,
    ] {
        create(&mut client, discount).await.unwrap();
    }
    let table = [
        ("OLD", "FailedPrecondition DISCOUNT_RETIRED"),
        ("DOLLARS", "FailedPrecondition DISCOUNT_CURRENCY"),
        ("PAST", "FailedPrecondition DISCOUNT_NOT_VALID"),
        ("COMING", "FailedPrecondition DISCOUNT_NOT_VALID"),
        ("DISK", "FailedPrecondition DISCOUNT_NOT_APPLICABLE"),
        ("NONE", "NotFound"),
    ];
    for (code, expected) in table {
        assert_eq!(
            refusal(apply(&mut client, &subscription.id, code).await).line(),
            expected,
            "{code}"
        );
    }
    assert_eq!(discounts_of(&mut client, &subscription.id).await, []);
    client.advance("2025-02-05").await.unwrap();
    let again = retire(&mut client, &retired.id).await.unwrap();
    assert_eq!(day(&again.retired_on), "2025-02-01", "again: nothing changes");
    for number in 0..11 {
        let code = format!("ONE-{number}");
        create(&mut client, percent(&code, "1")).await.unwrap();
        let applied = apply(&mut client, &subscription.id, &code).await;
        if number == 10 {
            assert_eq!(refusal(applied).line(), "FailedPrecondition TOO_MANY_DISCOUNTS");
        } else {
            applied.unwrap();
        }
    }
    client.cancel(&subscription.id).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    let refused = refusal(apply(&mut client, &subscription.id, "ONE-10").await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_ENDED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_about_a_discount_that_is_wrong_is_named_by_its_field() {
    use v1::apply_discount_request::Discount;
    let world = World::new().await;
    let (mut client, subscription) = subscribed(&world).await;
    client.run_billing().await;
    let offer = create(&mut client, percent("SPRING", "10")).await.unwrap();
    let right = v1::ApplyDiscountRequest {
        subscription_id: subscription.id.clone(),
        discount: Some(Discount::DiscountId(offer.id)),
        ..Default::default()
    };
    let nobody = uuid::Uuid::max().to_string();
    let with = |change: &dyn Fn(&mut v1::ApplyDiscountRequest)| {
        let mut request = right.clone();
        change(&mut request);
        request
    };
    let table = [
        (with(&|it| it.subscription_id = "x".into()), "InvalidArgument subscription_id"),
        (with(&|it| it.subscription_id = nobody.clone()), "NotFound"),
        (with(&|it| it.discount = None), "InvalidArgument discount"),
        (
            with(&|it| it.discount = Some(Discount::DiscountId("SPRING".into()))),
            "InvalidArgument discount_id",
        ),
        (with(&|it| it.discount = Some(Discount::DiscountId(nobody.clone()))), "NotFound"),
        (with(&|it| it.from_on = Some(date("2025-02-31"))), "InvalidArgument from_on"),
        (with(&|it| it.from_on = Some(date("2025-01-31"))), "InvalidArgument from_on"),
    ];
    for (request, expected) in table {
        let refused = refusal(apply_by(&mut client, request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let later = with(&|it| it.from_on = Some(date("2025-03-01")));
    let applied = apply_by(&mut client, later).await.unwrap();
    assert_eq!(day(&applied.from_on), "2025-03-01");
    assert_eq!(refusal(remove(&mut client, &nobody).await).line(), "NotFound");
    let request = v1::ListSubscriptionDiscountsRequest { subscription_id: nobody };
    let answer = client.subscriptions.list_subscription_discounts(request).await;
    assert_eq!(refusal(answer).line(), "NotFound");
    let mut other = world.sandbox("2025-02-01").await;
    assert_eq!(refusal(remove(&mut other, &applied.id).await).line(), "NotFound");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_ends_after_its_periods_whatever_was_removed_in_between() {
    let world = World::new().await;
    let (mut client, subscription) = subscribed(&world).await;
    let twice = v1::Discount {
        duration: DiscountDuration::Periods.into(),
        periods: 2,
        ..percent("TWICE", "10")
    };
    create(&mut client, twice).await.unwrap();
    let id: SubscriptionId = subscription.id.parse().unwrap();
    let on = |text: &str| -> domain::date::Date { text.parse().unwrap() };
    for expected in 1..=2 {
        let applied = apply(&mut client, &subscription.id, "TWICE").await.unwrap();
        let mut tx = world.ctx.store.begin(client.org).await.unwrap();
        let (first, last) = (on("2025-02-01"), on("2025-03-01"));
        let mut running = store::discount::in_force(&mut tx, &[id], first, last).await.unwrap();
        assert_eq!(running.len(), 1);
        assert!(running[0].runs_on(first) && !running[0].runs_on(on("2025-01-31")));
        running[0].mark_used("2025-02-01".parse().unwrap());
        store::discount::record_uses(&mut tx, &running).await.unwrap();
        tx.commit().await.unwrap();
        let removed = remove(&mut client, &applied.id).await.unwrap();
        assert_eq!(removed.periods_used, expected);
    }
    let refused = refusal(apply(&mut client, &subscription.id, "TWICE").await);
    assert_eq!(refused.line(), "FailedPrecondition DISCOUNT_USED_UP");
    let mut tx = world.ctx.store.begin(client.org).await.unwrap();
    let (first, last) = (on("2025-02-01"), on("2025-03-01"));
    assert_eq!(store::discount::in_force(&mut tx, &[id], first, last).await.unwrap(), []);
    drop(tx);
    world.finish().await;
}
