//! Ours and the Go server in every mix.
//!
//! If members do not agree, two notify or nobody does. If a silence does not reach everybody, the
//! one that tells may be the one that has not heard of it.

use std::net::Ipv6Addr;

use bellwether_e2e::Program::{self, Bellwether, Go};
use bellwether_e2e::flock::free_peer_address;
use bellwether_e2e::{Flock, Node, Setup, Sink};
use serde_json::json;

use super::{
    config, ending, firing_since, large_silence, seconds, silences, state_of, tellings,
    wait_for_tellings,
};
use crate::given::{alert, at, silence, text};

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
    let mut flock =
        Flock::of(nodes.into()).flag(PEER_TIMEOUT).expect_log("repeat_interval is less");
    flock.start();
    silences_reach_everybody(&mut flock);
    flock.post_alerts(&json!([alert("Six")]));
    wait_for_tellings(&hook, "Six", "firing", 1);
    nothing_is_left_to_tell(&mut flock, &hook, "Fence");
    assert_eq!(tellings(&hook.requests(), "Six", "firing").len(), 1);
}

/// How a node goes before it comes back.
#[derive(Clone, Copy)]
enum Parting {
    Killed,
    /// It is told to stop, and says farewell to the others.
    Leaves,
}

/// The whole life of a cluster of three, in which these nodes go and come back, one by one.
fn lives_as_one(programs: &[Program], partings: &[(usize, Parting)]) {
    let hook = Sink::start();
    let mut flock = Flock::new(programs, &steady_config(&hook))
        .flag(PEER_TIMEOUT)
        .expect_log("repeat_interval is less");
    flock.start();
    silences_reach_everybody(&mut flock);

    // Its end is seen by the third flush. Go servers that wait for peers tell what was true before
    // the wait: an end that is posted meanwhile would be told, and then taken back.
    flock.post_alerts(&json!([ending("Short", 9), firing_since("Long", &at(-60))]));
    let told = wait_for_tellings(&hook, "Short", "firing", 2);
    let apart = seconds(told[1] - told[0]);
    assert!((4.0..7.0).contains(&apart), "repeated after {apart} s instead of 5");
    wait_for_tellings(&hook, "Short", "resolved", 1);

    members_come_and_go(&mut flock, partings);

    flock.post_alerts(&json!([firing_since("Long", &at(-60))]));
    nothing_is_left_to_tell(&mut flock, &hook, "Fence");
    let requests = hook.requests();
    assert_eq!(tellings(&requests, "Long", "firing").len(), 1, "told once whoever came and went");
    assert_eq!(tellings(&requests, "Short", "firing").len(), 2, "one repetition, told by one");
    assert_eq!(tellings(&requests, "Short", "resolved").len(), 1);
}

/// Flushes five seconds apart, longer than anybody waits for peers, and a repetition each time.
fn steady_config(hook: &Sink) -> String {
    config(&hook.url("/"), "100ms", "5s", "4s")
}

/// Every node alone is given an alert that waits for as long as what it was given before.
fn nothing_is_left_to_tell(flock: &mut Flock, hook: &Sink, name: &str) {
    for (at_node, server) in flock.running().enumerate() {
        server.post_alerts(&json!([alert(&format!("Long{name}{at_node}"))]));
    }
    for at_node in 0..flock.len() {
        wait_for_tellings(hook, &format!("Long{name}{at_node}"), "firing", 1);
    }
}

/// Makes, changes and ends a small and a large silence on each node.
fn silences_reach_everybody(flock: &mut Flock) {
    for at_node in 0..flock.len() {
        let name = format!("Quiet{at_node}");
        for mut wanted in [silence(&name, "small"), large_silence(&name)] {
            let server = flock.server(at_node);
            let id = server.post_silence(&wanted);
            flock.wait_on_each("the silence is active", |server| {
                state_of(server, &id).as_deref() == Some("active")
            });

            // The server moves a start in the past to its now; another start would be another id.
            let shown = flock.server(at_node).get(&format!("/api/v2/silence/{id}")).json();
            wanted["id"] = json!(id);
            wanted["startsAt"] = shown["startsAt"].clone();
            wanted["endsAt"] = json!(at(7200));
            let again = flock.server(at_node).post_silence(&wanted);
            assert_eq!(again, id, "an end that moves keeps the id");
            flock.wait_on_each("the silence ends later", |server| {
                let shown = server.get(&format!("/api/v2/silence/{id}")).json();
                text(&shown["endsAt"])[..19] == text(&wanted["endsAt"])[..19]
            });

            let from = (at_node + 1) % flock.len();
            flock.server(from).delete(&format!("/api/v2/silence/{id}")).expect_status(200);
            flock.wait_on_each("the silence has expired", |server| {
                state_of(server, &id).as_deref() == Some("expired")
            });
        }
    }
    let known: Vec<_> = flock.running().map(silences).collect();
    assert!(known.iter().all(|list| *list == known[0]), "silences differ: {known:#?}");
}

/// What is known outlives every parting, and all agree on who is there.
fn members_come_and_go(flock: &mut Flock, partings: &[(usize, Parting)]) {
    let id = flock.server(0).post_silence(&silence("Quiet", "outlives all"));
    flock.wait_on_each("the silence is active", |server| state_of(server, &id).is_some());
    for &(at_node, parting) in partings {
        let before = flock.server(0).members();
        match parting {
            Parting::Killed => {
                flock.node(at_node).kill();
                flock.wait_until_agreed();
            }
            Parting::Leaves => leaves_with_a_farewell(flock, at_node),
        }
        flock.node(at_node).start();
        flock.wait_until_settled();
        flock.wait_on_each("the silence is known", |server| state_of(server, &id).is_some());
        if flock.node(at_node).setup.program() == Bellwether {
            assert_eq!(flock.server(0).members(), before, "ours come back under their name");
        }
    }
}

/// Those who stay are told that it goes: no Go server among them finds out by its silence.
fn leaves_with_a_farewell(flock: &mut Flock, at_node: usize) {
    let name = text(&flock.server(at_node).cluster()["name"]);
    let verdict = format!("Marking {name} as failed");
    let verdicts = |flock: &mut Flock| {
        let lines = flock.running().flat_map(|server| server.process.lines());
        lines.filter(|line| line.contains(&verdict)).count()
    };
    let before = verdicts(flock);
    assert!(flock.node(at_node).stop().success());
    flock.wait_until_agreed();
    assert_eq!(verdicts(flock), before, "{name} has left, and counts as failed");
}

/// Enough for a telling on a busy machine.
const PEER_TIMEOUT: &str = "--cluster.peer-timeout=1500ms";
