//! The server: all services, the layers around them, and its stop.
//!
//! Purpose: one function from a listener to the end of the last call.
//!
//! Invariants: after a stop was asked for no call begins, calls under way may end, streams end at
//! once, and the function returns within a bounded time.
//!
//! Deliberately absent: TLS (a proxy's), watching the database (one task per process, the binary's).

use app::Ctx;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::{BoxError, Service, ServiceBuilder};

use crate::catalog::Catalog;
use crate::clock::Clocks;
use crate::collection::Collections;
use crate::customer::Customers;
use crate::decision::Decisions;
use crate::dunning::Dunning;
use crate::event::Events;
use crate::feature::Features;
use crate::investment::Investments;
use crate::investor::Investors;
use crate::invoice::Invoices;
use crate::layer::Layer;
use crate::layer::authentication::Authentication;
use crate::layer::authorization::Authorization;
use crate::layer::concurrency::Concurrency;
use crate::layer::database::Database;
use crate::layer::deadline::Deadline;
use crate::layer::panic::Panics;
use crate::layer::size::Size;
use crate::layer::stop::Stop;
use crate::layer::trace::Trace;
use crate::ledger::Ledger;
use crate::organization::Organizations;
use crate::payment::Payments;
use crate::payout::Payouts;
use crate::pb::{self, v1};
use crate::revenue::Revenue;
use crate::share::Shares;
use crate::subscription::Subscriptions;
use crate::work::Work;
use crate::{Settings, health};

/// How often an idle connection is asked whether its client is still there, and how long it has to
/// answer: a vanished client's streams end within two minutes.
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(60);
const KEEPALIVE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// How much longer than its calls the server waits for connections and tasks when it stops.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The descriptors that reflection serves are broken.
    #[error("reflection cannot serve the interface")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the server failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `shutdown`, and then until the calls under way have ended.
///
/// # Errors
/// [`Error`] when the server cannot be built, or its transport fails.
pub async fn serve(
    ctx: Ctx,
    listener: TcpListener,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let reporter = HealthReporter::new();
    let up = ctx.store.health().subscribe();
    let answers = *up.borrow();
    health::tell(&reporter, &SERVICES, answers).await;
    let movers = TaskTracker::new();
    let routes = routes(&ctx, &settings, &reporter, &movers)?;
    let mut beside = JoinSet::new();
    beside.spawn(health::follow(reporter, &SERVICES, up.clone(), shutdown.clone()));
    beside.spawn(app::event::call(ctx.clone()));
    beside.spawn(app::event::hear(ctx.clone()));

    let served = builder(&settings).layer(layers(ctx, &settings, up, &shutdown)).add_routes(routes);
    let served = served.serve_with_incoming_shutdown(
        TcpIncoming::from(listener).with_nodelay(Some(true)),
        shutdown.clone().cancelled_owned(),
    );
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(settings.stop_within + LAST_WORDS).await;
    };
    let served = tokio::select! {
        served = served => served.map_err(Error::from),
        // Clients that do not read their last answers are left.
        () = overdue => Ok(()),
    };
    beside.abort_all();
    movers.close();
    if tokio::time::timeout(settings.stop_within, movers.wait()).await.is_err() {
        tracing::warn!(
            "a sandbox's clock was still being moved at the stop: its day is lived again"
        );
    }
    served
}

fn builder(settings: &Settings) -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_PATIENCE))
        .max_concurrent_streams(settings.calls_per_connection)
        .http2_max_header_list_size(settings.max_header_bytes)
}

/// What is around every call, from outside to inside; [`crate::layer`] says why in this order.
fn layers(
    ctx: Ctx,
    settings: &Settings,
    up: watch::Receiver<bool>,
    shutdown: &CancellationToken,
) -> impl tower::Layer<
    Routes,
    Service = impl Service<
        Request<Body>,
        Response = Response<Body>,
        Error: Into<BoxError> + Send,
        Future: Send,
    > + Clone
              + Send
              + 'static,
> + Clone {
    ServiceBuilder::new()
        .layer(Layer::of(Trace))
        .layer(Layer::of(Panics))
        .layer(Layer::of(Size))
        .layer(Layer::of(Stop::new(shutdown.clone(), settings)))
        .layer(Layer::of(Database::new(up)))
        .layer(Layer::of(Deadline::new(settings)))
        .layer(Layer::of(Concurrency::overall(settings.calls)))
        .layer(Layer::of(Authentication::new(ctx)))
        .layer(Layer::of(Concurrency::per_key(settings.calls_per_key)))
        .layer(Layer::of(Authorization))
        .into_inner()
}

/// The names of the services, for health.
const SERVICES: [&str; 19] = [
    v1::catalog_service_server::SERVICE_NAME,
    v1::clock_service_server::SERVICE_NAME,
    v1::collection_service_server::SERVICE_NAME,
    v1::customer_service_server::SERVICE_NAME,
    v1::decision_service_server::SERVICE_NAME,
    v1::dunning_service_server::SERVICE_NAME,
    v1::event_service_server::SERVICE_NAME,
    v1::feature_service_server::SERVICE_NAME,
    v1::investment_service_server::SERVICE_NAME,
    v1::investor_service_server::SERVICE_NAME,
    v1::invoice_service_server::SERVICE_NAME,
    v1::ledger_service_server::SERVICE_NAME,
    v1::organization_service_server::SERVICE_NAME,
    v1::payment_service_server::SERVICE_NAME,
    v1::payout_service_server::SERVICE_NAME,
    v1::revenue_service_server::SERVICE_NAME,
    v1::share_service_server::SERVICE_NAME,
    v1::subscription_service_server::SERVICE_NAME,
    v1::work_service_server::SERVICE_NAME,
];

/// The services by their paths. What a service is made of stands in its own file.
fn routes(
    ctx: &Ctx,
    settings: &Settings,
    reporter: &HealthReporter,
    movers: &TaskTracker,
) -> Result<Routes, Error> {
    let health = HealthService::from_health_reporter(reporter.clone());
    let mut routes = RoutesBuilder::default();
    routes.add_service(HealthServer::new(health));
    routes.add_service(reflection().build_v1()?);
    routes.add_service(reflection().build_v1alpha()?);
    macro_rules! add {
        ($server:path, $service:expr) => {{
            use $server as Server;
            let server = Server::new($service)
                .max_decoding_message_size(settings.max_message_bytes)
                .accept_compressed(Gzip)
                .send_compressed(Gzip);
            routes.add_service(server);
        }};
    }
    let ctx = || ctx.clone();
    add!(v1::catalog_service_server::CatalogServiceServer, Catalog { ctx: ctx() });
    let clocks = Clocks { ctx: ctx(), movers: movers.clone() };
    add!(v1::clock_service_server::ClockServiceServer, clocks);
    let collections = Collections { ctx: ctx() };
    add!(v1::collection_service_server::CollectionServiceServer, collections);
    add!(v1::customer_service_server::CustomerServiceServer, Customers { ctx: ctx() });
    add!(v1::decision_service_server::DecisionServiceServer, Decisions { ctx: ctx() });
    add!(v1::dunning_service_server::DunningServiceServer, Dunning { ctx: ctx() });
    let events = Events { ctx: ctx(), heartbeat: settings.heartbeat };
    add!(v1::event_service_server::EventServiceServer, events);
    add!(v1::feature_service_server::FeatureServiceServer, Features { ctx: ctx() });
    add!(v1::investment_service_server::InvestmentServiceServer, Investments { ctx: ctx() });
    add!(v1::investor_service_server::InvestorServiceServer, Investors { ctx: ctx() });
    add!(v1::invoice_service_server::InvoiceServiceServer, Invoices { ctx: ctx() });
    add!(v1::ledger_service_server::LedgerServiceServer, Ledger { ctx: ctx() });
    add!(v1::organization_service_server::OrganizationServiceServer, Organizations { ctx: ctx() });
    add!(v1::payment_service_server::PaymentServiceServer, Payments { ctx: ctx() });
    add!(v1::payout_service_server::PayoutServiceServer, Payouts { ctx: ctx() });
    add!(v1::revenue_service_server::RevenueServiceServer, Revenue { ctx: ctx() });
    add!(v1::share_service_server::ShareServiceServer, Shares { ctx: ctx() });
    add!(v1::subscription_service_server::SubscriptionServiceServer, Subscriptions { ctx: ctx() });
    add!(v1::work_service_server::WorkServiceServer, Work { ctx: ctx() });
    Ok(routes.routes())
}

/// Reflection of the interface, of health, and of the details that statuses carry.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
