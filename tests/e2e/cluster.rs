//! Several servers as one cluster: ours alone, and mixed with Debian's Go Alertmanager.
//!
//! A failure of one of these tests costs a missed page or a duplicate one. Our servers must log no
//! warning or error that a test does not expect.

mod membership;
mod migration;
mod mixed;
mod partition;
mod positions;

use std::time::{Duration, Instant};

use bellwether_e2e::{Cluster, Request, Running, Sink, wait};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::{at, group_name, silence, text};

/// One webhook, notified of groups by `alertname`. Groups whose name begins with `Long` are not
/// repeated.
fn config(url: &str, group_wait: &str, group_interval: &str, repeat_interval: &str) -> String {
    format!(
        "route:\n  receiver: hook\n  group_by: [alertname]\n  group_wait: {group_wait}\n  \
         group_interval: {group_interval}\n  repeat_interval: {repeat_interval}\n  routes:\n  - \
         matchers: ['alertname=~\"Long.*\"']\n    repeat_interval: 4h\nreceivers:\n- name: hook\n  \
         webhook_configs:\n  - url: {url}\n"
    )
}

/// When each notification of this group and status came, in order.
fn notifications(requests: &[Request], name: &str, status: &str) -> Vec<Instant> {
    let is_it = |request: &&Request| {
        group_name(request) == name && text(&request.json()["status"]) == status
    };
    requests.iter().filter(is_it).map(|request| request.arrived).collect()
}

/// Waits until there were so many notifications of the group, and returns when they came.
#[track_caller]
fn wait_for_notifications(hook: &Sink, name: &str, status: &str, count: usize) -> Vec<Instant> {
    let what = format!("{count}th notification that {name} is {status}");
    hook.wait_for(&what, |requests| {
        let times = notifications(requests, name, status);
        (times.len() >= count).then_some(times)
    })
}

/// Waits until the first notification of all is known to the two nodes that did not send it. What
/// happens to its sender before that may well cause a second one.
#[track_caller]
fn wait_until_others_know(cluster: &mut Cluster) {
    // A node that receives a log entry that it does not have passes it on.
    let received = "alertmanager_nflog_gossip_messages_propagated_total";
    wait::until("two others know the log entry", || {
        let known = cluster.running().map(|server| server.metric(received, ""));
        (known.sum::<Option<f64>>()? >= 2.0).then_some(())
    });
}

/// A silence that is larger than a datagram of the gossip may be.
fn large_silence(name: &str) -> Value {
    silence(name, &"a long comment, ".repeat(100))
}

/// What all servers must agree on about a silence.
fn silences(server: &mut Running) -> Vec<Value> {
    let list = server.get("/api/v2/silences").expect_status(200).json();
    let list = list.as_array().expect("a list").iter();
    let mut shown: Vec<Value> = list
        .map(|silence| {
            json!({
                "id": silence["id"], "matchers": silence["matchers"],
                "comment": silence["comment"], "endsAt": silence["endsAt"],
                "state": silence["status"]["state"],
            })
        })
        .collect();
    shown.sort_by_key(|silence| text(&silence["id"]));
    shown
}

/// The state of a silence on a server that may not know it.
fn state_of(server: &mut Running, id: &str) -> Option<String> {
    let answer = server.get(&format!("/api/v2/silence/{id}"));
    (answer.status == 200).then(|| text(&answer.json()["status"]["state"]))
}

/// An alert with a start that stays the same, as Prometheus sends it again and again.
fn firing_since(name: &str, starts_at: &str) -> Value {
    json!({"labels": {"alertname": name, "job": "e2e"}, "startsAt": starts_at, "endsAt": at(3600)})
}

/// An alert that ends so many seconds from now.
fn ending(name: &str, seconds: i64) -> Value {
    json!({
        "labels": {"alertname": name, "job": "e2e"}, "startsAt": at(-60), "endsAt": at(seconds),
    })
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
