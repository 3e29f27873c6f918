//! Silences: which are there, which hold for an alert now, and how may they be changed?
//!
//! In: requests to create, change and expire, and silences replayed from disk or received from peers.
//! Out: the silence to keep, or why not; and for labels, the silences that match. The table itself
//! changes through [`Silences::merge`] alone: of two versions of a silence the newer one stays.
//!
//! Silences that have ended stay readable until the retention passes, but are out of the index that
//! alerts are matched against. One that was ended early is remembered, unseen, for as long as the
//! version that was to last longer: a peer that comes back with that cannot make it active again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::regex::{Pattern, matches_empty};
use bellwether_model::{LabelSet, Matcher, Matchers, Op, Silence, SilenceState, Timestamp};

use crate::index::MatcherIndex;
use crate::record::wire;
use crate::replicated::{SilenceRecord, Wire};
use crate::settings::EngineSettings;
use crate::silence_programs::NotInForce;

/// A request to create a silence, or to change the one with this id.
#[derive(Clone, Debug)]
pub struct PostedSilence {
    pub id: Option<String>,
    pub matchers: Vec<Matcher>,
    /// [`Timestamp::ZERO`] for now.
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

/// Why a request was refused; prints the text that the API answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceRefusal {
    NotFound,
    StartNotBeforeEnd,
    EndsInThePast,
    NoMatchers,
    OnlyEmptyMatches,
    /// Limit: `--silences.max-silences`.
    TooMany {
        count: usize,
        limit: usize,
    },
    /// Limit: `--silences.max-silence-size-bytes`.
    TooLarge {
        bytes: usize,
        limit: usize,
    },
    /// Limit: `--silences.max-pattern-bytes`.
    PatternsTooLarge {
        bytes: usize,
        limit: usize,
    },
}

/// What a request leads to.
#[derive(Debug)]
pub(crate) struct Posted {
    pub id: String,
    pub created: bool,
    /// To be merged and kept, in this order.
    pub versions: Vec<Silence>,
}

/// All silences, and an index over those that have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silences {
    by_id: BTreeMap<Arc<str>, Arc<Silence>>,
    /// Those that had not ended when they were last looked at.
    unended: BTreeSet<Arc<str>>,
    /// The matchers of `unended`.
    index: MatcherIndex<Arc<str>>,
    /// Those that readers see no more, but of which a longer version may still be about.
    hidden: BTreeMap<Arc<str>, Arc<Silence>>,
    /// The latest end that any version had, where that is later than the end of the newest one.
    latest_end: BTreeMap<Arc<str>, Timestamp>,
    /// As peers encoded them, where that says more than we understand.
    wires: BTreeMap<Arc<str>, Wire>,
    /// Those of `unended` that mute nothing, which `index` does not have.
    not_in_force: BTreeMap<Arc<str>, NotInForce>,
    /// How far the clock is set back: a silence that began by this node's own clock has begun.
    set_back_by: Duration,
}

/// What [`Silences::collect`] did.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Silences that ended since the last time.
    pub ended: BTreeSet<Arc<str>>,
    /// How many readers see no more.
    pub hidden: usize,
    /// Silences that are no more.
    pub gone: Vec<Arc<str>>,
}

impl Silences {
    /// Checks a request against what is there; changes nothing yet.
    pub fn post(
        &self,
        posted: PostedSilence,
        now: Timestamp,
        settings: &EngineSettings,
        new_id: impl FnOnce() -> String,
    ) -> Result<Posted, SilenceRefusal> {
        let mut silence = checked(posted, now)?;
        let previous = match silence.id.as_str() {
            "" => None,
            id => Some(self.by_id.get(id).ok_or(SilenceRefusal::NotFound)?),
        };
        if let Some(previous) = previous
            && may_change_in_place(previous, &silence, now)
        {
            silence.updated_at = after(now, previous.updated_at);
            check_size(&silence, settings)?;
            return Ok(Posted { id: silence.id.clone(), created: false, versions: vec![silence] });
        }
        let count = self.by_id.len();
        if settings.silences_max > 0 && count + 1 > settings.silences_max {
            return Err(SilenceRefusal::TooMany { count, limit: settings.silences_max });
        }
        silence.id = new_id();
        silence.starts_at = silence.starts_at.max(now);
        silence.updated_at = now;
        check_size(&silence, settings)?;
        let expired = previous.and_then(|previous| expired_version(previous, now));
        let id = silence.id.clone();
        let versions = expired.into_iter().chain([silence]).collect();
        Ok(Posted { id, created: true, versions })
    }

    /// The version of the silence that ends it now; `None` if it has ended already.
    pub fn expire(&self, id: &str, now: Timestamp) -> Result<Option<Silence>, SilenceRefusal> {
        let silence = self.by_id.get(id).ok_or(SilenceRefusal::NotFound)?;
        Ok(expired_version(silence, now))
    }

    /// Takes this version if it is newer than the known one; returns whether it did.
    pub fn merge(&mut self, silence: Silence, now: Timestamp) -> bool {
        let id: Arc<str> = silence.id.as_str().into();
        if let Some(known) = self.by_id.get(&id).or_else(|| self.hidden.get(&id)) {
            let (newer, older) = if supersedes(&silence, known) {
                (&silence, &**known)
            } else {
                (&**known, &silence)
            };
            let latest_end = self.latest_end.get(&id).copied().unwrap_or(older.ends_at);
            let latest_end = latest_end.max(older.ends_at);
            if latest_end > newer.ends_at {
                self.latest_end.insert(id.clone(), latest_end);
            } else {
                self.latest_end.remove(&id);
            }
            if !supersedes(&silence, known) {
                return false;
            }
            unindex(&mut self.index, known);
            self.unended.remove(&id);
            self.not_in_force.remove(&id);
            self.hidden.remove(&id);
            self.wires.remove(&id);
        }
        if silence.state(now) != SilenceState::Expired {
            if silence.patterns().all(Pattern::is_compiled) {
                for set in &silence.matcher_sets {
                    self.index.insert(id.clone(), set);
                }
            } else {
                self.not_in_force.insert(id.clone(), NotInForce::Waiting);
            }
            self.unended.insert(id.clone());
        }
        self.by_id.insert(id, Arc::new(silence));
        true
    }

    /// The programs of this silence have been built: it is in force.
    pub fn put_in_force(&mut self, id: &Arc<str>) {
        if let Some(silence) = self.by_id.get(id)
            && self.not_in_force.remove(id).is_some()
        {
            for set in &silence.matcher_sets {
                self.index.insert(id.clone(), set);
            }
        }
    }

    /// There is no room for the programs of this silence.
    pub fn keep_out_of_force(&mut self, id: &Arc<str>) {
        if let Some(silence) = self.by_id.get_mut(id) {
            *silence = Arc::new(silence.without_programs());
            self.not_in_force.insert(id.clone(), NotInForce::TooLarge);
        }
    }

    /// Lets those for which there was no room wait again; returns them.
    pub fn try_again(&mut self) -> Vec<Arc<str>> {
        let refused = self.not_in_force.iter_mut();
        let refused = refused.filter(|(_, why)| **why == NotInForce::TooLarge);
        refused
            .map(|(id, why)| {
                *why = NotInForce::Waiting;
                id.clone()
            })
            .collect()
    }

    /// Why a silence that has not ended mutes nothing; `None` if it does, or is unknown.
    pub fn not_in_force(&self, id: &str) -> Option<NotInForce> {
        self.not_in_force.get(id).copied()
    }

    /// How many silences that have not ended mute nothing.
    pub fn count_not_in_force(&self) -> usize {
        self.not_in_force.len()
    }

    /// Whether any silence is in `not_in_force` for lack of room.
    pub fn lacks_room(&self) -> bool {
        self.not_in_force.values().any(|why| *why == NotInForce::TooLarge)
    }

    /// Takes silences that have ended out of the index, and drops those that ended longer ago than
    /// `retention`.
    pub fn collect(&mut self, now: Timestamp, retention: Duration) -> Collected {
        let mut collected = Collected::default();
        let is_over = |silence: &Silence| silence.state(now) == SilenceState::Expired;
        self.unended.retain(|id| match self.by_id.get(id) {
            Some(silence) if !is_over(silence) => true,
            ended => {
                if let Some(silence) = ended {
                    unindex(&mut self.index, silence);
                }
                self.not_in_force.remove(id);
                collected.ended.insert(id.clone());
                false
            }
        });
        // They stay readable for days.
        for id in &collected.ended {
            if let Some(silence) = self.by_id.get_mut(id)
                && silence.patterns().any(|pattern| pattern.cost() > 0)
            {
                *silence = Arc::new(silence.without_programs());
            }
        }
        let hidden = &mut self.hidden;
        self.by_id.retain(|id, silence| {
            let stays = silence.ends_at.plus(retention) > now;
            if !stays {
                collected.hidden += 1;
                hidden.insert(id.clone(), silence.clone());
            }
            stays
        });
        let (latest_end, wires) = (&mut self.latest_end, &mut self.wires);
        hidden.retain(|id, silence| {
            let end = latest_end.get(id).copied().unwrap_or(silence.ends_at);
            let stays = end.plus(retention) > now;
            if !stays {
                latest_end.remove(id);
                wires.remove(id);
                collected.gone.push(id.clone());
            }
            stays
        });
        collected
    }

    /// The silences that have not ended and match these labels, ascending.
    pub fn matching(&self, labels: &LabelSet) -> Vec<Arc<str>> {
        self.index.matching(labels).cloned().collect()
    }

    /// Those of `ids` that are active at `now`.
    pub fn active<'a>(
        &'a self,
        ids: impl Iterator<Item = &'a Arc<str>>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Silence)> {
        let found = ids.filter_map(|id| Some((id, &**self.by_id.get(id)?)));
        found.filter(move |(_, silence)| self.state_of(silence, now) == SilenceState::Active)
    }

    /// Whether a silence holds. It begins by this node's own clock and ends by the one that is set
    /// back, so that no correction interrupts it.
    pub fn state_of(&self, silence: &Silence, now: Timestamp) -> SilenceState {
        match silence.state(now) {
            SilenceState::Pending => {
                silence.state(now.plus(self.set_back_by).min(silence.starts_at))
            }
            state => state,
        }
    }

    pub fn set_back_by(&self) -> Duration {
        self.set_back_by
    }

    /// The clock is set back by so much from now on.
    pub fn set_clock_back(&mut self, by: Duration) {
        self.set_back_by = by;
    }

    /// Every version that peers should have, the hidden ones included.
    pub fn versions(&self, retention: Duration) -> impl Iterator<Item = SilenceRecord> {
        let all = self.by_id.values().chain(self.hidden.values());
        all.map(move |silence| self.version(silence.clone(), retention))
    }

    /// The version with what is stored with it: the wire form and when it may be forgotten.
    pub fn version(&self, silence: Arc<Silence>, retention: Duration) -> SilenceRecord {
        let id = silence.id.as_str();
        let latest_end = self.latest_end.get(id).copied().unwrap_or(silence.ends_at);
        let wire = self.wires.get(id).cloned();
        SilenceRecord { expires_at: latest_end.max(silence.ends_at).plus(retention), silence, wire }
    }

    /// What came with a version that was just merged: how a peer encoded it, and until when it is
    /// to be remembered.
    pub fn note_origin(&mut self, version: SilenceRecord, retention: Duration) {
        let SilenceRecord { silence, expires_at, wire } = version;
        let id: Arc<str> = silence.id.as_str().into();
        let latest_end = expires_at.minus(retention);
        if latest_end > silence.ends_at {
            let known = self.latest_end.entry(id.clone()).or_insert(latest_end);
            *known = (*known).max(latest_end);
        }
        if let Some(wire) = wire {
            self.wires.insert(id, wire);
        }
    }

    /// Whether any version of it is there, seen or hidden.
    pub fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id) || self.hidden.contains_key(id)
    }

    /// How many readers see.
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    pub fn find(&self, id: &str) -> Option<&Arc<Silence>> {
        self.by_id.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Silence>> {
        self.by_id.values()
    }
}

fn unindex(index: &mut MatcherIndex<Arc<str>>, silence: &Silence) {
    let id: Arc<str> = silence.id.as_str().into();
    for set in &silence.matcher_sets {
        index.remove(&id, set);
    }
}

/// The rules that hold whatever else is stored.
fn checked(posted: PostedSilence, now: Timestamp) -> Result<Silence, SilenceRefusal> {
    let PostedSilence { id, matchers, starts_at, ends_at, created_by, comment, annotations } =
        posted;
    if starts_at >= ends_at {
        return Err(SilenceRefusal::StartNotBeforeEnd);
    }
    if ends_at < now {
        return Err(SilenceRefusal::EndsInThePast);
    }
    if matchers.is_empty() {
        return Err(SilenceRefusal::NoMatchers);
    }
    if matchers.iter().all(counts_as_empty) {
        return Err(SilenceRefusal::OnlyEmptyMatches);
    }
    Ok(Silence {
        id: id.unwrap_or_default(),
        // In the order given: changing it makes another silence.
        matcher_sets: vec![Matchers(matchers)],
        starts_at: if starts_at.is_zero() { now } else { starts_at }.in_utc(),
        ends_at: ends_at.in_utc(),
        updated_at: now,
        created_by,
        comment,
        annotations,
    })
}

/// Compat: negative matchers never count as matching the empty string, and the pattern of a
/// positive one is tried without anchors.
fn counts_as_empty(matcher: &Matcher) -> bool {
    match matcher.op {
        Op::Equal => matcher.value.is_empty(),
        Op::Matches => matches_empty(&matcher.value).is_ok_and(|matches| matches),
        Op::NotEqual | Op::NotMatches => false,
    }
}

fn may_change_in_place(previous: &Silence, next: &Silence, now: Timestamp) -> bool {
    previous.matcher_sets == next.matcher_sets
        && match previous.state(now) {
            SilenceState::Active => {
                previous.starts_at.unix_seconds() == next.starts_at.unix_seconds()
                    && next.ends_at >= now
            }
            SilenceState::Pending => next.starts_at >= now,
            SilenceState::Expired => false,
        }
}

fn expired_version(silence: &Silence, now: Timestamp) -> Option<Silence> {
    let starts_at = match silence.state(now) {
        SilenceState::Expired => return None,
        SilenceState::Active => silence.starts_at,
        SilenceState::Pending => now,
    };
    let updated_at = after(now, silence.updated_at);
    Some(Silence { starts_at, ends_at: now, updated_at, ..silence.clone() })
}

/// Now, but later than the version that is replaced: a clock that was set back loses no change.
fn after(now: Timestamp, replaced: Timestamp) -> Timestamp {
    if now > replaced { now } else { replaced.plus(Duration::from_nanos(1)) }
}

/// The later update wins; of two at one instant the one that ends later, then by content.
fn supersedes(next: &Silence, known: &Silence) -> bool {
    let rank = |s: &Silence| (s.updated_at, s.ends_at);
    let content = |s: &Silence| wire::encode_silence(s, s.ends_at);
    let by_time = rank(next).cmp(&rank(known));
    by_time.then_with(|| content(next).cmp(&content(known))).is_gt()
}

fn check_size(silence: &Silence, settings: &EngineSettings) -> Result<(), SilenceRefusal> {
    let limit = settings.silence_bytes_max;
    if limit == 0 {
        return Ok(());
    }
    let bytes = wire::silence_bytes(silence, settings.retention);
    if bytes > limit { Err(SilenceRefusal::TooLarge { bytes, limit }) } else { Ok(()) }
}

impl fmt::Display for SilenceRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SilenceRefusal::NotFound => f.write_str("silence not found"),
            SilenceRefusal::StartNotBeforeEnd => {
                f.write_str("Failed to create silence: start time must be before end time")
            }
            SilenceRefusal::EndsInThePast => {
                f.write_str("Failed to create silence: end time can't be in the past")
            }
            SilenceRefusal::NoMatchers => {
                f.write_str("invalid silence: at least one matcher set required")
            }
            SilenceRefusal::OnlyEmptyMatches => f.write_str(
                "invalid silence: matcher set 0: at least one matcher must not match the empty string",
            ),
            SilenceRefusal::TooMany { count, limit } => {
                write!(f, "exceeded maximum number of silences: {count} (limit: {limit})")
            }
            SilenceRefusal::TooLarge { bytes, limit } => {
                write!(f, "silence exceeded maximum size: {bytes} bytes (limit: {limit} bytes)")
            }
            SilenceRefusal::PatternsTooLarge { bytes, limit } => write!(
                f,
                "the regular expressions of the silence take {bytes} bytes, and all silences may \
                 take {limit} (--silences.max-pattern-bytes); use a simpler one"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
