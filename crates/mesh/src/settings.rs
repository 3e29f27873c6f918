//! Settings of the mesh.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_memberlist::cluster;

/// How one node listens and takes part.
#[derive(Debug, Clone)]
pub struct MeshSettings {
    /// One port for everything; port 0 is any. An unspecified address listens on all addresses of
    /// both families, whichever of the two it is written in.
    pub listen: SocketAddr,
    /// The address to advertise, if the operator has set it.
    pub advertise: Option<SocketAddr>,
    /// Its own address is filled in by [`Mesh::start`](crate::Mesh::start).
    pub cluster: cluster::ClusterSettings,
    /// The timeout of a name lookup.
    pub resolve_timeout: Duration,
    /// The seed of the machine's random choices.
    pub seed: u64,
    pub security: Security,
    /// Limit: bytes of a state, or of one message of the layer above, that a peer sends.
    pub state_bytes_max: usize,
}

impl MeshSettings {
    /// The limit of a state unless the operator sets another one.
    pub const STATE_BYTES_MAX: usize = 128 << 20;
}

/// Whether the traffic is encrypted.
#[derive(Clone)]
pub enum Security {
    /// Datagrams by UDP, streams by TCP.
    Plain,
    /// All by TLS over TCP.
    Tls(Arc<dyn Credentials>),
}

/// TLS credentials: this node's certificate, and which peers it trusts.
///
/// Asked for each new connection and allowed to read files, so that certificates can be replaced
/// while the mesh runs. Unchanged credentials should be the same `Arc`, since it holds the TLS sessions
/// that can be resumed.
pub trait Credentials: Send + Sync + 'static {
    /// For inbound connections.
    fn server(&self) -> io::Result<Arc<rustls::ServerConfig>>;

    /// For outbound connections. The peer's certificate must hold the dialled IP address, unless the
    /// verifier decides otherwise.
    fn client(&self) -> io::Result<Arc<rustls::ClientConfig>>;
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}
