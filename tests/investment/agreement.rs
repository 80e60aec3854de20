//! Agreements that the vendor issues an investor's invoices.

use server::pb::v1;
use tonic::{Code, Status};

use crate::world::{Client, World, date, day, refusal};

fn signed(on: &str) -> v1::SelfBillingAgreement {
    v1::SelfBillingAgreement { signed_on: Some(date(on)), ..Default::default() }
}

async fn sign(
    client: &mut Client,
    investor: &v1::Customer,
    agreement: v1::SelfBillingAgreement,
) -> Result<v1::SelfBillingAgreement, Status> {
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: investor.id.clone(),
        agreement: Some(agreement),
        ..Default::default()
    };
    let answer = client.investments.sign_self_billing_agreement(request).await?.into_inner();
    Ok(answer.agreement.unwrap())
}

async fn listed(client: &mut Client, investor: &str) -> Vec<v1::SelfBillingAgreement> {
    let request =
        v1::ListSelfBillingAgreementsRequest { investor_id: investor.into(), ..Default::default() };
    let answer = client.investments.list_self_billing_agreements(request).await.unwrap();
    answer.into_inner().agreements
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_signed_alone_or_with_an_investment() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let first = sign(&mut client, &ann, signed("2025-01-15")).await.unwrap();
    assert_eq!((first.number_prefix.as_str(), first.silent_days), ("SB", 0));
    assert_eq!(
        (first.investor_id.as_str(), day(&first.valid_until)),
        (ann.id.as_str(), String::new())
    );
    let again = sign(&mut client, &ann, signed("2025-01-15")).await.unwrap();
    assert_eq!(again, first, "the same again changes nothing");
    let other = v1::SelfBillingAgreement { silent_days: 14, ..signed("2025-01-15") };
    let refused = refusal(sign(&mut client, &ann, other.clone()).await);
    assert_eq!(refused.line(), "AlreadyExists AGREEMENT_EXISTS");
    assert_eq!(refused.facts["agreement_id"], first.agreement_id);

    let feature = client.backlog("Export", 5, 5).await;
    let proposed = client.propose(&feature, &ben, Client::stake(100, "10")).await.unwrap();
    let until = Some(date("2026-02-01"));
    let along =
        v1::SelfBillingAgreement { valid_until: until, silent_days: 14, ..Default::default() };
    let request = v1::AcceptInvestmentRequest {
        investment_id: proposed.investment_id.clone(),
        consents_to_sale: true,
        agreement: Some(along),
        ..Default::default()
    };
    client.investments.accept_investment(request).await.unwrap();
    let of_ben = listed(&mut client, &ben.id).await;
    let [along] = of_ben.as_slice() else { panic!("{of_ben:?}") };
    assert_eq!((day(&along.signed_on), along.silent_days), ("2025-02-01".into(), 14));
    assert_eq!(listed(&mut client, "").await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_agreements_are_refused_by_the_name_of_the_field() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let good = signed("2025-02-01");
    let with = |valid_until: &str, silent_days: i32, number_prefix: &str| {
        let valid_until = (!valid_until.is_empty()).then(|| date(valid_until));
        let number_prefix = number_prefix.to_owned();
        v1::SelfBillingAgreement { valid_until, silent_days, number_prefix, ..good.clone() }
    };
    let table = [
        (signed("2025-02-02"), "agreement.signed_on"),
        (signed("2025-02-30"), "agreement.signed_on"),
        (with("2025-02-01", 0, ""), "agreement.valid_until"),
        (with("", 91, ""), "agreement.silent_days"),
        (with("", -1, ""), "agreement.silent_days"),
        (with("", 0, "SB1"), "agreement.number_prefix"),
    ];
    for (agreement, field) in table {
        let refused = refusal(sign(&mut client, &ann, agreement.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{agreement:?}");
    }
    let request =
        v1::SignSelfBillingAgreementRequest { investor_id: ann.id.clone(), ..Default::default() };
    let refused = refusal(client.investments.sign_self_billing_agreement(request).await);
    assert_eq!(refused.line(), "InvalidArgument agreement");
    let nobody = v1::Customer {
        id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
        ..Default::default()
    };
    assert_eq!(refusal(sign(&mut client, &nobody, good).await).code, Code::NotFound);
    world.finish().await;
}
