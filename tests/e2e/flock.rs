//! Several servers as one cluster: ours alone, and mixed with Debian's Go Alertmanager.
//!
//! Each story says what one of its failures would cost: a page that nobody gets, or one that many
//! get. Ours must be silent in their logs but for what a story expects.

mod migration;
mod mixed;
mod partition;
mod strangers;
mod turns;

use std::time::{Duration, Instant};

use bellwether_e2e::{Flock, Request, Running, Sink, wait};
use serde_json::{Value, json};

use crate::given::{at, group_name, silence, text};

/// One webhook, told about groups by `alertname`. Groups whose name begins with `Long` are not
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
fn tellings(requests: &[Request], name: &str, status: &str) -> Vec<Instant> {
    let is_it = |request: &&Request| {
        group_name(request) == name && text(&request.json()["status"]) == status
    };
    requests.iter().filter(is_it).map(|request| request.arrived).collect()
}

/// Waits until the group has been told so many times, and returns when.
#[track_caller]
fn wait_for_tellings(hook: &Sink, name: &str, status: &str, count: usize) -> Vec<Instant> {
    let what = format!("{count}th notification that {name} is {status}");
    hook.wait_for(&what, |requests| {
        let told = tellings(requests, name, status);
        (told.len() >= count).then_some(told)
    })
}

/// Waits until the first notification of all is known to the two nodes that did not send it. What
/// happens to its teller before that may well cost a second one.
#[track_caller]
fn wait_until_others_know(flock: &mut Flock) {
    // Who hears an entry of the log that is news passes it on.
    let heard = "alertmanager_nflog_gossip_messages_propagated_total";
    wait::until("two others know what was told", || {
        let known = flock.running().map(|server| server.metric(heard, ""));
        (known.sum::<Option<f64>>()? >= 2.0).then_some(())
    });
}

/// A silence that is larger than a datagram of the gossip may be.
fn large_silence(name: &str) -> Value {
    silence(name, &"a long story, ".repeat(100))
}

/// What everybody must agree on about a silence.
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
