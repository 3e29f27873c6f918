//! The status of the cluster, for the API, readiness and metrics.

use std::fmt;

use bytes::Bytes;

use crate::cluster::failure::JoinFailure;
use crate::message::{Address, NodeName};

/// The cluster as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub name: NodeName,
    /// The address that this node advertises.
    pub address: Address,
    /// What is missing until the cluster has settled; `None` if it has.
    pub settling: Option<Settling>,
    /// This node's position among the members, from 0.
    pub position: usize,
    /// Including this node, sorted by name.
    pub members: Vec<Member>,
    /// Nodes that were not taken as members since there are too many.
    pub refused: Option<RefusedMembers>,
    /// The number of other members that the configuration names.
    pub expected: usize,
    /// Configured peers that are not members, and members that have failed.
    pub missing: Vec<Missing>,
    /// Addresses of failed peers that this node tries to rejoin.
    pub failed_peers: usize,
    /// Updates in the broadcast queue.
    pub messages_queued: usize,
    /// 0 is healthy; the higher, the less this node trusts its own probes of others.
    pub health_score: u32,
}

/// A member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: NodeName,
    pub address: Address,
    /// Its node metadata; empty for Go nodes.
    pub meta: Bytes,
    /// A probe failed, and the member has not refuted the suspicion yet.
    pub suspect: bool,
}

/// There are as many members as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedMembers {
    /// Messages about others since the start.
    pub count: u64,
    pub limit: usize,
}

/// A peer that should be a member and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// As it is configured, or the name of the failed member.
    pub peer: String,
    /// `None`: the name does not resolve.
    pub address: Option<Address>,
    /// Why the last attempt to join it failed; `None` before the first.
    pub failure: Option<JoinFailure>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.peer)?;
        let Some(address) = self.address else { return f.write_str(" (does not resolve)") };
        let address = address.to_string();
        if address != self.peer {
            write!(f, " at {address}")?;
        }
        self.failure.map_or(Ok(()), |failure| write!(f, " ({failure})"))
    }
}

/// What is missing until the cluster has settled.
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
