use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::time::Duration;

use bellwether_api::Unavailable;
use bellwether_engine::{
    AlertsReply, Engine, EngineSettings, GroupBy, Integration, Plan, PlanParts, PostedSilence,
    Receiver, RefusedAlerts, RouteSpec, SilenceRefusal, Timing, Turn,
};
use bellwether_journal::{Change, Fault, Journal, JournalError, MemoryStore, Writer};
use bellwether_model::{
    IntegrationId, LabelSet, Matcher, Matchers, NewAlert, Notification, Op, Outcome, Timestamp,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{
    Command, EventSenders, MainLoop, Parts, ReplySender, ServerEvent, StoreCondition,
    event_channels,
};
use crate::attempts::{Notifier, Notifiers};
use crate::clock::Clock;
use crate::features::Features;
use crate::metrics::Metrics;
use crate::notes::SilenceLog;

/// A journal that says when a commit begins and lets it happen when the test says so.
struct Gated {
    journal: Box<dyn Journal>,
    begun: mpsc::UnboundedSender<()>,
    gate: std_mpsc::Receiver<()>,
}

impl Journal for Gated {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        let _ = self.begun.send(());
        // A closed gate lets everything pass.
        let _ = self.gate.recv();
        self.journal.commit(batch)
    }
}

/// How a receiver reacts to a notification.
enum Reaction {
    Panic,
    Deliver,
    DeliverOnce(oneshot::Receiver<()>),
}

struct TestNotifier {
    notified: mpsc::UnboundedSender<Notification>,
    reactions: Mutex<VecDeque<Reaction>>,
}

impl Notifier for TestNotifier {
    fn notify<'a>(
        &'a self,
        notification: Arc<Notification>,
        _: Instant,
        _: &'a mut Vec<bellwether_integrations::TemplateFault>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        let reaction = self.reactions.lock().unwrap().pop_front().unwrap_or(Reaction::Deliver);
        Box::pin(async move {
            self.notified.send(Arc::unwrap_or_clone(notification)).unwrap();
            match reaction {
                Reaction::Panic => panic!("a receiver that panics"),
                Reaction::Deliver => {}
                Reaction::DeliverOnce(released) => released.await.unwrap(),
            }
            Outcome::Delivered { remember: Default::default() }
        })
    }
}

struct Fixture {
    senders: EventSenders,
    running: tokio::task::JoinHandle<()>,
    store: MemoryStore,
    begun: mpsc::UnboundedReceiver<()>,
    gate: std_mpsc::Sender<()>,
    notified: mpsc::UnboundedReceiver<Notification>,
    condition: StoreCondition,
    metrics: Arc<Metrics>,
}

fn integration() -> IntegrationId {
    IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 }
}

fn plan() -> Arc<Plan> {
    let at_once = Timing {
        group_wait: Duration::ZERO,
        group_interval: Duration::from_secs(300),
        repeat_interval: Duration::from_secs(3600),
    };
    Arc::new(Plan::new(PlanParts {
        route: RouteSpec {
            receiver: "team".into(),
            group_by: GroupBy::Labels(BTreeSet::new()),
            matchers: Matchers::default(),
            continues: false,
            timing: at_once,
            mute_intervals: vec![],
            active_intervals: vec![],
            labels: LabelSet::default(),
            routes: vec![],
        },
        receivers: vec![Receiver {
            name: "team".into(),
            labels: LabelSet::new([("name", "team")]),
            integrations: vec![Integration { id: integration(), send_resolved: true }],
        }],
        inhibit_rules: vec![],
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    }))
}

fn fixture(reactions: Vec<Reaction>) -> Fixture {
    let (senders, receivers) = event_channels();
    let store = MemoryStore::default();
    let (begin, begun) = mpsc::unbounded_channel();
    let (gate, opened) = std_mpsc::channel();
    let journal = Gated { journal: Box::new(store.open().0), begun: begin, gate: opened };
    let answers = senders.internal.clone();
    let writer = Writer::spawn(journal, move |durable| {
        let _ = answers.send(ServerEvent::Durable(durable));
    });
    let (sent, notified) = mpsc::unbounded_channel();
    let mut notifiers = Notifiers::default();
    let notifier = TestNotifier { notified: sent, reactions: Mutex::new(reactions.into()) };
    notifiers.insert(integration(), Arc::new(notifier));
    let clock = Clock::start();
    let metrics = Arc::new(Metrics::new(Features::default()));
    let condition = StoreCondition::default();
    let mut engine = Engine::new(plan(), EngineSettings::default(), 7);
    let mut first_turn = Turn::default();
    engine.restore(clock.now(), [], &mut first_turn);
    let parts = Parts {
        engine,
        writer: writer.unwrap(),
        notifiers,
        clock,
        metrics: Arc::clone(&metrics),
        silence_log: SilenceLog::Debug,
        condition: condition.clone(),
        first_turn,
    };
    let running = tokio::spawn(MainLoop::new(parts, &senders).run(receivers));
    Fixture { senders, running, store, begun, gate, notified, condition, metrics }
}

type Promise<R> = oneshot::Receiver<Result<R, Unavailable>>;

impl Fixture {
    async fn post_alert(&self) -> Promise<AlertsReply> {
        self.ask(|reply| Command::Alerts {
            alerts: vec![alert()],
            refused: RefusedAlerts::default(),
            reply,
        })
        .await
    }

    async fn post_silence(&self) -> Promise<Result<String, SilenceRefusal>> {
        self.ask(|reply| Command::PostSilence { silence: silence(), reply }).await
    }

    async fn ask<R>(&self, command: impl FnOnce(ReplySender<R>) -> Command) -> Promise<R> {
        let (reply, promise) = oneshot::channel();
        let sent = self.senders.commands.send(ServerEvent::Command(command(reply))).await;
        assert!(sent.is_ok(), "the loop has ended");
        promise
    }

    /// Lets everything pass from now on.
    fn open(&mut self) {
        self.gate = std_mpsc::channel().0;
    }

    async fn commit_begins(&mut self) {
        self.begun.recv().await.unwrap();
    }

    async fn stop(self) {
        self.senders.internal.send(ServerEvent::Stop).ok().unwrap();
        self.running.await.unwrap();
    }
}

fn alert() -> NewAlert {
    let labels = LabelSet::new([("alertname", "Disk")]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: None,
        ends_at: None,
    }
}

fn silence() -> PostedSilence {
    PostedSilence {
        id: None,
        matchers: vec![Matcher::new("a", Op::Equal, "b").unwrap()],
        starts_at: Timestamp::ZERO,
        ends_at: Timestamp::from_unix(32_000_000_000, 0),
        created_by: "me".into(),
        comment: "why".into(),
        annotations: BTreeMap::new(),
    }
}

#[tokio::test]
async fn a_silence_is_promised_only_once_it_is_on_the_disk() {
    let mut fixture = fixture(vec![]);
    let mut promise = fixture.post_silence().await;
    fixture.commit_begins().await;
    assert!(promise.try_recv().is_err(), "promised before it was durable");
    fixture.open();
    assert!(matches!(promise.await, Ok(Ok(Ok(_)))));
    assert_eq!(fixture.store.commits(), 1);
    fixture.stop().await;
}

#[tokio::test]
async fn no_notification_is_sent_before_the_alert_is_on_the_disk() {
    let mut fixture = fixture(vec![]);
    let mut promise = fixture.post_alert().await;
    fixture.commit_begins().await;
    assert!(promise.try_recv().is_err() && fixture.notified.try_recv().is_err());
    fixture.open();
    assert_eq!(promise.await, Ok(Ok(AlertsReply::default())));
    assert_eq!(fixture.notified.recv().await.unwrap().alerts.len(), 1);
    // The log entry becomes durable too.
    fixture.commit_begins().await;
    fixture.stop().await;
}

#[tokio::test]
async fn the_time_of_processing_is_counted_by_alerts_as_in_go() {
    let mut fixture = fixture(vec![]);
    fixture.open();
    let alerts = vec![alert(), alert(), alert()];
    let refused = RefusedAlerts { firing: 1, resolved: 2 };
    let posted = fixture.ask(|reply| Command::Alerts { alerts, refused, reply }).await;
    assert!(matches!(posted.await, Ok(Ok(_))));
    assert_eq!(fixture.metrics.processing_seconds.count(), 3);
    let received = |status| fixture.metrics.alerts_received.with(&[status, "v2"]).read();
    assert_eq!((received("firing"), received("resolved")), (4, 2));
    assert_eq!(fixture.metrics.alerts_invalid.read(), 3);
    fixture.stop().await;
}

#[tokio::test]
async fn readers_see_what_is_promised() {
    let mut fixture = fixture(vec![]);
    fixture.open();
    let answer = fixture.post_silence().await.await.unwrap().unwrap();
    let (reply, view) = oneshot::channel();
    fixture.senders.reads.send(ServerEvent::Read { reply }).await.ok().unwrap();
    let view = view.await.unwrap();
    let ids: Vec<String> = view.silences().map(|silence| silence.id.clone()).collect();
    assert_eq!(answer, Ok(ids[0].clone()));
    fixture.stop().await;
}

#[tokio::test]
async fn with_a_failed_journal_alerts_notify_and_silences_are_refused() {
    let mut fixture = fixture(vec![]);
    fixture.store.fail_after(0, Fault::DiskFull);
    fixture.open();
    let promise = fixture.post_alert().await;
    assert_eq!(promise.await, Ok(Ok(AlertsReply::default())));
    assert!(fixture.notified.recv().await.is_some());
    assert_eq!(fixture.post_silence().await.await, Ok(Err(Unavailable::NotDurable)));
    assert!(fixture.condition.problem().unwrap().contains("disk is full"));
    assert_eq!(fixture.metrics.alerts_not_durable.read(), 1);
    assert_eq!(fixture.metrics.journal_poisoned.read(), 1.0);
    fixture.stop().await;
}

#[tokio::test]
async fn a_silence_that_meets_the_failure_is_refused() {
    let mut fixture = fixture(vec![]);
    fixture.store.fail_after(0, Fault::DiskFull);
    fixture.open();
    assert_eq!(fixture.post_silence().await.await, Ok(Err(Unavailable::NotDurable)));
    fixture.stop().await;
}

#[tokio::test]
async fn an_attempt_that_panics_is_tried_again() {
    let mut fixture = fixture(vec![Reaction::Panic, Reaction::Deliver]);
    fixture.open();
    assert!(fixture.post_alert().await.await.unwrap().is_ok());
    assert!(fixture.notified.recv().await.is_some());
    assert!(fixture.notified.recv().await.is_some());
    assert_eq!(fixture.metrics.attempts_failed.with(&["webhook"]).read(), 1);
    fixture.stop().await;
}

#[tokio::test]
async fn stopping_waits_for_attempts_and_keeps_their_log_entries() {
    let (release, released) = oneshot::channel();
    let mut fixture = fixture(vec![Reaction::DeliverOnce(released)]);
    fixture.open();
    assert!(fixture.post_alert().await.await.unwrap().is_ok());
    assert!(fixture.notified.recv().await.is_some());
    fixture.senders.internal.send(ServerEvent::Stop).ok().unwrap();
    // Reads are answered in the turn after the order to stop, so the loop has seen it.
    let (reply, view) = oneshot::channel();
    fixture.senders.reads.send(ServerEvent::Read { reply }).await.ok().unwrap();
    view.await.unwrap();
    assert!(!fixture.running.is_finished());
    release.send(()).unwrap();
    fixture.running.await.unwrap();
    let kinds: BTreeSet<u8> = fixture.store.open().1.iter().map(|entry| entry.key[0]).collect();
    assert!(kinds.contains(&b't'), "the log entry is not kept: {kinds:?}");
}

#[tokio::test]
async fn stopping_syncs_what_was_taken() {
    let mut fixture = fixture(vec![]);
    let promise = fixture.post_silence().await;
    fixture.commit_begins().await;
    let store = fixture.store.clone();
    fixture.open();
    fixture.stop().await;
    assert_eq!(store.open().1.len(), 1);
    // The promise is kept or broken with the connection, never made falsely.
    assert!(!matches!(promise.await, Ok(Err(_))));
}
