//! How many instructions do the hot paths take?
//!
//! Times are noise on a shared machine; instruction counts are the same from run to run. Without
//! arguments it runs itself under `valgrind --tool=callgrind`, each path with few and with many
//! rounds, and prints the difference divided by the alerts in between, so that setting up does not
//! count; a path over its budget is an error. With the name of a path and a number it only walks
//! that path so many times.

mod rendering;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bellwether_api::decode_alerts;
use bellwether_engine::{
    AlertQuery, Engine, EngineSettings, GroupBy, Input, Integration, Plan, PlanParts, Receiver,
    RefusedAlerts, RouteSpec, Ticket, Timing, Turn,
};
use bellwether_model::{
    IntegrationId, LabelSet, Matcher, MatcherMode, Matchers, Mono, NewAlert, Now, Op, Timestamp,
};

use rendering::Rendering;

/// Alerts in one round.
const BATCH: usize = 250;
const ROUTES: usize = 200;
/// Alerts that are there already.
const PRESENT: usize = 5_000;

const ROUNDS_FEW: usize = 2;
const ROUNDS_MANY: usize = 6;

/// Name, what it is, and how many instructions it may take per alert: about a sixth more than it
/// took when it was last looked at.
const PATHS: [(&str, &str, u64); 6] = [
    ("parse", "body of a POST to checked alerts", 12_000),
    ("merge", "a re-sent alert into the alert store", 1_250),
    ("route", "a new alert into its group, past 200 routes", 6_200),
    ("filter", "an alert past an equality filter of a reader", 20),
    ("slack", "a group of 100 alerts into a Slack message", 3_500),
    ("email", "a group of 100 alerts into a mail", 260_000),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => count_all(),
        [path, rounds] => walk(path, rounds.parse().context("read the number of rounds")?),
        _ => bail!("usage: hot-paths [PATH ROUNDS]"),
    }
}

fn count_all() -> anyhow::Result<()> {
    println!("| path | what | instructions per alert | budget |\n|---|---|---|---|");
    let mut over = Vec::new();
    for (path, what, budget) in PATHS {
        let alerts = (ROUNDS_MANY - ROUNDS_FEW)
            * match path {
                "filter" => PRESENT,
                "slack" | "email" => rendering::ALERTS,
                _ => BATCH,
            };
        let spent = instructions(path, ROUNDS_MANY)? - instructions(path, ROUNDS_FEW)?;
        let each = spent / alerts as u64;
        println!("| {path} | {what} | {each} | {budget} |");
        if each > budget {
            over.push(path);
        }
    }
    ensure!(over.is_empty(), "over budget: {}", over.join(", "));
    Ok(())
}

/// What callgrind counts for one walk, all set-up included.
fn instructions(path: &str, rounds: usize) -> anyhow::Result<u64> {
    let own = std::env::current_exe().context("find the own program")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([path, &rounds.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("run valgrind (apt-get install valgrind)")?;
    let report = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind failed: {report}");
    let line = report.lines().find(|line| line.contains("Collected :"));
    let total = line.and_then(|line| line.split_whitespace().last());
    total.context("find valgrind's total")?.parse().context("read valgrind's total")
}

fn walk(path: &str, rounds: usize) -> anyhow::Result<()> {
    let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").context("a fixed time")?;
    match path {
        "parse" => {
            let body = body(start);
            for _ in 0..rounds {
                let decoded = decode_alerts(black_box(body.as_bytes()), MatcherMode::Fallback);
                ensure!(
                    decoded.is_ok_and(|decoded| decoded.alerts.len() == BATCH),
                    "alerts are refused"
                );
            }
        }
        "merge" => {
            let mut engine = engine()?;
            let mut turn = Turn::default();
            let alerts: Vec<NewAlert> = (0..BATCH).map(|number| alert(number, start)).collect();
            for round in 0..=rounds as u64 {
                let mut alerts = alerts.clone();
                for alert in &mut alerts {
                    alert.ends_at = alert.ends_at.map(|at| at.plus(Duration::from_secs(round)));
                }
                post(&mut engine, &mut turn, round, start, alerts);
            }
            ensure!(turn.keep.is_empty(), "a repetition is kept");
        }
        "route" => {
            let mut engine = engine()?;
            let mut turn = Turn::default();
            // As many in every run, so that making them does not count.
            let alerts: Vec<NewAlert> =
                (0..ROUNDS_MANY * BATCH).map(|number| alert(number, start)).collect();
            for (round, alerts) in alerts.chunks(BATCH).take(rounds).enumerate() {
                post(&mut engine, &mut turn, round as u64, start, alerts.to_vec());
                ensure!(turn.keep.len() >= BATCH, "new alerts are not kept");
            }
        }
        "filter" => {
            let mut engine = engine()?;
            let alerts = (0..PRESENT).map(|number| alert(number, start)).collect();
            post(&mut engine, &mut Turn::default(), 0, start, alerts);
            let view = engine.view();
            let filter = Matcher::new("instance", Op::Equal, instance(PRESENT / 2));
            let query = AlertQuery { filters: vec![filter?], ..AlertQuery::default() };
            for _ in 0..rounds {
                let mut found = 0;
                view.each_alert(start, black_box(&query), |_| found += 1);
                ensure!(found == 1, "{found} alerts have one instance");
            }
        }
        "slack" => render(&Rendering::slack(start)?, rounds)?,
        "email" => render(&Rendering::email(start)?, rounds)?,
        other => bail!("there is no path `{other}`"),
    }
    Ok(())
}

fn render(rendering: &Rendering, rounds: usize) -> anyhow::Result<()> {
    for _ in 0..rounds {
        let bytes = rendering.render()?;
        ensure!(bytes > 400, "a message of {bytes} bytes is too small");
    }
    Ok(())
}

fn post(
    engine: &mut Engine,
    turn: &mut Turn,
    second: u64,
    start: Timestamp,
    alerts: Vec<NewAlert>,
) {
    let passed = Duration::from_secs(second);
    let now = Now { wall: start.plus(passed), mono: Mono::default().plus(passed) };
    turn.clear();
    engine.handle(
        now,
        Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket: Ticket(second) },
        turn,
    );
}

fn engine() -> anyhow::Result<Engine> {
    let timing = Timing {
        group_wait: Duration::from_secs(3600),
        group_interval: Duration::from_secs(3600),
        repeat_interval: Duration::from_secs(14_400),
    };
    let route = |matchers, routes| RouteSpec {
        receiver: "sink".into(),
        group_by: GroupBy::Labels(["alertname".to_owned(), "cluster".to_owned()].into()),
        matchers: Matchers::new(matchers),
        continues: false,
        timing,
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes,
    };
    let mut routes = Vec::new();
    for team in 0..ROUTES {
        routes.push(route(
            vec![Matcher::new("team", Op::Equal, format!("team-{team}"))?],
            Vec::new(),
        ));
    }
    let id = IntegrationId { receiver: "sink".into(), kind: "webhook".into(), index: 0 };
    let plan = Plan::new(PlanParts {
        route: route(Vec::new(), routes),
        receivers: vec![Receiver {
            name: "sink".into(),
            labels: LabelSet::new([("name", "sink")]),
            integrations: vec![Integration { id, send_resolved: true }],
        }],
        inhibit_rules: Vec::new(),
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    });
    Ok(Engine::new(Arc::new(plan), EngineSettings::default(), 1))
}

fn alert(number: usize, starts_at: Timestamp) -> NewAlert {
    let (team, cluster) = (format!("team-{}", number % ROUTES), format!("c{}", number % 20));
    let instance = instance(number);
    let summary = format!("Filesystem of {instance} is almost full");
    let labels = LabelSet::new([
        ("alertname", "DiskSpaceLow"),
        ("cluster", &cluster),
        ("instance", &instance),
        ("job", "node-exporter"),
        ("namespace", "production"),
        ("severity", "warning"),
        ("team", &team),
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

fn instance(number: usize) -> String {
    format!("host-{number:07}.example.org:9100")
}

/// The same alerts as JSON.
fn body(starts_at: Timestamp) -> String {
    let alerts = (0..BATCH).map(|number| {
        let new = alert(number, starts_at);
        let pairs = |labels: &LabelSet| {
            labels.iter().map(|(n, v)| format!("\"{n}\":\"{v}\"")).collect::<Vec<_>>().join(",")
        };
        format!(
            "{{\"labels\":{{{}}},\"annotations\":{{{}}},\"startsAt\":\"{}\",\"generatorURL\":\"{}\"}}",
            pairs(&new.labels),
            pairs(&new.annotations),
            starts_at.rfc3339_millis(),
            new.generator_url,
        )
    });
    format!("[{}]", alerts.collect::<Vec<_>>().join(","))
}
