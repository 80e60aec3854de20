//! A vendor with customers and plans, in a few words, through the use cases.
//!
//! Purpose: tests below the interface say what they need (`vendor.subscribe(..)`) and not how it is
//! written.
//!
//! Invariants: everything is made by the service's own use cases, with their checks.

use app::access::Secret;
use app::catalog::{CreatePlan, CreateProduct, NewPrice, PublishVersion};
use app::clock::Target;
use app::customer::{CreateCustomer, Facts};
use app::day::Done;
use app::organization::CreateOrganization;
use app::subscription::{CancelSubscription, CreateSubscription};
use app::{Ctx, Scope};
use domain::customer::{Customer, PartyType};
use domain::date::Date;
use domain::id::{FeatureId, OrgId, PlanId, ProductId, SubscriptionId};
use domain::money::Currency;
use domain::organization::{Address, OrgKind, Organization};
use domain::period::{Alignment, Interval};
use domain::plan::{CancelPolicy, DEFAULT_PAUSE_MONTHS, PriceModel, RevenueKind, Timing};
use domain::subscription::{CancelReason, Subscription};
use domain::vat::{VatCategory, VatTreatment};
use rust_decimal::Decimal;

/// A date such as `2025-01-31`.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn date(text: &str) -> Date {
    text.parse().expect("a date such as 2025-01-31")
}

/// A number such as `49.00`.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn amount(text: &str) -> Decimal {
    domain::decimal::parse(text).expect("a number such as 49.00")
}

/// An organization and what tests do with it.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// Its database and the wall clock.
    pub ctx: Ctx,
    /// Which it is.
    pub org: OrgId,
    /// The secret of its first key.
    pub key: String,
}

/// What a plan offers: one version with one price.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Length of a period.
    pub interval: Interval,
    /// When a period is billed.
    pub timing: Timing,
    /// Days free of charge.
    pub trial_days: u32,
    /// Its price in euro.
    pub price: PriceModel,
    /// Decides the VAT.
    pub vat: VatCategory,
    /// Decides the account.
    pub revenue: RevenueKind,
}

impl Offer {
    /// A flat price for every period, in advance, without a trial.
    #[must_use]
    pub fn flat(interval: Interval, price: &str) -> Self {
        Self {
            interval,
            timing: Timing::InAdvance,
            trial_days: 0,
            price: PriceModel::Flat { amount: amount(price) },
            vat: VatCategory::Standard,
            revenue: RevenueKind::Subscription,
        }
    }
}

impl Vendor {
    /// A Dutch sandbox whose clock starts on a day.
    pub async fn sandbox(ctx: &Ctx, starts_on: &str) -> Self {
        Self::found(ctx, OrgKind::Sandbox, Some(date(starts_on))).await
    }

    /// A Dutch organization that lives by the wall clock.
    pub async fn live(ctx: &Ctx) -> Self {
        Self::found(ctx, OrgKind::Live, None).await
    }

    async fn found(ctx: &Ctx, kind: OrgKind, clock_starts_on: Option<Date>) -> Self {
        let facts = app::organization::Facts {
            vat_number: Some("NL001234567B01".to_owned()),
            iban: Some("NL91ABNA0417164300".to_owned()),
            ..app::organization::Facts::named("De Bouwmeester B.V.", address("NL"))
        };
        let command = CreateOrganization {
            id: None,
            kind,
            facts,
            default_currency: None,
            time_zone: None,
            clock_starts_on,
        };
        let (organization, secret): (Organization, Secret) =
            app::organization::create(ctx, command).await.expect("an organization");
        Self { ctx: ctx.clone(), org: organization.id, key: secret.reveal().to_owned() }
    }

    /// A transaction of this organization.
    pub async fn scope(&self) -> Scope {
        self.ctx.scope(self.org).await.expect("a transaction")
    }

    /// Its date today.
    pub async fn today(&self) -> Date {
        self.scope().await.today()
    }

    /// A domestic business that pays in the organization's currency.
    pub async fn customer(&self, name: &str) -> Customer {
        let facts = Facts {
            name: name.to_owned(),
            address: address("NL"),
            email: None,
            vat_number: None,
            vat_treatment: VatTreatment::Domestic,
            payment_terms_days: None,
            party_type: PartyType::Business,
            treat_as_consumer: false,
            language: None,
            external_reference: None,
        };
        let mut scope = self.scope().await;
        let command = CreateCustomer { id: None, facts, currency: None };
        let customer = app::customer::create(&mut scope, command).await.expect("a customer");
        scope.commit().await.unwrap();
        customer
    }

    /// A plan of one component `base`, with a product of its own, valid since 1990.
    pub async fn plan(&self, code: &str, offer: Offer) -> PlanId {
        self.plan_of(code, offer, None).await
    }

    /// A plan whose price belongs to a feature.
    pub async fn feature_plan(&self, code: &str, offer: Offer, feature: FeatureId) -> PlanId {
        self.plan_of(code, offer, Some(feature)).await
    }

    /// A product of services.
    pub async fn product(&self, name: &str) -> ProductId {
        let mut scope = self.scope().await;
        let (vat, revenue) = (VatCategory::Standard, RevenueKind::Service);
        let product = create_product(&mut scope, name.to_owned(), vat, revenue).await;
        scope.commit().await.unwrap();
        product
    }

    async fn plan_of(&self, code: &str, offer: Offer, feature: Option<FeatureId>) -> PlanId {
        let mut scope = self.scope().await;
        let name = format!("Product of {code}");
        let product = create_product(&mut scope, name, offer.vat, offer.revenue).await;
        let command = CreatePlan {
            id: None,
            code: code.to_owned(),
            name: code.to_owned(),
            version: version(&offer, product, feature),
        };
        let made = app::catalog::create_plan(&mut scope, command).await.expect("a plan");
        scope.commit().await.unwrap();
        made.plan.id
    }

    /// A subscription from a day on, on its own day.
    pub async fn subscribe(&self, customer: &Customer, plan: PlanId, from: &str) -> Subscription {
        self.subscribe_aligned(customer, plan, date(from), Alignment::OwnDay, None).await
    }

    /// A subscription from a day on, with an alignment, and a quantity where the plan counts units.
    pub async fn subscribe_aligned(
        &self,
        customer: &Customer,
        plan: PlanId,
        from: Date,
        alignment: Alignment,
        quantity: Option<Decimal>,
    ) -> Subscription {
        let command = CreateSubscription {
            id: None,
            customer_id: customer.id,
            plan_id: plan,
            start_on: Some(from),
            alignment,
            quantities: quantity
                .map(|quantity| ("base".to_owned(), quantity))
                .into_iter()
                .collect(),
        };
        let mut scope = self.scope().await;
        let made = app::subscription::create(&mut scope, command).await.expect("a subscription");
        scope.commit().await.unwrap();
        made
    }

    /// Cancels at the period's end, unless it has ended.
    pub async fn cancel(&self, id: SubscriptionId) -> Result<Subscription, app::Error> {
        let mut scope = self.scope().await;
        let reason = CancelReason::VoluntaryOther;
        let command = CancelSubscription { id, when: None, reason, note: None };
        let cancelled = app::subscription::cancel(&mut scope, command).await?;
        scope.commit().await?;
        Ok(cancelled)
    }

    /// Takes a cancellation back, unless it has happened.
    pub async fn undo_cancel(&self, id: SubscriptionId) -> Result<Subscription, app::Error> {
        let mut scope = self.scope().await;
        let undone = app::subscription::undo_cancel(&mut scope, id).await?;
        scope.commit().await?;
        Ok(undone)
    }

    /// Moves a sandbox's clock to the start of a day, with that day's work done.
    pub async fn live_until(&self, day: Date) -> Result<Done, app::Error> {
        let (report, mut days) = tokio::sync::mpsc::channel(16);
        let collected = tokio::spawn(async move {
            let mut sum = Done::default();
            while let Some(day) = days.recv().await {
                let day: app::clock::Day = day;
                sum.add(day.done);
            }
            sum
        });
        let lived = app::clock::advance(&self.ctx, self.org, Target::Date(day), report).await;
        let sum = collected.await.expect("the days were counted");
        lived.map(|()| sum)
    }

    /// Runs the billing of today.
    pub async fn bill(&self) -> Result<Done, app::Error> {
        app::billing::run(&self.ctx, self.org).await
    }
}

async fn create_product(
    scope: &mut Scope,
    name: String,
    vat_category: VatCategory,
    revenue: RevenueKind,
) -> ProductId {
    let command = CreateProduct { id: None, name, vat_category, revenue, unit_label: None };
    app::catalog::create_product(scope, command).await.expect("a product").id
}

fn version(offer: &Offer, product_id: ProductId, feature_id: Option<FeatureId>) -> PublishVersion {
    let price = NewPrice {
        id: None,
        product_id,
        component: "base".to_owned(),
        currency: Currency::EUR,
        model: offer.price.clone(),
        minimum: None,
        meter_id: None,
        feature_id,
    };
    PublishVersion {
        id: None,
        valid_from: Some(date("1990-01-01")),
        interval: offer.interval,
        timing: offer.timing,
        trial_days: offer.trial_days,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: DEFAULT_PAUSE_MONTHS,
        prices: vec![price],
    }
}

fn address(country: &str) -> Address {
    Address {
        lines: vec!["Keizersgracht 1".to_owned()],
        postal_code: "1015 CC".to_owned(),
        city: "Amsterdam".to_owned(),
        country: country.to_owned(),
    }
}
