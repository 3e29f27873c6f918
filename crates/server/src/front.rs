//! The HTTP servers: from bound sockets to answers, and the orderly end of both.

use std::time::Duration;

use anyhow::anyhow;
use axum::serve::ListenerExt as _;
use bellwether_api::Tolerant;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::listen::Bound;

/// How long clients may take to get their answers once the server was told to stop.
const CLIENTS_GRACE: Duration = Duration::from_secs(5);

/// The HTTP servers on all listeners.
pub struct Front {
    servers: JoinSet<()>,
    closing: watch::Sender<bool>,
}

impl Front {
    /// Listens on all of them, and says so.
    pub fn open(bound: Vec<Bound>, app: axum::Router) -> anyhow::Result<Self> {
        let (closing, is_closing) = watch::channel(false);
        let mut servers = JoinSet::new();
        for bound in bound {
            let address = bound.address;
            let listener = bound.listen().map_err(|reason| anyhow!(reason))?;
            info!(%address, "Listening on");
            info!(http2 = false, %address, "TLS is disabled.");
            let listener = listener.tap_io(|stream| {
                // Small answers should not wait for more to send.
                let _ = stream.set_nodelay(true);
            });
            let mut is_closing = is_closing.clone();
            let closed = async move {
                let _ = is_closing.wait_for(|closing| *closing).await;
            };
            let tolerant = Tolerant(listener);
            let serving = axum::serve(tolerant, app.clone()).with_graceful_shutdown(closed);
            servers.spawn(async move {
                if let Err(err) = serving.await {
                    error!(err = %err, "Listen error");
                }
            });
        }
        Ok(Front { servers, closing })
    }

    /// Takes no more requests, and waits for those under way, within their time.
    pub async fn close(mut self) {
        let _ = self.closing.send(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(CLIENTS_GRACE, all).await.is_err() {
            warn!("graceful HTTP shutdown failed: clients were cut off");
        }
    }
}
