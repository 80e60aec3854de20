//! The limits of the interface.
//!
//! Purpose: every limit of a call that is not a rule of the business, with its default and its
//! reason, in one place.
//!
//! Deliberately absent: page sizes (`app::page`), lengths of texts and sizes of amounts (`domain`),
//! the address (the caller brings a listener).

use std::time::Duration;

/// Limits of the server. Each is answered with a status that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of a request, also after decompression: RESOURCE_EXHAUSTED. The usual gRPC limit, far
    /// above any request of this interface.
    pub max_message_bytes: usize,
    /// Bytes of all metadata of a call: the connection refuses more.
    pub max_header_bytes: u32,
    /// How long a call may take; a shorter deadline of the caller wins. DEADLINE_EXCEEDED.
    pub deadline: Duration,
    /// The same for calls that run the workers' code over all that is due, AdvanceClock and
    /// RunBilling, and for those that follow what happens: WatchEvents. A key that was revoked
    /// follows no longer than that.
    pub long_deadline: Duration,
    /// The longest silence of a watch: proxies often close connections that are idle for a minute.
    pub heartbeat: Duration,
    /// Calls that one key may have under way: RESOURCE_EXHAUSTED. Keeps one caller from taking all
    /// connections to the database.
    pub calls_per_key: usize,
    /// Calls that may be under way in this process: RESOURCE_EXHAUSTED. Bounds its memory.
    pub calls: usize,
    /// Calls on one connection at a time: the client waits.
    pub calls_per_connection: u32,
    /// How long calls that are under way may go on after a stop was asked for. Streams end at once.
    pub stop_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 4 * 1024 * 1024,
            max_header_bytes: 16 * 1024,
            deadline: Duration::from_secs(10),
            long_deadline: Duration::from_secs(60 * 60),
            heartbeat: Duration::from_secs(15),
            calls_per_key: 64,
            calls: 1_024,
            calls_per_connection: 256,
            stop_within: Duration::from_secs(8),
        }
    }
}
