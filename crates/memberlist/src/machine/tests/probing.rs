//! Pings: ours, and those of others.

use super::*;
use crate::message::{Ack, IndirectPing, Nack, Ping, Suspect};

fn ack(sequence: u32) -> Message {
    Message::Ack(Ack { sequence, payload: Bytes::new() })
}

fn nack(sequence: u32) -> Message {
    Message::Nack(Nack { sequence })
}

fn relays(stage: &Stage) -> Vec<Address> {
    let sent = stage.sent().into_iter();
    let asks = sent.filter(|(_, message)| matches!(message, Message::IndirectPing(_)));
    asks.map(|(to, _)| to).collect()
}

fn opened(stage: &Stage) -> Option<(StreamId, Address, Mono, StreamMessage)> {
    stage.out.iter().find_map(|output| match output {
        Output::OpenStream { stream, to, deadline, message } => {
            Some((*stream, *to, *deadline, message.clone()))
        }
        _ => None,
    })
}

fn ping_for(node: Option<&str>, source: Option<Address>) -> Ping {
    Ping { sequence: 33, node: node.map(name), source, source_node: None }
}

#[test]
fn a_ping_is_answered_where_it_says_and_else_where_it_came_from() {
    let mut stage = Stage::among(1);
    stage.receive_from(9, &Message::Ping(ping_for(Some("me"), Some(address(2)))));
    assert_eq!(stage.sent(), [(address(2), ack(33))]);
    stage.receive_from(9, &Message::Ping(ping_for(None, None)));
    assert_eq!(stage.sent(), [(address(9), ack(33))]);
}

#[test]
fn a_ping_for_somebody_else_is_not_answered() {
    let mut stage = Stage::among(1);
    let ping = ping_for(Some("you"), None);
    stage.receive_from(9, &Message::Ping(ping.clone()));
    assert_eq!(stage.sent(), []);
    assert_eq!(
        stage.notes(),
        [MemberlistNote::Misdirected { from: address(9), wanted: name("you") }]
    );
    let message = StreamMessage::Ping(ping);
    stage.handle(Input::StreamOpened { inbound: InboundId(1), from: address(9), message });
    assert!(stage.out.contains(&Output::Close { inbound: InboundId(1) }));
}

#[test]
fn a_ping_on_a_stream_is_answered_there() {
    let mut stage = Stage::among(1);
    let message = StreamMessage::Ping(ping_for(Some("me"), None));
    stage.handle(Input::StreamOpened { inbound: InboundId(1), from: address(9), message });
    let message = StreamMessage::Ack(Ack { sequence: 33, payload: Bytes::new() });
    assert_eq!(stage.out, [Output::Reply { inbound: InboundId(1), message }]);
}

#[test]
fn every_member_is_pinged_once_a_round() {
    let mut stage = Stage::among(4);
    let mut handle_ping = Vec::new();
    for _ in 0..8 {
        let (to, sequence) = stage.until_ping();
        stage.receive(&ack(sequence));
        handle_ping.push(to);
    }
    for round in handle_ping.chunks(4) {
        let mut round = round.to_vec();
        round.sort();
        assert_eq!(round, [address(2), address(3), address(4), address(5)]);
    }
}

#[test]
fn an_ack_in_time_measures_the_round_trip_and_improves_awareness() {
    let mut stage = Stage::among(1);
    stage.machine.awareness = 3;
    let (_, sequence) = stage.until_ping();
    stage.now = stage.now.plus(Duration::from_millis(20));
    stage.receive(&ack(sequence + 1));
    assert_eq!(stage.events(), [], "another number");
    stage.receive(&ack(sequence));
    let rtt = Duration::from_millis(20);
    assert_eq!(stage.events(), [MembershipEvent::PingRtt { node: name("p2"), rtt }]);
    assert_eq!(stage.machine.health_score(), 2);
    stage.receive(&ack(sequence));
    assert_eq!(stage.events(), [], "an answer counts once");
}

#[test]
fn without_an_answer_three_others_are_asked_and_a_stream_is_opened() {
    let mut stage = Stage::among(6);
    let (target, sequence) = stage.until_ping();
    let began = stage.now;
    stage.pass(Duration::from_millis(499));
    assert_eq!(relays(&stage), []);
    stage.pass(Duration::from_millis(1));
    let request = relays(&stage);
    assert_eq!(request.len(), 3);
    assert!(!request.contains(&target));
    let (_, to, deadline, message) = opened(&stage).expect("a stream");
    assert_eq!((to, deadline), (target, began.plus(SECOND)));
    assert!(matches!(message, StreamMessage::Ping(ping) if ping.sequence == sequence));
}

#[test]
fn a_ping_that_cannot_be_sent_is_not_waited_for() {
    let mut stage = Stage::among(3);
    let (target, _) = stage.until_ping();
    stage.handle(Input::Unreachable { to: address(88) });
    assert_eq!(relays(&stage), []);
    stage.handle(Input::Unreachable { to: target });
    assert_eq!(relays(&stage).len(), 2);
}

#[test]
fn an_indirect_ack_clears_the_peer_but_measures_no_round_trip() {
    let mut stage = Stage::among(3);
    let (_, sequence) = stage.until_ping();
    stage.pass(Duration::from_millis(700));
    stage.receive(&ack(sequence));
    assert_eq!(stage.events(), []);
    assert!(stage.machine.probe.is_none());
    assert!(stage.machine.members().all(|node| node.status == NodeStatus::Alive));
}

#[test]
fn silence_makes_a_suspect_and_we_doubt_ourselves_unless_others_vouch_for_us() {
    // Three were asked to send a nack.
    for (nacks, health) in [(0, 3), (1, 2), (3, 0)] {
        let mut stage = Stage::among(6);
        let (target, sequence) = stage.until_ping();
        stage.pass(Duration::from_millis(600));
        for _ in 0..nacks {
            stage.receive(&nack(sequence));
        }
        stage.pass(Duration::from_millis(400));
        let suspect = stage.machine.members().find(|node| node.address == target).unwrap();
        assert_eq!(suspect.status, NodeStatus::Suspect);
        assert_eq!(stage.machine.health_score(), health, "{nacks} nacks");
    }
}

#[test]
fn without_peers_for_indirect_probes_a_missing_ack_is_a_suspicion() {
    let mut stage = Stage::among(1);
    stage.until_ping();
    stage.pass(SECOND);
    assert_eq!(stage.machine.health_score(), 1);
    assert_eq!(stage.status("p2"), Some(NodeStatus::Suspect));
}

#[test]
fn who_answers_on_a_stream_only_is_saved_with_a_warning() {
    let mut stage = Stage::among(1);
    let (_, sequence) = stage.until_ping();
    stage.pass(Duration::from_millis(500));
    let (stream, ..) = opened(&stage).expect("a stream");
    let answer = StreamMessage::Ack(Ack { sequence, payload: Bytes::new() });
    stage.handle(Input::StreamReplied { stream, reply: answer });
    stage.pass(Duration::from_millis(500));
    assert!(stage.notes().contains(&MemberlistNote::DatagramsBlocked { node: name("p2") }));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Alive));
}

#[test]
fn another_sequence_number_on_the_stream_clears_no_peer() {
    let mut stage = Stage::among(1);
    let (_, sequence) = stage.until_ping();
    stage.pass(Duration::from_millis(500));
    let (stream, ..) = opened(&stage).expect("a stream");
    let answer = StreamMessage::Ack(Ack { sequence: sequence + 1, payload: Bytes::new() });
    stage.handle(Input::StreamReplied { stream, reply: answer });
    stage.pass(Duration::from_millis(500));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Suspect));
}

#[test]
fn the_less_well_we_are_the_longer_we_wait() {
    let mut stage = Stage::among(1);
    stage.machine.awareness = 2;
    stage.until_ping();
    stage.pass(Duration::from_millis(2_999));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Alive));
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Suspect));
}

#[test]
fn our_health_has_a_worst() {
    let mut stage = Stage::among(1);
    for _ in 0..20 {
        stage.machine.degrade(3);
    }
    assert_eq!(stage.machine.health_score(), 7);
}

#[test]
fn a_suspect_gets_the_suspicion_with_the_ping() {
    let mut stage = Stage::among(1);
    let suspicion = Suspect { incarnation: 1, node: name("p2"), from: name("x") };
    stage.receive(&Message::Suspect(suspicion));
    stage.silence_news();
    stage.until_ping();
    let expected = Suspect { incarnation: 1, node: name("p2"), from: name("me") };
    assert_eq!(stage.sent().last(), Some(&(address(2), Message::Suspect(expected))));
    let Some(Output::SendDatagram { bytes, .. }) = stage.out.last() else { panic!("no datagram") };
    assert_eq!(bytes[0], 12, "with a checksum");
}

fn ask(target: u8, nack: bool) -> Message {
    Message::IndirectPing(IndirectPing {
        sequence: 77,
        target: address(target),
        node: Some(name("p3")),
        nack,
        source: Some(address(2)),
        source_node: Some(name("p2")),
    })
}

/// Sends an indirect ping, and returns the sequence number of the relayed one.
fn relayed(stage: &mut Stage, nack: bool) -> u32 {
    stage.machine.probe_at = Mono(u64::MAX);
    stage.receive(&ask(3, nack));
    match &stage.sent()[..] {
        [(to, Message::Ping(ping))] if *to == address(3) => {
            assert_eq!(ping.source, Some(address(1)), "the answer comes to us");
            assert_eq!(ping.node, Some(name("p3")));
            ping.sequence
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_to_a_relayed_ping_is_passed_on_under_the_askers_number() {
    let mut stage = Stage::among(2);
    let sequence = relayed(&mut stage, true);
    stage.receive_from(3, &ack(sequence));
    assert_eq!(stage.sent(), [(address(2), ack(77))]);
    stage.pass(SECOND);
    assert_eq!(stage.sent(), [], "and no nack follows");
}

#[test]
fn a_nack_is_sent_to_an_originator_that_wants_it() {
    for (wanted, answers) in [(true, vec![(address(2), nack(77))]), (false, vec![])] {
        let mut stage = Stage::among(2);
        let sequence = relayed(&mut stage, wanted);
        stage.pass(Duration::from_millis(500));
        assert_eq!(stage.sent(), answers);
        stage.receive_from(3, &ack(sequence));
        assert_eq!(stage.sent(), [], "too late");
    }
}

#[test]
fn more_relays_than_we_can_remember_are_refused() {
    let mut stage = Stage::with(|settings| settings.limits.relays_max = 2);
    for _ in 0..2 {
        stage.receive(&ask(3, true));
    }
    stage.receive(&ask(3, true));
    assert_eq!(
        (stage.sent(), stage.notes()),
        (vec![], vec![MemberlistNote::RelaysFull { from: address(9) }])
    );
}

#[test]
fn who_overslept_takes_no_silence_for_a_death() {
    let mut stage = Stage::among(2);
    let suspicion = Suspect { incarnation: 1, node: name("p2"), from: name("p3") };
    stage.receive(&Message::Suspect(suspicion));
    stage.now = stage.now.plus(60 * SECOND);
    stage.handle(Input::Tick);
    assert!(matches!(stage.notes()[..], [MemberlistNote::Paused { .. }]));
    assert_eq!((stage.events(), stage.status("p2")), (vec![], Some(NodeStatus::Suspect)));
    stage.pass(6 * SECOND);
    assert_eq!(stage.status("p2"), Some(NodeStatus::Dead), "but goes on to judge");
}

#[test]
fn who_overslept_asks_all_for_their_states_but_not_again_and_again() {
    let mut stage = Stage::among(2);
    let mut asked = Vec::new();
    for seconds in [20, 2, 20] {
        stage.now = stage.now.plus(seconds * SECOND);
        stage.handle(Input::Tick);
        asked.push(stage.push_pulls());
    }
    assert_eq!(asked, [2, 0, 2]);
}
