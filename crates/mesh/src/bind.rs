//! Listens for streams and datagrams.
//!
//! On one port for TCP and UDP. An unspecified address, in either family's form, means all
//! addresses of both families, as in Go: one IPv6 socket that takes IPv4 too, or an IPv4 one where
//! the kernel has no IPv6. Such a socket knows IPv4 addresses in their sixteen-byte form;
//! [`seen`] and [`Family::dialled`] translate.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, UdpSocket};

/// Which addresses a socket can send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    /// IPv6, and IPv4 if the kernel maps it.
    V6,
}

impl Family {
    pub fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    /// The address in the form in which a socket of this family sends to it.
    pub fn dialled(self, to: SocketAddr) -> SocketAddr {
        match (self, to.ip()) {
            (Self::V6, IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            (Self::V4, ip) => SocketAddr::new(ip.to_canonical(), to.port()),
            (Self::V6, IpAddr::V6(_)) => to,
        }
    }
}

/// An address as a socket saw it, in its plain form.
pub(crate) fn seen(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Listens for streams and datagrams on one port.
pub(crate) async fn listen_both(wanted: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut attempts = 0;
    loop {
        let listener = listen(wanted).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => {
                enlarge_buffer(&socket);
                return Ok((listener, socket));
            }
            // Any port will do, and this one is free for one of the two only.
            Err(_) if wanted.port() == 0 && attempts < ANY_PORT_ATTEMPTS => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Listens for streams.
pub(crate) async fn listen(wanted: SocketAddr) -> io::Result<TcpListener> {
    if !wanted.ip().is_unspecified() {
        return TcpListener::bind(wanted).await;
    }
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, wanted.port())).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted.port())).await,
    }
}

/// Makes room for bursts of datagrams; the kernel may grant less.
fn enlarge_buffer(socket: &UdpSocket) {
    let mut bytes = RECEIVE_BUFFER_BYTES;
    while rustix::net::sockopt::set_socket_recv_buffer_size(socket, bytes).is_err() && bytes > 1 {
        bytes /= 2;
    }
}

/// As Go asks for.
const RECEIVE_BUFFER_BYTES: usize = 2 << 20;
const ANY_PORT_ATTEMPTS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_translated_to_what_the_socket_knows_and_back() {
        let four: SocketAddr = "10.0.0.1:9094".parse().unwrap();
        let mapped: SocketAddr = "[::ffff:10.0.0.1]:9094".parse().unwrap();
        let six: SocketAddr = "[fd00::1]:9094".parse().unwrap();
        assert_eq!(Family::V6.dialled(four), mapped);
        assert_eq!(Family::V6.dialled(six), six);
        assert_eq!(Family::V4.dialled(mapped), four);
        assert_eq!(seen(mapped), four);
        assert_eq!(seen(six), six);
    }

    #[tokio::test]
    async fn streams_and_datagrams_share_a_port() {
        for wanted in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"] {
            let (listener, socket) = listen_both(wanted.parse().unwrap()).await.unwrap();
            let bound = listener.local_addr().unwrap();
            assert_eq!(socket.local_addr().unwrap(), bound);
            assert_ne!(bound.port(), 0, "{wanted}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error() {
        let (listener, _socket) = listen_both("0.0.0.0:0".parse().unwrap()).await.unwrap();
        let taken = listener.local_addr().unwrap();
        let error = listen_both(taken).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
