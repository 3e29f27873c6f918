//! What goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_engine::{LogEntry, LogKey, Record};
use bellwether_model::IntegrationId;

use super::{Event, World};
use crate::actors::AlertState;
use crate::checks;
use crate::conditions::{self, KillPoints};
use crate::node::address;

impl World<'_> {
    /// What can go wrong every five seconds.
    pub(super) fn strike(&mut self) {
        if self.healed {
            return;
        }
        let nodes = self.nodes.len();
        if !self.network.is_parted() && self.faults_rng.permille(self.conditions.partition) {
            let one_way = self.conditions.one_way && self.faults_rng.permille(700);
            if self.network.part(nodes, one_way, &mut self.faults_rng) {
                self.partition = Some(self.explanations.begin(self.at));
                let after = Duration::from_millis(500 + self.faults_rng.below(180_000));
                self.plan_event(after, Event::Mend);
                let how = format!("{:?} for {after:?}", self.network);
                self.note(|| how);
            }
        }
        let node = self.faults_rng.below(nodes as u64) as usize;
        if self.faults_rng.permille(self.conditions.pause) && self.nodes[node].running.is_some() {
            let most = *self.faults_rng.pick(&[500, 5_000, 60_000]).expect("there are some");
            let pause = Duration::from_millis(100 + self.faults_rng.below(most));
            self.note(|| format!("n{node:02} is held up for {pause:?}"));
            let until = self.at + pause;
            let disturbance = self.explanations.begin(self.at);
            self.plan_event(pause, Event::Recover { disturbance });
            self.nodes[node].paused_until = self.nodes[node].paused_until.max(until);
            self.nodes[node].steady_since = until;
        }
        if self.faults_rng.permille(self.conditions.clock_step) {
            let by = conditions::step(&mut self.faults_rng);
            self.set_clock(node, by);
        }
        if let Some(node) = self.conditions.crash_looper
            && self.nodes[node].running.is_some()
        {
            let down = Duration::from_millis(200 + self.faults_rng.below(2000));
            self.kill(node, down, false);
        }
    }

    pub(super) fn set_clock(&mut self, node: usize, skew: i64) {
        self.note(|| format!("the clock of n{node:02} is ahead by {:?}s", skew as f64 / 1e9));
        self.nodes[node].skew = skew;
        self.nodes[node].steady_since = self.at;
        let disturbance = self.explanations.begin(self.at);
        if self.healed || self.nodes.len() > 2 {
            self.plan_event(Duration::from_secs(60), Event::Recover { disturbance });
        }
    }

    pub(super) fn mend(&mut self) {
        self.network.mend();
        if let Some(disturbance) = self.partition.take() {
            self.note(|| "the network is whole".to_owned());
            self.explanations.end(disturbance, self.at);
        }
    }

    pub(super) fn perhaps_kill(&mut self, node: usize) {
        if !self.healed && self.faults_rng.permille(self.conditions.crash) {
            let down_max = self.conditions.down_max.as_millis() as u64;
            let down = Duration::from_millis(1 + self.faults_rng.below(down_max));
            let loses_disk = self.faults_rng.permille(self.conditions.lost_disk);
            self.kill(node, down, loses_disk);
        }
    }

    /// The process dies at once, perhaps with its disk.
    pub fn kill(&mut self, node: usize, down: Duration, loses_disk: bool) {
        let with = if loses_disk { " with its disk" } else { "" };
        self.note(|| format!("n{node:02} is killed{with}, for {down:?}"));
        self.crashes += 1;
        let disturbance = self.explanations.begin(self.at);
        self.absences.entry(node).or_insert(disturbance);
        self.drop_what_waits_for(node);
        self.nodes[node].crash(self.at, &mut self.faults_rng);
        self.attempts.retain(|(at, _, _), _| *at != node);
        for (_, reports) in self.posts.extract_if(.., |(at, _), _| *at == node) {
            for (number, _) in reports {
                let known = &mut self.alerts[number].promises[node];
                known.in_flight -= 1;
                known.uncertain = true;
            }
        }
        for (_, change) in self.silence_changes.extract_if(.., |(at, _), _| *at == node) {
            self.silences[change.number].uncertain = true;
        }
        self.state_requests.retain(|(at, _), _| *at != node);
        if loses_disk {
            self.lose_disk(node);
        }
        self.plan_event(down, Event::Start { node });
    }

    /// What came for a process that was held up is gone with it, and the next one is not held up.
    fn drop_what_waits_for(&mut self, node: usize) {
        let Some(until) = self.paused_until(node) else { return };
        self.nodes[node].paused_until = Duration::ZERO;
        let is_held = |(at, _): &(Duration, u64), event: &mut Event| {
            *at == until && event.node() == Some(node)
        };
        let held: Vec<Event> =
            self.events.extract_if(.., is_held).map(|(_, event)| event).collect();
        for event in held {
            self.plan_event(Duration::ZERO, event);
        }
    }

    /// What was promised about data on this disk only does not hold any more.
    fn lose_disk(&mut self, node: usize) {
        self.nodes[node].disk.wipe();
        for silence in &mut self.silences {
            let Some(id) = &silence.id else { continue };
            let (ends_at, expired) = (silence.ends_at, silence.expired);
            // Also where others had it when its own node lost it: they may lose it later.
            let held = self.nodes.iter().any(|node| node.disk.holds(id, ends_at, expired));
            silence.void |= !held;
            silence.node = silence.node.filter(|answered| *answered != node);
        }
        for number in 0..self.alerts.len() {
            let known = &mut self.alerts[number].promises[node];
            (known.acknowledged, known.uncertain) = (None, false);
        }
        let known = self.known_to_others(node);
        let alerts = &self.alerts;
        self.received.waive_ends(|integration, alert, received| {
            let Some(alert) = alerts.iter().find(|sent| sent.fingerprint == alert) else {
                return false;
            };
            // Where it is not reported any more, some node must have the alert itself.
            let is_reported = alert.state != AlertState::Stopped
                || alert.promises.iter().any(|promise| {
                    let report = promise.acknowledged;
                    report.is_some_and(|report| report.starts_at == received.starts_at)
                });
            !is_reported || !known.contains(&(integration.clone(), alert.labels.log_hash()))
        });
    }

    /// What other nodes' disks say that receivers were notified of as firing; of several entries the
    /// newest, which all nodes will have.
    fn known_to_others(&self, node: usize) -> BTreeSet<(IntegrationId, u64)> {
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != node);
        let mut entries: BTreeMap<LogKey, LogEntry> = BTreeMap::new();
        for record in others.flat_map(|(_, node)| node.disk.read().unwrap_or_default()) {
            if let Record::LogEntry(entry) = record
                && entries.get(&entry.key).is_none_or(|known| known.at <= entry.at)
            {
                entries.insert(entry.key.clone(), entry);
            }
        }
        let mut known = BTreeSet::new();
        for entry in entries.values() {
            let hashes = entry.notified.firing.iter().chain(&entry.notified.resolve_pending);
            known.extend(hashes.map(|hash| (entry.key.integration.clone(), *hash)));
        }
        known
    }

    pub(super) fn start(&mut self, node: usize) -> Result<(), String> {
        if self.nodes[node].running.is_some() {
            return Ok(());
        }
        self.note(|| format!("n{node:02} starts"));
        let addresses: Vec<_> = (0..self.nodes.len()).map(address).collect();
        let seed = self.network_rng.below(u64::MAX);
        let outputs = self.nodes[node].start(self.at, &self.plan, &addresses, seed)?;
        if self.hostile_peer() != Some(node)
            && let Some(running) = &self.nodes[node].running
        {
            checks::start_keeps_silences(node, &running.engine, &self.silences)?;
            if let Some(facts) = self.facts().filter(|facts| facts.clock_error.is_zero()) {
                checks::start_loses_nothing(&facts, node, &running.engine)?;
            }
        }
        if let Some(disturbance) = self.absences.remove(&node) {
            // It begins to notify when it has settled.
            self.plan_event(Duration::from_secs(60), Event::Recover { disturbance });
        }
        self.perform(node, outputs);
        match self.conditions.kill_points {
            KillPoints::Effects => self.commit(node),
            KillPoints::EveryStep => {
                self.expect_commit(node)?;
                self.work_off(node)
            }
        }
    }
}
