//! Everything that a start needs, as it is now: for a journal that has to begin anew.
//!
//! In: the engine's memory at one instant. Out: the same records that were kept until now, as far as
//! they are live, each key once. They may be read later, on another thread, while the engine goes on.

use bellwether_model::{Now, Timestamp};

use super::Engine;
use crate::alerts::Snapshot;
use crate::record::{GroupRecord, Record};

/// The live records of one instant.
#[derive(Debug)]
pub struct LiveRecords {
    now: Timestamp,
    alerts: Snapshot,
    others: Vec<Record>,
}

impl Engine {
    /// What a start now would have to find; a few milliseconds for ten thousand groups.
    pub fn live_records(&self, now: Now) -> LiveRecords {
        let now = self.replication.peers.corrected(now);
        let groups = self.intake.groups.iter().map(|(id, group)| {
            let record = group.record(self.plan.routes.route(id.route), now);
            Record::Group(match group.state.open {
                None => record,
                // A crash during a flush must not put off what it had to notify.
                Some(_) => GroupRecord { due: now.wall, suppressed_until: None, ..record },
            })
        });
        let silences = self.silencing.versions().map(Record::Silence);
        let entries = self.notification.log.iter().cloned().map(Record::LogEntry);
        LiveRecords {
            now: now.wall,
            alerts: self.intake.alerts.snapshot(),
            others: groups.chain(silences).chain(entries).collect(),
        }
    }
}

impl LiveRecords {
    pub fn into_records(self) -> impl Iterator<Item = Record> + Send {
        let now = self.now;
        let alerts = self.alerts.into_alerts().map(move |alert| {
            let ended = alert.resolved_at(now);
            Record::Alert { alert, ended }
        });
        alerts.chain(self.others)
    }
}
