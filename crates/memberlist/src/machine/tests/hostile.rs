//! What no honest peer would send, in great numbers.

use super::*;
use crate::machine::rng::Rng;
use crate::message::{
    Ack, Dead, ErrorReply, IndirectPing, Nack, NodeState, Ping, PushPull, Suspect, UserMessage,
};

/// Few names, so that claims contradict each other; ours is one of them.
fn any_name(rng: &mut Rng) -> NodeName {
    match rng.below(8) {
        0 => name("me"),
        number => name(&format!("p{number}")),
    }
}

fn any_address(rng: &mut Rng) -> Address {
    let port = if rng.below(4) == 0 { 0 } else { 9094 };
    Address { port, ..address(rng.below(9) as u8) }
}

fn any_incarnation(rng: &mut Rng) -> u32 {
    match rng.below(10) {
        0 => u32::MAX - rng.below(2) as u32,
        _ => rng.below(6) as u32,
    }
}

fn any_versions(rng: &mut Rng) -> Option<Versions> {
    match rng.below(20) {
        0 => None,
        1 => Some(Versions([rng.below(256) as u8; 6])),
        _ => Some(Versions::OURS),
    }
}

fn any_ping(rng: &mut Rng) -> Ping {
    let node = (rng.below(2) == 0).then(|| any_name(rng));
    let source = (rng.below(2) == 0).then(|| any_address(rng));
    Ping { sequence: rng.below(50) as u32, node, source, source_node: None }
}

fn any_message(rng: &mut Rng) -> Message {
    let incarnation = any_incarnation(rng);
    let (node, from) = (any_name(rng), any_name(rng));
    match rng.below(8) {
        0 => Message::Ping(any_ping(rng)),
        1 => Message::IndirectPing(IndirectPing {
            sequence: rng.below(50) as u32,
            target: any_address(rng),
            node: Some(node),
            nack: rng.below(2) == 0,
            source: None,
            source_node: None,
        }),
        2 => Message::Ack(Ack { sequence: rng.below(50) as u32, payload: Bytes::new() }),
        3 => Message::Nack(Nack { sequence: rng.below(50) as u32 }),
        4 => Message::Suspect(Suspect { incarnation, node, from }),
        5 => Message::Dead(Dead { incarnation, node, from }),
        6 => Message::User(UserMessage { body: Bytes::from_static(b"x") }),
        _ => Message::Alive(Alive {
            incarnation,
            node,
            address: any_address(rng),
            meta: Bytes::from(vec![0; rng.index(4)]),
            versions: any_versions(rng),
        }),
    }
}

fn any_stream_message(rng: &mut Rng) -> StreamMessage {
    const STATUSES: [NodeStatus; 4] =
        [NodeStatus::Alive, NodeStatus::Suspect, NodeStatus::Dead, NodeStatus::Left];
    let state = |rng: &mut Rng| NodeState {
        name: any_name(rng),
        address: any_address(rng),
        meta: Bytes::new(),
        incarnation: any_incarnation(rng),
        status: STATUSES[rng.index(4)],
        versions: Some(Versions::OURS),
    };
    match rng.below(5) {
        0 => StreamMessage::Ping(any_ping(rng)),
        1 => StreamMessage::Ack(Ack { sequence: rng.below(50) as u32, payload: Bytes::new() }),
        2 => StreamMessage::Error(ErrorReply { text: "no".to_owned() }),
        _ => StreamMessage::PushPull(PushPull {
            join: rng.below(2) == 0,
            nodes: (0..rng.below(5)).map(|_| state(rng)).collect(),
            user_state: Bytes::new(),
            skipped: rng.index(2),
        }),
    }
}

fn any_input(rng: &mut Rng) -> Input {
    let from = any_address(rng);
    match rng.below(12) {
        0 => Input::StreamOpened { inbound: InboundId(1), from, message: any_stream_message(rng) },
        1 => {
            Input::StreamReplied { stream: StreamId(rng.below(40)), reply: any_stream_message(rng) }
        }
        2 => Input::StreamFailed { stream: StreamId(rng.below(40)) },
        3 => Input::Unreachable { to: from },
        4 => Input::Join(from),
        5 => Input::Broadcast(Bytes::from(vec![0; rng.index(2_000)])),
        6 => Input::Tick,
        _ => {
            let bytes = datagram_of(&[&any_message(rng)]);
            Input::Datagram { from, source: from.ip, bytes }
        }
    }
}

#[test]
fn nothing_that_is_said_breaks_us_or_keeps_us_awake() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut stage = Stage::with(|settings| {
            settings.limits =
                Limits { nodes_max: 5, members_max: 4, user_queue_max: 3, relays_max: 4 };
        });
        for turn in 0..1_000 {
            stage.now = stage.now.plus(rng.delay_below(Duration::from_millis(300)));
            if turn == 900 {
                stage.handle(Input::Leave);
            }
            stage.handle(any_input(&mut rng));
            let machine = &stage.machine;
            let place = format!("seed {seed}, turn {turn}");
            assert!(machine.next_wakeup() > Some(stage.now), "{place}: no rest");
            assert!(machine.nodes.len() <= 5 && machine.size() <= 5, "{place}: too many");
            assert!(machine.user_queue_len() <= 3 && machine.health_score() < 8, "{place}");
            let present = machine.members().any(|node| node.name.as_str() == "me");
            assert_eq!(present, turn < 900, "{place}: we know best");
        }
        assert_eq!(stage.machine.local(), (&name("me"), address(1)));
    }
}
