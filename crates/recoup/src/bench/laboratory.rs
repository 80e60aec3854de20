//! A private database for one measurement, and a vendor with customers in it.
//!
//! Invariants: the database is a durable one of its own in a new folder, whatever database the
//! flags name; the folder is removed at the end, also after a failure.

use std::path::PathBuf;
use std::sync::Arc;

use app::Ctx;
use app::catalog::{CreatePlan, CreateProduct, NewPrice, PublishVersion};
use app::clock::WallClock;
use app::customer::{CreateCustomer, Facts};
use app::organization::CreateOrganization;
use app::subscription::CreateSubscription;
use domain::customer::PartyType;
use domain::date::Date;
use domain::id::{CustomerId, OrgId, PlanId};
use domain::money::Currency;
use domain::organization::{Address, OrgKind};
use domain::period::{Alignment, Interval};
use domain::plan::{CancelPolicy, DEFAULT_PAUSE_MONTHS, PriceModel, RevenueKind, Timing};
use domain::vat::{VatCategory, VatTreatment};
use rust_decimal::Decimal;
use secrecy::ExposeSecret as _;
use tokio_postgres::NoTls;

use crate::Error;
use crate::config::{DatabaseOptions, SealOptions};
use crate::database::{self, Database};

/// What is told when the database does not answer.
const PART: &str = "asking the database about itself";

/// What is measured on.
#[derive(Debug)]
pub(super) struct Laboratory {
    database: Database,
    folder: PathBuf,
    /// The outside world of the use cases.
    pub(super) ctx: Ctx,
}

impl Laboratory {
    /// Starts a private server and makes its tables.
    pub(super) async fn open(options: &DatabaseOptions) -> Result<Self, Error> {
        let beside = options.data.clone().unwrap_or_else(std::env::temp_dir);
        let folder = beside.join(format!("recoup-bench-{}", std::process::id()));
        let key = app::seal::fresh_key().map_err(Error::refused("no key can be made"))?;
        let private = DatabaseOptions {
            database_url: None,
            data: Some(folder.clone()),
            seal: SealOptions { secret_key: Some(key), ..SealOptions::default() },
            ..options.clone()
        };
        store::statements::count().map_err(Error::database("counting statements"))?;
        let database = Database::open(&private).await?;
        let ctx = database.ctx(Arc::new(WallClock));
        let laboratory = Self { database, folder, ctx };
        match database::prepare(laboratory.database.store()).await {
            Ok(_) => Ok(laboratory),
            Err(error) => {
                laboratory.close().await;
                Err(error)
            }
        }
    }

    /// Stops the server and removes its folder.
    pub(super) async fn close(self) {
        drop(self.ctx);
        self.database.close().await;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "{} is left over", self.folder.display());
        }
    }

    /// The answer of the database to a question about itself, past the service.
    pub(super) async fn ask(&self, question: &str) -> Result<String, Error> {
        let office = self.office().await?;
        let answer = office.query_one(question, &[]).await;
        Ok(answer.map_err(Error::part(PART))?.get(0))
    }

    /// Statements past the service, as the owner of everything.
    pub(super) async fn execute(&self, statements: &str) -> Result<(), Error> {
        let office = self.office().await?;
        office.batch_execute(statements).await.map_err(Error::part(PART))
    }

    /// A connection past the service.
    pub(super) async fn office(&self) -> Result<tokio_postgres::Client, Error> {
        let url = self.ctx.store.settings().url.expose_secret().to_owned();
        let (client, connection) =
            tokio_postgres::connect(&url, NoTls).await.map_err(Error::part(PART))?;
        // It ends with its client.
        drop(tokio::spawn(connection));
        Ok(client)
    }

    /// The settings that make a commit last: `fsync on, synchronous_commit on`.
    pub(super) async fn durability(&self) -> Result<String, Error> {
        self.ask(
            "SELECT 'fsync ' || current_setting('fsync') || ', synchronous_commit ' \
             || current_setting('synchronous_commit')",
        )
        .await
    }

    /// Bytes that were written to the log of changes since the server was made.
    pub(super) async fn wal_bytes(&self) -> Result<u64, Error> {
        let bytes = self.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text").await?;
        Ok(bytes.parse().unwrap_or(0))
    }
}

/// A live vendor.
pub(super) async fn vendor(ctx: &Ctx) -> app::Result<OrgId> {
    let command = CreateOrganization {
        id: None,
        kind: OrgKind::Live,
        facts: app::organization::Facts::named("Meetlat B.V.".to_owned(), address()),
        default_currency: None,
        time_zone: None,
        clock_starts_on: None,
    };
    Ok(app::organization::create(ctx, command).await?.0.id)
}

/// Customers of a vendor with a monthly subscription each, from a day on.
pub(super) async fn customers(
    ctx: &Ctx,
    org: OrgId,
    count: u32,
    from: Date,
) -> app::Result<Vec<CustomerId>> {
    let mut scope = ctx.scope(org).await?;
    let plan_id = plan(&mut scope, from).await?;
    let mut ids = Vec::new();
    for number in 0..count {
        let command = CreateCustomer { id: None, facts: facts(number), currency: None };
        let customer_id = app::customer::create(&mut scope, command).await?.id;
        let command = CreateSubscription {
            id: None,
            customer_id,
            plan_id,
            start_on: Some(from),
            alignment: Alignment::OwnDay,
            quantities: Vec::new(),
        };
        app::subscription::create(&mut scope, command).await?;
        ids.push(customer_id);
    }
    scope.commit().await?;
    Ok(ids)
}

async fn plan(scope: &mut app::Scope, valid_from: Date) -> app::Result<PlanId> {
    let product = CreateProduct {
        id: None,
        name: "Hosting".to_owned(),
        vat_category: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit_label: None,
    };
    let price = NewPrice {
        id: None,
        product_id: app::catalog::create_product(scope, product).await?.id,
        component: "base".to_owned(),
        currency: Currency::EUR,
        model: PriceModel::Flat { amount: Decimal::TEN },
        minimum: None,
        meter_id: None,
        feature_id: None,
    };
    let version = PublishVersion {
        id: None,
        valid_from: Some(valid_from),
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: DEFAULT_PAUSE_MONTHS,
        prices: vec![price],
    };
    let (code, name) = ("monthly".to_owned(), "Monthly".to_owned());
    let command = CreatePlan { id: None, code, name, version };
    Ok(app::catalog::create_plan(scope, command).await?.plan.id)
}

fn address() -> Address {
    Address {
        lines: vec!["Dorpsstraat 1".to_owned()],
        postal_code: "1234 AB".to_owned(),
        city: "Ons Dorp".to_owned(),
        country: "NL".to_owned(),
    }
}

fn facts(number: u32) -> Facts {
    Facts {
        name: format!("Customer {number}"),
        address: address(),
        email: None,
        vat_number: None,
        vat_treatment: VatTreatment::Domestic,
        payment_terms_days: None,
        party_type: PartyType::Business,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
    }
}
