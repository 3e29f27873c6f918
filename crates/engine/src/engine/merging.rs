//! What peers send, merged into what this node knows; and what they are sent.
//!
//! In: records of peers, some in each turn; signs that peers are alive. Out: records, messages, and
//! deliveries that look again. Reading records is `replication`'s, merging them that of the parts
//! that own silences and notification log.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bellwether_model::{GroupKey, Now, Timestamp};

use super::Engine;
use super::replication::{Arrived, PeerRecord};
use crate::notification_log::FromPeer;
use crate::record::{Record, RecordError};
use crate::replicated::LogKey;
use crate::turn::{Effect, FullState, Note, Turn};

impl Engine {
    /// Merges records that peers sent, as many as fit into a turn. A message that cannot be read is
    /// passed over.
    pub(super) fn merge_peer_records(&mut self, now: Now, turn: &mut Turn) {
        let mut budget = RECORDS_PER_TURN;
        let (mut merged, mut missing) = (Vec::new(), BTreeMap::new());
        while budget > 0
            && let Some(mut arrived) = self.replication.next_arrived()
        {
            let is_behind = self.replication.is_behind();
            while (budget > 0 || is_behind)
                && let Some(message) = arrived.next_message()
            {
                let result = self.merge_peer_record(now, &mut arrived, message, &mut missing, turn);
                arrived.rejected = result.err().or(arrived.rejected);
                budget = if self.silencing.is_crowded() { 0 } else { budget.saturating_sub(1) };
            }
            if !arrived.is_merged() {
                self.replication.put_back(arrived);
                break;
            }
            merged.push(arrived);
        }
        self.replication.end_merging();
        if !missing.is_empty() {
            // In the turn of the entries: a crash must not come in between.
            let known = self.known_alerts(missing.keys());
            self.notification.keep_resolves_pending(now, missing, &known, turn);
        }
        for Arrived { channel, data, changed, rejected, .. } in merged {
            if let Some(error) = rejected {
                turn.notes.push(Note::RecordsRejected { channel, why: error.to_string() });
            }
            if changed > 0 {
                turn.notes.push(Note::RecordsMerged { channel, changed });
                turn.after.push(Effect::Forward { channel, data });
            }
        }
    }

    /// Merges one of the records, notes what came of it, and adds to `missing` the alerts that were
    /// notified as firing and that it does not mention.
    fn merge_peer_record(
        &mut self,
        now: Now,
        arrived: &mut Arrived,
        message: Range<usize>,
        missing: &mut BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) -> Result<(), RecordError> {
        let message = &arrived.data[message];
        let changed = match self.replication.read(now, arrived.channel, message)? {
            None => return Ok(()),
            Some(PeerRecord::Silence(version)) => {
                let bytes = message.len();
                self.silencing.check_limits(now, &version, bytes, &self.settings)?;
                let changed = self.merge_silence(now, version.clone(), turn);
                if changed {
                    // As this node would send it, whatever the peer says of its expiry.
                    let version = self.silencing.record(version.silence);
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
        arrived.changed += usize::from(changed);
        Ok(())
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

/// Limit: records of peers that one turn merges; about a millisecond's work.
const RECORDS_PER_TURN: usize = 512;
