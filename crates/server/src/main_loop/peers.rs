//! Between the mesh and the engine.
//!
//! In: what the mesh heard. Out: what the engine wants told. Neither knows the other: bytes, keys
//! and names pass through here.

use std::sync::Arc;

use bellwether_engine::{Answer, Channel, Effect, Input, Ticket};
use bellwether_memberlist::NodeName;
use bellwether_memberlist::cluster::{SendVia, StateToken, Status};
use bellwether_mesh::Handle;
use tokio::sync::mpsc;
use tracing::warn;

use super::{MainLoop, ServerEvent, Waiter};
use crate::cluster::{self, STATUS_KEY, SharedIntroduction};
use crate::notes;

/// The mesh, and what was last said of those in it.
pub struct Peers {
    pub mesh: Handle,
    pub introduction: SharedIntroduction,
    /// Whose configuration is known to differ.
    drifted: Vec<String>,
}

/// Something for the mesh, once it may be said.
pub enum Message {
    Broadcast { channel: Channel, data: Vec<u8> },
    Forward { channel: Channel, data: Vec<u8> },
    CheckLiveness { peer: String },
    SendStatus { peer: String, data: Vec<u8> },
}

impl Peers {
    pub fn new(mesh: Handle, introduction: SharedIntroduction) -> Self {
        Peers { mesh, introduction, drifted: Vec::new() }
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

    /// Introduces this node anew if its configuration has changed.
    pub fn set_config(&mut self, config: u64) {
        if self.introduction.set_config(config) {
            self.mesh.set_meta(self.introduction.read().meta());
            self.look_for_drift(&self.mesh.status());
        }
    }

    /// Says once of each peer that its configuration differs, and once that it agrees again.
    fn look_for_drift(&mut self, status: &Status) {
        let drifted = cluster::drifted(status, &self.introduction.read());
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
    /// One event of the mesh.
    pub(super) fn take_from_mesh(&mut self, event: bellwether_mesh::MeshEvent) {
        use bellwether_mesh::MeshEvent;
        match event {
            MeshEvent::Received { key, data, .. } => match key.as_str() {
                "sil" => self.hear(Channel::Silences, data.into()),
                "nfl" => self.hear(Channel::NotificationLog, data.into()),
                STATUS_KEY => self.handle(Input::StatusBroadcast { data: data.into() }),
                _ => {}
            },
            MeshEvent::StateRequested { token } => {
                let ticket = self.new_ticket(Waiter::Peer(token));
                self.handle(Input::FullStateRequested { ticket });
            }
            MeshEvent::Settled { .. } => self.handle(Input::Settled),
            MeshEvent::PeerAlive { peer } => {
                self.handle(Input::PeerAlive { peer: peer.to_string() })
            }
            MeshEvent::MembersChanged => {
                let Some(peers) = &mut self.peers else { return };
                let status: Arc<Status> = peers.mesh.status();
                peers.look_for_drift(&status);
                self.handle(Input::Peers(cluster::peers(&status)));
            }
            MeshEvent::Note(note) => notes::cluster::record(&note),
        }
    }

    pub(super) fn answer_peer(&self, token: StateToken, answer: Answer) {
        let (Some(peers), Answer::Memory { silences, log }) = (&self.peers, answer) else { return };
        let parts = vec![("nfl".to_owned(), log), ("sil".to_owned(), silences.into())];
        peers.mesh.provide_state(token, parts);
    }

    fn hear(&mut self, channel: Channel, data: Vec<u8>) {
        self.handle(Input::PeerRecords { channel, data });
    }

    pub(super) fn new_ticket(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiting.insert(ticket, waiter);
        ticket
    }
}

/// Carries the mesh's events to the main loop; ends with either of them.
pub async fn listen(
    mut heard: mpsc::Receiver<bellwether_mesh::MeshEvent>,
    door: mpsc::Sender<ServerEvent>,
) {
    while let Some(event) = heard.recv().await {
        if door.send(ServerEvent::Peer(event)).await.is_err() {
            return;
        }
    }
}

impl Message {
    /// What the engine wants of the mesh, if that is what this effect is.
    pub fn of(effect: Effect) -> Option<Self> {
        match effect {
            Effect::Broadcast { channel, data } => Some(Message::Broadcast { channel, data }),
            Effect::Forward { channel, data } => Some(Message::Forward { channel, data }),
            Effect::CheckLiveness { peer } => Some(Message::CheckLiveness { peer }),
            Effect::SendStatus { peer, data } => Some(Message::SendStatus { peer, data }),
            Effect::Reply { .. } | Effect::Attempt(_) => None,
        }
    }
}

fn key(channel: Channel) -> &'static str {
    match channel {
        Channel::Silences => "sil",
        Channel::NotificationLog => "nfl",
    }
}
