//! Connections to our own port that begin with a TLS handshake.
//!
//! In: a listening socket. Out: connections that have been through the handshake, each with the
//! certificates as of then. Handshakes run concurrently, so that a slow client does not delay
//! others.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use bellwether_api::TolerantStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::Web;

type Connection = TolerantStream<TlsStream<TcpStream>>;

/// A listener whose connections are secure.
pub struct TlsListener {
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
    address: SocketAddr,
    /// Ends with the listener, and with it the handshakes under way.
    _acceptor: JoinSet<()>,
}

impl TlsListener {
    pub fn new(listener: TcpListener, address: SocketAddr, web: Arc<Web>) -> Self {
        let (sender, ready) = mpsc::channel(READY_MAX);
        let mut acceptor = JoinSet::new();
        acceptor.spawn(accept(listener, address, web, sender));
        TlsListener { ready, address, _acceptor: acceptor }
    }
}

impl Listener for TlsListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The acceptor has no end of its own.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

async fn accept(
    mut listener: TcpListener,
    address: SocketAddr,
    web: Arc<Web>,
    ready: mpsc::Sender<(Connection, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut handshakes = JoinSet::new();
    loop {
        let (stream, from) = Listener::accept(&mut listener).await;
        while handshakes.try_join_next().is_some() {}
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (web, ready) = (Arc::clone(&web), ready.clone());
        handshakes.spawn(async move {
            let result = timeout(HANDSHAKE_MAX, handshake(stream, web)).await;
            drop(place);
            match result.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                // It fails only once the server has stopped.
                Ok(connection) => drop(ready.send((connection, from)).await),
                Err(error) => log_failure(&error, address, from),
            }
        });
    }
}

async fn handshake(stream: TcpStream, web: Arc<Web>) -> io::Result<Connection> {
    // Small answers should not wait for more to send.
    stream.set_nodelay(true)?;
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first[0].is_ascii_uppercase() {
        return Err(answer_plainly(stream).await);
    }
    let config = tokio::task::spawn_blocking(move || web.server_config()).await;
    let config = config.map_err(io::Error::other)?;
    let config = config.ok_or_else(|| io::Error::other("web.config.file has no TLS any more"))?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(if is_http2 { TolerantStream::untouched(stream) } else { TolerantStream::new(stream) })
}

/// Answers a client that uses `http` instead of `https`.
async fn answer_plainly(mut stream: TcpStream) -> io::Error {
    // An answer to what has not been read would be thrown away with it.
    let mut request = [0; 4096];
    let answered = async {
        let _ = stream.read(&mut request).await?;
        stream.write_all(PLAIN_ANSWER).await?;
        stream.shutdown().await
    };
    answered.await.err().unwrap_or_else(|| io::Error::other("the client uses HTTP without TLS"))
}

/// An aborted handshake is only a debug line: many clients just check whether the port is open.
fn log_failure(error: &io::Error, listener: SocketAddr, from: SocketAddr) {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            debug!(%listener, %from, err = %error, "TLS handshake aborted by client");
        }
        _ => warn!(%listener, %from, err = %error, "TLS handshake failed"),
    }
}

const PLAIN_ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// Limit: time for a handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Limit: handshakes under way; more have to wait.
const HANDSHAKES_MAX: usize = 1024;
/// Limit: connections that wait to be served.
const READY_MAX: usize = 64;
