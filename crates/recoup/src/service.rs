//! The running service: database, gRPC server, worker and metrics, started and stopped as one.
//!
//! Purpose: what `serve`, `work`, `all` and `demo` run, and what tests start in their own process
//! on port 0.
//!
//! Invariants: addresses are taken before anything else is done, so that a taken one is told at
//! once. No part works before the tables are up to date, but the interface answers already (with
//! UNAVAILABLE and a health that says so) when the database is away at the start. The end goes
//! from the outside to the inside: interface and worker, then metrics, then the database. When one
//! part ends by itself, the whole ends, and says why.
//!
//! Deliberately absent: signals (`stop`), flags (`config`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::Ctx;
use app::clock::Clock;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::config::{DatabaseOptions, Options};
use crate::database::{Database, Schema};
use crate::exporter::{self, Endpoint, Recorder};

/// How long the interface waits for the health to show that the database is away, before it
/// answers the first call.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// How often the gauges are read: as often as Prometheus usually comes by.
const GAUGES: Duration = Duration::from_secs(10);

/// Which parts run, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to serve gRPC, and its limits; absent: not at all.
    pub interface: Option<(SocketAddr, server::Settings)>,
    /// How to work; absent: not at all.
    pub work: Option<worker::Settings>,
    /// Where to show metrics and health; absent: nowhere.
    pub metrics: Option<SocketAddr>,
}

/// Which parts a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// The interface.
    Serve,
    /// The background work.
    Work,
    /// Both.
    All,
}

impl Settings {
    /// What the flags say.
    #[must_use]
    pub fn of(options: &Options, parts: Parts) -> Self {
        let interface = (options.network.listen, server::Settings::default());
        let work = worker::Settings {
            concurrency: usize::from(options.work.concurrency),
            lease: options.work.lease,
            ..worker::Settings::default()
        };
        Self {
            interface: (parts != Parts::Work).then_some(interface),
            work: (parts != Parts::Serve).then_some(work),
            metrics: Some(options.network.metrics),
        }
    }

    /// Interface and worker with their defaults on free ports of this machine: for tests.
    #[must_use]
    pub fn on_free_ports() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            interface: Some((any, server::Settings::default())),
            work: Some(worker::Settings::default()),
            metrics: Some(any),
        }
    }
}

/// Addresses that were taken, before anything runs.
#[derive(Debug)]
struct Doors {
    interface: Option<(TcpListener, SocketAddr, server::Settings)>,
    metrics: Option<Endpoint>,
}

impl Doors {
    async fn open(settings: &Settings) -> Result<Self, Error> {
        let interface = match settings.interface.clone() {
            Some((address, limits)) => {
                let (listener, address) = listen("gRPC", "--listen", address).await?;
                Some((listener, address, limits))
            }
            None => None,
        };
        let metrics = match settings.metrics {
            Some(address) => Some(Endpoint::bind(address).await?),
            None => None,
        };
        Ok(Self { interface, metrics })
    }
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    ctx: Ctx,
    grpc: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    database: Database,
    /// Ends interface and worker.
    stop: CancellationToken,
    parts: JoinSet<Result<(), Error>>,
    /// Ends the metrics, after them.
    stop_metrics: CancellationToken,
    exporter: JoinSet<()>,
}

impl Service {
    /// Takes the addresses, opens the database and starts the parts: what the program does.
    ///
    /// # Errors
    /// [`Error::Listen`]; what [`Database::open`] and [`Service::start`] refuse.
    pub async fn launch(
        settings: Settings,
        database: &DatabaseOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let doors = Doors::open(&settings).await?;
        let database = Database::open(database).await?;
        Self::behind(doors, settings.work, database, clock).await
    }

    /// Starts the parts on a database that is open: what tests do.
    ///
    /// # Errors
    /// [`Error::Listen`]; [`Error::Database`] when the database answers and refuses;
    /// [`Error::Part`]. The database is closed then.
    pub async fn start(
        settings: Settings,
        database: Database,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        match Doors::open(&settings).await {
            Ok(doors) => Self::behind(doors, settings.work, database, clock).await,
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn behind(
        doors: Doors,
        work: Option<worker::Settings>,
        database: Database,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let schema = Schema::new(database.seal().clone());
        let (recorder, ready) = match prepare(database.store(), &schema).await {
            Ok(prepared) => prepared,
            Err(error) => {
                database.close().await;
                return Err(error);
            }
        };
        let mut service = Self {
            grpc: doors.interface.as_ref().map(|(_, address, _)| *address),
            metrics: doors.metrics.as_ref().map(Endpoint::address),
            ctx: database.ctx(clock),
            database,
            stop: CancellationToken::new(),
            parts: JoinSet::new(),
            stop_metrics: CancellationToken::new(),
            exporter: JoinSet::new(),
        };
        if !ready {
            service.wait_for_database(&schema).await;
        }
        service.run(doors, work, recorder, &schema);
        Ok(service)
    }

    /// Lets the health see that the database is away, and goes on waiting in the background.
    async fn wait_for_database(&mut self, schema: &Schema) {
        let mut health = self.ctx.store.health().subscribe();
        // It may have come back this moment; then there is nothing to see.
        let _ = tokio::time::timeout(HEALTH_PATIENCE, health.wait_for(|up| !*up)).await;
        let (schema, store, stop) = (schema.clone(), self.ctx.store.clone(), self.stop.clone());
        self.parts.spawn(async move {
            let outcome = stop.run_until_cancelled(schema.ensure(&store)).await;
            match outcome {
                // Done with its work: it ends with the others.
                Some(Ok(())) => stop.cancelled().await,
                Some(Err(error)) => return Err(error),
                None => {}
            }
            Ok(())
        });
    }

    fn run(
        &mut self,
        doors: Doors,
        work: Option<worker::Settings>,
        recorder: Recorder,
        schema: &Schema,
    ) {
        if let Some((listener, _, limits)) = doors.interface {
            let (ctx, stop) = (self.ctx.clone(), self.stop.clone());
            self.parts.spawn(async move {
                let served = server::serve(ctx, listener, limits, stop).await;
                served.map_err(Error::part("the gRPC server"))
            });
        }
        let works = work.is_some();
        if let Some(work) = work {
            let (ctx, schema, stop) = (self.ctx.clone(), schema.clone(), self.stop.clone());
            self.parts.spawn(async move {
                if stop.run_until_cancelled(schema.ready()).await.is_none() {
                    return Ok(());
                }
                worker::run(ctx, work, stop).await.map_err(Error::part("the worker"))
            });
        }
        if let Some(endpoint) = doors.metrics {
            let (store, stop) = (self.ctx.store.clone(), self.stop_metrics.clone());
            self.exporter.spawn(endpoint.serve(recorder, store, stop));
            if !works {
                let gauges = refresh_gauges(self.ctx.clone(), schema.clone());
                let gauges = self.stop_metrics.clone().run_until_cancelled_owned(gauges);
                self.exporter.spawn(async move { gauges.await.unwrap_or(()) });
            }
        }
    }

    /// The outside world of the use cases, as the parts see it.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.ctx.store
    }

    /// Where gRPC is served.
    #[must_use]
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// Where metrics are shown.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Waits until a part ends by itself, which none should.
    pub async fn failed(&mut self) -> Error {
        tokio::select! {
            error = self.database.failed() => error,
            Some(ended) = self.parts.join_next() => match outcome(ended) {
                Err(error) => error,
                Ok(()) => Error::part("a part of the service")("it was not asked to"),
            },
        }
    }

    /// Runs until `stop`, then stops gracefully.
    ///
    /// # Errors
    /// Why a part ended by itself; the others were stopped then.
    pub async fn until(mut self, stop: &CancellationToken) -> Result<(), Error> {
        let failed = tokio::select! {
            error = self.failed() => Some(error),
            () = stop.cancelled() => None,
        };
        if let Some(error) = &failed {
            tracing::error!("stopping, because {}", error.chain());
        }
        let stopped = self.stop().await;
        failed.map_or(stopped, Err)
    }

    /// Stops gracefully: nothing new is begun, what runs is ended or handed back.
    ///
    /// # Errors
    /// The first part that did not end well; all are stopped nevertheless.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stop.cancel();
        let mut result = Ok(());
        while let Some(ended) = self.parts.join_next().await {
            result = result.and(outcome(ended));
        }
        self.stop_metrics.cancel();
        while self.exporter.join_next().await.is_some() {}
        drop(self.ctx);
        self.database.close().await;
        tracing::info!("stopped");
        result
    }
}

fn outcome(ended: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    ended.map_err(Error::part("a part of the service")).and_then(|result| result)
}

/// Keeps the gauges fresh for ever where no worker does. A snapshot that fails shows by its age,
/// not here.
async fn refresh_gauges(ctx: Ctx, schema: Schema) {
    schema.ready().await;
    let mut ticks = tokio::time::interval(GAUGES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app::telemetry::refresh(&ctx).await {
            tracing::debug!(%error, "the gauges stay as they were");
        }
    }
}

/// The recorder, and whether the tables are up to date; if not, the database is away.
async fn prepare(store: &Store, schema: &Schema) -> Result<(Recorder, bool), Error> {
    let recorder = exporter::recorder()?;
    app::telemetry::describe();
    Ok((recorder, schema.attempt(store).await?))
}

/// Takes an address; answers the real one where port 0 was asked for.
pub(crate) async fn listen(
    what: &'static str,
    flag: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { what, address, flag, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
