//! The printable page of a document of a credit.

use server::pb::v1::{self, Language, SelfBillKind, ShareTreatment};

use super::{credited, desk, investor, only, reject, sell, sign};
use crate::world::Client;

async fn page(client: &mut Client, id: &str, language: Language) -> String {
    let request =
        v1::GetSelfBillDocumentRequest { self_bill_id: id.to_owned(), language: language.into() };
    client.payouts.get_self_bill_document(request).await.unwrap().into_inner().html
}

fn has_all(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "{text:?} is missing in {html}");
    }
    assert!(!html.contains("<script"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_who_issued_the_invoice_of_whom() {
    let (world, mut client, _) = credited(0).await;
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    let dutch = page(&mut client, &bill.id, Language::Unspecified).await;
    let expected = [
        "Factuur uitgereikt door afnemer",
        "Leverancier",
        "Afnemer",
        "De Bouwmeester B.V.",
        "NL001234567B01",
        "ANN-2025-00001",
        "01-02-2025",
        "01-01-2025 t/m 31-01-2025",
        "1.000,00",
        "40 %",
        "400,00",
        "84,00",
        "484,00",
    ];
    has_all(&dutch, &expected);
    assert!(!dutch.contains("IBAN"), "nobody pays to the buyer");
    let english = page(&mut client, &bill.id, Language::En).await;
    has_all(&english, &["Self-billing", "Supplier", "Share of the revenue of", "1 Feb 2025"]);
    reject(&mut client, &bill.id).await.unwrap();
    let note = only(&mut client, SelfBillKind::CreditNote).await;
    let note = page(&mut client, &note.id, Language::Nl).await;
    let expected = [
        "Creditfactuur",
        "Factuur uitgereikt door afnemer",
        "ANN-2025-00002",
        "ANN-2025-00001 van 01-02-2025",
        "wij sturen zelf facturen",
        "-484,00",
    ];
    has_all(&note, &expected);
    let advice = only(&mut client, SelfBillKind::Advice).await;
    let advice = page(&mut client, &advice.id, Language::En).await;
    has_all(&advice, &["This is not an invoice. Please send us your own invoice", "400.00"]);
    assert!(!advice.contains("Self-billing"), "{advice}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_the_legal_text_of_its_treatment() {
    let (world, mut client, feature) = desk().await;
    let table = [
        ("Cor", ShareTreatment::SmallBusiness, "kleineondernemersregeling"),
        ("Els", ShareTreatment::ReverseCharge, "Btw verlegd (artikel 196"),
        ("Gus", ShareTreatment::OutsideScope, "Buiten de heffing van btw."),
    ];
    for (name, treatment, _) in table {
        let one = investor(&mut client, &feature, name, (treatment, "10")).await;
        sign(&mut client, &one, "SB-", 14).await;
    }
    sell(&mut client, &feature).await;
    client.advance("2025-02-01").await.unwrap();
    for bill in super::documents(&mut client).await {
        let name = bill.supplier.clone().unwrap().name;
        let (.., text) = table.iter().find(|(one, ..)| **one == name).unwrap();
        let html = page(&mut client, &bill.id, Language::Unspecified).await;
        has_all(&html, &[text, &name]);
    }
    world.finish().await;
}
