//! All in TLS over TCP, as Alertmanagers with `--cluster.tls-config` do.
//!
//! Each connection begins with a frame that says whether a stream follows or datagrams, one in a
//! frame. A Go node reads each frame with a fresh buffer and drops what it read beyond it, so a
//! frame must arrive in TLS records of its own: each is written, and flushed, by itself.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_memberlist::wire::tls_frame::{TlsFrame, TlsFrameReader};
use bytes::Bytes;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::plain::next_connection;
use super::pool::Pool;
use super::{Connection, InboundStream, Inlets, Meter};
use crate::bind::seen;
use crate::doorman::{Doorman, Pass};
use crate::note::Note;
use crate::settings::Credentials;

#[derive(Debug)]
pub(crate) struct Tls {
    pool: Pool,
    dialler: Dialler,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Dialler {
    credentials: Arc<dyn Credentials>,
    pub(super) meter: Arc<Meter>,
}

impl Tls {
    pub fn start(
        listener: TcpListener,
        credentials: Arc<dyn Credentials>,
        inlets: Inlets,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let dialler = Dialler { credentials: credentials.clone(), meter: inlets.meter.clone() };
        let pool = Pool::new(dialler.clone(), inlets.unreachable.clone(), inlets.notes.clone());
        tasks.spawn(accept(listener, credentials, inlets));
        Self { pool, dialler }
    }

    pub fn advertise(&mut self, address: SocketAddr) {
        self.pool.advertise(address);
    }

    pub fn send(&mut self, to: SocketAddr, datagram: Bytes, tasks: &mut JoinSet<()>) {
        self.pool.send(to, datagram, tasks);
    }

    pub fn dialler(&self) -> Dialler {
        self.dialler.clone()
    }
}

impl Dialler {
    /// A connection on which datagrams or a stream may follow.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<client::TlsStream<TcpStream>> {
        let config = off_the_loop(&self.credentials, |credentials| credentials.client()).await?;
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

async fn accept(listener: TcpListener, credentials: Arc<dyn Credentials>, inlets: Inlets) {
    let packet_doorman = Doorman::new(PACKET_CONNECTIONS_MAX, PACKET_CONNECTIONS_EACH_MAX);
    let mut connections = JoinSet::new();
    loop {
        let (stream, from) = next_connection(&listener, &inlets).await;
        while connections.try_join_next().is_some() {}
        let Some(pass) = inlets.admit(from) else { continue };
        let welcome = Welcome {
            from,
            credentials: credentials.clone(),
            inlets: inlets.clone(),
            packet_doorman: packet_doorman.clone(),
        };
        connections.spawn(welcome.serve(stream, pass));
    }
}

/// What is needed to find out what a new connection is for.
struct Welcome {
    from: SocketAddr,
    credentials: Arc<dyn Credentials>,
    inlets: Inlets,
    packet_doorman: Arc<Doorman>,
}

type Accepted = server::TlsStream<TcpStream>;

impl Welcome {
    async fn serve(self, stream: TcpStream, pass: Pass) {
        let opened = timeout(OPENING_MAX, self.first_frame(stream)).await;
        let error = match opened {
            Ok(Ok((stream, mut frames, TlsFrame::Stream))) => {
                self.inlets.meter.streams.received.fetch_add(1, Ordering::Relaxed);
                let beginning = frames.take_rest();
                let io: Box<dyn Connection> = Box::new(stream);
                let stream = InboundStream { from: self.from, io, beginning, pass };
                // If nobody takes it, the mesh is at its end.
                let _ = self.inlets.streams.send(stream).await;
                return;
            }
            Ok(Ok((stream, frames, TlsFrame::Packet { from, datagram }))) => {
                drop(pass);
                let Some(_pass) = self.packet_doorman.admit(self.from.ip()) else {
                    self.inlets.meter.connections_refused.fetch_add(1, Ordering::Relaxed);
                    self.inlets.note(Note::TooManyConnections { from: self.from.ip() });
                    return;
                };
                let from = seen(SocketAddr::new(from.ip, from.port));
                self.inlets.datagram(from, datagram);
                let error = self.read_packets(stream, frames).await;
                self.packets_ended(&error);
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        self.inlets.meter.packets.read_errors.fetch_add(1, Ordering::Relaxed);
        self.inlets.note(Note::HandshakeFailed { from: self.from, error: error.to_string() });
    }

    async fn first_frame(
        &self,
        stream: TcpStream,
    ) -> io::Result<(Accepted, TlsFrameReader, TlsFrame)> {
        let config = off_the_loop(&self.credentials, |credentials| credentials.server()).await?;
        let mut stream = TlsAcceptor::from(config).accept(stream).await?;
        let mut frames = TlsFrameReader::default();
        match next_frame(&mut stream, &mut frames).await? {
            Some(frame) => Ok((stream, frames, frame)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// That a peer closes, or is gone, is nothing to tell: its datagrams fail to come.
    fn packets_ended(&self, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
            return;
        }
        self.inlets.meter.packets.read_errors.fetch_add(1, Ordering::Relaxed);
        let error = error.to_string();
        self.inlets.note(Note::PacketConnectionFailed { peer: self.from, error });
    }

    /// Reads datagrams until the connection ends; answers with why.
    async fn read_packets(&self, mut stream: Accepted, mut frames: TlsFrameReader) -> io::Error {
        loop {
            match timeout(PACKETS_IDLE_MAX, next_frame(&mut stream, &mut frames)).await {
                Ok(Ok(Some(TlsFrame::Packet { from, datagram }))) => {
                    self.inlets.datagram(seen(SocketAddr::new(from.ip, from.port)), datagram);
                }
                Ok(Ok(Some(TlsFrame::Stream))) => {
                    return io::Error::other("a stream began among datagrams");
                }
                Ok(Ok(None)) => return io::ErrorKind::UnexpectedEof.into(),
                Ok(Err(error)) => return error,
                Err(_) => return io::ErrorKind::TimedOut.into(),
            }
        }
    }
}

/// The next frame, however it is cut into pieces; `None` at the end.
async fn next_frame(
    stream: &mut Accepted,
    frames: &mut TlsFrameReader,
) -> io::Result<Option<TlsFrame>> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(frame) = frames.next_frame().map_err(io::Error::other)? {
            return Ok(Some(frame));
        }
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(None);
        }
        frames.push(buffer.get(..length).unwrap_or_default());
    }
}

/// Asks for settings where it disturbs nobody, since files may be read.
async fn off_the_loop<T: Send + 'static>(
    credentials: &Arc<dyn Credentials>,
    ask: impl FnOnce(&dyn Credentials) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let credentials = credentials.clone();
    tokio::task::spawn_blocking(move || ask(&*credentials)).await.map_err(io::Error::other)?
}

impl std::fmt::Debug for Dialler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialler")
    }
}

/// What a peer has for the handshake and its first frame.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// A living peer says something more often, if only to ask whether we live.
const PACKETS_IDLE_MAX: Duration = Duration::from_mins(10);
/// Limit: connections on which peers send datagrams, of which each peer has one.
const PACKET_CONNECTIONS_MAX: usize = 1024;
/// Limit: the same from one address.
const PACKET_CONNECTIONS_EACH_MAX: usize = 64;
