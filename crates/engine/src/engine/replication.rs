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
use crate::peers::{ClockNews, StatusBroadcast};
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
enum Worth {
    News,
    Known,
    Expired,
}

impl Engine {
    /// Merges records that a peer sent. A message that cannot be read is passed over.
    pub(super) fn hear(&mut self, now: Now, channel: Channel, data: Vec<u8>, turn: &mut Turn) {
        let (mut news, mut refused, mut left_out) = (0, None, BTreeMap::new());
        for message in wire::split_messages(&data) {
            let heard = message.and_then(|message| {
                if self.seen_messages.contains(message) {
                    return Ok(false);
                }
                let worth = match channel {
                    Channel::Silences => self.hear_silence(now, message, turn),
                    Channel::NotificationLog => self.hear_entry(now, message, &mut left_out, turn),
                }?;
                if worth != Worth::Expired {
                    self.seen_messages.insert(message);
                }
                Ok(worth == Worth::News)
            });
            match heard {
                Ok(is_news) => news += usize::from(is_news),
                Err(error) => refused = Some(error),
            }
        }
        self.still_owe(left_out, turn);
        if let Some(error) = refused {
            turn.notes.push(Note::RecordsRejected { channel, why: error.to_string() });
        }
        if news > 0 {
            turn.notes.push(Note::RecordsMerged { channel, changed: news });
            turn.after.push(Effect::Forward { channel, data });
        }
    }

    pub(super) fn hear_bulletin(
        &mut self,
        now: Now,
        os_wall: Timestamp,
        data: &[u8],
        turn: &mut Turn,
    ) {
        let Some(status) = StatusBroadcast::decode(data) else { return };
        self.hear_from(&status.from, turn);
        let changed = self.peers.hear_bulletin(now, os_wall, status);
        self.note_clock_news(turn);
        if changed {
            // What was left to the peer may not be any more.
            self.retime_waiting();
        }
    }

    /// This reading of the clocks, the wall clock as most of the flock sees it.
    pub(super) fn corrected(&mut self, now: Now, turn: &mut Turn) -> Now {
        self.peers.follow_clock(now);
        self.note_clock_news(turn);
        self.peers.corrected(now)
    }

    pub(super) fn hear_from(&mut self, peer: &str, turn: &mut Turn) {
        if self.peers.hear_from(peer) {
            turn.notes.push(Note::PeerResponsive { peer: peer.to_owned() });
            self.retime_waiting();
        }
    }

    /// Lets everything that waits for its turn look again when that comes, as far as is known now.
    pub(super) fn retime_waiting(&mut self) {
        let peers = &self.peers;
        self.deliveries
            .retime_waiting(|delivery| peers.turn_at(delivery.since).min(delivery.deadline));
    }

    /// Asks peers ahead for signs of life while anything waits, and sends the bulletin that is due.
    pub(super) fn tend_flock(&mut self, now: Now, os_wall: Timestamp, turn: &mut Turn) {
        if self.peers.is_alone() {
            return;
        }
        let watch = self.peers.watch(now.mono, self.deliveries.has_waiting());
        turn.after.extend(watch.ask.into_iter().map(|peer| Effect::CheckLiveness { peer }));
        if !watch.fallen_silent.is_empty() {
            let notes = watch.fallen_silent.into_iter().map(|peer| Note::PeerUnresponsive { peer });
            turn.notes.extend(notes);
            self.retime_waiting();
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
    pub(super) fn memory(&mut self) -> Answer {
        let mut silences = Vec::new();
        for version in self.silences.versions(self.settings.retention) {
            wire::append_message(&mut silences, &version.encode());
        }
        Answer::Memory { silences, log: self.notification_log.encode() }
    }

    /// Tells all peers one record.
    pub(super) fn tell(&self, channel: Channel, message: &[u8], turn: &mut Turn) {
        if !self.peers.is_alone() {
            let mut data = Vec::with_capacity(message.len() + 5);
            wire::append_message(&mut data, message);
            turn.after.push(Effect::Broadcast { channel, data });
        }
    }

    fn note_clock_news(&mut self, turn: &mut Turn) {
        for news in self.peers.take_clock_news() {
            turn.notes.push(match news {
                ClockNews::Differs { peer, ahead_seconds } => {
                    Note::ClockDiffers { peer, ahead_seconds }
                }
                ClockNews::AgreesAgain { peer } => Note::ClockAgrees { peer },
                ClockNews::Corrected { by_seconds } => Note::ClockCorrected { by_seconds },
            });
        }
    }

    fn hear_silence(
        &mut self,
        now: Now,
        message: &[u8],
        turn: &mut Turn,
    ) -> Result<Worth, RecordError> {
        let version = wire::decode_silence(message)?;
        if version.expires_at < now.wall {
            return Ok(Worth::Expired);
        }
        check_stamp("silence", version.silence.updated_at, now)?;
        if !self.merge_silence(version.clone(), now) {
            return Ok(Worth::Known);
        }
        turn.keep.push(Record::Silence(version));
        Ok(Worth::News)
    }

    fn hear_entry(
        &mut self,
        now: Now,
        message: &[u8],
        left_out: &mut BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) -> Result<Worth, RecordError> {
        let entry = wire::decode_entry(message)?;
        if entry.expires_at < now.wall {
            return Ok(Worth::Expired);
        }
        check_stamp("notification-log entry", entry.at, now)?;
        let Some(hashes) = self.notification_log.hear(entry.clone(), now) else {
            return Ok(Worth::Known);
        };
        if !hashes.is_empty() {
            left_out.entry(entry.key.clone()).or_default().extend(hashes);
        }
        if let Some(id) = self.deliveries.waiting_for(&entry.key) {
            // Perhaps there is nothing left to tell.
            self.deliveries.retime(id, now.mono);
        }
        turn.keep.push(Record::LogEntry(entry));
        Ok(Worth::News)
    }
}

/// Nothing could replace a record of the far future, nor would it ever expire, on any node.
fn check_stamp(what: &'static str, at: Timestamp, now: Now) -> Result<(), RecordError> {
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
