//! How long are the engine's turns, and which is the longest?
//!
//! A client waits at least for the turn before its own, so what counts is the longest turn and not
//! the average. Groups of many alerts go through the whole life of an incident: they are posted,
//! their receivers fail and then accept, all alerts resolve, and are removed. The engine is
//! deterministic, so the same turns come again in every run: of each the shortest time counts, which
//! leaves out what other programs on the machine took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bellwether_engine::{
    Attempt, DeliveryId, Effect, Engine, EngineSettings, GroupBy, Input, Integration, Plan,
    PlanParts, Receiver, RouteSpec, Ticket, Timing, Turn,
};
use bellwether_model::{
    FailureReason, IntegrationId, LabelSet, Matchers, Mono, NewAlert, Now, Outcome, Remembered,
    Timestamp,
};

/// Alerts in one POST.
const BATCH: usize = 256;
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
    println!("| alerts a group | input | turns | longest | in all |\n|---|---|---|---|---|");
    for size in sizes {
        let mut best = run(size)?;
        for _ in 1..RUNS {
            for (shortest, (what, took)) in best.iter_mut().zip(run(size)?) {
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
            println!("| {size} | {what} | {count} | {longest:.1} ms | {sum:.0} ms |");
        }
    }
    Ok(())
}

/// The turns of one run in their order, by what they were for.
fn run(size: usize) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let mut world = World::new();
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

    let ends_at = world.wall(world.mono);
    for batch in alerts.chunks(BATCH) {
        let resolved = batch.iter().cloned();
        let resolved = resolved.map(|alert| NewAlert { ends_at: Some(ends_at), ..alert });
        world.post("post, resolved", resolved.collect());
    }
    world.advance(INTERVAL, "flush, resolved");
    ensure!(world.notified == 2 * GROUPS * INTEGRATIONS, "{} were notified", world.notified);
    world.advance(Duration::from_secs(3600), "removal");
    Ok(world.turns)
}

struct World {
    engine: Engine,
    turn: Turn,
    mono: Mono,
    attempts: Vec<Attempt>,
    failed: BTreeMap<DeliveryId, u32>,
    notified: usize,
    turns: Vec<(&'static str, Duration)>,
}

impl World {
    fn new() -> Self {
        World {
            engine: Engine::new(Arc::new(plan()), EngineSettings::default(), 1),
            turn: Turn::default(),
            mono: Mono::default(),
            attempts: Vec::new(),
            failed: BTreeMap::new(),
            notified: 0,
            turns: Vec::new(),
        }
    }

    fn wall(&self, at: Mono) -> Timestamp {
        Timestamp::from_unix(1_767_614_400, 0).plus(at.since(Mono::default()))
    }

    fn post(&mut self, what: &'static str, alerts: Vec<NewAlert>) {
        self.handle(what, Input::Alerts { alerts, refused: Default::default(), ticket: Ticket(0) });
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
            if let Effect::Attempt(attempt) = effect {
                self.attempts.push(attempt);
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

fn plan() -> Plan {
    let integration = |index: usize| Integration {
        id: IntegrationId { receiver: "sink".into(), kind: "webhook".into(), index: index as u32 },
        send_resolved: true,
    };
    Plan::new(PlanParts {
        route: RouteSpec {
            receiver: "sink".into(),
            group_by: GroupBy::Labels(["cluster".to_owned()].into()),
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
