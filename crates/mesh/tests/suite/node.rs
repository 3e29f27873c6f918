//! A mesh under test, with a server that keeps what it receives.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether_memberlist::cluster::{self, ReceivedVia, Status};
use bellwether_memberlist::{Address, NodeName};
use bellwether_mesh::{Handle, Mesh, MeshEvent, MeshNote, MeshSettings, Report, Security};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub struct Node {
    pub mesh: Handle,
    pub received: mpsc::UnboundedReceiver<(String, Bytes, ReceivedVia)>,
    pub notes: mpsc::UnboundedReceiver<MeshNote>,
}

/// What is there to say under each key.
pub type State = Vec<(String, Bytes)>;

/// For whatever should happen at once; only reached when a test fails.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

pub fn settings(
    name: &str,
    listen: &str,
    peers: &[SocketAddr],
    security: Security,
) -> MeshSettings {
    let peers = peers.iter().map(ToString::to_string).collect();
    let name = NodeName::new(name).expect("a good name");
    let nowhere = Address::new([0, 0, 0, 0], 0);
    let mut cluster = cluster::ClusterSettings::alertmanager(name, nowhere, peers);
    cluster.machine.gossip_interval = Duration::from_millis(20);
    cluster.reconnect_interval = Duration::from_millis(100);
    MeshSettings {
        listen: listen.parse().expect("an address"),
        advertise: None,
        cluster,
        resolve_timeout: TEST_TIMEOUT,
        seed: 7,
        security,
        state_bytes_max: MeshSettings::STATE_BYTES_MAX,
    }
}

impl Node {
    pub async fn start(settings: MeshSettings) -> Self {
        Self::with_state(settings, Vec::new()).await
    }

    pub async fn with_state(settings: MeshSettings, state: State) -> Self {
        let (mesh, mut events) = Mesh::start(settings).await.expect("it works on loopback");
        let (sender, received) = mpsc::unbounded_channel();
        let (notes_in, notes) = mpsc::unbounded_channel();
        let server = mesh.clone();
        let watched = mesh.watch();
        tokio::spawn(async move {
            let _watched = watched;
            while let Some(event) = events.recv().await {
                match event {
                    MeshEvent::Received { key, data, from: _, via } => {
                        let _ = sender.send((key, data, via));
                    }
                    MeshEvent::StateRequested { token } => {
                        server.provide_state(token, state.clone())
                    }
                    MeshEvent::Note(note) => drop(notes_in.send(note)),
                    MeshEvent::Settled { .. }
                    | MeshEvent::MembersChanged
                    | MeshEvent::PeerAlive { .. } => {}
                }
            }
        });
        Node { mesh, received, notes }
    }

    pub fn address(&self) -> SocketAddr {
        self.mesh.bound()
    }

    pub async fn until_members(&self, names: &[&str]) {
        let are_there = |status: &std::sync::Arc<Status>| {
            status.members.iter().map(|member| member.name.as_str()).eq(names.iter().copied())
        };
        let mut watch = self.mesh.watch();
        let waiting = timeout(TEST_TIMEOUT, watch.wait_for(are_there)).await;
        let status = self.mesh.status();
        waiting
            .unwrap_or_else(|_| panic!("wanted {names:?}, there are {status:?}"))
            .expect("it works on loopback");
    }

    /// The first update that is equal to this, but for repetitions of others before it.
    pub async fn until_received(&mut self, key: &str, data: &[u8], via: ReceivedVia) {
        let mut others = Vec::new();
        let waiting = timeout(TEST_TIMEOUT, async {
            while let Some((other_key, other_data, other_via)) = self.received.recv().await {
                if other_key == key && other_data == data && other_via == via {
                    return;
                }
                others.push((other_key, other_data.len(), other_via));
            }
        });
        let received = waiting.await;
        received.unwrap_or_else(|_| panic!("not received: {key} {via:?}, but {others:?}"));
    }

    pub async fn until_noted(&mut self, wanted: impl Fn(&MeshNote) -> bool) -> MeshNote {
        let mut others = Vec::new();
        let waiting = timeout(TEST_TIMEOUT, async {
            while let Some(note) = self.notes.recv().await {
                if wanted(&note) {
                    return Some(note);
                }
                others.push(note);
            }
            None
        });
        match waiting.await {
            Ok(Some(note)) => note,
            Ok(None) | Err(_) => panic!("not noted, but {others:#?}"),
        }
    }

    pub async fn report(&self) -> Report {
        self.mesh.report().await.expect("it works on loopback")
    }
}
