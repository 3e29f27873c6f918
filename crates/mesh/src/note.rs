//! Notes of the mesh, for the log.

use std::net::{IpAddr, SocketAddr};

use bellwether_memberlist::cluster;

use crate::advertise::Advertised;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshNote {
    /// A note of the cluster layer.
    Cluster(cluster::ClusterNote),
    /// The advertised address, and how it was chosen.
    Advertising(Advertised),
    /// The advertised address cannot be reached by other hosts, and a peer is on one.
    Unroutable { advertised: SocketAddr, peer: String },
    /// The addresses of this host could not be read.
    InterfacesUnread { error: String },
    /// A name could not be looked up.
    LookupFailed { name: String, error: String },
    /// A connection was closed because too many are open, overall or from that address.
    TooManyConnections { from: IpAddr },
    /// An inbound stream failed.
    StreamFailed { from: SocketAddr, error: String },
    /// An outbound stream failed.
    OpenFailed { to: SocketAddr, error: String },
    /// Accepting a connection failed; it is retried.
    AcceptFailed { error: String },
    /// The TLS handshake of an inbound connection failed, or its first frame is malformed.
    HandshakeFailed { from: SocketAddr, error: String },
    /// A packet connection, in either direction, failed.
    PacketConnectionFailed { peer: SocketAddr, error: String },
}
