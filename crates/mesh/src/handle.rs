//! The server's interface to the mesh.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_memberlist::cluster::{Counters, ReceivedVia, SendVia, StateToken, Status};
use bellwether_memberlist::{Address, NodeMeta, NodeName};
use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::note::MeshNote;
use crate::transport::TransportCounters;

/// What the mesh reports to the server.
#[derive(Debug)]
pub enum MeshEvent {
    /// A peer sent this under one of the keys.
    Received { key: String, data: Bytes, from: Address, via: ReceivedVia },
    /// A push-pull waits for [`Handle::provide_state`] with this token.
    StateRequested { token: StateToken },
    /// The peer of a [`Handle::check_liveness`] is alive.
    PeerAlive { peer: NodeName },
    /// The cluster has settled, or the settle timeout is over.
    Settled { timed_out: bool },
    /// The members in [`Handle::status`] changed.
    MembersChanged,
    /// For the log.
    Note(MeshNote),
}

/// The server's end of the mesh; cheap to clone. When the last one is dropped the mesh ends, without
/// leaving the cluster unless [`Handle::leave`] was called.
///
/// No call that sends something blocks: what finds the queue full is dropped and counted in
/// [`Report::commands_dropped`], and the next push-pull repairs it.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) status: watch::Receiver<Arc<Status>>,
    pub(crate) bound: SocketAddr,
    pub(crate) dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Broadcast { key: String, data: Bytes },
    SendToPeer { peer: NodeName, key: String, data: Bytes, via: SendVia },
    Forward { key: String, data: Bytes },
    CheckLiveness { peer: NodeName },
    State { token: StateToken, parts: Vec<(String, Bytes)> },
    SetMeta(NodeMeta),
    Report(oneshot::Sender<Report>),
    Leave(oneshot::Sender<()>),
}

/// Everything for the metrics.
#[derive(Debug, Clone)]
pub struct Report {
    pub status: Status,
    pub counters: Counters,
    pub transport: TransportCounters,
    /// Commands of the server dropped because the mesh's queue was full.
    pub commands_dropped: u64,
    /// Events of the mesh dropped because the server's queue was full.
    pub events_dropped: u64,
}

/// The mesh has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cluster's task has ended")]
pub struct MeshEnded;

impl Handle {
    /// Sends to all members.
    pub fn broadcast(&self, key: &str, data: Bytes) {
        self.command(Command::Broadcast { key: key.to_owned(), data });
    }

    /// Sends to one member, bypassing all queues.
    pub fn send_to_peer(&self, peer: NodeName, key: &str, data: Bytes, via: SendVia) {
        self.command(Command::SendToPeer { peer, key: key.to_owned(), data, via });
    }

    /// Checks whether a member is alive; [`MeshEvent::PeerAlive`] follows if so.
    pub fn check_liveness(&self, peer: NodeName) {
        self.command(Command::CheckLiveness { peer });
    }

    /// Forwards an update of one peer to the others, unchanged.
    pub fn forward(&self, key: &str, data: Bytes) {
        self.command(Command::Forward { key: key.to_owned(), data });
    }

    /// Answers [`MeshEvent::StateRequested`].
    pub fn provide_state(&self, token: StateToken, parts: Vec<(String, Bytes)>) {
        self.command(Command::State { token, parts });
    }

    /// Replaces this node's metadata.
    pub fn set_meta(&self, meta: NodeMeta) {
        self.command(Command::SetMeta(meta));
    }

    /// The cluster as of the last change of its members or of what it waits for.
    pub fn status(&self) -> Arc<Status> {
        self.status.borrow().clone()
    }

    /// To wait for changes of [`Handle::status`].
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Status and counters of this moment.
    pub async fn report(&self) -> Result<Report, MeshEnded> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(Command::Report(sender)).await.map_err(|_| MeshEnded)?;
        receiver.await.map_err(|_| MeshEnded)
    }

    /// Leaves the cluster; takes at most ten seconds with the default settings. Peers are answered
    /// meanwhile and afterwards.
    pub async fn leave(&self) -> Result<(), MeshEnded> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(Command::Leave(sender)).await.map_err(|_| MeshEnded)?;
        receiver.await.map_err(|_| MeshEnded)
    }

    /// The listening address, with the real port.
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }

    fn command(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
