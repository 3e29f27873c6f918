//! Ours and the Go server in every mix.
//!
//! If members do not agree, two notify or none does. If a silence does not reach all of them,
//! the one that notifies may be the one that does not have it.

use std::net::Ipv6Addr;

use bellwether_e2e::Program::{self, Bellwether, Go};
use bellwether_e2e::cluster::free_peer_address;
use bellwether_e2e::{Cluster, Node, Setup, Sink};
use serde_json::json;

use super::{
    config, ending, firing_since, large_silence, notifications, seconds, silences, state_of,
    wait_for_notifications,
};
use bellwether_e2e::fixtures::{alert, at, silence, text};

#[test]
fn one_of_ours_joins_two_go_servers() {
    let partings = [(2, Parting::Killed), (1, Parting::Killed), (2, Parting::Leaves)];
    lives_as_one(&[Go, Go, Bellwether], &partings);
}

#[test]
fn one_go_server_joins_two_of_ours() {
    let partings = [(2, Parting::Killed), (1, Parting::Leaves)];
    lives_as_one(&[Bellwether, Go, Bellwether], &partings);
}

#[test]
fn three_of_ours_are_one_cluster() {
    let partings = [(2, Parting::Killed), (1, Parting::Leaves)];
    lives_as_one(&[Bellwether, Bellwether, Bellwether], &partings);
}

#[test]
fn a_cluster_lives_on_ipv6_alone() {
    let hook = Sink::start();
    let nodes = [Bellwether, Go].map(|program| {
        let setup = Setup::detailed(program, &steady_config(&hook));
        let address = free_peer_address(Ipv6Addr::LOCALHOST.into());
        Node::new(setup, address, "[::1]:0")
    });
    let mut cluster =
        Cluster::of(nodes.into()).flag(PEER_TIMEOUT).expect_log("repeat_interval is less");
    cluster.start();
    silences_reach_all(&mut cluster);
    cluster.post_alerts(&json!([alert("Six")]));
    wait_for_notifications(&hook, "Six", "firing", 1);
    nothing_is_left_to_send(&mut cluster, &hook, "Fence");
    assert_eq!(notifications(&hook.requests(), "Six", "firing").len(), 1);
}

/// How a node goes before it comes back.
#[derive(Clone, Copy)]
enum Parting {
    Killed,
    /// It gets SIGTERM, and announces its leave to the others.
    Leaves,
}

/// A cluster of three from start to end, in which these nodes go and come back, one by one.
fn lives_as_one(programs: &[Program], partings: &[(usize, Parting)]) {
    let hook = Sink::start();
    let mut cluster = Cluster::new(programs, &steady_config(&hook))
        .flag(PEER_TIMEOUT)
        .expect_log("repeat_interval is less");
    cluster.start();
    silences_reach_all(&mut cluster);

    // Its end is seen by the third flush. Go servers that wait for peers send what was true before
    // the wait: after an end that is posted meanwhile they would send "firing" again.
    cluster.post_alerts(&json!([ending("Short", 9), firing_since("Long", &at(-60))]));
    let sent = wait_for_notifications(&hook, "Short", "firing", 2);
    let apart = seconds(sent[1] - sent[0]);
    assert!((4.0..7.0).contains(&apart), "repeated after {apart} s instead of 5");
    wait_for_notifications(&hook, "Short", "resolved", 1);

    members_come_and_go(&mut cluster, partings);

    cluster.post_alerts(&json!([firing_since("Long", &at(-60))]));
    nothing_is_left_to_send(&mut cluster, &hook, "Fence");
    let requests = hook.requests();
    assert_eq!(notifications(&requests, "Long", "firing").len(), 1, "once, whichever node went");
    assert_eq!(notifications(&requests, "Short", "firing").len(), 2, "one repetition, by one node");
    assert_eq!(notifications(&requests, "Short", "resolved").len(), 1);
}

/// Flushes five seconds apart, longer than any node waits for peers, and a repetition each time.
fn steady_config(hook: &Sink) -> String {
    config(&hook.url("/"), "100ms", "5s", "4s")
}

/// Every node alone is given an alert that waits for as long as what it was given before.
fn nothing_is_left_to_send(cluster: &mut Cluster, hook: &Sink, name: &str) {
    for (at_node, server) in cluster.running().enumerate() {
        server.post_alerts(&json!([alert(&format!("Long{name}{at_node}"))]));
    }
    for at_node in 0..cluster.len() {
        wait_for_notifications(hook, &format!("Long{name}{at_node}"), "firing", 1);
    }
}

/// Makes, changes and ends a small and a large silence on each node.
fn silences_reach_all(cluster: &mut Cluster) {
    for at_node in 0..cluster.len() {
        let name = format!("Quiet{at_node}");
        for mut wanted in [silence(&name, "small"), large_silence(&name)] {
            let server = cluster.server(at_node);
            let id = server.post_silence(&wanted);
            cluster.wait_on_each("the silence is active", |server| {
                state_of(server, &id).as_deref() == Some("active")
            });

            // The server moves a start in the past to its now; another start would be another id.
            let shown = cluster.server(at_node).get(&format!("/api/v2/silence/{id}")).json();
            wanted["id"] = json!(id);
            wanted["startsAt"] = shown["startsAt"].clone();
            wanted["endsAt"] = json!(at(7200));
            let again = cluster.server(at_node).post_silence(&wanted);
            assert_eq!(again, id, "an end that moves keeps the id");
            cluster.wait_on_each("the silence ends later", |server| {
                let shown = server.get(&format!("/api/v2/silence/{id}")).json();
                text(&shown["endsAt"])[..19] == text(&wanted["endsAt"])[..19]
            });

            let from = (at_node + 1) % cluster.len();
            cluster.server(from).delete(&format!("/api/v2/silence/{id}")).expect_status(200);
            cluster.wait_on_each("the silence has expired", |server| {
                state_of(server, &id).as_deref() == Some("expired")
            });
        }
    }
    let known: Vec<_> = cluster.running().map(silences).collect();
    assert!(known.iter().all(|list| *list == known[0]), "silences differ: {known:#?}");
}

/// What is known outlives every parting, and all agree on who is there.
fn members_come_and_go(cluster: &mut Cluster, partings: &[(usize, Parting)]) {
    let id = cluster.server(0).post_silence(&silence("Quiet", "outlives all"));
    cluster.wait_on_each("the silence is active", |server| state_of(server, &id).is_some());
    for &(at_node, parting) in partings {
        let before = cluster.server(0).members();
        match parting {
            Parting::Killed => {
                cluster.node(at_node).kill();
                cluster.wait_until_agreed();
            }
            Parting::Leaves => leaves_with_a_farewell(cluster, at_node),
        }
        cluster.node(at_node).start();
        cluster.wait_until_settled();
        cluster.wait_on_each("the silence is known", |server| state_of(server, &id).is_some());
        if cluster.node(at_node).setup.program() == Bellwether {
            assert_eq!(cluster.server(0).members(), before, "ours come back under their name");
        }
    }
}

/// Those that stay learn that it leaves: no Go server has to find out by failed probes.
fn leaves_with_a_farewell(cluster: &mut Cluster, at_node: usize) {
    let name = text(&cluster.server(at_node).cluster()["name"]);
    let verdict = format!("Marking {name} as failed");
    let verdicts = |cluster: &mut Cluster| {
        let lines = cluster.running().flat_map(|server| server.process.lines());
        lines.filter(|line| line.contains(&verdict)).count()
    };
    let before = verdicts(cluster);
    assert!(cluster.node(at_node).stop().success());
    cluster.wait_until_agreed();
    assert_eq!(verdicts(cluster), before, "{name} has left, and counts as failed");
}

/// Enough for a notification on a busy machine.
const PEER_TIMEOUT: &str = "--cluster.peer-timeout=1500ms";
