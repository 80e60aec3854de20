//! VAT: who owes it, at which rate, on which day, and what the document says about it.

use server::pb::v1::{self, Language, PartyType, VatCategory, VatTreatment};

use crate::world::{Client, Plan, World, book, date, decimal, refusal, text};

async fn billed(client: &mut Client, customer: v1::Customer, from: &str) -> v1::Invoice {
    let customer = client.create_customer(customer).await.unwrap();
    let plan = client.plan(&customer.id, Plan::months(1, "100.00")).await;
    client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap();
    client.run_billing().await;
    let request = v1::ListInvoicesRequest { customer_id: customer.id, ..Default::default() };
    let listed = client.invoices.list_invoices(request).await.unwrap().into_inner().invoices;
    client.document(&listed[0].id).await
}

fn abroad(country: &str, treatment: VatTreatment, vat_number: &str) -> v1::Customer {
    v1::Customer {
        address: Some(Client::address(country)),
        vat_treatment: treatment.into(),
        vat_number: vat_number.into(),
        ..Client::business("Abroad")
    }
}

/// Class, rate, VAT and legal texts.
fn shown(document: &v1::Invoice) -> (String, String, String, Vec<String>) {
    let [total] = document.vat_totals.as_slice() else { panic!("one rate: {document:?}") };
    let vat = total.vat.as_ref().unwrap();
    let class = vat.class().as_str_name().trim_start_matches("VAT_CLASS_").to_owned();
    let amount = crate::world::euro(&document.vat);
    (class, text(&vat.rate).to_owned(), amount, document.legal_texts.clone())
}

fn row(
    class: &str,
    rate: &str,
    vat: &str,
    texts: &[&str],
) -> (String, String, String, Vec<String>) {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    (class.to_owned(), rate.to_owned(), vat.to_owned(), texts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_elsewhere_in_the_eu_accounts_for_the_vat_itself() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = abroad("BE", VatTreatment::EuReverseCharge, "BE0123456789");
    let document = billed(&mut client, customer.clone(), "2025-02-01").await;
    let dutch = "Btw verlegd (artikel 196 Richtlijn 2006/112/EG).";
    assert_eq!(shown(&document), row("REVERSE_CHARGE", "0", "0.00", &[dutch]));
    let english = v1::Customer { language: Language::En.into(), ..customer };
    let document = billed(&mut client, english, "2025-02-01").await;
    let text = "VAT reverse charged (Article 196 of Directive 2006/112/EC).";
    assert_eq!(shown(&document), row("REVERSE_CHARGE", "0", "0.00", &[text]));
    assert_eq!(document.language(), Language::En);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_outside_the_eu_pays_no_vat() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = abroad("CH", VatTreatment::OutsideEu, "");
    let document = billed(&mut client, customer, "2025-02-01").await;
    let text =
        "Geen btw: de plaats van de dienst ligt buiten de EU (artikel 44 Richtlijn 2006/112/EG).";
    assert_eq!(shown(&document), row("EXPORT", "0", "0.00", &[text]));
    world.finish().await;
}

async fn update_organization(client: &mut Client, organization: v1::Organization, field: &str) {
    let request = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(prost_types::FieldMask { paths: vec![field.to_owned()] }),
        ..Default::default()
    };
    client.organizations.update_organization(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_business_charges_no_vat_and_says_why() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let small = v1::Organization { small_business: true, ..Default::default() };
    update_organization(&mut client, small, "small_business").await;
    let document = billed(&mut client, Client::business("Ann"), "2025-02-01").await;
    let text = "Vrijgesteld van btw: kleineondernemersregeling (artikel 25 Wet op de omzetbelasting 1968).";
    assert_eq!(shown(&document), row("EXEMPT", "0", "0.00", &[text]));

    // A change holds for documents made after it.
    let ordinary = v1::Organization { small_business: false, ..Default::default() };
    update_organization(&mut client, ordinary, "small_business").await;
    let later = billed(&mut client, Client::business("Ben"), "2025-02-01").await;
    assert_eq!(shown(&later), row("STANDARD", "21", "21.00", &[]));
    let earlier = client.document(&document.id).await;
    assert_eq!(shown(&earlier), row("EXEMPT", "0", "0.00", &[text]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_have_their_own_categories() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let exempt = "Vrijgesteld van btw (artikel 132 Richtlijn 2006/112/EG).";
    for (category, expected) in [
        (VatCategory::Reduced, row("STANDARD", "9", "9.00", &[])),
        (VatCategory::Zero, row("ZERO", "0", "0.00", &[])),
        (VatCategory::Exempt, row("EXEMPT", "0", "0.00", &[exempt])),
    ] {
        let customer = client.customer(category.as_str_name()).await;
        let plan = Plan { category, ..Plan::months(1, "100.00") };
        let plan = client.plan(category.as_str_name(), plan).await;
        client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
        client.run_billing().await;
        let documents = client.documents().await;
        assert_eq!(shown(documents.last().unwrap()), expected);
    }
    world.finish().await;
}

/// Sets a rate.
async fn set_rate(
    client: &mut Client,
    country: &str,
    percent: &str,
    from: &str,
) -> Result<v1::VatRate, tonic::Status> {
    let rate = v1::VatRate {
        country: country.to_owned(),
        category: VatCategory::Standard.into(),
        rate: decimal(percent),
        valid_from: Some(date(from)),
    };
    let request = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    Ok(client.catalog.set_vat_rate(request).await?.into_inner().vat_rate.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rate_holds_from_its_tax_point_on() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-05-31").await;
    set_rate(&mut client, "NL", "22.5", "2025-07-01").await.unwrap();
    let customer = client.customer("Ann").await;
    let advance = client.plan("advance", Plan::months(1, "100.00")).await;
    let timing = v1::BillingTiming::InArrears;
    let arrears = client.plan("arrears", Plan { timing, ..Plan::months(1, "100.00") }).await;
    client.subscribe(Client::terms(&customer, &advance, "2025-05-31")).await.unwrap();
    client.subscribe(Client::terms(&customer, &arrears, "2025-06-01")).await.unwrap();
    client.advance("2025-08-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-05-31 100.00 + 21.00: advance 2025-05-31..2025-06-30 100.00",
            "2025-00002 2025-06-30 100.00 + 21.00: advance 2025-06-30..2025-07-31 100.00",
            // Delivered in full before the change, although the document comes after it.
            "2025-00003 2025-07-01 100.00 + 21.00: arrears 2025-06-01..2025-07-01 100.00",
            "2025-00004 2025-07-31 100.00 + 22.50: advance 2025-07-31..2025-08-31 100.00",
            "2025-00005 2025-08-01 100.00 + 22.50: arrears 2025-07-01..2025-08-01 100.00",
        ]
    );
    let rates = client.catalog.list_vat_rates(v1::ListVatRatesRequest {}).await.unwrap();
    let rates = rates.into_inner().vat_rates;
    let is_standard =
        |rate: &&v1::VatRate| rate.country == "NL" && rate.category() == VatCategory::Standard;
    let percents: Vec<&str> =
        rates.iter().filter(is_standard).map(|rate| text(&rate.rate)).collect();
    assert_eq!(percents, ["19", "21", "22.5"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_abroad_owes_the_vat_of_their_own_country_once_its_rate_is_known() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let consumer = v1::Customer {
        party_type: PartyType::Consumer.into(),
        ..abroad("DE", VatTreatment::Domestic, "")
    };
    let refused = refusal(client.create_customer(consumer.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_RATE_MISSING");
    assert_eq!(refused.facts["country"], "DE");
    set_rate(&mut client, "DE", "19", "2007-01-01").await.unwrap();
    let document = billed(&mut client, consumer, "2025-02-01").await;
    assert_eq!(shown(&document), row("STANDARD", "19", "19.00", &[]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_would_change_issued_documents_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    billed(&mut client, Client::business("Ann"), "2025-02-01").await;
    let refused = refusal(set_rate(&mut client, "NL", "22", "2025-02-01").await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_RATE_BACKDATED");
    assert_eq!(refused.facts["last_issue_on"], "2025-02-01");
    // The same rate changes nothing; a later day is free.
    set_rate(&mut client, "NL", "21", "2025-02-01").await.unwrap();
    set_rate(&mut client, "NL", "22", "2025-02-02").await.unwrap();
    set_rate(&mut client, "NL", "23", "2025-02-02").await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_a_percentage_of_a_country_from_a_date_on() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let right = v1::VatRate {
        country: "DE".into(),
        category: VatCategory::Standard.into(),
        rate: decimal("19"),
        valid_from: Some(date("2007-01-01")),
    };
    let with = |change: fn(&mut v1::VatRate)| {
        let mut rate = right.clone();
        change(&mut rate);
        Some(rate)
    };
    let table = [
        (None, "vat_rate"),
        (with(|rate| rate.country = "de".into()), "vat_rate.country"),
        (with(|rate| rate.country = String::new()), "vat_rate.country"),
        (with(|rate| rate.category = 0), "vat_rate.category"),
        (with(|rate| rate.category = VatCategory::Exempt.into()), "vat_rate.category"),
        (with(|rate| rate.rate = None), "vat_rate.rate"),
        (with(|rate| rate.rate = decimal("-1")), "vat_rate.rate"),
        (with(|rate| rate.rate = decimal("100.1")), "vat_rate.rate"),
        (with(|rate| rate.rate = decimal("1.00001")), "vat_rate.rate"),
        (with(|rate| rate.rate = decimal("1e1")), "vat_rate.rate"),
        (with(|rate| rate.valid_from = None), "vat_rate.valid_from"),
        (with(|rate| rate.valid_from = Some(date("2025-02-31"))), "vat_rate.valid_from"),
    ];
    for (vat_rate, field) in table {
        let request = v1::SetVatRateRequest { vat_rate, ..Default::default() };
        let refused = refusal(client.catalog.set_vat_rate(request.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{request:?}");
    }
    world.finish().await;
}
