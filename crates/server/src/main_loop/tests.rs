use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::time::Duration;

use bellwether_api::{Answered, Saved, Unavailable};
use bellwether_engine::{
    AlertsReply, Engine, EngineSettings, GroupBy, Integration, Plan, PlanParts, PostedSilence,
    Receiver, RefusedAlerts, RouteSpec, SilenceRefusal, Timing, Turn,
};
use bellwether_journal::{
    Change, Entry, Fault, Journal, JournalError, LiveEntries, MemoryStore, Status, Tended, Writer,
};
use bellwether_model::{
    IntegrationId, LabelSet, Matcher, Matchers, NewAlert, Notification, Op, Outcome, Timestamp,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::clients::ALERTS_PER_COMMAND;
use super::{
    Command, EventSenders, JournalWatch, MainLoop, Parts, ReplySender, ServerEvent, StoreCondition,
    Unsaved, event_channels,
};
use crate::attempts::{Notifier, Notifiers};
use crate::clock::Clock;
use crate::features::Features;
use crate::metrics::Metrics;
use crate::notes::SilenceLog;
use crate::receivers::ReceiverSettings;

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

    fn tend(&mut self, now: std::time::Instant) -> Tended {
        self.journal.tend(now)
    }

    fn begin_anew(&mut self, live: LiveEntries) {
        self.journal.begin_anew(live);
    }

    fn status(&self) -> Status {
        self.journal.status()
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
    fixture_with(reactions, Unsaved::Taken)
}

fn fixture_with(reactions: Vec<Reaction>, unsaved: Unsaved) -> Fixture {
    let (senders, receivers) = event_channels();
    let store = MemoryStore::default();
    let (begin, begun) = mpsc::unbounded_channel();
    let (gate, opened) = std_mpsc::channel();
    let journal = Gated { journal: Box::new(store.open().0), begun: begin, gate: opened };
    let answers = senders.internal.clone();
    let writer = Writer::spawn(journal, move |answer| {
        let _ = answers.send(ServerEvent::Journal(answer));
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
        rendering: ReceiverSettings::usual(Arc::clone(&metrics)).rendering,
        clock,
        metrics: Arc::clone(&metrics),
        silence_log: SilenceLog::Debug,
        journal_watch: JournalWatch::new("the journal".as_ref(), condition.clone()),
        other_entries: [mark()].into(),
        unsaved,
        first_turn,
    };
    let running = tokio::spawn(MainLoop::new(parts, &senders).run(receivers));
    Fixture { senders, running, store, begun, gate, notified, condition, metrics }
}

/// Something that the journal holds and the engine does not know.
fn mark() -> Entry {
    Entry { key: (*b"m/imported").into(), value: (*b"1").into() }
}

fn saved<R>(reply: R) -> Result<Answered<R>, Unavailable> {
    Ok(Answered { reply, saved: Saved::HERE })
}

fn unsaved<R>(reply: R) -> Result<Answered<R>, Unavailable> {
    Ok(Answered { reply, saved: Saved::NOWHERE })
}

type Promise<R> = oneshot::Receiver<Result<Answered<R>, Unavailable>>;

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

fn numbered(number: usize) -> NewAlert {
    let labels = LabelSet::new([("alertname", "Disk"), ("number", &number.to_string())]);
    NewAlert { fingerprint: labels.fingerprint(), labels, ..alert() }
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
    let answered = promise.await.unwrap().unwrap();
    assert!(answered.reply.is_ok() && answered.saved == Saved::HERE);
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
    assert_eq!(promise.await, Ok(saved(AlertsReply::default())));
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
async fn a_large_post_enters_in_parts_and_is_answered_whole() {
    let mut fixture = fixture(vec![]);
    fixture.open();
    let count = 20 * ALERTS_PER_COMMAND + 1;
    let mut alerts: Vec<NewAlert> = (0..count).map(numbered).collect();
    // Its start is after its end.
    let bad = 3 * ALERTS_PER_COMMAND + 7;
    alerts[bad].starts_at = Some(Timestamp::from_unix(2_000_000_000, 0));
    alerts[bad].ends_at = Some(Timestamp::from_unix(1_000_000_000, 0));
    let refused = RefusedAlerts { firing: 1, resolved: 2 };
    let Answered { reply, saved } = fixture.senders.take_alerts(alerts, refused).await.unwrap();
    assert_eq!(saved, Saved::HERE);
    let positions: Vec<usize> = reply.rejected.iter().map(|one| one.position).collect();
    assert_eq!(positions, [bad]);

    let (reply, view) = oneshot::channel();
    fixture.senders.reads.send(ServerEvent::Read { reply }).await.ok().unwrap();
    let mut shown = 0;
    view.await.unwrap().each_alert(Timestamp::ZERO, &Default::default(), |_| shown += 1);
    assert_eq!(shown, count - 1);
    let keys = fixture.store.open().1;
    let kept = keys.iter().filter(|entry| entry.key[0] == b'a').count();
    assert_eq!(kept, count - 1, "not all alerts are durable");
    let received = |status| fixture.metrics.alerts_received.with(&[status, "v2"]).read();
    assert_eq!((received("firing"), received("resolved")), (count as u64, 3));
    assert_eq!(fixture.metrics.alerts_invalid.read(), 4);
    fixture.stop().await;
}

#[tokio::test]
async fn a_large_post_is_answered_only_when_its_last_part_is_durable() {
    let mut fixture = fixture(vec![]);
    let alerts: Vec<NewAlert> = (0..20 * ALERTS_PER_COMMAND).map(numbered).collect();
    let senders = fixture.senders.clone();
    let answer =
        tokio::spawn(async move { senders.take_alerts(alerts, RefusedAlerts::default()).await });
    // Eight parts are under way at most, so the first commits cannot hold all of them.
    for commits in 0..3 {
        fixture.commit_begins().await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(fixture.store.commits(), commits);
        assert!(!answer.is_finished(), "answered before all of it was durable");
        fixture.gate.send(()).unwrap();
    }
    fixture.open();
    assert_eq!(answer.await.unwrap(), saved(AlertsReply::default()));
    let kept = fixture.store.open().1.iter().filter(|entry| entry.key[0] == b'a').count();
    assert_eq!(kept, 20 * ALERTS_PER_COMMAND);
    fixture.stop().await;
}

#[tokio::test]
async fn a_large_post_that_is_not_durable_is_in_force_whole_and_answered_so() {
    for unsaved in [Unsaved::Taken, Unsaved::Refused] {
        let mut fixture = fixture_with(vec![], unsaved);
        fixture.store.fail_after(0, Fault::DiskFull);
        fixture.open();
        let alerts = (0..10 * ALERTS_PER_COMMAND).map(numbered).collect();
        let answer = fixture.senders.take_alerts(alerts, RefusedAlerts::default()).await;
        let expected = match unsaved {
            Unsaved::Taken => self::unsaved(AlertsReply::default()),
            Unsaved::Refused => Err(Unavailable::NotDurable),
        };
        assert_eq!(answer, expected);
        let (reply, view) = oneshot::channel();
        fixture.senders.reads.send(ServerEvent::Read { reply }).await.ok().unwrap();
        let mut shown = 0;
        view.await.unwrap().each_alert(Timestamp::ZERO, &Default::default(), |_| shown += 1);
        assert_eq!(shown, 10 * ALERTS_PER_COMMAND);
        fixture.stop().await;
    }
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
    assert_eq!(answer.reply, Ok(ids[0].clone()));
    fixture.stop().await;
}

#[tokio::test]
async fn while_the_journal_fails_everything_works_from_memory_and_becomes_durable_later() {
    let mut fixture = fixture(vec![]);
    fixture.store.fail_after(0, Fault::DiskFull);
    fixture.open();
    let promise = fixture.post_alert().await;
    assert_eq!(promise.await, Ok(unsaved(AlertsReply::default())));
    assert!(fixture.notified.recv().await.is_some());
    let Answered { reply, saved } = fixture.post_silence().await.await.unwrap().unwrap();
    assert_eq!(saved, Saved::NOWHERE);
    let kept = reply.unwrap();
    let Answered { reply, .. } = fixture.post_silence().await.await.unwrap().unwrap();
    let id = reply.unwrap();
    let expired = fixture.ask(|reply| Command::ExpireSilence { id, reply }).await;
    assert_eq!(expired.await, Ok(unsaved(Ok(()))));
    let problem = fixture.condition.problem().unwrap();
    for part in ["not writable", "disk is full", "free space"] {
        assert!(problem.contains(part), "{problem}");
    }
    let metrics = Arc::clone(&fixture.metrics);
    let count = |operation| metrics.silences_not_durable.with(&[operation]).read();
    assert_eq!((metrics.alerts_not_durable.read(), count("post"), count("expire")), (1, 2, 1));
    assert_eq!((metrics.journal_failing.read(), metrics.journal_failures.read()), (1.0, 1));

    fixture.store.free_space();
    while fixture.condition.problem().is_some() {
        let (reply, view) = oneshot::channel();
        fixture.senders.reads.send(ServerEvent::Read { reply }).await.ok().unwrap();
        view.await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(metrics.journal_failing.read(), 0.0);
    assert_eq!(fixture.post_alert().await.await, Ok(self::saved(AlertsReply::default())));
    let store = fixture.store.clone();
    fixture.stop().await;
    let found = store.open().1;
    let keys = |first: u8| found.iter().filter(move |entry| entry.key[0] == first);
    assert_eq!((keys(b'a').count(), keys(b't').count(), keys(b's').count()), (1, 1, 2));
    assert!(keys(b's').any(|entry| entry.key.windows(kept.len()).any(|at| at == kept.as_bytes())));
    assert_eq!(keys(b'm').collect::<Vec<_>>(), [&mark()]);
}

#[tokio::test]
async fn a_flag_makes_answers_of_what_is_not_durable_errors() {
    let mut fixture = fixture_with(vec![], Unsaved::Refused);
    fixture.store.fail_after(0, Fault::DiskFull);
    fixture.open();
    assert_eq!(fixture.post_alert().await.await, Ok(Err(Unavailable::NotDurable)));
    assert!(fixture.notified.recv().await.is_some(), "the alert is in force all the same");
    assert_eq!(fixture.post_silence().await.await, Ok(Err(Unavailable::NotDurable)));
    assert_eq!(fixture.metrics.silences_not_durable.with(&["post"]).read(), 0, "it was not taken");
    let expired = fixture.ask(|reply| Command::ExpireSilence { id: "1".into(), reply }).await;
    assert_eq!(expired.await, Ok(Err(Unavailable::NotDurable)));
    fixture.stop().await;
}

#[tokio::test]
async fn a_stop_saves_what_was_not_durable_if_the_disk_can_be_written_by_then() {
    let mut fixture = fixture(vec![]);
    fixture.store.fail_after(0, Fault::DiskFull);
    fixture.open();
    let answered = fixture.post_silence().await.await.unwrap().unwrap();
    assert_eq!(answered.saved, Saved::NOWHERE);
    let store = fixture.store.clone();
    store.free_space();
    fixture.stop().await;
    assert_eq!(store.open().1.len(), 2, "the silence and the mark");
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
