//! `status.v3alpha.StatusService`: what this server is, and what it runs.

use crate::messages::{
    ClusterStatus, Config, Peer as PeerMessage, ServerStatus, StatusResponse, Time,
    VersionInfo as VersionMessage,
};

/// What the status shows.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub version: VersionInfo,
    /// The effective configuration as YAML, without secrets.
    pub config: String,
    /// This member's name; empty without a cluster.
    pub cluster_name: String,
    pub cluster_state: ClusterState,
    /// Sorted by name, with this member.
    pub peers: Vec<Peer>,
    /// Seconds since 1970, and nanoseconds behind them.
    pub started_at: (i64, i32),
}

#[derive(Clone, Debug, Default)]
pub struct VersionInfo {
    pub version: String,
    pub revision: String,
    pub branch: String,
    pub build_user: String,
    pub build_date: String,
    pub go_version: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClusterState {
    #[default]
    Disabled,
    Settling,
    Ready,
}

#[derive(Clone, Debug)]
pub struct Peer {
    pub name: String,
    pub address: String,
}

pub(crate) fn get(status: Status) -> StatusResponse {
    let Status { version, config, cluster_name, cluster_state, peers, started_at } = status;
    let VersionInfo { version, revision, branch, build_user, build_date, go_version } = version;
    let peer = |Peer { name, address }| PeerMessage { name, address };
    let state = match cluster_state {
        ClusterState::Disabled => 1,
        ClusterState::Settling => 2,
        ClusterState::Ready => 3,
    };
    StatusResponse {
        status: Some(ServerStatus {
            version_info: Some(VersionMessage {
                version,
                revision,
                branch,
                build_user,
                build_date,
                go_version,
            }),
            config: Some(Config { original: config }),
            cluster: Some(ClusterStatus {
                name: cluster_name,
                state,
                peers: peers.into_iter().map(peer).collect(),
            }),
            start_time: Some(Time { seconds: started_at.0, nanos: started_at.1 }),
        }),
    }
}
