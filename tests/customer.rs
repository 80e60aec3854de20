//! Customers: made, read, changed, blocked; and every refusal on the way.

use prost_types::FieldMask;
use server::pb::v1::{self, PartyType, Standing, VatTreatment};

use crate::world::{Client, Plan, World, date, day, refusal};

async fn update(
    client: &mut Client,
    customer: v1::Customer,
    fields: &[&str],
) -> Result<v1::Customer, tonic::Status> {
    let paths = fields.iter().map(|field| (*field).to_owned()).collect();
    let request = v1::UpdateCustomerRequest {
        customer: Some(customer),
        update_mask: Some(FieldMask { paths }),
        ..Default::default()
    };
    Ok(client.customers.update_customer(request).await?.into_inner().customer.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_answered_as_it_was_created() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let given = v1::Customer {
        email: "ann@example.com".into(),
        vat_number: "NL002345678B01".into(),
        currency: "USD".into(),
        payment_terms_days: Some(0),
        language: v1::Language::En.into(),
        external_reference: "C-1".into(),
        treat_as_consumer: true,
        ..Client::business("  Ann ")
    };
    let created = client.create_customer(given.clone()).await.unwrap();
    let expected = v1::Customer {
        id: created.id.clone(),
        name: "Ann".into(),
        standing: Standing::Good.into(),
        ..given
    };
    assert_eq!(created, expected);
    let request = v1::GetCustomerRequest { customer_id: created.id.clone() };
    let found = client.customers.get_customer(request).await.unwrap().into_inner().customer;
    assert_eq!(found, Some(expected));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_fields_change() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let created = client.customer("Ann").await;
    let new = v1::Customer {
        name: "Ann & Zonen".into(),
        email: "ann@example.com".into(),
        payment_terms_days: Some(30),
        ..created.clone()
    };
    let changed = update(&mut client, new.clone(), &["name", "payment_terms_days"]).await.unwrap();
    assert_eq!(changed, v1::Customer { email: String::new(), ..new.clone() });
    // A field that is named and empty is emptied.
    let emptied = v1::Customer { payment_terms_days: None, ..new };
    let changed = update(&mut client, emptied, &["payment_terms_days"]).await.unwrap();
    assert_eq!(changed.payment_terms_days, None);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let long = "x".repeat(201);
    let with = |change: &dyn Fn(&mut v1::Customer)| {
        let mut customer = Client::business("Ann");
        change(&mut customer);
        customer
    };
    let table: [(v1::Customer, &str); 16] = [
        (with(&|one| one.name = "  ".into()), "customer.name"),
        (with(&|one| one.name = long.clone()), "customer.name"),
        (with(&|one| one.name = "a\u{7}b".into()), "customer.name"),
        (with(&|one| one.address = None), "customer.address"),
        (with(&|one| one.address = Some(Client::address("nl"))), "customer.address.country"),
        (with(&|one| one.address = Some(Client::address(""))), "customer.address.country"),
        (
            with(&|one| one.address.as_mut().unwrap().lines = vec!["x".into(); 5]),
            "customer.address.lines",
        ),
        (
            with(&|one| one.address.as_mut().unwrap().lines = vec!["x".into(), "y".repeat(321)]),
            "customer.address.lines[1]",
        ),
        (with(&|one| one.email = "ann".into()), "customer.email"),
        (with(&|one| one.vat_number = "BE0123456789".into()), "customer.vat_number"),
        (with(&|one| one.vat_treatment = 0), "customer.vat_treatment"),
        (with(&|one| one.party_type = 9), "customer.party_type"),
        (with(&|one| one.currency = "XYZ".into()), "customer.currency"),
        (with(&|one| one.currency = "eur".into()), "customer.currency"),
        (with(&|one| one.payment_terms_days = Some(366)), "customer.payment_terms_days"),
        (with(&|one| one.payment_terms_days = Some(-1)), "customer.payment_terms_days"),
    ];
    for (customer, field) in table {
        let refused = refusal(client.create_customer(customer.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{customer:?}");
    }
    let nothing = v1::CreateCustomerRequest::default();
    let refused = refusal(client.customers.create_customer(nothing).await);
    assert_eq!(refused.line(), "InvalidArgument customer");
    let odd_id = v1::CreateCustomerRequest {
        customer_id: "C-1".into(),
        customer: Some(Client::business("Ann")),
        ..Default::default()
    };
    let refused = refusal(client.customers.create_customer(odd_id).await);
    assert_eq!(refused.line(), "InvalidArgument customer_id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn country_party_and_vat_treatment_have_to_fit() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer =
        |country: &str, treatment: VatTreatment, party: PartyType, number: &str| v1::Customer {
            address: Some(Client::address(country)),
            vat_treatment: treatment.into(),
            party_type: party.into(),
            vat_number: number.into(),
            ..Client::business("Ann")
        };
    use PartyType::{Business, Consumer};
    use VatTreatment::{Domestic, EuReverseCharge, OutsideEu};
    let table = [
        (customer("BE", EuReverseCharge, Business, ""), "InvalidArgument customer.vat_number"),
        (
            customer("NL", EuReverseCharge, Business, "NL002345678B01"),
            "FailedPrecondition REVERSE_CHARGE_NOT_ALLOWED",
        ),
        (
            customer("CH", EuReverseCharge, Business, "CH123456789"),
            "FailedPrecondition REVERSE_CHARGE_NOT_ALLOWED",
        ),
        (
            customer("BE", EuReverseCharge, Consumer, "BE0123456789"),
            "FailedPrecondition REVERSE_CHARGE_NOT_ALLOWED",
        ),
        (customer("BE", OutsideEu, Business, ""), "FailedPrecondition VAT_TREATMENT_MISMATCH"),
        (customer("FR", Domestic, Consumer, ""), "FailedPrecondition VAT_RATE_MISSING"),
    ];
    for (wrong, expected) in table {
        assert_eq!(
            refusal(client.create_customer(wrong.clone()).await).line(),
            expected,
            "{wrong:?}"
        );
    }
    // What does not fit after a change is refused as well, and nothing changes.
    let ann = client.customer("Ann").await;
    let moved = v1::Customer { vat_treatment: OutsideEu.into(), ..ann.clone() };
    let refused = refusal(update(&mut client, moved, &["vat_treatment"]).await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_TREATMENT_MISMATCH");
    let request = v1::GetCustomerRequest { customer_id: ann.id.clone() };
    let found = client.customers.get_customer(request).await.unwrap().into_inner().customer;
    assert_eq!(found, Some(ann));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_references_are_taken_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let first = v1::Customer { external_reference: "C-1".into(), ..Client::business("Ann") };
    let ann = client.create_customer(first.clone()).await.unwrap();
    let refused = refusal(client.create_customer(first).await);
    assert_eq!(refused.line(), "AlreadyExists EXTERNAL_REFERENCE_TAKEN");
    assert_eq!(refused.facts["external_reference"], "C-1");
    let request = v1::CreateCustomerRequest {
        customer_id: ann.id.clone(),
        customer: Some(Client::business("Ben")),
        ..Default::default()
    };
    let refused = refusal(client.customers.create_customer(request).await);
    assert_eq!(
        (refused.line().as_str(), &refused.facts["id"]),
        ("AlreadyExists ID_TAKEN", &ann.id)
    );
    let ben = client.customer("Ben").await;
    let taken = v1::Customer { external_reference: "C-1".into(), ..ben };
    let refused = refusal(update(&mut client, taken, &["external_reference"]).await);
    assert_eq!(refused.line(), "AlreadyExists EXTERNAL_REFERENCE_TAKEN");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_names_fields_that_can_change() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let table: [(&[&str], &str); 6] = [
        (&[], "InvalidArgument update_mask"),
        (&["*"], "InvalidArgument update_mask"),
        (&["currency"], "InvalidArgument update_mask"),
        (&["address.city"], "InvalidArgument update_mask"),
        (&["name", "standing"], "InvalidArgument update_mask"),
        (&["vat_treatment", "email"], "InvalidArgument customer.email"),
    ];
    for (fields, expected) in table {
        let new = v1::Customer { email: "not an address".into(), ..ann.clone() };
        let refused = refusal(update(&mut client, new, fields).await);
        assert_eq!(refused.line(), expected, "{fields:?}");
    }
    let unknown = v1::Customer { id: uuid::Uuid::max().to_string(), ..ann };
    assert_eq!(refusal(update(&mut client, unknown, &["name"]).await).line(), "NotFound");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_customer_gets_nothing_new_until_the_block_expires_or_is_lifted() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let terms = Client::terms(&ann, &plan, "2025-02-01");
    client.subscribe(terms.clone()).await.unwrap();
    let block = v1::BlockCustomerRequest {
        customer_id: ann.id.clone(),
        reason: "betaalt niet".into(),
        expires_on: Some(date("2025-02-10")),
        ..Default::default()
    };
    let blocked = client.customers.block_customer(block.clone()).await.unwrap().into_inner();
    let blocked = blocked.customer.unwrap();
    assert_eq!(blocked.standing(), Standing::Blocked);
    let shown = blocked.block.unwrap();
    assert_eq!(
        (shown.reason.as_str(), shown.blocked_by.as_str()),
        ("betaalt niet", "first admin key")
    );
    assert_eq!(
        (day(&shown.blocked_on), day(&shown.expires_on)),
        ("2025-02-01".into(), "2025-02-10".into())
    );
    let refused = refusal(client.subscribe(terms.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition CUSTOMER_BLOCKED");
    assert_eq!(refused.facts["customer_id"], ann.id);

    // What runs goes on, and on the tenth the block is over.
    client.advance("2025-02-09").await.unwrap();
    assert_eq!(client.documents().await.len(), 1);
    refusal(client.subscribe(terms.clone()).await);
    client.advance("2025-02-10").await.unwrap();
    client.subscribe(Client::terms(&ann, &plan, "2025-02-10")).await.unwrap();

    let for_ever = v1::BlockCustomerRequest { expires_on: None, ..block };
    client.customers.block_customer(for_ever).await.unwrap();
    refusal(client.subscribe(terms.clone()).await);
    let unblock = v1::UnblockCustomerRequest { customer_id: ann.id.clone(), ..Default::default() };
    for _ in 0..2 {
        let lifted = client.customers.unblock_customer(unblock.clone()).await.unwrap().into_inner();
        let lifted = lifted.customer.unwrap();
        assert_eq!((lifted.standing(), lifted.block), (Standing::Good, None));
    }
    client.subscribe(Client::terms(&ann, &plan, "2025-02-10")).await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_has_a_customer_a_reason_and_an_end_in_the_future() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let right = v1::BlockCustomerRequest {
        customer_id: ann.id,
        reason: "betaalt niet".into(),
        ..Default::default()
    };
    let with = |change: fn(&mut v1::BlockCustomerRequest)| {
        let mut request = right.clone();
        change(&mut request);
        request
    };
    let table = [
        (with(|one| one.reason = String::new()), "InvalidArgument reason"),
        (with(|one| one.reason = "x".repeat(1_001)), "InvalidArgument reason"),
        (with(|one| one.expires_on = Some(date("2025-02-01"))), "InvalidArgument expires_on"),
        (with(|one| one.expires_on = Some(date("2025-02-30"))), "InvalidArgument expires_on"),
        (with(|one| one.customer_id = "C-1".into()), "InvalidArgument customer_id"),
        (with(|one| one.customer_id = uuid::Uuid::max().to_string()), "NotFound"),
    ];
    for (request, expected) in table {
        let refused = refusal(client.customers.block_customer(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let unknown = v1::UnblockCustomerRequest {
        customer_id: uuid::Uuid::max().to_string(),
        ..Default::default()
    };
    assert_eq!(refusal(client.customers.unblock_customer(unknown).await).line(), "NotFound");
    world.finish().await;
}
