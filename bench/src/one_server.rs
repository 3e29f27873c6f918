//! What does one server cost with so many alerts?
//!
//! One run from the start of an empty server to its restart with everything in it. The order
//! matters: reads are measured before silences and inhibiting alerts are there, so that each row
//! shows what these add.

use std::time::{Duration, Instant};

use bellwether_e2e::{Program, Running, Setup, Sink};

use crate::driver::{self, Cost};
use crate::load::{self, Times};
use crate::options::Options;
use crate::table::{Figures, Unit};

/// What a current Prometheus puts into one request.
pub const PER_POST: usize = 256;
/// What a sender with a large queue puts into one request.
const PER_LARGE_POST: usize = 5_000;
const SILENCES: usize = 500;
/// Reads that each follow a change of the silences.
const FIRST_READS: usize = 5;
/// How many alerts are taken for the first time at least, by one server or several.
const FIRST_ALERTS_MIN: usize = 50_000;
const NOT_SILENCED: &str = "/api/v2/alerts?silenced=false";

pub fn server(program: Program, alerts: usize, options: &Options) -> Figures {
    let mut figures = Figures::default();
    let sink = Sink::start();
    let config = load::config(&sink.url("/"));
    let elsewhere = ingest_elsewhere(program, &config, alerts);
    let setup = Setup::new(program, &config);

    let (mut server, took) = start(&setup);
    figures.time("start", took);
    driver::settle(&server);
    let idle = server.process.resident_bytes();
    figures.push("resident, idle", idle as f64, Unit::Bytes);

    let times = ingest(&mut figures, &server, alerts, idle, elsewhere);
    reads(&mut figures, &mut server, alerts, options.read_for);
    large_posts(&mut figures, &server, alerts, times);

    let before = driver::count(&mut server, "/api/v2/alerts");
    server.stop();
    let (mut server, took) = start(&setup);
    figures.time("restart", took);
    figures.push("alerts before the restart", before as f64, Unit::Count);
    let after = driver::count(&mut server, "/api/v2/alerts");
    figures.push("alerts after the restart", after as f64, Unit::Count);
    let silences = driver::count(&mut server, "/api/v2/silences");
    figures.push("silences after the restart", silences as f64, Unit::Count);
    figures
}

/// Starts it; the time until it answers that it is ready.
pub fn start(setup: &Setup) -> (Running, Duration) {
    let begin = Instant::now();
    let mut server = setup.start();
    while server.get("/-/ready").status != 200 {
        std::thread::yield_now();
    }
    let took = begin.elapsed();
    (server, took)
}

/// What it costs servers that are not used for more to take the alerts for the first time.
///
/// Few alerts cost little more than the grain of CPU times, so that one server would not do.
fn ingest_elsewhere(program: Program, config: &str, alerts: usize) -> Vec<Cost> {
    let others = (FIRST_ALERTS_MIN / alerts).saturating_sub(1);
    let mut costs = Vec::new();
    for _ in 0..others {
        let setup = Setup::new(program, config);
        let (server, _) = start(&setup);
        driver::settle(&server);
        costs.push(driver::send(&server, &load::bodies(alerts, PER_POST, Times::from_now())));
        server.stop();
    }
    costs
}

fn ingest(
    figures: &mut Figures,
    server: &Running,
    alerts: usize,
    idle: u64,
    elsewhere: Vec<Cost>,
) -> Times {
    let times = Times::from_now();
    let here = driver::send(server, &load::bodies(alerts, PER_POST, times));
    let servers = elsewhere.len() + 1;
    per_alert(figures, "first", elsewhere.into_iter().fold(here, Cost::plus), alerts * servers);
    let grown = server.process.resident_bytes().saturating_sub(idle) as f64;
    figures.push("resident, per alert", grown / alerts as f64, Unit::Bytes);

    // Repeated a few times: one repetition is too little for the grain of CPU times.
    let bodies = load::bodies(alerts, PER_POST, times.repeated());
    let rounds = (200_000 / alerts).clamp(1, 10);
    let costs = (0..rounds).map(|_| driver::send(server, &bodies));
    let again = costs.reduce(Cost::plus).expect("there is a round");
    per_alert(figures, "re-sent", again, alerts * rounds);
    times
}

fn large_posts(figures: &mut Figures, server: &Running, alerts: usize, times: Times) {
    let bodies = load::bodies(alerts, PER_LARGE_POST, times.repeated().repeated());
    let cost = driver::send(server, &bodies);
    per_alert(figures, &format!("re-sent, {PER_LARGE_POST} a POST"), cost, alerts);
}

fn per_alert(figures: &mut Figures, when: &str, cost: Cost, alerts: usize) {
    figures.time(format!("CPU per alert, {when}"), cost.cpu / alerts as u32);
    let rate = alerts as f64 / cost.wall.as_secs_f64();
    figures.push(format!("alerts, {when}"), rate, Unit::PerSecond);
}

fn reads(figures: &mut Figures, server: &mut Running, alerts: usize, read_for: Duration) {
    let row = |figures: &mut Figures, server: &mut Running, name: &str, path: &str| {
        let cost = driver::read(server, path, read_for);
        figures.time(format!("{name}, time"), cost.wall);
        figures.time(format!("{name}, CPU"), cost.cpu);
    };
    row(figures, server, "GET alerts, all", "/api/v2/alerts");
    row(figures, server, "GET alerts, one by equality", &load::one_by_equality(alerts / 2));
    row(figures, server, "GET alerts, by regex", load::BY_REGEX);
    row(figures, server, "GET alerts/groups", "/api/v2/alerts/groups");

    for index in 0..SILENCES {
        server.post("/api/v2/silences", &load::silence(index)).expect_status(200);
    }
    let name = format!("GET alerts, silenced=false, {SILENCES} silences");
    let first_times = (0..FIRST_READS).map(|extra| {
        server.post("/api/v2/silences", &load::silence(SILENCES + extra)).expect_status(200);
        let begin = Instant::now();
        server.get(NOT_SILENCED).expect_status(200);
        begin.elapsed()
    });
    let mut first_times: Vec<Duration> = first_times.collect();
    first_times.sort_unstable();
    figures.time(format!("{name}, each after a new silence, time"), first_times[FIRST_READS / 2]);
    row(figures, server, &name, NOT_SILENCED);

    let sources = load::sources(Times::from_now());
    driver::send(server, &[sources]);
    row(
        figures,
        server,
        "GET alerts, inhibited=false, 400 sources",
        "/api/v2/alerts?inhibited=false",
    );
}
