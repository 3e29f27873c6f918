//! Three Go servers become three of ours, one after the other, under load.
//!
//! This is how users migrate. No step may repeat what the Go server has sent, or lose what fires
//! while it is replaced.

use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::{Client, Cluster, Sink};
use serde_json::{Value, json};

use super::{
    config, ending, firing_since, notifications, seconds, silences, state_of,
    wait_for_notifications, wait_until_others_know,
};
use bellwether_e2e::fixtures::{at, silence};

#[test]
fn three_go_servers_are_replaced_one_by_one() {
    let hook = Sink::start();
    let mut cluster = Cluster::new(&[Go; 3], &config(&hook.url("/"), "100ms", "3s", "4h"))
        .flag("--cluster.peer-timeout=1s");
    cluster.start();
    let quiet = cluster.server(1).post_silence(&silence("LongQuiet", "made by a Go server"));
    cluster.wait_on_each("the silence is known", |server| state_of(server, &quiet).is_some());
    let kept = silences(cluster.server(1));

    let load = Load::start();
    load.send_to(addresses(&mut cluster));
    load.fire("LongQuiet");
    let mut fired = Vec::new();
    let mut fire = |name: String| {
        load.fire(&name);
        fired.push((name, Instant::now()));
    };
    fire("LongBefore".to_owned());
    wait_for_notifications(&hook, "LongBefore", "firing", 1);
    // A Go server that gets SIGTERM leaves with what it has not gossiped yet.
    wait_until_others_know(&mut cluster);
    for at_node in 0..cluster.len() {
        assert!(cluster.node(at_node).stop().success());
        load.send_to(addresses(&mut cluster));
        fire(format!("LongWithout{at_node}"));
        cluster.node(at_node).setup.replace_program(Bellwether);
        cluster.node(at_node).start();
        load.send_to(addresses(&mut cluster));
        fire(format!("LongDuring{at_node}"));
        cluster.wait_until_settled();
        assert_eq!(silences(cluster.server(at_node)), kept, "the silence is kept as it was");
    }
    fire("LongAfter".to_owned());

    for (name, posted) in &fired {
        let sent = wait_for_notifications(&hook, name, "firing", 1);
        let late = seconds(sent[0] - *posted);
        assert!(late < 10.0, "{name} is notified {late} s after it fired");
    }
    load.end_all();
    for (name, _) in &fired {
        wait_for_notifications(&hook, name, "resolved", 1);
    }
    cluster.wait_on_each("no server has anything left to send", |server| {
        server.metric("alertmanager_dispatcher_aggregation_groups", "") == Some(0.0)
    });
    let requests = hook.requests();
    for (name, _) in &fired {
        assert_eq!(notifications(&requests, name, "firing").len(), 1, "{name} fires");
        assert_eq!(notifications(&requests, name, "resolved").len(), 1, "{name} is over");
    }
    assert_eq!(notifications(&requests, "LongQuiet", "firing").len(), 0, "silenced all the time");
}

fn addresses(cluster: &mut Cluster) -> Vec<SocketAddr> {
    cluster.running().map(|server| server.address()).collect()
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
        let mut client = Client::new(server).with_timeout(Duration::from_secs(5));
        let headers = [("Content-Type", "application/json")];
        let _ = client.request("POST", "/api/v2/alerts", &headers, body.as_bytes());
    }
}

const RESEND_EVERY: Duration = Duration::from_millis(300);
