//! Opens TLS connections to peers, for datagrams and for streams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bellwether_memberlist::wire::tls_frame::TlsFrame;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client};

use super::{Connection, Meter};
use crate::settings::Credentials;

/// Opens TLS connections; cheap to clone.
#[derive(Clone)]
pub(crate) struct TlsDialer {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) meter: Arc<Meter>,
}

impl TlsDialer {
    /// Opens a connection for datagrams or for one stream.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<client::TlsStream<TcpStream>> {
        let config = run_blocking(&self.credentials, |credentials| credentials.client()).await?;
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(to.ip().into());
        TlsConnector::from(config).connect(name, stream).await
    }

    pub async fn open_stream(&self, to: SocketAddr) -> io::Result<Box<dyn Connection>> {
        let mut stream = self.connect(to).await?;
        write_frame(&mut stream, &TlsFrame::Stream).await?;
        Ok(Box::new(stream))
    }
}

/// Writes one frame, in records that hold nothing else.
pub(super) async fn write_frame(
    stream: &mut client::TlsStream<TcpStream>,
    frame: &TlsFrame,
) -> io::Result<()> {
    stream.write_all(&frame.encode()).await?;
    stream.flush().await
}

/// Loads TLS settings on a thread for blocking work, since that may read files.
pub(super) async fn run_blocking<T: Send + 'static>(
    credentials: &Arc<dyn Credentials>,
    load: impl FnOnce(&dyn Credentials) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let credentials = credentials.clone();
    tokio::task::spawn_blocking(move || load(&*credentials)).await.map_err(io::Error::other)?
}

impl std::fmt::Debug for TlsDialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsDialer")
    }
}
