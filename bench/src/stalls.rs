//! How long does a client wait while large groups cannot be delivered?
//!
//! Five groups of twenty thousand alerts fall due, and their receiver hangs up on every attempt, so
//! that the server judges and renders them again and again. Meanwhile one client posts single
//! alerts, a few hundred a second; what counts is how long it waits for the answers.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::{Program, Setup};

use crate::driver;
use crate::load::{self, Times};
use crate::one_server::{PER_POST, start};
use crate::options::Options;
use crate::table::{Figures, Unit};

pub const GROUPS: usize = 5;
pub const ALERTS: usize = 20_000;

const GROUP_WAIT_SECONDS: u64 = 20;
const GROUP_INTERVAL_SECONDS: u64 = 10;
/// Between two posts.
const PAUSE: Duration = Duration::from_millis(3);

pub fn server(program: Program, options: &Options) -> Figures {
    let mut figures = Figures::default();
    let (receiver, attempts) = failing_receiver();
    let config = load::clusters_config(&receiver, GROUP_WAIT_SECONDS, GROUP_INTERVAL_SECONDS);
    let setup = Setup::new(program, &config).expect_log("Notify");
    let (server, _) = start(&setup);
    let times = Times::from_now();
    let of_first_clusters =
        (0..GROUPS * ALERTS).map(|number| number / GROUPS * load::CLUSTERS + number % GROUPS);
    let indices: Vec<usize> = of_first_clusters.collect();
    driver::send(&server, &load::bodies_of(&indices, PER_POST, times));

    let begin = Instant::now();
    while attempts.load(Ordering::Relaxed) < GROUPS {
        assert!(begin.elapsed() < FIRST_ATTEMPTS_MAX, "the groups are not attempted");
        thread::sleep(PAUSE);
    }
    let before = attempts.load(Ordering::Relaxed);
    let mut client = server.new_client();
    let mut waits = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < options.stalls_for {
        // Of another cluster, and new each time.
        let index = load::CLUSTERS * waits.len() + GROUPS;
        let body = load::bodies_of(&[index], 1, times).concat();
        let posted = Instant::now();
        client.post_json("/api/v2/alerts", &body).expect_status(200);
        waits.push(posted.elapsed());
        thread::sleep(PAUSE);
    }
    waits.sort_unstable();
    figures.time("POST of one alert, median", waits[waits.len() / 2]);
    figures.time("POST of one alert, p99", waits[waits.len() * 99 / 100]);
    figures.time("POST of one alert, longest", waits[waits.len() - 1]);
    figures.push("POSTs", waits.len() as f64, Unit::Count);
    let failed = attempts.load(Ordering::Relaxed) - before;
    figures.push("attempts that failed meanwhile", failed as f64, Unit::Count);
    figures
}

/// A webhook that hangs up, and how often it has.
fn failing_receiver() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    thread::spawn(move || {
        for connection in listener.incoming() {
            drop(connection);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (url, attempts)
}

const FIRST_ATTEMPTS_MAX: Duration = Duration::from_secs(120);
