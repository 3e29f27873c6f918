//! Joins a cluster of Alertmanagers and prints what it receives, until it is interrupted.
//!
//! ```text
//! cargo run -p bellwether-mesh --example listen_in -- 127.0.0.1:0 127.0.0.1:9094
//! ```
//!
//! The first argument is where to listen, the others are peers. It keeps what it receives, and hands
//! on with its full state, as a member should.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;

use bellwether_memberlist::cluster;
use bellwether_memberlist::{Address, NodeName};
use bellwether_mesh::{Mesh, MeshEvent, MeshSettings, Security};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().ok_or("where to listen?")?.parse()?;
    let name = NodeName::new(&format!("listener-{}", std::process::id()))?;
    let address = Address::new(listen.ip(), listen.port());
    let cluster = cluster::ClusterSettings::alertmanager(name, address, arguments.collect());
    let settings = MeshSettings {
        listen,
        advertise: None,
        cluster,
        resolve_timeout: Duration::from_secs(15),
        seed: u64::from(std::process::id()),
        security: Security::Plain,
        state_bytes_max: MeshSettings::STATE_BYTES_MAX,
    };
    let (mesh, mut events) = Mesh::start(settings).await?;
    println!("listening on {}", mesh.bound());
    let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        match event {
            None => break,
            Some(MeshEvent::StateRequested { token }) => {
                let parts = kept.iter().map(|(key, data)| (key.clone(), data.clone().into()));
                mesh.provide_state(token, parts.collect());
            }
            Some(MeshEvent::Received { key, data, from, via }) => {
                println!("received {} bytes of {key:?} from {from} via {via:?}", data.len());
                let known = kept.entry(key.clone()).or_default();
                if !known.windows(data.len()).any(|window| window == data) {
                    known.extend_from_slice(&data);
                    mesh.forward(&key, data);
                }
            }
            Some(MeshEvent::MembersChanged) => {
                let status = mesh.status();
                let names = status.members.iter().map(|member| member.name.as_str());
                println!("members: {}", names.collect::<Vec<_>>().join(", "));
            }
            Some(
                event @ (MeshEvent::Settled { .. }
                | MeshEvent::Note(_)
                | MeshEvent::PeerAlive { .. }),
            ) => {
                println!("{event:?}")
            }
        }
    }
    mesh.leave().await?;
    println!("left; {:#?}", mesh.report().await?.counters);
    Ok(())
}
