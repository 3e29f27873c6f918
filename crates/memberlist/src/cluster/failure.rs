//! Why nodes of a cluster do not come together.

use std::fmt;

/// Why a peer could not be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JoinFailure {
    /// No connection: nothing listens there, or the network is down.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The TLS handshake failed.
    Tls,
    /// The connection was closed without an answer: another label, TLS on one side alone, or another
    /// node than the one that was expected.
    Closed,
    /// The answer is none of this protocol.
    Malformed,
    /// The node is of a different cluster.
    Foreign,
    /// It does not speak the same version of the protocol.
    Versions,
    /// It answers pings, but no full state was exchanged.
    NotMerged,
    /// This node has too many open streams.
    Busy,
}

impl JoinFailure {
    pub const ALL: [Self; 9] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Tls,
        Self::Closed,
        Self::Malformed,
        Self::Foreign,
        Self::Versions,
        Self::NotMerged,
        Self::Busy,
    ];

    /// For metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::Tls => "tls",
            Self::Closed => "closed",
            Self::Malformed => "malformed",
            Self::Foreign => "foreign",
            Self::Versions => "versions",
            Self::NotMerged => "not_merged",
            Self::Busy => "busy",
        }
    }
}

impl fmt::Display for JoinFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "no connection",
            Self::TimedOut => "no answer in time",
            Self::Tls => "TLS handshake failed",
            Self::Closed => "connection closed without an answer",
            Self::Malformed => "invalid answer",
            Self::Foreign => "different cluster",
            Self::Versions => "incompatible protocol versions",
            Self::NotMerged => "exchange of the full state failed",
            Self::Busy => "too many open streams on this node",
        })
    }
}

/// Why something that came in was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// The TLS handshake failed.
    Handshake,
    /// A stream begins with something else than it should.
    Malformed,
    /// It is of a different cluster.
    Foreign,
}
