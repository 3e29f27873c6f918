//! What procedures show and report, by the backend of the API.

use std::sync::Arc;

use bellwether_connect::{Peer, Status};

use crate::backend::{Backend, Observation, PeerInfo, StatusInfo};

/// The backend of all procedures.
pub(crate) struct RpcBackend<B>(pub Arc<B>);

impl<B: Backend> bellwether_connect::Backend for RpcBackend<B> {
    fn status(&self) -> Status {
        let StatusInfo { started_at, version, config, cluster } = self.0.status();
        let peer = |PeerInfo { name, address, config: _ }| Peer { name, address };
        Status {
            version,
            config,
            cluster_name: cluster.name,
            cluster_state: cluster.state,
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
