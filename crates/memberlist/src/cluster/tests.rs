//! Scenarios of whole clusters in virtual time.

mod world;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::machine::{MemberFilter, NodeMeta};
use crate::message::{Label, UserMessage};
use world::{World, address, settings};

const FIRST: &str = "10.0.0.1:9094";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn heard(key: &str, data: &[u8], via: ReceivedVia) -> (String, Bytes, ReceivedVia) {
    (key.to_owned(), Bytes::copy_from_slice(data), via)
}

#[test]
fn nodes_that_know_one_find_all_and_settle_after_ten_seconds() {
    let mut world = World::new();
    let began = world.now;
    for (name, n) in [("c", 1), ("a", 2), ("b", 3)] {
        world.boot(settings(name, n, &[FIRST]));
    }
    world.run(seconds(1));
    assert!(world.cluster(2).status().settling.is_some());
    world.run(seconds(60));
    for n in 1..=3 {
        assert_eq!(world.members(n), ["a", "b", "c"]);
        let (after, timed_out) = world.settled(n, began).unwrap();
        assert!((seconds(10)..seconds(13)).contains(&after) && !timed_out, "{after:?}");
        assert_eq!(world.cluster(n).status().settling, None);
        assert!(world.changes(n) >= 1);
    }
    assert_eq!([1, 2, 3].map(|n| world.cluster(n).position()), [2, 0, 1]);
    assert_eq!(world.cluster(2).status().expected, 1);
    assert_eq!(world.cluster(1).status().expected, 0);
    assert_eq!(world.cluster(2).counters().peers_joined, 3);
}

#[test]
fn a_small_update_is_gossiped_to_all_within_a_second() {
    let mut world = World::of_three();
    let opened = world.streams_opened.len();
    world.tell(1, "sil", b"small");
    world.run(seconds(1));
    // Nine times, as a part: keys and lengths take seven bytes here.
    let sent = world.cluster(1).counters().sent.update;
    assert_eq!((sent.messages, sent.bytes), (9, 9 * (7 + 5)));
    for n in [2, 3] {
        let update = heard("sil", b"small", ReceivedVia::Datagram);
        assert!(world.heard(n).contains(&update), "{:?}", world.heard(n));
        assert!(world.cluster(n).counters().received.update.messages >= 1);
    }
    assert!(world.heard(1).is_empty());
    assert_eq!(world.streams_opened.len(), opened);
}

#[test]
fn a_large_update_goes_to_each_by_a_stream() {
    let mut world = World::of_three();
    let data = [7; 701];
    world.tell(1, "sil", &data);
    world.run(seconds(1));
    for n in [2, 3] {
        assert_eq!(world.heard(n), [heard("sil", &data, ReceivedVia::Stream)]);
    }
    let oversize = &world.cluster(1).counters().oversize["sil"];
    assert_eq!((oversize.sent, oversize.failed, oversize.dropped), (2, 0, 0));
    assert_eq!(oversize.duration.count(), 2);
}

#[test]
fn large_updates_that_do_not_arrive_are_counted_and_the_next_ones_go_on() {
    let mut world = World::of_three();
    world.separate(1, &[3]);
    for n in 0..3 {
        world.tell(1, "nfl", &[n; 2000]);
        world.run(seconds(1));
    }
    assert_eq!(world.heard(2).len(), 3);
    assert_eq!(world.cluster(1).counters().oversize["nfl"].failed, 3);
    let lost = NodeName::new("c").unwrap();
    let note = ClusterNote::OversizeFailed { key: "nfl".to_owned(), peer: lost };
    assert!(world.notes(1).contains(&note));
}

#[test]
fn thousands_of_small_updates_at_once_reach_all_within_a_second() {
    let mut world = World::of_three();
    let opened = world.streams_opened.len();
    for n in 0..3000_u16 {
        world.tell(1, "nfl", &n.to_be_bytes());
    }
    world.run(seconds(1));
    for n in [2, 3] {
        let told: std::collections::BTreeSet<&[u8]> =
            world.heard(n).iter().flat_map(|(_, data, _)| data.chunks(2)).collect();
        assert_eq!(told.len(), 3000);
    }
    // One that went ahead, and the rest, to each of the two.
    assert_eq!(world.streams_opened.len() - opened, 4);
    // Few of them are left to gossip.
    assert!(world.cluster(1).status().messages_queued < 150);
}

#[test]
fn more_than_may_wait_is_dropped_and_counted() {
    let mut world = World::of_three();
    let half = vec![1; OVERSIZE_WAITING_BYTES_MAX / 2];
    for _ in 0..5 {
        world.tell(1, "nfl", &half);
    }
    // One of them is on its way, and two wait.
    assert_eq!(world.cluster(1).counters().oversize["nfl"].dropped, 2);
    assert!(world.notes(1).contains(&ClusterNote::OversizeDropped { key: "nfl".to_owned() }));
    world.run(seconds(5));
    let told: usize = world.heard(2).iter().map(|(_, data, _)| data.len()).sum();
    assert_eq!(told, half.len() * 3);
}

#[test]
fn a_node_alone_keeps_nothing_for_nobody() {
    let mut world = World::new();
    world.boot(settings("a", 1, &[]));
    world.run(seconds(1));
    for _ in 0..100 {
        world.tell(1, "nfl", b"small");
        world.tell(1, "nfl", &[1; 1000]);
    }
    assert_eq!(world.cluster(1).status().messages_queued, 0);
    world.boot(settings("b", 2, &[FIRST]));
    world.run(seconds(5));
    assert_eq!(world.members(1), ["a", "b"]);
    assert!(world.heard(2).is_empty());
}

#[test]
fn an_update_during_the_first_exchange_is_not_lost() {
    let mut world = World::new();
    world.boot(settings("a", 1, &[]));
    world.run(seconds(1));
    world.boot(settings("b", 2, &[FIRST]));
    // Knock and answer, own state; the other one's answer is not there yet.
    world.run(Duration::from_micros(4500));
    assert_eq!((world.members(1).len(), world.members(2).len()), (2, 1));
    for n in [1, 2] {
        world.tell(n, "nfl", &[n; 10]);
        world.tell(n, "sil", &[n; 1000]);
    }
    world.run(seconds(2));
    for (n, other) in [(1, 2), (2, 1)] {
        assert!(world.heard(n).contains(&heard("nfl", &[other; 10], ReceivedVia::Datagram)));
        assert!(world.heard(n).contains(&heard("sil", &[other; 1000], ReceivedVia::Stream)));
    }
}

#[test]
fn news_are_passed_on_if_they_are_small() {
    let mut world = World::of_three();
    let small = Input::Forward { key: "sil".to_owned(), data: Bytes::from_static(b"news") };
    world.give(2, small);
    world.give(2, Input::Forward { key: "sil".to_owned(), data: vec![0; 701].into() });
    world.run(seconds(1));
    assert!(world.heard(1).contains(&heard("sil", b"news", ReceivedVia::Datagram)));
    assert!(world.heard(1).iter().all(|(_, data, _)| data.len() < 701));
    assert_eq!(world.cluster(2).counters().forwarded["sil"], 1);
}

#[test]
fn one_peer_is_told_past_the_queues() {
    let mut world = World::of_three();
    world.send_to_peer(1, "b", b"psst", SendVia::Datagram);
    world.send_to_peer(1, "b", b"psst again", SendVia::Stream);
    world.send_to_peer(1, "b", &[5; 3000], SendVia::Datagram);
    world.run(Duration::from_millis(10));
    let told = [
        heard("own", b"psst", ReceivedVia::Datagram),
        heard("own", b"psst again", ReceivedVia::Stream),
        heard("own", &[5; 3000], ReceivedVia::Stream),
    ];
    assert_eq!(world.heard(2), told);
    assert!(world.heard(3).is_empty());
    world.send_to_peer(1, "nobody", b"psst", SendVia::Datagram);
    let unknown = ClusterNote::PeerUnknown { peer: NodeName::new("nobody").unwrap() };
    assert!(world.notes(1).contains(&unknown));
}

#[test]
fn the_full_state_goes_both_ways_but_only_under_known_keys() {
    let mut world = World::new();
    world.set_state(1, &[("nfl", b"of a"), ("own", b"secret")]);
    world.set_state(2, &[("sil", b"of b")]);
    world.boot(settings("a", 1, &[]));
    world.boot(settings("b", 2, &[FIRST]));
    world.run(seconds(1));
    assert_eq!(world.heard(1), [heard("sil", b"of b", ReceivedVia::FullState)]);
    assert_eq!(world.heard(2), [heard("nfl", b"of a", ReceivedVia::FullState)]);
    let sent = world.cluster(1).counters().sent.full_state;
    // Two bytes for each of part, key and data, and what is in them.
    assert_eq!((sent.messages, sent.bytes), (1, 2 + 2 + 3 + 2 + 4));
    assert_eq!(world.cluster(2).counters().received.full_state, sent);
}

#[test]
fn an_exchange_ends_if_the_state_does_not_come() {
    let mut world = World::new();
    world.boot(settings("a", 1, &[]));
    world.keep_state_back(1);
    world.boot(settings("b", 2, &[FIRST]));
    world.run(seconds(9));
    assert!(!world.cluster(1).exchanges.is_empty());
    world.run(seconds(2));
    assert!(world.notes(1).contains(&ClusterNote::StateMissing));
    let failed = ClusterNote::JoinFailed { address: address(1), cause: JoinCause::Boot };
    assert!(world.notes(2).contains(&failed));
}

#[test]
fn looking_for_the_dead_costs_no_state() {
    let mut world = World::of_three();
    world.crash(2);
    world.crash(3);
    world.run(seconds(60));
    let wanted = world.states_wanted;
    world.run(seconds(3600));
    assert_eq!(world.states_wanted, wanted);
    assert!(world.cluster(1).counters().reconnections_failed > 600);
}

#[test]
fn too_many_who_want_the_state_at_once_are_turned_away() {
    let mut world = World::new();
    world.boot(settings("a", 1, &[]));
    world.keep_state_back(1);
    for inbound in 1..=EXCHANGES_MAX as u64 + 1 {
        let message = StreamMessage::PushPull(Default::default());
        let mut out = Vec::new();
        let stream = crate::machine::InboundId(inbound);
        let from = address(9);
        let now = world.now;
        world.cluster_mut(1).handle(now, Input::Opened { stream, from, message }, &mut out);
        let closed = out.iter().any(|output| matches!(output, Output::Close { .. }));
        assert_eq!(closed, inbound > EXCHANGES_MAX as u64, "{inbound}");
    }
}

#[test]
fn a_name_without_addresses_holds_up_settling_until_it_has_some() {
    let mut world = World::new();
    let began = world.now;
    world.boot(settings("a", 1, &[]));
    world.boot(settings("b", 2, &["am:9094"]));
    world.run(seconds(30));
    let settling = world.cluster(2).status().settling.unwrap();
    assert_eq!(settling.unresolved, ["am:9094"]);
    assert!(settling.to_string().contains("peer am:9094 does not resolve"));
    world.names.insert("am:9094".to_owned(), vec![address(1), address(2)]);
    world.run(seconds(3));
    assert_eq!(world.members(2), ["a", "b"]);
    world.run(seconds(12));
    let (after, timed_out) = world.settled(2, began).unwrap();
    assert!(after < seconds(45) && !timed_out, "{after:?}");
}

#[test]
fn settling_ends_when_its_time_is_over() {
    let mut world = World::new();
    let began = world.now;
    world.boot(settings("b", 2, &["am:9094"]));
    world.run(seconds(61));
    assert_eq!(world.settled(2, began), Some((seconds(60), true)));
    assert!(world.cluster(2).is_settled());
}

#[test]
fn halves_that_took_each_other_for_dead_meet_again() {
    let mut world = World::of_three();
    world.separate(1, &[2, 3]);
    world.run(seconds(120));
    assert_eq!((world.members(1).len(), world.members(2).len()), (1, 2));
    assert_eq!(world.cluster(1).status().failed_peers, 2);
    world.cut.clear();
    world.run(seconds(30));
    for n in 1..=3 {
        assert_eq!(world.members(n), ["a", "b", "c"]);
        assert_eq!(world.cluster(n).status().failed_peers, 0);
    }
    let sum = |of: fn(&Counters) -> u64| (1..=3).map(|n| of(&world.cluster(n).counters())).sum();
    let met: u64 = sum(|counters| counters.reconnections + counters.refresh_joins);
    let missed: u64 = sum(|counters| counters.reconnections_failed);
    assert!(met >= 1 && missed >= 10, "{met} {missed}");
}

#[test]
fn who_restarts_under_another_name_at_an_address_that_nobody_configured_is_let_be() {
    let mut world = World::of_three();
    world.crash(2);
    world.run(seconds(60));
    assert_eq!(world.members(1), ["a", "c"]);
    // Another cluster is given the address.
    world.boot(settings("stranger", 2, &[]));
    world.run(seconds(60));
    assert_eq!(world.members(1), ["a", "c"]);
    assert_eq!(world.members(2), ["stranger"]);
    let reason = Forgotten::Recycled;
    assert!(world.notes(1).contains(&ClusterNote::PeerForgotten { address: address(2), reason }));
    let expected = Some(NodeName::new("b").unwrap());
    assert!(world.notes(1).contains(&ClusterNote::PingRejected { address: address(2), expected }));
    assert_eq!(world.cluster(1).status().failed_peers, 0);
}

#[test]
fn who_restarts_under_its_name_at_an_address_that_nobody_configured_is_met_again() {
    let mut world = World::of_three();
    world.crash(2);
    world.run(seconds(60));
    // It was told of nobody this time.
    world.boot(settings("b", 2, &[]));
    world.run(seconds(30));
    for n in 1..=3 {
        assert_eq!(world.members(n), ["a", "b", "c"]);
    }
}

#[test]
fn clusters_of_different_ids_do_not_merge() {
    let gated = |name, n, peers: &[&str], id: &str| {
        let mut settings = settings(name, n, peers);
        let cluster = format!("{id};");
        settings.machine.meta = NodeMeta::new(format!("id={cluster}{name}")).unwrap();
        let (scheme, cluster) = (Bytes::from_static(b"id="), Bytes::from(cluster));
        settings.machine.member_filter = Some(MemberFilter { scheme, cluster });
        settings
    };
    let mut world = World::new();
    world.boot(gated("a", 1, &[], "one"));
    world.boot(gated("b", 2, &[FIRST], "one"));
    world.run(seconds(5));
    world.boot(gated("c", 3, &[FIRST], "two"));
    world.set_state(1, &[("sil", b"of one")]);
    world.run(seconds(60));
    assert_eq!(world.members(1), ["a", "b"]);
    assert_eq!(world.members(2), ["a", "b"]);
    assert_eq!(world.members(3), ["c"]);
    assert!(world.heard(3).is_empty());
    assert!(world.notes(1).contains(&ClusterNote::ForeignCluster { address: address(3) }));
    assert!(world.cluster(1).counters().foreign_refused >= 1);
}

#[test]
fn clusters_of_different_labels_do_not_hear_each_other() {
    let mut world = World::of_three();
    world.crash(2);
    let mut other = settings("b", 2, &[FIRST]);
    other.machine.label = Label::new("other").unwrap();
    other.peers.clear();
    world.boot(other);
    world.run(seconds(60));
    assert_eq!(world.members(1), ["a", "c"]);
    assert!(world.cluster(2).counters().dropped.contains_key("label"));
}

#[test]
fn a_leave_is_broadcast_and_seen_as_graceful() {
    let mut world = World::of_three();
    let began = world.now;
    world.give(2, Input::Leave);
    world.run(seconds(10));
    assert!(world.left(2).unwrap().since(began) <= seconds(10));
    assert_eq!(world.members(1), ["a", "c"]);
    let lost = |left| ClusterNote::PeerLost {
        peer: NodeName::new("b").unwrap(),
        address: address(2),
        left,
    };
    assert!(world.notes(1).contains(&lost(true)));
    world.crash(1);
    world.crash(3);
    world.run(seconds(60));
    let opened = world.streams_opened.len();
    world.run(seconds(60));
    assert_eq!(world.streams_opened.len(), opened, "who has left visits nobody");
}

#[test]
fn a_node_alone_leaves_at_once() {
    let mut world = World::new();
    world.boot(settings("a", 1, &[]));
    world.run(seconds(5));
    world.give(1, Input::Leave);
    world.run(Duration::from_millis(1));
    assert!(world.left(1).is_some());
}

#[test]
fn what_a_node_says_about_itself_reaches_the_others() {
    let mut world = World::of_three();
    let changes = world.changes(1);
    world.give(3, Input::SetMeta(NodeMeta::new("config=17").unwrap()));
    world.run(seconds(2));
    let meta = world.cluster(1).members().find(|member| member.name.as_str() == "c").unwrap().meta;
    assert_eq!(meta, "config=17");
    assert_eq!(world.changes(1), changes + 1);
    assert_eq!(world.cluster(1).counters().peers_updated, 1);
}

#[test]
fn a_node_that_restarts_over_and_over_leaves_no_trace() {
    let mut world = World::of_three();
    for round in 0..200 {
        world.boot(settings(&format!("ghost{round}"), 9, &[FIRST]));
        world.run(seconds(2));
        world.crash(9);
        world.run(seconds(10));
    }
    world.run(seconds(200));
    assert_eq!(world.members(1), ["a", "b", "c"]);
    let status = world.cluster(1).status();
    assert!(status.failed_peers <= 1, "{}", status.failed_peers);
    assert!(world.cluster(1).counters().peers.len() <= 4);
}

#[test]
fn what_is_no_protobuf_is_noted() {
    let mut world = World::of_three();
    let body = Bytes::from_static(b"\xff\xff");
    let message = StreamMessage::User(UserMessage { body });
    let from = address(2);
    let mut out = Vec::new();
    let (now, stream) = (world.now, crate::machine::InboundId(u64::MAX));
    world.cluster_mut(1).handle(now, Input::Opened { stream, from, message }, &mut out);
    let noted = out.iter().any(|output| {
        matches!(output, Output::Note(ClusterNote::Undecodable { from: noted }) if *noted == from)
    });
    assert!(noted, "{out:?}");
    assert!(!out.iter().any(|output| matches!(output, Output::Received { .. })));
}

#[test]
fn equal_inputs_give_equal_outputs() {
    let run = || {
        let mut world = World::of_three();
        world.tell(1, "sil", b"small");
        world.crash(3);
        world.run(seconds(60));
        (format!("{:?}", world.notes(1)), world.streams_opened)
    };
    assert_eq!(run(), run());
}
