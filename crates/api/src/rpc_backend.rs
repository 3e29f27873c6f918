//! What procedures show and report, by the backend of the API.

use std::sync::Arc;

use bellwether_connect::{Peer, Status, Version};

use crate::backend::{Backend, ClusterState, Observation, PeerInfo, StatusInfo, VersionInfo};

/// The backend of all procedures.
pub(crate) struct RpcBackend<B>(pub Arc<B>);

impl<B: Backend> bellwether_connect::Backend for RpcBackend<B> {
    fn status(&self) -> Status {
        let StatusInfo { started_at, version, config, cluster } = self.0.status();
        let VersionInfo { branch, build_date, build_user, go_version, revision, version } = version;
        let peer = |PeerInfo { name, address, config: _ }| Peer { name, address };
        Status {
            version: Version { version, revision, branch, build_user, build_date, go_version },
            config,
            cluster_name: cluster.name,
            cluster_state: match cluster.state {
                ClusterState::Disabled => bellwether_connect::ClusterState::Disabled,
                ClusterState::Settling => bellwether_connect::ClusterState::Settling,
                ClusterState::Ready => bellwether_connect::ClusterState::Ready,
            },
            peers: cluster.peers.into_iter().map(peer).collect(),
            started_at: (
                started_at.unix_seconds(),
                i32::try_from(started_at.subsec_nanos()).unwrap_or_default(),
            ),
        }
    }

    fn observe(&self, observation: bellwether_connect::Observation) {
        self.0.observe(Observation::Rpc(observation));
    }
}
