//! What senders and operators do.

use std::time::Duration;

use bellwether_engine::{Input, RefusedAlerts};

use super::{Event, SilenceChange, World};
use crate::actors::{AlertState, PromisedSilence, Report};
use crate::conditions::Fault;
use crate::node::true_wall;
use crate::plans::{self, VARIANTS, Variant};

impl World<'_> {
    /// A round of reports by all senders, one POST to each node.
    pub(super) fn report(&mut self) {
        let at = self.at;
        if !self.healed {
            for number in 0..self.alerts.len() {
                self.change_alert(number);
            }
        }
        let mut posts: Vec<Vec<(usize, Report)>> = vec![Vec::new(); self.nodes.len()];
        for (number, alert) in self.alerts.iter_mut().enumerate() {
            let Some((report, targets)) = alert.report(at) else { continue };
            for node in targets {
                posts[node].push((number, report));
                alert.promises[node].in_flight += 1;
            }
        }
        for (to, reports) in posts.into_iter().enumerate() {
            if reports.is_empty() {
                continue;
            }
            if !self.healed && self.faults_rng.permille(self.conditions.lost_post) {
                self.note(|| format!("a POST to n{to:02} is lost: {reports:?}"));
                self.never_arrived(to, &reports);
                continue;
            }
            self.plan_event(self.conditions.post_delay[to], Event::Post { to, reports });
        }
    }

    /// One alert begins to fire, and is posted to every node at once.
    pub fn fire_everywhere(&mut self) -> Result<(), String> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.alerts[0].fire(self.at, all.clone());
        let Some((report, _)) = self.alerts[0].report(self.at) else { return Ok(()) };
        for to in all {
            self.alerts[0].promises[to].in_flight += 1;
            self.post(to, vec![(0, report)])?;
        }
        Ok(())
    }

    pub(super) fn post(
        &mut self,
        to: usize,
        mut reports: Vec<(usize, Report)>,
    ) -> Result<(), String> {
        if self.nodes[to].running.is_none() {
            self.never_arrived(to, &reports);
            return Ok(());
        }
        let wall = self.nodes[to].wall(self.at);
        for (_, report) in &mut reports {
            report.is_ahead = report.ends_at > wall;
        }
        let alerts = reports.iter().map(|(n, report)| self.alerts[*n].new_alert(*report)).collect();
        self.note(|| format!("n{to:02} gets {reports:?}"));
        let ticket = self.new_ticket();
        self.posts.insert((to, ticket), reports);
        self.input(to, Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket }, None)
    }

    fn never_arrived(&mut self, node: usize, reports: &[(usize, Report)]) {
        for (number, _) in reports {
            self.alerts[*number].promises[node].in_flight -= 1;
        }
    }

    fn change_alert(&mut self, number: usize) {
        let (at, conditions) = (self.at, &self.conditions);
        let alert = &mut self.alerts[number];
        match alert.state {
            AlertState::Firing if self.actions_rng.permille(conditions.resolves) => {
                alert.resolve(at)
            }
            AlertState::Firing if self.actions_rng.permille(conditions.stops) => alert.stop(at),
            AlertState::Firing => {}
            AlertState::Idle | AlertState::Resolved | AlertState::Stopped => {
                if self.actions_rng.permille(conditions.fires) {
                    let one = self.actions_rng.permille(conditions.one_target);
                    // Always the same one: others could not know that it fires again.
                    let targets = match one {
                        true => vec![number % self.nodes.len()],
                        false => (0..self.nodes.len()).collect(),
                    };
                    alert.fire(at, targets);
                }
            }
        }
    }

    pub(super) fn operate(&mut self) -> Result<(), String> {
        if self.healed {
            return Ok(());
        }
        if self.actions_rng.permille(self.conditions.silences) {
            let node = self.operated_node();
            let length = Duration::from_secs(30 + self.actions_rng.below(240));
            let host = self.actions_rng.pick(&plans::HOSTS).expect("there are some");
            let known = self.silences.iter().position(|s| s.is_sure() && s.covers_host(host));
            let known = known.filter(|_| self.actions_rng.permille(400));
            self.silence(node, known, host, length)?;
        }
        if self.actions_rng.permille(self.conditions.expires) && !self.silences.is_empty() {
            let node = self.operated_node();
            let number = self.actions_rng.below(self.silences.len() as u64) as usize;
            self.expire(node, number)?;
        }
        // Nothing is drawn where there are no reloads: the seeds of clusters stay what they are.
        if self.conditions.has(Fault::Reloads) {
            if self.actions_rng.permille(self.conditions.reloads_same) {
                self.reload(self.variant)?;
            }
            if self.actions_rng.permille(self.conditions.reloads_other) {
                let variant = *self.actions_rng.pick(&VARIANTS).expect("there are some");
                self.reload(variant)?;
            }
        }
        Ok(())
    }

    /// Any node but the hostile one: what that answers is no promise.
    fn operated_node(&mut self) -> usize {
        let node = self.actions_rng.below(self.nodes.len() as u64) as usize;
        if self.hostile_peer() == Some(node) { (node + 1) % self.nodes.len() } else { node }
    }

    /// All nodes get a configuration, be it the one that they have.
    pub(super) fn reload(&mut self, variant: Variant) -> Result<(), String> {
        self.note(|| format!("reload {variant:?}"));
        let plan = plans::plan(variant);
        if variant != self.variant {
            self.overdue.clear();
            if variant == Variant::Merged {
                // Attempts of a route that is gone end by themselves, while its successor begins others.
                self.attempts.retain(|(_, integration, _), _| *integration.receiver != *"db");
            }
            let alerts = &self.alerts;
            self.received.waive_ends(|integration, alert, _| {
                let labels = alerts.iter().find(|a| a.fingerprint == alert).map(|a| &a.labels);
                !labels.is_some_and(|l| plan.receivers_of(l).contains(&integration.receiver))
            });
        }
        self.variant = variant;
        self.plan = plan.clone();
        for node in 0..self.nodes.len() {
            self.input(node, Input::Plan(plan.clone()), None)?;
        }
        Ok(())
    }

    /// Creates a silence on a node, or makes one longer that it shows as it was promised.
    pub fn silence(
        &mut self,
        node: usize,
        known: Option<usize>,
        host: &str,
        length: Duration,
    ) -> Result<(), String> {
        if !self.is_up(node) {
            return Ok(());
        }
        let now = true_wall(self.at);
        let ends_at = now.plus(length);
        let known = known.filter(|number| self.shows(node, *number));
        let number = known.unwrap_or_else(|| {
            self.silences.push(PromisedSilence {
                id: None,
                host: host.to_owned(),
                starts_at: now,
                ends_at,
                longest: ends_at,
                expired: false,
                node: None,
                answered_at: self.at,
                uncertain: true,
                void: false,
            });
            self.silences.len() - 1
        });
        let silence = &mut self.silences[number];
        silence.uncertain = true;
        silence.longest = silence.longest.max(ends_at);
        let posted = silence.posted(ends_at);
        self.note(|| format!("n{node:02} gets the silence {posted:?}"));
        let ticket = self.new_ticket();
        let change = SilenceChange { number, ends_at, expires: false };
        self.silence_changes.insert((node, ticket), change);
        self.input(node, Input::PostSilence { silence: posted, ticket }, None)
    }

    fn expire(&mut self, node: usize, number: usize) -> Result<(), String> {
        let now = true_wall(self.at);
        let silence = &self.silences[number];
        let is_over = silence.expired || silence.ends_at <= now;
        let Some(id) = silence.id.clone().filter(|_| silence.is_sure() && !is_over) else {
            return Ok(());
        };
        if !self.is_up(node) || !self.shows(node, number) {
            return Ok(());
        }
        self.silences[number].uncertain = true;
        self.note(|| format!("n{node:02} gets the end of silence {id}"));
        let ticket = self.new_ticket();
        let change = SilenceChange { number, ends_at: now, expires: true };
        self.silence_changes.insert((node, ticket), change);
        self.input(node, Input::ExpireSilence { id, ticket }, None)
    }

    pub(super) fn silence_changed(&mut self, node: usize, change: SilenceChange, is_done: bool) {
        let SilenceChange { number, ends_at, expires } = change;
        let silence = &mut self.silences[number];
        if !is_done {
            silence.void = true;
            return;
        }
        silence.uncertain = false;
        silence.expired = expires;
        silence.ends_at = ends_at;
        silence.node = Some(node);
        silence.answered_at = self.at;
    }

    /// Whether a node shows a silence to its operators as it was promised last.
    fn shows(&self, node: usize, number: usize) -> bool {
        let silence = &self.silences[number];
        let Some(running) = &self.nodes[node].running else { return false };
        let view = running.engine.view();
        let now = true_wall(self.at).plus(Duration::from_secs(5));
        let shown = view.silences().any(|shown| {
            Some(&shown.id) == silence.id.as_ref() && shown.ends_at == silence.ends_at
        });
        shown && silence.is_sure() && !silence.expired && silence.ends_at > now
    }

    fn is_up(&self, node: usize) -> bool {
        self.nodes[node].running.is_some() && self.paused_until(node).is_none()
    }
}

impl PromisedSilence {
    fn covers_host(&self, host: &str) -> bool {
        self.host == host
    }
}
