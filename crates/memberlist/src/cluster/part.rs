//! What members' layers above tell each other, as protobufs.

use bytes::Bytes;

/// Content of one kind, named by its key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Part {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
}

/// All content of a node.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FullState {
    #[prost(message, repeated, tag = "1")]
    pub parts: Vec<Part>,
}
