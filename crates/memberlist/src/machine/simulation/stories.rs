//! What must happen to a cluster, and what must not.

use std::time::Duration;

use bytes::Bytes;

use super::world::World;
use crate::machine::{DatagramOrStream, Input, MemberlistNote, MembershipEvent};
use crate::message::{Address, Dead, Message, NodeName, NodeStatus, Suspect};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Hosts that have found together and calmed down.
fn cluster(seed: u64, hosts: usize) -> World {
    let mut world = World::new(seed, hosts);
    world.run_until("all know all", 3 * MINUTE, World::agree);
    world.run(5 * SECOND);
    world
}

fn leaves(world: &World) -> usize {
    world.count(|event| matches!(event, MembershipEvent::Leave { .. }))
}

fn status(world: &World, at: usize, of: usize) -> Option<NodeStatus> {
    let name = &world.hosts[of].name;
    Some(world.hosts[at].machine.as_ref()?.node(name)?.status)
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// Mostly within seconds. If gossip loses the same node several times over, and nobody joins
/// again, a push-pull mends it.
#[test]
fn three_ten_and_fifty_hosts_find_together() {
    for (seeds, hosts) in [(30, 3), (20, 10), (5, 50)] {
        let mut quick = 0;
        for seed in 0..seeds {
            let mut world = World::new(seed, hosts);
            let took = world.run_until("all know all", 3 * MINUTE, World::agree);
            quick += u32::from(took < 2 * SECOND);
            world.run(10 * SECOND);
            assert!(world.agree() && leaves(&world) == 0, "a calm cluster stays whole");
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
        let mut world = cluster(seed, 10);
        world.network.lost_permille = 0;
        world.handle(0, Input::Broadcast(Bytes::from_static(b"news")));
        world.run(2 * SECOND);
        let heard = world.hosts.iter().filter(|host| {
            host.events.iter().any(|(_, event)| {
                matches!(event, MembershipEvent::UserMessage { via: DatagramOrStream::Datagram, body, .. } if body == "news")
            })
        });
        // Six transmissions, to six of nine at the most: those who hear news tell them on, and
        // that is the layer above.
        assert!(heard.count() >= 3, "seed {seed}");
    }
}

#[test]
fn a_false_accusation_is_refuted_before_anybody_believes_it() {
    for seed in 0..30 {
        let mut world = cluster(seed, 5);
        let (node, from) = (world.hosts[1].name.clone(), name("liar"));
        world.forge(0, &Message::Suspect(Suspect { incarnation: 7, node, from }));
        assert_eq!(status(&world, 0, 1), Some(NodeStatus::Suspect));
        world.run_until("the suspect refutes", 4 * SECOND, |world| {
            (0..5).all(|host| status(world, host, 1) == Some(NodeStatus::Alive))
                && world.hosts[1].notes.iter().any(|(_, note)| {
                    matches!(note, MemberlistNote::Refuted { incarnation: 8.., .. })
                })
        });
        assert_eq!(leaves(&world), 0);
    }
}

#[test]
fn who_is_declared_dead_by_a_liar_comes_back() {
    for seed in 0..20 {
        let mut world = cluster(seed, 5);
        let (node, from) = (world.hosts[1].name.clone(), name("liar"));
        world.forge(0, &Message::Dead(Dead { incarnation: 1, node, from }));
        assert_eq!(status(&world, 0, 1), Some(NodeStatus::Dead));
        world.run_until("the dead one refutes", 12 * SECOND, World::agree);
    }
}

#[test]
fn a_crash_is_noticed_by_all_within_its_bound() {
    for (hosts, limit) in [(2, 8), (3, 9), (5, 20), (10, 30)] {
        for seed in 0..10 {
            let mut world = cluster(seed, hosts);
            world.crash(hosts - 1);
            world.run_until("the dead one is gone", limit * SECOND, World::agree);
            assert_eq!(leaves(&world), hosts - 1, "each notices one death");
        }
    }
}

#[test]
fn two_halves_find_together_again_after_minutes_apart() {
    for seed in 0..10 {
        let mut world = cluster(seed, 5);
        world.partition(&[0, 1], &[2, 3, 4]);
        world.run(3 * MINUTE);
        assert_eq!(world.members(0), ["n00", "n01"]);
        assert_eq!(world.members(4), ["n02", "n03", "n04"]);
        world.network.cut.clear();
        world.run_until("all know all", 35 * SECOND, World::agree);
        let before = leaves(&world);
        world.run(MINUTE);
        assert!(world.agree() && leaves(&world) == before, "and stay together");
    }
}

#[test]
fn a_short_cut_heals_without_anybody_joining() {
    for seed in 0..10 {
        let mut world = cluster(seed, 4);
        for host in &mut world.hosts {
            host.contacts.clear();
        }
        world.partition(&[0, 1], &[2, 3]);
        world.run(3 * SECOND);
        world.network.cut.clear();
        world.run_until("all know all", 30 * SECOND, World::agree);
    }
}

#[test]
fn a_leave_reaches_all_and_raises_no_suspicion() {
    for seed in 0..20 {
        let mut world = cluster(seed, 5);
        world.network.lost_permille = 0;
        world.handle(4, Input::Leave);
        let done = |world: &World| {
            world.hosts[4].events.iter().any(|(_, event)| *event == MembershipEvent::LeaveDone)
        };
        world.run_until("the leave is broadcast", 3 * SECOND, done);
        world.crash(4);
        world.run_until("it is heard", 3 * SECOND, |world| {
            (0..4).all(|host| status(world, host, 4) == Some(NodeStatus::Left))
        });
        let graceful =
            world.count(|event| matches!(event, MembershipEvent::Leave { graceful: true, .. }));
        assert_eq!((graceful, leaves(&world)), (5, 5), "itself included");
        let suspected = world.hosts.iter().flat_map(|host| &host.notes);
        assert!(!suspected.into_iter().any(|(_, note)| {
            matches!(note, MemberlistNote::Suspected { node, .. } if node.as_str() == "n04")
        }));
    }
}

#[test]
fn a_restart_with_the_same_name_is_believed() {
    for seed in 0..10 {
        for down in [Duration::from_millis(10), 2 * SECOND, 15 * SECOND, 2 * MINUTE] {
            let mut world = cluster(seed, 4);
            world.crash(3);
            world.run(down);
            world.start(3);
            world.run_until("all know all", 25 * SECOND, World::agree);
            world.run(MINUTE);
            assert!(world.agree(), "seed {seed}, down for {down:?}");
        }
    }
}

#[test]
fn who_left_may_come_back_at_once_and_elsewhere() {
    for seed in 0..10 {
        let mut world = cluster(seed, 4);
        world.handle(3, Input::Leave);
        world.run(3 * SECOND);
        world.crash(3);
        let elsewhere = "10.0.1.1".parse::<std::net::IpAddr>().unwrap();
        world.hosts[3].address = Address::new(elsewhere, 9094);
        world.start(3);
        world.run_until("all know all", 10 * SECOND, World::agree);
    }
}

#[test]
fn who_crashed_comes_back_elsewhere_once_the_others_have_forgotten_it() {
    for seed in 0..10 {
        let mut world = cluster(seed, 4);
        world.crash(3);
        let elsewhere = "10.0.1.1".parse::<std::net::IpAddr>().unwrap();
        world.hosts[3].address = Address::new(elsewhere, 9094);
        world.start(3);
        world.run(5 * SECOND);
        assert!(world.count(|event| matches!(event, MembershipEvent::Conflict { .. })) > 0);
        world.run_until("all know all", 2 * MINUTE, World::agree);
    }
}

#[test]
fn a_one_way_cut_between_two_of_four_harms_nobody() {
    for seed in 0..10 {
        let mut world = cluster(seed, 4);
        world.network.lost_permille = 0;
        world.network.cut.insert((0, 1));
        world.run(5 * MINUTE);
        assert_eq!(leaves(&world), 0, "others vouch for both");
    }
}

#[test]
fn who_hears_but_is_not_heard_is_taken_for_dead_and_comes_back() {
    for seed in 0..10 {
        let mut world = cluster(seed, 4);
        for other in 1..4 {
            world.network.cut.insert((0, other));
        }
        world.run_until("the others give it up", 40 * SECOND, |world| {
            (1..4).all(|host| !world.members(host).contains(&"n00"))
        });
        assert_eq!(world.members(2), ["n01", "n02", "n03"]);
        world.network.cut.clear();
        world.run_until("all know all", 35 * SECOND, World::agree);
    }
}

#[test]
fn blocked_datagrams_alone_kill_nobody() {
    for seed in 0..10 {
        let mut world = cluster(seed, 3);
        world.network.lost_permille = 0;
        for other in 1..3 {
            world.network.datagrams_blocked.extend([(0, other), (other, 0)]);
        }
        world.run(3 * MINUTE);
        assert_eq!(leaves(&world), 0, "streams vouch for it");
        let notes = &world.hosts[1].notes;
        assert!(
            notes.iter().any(|(_, note)| matches!(note, MemberlistNote::DatagramsBlocked { .. }))
        );
    }
}

#[test]
fn a_slow_host_stays_a_member() {
    for seed in 0..10 {
        let mut world = cluster(seed, 5);
        world.network.lost_permille = 0;
        world.hosts[2].sluggish = Duration::from_millis(400);
        world.run(3 * MINUTE);
        assert_eq!(leaves(&world), 0);
    }
}

#[test]
fn a_pause_of_seconds_costs_no_membership() {
    for seed in 0..20 {
        let mut world = cluster(seed, 5);
        for host in 0..5 {
            world.hosts[host].paused_until = world.now.plus(3 * SECOND);
            world.run(20 * SECOND);
        }
        assert_eq!(leaves(&world), 0);
    }
}

#[test]
fn who_slept_for_long_accuses_nobody_and_comes_back() {
    for seed in 0..20 {
        let mut world = cluster(seed, 5);
        world.hosts[2].paused_until = world.now.plus(2 * MINUTE);
        world.run(MINUTE);
        assert_eq!(world.members(0), ["n00", "n01", "n03", "n04"]);
        world.run(MINUTE);
        world.run_until("all know all", 30 * SECOND, World::agree);
        let wrongly = world.count(
            |event| matches!(event, MembershipEvent::Leave { node, .. } if node.as_str() != "n02"),
        );
        assert_eq!(wrongly, 0, "seed {seed}");
    }
}

#[test]
fn a_host_that_crashes_again_and_again_leaves_no_trace() {
    let mut world = cluster(1, 3);
    for _ in 0..50 {
        world.crash(2);
        world.run(7 * SECOND);
        world.start(2);
        world.run(3 * SECOND);
    }
    world.run_until("all know all", 30 * SECOND, World::agree);
    let machine = world.hosts[0].machine.as_ref().unwrap();
    assert_eq!((machine.size(), machine.user_queue_len()), (3, 0));
}

#[test]
fn an_idle_cluster_sends_pings_and_nothing_else() {
    let mut world = cluster(1, 3);
    world.network.lost_permille = 0;
    world.network.doubled_permille = 0;
    world.run(MINUTE);
    let (datagrams, turns) = (world.datagrams, world.turns);
    world.run(MINUTE);
    // A ping and an ack for each of three hosts, and the two push-pulls' worth of slack.
    assert!(world.datagrams - datagrams <= 3 * 60 * 2 + 6, "{}", world.datagrams - datagrams);
    // One turn to ping, one to be pinged, one for the ack; the harness adds one in ten seconds.
    assert!(world.turns - turns <= 3 * (60 * 3 + 20), "{}", world.turns - turns);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = |seed| {
        let mut world = World::new(seed, 7);
        world.run(10 * SECOND);
        world.crash(3);
        world.run(30 * SECOND);
        (world.trace, world.turns)
    };
    assert_eq!(story(5), story(5));
    assert_ne!(story(5), story(6));
}
