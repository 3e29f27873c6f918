//! A backend for tests: a real engine, no disk, and a clock that stands still.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_api::{
    Answered, Backend, Check, ClusterInfo, Exposition, IntegrationTest, Observation, Readiness,
    ReceiverTest, Saved, StatusInfo, TestResult, Unavailable, VersionInfo,
};
use bellwether_engine::{
    AlertsReply, Effect, Engine, EngineSettings, GroupBy, Input, Integration, Plan, PlanParts,
    PostedSilence, Receiver, RefusedAlerts, Reply, RouteSpec, SilenceRefusal, Ticket, Timing, Turn,
    UnknownSilence, View,
};
use bellwether_model::{
    IntegrationId, LabelSet, Matcher, Matchers, Mono, NewAlert, Now, Op, Timestamp,
};
use tokio::sync::Semaphore;

pub struct TestBackend {
    engine: Mutex<Engine>,
    pub observations: Mutex<Vec<Observation>>,
    pub commands: Mutex<Vec<String>>,
    /// No view is handed out while this has no permits.
    pub views: Semaphore,
    pub broken: AtomicBool,
    /// Whether changes are taken that are not durable.
    pub unsaved: AtomicBool,
    /// No test of a receiver ends while this has no permits.
    pub tests: Semaphore,
    now: Timestamp,
}

/// 2026-11-22T12:00:00.123456789Z
pub fn noon() -> Timestamp {
    Timestamp::from_unix(1_795_348_800, 123_456_789)
}

impl TestBackend {
    pub fn new() -> Self {
        Self::at(noon())
    }

    pub fn at(now: Timestamp) -> Self {
        TestBackend {
            engine: Mutex::new(Engine::new(plan().into(), EngineSettings::default(), 7)),
            observations: Mutex::default(),
            commands: Mutex::default(),
            views: Semaphore::new(1_000),
            broken: AtomicBool::new(false),
            unsaved: AtomicBool::new(false),
            tests: Semaphore::new(1_000),
            now,
        }
    }

    /// Passes an input to the engine, bypassing the API.
    pub fn give(&self, input: Input) -> Option<Reply> {
        let mut turn = Turn::default();
        let now = Now { wall: self.now, mono: Mono(1) };
        self.engine.lock().expect("no panic").handle(now, input, &mut turn);
        turn.after.into_iter().find_map(|effect| match effect {
            Effect::Reply(reply) => Some(reply),
            Effect::Attempt(_)
            | Effect::Broadcast { .. }
            | Effect::Forward { .. }
            | Effect::CheckLiveness { .. }
            | Effect::SendStatus { .. } => None,
        })
    }

    fn answered<T>(&self, reply: T) -> Answered<T> {
        let unsaved = self.unsaved.load(Ordering::Relaxed);
        Answered { reply, saved: if unsaved { Saved::NOWHERE } else { Saved::HERE } }
    }

    /// Notes a command, unless nothing can be kept.
    fn record(&self, command: String) -> Result<(), Unavailable> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Unavailable::NotDurable);
        }
        self.commands.lock().expect("no panic").push(command);
        Ok(())
    }
}

/// `page` goes to `pager` and `team`, everything else to `team`.
fn plan() -> Plan {
    let route = |receiver: &str, matchers: Vec<Matcher>| RouteSpec {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(["alertname".to_string()].into()),
        matchers: Matchers::new(matchers),
        continues: true,
        timing: Timing {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(4 * 3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    };
    let matcher = |name, op, value| Matcher::new(name, op, value).expect("a fixed matcher");
    let named = RouteSpec {
        labels: LabelSet::new([("rl", "<r>")]),
        ..route("team", vec![matcher("alertname", Op::Matches, ".+")])
    };
    let paged = route("pager", vec![matcher("severity", Op::Equal, "page")]);
    let root = RouteSpec { routes: vec![paged, named], ..route("team", Vec::new()) };
    let receiver = |name: &str, labels: LabelSet| Receiver {
        name: name.into(),
        labels,
        integrations: vec![Integration {
            id: IntegrationId { receiver: name.into(), kind: "webhook".into(), index: 0 },
            send_resolved: true,
        }],
    };
    Plan::new(PlanParts {
        route: root,
        receivers: vec![
            receiver("team", LabelSet::new([("name", "team"), ("owner", "a<b>")])),
            receiver("pager", LabelSet::new([("name", "pager")])),
        ],
        inhibit_rules: Vec::new(),
        intervals: Default::default(),
        resolve_timeout: Duration::from_secs(300),
    })
}

impl Backend for TestBackend {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn view(&self) -> Result<View, Unavailable> {
        let _permit = self.views.acquire().await.expect("never closed");
        Ok(self.engine.lock().expect("no panic").view())
    }

    async fn take_alerts(
        &self,
        alerts: Vec<NewAlert>,
        refused: RefusedAlerts,
    ) -> Result<Answered<AlertsReply>, Unavailable> {
        self.record(format!("Alerts {{ alerts: {alerts:?}, refused: {refused:?} }}"))?;
        match self.give(Input::Alerts { alerts, refused, ticket: Ticket(1) }) {
            Some(Reply::Alerts { reply, .. }) => Ok(self.answered(reply)),
            other => panic!("a POST of alerts got {other:?}"),
        }
    }

    async fn post_silence(
        &self,
        silence: PostedSilence,
    ) -> Result<Answered<Result<String, SilenceRefusal>>, Unavailable> {
        self.record(format!("PostSilence({silence:?})"))?;
        match self.give(Input::PostSilence { silence, ticket: Ticket(1) }) {
            Some(Reply::PostSilence { reply, .. }) => Ok(self.answered(reply)),
            other => panic!("a POST of a silence got {other:?}"),
        }
    }

    async fn expire_silence(
        &self,
        id: String,
    ) -> Result<Answered<Result<(), UnknownSilence>>, Unavailable> {
        self.record(format!("ExpireSilence({id:?})"))?;
        match self.give(Input::ExpireSilence { id, ticket: Ticket(1) }) {
            Some(Reply::ExpireSilence { reply, .. }) => Ok(self.answered(reply)),
            other => panic!("the end of a silence got {other:?}"),
        }
    }

    fn status(&self) -> StatusInfo {
        StatusInfo {
            started_at: self.now,
            version: VersionInfo { version: "0.35.0".into(), ..VersionInfo::default() },
            config: "route:\n  receiver: \"<team>\"\n".into(),
            cluster: ClusterInfo::default(),
        }
    }

    fn readiness(&self) -> Readiness {
        let problem = self.broken.load(Ordering::Relaxed).then(|| "cannot be written".to_string());
        Readiness {
            checks: vec![
                Check { name: "state", problem: None, remark: None },
                Check { name: "journal", problem, remark: None },
            ],
        }
    }

    async fn metrics(&self, accept: Option<&str>) -> Exposition {
        let open = accept.is_some_and(|accept| accept.contains("openmetrics"));
        let content_type = if open { "application/openmetrics-text" } else { "text/plain" };
        Exposition { content_type: content_type.into(), body: "up 1\n".into() }
    }

    async fn reload(&self) -> Result<(), String> {
        if self.broken.load(Ordering::Relaxed) { Err("no such file".into()) } else { Ok(()) }
    }

    async fn test_receiver(&self, test: ReceiverTest) -> Result<Vec<IntegrationTest>, String> {
        self.commands.lock().expect("no panic").push(format!("{test:?}"));
        let _permit = self.tests.acquire().await.expect("never closed");
        if test.receiver == "unknown" {
            return Err("unknown receiver \"unknown\"".into());
        }
        let result = TestResult::Skipped;
        Ok(vec![IntegrationTest {
            integration: "webhook[0]".into(),
            result,
            template_faults: Vec::new(),
        }])
    }

    fn observe(&self, observation: Observation) {
        self.observations.lock().expect("no panic").push(observation);
    }
}
