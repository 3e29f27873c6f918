//! What senders and operators do.

use std::time::Duration;

use bellwether_engine::{Answer, Input};
use bellwether_model::Timestamp;

use super::{Event, Request, World};
use crate::flock::host::true_wall;
use crate::flock::people::{Promised, Report, SentState};
use crate::plans;

impl World<'_> {
    /// A round of reports by all senders, one POST to each node.
    pub(super) fn report(&mut self) {
        let at = self.at;
        if !self.healed {
            for number in 0..self.sent.len() {
                self.change_alert(number);
            }
        }
        let mut posts: Vec<Vec<(usize, Report)>> = vec![Vec::new(); self.hosts.len()];
        for (number, alert) in self.sent.iter_mut().enumerate() {
            let Some((report, targets)) = alert.report(at) else { continue };
            for node in targets {
                posts[node].push((number, report));
                alert.at[node].in_flight += 1;
            }
        }
        for (to, reports) in posts.into_iter().enumerate() {
            if reports.is_empty() {
                continue;
            }
            if !self.healed && self.faults.permille(self.swarm.lost_post) {
                self.note(|| format!("a POST to n{to:02} is lost: {reports:?}"));
                self.never_arrived(to, &reports);
                continue;
            }
            self.plan_event(self.swarm.post_delay[to], Event::Post { to, reports });
        }
    }

    /// One alert begins to fire, and every node is told at once.
    pub fn fire_everywhere(&mut self) -> Result<(), String> {
        let all: Vec<usize> = (0..self.hosts.len()).collect();
        self.sent[0].fire(self.at, all.clone());
        let Some((report, _)) = self.sent[0].report(self.at) else { return Ok(()) };
        for to in all {
            self.sent[0].at[to].in_flight += 1;
            self.post(to, vec![(0, report)])?;
        }
        Ok(())
    }

    pub(super) fn post(&mut self, to: usize, reports: Vec<(usize, Report)>) -> Result<(), String> {
        if self.hosts[to].running.is_none() {
            self.never_arrived(to, &reports);
            return Ok(());
        }
        let alerts = reports.iter().map(|(n, report)| self.sent[*n].new_alert(*report)).collect();
        self.note(|| format!("n{to:02} gets {reports:?}"));
        let ticket = self.request(to, Request::Post(reports));
        self.think(to, Input::Alerts { alerts, refused: 0, ticket }, None)
    }

    fn never_arrived(&mut self, node: usize, reports: &[(usize, Report)]) {
        for (number, _) in reports {
            self.sent[*number].at[node].in_flight -= 1;
        }
    }

    fn change_alert(&mut self, number: usize) {
        let (at, swarm) = (self.at, &self.swarm);
        let alert = &mut self.sent[number];
        match alert.state {
            SentState::Firing if self.deeds.permille(swarm.resolves) => alert.resolve(at),
            SentState::Firing if self.deeds.permille(swarm.stops) => alert.stop(at),
            SentState::Firing => {}
            SentState::Idle | SentState::Resolved | SentState::Stopped => {
                if self.deeds.permille(swarm.fires) {
                    let one = self.deeds.permille(swarm.one_target);
                    // Always the same one: others could not know that it fires again.
                    let targets = match one {
                        true => vec![number % self.hosts.len()],
                        false => (0..self.hosts.len()).collect(),
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
        if self.deeds.permille(self.swarm.silences) {
            let node = self.deeds.below(self.hosts.len() as u64) as usize;
            let length = Duration::from_secs(30 + self.deeds.below(240));
            let host = self.deeds.pick(&plans::HOSTS).expect("there are some");
            let known = self.promised.iter().position(|s| s.is_sure() && s.covers_host(host));
            let known = known.filter(|_| self.deeds.permille(400));
            self.silence(node, known, host, length)?;
        }
        if self.deeds.permille(self.swarm.expires) && !self.promised.is_empty() {
            let node = self.deeds.below(self.hosts.len() as u64) as usize;
            let number = self.deeds.below(self.promised.len() as u64) as usize;
            self.expire(node, number)?;
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
            self.promised.push(Promised {
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
            self.promised.len() - 1
        });
        let silence = &mut self.promised[number];
        silence.uncertain = true;
        silence.longest = silence.longest.max(ends_at);
        let posted = silence.posted(ends_at);
        self.note(|| format!("n{node:02} is to silence {posted:?}"));
        let request = Request::Silence { number, ends_at, expires: false };
        let ticket = self.request(node, request);
        self.think(node, Input::PostSilence { silence: posted, ticket }, None)
    }

    fn expire(&mut self, node: usize, number: usize) -> Result<(), String> {
        let now = true_wall(self.at);
        let silence = &self.promised[number];
        let is_over = silence.expired || silence.ends_at <= now;
        let Some(id) = silence.id.clone().filter(|_| silence.is_sure() && !is_over) else {
            return Ok(());
        };
        if !self.is_up(node) || !self.shows(node, number) {
            return Ok(());
        }
        self.promised[number].uncertain = true;
        self.note(|| format!("n{node:02} is to expire silence {id}"));
        let request = Request::Silence { number, ends_at: now, expires: true };
        let ticket = self.request(node, request);
        self.think(node, Input::ExpireSilence { id, ticket }, None)
    }

    pub(super) fn silence_answered(
        &mut self,
        node: usize,
        number: usize,
        ends_at: Timestamp,
        expires: bool,
        answer: Answer,
    ) {
        self.note(|| format!("n{node:02} answers {answer:?}"));
        let silence = &mut self.promised[number];
        match answer {
            Answer::SilencePosted { id } => silence.id = Some(id),
            Answer::SilenceExpired => {}
            _ => {
                silence.void = true;
                return;
            }
        }
        silence.uncertain = false;
        silence.expired = expires;
        silence.ends_at = ends_at;
        silence.node = Some(node);
        silence.answered_at = self.at;
    }

    /// Whether a node shows a silence to its operators as it was promised last.
    fn shows(&self, node: usize, number: usize) -> bool {
        let silence = &self.promised[number];
        let Some(running) = &self.hosts[node].running else { return false };
        let view = running.engine.view();
        let now = true_wall(self.at).plus(Duration::from_secs(5));
        let shown = view.silences().any(|shown| {
            Some(&shown.id) == silence.id.as_ref() && shown.ends_at == silence.ends_at
        });
        shown && silence.is_sure() && !silence.expired && silence.ends_at > now
    }

    fn is_up(&self, node: usize) -> bool {
        self.hosts[node].running.is_some() && self.paused_until(node).is_none()
    }
}

impl Promised {
    fn covers_host(&self, host: &str) -> bool {
        self.host == host
    }
}
