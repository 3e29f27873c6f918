//! A real Prometheus whose rule fires and resolves, with a crash of the server in between.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_e2e::{Answer, Process, Setup, Sink, programs, wait};
use tempfile::TempDir;

use bellwether_e2e::fixtures::{firing_then_resolved, one_webhook};

#[test]
fn prometheus_fires_and_resolves_across_a_crash_without_a_duplicate() {
    let hook = Sink::start();
    let target = Target::start();
    // Its own address, so that nothing takes the port while the server is down.
    let host = own_loopback_address();
    let setup = Setup::ours(&one_webhook(&hook.url("/")));
    let first = setup.start_at(&format!("{host}:0"));
    let address = first.address();
    let prometheus = Prometheus::start(address, target.sink.address());

    target.switch(true);
    hook.wait_for_one("firing notification");

    // A crash between a notification and its record may repeat it; this one comes later.
    first.wait_for_another_flush("SwitchedOn");
    first.kill();
    let mut second = setup.start_at(&address.to_string());
    let alerts = second.get("/api/v2/alerts").expect_status(200).json();
    assert_eq!(alerts[0]["labels"]["alertname"], "SwitchedOn", "the alert outlives the crash");
    wait::until("Prometheus repeats its alert", || {
        second.metric("alertmanager_alerts_received_total", "firing").filter(|&count| count > 0.0)
    });
    second.wait_for_another_flush("SwitchedOn");

    target.switch(false);
    let sent = firing_then_resolved(&hook);

    let (fired, ended) = (sent[0].json(), sent[1].json());
    assert_eq!(fired["alerts"][0]["labels"]["severity"], "page");
    assert_eq!(fired["alerts"][0]["annotations"]["summary"], "The switch is on.");
    assert_eq!(fired["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(fired["groupKey"], ended["groupKey"]);
    assert_eq!(fired["alerts"][0]["fingerprint"], ended["alerts"][0]["fingerprint"]);
    assert_eq!(fired["alerts"][0]["startsAt"], ended["alerts"][0]["startsAt"]);
    drop(prometheus);
}

/// Something to scrape, with one gauge that a test can switch.
struct Target {
    sink: Sink,
    is_on: Arc<AtomicBool>,
}

impl Target {
    fn start() -> Self {
        let sink = Sink::start();
        let is_on = Arc::new(AtomicBool::new(false));
        let shown = Arc::clone(&is_on);
        sink.answer(move |_| {
            Answer::Text(format!("e2e_switch {}\n", u8::from(shown.load(Ordering::SeqCst))))
        });
        Self { sink, is_on }
    }

    fn switch(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::SeqCst);
    }
}

/// Debian's Prometheus with one rule about the target.
struct Prometheus {
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    fn start(alertmanager: SocketAddr, target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("rules.yml"), RULES).expect("our folder is writable");
        let config = format!(
            "global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: e2e, static_configs: [{{targets: ['{target}']}}]}}]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
        );
        fs::write(path("prometheus.yml"), config).expect("our folder is writable");
        let mut command = Command::new(programs::debian("prometheus"));
        command
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("tsdb").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            // An alert lasts for four of these without being repeated: longer than a restart.
            .arg("--rules.alert.resend-delay=3s");
        let process = Process::start("prometheus", &mut command);
        process.wait_for_line("that it is ready", |line| {
            line.contains("Server is ready to receive web requests").then_some(())
        });
        Self { _process: process, _folder: folder }
    }
}

const RULES: &str = "
groups:
- name: e2e
  rules:
  - alert: SwitchedOn
    expr: e2e_switch == 1
    labels: {severity: page}
    annotations: {summary: The switch is on.}
";

/// An address of loopback's large network that only this process uses.
fn own_loopback_address() -> String {
    let id = std::process::id();
    format!("127.{}.{}.{}", 16 + (id >> 16) % 200, (id >> 8) & 0xff, 2 + (id & 0xff) % 250)
}
