//! What does a notification of a large group cost?
//!
//! Groups of a hundred alerts fall due at once, and again and again since nothing ever changes but
//! the repeat interval is over each time. Their notifications have the default texts: to Slack,
//! whose default message only counts and names what is common, and by e-mail, whose default lists
//! every label of every alert.

use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::{Answer, Program, Setup, Sink};

use crate::driver;
use crate::load::{self, TEAMS, Times};
use crate::one_server::{PER_POST, start};
use crate::options::Options;
use crate::smtp_sink::SmtpSink;
use crate::table::Figures;

/// Alerts of one group; there is a group for each team.
pub const ALERTS: usize = 100;
/// Long enough that all alerts are in and the server is quiet before the first group is due.
const GROUP_WAIT_SECONDS: u64 = 6;
const GROUP_INTERVAL_SECONDS: u64 = 4;

pub fn server(program: Program, options: &Options) -> Figures {
    let mut figures = Figures::default();
    let channel = Sink::start();
    channel.answer(|_| Answer::Text("ok".to_owned()));
    let slack = format!("slack_configs: [{{api_url: '{}', channel: alerts}}]", channel.url("/"));
    let cost = cost(program, &slack, options.rounds, || channel.count());
    figures.time("CPU per Slack message", cost);

    let mails = SmtpSink::open();
    let email = format!(
        "email_configs: [{{to: team@example.org, from: alerts@example.org, smarthost: '{}', \
         require_tls: false}}]",
        mails.address()
    );
    let cost = self::cost(program, &email, options.rounds, || mails.count());
    figures.time("CPU per e-mail", cost);
    figures
}

/// CPU time of one notification through this receiver, the mean of `rounds` to each group.
fn cost(program: Program, receiver: &str, rounds: usize, count: impl Fn() -> usize) -> Duration {
    let config = load::large_groups_config(receiver, GROUP_WAIT_SECONDS, GROUP_INTERVAL_SECONDS);
    let (server, _) = start(&Setup::new(program, &config).expect_log("repeat_interval"));
    driver::send(&server, &load::bodies(TEAMS * ALERTS, PER_POST, Times::from_now()));
    assert_eq!(count(), 0, "groups are due before the load is in");
    let before = server.process.cpu();
    let deadline = Instant::now() + ROUND_MAX * rounds as u32;
    while count() < TEAMS * rounds {
        assert!(Instant::now() < deadline, "only {} notifications have come", count());
        thread::sleep(Duration::from_millis(5));
    }
    (server.process.cpu() - before) / count() as u32
}

const ROUND_MAX: Duration = Duration::from_secs(60);
