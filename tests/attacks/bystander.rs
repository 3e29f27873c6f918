//! Is somebody who has nothing to do with an attack still served?
//!
//! A [`Bystander`] is a server with a receiver of its own that no attack names. While an attack runs,
//! [`Bystander::is_served`] posts alerts, over a kept connection and over new ones, and receives their
//! pages; it panics when an answer or a page is late.
//!
//! Tests with a bystander run one at a time, so that attacks are not measured together.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bellwether_e2e::fixtures::{alert, group_name};
use bellwether_e2e::{Client, Running, Setup, Sink};
use serde_json::json;

/// A running server, and the receiver whose pages are timed.
pub struct Bystander {
    pub server: Running,
    /// From the first request on; new connections must work as well.
    kept: Client,
    pages: Sink,
    posted: usize,
    /// The folder that the server works in.
    _setup: Setup,
    _alone: MutexGuard<'static, ()>,
}

/// What an attack needs in the configuration. Empty texts add nothing.
#[derive(Default)]
pub struct Victim<'a> {
    /// Routes, each beginning with `  - `, that are tried before the bystander's.
    pub routes: &'a str,
    /// Receivers, each beginning with `- name:`.
    pub receivers: &'a str,
    /// Other blocks of the configuration, such as `templates:`.
    pub blocks: &'a str,
}

impl Bystander {
    /// A server whose configuration has `victim`, started as `change` says.
    pub fn start(victim: &Victim<'_>, change: impl FnOnce(Setup) -> Setup) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = Sink::start();
        let Victim { routes, receivers, blocks } = victim;
        let routes = if routes.is_empty() { String::new() } else { format!("  routes:\n{routes}") };
        let config = format!(
            "{blocks}route:\n  receiver: bystander\n  group_by: [alertname]\n  \
             group_wait: {}ms\n  group_interval: 1s\n  repeat_interval: 4h\n{routes}receivers:\n\
             - name: bystander\n  webhook_configs:\n  - url: {}\n    send_resolved: false\n{receivers}",
            GROUP_WAIT.as_millis(),
            pages.url("/bystander"),
        );
        let setup = change(Setup::new(bellwether_e2e::Program::Bellwether, &config));
        let server = setup.start();
        let kept = server.new_client().with_timeout(GIVE_UP);
        Self { server, kept, pages, posted: 0, _setup: setup, _alone: alone }
    }

    /// Posts alerts and receives their pages, each in time; `when` is named if one is late.
    #[track_caller]
    pub fn is_served(&mut self, when: &str) {
        self.is_served_with(1, when);
    }

    /// As [`Bystander::is_served`], with so many alerts in each page.
    #[track_caller]
    pub fn is_served_with(&mut self, alerts: usize, when: &str) {
        for round in 0..3 {
            let name = format!("Bystander{}", self.posted);
            self.posted += 1;
            let mut all = vec![alert(&name); alerts];
            for (number, alert) in all.iter_mut().enumerate() {
                alert["labels"]["number"] = json!(number.to_string());
            }
            let body = json!(all).to_string();
            let mut new = self.server.new_client().with_timeout(GIVE_UP);
            let client = if round % 2 == 0 { &mut self.kept } else { &mut new };

            let start = Instant::now();
            client.post_json("/api/v2/alerts", body.as_bytes()).expect_status(200);
            let answered = start.elapsed();
            assert!(answered <= POST_MAX, "{when}: a good POST was answered after {answered:?}");

            let page = self.pages.wait_at_most(GIVE_UP, &format!("page {name} {when}"), |pages| {
                pages.iter().find(|page| group_name(page) == name).map(|page| page.arrived)
            });
            let late = page.saturating_duration_since(start + GROUP_WAIT);
            assert!(late <= PAGE_MAX, "{when}: an unrelated page came {late:?} after its time");
        }
    }

    /// The server's memory stays under this many bytes.
    #[track_caller]
    pub fn uses_less_than(&self, bytes: u64) {
        let used = self.server.process.resident_bytes();
        assert!(used < bytes, "the server uses {} MiB", used >> 20);
    }
}

/// What the promise allows.
const POST_MAX: Duration = Duration::from_secs(1);
const PAGE_MAX: Duration = Duration::from_secs(2);

/// When a late answer is not waited for any longer; far beyond the bounds, so that a failure says how
/// late it was.
const GIVE_UP: Duration = Duration::from_secs(60);

const GROUP_WAIT: Duration = Duration::from_millis(200);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
