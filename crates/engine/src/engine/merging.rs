//! What peers send, and what they are sent.
//!
//! In: records of peers, and the time. Out: silences and log entries that this node did not have, what
//! follows from them for alerts and deliveries, liveness checks, status broadcasts and full states.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{GroupKey, Now, Timestamp};

use super::Engine;
use super::replication::PeerRecord;
use crate::notification_log::FromPeer;
use crate::record::{Record, RecordError, wire};
use crate::replicated::LogKey;
use crate::turn::{Channel, Effect, FullState, Note, Turn};

impl Engine {
    /// Merges records that a peer sent. A message that cannot be read is passed over.
    pub(super) fn merge_peer_records(
        &mut self,
        now: Now,
        channel: Channel,
        data: Vec<u8>,
        turn: &mut Turn,
    ) {
        let (mut changed, mut rejected, mut missing) = (0, None, BTreeMap::new());
        for message in wire::split_messages(&data) {
            let merged = message.and_then(|message| {
                self.merge_peer_record(now, channel, message, &mut missing, turn)
            });
            match merged {
                Ok(has_changed) => changed += usize::from(has_changed),
                Err(error) => rejected = Some(error),
            }
        }
        if !missing.is_empty() {
            let known = self.known_alerts(missing.keys());
            self.notification.keep_resolves_pending(now, missing, &known, turn);
        }
        if let Some(error) = rejected {
            turn.notes.push(Note::RecordsRejected { channel, why: error.to_string() });
        }
        if changed > 0 {
            turn.notes.push(Note::RecordsMerged { channel, changed });
            turn.after.push(Effect::Forward { channel, data });
        }
    }

    /// Returns whether the record was news, and adds to `missing` the alerts that were notified as
    /// firing and that it does not mention.
    fn merge_peer_record(
        &mut self,
        now: Now,
        channel: Channel,
        message: &[u8],
        missing: &mut BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) -> Result<bool, RecordError> {
        let changed = match self.replication.read(now, channel, message)? {
            None => return Ok(false),
            Some(PeerRecord::Silence(version)) => {
                let bytes = message.len();
                self.silencing.check_limits(now, &version, bytes, &self.settings)?;
                let changed = self.merge_silence(now, version.clone(), turn);
                if changed {
                    turn.keep.push(Record::Silence(version));
                }
                changed
            }
            Some(PeerRecord::LogEntry(entry)) => {
                let key = entry.key.clone();
                match self.notification.merge_peer_entry(now, entry, turn) {
                    FromPeer::Merged { missing: hashes, .. } => {
                        if !hashes.is_empty() {
                            missing.entry(key).or_default().extend(hashes);
                        }
                        true
                    }
                    FromPeer::Late { .. } => true,
                    FromPeer::Known => false,
                }
            }
        };
        self.replication.mark_seen(message);
        Ok(changed)
    }

    /// The log hashes of the alerts that this node knows, for the groups of these log entries.
    fn known_alerts<'k>(
        &self,
        keys: impl Iterator<Item = &'k LogKey>,
    ) -> BTreeMap<GroupKey, BTreeSet<u64>> {
        let mut known: BTreeMap<GroupKey, BTreeSet<u64>> =
            keys.map(|key| (key.group.clone(), BTreeSet::new())).collect();
        for (id, group) in self.intake.groups.iter() {
            if let Some(known) = known.get_mut(&self.log_group_key(id, group)) {
                let alerts = &self.intake.alerts;
                let members = group.members.iter().filter_map(|member| alerts.find(*member));
                known.extend(members.map(|alert| alert.labels.log_hash()));
            }
        }
        known
    }

    /// Lets everything that waits for its turn look again when that comes, as far as is known now.
    pub(super) fn reschedule_waiting(&mut self) {
        let peers = &self.replication.peers;
        self.notification
            .deliveries
            .reschedule_waiting(|delivery| peers.turn_at(delivery.since).min(delivery.deadline));
    }

    /// Checks peers with an earlier position while anything waits, and sends the status that is due.
    pub(super) fn tend_peers(&mut self, now: Now, os_wall: Timestamp, turn: &mut Turn) {
        if self.replication.peers.is_alone() {
            return;
        }
        let is_waiting = self.notification.deliveries.has_waiting();
        if self.replication.check_liveness(now.mono, is_waiting, turn) {
            self.reschedule_waiting();
            self.advance(now, turn);
        }
        let deliveries = &self.notification.deliveries;
        self.replication.send_status(now.mono, os_wall, || deliveries.claims(now.mono), turn);
    }

    /// Everything that peers should know, for one that requests all of it.
    pub(super) fn full_state(&mut self) -> FullState {
        let silences = self.silencing.encode();
        FullState { silences, notification_log: self.notification.log.encode() }
    }
}
