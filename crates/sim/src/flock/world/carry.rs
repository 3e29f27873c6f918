//! Between the machines, the network and the receivers.

use std::time::Duration;

use bellwether_engine::{Answer, Attempt, DeliveryId, Effect, Input, Ticket};
use bellwether_memberlist::cluster::{self, Failure, Outcome, Output, Reply};
use bellwether_memberlist::{self as memberlist, Address, StreamMessage};

use super::{Event, Request, StreamKey, Told, World};
use crate::flock::host::{self, Delivered, Released};
use crate::flock::judges;
use crate::flock::swarm::Fault;
use crate::receivers::{Answered, Manner};

impl World<'_> {
    pub(super) fn tick(&mut self, node: usize) -> Result<(), String> {
        self.gossip(node, cluster::Input::Tick)?;
        self.think(node, Input::Tick, None)
    }

    /// One input to the engine of a node, and all that follows at once.
    pub(super) fn think(
        &mut self,
        node: usize,
        input: Input,
        took: Option<Delivered>,
    ) -> Result<(), String> {
        if let Some(running) = &mut self.hosts[node].running {
            running.inbox.push_back((input, took));
        }
        self.work_off(node)
    }

    /// One input to the membership of a node, and all that follows at once.
    pub(super) fn gossip(&mut self, node: usize, input: cluster::Input) -> Result<(), String> {
        let outputs = self.hosts[node].gossip(self.at, input);
        self.perform(node, outputs);
        self.work_off(node)
    }

    pub(super) fn commit(&mut self, node: usize) -> Result<(), String> {
        self.hosts[node].commit(self.at);
        self.work_off(node)
    }

    /// Empties a node's queues. It may be killed before each step.
    fn work_off(&mut self, node: usize) -> Result<(), String> {
        loop {
            let Some(running) = &mut self.hosts[node].running else { return Ok(()) };
            if let Some(released) = running.outbox.pop_front() {
                match released {
                    Released::Took(delivered) => self.book.confirm(node, delivered),
                    Released::Effect(effect) => self.effect(node, effect)?,
                }
                self.perhaps_kill(node);
            } else if let Some((input, took)) = running.inbox.pop_front() {
                let notes = self.hosts[node].think(self.at, input, took);
                for note in notes {
                    self.note(|| format!("n{node:02} {note:?}"));
                }
                if self.hosts[node].waits_for_disk() {
                    self.expect_commit(node);
                }
            } else {
                self.hosts[node].set_alarm();
                return Ok(());
            }
        }
    }

    fn expect_commit(&mut self, node: usize) {
        let most = if self.healed { Duration::ZERO } else { self.swarm.commit_max };
        if most.is_zero() {
            self.hosts[node].commit(self.at);
            return;
        }
        let after = Duration::from_millis(self.faults.below(most.as_millis() as u64));
        let boot = self.hosts[node].boot;
        if let Some(running) = &mut self.hosts[node].running
            && !std::mem::replace(&mut running.commit_is_due, true)
        {
            self.plan_event(after, Event::Commit { node, boot });
        }
    }

    fn effect(&mut self, node: usize, effect: Effect) -> Result<(), String> {
        let other = match host::for_peers(effect) {
            Ok(input) => {
                let outputs = self.hosts[node].gossip(self.at, input);
                self.perform(node, outputs);
                return Ok(());
            }
            Err(other) => *other,
        };
        match other {
            Effect::Reply { ticket, answer } => {
                self.answered(node, ticket, answer);
                Ok(())
            }
            Effect::Attempt(attempt) => self.attempt(node, attempt),
            other => Err(format!("nobody performs {other:?}")),
        }
    }

    /// What membership wants done.
    pub(super) fn perform(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::SendDatagram { to, bytes } => self.send(node, to, bytes),
                Output::Open { stream, to, parcel, reply, deadline } => {
                    let boot = self.hosts[node].boot;
                    let stream = StreamKey { node, boot, stream };
                    self.open(stream, to, parcel.into_message(), reply, deadline);
                }
                Output::Answer { stream, parcel } => {
                    self.close(node, stream, Outcome::Answered(parcel.into_message()));
                }
                Output::Close { stream } => {
                    self.close(node, stream, Outcome::Failed(Failure::Closed));
                }
                Output::Resolve { name: _ } | Output::Left => {}
                Output::StateWanted { token } => {
                    let ticket = self.request(node, Request::Memory(token));
                    self.tell_engine(node, Input::FullStateRequested { ticket });
                }
                Output::Heard { key, data, .. } => {
                    if let Some(input) = host::heard(&key, data.into()) {
                        self.tell_engine(node, input);
                    }
                }
                Output::Answers { peer } => {
                    self.tell_engine(node, Input::PeerAlive { peer: peer.to_string() });
                }
                Output::Settled { .. } => {
                    self.note(|| format!("n{node:02} has settled"));
                    let at = self.at;
                    if let Some(running) = &mut self.hosts[node].running {
                        running.settled = true;
                        self.hosts[node].steady_since = at;
                    }
                    self.tell_engine(node, Input::Settled);
                }
                Output::MembersChanged => {
                    let peers = self.hosts[node].peers();
                    self.note(|| format!("n{node:02} sees {peers:?}"));
                    self.tell_engine(node, Input::Peers(peers));
                }
                Output::Note(note) => self.note(|| format!("n{node:02} {note:?}")),
            }
        }
    }

    fn tell_engine(&mut self, node: usize, input: Input) {
        if let Some(running) = &mut self.hosts[node].running {
            running.inbox.push_back((input, None));
        }
    }

    fn send(&mut self, node: usize, to: Address, bytes: Vec<u8>) {
        let Some(receiver) = self.host_at(to) else { return };
        let from = self.hosts[node].address;
        for after in self.network.datagram(node, receiver, &mut self.weather) {
            let bytes = bytes.clone();
            self.plan_event(after, Event::Datagram { to: receiver, from, bytes });
        }
    }

    fn open(
        &mut self,
        stream: StreamKey,
        to: Address,
        message: StreamMessage,
        reply: Reply,
        deadline: memberlist::Mono,
    ) {
        self.streams.insert(stream, reply);
        let node = stream.node;
        let Some(running) = &self.hosts[node].running else { return };
        let deadline = running.booted_at + Duration::from_nanos(deadline.0);
        let late = Outcome::Failed(Failure::TimedOut);
        self.plan_event(deadline.saturating_sub(self.at), Event::Ended { stream, outcome: late });
        let Some(peer) = self.host_at(to) else { return };
        let Some(after) = self.network.stream(node, peer, &mut self.weather) else { return };
        // A handshake first.
        let after = after * 3;
        let from = self.hosts[node].address;
        self.plan_event(after, Event::Opened { to: peer, from, stream, message });
    }

    pub(super) fn opened(
        &mut self,
        to: usize,
        from: Address,
        stream: StreamKey,
        message: StreamMessage,
    ) -> Result<(), String> {
        if self.hosts[to].running.is_none() {
            let outcome = Outcome::Failed(Failure::Unreachable);
            self.plan_event(Duration::from_millis(1), Event::Ended { stream, outcome });
            return Ok(());
        }
        let ticket = memberlist::Ticket(self.number());
        self.tickets.insert(ticket, stream);
        self.gossip(to, cluster::Input::Opened { stream: ticket, from, message })
    }

    /// A node is done with a stream that a peer has opened.
    fn close(&mut self, node: usize, ticket: memberlist::Ticket, outcome: Outcome) {
        let Some(stream) = self.tickets.remove(&ticket) else { return };
        let outcome = match self.streams.get(&stream) {
            Some(Reply::None) => Outcome::Sent,
            _ => outcome,
        };
        if let Some(after) = self.network.stream(node, stream.node, &mut self.weather) {
            self.plan_event(after, Event::Ended { stream, outcome });
        }
    }

    pub(super) fn ended(&mut self, stream: StreamKey, outcome: Outcome) -> Result<(), String> {
        let is_open = self.streams.remove(&stream).is_some();
        if !is_open || self.hosts[stream.node].boot != stream.boot {
            return Ok(());
        }
        let input = cluster::Input::Ended { stream: stream.stream, outcome };
        self.gossip(stream.node, input)
    }

    fn answered(&mut self, node: usize, ticket: Ticket, answer: Answer) {
        let Some(request) = self.requests.remove(&(node, ticket)) else { return };
        match request {
            Request::Memory(token) => {
                let Answer::Memory { silences, log } = answer else { return };
                let parts = vec![("nfl".to_owned(), log), ("sil".to_owned(), silences.into())];
                let input = cluster::Input::State { token, parts };
                let outputs = self.hosts[node].gossip(self.at, input);
                self.perform(node, outputs);
            }
            Request::Post(reports) => {
                for (number, report) in reports {
                    let known = &mut self.sent[number].at[node];
                    known.in_flight -= 1;
                    known.uncertain = false;
                    known.acknowledged = Some(report);
                }
            }
            Request::Silence { number, ends_at, expires } => {
                self.silence_answered(node, number, ends_at, expires, answer);
            }
        }
    }

    fn attempt(&mut self, node: usize, attempt: Attempt) -> Result<(), String> {
        let told = &attempt.notification;
        let key = (told.integration.clone(), told.group_key.clone());
        let (delivery, at) = (attempt.delivery, self.at);
        if self.attempts.insert((node, key.0.clone(), key.1.clone()), delivery).is_some() {
            return Err(format!("two attempts at a time to tell {} about {}", key.0, key.1));
        }
        if let Some(tolerance) = self.tolerance() {
            let (sent, promised) = (&self.sent, &self.promised);
            judges::content_is_right(at, node, &attempt, tolerance, sent, promised)?;
        }
        let temper = Some(&self.swarm.receivers).filter(|_| !self.healed);
        let manner = Manner::draw(temper, &mut self.faults);
        let alerts = told.alerts.iter().map(|a| {
            let state = if a.resolved_at(told.now) { "resolved" } else { "firing" };
            format!("{} {state}", a.labels)
        });
        let alerts: Vec<_> = alerts.collect();
        let reason = told.reason.text();
        self.note(|| format!("n{node:02} tells {} {alerts:?}, {reason}: {manner:?}", key.0));
        if manner.is_trouble {
            self.trouble.insert(key.0.receiver.to_string(), at);
        }
        if manner.arrives {
            self.arrivals.push((at, node, key.0.clone()));
            let oddities = self.book.enter(at, node, delivery, told, &self.sent);
            for odd in oddities {
                let what = format!("n{node:02} tells {} {alerts:?}: it {}", key.0, odd.what);
                let is_race = !self.swarm.is_calm() && at < odd.since + RACE;
                if !is_race && !self.excuses.explain(odd.since, at) {
                    return Err(what);
                }
                self.note(|| what);
            }
        }
        self.expect_answer(node, &attempt, key, manner);
        Ok(())
    }

    fn expect_answer(&mut self, node: usize, attempt: &Attempt, key: Told, manner: Manner) {
        let host = &self.hosts[node];
        let (boot, delivery) = (host.boot, attempt.delivery);
        let Some(running) = &host.running else { return };
        let deadline = running.booted_at + Duration::from_nanos(attempt.deadline.0);
        let latest = deadline.saturating_sub(self.at);
        let Some((when, outcome)) = manner.answer else {
            self.plan_event(latest + GRACE, Event::GiveUp { node, boot, delivery, key });
            return;
        };
        let after = match when {
            Answered::After(after) => after.min(latest),
            Answered::AtTheDeadline => latest,
        };
        self.plan_event(after, Event::Answer { node, boot, delivery, key, outcome });
    }

    pub(super) fn forget_attempt(&mut self, node: usize, key: &Told, delivery: DeliveryId) {
        let key = (node, key.0.clone(), key.1.clone());
        if self.attempts.get(&key) == Some(&delivery) {
            self.attempts.remove(&key);
        }
    }

    /// By how much nodes may be wrong about the time; `None` if that is not known.
    fn tolerance(&self) -> Option<Duration> {
        if self.swarm.clocks_are_wrong() {
            return None;
        }
        // An end that lies ahead by the node's clock is read as one only when it is repeated; and
        // what is sent was read before the disk had it.
        let skew = if self.swarm.has(Fault::Skew) { 25 } else { 0 };
        Some(self.swarm.commit_max + Duration::from_secs(skew) + Duration::from_millis(1))
    }

    pub(super) fn request(&mut self, node: usize, request: Request) -> Ticket {
        let ticket = Ticket(self.number());
        self.requests.insert((node, ticket), request);
        ticket
    }

    fn host_at(&self, address: Address) -> Option<usize> {
        self.hosts.iter().position(|host| host.address == address)
    }
}

/// A node whose turn comes within the first second of another's attempt has not heard of it yet.
const RACE: Duration = Duration::from_millis(1500);
/// How long the engine waits behind a deadline for an answer.
const GRACE: Duration = Duration::from_secs(30);
