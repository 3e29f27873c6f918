//! What is sent to whom, how often, and in what.

use super::*;
use crate::message::UserMessage;

fn user(body: &'static str) -> Message {
    Message::User(UserMessage { body: Bytes::from_static(body.as_bytes()) })
}

#[test]
fn the_first_news_after_a_silence_go_out_at_once() {
    let mut stage = Stage::among(2);
    stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
    let mut sent = stage.sent();
    sent.sort_by_key(|(to, _)| *to);
    assert_eq!(sent, [(address(2), user("news")), (address(3), user("news"))]);
}

#[test]
fn news_go_out_as_often_as_the_cluster_needs_and_no_more() {
    for (others, times) in [(2, 3), (8, 3), (9, 6)] {
        let mut stage = Stage::among(others);
        stage.machine.probe_at = Mono(u64::MAX);
        stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
        let mut sent = stage.sent();
        stage.pass(5 * SECOND);
        sent.extend(stage.sent());
        assert_eq!(sent.len(), times, "{others} others");
        assert_eq!(stage.machine.user_queue_len(), 0);
    }
}

#[test]
fn every_node_gets_a_broadcast_once_before_any_gets_it_twice() {
    let mut stage = Stage::among(5);
    stage.machine.probe_at = Mono(u64::MAX);
    stage.receive(&alive("p2", 2, 2));
    let mut sent = stage.sent();
    stage.pass(SECOND);
    sent.extend(stage.sent());
    assert_eq!(sent.len(), 4);
    let sent_to: std::collections::BTreeSet<Address> = sent.into_iter().map(|(to, _)| to).collect();
    assert_eq!(sent_to.len(), 4, "four targets: {sent_to:?}");
}

#[test]
fn several_news_share_a_datagram_and_none_is_too_large() {
    let mut stage = Stage::among(1);
    stage.machine.probe_at = Mono(u64::MAX);
    for number in 0..40_u8 {
        stage.handle(Input::Broadcast(Bytes::from(vec![number; 100])));
    }
    stage.pass(5 * SECOND);
    let sizes = stage.out.iter().filter_map(|output| match output {
        Output::SendDatagram { bytes, .. } => Some(bytes.len()),
        _ => None,
    });
    let sizes: Vec<usize> = sizes.collect();
    assert!(sizes.iter().all(|size| *size <= 1407), "{sizes:?}");
    assert!(sizes.len() < 40 * 3 / 10, "{sizes:?}");
}

#[test]
fn the_label_takes_its_share_of_the_datagram() {
    let label = Label::new(&"l".repeat(200)).unwrap();
    let mut stage = Stage::with(|settings| settings.label = label);
    stage.handle(Input::Broadcast(Bytes::from(vec![0; 1192])));
    assert_eq!(stage.notes(), [], "it just fits");
    stage.handle(Input::Broadcast(Bytes::from(vec![0; 1194])));
    assert_eq!(stage.notes(), [MemberlistNote::MessageTooLarge { bytes: 1195 }]);
}

#[test]
fn a_full_queue_drops_and_says_so() {
    let mut stage = Stage::with(|settings| settings.limits.user_queue_max = 2);
    for _ in 0..2 {
        stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
        assert_eq!(stage.notes(), []);
    }
    stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
    assert_eq!(stage.notes(), [MemberlistNote::QueuePruned { count: 1 }]);
    assert_eq!(stage.machine.user_queue_len(), 2);
}

#[test]
fn what_is_for_one_goes_to_that_one_once() {
    let mut stage = Stage::among(3);
    let body = Bytes::from_static(b"psst");
    stage.handle(Input::Send { to: address(77), body });
    assert_eq!(stage.sent(), [(address(77), user("psst"))]);
    stage.handle(Input::Send { to: address(77), body: Bytes::from(vec![0; 70_000]) });
    assert_eq!(stage.notes(), [MemberlistNote::MessageTooLarge { bytes: 70_001 }]);
}

#[test]
fn news_of_a_peer_come_out_as_they_went_in() {
    let mut stage = Stage::among(1);
    stage.receive_from(2, &user("news"));
    let body = Bytes::from_static(b"news");
    assert_eq!(
        stage.events(),
        [MembershipEvent::UserMessage {
            from: address(2),
            via: DatagramOrStream::Datagram,
            body: body.clone()
        }]
    );
    let message = StreamMessage::User(UserMessage { body: body.clone() });
    stage.handle(Input::StreamOpened { inbound: InboundId(5), from: address(2), message });
    assert_eq!(stage.out[0], Output::Close { inbound: InboundId(5) });
    assert_eq!(
        stage.events(),
        [MembershipEvent::UserMessage { from: address(2), via: DatagramOrStream::Stream, body }]
    );
}

#[test]
fn an_invalid_message_is_noted_and_the_others_are_handled() {
    let mut stage = Stage::among(1);
    let (from, bytes) = (address(2), Bytes::from_static(b"\xff\xff"));
    stage.handle(Input::Datagram { from, source: from.ip, bytes });
    assert!(matches!(stage.notes()[..], [MemberlistNote::Undecodable { .. }]));
    assert_eq!(stage.machine.size(), 2);
}

#[test]
fn a_node_alone_is_not_woken_to_gossip() {
    let mut stage = Stage::new();
    stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
    stage.pass(SECOND);
    assert_eq!(stage.sent(), []);
    assert!(stage.machine.next_wakeup() > Some(stage.now), "{:?}", stage.machine.next_wakeup());
}

#[test]
fn dead_nodes_still_get_gossip_for_a_while_and_nodes_that_left_do_not() {
    use crate::message::Dead;
    let mut stage = Stage::among(2);
    for (node, from) in [("p2", "x"), ("p3", "p3")] {
        let claim = Dead { incarnation: 1, node: name(node), from: name(from) };
        stage.receive(&Message::Dead(claim));
    }
    stage.silence_news();
    stage.handle(Input::Broadcast(Bytes::from_static(b"one")));
    stage.pass(SECOND);
    stage.handle(Input::Broadcast(Bytes::from_static(b"two")));
    assert_eq!(stage.sent(), [(address(2), user("two"))]);
}

#[test]
fn each_round_reaches_every_node_once_some_at_a_time() {
    let mut stage = Stage::among(31);
    stage.machine.probe_at = Mono(u64::MAX);
    let mut reached = std::collections::BTreeSet::new();
    let mut turns = 0;
    for _ in 0..100 {
        stage.now = stage.now.plus(Duration::from_millis(200));
        stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
        let targets: std::collections::BTreeSet<Address> =
            stage.sent().into_iter().map(|(to, _)| to).collect();
        assert_eq!(targets.len(), 3, "three at a time");
        reached.extend(targets);
        turns += 1;
        if reached.len() == 31 {
            break;
        }
    }
    // What was left of the round before may take part of the first.
    assert!(turns <= 2 * 31_usize.div_ceil(3), "{turns} turns");
}

#[test]
fn news_that_nobody_is_there_for_wake_no_one() {
    let mut stage = Stage::new();
    stage.machine.probe_at = Mono(u64::MAX);
    stage.handle(Input::Broadcast(Bytes::from_static(b"news")));
    let next = stage.machine.next_wakeup();
    assert!(next.is_none_or(|at| at > stage.now.plus(SECOND)), "{next:?}");
}

#[test]
fn there_is_room_for_a_message_exactly_if_it_is_not_too_large() {
    let mut sizes = Vec::new();
    for bytes in 1300..1410 {
        let mut stage = Stage::among(1);
        let has_room = stage.machine.has_gossip_room(bytes);
        stage.handle(Input::Broadcast(Bytes::from(vec![1; bytes])));
        let too_large =
            |note: &MemberlistNote| matches!(note, MemberlistNote::MessageTooLarge { .. });
        assert_eq!(has_room, !stage.notes().iter().any(too_large), "{bytes} bytes");
        if has_room {
            sizes.push(bytes);
        }
    }
    assert!(!sizes.is_empty() && sizes.len() < 110, "{sizes:?}");
    let mut stage = Stage::among(1);
    stage.machine.gossip_at = Mono(u64::MAX);
    stage.handle(Input::Broadcast(Bytes::from(vec![1; 700])));
    assert!(stage.machine.has_gossip_room(600), "beside what waits");
    assert!(!stage.machine.has_gossip_room(700));
}

#[test]
fn a_larger_configuration_gossips_to_more_at_a_time() {
    let gossip_nodes =
        |peers| MemberlistSettings::alertmanager(name("me"), address(1), peers).gossip_nodes;
    assert_eq!([0, 3, 7, 8, 20].map(gossip_nodes), [3, 3, 3, 4, 10]);
}
