//! Organizations: founded, read, changed; and every refusal on the way.

use prost_types::FieldMask;
use server::pb::v1::{self, Language, OrganizationKind};

use crate::world::{Client, Plan, World, date, day, euros, refusal};

fn right() -> v1::Organization {
    v1::Organization {
        kind: OrganizationKind::Sandbox.into(),
        legal_name: "De Bouwmeester B.V.".into(),
        address: Some(Client::address("NL")),
        ..Default::default()
    }
}

async fn create(
    client: &mut Client,
    organization: v1::Organization,
) -> Result<v1::CreateOrganizationResponse, tonic::Status> {
    let request = v1::CreateOrganizationRequest {
        organization: Some(organization),
        clock_starts_on: Some(date("2025-03-01")),
        ..Default::default()
    };
    Ok(client.organizations.create_organization(request).await?.into_inner())
}

async fn update(
    client: &mut Client,
    organization: v1::Organization,
    fields: &[&str],
) -> Result<v1::Organization, tonic::Status> {
    let request = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(FieldMask { paths: fields.iter().map(|&field| field.into()).collect() }),
        ..Default::default()
    };
    let answer = client.organizations.update_organization(request).await?.into_inner();
    Ok(answer.organization.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_organization_has_the_usual_settings_and_a_key_of_its_own() {
    let world = World::new().await;
    let mut founder = world.sandbox("2025-02-01").await;
    let founded = create(&mut founder, right()).await.unwrap();
    let expected = v1::Organization {
        id: founded.organization.as_ref().unwrap().id.clone(),
        default_currency: "EUR".into(),
        time_zone: "Europe/Amsterdam".into(),
        language: Language::Nl.into(),
        credit_note_prefix: "C".into(),
        number_pattern: "{prefix}{year}-{seq:05}".into(),
        default_payment_terms_days: Some(14),
        payout_day: 1,
        minimum_payout: euros(0),
        pre_notification_days: Some(14),
        ..right()
    };
    assert_eq!(founded.organization.as_ref(), Some(&expected));
    let mut own = world.client(&founded.secret);
    let request = v1::GetOrganizationRequest {};
    let found = own.organizations.get_organization(request).await.unwrap().into_inner();
    assert_eq!(found.organization, Some(expected));
    let clock =
        own.clock.get_clock(v1::GetClockRequest {}).await.unwrap().into_inner().clock.unwrap();
    assert_eq!((clock.kind(), day(&clock.today)), (OrganizationKind::Sandbox, "2025-03-01".into()));
    let rates = own.catalog.list_vat_rates(v1::ListVatRatesRequest {}).await.unwrap().into_inner();
    assert_eq!(rates.vat_rates.len(), 7, "the rates of the Netherlands and Belgium");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_pattern_and_prefix_hold_for_the_next_documents() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    let new = v1::Organization {
        invoice_prefix: "INV/".into(),
        default_payment_terms_days: Some(30),
        iban: "NL91 ABNA 0417 1643 00".into(),
        ..Default::default()
    };
    let fields = ["invoice_prefix", "default_payment_terms_days", "iban"];
    let changed = update(&mut client, new, &fields).await.unwrap();
    assert_eq!(
        (changed.iban.as_str(), changed.legal_name.as_str()),
        ("NL91ABNA0417164300", "De Bouwmeester B.V.")
    );
    client.run_billing().await;
    let documents = client.documents().await;
    assert_eq!(
        (documents[0].number.as_str(), day(&documents[0].due_on)),
        ("INV/2025-00001", "2025-03-03".into())
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let with = |change: &dyn Fn(&mut v1::Organization)| {
        let mut organization = right();
        change(&mut organization);
        organization
    };
    let table: [(v1::Organization, &str); 20] = [
        (with(&|one| one.kind = 0), "kind"),
        (with(&|one| one.pre_notification_days = Some(0)), "pre_notification_days"),
        (with(&|one| one.pre_notification_days = Some(31)), "pre_notification_days"),
        (with(&|one| one.legal_name = String::new()), "legal_name"),
        (with(&|one| one.address = None), "address"),
        (with(&|one| one.address = Some(Client::address("Nederland"))), "address.country"),
        (with(&|one| one.registration_number = "x".repeat(201)), "registration_number"),
        (with(&|one| one.vat_number = "001234567B01".into()), "vat_number"),
        (with(&|one| one.iban = "NL92ABNA0417164300".into()), "iban"),
        (with(&|one| one.email = "bouwmeester".into()), "email"),
        (with(&|one| one.default_currency = "EURO".into()), "default_currency"),
        (with(&|one| one.default_currency = "XXX".into()), "default_currency"),
        (with(&|one| one.time_zone = "Europe/Atlantis".into()), "time_zone"),
        (with(&|one| one.language = 9), "language"),
        (with(&|one| one.invoice_prefix = "a b".into()), "invoice_prefix"),
        (with(&|one| one.invoice_prefix = "C".into()), "credit_note_prefix"),
        (with(&|one| one.credit_note_prefix = "x".repeat(21)), "credit_note_prefix"),
        (with(&|one| one.number_pattern = "{seq}".into()), "number_pattern"),
        (with(&|one| one.default_payment_terms_days = Some(366)), "default_payment_terms_days"),
        (with(&|one| one.default_payment_terms_days = Some(-1)), "default_payment_terms_days"),
    ];
    for (organization, field) in table {
        let refused = refusal(create(&mut client, organization.clone()).await);
        let expected = format!("InvalidArgument organization.{field}");
        assert_eq!(refused.line(), expected, "{organization:?}");
    }
    let live = v1::Organization { kind: OrganizationKind::Live.into(), ..right() };
    assert_eq!(refusal(create(&mut client, live).await).line(), "InvalidArgument clock_starts_on");
    let nothing = v1::CreateOrganizationRequest::default();
    let refused = refusal(client.organizations.create_organization(nothing).await);
    assert_eq!(refused.line(), "InvalidArgument organization");
    let taken = v1::CreateOrganizationRequest {
        organization_id: client.org.to_string(),
        organization: Some(right()),
        ..Default::default()
    };
    let refused = refusal(client.organizations.create_organization(taken).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_organization_was_founded_with_stays() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    for field in ["kind", "default_currency", "time_zone", "id", "address.country", "*"] {
        let refused = refusal(update(&mut client, right(), &[field]).await);
        assert_eq!(refused.line(), "InvalidArgument update_mask", "{field}");
    }
    let moved = v1::Organization { address: Some(Client::address("BE")), ..right() };
    let refused = refusal(update(&mut client, moved, &["address"]).await);
    assert_eq!(refused.line(), "InvalidArgument organization.address.country");
    let another = v1::Organization { id: uuid::Uuid::max().to_string(), ..right() };
    let refused = refusal(update(&mut client, another, &["legal_name"]).await);
    assert_eq!(refused.line(), "InvalidArgument organization.id");
    let refused = refusal(update(&mut client, right(), &[]).await);
    assert_eq!(refused.line(), "InvalidArgument update_mask");
    world.finish().await;
}
