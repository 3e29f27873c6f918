//! How the server speaks to the mesh, and hears from it.

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

/// What the mesh tells the server.
#[derive(Debug)]
pub enum MeshEvent {
    /// A peer told this under one of the keys.
    Received { key: String, data: Bytes, from: Address, via: ReceivedVia },
    /// A push-pull waits for [`Handle::provide_state`] with this token.
    StateRequested { token: StateToken },
    /// A peer gave the sign of life that [`Handle::check_liveness`] asked for.
    PeerAlive { peer: NodeName },
    /// The cluster has settled, or has had its time to.
    Settled { timed_out: bool },
    /// [`Handle::status`] has news of who is there.
    MembersChanged,
    /// For the log.
    Note(MeshNote),
}

/// The server's end of the mesh; cheap to clone. When the last one is dropped the mesh ends, without
/// a farewell unless [`Handle::leave`] was called.
///
/// None of the calls that tell something waits: what the mesh has no room for is dropped and
/// counted in [`Report::commands_dropped`], and the next push-pull makes up for it.
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
    /// What the server told and the mesh had no room for.
    pub commands_dropped: u64,
    /// What the mesh told and the server had no room for.
    pub events_dropped: u64,
}

/// The mesh has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cluster's task has ended")]
pub struct MeshEnded;

impl Handle {
    /// Tells all members.
    pub fn broadcast(&self, key: &str, data: Bytes) {
        self.command(Command::Broadcast { key: key.to_owned(), data });
    }

    /// Tells one member, past all queues.
    pub fn send_to_peer(&self, peer: NodeName, key: &str, data: Bytes, via: SendVia) {
        self.command(Command::SendToPeer { peer, key: key.to_owned(), data, via });
    }

    /// Asks one member for a sign of life; [`MeshEvent::PeerAlive`] follows if there is one.
    pub fn check_liveness(&self, peer: NodeName) {
        self.command(Command::CheckLiveness { peer });
    }

    /// Tells the others what was news from one of them, as it came.
    pub fn forward(&self, key: &str, data: Bytes) {
        self.command(Command::Forward { key: key.to_owned(), data });
    }

    /// Answers [`MeshEvent::StateRequested`].
    pub fn provide_state(&self, token: StateToken, parts: Vec<(String, Bytes)>) {
        self.command(Command::State { token, parts });
    }

    /// What the own node says about itself from now on.
    pub fn set_meta(&self, meta: NodeMeta) {
        self.command(Command::SetMeta(meta));
    }

    /// The cluster as it was when its members, or what they wait for, last changed.
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

    /// Says farewell to the others; takes ten seconds at most, with the usual settings. Meanwhile
    /// and afterwards peers are still answered.
    pub async fn leave(&self) -> Result<(), MeshEnded> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(Command::Leave(sender)).await.map_err(|_| MeshEnded)?;
        receiver.await.map_err(|_| MeshEnded)
    }

    /// Where we listen, with the real port.
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }

    fn command(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
