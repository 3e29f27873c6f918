//! One table: what the mesh and the cluster report, and which log line that is.
//!
//! In: a [`MeshNote`]. Out: one log line. Messages and field names are those of the Go Alertmanager
//! where it logs the same. Its levels differ in part: here a warning is something that an operator
//! can act on, said at first and then ever more rarely, and what recurs meanwhile is `debug`.

use bellwether_memberlist::cluster::{ClusterNote, Forgotten, JoinCause, JoinFailure, Refused};
use bellwether_memberlist::{MemberlistNote, Refusal};
use bellwether_mesh::{Advertised, MeshNote, Origin};
use tracing::{debug, info, warn};

/// Logs one note of the mesh.
///
/// Long because: it is the table.
pub fn record(note: &MeshNote) {
    match note {
        MeshNote::Cluster(note) => record_cluster(note),
        MeshNote::Advertising(advertised) => record_advertised(advertised),
        MeshNote::Unroutable { advertised, peer } => warn!(
            component = CLUSTER, addr = %advertised.ip(), peer,
            hint = "provide --cluster.advertise-address as a routable IP address or hostname",
            "this node advertises itself on an unroutable address"
        ),
        MeshNote::InterfacesUnread { error } => {
            warn!(component = CLUSTER, "couldn't deduce an advertise address: {error}");
        }
        MeshNote::LookupFailed { name, error } => {
            debug!(component = CLUSTER, name, err = error, "Peer name lookup failed");
        }
        MeshNote::TooManyConnections { from } => debug!(
            component = CLUSTER, addr = %from,
            "Connection refused: too many connections are open"
        ),
        MeshNote::StreamFailed { from, error } => {
            debug!(component = CLUSTER, addr = %from, err = error, "Inbound stream failed");
        }
        MeshNote::OpenFailed { to, error } if error.contains("exceeds the limit of") => {
            let hint = "raise --cluster.max-state-bytes, on all members";
            warn!(component = CLUSTER, addr = %to, err = error, hint, "Peer's state not taken");
        }
        MeshNote::OpenFailed { to, error } => {
            debug!(component = CLUSTER, addr = %to, err = error, "Outbound stream failed");
        }
        MeshNote::AcceptFailed { error } => {
            warn!(component = CLUSTER, err = error, "error accepting connection");
        }
        MeshNote::HandshakeFailed { from, error } => {
            // Debug: any stranger can cause it, as often as it likes.
            debug!(component = CLUSTER, addr = %from, err = error, "TLS handshake with peer failed");
        }
        MeshNote::PacketConnectionFailed { peer, error } => {
            debug!(component = CLUSTER, addr = %peer, err = error, "Packet connection failed");
        }
    }
}

fn record_advertised(Advertised { address, origin }: &Advertised) {
    let (addr, port) = (address.ip(), address.port());
    match origin {
        Origin::Operator | Origin::Listening => {
            debug!(component = CLUSTER, %addr, port, "This node advertises the configured address");
        }
        Origin::Private | Origin::Public | Origin::Loopback => {
            info!(component = CLUSTER, %addr, port, "setting advertise address explicitly");
        }
    }
}

/// Long because: it is the table.
fn record_cluster(note: &ClusterNote) {
    match note {
        ClusterNote::PeerJoined { peer, address, away: None } => {
            info!(component = CLUSTER, %peer, addr = %address, "Peer joined the cluster");
        }
        ClusterNote::PeerJoined { peer, address, away: Some(away) } => {
            info!(component = CLUSTER, %peer, addr = %address, ?away, "Peer is back in the cluster");
        }
        ClusterNote::PeerLost { peer, address, left: true } => {
            info!(component = CLUSTER, %peer, addr = %address, "Peer left the cluster");
        }
        ClusterNote::PeerLost { peer, address, left: false } => {
            warn!(
                component = CLUSTER, %peer, addr = %address,
                hint = "check that it runs, and that the cluster port is open for TCP and UDP",
                "Peer failed; trying to reconnect"
            );
        }
        ClusterNote::NameConflict { peer, known, other } => warn!(
            component = CLUSTER, %peer, addr = %known, other = %other,
            hint = "give each node a --cluster.peer-name and a --storage.path of its own",
            "Found conflicting peer IDs"
        ),
        ClusterNote::Joined { address, cause } => match cause {
            JoinCause::Boot => debug!(component = CLUSTER, addr = %address, "joined cluster"),
            JoinCause::Reconnect => debug!(component = CLUSTER, addr = %address, "Reconnected"),
            JoinCause::Refresh => {
                debug!(component = CLUSTER, addr = %address, "Joined a newly resolved address");
            }
        },
        ClusterNote::JoinFailed { peer, address, cause, failure, error, news } => {
            let peer = peer.as_deref().unwrap_or_default();
            let why = failure.to_string();
            let err = error.as_deref().unwrap_or(&why);
            // What is said of a foreign node is said when it is found out.
            let is_news = *news && *failure != JoinFailure::Foreign;
            match (is_news, cause) {
                (true, _) => warn!(
                    component = CLUSTER, peer, addr = %address, reason = %why, err,
                    hint = join_hint(*failure),
                    "failed to join cluster"
                ),
                (false, JoinCause::Boot) => {
                    debug!(component = CLUSTER, peer, addr = %address, err, "Joining failed");
                }
                (false, JoinCause::Reconnect) => {
                    debug!(component = CLUSTER, peer, addr = %address, err, "Reconnection failed");
                }
                (false, JoinCause::Refresh) => debug!(
                    component = CLUSTER, peer, addr = %address, err,
                    "Joining a resolved address failed"
                ),
            }
        }
        ClusterNote::Incomplete { members, missing } => {
            let missing = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            warn!(
                component = CLUSTER,
                members,
                missing,
                hint = "nodes that do not reach each other notify for themselves, so pages may be doubled",
                "Cluster is incomplete: configured peers are missing"
            );
        }
        ClusterNote::Complete { members } => {
            info!(component = CLUSTER, members, "Cluster is complete");
        }
        ClusterNote::RefusedFromPeer { from, why: Refused::Handshake, error } => warn!(
            component = CLUSTER, addr = %from, err = error,
            hint = "--cluster.tls-config must be set on all nodes, with certificates that all trust",
            "TLS handshake failed with a host that runs a peer"
        ),
        ClusterNote::RefusedFromPeer {
            from,
            why: Refused::Malformed | Refused::Foreign,
            error,
        } => {
            warn!(
                component = CLUSTER, addr = %from, err = error,
                hint = "--cluster.label and --cluster.tls-config must be the same on all nodes",
                "Invalid message from a host that runs a peer"
            );
        }
        ClusterNote::NameUnresolved { name, error } => warn!(
            component = CLUSTER,
            name,
            err = error.as_deref().unwrap_or("no address was found"),
            hint = "check --cluster.peer and DNS; the lookup is repeated",
            "Peer name does not resolve to any address"
        ),
        ClusterNote::NameResolved { name, addresses } => {
            let peers: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let peers = peers.join(",");
            debug!(component = CLUSTER, name, peers, "resolved peers to following addresses");
        }
        ClusterNote::PeerForgotten { address, reason } => match reason {
            Forgotten::TimedOut => {
                info!(component = CLUSTER, addr = %address, "failed peer has timed out");
            }
            Forgotten::NoLongerNamed => info!(
                component = CLUSTER, addr = %address,
                "Reconnection given up: no --cluster.peer resolves to the address any more"
            ),
            Forgotten::Recycled => info!(
                component = CLUSTER, addr = %address,
                "Reconnection given up: another node answers at the address"
            ),
            Forgotten::TooMany => warn!(
                component = CLUSTER, addr = %address,
                "Reconnection given up: too many peers have failed"
            ),
        },
        ClusterNote::PingRejected { address, expected: Some(peer) } => debug!(
            component = CLUSTER, addr = %address, %peer,
            "Another node answers at the address of a failed peer"
        ),
        ClusterNote::PingRejected { address, expected: None } => debug!(
            component = CLUSTER, addr = %address,
            "Peer closed the connection without an answer"
        ),
        ClusterNote::ForeignCluster { address, news: false } => debug!(
            component = CLUSTER, addr = %address,
            "Node belongs to a different cluster; nothing was merged"
        ),
        ClusterNote::ForeignCluster { address, news: true } => warn!(
            component = CLUSTER, addr = %address,
            hint = "check --cluster.peer, or --cluster.id if the node belongs to this cluster",
            "Node belongs to a different cluster; nothing was merged"
        ),
        ClusterNote::SettleStarted { interval } => {
            info!(component = CLUSTER, ?interval, "Waiting for gossip to settle...");
        }
        ClusterNote::SettlePoll { before, now, elapsed, steady: true, .. } => {
            debug!(component = CLUSTER, before, now, ?elapsed, "gossip looks settled");
        }
        ClusterNote::SettlePoll { polls, before, now, elapsed, steady: false } => {
            info!(component = CLUSTER, polls, before, now, ?elapsed, "gossip not settled");
        }
        ClusterNote::Settled { elapsed } => {
            info!(component = CLUSTER, ?elapsed, "gossip settled; proceeding");
        }
        ClusterNote::SettleTimedOut { polls, elapsed } => {
            warn!(component = CLUSTER, polls, ?elapsed, "gossip not settled but continuing anyway")
        }
        ClusterNote::OversizeDropped { key } => {
            warn!(component = CLUSTER, key, "oversized gossip channel full");
        }
        ClusterNote::OversizeFailed { key, peer } => {
            debug!(component = CLUSTER, key, node = %peer, "failed to send reliable");
        }
        ClusterNote::StateMissing => warn!(
            component = CLUSTER,
            "Push-pull aborted: this server did not provide its full state in time"
        ),
        ClusterNote::ExchangeRefused { address } => debug!(
            component = CLUSTER, addr = %address,
            "Push-pull refused: too many peers request the full state at once"
        ),
        ClusterNote::Undecodable { from } => {
            warn!(component = CLUSTER, addr = %from, "Received an undecodable message from peer");
        }
        ClusterNote::PeerUnknown { peer } => {
            debug!(component = CLUSTER, %peer, "Message dropped: the peer is not a member");
        }
        ClusterNote::Membership(note) => record_membership(note),
    }
}

/// What to do about a peer that cannot be joined.
fn join_hint(failure: JoinFailure) -> &'static str {
    match failure {
        JoinFailure::Unreachable => {
            "check the address in --cluster.peer, that the peer runs, and its --cluster.listen-address"
        }
        JoinFailure::TimedOut => {
            "check that the address in --cluster.peer is a cluster port, not a web port; \
             a firewall may drop packets to it"
        }
        JoinFailure::Tls => {
            "--cluster.tls-config must be set on all nodes, with certificates that all trust"
        }
        JoinFailure::Closed => {
            "--cluster.label and --cluster.tls-config must be the same on all nodes"
        }
        JoinFailure::Malformed => {
            "check that the address in --cluster.peer is a cluster port, not a web port; \
             --cluster.tls-config must be set on all nodes or on none"
        }
        JoinFailure::Foreign => "check --cluster.peer and --cluster.id",
        JoinFailure::Versions => "the peer is too old or too new to share a cluster with",
        JoinFailure::NotMerged => "see the log of the peer; it is tried again",
        JoinFailure::Busy => "too many connections to peers are open; it is tried again",
    }
}

/// Long because: it is the table.
fn record_membership(note: &MemberlistNote) {
    match note {
        MemberlistNote::Undecodable { from, error } => {
            debug!(component = CLUSTER, addr = %from, err = %error, "Datagram is undecodable");
        }
        MemberlistNote::Misdirected { from, wanted } => {
            debug!(component = CLUSTER, addr = %from, %wanted, "Received a ping for another node");
        }
        MemberlistNote::UnexpectedOnStream { from } => {
            debug!(component = CLUSTER, addr = %from, "Received an unexpected message on a stream");
        }
        MemberlistNote::BadVersions { node, address } => debug!(
            component = CLUSTER, peer = %node, addr = %address,
            "Peer announces invalid protocol versions"
        ),
        MemberlistNote::RecordsSkipped { from, count } => {
            debug!(component = CLUSTER, addr = %from, count, "Push-pull has invalid node records");
        }
        MemberlistNote::ForeignNode { node, address } => debug!(
            component = CLUSTER, peer = %node, addr = %address,
            "Node of a different cluster ignored"
        ),
        MemberlistNote::MergeRefused { from, refusal: Refusal::Versions } => warn!(
            component = CLUSTER, addr = %from,
            "Push-pull refused: the protocol versions of the nodes are incompatible"
        ),
        MemberlistNote::MergeRefused { from, refusal: Refusal::Cluster } => warn!(
            component = CLUSTER, addr = %from,
            "Push-pull refused: the node belongs to a different cluster"
        ),
        MemberlistNote::PushPullFailed { to } => {
            debug!(component = CLUSTER, addr = %to, "Push-pull with peer failed");
        }
        MemberlistNote::MembersFull { refused, address } => warn!(
            component = CLUSTER, peer = %refused, addr = %address,
            hint = "raise --cluster.max-members if the cluster is that large, else close the cluster \
                    port to strangers",
            "Peer refused: the cluster has too many members"
        ),
        MemberlistNote::NodesFull { refused } => warn!(
            component = CLUSTER, peer = %refused,
            "Node ignored: too many nodes are known"
        ),
        MemberlistNote::RelaysFull { from } => debug!(
            component = CLUSTER, addr = %from,
            "Indirect ping dropped: too many are being relayed"
        ),
        MemberlistNote::QueuePruned { count } => warn!(
            component = CLUSTER,
            dropped = count,
            "dropping messages because too many are queued"
        ),
        MemberlistNote::MessageTooLarge { bytes } => {
            debug!(component = CLUSTER, bytes, "Message dropped: it exceeds the datagram size");
        }
        MemberlistNote::ProbeFailed { node } => {
            debug!(component = CLUSTER, peer = %node, "Peer did not answer a probe");
        }
        MemberlistNote::DatagramsBlocked { node } => info!(
            component = CLUSTER, peer = %node,
            hint = "open the cluster port for UDP as well as TCP",
            "Peer answers by TCP but not by UDP"
        ),
        MemberlistNote::Suspected { node, by } => {
            debug!(component = CLUSTER, peer = %node, %by, "Peer is suspected to have failed");
        }
        MemberlistNote::Failed { node, confirmations } => {
            debug!(component = CLUSTER, peer = %node, confirmations, "Suspicion timed out");
        }
        MemberlistNote::Refuted { incarnation, by: Some(by) } => {
            debug!(component = CLUSTER, incarnation, %by, "Suspicion of this node refuted");
        }
        MemberlistNote::Refuted { incarnation, by: None } => {
            debug!(component = CLUSTER, incarnation, "Outdated record of this node refuted");
        }
        MemberlistNote::Moved { node, from, to } => {
            info!(component = CLUSTER, peer = %node, %from, %to, "Peer returned with a new address");
        }
        MemberlistNote::Paused { by } => {
            info!(component = CLUSTER, ?by, "This process was paused; probe timeouts are extended");
        }
    }
}

const CLUSTER: &str = "cluster";
