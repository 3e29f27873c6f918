//! Is no turn longer because a group is large, and is nothing lost in between?

#[path = "scenario/plan.rs"]
mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{
    AlertQuery, Attempt, Effect, Engine, EngineSettings, Input, Note, Plan, Record, RefusedAlerts,
    Reply, Ticket, Turn,
};
use bellwether_model::{
    LabelSet, Mono, NewAlert, Notification, Now, Outcome, Remembered, Timestamp,
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
        let mut count = 0;
        self.engine.view().each_alert(self.now().wall, &AlertQuery::default(), |_| count += 1);
        count
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
