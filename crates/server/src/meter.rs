//! Meters on the wire: three methods of `CatalogService`.

use app::Ctx;
use app::meter::{self, CreateMeter};
use domain::usage::Meter;
use futures::FutureExt;
use tonic::Request;

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;

pub(crate) async fn create(
    ctx: &Ctx,
    request: Request<v1::CreateMeterRequest>,
) -> Answer<v1::CreateMeterResponse> {
    let (call, message) = call::open_once(request)?;
    let command = command(message)?;
    call.write(ctx, |scope| {
        async move {
            let meter = meter::create(scope, command).await?;
            Ok(v1::CreateMeterResponse { meter: Some(meter.into()) })
        }
        .boxed()
    })
    .await
}

pub(crate) async fn get(
    ctx: &Ctx,
    request: Request<v1::GetMeterRequest>,
) -> Answer<v1::GetMeterResponse> {
    let (call, message) = call::open(request)?;
    let id = field::parse(&message.meter_id).at("meter_id")?;
    call.read(ctx, |scope| {
        async move {
            let meter = meter::get(scope, id).await?;
            Ok(v1::GetMeterResponse { meter: Some(meter.into()) })
        }
        .boxed()
    })
    .await
}

pub(crate) async fn list(
    ctx: &Ctx,
    request: Request<v1::ListMetersRequest>,
) -> Answer<v1::ListMetersResponse> {
    let (call, message) = call::open(request)?;
    let page = field::page(message.page_size, message.page_token)?;
    call.read(ctx, |scope| {
        async move {
            let found = meter::list(scope, field::filled(&message.code), &page).await?;
            let meters = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::ListMetersResponse { meters, next_page_token: found.next })
        }
        .boxed()
    })
    .await
}

fn command(message: v1::CreateMeterRequest) -> field::Result<CreateMeter> {
    let id = field::parse_filled(&message.meter_id).at("meter_id")?;
    let new = field::required(message.meter).at("meter")?;
    let aggregation =
        field::one_of::<v1::Aggregation>(new.aggregation).at("aggregation").at("meter")?;
    Ok(CreateMeter {
        id,
        code: new.code,
        name: new.name,
        aggregation,
        unit_label: field::text_if_any(new.unit_label),
    })
}

impl From<Meter> for v1::Meter {
    fn from(meter: Meter) -> Self {
        Self {
            id: meter.id.to_string(),
            code: meter.code,
            name: meter.name,
            aggregation: code::<v1::Aggregation>(meter.aggregation),
            unit_label: meter.unit_label.unwrap_or_default(),
        }
    }
}
