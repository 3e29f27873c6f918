//! Which silences are there, and which alerts do they match?
//!
//! In: requests of users, versions of silences from peers and from disk, new alerts. Out: what
//! changed, as an id: whose alerts to look at again is for the caller to find out. The silences and
//! the index of the alerts that they match change together, and only here.
//!
//! It knows no groups and no notifications.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Now, Silence, SilenceState};

use crate::alerts::Alerts;
use crate::record::{Record, wire};
use crate::replicated::SilenceRecord;
use crate::settings::EngineSettings;
use crate::silence_index::SilenceIndex;
use crate::silences::{Posted, PostedSilence, SilenceRefusal, Silences};
use crate::turn::Turn;

#[derive(Debug)]
pub(super) struct Silencing {
    /// Shared with views; copied when it changes while a reader holds it.
    pub silences: Arc<Silences>,
    /// Invariant: for each alert of the store, the silences of `silences` that match it and have not
    /// expired; expired ones may linger until maintenance. Shared like `silences`.
    pub index: Arc<SilenceIndex>,
    /// How long expired silences are kept.
    retention: Duration,
}

impl Silencing {
    pub fn new(retention: Duration) -> Self {
        Silencing { silences: Arc::default(), index: Arc::default(), retention }
    }

    /// Checks a request; the versions that follow from it are still to be merged.
    pub fn post(
        &self,
        silence: PostedSilence,
        now: Now,
        settings: &EngineSettings,
        new_id: impl FnOnce() -> String,
    ) -> Result<Posted, SilenceRefusal> {
        self.silences.post(silence, now.wall, settings, new_id)
    }

    /// The version that expires the silence now, still to be merged; `None` if it has expired.
    pub fn expire(&self, id: &str, now: Now) -> Result<Option<Silence>, SilenceRefusal> {
        self.silences.expire(id, now.wall)
    }

    /// Takes a version if it is newer than the known one; then returns its id.
    pub fn merge(&mut self, version: SilenceRecord, now: Now, alerts: &Alerts) -> Option<Arc<str>> {
        let silence = Silence::clone(&version.silence);
        let id: Arc<str> = silence.id.as_str().into();
        let known = self.silences.find(&id).cloned();
        let silences = Arc::make_mut(&mut self.silences);
        if !silences.merge(silence.clone(), now.wall) {
            return None;
        }
        silences.note_origin(version, self.retention);
        let may_mute = |silence: &Silence| silence.state(now.wall) != SilenceState::Expired;
        let was_indexed = known.as_ref().is_some_and(|known| may_mute(known));
        let unchanged = known.is_some_and(|known| known.matcher_sets == silence.matcher_sets);
        if was_indexed && !(unchanged && may_mute(&silence)) {
            Arc::make_mut(&mut self.index).remove_silences(&[id.clone()].into());
        }
        if may_mute(&silence) && !(unchanged && was_indexed) {
            Arc::make_mut(&mut self.index).add_silence(&id, &silence, alerts);
        }
        Some(id)
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
        if !self.index.of(alert.fingerprint).is_empty() {
            Arc::make_mut(&mut self.index).remove_alert(alert.fingerprint);
        }
    }

    /// Removes what has expired; returns how many silences readers no longer see.
    pub fn remove_expired(&mut self, now: Now, turn: &mut Turn) -> usize {
        let collected = Arc::make_mut(&mut self.silences).collect(now.wall, self.retention);
        let ended: &BTreeSet<Arc<str>> = &collected.ended;
        if !ended.is_empty() {
            Arc::make_mut(&mut self.index).remove_silences(ended);
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
