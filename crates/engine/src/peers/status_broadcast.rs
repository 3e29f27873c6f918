//! What Bellwether nodes send each other every few seconds.
//!
//! In and out: a protobuf message of ours. Go nodes never get one; they would ignore it.

use bellwether_model::Timestamp;
use prost::Message;

/// One node's status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusBroadcast {
    /// The sender's name.
    pub from: String,
    /// What the sender's own wall clock shows.
    pub wall: Timestamp,
    /// Hashes of the log keys for which the sender is attempting to notify.
    pub claims: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Encoded {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(uint32, tag = "2")]
    nanos: u32,
    #[prost(fixed64, repeated, tag = "3")]
    claims: Vec<u64>,
    #[prost(string, tag = "4")]
    from: String,
}

impl StatusBroadcast {
    pub fn encode(&self) -> Vec<u8> {
        let (seconds, nanos) = (self.wall.unix_seconds(), self.wall.subsec_nanos());
        let (claims, from) = (self.claims.clone(), self.from.clone());
        Encoded { seconds, nanos, claims, from }.encode_to_vec()
    }

    /// `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > BYTES_MAX {
            return None;
        }
        let Encoded { seconds, nanos, claims, from } = Encoded::decode(bytes).ok()?;
        let plausible = nanos < 1_000_000_000 && (0..=LATEST_SECONDS).contains(&seconds);
        plausible.then(|| StatusBroadcast {
            from,
            wall: Timestamp::from_unix(seconds, nanos),
            claims,
        })
    }
}

/// The end of the year 9999.
const LATEST_SECONDS: i64 = 253_402_300_799;

/// Limit: the bytes of a status broadcast, more than the claims of one take.
const BYTES_MAX: usize = 1 << 20;
