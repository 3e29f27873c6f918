//! The HTTP servers: from bound sockets to answers, and the graceful shutdown.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::serve::{Listener, ListenerExt as _};
use bellwether_api::TolerantListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::listen::Bound;
use crate::web::{TlsListener, Web, protect};

/// How long clients may take to get their answers once the server has been asked to stop.
const CLIENTS_GRACE: Duration = Duration::from_secs(5);

/// The HTTP servers on all listeners.
pub struct HttpServers {
    servers: JoinSet<()>,
    closing: watch::Sender<bool>,
}

impl HttpServers {
    /// Listens on all of them, and logs it.
    pub fn open(
        bound: Vec<Bound>,
        app: axum::Router,
        web: Option<Arc<Web>>,
    ) -> anyhow::Result<Self> {
        let (closing, is_closing) = watch::channel(false);
        let app = match &web {
            Some(web) => protect(app, Arc::clone(web)),
            None => app,
        };
        let secure = web.filter(|web| web.has_tls());
        let mut servers = JoinSet::new();
        for bound in bound {
            let address = bound.address;
            let listener = bound.listen().map_err(|reason| anyhow!(reason))?;
            info!(%address, "Listening on");
            let is_closing = is_closing.clone();
            if let Some(web) = &secure {
                info!(http2 = web.offers_http2(), %address, "TLS is enabled.");
                let listener = TlsListener::new(listener, address, Arc::clone(web));
                servers.spawn(serve(listener, app.clone(), is_closing));
                continue;
            }
            info!(http2 = false, %address, "TLS is disabled.");
            let listener = listener.tap_io(|stream| {
                // Small answers should not wait for more to send.
                let _ = stream.set_nodelay(true);
            });
            servers.spawn(serve(TolerantListener(listener), app.clone(), is_closing));
        }
        Ok(HttpServers { servers, closing })
    }

    /// Takes no more requests, and waits for those under way, within their time.
    pub async fn close(mut self) {
        let _ = self.closing.send(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(CLIENTS_GRACE, all).await.is_err() {
            warn!(err = "open connections were closed", "graceful HTTP shutdown failed");
        }
    }
}

async fn serve<L>(listener: L, app: axum::Router, mut is_closing: watch::Receiver<bool>)
where
    L: Listener,
    L::Addr: Debug,
{
    let closed = async move {
        let _ = is_closing.wait_for(|closing| *closing).await;
    };
    if let Err(err) = axum::serve(listener, app).with_graceful_shutdown(closed).await {
        error!(err = %err, "Listen error");
    }
}
