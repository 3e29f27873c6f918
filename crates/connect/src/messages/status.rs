//! Messages of `status.v3alpha.StatusService`.

use super::{Request, Response};
use crate::json::{Field, Members, ReadJson, Value, push_string};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StatusRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<ServerStatus>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServerStatus {
    #[prost(message, optional, tag = "1")]
    pub version_info: Option<VersionInfo>,
    #[prost(message, optional, tag = "2")]
    pub config: Option<Config>,
    #[prost(message, optional, tag = "3")]
    pub cluster: Option<ClusterStatus>,
    #[prost(message, optional, tag = "4")]
    pub start_time: Option<Time>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct VersionInfo {
    #[prost(string, tag = "1")]
    pub version: String,
    #[prost(string, tag = "2")]
    pub revision: String,
    #[prost(string, tag = "3")]
    pub branch: String,
    #[prost(string, tag = "4")]
    pub build_user: String,
    #[prost(string, tag = "5")]
    pub build_date: String,
    #[prost(string, tag = "6")]
    pub go_version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Config {
    #[prost(string, tag = "1")]
    pub original: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClusterStatus {
    #[prost(string, tag = "1")]
    pub name: String,
    /// An index of [`STATES`].
    #[prost(int32, tag = "2")]
    pub state: i32,
    #[prost(message, repeated, tag = "3")]
    pub peers: Vec<Peer>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Peer {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub address: String,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Time {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Request for StatusRequest {
    const GO_NAME: &'static str = "*statusv3alpha.GetStatusRequest";
}

impl ReadJson for StatusRequest {
    const FIELDS: &'static [Field] = &[];

    fn read_field(&mut self, _: usize, _: Value<'_, '_>) -> Result<(), String> {
        Ok(())
    }
}

impl Response for StatusResponse {
    fn write_json(&self, out: &mut String) {
        let mut members = Members::begin(out);
        if let Some(status) = &self.status {
            status.push(members.value("status"));
        }
        members.end();
    }
}

impl ServerStatus {
    fn push(&self, out: &mut String) {
        let ServerStatus { version_info, config, cluster, start_time } = self;
        let mut members = Members::begin(out);
        if let Some(version) = version_info {
            let mut version_members = Members::begin(members.value("versionInfo"));
            version_members.non_empty("version", &version.version);
            version_members.non_empty("revision", &version.revision);
            version_members.non_empty("branch", &version.branch);
            version_members.non_empty("buildUser", &version.build_user);
            version_members.non_empty("buildDate", &version.build_date);
            version_members.non_empty("goVersion", &version.go_version);
            version_members.end();
        }
        if let Some(config) = config {
            let mut config_members = Members::begin(members.value("config"));
            config_members.non_empty("original", &config.original);
            config_members.end();
        }
        if let Some(cluster) = cluster {
            let mut cluster_members = Members::begin(members.value("cluster"));
            cluster_members.non_empty("name", &cluster.name);
            let state = usize::try_from(cluster.state).ok().and_then(|at| STATES.get(at));
            if let Some(state) = state.filter(|_| cluster.state != 0) {
                cluster_members.string("state", state);
            }
            cluster_members.list("peers", &cluster.peers, |out, peer| {
                let mut peer_members = Members::begin(out);
                peer_members.non_empty("name", &peer.name);
                peer_members.non_empty("address", &peer.address);
                peer_members.end();
            });
            cluster_members.end();
        }
        if let Some(time) = start_time {
            push_string(members.value("startTime"), &time.text());
        }
        members.end();
    }
}

impl Time {
    /// In UTC, with as many groups of three digits behind the seconds as are needed.
    fn text(self) -> String {
        let Ok(whole) = jiff::Timestamp::from_second(self.seconds) else { return String::new() };
        let fraction = format!(".{:09}", self.nanos);
        let fraction = fraction.strip_suffix("000").unwrap_or(&fraction);
        let fraction = fraction.strip_suffix("000").unwrap_or(fraction);
        let fraction = fraction.strip_suffix(".000").unwrap_or(fraction);
        format!("{}{fraction}Z", whole.strftime("%Y-%m-%dT%H:%M:%S"))
    }
}

const STATES: [&str; 4] = ["STATE_UNSPECIFIED", "STATE_DISABLED", "STATE_SETTLING", "STATE_READY"];

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn times_have_as_many_digits_as_they_need_in_groups_of_three() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_796_055_617, 791_061_524, "2026-11-30T16:20:17.791061524Z"),
            (1_709_164_800, 500_000_000, "2024-02-29T00:00:00.500Z"),
            (951_782_399, 1_000, "2000-02-28T23:59:59.000001Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Time { seconds, nanos }.text(), expected);
        }
    }
}
