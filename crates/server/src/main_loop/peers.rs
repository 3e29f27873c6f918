//! Connects the mesh and the engine.
//!
//! In: events of the mesh, which become inputs of the engine. Out: effects of the engine, which become
//! messages for the mesh. Neither knows the other: bytes, keys and names pass through here.

use std::sync::Arc;

use bellwether_engine::{Channel, Effect, FullState, Input};
use bellwether_memberlist::NodeName;
use bellwether_memberlist::cluster::{SendVia, StateToken, Status};
use bellwether_mesh::Handle;
use tokio::sync::mpsc;
use tracing::warn;

use super::{MainLoop, ServerEvent};
use crate::cluster::{self, STATUS_KEY, SharedMetadata};
use crate::notes;

/// The mesh, and which of its members run a different configuration.
pub struct Peers {
    pub mesh: Handle,
    pub metadata: SharedMetadata,
    /// Peers whose different configuration has been logged.
    drifted: Vec<String>,
}

/// A message for the mesh, sent when the records that it depends on are durable.
pub enum Message {
    Broadcast { channel: Channel, data: Vec<u8> },
    Forward { channel: Channel, data: Vec<u8> },
    CheckLiveness { peer: String },
    SendStatus { peer: String, data: Vec<u8> },
}

impl Peers {
    pub fn new(mesh: Handle, metadata: SharedMetadata) -> Self {
        Peers { mesh, metadata, drifted: Vec::new() }
    }

    pub fn send(&self, message: Message) {
        match message {
            Message::Broadcast { channel, data } => self.mesh.broadcast(key(channel), data.into()),
            Message::Forward { channel, data } => self.mesh.forward(key(channel), data.into()),
            Message::CheckLiveness { peer } => {
                if let Ok(peer) = NodeName::new(&peer) {
                    self.mesh.check_liveness(peer);
                }
            }
            Message::SendStatus { peer, data } => {
                if let Ok(peer) = NodeName::new(&peer) {
                    self.mesh.send_to_peer(peer, STATUS_KEY, data.into(), SendVia::Datagram);
                }
            }
        }
    }

    /// Publishes new node metadata if the configuration has changed.
    pub fn set_config(&mut self, config: u64) {
        if self.metadata.set_config(config) {
            self.mesh.set_meta(self.metadata.read().meta());
            self.log_drift(&self.mesh.status());
        }
    }

    /// Logs each peer once whose configuration differs.
    fn log_drift(&mut self, status: &Status) {
        let drifted = cluster::drifted(status, &self.metadata.read());
        for peer in drifted.iter().filter(|peer| !self.drifted.contains(peer)) {
            warn!(
                component = "cluster",
                peer, "Peer runs a different configuration; both may notify for the same group"
            );
        }
        self.drifted = drifted;
    }
}

impl MainLoop {
    /// Handles one event of the mesh.
    pub(super) fn take_from_mesh(&mut self, event: bellwether_mesh::MeshEvent) {
        use bellwether_mesh::MeshEvent;
        match event {
            MeshEvent::Received { key, data, from, via: _ } => match key.as_str() {
                "sil" => self.receive_records(Channel::Silences, data.into()),
                "nfl" => self.receive_records(Channel::NotificationLog, data.into()),
                STATUS_KEY => {
                    let from = from.ip.to_canonical();
                    self.handle(Input::StatusBroadcast { from, data: data.into() });
                }
                _ => {}
            },
            MeshEvent::StateRequested { token } => {
                let ticket = self.waiting.add_full_state(token);
                self.handle(Input::FullStateRequested { ticket });
            }
            MeshEvent::Settled { .. } => self.handle(Input::Settled),
            MeshEvent::PeerAlive { peer } => {
                self.handle(Input::PeerAlive { peer: peer.to_string() })
            }
            MeshEvent::MembersChanged => {
                let Some(peers) = &mut self.peers else { return };
                let status: Arc<Status> = peers.mesh.status();
                peers.log_drift(&status);
                self.handle(Input::Peers(cluster::peers(&status)));
            }
            MeshEvent::Note(note) => notes::cluster::record(&note),
        }
    }

    pub(super) fn send_full_state(&self, token: StateToken, state: FullState) {
        let Some(peers) = &self.peers else { return };
        let FullState { silences, notification_log } = state;
        let parts = vec![("nfl".to_owned(), notification_log), ("sil".to_owned(), silences.into())];
        peers.mesh.provide_state(token, parts);
    }

    fn receive_records(&mut self, channel: Channel, data: Vec<u8>) {
        self.handle(Input::PeerRecords { channel, data });
    }
}

/// Forwards the mesh's events to the main loop; ends with either of them.
pub async fn listen(
    mut events: mpsc::Receiver<bellwether_mesh::MeshEvent>,
    sender: mpsc::Sender<ServerEvent>,
) {
    while let Some(event) = events.recv().await {
        if sender.send(ServerEvent::Peer(event)).await.is_err() {
            return;
        }
    }
}

impl Message {
    /// The message of an effect; `None` if the effect is not for the mesh.
    pub fn of(effect: Effect) -> Option<Self> {
        match effect {
            Effect::Broadcast { channel, data } => Some(Message::Broadcast { channel, data }),
            Effect::Forward { channel, data } => Some(Message::Forward { channel, data }),
            Effect::CheckLiveness { peer } => Some(Message::CheckLiveness { peer }),
            Effect::SendStatus { peer, data } => Some(Message::SendStatus { peer, data }),
            Effect::Reply(_) | Effect::Attempt(_) => None,
        }
    }
}

fn key(channel: Channel) -> &'static str {
    match channel {
        Channel::Silences => "sil",
        Channel::NotificationLog => "nfl",
    }
}
