//! The beginning of a connection to our own port that is secured by TLS.
//!
//! In: an accepted connection. Out: the same one after its handshake, with the certificates as of
//! then; or an error, once a client without TLS has got its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_api::TolerantStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::Web;

/// Performs the handshake within its time; `None` if it fails, which is logged.
pub async fn secure(
    stream: TcpStream,
    web: Arc<Web>,
    listener: SocketAddr,
    from: SocketAddr,
) -> Option<TolerantStream<TlsStream<TcpStream>>> {
    let result = timeout(HANDSHAKE_MAX, handshake(stream, web)).await;
    match result.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => Some(stream),
        Err(error) => {
            log_failure(&error, listener, from);
            None
        }
    }
}

async fn handshake(
    stream: TcpStream,
    web: Arc<Web>,
) -> io::Result<TolerantStream<TlsStream<TcpStream>>> {
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
