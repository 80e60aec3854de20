//! `CatalogService`: products, plans in dated versions, VAT rates, meters.
//!
//! Deliberately absent: the shapes of plans and their prices on the wire ([`crate::plan`]);
//! discounts ([`crate::discount`]), meters ([`crate::meter`]), migrations ([`crate::migration`]).

use app::Ctx;
use app::catalog::{self, CreateProduct};
use domain::plan::Product;
use domain::vat::VatRate;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::catalog_service_server::CatalogService;
use crate::{discount, meter, migration, plan};

/// The service.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl CatalogService for Catalog {
    async fn create_product(
        &self,
        request: Request<v1::CreateProductRequest>,
    ) -> Answer<v1::CreateProductResponse> {
        let (call, message) = call::open_once(request)?;
        let command = product_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let product = catalog::create_product(scope, command).await?;
                Ok(v1::CreateProductResponse { product: Some(product.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn get_product(
        &self,
        request: Request<v1::GetProductRequest>,
    ) -> Answer<v1::GetProductResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.product_id).at("product_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let product = catalog::get_product(scope, id).await?;
                Ok(v1::GetProductResponse { product: Some(product.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_products(
        &self,
        request: Request<v1::ListProductsRequest>,
    ) -> Answer<v1::ListProductsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = catalog::list_products(scope, &page).await?;
                let products = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListProductsResponse { products, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn create_plan(
        &self,
        request: Request<v1::CreatePlanRequest>,
    ) -> Answer<v1::CreatePlanResponse> {
        let (call, message) = call::open_once(request)?;
        let command = plan::create_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let offer = catalog::create_plan(scope, command).await?;
                Ok(v1::CreatePlanResponse { plan: Some(offer.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn publish_plan_version(
        &self,
        request: Request<v1::PublishPlanVersionRequest>,
    ) -> Answer<v1::PublishPlanVersionResponse> {
        let (call, message) = call::open_once(request)?;
        let plan_id = field::parse(&message.plan_id).at("plan_id")?;
        let id = field::parse_filled(&message.plan_version_id).at("plan_version_id")?;
        let command = plan::version_command(id, message.version).at("version")?;
        call.write(&self.ctx, |scope| {
            async move {
                let offer = catalog::publish_version(scope, plan_id, command).await?;
                Ok(v1::PublishPlanVersionResponse { plan: Some(offer.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn get_plan(&self, request: Request<v1::GetPlanRequest>) -> Answer<v1::GetPlanResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.plan_id).at("plan_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let offer = catalog::get_plan(scope, id).await?;
                Ok(v1::GetPlanResponse { plan: Some(offer.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Answer<v1::ListPlansResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let code = field::filled(&message.code);
                let found = catalog::list_plans(scope, code, &page).await?;
                let plans = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListPlansResponse { plans, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn retire_plan(
        &self,
        request: Request<v1::RetirePlanRequest>,
    ) -> Answer<v1::RetirePlanResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.plan_id).at("plan_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let offer = catalog::retire_plan(scope, id).await?;
                Ok(v1::RetirePlanResponse { plan: Some(offer.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn migrate_plan_version(
        &self,
        request: Request<v1::MigratePlanVersionRequest>,
    ) -> Answer<v1::MigratePlanVersionResponse> {
        migration::start(&self.ctx, request).await
    }

    async fn preview_plan_migration(
        &self,
        request: Request<v1::PreviewPlanMigrationRequest>,
    ) -> Answer<v1::PreviewPlanMigrationResponse> {
        migration::preview(&self.ctx, request).await
    }

    async fn get_migration(
        &self,
        request: Request<v1::GetMigrationRequest>,
    ) -> Answer<v1::GetMigrationResponse> {
        migration::get(&self.ctx, request).await
    }

    async fn list_migrations(
        &self,
        request: Request<v1::ListMigrationsRequest>,
    ) -> Answer<v1::ListMigrationsResponse> {
        migration::list(&self.ctx, request).await
    }

    async fn create_discount(
        &self,
        request: Request<v1::CreateDiscountRequest>,
    ) -> Answer<v1::CreateDiscountResponse> {
        discount::create(&self.ctx, request).await
    }

    async fn list_discounts(
        &self,
        request: Request<v1::ListDiscountsRequest>,
    ) -> Answer<v1::ListDiscountsResponse> {
        discount::list(&self.ctx, request).await
    }

    async fn retire_discount(
        &self,
        request: Request<v1::RetireDiscountRequest>,
    ) -> Answer<v1::RetireDiscountResponse> {
        discount::retire(&self.ctx, request).await
    }

    async fn set_vat_rate(
        &self,
        request: Request<v1::SetVatRateRequest>,
    ) -> Answer<v1::SetVatRateResponse> {
        let (call, message) = call::open_once(request)?;
        let rate = field::required(message.vat_rate).and_then(vat_rate).at("vat_rate")?;
        call.write(&self.ctx, |scope| {
            async move {
                let rate = app::vat::set(scope, rate).await?;
                Ok(v1::SetVatRateResponse { vat_rate: Some(rate.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_vat_rates(
        &self,
        request: Request<v1::ListVatRatesRequest>,
    ) -> Answer<v1::ListVatRatesResponse> {
        let (call, _) = call::open(request)?;
        call.read(&self.ctx, |scope| {
            async move {
                let rates = app::vat::list(scope).await?;
                let vat_rates = rates.into_iter().map(Into::into).collect();
                Ok(v1::ListVatRatesResponse { vat_rates })
            }
            .boxed()
        })
        .await
    }

    async fn create_meter(
        &self,
        request: Request<v1::CreateMeterRequest>,
    ) -> Answer<v1::CreateMeterResponse> {
        meter::create(&self.ctx, request).await
    }

    async fn get_meter(
        &self,
        request: Request<v1::GetMeterRequest>,
    ) -> Answer<v1::GetMeterResponse> {
        meter::get(&self.ctx, request).await
    }

    async fn list_meters(
        &self,
        request: Request<v1::ListMetersRequest>,
    ) -> Answer<v1::ListMetersResponse> {
        meter::list(&self.ctx, request).await
    }
}

fn product_command(message: v1::CreateProductRequest) -> field::Result<CreateProduct> {
    let id = field::parse_filled(&message.product_id).at("product_id")?;
    let new = field::required(message.product).at("product")?;
    let read = || {
        Ok(CreateProduct {
            id,
            name: new.name,
            vat_category: field::one_of::<v1::VatCategory>(new.vat_category).at("vat_category")?,
            revenue: field::one_of::<v1::RevenueKind>(new.revenue_kind).at("revenue_kind")?,
            unit_label: field::text_if_any(new.unit_label),
        })
    };
    read().at("product")
}

fn vat_rate(rate: v1::VatRate) -> field::Result<VatRate> {
    Ok(VatRate {
        country: rate.country,
        category: field::one_of::<v1::VatCategory>(rate.category).at("category")?,
        valid_from: field::required(rate.valid_from).and_then(field::day).at("valid_from")?,
        percent: field::decimal(rate.rate).at("rate")?,
    })
}

impl From<Product> for v1::Product {
    fn from(product: Product) -> Self {
        Self {
            id: product.id.to_string(),
            name: product.name,
            vat_category: code::<v1::VatCategory>(product.vat_category),
            revenue_kind: code::<v1::RevenueKind>(product.revenue),
            unit_label: product.unit_label.unwrap_or_default(),
        }
    }
}

impl From<VatRate> for v1::VatRate {
    fn from(rate: VatRate) -> Self {
        Self {
            country: rate.country,
            category: code::<v1::VatCategory>(rate.category),
            rate: Some(rate.percent.into()),
            valid_from: Some(rate.valid_from.into()),
        }
    }
}
