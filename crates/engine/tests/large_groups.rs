//! Is no turn longer because a group is large, and is nothing lost in between?

#[path = "scenario/plan.rs"]
mod plan;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{
    AlertQuery, Attempt, Channel, Effect, Engine, EngineSettings, Input, LogEntry, LogKey, Note,
    Notified, Plan, PostedSilence, Record, RefusedAlerts, Reply, Ticket, Turn, wire,
};
use bellwether_model::{
    GroupKey, IntegrationId, LabelSet, Matcher, Matchers, Mono, NewAlert, Notification, Now, Op,
    Outcome, Remembered, Silence, Timestamp,
};

const ALERTS: usize = 5_000;
/// What a turn may look at; the engine's own limits are half of that.
const PER_TURN: usize = 1_100;

struct World {
    engine: Engine,
    mono: Mono,
    /// Of the last input.
    turn: Turn,
}

impl World {
    /// With the plan of all tests here, and all alerts firing.
    fn new() -> Self {
        let mut world = World {
            engine: Engine::new(plan(), EngineSettings::default(), 1),
            mono: Mono(0),
            turn: Turn::default(),
        };
        world.post((0..ALERTS).map(|number| alert(number, None)).collect());
        world
    }

    fn now(&self) -> Now {
        Now { wall: start().plus(self.mono.since(Mono(0))), mono: self.mono }
    }

    fn handle(&mut self, input: Input) {
        self.turn.clear();
        self.engine.handle(self.now(), input, &mut self.turn);
    }

    fn post(&mut self, alerts: Vec<NewAlert>) {
        let refused = RefusedAlerts::default();
        self.handle(Input::Alerts { alerts, refused, ticket: Ticket(1) });
        let is_answer = |effect: &Effect| matches!(effect, Effect::Reply(Reply::Alerts { .. }));
        assert!(self.turn.after.iter().any(is_answer), "a POST is answered in its own turn");
    }

    /// Goes to the engine's next deadline, for one turn.
    fn tick(&mut self) {
        let at = self.engine.next_wakeup().expect("the engine always has a deadline");
        self.mono = self.mono.max(at);
        self.handle(Input::Tick);
    }

    /// Ticks until there is an attempt; returns it, and how many turns began with it.
    fn attempt(&mut self) -> (Attempt, usize) {
        for turns in 1..10_000 {
            self.tick();
            let effects = std::mem::take(&mut self.turn.after).into_iter();
            let mut attempts = effects.filter_map(|effect| match effect {
                Effect::Attempt(attempt) => Some(attempt),
                _ => None,
            });
            if let Some(attempt) = attempts.next() {
                return (attempt, turns);
            }
        }
        panic!("no attempt was made");
    }

    fn accept(&mut self, attempt: &Attempt) {
        let outcome = Outcome::Delivered { remember: Remembered::default() };
        self.handle(Input::Outcome { delivery: attempt.delivery, outcome });
    }

    fn count(&self) -> usize {
        self.count_of(&AlertQuery::default())
    }

    fn count_of(&self, query: &AlertQuery) -> usize {
        let mut count = 0;
        self.engine.view().each_alert(self.now().wall, query, |_| count += 1);
        count
    }

    /// Silences all alerts; returns the silence's id.
    fn silence(&mut self) -> String {
        let silence = PostedSilence {
            id: None,
            matchers: vec![Matcher::new("alertname", Op::Equal, "Disk").expect("no pattern")],
            starts_at: Timestamp::ZERO,
            ends_at: self.now().wall.plus(Duration::from_secs(7200)),
            created_by: "me".into(),
            comment: "why".into(),
            annotations: Default::default(),
        };
        self.handle(Input::PostSilence { silence, ticket: Ticket(2) });
        let mut effects = self.turn.after.iter();
        let id = effects.find_map(|effect| match effect {
            Effect::Reply(Reply::PostSilence { reply: Ok(id), .. }) => Some(id.clone()),
            _ => None,
        });
        id.expect("a silence is answered in its own turn")
    }
}

fn start() -> Timestamp {
    Timestamp::from_unix(1_767_614_400, 0)
}

fn plan() -> Arc<Plan> {
    plan::parse_plan("route receiver=team group_wait=10s group_interval=5m")
}

fn alert(number: usize, ends_at: Option<Timestamp>) -> NewAlert {
    let labels =
        LabelSet::new([("alertname", "Disk"), ("instance", format!("host-{number:05}").as_str())]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Some(start()),
        ends_at: Some(ends_at.unwrap_or(start().plus(Duration::from_secs(7200)))),
    }
}

fn firing(notification: &Notification) -> usize {
    notification.alerts.iter().filter(|alert| !alert.resolved_at(notification.now)).count()
}

#[test]
fn a_large_group_takes_several_turns_and_is_notified_whole_and_in_order() {
    let mut world = World::new();
    let (attempt, turns) = world.attempt();
    assert!(turns >= ALERTS / PER_TURN, "{turns} turns for {ALERTS} alerts");
    let notification = attempt.notification();
    assert_eq!(firing(&notification), ALERTS);
    let instances = notification.alerts.iter().map(|alert| alert.labels.value("instance"));
    assert!(instances.is_sorted(), "receivers see them in order");
    assert_eq!(notification.now, start().plus(Duration::from_secs(10)));

    let outcome = Outcome::Retry {
        after: None,
        reason: bellwether_model::FailureReason::ServerError,
        detail: String::new(),
    };
    world.handle(Input::Outcome { delivery: attempt.delivery, outcome });
    let (again, turns) = world.attempt();
    assert!(turns >= ALERTS / PER_TURN, "{turns} turns for {ALERTS} alerts");
    assert_eq!((again.number, firing(&again.notification())), (2, ALERTS));
    world.accept(&again);

    let is_nothing = |note: &Note| matches!(note, Note::NothingToNotify { .. });
    while !world.turn.notes.iter().any(is_nothing) {
        world.tick();
    }
    let flushed = world.mono;
    assert!(world.engine.next_wakeup() <= Some(flushed), "what was judged is to be freed");
    while world.engine.next_wakeup() <= Some(flushed) {
        world.tick();
    }
}

#[test]
fn inputs_in_between_are_handled_and_what_they_change_is_notified_later() {
    let mut world = World::new();
    world.tick();
    world.tick();
    let now = world.now().wall;
    world.post((0..ALERTS).map(|number| alert(number, Some(now))).collect());
    world.post(vec![alert(ALERTS, None)]);
    let (attempt, _) = world.attempt();
    let first = attempt.notification();
    let new = alert(ALERTS, None).fingerprint;
    let had_new = first.alerts.iter().any(|alert| alert.fingerprint == new);
    let fired = firing(&first) - usize::from(had_new);
    assert!((1..2 * PER_TURN).contains(&fired), "{fired} had been judged when they resolved");
    world.accept(&attempt);
    let (attempt, _) = world.attempt();
    let second = attempt.notification();
    assert_eq!((firing(&second), second.alerts.len()), (1, 1 + fired), "the others are known");
}

#[test]
fn a_new_plan_in_between_begins_again() {
    let mut world = World::new();
    world.tick();
    world.tick();
    world.handle(Input::Plan(plan()));
    let (attempt, _) = world.attempt();
    assert_eq!(firing(&attempt.notification()), ALERTS);
}

#[test]
fn resolved_alerts_leave_over_several_turns() {
    let mut world = World::new();
    let (attempt, _) = world.attempt();
    world.accept(&attempt);
    let now = world.now().wall;
    world.post((0..ALERTS).map(|number| alert(number, Some(now))).collect());
    let (attempt, _) = world.attempt();
    assert_eq!(firing(&attempt.notification()), 0);
    world.accept(&attempt);
    // One that fires again in between stays.
    let ends_at = Some(now.plus(Duration::from_secs(3600)));
    world.post(vec![alert(0, ends_at), alert(1, ends_at), alert(ALERTS - 1, ends_at)]);
    let (attempt, _) = world.attempt();
    let notification = attempt.notification();
    assert_eq!((firing(&notification), notification.alerts.len()), (3, 3));
    world.accept(&attempt);

    let mut gone = BTreeSet::new();
    let mut collections = Vec::new();
    let mut maintenances = 0;
    while collections.is_empty() || world.count() > 3 {
        let generation = world.engine.generation();
        world.tick();
        let removes = |record: &Record| matches!(record, Record::AlertGone(_));
        if world.turn.keep.iter().any(removes) {
            assert!(world.engine.generation() > generation, "readers see it");
        }
        if collections.is_empty() && !gone.is_empty() {
            let is_end = |note: &&Note| matches!(note, Note::Collected { .. });
            maintenances += world.turn.notes.iter().filter(is_end).count();
        }
        let removed = world.turn.keep.iter().filter_map(|record| match record {
            Record::AlertGone(fingerprint) => Some(*fingerprint),
            _ => None,
        });
        let before = gone.len();
        gone.extend(removed);
        assert!(gone.len() - before <= PER_TURN, "{} in a turn", gone.len() - before);
        collections.extend(world.turn.notes.iter().filter_map(|note| match note {
            Note::Collected { alerts, .. } if *alerts > 0 => Some(*alerts),
            _ => None,
        }));
    }
    assert_eq!(gone.len(), ALERTS - 3);
    assert_eq!(collections, [ALERTS - 3], "one maintenance, however many turns it takes");
    assert_eq!(maintenances, 1);
}

#[test]
fn a_turn_decides_one_delivery_of_a_large_group() {
    let mut world = World::new();
    let plan = plan::parse_plan(
        "route receiver=team group_wait=10s group_interval=5m\n\
         receiver team: webhook, email, slack",
    );
    world.handle(Input::Plan(plan));
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        world.tick();
        let attempts = world.turn.after.iter().filter_map(|effect| match effect {
            Effect::Attempt(attempt) => Some(attempt),
            _ => None,
        });
        let attempts: Vec<&Attempt> = attempts.collect();
        assert!(attempts.len() <= 1, "{} attempts begin in one turn", attempts.len());
        for attempt in attempts {
            assert_eq!(firing(&attempt.notification()), ALERTS);
            kinds.push(attempt.integration.kind.to_string());
        }
    }
    assert_eq!(kinds, ["webhook", "email", "slack"]);
    assert_eq!(world.mono, Mono(10_000_000_000), "all in the turns of one flush");
}

#[test]
fn a_silence_over_many_alerts_is_in_force_at_once_and_so_is_its_end() {
    let mut world = World::new();
    let not_silenced = AlertQuery { silenced: false, ..AlertQuery::default() };
    let id = world.silence();
    assert_eq!(world.count_of(&not_silenced), 0);
    let mut turns = 0;
    while world.engine.next_wakeup() <= Some(world.mono) {
        world.tick();
        assert_eq!(world.count_of(&not_silenced), 0, "after {turns} turns");
        turns += 1;
    }
    assert!(turns > 2, "{turns} turns for {ALERTS} alerts");
    // A new alert has it too.
    world.post(vec![alert(ALERTS, None)]);
    assert_eq!(world.count_of(&not_silenced), 0);

    let suppressed =
        |note: &Note| matches!(note, Note::Suppressed { alerts, .. } if *alerts == ALERTS + 1);
    while !world.turn.notes.iter().any(suppressed) {
        world.tick();
    }
    world.handle(Input::ExpireSilence { id, ticket: Ticket(3) });
    assert_eq!(world.count_of(&not_silenced), ALERTS + 1);
    let (attempt, _) = world.attempt();
    assert_eq!(firing(&attempt.notification()), ALERTS + 1);
}

/// A message that says which alerts of a group have been notified.
fn entry(at: Timestamp, group: String, alerts: Vec<u64>) -> Vec<u8> {
    let integration = IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 };
    wire::encode_entry(&LogEntry {
        key: LogKey { group: GroupKey::from_text(group), integration },
        notified: Notified { firing: alerts, ..Notified::default() },
        at,
        expires_at: at.plus(Duration::from_secs(3600)),
        remembered: Remembered::default(),
        wire: None,
    })
}

/// Records of as many groups that this node does not have.
fn other_entries(at: Timestamp, numbers: Range<usize>) -> Vec<u8> {
    let mut data = Vec::new();
    for number in numbers {
        let group = format!("{{}}:{{n=\"{number}\"}}");
        wire::append_message(&mut data, &entry(at, group, vec![number as u64]));
    }
    data
}

#[test]
fn records_that_keep_coming_do_not_hold_up_notifications() {
    let mut world = World::new();
    world.mono = Mono(10_000_000_000);
    let mut attempts = 0;
    for round in 0..60 {
        // More than one turn merges, so that there are always some left.
        let data = other_entries(world.now().wall, 600 * round..600 * (round + 1));
        world.handle(Input::PeerRecords { channel: Channel::NotificationLog, data });
        let is_attempt = |effect: &&Effect| matches!(effect, Effect::Attempt(_));
        attempts += world.turn.after.iter().filter(is_attempt).count();
        if world.mono < Mono(11_000_000_000) {
            assert_eq!(attempts, 0, "a peer may have notified it");
        }
        world.mono = world.mono.plus(Duration::from_millis(30));
    }
    assert_eq!(attempts, 1);
}

#[test]
fn a_state_that_takes_long_to_merge_does_not_hold_up_notifications() {
    let mut world = World::new();
    world.mono = Mono(10_000_000_000);
    let data = other_entries(world.now().wall, 0..200 * 512);
    world.handle(Input::PeerRecords { channel: Channel::NotificationLog, data });
    let is_attempt = |effect: &Effect| matches!(effect, Effect::Attempt(_));
    let is_merged = |note: &Note| matches!(note, Note::RecordsMerged { .. });
    while !world.turn.after.iter().any(is_attempt) {
        assert!(!world.turn.notes.iter().any(is_merged), "nothing is notified before");
        world.mono = world.mono.plus(Duration::from_millis(30));
        world.handle(Input::Tick);
    }
    assert!(world.mono >= Mono(11_000_000_000), "a peer may have notified it");
}

#[test]
fn silences_of_a_peer_come_over_several_turns_where_there_are_many_alerts() {
    let mut world = World::new();
    let (at, ends_at) = (world.now().wall, world.now().wall.plus(Duration::from_secs(600)));
    let mut data = Vec::new();
    for number in 0..50 {
        let silence = Silence {
            id: format!("silence-{number}"),
            matcher_sets: vec![Matchers(vec![
                Matcher::new("alertname", Op::Equal, "Disk").expect("no pattern"),
            ])],
            starts_at: at,
            ends_at,
            updated_at: at,
            created_by: String::new(),
            comment: String::new(),
            annotations: Default::default(),
        };
        wire::append_message(&mut data, &wire::encode_silence(&silence, ends_at));
    }
    world.handle(Input::PeerRecords { channel: Channel::Silences, data });
    let mut silences = Vec::new();
    while silences.iter().sum::<usize>() < 50 {
        let is_silence = |record: &&Record| matches!(record, Record::Silence(_));
        silences.push(world.turn.keep.iter().filter(is_silence).count());
        assert!(world.mono < Mono(1_000_000_000), "{silences:?}");
        world.tick();
    }
    assert_eq!(silences[..2], [16, 1], "others wait until alerts of the first are found");
}

#[test]
fn a_large_state_is_merged_in_several_turns_and_before_anything_is_flushed() {
    let mut world = World::new();
    world.mono = Mono(10_000_000_000);
    let at = world.now().wall;
    let mut data = other_entries(at, 1..ALERTS);
    // The last one says that all of this node's alerts have been notified.
    let mut hashes: Vec<u64> =
        (0..ALERTS).map(|number| alert(number, None).labels.log_hash()).collect();
    hashes.sort_unstable();
    wire::append_message(&mut data, &entry(at, "{}:{}".to_owned(), hashes));

    world.handle(Input::PeerRecords { channel: Channel::NotificationLog, data: data.clone() });
    let mut merged = 0;
    let mut forwarded = Vec::new();
    let is_nothing = |note: &Note| matches!(note, Note::NothingToNotify { .. });
    while !world.turn.notes.iter().any(is_nothing) {
        let is_entry = |record: &&Record| matches!(record, Record::LogEntry(_));
        let in_turn = world.turn.keep.iter().filter(is_entry).count();
        assert!(in_turn <= PER_TURN, "{in_turn} in one turn");
        merged += in_turn;
        for effect in world.turn.after.drain(..) {
            match effect {
                Effect::Attempt(_) => panic!("a peer has notified it"),
                Effect::Forward { data, .. } => forwarded.push(data),
                _ => {}
            }
        }
        world.tick();
    }
    assert_eq!(merged, ALERTS);
    assert_eq!(forwarded, [data], "it is passed on as it came");
    assert_eq!(world.mono, Mono(10_000_000_000));
}

#[test]
fn many_small_groups_are_flushed_over_several_turns() {
    let plan = plan::parse_plan("route receiver=team group_by=... group_wait=10s");
    let mut engine = Engine::new(plan, EngineSettings::default(), 1);
    let mut turn = Turn::default();
    let alerts = (0..ALERTS).map(|number| alert(number, None)).collect();
    let refused = RefusedAlerts::default();
    let clocks = |mono: Mono| Now { wall: start().plus(mono.since(Mono(0))), mono };
    engine.handle(clocks(Mono(0)), Input::Alerts { alerts, refused, ticket: Ticket(1) }, &mut turn);
    let due = engine.next_wakeup().expect("groups are due");
    let (mut attempts, mut turns) = (0, 0);
    while attempts < ALERTS {
        turn.clear();
        engine.handle(clocks(due), Input::Tick, &mut turn);
        let in_turn =
            turn.after.iter().filter(|effect| matches!(effect, Effect::Attempt(_))).count();
        assert!((1..100).contains(&in_turn), "{in_turn} attempts begin in one turn");
        attempts += in_turn;
        turns += 1;
    }
    assert_eq!(attempts, ALERTS);
    assert!(turns > 50, "{turns} turns");
}

#[test]
fn a_turn_judges_as_many_alerts_as_fit_and_a_small_group_is_never_cut() {
    let mut world = World::new();
    let (attempt, turns) = world.attempt();
    assert!(turns <= ALERTS / 400, "{turns} turns for {ALERTS} alerts");
    assert_eq!(attempt.alert_count(), ALERTS);

    let plan = plan::parse_plan("route receiver=team group_by=alertname group_wait=10s");
    let mut engine = Engine::new(plan, EngineSettings::default(), 1);
    let mut turn = Turn::default();
    let alerts = (0..700).map(|number| {
        let labels = LabelSet::new([
            ("alertname", if number < 400 { "A" } else { "B" }),
            ("instance", &format!("host-{number}")),
        ]);
        NewAlert { fingerprint: labels.fingerprint(), labels, ..alert(0, None) }
    });
    let clocks = |mono: Mono| Now { wall: start().plus(mono.since(Mono(0))), mono };
    let refused = RefusedAlerts::default();
    let alerts = Input::Alerts { alerts: alerts.collect(), refused, ticket: Ticket(1) };
    engine.handle(clocks(Mono(0)), alerts, &mut turn);
    turn.clear();
    let due = engine.next_wakeup().expect("groups are due");
    engine.handle(clocks(due), Input::Tick, &mut turn);
    let is_flush = |note: &&Note| matches!(note, Note::FlushOpened { .. });
    let flushes = turn.notes.iter().filter(is_flush).count();
    assert_eq!(flushes, 2, "what has been begun is done");
}
