//! The protobuf messages, by the field numbers of Alertmanager's `silencepb` and `nflogpb`.

use std::collections::BTreeMap;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MeshSilence {
    #[prost(message, optional, tag = "1")]
    pub silence: Option<Silence>,
    #[prost(message, optional, tag = "2")]
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Silence {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, repeated, tag = "2")]
    pub matchers: Vec<Matcher>,
    #[prost(message, optional, tag = "3")]
    pub starts_at: Option<Timestamp>,
    #[prost(message, optional, tag = "4")]
    pub ends_at: Option<Timestamp>,
    #[prost(message, optional, tag = "5")]
    pub updated_at: Option<Timestamp>,
    #[prost(message, repeated, tag = "7")]
    pub comments: Vec<Comment>,
    #[prost(string, tag = "8")]
    pub created_by: String,
    #[prost(string, tag = "9")]
    pub comment: String,
    #[prost(btree_map = "string, string", tag = "10")]
    pub annotations: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "11")]
    pub matcher_sets: Vec<MatcherSet>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MatcherSet {
    #[prost(message, repeated, tag = "1")]
    pub matchers: Vec<Matcher>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Matcher {
    #[prost(enumeration = "MatcherKind", tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub pattern: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum MatcherKind {
    Equal = 0,
    Regexp = 1,
    NotEqual = 2,
    NotRegexp = 3,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Comment {
    #[prost(string, tag = "1")]
    pub author: String,
    #[prost(string, tag = "2")]
    pub comment: String,
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MeshEntry {
    #[prost(message, optional, tag = "1")]
    pub entry: Option<Entry>,
    #[prost(message, optional, tag = "2")]
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    pub group_key: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub receiver: Option<Receiver>,
    #[prost(message, optional, tag = "5")]
    pub timestamp: Option<Timestamp>,
    #[prost(uint64, repeated, tag = "6")]
    pub firing_alerts: Vec<u64>,
    #[prost(uint64, repeated, tag = "7")]
    pub resolved_alerts: Vec<u64>,
    #[prost(btree_map = "string, message", tag = "8")]
    pub receiver_data: BTreeMap<String, ReceiverDataValue>,
    #[prost(uint64, repeated, tag = "9")]
    pub muted_alerts: Vec<u64>,
    /// Ours: notified as firing, suppressed since, and still to be notified as resolved.
    #[prost(uint64, repeated, tag = "1000")]
    pub resolve_pending_alerts: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Receiver {
    #[prost(string, tag = "1")]
    pub group_name: String,
    #[prost(string, tag = "2")]
    pub integration: String,
    #[prost(uint32, tag = "3")]
    pub idx: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReceiverDataValue {
    #[prost(oneof = "receiver_data_value::Value", tags = "1, 2, 3")]
    pub value: Option<receiver_data_value::Value>,
}

pub(super) mod receiver_data_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Value {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(int64, tag = "2")]
        Integer(i64),
        #[prost(double, tag = "3")]
        Number(f64),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}
