//! The catalogue: products, plans and their versions; and every refusal on the way.

use server::pb::v1::{self, IntervalUnit, RevenueKind, VatCategory};

use crate::world::{Client, Plan, World, date, day, decimal, refusal};

async fn create_plan(
    client: &mut Client,
    code: &str,
    version: v1::PlanVersion,
) -> Result<v1::Plan, tonic::Status> {
    let request = v1::CreatePlanRequest {
        code: code.to_owned(),
        name: "A plan".into(),
        version: Some(version),
        ..Default::default()
    };
    Ok(client.catalog.create_plan(request).await?.into_inner().plan.unwrap())
}

async fn publish(
    client: &mut Client,
    plan: &v1::Plan,
    version: v1::PlanVersion,
) -> Result<v1::Plan, tonic::Status> {
    let request = v1::PublishPlanVersionRequest {
        plan_id: plan.id.clone(),
        version: Some(version),
        ..Default::default()
    };
    Ok(client.catalog.publish_plan_version(request).await?.into_inner().plan.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn products_and_plans_are_answered_as_they_were_created() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let product = v1::Product {
        name: "Deelnemer".into(),
        vat_category: VatCategory::Reduced.into(),
        revenue_kind: RevenueKind::Usage.into(),
        unit_label: "deelnemer".into(),
        ..Default::default()
    };
    let request = v1::CreateProductRequest { product: Some(product.clone()), ..Default::default() };
    let created =
        client.catalog.create_product(request).await.unwrap().into_inner().product.unwrap();
    assert_eq!(created, v1::Product { id: created.id.clone(), ..product });
    let request = v1::GetProductRequest { product_id: created.id.clone() };
    let found = client.catalog.get_product(request).await.unwrap().into_inner().product;
    assert_eq!(found, Some(created.clone()));

    let version = v1::PlanVersion { valid_from: None, ..Plan::seats("2.5").version(&created.id) };
    let plan = create_plan(&mut client, "team", version).await.unwrap();
    let [published] = plan.versions.as_slice() else { panic!("one version: {plan:?}") };
    assert_eq!((published.number, day(&published.valid_from)), (1, "2025-02-01".into()));
    assert_eq!(published.cancel_policy(), v1::CancelPolicy::AtPeriodEnd);
    let request = v1::GetPlanRequest { plan_id: plan.id.clone() };
    let found = client.catalog.get_plan(request).await.unwrap().into_inner().plan;
    assert_eq!(found, Some(plan.clone()));
    let request = v1::ListPlansRequest { code: "team".into(), ..Default::default() };
    let listed = client.catalog.list_plans(request).await.unwrap().into_inner().plans;
    assert_eq!(listed, [plan]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_keeps_the_version_it_began_with() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let product = plan.versions[0].prices[0].product_id.clone();
    let old = client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    let dearer = v1::PlanVersion {
        valid_from: Some(date("2025-03-01")),
        ..Plan::months(1, "12.00").version(&product)
    };
    let plan = publish(&mut client, &plan, dearer).await.unwrap();
    let numbers: Vec<i32> = plan.versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [1, 2]);
    let last_day = client.subscribe(Client::terms(&ann, &plan, "2025-02-28")).await.unwrap();
    let new = client.subscribe(Client::terms(&ann, &plan, "2025-03-01")).await.unwrap();
    let [first, second] = [&plan.versions[0].id, &plan.versions[1].id];
    assert_eq!([&old, &last_day, &new].map(|one| &one.plan_version_id), [first, first, second]);
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(client.balances("2025-04-01").await["8000"], -(3 * 1_000 + 2 * 1_000 + 2 * 1_200));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_plan_is_not_offered_and_goes_on_for_those_who_have_it() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    let request = v1::RetirePlanRequest { plan_id: plan.id.clone(), ..Default::default() };
    for on in ["2025-02-01", "2025-02-05"] {
        client.advance(on).await.unwrap();
        let retired = client.catalog.retire_plan(request.clone()).await.unwrap().into_inner();
        assert_eq!(day(&retired.plan.unwrap().retired_on), "2025-02-01", "again: nothing changes");
    }
    let refused = refusal(client.subscribe(Client::terms(&ann, &plan, "2025-02-05")).await);
    assert_eq!(refused.line(), "FailedPrecondition PLAN_RETIRED");
    assert_eq!(
        (&refused.facts["plan_id"], refused.facts["retired_on"].as_str()),
        (&plan.id, "2025-02-01")
    );
    let next = v1::PlanVersion { valid_from: Some(date("2026-01-01")), ..plan.versions[0].clone() };
    let refused = refusal(publish(&mut client, &plan, next).await);
    assert_eq!(refused.line(), "FailedPrecondition PLAN_RETIRED");
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(client.documents().await.len(), 2);
    let unknown = v1::RetirePlanRequest { plan_id: uuid::Uuid::max().to_string(), ..request };
    assert_eq!(refusal(client.catalog.retire_plan(unknown).await).line(), "NotFound");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_later_than_the_one_before() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let again = v1::PlanVersion { prices: vec![], ..plan.versions[0].clone() };
    let prices = vec![v1::Price { id: String::new(), ..plan.versions[0].prices[0].clone() }];
    for valid_from in ["2019-12-31", "2020-01-01"] {
        let valid_from = Some(date(valid_from));
        let version = v1::PlanVersion { valid_from, prices: prices.clone(), ..again.clone() };
        let refused = refusal(publish(&mut client, &plan, version).await);
        assert_eq!(refused.line(), "FailedPrecondition PLAN_VERSION_NOT_LATER");
        assert_eq!(refused.facts["valid_from"], "2020-01-01");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_product_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let right = v1::Product {
        name: "Hosting".into(),
        vat_category: VatCategory::Standard.into(),
        revenue_kind: RevenueKind::Subscription.into(),
        ..Default::default()
    };
    let with = |change: fn(&mut v1::Product)| {
        let mut product = right.clone();
        change(&mut product);
        Some(product)
    };
    let table = [
        (None, "product"),
        (with(|one| one.name = String::new()), "product.name"),
        (with(|one| one.vat_category = 0), "product.vat_category"),
        (with(|one| one.revenue_kind = 12), "product.revenue_kind"),
        (with(|one| one.unit_label = "x".repeat(51)), "product.unit_label"),
    ];
    for (product, field) in table {
        let request = v1::CreateProductRequest { product, ..Default::default() };
        let refused = refusal(client.catalog.create_product(request.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{request:?}");
    }
    let unknown = v1::GetProductRequest { product_id: uuid::Uuid::max().to_string() };
    assert_eq!(refusal(client.catalog.get_product(unknown).await).line(), "NotFound");
    let unknown = v1::GetPlanRequest { plan_id: uuid::Uuid::max().to_string() };
    assert_eq!(refusal(client.catalog.get_plan(unknown).await).line(), "NotFound");
    world.finish().await;
}

/// A price that is flat.
fn flat(amount: &str) -> Option<v1::price::Model> {
    Some(v1::price::Model::Flat(v1::FlatPrice { amount: decimal(amount) }))
}

/// A price per unit.
fn per_unit(unit_price: &str) -> Option<v1::price::Model> {
    Some(v1::price::Model::PerUnit(v1::PerUnitPrice { unit_price: decimal(unit_price) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_version_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let product = client.product("hosting", &Plan::months(1, "10")).await;
    let right = Plan::months(1, "10.00").version(&product.id);
    let with = |change: &dyn Fn(&mut v1::PlanVersion)| {
        let mut version = right.clone();
        change(&mut version);
        version
    };
    let count = |count| Some(v1::Interval { count, unit: IntervalUnit::Month.into() });
    let table: [(v1::PlanVersion, &str); 12] = [
        (with(&|one| one.interval = None), "version.interval"),
        (with(&|one| one.interval = count(0)), "version.interval.count"),
        (with(&|one| one.interval = count(367)), "version.interval.count"),
        (with(&|one| one.interval = count(-1)), "version.interval.count"),
        (with(&|one| one.interval.as_mut().unwrap().unit = 0), "version.interval.unit"),
        (with(&|one| one.billing_timing = 0), "version.billing_timing"),
        (with(&|one| one.cancel_policy = 9), "version.cancel_policy"),
        (with(&|one| one.trial_days = -1), "version.trial_days"),
        (with(&|one| one.trial_days = 731), "version.trial_days"),
        (with(&|one| one.valid_from = Some(date("2025-02-31"))), "version.valid_from"),
        (with(&|one| one.prices.clear()), "version.prices"),
        (with(&|one| one.prices = vec![one.prices[0].clone(); 101]), "version.prices"),
    ];
    for (version, field) in table {
        let refused = refusal(create_plan(&mut client, "x", version.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{version:?}");
    }
    let prices = [
        ("product_id", v1::Price { product_id: String::new(), ..right.prices[0].clone() }),
        (
            "product_id",
            v1::Price { product_id: uuid::Uuid::max().to_string(), ..right.prices[0].clone() },
        ),
        ("component", v1::Price { component: String::new(), ..right.prices[0].clone() }),
        ("component", v1::Price { component: "x".repeat(51), ..right.prices[0].clone() }),
        ("currency", v1::Price { currency: "XYZ".into(), ..right.prices[0].clone() }),
        ("currency", v1::Price { currency: "XAU".into(), ..right.prices[0].clone() }),
        ("id", v1::Price { id: "one".into(), ..right.prices[0].clone() }),
        ("model", v1::Price { model: None, ..right.prices[0].clone() }),
    ];
    for (field, price) in prices {
        let version = v1::PlanVersion { prices: vec![price.clone()], ..right.clone() };
        let refused = refusal(create_plan(&mut client, "x", version).await);
        let expected = format!("InvalidArgument version.prices[0].{field}");
        assert_eq!(refused.line(), expected, "{price:?}");
    }
    let doubled = v1::PlanVersion { prices: vec![right.prices[0].clone(); 2], ..right };
    let refused = refusal(create_plan(&mut client, "x", doubled).await);
    assert!(refused.line().starts_with("InvalidArgument version.prices[1]"), "{refused:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_no_plain_number_is_refused_by_its_path() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let product = client.product("hosting", &Plan::months(1, "10")).await;
    let right = Plan::months(1, "10.00").version(&product.id);
    let mut check = async |model: Option<v1::price::Model>, field: &str, value: &str| {
        let mut version = right.clone();
        version.prices[0].model = model;
        let refused = refusal(create_plan(&mut client, "x", version).await);
        assert_eq!(
            refused.line(),
            format!("InvalidArgument version.prices[0].{field}"),
            "{value:?}"
        );
    };
    let strange = ["", " 1", "1e5", "1_000", ".5", "5.", "+1", "NaN", "٣", "1,5", "0x1", "--1"];
    for text in strange {
        check(flat(text), "flat.amount", text).await;
        check(per_unit(text), "per_unit.unit_price", text).await;
    }
    for text in ["-0.01", "1.005", "1000000001", "99999999999999999999999999999"] {
        check(flat(text), "flat.amount", text).await;
    }
    for text in ["-1", "0.000000001", "1000000000.1"] {
        check(per_unit(text), "per_unit.unit_price", text).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_ids_are_taken_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let product = plan.versions[0].prices[0].product_id.clone();
    let version = Plan::months(1, "10.00").version(&product);
    let refused = refusal(create_plan(&mut client, "hosting", version.clone()).await);
    assert_eq!(refused.line(), "AlreadyExists CODE_TAKEN");
    assert_eq!(refused.facts["code"], "hosting");
    let request = v1::CreatePlanRequest {
        plan_id: plan.id.clone(),
        code: "other".into(),
        name: "Other".into(),
        version: Some(version.clone()),
        ..Default::default()
    };
    assert_eq!(refusal(client.catalog.create_plan(request).await).line(), "AlreadyExists ID_TAKEN");
    let request = v1::CreateProductRequest {
        product_id: product.clone(),
        product: Some(v1::Product {
            name: "Other".into(),
            vat_category: VatCategory::Standard.into(),
            revenue_kind: RevenueKind::Subscription.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.catalog.create_product(request).await).line(),
        "AlreadyExists ID_TAKEN"
    );
    let request = v1::PublishPlanVersionRequest {
        plan_id: plan.id.clone(),
        plan_version_id: plan.versions[0].id.clone(),
        version: Some(v1::PlanVersion { valid_from: Some(date("2026-01-01")), ..version }),
        ..Default::default()
    };
    let refused = refusal(client.catalog.publish_plan_version(request).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    for (code, name, field) in [("", "x", "code"), ("x", "", "name")] {
        let request = v1::CreatePlanRequest {
            code: code.into(),
            name: name.into(),
            version: Some(Plan::months(1, "10.00").version(&product)),
            ..Default::default()
        };
        let refused = refusal(client.catalog.create_plan(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    world.finish().await;
}
