//! The engine: passes the results of each of its parts to the next.
//!
//! In: an [`Input`] with one reading of the clocks. Out: the [`Turn`]. The parts own their memory and
//! do not know each other; whatever passes between them passes through here:
//!
//! - `intake`: report → change → groups; a group that is due → its flush;
//! - `notification`: flush → deliveries → attempts → entries of the notification log;
//! - `silencing`: silences, and which alerts they match;
//! - `replication`: what peers send, who is alive, whose turn it is;
//! - `maintenance`: when to remove what has expired.
//!
//! This file has the four kinds of calls (restore, handle, next wake-up, reads) and what is common to
//! all inputs; what is passed for each input is in `carry.rs`, `due.rs` and `merging.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Mono, Now};

use crate::mute::MuteContext;
use crate::plan::Plan;
use crate::record::Record;
use crate::rng::Rng;
use crate::settings::EngineSettings;
use crate::turn::{Input, Note, Reply, Turn};
use crate::view::View;

use carry::note_programs;
use intake::{Deadlines, Intake, PASSED_PER_TURN, restored_alert};
use judging::{Budget, Flushed, Judging, Purpose, STEP_COST, Spent};
use maintenance::Maintenance;
use notification::Notification;
use pauses::Pauses;
use replication::Replication;
use silencing::Silencing;

pub use live::LiveRecords;

mod carry;
mod due;
mod intake;
mod judging;
mod live;
mod maintenance;
mod merging;
mod notification;
mod pauses;
mod replication;
mod silencing;

/// The alert manager's state machine. See the crate's first page for its rules.
#[derive(Debug)]
pub struct Engine {
    /// The configuration in force; replaced as a whole.
    plan: Arc<Plan>,
    /// What flags say; fixed.
    settings: EngineSettings,
    /// Alerts and the groups that hold them. Invariant: sorted by `plan`.
    intake: Intake,
    /// Silences. Invariant: they know of every alert of `intake`.
    silencing: Silencing,
    /// Deliveries under way, and the notification log. Invariant: every group with an open flush has
    /// as many deliveries here as the flush counts.
    notification: Notification,
    /// Peers, and what is known of their records.
    replication: Replication,
    /// Whether this process was held up, so that peers know more.
    pauses: Pauses,
    /// The group whose judgement was begun in an earlier turn.
    judging: Option<Judging>,
    /// The large group that was flushed last, while deliveries of the flush are undecided.
    flushed: Option<Flushed>,
    spent: Spent,
    /// When to remove what has expired.
    maintenance: Maintenance,
    /// Ids of silences and jitter of retries; one for both, so that equal seeds give equal turns.
    rng: Rng,
    /// Nothing is flushed before this; set by the first input.
    starts_at: Option<Mono>,
    /// Rises whenever a view would differ.
    generation: u64,
    /// Invariant: no input has an earlier reading of the monotonic clock.
    last_mono: Mono,
}

impl Engine {
    /// `seed` decides the ids of new silences, so it must differ from process to process.
    pub fn new(plan: Arc<Plan>, settings: EngineSettings, seed: u128) -> Self {
        Engine {
            intake: Intake::new(&plan, &settings),
            silencing: Silencing::new(&settings),
            notification: Notification::new(&settings),
            replication: Replication::new(settings.peers.clone()),
            pauses: Pauses::default(),
            judging: None,
            flushed: None,
            spent: Spent::default(),
            maintenance: Maintenance::default(),
            rng: Rng::new(seed),
            starts_at: None,
            generation: 0,
            last_mono: Mono(0),
            plan,
            settings,
        }
    }

    /// Rebuilds memory from the records of an earlier run; to be called once, before any input.
    ///
    /// Alerts that fired when they were last written count as firing for another resolve timeout,
    /// since no sender could report otherwise meanwhile. Groups keep the deadlines that they had.
    pub fn restore(
        &mut self,
        now: Now,
        records: impl IntoIterator<Item = Record>,
        turn: &mut Turn,
    ) {
        self.begin(now);
        let mut alerts = Vec::new();
        let mut groups = BTreeMap::new();
        for record in records {
            match record {
                Record::Alert { alert, ended } => {
                    let alert = Arc::unwrap_or_clone(alert);
                    alerts.push(restored_alert(alert, ended, now, &self.plan));
                }
                Record::Group(group) => {
                    let due = now.mono_at(group.due);
                    let suppressed_until = group.suppressed_until.map(|until| now.mono_at(until));
                    groups.insert(group.name, Deadlines { due, suppressed_until });
                }
                Record::Silence(version) => {
                    self.merge_silence(now, version, turn);
                }
                Record::LogEntry(entry) => self.notification.restore(now, entry),
                Record::AlertGone(_)
                | Record::GroupGone(_)
                | Record::SilenceGone(_)
                | Record::LogEntryGone(_) => {}
            }
        }
        let compiled = self.silencing.compile_all(now, &self.intake.alerts);
        note_programs(compiled, turn);
        // After the silences, which each look for the alerts that they match.
        for alert in alerts {
            self.silencing.add_alert(&alert);
            self.intake.alerts.restore(alert);
        }
        self.restore_groups(now, groups, turn);
    }

    /// Takes one input and what is due by now, and adds what follows to `turn`. Of what is due it does
    /// about a millisecond's work; the rest is left to the next turn, which is wanted at once.
    pub fn handle(&mut self, now: Now, input: Input, turn: &mut Turn) {
        self.begin(now);
        self.note_pause(now, turn);
        let os_wall = now.wall;
        let now = self.replication.corrected(now, turn);
        if self.silencing.set_clock_back(self.replication.peers.clock_set_back_by()) {
            self.generation += 1;
        }
        match input {
            Input::Alerts { alerts, refused, ticket } => {
                let reply = self.take_alerts(now, alerts, refused, turn);
                turn.reply(Reply::Alerts { ticket, reply });
            }
            Input::PostSilence { silence, ticket } => {
                let reply = self.post_silence(now, silence, turn);
                turn.reply(Reply::PostSilence { ticket, reply });
            }
            Input::ExpireSilence { id, ticket } => {
                let reply = self.expire_silence(now, &id, turn);
                turn.reply(Reply::ExpireSilence { ticket, reply });
            }
            Input::Outcome { delivery, outcome } => self.take_outcome(now, delivery, outcome, turn),
            Input::PeerRecords { channel, data } => {
                self.replication.queue(now.mono, channel, data);
            }
            Input::StatusBroadcast { from, data } => {
                if self.replication.take_status(now, os_wall, from, &data, turn) {
                    self.reschedule_waiting();
                }
            }
            Input::Peers(peers) => {
                self.replication.set_peers(now, peers);
                self.reschedule_waiting();
            }
            Input::PeerAlive { peer } => {
                if self.replication.note_alive(&peer, turn) {
                    self.reschedule_waiting();
                }
            }
            Input::Settled => {
                self.replication.peers.settle();
                turn.notes.push(Note::Settled);
            }
            Input::FullStateRequested { ticket } => {
                let state = self.full_state();
                turn.reply(Reply::FullState { ticket, state });
            }
            Input::Plan(plan) => self.take_plan(now, plan, turn),
            Input::Tick => {}
        }
        self.merge_peer_records(now, turn);
        self.compile_programs(now, turn);
        self.silencing.find_some(&self.intake.alerts);
        self.intake.find_unmuted(now, &self.plan, PASSED_PER_TURN, turn);
        self.advance(now, turn);
        self.tend_peers(now, os_wall, turn);
    }

    /// When the engine wants to be called again at the latest; at once, if that is past.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let is_settled = self.replication.peers.is_settled();
        let flushes = self.intake.groups.next_deadline().filter(|_| is_settled);
        let flushes = flushes.map(|at| self.starts_at.map_or(at, |start| at.max(start)));
        let flushes = flushes.map(|at| self.pauses.after(at));
        let deliveries = self.notification.deliveries.next_deadline();
        let deliveries = deliveries.map(|at| self.pauses.after(at));
        let look = self.pauses.next().filter(|_| !self.replication.peers.is_alone());
        let at_once = self.has_work_left().then(|| self.pauses.after(self.last_mono));
        let merging = self.replication.has_arrived().then_some(self.last_mono);
        let (maintenance, peers) = (self.maintenance.next(), self.replication.peers.next());
        let compiling = self.silencing.next_compile();
        let others = [merging, deliveries, maintenance, peers, look, compiling];
        others.into_iter().chain([flushes, at_once]).flatten().min()
    }

    /// What readers may see; cheap.
    pub fn view(&self) -> View {
        View::new(
            self.plan.clone(),
            self.intake.alerts.snapshot(),
            self.intake.inhibition.index.clone(),
            self.silencing.silences.clone(),
            self.silencing.index.clone(),
            self.intake.groups.count(),
            self.replication.peers.views(),
        )
    }

    /// Rises whenever a new [`Engine::view`] would differ.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many deliveries have not finished.
    pub fn deliveries_open(&self) -> usize {
        self.notification.deliveries.count()
    }

    fn begin(&mut self, now: Now) {
        debug_assert!(now.mono >= self.last_mono, "the monotonic clock went backwards");
        self.last_mono = now.mono;
        if self.starts_at.is_none() {
            self.starts_at = Some(now.mono.plus(self.settings.start_delay));
            self.maintenance.begin(now.mono, &self.settings);
        }
    }

    /// Holds notifications if this process was held up and has peers to hear from.
    fn note_pause(&mut self, now: Now, turn: &mut Turn) {
        if self.replication.peers.is_alone() {
            return;
        }
        let expected = self.next_wakeup();
        if let Some(by) = self.pauses.note(now, expected) {
            self.judging = None;
            self.flushed = None;
            turn.notes.push(Note::HeldUp { by });
        }
    }

    /// Does what is due, as far as it fits into one turn.
    fn advance(&mut self, now: Now, turn: &mut Turn) {
        if self.pauses.hold(now.mono) {
            return self.maintain(now, turn);
        }
        let mut budget = Budget::of_a_turn();
        self.spent.free_some();
        if let Some(id) = self.intake.closing() {
            self.generation += 1;
            budget.spend(self.intake.close_flush(now, &self.plan, id, turn));
        }
        // What a peer has notified is to be known before anything is notified here.
        while !budget.is_spent()
            && !self.replication.holds(now.mono)
            && let Some(purpose) = self.next_purpose(now)
        {
            self.generation += 1;
            budget.spend(STEP_COST);
            match purpose {
                Purpose::Delivery(id) => self.resume_delivery(now, id, &mut budget, turn),
                Purpose::Flush(id) => self.flush(now, id, &mut budget, turn),
            }
        }
        self.maintain(now, turn);
    }

    /// What is to be done first of all that is due: what has been begun, then deliveries.
    fn next_purpose(&self, now: Now) -> Option<Purpose> {
        let begun = self.judging.as_ref().map(|judging| judging.purpose);
        let flushed = self.flushed.as_ref().and_then(Flushed::next).map(Purpose::Delivery);
        let begun = begun.or(flushed);
        let delivery = || self.notification.deliveries.next_due(now.mono).map(Purpose::Delivery);
        let may_flush = self.replication.peers.is_settled()
            && self.starts_at.is_some_and(|start| start <= now.mono);
        let flush = || self.intake.groups.next_due(now.mono).map(Purpose::Flush);
        begun.or_else(delivery).or_else(|| flush().filter(|_| may_flush))
    }

    /// Whether a turn is wanted at once for what has been begun.
    fn has_work_left(&self) -> bool {
        self.judging.is_some()
            || self.flushed.is_some()
            || self.intake.closing().is_some()
            || self.intake.has_ended_mutes()
            || self.silencing.has_work_left()
            || !self.spent.is_empty()
    }

    fn mute_context(&self) -> MuteContext<'_> {
        MuteContext {
            plan: &self.plan,
            inhibition_index: &self.intake.inhibition.index,
            silences: &self.silencing.silences,
            silence_index: &self.silencing.index,
        }
    }
}

#[cfg(test)]
mod tests;
