//! The steps with which most tests about investments begin.

use server::pb::google::r#type as google;
use server::pb::v1;
use tonic::Status;

use super::{Client, cents, decimal};

/// An amount in whole euro.
pub fn euros(units: i64) -> Option<google::Money> {
    Some(google::Money { currency_code: "EUR".into(), units, nanos: 0 })
}

impl Client {
    /// Submits a wish of the vendor's own.
    pub async fn wish(&mut self, title: &str) -> v1::Feature {
        let request = v1::SubmitFeatureRequestRequest {
            title: title.to_owned(),
            description: "What it is to do".to_owned(),
            ..Default::default()
        };
        self.features.submit_feature_request(request).await.unwrap().into_inner().feature.unwrap()
    }

    /// Submits a wish and accepts it with a score.
    pub async fn backlog(&mut self, title: &str, value: i32, complexity: i32) -> v1::Feature {
        let feature_id = self.wish(title).await.feature_id;
        let accept = v1::AcceptFeatureRequest { value, complexity, ..Default::default() };
        let assessment = Some(v1::assess_feature_request_request::Assessment::Accept(accept));
        let request =
            v1::AssessFeatureRequestRequest { feature_id, assessment, ..Default::default() };
        self.features.assess_feature_request(request).await.unwrap().into_inner().feature.unwrap()
    }

    /// A feature as it is now.
    pub async fn feature(&mut self, id: &str) -> v1::Feature {
        let request = v1::GetFeatureRequest { feature_id: id.to_owned() };
        self.features.get_feature(request).await.unwrap().into_inner().feature.unwrap()
    }

    /// Terms of a business in the vendor's country: a principal in euro, a share, 10 % return.
    pub fn stake(principal: i64, share: &str) -> v1::InvestmentTerms {
        v1::InvestmentTerms {
            principal: euros(principal),
            share_percent: decimal(share),
            vat_treatment: v1::ShareTreatment::WithVat.into(),
            ..Default::default()
        }
    }

    /// Proposes an investment.
    pub async fn propose(
        &mut self,
        feature: &v1::Feature,
        investor: &v1::Customer,
        terms: v1::InvestmentTerms,
    ) -> Result<v1::Investment, Status> {
        let request = v1::ProposeInvestmentRequest {
            feature_id: feature.feature_id.clone(),
            investor_id: investor.id.clone(),
            terms: Some(terms),
            ..Default::default()
        };
        let answer = self.investments.propose_investment(request).await?.into_inner();
        Ok(answer.investment.expect("the investment is in the answer"))
    }

    /// Accepts an investment, with or without consent to sell the feature.
    pub async fn accept(
        &mut self,
        investment: &v1::Investment,
        consents_to_sale: bool,
    ) -> Result<v1::Investment, Status> {
        let request = v1::AcceptInvestmentRequest {
            investment_id: investment.investment_id.clone(),
            consents_to_sale,
            ..Default::default()
        };
        let answer = self.investments.accept_investment(request).await?.into_inner();
        Ok(answer.investment.expect("the investment is in the answer"))
    }

    /// Pays what is open on the invoice of a principal.
    pub async fn pay_principal(&mut self, investment: &v1::Investment) -> v1::Payment {
        let invoice = self.document(&investment.invoice_id).await;
        assert!(cents(&invoice.amount_due) > 0, "{invoice:?}");
        let request = v1::RecordPaymentRequest {
            customer_id: invoice.customer_id.clone(),
            amount: invoice.amount_due.clone(),
            invoice: Some(v1::record_payment_request::Invoice::InvoiceId(invoice.id.clone())),
            ..Default::default()
        };
        self.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
    }

    /// An investment as it is now.
    pub async fn investment(&mut self, id: &str) -> v1::Investment {
        let request = v1::GetInvestmentRequest { investment_id: id.to_owned() };
        let answer = self.investments.get_investment(request).await.unwrap().into_inner();
        answer.investment.expect("the investment is in the answer")
    }

    /// Invests with consent, and pays: the investment is funded.
    pub async fn invest(
        &mut self,
        feature: &v1::Feature,
        investor: &v1::Customer,
        terms: v1::InvestmentTerms,
    ) -> v1::Investment {
        let proposed = self.propose(feature, investor, terms).await.unwrap();
        let accepted = self.accept(&proposed, true).await.unwrap();
        self.pay_principal(&accepted).await;
        self.investment(&accepted.investment_id).await
    }

    /// A version with one flat price that sells a feature.
    pub async fn sale(
        &mut self,
        code: &str,
        feature: &v1::Feature,
        price: &str,
    ) -> Result<v1::Plan, Status> {
        let offer = super::Plan::months(1, price);
        let product = self.product(code, &offer).await;
        let mut version = offer.version(&product.id);
        version.prices[0].feature_id.clone_from(&feature.feature_id);
        let request = v1::CreatePlanRequest {
            code: code.to_owned(),
            name: code.to_owned(),
            version: Some(version),
            ..Default::default()
        };
        let answer = self.catalog.create_plan(request).await?.into_inner();
        Ok(answer.plan.expect("the plan is in the answer"))
    }
}
