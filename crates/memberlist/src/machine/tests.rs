//! One machine, given one input at a time.

mod claims;
mod gossip;
mod hostile;
mod liveness;
mod probing;
mod push_pull;

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::message::{Alive, Label};
use crate::wire::Compression;
use crate::wire::datagram::{Checksum, Envelope, decode, encode_message, pack};

const SECOND: Duration = Duration::from_secs(1);

/// A machine with the name `me`, and what it said last.
struct Stage {
    machine: Memberlist,
    now: Mono,
    out: Vec<Output>,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(adjust: impl FnOnce(&mut MemberlistSettings)) -> Self {
        let mut settings = MemberlistSettings::alertmanager(name("me"), address(1), 0);
        adjust(&mut settings);
        let now = Mono(1_000_000_000);
        let mut out = Vec::new();
        let machine = Memberlist::new(now, settings, 7, &mut out);
        Stage { machine, now, out }
    }

    /// With so many others: `p2`, `p3`, and so on, at addresses of these numbers.
    fn among(others: u8) -> Self {
        let mut stage = Self::new();
        for number in 2..2 + others {
            stage.receive(&alive(&format!("p{number}"), number, 1));
        }
        // As if all nodes had learned of them long ago.
        stage.silence_news();
        stage.machine.gossip_at = stage.now;
        stage.out.clear();
        stage
    }

    /// Handles one input; only what follows from it is in `out`.
    fn handle(&mut self, input: Input) {
        self.out.clear();
        self.machine.handle(self.now, input, &mut self.out);
    }

    fn receive(&mut self, message: &Message) {
        self.receive_from(9, message);
    }

    fn receive_from(&mut self, from: u8, message: &Message) {
        let bytes = datagram_of(&[message]);
        let from = address(from);
        self.handle(Input::Datagram { from, source: from.ip, bytes });
    }

    /// Time passes, turn by turn, as the machine asks for; `out` has all that follows.
    fn pass(&mut self, by: Duration) {
        let end = self.now.plus(by);
        self.out.clear();
        while let Some(at) = self.machine.next_wakeup().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.machine.handle(self.now, Input::Tick, &mut self.out);
        }
        self.now = end;
    }

    /// Until a ping is sent; to whom, and its number.
    fn until_ping(&mut self) -> (Address, u32) {
        for _ in 0..100 {
            self.now = self.machine.next_wakeup().expect("there is always a next probe");
            self.handle(Input::Tick);
            let pings = self.sent().into_iter().filter_map(|(to, message)| match message {
                Message::Ping(ping) => Some((to, ping.sequence)),
                _ => None,
            });
            if let Some(found) = pings.last() {
                return found;
            }
        }
        panic!("no node was probed");
    }

    fn silence_news(&mut self) {
        self.machine.broadcasts = Broadcasts::new(self.machine.settings.limits);
    }

    fn sent(&self) -> Vec<(Address, Message)> {
        let datagrams = self.out.iter().filter_map(|output| match output {
            Output::SendDatagram { to, bytes } => Some((*to, bytes)),
            _ => None,
        });
        let label = &self.machine.settings.label;
        datagrams
            .flat_map(|(to, bytes)| {
                decode(label, bytes).messages.into_iter().map(move |message| (to, message))
            })
            .collect()
    }

    /// How many exchanges of states begin.
    fn push_pulls(&self) -> usize {
        let begins = |output: &&Output| {
            matches!(output, Output::OpenStream { message: StreamMessage::PushPull(_), .. })
        };
        self.out.iter().filter(begins).count()
    }

    fn events(&self) -> Vec<MembershipEvent> {
        let events = self.out.iter().filter_map(|output| match output {
            Output::Event(event) => Some(event.clone()),
            _ => None,
        });
        events.filter(|event| !matches!(event, MembershipEvent::AliveSeen { .. })).collect()
    }

    fn notes(&self) -> Vec<MemberlistNote> {
        let notes = self.out.iter().filter_map(|output| match output {
            Output::Note(note) => Some(note.clone()),
            _ => None,
        });
        notes.collect()
    }

    fn status(&self, of: &str) -> Option<NodeStatus> {
        self.machine.node(&name(of)).map(|node| node.status)
    }

    fn incarnation(&self, of: &str) -> u32 {
        self.machine.node(&name(of)).expect("known").incarnation
    }
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn address(number: u8) -> Address {
    Address::new(Ipv4Addr::new(10, 0, 0, number), 9094)
}

fn alive_as(node: &str, number: u8, incarnation: u32) -> Alive {
    Alive {
        incarnation,
        node: name(node),
        address: address(number),
        meta: Bytes::new(),
        versions: Some(Versions::OURS),
    }
}

fn alive(node: &str, number: u8, incarnation: u32) -> Message {
    Message::Alive(alive_as(node, number, incarnation))
}

fn datagram_of(messages: &[&Message]) -> Bytes {
    let label = Label::default();
    let envelope =
        Envelope { label: &label, checksum: Checksum::None, compression: Compression::None };
    let parts: Vec<Vec<u8>> = messages.iter().map(|message| encode_message(message)).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    pack(&parts, envelope).remove(0).into()
}
