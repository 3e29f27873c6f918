//! UDP and TCP.
//!
//! Datagrams are sent from the listening socket, since peers reply to their source address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::{Connection, InboundSenders, InboundStream, Meter, Reach};
use crate::bind::{Family, seen};
use crate::note::MeshNote;

#[derive(Debug)]
pub(crate) struct Plain {
    socket: Arc<UdpSocket>,
    family: Family,
    pub(super) meter: Arc<Meter>,
}

impl Plain {
    pub fn start(
        listener: TcpListener,
        socket: UdpSocket,
        bound: SocketAddr,
        inbound: InboundSenders,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let socket = Arc::new(socket);
        let meter = inbound.meter.clone();
        tasks.spawn(receive(socket.clone(), inbound.clone()));
        tasks.spawn(accept(listener, inbound));
        Self { socket, family: Family::of(bound), meter }
    }

    pub fn send(&self, to: SocketAddr, datagram: &[u8]) -> Reach {
        match self.socket.try_send_to(datagram, self.family.dialled(to)) {
            Ok(_) => {
                self.meter.packet_sent(datagram.len());
                Reach::Unknown
            }
            // Equivalent to a loss in the network.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.meter.packet_lost();
                Reach::Unknown
            }
            Err(_) => {
                self.meter.packets.write_errors.fetch_add(1, Ordering::Relaxed);
                Reach::Unreachable
            }
        }
    }
}

pub(super) async fn open(to: SocketAddr) -> io::Result<Box<dyn Connection>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// Accepts the next connection; after an error, for example without free file descriptors, it waits
/// a little.
pub(super) async fn next_connection(
    listener: &TcpListener,
    inbound: &InboundSenders,
) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Without it replies are only delayed.
                let _ = stream.set_nodelay(true);
                return (stream, seen(from));
            }
            Err(error) => {
                inbound.note(MeshNote::AcceptFailed { error: error.to_string() });
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn accept(listener: TcpListener, inbound: InboundSenders) {
    loop {
        let (stream, from) = next_connection(&listener, &inbound).await;
        let Some(permit) = inbound.admit(from) else { continue };
        inbound.meter.streams.received.fetch_add(1, Ordering::Relaxed);
        let beginning = Bytes::new();
        let stream = InboundStream { from, io: Box::new(stream), beginning, permit };
        if inbound.streams.send(stream).await.is_err() {
            return;
        }
    }
}

async fn receive(socket: Arc<UdpSocket>, inbound: InboundSenders) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let datagram = buffer.get(..length).unwrap_or_default();
                let from = seen(from);
                inbound.datagram(from, from.ip(), Bytes::copy_from_slice(datagram));
            }
            // An error that the kernel reports for a datagram sent before.
            Err(_) => {
                inbound.meter.packets.read_errors.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    }
}

const DATAGRAM_BYTES_MAX: usize = 64 << 10;
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
