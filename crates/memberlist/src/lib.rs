//! The gossip protocol of hashicorp/memberlist, without sockets or clocks.

pub mod cluster;
mod machine;
mod message;
pub mod wire;

pub use cluster::Cluster;
pub use machine::{
    DatagramOrStream, InboundId, Input, JoinOutcome, Limits, MemberFilter, Memberlist,
    MemberlistNote, MemberlistSettings, MembershipEvent, Mono, Node, NodeMeta, Output, Refusal,
    Sent, StreamId,
};
pub use message::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, Label, META_BYTES_MAX, Message,
    NODE_NAME_BYTES_MAX, Nack, NameError, NodeName, NodeState, NodeStatus, Ping, PushPull,
    StreamMessage, Suspect, UserMessage, Versions,
};
