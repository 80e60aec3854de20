//! What is refused, and calls that come twice.

use server::pb::google::r#type as google;
use server::pb::v1::{self, PartyType, Role, ShareTreatment};
use tonic::Code;

use super::withdraw;
use crate::world::{Client, World, decimal, euros, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn impossible_terms_are_refused_by_the_name_of_the_field() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let good = Client::stake(10_000, "40");
    let with_return = |text| v1::InvestmentTerms { return_percent: decimal(text), ..good.clone() };
    let treated =
        |one: ShareTreatment| v1::InvestmentTerms { vat_treatment: one.into(), ..good.clone() };
    let cent = google::Money { currency_code: "EUR".into(), units: 0, nanos: 1_000_000 };
    let table = [
        (Client::stake(0, "40"), "terms.principal"),
        (Client::stake(-1, "40"), "terms.principal"),
        (v1::InvestmentTerms { principal: None, ..good.clone() }, "terms.principal"),
        (v1::InvestmentTerms { principal: Some(cent), ..good.clone() }, "terms.principal"),
        (Client::stake(10_000, "0"), "terms.share_percent"),
        (Client::stake(10_000, "-1"), "terms.share_percent"),
        (Client::stake(10_000, "100.01"), "terms.share_percent"),
        (Client::stake(10_000, "1e1"), "terms.share_percent"),
        (with_return("-0.01"), "terms.return_percent"),
        (with_return("100.01"), "terms.return_percent"),
        (with_return("1.00001"), "terms.return_percent"),
        (v1::InvestmentTerms { basis: 99, ..good.clone() }, "terms.basis"),
        (treated(ShareTreatment::Unspecified), "terms.vat_treatment"),
        (treated(ShareTreatment::ReverseCharge), "terms.vat_treatment"),
    ];
    for (terms, field) in table {
        let refused = refusal(client.propose(&feature, &ann, terms.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{terms:?}");
    }
    // Invoices in its name show its VAT number.
    let without = client.create_customer(Client::business("Cor")).await.unwrap();
    let refused = refusal(client.propose(&feature, &without, good.clone()).await);
    assert_eq!(refused.line(), "InvalidArgument terms.vat_treatment");
    let person = v1::Customer { party_type: PartyType::Consumer.into(), ..Client::business("Ben") };
    let person = client.create_customer(person).await.unwrap();
    let refused = refusal(client.propose(&feature, &person, good.clone()).await);
    assert_eq!(refused.line(), "InvalidArgument terms.vat_treatment");
    let nothing = v1::ProposeInvestmentRequest {
        feature_id: feature.feature_id.clone(),
        investor_id: ann.id.clone(),
        ..Default::default()
    };
    let refused = refusal(client.investments.propose_investment(nothing).await);
    assert_eq!(refused.line(), "InvalidArgument terms");
    // The bounds themselves are possible.
    let none = client.propose(&feature, &ann, with_return("0")).await.unwrap();
    assert_eq!(none.cap, euros(10_000));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_waits_for_its_assessment_takes_no_investment() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let wish = client.wish("Export").await;
    let ann = client.customer("Ann").await;
    let refused = refusal(client.propose(&wish, &ann, Client::stake(1, "1")).await);
    assert_eq!(refused.line(), "FailedPrecondition FEATURE_NOT_ACCEPTED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_currency_is_that_of_the_features_price() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    client.invest(&feature, &ann, Client::stake(10_000, "40")).await;
    client.sale("export", &feature, "25.00").await.unwrap();
    let dollars = google::Money { currency_code: "USD".into(), units: 1_000, nanos: 0 };
    let terms = v1::InvestmentTerms { principal: Some(dollars), ..Client::stake(1, "40") };
    let refused = refusal(client.propose(&feature, &ben, terms).await);
    assert_eq!(refused.line(), "FailedPrecondition CURRENCY_DIFFERS");
    assert_eq!(refused.facts["currency"], "EUR");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_is_not_accepted_again_and_what_is_withdrawn_is_over() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    client.accept(&proposed, true).await.unwrap();
    let refused = refusal(client.accept(&proposed, true).await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_ACCEPTED");
    assert_eq!(refused.facts["on"], "2025-02-01");
    assert_eq!(client.documents().await.len(), 1, "one invoice");
    withdraw(&mut client, &proposed.investment_id).await.unwrap();
    let refused = refusal(client.accept(&proposed, true).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_WITHDRAWN");
    let consent = v1::GiveConsentRequest {
        investment_id: proposed.investment_id.clone(),
        ..Default::default()
    };
    let refused = refusal(client.investments.give_consent(consent).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_WITHDRAWN");
    let wordless = v1::WithdrawInvestmentRequest {
        investment_id: proposed.investment_id,
        ..Default::default()
    };
    let refused = refusal(client.investments.withdraw_investment(wordless).await);
    assert_eq!(refused.line(), "InvalidArgument reason");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_treatment_that_fits_no_more_is_refused_before_the_invoice() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let person = v1::Customer { party_type: PartyType::Consumer.into(), ..ann.clone() };
    let request = v1::UpdateCustomerRequest {
        customer: Some(person),
        update_mask: Some(prost_types::FieldMask { paths: vec!["party_type".into()] }),
        ..Default::default()
    };
    client.customers.update_customer(request).await.unwrap();
    let refused = refusal(client.accept(&proposed, true).await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_TREATMENT_DIFFERS");
    assert_eq!(client.documents().await.len(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_is_answered_as_before() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let propose = v1::ProposeInvestmentRequest {
        feature_id: feature.feature_id.clone(),
        investor_id: ann.id.clone(),
        terms: Some(Client::stake(10_000, "60")),
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
        ..Default::default()
    };
    let first = client.investments.propose_investment(propose.clone()).await.unwrap().into_inner();
    let again = client.investments.propose_investment(propose).await.unwrap().into_inner();
    assert_eq!(first, again);
    let accept = v1::AcceptInvestmentRequest {
        investment_id: first.investment.unwrap().investment_id,
        consents_to_sale: true,
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
        ..Default::default()
    };
    let first = client.investments.accept_investment(accept.clone()).await.unwrap().into_inner();
    client.advance("2025-02-02").await.unwrap();
    let again = client.investments.accept_investment(accept.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = v1::AcceptInvestmentRequest { consents_to_sale: false, ..accept };
    let refused = refusal(client.investments.accept_investment(other).await);
    assert_eq!(refused.line(), "AlreadyExists REQUEST_ID_REUSED");
    assert_eq!(client.documents().await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_make_one_invoice() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let (mut one, mut two) = (client.clone(), client.clone());
    let (one, two) = tokio::join!(one.accept(&proposed, true), two.accept(&proposed, true));
    let refused = refusal(if one.is_ok() { two } else { one });
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_ACCEPTED");
    assert_eq!(client.documents().await.len(), 1);

    // And of two proposals for the same share one is too much.
    let (mut one, mut two) = (client.clone(), client.clone());
    let (one, two) = tokio::join!(
        one.propose(&feature, &ann, Client::stake(1, "60")),
        two.propose(&feature, &ann, Client::stake(1, "60")),
    );
    let refused = refusal(if one.is_ok() { two } else { one });
    assert_eq!(refused.line(), "FailedPrecondition SHARES_EXCEEDED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn investments_of_another_organization_do_not_exist() {
    let world = World::new().await;
    let (mut ours, mut theirs) =
        (world.sandbox("2025-02-01").await, world.sandbox("2025-02-01").await);
    let feature = ours.backlog("Export", 5, 5).await;
    let (ann, ben) = (ours.customer("Ann").await, theirs.customer("Ben").await);
    let proposed = ours.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let found = theirs.accept(&proposed, true).await;
    assert_eq!(refusal(found).code, Code::NotFound);
    let found = theirs.propose(&feature, &ben, Client::stake(1, "1")).await;
    assert_eq!(refusal(found).code, Code::NotFound);
    let found = ours.propose(&feature, &ben, Client::stake(1, "1")).await;
    assert_eq!(refusal(found).code, Code::NotFound);
    let request = v1::GetInvestmentRequest { investment_id: proposed.investment_id.clone() };
    let found = theirs.investments.get_investment(request).await;
    assert_eq!(refusal(found).code, Code::NotFound);
    let request = v1::ListInvestmentsRequest::default();
    let listed = theirs.investments.list_investments(request).await.unwrap().into_inner();
    assert_eq!(listed.investments, []);
    let refused = refusal(theirs.sale("export", &feature, "1.00").await);
    assert_eq!(refused.line(), "InvalidArgument version.prices[0].feature_id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_propose_and_finance_accept() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let mut sales = client.with_roles(world.channel(), &[Role::Sales]).await;
    let mut finance = client.with_roles(world.channel(), &[Role::Finance]).await;
    let proposed = sales.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let refused = refusal(sales.accept(&proposed, true).await);
    assert_eq!(refused.code, Code::PermissionDenied);
    finance.accept(&proposed, true).await.unwrap();
    world.finish().await;
}
