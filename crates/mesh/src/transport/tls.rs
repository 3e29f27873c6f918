//! All traffic in TLS over TCP, as with `--cluster.tls-config` of the Go Alertmanager.
//!
//! Each connection begins with a frame that says whether a stream follows or datagrams, one per frame.
//! A Go node reads each frame with a new buffer and drops what it read beyond the frame, so a frame
//! must be in TLS records of its own: each is written and flushed by itself.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_memberlist::wire::tls_frame::{TlsFrame, TlsFrameReader};
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, server};

use super::plain::next_connection;
use super::pool::Pool;
use super::tls_dialer::{TlsDialer, run_blocking};
use super::{Connection, InboundSenders, InboundStream};
use crate::bind::seen;
use crate::limits::{ConnectionLimiter, ConnectionPermit};
use crate::note::MeshNote;
use crate::settings::Credentials;

#[derive(Debug)]
pub(crate) struct Tls {
    pool: Pool,
    dialer: TlsDialer,
}

impl Tls {
    pub fn start(
        listener: TcpListener,
        credentials: Arc<dyn Credentials>,
        inbound: InboundSenders,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let dialer = TlsDialer { credentials: credentials.clone(), meter: inbound.meter.clone() };
        let pool = Pool::new(dialer.clone(), inbound.unreachable.clone(), inbound.notes.clone());
        tasks.spawn(accept(listener, credentials, inbound));
        Self { pool, dialer }
    }

    pub fn advertise(&mut self, address: SocketAddr) {
        self.pool.advertise(address);
    }

    pub fn send(&mut self, to: SocketAddr, datagram: Bytes, tasks: &mut JoinSet<()>) {
        self.pool.send(to, datagram, tasks);
    }

    pub fn dialer(&self) -> TlsDialer {
        self.dialer.clone()
    }
}

async fn accept(listener: TcpListener, credentials: Arc<dyn Credentials>, inbound: InboundSenders) {
    let packet_limiter =
        ConnectionLimiter::new(PACKET_CONNECTIONS_MAX, PACKET_CONNECTIONS_EACH_MAX);
    let mut connections = JoinSet::new();
    loop {
        let (stream, from) = next_connection(&listener, &inbound).await;
        while connections.try_join_next().is_some() {}
        let Some(permit) = inbound.admit(from) else { continue };
        let accept_stream = InboundConnection {
            from,
            credentials: credentials.clone(),
            inbound: inbound.clone(),
            packet_limiter: packet_limiter.clone(),
        };
        connections.spawn(accept_stream.serve(stream, permit));
    }
}

/// A new connection whose purpose is not known yet.
struct InboundConnection {
    from: SocketAddr,
    credentials: Arc<dyn Credentials>,
    inbound: InboundSenders,
    packet_limiter: Arc<ConnectionLimiter>,
}

type Accepted = server::TlsStream<TcpStream>;

impl InboundConnection {
    async fn serve(self, stream: TcpStream, permit: ConnectionPermit) {
        let opened = timeout(OPENING_MAX, self.first_frame(stream)).await;
        let error = match opened {
            Ok(Ok((stream, mut frames, TlsFrame::Stream))) => {
                self.inbound.meter.streams.received.fetch_add(1, Ordering::Relaxed);
                let beginning = frames.take_rest();
                let io: Box<dyn Connection> = Box::new(stream);
                let stream = InboundStream { from: self.from, io, beginning, permit };
                // If the receiver is gone, the mesh has ended.
                let _ = self.inbound.streams.send(stream).await;
                return;
            }
            Ok(Ok((stream, frames, TlsFrame::Packet { from, datagram }))) => {
                drop(permit);
                let Some(_permit) = self.packet_limiter.admit(self.from.ip()) else {
                    self.inbound.meter.connections_refused.fetch_add(1, Ordering::Relaxed);
                    self.inbound.note(MeshNote::TooManyConnections { from: self.from.ip() });
                    return;
                };
                let from = seen(SocketAddr::new(from.ip, from.port));
                self.inbound.datagram(from, self.from.ip(), datagram);
                let error = self.read_packets(stream, frames).await;
                self.packets_ended(&error);
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        self.inbound.meter.packets.read_errors.fetch_add(1, Ordering::Relaxed);
        self.inbound.note(MeshNote::HandshakeFailed { from: self.from, error: error.to_string() });
    }

    async fn first_frame(
        &self,
        stream: TcpStream,
    ) -> io::Result<(Accepted, TlsFrameReader, TlsFrame)> {
        let config = run_blocking(&self.credentials, |credentials| credentials.server()).await?;
        let mut stream = TlsAcceptor::from(config).accept(stream).await?;
        let mut frames = TlsFrameReader::default();
        match next_frame(&mut stream, &mut frames).await? {
            Some(frame) => Ok((stream, frames, frame)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// A peer that closes or disappears is not worth a note.
    fn packets_ended(&self, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
            return;
        }
        self.inbound.meter.packets.read_errors.fetch_add(1, Ordering::Relaxed);
        let error = error.to_string();
        self.inbound.note(MeshNote::PacketConnectionFailed { peer: self.from, error });
    }

    /// Reads datagrams until the connection ends; returns the reason.
    async fn read_packets(&self, mut stream: Accepted, mut frames: TlsFrameReader) -> io::Error {
        loop {
            match timeout(PACKETS_IDLE_MAX, next_frame(&mut stream, &mut frames)).await {
                Ok(Ok(Some(TlsFrame::Packet { from, datagram }))) => {
                    let from = seen(SocketAddr::new(from.ip, from.port));
                    self.inbound.datagram(from, self.from.ip(), datagram);
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

/// The next frame, from any number of reads; `None` at the end.
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

/// The timeout of the handshake and the first frame.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// An alive peer sends something more often, if only probes.
const PACKETS_IDLE_MAX: Duration = Duration::from_mins(10);
/// Limit: inbound packet connections, of which each peer has one.
const PACKET_CONNECTIONS_MAX: usize = 1024;
/// Limit: the same from one address.
const PACKET_CONNECTIONS_EACH_MAX: usize = 64;
