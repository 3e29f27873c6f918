//! This server as a member of its cluster: from flags to a running mesh, and its status.
//!
//! In: checked flags, the storage directory, the plan in force. Out: settings for the mesh, the node
//! metadata, and the cluster as the API shows it. What passes between the mesh and the engine is in
//! `main_loop/peers.rs`.

mod credentials;
mod identity;
mod metrics;
mod node_metadata;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bellwether_api::{ClusterInfo, ClusterState, PeerInfo};
use bellwether_engine::Peer;
use bellwether_memberlist::cluster::{self, RefusedMembers, Status};
use bellwether_memberlist::{Address, Label, MemberFilter, NodeName};
use bellwether_mesh::{Handle, MeshSettings, Security};

use crate::flags::Flags;

pub use credentials::PeerCredentials;
pub use metrics::{add as add_metrics, add_forwarded};
pub use node_metadata::{BellwetherMetadata, SharedMetadata};

/// The key of status broadcasts, which Go nodes ignore.
pub const STATUS_KEY: &str = "bellwether/bulletin";

/// The settings of the mesh; `None` if clustering is disabled.
pub fn settings(
    flags: &Flags,
    storage: &Path,
    metadata: &BellwetherMetadata,
    security: Security,
    seed: u64,
) -> anyhow::Result<Option<MeshSettings>> {
    if flags.cluster_listen_address.is_empty() {
        return Ok(None);
    }
    let listen = listen_address(&flags.cluster_listen_address)
        .map_err(|reason| anyhow!("--cluster.listen-address: {reason}"))?;
    let advertise = match flags.cluster_advertise_address.as_str() {
        "" => None,
        address => Some(address.parse().map_err(|_| {
            anyhow!("--cluster.advertise-address: {address:?} is not an IP address with a port")
        })?),
    };
    let name = match flags.cluster_peer_name.as_str() {
        "" => identity::name(storage).context("find out this node's name in the cluster")?,
        name => name.to_owned(),
    };
    let name = NodeName::new(&name).context("--cluster.peer-name")?;
    let unknown = Address::new(Ipv4Addr::UNSPECIFIED, 0);
    let mut cluster =
        cluster::ClusterSettings::alertmanager(name, unknown, flags.cluster_peers.clone());
    for peer in &flags.cluster_peers {
        if peer.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.is_empty()) {
            bail!("--cluster.peer: {peer:?} is not a host:port");
        }
    }
    cluster.machine.label = Label::new(&flags.cluster_label).context("--cluster.label")?;
    cluster.machine.meta = metadata.meta();
    cluster.machine.member_filter =
        Some(MemberFilter { scheme: BellwetherMetadata::scheme(), cluster: metadata.cluster() });
    let positive = |duration: crate::flags::SignedDuration| duration.positive().unwrap_or_default();
    cluster.machine.gossip_interval = positive(flags.cluster_gossip_interval);
    cluster.machine.push_pull_interval = positive(flags.cluster_pushpull_interval);
    cluster.machine.stream_timeout = positive(flags.cluster_tcp_timeout);
    cluster.machine.probe_timeout = positive(flags.cluster_probe_timeout);
    cluster.machine.probe_interval = positive(flags.cluster_probe_interval);
    let members_max = usize::try_from(flags.cluster_max_members).unwrap_or(0);
    let members_max = if members_max == 0 { usize::MAX } else { members_max };
    cluster.machine.limits.members_max = members_max;
    // Some failed ones are remembered besides.
    cluster.machine.limits.nodes_max = members_max.saturating_mul(10).clamp(100, 10_000);
    cluster.settle_timeout = positive(flags.cluster_settle_timeout);
    cluster.reconnect_interval = positive(flags.cluster_reconnect_interval);
    cluster.reconnect_timeout = positive(flags.cluster_reconnect_timeout);
    Ok(Some(MeshSettings {
        listen,
        advertise,
        cluster,
        resolve_timeout: positive(flags.cluster_peers_resolve_timeout),
        seed,
        security,
        state_bytes_max: usize::try_from(flags.cluster_max_state_bytes)
            .ok()
            .filter(|max| *max > 0)
            .unwrap_or(MeshSettings::STATE_BYTES_MAX),
    }))
}

/// Whether a stranger that reaches the port has to know something to be a member.
pub fn tells_members_apart(flags: &Flags) -> bool {
    let secrets = [&flags.cluster_tls_config, &flags.cluster_label, &flags.cluster_id];
    secrets.iter().any(|secret| !secret.is_empty())
}

/// All members but this one, as the engine knows them.
pub fn peers(status: &Status) -> Vec<Peer> {
    let others = status.members.iter().filter(|member| member.name != status.name);
    others
        .map(|member| Peer {
            name: member.name.to_string(),
            address: member.address.ip.to_canonical(),
            is_bellwether: BellwetherMetadata::read(&member.meta).is_some(),
        })
        .collect()
}

/// The names of the peers whose configuration hash differs.
pub fn drifted(status: &Status, own: &BellwetherMetadata) -> Vec<String> {
    let others = status.members.iter().filter(|member| member.name != status.name);
    let differs =
        |meta: &[u8]| BellwetherMetadata::read(meta).is_some_and(|it| it.config != own.config);
    others.filter(|member| differs(&member.meta)).map(|member| member.name.to_string()).collect()
}

/// For readiness: how many of the expected members are there, by name, and which are missing.
pub fn presence(status: &Status) -> String {
    let names: Vec<&str> = status.members.iter().map(|member| member.name.as_str()).collect();
    let members = names.len();
    let expected = (status.expected + 1).max(members + status.missing.len());
    let mut text = format!("{members} of {expected} members: {}", names.join(", "));
    if let Some(RefusedMembers { count, limit }) = status.refused {
        text.push_str(&format!("; others refused {count} times (--cluster.max-members={limit})"));
    }
    if !status.missing.is_empty() {
        let missing: Vec<String> = status.missing.iter().map(ToString::to_string).collect();
        text.push_str(&format!("; missing: {}", missing.join(", ")));
    }
    text
}

/// The cluster as the API shows it.
pub fn info(mesh: Option<&Handle>, own: &BellwetherMetadata) -> ClusterInfo {
    let Some(mesh) = mesh else { return ClusterInfo::default() };
    let status: Arc<Status> = mesh.status();
    let state =
        if status.settling.is_some() { ClusterState::Settling } else { ClusterState::Ready };
    let peers = status.members.iter().map(|member| PeerInfo {
        name: member.name.to_string(),
        address: SocketAddr::new(member.address.ip, member.address.port).to_string(),
        config: BellwetherMetadata::read(&member.meta).map(|metadata| metadata.config_text()),
    });
    ClusterInfo {
        name: status.name.to_string(),
        state,
        peers: peers.collect(),
        config: own.config_text(),
    }
}

/// Compat: an empty host listens on all addresses.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let (host, port) =
        text.rsplit_once(':').ok_or_else(|| format!("{text:?} is not an address with a port"))?;
    let port = port.parse().map_err(|_| format!("{text:?} has no port number"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let ip = match host {
        "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().map_err(|_| format!("{host:?} is not an IP address"))?,
    };
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests;
