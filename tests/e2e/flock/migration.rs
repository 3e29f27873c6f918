//! Three Go servers become three of ours, one after the other, under load.
//!
//! This is how everybody will move in. Each step may neither tell again what the Go server has told
//! nor swallow what fires while it is replaced.

use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::{Client, Flock, Sink};
use serde_json::{Value, json};

use super::{
    config, ending, firing_since, seconds, silences, state_of, tellings, wait_for_tellings,
    wait_until_others_know,
};
use crate::given::{at, silence};

#[test]
fn three_go_servers_are_replaced_one_by_one() {
    let hook = Sink::start();
    let mut flock = Flock::new(&[Go; 3], &config(&hook.url("/"), "100ms", "3s", "4h"))
        .flag("--cluster.peer-timeout=1s");
    flock.start();
    let quiet = flock.server(1).post_silence(&silence("LongQuiet", "made by a Go server"));
    flock.wait_on_each("the silence is known", |server| state_of(server, &quiet).is_some());
    let kept = silences(flock.server(1));

    let load = Load::start();
    load.send_to(addresses(&mut flock));
    load.fire("LongQuiet");
    let mut fired = Vec::new();
    let mut fire = |name: String| {
        load.fire(&name);
        fired.push((name, Instant::now()));
    };
    fire("LongBefore".to_owned());
    wait_for_tellings(&hook, "LongBefore", "firing", 1);
    // A Go server that is told to stop leaves with what it has not gossiped yet.
    wait_until_others_know(&mut flock);
    for at_node in 0..flock.len() {
        assert!(flock.node(at_node).stop().success());
        load.send_to(addresses(&mut flock));
        fire(format!("LongWithout{at_node}"));
        flock.node(at_node).setup.replace_program(Bellwether);
        flock.node(at_node).start();
        load.send_to(addresses(&mut flock));
        fire(format!("LongDuring{at_node}"));
        flock.wait_until_settled();
        assert_eq!(silences(flock.server(at_node)), kept, "the silence is kept as it was");
    }
    fire("LongAfter".to_owned());

    for (name, posted) in &fired {
        let told = wait_for_tellings(&hook, name, "firing", 1);
        let late = seconds(told[0] - *posted);
        assert!(late < 10.0, "{name} is told {late} s after it fired");
    }
    load.end_all();
    for (name, _) in &fired {
        wait_for_tellings(&hook, name, "resolved", 1);
    }
    flock.wait_on_each("nobody has anything left to tell", |server| {
        server.metric("alertmanager_dispatcher_aggregation_groups", "") == Some(0.0)
    });
    let requests = hook.requests();
    for (name, _) in &fired {
        assert_eq!(tellings(&requests, name, "firing").len(), 1, "{name} fires");
        assert_eq!(tellings(&requests, name, "resolved").len(), 1, "{name} is over");
    }
    assert_eq!(tellings(&requests, "LongQuiet", "firing").len(), 0, "silenced all the time");
}

fn addresses(flock: &mut Flock) -> Vec<SocketAddr> {
    flock.running().map(|server| server.address()).collect()
}

/// A Prometheus: sends all alerts to all servers again and again.
struct Load {
    shared: Arc<Mutex<Shared>>,
    stop: Option<mpsc::Sender<()>>,
    sender: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    servers: Vec<SocketAddr>,
    alerts: Vec<Value>,
}

impl Load {
    fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (stop, stopped) = mpsc::channel();
        let of_sender = Arc::clone(&shared);
        let sender = std::thread::spawn(move || {
            while stopped.recv_timeout(RESEND_EVERY) == Err(RecvTimeoutError::Timeout) {
                send(&of_sender);
            }
        });
        Self { shared, stop: Some(stop), sender: Some(sender) }
    }

    fn send_to(&self, servers: Vec<SocketAddr>) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).servers = servers;
    }

    /// From now on this alert fires.
    fn fire(&self, name: &str) {
        let alert = firing_since(name, &at(0));
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).alerts.push(alert);
        send(&self.shared);
    }

    /// All alerts but `LongQuiet` are over.
    fn end_all(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for alert in &mut shared.alerts {
            let name = alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned();
            *alert = ending(&name, -1);
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(sender) = self.sender.take() {
            // It panics only if the test fails anyway.
            let _ = sender.join();
        }
    }
}

/// Sends everything once. A server that is gone misses it, as it would with Prometheus.
fn send(shared: &Mutex<Shared>) {
    let (servers, body) = {
        let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        (shared.servers.clone(), json!(shared.alerts).to_string())
    };
    for server in servers {
        let mut client = Client::new(server).with_patience(Duration::from_secs(5));
        let headers = [("Content-Type", "application/json")];
        let _ = client.request("POST", "/api/v2/alerts", &headers, body.as_bytes());
    }
}

const RESEND_EVERY: Duration = Duration::from_millis(300);
