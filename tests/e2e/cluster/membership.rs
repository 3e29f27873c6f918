//! Who is a member, who is not, and who should have another configuration.
//!
//! Two configurations make two groups of one alert, and both notify. Two clusters that merge mix
//! their silences. A list with nodes that have died makes the others wait.

use std::collections::BTreeSet;
use std::fs;

use bellwether_e2e::Program::{self, Bellwether, Go};
use bellwether_e2e::{Cluster, Running, Setup, wait};
use serde_json::Value;

use super::config;
use bellwether_e2e::fixtures::{silence, text};

#[test]
fn a_node_that_crashes_again_and_again_stays_one_member() {
    let mut cluster = Cluster::new(&[Bellwether, Go, Bellwether], &silent_config());
    cluster.start();
    let before = cluster.server(0).members();
    crash(&mut cluster, 5);
    let resident = resident_mib(&mut cluster);
    crash(&mut cluster, 15);
    let grown = resident_mib(&mut cluster) - resident;
    assert!(grown < 1.0, "a peer that crashed 15 times cost {grown} MiB");
    assert_eq!(cluster.server(0).members(), before, "the same three names");
    cluster.server(0).wait_for_metric("alertmanager_cluster_failed_peers", "", 0.0);
    cluster.server(0).wait_for_metric("alertmanager_cluster_members", "", 3.0);

    let files = files_of(&cluster.node(2).setup);
    let fresh = files_of(&cluster.node(0).setup);
    assert_eq!(files, fresh, "crashes leave no files that a node without a crash has not");
}

fn crash(cluster: &mut Cluster, times: usize) {
    for _ in 0..times {
        cluster.node(2).kill();
        cluster.node(2).start();
    }
    cluster.wait_until_settled();
}

/// What a node keeps in memory that sees another one crash.
fn resident_mib(cluster: &mut Cluster) -> f64 {
    let bytes = cluster.server(0).metric("process_resident_memory_bytes", "");
    bytes.expect("a process knows its memory") / 1024.0 / 1024.0
}

#[test]
fn members_with_different_routes_are_reported_until_a_reload() {
    let mut cluster = Cluster::new(&[Bellwether; 2], &silent_config())
        .expect_log("runs a different configuration");
    cluster.node(1).setup.write_config(&silent_config().replace("[alertname]", "[alertname, job]"));
    cluster.start();
    for at in 0..2 {
        let other = text(&cluster.server(1 - at).cluster()["name"]);
        let server = cluster.server(at);
        server.wait_for_metric(DRIFT, &other, 1.0);
        assert_eq!(differs(server, &other), Some(true));
        let ready = server.get("/-/ready?verbose").expect_status(200).text();
        assert!(ready.contains(&format!("configuration differs on: {other}")), "{ready}");
    }

    cluster.node(1).setup.write_config(&silent_config());
    cluster.server(1).post("/-/reload", "").expect_status(200);
    for at in 0..2 {
        let other = text(&cluster.server(1 - at).cluster()["name"]);
        let server = cluster.server(at);
        server.wait_for_metric(DRIFT, &other, 0.0);
        assert_eq!(differs(server, &other), Some(false));
        let ready = server.get("/-/ready?verbose").expect_status(200).text();
        assert!(!ready.contains("configuration differs"), "{ready}");
        let lines = server.process.lines();
        let count =
            lines.iter().filter(|line| line.contains("runs a different configuration")).count();
        assert_eq!(count, 1, "logged once:\n{}", lines.join("\n"));
    }
}

#[test]
fn clusters_with_different_ids_do_not_merge() {
    let mut cluster = Cluster::new(&[Bellwether; 2], &silent_config())
        .flag_of(0, "--cluster.id=here")
        .flag_of(1, "--cluster.id=there")
        .expect_log("belongs to a different cluster");
    stay_apart(&mut cluster, "alertmanager_cluster_foreign_refused_total");
}

#[test]
fn clusters_with_different_labels_do_not_merge() {
    let mut cluster = Cluster::new(&[Bellwether; 2], &silent_config())
        .flag_of(0, "--cluster.label=here")
        .flag_of(1, "--cluster.label=there");
    stay_apart(&mut cluster, "alertmanager_cluster_input_dropped_total");
}

#[test]
fn a_label_keeps_ours_and_go_servers_apart() {
    let mut cluster =
        Cluster::new(&[Bellwether, Go], &silent_config()).flag_of(0, "--cluster.label=here");
    stay_apart(&mut cluster, "alertmanager_cluster_input_dropped_total");
}

#[test]
fn a_node_is_not_ready_before_the_cluster_has_settled() {
    // No server listens at the other node's address, so this one settles alone.
    let mut cluster = Cluster::new(&[Bellwether; 2], &silent_config());
    let server = cluster.node(0).start();
    let answer = server.get("/-/ready").expect_status(503).text();
    assert!(answer.contains("cluster: settling: 1 of 2 members"), "{answer}");
    assert_eq!(text(&server.cluster()["status"]), "settling");
    server.get("/-/healthy").expect_status(200);
    wait::until("it is ready", || (server.get("/-/ready").status == 200).then_some(()));
    assert_eq!(text(&server.cluster()["status"]), "ready");
    let verbose = server.get("/-/ready?verbose").expect_status(200).text();
    let (own, other) = (text(&server.cluster()["name"]), peer_flag(server));
    let presence = format!("[+] cluster: 1 of 2 members: {own}; missing: {other} (no connection)");
    assert!(verbose.contains(&presence), "{verbose}");
    server.wait_for_metric("alertmanager_cluster_peers_missing", "", 1.0);
    let lines = server.process.lines();
    let warnings: Vec<&String> = lines.iter().filter(|line| line.contains("level=WARN")).collect();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    for fragment in ["failed to join cluster", &other, "onnection refused", "check the address"] {
        assert!(warnings[0].contains(fragment), "{fragment} is missing in {}", warnings[0]);
    }
    assert!(warnings[1].contains("Cluster is incomplete"), "{}", warnings[1]);

    cluster.node(1).start();
    let server = cluster.server(0);
    server.process.wait_for_line("that all are there", |line| {
        line.contains("Cluster is complete").then_some(())
    });
    server.wait_for_metric("alertmanager_cluster_peers_missing", "", 0.0);
    cluster.node(1).kill();
    let server = cluster.server(0);
    server.process.wait_for_line("that one is lost", |line| {
        (line.contains("level=WARN") && line.contains("Peer failed")).then_some(())
    });
    cluster.node(1).start();
    let server = cluster.server(0);
    server.process.wait_for_line("that it is back", |line| {
        line.contains("Peer is back in the cluster").then_some(())
    });
}

#[test]
fn another_label_is_said_with_its_remedy() {
    let mut cluster =
        Cluster::new(&[Bellwether, Go], &silent_config()).flag_of(0, "--cluster.label=here");
    says_why_it_is_alone(&mut cluster, "closed", "--cluster.label and --cluster.tls-config");
}

#[test]
fn a_web_port_instead_of_a_cluster_port_is_said_with_its_remedy() {
    let other = Setup::ours(&silent_config()).start();
    let mut cluster = Cluster::new(&[Bellwether], &silent_config())
        .flag_of(0, &format!("--cluster.peer={}", other.address()))
        .flag("--cluster.tcp-timeout=1s");
    // Who serves HTTP waits for the rest of the request.
    says_why_it_is_alone(&mut cluster, "timeout", "not a web port");
}

/// The first node logs a remedy once and counts its attempts by reason.
fn says_why_it_is_alone(cluster: &mut Cluster, reason: &str, remedy: &str) {
    for at in (0..cluster.len()).rev() {
        cluster.node(at).start();
    }
    let server = cluster.server(0);
    wait::until("it has tried several times", || {
        let failures = server.metric("alertmanager_cluster_join_failures_total", reason)?;
        (failures >= 3.0).then_some(())
    });
    let lines = server.process.lines();
    let said: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("level=WARN") && line.contains("failed to join cluster"))
        .collect();
    assert!(said.len() == 1 && said[0].contains(remedy), "{said:#?}");
}

/// The peer that a server is started with.
fn peer_flag(server: &mut Running) -> String {
    let lines = server.process.lines();
    let line = lines.iter().find(|line| line.contains("failed to join cluster"));
    let line = line.expect("it has tried");
    let peer = line.split("peer=").nth(1).expect("the peer is named");
    peer.split(' ').next().unwrap_or_default().to_owned()
}

/// Each knocks at the other's door and stays alone.
fn stay_apart(cluster: &mut Cluster, refusals: &str) {
    for at in 0..cluster.len() {
        cluster.node(at).start();
    }
    for at in 0..cluster.len() {
        let is_ours = cluster.node(at).setup.program() == Program::Bellwether;
        let server = cluster.server(at);
        wait::until("it has settled", || (server.cluster()["status"] == "ready").then_some(()));
        if is_ours {
            wait::until("the other one was refused", || {
                (server.metric(refusals, "")? > 0.0).then_some(())
            });
        }
        assert_eq!(server.members().len(), 1, "it is alone");
    }
    let id = cluster.server(0).post_silence(&silence("Here", "only here"));
    let answer = cluster.server(1).get(&format!("/api/v2/silence/{id}"));
    assert_eq!(answer.status, 404, "silences do not cross over");
}

/// What a server reports of a peer's configuration under the key of our own.
fn differs(server: &mut Running, peer: &str) -> Option<bool> {
    let status = server.get("/api/v2/status").expect_status(200).json();
    let peers = status["bellwether"]["peers"].as_array()?;
    let is_it = |known: &&Value| known["name"] == peer;
    peers.iter().find(is_it)?["differs"].as_bool()
}

/// Names in the data directory, but for the journal's own, which come and go.
fn files_of(setup: &Setup) -> BTreeSet<String> {
    let entries = fs::read_dir(setup.storage()).expect("it has run");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("nothing deletes here").file_name().to_string_lossy().into_owned()
    };
    entries.map(name).collect()
}

/// It sends nothing.
fn silent_config() -> String {
    config("http://127.0.0.1:9/", "1h", "1h", "4h")
}

const DRIFT: &str = "alertmanager_cluster_peer_config_drift";
