//! The gossip protocol of hashicorp/memberlist, without sockets or clocks.

pub mod cluster;
mod machine;
mod message;
pub mod wire;

pub use cluster::Cluster;
pub use machine::{
    Event, Gate, Input, JoinOutcome, Limits, Memberlist, Meta, Mono, Node, Note, Output, Refusal,
    Sent, Settings, StreamId, Ticket, Via,
};
pub use message::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, Label, META_BYTES_MAX, Message,
    NODE_NAME_BYTES_MAX, Nack, NameError, NodeName, NodeState, NodeStatus, Ping, PushPull,
    StreamMessage, Suspect, UserMessage, Versions,
};
