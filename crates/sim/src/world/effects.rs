//! Between the machines, the network and the receivers.

use std::time::Duration;

use bellwether_engine::{self as engine, Attempt, DeliveryId, Effect, FullState, Input, Ticket};
use bellwether_memberlist::cluster::{self, Output, ReplyWanted, StreamFailure, StreamOutcome};
use bellwether_memberlist::{self as memberlist, Address, StreamMessage};

use super::{AttemptKey, Event, StreamKey, World};
use crate::checks;
use crate::conditions::KillPoints;
use crate::hostile;
use crate::node::{self, Delivered, Released};
use crate::received::Anomaly;
use crate::receivers::{Answered, Response};

impl World<'_> {
    pub(super) fn tick(&mut self, node: usize) -> Result<(), String> {
        self.gossip(node, cluster::Input::Tick)?;
        self.input(node, Input::Tick, None)
    }

    /// One input to the engine of a node, and all that follows at once.
    pub(super) fn input(
        &mut self,
        node: usize,
        input: Input,
        delivered: Option<Delivered>,
    ) -> Result<(), String> {
        if let Some(running) = &mut self.nodes[node].running {
            running.inbox.push_back((input, delivered));
        }
        self.work_off(node)
    }

    /// One input to the membership of a node, and all that follows at once.
    pub(super) fn gossip(&mut self, node: usize, input: cluster::Input) -> Result<(), String> {
        let outputs = self.nodes[node].gossip(self.at, input);
        self.perform(node, outputs);
        self.work_off(node)
    }

    pub(super) fn commit(&mut self, node: usize) -> Result<(), String> {
        self.sync(node)?;
        self.work_off(node)
    }

    /// Makes durable what was handed in, and lets out what waited for that.
    fn sync(&mut self, node: usize) -> Result<(), String> {
        self.nodes[node].sync(self.at)?;
        self.kill_before_effects(node);
        self.nodes[node].release(self.at);
        Ok(())
    }

    /// Empties a node's queues. It may be killed after each step.
    pub(super) fn work_off(&mut self, node: usize) -> Result<(), String> {
        loop {
            let Some(running) = &mut self.nodes[node].running else { return Ok(()) };
            if let Some(released) = running.outbox.pop_front() {
                match released {
                    Released::Confirmed(delivered) => self.received.confirm(node, delivered),
                    Released::Effect(effect) => self.effect(node, effect)?,
                }
                self.perhaps_kill(node);
            } else if let Some((input, delivered)) = running.inbox.pop_front() {
                self.take_input(node, input, delivered)?;
                if self.nodes[node].waits_for_disk() {
                    self.kill_before_effects(node);
                    self.expect_commit(node)?;
                }
            } else {
                self.nodes[node].set_alarm();
                return Ok(());
            }
        }
    }

    /// Lets the engine take an input. What it wants to send is checked at once, by what was
    /// promised until now, and sent when the disk allows it.
    fn take_input(
        &mut self,
        node: usize,
        input: Input,
        delivered: Option<Delivered>,
    ) -> Result<(), String> {
        for note in self.nodes[node].take_input(self.at, input, delivered) {
            self.note(|| format!("n{node:02} {note:?}"));
        }
        if self.hostile_peer() == Some(node) {
            return Ok(());
        }
        let Some(running) = &self.nodes[node].running else { return Ok(()) };
        let Some(facts) = self.facts() else { return Ok(()) };
        for effect in running.effects() {
            if let Effect::Attempt(attempt) = effect {
                checks::content_is_right(&facts, node, running.mono(self.at), attempt)?;
            }
        }
        Ok(())
    }

    pub(super) fn expect_commit(&mut self, node: usize) -> Result<(), String> {
        let most = if self.healed { Duration::ZERO } else { self.conditions.commit_max };
        if most.is_zero() {
            return self.sync(node);
        }
        let after = Duration::from_millis(self.faults_rng.below(most.as_millis() as u64));
        let boot = self.nodes[node].boot;
        if let Some(running) = &mut self.nodes[node].running
            && !std::mem::replace(&mut running.commit_is_due, true)
        {
            self.plan_event(after, Event::Commit { node, boot });
        }
        Ok(())
    }

    fn kill_before_effects(&mut self, node: usize) {
        let is_running = self.nodes[node].running.is_some();
        if is_running && self.conditions.kill_points == KillPoints::EveryStep {
            self.perhaps_kill(node);
        }
    }

    fn effect(&mut self, node: usize, effect: Effect) -> Result<(), String> {
        if self.hostile_peer() == Some(node) && !self.is_honoured(&effect) {
            return Ok(());
        }
        let other = match node::for_peers(effect) {
            Ok(input) if self.conditions.has_membership => {
                let outputs = self.nodes[node].gossip(self.at, input);
                self.perform(node, outputs);
                return Ok(());
            }
            Ok(input) => return Err(format!("a node without membership has {input:?} for peers")),
            Err(other) => *other,
        };
        match other {
            Effect::Reply(reply) => {
                self.replied(node, reply);
                Ok(())
            }
            Effect::Attempt(attempt) => self.attempt(node, attempt),
            other => Err(format!("nothing performs {other:?}")),
        }
    }

    /// What membership wants done.
    pub(super) fn perform(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::SendDatagram { to, bytes } => self.send(node, to, bytes),
                Output::Open { stream, to, payload, reply_wanted, deadline } => {
                    let boot = self.nodes[node].boot;
                    let stream = StreamKey { node, boot, stream };
                    self.open(stream, to, payload.into_message(), reply_wanted, deadline);
                }
                Output::Reply { stream, payload } => {
                    self.close(node, stream, StreamOutcome::Replied(payload.into_message()));
                }
                Output::Close { stream } => {
                    self.close(node, stream, StreamOutcome::Failed(StreamFailure::Closed));
                }
                Output::Resolve { name: _ } | Output::Left => {}
                Output::StateRequested { token } => {
                    let ticket = self.new_ticket();
                    self.state_requests.insert((node, ticket), token);
                    self.queue_input(node, Input::FullStateRequested { ticket });
                }
                Output::Received { key, data, from, .. } => {
                    if let Some(input) = node::from_peer(&key, data.into(), from.ip) {
                        self.overhear(node, &input);
                        self.queue_input(node, input);
                    }
                }
                Output::PeerAlive { peer } => {
                    self.queue_input(node, Input::PeerAlive { peer: peer.to_string() });
                }
                Output::Settled { .. } => {
                    self.note(|| format!("n{node:02} has settled"));
                    let at = self.at;
                    if let Some(running) = &mut self.nodes[node].running {
                        running.settled = true;
                        self.nodes[node].steady_since = at;
                    }
                    self.queue_input(node, Input::Settled);
                }
                Output::MembersChanged => {
                    let peers = self.nodes[node].peers();
                    self.note(|| format!("n{node:02} sees {peers:?}"));
                    self.queue_input(node, Input::Peers(peers));
                }
                Output::Note(note) => self.note(|| format!("n{node:02} {note:?}")),
            }
        }
    }

    fn queue_input(&mut self, node: usize, input: Input) {
        if let Some(running) = &mut self.nodes[node].running {
            running.inbox.push_back((input, None));
        }
    }

    fn send(&mut self, node: usize, to: Address, bytes: Vec<u8>) {
        let Some(receiver) = self.node_at(to) else { return };
        let from = self.nodes[node].address;
        for after in self.network.datagram(node, receiver, &mut self.network_rng) {
            let bytes = bytes.clone();
            self.plan_event(after, Event::Datagram { to: receiver, from, bytes });
        }
    }

    fn open(
        &mut self,
        stream: StreamKey,
        to: Address,
        message: StreamMessage,
        reply_wanted: ReplyWanted,
        deadline: memberlist::Mono,
    ) {
        self.streams.insert(stream, reply_wanted);
        let node = stream.node;
        let Some(running) = &self.nodes[node].running else { return };
        let deadline = running.booted_at + Duration::from_nanos(deadline.0);
        let late = StreamOutcome::Failed(StreamFailure::TimedOut);
        self.plan_event(deadline.saturating_sub(self.at), Event::Ended { stream, outcome: late });
        let Some(peer) = self.node_at(to) else { return };
        let Some(after) = self.network.stream(node, peer, &mut self.network_rng) else { return };
        // A handshake first.
        let after = after * 3;
        let from = self.nodes[node].address;
        self.plan_event(after, Event::Opened { to: peer, from, stream, message });
    }

    pub(super) fn opened(
        &mut self,
        to: usize,
        from: Address,
        stream: StreamKey,
        message: StreamMessage,
    ) -> Result<(), String> {
        if self.nodes[to].running.is_none() {
            let outcome = StreamOutcome::Failed(StreamFailure::Unreachable);
            self.plan_event(Duration::from_millis(1), Event::Ended { stream, outcome });
            return Ok(());
        }
        let ticket = memberlist::InboundId(self.number());
        self.tickets.insert(ticket, stream);
        self.gossip(to, cluster::Input::Opened { stream: ticket, from, message })
    }

    /// A node is done with a stream that a peer has opened.
    fn close(&mut self, node: usize, ticket: memberlist::InboundId, outcome: StreamOutcome) {
        let Some(stream) = self.tickets.remove(&ticket) else { return };
        let outcome = match self.streams.get(&stream) {
            Some(ReplyWanted::No) => StreamOutcome::Sent,
            _ => outcome,
        };
        if let Some(after) = self.network.stream(node, stream.node, &mut self.network_rng) {
            self.plan_event(after, Event::Ended { stream, outcome });
        }
    }

    pub(super) fn ended(
        &mut self,
        stream: StreamKey,
        outcome: StreamOutcome,
    ) -> Result<(), String> {
        let is_open = self.streams.remove(&stream).is_some();
        if !is_open || self.nodes[stream.node].boot != stream.boot {
            return Ok(());
        }
        let input = cluster::Input::Ended { stream: stream.stream, outcome, error: None };
        self.gossip(stream.node, input)
    }

    fn replied(&mut self, node: usize, reply: engine::Reply) {
        match reply {
            engine::Reply::FullState { ticket, state } => {
                let Some(token) = self.state_requests.remove(&(node, ticket)) else { return };
                let FullState { silences, notification_log } = state;
                let parts =
                    vec![("nfl".to_owned(), notification_log), ("sil".to_owned(), silences.into())];
                let input = cluster::Input::State { token, parts };
                let outputs = self.nodes[node].gossip(self.at, input);
                self.perform(node, outputs);
            }
            engine::Reply::Alerts { ticket, .. } => {
                let Some(reports) = self.posts.remove(&(node, ticket)) else { return };
                for (number, report) in reports {
                    let known = &mut self.alerts[number].promises[node];
                    known.in_flight -= 1;
                    known.uncertain = report.resolved && report.is_ahead;
                    known.acknowledged = Some(report);
                }
            }
            engine::Reply::PostSilence { ticket, reply } => {
                self.note(|| format!("n{node:02} answers {reply:?}"));
                let Some(change) = self.silence_changes.remove(&(node, ticket)) else { return };
                let is_done = reply.is_ok();
                if let Ok(id) = reply {
                    self.silences[change.number].id = Some(id);
                }
                self.silence_changed(node, change, is_done);
            }
            engine::Reply::ExpireSilence { ticket, reply } => {
                self.note(|| format!("n{node:02} answers {reply:?}"));
                let Some(change) = self.silence_changes.remove(&(node, ticket)) else { return };
                self.silence_changed(node, change, reply.is_ok());
            }
        }
    }

    fn attempt(&mut self, node: usize, attempt: Attempt) -> Result<(), String> {
        let notification = &attempt.notification();
        let key = (notification.integration.clone(), notification.group_key.clone());
        let (delivery, at) = (attempt.delivery, self.at);
        if self.attempts.insert((node, key.0.clone(), key.1.clone()), delivery).is_some() {
            return Err(format!("two attempts at a time to notify {} of {}", key.0, key.1));
        }
        let hostile = self.conditions.hostile.as_ref().and_then(|hostile| hostile.receiver);
        let is_hostile = hostile.is_some_and(|hostile| *key.0.receiver == *hostile);
        let faults = if is_hostile { &hostile::receiver() } else { &self.conditions.receivers };
        let faults = Some(faults).filter(|_| !self.healed);
        let response = Response::draw(faults, &mut self.faults_rng);
        let alerts = notification.alerts.iter().map(|alert| {
            let is_resolved = alert.resolved_at(notification.now);
            format!("{} {}", alert.labels, if is_resolved { "resolved" } else { "firing" })
        });
        let alerts: Vec<_> = alerts.collect();
        let reason = notification.reason.text();
        self.note(|| {
            format!("n{node:02} notifies {} of {alerts:?}, {reason}: {response:?}", key.0)
        });
        if response.is_fault {
            self.receiver_faults.insert(key.0.receiver.to_string(), at);
        }
        if response.arrives {
            self.arrivals.push((at, node, key.0.clone()));
            let is_race = self.attempts.keys().any(|(other, integration, group)| {
                *other != node && (integration, group) == (&key.0, &key.1)
            });
            let anomalies =
                self.received.record(at, (node, delivery), is_race, notification, &self.alerts);
            for anomaly in anomalies {
                let what =
                    format!("n{node:02} notifies {} of {alerts:?}: it {}", key.0, anomaly.what);
                if !self.is_explained(&anomaly) {
                    return Err(what);
                }
                self.note(|| what);
            }
        }
        self.expect_answer(node, &attempt, key, response);
        Ok(())
    }

    fn is_explained(&self, anomaly: &Anomaly) -> bool {
        // A single node that repeats something must be in doubt whether it arrived.
        if self.is_one_node() && anomaly.is_repetition {
            return false;
        }
        let is_race = !self.conditions.is_calm() && self.at < anomaly.since + RACE;
        is_race || self.explanations.explain(anomaly.since, self.at)
    }

    fn expect_answer(
        &mut self,
        node: usize,
        attempt: &Attempt,
        key: AttemptKey,
        response: Response,
    ) {
        let (boot, delivery) = (self.nodes[node].boot, attempt.delivery);
        let Some(running) = &self.nodes[node].running else { return };
        let deadline = running.booted_at + Duration::from_nanos(attempt.deadline.0);
        let latest = deadline.saturating_sub(self.at);
        let Some((when, outcome)) = response.answer else {
            self.plan_event(latest + GRACE, Event::GiveUp { node, boot, delivery, key });
            return;
        };
        let after = match when {
            Answered::After(after) => after.min(latest),
            Answered::AtTheDeadline => latest,
        };
        self.plan_event(after, Event::Answer { node, boot, delivery, key, outcome });
    }

    pub(super) fn forget_attempt(&mut self, node: usize, key: &AttemptKey, delivery: DeliveryId) {
        let key = (node, key.0.clone(), key.1.clone());
        if self.attempts.get(&key) == Some(&delivery) {
            self.attempts.remove(&key);
        }
    }

    pub(super) fn new_ticket(&mut self) -> Ticket {
        Ticket(self.number())
    }

    fn node_at(&self, address: Address) -> Option<usize> {
        self.nodes.iter().position(|node| node.address == address)
    }
}

/// A node whose turn comes within the first second of another's attempt does not know of it yet.
const RACE: Duration = Duration::from_millis(1500);
/// How long the engine waits after a deadline for an answer.
const GRACE: Duration = Duration::from_secs(30);
