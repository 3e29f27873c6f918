//! Whose turn it is to tell, and what happens when that one cannot.
//!
//! Ours wait no longer than they must and never tell what is older than what was told.

use std::time::{Duration, Instant};

use bellwether_e2e::Program::Bellwether;
use bellwether_e2e::{Answer, Flock, Sink};
use serde_json::json;

use super::{config, seconds, tellings, wait_for_tellings};
use crate::given::{alert, resolved, statuses};

#[test]
fn another_tells_within_two_seconds_when_the_first_is_killed_before_its_time() {
    let hook = Sink::start();
    let mut flock = Flock::new(&[Bellwether; 3], &config(&hook.url("/"), "1s", "1s", "4h"))
        .flag("--cluster.peer-timeout=15s");
    flock.start();
    let first = first_by_name(&mut flock);
    flock.post_alerts(&json!([alert("Failover")]));
    let due = Instant::now() + Duration::from_secs(1);
    flock.node(first).kill();
    let told = wait_for_tellings(&hook, "Failover", "firing", 1);
    let late = seconds(told[0].saturating_duration_since(due));
    println!("failover: told {late:.2} s after it was due");
    assert!(late <= 2.0, "told {late} s after it was due");
    flock.wait_until_agreed();
    flock.post_alerts(&json!([resolved("Failover")]));
    wait_for_tellings(&hook, "Failover", "resolved", 1);
    assert_eq!(hook.count(), 2, "one firing, one resolved");
}

/// Three Go servers tell firing, resolved, firing here: the later ones wait with what they saw
/// before the wait.
#[test]
fn an_alert_that_ends_while_others_wait_is_not_told_to_fire_again() {
    let hook = Sink::start();
    let mut flock = Flock::new(&[Bellwether; 3], &config(&hook.url("/"), "1s", "3s", "4h"))
        .flag("--cluster.peer-timeout=8s");
    flock.start();
    flock.post_alerts(&json!([alert("Brief")]));
    wait_for_tellings(&hook, "Brief", "firing", 1);
    flock.post_alerts(&json!([resolved("Brief")]));
    wait_for_tellings(&hook, "Brief", "resolved", 1);
    // The last one would wait sixteen seconds if it did not know better; a group is gone once its
    // last delivery has ended.
    flock.wait_on_each("nobody has anything left to tell", |server| {
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

/// The receiver fails for longer than everybody's wait, then recovers, long before the others would
/// try whether it is only the first that cannot reach it.
fn one_delivers_after_an_outage(nodes: usize) {
    let hook = Sink::start();
    let mut flock =
        Flock::new(&vec![Bellwether; nodes], &config(&hook.url("/"), "100ms", "20s", "4h"))
            .flag("--cluster.peer-timeout=1s")
            .expect_log("Notify attempt failed");
    flock.start();
    let works_from = Instant::now() + Duration::from_secs(4);
    hook.answer(move |request| {
        Answer::Status(if request.arrived < works_from { 500 } else { 200 })
    });
    flock.post_alerts(&json!([alert("Outage")]));
    for server in flock.running() {
        server.process.wait_for_line("how its delivery ended", |line| {
            let is_end = line.contains("Notify success") || line.contains("Nothing new to tell");
            (is_end && line.contains("Outage")).then_some(())
        });
    }
    let told = tellings(&hook.requests(), "Outage", "firing");
    assert!(told.first().is_some_and(|&at| at < works_from), "tried during the outage");
    let accepted = told.iter().filter(|&&at| at >= works_from).count();
    assert_eq!(accepted, 1, "one delivery after the outage");
}

fn first_by_name(flock: &mut Flock) -> usize {
    let names: Vec<String> = flock
        .running()
        .map(|server| server.cluster()["name"].as_str().expect("it has a name").to_owned())
        .collect();
    let first = names.iter().min().expect("there are nodes");
    names.iter().position(|name| name == first).expect("it is one of them")
}
