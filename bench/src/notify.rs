//! What does a notification cost, and what does a crash repeat?
//!
//! Thousands of groups fall due at once, and one webhook gets their notifications. Then the server is killed
//! without notice, started again, and the sender repeats its alerts as it would: every further
//! notification is a duplicate.

use std::time::Duration;

use bellwether_e2e::{Program, Setup, Sink};

use crate::driver;
use crate::load::{self, Times};
use crate::one_server::{PER_POST, start};
use crate::options::Options;
use crate::table::{Figures, Unit};

/// Long enough that all alerts are in and the server is quiet before the first group is due.
const GROUP_WAIT_SECONDS: u64 = 6;
const GROUP_INTERVAL_SECONDS: u64 = 8;

pub fn server(program: Program, options: &Options) -> Figures {
    let mut figures = Figures::default();
    let sink = Sink::start();
    let config = load::notify_config(&sink.url("/"), GROUP_WAIT_SECONDS, GROUP_INTERVAL_SECONDS);
    let setup = Setup::new(program, &config);
    let (server, _) = start(&setup);

    let times = Times::from_now();
    driver::send(&server, &load::bodies(options.groups, PER_POST, times));
    assert_eq!(sink.count(), 0, "groups are due before the load is in");
    let before = server.process.cpu();
    let (first, last) = sink.wait_for("notification of each group", |requests| {
        let (first, last) = (requests.first()?, requests.last()?);
        (requests.len() >= options.groups).then_some((first.arrived, last.arrived))
    });
    driver::settle(&server);
    let cpu = server.process.cpu() - before;
    figures.time("CPU per notification", cpu / options.groups as u32);
    figures.time("from the first to the last notification", last - first);

    let sent = sink.count();
    figures.push("notifications", sent as f64, Unit::Count);
    server.kill();
    let (mut server, took) = start(&setup);
    figures.time("restart after kill -9", took);
    let kept = driver::count(&mut server, "/api/v2/alerts");
    figures.push("alerts after kill -9", kept as f64, Unit::Count);
    driver::send(&server, &load::bodies(options.groups, PER_POST, times.repeated()));
    // Every group is due once in this time, whichever of the two intervals it waits for.
    let wait = Duration::from_secs(GROUP_WAIT_SECONDS + GROUP_INTERVAL_SECONDS);
    std::thread::sleep(wait);
    driver::settle(&server);
    let duplicates = sink.count() - sent;
    figures.push("duplicates after kill -9 and re-send", duplicates as f64, Unit::Count);
    figures
}
