//! Push-pull: two nodes exchange their full state over a stream.
//!
//! When a node joins, and every minute or so with a random member. A push-pull repairs what gossip has
//! lost, and merges two halves of a cluster again.
//!
//! The node records of the peer are judged like any other claim, with one exception: a dead node is
//! only suspected, since it may have refuted the failure meanwhile.

use bytes::Bytes;

use super::{
    InboundId, JoinOutcome, Memberlist, MemberlistNote, MembershipEvent, Node, Output, Refusal,
    StreamId, scale,
};
use crate::message::{
    Address, Alive, Dead, ErrorReply, NodeState, NodeStatus, PushPull, StreamMessage, Suspect,
    Versions,
};

/// What a push-pull of this node is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum PushPullKind {
    /// A join; the layer above waits for its outcome.
    Join(Address),
    Regular(Address),
}

impl Memberlist {
    pub(super) fn push_pull_due(&mut self, out: &mut Vec<Output>) {
        let interval =
            scale::push_pull_interval(self.settings.push_pull_interval, self.nodes.len());
        self.push_pull_at = self.now.plus(interval);
        self.push_pull_with(1, out);
    }

    /// Exchanges states with some peers at once: one of them may be down.
    pub(super) fn catch_up(&mut self, out: &mut Vec<Output>) {
        self.push_pull_with(CATCH_UP_PEERS, out);
    }

    fn push_pull_with(&mut self, count: usize, out: &mut Vec<Output>) {
        let peers = self.nodes.others().filter(|node| node.status == NodeStatus::Alive);
        let peers = peers.map(|node| node.address).collect();
        for peer in self.rng.pick(peers, count) {
            self.begin_push_pull(peer, PushPullKind::Regular(peer), out);
        }
    }

    pub(super) fn begin_push_pull(
        &mut self,
        to: Address,
        kind: PushPullKind,
        out: &mut Vec<Output>,
    ) {
        let stream = self.next_stream();
        self.push_pulls.insert(stream, kind);
        let join = matches!(kind, PushPullKind::Join(_));
        out.push(Output::OpenStream {
            stream,
            to,
            message: StreamMessage::PushPull(self.local_state(join)),
            deadline: self.now.plus(self.settings.stream_timeout),
        });
    }

    /// Replies with the state from before the merge, and then merges.
    pub(super) fn reply_to_push_pull(
        &mut self,
        inbound: InboundId,
        from: Address,
        theirs: PushPull,
        out: &mut Vec<Output>,
    ) {
        let message = if self.has_foreign_node(&theirs) {
            // The local state would merge the two clusters on the other side.
            StreamMessage::Error(ErrorReply { text: FOREIGN_CLUSTER.to_owned() })
        } else {
            StreamMessage::PushPull(self.local_state(theirs.join))
        };
        out.push(Output::Reply { inbound, message });
        // A refusal is noted by `merge`, and the peer judges the reply for itself.
        let _ = self.merge(from, theirs, out);
    }

    pub(super) fn merge_push_pull_reply(
        &mut self,
        stream: StreamId,
        theirs: PushPull,
        out: &mut Vec<Output>,
    ) {
        let Some(kind) = self.push_pulls.remove(&stream) else { return };
        let merged = self.merge(kind.address(), theirs, out);
        if let PushPullKind::Join(address) = kind {
            let outcome = merged.map_or_else(JoinOutcome::Refused, |()| JoinOutcome::Merged);
            out.push(Output::Event(MembershipEvent::JoinEnded { address, outcome }));
        }
    }

    /// A stream that carried a ping is ignored: a failed ping equals an unanswered one.
    pub(super) fn push_pull_failed(&mut self, stream: StreamId, out: &mut Vec<Output>) {
        let Some(kind) = self.push_pulls.remove(&stream) else { return };
        out.push(match kind {
            PushPullKind::Join(address) => {
                Output::Event(MembershipEvent::JoinEnded { address, outcome: JoinOutcome::Failed })
            }
            PushPullKind::Regular(to) => Output::Note(MemberlistNote::PushPullFailed { to }),
        });
    }

    fn local_state(&self, join: bool) -> PushPull {
        let nodes = self.nodes.all().map(Node::state).collect();
        PushPull { join, nodes, user_state: Bytes::new(), skipped: 0 }
    }

    fn merge(
        &mut self,
        from: Address,
        theirs: PushPull,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if theirs.skipped > 0 {
            out.push(Output::Note(MemberlistNote::RecordsSkipped { from, count: theirs.skipped }));
        }
        if let Err(refusal) = self.check(&theirs) {
            out.push(Output::Note(MemberlistNote::MergeRefused { from, refusal }));
            return Err(refusal);
        }
        for state in theirs.nodes {
            self.claim(state, out);
        }
        if !theirs.user_state.is_empty() {
            let (join, body) = (theirs.join, theirs.user_state);
            out.push(Output::Event(MembershipEvent::RemoteState { from, join, body }));
        }
        Ok(())
    }

    fn check(&self, theirs: &PushPull) -> Result<(), Refusal> {
        if self.has_foreign_node(theirs) {
            return Err(Refusal::Cluster);
        }
        let known = self.nodes.all().map(|node| (node.status, node.versions));
        let claimed =
            theirs.nodes.iter().map(|state| (state.status, state.versions.unwrap_or(NO_VERSIONS)));
        let nodes: Vec<_> = known.chain(claimed).collect();
        if !all_understand(&nodes) {
            return Err(Refusal::Versions);
        }
        Ok(())
    }

    fn has_foreign_node(&self, theirs: &PushPull) -> bool {
        theirs.nodes.iter().any(|state| match state.status {
            NodeStatus::Alive | NodeStatus::Suspect => !self.admits(&state.meta),
            NodeStatus::Dead | NodeStatus::Left => false,
        })
    }

    fn claim(&mut self, state: NodeState, out: &mut Vec<Output>) {
        let NodeState { name: node, address, meta, incarnation, status, versions } = state;
        match status {
            NodeStatus::Alive => {
                self.claim_alive(Alive { incarnation, node, address, meta, versions }, out);
            }
            NodeStatus::Left => {
                self.claim_dead(Dead { incarnation, from: node.clone(), node }, out);
            }
            NodeStatus::Dead | NodeStatus::Suspect => {
                let from = self.settings.name.clone();
                self.claim_suspect(Suspect { incarnation, node, from }, out);
            }
        }
    }
}

impl PushPullKind {
    fn address(self) -> Address {
        match self {
            PushPullKind::Join(address) | PushPullKind::Regular(address) => address,
        }
    }
}

impl Node {
    fn state(&self) -> NodeState {
        NodeState {
            name: self.name.clone(),
            address: self.address,
            meta: self.meta.clone(),
            incarnation: self.incarnation,
            status: self.status,
            versions: Some(self.versions),
        }
    }
}

/// Whether the versions of each node lie in the range that all alive nodes support.
fn all_understand(nodes: &[(NodeStatus, Versions)]) -> bool {
    let (mut protocol, mut delegate) = ((0, u8::MAX), (0, u8::MAX));
    for (_, versions) in nodes.iter().filter(|(status, _)| *status == NodeStatus::Alive) {
        protocol.0 = versions.protocol_min().max(protocol.0);
        protocol.1 = versions.protocol_max().min(protocol.1);
        delegate.0 = versions.delegate_min().max(delegate.0);
        delegate.1 = versions.delegate_max().min(delegate.1);
    }
    nodes.iter().all(|(_, versions)| {
        (protocol.0..=protocol.1).contains(&versions.protocol())
            && (delegate.0..=delegate.1).contains(&versions.delegate())
    })
}

/// The versions of a record without any: it prevents the merge, as in Go.
const NO_VERSIONS: Versions = Versions([0; 6]);

const FOREIGN_CLUSTER: &str = "these are two clusters: their ids differ";

const CATCH_UP_PEERS: usize = 3;
