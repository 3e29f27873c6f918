//! All that is known, from one to the other.

use super::*;
use crate::message::{NodeState, PushPull};

fn state(node: &str, number: u8, incarnation: u32, status: NodeStatus) -> NodeState {
    NodeState {
        name: name(node),
        address: address(number),
        meta: Bytes::new(),
        incarnation,
        status,
        versions: Some(Versions::OURS),
    }
}

fn knowing(nodes: Vec<NodeState>) -> PushPull {
    PushPull { join: true, nodes, user_state: Bytes::from_static(b"state"), skipped: 0 }
}

fn offered(stage: &mut Stage, theirs: PushPull) -> StreamMessage {
    let message = StreamMessage::PushPull(theirs);
    stage.handle(Input::StreamOpened { inbound: InboundId(1), from: address(9), message });
    match &stage.out[0] {
        Output::Reply { inbound: InboundId(1), message } => message.clone(),
        other => panic!("{other:?}"),
    }
}

/// The streams that are opened for a join.
fn joining(stage: &mut Stage) -> (StreamId, PushPull) {
    stage.handle(Input::Join(address(2)));
    match &stage.out[..] {
        [Output::OpenStream { stream, to, message: StreamMessage::PushPull(ours), deadline }] => {
            assert_eq!((*to, *deadline), (address(2), stage.now.plus(10 * SECOND)));
            (*stream, ours.clone())
        }
        other => panic!("{other:?}"),
    }
}

fn join_ended(outcome: JoinOutcome) -> MembershipEvent {
    MembershipEvent::JoinEnded { address: address(2), outcome }
}

#[test]
fn a_joining_node_gets_the_state_from_before_its_join() {
    let mut stage = Stage::among(1);
    let joiner = state("p9", 9, 1, NodeStatus::Alive);
    let StreamMessage::PushPull(answer) = offered(&mut stage, knowing(vec![joiner])) else {
        panic!("no push-pull")
    };
    let names: Vec<&str> = answer.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!((names, answer.join), (vec!["me", "p2"], true));
    let body = Bytes::from_static(b"state");
    let events = stage.events();
    assert!(matches!(&events[0], MembershipEvent::Join { node, .. } if node.as_str() == "p9"));
    assert_eq!(events[1], MembershipEvent::RemoteState { from: address(9), join: true, body });
}

#[test]
fn joining_brings_all_that_the_other_knows() {
    let mut stage = Stage::new();
    let (stream, ours) = joining(&mut stage);
    assert_eq!((ours.join, ours.nodes.len()), (true, 1));
    let nodes = (2..5).map(|n| state(&format!("p{n}"), n, 1, NodeStatus::Alive)).collect();
    stage.handle(Input::StreamReplied { stream, reply: StreamMessage::PushPull(knowing(nodes)) });
    assert_eq!(stage.machine.size(), 4);
    assert_eq!(stage.events().last(), Some(&join_ended(JoinOutcome::Merged)));
}

#[test]
fn a_join_that_fails_says_so() {
    let mut stage = Stage::new();
    let (stream, _) = joining(&mut stage);
    stage.handle(Input::StreamFailed { stream });
    assert_eq!(stage.events(), [join_ended(JoinOutcome::Failed)]);
    stage.handle(Input::StreamFailed { stream });
    assert_eq!(stage.events(), [], "once");
    let (stream, _) = joining(&mut stage);
    let text = "no".to_owned();
    let answer = StreamMessage::Error(crate::message::ErrorReply { text });
    stage.handle(Input::StreamReplied { stream, reply: answer });
    assert_eq!(stage.events(), [join_ended(JoinOutcome::Failed)]);
}

#[test]
fn the_dead_of_others_are_suspects_to_us_and_the_left_are_gone() {
    let mut stage = Stage::among(3);
    offered(
        &mut stage,
        knowing(vec![
            state("p2", 2, 1, NodeStatus::Dead),
            state("p3", 3, 1, NodeStatus::Left),
            state("p4", 4, 1, NodeStatus::Suspect),
            state("unknown", 5, 1, NodeStatus::Dead),
        ]),
    );
    assert_eq!(stage.status("p2"), Some(NodeStatus::Suspect));
    assert_eq!(stage.status("p3"), Some(NodeStatus::Left));
    assert_eq!(stage.status("p4"), Some(NodeStatus::Suspect));
    assert_eq!(stage.status("unknown"), None);
}

#[test]
fn an_earlier_life_of_ours_is_refuted() {
    for status in [NodeStatus::Alive, NodeStatus::Suspect, NodeStatus::Dead, NodeStatus::Left] {
        let mut stage = Stage::among(1);
        offered(&mut stage, knowing(vec![state("me", 1, 12, status)]));
        assert_eq!(stage.incarnation("me"), 13, "{status:?}");
        assert_eq!(stage.status("me"), Some(NodeStatus::Alive));
    }
}

#[test]
fn one_who_cannot_be_understood_spoils_the_whole_merge() {
    let spoilers = [
        (NodeStatus::Alive, Some(Versions([1, 5, 6, 0, 0, 0]))),
        (NodeStatus::Alive, Some(Versions([3, 5, 3, 0, 0, 0]))),
        (NodeStatus::Dead, Some(Versions([1, 5, 0, 0, 0, 0]))),
        (NodeStatus::Alive, Some(Versions([1, 5, 2, 0, 0, 1]))),
        (NodeStatus::Dead, None),
    ];
    for (status, versions) in spoilers {
        let mut stage = Stage::among(1);
        let (stream, _) = joining(&mut stage);
        let spoiler = NodeState { versions, ..state("bad", 6, 1, status) };
        let good = state("good", 7, 1, NodeStatus::Alive);
        let answer = StreamMessage::PushPull(knowing(vec![good, spoiler]));
        stage.handle(Input::StreamReplied { stream, reply: answer });
        let refused = join_ended(JoinOutcome::Refused(Refusal::Versions));
        assert_eq!(stage.events(), [refused], "{versions:?}");
        assert_eq!(stage.machine.size(), 2);
    }
}

#[test]
fn two_clusters_that_meet_stay_two() {
    let member_filter =
        MemberFilter { scheme: Bytes::from_static(b"bw:"), cluster: Bytes::from_static(b"one;") };
    let meta = Bytes::from_static(b"bw:two;");
    let stranger = NodeState { meta, ..state("p9", 9, 1, NodeStatus::Alive) };
    let silent = state("go", 8, 1, NodeStatus::Alive);

    let mut stage = Stage::with(|settings| settings.member_filter = Some(member_filter));
    let theirs = knowing(vec![silent, stranger]);
    let answer = offered(&mut stage, theirs.clone());
    assert!(matches!(answer, StreamMessage::Error(_)), "{answer:?}");
    assert_eq!((stage.events(), stage.machine.size()), (vec![], 1));

    let (stream, _) = joining(&mut stage);
    stage.handle(Input::StreamReplied { stream, reply: StreamMessage::PushPull(theirs) });
    assert_eq!(stage.events(), [join_ended(JoinOutcome::Refused(Refusal::Cluster))]);
    assert_eq!(stage.machine.size(), 1);
}

#[test]
fn every_minute_or_so_one_member_is_compared_with() {
    let mut stage = Stage::among(3);
    stage.machine.probe_at = Mono(u64::MAX);
    stage.pass(8 * 60 * SECOND);
    let offers = stage.out.iter().filter_map(|output| match output {
        Output::OpenStream { message: StreamMessage::PushPull(ours), .. } => Some(ours.join),
        _ => None,
    });
    let offers: Vec<bool> = offers.collect();
    assert!((6..=8).contains(&offers.len()), "{}", offers.len());
    assert!(offers.iter().all(|join| !join));
}

#[test]
fn an_answer_without_a_question_is_turned_away() {
    let mut stage = Stage::new();
    let message = StreamMessage::Ack(crate::message::Ack { sequence: 1, payload: Bytes::new() });
    stage.handle(Input::StreamOpened { inbound: InboundId(3), from: address(9), message });
    assert_eq!(stage.out[0], Output::Close { inbound: InboundId(3) });
    assert_eq!(stage.notes(), [MemberlistNote::UnexpectedOnStream { from: address(9) }]);
    let answer = StreamMessage::PushPull(knowing(vec![state("p2", 2, 1, NodeStatus::Alive)]));
    stage.handle(Input::StreamReplied { stream: StreamId(99), reply: answer });
    assert!(stage.out.is_empty());
}

#[test]
fn records_that_could_not_be_read_are_noted() {
    let noted = |skipped| {
        let mut stage = Stage::among(1);
        offered(&mut stage, PushPull { skipped, ..knowing(Vec::new()) });
        stage.notes()
    };
    assert_eq!(noted(0), []);
    assert_eq!(noted(2), [MemberlistNote::RecordsSkipped { from: address(9), count: 2 }]);
}
