//! Opens the sockets of `--web.listen-address`.
//!
//! A socket is bound first, so that its port is known and a conflict is reported early, and listens
//! only once the state is loaded: every client that can connect gets an answer.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that the kernel queues until they are accepted.
const BACKLOG: u32 = 1024;

/// A socket with an address, which does not listen yet.
pub struct Bound {
    socket: TcpSocket,
    pub address: SocketAddr,
}

impl Bound {
    /// Binds `host:port`, `:port` (all addresses) or `[ipv6]:port`.
    pub async fn bind(text: &str) -> Result<Self, String> {
        let failed = |error: io::Error| format!("listen {text:?}: {error}");
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("listen {text:?}: missing port in address"))?;
        let addresses = if host.is_empty() {
            // Both families where the system has both, as one socket.
            let port = port.parse().map_err(|_| format!("listen {text:?}: unknown port"))?;
            vec![SocketAddr::from(([0u16; 8], port)), SocketAddr::from(([0u8; 4], port))]
        } else {
            let mut found: Vec<SocketAddr> = lookup_host(text).await.map_err(failed)?.collect();
            found.sort_by_key(SocketAddr::is_ipv6);
            found
        };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match bind_one(address) {
                Ok(bound) => return Ok(bound),
                // Another family or address may work where this one does not exist.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(last))
    }

    pub fn listen(self) -> Result<TcpListener, String> {
        self.socket.listen(BACKLOG).map_err(|error| format!("listen {}: {error}", self.address))
    }
}

fn bind_one(address: SocketAddr) -> io::Result<Bound> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // A restarted server must not wait for connections of its predecessor to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let address = socket.local_addr()?;
    Ok(Bound { socket, address })
}

#[cfg(test)]
mod tests {
    use super::Bound;

    #[tokio::test]
    async fn addresses_have_the_forms_of_the_flag() {
        for text in ["127.0.0.1:0", "localhost:0", ":0"] {
            let bound = Bound::bind(text).await.unwrap();
            assert_ne!(bound.address.port(), 0, "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_in_use_is_reported() {
        let listener = Bound::bind("127.0.0.1:0").await.unwrap().listen().unwrap();
        let taken = listener.local_addr().unwrap().to_string();
        let error = Bound::bind(&taken).await.err().unwrap();
        assert!(error.contains(&taken) && error.contains("in use"), "{error}");
    }

    #[tokio::test]
    async fn invalid_addresses_are_refused() {
        for text in ["", "9093", ":nonsense"] {
            assert!(Bound::bind(text).await.is_err(), "{text}");
        }
    }
}
