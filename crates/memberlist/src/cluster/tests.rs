//! Scenarios of whole clusters in virtual time.

mod harness;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::machine::{MemberFilter, NodeMeta};
use crate::message::{Label, UserMessage};
use harness::{TestCluster, address, settings};

const FIRST: &str = "10.0.0.1:9094";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn update(key: &str, data: &[u8], via: ReceivedVia) -> (String, Bytes, ReceivedVia) {
    (key.to_owned(), Bytes::copy_from_slice(data), via)
}

#[test]
fn nodes_that_know_one_find_all_and_settle_after_ten_seconds() {
    let mut cluster = TestCluster::new();
    let began = cluster.now;
    for (name, n) in [("c", 1), ("a", 2), ("b", 3)] {
        cluster.boot(settings(name, n, &[FIRST]));
    }
    cluster.run(seconds(1));
    assert!(cluster.cluster(2).status().settling.is_some());
    cluster.run(seconds(60));
    for n in 1..=3 {
        assert_eq!(cluster.members(n), ["a", "b", "c"]);
        let (after, timed_out) = cluster.settled(n, began).unwrap();
        assert!((seconds(10)..seconds(13)).contains(&after) && !timed_out, "{after:?}");
        assert_eq!(cluster.cluster(n).status().settling, None);
        assert!(cluster.changes(n) >= 1);
    }
    assert_eq!([1, 2, 3].map(|n| cluster.cluster(n).position()), [2, 0, 1]);
    assert_eq!(cluster.cluster(2).status().expected, 1);
    assert_eq!(cluster.cluster(1).status().expected, 0);
    assert_eq!(cluster.cluster(2).counters().peers_joined, 3);
}

#[test]
fn a_small_update_is_gossiped_to_all_within_a_second() {
    let mut cluster = TestCluster::of_three();
    let opened = cluster.streams_opened.len();
    cluster.broadcast(1, "sil", b"small");
    cluster.run(seconds(1));
    // Nine times, as a part: keys and lengths take seven bytes here.
    let sent = cluster.cluster(1).counters().sent.update;
    assert_eq!((sent.messages, sent.bytes), (9, 9 * (7 + 5)));
    for n in [2, 3] {
        let update = update("sil", b"small", ReceivedVia::Datagram);
        assert!(cluster.received(n).contains(&update), "{:?}", cluster.received(n));
        assert!(cluster.cluster(n).counters().received.update.messages >= 1);
    }
    assert!(cluster.received(1).is_empty());
    assert_eq!(cluster.streams_opened.len(), opened);
}

#[test]
fn a_large_update_goes_to_each_by_a_stream() {
    let mut cluster = TestCluster::of_three();
    let data = [7; 701];
    cluster.broadcast(1, "sil", &data);
    cluster.run(seconds(1));
    for n in [2, 3] {
        assert_eq!(cluster.received(n), [update("sil", &data, ReceivedVia::Stream)]);
    }
    let oversize = &cluster.cluster(1).counters().oversize["sil"];
    assert_eq!((oversize.sent, oversize.failed, oversize.dropped), (2, 0, 0));
    assert_eq!(oversize.duration.count(), 2);
}

#[test]
fn large_updates_that_do_not_arrive_are_counted_and_the_next_ones_go_on() {
    let mut cluster = TestCluster::of_three();
    cluster.separate(1, &[3]);
    for n in 0..3 {
        cluster.broadcast(1, "nfl", &[n; 2000]);
        cluster.run(seconds(1));
    }
    assert_eq!(cluster.received(2).len(), 3);
    assert_eq!(cluster.cluster(1).counters().oversize["nfl"].failed, 3);
    let lost = NodeName::new("c").unwrap();
    let note = ClusterNote::OversizeFailed { key: "nfl".to_owned(), peer: lost };
    assert!(cluster.notes(1).contains(&note));
}

#[test]
fn thousands_of_small_updates_at_once_reach_all_within_a_second() {
    let mut cluster = TestCluster::of_three();
    let opened = cluster.streams_opened.len();
    for n in 0..3000_u16 {
        cluster.broadcast(1, "nfl", &n.to_be_bytes());
    }
    cluster.run(seconds(1));
    for n in [2, 3] {
        let received: std::collections::BTreeSet<&[u8]> =
            cluster.received(n).iter().flat_map(|(_, data, _)| data.chunks(2)).collect();
        assert_eq!(received.len(), 3000);
    }
    // One that went ahead, and the rest, to each of the two.
    assert_eq!(cluster.streams_opened.len() - opened, 4);
    // Few of them are left to gossip.
    assert!(cluster.cluster(1).status().messages_queued < 150);
}

#[test]
fn more_than_may_wait_is_dropped_and_counted() {
    let mut cluster = TestCluster::of_three();
    let half = vec![1; OVERSIZE_WAITING_BYTES_MAX / 2];
    for _ in 0..5 {
        cluster.broadcast(1, "nfl", &half);
    }
    // One of them is on its way, and two wait.
    assert_eq!(cluster.cluster(1).counters().oversize["nfl"].dropped, 2);
    assert!(cluster.notes(1).contains(&ClusterNote::OversizeDropped { key: "nfl".to_owned() }));
    cluster.run(seconds(5));
    let received: usize = cluster.received(2).iter().map(|(_, data, _)| data.len()).sum();
    assert_eq!(received, half.len() * 3);
}

#[test]
fn a_node_alone_queues_no_broadcasts() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.run(seconds(1));
    for _ in 0..100 {
        cluster.broadcast(1, "nfl", b"small");
        cluster.broadcast(1, "nfl", &[1; 1000]);
    }
    assert_eq!(cluster.cluster(1).status().messages_queued, 0);
    cluster.boot(settings("b", 2, &[FIRST]));
    cluster.run(seconds(5));
    assert_eq!(cluster.members(1), ["a", "b"]);
    assert!(cluster.received(2).is_empty());
}

#[test]
fn an_update_during_the_first_exchange_is_not_lost() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.run(seconds(1));
    cluster.boot(settings("b", 2, &[FIRST]));
    // Knock and answer, own state; the other one's answer is not there yet.
    cluster.run(Duration::from_micros(4500));
    assert_eq!((cluster.members(1).len(), cluster.members(2).len()), (2, 1));
    for n in [1, 2] {
        cluster.broadcast(n, "nfl", &[n; 10]);
        cluster.broadcast(n, "sil", &[n; 1000]);
    }
    cluster.run(seconds(2));
    for (n, other) in [(1, 2), (2, 1)] {
        assert!(cluster.received(n).contains(&update("nfl", &[other; 10], ReceivedVia::Datagram)));
        assert!(cluster.received(n).contains(&update("sil", &[other; 1000], ReceivedVia::Stream)));
    }
}

#[test]
fn news_are_passed_on_if_they_are_small() {
    let mut cluster = TestCluster::of_three();
    let small = Input::Forward { key: "sil".to_owned(), data: Bytes::from_static(b"news") };
    cluster.give(2, small);
    cluster.give(2, Input::Forward { key: "sil".to_owned(), data: vec![0; 701].into() });
    cluster.run(seconds(1));
    assert!(cluster.received(1).contains(&update("sil", b"news", ReceivedVia::Datagram)));
    assert!(cluster.received(1).iter().all(|(_, data, _)| data.len() < 701));
    assert_eq!(cluster.cluster(2).counters().forwarded["sil"], 1);
}

#[test]
fn a_message_to_one_peer_bypasses_the_queues() {
    let mut cluster = TestCluster::of_three();
    cluster.send_to_peer(1, "b", b"psst", SendVia::Datagram);
    cluster.send_to_peer(1, "b", b"psst again", SendVia::Stream);
    cluster.send_to_peer(1, "b", &[5; 3000], SendVia::Datagram);
    cluster.run(Duration::from_millis(10));
    let received = [
        update("own", b"psst", ReceivedVia::Datagram),
        update("own", b"psst again", ReceivedVia::Stream),
        update("own", &[5; 3000], ReceivedVia::Stream),
    ];
    assert_eq!(cluster.received(2), received);
    assert!(cluster.received(3).is_empty());
    cluster.send_to_peer(1, "unknown", b"psst", SendVia::Datagram);
    let unknown = ClusterNote::PeerUnknown { peer: NodeName::new("unknown").unwrap() };
    assert!(cluster.notes(1).contains(&unknown));
}

#[test]
fn the_full_state_goes_both_ways_but_only_under_known_keys() {
    let mut cluster = TestCluster::new();
    cluster.set_state(1, &[("nfl", b"of a"), ("own", b"secret")]);
    cluster.set_state(2, &[("sil", b"of b")]);
    cluster.boot(settings("a", 1, &[]));
    cluster.boot(settings("b", 2, &[FIRST]));
    cluster.run(seconds(1));
    assert_eq!(cluster.received(1), [update("sil", b"of b", ReceivedVia::FullState)]);
    assert_eq!(cluster.received(2), [update("nfl", b"of a", ReceivedVia::FullState)]);
    let sent = cluster.cluster(1).counters().sent.full_state;
    // Two bytes for each of part, key and data, and what is in them.
    assert_eq!((sent.messages, sent.bytes), (1, 2 + 2 + 3 + 2 + 4));
    assert_eq!(cluster.cluster(2).counters().received.full_state, sent);
}

#[test]
fn an_exchange_ends_if_the_state_does_not_come() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.keep_state_back(1);
    cluster.boot(settings("b", 2, &[FIRST]));
    cluster.run(seconds(9));
    assert!(!cluster.cluster(1).exchanges.is_empty());
    cluster.run(seconds(2));
    assert!(cluster.notes(1).contains(&ClusterNote::StateMissing));
    let failed = ClusterNote::JoinFailed {
        peer: Some(FIRST.to_owned()),
        address: address(1),
        cause: JoinCause::Boot,
        failure: JoinFailure::NotMerged,
        error: None,
        news: true,
    };
    assert!(cluster.notes(2).contains(&failed));
}

#[test]
fn a_peer_that_cannot_be_joined_is_said_once_and_that_the_cluster_is_complete() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &["10.0.0.2:9094"]));
    cluster.run(seconds(300));
    let is_news = |note: &&ClusterNote| matches!(note, ClusterNote::JoinFailed { news: true, .. });
    let said: Vec<ClusterNote> = cluster.notes(1).iter().filter(is_news).cloned().collect();
    let [ClusterNote::JoinFailed { peer, failure, .. }] = &said[..] else { panic!("{said:?}") };
    assert_eq!((peer.as_deref(), *failure), (Some("10.0.0.2:9094"), JoinFailure::Unreachable));
    let status = cluster.cluster(1).status();
    let missing: Vec<String> = status.missing.iter().map(Missing::to_string).collect();
    assert_eq!(missing, ["10.0.0.2:9094 (no connection)"]);
    let incomplete = ClusterNote::Incomplete { members: 1, missing: status.missing };
    assert!(cluster.notes(1).contains(&incomplete));
    assert!(cluster.cluster(1).counters().joins_failed[&JoinFailure::Unreachable] > 10);

    cluster.boot(settings("b", 2, &[]));
    cluster.run(seconds(30));
    assert!(cluster.notes(1).contains(&ClusterNote::Complete { members: 2 }));
    assert!(cluster.cluster(1).status().missing.is_empty());

    // It fails and comes back.
    cluster.crash(2);
    cluster.run(seconds(60));
    assert_eq!(cluster.cluster(1).status().missing.len(), 1);
    cluster.boot(settings("b", 2, &[]));
    cluster.run(seconds(30));
    let is_back =
        |note: &ClusterNote| matches!(note, ClusterNote::PeerJoined { away: Some(_), .. });
    assert!(cluster.notes(1).iter().any(is_back));
    let complete = |note: &&ClusterNote| matches!(note, ClusterNote::Complete { .. });
    assert_eq!(cluster.notes(1).iter().filter(complete).count(), 2);
}

#[test]
fn what_the_host_of_a_peer_sends_is_reported_once_and_what_a_stranger_sends_is_counted() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &["10.0.0.2:9094"]));
    for from in [2, 2, 3] {
        let from = Address { port: 4711, ..address(from) };
        cluster.give(1, Input::HandshakeFailed { from, error: "alert".to_owned() });
    }
    let is_it = |note: &&ClusterNote| matches!(note, ClusterNote::RefusedFromPeer { .. });
    let said: Vec<_> = cluster.notes(1).iter().filter(is_it).cloned().collect();
    let from = Address { port: 4711, ..address(2) };
    let error = "alert".to_owned();
    assert_eq!(said, [ClusterNote::RefusedFromPeer { from, why: Refused::Handshake, error }]);
    assert_eq!(cluster.cluster(1).counters().handshakes_failed, 3);
}

#[test]
fn looking_for_the_dead_costs_no_state() {
    let mut cluster = TestCluster::of_three();
    cluster.crash(2);
    cluster.crash(3);
    cluster.run(seconds(60));
    let wanted = cluster.states_wanted;
    cluster.run(seconds(3600));
    assert_eq!(cluster.states_wanted, wanted);
    assert!(cluster.cluster(1).counters().reconnections_failed > 600);
}

#[test]
fn too_many_who_want_the_state_at_once_are_turned_away() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.keep_state_back(1);
    for inbound in 1..=EXCHANGES_MAX as u64 + 1 {
        let message = StreamMessage::PushPull(Default::default());
        let mut out = Vec::new();
        let stream = crate::machine::InboundId(inbound);
        let from = address(9);
        let now = cluster.now;
        cluster.cluster_mut(1).handle(now, Input::Opened { stream, from, message }, &mut out);
        let closed = out.iter().any(|output| matches!(output, Output::Close { .. }));
        assert_eq!(closed, inbound > EXCHANGES_MAX as u64, "{inbound}");
    }
}

#[test]
fn a_name_without_addresses_holds_up_settling_until_it_has_some() {
    let mut cluster = TestCluster::new();
    let began = cluster.now;
    cluster.boot(settings("a", 1, &[]));
    cluster.boot(settings("b", 2, &["am:9094"]));
    cluster.run(seconds(30));
    let settling = cluster.cluster(2).status().settling.unwrap();
    assert_eq!(settling.unresolved, ["am:9094"]);
    assert!(settling.to_string().contains("peer am:9094 does not resolve"));
    cluster.names.insert("am:9094".to_owned(), vec![address(1), address(2)]);
    cluster.run(seconds(3));
    assert_eq!(cluster.members(2), ["a", "b"]);
    cluster.run(seconds(12));
    let (after, timed_out) = cluster.settled(2, began).unwrap();
    assert!(after < seconds(45) && !timed_out, "{after:?}");
}

#[test]
fn settling_ends_when_its_time_is_over() {
    let mut cluster = TestCluster::new();
    let began = cluster.now;
    cluster.boot(settings("b", 2, &["am:9094"]));
    cluster.run(seconds(61));
    assert_eq!(cluster.settled(2, began), Some((seconds(60), true)));
    assert!(cluster.cluster(2).is_settled());
}

#[test]
fn halves_that_took_each_other_for_dead_meet_again() {
    let mut cluster = TestCluster::of_three();
    cluster.separate(1, &[2, 3]);
    cluster.run(seconds(120));
    assert_eq!((cluster.members(1).len(), cluster.members(2).len()), (1, 2));
    assert_eq!(cluster.cluster(1).status().failed_peers, 2);
    cluster.cut.clear();
    cluster.run(seconds(30));
    for n in 1..=3 {
        assert_eq!(cluster.members(n), ["a", "b", "c"]);
        assert_eq!(cluster.cluster(n).status().failed_peers, 0);
    }
    let sum = |of: fn(&Counters) -> u64| (1..=3).map(|n| of(&cluster.cluster(n).counters())).sum();
    let met: u64 = sum(|counters| counters.reconnections + counters.refresh_joins);
    let missed: u64 = sum(|counters| counters.reconnections_failed);
    assert!(met >= 1 && missed >= 10, "{met} {missed}");
}

#[test]
fn a_peer_restarted_under_another_name_at_an_unconfigured_address_is_not_reconnected() {
    let mut cluster = TestCluster::of_three();
    cluster.crash(2);
    cluster.run(seconds(60));
    assert_eq!(cluster.members(1), ["a", "c"]);
    // Another cluster is given the address.
    cluster.boot(settings("stranger", 2, &[]));
    cluster.run(seconds(60));
    assert_eq!(cluster.members(1), ["a", "c"]);
    assert_eq!(cluster.members(2), ["stranger"]);
    let reason = Forgotten::Recycled;
    assert!(cluster.notes(1).contains(&ClusterNote::PeerForgotten { address: address(2), reason }));
    let expected = Some(NodeName::new("b").unwrap());
    assert!(
        cluster.notes(1).contains(&ClusterNote::PingRejected { address: address(2), expected })
    );
    assert_eq!(cluster.cluster(1).status().failed_peers, 0);
}

#[test]
fn a_peer_restarted_under_its_name_at_an_unconfigured_address_is_reconnected() {
    let mut cluster = TestCluster::of_three();
    cluster.crash(2);
    cluster.run(seconds(60));
    // No node reported it this time.
    cluster.boot(settings("b", 2, &[]));
    cluster.run(seconds(30));
    for n in 1..=3 {
        assert_eq!(cluster.members(n), ["a", "b", "c"]);
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
    let mut cluster = TestCluster::new();
    cluster.boot(gated("a", 1, &[], "one"));
    cluster.boot(gated("b", 2, &[FIRST], "one"));
    cluster.run(seconds(5));
    cluster.boot(gated("c", 3, &[FIRST], "two"));
    cluster.set_state(1, &[("sil", b"of one")]);
    cluster.run(seconds(60));
    assert_eq!(cluster.members(1), ["a", "b"]);
    assert_eq!(cluster.members(2), ["a", "b"]);
    assert_eq!(cluster.members(3), ["c"]);
    assert!(cluster.received(3).is_empty());
    assert!(
        cluster.notes(1).contains(&ClusterNote::ForeignCluster { address: address(3), news: true })
    );
    assert!(cluster.cluster(1).counters().foreign_refused >= 1);
}

#[test]
fn clusters_with_different_labels_do_not_exchange_messages() {
    let mut cluster = TestCluster::of_three();
    cluster.crash(2);
    let mut other = settings("b", 2, &[FIRST]);
    other.machine.label = Label::new("other").unwrap();
    other.peers.clear();
    cluster.boot(other);
    cluster.run(seconds(60));
    assert_eq!(cluster.members(1), ["a", "c"]);
    assert!(cluster.cluster(2).counters().dropped.contains_key("label"));
}

#[test]
fn a_leave_is_broadcast_and_seen_as_graceful() {
    let mut cluster = TestCluster::of_three();
    let began = cluster.now;
    cluster.give(2, Input::Leave);
    cluster.run(seconds(10));
    assert!(cluster.left(2).unwrap().since(began) <= seconds(10));
    assert_eq!(cluster.members(1), ["a", "c"]);
    let lost = |left| ClusterNote::PeerLost {
        peer: NodeName::new("b").unwrap(),
        address: address(2),
        left,
    };
    assert!(cluster.notes(1).contains(&lost(true)));
    cluster.crash(1);
    cluster.crash(3);
    cluster.run(seconds(60));
    let opened = cluster.streams_opened.len();
    cluster.run(seconds(60));
    assert_eq!(cluster.streams_opened.len(), opened, "a node that has left opens no streams");
}

#[test]
fn a_node_alone_leaves_at_once() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.run(seconds(5));
    cluster.give(1, Input::Leave);
    cluster.run(Duration::from_millis(1));
    assert!(cluster.left(1).is_some());
}

#[test]
fn what_a_node_says_about_itself_reaches_the_others() {
    let mut cluster = TestCluster::of_three();
    let changes = cluster.changes(1);
    cluster.give(3, Input::SetMeta(NodeMeta::new("config=17").unwrap()));
    cluster.run(seconds(2));
    let meta =
        cluster.cluster(1).members().find(|member| member.name.as_str() == "c").unwrap().meta;
    assert_eq!(meta, "config=17");
    assert_eq!(cluster.changes(1), changes + 1);
    assert_eq!(cluster.cluster(1).counters().peers_updated, 1);
}

#[test]
fn a_node_that_restarts_over_and_over_leaves_no_trace() {
    let mut cluster = TestCluster::of_three();
    for round in 0..200 {
        cluster.boot(settings(&format!("ghost{round}"), 9, &[FIRST]));
        cluster.run(seconds(2));
        cluster.crash(9);
        cluster.run(seconds(10));
    }
    cluster.run(seconds(200));
    assert_eq!(cluster.members(1), ["a", "b", "c"]);
    let status = cluster.cluster(1).status();
    assert!(status.failed_peers <= 1, "{}", status.failed_peers);
    assert!(cluster.cluster(1).counters().peers.len() <= 4);
}

#[test]
fn what_is_no_protobuf_is_noted() {
    let mut cluster = TestCluster::of_three();
    let body = Bytes::from_static(b"\xff\xff");
    let message = StreamMessage::User(UserMessage { body });
    let from = address(2);
    let mut out = Vec::new();
    let (now, stream) = (cluster.now, crate::machine::InboundId(u64::MAX));
    cluster.cluster_mut(1).handle(now, Input::Opened { stream, from, message }, &mut out);
    let noted = out.iter().any(|output| {
        matches!(output, Output::Note(ClusterNote::Undecodable { from: noted }) if *noted == from)
    });
    assert!(noted, "{out:?}");
    assert!(!out.iter().any(|output| matches!(output, Output::Received { .. })));
}

#[test]
fn equal_inputs_give_equal_outputs() {
    let run = || {
        let mut cluster = TestCluster::of_three();
        cluster.broadcast(1, "sil", b"small");
        cluster.crash(3);
        cluster.run(seconds(60));
        (format!("{:?}", cluster.notes(1)), cluster.streams_opened)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_peer_that_does_not_answer_is_suspected_then_lost_then_forgotten() {
    let mut cluster = TestCluster::of_three();
    let suspects = |cluster: &TestCluster| -> Vec<String> {
        let members = cluster.cluster(1).members().filter(|member| member.suspect);
        members.map(|member| member.name.to_string()).collect()
    };
    assert!(suspects(&cluster).is_empty());
    let b = NodeName::new("b").unwrap();
    let counts = |cluster: &TestCluster| cluster.cluster(1).counters();
    assert!(counts(&cluster).peers[&b].alive_messages > 0);
    cluster.crash(2);
    let mut suspected = false;
    for _ in 0..60 {
        cluster.run(seconds(1));
        suspected |= suspects(&cluster) == ["b"];
    }
    assert!(suspected);
    assert_eq!(cluster.members(1), ["a", "c"]);
    assert_eq!(counts(&cluster).peers_left, 1);
    cluster.run(seconds(600));
    assert!(!counts(&cluster).peers.contains_key(&b), "nothing is left of it");
}

#[test]
fn a_node_is_not_settled_before_it_says_so() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &[]));
    cluster.run(seconds(1));
    assert!(!cluster.cluster(1).is_settled());
    cluster.run(seconds(60));
    assert!(cluster.cluster(1).is_settled());
}

#[test]
fn two_nodes_of_one_name_are_counted_each_time_and_said_once() {
    let mut cluster = TestCluster::of_three();
    cluster.boot(settings("b", 4, &[FIRST]));
    cluster.run(seconds(10));
    let conflict = |note: &&ClusterNote| matches!(note, ClusterNote::NameConflict { .. });
    let said = cluster.notes(1).iter().filter(conflict).count();
    assert_eq!(said, 1);
    assert!(cluster.cluster(1).counters().name_conflicts > 1);
}

#[test]
fn every_failure_of_a_join_has_its_own_name_in_metrics() {
    let names: std::collections::BTreeSet<&str> =
        JoinFailure::ALL.into_iter().map(JoinFailure::reason).collect();
    assert_eq!(names.len(), JoinFailure::ALL.len());
    let is_label = |name: &&str| name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    assert!(names.iter().all(is_label), "{names:?}");
    assert_eq!(JoinFailure::TimedOut.reason(), "timeout");
}

#[test]
fn an_update_of_exactly_half_a_datagram_is_passed_on() {
    let mut cluster = TestCluster::of_three();
    let data = Bytes::from(vec![7; GOSSIP_BYTES_MAX]);
    cluster.give(2, Input::Forward { key: "sil".to_owned(), data: data.clone() });
    cluster.run(seconds(1));
    assert!(cluster.received(1).contains(&update("sil", &data, ReceivedVia::Datagram)));
}

#[test]
fn a_settling_node_says_how_many_times_it_has_looked() {
    let mut cluster = TestCluster::new();
    cluster.boot(settings("a", 1, &["am:9094"]));
    cluster.run(seconds(9));
    let polls = cluster.notes(1).iter().filter_map(|note| match note {
        ClusterNote::SettlePoll { polls, .. } => Some(*polls),
        _ => None,
    });
    assert_eq!(polls.collect::<Vec<_>>(), [0, 1, 2, 3]);
}
