//! What is a member told before it starts?
//!
//! Who it is, and the figures of the protocol. All but a few are fixed by the peers: a cluster
//! works best if its members agree on them, so [`MemberlistSettings::alertmanager`] gives what the Go
//! Alertmanager uses. The fields are public; the flags of an operator replace some of them.

use std::time::Duration;

use bytes::Bytes;

use crate::message::{Address, Label, META_BYTES_MAX, NodeName, Versions};
use crate::wire::Compression;

#[derive(Clone, Debug)]
pub struct MemberlistSettings {
    /// Unique in the cluster. The same name after a restart is the same member.
    pub name: NodeName,
    /// Where peers reach us, by datagrams and by streams.
    pub address: Address,
    /// What we say about ourselves to every peer.
    pub meta: NodeMeta,
    pub versions: Versions,
    /// Which peers may be members of our cluster; `None` lets in all that share our label.
    pub member_filter: Option<MemberFilter>,
    /// Stands before each datagram; peers with another one do not hear us, nor we them.
    pub label: Label,
    /// For datagrams only. Peers read both; compression costs more than it saves on small ones.
    pub compression: Compression,

    /// How often queued news are sent.
    pub gossip_interval: Duration,
    /// To how many peers each time.
    pub gossip_nodes: usize,
    /// For how long a dead peer still gets our news, in case it is not, and is remembered.
    pub gossip_to_dead: Duration,
    /// Broadcasts about members are sent this often, times the digits of the number of nodes.
    pub retransmit_mult: u32,
    /// The same for the news of the layer above.
    pub user_retransmit_mult: u32,
    /// The size that datagrams keep to, label included.
    pub datagram_bytes: usize,

    /// How often one peer is request whether it is there.
    pub probe_interval: Duration,
    /// How long it has before others are request to ask it; also what we grant it as their relay.
    pub probe_timeout: Duration,
    /// How many others.
    pub indirect_checks: usize,
    /// A suspect has this many probe intervals to refute, or more in a cluster of more than ten.
    pub suspicion_mult: u32,
    /// Until others confirm the suspicion it has this many times as long.
    pub suspicion_max_timeout_mult: u32,
    /// The health score stays below this.
    pub awareness_max: u32,

    /// How often all is compared with one peer; less often in a cluster of more than 32.
    pub push_pull_interval: Duration,
    /// What a stream that we open may take from dialling to the end of the answer.
    pub stream_timeout: Duration,
    /// How long our farewell may take.
    pub leave_timeout: Duration,

    pub limits: Limits,
}

/// How much the machine remembers of what others send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes known, the dead and ourselves included; more are not let in.
    pub nodes_max: usize,
    /// Broadcasts of the layer above that wait for their transmissions; the most transmitted go first.
    pub user_queue_max: usize,
    /// Indirect pings that we are relaying at one time; more are not answered.
    pub relays_max: usize,
}

/// What a node says about itself: at most 512 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeMeta(Bytes);

/// Tells the members of our cluster from strangers, by what they say about themselves.
///
/// Some members, such as every Go Alertmanager, say nothing; they cannot be told apart. Those that
/// do begin with `scheme`, and then must go on with `cluster`. A stranger never becomes a node
/// here, and a push-pull in which one is alive is refused as a whole, so that two clusters stay
/// two when they meet at an address that has changed hands.
///
/// A name must keep its cluster while the name is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFilter {
    /// How a meta begins that names its cluster.
    pub scheme: Bytes,
    /// How it goes on for ours; end it with a separator.
    pub cluster: Bytes,
}

impl MemberlistSettings {
    /// What the Go Alertmanager uses if no flag says otherwise.
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
        Limits { nodes_max: 10_000, user_queue_max: 4096, relays_max: 1024 }
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
    /// Whether a node that says `meta` about itself may be a member of our cluster.
    pub fn admits(&self, meta: &[u8]) -> bool {
        meta.strip_prefix(self.scheme.as_ref()).is_none_or(|rest| rest.starts_with(&self.cluster))
    }
}
