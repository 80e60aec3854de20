//! The connection that waits for the calls of [`super::notify`].

use std::future::poll_fn;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::AsyncMessage;

use crate::pool::{driver_config, tls};
use crate::{Error, Result, Store};

/// The channel on which enqueuing transactions call; the payload is the queue's name.
pub(super) const CHANNEL: &str = "recoup_jobs";

/// Between attempts to connect: short, because meanwhile workers see new jobs only when they poll.
const PAUSE: Duration = Duration::from_millis(500);
/// An idle connection is probed after this, so that one whose other end vanished is noticed.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Why a worker should look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// Calls may have been missed: look into every queue.
    All,
    /// Something came into this queue.
    Queue(String),
}

/// Waits for calls for ever, and tells each to `wake`; spawn it once per process. A broken
/// connection is made anew. Every fresh connection begins with [`Wake::All`].
pub async fn listen(store: Store, wake: impl Fn(Wake) + Send + Sync) {
    loop {
        match hear(&store, &wake).await {
            Ok(()) => tracing::info!("the connection that waits for jobs was closed"),
            Err(error) => tracing::debug!(%error, "cannot wait for jobs: they are polled for"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Hears calls until the connection ends.
async fn hear(store: &Store, wake: &(impl Fn(Wake) + Sync)) -> Result<()> {
    let gone = |error: tokio_postgres::Error| Error::Unavailable(Box::new(error));
    let mut config = driver_config(store.settings().url.expose_secret())?;
    config.keepalives_idle(KEEPALIVE);
    let (client, mut connection) = config.connect(tls()?).await.map_err(gone)?;
    let command = format!("LISTEN {CHANNEL}");
    let mut begun = std::pin::pin!(client.batch_execute(&command));
    let mut is_begun = false;
    // The connection answers the command only while it is polled, so both are driven here.
    poll_fn(|context| {
        use std::task::Poll;
        loop {
            if !is_begun && let Poll::Ready(answer) = begun.as_mut().poll(context) {
                answer.map_err(gone)?;
                is_begun = true;
                wake(Wake::All);
            }
            match connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(call)))) => {
                    wake(Wake::Queue(call.payload().to_owned()));
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
