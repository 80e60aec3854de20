//! The printable page: what the law asks for, in two languages, safe to open.

use server::pb::v1::{self, Language, VatTreatment};

use crate::world::{Client, Plan, World, decimal, refusal};

async fn page(
    client: &mut Client,
    invoice: &v1::Invoice,
    language: Language,
) -> (String, Language) {
    let request =
        v1::GetDocumentRequest { invoice_id: invoice.id.clone(), language: language.into() };
    let answer = client.invoices.get_document(request).await.unwrap().into_inner();
    (answer.html.clone(), answer.language())
}

async fn billed(client: &mut Client, customer: v1::Customer, plan: Plan) -> v1::Invoice {
    let customer = client.create_customer(customer).await.unwrap();
    let plan = client.plan("Onderhoud & <b>beheer</b>", plan).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-01-31")).await.unwrap();
    client.run_billing().await;
    client.documents().await.pop().unwrap()
}

#[track_caller]
fn holds(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "{text:?} is not in\n{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_all_that_the_law_asks_for_in_dutch() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let customer = v1::Customer { vat_number: "NL002345678B01".into(), ..Client::business("Ann") };
    let plan = Plan::months(1, "1234.50");
    let invoice = billed(&mut client, customer, plan).await;
    let (html, language) = page(&mut client, &invoice, Language::Unspecified).await;
    assert_eq!(language, Language::Nl);
    holds(&html, &["<!DOCTYPE html>", "lang=\"nl\"", "Factuur", "2025-00001"]);
    // Both parties with their numbers.
    holds(
        &html,
        &["De Bouwmeester B.V.", "Keizersgracht 1", "1015 CC Amsterdam", "NL001234567B01"],
    );
    holds(
        &html,
        &["NL91ABNA0417164300", "Ann", "Dorpsstraat 1", "1234 AB Ons Dorp", "NL002345678B01"],
    );
    // Dates: of the document, of payment, and the period with its last day inclusive.
    holds(&html, &["31-01-2025", "14-02-2025", "t/m 27-02-2025"]);
    // Amounts as people write them, and VAT per rate.
    holds(&html, &["1.234,50", "21 %", "259,25", "1.493,75", "Btw"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_can_be_had_in_english() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let invoice = billed(&mut client, Client::business("Ann"), Plan::months(1, "1234.50")).await;
    let (html, language) = page(&mut client, &invoice, Language::En).await;
    assert_eq!(language, Language::En);
    holds(&html, &["lang=\"en\"", "Invoice", "31 Jan 2025", "to 27 Feb 2025", "1,234.50", "VAT"]);
    assert!(!html.contains("Factuur"), "{html}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_language_is_the_documents() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let customer = v1::Customer {
        language: Language::En.into(),
        address: Some(Client::address("BE")),
        vat_treatment: VatTreatment::EuReverseCharge.into(),
        vat_number: "BE0123456789".into(),
        ..Client::business("Ann")
    };
    let invoice = billed(&mut client, customer, Plan::months(1, "10.00")).await;
    let (html, language) = page(&mut client, &invoice, Language::Unspecified).await;
    assert_eq!((invoice.language(), language), (Language::En, Language::En));
    holds(&html, &["reverse charge", "VAT reverse charged (Article 196", "BE0123456789"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_outside_is_text_and_never_markup() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let customer = Client::business("<script>alert('x')</script> & \"Zonen\"");
    let invoice = billed(&mut client, customer, Plan::months(1, "10.00")).await;
    let (html, _) = page(&mut client, &invoice, Language::Unspecified).await;
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("<b>beheer"), "{html}");
    assert!(html.contains("script") && html.contains("beheer"), "{html}");
    for outside in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside} in\n{html}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_parties_as_they_were() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let seats = Plan::seats("2.5");
    let customer = client.customer("Oude Naam").await;
    let plan = client.plan("stoelen", seats).await;
    let mut terms = Client::terms(&customer, &plan, "2025-01-31");
    terms.quantities =
        vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal("1200") }];
    client.subscribe(terms).await.unwrap();
    client.run_billing().await;
    let renamed = v1::Customer { name: "Nieuwe Naam".into(), ..customer };
    let request = v1::UpdateCustomerRequest {
        customer: Some(renamed),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        ..Default::default()
    };
    client.customers.update_customer(request).await.unwrap();
    let invoice = client.documents().await.pop().unwrap();
    assert_eq!(invoice.buyer.as_ref().unwrap().name, "Oude Naam");
    let (html, _) = page(&mut client, &invoice, Language::Unspecified).await;
    holds(&html, &["Oude Naam", "1.200", "2,50", "3.000,00"]);
    assert!(!html.contains("Nieuwe Naam"), "{html}");
    world.finish().await;
}

/// An invoice that takes a part of an earlier one back, a credit by hand of all that it charges,
/// and the invoice that the balance pays in part; the last three.
async fn credited(client: &mut Client) -> [v1::Invoice; 3] {
    let customer = client.customer("Ann").await;
    let plan = client.plan("basis", Plan::months(1, "31.00")).await;
    let dearer = client.plan("meer", Plan::months(1, "62.00")).await;
    let small = client.plan("klein", Plan::months(1, "30.00")).await;
    let changed = client.subscribe(Client::terms(&customer, &plan, "2025-01-01")).await.unwrap().id;
    client.subscribe(Client::terms(&customer, &small, "2025-02-01")).await.unwrap();
    client.advance("2025-01-11").await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..v1::Change::default() };
    client.change(&changed, change).await.unwrap();
    client.run_billing().await;
    let corrected = client.documents().await.remove(1);
    let request = v1::CreditInvoiceRequest {
        invoice_id: corrected.id.clone(),
        reason: "Storing & <i>ongemak</i>".into(),
        ..Default::default()
    };
    let answer = client.invoices.credit_invoice(request).await.unwrap().into_inner();
    client.cancel_now(&changed, false).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let documents = client.documents().await;
    let paid = documents.iter().find(|one| one.number == "2025-00003").unwrap();
    [corrected, answer.credit_note.unwrap(), paid.clone()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_names_the_invoices_that_it_corrects_and_why() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let [corrected, note, paid] = credited(&mut client).await;
    let (html, _) = page(&mut client, &corrected, Language::Unspecified).await;
    holds(&html, &["Betreft factuur", "2025-00001 van 01-01-2025"]);
    assert!(!html.contains("Reden"), "{html}");
    let (html, _) = page(&mut client, &note, Language::Unspecified).await;
    holds(&html, &["Creditfactuur", "C2025-00001", "2025-00002 van 11-01-2025", "Reden"]);
    assert!(html.contains("Storing &") && !html.contains("<i>"), "{html}");
    let (html, _) = page(&mut client, &note, Language::En).await;
    holds(&html, &["Corrects invoice", "2025-00002 of 11 Jan 2025", "Reason"]);
    let (html, _) = page(&mut client, &paid, Language::Unspecified).await;
    assert!(!html.contains("Betreft") && !html.contains("Reden"), "{html}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_is_settled_and_what_is_left_to_pay() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let [corrected, note, paid] = credited(&mut client).await;
    let row =
        |what: &str, amount: &str| format!("<td>{what}</td><td></td><td class=\"n\">{amount}</td>");
    // 42.00 - 21.00 and 21 % were asked for; a credit of all that it charged paid it off.
    let (html, _) = page(&mut client, &corrected, Language::Unspecified).await;
    let since = row("Reeds betaald of gecrediteerd", "-25,41");
    holds(&html, &[&row("Totaal EUR", "25,41"), &since, &row("Te betalen EUR", "0,00")]);
    assert!(!html.contains("over te maken"), "{html}");
    let (html, _) = page(&mut client, &note, Language::Unspecified).await;
    holds(&html, &[&row("Totaal EUR", "-50,82"), &row("Toegevoegd aan uw tegoed", "25,41")]);
    holds(&html, &[&row("Verrekend met openstaande facturen", "25,41")]);
    assert!(!html.contains("Te betalen"), "{html}");
    let (html, _) = page(&mut client, &paid, Language::Unspecified).await;
    holds(&html, &[&row("Totaal EUR", "36,30"), &row("Verrekend met uw tegoed", "-25,41")]);
    holds(&html, &[&row("Te betalen EUR", "10,89"), "EUR 10,89 uiterlijk 15-02-2025"]);
    let (html, _) = page(&mut client, &paid, Language::En).await;
    holds(&html, &[&row("Applied from your credit", "-25.41"), &row("To be paid EUR", "10.89")]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_of_a_document_that_exists() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    for (invoice_id, language, expected) in [
        ("", 0, "InvalidArgument invoice_id"),
        ("2025-00001", 0, "InvalidArgument invoice_id"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 0, "NotFound"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 7, "InvalidArgument language"),
    ] {
        let request = v1::GetDocumentRequest { invoice_id: invoice_id.into(), language };
        assert_eq!(refusal(client.invoices.get_document(request).await).line(), expected);
    }
    world.finish().await;
}
