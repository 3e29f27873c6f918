//! What goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_engine::Record;
use bellwether_model::IntegrationId;

use super::{Event, Request, World};
use crate::flock::people::SentState;
use crate::flock::swarm;
use crate::flock::{host, judges};

impl World<'_> {
    /// Every five seconds misfortune has a chance.
    pub(super) fn strike(&mut self) {
        if self.healed {
            return;
        }
        let nodes = self.hosts.len();
        if !self.network.is_parted() && self.faults.permille(self.swarm.partition) {
            let one_way = self.swarm.one_way && self.faults.permille(700);
            if self.network.part(nodes, one_way, &mut self.faults) {
                self.partition = Some(self.excuses.begin(self.at));
                let after = Duration::from_millis(500 + self.faults.below(180_000));
                self.plan_event(after, Event::Mend);
                let how = format!("{:?} for {after:?}", self.network);
                self.note(|| how);
            }
        }
        let node = self.faults.below(nodes as u64) as usize;
        if self.faults.permille(self.swarm.pause) && self.hosts[node].running.is_some() {
            let most = *self.faults.pick(&[500, 5_000, 60_000]).expect("there are some");
            let pause = Duration::from_millis(100 + self.faults.below(most));
            self.note(|| format!("n{node:02} is held up for {pause:?}"));
            let until = self.at + pause;
            let disturbance = self.excuses.begin(self.at);
            self.plan_event(pause, Event::Recover { disturbance });
            self.hosts[node].paused_until = self.hosts[node].paused_until.max(until);
            self.hosts[node].steady_since = until;
        }
        if self.faults.permille(self.swarm.clock_step) {
            let by = swarm::step(&mut self.faults);
            self.set_clock(node, by);
        }
        if let Some(node) = self.swarm.crash_looper
            && self.hosts[node].running.is_some()
        {
            let down = Duration::from_millis(200 + self.faults.below(2000));
            self.kill(node, down, false);
        }
    }

    pub(super) fn set_clock(&mut self, node: usize, skew: i64) {
        self.note(|| format!("the clock of n{node:02} is ahead by {:?}s", skew as f64 / 1e9));
        self.hosts[node].skew = skew;
        self.hosts[node].steady_since = self.at;
        let disturbance = self.excuses.begin(self.at);
        if self.healed || self.hosts.len() > 2 {
            self.plan_event(Duration::from_secs(60), Event::Recover { disturbance });
        }
    }

    pub(super) fn mend(&mut self) {
        self.network.mend();
        if let Some(disturbance) = self.partition.take() {
            self.note(|| "the network is whole".to_owned());
            self.excuses.end(disturbance, self.at);
        }
    }

    pub(super) fn perhaps_kill(&mut self, node: usize) {
        if !self.healed && self.faults.permille(self.swarm.crash) {
            let down = Duration::from_millis(1 + self.faults.below(120_000));
            let loses_disk = self.faults.permille(self.swarm.lost_disk);
            self.kill(node, down, loses_disk);
        }
    }

    /// The process dies at once, perhaps with its disk.
    pub fn kill(&mut self, node: usize, down: Duration, loses_disk: bool) {
        let with = if loses_disk { " with its disk" } else { "" };
        self.note(|| format!("n{node:02} is killed{with}, for {down:?}"));
        self.crashes += 1;
        let disturbance = self.excuses.begin(self.at);
        self.absences.entry(node).or_insert(disturbance);
        let host = &mut self.hosts[node];
        host.running = None;
        host.disk.crash(&mut self.faults);
        self.attempts.retain(|(at, _, _), _| *at != node);
        let requests = std::mem::take(&mut self.requests).into_iter();
        let (lost, kept): (BTreeMap<_, _>, _) = requests.partition(|((at, _), _)| *at == node);
        self.requests = kept;
        for request in lost.into_values() {
            match request {
                Request::Post(reports) => {
                    for (number, _) in reports {
                        let known = &mut self.sent[number].at[node];
                        known.in_flight -= 1;
                        known.uncertain = true;
                    }
                }
                Request::Silence { number, .. } => self.promised[number].uncertain = true,
                Request::Memory(_) => {}
            }
        }
        if loses_disk {
            self.lose_disk(node);
        }
        self.plan_event(down, Event::Start { node });
    }

    /// What was on this disk only is nobody's promise any more.
    fn lose_disk(&mut self, node: usize) {
        self.hosts[node].disk.wipe();
        for silence in self.promised.iter_mut().filter(|silence| silence.node == Some(node)) {
            let Some(id) = &silence.id else { continue };
            let (ends_at, expired) = (silence.ends_at, silence.expired);
            let others = self.hosts.iter().enumerate().filter(|(other, _)| *other != node);
            let held = others.into_iter().any(|(_, host)| host.disk.holds(id, ends_at, expired));
            silence.void |= !held;
            silence.node = None;
        }
        for number in 0..self.sent.len() {
            let known = &mut self.sent[number].at[node];
            (known.acknowledged, known.uncertain) = (None, false);
        }
        let owed = self.owed_beside(node);
        let sent = &self.sent;
        self.book.forget(|integration, alert, mention| {
            let Some(alert) = sent.iter().find(|sent| sent.fingerprint == alert) else {
                return false;
            };
            // Of what nobody reports any more, some node must have the alert itself.
            let is_reported = alert.state != SentState::Stopped
                || alert.at.iter().any(|known| {
                    known.acknowledged.is_some_and(|r| r.starts_at == mention.starts_at)
                });
            !is_reported || !owed.contains(&(integration.clone(), alert.labels.log_hash()))
        });
    }

    /// What other nodes' disks say that receivers were told as firing.
    fn owed_beside(&self, node: usize) -> BTreeSet<(IntegrationId, u64)> {
        let others = self.hosts.iter().enumerate().filter(|(other, _)| *other != node);
        let records = others.flat_map(|(_, host)| host.disk.read().unwrap_or_default());
        let mut owed = BTreeSet::new();
        for record in records {
            if let Record::LogEntry(entry) = record {
                let hashes = entry.notified.firing.iter().chain(&entry.notified.resolve_pending);
                owed.extend(hashes.map(|hash| (entry.key.integration.clone(), *hash)));
            }
        }
        owed
    }

    pub(super) fn start(&mut self, node: usize) -> Result<(), String> {
        if self.hosts[node].running.is_some() {
            return Ok(());
        }
        self.note(|| format!("n{node:02} starts"));
        let addresses: Vec<_> = (0..self.hosts.len()).map(host::address).collect();
        let seed = self.weather.below(u64::MAX);
        let outputs = self.hosts[node].start(self.at, &self.plan, &addresses, seed)?;
        if let Some(running) = &self.hosts[node].running {
            judges::a_start_keeps_silences(node, &running.engine, &self.promised)?;
        }
        if let Some(disturbance) = self.absences.remove(&node) {
            // It begins to tell when it has settled.
            self.plan_event(Duration::from_secs(60), Event::Recover { disturbance });
        }
        self.perform(node, outputs);
        self.commit(node)
    }
}
