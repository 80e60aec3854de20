//! VAT that is not reclaimed, and VAT that is taken back.

use server::pb::v1::{self, SelfBillKind, ShareBasis, ShareTreatment};

use super::clawback::{pay, settle};
use super::{books, desk, investor, lines, on, only, own_invoice, reject, sell, sign};
use crate::world::{Client, World, euro, refusal};

async fn small_business(client: &mut Client, is: bool) {
    let request = v1::UpdateOrganizationRequest {
        organization: Some(v1::Organization { small_business: is, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["small_business".to_owned()] }),
        ..Default::default()
    };
    client.organizations.update_organization(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_business_reclaims_no_vat_of_its_investors() {
    let (world, mut client, feature) = desk().await;
    small_business(&mut client, true).await;
    let ann = investor(&mut client, &feature, "Ann", (ShareTreatment::WithVat, "40")).await;
    sign(&mut client, &ann, "ANN-", 0).await;
    sell(&mut client, &feature).await;
    client.advance("2025-02-01").await.unwrap();
    let issued = ["Ann INVOICE ANN-2025-00001 2025-02-01 400.00 + 84.00 WAITING"];
    assert_eq!(lines(&mut client).await, issued, "the investor is due it");
    assert_eq!(books(&mut client, "2025-02-01").await, "1600 -48400, 1620 -960000, 4500 8400");
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    reject(&mut client, &bill.id).await.unwrap();
    assert_eq!(books(&mut client, "2025-02-01").await, "1600 -40000, 1620 -960000");
    // The own invoice is for a document of a small business, whatever the vendor is since.
    small_business(&mut client, false).await;
    let advice = only(&mut client, SelfBillKind::Advice).await;
    own_invoice(&mut client, &advice.id, 8_400).await.unwrap();
    assert_eq!(books(&mut client, "2025-02-01").await, "1600 -48400, 1620 -960000, 4500 8400");
    client.advance("2025-03-01").await.unwrap();
    let expected = "1530 8400, 1600 -96800, 1620 -920000, 4500 8400";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    world.finish().await;
}

/// 200.00 credited by an advice, of which everything is to be taken back; then Ann signs.
async fn advised() -> (World, Client, v1::Investment, v1::SelfBill) {
    let (world, mut client, feature) = desk().await;
    let ann = client.customer("Ann").await;
    let terms = on(ShareBasis::Collected, ShareTreatment::WithVat, (300, "40"));
    let investment = client.invest(&feature, &ann, terms).await;
    let buyer = sell(&mut client, &feature).await;
    let paid = pay(&mut client, &buyer).await;
    client.advance("2025-02-01").await.unwrap();
    let advice = only(&mut client, SelfBillKind::Advice).await;
    let back = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    sign(&mut client, &ann, "ANN-", 14).await;
    (world, client, investment, advice)
}

#[tokio::test(flavor = "multi_thread")]
async fn as_much_vat_is_taken_back_as_the_investor_has_invoiced() {
    for (invoiced, taken) in [(0, "0.00"), (1_800, "-18.00"), (4_200, "-42.00")] {
        let (world, mut client, investment, advice) = advised().await;
        let refused = refusal(settle(&mut client, &investment.investment_id).await);
        assert_eq!(refused.line(), "FailedPrecondition INVOICE_AWAITED");
        assert_eq!(refused.facts["self_bill_id"], advice.id);
        own_invoice(&mut client, &advice.id, invoiced).await.unwrap();
        let note = settle(&mut client, &investment.investment_id).await.unwrap();
        assert_eq!((euro(&note.net), euro(&note.tax)), ("-200.00".into(), taken.into()));
        assert_eq!(books(&mut client, "2025-03-01").await, "1620 -30000", "{invoiced}");
        world.finish().await;
    }
}
