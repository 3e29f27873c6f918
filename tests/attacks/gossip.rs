//! Strangers on the cluster port, who speak the protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bellwether_e2e::cluster::free_peer_address;
use bellwether_e2e::fixtures::{alert, silence};
use bellwether_e2e::{Running, Setup, wait};
use serde_json::json;

use crate::bystander::{Bystander, Victim};
use crate::forger::{ForgedSilence, Forger, bellwether_meta, silence_of_peer, status};

#[test]
fn forged_status_broadcasts_end_no_alert_and_no_silence() {
    let (mut bystander, listen) = member(|setup| {
        setup.flag("--cluster.label=prod").expect_log("Wall clock").expect_log("Status broadcasts")
    });
    bystander.server.post_alerts(&json!([alert("Held")]));
    let id = bystander.server.post_silence(&silence("Quiet", "held"));

    let forger = Forger::start(Ipv4Addr::new(127, 0, 0, 2), listen, "prod");
    let names = ["~one".to_owned(), "~two".to_owned()];
    forger.join(&names, &bellwether_meta());
    bystander.server.wait_for_metric("alertmanager_cluster_members", "", 3.0);
    for years in [3, 6, 9, -3] {
        let ahead = years * YEAR;
        for name in &names {
            forger.user(STATUS_KEY, &status(name, ahead, &[]));
            forger.user_stream(STATUS_KEY, &status(name, ahead, &[]));
        }
        wait::until("both clocks have been read", || {
            let sum = bystander.server.metric("alertmanager_cluster_peer_clock_ahead_seconds", "~");
            sum.is_some_and(|sum| (sum - 2.0 * ahead as f64).abs() < 600.0).then_some(())
        });
        let correction = "alertmanager_cluster_clock_correction_seconds";
        let correction = bystander.server.metric(correction, "").unwrap_or_default();
        assert!((-300.0..=0.0).contains(&correction), "the clock is corrected by {correction} s");
        holds(&mut bystander.server, &id);
        bystander.is_served("while the clocks of peers are years off");
    }

    let elsewhere = Forger::start(Ipv4Addr::new(127, 0, 0, 3), listen, "prod");
    for claims in 0..50 {
        elsewhere.user(STATUS_KEY, &status("~one", YEAR, &[claims]));
    }
    let refused = "alertmanager_cluster_status_broadcasts_refused_total";
    wait::until("those from elsewhere are refused", || {
        let refused = bystander.server.metric(refused, "other_address");
        refused.filter(|refused| *refused >= 50.0)
    });
    drop((forger, elsewhere));
    bystander.is_served("after the attack");
    holds(&mut bystander.server, &id);
}

#[test]
fn silences_with_patterns_that_take_megabytes() {
    let (mut bystander, listen) = member(|setup| setup.expect_log("Silence mutes nothing"));
    let forger = Forger::start(Ipv4Addr::new(127, 0, 0, 2), listen, "");
    for round in 0..3 {
        forger.user_stream("sil", &heavy_silences(round));
        bystander.is_served("while the regular expressions of silences are compiled");
    }
    bystander.server.wait_for_metric("alertmanager_silences", "active", 900.0);
    let refused = wait::until("all have been tried", || {
        let refused = bystander.server.metric("alertmanager_silences_not_in_force", "");
        refused.filter(|refused| *refused >= 850.0)
    });
    assert!(refused < 900.0, "those for which there is room are in force");
    bystander.uses_less_than(768 << 20);

    // One of them is in force: what it matches is silenced.
    let list = bystander.server.get("/api/v2/silences").expect_status(200).json();
    let list = list.as_array().expect("a list");
    let why = "its regular expressions are too large (--silences.max-pattern-bytes)";
    let shown = list.iter().filter(|it| it["bellwether"]["notInForce"] == why).count();
    assert_eq!(shown as f64, refused);
    bystander.is_served("after the attack");
}

#[test]
fn a_restart_with_silences_that_take_megabytes() {
    let listen = free_peer_address(Ipv4Addr::LOCALHOST.into());
    let setup = Setup::ours("route:\n  receiver: nobody\nreceivers:\n- name: nobody\n")
        .in_cluster(listen)
        .expect_log("Silence mutes nothing");
    let mut server = setup.start();
    let forger = Forger::start(Ipv4Addr::new(127, 0, 0, 2), listen, "");
    forger.user_stream("sil", &heavy_silences(0));
    server.wait_for_metric("alertmanager_silences", "active", 300.0);
    drop(forger);
    server.kill();

    let start = Instant::now();
    let mut server = setup.start();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "the server starts within {took:?}");
    assert_eq!(server.metric("alertmanager_silences", "active"), Some(300.0), "all are kept");
}

/// 300 silences, each with another pattern whose program takes megabytes.
fn heavy_silences(round: usize) -> Vec<u8> {
    let one = |number: usize| {
        let id = format!("{round:08x}-0000-4000-8000-{number:012x}");
        let pattern = format!(r"\pL{{150}}{round}-{number}");
        let lasts = Duration::from_secs(3600);
        silence_of_peer(&ForgedSilence { id: &id, matchers: &[("other", &pattern)], lasts })
    };
    (0..300).flat_map(one).collect()
}

#[test]
fn members_that_sort_first_and_answer_pings() {
    let (mut bystander, listen) = member(|setup| {
        setup
            .flag("--cluster.max-members=3")
            .flag("--cluster.peer-timeout=500ms")
            .expect_log("Peer refused: the cluster has too many members")
            .expect_log("Found conflicting peer IDs")
    });
    let forger = Forger::start(Ipv4Addr::new(127, 0, 0, 2), listen, "");
    let names: Vec<String> = (0..200).map(|number| format!("!{number:03}")).collect();
    forger.join(&names, b"");
    let refused = "alertmanager_cluster_members_refused_total";
    wait::until("the others are refused", || {
        bystander.server.metric(refused, "").filter(|refused| *refused >= 150.0)
    });
    assert_eq!(bystander.server.metric("alertmanager_cluster_members", ""), Some(3.0));
    let ready = bystander.server.get("/-/ready?verbose").expect_status(200).text();
    assert!(ready.contains("--cluster.max-members=3"), "{ready}");

    // The names of members are claimed from elsewhere, again and again.
    let elsewhere = Forger::start(Ipv4Addr::new(127, 0, 0, 3), listen, "");
    for _ in 0..100 {
        elsewhere.join(&names[..3], b"");
    }
    let conflicts = "alertmanager_cluster_peer_name_conflicts_total";
    wait::until("the conflicts are counted", || {
        bystander.server.metric(conflicts, "").filter(|conflicts| *conflicts >= 100.0)
    });
    let lines = bystander.server.process.lines();
    let said = lines.iter().filter(|line| line.contains("conflicting peer IDs")).count();
    assert!(said <= 3, "{said} lines say the same");
    bystander.is_served("while members that answer pings are ahead");
}

/// The alert fires, and the silence is active.
#[track_caller]
fn holds(server: &mut Running, silence: &str) {
    let alerts = server.get("/api/v2/alerts?filter=alertname=Held").expect_status(200).json();
    assert_eq!(alerts.as_array().map(Vec::len), Some(1), "{alerts}");
    let silence = server.get(&format!("/api/v2/silence/{silence}")).expect_status(200).json();
    assert_eq!(silence["status"]["state"], "active", "{silence}");
}

/// A server that is a member of a cluster, ready to notify, and where its peers find it.
fn member(change: impl FnOnce(Setup) -> Setup) -> (Bystander, SocketAddr) {
    let listen = free_peer_address(Ipv4Addr::LOCALHOST.into());
    let mut bystander = Bystander::start(&Victim::default(), |setup| {
        let said = [
            "gossip not settled",
            "Peer failed; trying to reconnect",
            "failed to join cluster",
            "Cluster is incomplete",
            "Peer runs a different configuration",
        ];
        let setup = said.into_iter().fold(setup, Setup::expect_log);
        change(setup.in_cluster(listen).flag("--cluster.settle-timeout=1s"))
    });
    wait::until("the server is ready", || {
        (bystander.server.get("/-/ready").status == 200).then_some(())
    });
    (bystander, listen)
}

const STATUS_KEY: &str = "bellwether/bulletin";
const YEAR: i64 = 365 * 86_400;
