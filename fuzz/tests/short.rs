//! A short run of every target, in every `cargo test`.

use bellwether_fuzz::{TARGETS, run};

#[test]
fn alerts_of_the_api() {
    run_named("api_alerts");
}

#[test]
fn silences_of_the_api() {
    run_named("api_silence");
}

#[test]
fn matchers() {
    run_named("matchers");
}

#[test]
fn configurations() {
    run_named("config");
}

#[test]
fn records_of_the_journal() {
    run_named("record");
}

#[test]
fn snapshots_of_the_go_server() {
    run_named("wire");
}

#[test]
fn datagrams_of_the_gossip() {
    run_named("datagram");
}

#[test]
fn streams_of_the_gossip() {
    run_named("stream");
}

#[test]
fn states_in_the_gossip() {
    run_named("state");
}

#[test]
fn status_broadcasts_of_peers() {
    run_named("status_broadcast");
}

#[test]
fn node_metadata_of_peers() {
    run_named("node_metadata");
}

#[test]
fn heads_on_a_connection() {
    run_named("http1");
}

#[test]
fn templates() {
    run_named("template");
}

#[test]
fn every_target_is_run() {
    // One test each above, so that they run side by side and fail by name.
    assert_eq!(TARGETS.len(), 13);
}

fn run_named(name: &str) {
    run(TARGETS.iter().find(|target| target.name == name).expect("the target is in the table"));
}
