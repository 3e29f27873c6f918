//! How long are the engine's turns, and which is the longest?
//!
//! A client waits at least for the turn before its own, so what counts is the longest turn and not
//! the average. Groups of many alerts go through the whole life of an incident: they are posted, their
//! receivers fail and then accept, they are silenced, sorted under a new plan, resolve, and are
//! removed; at the end a peer sends as many log entries as a group had alerts. Then as many groups of
//! one alert each are silenced, and the plan is read again.
//!
//! The engine is deterministic, so the same turns come again in every run: of each the shortest time
//! counts, which leaves out what other programs on the machine took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bellwether_engine::{
    Attempt, Channel, DeliveryId, Effect, Engine, EngineSettings, GroupBy, Input, Integration,
    LogEntry, LogKey, Notified, Plan, PlanParts, PostedSilence, Receiver, Reply, RouteSpec, Ticket,
    Timing, Turn, wire,
};
use bellwether_model::{
    FailureReason, GroupKey, IntegrationId, LabelSet, Matcher, Matchers, Mono, NewAlert, Now, Op,
    Outcome, Remembered, Timestamp,
};

/// Alerts in one POST; the server cuts larger ones.
const BATCH: usize = 512;
const GROUPS: usize = 5;
const INTEGRATIONS: usize = 2;
const FAILURES: u32 = 3;

const RUNS: usize = 5;
const SIZES: [usize; 4] = [100, 10_000, 20_000, 100_000];

const INTERVAL: Duration = Duration::from_secs(300);

fn main() -> anyhow::Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let sizes = match given.as_slice() {
        [] => SIZES.to_vec(),
        [size] => vec![size.parse().context("usage: turns [ALERTS]")?],
        _ => anyhow::bail!("usage: turns [ALERTS]"),
    };
    println!("| groups | input | turns | longest | in all |\n|---|---|---|---|---|");
    for size in sizes {
        print(&format!("{GROUPS} of {size}"), || run(size))?;
        print(&format!("{size} of 1"), || Ok(run_small_groups(size)))?;
    }
    Ok(())
}

/// The turns of one run in their order, by what they were for.
type Turns = Vec<(&'static str, Duration)>;

fn print(groups: &str, run: impl Fn() -> anyhow::Result<Turns>) -> anyhow::Result<()> {
    let mut best = run()?;
    for _ in 1..RUNS {
        for (shortest, (what, took)) in best.iter_mut().zip(run()?) {
            ensure!(shortest.0 == what, "the runs differ");
            shortest.1 = shortest.1.min(took);
        }
    }
    let mut by_input: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for (what, took) in best {
        by_input.entry(what).or_default().push(took);
    }
    for (what, turns) in by_input {
        let longest = turns.iter().max().copied().unwrap_or_default().as_secs_f64() * 1e3;
        let sum = turns.iter().sum::<Duration>().as_secs_f64() * 1e3;
        let count = turns.len();
        println!("| {groups} | {what} | {count} | {longest:.1} ms | {sum:.0} ms |");
    }
    Ok(())
}

fn run(size: usize) -> anyhow::Result<Turns> {
    let mut world = World::new("cluster");
    let start = world.wall(Mono::default());
    let alerts: Vec<NewAlert> =
        (0..GROUPS * size).map(|number| alert(number % GROUPS, number, start)).collect();
    for batch in alerts.chunks(BATCH) {
        world.post("post, new", batch.to_vec());
    }
    for batch in alerts.chunks(BATCH) {
        world.post("post, again", batch.to_vec());
    }
    world.advance(Duration::from_secs(60), "flush and retries, firing");
    ensure!(world.notified == GROUPS * INTEGRATIONS, "{} were notified", world.notified);
    world.advance(INTERVAL, "flush, nothing new");
    world.silence();
    world.reload();

    let ends_at = world.wall(world.mono);
    for batch in alerts.chunks(BATCH) {
        let resolved = batch.iter().cloned();
        let resolved = resolved.map(|alert| NewAlert { ends_at: Some(ends_at), ..alert });
        world.post("post, resolved", resolved.collect());
    }
    world.advance(2 * INTERVAL, "flush, resolved");
    ensure!(world.notified == 2 * GROUPS * INTEGRATIONS, "{} were notified", world.notified);
    world.advance(Duration::from_secs(3600), "removal");

    world.merge_entries(size);
    world.advance(Duration::from_secs(7 * 24 * 3600), "removal of log entries");
    Ok(world.turns)
}

/// The same of groups of one alert each.
fn run_small_groups(count: usize) -> Turns {
    let mut world = World::new("instance");
    world.post_silence("silence posted", Duration::from_secs(7200));
    let start = world.wall(Mono::default());
    let alerts: Vec<NewAlert> = (0..count).map(|number| alert(0, number, start)).collect();
    for batch in alerts.chunks(BATCH) {
        world.post("post, new, silenced", batch.to_vec());
    }
    world.advance(Duration::from_secs(60), "flush, all silenced");
    world.handle("reload, same routes", Input::Plan(Arc::new(plan("instance"))));
    world.expire_silence();
    world.turns
}

struct World {
    engine: Engine,
    turn: Turn,
    mono: Mono,
    attempts: Vec<Attempt>,
    failed: BTreeMap<DeliveryId, u32>,
    notified: usize,
    turns: Turns,
    /// The last one posted.
    silence_id: String,
}

impl World {
    fn new(group_by: &str) -> Self {
        World {
            engine: Engine::new(Arc::new(plan(group_by)), EngineSettings::default(), 1),
            turn: Turn::default(),
            mono: Mono::default(),
            attempts: Vec::new(),
            failed: BTreeMap::new(),
            notified: 0,
            turns: Vec::new(),
            silence_id: String::new(),
        }
    }

    fn wall(&self, at: Mono) -> Timestamp {
        Timestamp::from_unix(1_767_614_400, 0).plus(at.since(Mono::default()))
    }

    fn post(&mut self, what: &'static str, alerts: Vec<NewAlert>) {
        self.handle(what, Input::Alerts { alerts, refused: Default::default(), ticket: Ticket(0) });
    }

    /// Over all alerts; changes the last one if there is one.
    fn post_silence(&mut self, what: &'static str, lasts: Duration) {
        let now = self.wall(self.mono);
        let silence = PostedSilence {
            id: Some(self.silence_id.clone()).filter(|id| !id.is_empty()),
            matchers: vec![
                Matcher::new("alertname", Op::Equal, "DiskSpaceLow").expect("no pattern"),
                Matcher::new("instance", Op::Matches, "host-.*").expect("a pattern"),
            ],
            starts_at: now,
            ends_at: now.plus(lasts),
            created_by: "bench".into(),
            comment: "measured".into(),
            annotations: BTreeMap::new(),
        };
        self.handle(what, Input::PostSilence { silence, ticket: Ticket(0) });
        self.advance(Duration::default(), what);
    }

    fn expire_silence(&mut self) {
        let id = std::mem::take(&mut self.silence_id);
        self.handle("silence expired", Input::ExpireSilence { id, ticket: Ticket(0) });
        self.advance(Duration::default(), "silence expired");
    }

    fn silence(&mut self) {
        self.post_silence("silence posted", Duration::from_secs(7200));
        self.post_silence("silence changed", Duration::from_secs(3600));
        self.advance(INTERVAL, "flush, all silenced");
        self.expire_silence();
        self.advance(INTERVAL, "flush after a silence");
    }

    /// The same plan again, one with other routes, and back.
    fn reload(&mut self) {
        self.handle("reload, same routes", Input::Plan(Arc::new(plan("cluster"))));
        for group_by in ["namespace", "cluster"] {
            self.handle("reload, other routes", Input::Plan(Arc::new(plan(group_by))));
        }
        self.advance(INTERVAL, "flush after a reload");
    }

    /// As the server does: a turn, and what follows from it; only the engine's part is timed.
    fn handle(&mut self, what: &'static str, input: Input) {
        let now = Now { wall: self.wall(self.mono), mono: self.mono };
        let begun = Instant::now();
        self.engine.handle(now, input, &mut self.turn);
        for record in self.turn.keep.drain(..) {
            std::hint::black_box(record.encode());
        }
        self.turns.push((what, begun.elapsed()));
        for effect in self.turn.after.drain(..) {
            match effect {
                Effect::Attempt(attempt) => self.attempts.push(attempt),
                Effect::Reply(Reply::PostSilence { reply: Ok(id), .. }) => self.silence_id = id,
                _ => {}
            }
        }
        self.turn.clear();
    }

    fn advance(&mut self, by: Duration, what: &'static str) {
        let end = self.mono.plus(by);
        while let Some(at) = self.engine.next_wakeup().filter(|at| *at <= end) {
            self.mono = self.mono.max(at);
            self.handle(what, Input::Tick);
            while let Some(attempt) = self.attempts.pop() {
                let delivery = attempt.delivery;
                let outcome = self.outcome(delivery);
                self.handle("outcome", Input::Outcome { delivery, outcome });
            }
        }
        self.mono = end;
    }

    /// One entry for each alert, as a peer's full state brings them, and the state as it is then.
    fn merge_entries(&mut self, count: usize) {
        let at = self.wall(self.mono);
        let mut data = Vec::new();
        for number in 0..count {
            let entry = LogEntry {
                key: LogKey {
                    group: GroupKey::from_text(format!("{{}}:{{instance=\"host-{number}\"}}")),
                    integration: integration(0).id,
                },
                notified: Notified { firing: vec![number as u64 + 1], ..Notified::default() },
                at,
                expires_at: at.plus(Duration::from_secs(5 * 24 * 3600)),
                remembered: Remembered::default(),
                wire: None,
            };
            wire::append_message(&mut data, &wire::encode_entry(&entry));
        }
        let channel = Channel::NotificationLog;
        self.handle("peer's state, new", Input::PeerRecords { channel, data: data.clone() });
        self.handle("peer's state, known", Input::PeerRecords { channel, data });
        self.handle("own state", Input::FullStateRequested { ticket: Ticket(0) });
        self.handle("own state", Input::FullStateRequested { ticket: Ticket(0) });
    }

    fn outcome(&mut self, delivery: DeliveryId) -> Outcome {
        let failed = self.failed.entry(delivery).or_default();
        if *failed < FAILURES {
            *failed += 1;
            let detail = String::from("connection refused");
            return Outcome::Retry { after: None, reason: FailureReason::Other, detail };
        }
        self.notified += 1;
        Outcome::Delivered { remember: Remembered::default() }
    }
}

fn plan(group_by: &str) -> Plan {
    Plan::new(PlanParts {
        route: RouteSpec {
            receiver: "sink".into(),
            group_by: GroupBy::Labels([group_by.to_owned()].into()),
            matchers: Matchers::new(Vec::new()),
            continues: false,
            timing: Timing {
                group_wait: Duration::from_secs(10),
                group_interval: INTERVAL,
                repeat_interval: Duration::from_secs(14_400),
            },
            mute_intervals: Vec::new(),
            active_intervals: Vec::new(),
            labels: LabelSet::default(),
            routes: Vec::new(),
        },
        receivers: vec![Receiver {
            name: "sink".into(),
            labels: LabelSet::new([("name", "sink")]),
            integrations: (0..INTEGRATIONS).map(integration).collect(),
        }],
        inhibit_rules: Vec::new(),
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    })
}

fn integration(index: usize) -> Integration {
    Integration {
        id: IntegrationId { receiver: "sink".into(), kind: "webhook".into(), index: index as u32 },
        send_resolved: true,
    }
}

fn alert(group: usize, number: usize, starts_at: Timestamp) -> NewAlert {
    let cluster = format!("c{group}");
    // Neither in the order of the labels nor in that of the fingerprints.
    let instance =
        format!("host-{:08x}.example.org:9100", (number as u32).wrapping_mul(2_654_435_761));
    let summary = format!("Filesystem of {instance} is almost full");
    let labels = LabelSet::new([
        ("alertname", "DiskSpaceLow"),
        ("cluster", &cluster),
        ("instance", &instance),
        ("job", "node-exporter"),
        ("namespace", "production"),
        ("severity", "warning"),
        ("team", "storage"),
    ]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::new([("summary", summary.as_str())]),
        generator_url: "http://prometheus.example.org:9090/graph?g0.expr=up".into(),
        starts_at: Some(starts_at),
        ends_at: Some(starts_at.plus(Duration::from_secs(7200))),
    }
}
