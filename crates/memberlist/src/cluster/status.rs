//! What is shown of the cluster, as one value.

use std::fmt;

use bytes::Bytes;

use crate::message::{Address, NodeName};

/// The cluster as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub name: NodeName,
    /// Under which the others find us.
    pub address: Address,
    /// What is missing until the cluster counts as settled; `None` if it does.
    pub settling: Option<Settling>,
    /// Our place among the members, from 0.
    pub position: usize,
    /// Ourselves among them, sorted by name.
    pub members: Vec<Member>,
    /// How many others the configuration names.
    pub expected: usize,
    /// Addresses of peers that cannot be reached at present and are tried again.
    pub failed_peers: usize,
    /// Updates that wait for being gossiped.
    pub messages_queued: usize,
    /// 0 is healthy; the higher, the less this node trusts its own probes of others.
    pub health_score: u32,
}

/// Who belongs to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: NodeName,
    pub address: Address,
    /// What it says about itself; Go nodes say nothing.
    pub meta: Bytes,
    /// It did not answer, and has a few seconds to contradict.
    pub suspect: bool,
}

/// What is missing until the cluster counts as settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// Polls of the number of members that must still see no change.
    pub polls_missing: u32,
    /// Names of configured peers that do not resolve.
    pub unresolved: Vec<String>,
    /// Addresses that are being joined for the first time.
    pub joining: Vec<Address>,
}

impl fmt::Display for Settling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} more polls without a membership change required", self.polls_missing)?;
        for name in &self.unresolved {
            write!(f, "; peer {name} does not resolve")?;
        }
        for address in &self.joining {
            write!(f, "; joining {address}")?;
        }
        Ok(())
    }
}
