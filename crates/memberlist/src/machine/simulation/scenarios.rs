//! What must happen to a cluster, and what must not.

use std::time::Duration;

use bytes::Bytes;

use super::harness::Simulation;
use crate::machine::{DatagramOrStream, Input, MemberlistNote, MembershipEvent};
use crate::message::{Address, Dead, Message, NodeName, NodeStatus, Suspect};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Hosts that have found together and calmed down.
fn cluster(seed: u64, hosts: usize) -> Simulation {
    let mut simulation = Simulation::new(seed, hosts);
    simulation.run_until("all know all", 3 * MINUTE, Simulation::agree);
    simulation.run(5 * SECOND);
    simulation
}

fn leaves(simulation: &Simulation) -> usize {
    simulation.count(|event| matches!(event, MembershipEvent::Leave { .. }))
}

fn status(simulation: &Simulation, at: usize, of: usize) -> Option<NodeStatus> {
    let name = &simulation.hosts[of].name;
    Some(simulation.hosts[at].machine.as_ref()?.node(name)?.status)
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// Mostly within seconds. If gossip loses the same node several times over, and no node joins
/// again, a push-pull mends it.
#[test]
fn three_ten_and_fifty_hosts_find_together() {
    for (seeds, hosts) in [(30, 3), (20, 10), (5, 50)] {
        let mut quick = 0;
        for seed in 0..seeds {
            let mut simulation = Simulation::new(seed, hosts);
            let took = simulation.run_until("all know all", 3 * MINUTE, Simulation::agree);
            quick += u32::from(took < 2 * SECOND);
            simulation.run(10 * SECOND);
            assert!(simulation.agree() && leaves(&simulation) == 0, "a calm cluster stays whole");
        }
        assert!(
            quick >= u32::try_from(seeds).unwrap() * 3 / 5,
            "{quick} of {seeds}, {hosts} hosts"
        );
    }
}

#[test]
fn a_broadcast_reaches_most_by_gossip_alone() {
    for seed in 0..20 {
        let mut simulation = cluster(seed, 10);
        simulation.network.lost_permille = 0;
        simulation.handle(0, Input::Broadcast(Bytes::from_static(b"news")));
        simulation.run(2 * SECOND);
        let informed = simulation.hosts.iter().filter(|host| {
            host.events.iter().any(|(_, event)| {
                matches!(event, MembershipEvent::UserMessage { via: DatagramOrStream::Datagram, body, .. } if body == "news")
            })
        });
        // Six transmissions, to six of nine at the most: nodes that receive news pass them on, and
        // that is the layer above.
        assert!(informed.count() >= 3, "seed {seed}");
    }
}

#[test]
fn a_false_accusation_is_refuted_before_anybody_believes_it() {
    for seed in 0..30 {
        let mut simulation = cluster(seed, 5);
        let (node, from) = (simulation.hosts[1].name.clone(), name("liar"));
        simulation.forge(0, &Message::Suspect(Suspect { incarnation: 7, node, from }));
        assert_eq!(status(&simulation, 0, 1), Some(NodeStatus::Suspect));
        simulation.run_until("the suspect refutes", 4 * SECOND, |simulation| {
            (0..5).all(|host| status(simulation, host, 1) == Some(NodeStatus::Alive))
                && simulation.hosts[1].notes.iter().any(|(_, note)| {
                    matches!(note, MemberlistNote::Refuted { incarnation: 8.., .. })
                })
        });
        assert_eq!(leaves(&simulation), 0);
    }
}

#[test]
fn who_is_declared_dead_by_a_liar_comes_back() {
    for seed in 0..20 {
        let mut simulation = cluster(seed, 5);
        let (node, from) = (simulation.hosts[1].name.clone(), name("liar"));
        simulation.forge(0, &Message::Dead(Dead { incarnation: 1, node, from }));
        assert_eq!(status(&simulation, 0, 1), Some(NodeStatus::Dead));
        simulation.run_until("the dead one refutes", 12 * SECOND, Simulation::agree);
    }
}

#[test]
fn a_crash_is_noticed_by_all_within_its_bound() {
    for (hosts, limit) in [(2, 8), (3, 9), (5, 20), (10, 30)] {
        for seed in 0..10 {
            let mut simulation = cluster(seed, hosts);
            simulation.crash(hosts - 1);
            simulation.run_until("the dead one is gone", limit * SECOND, Simulation::agree);
            assert_eq!(leaves(&simulation), hosts - 1, "each notices one death");
        }
    }
}

#[test]
fn two_halves_find_together_again_after_minutes_apart() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 5);
        simulation.partition(&[0, 1], &[2, 3, 4]);
        simulation.run(3 * MINUTE);
        assert_eq!(simulation.members(0), ["n00", "n01"]);
        assert_eq!(simulation.members(4), ["n02", "n03", "n04"]);
        simulation.network.cut.clear();
        simulation.run_until("all know all", 35 * SECOND, Simulation::agree);
        let before = leaves(&simulation);
        simulation.run(MINUTE);
        assert!(simulation.agree() && leaves(&simulation) == before, "and stay together");
    }
}

#[test]
fn a_short_cut_heals_without_anybody_joining() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 4);
        for host in &mut simulation.hosts {
            host.join_targets.clear();
        }
        simulation.partition(&[0, 1], &[2, 3]);
        simulation.run(3 * SECOND);
        simulation.network.cut.clear();
        simulation.run_until("all know all", 30 * SECOND, Simulation::agree);
    }
}

#[test]
fn a_leave_reaches_all_and_raises_no_suspicion() {
    for seed in 0..20 {
        let mut simulation = cluster(seed, 5);
        simulation.network.lost_permille = 0;
        simulation.handle(4, Input::Leave);
        let done = |simulation: &Simulation| {
            simulation.hosts[4].events.iter().any(|(_, event)| *event == MembershipEvent::LeaveDone)
        };
        simulation.run_until("the leave is broadcast", 3 * SECOND, done);
        simulation.crash(4);
        simulation.run_until("it is known", 3 * SECOND, |simulation| {
            (0..4).all(|host| status(simulation, host, 4) == Some(NodeStatus::Left))
        });
        let graceful = simulation
            .count(|event| matches!(event, MembershipEvent::Leave { graceful: true, .. }));
        assert_eq!((graceful, leaves(&simulation)), (5, 5), "itself included");
        let suspected = simulation.hosts.iter().flat_map(|host| &host.notes);
        assert!(!suspected.into_iter().any(|(_, note)| {
            matches!(note, MemberlistNote::Suspected { node, .. } if node.as_str() == "n04")
        }));
    }
}

#[test]
fn a_restart_with_the_same_name_is_believed() {
    for seed in 0..10 {
        for down in [Duration::from_millis(10), 2 * SECOND, 15 * SECOND, 2 * MINUTE] {
            let mut simulation = cluster(seed, 4);
            simulation.crash(3);
            simulation.run(down);
            simulation.start(3);
            simulation.run_until("all know all", 25 * SECOND, Simulation::agree);
            simulation.run(MINUTE);
            assert!(simulation.agree(), "seed {seed}, down for {down:?}");
        }
    }
}

#[test]
fn who_left_may_come_back_at_once_and_elsewhere() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 4);
        simulation.handle(3, Input::Leave);
        simulation.run(3 * SECOND);
        simulation.crash(3);
        let elsewhere = "10.0.1.1".parse::<std::net::IpAddr>().unwrap();
        simulation.hosts[3].address = Address::new(elsewhere, 9094);
        simulation.start(3);
        simulation.run_until("all know all", 10 * SECOND, Simulation::agree);
    }
}

#[test]
fn who_crashed_comes_back_elsewhere_once_the_others_have_forgotten_it() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 4);
        simulation.crash(3);
        let elsewhere = "10.0.1.1".parse::<std::net::IpAddr>().unwrap();
        simulation.hosts[3].address = Address::new(elsewhere, 9094);
        simulation.start(3);
        simulation.run(5 * SECOND);
        assert!(simulation.count(|event| matches!(event, MembershipEvent::Conflict { .. })) > 0);
        simulation.run_until("all know all", 2 * MINUTE, Simulation::agree);
    }
}

#[test]
fn a_one_way_partition_between_two_of_four_removes_no_node() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 4);
        simulation.network.lost_permille = 0;
        simulation.network.cut.insert((0, 1));
        simulation.run(5 * MINUTE);
        assert_eq!(leaves(&simulation), 0, "others vouch for both");
    }
}

#[test]
fn a_node_that_receives_but_cannot_send_is_declared_dead_and_returns() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 4);
        for other in 1..4 {
            simulation.network.cut.insert((0, other));
        }
        simulation.run_until("the others give it up", 40 * SECOND, |simulation| {
            (1..4).all(|host| !simulation.members(host).contains(&"n00"))
        });
        assert_eq!(simulation.members(2), ["n01", "n02", "n03"]);
        simulation.network.cut.clear();
        simulation.run_until("all know all", 35 * SECOND, Simulation::agree);
    }
}

#[test]
fn blocked_datagrams_alone_remove_no_node() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 3);
        simulation.network.lost_permille = 0;
        for other in 1..3 {
            simulation.network.datagrams_blocked.extend([(0, other), (other, 0)]);
        }
        simulation.run(3 * MINUTE);
        assert_eq!(leaves(&simulation), 0, "streams vouch for it");
        let notes = &simulation.hosts[1].notes;
        assert!(
            notes.iter().any(|(_, note)| matches!(note, MemberlistNote::DatagramsBlocked { .. }))
        );
    }
}

#[test]
fn a_slow_host_stays_a_member() {
    for seed in 0..10 {
        let mut simulation = cluster(seed, 5);
        simulation.network.lost_permille = 0;
        simulation.hosts[2].receive_delay = Duration::from_millis(400);
        simulation.run(3 * MINUTE);
        assert_eq!(leaves(&simulation), 0);
    }
}

#[test]
fn a_pause_of_seconds_costs_no_membership() {
    for seed in 0..20 {
        let mut simulation = cluster(seed, 5);
        for host in 0..5 {
            simulation.hosts[host].paused_until = simulation.now.plus(3 * SECOND);
            simulation.run(20 * SECOND);
        }
        assert_eq!(leaves(&simulation), 0);
    }
}

#[test]
fn a_node_paused_for_long_suspects_no_node_and_returns() {
    for seed in 0..20 {
        let mut simulation = cluster(seed, 5);
        simulation.hosts[2].paused_until = simulation.now.plus(2 * MINUTE);
        simulation.run(MINUTE);
        assert_eq!(simulation.members(0), ["n00", "n01", "n03", "n04"]);
        simulation.run(MINUTE);
        simulation.run_until("all know all", 30 * SECOND, Simulation::agree);
        let wrongly = simulation.count(
            |event| matches!(event, MembershipEvent::Leave { node, .. } if node.as_str() != "n02"),
        );
        assert_eq!(wrongly, 0, "seed {seed}");
    }
}

#[test]
fn a_host_that_crashes_again_and_again_leaves_no_trace() {
    let mut simulation = cluster(1, 3);
    for _ in 0..50 {
        simulation.crash(2);
        simulation.run(7 * SECOND);
        simulation.start(2);
        simulation.run(3 * SECOND);
    }
    simulation.run_until("all know all", 30 * SECOND, Simulation::agree);
    let machine = simulation.hosts[0].machine.as_ref().unwrap();
    assert_eq!((machine.size(), machine.user_queue_len()), (3, 0));
}

#[test]
fn an_idle_cluster_sends_pings_and_nothing_else() {
    let mut simulation = cluster(1, 3);
    simulation.network.lost_permille = 0;
    simulation.network.duplicated_permille = 0;
    simulation.run(MINUTE);
    let (datagrams, turns) = (simulation.datagrams, simulation.turns);
    simulation.run(MINUTE);
    // A ping and an ack for each of three hosts, and the two push-pulls' worth of slack.
    assert!(
        simulation.datagrams - datagrams <= 3 * 60 * 2 + 6,
        "{}",
        simulation.datagrams - datagrams
    );
    // One turn to ping, one to be pinged, one for the ack; the harness adds one in ten seconds.
    assert!(simulation.turns - turns <= 3 * (60 * 3 + 20), "{}", simulation.turns - turns);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut simulation = Simulation::new(seed, 7);
        simulation.run(10 * SECOND);
        simulation.crash(3);
        simulation.run(30 * SECOND);
        (simulation.trace, simulation.turns)
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}
