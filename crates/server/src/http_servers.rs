//! The HTTP servers: from bound sockets to answers, and the graceful shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bellwether_api::{TolerantStream, answer_refusals};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tracing::{debug, info, warn};

use crate::connections::{Connections, End, LOOK_EVERY, Slot, WatchedService, WatchedStream};
use crate::listen::Bound;
use crate::metrics::Metrics;
use crate::web::{Web, protect, secure};

/// How long clients may take to get their answers once the server has been asked to stop.
const CLIENTS_GRACE: Duration = Duration::from_secs(5);

/// The HTTP servers on all listeners.
pub struct HttpServers {
    servers: JoinSet<()>,
    connections: Arc<Connections>,
    closing: watch::Sender<bool>,
}

/// One listener, and what its connections need.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    app: axum::Router,
    /// `None`: plain HTTP.
    web: Option<Arc<Web>>,
    builder: auto::Builder<TokioExecutor>,
    connections: Arc<Connections>,
    metrics: Arc<Metrics>,
    is_closing: watch::Receiver<bool>,
    /// When the log last said that connections cannot be accepted.
    said_at: Option<Instant>,
}

impl HttpServers {
    /// Listens on all of them, and logs it. There are at most so many connections.
    pub fn open(
        bound: Vec<Bound>,
        app: axum::Router,
        web: Option<Arc<Web>>,
        connections_max: usize,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let (closing, is_closing) = watch::channel(false);
        let app = match &web {
            Some(web) => protect(app, Arc::clone(web), Arc::clone(&metrics))?,
            None => app,
        };
        let app = answer_refusals(app);
        let web = web.filter(|web| web.has_tls());
        let connections = Connections::new(connections_max, Arc::clone(&metrics));
        let mut servers = JoinSet::new();
        servers.spawn(end_overdue(Arc::clone(&connections), is_closing.clone()));
        for bound in bound {
            let address = bound.address;
            let listener = bound.listen().map_err(|reason| anyhow!(reason))?;
            info!(%address, "Listening on");
            match &web {
                Some(web) => info!(http2 = web.offers_http2(), %address, "TLS is enabled."),
                None => info!(http2 = false, %address, "TLS is disabled."),
            }
            let server = Server {
                address,
                app: app.clone(),
                web: web.clone(),
                builder: builder(),
                connections: Arc::clone(&connections),
                metrics: Arc::clone(&metrics),
                is_closing: is_closing.clone(),
                said_at: None,
            };
            servers.spawn(server.run(listener));
        }
        Ok(HttpServers { servers, connections, closing })
    }

    /// Takes no more requests, and waits for those under way, within their time.
    pub async fn close(mut self) {
        let _ = self.closing.send(true);
        let all = async {
            while self.servers.join_next().await.is_some() {}
            self.connections.none_left().await;
        };
        if timeout(CLIENTS_GRACE, all).await.is_err() {
            warn!(err = "open connections were closed", "graceful HTTP shutdown failed");
        }
    }
}

async fn end_overdue(connections: Arc<Connections>, mut is_closing: watch::Receiver<bool>) {
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = looks.tick() => connections.end_overdue(Instant::now()),
            _ = is_closing.wait_for(|closing| *closing) => return,
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connections are watched.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HTTP2_HEAD_BYTES_MAX)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .initial_stream_window_size(HTTP2_STREAM_BYTES_MAX)
        .initial_connection_window_size(HTTP2_CONNECTION_BYTES_MAX);
    builder
}

impl Server {
    async fn run(mut self, listener: TcpListener) {
        let mut is_closing = self.is_closing.clone();
        loop {
            let (stream, from) = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                () = closing(&mut is_closing) => return,
            };
            // `None`: it is closed at once.
            if let Some(slot) = self.connections.admit(from.ip()).await {
                tokio::spawn(self.clone().connection(stream, from, slot));
            }
        }
    }

    /// Goes on whatever happens: if there are no descriptors left, a connection makes room.
    async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            let error = match listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => error,
            };
            if is_of_one_connection(&error) {
                continue;
            }
            self.metrics.accept_errors.increment();
            if self.said_at.is_none_or(|at| at.elapsed() >= SAY_AGAIN) {
                self.said_at = Some(Instant::now());
                warn!(address = %self.address, err = %error, "Failed to accept a connection");
            }
            self.connections.make_room();
            sleep(ACCEPT_AGAIN).await;
        }
    }

    async fn connection(mut self, stream: TcpStream, from: SocketAddr, slot: Slot) {
        // Small answers should not wait for more to send.
        let _ = stream.set_nodelay(true);
        let Some(web) = self.web.take() else {
            return self.serve(TolerantStream::new(stream), &slot).await;
        };
        let mut is_closing = self.is_closing.clone();
        let secured = tokio::select! {
            secured = secure(stream, web, self.address, from) => secured,
            _ = slot.connection.ended() => None,
            () = closing(&mut is_closing) => None,
        };
        if let Some(stream) = secured {
            self.serve(stream, &slot).await;
        }
    }

    /// Serves until the client, the limits or the end of the server end it.
    async fn serve<I>(self, stream: TolerantStream<I>, slot: &Slot)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Server { app, builder, mut is_closing, .. } = self;
        let connection = &slot.connection;
        let service = WatchedService::new(app, Arc::clone(connection));
        let stream = TokioIo::new(WatchedStream::new(stream, Arc::clone(connection)));
        let served = builder.serve_connection_with_upgrades(stream, service);
        let closing = closing(&mut is_closing);
        tokio::pin!(served, closing);
        loop {
            let ended = tokio::select! {
                result = served.as_mut() => {
                    if let Err(err) = result {
                        debug!(err, "Connection ended with an error");
                    }
                    return;
                }
                end = connection.ended() => end,
                () = closing.as_mut() => break,
            };
            if ended != End::Idle {
                debug!(reason = ended.reason(), from = %connection.from, "Connection closed");
                return;
            }
            // Whoever sends a request now gets an answer.
            served.as_mut().graceful_shutdown();
            if timeout(GOODBYE_MAX, served.as_mut()).await.is_ok() || connection.is_idle() {
                return;
            }
        }
        served.as_mut().graceful_shutdown();
        let _ = served.await;
    }
}

async fn closing(is_closing: &mut watch::Receiver<bool>) {
    // An error means that nobody is left to ask for it.
    let _ = is_closing.wait_for(|closing| *closing).await;
}

/// Whether only the connection that was to be accepted is concerned.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Limit: bytes of the head of a request, as in Go; what refuses longer ones is
/// [`TolerantStream`].
const HEAD_BYTES_MAX: usize = 2 << 20;
/// Limit: bytes of the head of a request over HTTP/2.
const HTTP2_HEAD_BYTES_MAX: u32 = 256 << 10;
/// Limit: requests under way on one connection.
const HTTP2_STREAMS_MAX: u32 = 100;
/// Limit: bytes of one body that have come and are not read.
const HTTP2_STREAM_BYTES_MAX: u32 = 256 << 10;
/// Limit: bytes of all bodies of a connection that have come and are not read.
const HTTP2_CONNECTION_BYTES_MAX: u32 = 512 << 10;
/// Limit: how long a connection that was idle takes to close.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
const SAY_AGAIN: Duration = Duration::from_secs(60);
