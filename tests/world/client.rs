//! The generated clients with a key, and the steps that most tests begin with.

use std::collections::BTreeMap;

use domain::id::OrgId;
use server::pb::v1;
use server::pb::v1::catalog_service_client::CatalogServiceClient;
use server::pb::v1::clock_service_client::ClockServiceClient;
use server::pb::v1::collection_service_client::CollectionServiceClient;
use server::pb::v1::customer_service_client::CustomerServiceClient;
use server::pb::v1::decision_service_client::DecisionServiceClient;
use server::pb::v1::dunning_service_client::DunningServiceClient;
use server::pb::v1::event_service_client::EventServiceClient;
use server::pb::v1::feature_service_client::FeatureServiceClient;
use server::pb::v1::investment_service_client::InvestmentServiceClient;
use server::pb::v1::investor_service_client::InvestorServiceClient;
use server::pb::v1::invoice_service_client::InvoiceServiceClient;
use server::pb::v1::ledger_service_client::LedgerServiceClient;
use server::pb::v1::organization_service_client::OrganizationServiceClient;
use server::pb::v1::payment_service_client::PaymentServiceClient;
use server::pb::v1::payout_service_client::PayoutServiceClient;
use server::pb::v1::revenue_service_client::RevenueServiceClient;
use server::pb::v1::share_service_client::ShareServiceClient;
use server::pb::v1::subscription_service_client::SubscriptionServiceClient;
use server::pb::v1::work_service_client::WorkServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::{cents, date, decimal};

/// Shows a key with every call.
#[derive(Debug, Clone)]
pub struct Key(Option<MetadataValue<Ascii>>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

type Keyed = InterceptedService<Channel, Key>;

/// All services, with one key.
#[derive(Debug, Clone)]
pub struct Client {
    /// The organization of the key, where the test knows it.
    pub org: OrgId,
    /// The secret.
    pub key: String,
    pub catalog: CatalogServiceClient<Keyed>,
    pub clock: ClockServiceClient<Keyed>,
    /// CollectionService.
    pub collection: CollectionServiceClient<Keyed>,
    pub customers: CustomerServiceClient<Keyed>,
    pub decisions: DecisionServiceClient<Keyed>,
    pub dunning: DunningServiceClient<Keyed>,
    pub events: EventServiceClient<Keyed>,
    pub features: FeatureServiceClient<Keyed>,
    pub investments: InvestmentServiceClient<Keyed>,
    pub investors: InvestorServiceClient<Keyed>,
    pub invoices: InvoiceServiceClient<Keyed>,
    pub ledger: LedgerServiceClient<Keyed>,
    pub organizations: OrganizationServiceClient<Keyed>,
    pub payments: PaymentServiceClient<Keyed>,
    pub payouts: PayoutServiceClient<Keyed>,
    pub revenue: RevenueServiceClient<Keyed>,
    pub shares: ShareServiceClient<Keyed>,
    pub subscriptions: SubscriptionServiceClient<Keyed>,
    pub work: WorkServiceClient<Keyed>,
}

/// A plan with one price, in the words of the catalogue.
#[derive(Debug, Clone)]
pub struct Plan {
    pub count: i32,
    pub unit: v1::IntervalUnit,
    pub timing: v1::BillingTiming,
    pub trial_days: i32,
    pub currency: &'static str,
    pub price: v1::price::Model,
    pub category: v1::VatCategory,
    pub revenue: v1::RevenueKind,
}

impl Plan {
    /// A flat price in euro for so many months, in advance.
    pub fn months(count: i32, price: &str) -> Self {
        Self {
            count,
            unit: v1::IntervalUnit::Month,
            timing: v1::BillingTiming::InAdvance,
            trial_days: 0,
            currency: "EUR",
            price: v1::price::Model::Flat(v1::FlatPrice { amount: decimal(price) }),
            category: v1::VatCategory::Standard,
            revenue: v1::RevenueKind::Subscription,
        }
    }

    /// A price per seat and month in euro, in advance.
    pub fn seats(price: &str) -> Self {
        let per_unit = v1::PerUnitPrice { unit_price: decimal(price) };
        Self { price: v1::price::Model::PerUnit(per_unit), ..Self::months(1, "0") }
    }

    /// The version that a catalogue takes.
    pub fn version(&self, product_id: &str) -> v1::PlanVersion {
        let price = v1::Price {
            product_id: product_id.to_owned(),
            component: "base".to_owned(),
            currency: self.currency.to_owned(),
            model: Some(self.price.clone()),
            ..v1::Price::default()
        };
        v1::PlanVersion {
            valid_from: Some(date("2020-01-01")),
            interval: Some(v1::Interval { count: self.count, unit: self.unit.into() }),
            billing_timing: self.timing.into(),
            trial_days: self.trial_days,
            prices: vec![price],
            ..v1::PlanVersion::default()
        }
    }
}

impl Client {
    /// Clients that share a connection.
    pub fn new(channel: Channel, key: &str) -> Self {
        let header = (!key.is_empty()).then(|| format!("Bearer {key}").parse().unwrap());
        let with = || InterceptedService::new(channel.clone(), Key(header.clone()));
        Self {
            org: OrgId(uuid::Uuid::nil()),
            key: key.to_owned(),
            catalog: CatalogServiceClient::new(with()),
            clock: ClockServiceClient::new(with()),
            collection: CollectionServiceClient::new(with()),
            customers: CustomerServiceClient::new(with()),
            decisions: DecisionServiceClient::new(with()),
            dunning: DunningServiceClient::new(with()),
            events: EventServiceClient::new(with()),
            features: FeatureServiceClient::new(with()),
            investments: InvestmentServiceClient::new(with()),
            investors: InvestorServiceClient::new(with()),
            invoices: InvoiceServiceClient::new(with()),
            ledger: LedgerServiceClient::new(with()),
            organizations: OrganizationServiceClient::new(with()),
            payments: PaymentServiceClient::new(with()),
            payouts: PayoutServiceClient::new(with()),
            revenue: RevenueServiceClient::new(with()),
            shares: ShareServiceClient::new(with()),
            subscriptions: SubscriptionServiceClient::new(with()),
            work: WorkServiceClient::new(with()),
        }
    }

    /// A domestic business, not created yet.
    pub fn business(name: &str) -> v1::Customer {
        v1::Customer {
            name: name.to_owned(),
            address: Some(Self::address("NL")),
            vat_treatment: v1::VatTreatment::Domestic.into(),
            party_type: v1::PartyType::Business.into(),
            ..v1::Customer::default()
        }
    }

    /// An address in a country.
    pub fn address(country: &str) -> v1::Address {
        v1::Address {
            lines: vec!["Dorpsstraat 1".to_owned()],
            postal_code: "1234 AB".to_owned(),
            city: "Ons Dorp".to_owned(),
            country: country.to_owned(),
        }
    }

    /// Creates a domestic business that is a VAT entrepreneur.
    pub async fn customer(&mut self, name: &str) -> v1::Customer {
        let vat_number = "NL002345678B01".to_owned();
        let customer = v1::Customer { vat_number, ..Self::business(name) };
        self.create_customer(customer).await.expect("a customer")
    }

    /// Creates a customer.
    pub async fn create_customer(
        &mut self,
        customer: v1::Customer,
    ) -> Result<v1::Customer, Status> {
        let request = v1::CreateCustomerRequest { customer: Some(customer), ..Default::default() };
        let answer = self.customers.create_customer(request).await?.into_inner();
        Ok(answer.customer.expect("the customer is in the answer"))
    }

    /// Creates a product.
    pub async fn product(&mut self, name: &str, plan: &Plan) -> v1::Product {
        let product = v1::Product {
            name: name.to_owned(),
            vat_category: plan.category.into(),
            revenue_kind: plan.revenue.into(),
            ..v1::Product::default()
        };
        let request = v1::CreateProductRequest { product: Some(product), ..Default::default() };
        let answer = self.catalog.create_product(request).await.expect("a product").into_inner();
        answer.product.expect("the product is in the answer")
    }

    /// An invoice of today over one unit of a product for 100.00, without VAT.
    pub async fn invoice_of(
        &mut self,
        customer: &v1::Customer,
        product: &v1::Product,
    ) -> v1::Invoice {
        let charge = v1::NewCharge {
            product_id: product.id.clone(),
            quantity: decimal("1"),
            unit_price: decimal("100.00"),
            ..Default::default()
        };
        let request = v1::CreateInvoiceRequest {
            customer_id: customer.id.clone(),
            charges: vec![charge],
            ..Default::default()
        };
        let answer = self.invoices.create_invoice(request).await.expect("an invoice").into_inner();
        answer.invoice.expect("the invoice is in the answer")
    }

    /// Creates a plan with a product of the same name.
    pub async fn plan(&mut self, code: &str, plan: Plan) -> v1::Plan {
        let product = self.product(code, &plan).await;
        let request = v1::CreatePlanRequest {
            code: code.to_owned(),
            name: code.to_owned(),
            version: Some(plan.version(&product.id)),
            ..Default::default()
        };
        let answer = self.catalog.create_plan(request).await.expect("a plan").into_inner();
        answer.plan.expect("the plan is in the answer")
    }

    /// What a subscription from a day on is created with.
    pub fn terms(customer: &v1::Customer, plan: &v1::Plan, from: &str) -> v1::SubscriptionTerms {
        v1::SubscriptionTerms {
            customer_id: customer.id.clone(),
            plan_id: plan.id.clone(),
            start_on: Some(date(from)),
            ..v1::SubscriptionTerms::default()
        }
    }

    /// Creates a subscription.
    pub async fn subscribe(
        &mut self,
        terms: v1::SubscriptionTerms,
    ) -> Result<v1::Subscription, Status> {
        let request = v1::CreateSubscriptionRequest { terms: Some(terms), ..Default::default() };
        let answer = self.subscriptions.create_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// A subscription as it is now.
    pub async fn subscription(&mut self, id: &str) -> v1::Subscription {
        let request = v1::GetSubscriptionRequest { subscription_id: id.to_owned() };
        let answer = self.subscriptions.get_subscription(request).await.unwrap().into_inner();
        answer.subscription.expect("the subscription is in the answer")
    }

    /// Cancels a subscription.
    pub async fn cancel(&mut self, id: &str) -> Result<v1::Subscription, Status> {
        let request = v1::CancelSubscriptionRequest {
            subscription_id: id.to_owned(),
            reason: v1::CancelReason::VoluntaryNoNeed.into(),
            ..Default::default()
        };
        let answer = self.subscriptions.cancel_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// Cancels a subscription today.
    pub async fn cancel_now(&mut self, id: &str, credit: bool) -> Result<v1::Subscription, Status> {
        let now = v1::CancelNow { credit };
        let request = v1::CancelSubscriptionRequest {
            subscription_id: id.to_owned(),
            reason: v1::CancelReason::VoluntaryNoNeed.into(),
            when: Some(v1::cancel_subscription_request::When::Now(now)),
            ..Default::default()
        };
        let answer = self.subscriptions.cancel_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// Changes a subscription.
    pub async fn change(
        &mut self,
        id: &str,
        change: v1::Change,
    ) -> Result<v1::Subscription, Status> {
        let request = v1::ChangeSubscriptionRequest {
            subscription_id: id.to_owned(),
            change: Some(change),
            ..Default::default()
        };
        let answer = self.subscriptions.change_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// What is to happen to a subscription.
    pub async fn intents(&mut self, id: &str) -> Vec<v1::Intent> {
        let request = v1::ListIntentsRequest { subscription_id: id.to_owned() };
        self.subscriptions.list_intents(request).await.expect("the intents").into_inner().intents
    }

    /// Pauses a subscription.
    pub async fn pause(
        &mut self,
        id: &str,
        from: Option<&str>,
        until: Option<&str>,
    ) -> Result<v1::Subscription, Status> {
        let request = v1::PauseSubscriptionRequest {
            subscription_id: id.to_owned(),
            from: from.map(date),
            until: until.map(date),
            ..Default::default()
        };
        let answer = self.subscriptions.pause_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// Resumes a subscription.
    pub async fn resume(&mut self, id: &str, on: Option<&str>) -> Result<v1::Subscription, Status> {
        let request = v1::ResumeSubscriptionRequest {
            subscription_id: id.to_owned(),
            on: on.map(date),
            ..Default::default()
        };
        let answer = self.subscriptions.resume_subscription(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// Whether to deliver a subscription today.
    pub async fn entitlement(&mut self, id: &str) -> v1::Entitlement {
        let of = Some(v1::check_entitlement_request::Of::SubscriptionId(id.to_owned()));
        let request = v1::CheckEntitlementRequest { of };
        let answer = self.subscriptions.check_entitlement(request).await.expect("an answer");
        answer.into_inner().entitlements.pop().expect("of the subscription")
    }

    /// Takes a cancellation back.
    pub async fn undo_cancel(&mut self, id: &str) -> Result<v1::Subscription, Status> {
        let request =
            v1::UndoCancelRequest { subscription_id: id.to_owned(), ..Default::default() };
        let answer = self.subscriptions.undo_cancel(request).await?.into_inner();
        Ok(answer.subscription.expect("the subscription is in the answer"))
    }

    /// Moves the clock to a day; what every day on the way brought.
    pub async fn advance(&mut self, to: &str) -> Result<Vec<v1::AdvanceClockResponse>, Status> {
        let target = Some(v1::advance_clock_request::Target::ToDate(date(to)));
        self.advance_by(v1::AdvanceClockRequest { target, request_id: String::new() }).await
    }

    /// Moves the clock; what every day on the way brought.
    pub async fn advance_by(
        &mut self,
        request: v1::AdvanceClockRequest,
    ) -> Result<Vec<v1::AdvanceClockResponse>, Status> {
        let mut stream = self.clock.advance_clock(request).await?.into_inner();
        let mut days = Vec::new();
        while let Some(day) = stream.message().await? {
            days.push(day);
        }
        Ok(days)
    }

    /// Bills what is due today.
    pub async fn run_billing(&mut self) -> v1::RunBillingResponse {
        let request = v1::RunBillingRequest::default();
        self.invoices.run_billing(request).await.expect("the run").into_inner()
    }

    /// All documents, whole, by number.
    pub async fn documents(&mut self) -> Vec<v1::Invoice> {
        let mut documents = Vec::new();
        let mut request = v1::ListInvoicesRequest { page_size: 500, ..Default::default() };
        loop {
            let page = self.invoices.list_invoices(request.clone()).await.unwrap().into_inner();
            for listed in page.invoices {
                documents.push(self.document(&listed.id).await);
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        documents.sort_by(|one, other| one.number.cmp(&other.number));
        documents
    }

    /// A document, whole.
    pub async fn document(&mut self, id: &str) -> v1::Invoice {
        let request = v1::GetInvoiceRequest { invoice_id: id.to_owned() };
        let answer = self.invoices.get_invoice(request).await.unwrap().into_inner();
        answer.invoice.expect("the document is in the answer")
    }

    /// The balances in euro cents by account, as of the end of a day, without those of nothing.
    pub async fn balances(&mut self, as_of: &str) -> BTreeMap<String, i64> {
        let request = v1::GetTrialBalanceRequest { as_of: Some(date(as_of)) };
        let answer = self.ledger.get_trial_balance(request).await.unwrap().into_inner();
        for total in &answer.totals {
            assert_eq!(cents(&total.balance), 0, "{total:?}");
        }
        let rows = answer.rows.into_iter().map(|row| {
            let account = row.account.expect("an account");
            (account.code, cents(&row.balance))
        });
        rows.filter(|(_, balance)| *balance != 0).collect()
    }

    /// A client of the same organization with another key.
    pub async fn with_roles(&mut self, channel: Channel, roles: &[v1::Role]) -> Client {
        let request = v1::CreateApiKeyRequest {
            name: format!("{roles:?}"),
            roles: roles.iter().map(|role| (*role).into()).collect(),
            ..Default::default()
        };
        let answer = self.organizations.create_api_key(request).await.expect("a key").into_inner();
        Client { org: self.org, ..Client::new(channel, &answer.secret) }
    }
}
