//! What do members say to each other?
//!
//! The messages of the gossip protocol as plain values, without a trace of their bytes: [`wire`]
//! turns them into datagrams and streams and back. [`Message`] is what a datagram can carry,
//! [`StreamMessage`] what a connection can; a connection carries one and at most one answer.
//!
//! What cannot be acted upon never becomes a value: a name is never empty, an address is always of
//! one of the two families, a version vector has six bytes or is absent. That a message is well
//! formed does not make it true; to judge that is the business of the membership machine.
//!
//! Names and addresses are kept exactly as they came, since they are passed on: Go compares the
//! bytes of addresses, so an IPv4 address in sixteen bytes stays an IPv6 address here.
//!
//! [`wire`]: crate::wire

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

/// One message of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Ping(Ping),
    IndirectPing(IndirectPing),
    Ack(Ack),
    Nack(Nack),
    Suspect(Suspect),
    Alive(Alive),
    Dead(Dead),
    User(UserMessage),
}

/// The one message of a stream, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamMessage {
    PushPull(PushPull),
    User(UserMessage),
    /// A probe for peers that datagrams do not reach; answered by an `Ack` on the same stream.
    Ping(Ping),
    Ack(Ack),
    Error(ErrorReply),
}

/// "Are you there?"
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Echoed by the answer.
    pub sequence: u32,
    /// Whom it is meant for; another node at that address does not answer. `None` is anybody.
    pub node: Option<NodeName>,
    /// Where the answer goes; `None` is where the datagram came from.
    pub source: Option<Address>,
    pub source_node: Option<NodeName>,
}

/// "Ask that node for me whether it is there."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndirectPing {
    /// The originator's; the relayed answer echoes it.
    pub sequence: u32,
    pub target: Address,
    pub node: Option<NodeName>,
    /// Whether the originator wants a nack if the target does not answer.
    pub nack: bool,
    /// Where the relayed answer goes; `None` is where the datagram came from.
    pub source: Option<Address>,
    pub source_node: Option<NodeName>,
}

/// "I am here", or "it is".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub sequence: u32,
    /// Nothing, from every Alertmanager.
    pub payload: Bytes,
}

/// "I asked for you, and it did not answer me."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    pub sequence: u32,
}

/// "`from` has had no answer from `node`."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub incarnation: u32,
    pub node: NodeName,
    pub from: NodeName,
}

/// "`node` is here, at that address."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    pub incarnation: u32,
    pub node: NodeName,
    /// Port 0 stands for the receiver's own port.
    pub address: Address,
    /// At most [`META_BYTES_MAX`] bytes that the node says about itself.
    pub meta: Bytes,
    /// `None` if there were fewer than six bytes.
    pub versions: Option<Versions>,
}

/// "`node` is gone"; it has left of its own will if `from` is the node itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    pub incarnation: u32,
    pub node: NodeName,
    pub from: NodeName,
}

/// Bytes of the layer above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMessage {
    pub body: Bytes,
}

/// Why a stream was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReply {
    pub text: String,
}

/// All that a node knows of the cluster, and the layer above of its own matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushPull {
    /// Whether the initiator has just started; the answer repeats it.
    pub join: bool,
    /// Every node known, the sender among them.
    pub nodes: Vec<NodeState>,
    /// Empty if there is none.
    pub user_state: Bytes,
    /// Records that were left out when this was read, since they are of no use: without a
    /// name, of no known address family or status. Not sent.
    pub skipped: usize,
}

/// What the sender of a push-pull knows of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    pub name: NodeName,
    /// Port 0 stands for the receiver's own port.
    pub address: Address,
    pub meta: Bytes,
    pub incarnation: u32,
    pub status: NodeStatus,
    /// `None` if there were fewer than six bytes.
    pub versions: Option<Versions>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeStatus {
    Alive,
    Suspect,
    Dead,
    /// Gone of its own will.
    Left,
}

/// Where a node listens, for datagrams and streams alike.
///
/// An IPv4 address that came in sixteen bytes is an `IpAddr::V6` and is sent so again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub ip: IpAddr,
    pub port: u16,
}

/// Six bytes: the least, the greatest and the spoken version of the protocol, and the same three
/// of the layer above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versions(pub [u8; 6]);

/// The name of a node: UTF-8, not empty, at most [`NODE_NAME_BYTES_MAX`] bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

/// The cluster's label, which every datagram and every inbound stream begins with unless it is
/// empty: at most 255 bytes. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label(Bytes);

/// A name or label of the operator that the protocol has no room for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    #[error("a node's name must not be empty")]
    Empty,
    #[error("a node's name has {bytes} bytes, and at most {NODE_NAME_BYTES_MAX} are allowed")]
    NameTooLong { bytes: usize },
    #[error("a cluster label has {bytes} bytes, and at most {LABEL_BYTES_MAX} are allowed")]
    LabelTooLong { bytes: usize },
}

impl Address {
    pub fn new(ip: impl Into<IpAddr>, port: u16) -> Self {
        Self { ip: ip.into(), port }
    }
}

impl Versions {
    /// What every Alertmanager says: it understands 1 to 5 and speaks 2; the layer above has none.
    pub const OURS: Self = Self([1, 5, 2, 0, 0, 0]);

    pub fn protocol_min(self) -> u8 {
        self.0[0]
    }

    /// Decides what the node is sent: from 3 on stream pings, from 4 on nacks, from 5 on checksums.
    pub fn protocol_max(self) -> u8 {
        self.0[1]
    }

    pub fn protocol(self) -> u8 {
        self.0[2]
    }

    pub fn delegate_min(self) -> u8 {
        self.0[3]
    }

    pub fn delegate_max(self) -> u8 {
        self.0[4]
    }

    pub fn delegate(self) -> u8 {
        self.0[5]
    }
}

impl NodeName {
    pub fn new(name: &str) -> Result<Self, NameError> {
        match name.len() {
            0 => Err(NameError::Empty),
            1..=NODE_NAME_BYTES_MAX => Ok(Self(name.into())),
            bytes => Err(NameError::NameTooLong { bytes }),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Label {
    /// An empty label is none.
    pub fn new(label: &str) -> Result<Self, NameError> {
        match label.len() {
            0..=LABEL_BYTES_MAX => Ok(Self(Bytes::copy_from_slice(label.as_bytes()))),
            bytes => Err(NameError::LabelTooLong { bytes }),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// Limit: what a node says about itself, as in Go.
pub const META_BYTES_MAX: usize = 512;
/// Limit: Go knows none; names are identifiers of 26 letters or what an operator chose.
pub const NODE_NAME_BYTES_MAX: usize = 512;
/// Limit: its length is sent in one byte.
pub const LABEL_BYTES_MAX: usize = 255;
