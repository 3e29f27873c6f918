//! What passes between this node and its peers: records, liveness checks, statuses.
//!
//! In: opaque bytes from the mesh, the members of the cluster, the time. Out: records to merge, and
//! what to check or send. It reads records and says which may be merged; merging is for the parts
//! that own the silences and the notification log.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};

use crate::peers::{ClockChange, Peer, PeerSettings, Peers, StatusBroadcast, StatusRefusal};
use crate::record::{RecordError, wire};
use crate::replicated::{LogEntry, SilenceRecord};
use crate::turn::{Channel, Effect, Note, Turn};

#[derive(Debug)]
pub(super) struct Replication {
    /// Who else is there, who answers, whose turn it is, and what their clocks show.
    pub peers: Peers,
    seen: SeenMessages,
    /// Messages of peers that are not merged yet, in the order in which they came. The first may be
    /// half merged: a full state has too many records for one turn.
    arrived: VecDeque<Arrived>,
    /// Since when some have been waiting after each turn.
    arrived_since: Option<Mono>,
}

/// Records that a peer sent together, and what came of those that have been merged.
#[derive(Debug)]
pub(super) struct Arrived {
    pub channel: Channel,
    pub data: Vec<u8>,
    /// How many bytes of `data` have been read.
    read: usize,
    pub changed: usize,
    pub rejected: Option<RecordError>,
}

/// A record of a peer that may be merged.
#[derive(Debug)]
pub(super) enum PeerRecord {
    Silence(SilenceRecord),
    LogEntry(LogEntry),
}

/// Hashes of messages that peers sent and that change nothing any more.
///
/// Peers send all they have every minute, and nearly all of it is known: the hashes show that
/// without decoding. Records that were passed over because of the time are not among them, and all
/// are forgotten when maintenance removes records: had the clock been wrong, peers could not bring
/// those back.
#[derive(Debug, Default)]
struct SeenMessages {
    hashes: HashSet<u64, BuildHasherDefault<twox_hash::XxHash64>>,
}

impl Replication {
    pub fn new(settings: Option<PeerSettings>) -> Self {
        Replication {
            peers: Peers::new(settings),
            seen: SeenMessages::default(),
            arrived: VecDeque::new(),
            arrived_since: None,
        }
    }

    /// Takes records that are to be merged after all that came before.
    pub fn queue(&mut self, now: Mono, channel: Channel, data: Vec<u8>) {
        self.arrived_since.get_or_insert(now);
        self.arrived.push_back(Arrived { channel, data, read: 0, changed: 0, rejected: None });
    }

    /// What is to be merged next.
    pub fn next_arrived(&mut self) -> Option<Arrived> {
        self.arrived.pop_front()
    }

    /// Puts back what is half merged.
    pub fn put_back(&mut self, arrived: Arrived) {
        self.arrived.push_front(arrived);
    }

    /// A turn has merged what fits into it.
    pub fn end_merging(&mut self) {
        if self.arrived.is_empty() {
            self.arrived_since = None;
        }
    }

    pub fn has_arrived(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Whether to notify nothing until records are merged that have arrived: they may say that a peer
    /// has notified it. Limit: no longer than [`HOLD_MAX`], however many records peers send.
    pub fn holds(&self, now: Mono) -> bool {
        self.arrived_since.is_some_and(|since| now < since.plus(HOLD_MAX))
    }

    /// Whether more has arrived than is to wait in memory.
    pub fn is_behind(&self) -> bool {
        let bytes = self.arrived.iter().map(|arrived| arrived.data.len());
        bytes.sum::<usize>() > ARRIVED_BYTES_MAX
    }

    /// The record in a message; `None` if it has expired or was seen before.
    pub fn read(
        &self,
        now: Now,
        channel: Channel,
        message: &[u8],
    ) -> Result<Option<PeerRecord>, RecordError> {
        if self.seen.contains(message) {
            return Ok(None);
        }
        let (record, expires_at, what, at) = match channel {
            Channel::Silences => {
                let version = wire::decode_silence(message)?;
                let (expires_at, at) = (version.expires_at, version.silence.updated_at);
                (PeerRecord::Silence(version), expires_at, "silence", at)
            }
            Channel::NotificationLog => {
                let entry = wire::decode_entry(message)?;
                let (expires_at, at) = (entry.expires_at, entry.at);
                (PeerRecord::LogEntry(entry), expires_at, "notification-log entry", at)
            }
        };
        if expires_at < now.wall {
            return Ok(None);
        }
        check_timestamp(what, at, now)?;
        Ok(Some(record))
    }

    /// The message was merged, or changed nothing: it need not be read again.
    pub fn mark_seen(&mut self, message: &[u8]) {
        self.seen.insert(message);
    }

    pub fn forget_seen(&mut self) {
        self.seen.hashes.clear();
    }

    pub fn set_peers(&mut self, now: Now, peers: Vec<Peer>) {
        self.peers.set_peers(now, peers);
    }

    /// Takes a peer's status; returns whether the wait for peers may have changed.
    pub fn take_status(
        &mut self,
        now: Now,
        os_wall: Timestamp,
        from: IpAddr,
        data: &[u8],
        turn: &mut Turn,
    ) -> bool {
        let Some(status) = StatusBroadcast::decode(data) else {
            let why = StatusRefusal::Malformed;
            turn.notes.push(Note::StatusRefused { peer: String::new(), from, why });
            return false;
        };
        let peer = status.from.clone();
        let taken = match self.peers.take_status(now, os_wall, from, status) {
            Ok(taken) => taken,
            Err(why) => {
                turn.notes.push(Note::StatusRefused { peer, from, why });
                return false;
            }
        };
        self.note_clock_changes(turn);
        let is_back = self.note_alive(&peer, turn);
        if taken.claims_refused > 0 {
            turn.notes.push(Note::ClaimsRefused { peer, count: taken.claims_refused });
        }
        is_back || taken.claims_changed
    }

    /// Takes a sign that a peer is alive; returns whether it was unresponsive.
    pub fn note_alive(&mut self, peer: &str, turn: &mut Turn) -> bool {
        let is_back = self.peers.note_alive(peer);
        if is_back {
            turn.notes.push(Note::PeerResponsive { peer: peer.to_owned() });
        }
        is_back
    }

    /// This reading of the clocks, with the wall clock set back if most of the cluster says that it is
    /// ahead.
    pub fn corrected(&mut self, now: Now, turn: &mut Turn) -> Now {
        self.peers.follow_clock(now);
        self.note_clock_changes(turn);
        self.peers.corrected(now)
    }

    /// Checks the peers that this node waits for; returns whether any became unresponsive.
    pub fn check_liveness(&mut self, now: Mono, is_waiting: bool, turn: &mut Turn) -> bool {
        let checks = self.peers.check_liveness(now, is_waiting);
        let to_check = checks.to_check.into_iter();
        turn.after.extend(to_check.map(|peer| Effect::CheckLiveness { peer }));
        let any = !checks.unresponsive.is_empty();
        let unresponsive = checks.unresponsive.into_iter();
        turn.notes.extend(unresponsive.map(|peer| Note::PeerUnresponsive { peer }));
        any
    }

    /// Sends the status that is due, if any. `claims`: what this node is trying to notify.
    pub fn send_status(
        &mut self,
        now: Mono,
        os_wall: Timestamp,
        claims: impl FnOnce() -> Vec<u64>,
        turn: &mut Turn,
    ) {
        if let Some((status, receivers)) = self.peers.due_status(now, os_wall, claims) {
            let data = status.encode();
            let effects =
                receivers.into_iter().map(|peer| Effect::SendStatus { peer, data: data.clone() });
            turn.after.extend(effects);
        }
    }

    fn note_clock_changes(&mut self, turn: &mut Turn) {
        for change in self.peers.take_clock_changes() {
            turn.notes.push(match change {
                ClockChange::Differs { peer, ahead_seconds } => {
                    Note::ClockDiffers { peer, ahead_seconds }
                }
                ClockChange::AgreesAgain { peer } => Note::ClockAgrees { peer },
                ClockChange::Corrected { by_seconds, off_seconds } => {
                    Note::ClockCorrected { by_seconds, off_seconds }
                }
                ClockChange::NotCorrected { off_seconds, why } => {
                    Note::ClockNotCorrected { off_seconds, why }
                }
            });
        }
    }
}

impl Arrived {
    /// Where in `data` the next message is; `None` after the last one. What cannot be separated is
    /// rejected.
    pub fn next_message(&mut self) -> Option<Range<usize>> {
        let mut rest = &self.data[self.read..];
        let message = wire::next_message(&mut rest)?;
        self.read = self.data.len() - rest.len();
        match message {
            Ok(message) => Some(self.read - message.len()..self.read),
            Err(error) => {
                self.rejected = Some(error);
                None
            }
        }
    }

    pub fn is_merged(&self) -> bool {
        self.read == self.data.len()
    }
}

/// A record of the far future could never be replaced, nor would it ever expire, on any node.
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
}

fn hash(message: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, message)
}

/// Limit: how long records that have arrived hold up notifications.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// Limit: bytes of records that wait to be merged; beyond it a turn merges a whole message.
const ARRIVED_BYTES_MAX: usize = 32 << 20;

/// Limit: hashes of messages; all are forgotten when it is reached.
const SEEN_MESSAGES_MAX: usize = 1_000_000;

/// Limit: how far ahead of this node's clock a record may be; clocks that are off by a day are known
/// from the field.
const AHEAD_MAX: Duration = Duration::from_hours(48);
