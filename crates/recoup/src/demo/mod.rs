//! `demo`: a vendor with customers and a past, to look at.
//!
//! Purpose: a sandbox vendor with a catalogue and customers from a fixed seed lives years through
//! its clock, with the code that live organizations run on; then the books are shown, with a key
//! and calls to look further, and the service stays up.
//!
//! The rooms: `scale` says how large and when, `draw` is the dice, `catalogue`, `features`, `sales`,
//! `names` and `people` say what there is, `lives`, `wishes`, `course` and `traffic` what happens,
//! `purse` and `transfer` how it is paid, `vendor`, `life`, `happen`, `pay` and `invest` make it happen,
//! `progress` shows it, `books`, `revenue`, `payments` and `investors` find what came of it, `table`,
//! `revenue_table`, `payments_table` and `investors_table` write it down, `tour` says where to go on.
//!
//! Invariants: the same flags give the same vendor, customers and numbers, on any day. Starting it
//! again on the same data makes nothing twice: what is complete is shown with a fresh key, what
//! was interrupted goes on; other flags make another vendor beside it.
//!
//! Deliberately absent: SQL and rules. Everything is made by the use cases that the interface
//! calls.

mod amount;
mod books;
mod catalogue;
mod course;
mod draw;
mod features;
mod happen;
mod invest;
mod investors;
mod investors_table;
mod life;
mod lives;
mod names;
mod pay;
mod payments;
mod payments_table;
mod people;
mod progress;
mod purse;
mod revenue;
mod revenue_table;
mod sales;
mod scale;
mod table;
mod tour;
mod traffic;
mod transfer;
mod vendor;
mod wishes;

use std::net::SocketAddr;
use std::sync::Arc;

use app::Ctx;
use app::access::Secret;
use app::clock::WallClock;
use tokio_util::sync::CancellationToken;

use crate::config::{DemoOptions, Options};
use crate::database::{self, Database};
use crate::service::{Parts, Service, Settings};
use crate::{Error, output};
use life::Life;
use progress::Progress;
use scale::Scale;

/// Makes or finds the demonstration, shows it, and serves until it is stopped.
///
/// # Errors
/// What kept it from being made or served.
pub(crate) async fn run(
    options: &Options,
    size: &DemoOptions,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let scale = Scale::from(size);
    if size.exit {
        let database = Database::open(&options.database).await?;
        let made = prepare_and_make(&database, &scale, stop).await;
        database.close().await;
        return made.map(|made| show(made.as_ref(), options.network.listen, &scale, false));
    }
    let settings = Settings::of(options, Parts::All);
    let service = Service::launch(settings, &options.database, Arc::new(WallClock)).await?;
    let address = service.grpc().unwrap_or(options.network.listen);
    match make(service.ctx(), &scale, stop).await {
        Ok(made) => {
            show(made.as_ref(), address, &scale, true);
            service.until(stop).await
        }
        Err(error) => service.stop().await.and(Err(error)),
    }
}

async fn prepare_and_make(
    database: &Database,
    scale: &Scale,
    stop: &CancellationToken,
) -> Result<Option<Made>, Error> {
    database::prepare(database.store()).await?;
    database::enroll(database.store(), database.seal()).await?;
    let ctx = database.ctx(Arc::new(WallClock));
    make(&ctx, scale, stop).await
}

/// What is shown at the end.
#[derive(Debug)]
struct Made {
    table: String,
    key: Secret,
}

/// Brings the demonstration to its end; nothing when it was stopped before.
async fn make(ctx: &Ctx, scale: &Scale, stop: &CancellationToken) -> Result<Option<Made>, Error> {
    let refused = || Error::refused("the demonstration cannot be made");
    let vendor = vendor::settle(ctx, scale).await.map_err(refused())?;
    if vendor.first_key.is_none() {
        output::tell("this demonstration was made before: it is shown, or goes on where it stood");
    }
    let mut life = Life { ctx, vendor: &vendor, stop, progress: Progress::new() };
    if !life.live(scale).await.map_err(refused())? {
        return Ok(None);
    }
    let books = books::read(ctx, vendor.org, scale).await.map_err(refused())?;
    let table = table::table(&books, scale).map_err(refused())?;
    let key = match vendor.first_key {
        Some(key) => key,
        None => vendor::fresh_key(ctx, vendor.org).await.map_err(refused())?,
    };
    Ok(Some(Made { table, key }))
}

fn show(made: Option<&Made>, address: SocketAddr, scale: &Scale, serving: bool) {
    let Some(made) = made else {
        output::tell("stopped before it was complete: the same command goes on there");
        return;
    };
    output::print(&made.table);
    output::print(&format!("\n{}", tour::tour(made.key.reveal(), address, scale, serving)));
    if serving {
        output::print("\nServing until Ctrl-C.");
    }
}
