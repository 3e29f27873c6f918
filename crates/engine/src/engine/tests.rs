use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    FailureReason, GroupKey, IntegrationId, LabelSet, Matcher, Matchers, Mono, NewAlert, Now, Op,
    Outcome, Remembered, Silence, Timestamp,
};

use super::Engine;
use super::notification::Notification;
use super::pauses::Pauses;
use super::replication::Replication;
use super::silencing::Silencing;
use crate::alerts::Alerts;
use crate::replicated::{LogEntry, LogKey, Notified, SilenceRecord};
use crate::{
    Channel, Effect, EngineSettings, GroupBy, Input, Integration, Note, Plan, PlanParts,
    PostedSilence, Receiver, RefusedAlerts, RouteSpec, Ticket, Timing, Turn, wire,
};

fn now(seconds: u64) -> Now {
    let wall = Timestamp::from_unix(1_767_614_400, 0).plus(Duration::from_secs(seconds));
    Now { wall, mono: Mono(seconds * 1_000_000_000) }
}

fn plan() -> Arc<Plan> {
    let id = IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 };
    let receiver = Receiver {
        name: "team".into(),
        labels: LabelSet::default(),
        integrations: vec![Integration { id, send_resolved: true }],
    };
    let route = RouteSpec {
        receiver: "team".into(),
        group_by: GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])),
        matchers: Matchers::default(),
        continues: false,
        timing: Timing {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    };
    Arc::new(Plan::new(PlanParts {
        route,
        receivers: vec![receiver],
        inhibit_rules: Vec::new(),
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    }))
}

fn alert(name: &str, number: usize, ends_at: Timestamp) -> NewAlert {
    let number = number.to_string();
    let labels = LabelSet::new([("alertname", name), ("number", &number)]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Some(now(0).wall),
        ends_at: Some(ends_at),
    }
}

fn posted(alerts: Vec<NewAlert>, refused: RefusedAlerts) -> Input {
    Input::Alerts { alerts, refused, ticket: Ticket(1) }
}

/// Handles one input, and returns its turn and whether readers are to look again.
fn handle(engine: &mut Engine, now: Now, input: Input) -> (Turn, bool) {
    let (generation, mut turn) = (engine.generation(), Turn::default());
    engine.handle(now, input, &mut turn);
    (turn, engine.generation() > generation)
}

#[test]
fn every_change_that_a_reader_may_see_raises_the_generation() {
    let none = RefusedAlerts::default;
    let engine = || Engine::new(plan(), EngineSettings::default(), 1);
    let is_seen = |engine: &mut Engine, at, input| handle(engine, now(at), input).1;
    assert!(!is_seen(&mut engine(), 0, Input::Tick), "nothing is there");
    assert!(is_seen(&mut engine(), 0, posted(vec![alert("A", 0, now(600).wall)], none())));
    assert!(is_seen(&mut engine(), 0, Input::Plan(plan())));
    let silence = PostedSilence {
        id: None,
        matchers: matching("A").0,
        starts_at: now(0).wall,
        ends_at: now(60).wall,
        created_by: String::new(),
        comment: String::new(),
        annotations: BTreeMap::new(),
    };
    assert!(is_seen(&mut engine(), 0, Input::PostSilence { silence, ticket: Ticket(2) }));
    let mut restored = engine();
    restored.restore(now(0), [], &mut Turn::default());
    assert_ne!(restored.generation(), engine().generation());

    let mut idle = engine();
    assert!(!is_seen(&mut idle, 0, Input::Tick));
    assert!(!is_seen(&mut idle, 800, Input::Tick));
    assert!(is_seen(&mut idle, 901, Input::Tick), "maintenance");
    assert!(!is_seen(&mut idle, 902, Input::Tick));

    let mut flushing = engine();
    flushing.handle(
        now(0),
        posted(vec![alert("A", 0, now(600).wall)], none()),
        &mut Turn::default(),
    );
    assert!(!is_seen(&mut flushing, 29, Input::Tick));
    assert!(is_seen(&mut flushing, 30, Input::Tick), "a flush");
}

#[test]
fn refused_alerts_of_all_kinds_are_counted_as_invalid() {
    let mut engine = Engine::new(plan(), EngineSettings::default(), 1);
    let wrong = NewAlert {
        ends_at: Some(now(0).wall),
        starts_at: Some(now(5).wall),
        ..alert("A", 0, now(0).wall)
    };
    let refused = RefusedAlerts { firing: 2, resolved: 3 };
    let alerts = vec![wrong, alert("A", 1, now(600).wall)];
    let (turn, _) = handle(&mut engine, now(10), posted(alerts, refused));
    let counts = Note::AlertsReceived { firing: 3, resolved: 4, invalid: 6 };
    assert!(turn.notes.contains(&counts), "{:?}", turn.notes);
}

#[test]
fn each_new_group_says_how_many_there_are_with_it() {
    let mut engine = Engine::new(plan(), EngineSettings::default(), 1);
    let alerts = ["A", "B", "C"].map(|name| alert(name, 0, now(600).wall));
    let (turn, _) = handle(&mut engine, now(0), posted(alerts.to_vec(), RefusedAlerts::default()));
    let counts = turn.notes.iter().filter_map(|note| match note {
        Note::GroupOpened { groups, .. } => Some(*groups),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_second_answer_to_an_attempt_does_not_end_the_retries() {
    let mut engine = Engine::new(plan(), EngineSettings::default(), 1);
    let alerts = vec![alert("A", 0, now(3600).wall)];
    handle(&mut engine, now(0), posted(alerts, RefusedAlerts::default()));
    let attempt = |turn: Turn| {
        turn.after.into_iter().find_map(|effect| match effect {
            Effect::Attempt(attempt) => Some(attempt),
            _ => None,
        })
    };
    let first = attempt(handle(&mut engine, now(30), Input::Tick).0).expect("the group is due");
    assert_eq!(first.alert_count(), 1);
    let retry =
        Outcome::Retry { after: None, reason: FailureReason::ServerError, detail: String::new() };
    let delivered = Outcome::Delivered { remember: Remembered::default() };
    for outcome in [retry, delivered] {
        let input = Input::Outcome { delivery: first.delivery, outcome };
        handle(&mut engine, now(30), input);
    }
    let second = attempt(handle(&mut engine, now(31), Input::Tick).0).expect("it is tried again");
    assert_eq!((second.number, second.delivery), (2, first.delivery));
}

#[test]
fn alerts_that_leave_their_group_in_a_later_turn_raise_the_generation() {
    let mut engine = Engine::new(plan(), EngineSettings::default(), 1);
    let alerts = |ends_at| (0..600).map(|number| alert("A", number, ends_at)).collect();
    handle(&mut engine, now(0), posted(alerts(now(3600).wall), RefusedAlerts::default()));
    let mut at = 0;
    let mut leaves = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    for _ in 0..100 {
        let input = inputs.pop().unwrap_or(Input::Tick);
        let next = engine.next_wakeup().expect("something is due").0.div_ceil(1_000_000_000);
        at = if matches!(input, Input::Tick) { next.max(at) } else { at };
        let (turn, is_seen) = handle(&mut engine, now(at), input);
        for effect in turn.after {
            if let Effect::Attempt(attempt) = effect {
                let outcome = Outcome::Delivered { remember: Remembered::default() };
                inputs.push(Input::Outcome { delivery: attempt.delivery, outcome });
                if attempt.number == 1 && leaves.is_empty() {
                    let resolved = alerts(now(at).wall);
                    inputs.insert(0, posted(resolved, RefusedAlerts::default()));
                }
            }
        }
        let is_closed = turn.notes.iter().any(|note| matches!(note, Note::GroupClosed { .. }));
        if is_closed {
            leaves.push(is_seen);
            break;
        }
    }
    assert_eq!(leaves, [true], "the group is gone, in a turn without a flush");
}

fn matching(name: &str) -> Matchers {
    Matchers(vec![Matcher::new("alertname", Op::Equal, name).expect("a valid matcher")])
}

fn version(matchers: Matchers, updated: u64, ends: u64) -> SilenceRecord {
    let silence = Silence {
        id: "s".to_owned(),
        matcher_sets: vec![matchers],
        starts_at: now(0).wall,
        ends_at: now(ends).wall,
        updated_at: now(updated).wall,
        created_by: String::new(),
        comment: String::new(),
        annotations: BTreeMap::new(),
    };
    SilenceRecord { silence: Arc::new(silence), expires_at: now(ends + 60).wall, wire: None }
}

#[test]
fn a_silence_whose_matchers_a_peer_has_changed_silences_what_they_match_now() {
    let mut alerts = Alerts::new(0);
    let mut silencing = Silencing::new(&EngineSettings {
        retention: Duration::from_secs(60),
        ..EngineSettings::default()
    });
    let [a, b] = ["A", "B"].map(|name| {
        let new = alert(name, 0, now(600).wall);
        let change = alerts.report(new, now(0).wall, Duration::from_secs(300));
        change.expect("the alert is valid").alert
    });
    let silenced = |silencing: &mut Silencing| {
        while silencing.has_work_left() {
            silencing.find_some(&alerts);
        }
        [&a, &b].map(|alert| silencing.index.of(alert).count())
    };
    assert!(silencing.merge(version(matching("A"), 1, 100), now(1), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [1, 0]);
    assert!(silencing.merge(version(matching("A"), 2, 200), now(2), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [1, 0], "it only lasts longer");
    assert!(silencing.merge(version(matching("B"), 3, 200), now(3), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [0, 1]);
    assert!(silencing.merge(version(matching("B"), 2, 300), now(3), &alerts).is_none(), "older");
    assert!(silencing.merge(version(matching("B"), 4, 4), now(4), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [0, 0], "it has ended");
    assert!(silencing.merge(version(matching("A"), 5, 5), now(5), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [0, 0], "it has ended, whatever it would match");
    assert!(silencing.merge(version(matching("A"), 6, 300), now(6), &alerts).is_some());
    assert_eq!(silenced(&mut silencing), [1, 0], "it is active again");

    silencing.add_alert(&b);
    silencing.remove_alert(&a);
    assert_eq!(silenced(&mut silencing), [0, 0]);
    silencing.add_alert(&a);
    assert_eq!(silenced(&mut silencing), [1, 0]);
    assert_eq!(silencing.remove_expired(now(299), &mut Turn::default()), 0);
    assert_eq!(silenced(&mut silencing), [1, 0]);
    assert_eq!(silencing.remove_expired(now(301), &mut Turn::default()), 0);
    assert_eq!(silenced(&mut silencing), [0, 0]);
}

#[test]
fn a_silence_of_a_peer_is_kept_for_as_long_as_one_of_this_node() {
    let mut engine = Engine::new(plan(), EngineSettings::default(), 1);
    let version = version(matching("A"), 0, 100);
    let mut data = Vec::new();
    wire::append_message(&mut data, &wire::encode_silence(&version.silence, now(50).wall));
    let input = Input::PeerRecords { channel: Channel::Silences, data };
    let (turn, _) = handle(&mut engine, now(0), input);
    let live: Vec<_> = engine.live_records(now(0)).into_records().collect();
    let [kept, live] = [&turn.keep, &live]
        .map(|records| records.iter().map(|record| record.encode()).collect::<Vec<_>>());
    assert!(!kept.is_empty());
    assert_eq!(kept, live, "a start finds what is live");
}

#[test]
fn a_record_of_a_peer_is_taken_until_after_the_instant_in_which_it_expires() {
    let replication = Replication::new(None);
    let version = version(matching("A"), 0, 100);
    let message = wire::encode_silence(&version.silence, version.expires_at);
    let read = |now| {
        let record = replication.read(now, Channel::Silences, &message);
        record.expect("the message is valid").is_some()
    };
    assert!(read(now(160)));
    assert!(!read(now(161)));
}

#[test]
fn a_node_that_is_held_up_is_held_once_in_a_quarter_of_a_minute() {
    let mut pauses = Pauses::default();
    let late = |pauses: &mut Pauses, at: u64, by: u64| {
        pauses.note(now(at), Some(now(at - by).mono)).map(|by| by.as_secs())
    };
    assert_eq!(late(&mut pauses, 10, 5), None, "it has just started");
    assert_eq!(late(&mut pauses, 20, 1), None, "it is hardly late");
    assert_eq!(late(&mut pauses, 30, 5), Some(5));
    assert!(pauses.hold(now(31).mono) && !pauses.hold(now(32).mono));
    assert_eq!(late(&mut pauses, 46, 5), None, "that was lately");
    assert_eq!(late(&mut pauses, 52, 5), Some(5));

    // The monotonic clock stood still.
    let slept = |seconds: u64| {
        let mut pauses = Pauses::default();
        pauses.note(now(100), None);
        let wall = now(101 + seconds).wall;
        pauses.note(Now { wall, ..now(101) }, None).map(|by| by.as_secs())
    };
    assert_eq!([slept(10), slept(11)], [None, Some(11)]);
}

#[test]
fn an_expired_log_entry_stays_only_for_a_resolve_of_a_group_that_is_there() {
    let key = |group: &str| LogKey {
        group: GroupKey::from_text(group),
        integration: IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 },
    };
    let mut notification = Notification::new(&EngineSettings::default());
    let fires = Notified { firing: vec![1], ..Notified::default() };
    let pending = Notified { resolve_pending: vec![1], ..Notified::default() };
    let resolved = Notified { resolved: vec![1], ..Notified::default() };
    let entries = [("fires", &fires), ("gone", &fires), ("pending", &pending), ("over", &resolved)];
    for (group, notified) in entries {
        let lasts = Duration::from_secs(10);
        let entry = LogEntry::new(key(group), notified.clone(), now(0).wall, lasts);
        notification.log.merge(entry);
    }
    let groups = ["fires", "pending", "over"].map(GroupKey::from_text);
    let has_group = |key: &GroupKey| groups.contains(key);
    assert_eq!(notification.remove_expired(now(11), 1, has_group, &mut Turn::default()), 1);
    assert_eq!(notification.remove_expired(now(11), 512, has_group, &mut Turn::default()), 1);
    let stays = ["fires", "gone", "pending", "over"]
        .map(|group| notification.log.find(&key(group)).is_some());
    assert_eq!(stays, [true, false, true, false]);
}

#[test]
fn amendments_of_an_entry_are_within_a_microsecond() {
    let is_amended = |nanoseconds| {
        let then = now(0).wall;
        crate::replicated::is_amended(then, then.plus(Duration::from_nanos(nanoseconds)))
    };
    assert!(is_amended(0) && is_amended(1) && is_amended(999));
    assert!(!is_amended(1_000));
}
