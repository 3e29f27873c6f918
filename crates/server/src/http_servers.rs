//! The HTTP servers: from bound sockets to answers, and the graceful shutdown.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::serve::{Listener, ListenerExt as _};
use bellwether_api::{TolerantListener, answer_refusals};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

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
        let app = answer_refusals(app);
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

async fn serve<L>(mut listener: L, app: axum::Router, mut is_closing: watch::Receiver<bool>)
where
    L: Listener,
    L::Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).max_buf_size(HEAD_BYTES_MAX);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES_MAX as u32);
    let connections = GracefulShutdown::new();
    let service = TowerToHyperService::new(app);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = is_closing.wait_for(|closing| *closing) => break,
        };
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service.clone());
        let served = connections.watch(served.into_owned());
        tokio::spawn(async move {
            if let Err(err) = served.await {
                debug!(err, "Connection ended with an error");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// Limit: bytes of the head of a request, as in Go; what refuses longer ones is
/// [`TolerantListener`].
const HEAD_BYTES_MAX: usize = 2 << 20;
