//! The server as the HTTP API uses it: the implementation of the API's [`Backend`].
//!
//! In: queries and commands. Out: answers of the main loop, the reloader and the metrics. HTTP itself
//! is not known here.

use std::sync::Arc;

use bellwether_api::{
    Answered, Backend, Check, ClusterInfo, Exposition, IntegrationTest, Observation, Readiness,
    ReceiverTest, StatusInfo, Unavailable, VersionInfo,
};
use bellwether_engine::{
    AlertsReply, GroupQuery, PeerView, PostedSilence, RefusedAlerts, SilenceRefusal,
    UnknownSilence, View,
};
use bellwether_mesh::Handle;
use bellwether_model::{NewAlert, SilenceState, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use crate::clock::Clock;
use crate::cluster::{self, SharedMetadata};
use crate::features::Features;
use crate::load::CurrentConfig;
use crate::main_loop::{Command, EventSenders, ServerEvent, StoreCondition};
use crate::metrics::{ClusterSnapshot, Form, Metrics, Snapshot};
use crate::notes::requests;
use crate::receivers::ReceiverSettings;
use crate::reload::ReloadRequest;
use crate::{receiver_test, version};

/// Handles to the parts of the server that the API uses.
pub struct ServerBackend {
    pub senders: EventSenders,
    pub reloads: mpsc::Sender<ReloadRequest>,
    pub clock: Clock,
    pub started_at: Timestamp,
    pub features: Features,
    pub metrics: Arc<Metrics>,
    pub config: CurrentConfig,
    pub receivers: ReceiverSettings,
    pub external_url: String,
    pub condition: StoreCondition,
    /// `None` without a cluster.
    pub mesh: Option<Handle>,
    pub metadata: SharedMetadata,
}

impl Backend for ServerBackend {
    fn now(&self) -> Timestamp {
        self.clock.corrected_wall()
    }

    async fn view(&self) -> Result<View, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let asked = self.senders.reads.send(ServerEvent::Read { reply }).await;
        asked.map_err(|_| Unavailable::ShuttingDown)?;
        answer.await.map_err(|_| Unavailable::ShuttingDown)
    }

    async fn take_alerts(
        &self,
        alerts: Vec<NewAlert>,
        refused: RefusedAlerts,
    ) -> Result<Answered<AlertsReply>, Unavailable> {
        self.senders.take_alerts(alerts, refused).await
    }

    async fn post_silence(
        &self,
        silence: PostedSilence,
    ) -> Result<Answered<Result<String, SilenceRefusal>>, Unavailable> {
        self.senders.command(|reply| Command::PostSilence { silence, reply }).await
    }

    async fn expire_silence(
        &self,
        id: String,
    ) -> Result<Answered<Result<(), UnknownSilence>>, Unavailable> {
        self.senders.command(|reply| Command::ExpireSilence { id, reply }).await
    }

    fn status(&self) -> StatusInfo {
        StatusInfo {
            started_at: self.started_at,
            version: VersionInfo {
                branch: version::BRANCH.into(),
                build_date: version::BUILD_DATE.into(),
                build_user: version::BUILD_USER.into(),
                go_version: version::GO_VERSION.into(),
                revision: version::REVISION.into(),
                version: version::COMPATIBLE.into(),
            },
            config: self.config.now().text.to_string(),
            cluster: self.cluster(),
        }
    }

    fn readiness(&self) -> Readiness {
        // Requests are only served once the state is loaded.
        let state = Check { name: "state", problem: None, remark: None };
        let store = Check { name: "journal", problem: self.condition.problem(), remark: None };
        let mut checks = vec![state, store];
        if let Some(mesh) = &self.mesh {
            let status = mesh.status();
            let problem = status.settling.as_ref().map(|missing| {
                let (members, expected) = (status.members.len(), status.expected + 1);
                format!("settling: {members} of {expected} members; {missing}")
            });
            let remark = Some(cluster::presence(&status));
            checks.push(Check { name: "cluster", problem, remark });
            let drifted = cluster::drifted(&status, &self.metadata.read());
            let remark = (!drifted.is_empty())
                .then(|| format!("configuration differs on: {}", drifted.join(", ")));
            checks.push(Check { name: "configuration", problem: None, remark });
        }
        Readiness { checks }
    }

    async fn metrics(&self, accept: Option<&str>) -> Exposition {
        let form = Form::accepted(accept.unwrap_or_default());
        self.metrics.scrapes_in_flight.add(1.0);
        let now = self.now();
        let features = self.features;
        let metrics = Arc::clone(&self.metrics);
        let view = self.view().await.ok();
        let peers = view.as_ref().map(|view| view.peers().to_vec()).unwrap_or_default();
        let cluster = self.cluster_snapshot(peers).await;
        // Alerts are checked one by one, which must not delay other requests.
        let text = tokio::task::spawn_blocking(move || {
            let mut snapshot = view.map(|view| snapshot(&view, now, features)).unwrap_or_default();
            snapshot.cluster = cluster;
            metrics.text(&snapshot, form)
        });
        let body = text.await.unwrap_or_default();
        self.metrics.scrapes_in_flight.add(-1.0);
        self.metrics.scrapes.with(&["200"]).increment();
        Exposition { content_type: form.content_type().into(), body: body.into() }
    }

    async fn reload(&self) -> Result<(), String> {
        let gone = || Unavailable::ShuttingDown.to_string();
        let (reply, answer) = oneshot::channel();
        self.reloads.send(reply).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn test_receiver(&self, test: ReceiverTest) -> Result<Vec<IntegrationTest>, String> {
        let config = self.config.now().config;
        let (settings, now) = (self.receivers.clone(), self.clock.now().wall);
        let tested =
            receiver_test::receiver(config, &self.external_url, settings, &test, now).await?;
        let ReceiverTest { receiver, dry_run, .. } = test;
        let ok = tested.iter().all(IntegrationTest::is_ok);
        info!(component = "api", receiver, dry_run, ok, "Receiver tested");
        Ok(tested)
    }

    fn observe(&self, observation: Observation) {
        let metrics = &self.metrics;
        match observation {
            Observation::Request { handler, method, code, seconds, response_bytes } => {
                let code = code.to_string();
                metrics.request_seconds.with(&[&code, &handler, method]).observe(seconds);
                if let Some(bytes) = response_bytes {
                    metrics.response_bytes.with(&[&handler, method]).observe(bytes as f64);
                }
            }
            Observation::GetStarted => metrics.requests_in_flight.add(1.0),
            Observation::GetFinished => metrics.requests_in_flight.add(-1.0),
            Observation::BodyAbandoned { reason } => {
                metrics.bodies_abandoned.with(&[reason]).increment();
            }
            Observation::PatternsRefused { reason } => {
                metrics.patterns_refused.with(&[reason]).increment();
            }
            Observation::GetRejected => metrics.requests_over_limit.increment(),
            Observation::Rpc(observation) => metrics.rpc.observe(&observation),
            Observation::MatcherWarning(warning) => warn!(component = "api", "{warning}"),
            Observation::Refused(request) => requests::refused(&request),
            Observation::OldApi { path, method } => requests::old_api(&path, method.as_str()),
        }
    }
}

impl ServerBackend {
    fn cluster(&self) -> ClusterInfo {
        cluster::info(self.mesh.as_ref(), &self.metadata.read())
    }

    async fn cluster_snapshot(&self, peers: Vec<PeerView>) -> Option<ClusterSnapshot> {
        let report = self.mesh.as_ref()?.report().await.ok()?;
        let drifted = cluster::drifted(&report.status, &self.metadata.read());
        Some(ClusterSnapshot { report, peers, drifted })
    }
}

fn snapshot(view: &View, now: Timestamp, features: Features) -> Snapshot {
    let counts = view.alert_counts(now);
    let mut snapshot = Snapshot {
        alerts_active: counts.active,
        alerts_suppressed: counts.suppressed,
        groups: view.group_count(),
        silences_not_in_force: view.silences_not_in_force(),
        ..Snapshot::default()
    };
    for silence in view.silences() {
        *match view.silence_state(silence, now) {
            SilenceState::Active => &mut snapshot.silences_active,
            SilenceState::Pending => &mut snapshot.silences_pending,
            SilenceState::Expired => &mut snapshot.silences_expired,
        } += 1;
    }
    if features.group_keys_in_metrics {
        for group in view.groups(now, &GroupQuery::default()) {
            let suppressed =
                group.alerts.iter().filter(|alert| alert.status.is_suppressed()).count();
            let active = group.alerts.len() - suppressed;
            snapshot.groups_alerts.push((group.key.to_string(), active, suppressed));
        }
    }
    snapshot
}
