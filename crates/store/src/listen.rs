//! A connection that waits for calls (`LISTEN`).
//!
//! Invariants: a broken connection is made anew for ever; whoever listens hears of every fresh
//! connection, because calls may have been missed before it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::AsyncMessage;

use crate::pool::{driver_config, tls};
use crate::{Error, Result, Store};

/// Between attempts to connect: short, because meanwhile calls are only made up for by polling.
const PAUSE: Duration = Duration::from_millis(500);
/// An idle connection is probed after this, so that one whose other end vanished is noticed.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Waits for calls on a channel for ever, and tells the payload of each to `heard`; nothing for
/// every fresh connection.
pub(crate) async fn listen(
    store: &Store,
    channel: &str,
    heard: impl Fn(Option<&str>) + Send + Sync,
) {
    loop {
        match hear(store, channel, &heard).await {
            Ok(()) => tracing::info!(channel, "the connection that waits for calls was closed"),
            Err(error) => {
                tracing::debug!(channel, %error, "cannot wait for calls: they are polled for")
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Hears calls until the connection ends.
async fn hear(store: &Store, channel: &str, heard: &(impl Fn(Option<&str>) + Sync)) -> Result<()> {
    let gone = |error: tokio_postgres::Error| Error::Unavailable(Box::new(error));
    let mut config = driver_config(store.settings().url.expose_secret())?;
    config.keepalives_idle(KEEPALIVE);
    let (client, mut connection) = config.connect(tls()?).await.map_err(gone)?;
    let command = format!("LISTEN {channel}");
    let mut begun = std::pin::pin!(client.batch_execute(&command));
    let mut is_begun = false;
    // The connection answers the command only while it is polled, so both are driven here.
    poll_fn(|context| {
        loop {
            if !is_begun && let Poll::Ready(answer) = begun.as_mut().poll(context) {
                answer.map_err(gone)?;
                is_begun = true;
                heard(None);
            }
            match connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(call)))) => {
                    heard(Some(call.payload()));
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(gone(error))),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
