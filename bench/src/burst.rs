//! How soon is every group notified when very many are due at the same moment?
//!
//! One webhook gets the notifications of all groups and takes ten milliseconds for each answer, as
//! one on another continent does. What counts is the time to the last attempt, and what the server
//! needs for it.

use std::thread;
use std::time::Duration;

use bellwether_e2e::{Answer, Program, Setup, Sink};

use crate::driver;
use crate::load::{self, Times};
use crate::one_server::{PER_POST, start};
use crate::table::{Figures, Unit};

/// All alerts are in before the first group is due, also on a busy machine.
const GROUP_WAIT_SECONDS: u64 = 30;
const GROUP_INTERVAL_SECONDS: u64 = 300;
/// The receiver's time for one answer.
const ANSWER: Duration = Duration::from_millis(10);
/// Between two readings of the memory.
const PAUSE: Duration = Duration::from_millis(50);

pub fn server(program: Program, groups: usize) -> Figures {
    let mut figures = Figures::default();
    let sink = Sink::start();
    sink.answer(|_| {
        thread::sleep(ANSWER);
        Answer::Status(200)
    });
    let config = load::notify_config(&sink.url("/"), GROUP_WAIT_SECONDS, GROUP_INTERVAL_SECONDS);
    let setup = Setup::new(program, &config);
    let (server, _) = start(&setup);
    driver::send(&server, &load::bodies(groups, PER_POST, Times::from_now()));
    assert_eq!(sink.count(), 0, "groups are due before the load is in");

    let before = server.process.cpu();
    sink.wait_for_one("the first group's notification");
    let mut resident = 0;
    while sink.count() < groups {
        resident = resident.max(server.process.resident_bytes());
        thread::sleep(PAUSE);
    }
    driver::settle(&server);
    let cpu = server.process.cpu() - before;
    let requests = sink.requests();
    let took = requests[groups - 1].arrived - requests[0].arrived;
    figures.time("from the first to the last notification", took);
    figures.time("CPU per notification", cpu / groups as u32);
    figures.push("resident, at most", resident as f64, Unit::Bytes);
    figures.push("notifications", requests.len() as f64, Unit::Count);
    figures
}
