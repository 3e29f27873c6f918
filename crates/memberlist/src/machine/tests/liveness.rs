use super::*;
use crate::message::Ack;

fn pings(stage: &Stage) -> Vec<u32> {
    let sent = stage.sent().into_iter();
    sent.filter_map(|(to, message)| match message {
        Message::Ping(ping) if to == address(2) => Some(ping.sequence),
        _ => None,
    })
    .collect()
}

fn answered(stage: &Stage) -> bool {
    stage.out.contains(&Output::Event(MembershipEvent::LivenessConfirmed { node: name("p2") }))
}

#[test]
fn a_member_that_is_asked_answers_by_datagram() {
    let mut stage = Stage::among(2);
    stage.handle(Input::CheckLiveness(name("p2")));
    let [sequence] = pings(&stage)[..] else { panic!("one ping: {:?}", stage.out) };
    stage.receive_from(2, &Message::Ack(Ack { sequence, payload: Bytes::new() }));
    assert!(answered(&stage));
    stage.receive_from(2, &Message::Ack(Ack { sequence, payload: Bytes::new() }));
    assert!(!answered(&stage), "once for each question");
}

#[test]
fn who_is_asked_again_in_vain_is_asked_by_a_stream_too() {
    let mut stage = Stage::among(2);
    stage.handle(Input::CheckLiveness(name("p2")));
    stage.handle(Input::CheckLiveness(name("p2")));
    let opened = stage.out.iter().find_map(|output| match output {
        Output::OpenStream { stream, to, message: StreamMessage::Ping(ping), .. } => {
            Some((*stream, *to, ping.sequence))
        }
        _ => None,
    });
    let (stream, to, sequence) = opened.expect("a ping by stream");
    assert_eq!(to, address(2));
    let answer = StreamMessage::Ack(Ack { sequence, payload: Bytes::new() });
    stage.handle(Input::StreamReplied { stream, reply: answer });
    assert!(answered(&stage));
}

#[test]
fn who_is_no_member_is_not_asked() {
    let mut stage = Stage::among(1);
    stage.handle(Input::CheckLiveness(name("unknown")));
    assert_eq!(stage.out, []);
}

#[test]
fn an_answer_is_that_of_the_node_that_was_asked() {
    let mut stage = Stage::among(2);
    let mut opened = Vec::new();
    for node in ["p2", "p3", "p2", "p3"] {
        stage.handle(Input::CheckLiveness(name(node)));
        opened.extend(stage.out.iter().filter_map(|output| match output {
            Output::OpenStream { stream, to, message: StreamMessage::Ping(ping), .. } => {
                Some((*stream, *to, ping.sequence))
            }
            _ => None,
        }));
    }
    let [(to_p2, _, first), (to_p3, _, second)] = opened[..] else { panic!("{opened:?}") };
    assert_ne!(to_p2, to_p3, "each has its own stream");
    assert_ne!(first, second, "and its own number");
    let answer = StreamMessage::Ack(Ack { sequence: second, payload: Bytes::new() });
    stage.handle(Input::StreamReplied { stream: to_p3, reply: answer });
    let confirmed = MembershipEvent::LivenessConfirmed { node: name("p3") };
    assert_eq!(stage.events(), [confirmed]);
}

#[test]
fn pings_have_different_numbers() {
    let mut stage = Stage::among(2);
    let numbers: std::collections::BTreeSet<u32> = (0..2).map(|_| stage.until_ping().1).collect();
    assert_eq!(numbers.len(), 2);
}
