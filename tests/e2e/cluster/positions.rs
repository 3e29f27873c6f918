//! Which node notifies first, and what happens when that one cannot.
//!
//! Ours wait no longer than they must and never send what is older than what was sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::certificates::{AuthorityFolder, replace};
use bellwether_e2e::{Answer, Cluster, Request, Sink};
use serde_json::json;

use super::{config, notifications, seconds, wait_for_notifications};
use crate::peer_tls;
use bellwether_e2e::fixtures::{alert, resolved, statuses};

#[test]
fn another_notifies_within_two_seconds_when_the_first_is_killed_before_its_turn() {
    let hook = Sink::start();
    let mut cluster = Cluster::new(&[Bellwether; 3], &config(&hook.url("/"), "1s", "1s", "4h"))
        .flag("--cluster.peer-timeout=15s");
    cluster.start();
    let first = first_by_name(&mut cluster);
    cluster.post_alerts(&json!([alert("Failover")]));
    let due = Instant::now() + Duration::from_secs(1);
    cluster.node(first).kill();
    let sent = wait_for_notifications(&hook, "Failover", "firing", 1);
    let late = seconds(sent[0].saturating_duration_since(due));
    println!("failover: notified {late:.2} s after it was due");
    assert!(late <= 2.0, "notified {late} s after it was due");
    cluster.wait_until_agreed();
    cluster.post_alerts(&json!([resolved("Failover")]));
    wait_for_notifications(&hook, "Failover", "resolved", 1);
    assert_eq!(hook.count(), 2, "one firing, one resolved");
}

/// Three Go servers send firing, resolved, firing here: the later ones wait with what they saw
/// before the wait.
#[test]
fn an_alert_that_ends_while_others_wait_is_not_sent_as_firing_again() {
    let hook = Sink::start();
    let mut cluster = Cluster::new(&[Bellwether; 3], &config(&hook.url("/"), "1s", "3s", "4h"))
        .flag("--cluster.peer-timeout=8s");
    cluster.start();
    cluster.post_alerts(&json!([alert("Brief")]));
    wait_for_notifications(&hook, "Brief", "firing", 1);
    cluster.post_alerts(&json!([resolved("Brief")]));
    wait_for_notifications(&hook, "Brief", "resolved", 1);
    // The last one would wait sixteen seconds if it did not know better; a group is gone once its
    // last delivery has ended.
    cluster.wait_on_each("no server has anything left to send", |server| {
        server.metric("alertmanager_dispatcher_aggregation_groups", "") == Some(0.0)
    });
    assert_eq!(statuses(&hook.requests()), ["firing", "resolved"]);
}

#[test]
fn two_retry_and_one_delivers() {
    one_delivers_after_an_outage(2);
}

#[test]
fn three_retry_and_one_delivers() {
    one_delivers_after_an_outage(3);
}

/// The receiver fails for longer than every node's wait, then recovers, long before the others would
/// try whether it is only the first that cannot reach it. With TLS, since without it anybody may claim
/// to be trying, and is believed for one wait only.
fn one_delivers_after_an_outage(nodes: usize) {
    let hook = Sink::start();
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let authority = AuthorityFolder::new(folder.path());
    authority.sign("node", &["peer.example"]);
    let tls = folder.path().join("tls.yml");
    replace(&tls, &peer_tls::settings(&authority, "node"));
    let mut cluster =
        Cluster::new(&vec![Bellwether; nodes], &config(&hook.url("/"), "100ms", "20s", "4h"))
            .flag("--cluster.peer-timeout=1s")
            .flag(&format!("--cluster.tls-config={}", tls.display()))
            .expect_log("Notify attempt failed");
    cluster.start();
    let works_from = Instant::now() + Duration::from_secs(4);
    hook.answer(move |request| {
        Answer::Status(if request.arrived < works_from { 500 } else { 200 })
    });
    cluster.post_alerts(&json!([alert("Outage")]));
    for server in cluster.running() {
        server.process.wait_for_line("how its delivery ended", |line| {
            let is_end = line.contains("Notify success") || line.contains("Nothing to notify");
            (is_end && line.contains("Outage")).then_some(())
        });
    }
    let sent = notifications(&hook.requests(), "Outage", "firing");
    assert!(sent.first().is_some_and(|&at| at < works_from), "tried during the outage");
    let accepted = sent.iter().filter(|&&at| at >= works_from).count();
    assert_eq!(accepted, 1, "one delivery after the outage");
}

#[test]
fn the_third_keeps_behind_a_go_server_when_the_first_is_killed_before_its_turn() {
    let hook = Sink::start();
    let mut cluster = around_a_go_server(&hook);
    cluster.post_alerts(&json!([alert("Before")]));
    let due = Instant::now() + Duration::from_secs(1);
    cluster.node(0).kill();
    wait_until_left_to_others(&mut cluster, 2, "Before");
    let sent = notifications(&hook.requests(), "Before", "firing");
    assert_eq!(sent.len(), 1, "one of the two that live");
    let after = seconds(sent[0].saturating_duration_since(due));
    assert!((1.5..2.8).contains(&after), "after {after} s: not when the Go server's turn was");
}

#[test]
fn the_third_keeps_behind_a_go_server_when_the_first_is_killed_during_the_answer() {
    let hook = Sink::start();
    let mut cluster = around_a_go_server(&hook);
    hook.answer(first_hangs(&hook));
    cluster.post_alerts(&json!([alert("During")]));
    wait_for_notifications(&hook, "During", "firing", 1);
    cluster.node(0).kill();
    wait_until_left_to_others(&mut cluster, 2, "During");
    let sent = notifications(&hook.requests(), "During", "firing");
    assert_eq!(sent.len(), 2, "the first, and the Go server");
}

/// The turns of the other two have come long ago.
#[test]
fn one_takes_over_when_the_first_is_killed_during_a_long_answer() {
    let hook = Sink::start();
    let config = config(&hook.url("/"), "100ms", "30s", "4h");
    let mut cluster = Cluster::new(&[Bellwether; 3], &config).flag("--cluster.peer-timeout=500ms");
    for (at, name) in ["a", "b", "c"].iter().enumerate() {
        cluster = cluster.flag_of(at, &format!("--cluster.peer-name={name}"));
    }
    cluster.start();
    hook.answer(first_hangs(&hook));
    cluster.post_alerts(&json!([alert("Slow")]));
    wait_for_notifications(&hook, "Slow", "firing", 1);
    // What only the last one knows waits for as long.
    cluster.server(2).post_alerts(&json!([alert("Fence")]));
    wait_for_notifications(&hook, "Fence", "firing", 1);
    cluster.node(0).kill();
    wait_until_left_to_others(&mut cluster, 2, "Slow");
    let sent = notifications(&hook.requests(), "Slow", "firing");
    assert_eq!(sent.len(), 2, "the first, and one of the others");
}

/// Ours, Debian's Go server and ours in the order of their turns; groups are due after a second.
fn around_a_go_server(hook: &Sink) -> Cluster {
    let config = config(&hook.url("/"), "1s", "30s", "4h");
    let mut cluster = Cluster::new(&[Bellwether, Go, Bellwether], &config)
        .flag("--cluster.peer-timeout=2s")
        .flag_of(0, "--cluster.peer-name=00")
        .flag_of(2, "--cluster.peer-name=zz");
    cluster.start();
    let names: Vec<_> = cluster.server(2).members().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() == 3 && names[0] == "00" && names[2] == "zz", "turns: {names:?}");
    cluster
}

/// The receiver never answers the first request.
fn first_hangs(hook: &Sink) -> impl Fn(&Request) -> Answer + use<> {
    let first = hook.count();
    let asked = AtomicUsize::new(first);
    move |_| match asked.fetch_add(1, Ordering::Relaxed) == first {
        true => Answer::Hang,
        false => Answer::Status(200),
    }
}

/// Waits until a server of ours has found that others have notified of the group.
#[track_caller]
fn wait_until_left_to_others(cluster: &mut Cluster, at: usize, name: &str) {
    cluster.server(at).process.wait_for_line("how its delivery ended", |line| {
        let is_end = line.contains("Notify success") || line.contains("Nothing to notify");
        (is_end && line.contains(name)).then_some(())
    });
}

fn first_by_name(cluster: &mut Cluster) -> usize {
    let names: Vec<String> = cluster
        .running()
        .map(|server| server.cluster()["name"].as_str().expect("it has a name").to_owned())
        .collect();
    let first = names.iter().min().expect("there are nodes");
    names.iter().position(|name| name == first).expect("it is one of them")
}
