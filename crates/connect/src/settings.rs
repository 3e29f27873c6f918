//! What the operator sets by flags.

use std::time::Duration;

use tokio::sync::watch;

/// Limits of procedures; `None` is none, but for messages received, which have one of this crate then.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Limit: unary procedures under way (`--api.connect.unary-concurrency`).
    pub unary_concurrency: usize,
    /// Limit: streams (`--api.connect.stream-concurrency`).
    pub stream_concurrency: usize,
    /// Limit: time of a unary procedure, the reading of its request included
    /// (`--api.connect.unary-timeout`).
    pub unary_timeout: Option<Duration>,
    /// Limit: time between two messages of a stream (`--api.connect.stream-idle-timeout`).
    pub stream_idle_timeout: Option<Duration>,
    /// Limit: time of a stream (`--api.connect.stream-lifetime`).
    pub stream_lifetime: Option<Duration>,
    /// Limit: bytes of a message received, as sent and decompressed
    /// (`--api.connect.read-max-bytes`).
    pub read_bytes_max: Option<usize>,
    /// Limit: bytes of a message sent (`--api.connect.send-max-bytes`).
    pub send_bytes_max: Option<usize>,
    /// Limit: bytes of the body of a unary request (`--api.connect.max-request-body-bytes`).
    pub request_bytes_max: Option<usize>,
    /// Becomes true when the server begins to stop.
    pub stopping: watch::Receiver<bool>,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        ConnectSettings {
            unary_concurrency: processors.max(8),
            stream_concurrency: processors.max(8),
            unary_timeout: None,
            stream_idle_timeout: None,
            stream_lifetime: None,
            read_bytes_max: None,
            send_bytes_max: None,
            request_bytes_max: None,
            stopping: watch::channel(false).1,
        }
    }
}

impl ConnectSettings {
    /// The most that a message may take, received or decompressed.
    pub(crate) fn message_bytes_max(&self) -> usize {
        self.read_bytes_max.unwrap_or(MESSAGE_BYTES_MAX)
    }
}

/// Limit: bytes of one message received, unless the operator sets another one; that of gRPC.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
