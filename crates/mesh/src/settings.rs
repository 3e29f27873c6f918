//! What the mesh is started with.

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
    /// Where the others find us, if the operator knows better than the machine.
    pub advertise: Option<SocketAddr>,
    /// Its own address is filled in by [`Mesh::start`](crate::Mesh::start).
    pub cluster: cluster::ClusterSettings,
    /// Limit for one lookup of a name.
    pub resolve_timeout: Duration,
    /// Of all that is left to chance, such as whom to gossip with.
    pub seed: u64,
    pub security: Security,
}

/// Whether what is said can be overheard.
#[derive(Clone)]
pub enum Security {
    /// Datagrams by UDP, streams by TCP.
    Plain,
    /// All by TLS over TCP.
    Tls(Arc<dyn Credentials>),
}

/// Who we are to other nodes, and whom we trust.
///
/// Asked for each new connection and allowed to read files, so that certificates can be replaced
/// while we run. An answer that is the same as the last one is best the same `Arc`: the sessions
/// that can be resumed are kept in it.
pub trait Credentials: Send + Sync + 'static {
    /// For connections that others open.
    fn server(&self) -> io::Result<Arc<rustls::ServerConfig>>;

    /// For connections that we open. The server is expected to prove the IP address that was
    /// dialled, unless the verifier says otherwise.
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
