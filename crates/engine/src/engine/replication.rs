//! What passes between this node and its peers: records, signs of life, bulletins.
//!
//! In: what the mesh heard, as opaque bytes. Out: merged memory, records to keep, and what to tell,
//! ask or pass on. Records of peers go through the same merge as everything else.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasherDefault;
use std::time::Duration;

use bellwether_model::{Now, Timestamp};

use super::Engine;
use super::notification::CLAIMED_AFTER;
use crate::notification_log::LogKey;
use crate::peers::{ClockChange, StatusBroadcast};
use crate::record::{Record, RecordError, wire};
use crate::turn::{Answer, Channel, Effect, Note, Turn};

/// Hashes of messages that peers sent and that changed nothing, or did already.
///
/// Peers send all they have every minute; nearly all of it is known, and this is how that is seen
/// without reading it. What was passed over because of the time is not among them, and all is
/// forgotten when memory drops something: had the clock been wrong, peers could not bring it back.
#[derive(Debug, Default)]
pub(super) struct SeenMessages {
    hashes: HashSet<u64, BuildHasherDefault<twox_hash::XxHash64>>,
}

/// What a peer's record was to this node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    Changed,
    Known,
    Expired,
}

impl Engine {
    /// Merges records that a peer sent. A message that cannot be read is passed over.
    pub(super) fn hear(&mut self, now: Now, channel: Channel, data: Vec<u8>, turn: &mut Turn) {
        let (mut news, mut refused, mut missing) = (0, None, BTreeMap::new());
        for message in wire::split_messages(&data) {
            let heard = message.and_then(|message| {
                if self.seen_messages.contains(message) {
                    return Ok(false);
                }
                let worth = match channel {
                    Channel::Silences => self.merge_peer_silence(now, message, turn),
                    Channel::NotificationLog => {
                        self.merge_peer_entry(now, message, &mut missing, turn)
                    }
                }?;
                if worth != Merge::Expired {
                    self.seen_messages.insert(message);
                }
                Ok(worth == Merge::Changed)
            });
            match heard {
                Ok(is_news) => news += usize::from(is_news),
                Err(error) => refused = Some(error),
            }
        }
        self.keep_resolves_pending(missing, turn);
        if let Some(error) = refused {
            turn.notes.push(Note::RecordsRejected { channel, why: error.to_string() });
        }
        if news > 0 {
            turn.notes.push(Note::RecordsMerged { channel, changed: news });
            turn.after.push(Effect::Forward { channel, data });
        }
    }

    pub(super) fn take_status(
        &mut self,
        now: Now,
        os_wall: Timestamp,
        data: &[u8],
        turn: &mut Turn,
    ) {
        let Some(status) = StatusBroadcast::decode(data) else { return };
        self.note_alive(&status.from, turn);
        let changed = self.peers.take_status(now, os_wall, status);
        self.note_clock_changes(turn);
        if changed {
            // What was left to the peer may not be any more.
            self.reschedule_waiting();
        }
    }

    /// This reading of the clocks, the wall clock as most of the flock sees it.
    pub(super) fn corrected(&mut self, now: Now, turn: &mut Turn) -> Now {
        self.peers.follow_clock(now);
        self.note_clock_changes(turn);
        self.peers.corrected(now)
    }

    pub(super) fn note_alive(&mut self, peer: &str, turn: &mut Turn) {
        if self.peers.note_alive(peer) {
            turn.notes.push(Note::PeerResponsive { peer: peer.to_owned() });
            self.reschedule_waiting();
        }
    }

    /// Lets everything that waits for its turn look again when that comes, as far as is known now.
    pub(super) fn reschedule_waiting(&mut self) {
        let peers = &self.peers;
        self.deliveries
            .reschedule_waiting(|delivery| peers.turn_at(delivery.since).min(delivery.deadline));
    }

    /// Asks peers ahead for signs of life while anything waits, and sends the bulletin that is due.
    pub(super) fn tend_peers(&mut self, now: Now, os_wall: Timestamp, turn: &mut Turn) {
        if self.peers.is_alone() {
            return;
        }
        let watch = self.peers.watch(now.mono, self.deliveries.has_waiting());
        turn.after.extend(watch.to_check.into_iter().map(|peer| Effect::CheckLiveness { peer }));
        if !watch.unresponsive.is_empty() {
            let notes = watch.unresponsive.into_iter().map(|peer| Note::PeerUnresponsive { peer });
            turn.notes.extend(notes);
            self.reschedule_waiting();
            self.advance(now, turn);
        }
        let deliveries = &self.deliveries;
        let claims = || deliveries.claims(now.mono, CLAIMED_AFTER);
        if let Some((status, is_bellwether)) = self.peers.status(now.mono, os_wall, claims) {
            let data = status.encode();
            let effects = is_bellwether
                .into_iter()
                .map(|peer| Effect::SendStatus { peer, data: data.clone() });
            turn.after.extend(effects);
        }
    }

    /// Everything that peers should know, for one that asks for all of it.
    pub(super) fn full_state(&mut self) -> Answer {
        let mut silences = Vec::new();
        for version in self.silences.versions(self.settings.retention) {
            wire::append_message(&mut silences, &version.encode());
        }
        Answer::Memory { silences, log: self.notification_log.encode() }
    }

    /// Tells all peers one record.
    pub(super) fn broadcast(&self, channel: Channel, message: &[u8], turn: &mut Turn) {
        if !self.peers.is_alone() {
            let mut data = Vec::with_capacity(message.len() + 5);
            wire::append_message(&mut data, message);
            turn.after.push(Effect::Broadcast { channel, data });
        }
    }

    fn note_clock_changes(&mut self, turn: &mut Turn) {
        for news in self.peers.take_clock_changes() {
            turn.notes.push(match news {
                ClockChange::Differs { peer, ahead_seconds } => {
                    Note::ClockDiffers { peer, ahead_seconds }
                }
                ClockChange::AgreesAgain { peer } => Note::ClockAgrees { peer },
                ClockChange::Corrected { by_seconds } => Note::ClockCorrected { by_seconds },
            });
        }
    }

    fn merge_peer_silence(
        &mut self,
        now: Now,
        message: &[u8],
        turn: &mut Turn,
    ) -> Result<Merge, RecordError> {
        let version = wire::decode_silence(message)?;
        if version.expires_at < now.wall {
            return Ok(Merge::Expired);
        }
        check_timestamp("silence", version.silence.updated_at, now)?;
        if !self.merge_silence(version.clone(), now) {
            return Ok(Merge::Known);
        }
        turn.keep.push(Record::Silence(version));
        Ok(Merge::Changed)
    }

    fn merge_peer_entry(
        &mut self,
        now: Now,
        message: &[u8],
        missing: &mut BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) -> Result<Merge, RecordError> {
        let entry = wire::decode_entry(message)?;
        if entry.expires_at < now.wall {
            return Ok(Merge::Expired);
        }
        check_timestamp("notification-log entry", entry.at, now)?;
        let Some(hashes) = self.notification_log.hear(entry.clone(), now) else {
            return Ok(Merge::Known);
        };
        if !hashes.is_empty() {
            missing.entry(entry.key.clone()).or_default().extend(hashes);
        }
        if let Some(id) = self.deliveries.waiting_for(&entry.key) {
            // Perhaps there is nothing left to tell.
            self.deliveries.reschedule(id, now.mono);
        }
        turn.keep.push(Record::LogEntry(entry));
        Ok(Merge::Changed)
    }
}

/// Nothing could replace a record of the far future, nor would it ever expire, on any node.
fn check_timestamp(what: &'static str, at: Timestamp, now: Now) -> Result<(), RecordError> {
    if at <= now.wall.plus(AHEAD_MAX) {
        return Ok(());
    }
    let (at, now) = (at.rfc3339_millis(), now.wall.rfc3339_millis());
    Err(RecordError { what, why: format!("it is of {at}, and this node's clock shows {now}") })
}

impl SeenMessages {
    fn contains(&self, message: &[u8]) -> bool {
        self.hashes.contains(&hash(message))
    }

    fn insert(&mut self, message: &[u8]) {
        if self.hashes.len() >= SEEN_MESSAGES_MAX {
            self.hashes.clear();
        }
        self.hashes.insert(hash(message));
    }

    pub fn forget(&mut self) {
        self.hashes.clear();
    }
}

fn hash(message: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, message)
}

/// Limit: hashes of messages; all are forgotten when it is reached.
const SEEN_MESSAGES_MAX: usize = 1_000_000;

/// Limit: how far ahead of this node's clock a record may be; clocks that are off by a day are known
/// from the field.
const AHEAD_MAX: Duration = Duration::from_secs(2 * 24 * 3600);
