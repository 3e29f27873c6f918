//! Which silences are there, and which alerts do they match?
//!
//! In: requests of users, versions of silences from peers and from disk, new alerts. Out: what
//! changed, as an id: whose alerts to look at again is for the caller to find out. The silences and
//! the index of the alerts that they match change together, and only here.
//!
//! It knows no groups and no notifications.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Mono, Now, Silence, SilenceState};

use crate::alerts::Alerts;
use crate::record::{Record, RecordError, wire};
use crate::replicated::SilenceRecord;
use crate::settings::EngineSettings;
use crate::silence_index::{SHARDS, SilenceIndex};
use crate::silence_programs::{self, NotInForce, SilencePrograms, TURN_BYTES, TURN_SILENCES};
use crate::silences::{Posted, PostedSilence, SilenceRefusal, Silences};
use crate::turn::Turn;

#[derive(Debug)]
pub(super) struct Silencing {
    /// Shared with views; copied when it changes while a reader holds it.
    pub silences: Arc<Silences>,
    /// Invariant: for each alert of the store, the silences of `silences` that match it and have not
    /// expired; expired ones may linger until maintenance. Shared like `silences`.
    pub index: Arc<SilenceIndex>,
    /// Which regular expressions are compiled.
    programs: SilencePrograms,
    /// How long expired silences are kept.
    retention: Duration,
    /// Silences that have ended and are being taken out of `index`, some alerts in each turn; each with
    /// how many shards may still have it.
    leaving: BTreeMap<Arc<str>, usize>,
    /// The shard of `index` that is next for all of `leaving`.
    next_shard: usize,
}

/// A silence that is in force now, or for which there is no room.
#[derive(Debug)]
pub(super) struct Compiled {
    pub silence: Arc<Silence>,
    pub in_force: bool,
}

impl Silencing {
    pub fn new(settings: &EngineSettings) -> Self {
        Silencing {
            silences: Arc::default(),
            index: Arc::default(),
            programs: SilencePrograms::new(settings.silence_pattern_bytes_max),
            retention: settings.retention,
            leaving: BTreeMap::new(),
            next_shard: 0,
        }
    }

    /// Checks a request; the versions that follow from it are still to be merged.
    pub fn post(
        &self,
        silence: PostedSilence,
        now: Now,
        settings: &EngineSettings,
        new_id: impl FnOnce() -> String,
    ) -> Result<Posted, SilenceRefusal> {
        let posted = self.silences.post(silence, now.wall, settings, new_id)?;
        let id = if posted.created { "" } else { posted.id.as_str() };
        let bytes = posted.versions.last().map_or(0, silence_programs::bytes);
        if !self.programs.has_room(id, bytes) {
            let limit = self.programs.bytes_max();
            return Err(SilenceRefusal::PatternsTooLarge { bytes, limit });
        }
        Ok(posted)
    }

    /// Limit: whether a version of `bytes` that a peer sent may be taken. One that ends a silence that
    /// is known always may.
    pub fn check_limits(
        &self,
        now: Now,
        version: &SilenceRecord,
        bytes: usize,
        settings: &EngineSettings,
    ) -> Result<(), RecordError> {
        let refuse = |why| Err(RecordError { what: "silence", why });
        let (count_max, bytes_max) = (settings.silences_max, settings.silence_bytes_max);
        let id = &version.silence.id;
        let is_known = self.silences.knows(id);
        if is_known && version.silence.ends_at <= now.wall {
            return Ok(());
        }
        if bytes_max > 0 && bytes > bytes_max {
            return refuse(format!(
                "{id} has {bytes} bytes (limit: {bytes_max}, --silences.max-silence-size-bytes)"
            ));
        }
        if count_max > 0 && !is_known && self.silences.count() >= count_max {
            return refuse(format!(
                "{id} is one too many (limit: {count_max}, --silences.max-silences)"
            ));
        }
        Ok(())
    }

    /// The version that expires the silence now, still to be merged; `None` if it has expired.
    pub fn expire(&self, id: &str, now: Now) -> Result<Option<Silence>, SilenceRefusal> {
        self.silences.expire(id, now.wall)
    }

    /// Takes a version if it is newer than the known one; then returns its id, and whether another
    /// version was known.
    pub fn merge(
        &mut self,
        version: SilenceRecord,
        now: Now,
        alerts: &Alerts,
    ) -> Option<(Arc<str>, bool)> {
        let mut silence = Silence::clone(&version.silence);
        let id: Arc<str> = silence.id.as_str().into();
        let known = self.silences.find(&id).cloned();
        let may_mute = |silence: &Silence| silence.state(now.wall) != SilenceState::Expired;
        let was_indexed = known.as_ref().is_some_and(|known| may_mute(known))
            && self.silences.not_in_force(&id).is_none();
        let was_known = known.is_some();
        let same = known.filter(|known| known.matcher_sets == silence.matcher_sets);
        let unchanged = same.is_some();
        match same {
            _ if !may_mute(&silence) => silence = silence.without_programs(),
            // What is compiled of them need not be compiled again.
            Some(known) => silence.matcher_sets.clone_from(&known.matcher_sets),
            None => {}
        }
        let silences = Arc::make_mut(&mut self.silences);
        if !silences.merge(silence.clone(), now.wall) {
            return None;
        }
        silences.note_origin(version, self.retention);
        let makes_room = self.programs.forget(&id);
        let may_mute = may_mute(&silence);
        let in_force = may_mute && silences.not_in_force(&id).is_none();
        if in_force {
            self.programs.add(&id, silence_programs::bytes(&silence));
        } else if may_mute {
            self.programs.wait(id.clone());
        }
        if makes_room && !in_force {
            self.try_again();
        }
        let stays_indexed = was_indexed && unchanged && in_force;
        if !may_mute {
            if was_indexed {
                self.let_leave(id.clone());
            }
        } else if self.leaving.remove(&id).is_some() || was_indexed && !stays_indexed {
            // A peer changed the matchers, or made the silence active again. No user can: that makes
            // another silence.
            Arc::make_mut(&mut self.index).remove_silence(&id);
        }
        if in_force && !stays_indexed {
            Arc::make_mut(&mut self.index).add_silence(&id, &silence, alerts);
        }
        Some((id, was_known))
    }

    /// Brings the index further, by what fits into a turn.
    pub fn find_some(&mut self, alerts: &Alerts) {
        if !self.index.is_finished() {
            Arc::make_mut(&mut self.index).find_some(alerts);
        }
        if !self.leaving.is_empty() {
            let end = self.next_shard + SHARDS_PER_TURN;
            let index = Arc::make_mut(&mut self.index);
            index.remove_from(self.next_shard..end, |id| self.leaving.contains_key(id));
            self.next_shard = end % SHARDS;
            self.leaving.retain(|_, shards| {
                *shards -= SHARDS_PER_TURN;
                *shards > 0
            });
        }
    }

    /// The silence has ended: it leaves the index over several turns.
    fn let_leave(&mut self, id: Arc<str>) {
        if !self.index.is_finished() {
            Arc::make_mut(&mut self.index).stop_finding(&id);
        }
        self.leaving.insert(id, SHARDS);
    }

    /// Whether alerts of so many silences are still to be found that no more should come in this turn.
    pub fn is_crowded(&self) -> bool {
        self.index.is_crowded()
    }

    /// Whether [`Silencing::find_some`] is wanted at once.
    pub fn has_work_left(&self) -> bool {
        !self.index.is_finished() || !self.leaving.is_empty()
    }

    /// Compiles programs that wait, as many as one turn may.
    pub fn compile_some(&mut self, now: Now, alerts: &Alerts) -> Vec<Compiled> {
        let (mut spent, mut compiled) = (0, Vec::new());
        while spent < TURN_BYTES
            && compiled.len() < TURN_SILENCES
            && let Some(id) = self.programs.next(now.mono)
        {
            spent += self.compile(&id, alerts, &mut compiled);
        }
        if !compiled.is_empty() {
            self.programs.pause(now.mono, spent);
        }
        compiled
    }

    /// Compiles all programs that wait; before there are alerts.
    pub fn compile_all(&mut self, now: Now, alerts: &Alerts) -> Vec<Compiled> {
        let mut compiled = Vec::new();
        while let Some(id) = self.programs.next(now.mono) {
            self.compile(&id, alerts, &mut compiled);
        }
        compiled
    }

    /// When to compile more.
    pub fn next_compile(&self) -> Option<Mono> {
        self.programs.next_at()
    }

    /// Returns how many bytes of programs were compiled.
    fn compile(&mut self, id: &Arc<str>, alerts: &Alerts, compiled: &mut Vec<Compiled>) -> usize {
        let Some(silence) = self.silences.find(id).cloned() else { return 0 };
        if self.silences.not_in_force(id) != Some(NotInForce::Waiting) {
            return 0;
        }
        let silences = Arc::make_mut(&mut self.silences);
        match self.programs.compile(&silence) {
            Some(bytes) => {
                silences.put_in_force(id);
                self.programs.add(id, bytes);
                Arc::make_mut(&mut self.index).add_silence(id, &silence, alerts);
                compiled.push(Compiled { silence, in_force: true });
                bytes
            }
            None => {
                silences.keep_out_of_force(id);
                compiled.push(Compiled { silence, in_force: false });
                0
            }
        }
    }

    /// There is room for programs again.
    fn try_again(&mut self) {
        if self.silences.lacks_room() {
            for id in Arc::make_mut(&mut self.silences).try_again() {
                self.programs.wait(id);
            }
        }
    }

    /// The clock is set back by so much; returns whether that is news.
    pub fn set_clock_back(&mut self, by: Duration) -> bool {
        let is_news = self.silences.set_back_by() != by;
        if is_news {
            Arc::make_mut(&mut self.silences).set_clock_back(by);
        }
        is_news
    }

    /// A silence with all that is to be kept and sent of it.
    pub fn record(&self, silence: Arc<Silence>) -> SilenceRecord {
        self.silences.version(silence, self.retention)
    }

    /// A new version as it is before it is merged.
    pub fn new_record(&self, silence: Arc<Silence>) -> SilenceRecord {
        let expires_at = silence.ends_at.plus(self.retention);
        SilenceRecord { silence, expires_at, wire: None }
    }

    /// Finds the silences that match an alert which is new.
    pub fn add_alert(&mut self, alert: &Alert) {
        let silences = self.silences.matching(&alert.labels);
        if !silences.is_empty() {
            Arc::make_mut(&mut self.index).add_alert(alert.fingerprint, silences);
        }
    }

    /// Forgets an alert that left the store.
    pub fn remove_alert(&mut self, alert: &Alert) {
        if self.index.holds(alert.fingerprint) {
            Arc::make_mut(&mut self.index).remove_alert(alert.fingerprint);
        }
    }

    /// Removes what has expired; returns how many silences readers no longer see.
    pub fn remove_expired(&mut self, now: Now, turn: &mut Turn) -> usize {
        let collected = Arc::make_mut(&mut self.silences).collect(now.wall, self.retention);
        let mut makes_room = false;
        for id in collected.ended {
            makes_room |= self.programs.forget(&id);
            self.let_leave(id);
        }
        if makes_room {
            self.try_again();
        }
        let records = collected.gone.iter().map(|id| Record::SilenceGone(id.to_string()));
        turn.keep.extend(records);
        collected.hidden
    }

    /// All versions that peers and the disk should have.
    pub fn versions(&self) -> impl Iterator<Item = SilenceRecord> {
        self.silences.versions(self.retention)
    }

    /// All versions that peers should have, each preceded by its length.
    pub fn encode(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for version in self.versions() {
            wire::append_message(&mut data, &version.encode());
        }
        data
    }
}

/// Limit: a turn takes ended silences out of so much of the index. It divides the whole.
const SHARDS_PER_TURN: usize = SHARDS / 64;
