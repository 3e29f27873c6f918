//! What happened on the sockets that somebody may want to read in a log.

use std::net::{IpAddr, SocketAddr};

use bellwether_memberlist::cluster;

use crate::advertise::Advertised;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshNote {
    /// Something in the cluster.
    Cluster(cluster::ClusterNote),
    /// Under which address the others find us, and how it was chosen.
    Advertising(Advertised),
    /// We advertise an address that no other machine can reach, and have peers on others.
    Unroutable { advertised: SocketAddr, peer: String },
    /// The addresses of this machine could not be read.
    InterfacesUnread { error: String },
    /// A name could not be looked up.
    LookupFailed { name: String, error: String },
    /// A connection was closed because too many are open, overall or from that address.
    TooManyConnections { from: IpAddr },
    /// A stream that a peer opened came to nothing.
    StreamFailed { from: SocketAddr, error: String },
    /// A stream that we opened came to nothing.
    OpenFailed { to: SocketAddr, error: String },
    /// The port could not be listened on for the moment; it is tried again.
    AcceptFailed { error: String },
    /// Somebody connected, but TLS did not come about or its first frame made no sense.
    HandshakeFailed { from: SocketAddr, error: String },
    /// A connection for datagrams, in either direction, broke or did not come about.
    PacketConnectionFailed { peer: SocketAddr, error: String },
}
