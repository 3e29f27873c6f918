//! The parent of all rooms: carries each parcel from one to the next.
//!
//! In: an [`Input`] with one reading of the clocks. Out: the [`Turn`]. The rooms do not know each
//! other; whatever passes between them passes through here, in a straight line.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Mono, Now, Silence, SilenceState};

use crate::alerts::Alerts;
use crate::deliveries::Deliveries;
use crate::group::Groups;
use crate::inhibition::InhibitionIndex;
use crate::mute::MuteContext;
use crate::notification_log::NotificationLog;
use crate::peers::Peers;
use crate::plan::Plan;
use crate::record::{Record, SilenceRecord};
use crate::rng::Rng;
use crate::settings::EngineSettings;
use crate::silence_index::SilenceIndex;
use crate::silences::Silences;
use crate::turn::{Answer, Channel, Input, Note, Ticket, Turn};
use crate::view::View;

mod intake;
mod maintenance;
mod notification;
mod replication;

use maintenance::MaintenanceTimers;
use replication::SeenMessages;

/// The machine. See the crate's first page for its rules.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    settings: EngineSettings,
    alerts: Alerts,
    inhibition_index: InhibitionIndex,
    groups: Groups,
    deliveries: Deliveries,
    notification_log: NotificationLog,
    silences: Arc<Silences>,
    silence_index: Arc<SilenceIndex>,
    maintenance: MaintenanceTimers,
    peers: Peers,
    seen_messages: SeenMessages,
    rng: Rng,
    /// Nothing is flushed before this; set by the first input.
    starts_at: Option<Mono>,
    generation: u64,
    last_mono: Mono,
}

impl Engine {
    /// `seed` decides the ids of new silences, so it must differ from process to process.
    pub fn new(plan: Arc<Plan>, settings: EngineSettings, seed: u128) -> Self {
        Engine {
            alerts: Alerts::new(settings.alerts_per_name_max),
            inhibition_index: InhibitionIndex::new(&plan),
            groups: Groups::default(),
            deliveries: Deliveries::default(),
            notification_log: NotificationLog::default(),
            silences: Arc::default(),
            silence_index: Arc::default(),
            maintenance: MaintenanceTimers::default(),
            peers: Peers::new(settings.peers.clone()),
            seen_messages: SeenMessages::default(),
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
    /// since nobody could say otherwise meanwhile. Groups keep the deadlines that they had.
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
                    alerts.push(intake::restored_alert(alert, ended, now, &self.plan));
                }
                Record::Group(group) => {
                    let due = now.mono_at(group.due);
                    let suppressed_until = group.suppressed_until.map(|until| now.mono_at(until));
                    groups.insert(group.name, intake::Deadlines { due, suppressed_until });
                }
                Record::Silence(version) => {
                    self.merge_silence(version, now);
                }
                Record::LogEntry(entry) => {
                    // Peers may have told it, and known more than the alerts say that were kept.
                    if self.peers.is_alone() {
                        self.notification_log.merge(entry);
                    } else {
                        self.notification_log.hear(entry, now);
                    }
                }
                Record::AlertGone(_)
                | Record::GroupGone(_)
                | Record::SilenceGone(_)
                | Record::LogEntryGone(_) => {}
            }
        }
        // After the silences, which each look for the alerts that they match.
        for alert in alerts {
            self.cover_alert(&alert);
            self.alerts.restore(alert);
        }
        self.sort_restored(now, groups, turn);
    }

    /// Takes one input and everything that is due by now, and adds what follows to `turn`.
    pub fn handle(&mut self, now: Now, input: Input, turn: &mut Turn) {
        self.begin(now);
        let os_wall = now.wall;
        let now = self.corrected(now, turn);
        match input {
            Input::Alerts { alerts, refused, ticket } => {
                self.generation += 1;
                self.take_alerts(now, alerts, refused, ticket, turn);
            }
            Input::PostSilence { silence, ticket } => {
                let settings = &self.settings;
                let rng = &mut self.rng;
                match self.silences.post(silence, now.wall, settings, || rng.uuid()) {
                    Ok(posted) => {
                        for version in posted.versions {
                            self.store_silence(now, version, turn);
                        }
                        let (id, created) = (posted.id, posted.created);
                        turn.notes.push(Note::SilenceStored { id: id.clone(), created });
                        turn.reply(ticket, Answer::SilencePosted { id });
                    }
                    Err(refusal) => turn.reply(ticket, Answer::SilenceRefused(refusal)),
                }
            }
            Input::ExpireSilence { id, ticket } => self.expire_silence(now, &id, ticket, turn),
            Input::Outcome { delivery, outcome } => self.take_outcome(now, delivery, outcome, turn),
            Input::PeerRecords { channel, data } => self.hear(now, channel, data, turn),
            Input::StatusBroadcast { data } => self.take_status(now, os_wall, &data, turn),
            Input::Peers(peers) => {
                self.peers.set_peers(now, peers);
                self.reschedule_waiting();
            }
            Input::PeerAlive { peer } => self.note_alive(&peer, turn),
            Input::Settled => {
                self.peers.settle();
                turn.notes.push(Note::Settled);
            }
            Input::FullStateRequested { ticket } => {
                let state = self.full_state();
                turn.reply(ticket, state);
            }
            Input::Plan(plan) => self.take_plan(now, plan, turn),
            Input::Tick => {}
        }
        self.advance(now, turn);
        self.tend_peers(now, os_wall, turn);
    }

    /// When the engine wants to be called again at the latest; at once, if that is past.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let flushes = self.groups.next_deadline().filter(|_| self.peers.is_settled());
        let flushes = flushes.map(|at| self.starts_at.map_or(at, |start| at.max(start)));
        let others = [self.deliveries.next_deadline(), self.maintenance.next(), self.peers.next()];
        others.into_iter().chain([flushes]).flatten().min()
    }

    /// What readers may see; cheap.
    pub fn view(&self) -> View {
        View::new(
            self.plan.clone(),
            self.alerts.snapshot(),
            self.inhibition_index.clone(),
            self.silences.clone(),
            self.silence_index.clone(),
            self.groups.count(),
            self.peers.peers(),
        )
    }

    /// Rises whenever a new [`Engine::view`] would differ.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many deliveries have not finished.
    pub fn deliveries_open(&self) -> usize {
        self.deliveries.count()
    }

    fn begin(&mut self, now: Now) {
        debug_assert!(now.mono >= self.last_mono, "the monotonic clock went backwards");
        self.last_mono = now.mono;
        if self.starts_at.is_none() {
            self.starts_at = Some(now.mono.plus(self.settings.start_delay));
            self.maintenance.begin(now.mono, &self.settings);
        }
    }

    /// Does everything that is due.
    fn advance(&mut self, now: Now, turn: &mut Turn) {
        while let Some(id) = self.deliveries.next_due(now.mono) {
            self.generation += 1;
            self.resume_delivery(now, id, turn);
        }
        if self.peers.is_settled() && self.starts_at.is_some_and(|start| start <= now.mono) {
            while let Some(id) = self.groups.next_due(now.mono) {
                self.generation += 1;
                self.flush(now, id, turn);
            }
        }
        self.maintain(now, turn);
    }

    fn mute_context(&self) -> MuteContext<'_> {
        MuteContext {
            plan: &self.plan,
            inhibition_index: &self.inhibition_index,
            silences: &self.silences,
            silence_index: &self.silence_index,
        }
    }

    fn expire_silence(&mut self, now: Now, id: &str, ticket: Ticket, turn: &mut Turn) {
        let answer = match self.silences.expire(id, now.wall) {
            Err(_) => Answer::SilenceUnknown,
            Ok(None) => Answer::SilenceExpired,
            Ok(Some(version)) => {
                self.store_silence(now, version, turn);
                turn.notes.push(Note::SilenceExpired { id: id.to_owned() });
                Answer::SilenceExpired
            }
        };
        turn.reply(ticket, answer);
    }

    fn store_silence(&mut self, now: Now, silence: Silence, turn: &mut Turn) {
        let silence = Arc::new(silence);
        let expires_at = silence.ends_at.plus(self.settings.retention);
        let version = SilenceRecord { silence: silence.clone(), expires_at, wire: None };
        self.merge_silence(version, now);
        let version = self.silences.version(silence, self.settings.retention);
        self.broadcast(Channel::Silences, &version.encode(), turn);
        turn.keep.push(Record::Silence(version));
    }

    /// Returns whether the version is news.
    fn merge_silence(&mut self, version: SilenceRecord, now: Now) -> bool {
        let silence = Silence::clone(&version.silence);
        let id: Arc<str> = silence.id.as_str().into();
        let known = self.silences.find(&id).cloned();
        let silences = Arc::make_mut(&mut self.silences);
        if !silences.merge(silence.clone(), now.wall) {
            return false;
        }
        silences.note_origin(version, self.settings.retention);
        self.generation += 1;
        let covers = |silence: &Silence| silence.state(now.wall) != SilenceState::Expired;
        let covered = known.as_ref().is_some_and(|known| covers(known));
        let unchanged = known.is_some_and(|known| known.matcher_sets == silence.matcher_sets);
        if covered && !(unchanged && covers(&silence)) {
            Arc::make_mut(&mut self.silence_index).remove_silences(&[id.clone()].into());
        }
        if covers(&silence) && !(unchanged && covered) {
            Arc::make_mut(&mut self.silence_index).add_silence(&id, &silence, &self.alerts);
        }
        self.reconsider_muted_by(now, &crate::group::MutedBy::Silence(id));
        true
    }

    /// Finds the silences that match an alert which is new.
    fn cover_alert(&mut self, alert: &Alert) {
        let silences = self.silences.matching(&alert.labels);
        if !silences.is_empty() {
            Arc::make_mut(&mut self.silence_index).add_alert(alert.fingerprint, silences);
        }
    }
}
