//! What is done from time to time: forgetting what nobody needs any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{GroupKey, Mono, Now};

use super::Engine;
use crate::record::Record;
use crate::settings::EngineSettings;
use crate::turn::{Note, Turn};

/// When each kind of maintenance is due; unknown until the first input.
#[derive(Debug, Default)]
pub(super) struct MaintenanceTimers {
    alerts: Option<Mono>,
    memory: Option<Mono>,
}

impl MaintenanceTimers {
    pub fn begin(&mut self, now: Mono, settings: &EngineSettings) {
        self.alerts = Some(now.plus(settings.alerts_gc_interval));
        self.memory = Some(now.plus(settings.maintenance_interval));
    }

    pub fn next(&self) -> Option<Mono> {
        self.alerts.into_iter().chain(self.memory).min()
    }
}

impl Engine {
    pub(super) fn maintain(&mut self, now: Now, turn: &mut Turn) {
        let is_due = |at: Option<Mono>| at.is_some_and(|at| at <= now.mono);
        let mut alerts = 0;
        if is_due(self.maintenance.alerts) {
            self.maintenance.alerts = Some(now.mono.plus(self.settings.alerts_gc_interval));
            alerts = self.collect_alerts(now, turn);
        } else if !is_due(self.maintenance.memory) {
            return;
        }
        let (mut silences, mut log_entries) = (0, 0);
        if is_due(self.maintenance.memory) {
            self.maintenance.memory = Some(now.mono.plus(self.settings.maintenance_interval));
            silences = self.collect_silences(now, turn);
            log_entries = self.expire_notification_log(now, turn);
            if silences + log_entries > 0 {
                self.seen_messages.forget();
            }
        }
        self.generation += 1;
        turn.notes.push(Note::Collected { alerts, silences, log_entries });
    }

    fn collect_alerts(&mut self, now: Now, turn: &mut Turn) -> usize {
        let plan = self.plan.clone();
        let gone = self.alerts.collect(now.wall);
        for alert in &gone {
            self.inhibition_index.remove(&plan, alert);
            if !self.silence_index.of(alert.fingerprint).is_empty() {
                Arc::make_mut(&mut self.silence_index).remove_alert(alert.fingerprint);
            }
            turn.keep.push(Record::AlertGone(alert.fingerprint));
        }
        gone.len()
    }

    fn collect_silences(&mut self, now: Now, turn: &mut Turn) -> usize {
        let retention = self.settings.retention;
        let collected = Arc::make_mut(&mut self.silences).collect(now.wall, retention);
        if !collected.ended.is_empty() {
            Arc::make_mut(&mut self.silence_index).remove_silences(&collected.ended);
        }
        let records = collected.gone.iter().map(|id| Record::SilenceGone(id.to_string()));
        turn.keep.extend(records);
        collected.hidden
    }

    /// An entry that owes a "resolved" stays as long as its group is there.
    fn expire_notification_log(&mut self, now: Now, turn: &mut Turn) -> usize {
        let mut living: BTreeSet<GroupKey> = BTreeSet::new();
        for (id, group) in self.groups.iter() {
            let route = self.plan.routes.route(id.route);
            living.insert(GroupKey::new(&route.identity, &group.labels));
        }
        let gone = self.notification_log.collect(now.wall, |entry| {
            entry.notified.awaits_resolve() && living.contains(&entry.key.group)
        });
        let count = gone.len();
        turn.keep.extend(gone.into_iter().map(Record::LogEntryGone));
        count
    }
}
