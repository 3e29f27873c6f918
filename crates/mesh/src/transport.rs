//! Transports for datagrams and streams.
//!
//! Either UDP and TCP, or both in TLS over TCP. What the two have in common is here: an address to
//! listen on, inbound datagrams and streams, and a way to send each.

mod plain;
mod pool;
mod tls;
mod tls_dialer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bind::{self, seen};
use crate::limits::{ConnectionLimiter, ConnectionPermit, MemoryBudget};
use crate::note::MeshNote;
use crate::settings::Security;
use plain::Plain;
use tls::Tls;
use tls_dialer::TlsDialer;

/// Sends; what is received comes through [`InboundReceivers`].
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(Plain),
    Tls(Tls),
}

/// What peers send. Bounded: excess datagrams are lost, excess streams wait.
#[derive(Debug)]
pub(crate) struct InboundReceivers {
    pub datagrams: mpsc::Receiver<InboundDatagram>,
    pub streams: mpsc::Receiver<InboundStream>,
    /// Addresses to which datagrams are known not to arrive.
    pub unreachable: mpsc::Receiver<SocketAddr>,
    pub notes: mpsc::Receiver<MeshNote>,
}

/// A datagram that a peer sent.
#[derive(Debug)]
pub(crate) struct InboundDatagram {
    /// Where answers go; under TLS it is what the sender says.
    pub from: SocketAddr,
    /// Where it came from, as the socket shows it.
    pub source: IpAddr,
    pub bytes: Bytes,
}

/// A stream that a peer opened.
#[derive(Debug)]
pub(crate) struct InboundStream {
    pub from: SocketAddr,
    pub io: Box<dyn Connection>,
    /// The bytes that have been read from it.
    pub beginning: Bytes,
    pub permit: ConnectionPermit,
}

/// Bytes in both directions.
pub(crate) trait Connection:
    AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug
{
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Connection for T {}

/// Where received datagrams and streams go.
#[derive(Debug, Clone)]
pub(crate) struct InboundSenders {
    datagrams: mpsc::Sender<InboundDatagram>,
    streams: mpsc::Sender<InboundStream>,
    unreachable: mpsc::Sender<SocketAddr>,
    notes: mpsc::Sender<MeshNote>,
    meter: Arc<Meter>,
    limiter: Arc<ConnectionLimiter>,
}

/// Counters of datagrams and streams; upstream has them for TLS only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransportCounters {
    pub packets: Traffic,
    pub streams: Traffic,
    pub packet_bytes_sent: u64,
    pub packet_bytes_received: u64,
    /// Datagrams lost on this node, for lack of room or of a connection.
    pub packets_lost: u64,
    pub connections_refused: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub sent: u64,
    pub received: u64,
    pub read_errors: u64,
    pub write_errors: u64,
}

/// Counts for [`TransportCounters`], and holds the memory budget that all streams share.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Limit: bytes of a state, or of one message of the layer above.
    pub state_bytes_max: usize,
    pub budget: MemoryBudget,
    pub packets: TrafficMeter,
    pub streams: TrafficMeter,
    pub packet_bytes_sent: AtomicU64,
    pub packet_bytes_received: AtomicU64,
    pub packets_lost: AtomicU64,
    pub connections_refused: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct TrafficMeter {
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub read_errors: AtomicU64,
    pub write_errors: AtomicU64,
}

/// What a transport starts with.
pub(crate) struct Started {
    pub transport: Transport,
    pub inbound: InboundReceivers,
    pub bound: SocketAddr,
    pub meter: Arc<Meter>,
}

impl Transport {
    /// Listens; background tasks are spawned into `tasks`.
    pub async fn start(
        listen: SocketAddr,
        security: &Security,
        state_bytes_max: usize,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Started> {
        let (datagrams, datagrams_out) = mpsc::channel(DATAGRAMS_WAITING_MAX);
        let (streams, streams_out) = mpsc::channel(STREAMS_WAITING_MAX);
        let (unreachable, unreachable_out) = mpsc::channel(DATAGRAMS_WAITING_MAX);
        let (notes, notes_out) = mpsc::channel(NOTES_WAITING_MAX);
        let meter = Arc::new(Meter::new(state_bytes_max));
        let limiter = ConnectionLimiter::new(INBOUND_STREAMS_MAX, INBOUND_STREAMS_EACH_MAX);
        let senders = InboundSenders {
            datagrams,
            streams,
            unreachable,
            notes,
            meter: meter.clone(),
            limiter,
        };
        let inbound = InboundReceivers {
            datagrams: datagrams_out,
            streams: streams_out,
            unreachable: unreachable_out,
            notes: notes_out,
        };
        let (transport, bound) = match security {
            Security::Plain => {
                let (listener, socket) = bind::listen_both(listen).await?;
                let bound = listener.local_addr()?;
                (Self::Plain(Plain::start(listener, socket, bound, senders, tasks)), bound)
            }
            Security::Tls(credentials) => {
                // Invalid settings should prevent the start.
                credentials.server()?;
                credentials.client()?;
                let listener = bind::listen(listen).await?;
                let bound = listener.local_addr()?;
                (Self::Tls(Tls::start(listener, credentials.clone(), senders, tasks)), bound)
            }
        };
        Ok(Started { transport, inbound, bound: seen(bound), meter })
    }

    /// Sets the advertised address, which packet frames carry; only TLS needs it.
    pub fn advertise(&mut self, address: SocketAddr) {
        match self {
            Self::Plain(_) => {}
            Self::Tls(tls) => tls.advertise(address),
        }
    }

    /// Sends a datagram, or loses it; never blocks. Returns whether the target is known to be
    /// unreachable.
    pub fn send(&mut self, to: SocketAddr, datagram: Vec<u8>, tasks: &mut JoinSet<()>) -> Reach {
        match self {
            Self::Plain(plain) => plain.send(to, &datagram),
            Self::Tls(tls) => {
                tls.send(to, datagram.into(), tasks);
                Reach::Unknown
            }
        }
    }

    /// Opens streams on behalf of a task.
    pub fn dialer(&self) -> Dialer {
        match self {
            Self::Plain(plain) => Dialer::Plain(plain.meter.clone()),
            Self::Tls(tls) => Dialer::Tls(tls.dialer()),
        }
    }
}

/// Whether a datagram may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Unknown,
    Unreachable,
}

/// Opens streams.
#[derive(Debug, Clone)]
pub(crate) enum Dialer {
    Plain(Arc<Meter>),
    Tls(TlsDialer),
}

impl Dialer {
    /// Connects, and sends what precedes the label. The caller sets a timeout.
    pub async fn open(&self, to: SocketAddr) -> io::Result<Box<dyn Connection>> {
        let stream = match self {
            Self::Plain(_) => plain::open(to).await,
            Self::Tls(tls) => tls.open_stream(to).await,
        };
        if stream.is_ok() {
            self.meter().streams.sent.fetch_add(1, Ordering::Relaxed);
        } else {
            self.meter().streams.write_errors.fetch_add(1, Ordering::Relaxed);
        }
        stream
    }

    pub fn meter(&self) -> &Meter {
        match self {
            Self::Plain(meter) => meter,
            Self::Tls(tls) => &tls.meter,
        }
    }
}

impl Meter {
    fn new(state_bytes_max: usize) -> Self {
        let reading_bytes_max = READING_BYTES_MAX.max(state_bytes_max.saturating_mul(2));
        Self {
            state_bytes_max,
            budget: MemoryBudget::new(reading_bytes_max),
            packets: TrafficMeter::default(),
            streams: TrafficMeter::default(),
            packet_bytes_sent: AtomicU64::default(),
            packet_bytes_received: AtomicU64::default(),
            packets_lost: AtomicU64::default(),
            connections_refused: AtomicU64::default(),
        }
    }

    pub fn read(&self) -> TransportCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let traffic = |meter: &TrafficMeter| Traffic {
            sent: read(&meter.sent),
            received: read(&meter.received),
            read_errors: read(&meter.read_errors),
            write_errors: read(&meter.write_errors),
        };
        TransportCounters {
            packets: traffic(&self.packets),
            streams: traffic(&self.streams),
            packet_bytes_sent: read(&self.packet_bytes_sent),
            packet_bytes_received: read(&self.packet_bytes_received),
            packets_lost: read(&self.packets_lost),
            connections_refused: read(&self.connections_refused),
        }
    }

    pub fn packet_sent(&self, bytes: usize) {
        self.packets.sent.fetch_add(1, Ordering::Relaxed);
        self.packet_bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn packet_lost(&self) {
        self.packets_lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl InboundSenders {
    /// Passes on a datagram; it is lost if too many are queued.
    fn datagram(&self, from: SocketAddr, source: IpAddr, bytes: Bytes) {
        self.meter.packets.received.fetch_add(1, Ordering::Relaxed);
        self.meter.packet_bytes_received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let datagram = InboundDatagram { from, source, bytes };
        if self.datagrams.try_send(datagram).is_err() {
            self.meter.packet_lost();
        }
    }

    /// Permits a new connection, within the limits.
    fn admit(&self, from: SocketAddr) -> Option<ConnectionPermit> {
        let permit = self.limiter.admit(from.ip());
        if permit.is_none() {
            self.meter.connections_refused.fetch_add(1, Ordering::Relaxed);
            self.note(MeshNote::TooManyConnections { from: from.ip() });
        }
        permit
    }

    /// Dropped if the queue is full: it then holds enough notes.
    fn note(&self, note: MeshNote) {
        let _ = self.notes.try_send(note);
    }
}

/// Limit: datagrams that wait for the mesh's task; more are lost.
const DATAGRAMS_WAITING_MAX: usize = 1024;
const STREAMS_WAITING_MAX: usize = 64;
const NOTES_WAITING_MAX: usize = 256;
/// Limit: bytes of all messages that are being read, as they are held, or of two states if that is
/// more; the message that exceeds it is given up.
const READING_BYTES_MAX: usize = 256 << 20;
/// Limit: open inbound streams.
pub(crate) const INBOUND_STREAMS_MAX: usize = 256;
/// Limit: the same from one address.
pub(crate) const INBOUND_STREAMS_EACH_MAX: usize = 64;
