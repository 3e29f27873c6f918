//! Settings of a member.
//!
//! Its identity, and the parameters of the protocol. The members of a cluster should agree on almost
//! all of these, so [`MemberlistSettings::alertmanager`] returns the values of the Go Alertmanager. The
//! fields are public; flags replace some of them.

use std::time::Duration;

use bytes::Bytes;

use crate::message::{Address, Label, META_BYTES_MAX, NodeName, Versions};
use crate::wire::Compression;

#[derive(Clone, Debug)]
pub struct MemberlistSettings {
    /// Unique in the cluster. The same name after a restart is the same member.
    pub name: NodeName,
    /// Where peers reach this node, by datagrams and by streams.
    pub address: Address,
    /// The node metadata sent to every peer.
    pub meta: NodeMeta,
    pub versions: Versions,
    /// Which nodes may become members; `None` admits all with the same label.
    pub member_filter: Option<MemberFilter>,
    /// Precedes each datagram; messages with another label are dropped.
    pub label: Label,
    /// For datagrams only. Peers read both; compression costs more than it saves on small ones.
    pub compression: Compression,

    /// The interval between rounds of gossip.
    pub gossip_interval: Duration,
    /// Number of peers in a round of gossip.
    pub gossip_nodes: usize,
    /// How long a failed peer is remembered and still sent gossip, in case it is alive.
    pub gossip_to_dead: Duration,
    /// How often broadcasts about members are sent, times the digits of the number of nodes.
    pub retransmit_mult: u32,
    /// The same for user messages.
    pub user_retransmit_mult: u32,
    /// The maximum size of a datagram, including the label.
    pub datagram_bytes: usize,

    /// The interval between probes.
    pub probe_interval: Duration,
    /// The timeout of a direct ping, and of one relayed for a peer.
    pub probe_timeout: Duration,
    /// Number of members that probe indirectly.
    pub indirect_checks: usize,
    /// The minimum suspicion timeout in probe intervals; longer in a cluster of more than ten.
    pub suspicion_mult: u32,
    /// The maximum suspicion timeout, as a multiple of the minimum.
    pub suspicion_max_timeout_mult: u32,
    /// The awareness score stays below this.
    pub awareness_max: u32,

    /// The interval between push-pulls; longer in a cluster of more than 32.
    pub push_pull_interval: Duration,
    /// The timeout of an outbound stream, from dialling to the end of the reply.
    pub stream_timeout: Duration,
    /// The timeout of a leave.
    pub leave_timeout: Duration,

    pub limits: Limits,
}

/// Limits on what the machine keeps of what peers send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Known nodes, including failed ones and this node; more are ignored.
    pub nodes_max: usize,
    /// Members, including this node; more are refused, unless they are expected
    /// ([`Input::Expect`](super::Input::Expect)).
    pub members_max: usize,
    /// Queued user messages; beyond it the most transmitted are dropped.
    pub user_queue_max: usize,
    /// Indirect pings relayed at one time; more are dropped.
    pub relays_max: usize,
}

/// What a node publishes about itself: at most 512 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeMeta(Bytes);

/// Admits members of this cluster and rejects those of a different one, by their node metadata.
///
/// Metadata that begin with `scheme` must continue with `cluster`; others, such as the empty ones of
/// a Go Alertmanager, are admitted. A rejected node never becomes known, and a push-pull in which
/// one is alive is refused as a whole, so that two clusters do not merge over an address that was
/// reused.
///
/// A node must keep its cluster while its name is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFilter {
    /// The beginning of metadata that name a cluster.
    pub scheme: Bytes,
    /// What follows for this cluster; ends with a separator.
    pub cluster: Bytes,
}

impl MemberlistSettings {
    /// The defaults of the Go Alertmanager.
    ///
    /// `peers` is the number of addresses in its configuration (`--cluster.peer`), on which the
    /// fan-out depends.
    pub fn alertmanager(name: NodeName, address: Address, peers: usize) -> Self {
        let fan_out = (peers / 2).max(3);
        MemberlistSettings {
            name,
            address,
            meta: NodeMeta::default(),
            versions: Versions::OURS,
            member_filter: None,
            label: Label::default(),
            compression: Compression::None,
            gossip_interval: Duration::from_millis(200),
            gossip_nodes: fan_out,
            gossip_to_dead: Duration::from_secs(30),
            retransmit_mult: 4,
            user_retransmit_mult: u32::try_from(fan_out).unwrap_or(u32::MAX),
            datagram_bytes: 1400,
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            indirect_checks: 3,
            suspicion_mult: 4,
            suspicion_max_timeout_mult: 6,
            awareness_max: 8,
            push_pull_interval: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(10),
            leave_timeout: Duration::from_secs(10),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { nodes_max: 10_000, members_max: 100, user_queue_max: 4096, relays_max: 1024 }
    }
}

impl NodeMeta {
    /// `None` if there are too many bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() <= META_BYTES_MAX).then_some(NodeMeta(bytes))
    }

    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl MemberFilter {
    /// Whether a node with these metadata may become a member.
    pub fn admits(&self, meta: &[u8]) -> bool {
        meta.strip_prefix(self.scheme.as_ref()).is_none_or(|rest| rest.starts_with(&self.cluster))
    }
}
