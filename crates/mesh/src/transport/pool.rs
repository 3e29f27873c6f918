//! Outbound packet connections, one for each peer.
//!
//! Each has a task with a short queue. The first datagram to a peer starts a task that dials; the
//! sender never waits, and a datagram that finds the queue full is lost. A connection that breaks or
//! is idle for some time ends its task; the next datagram starts a new one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_memberlist::Address;
use bellwether_memberlist::wire::tls_frame::TlsFrame;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::tls_dialer::{TlsDialer, write_frame};
use crate::note::MeshNote;

#[derive(Debug)]
pub(super) struct Pool {
    /// The advertised address of this node; nothing is sent before it is set.
    from: Option<Address>,
    dialer: TlsDialer,
    unreachable: mpsc::Sender<SocketAddr>,
    notes: mpsc::Sender<MeshNote>,
    connections: HashMap<SocketAddr, mpsc::Sender<Bytes>>,
}

impl Pool {
    pub fn new(
        dialer: TlsDialer,
        unreachable: mpsc::Sender<SocketAddr>,
        notes: mpsc::Sender<MeshNote>,
    ) -> Self {
        Self { from: None, dialer, unreachable, notes, connections: HashMap::new() }
    }

    pub fn advertise(&mut self, address: SocketAddr) {
        self.from = Some(Address::new(address.ip(), address.port()));
    }

    pub fn send(&mut self, to: SocketAddr, datagram: Bytes, tasks: &mut JoinSet<()>) {
        let Some(from) = self.from else { return };
        let open = self.connections.get(&to).filter(|queue| !queue.is_closed());
        let queue = match open {
            Some(queue) => queue.clone(),
            None => {
                if self.connections.len() >= CONNECTIONS_MAX {
                    self.connections.retain(|_, queue| !queue.is_closed());
                }
                if self.connections.len() >= CONNECTIONS_MAX {
                    self.dialer.meter.packet_lost();
                    return;
                }
                let (queue, datagrams) = mpsc::channel(DATAGRAMS_WAITING_MAX);
                self.connections.insert(to, queue.clone());
                let connection = PacketConnection {
                    from,
                    to,
                    dialer: self.dialer.clone(),
                    unreachable: self.unreachable.clone(),
                    notes: self.notes.clone(),
                };
                tasks.spawn(connection.run(datagrams));
                queue
            }
        };
        if queue.try_send(datagram).is_err() {
            self.dialer.meter.packet_lost();
        }
    }
}

/// One peer's connection.
struct PacketConnection {
    from: Address,
    to: SocketAddr,
    dialer: TlsDialer,
    unreachable: mpsc::Sender<SocketAddr>,
    notes: mpsc::Sender<MeshNote>,
}

impl PacketConnection {
    async fn run(self, mut datagrams: mpsc::Receiver<Bytes>) {
        let dialled = timeout(DIAL_MAX, self.dialer.connect(self.to)).await;
        let mut stream = match dialled {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.lost(&error.to_string()),
            Err(_) => return self.lost("no answer in time"),
        };
        let mut nothing = [0; 64];
        loop {
            let datagram = tokio::select! {
                // Peers never send anything here, so this is the end of the connection: better
                // noticed now than by the loss of the next datagram.
                read = stream.read(&mut nothing) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(_) => continue,
                },
                datagram = timeout(IDLE_MAX, datagrams.recv()) => datagram,
            };
            let Ok(Some(datagram)) = datagram else {
                // Idle for too long, or the pool has ended. Errors no longer matter.
                let _ = timeout(DIAL_MAX, stream.shutdown()).await;
                return;
            };
            let length = datagram.len();
            let frame = TlsFrame::Packet { from: self.from, datagram };
            match timeout(DIAL_MAX, write_frame(&mut stream, &frame)).await {
                Ok(Ok(())) => self.dialer.meter.packet_sent(length),
                Ok(Err(error)) => return self.lost(&error.to_string()),
                Err(_) => return self.lost("nothing is read on the other side"),
            }
        }
    }

    /// Queued datagrams are dropped with the queue.
    fn lost(&self, error: &str) {
        self.dialer.meter.packets.write_errors.fetch_add(1, Ordering::Relaxed);
        let error = error.to_owned();
        // Both are sent again with the next failure if their queues are full now.
        let _ = self.unreachable.try_send(self.to);
        let _ = self.notes.try_send(MeshNote::PacketConnectionFailed { peer: self.to, error });
    }
}

/// Limit: outbound packet connections, as in Go.
const CONNECTIONS_MAX: usize = 1024;
/// Limit: queued datagrams to one peer.
const DATAGRAMS_WAITING_MAX: usize = 64;
const DIAL_MAX: Duration = Duration::from_secs(10);
const IDLE_MAX: Duration = Duration::from_mins(5);
