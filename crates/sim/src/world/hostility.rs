//! What a hostile peer and a hostile client do, twice a second.

use std::time::Duration;

use bellwether_engine::{
    Channel, Effect, Input, LogEntry, LogKey, Notified, RefusedAlerts, StatusBroadcast, wire,
};
use bellwether_memberlist::cluster::{self, SendVia};
use bellwether_model::{NewAlert, Remembered, Silence, Timestamp};

use super::{Event, World};
use crate::hostile::{self, Trick};
use crate::node;
use crate::plans;

/// What a hostile peer has overheard.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    claims: Vec<u64>,
    keys: Vec<LogKey>,
}

impl World<'_> {
    /// The node that is hostile; its promises are worth nothing.
    pub(super) fn hostile_peer(&self) -> Option<usize> {
        self.conditions.hostile.as_ref().and_then(|hostile| hostile.peer)
    }

    pub(super) fn harass(&mut self) -> Result<(), String> {
        if self.healed {
            if self.at < self.conditions.faults_last + ENDS_FOR {
                self.plan_event(ENDED_EVERY, Event::Harass);
                self.end_nonsense()?;
            }
            return Ok(());
        }
        self.plan_event(HARASSED_EVERY, Event::Harass);
        let Some(hostile) = self.conditions.hostile.clone() else { return Ok(()) };
        if hostile.has_client && self.hostile_rng.permille(200) {
            self.post_nonsense()?;
        }
        let Some(peer) = hostile.peer else { return Ok(()) };
        if self.nodes[peer].running.is_none() || self.paused_until(peer).is_some() {
            return Ok(());
        }
        for trick in hostile.tricks {
            self.play(peer, trick)?;
        }
        Ok(())
    }

    /// What the hostile peer hears, it remembers.
    pub(super) fn overhear(&mut self, node: usize, input: &Input) {
        if self.hostile_peer() != Some(node) {
            return;
        }
        let Overheard { claims, keys } = &mut self.overheard;
        match input {
            Input::StatusBroadcast { data, .. } => {
                let heard = StatusBroadcast::decode(data).into_iter().flat_map(|it| it.claims);
                let news: Vec<u64> = heard.filter(|claim| !claims.contains(claim)).collect();
                claims.extend(news);
            }
            Input::PeerRecords { channel: Channel::NotificationLog, data } => {
                let messages = wire::split_messages(data).filter_map(Result::ok);
                let heard = messages.filter_map(|message| wire::decode_entry(message).ok());
                for entry in heard {
                    if !keys.contains(&entry.key) {
                        keys.push(entry.key);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the hostile peer does what its engine wants.
    pub(super) fn is_honoured(&self, effect: &Effect) -> bool {
        let Some(hostile) = &self.conditions.hostile else { return true };
        match effect {
            Effect::Attempt(_) => false,
            Effect::SendStatus { .. } => !self.healed && !hostile.does(Trick::FalseClaims),
            Effect::Broadcast { .. } | Effect::Forward { .. } => !hostile.does(Trick::Withholds),
            Effect::Reply(_) | Effect::CheckLiveness { .. } => true,
        }
    }

    /// A POST to each node that is up.
    fn post_nonsense(&mut self) -> Result<(), String> {
        let now = node::true_wall(self.at);
        let count = 1 + self.hostile_rng.below(5);
        let alerts: Vec<NewAlert> =
            (0..count).map(|_| hostile::alert(now, &mut self.hostile_rng)).collect();
        for alert in &alerts {
            self.hostile_alerts.insert(alert.fingerprint, alert.clone());
        }
        self.post_of_hostile(&alerts)
    }

    /// The hostile client gives up: what it has posted ends, on nodes that have been down, too.
    fn end_nonsense(&mut self) -> Result<(), String> {
        let now = node::true_wall(self.at);
        let ended = self.hostile_alerts.values().map(|alert| NewAlert {
            starts_at: Some(now.minus(Duration::from_secs(1))),
            ends_at: Some(now),
            ..alert.clone()
        });
        let ended: Vec<NewAlert> = ended.collect();
        self.post_of_hostile(&ended)
    }

    fn post_of_hostile(&mut self, alerts: &[NewAlert]) -> Result<(), String> {
        if alerts.is_empty() {
            return Ok(());
        }
        self.note(|| format!("a hostile client posts {alerts:?}"));
        for to in 0..self.nodes.len() {
            if self.nodes[to].running.is_none() || self.paused_until(to).is_some() {
                continue;
            }
            let (alerts, ticket) = (alerts.to_vec(), self.new_ticket());
            let refused = RefusedAlerts::default();
            self.input(to, Input::Alerts { alerts, refused, ticket }, None)?;
        }
        Ok(())
    }

    fn play(&mut self, peer: usize, trick: Trick) -> Result<(), String> {
        let now = node::true_wall(self.at);
        match trick {
            Trick::FalseClaims | Trick::FalseClocks | Trick::ForgedNames => {
                self.lie(peer, trick, now)
            }
            Trick::Malformed => {
                for to in 0..self.nodes.len() {
                    let from = self.nodes[peer].address;
                    let bytes = hostile::noise(200, &mut self.hostile_rng);
                    self.plan_event(Duration::from_millis(1), Event::Datagram { to, from, bytes });
                }
                let mut data = Vec::new();
                let noise = hostile::noise(100, &mut self.hostile_rng);
                match self.hostile_rng.below(3) {
                    0 => data = noise,
                    1 => wire::append_message(&mut data, &noise),
                    _ => {
                        let silence = self.silence_of_nothing(now, 10);
                        let message = wire::encode_silence(&silence, silence.ends_at);
                        let cut = self.hostile_rng.below(message.len() as u64) as usize;
                        wire::append_message(&mut data, &message[..cut]);
                    }
                }
                let channel = *self.hostile_rng.pick(&CHANNELS).expect("there are some");
                self.spread(peer, channel, data)
            }
            Trick::Oversize if self.hostile_rng.permille(20) => {
                let silence = self.silence_of_nothing(now, 64 << 10);
                self.spread_silence(peer, &silence)
            }
            Trick::FarFuture if self.hostile_rng.permille(100) => {
                let ahead = *self.hostile_rng.pick(&AHEAD_HOURS).expect("there are some");
                let at = now.plus(Duration::from_hours(ahead));
                if self.hostile_rng.permille(500) {
                    let mut silence = self.silence_of_nothing(at, 10);
                    silence.updated_at = at;
                    return self.spread_silence(peer, &silence);
                }
                let key = self.hostile_rng.pick(&self.overheard.keys).cloned();
                let Some(mut key) = key else { return Ok(()) };
                key.group = bellwether_model::GroupKey::from_text("{}:{nobody=\"x\"}");
                self.spread_entry(peer, key, at)
            }
            Trick::ForeignAlerts if self.hostile_rng.permille(100) => {
                let key = self.hostile_rng.pick(&self.overheard.keys).cloned();
                let Some(key) = key else { return Ok(()) };
                let ahead = *self.hostile_rng.pick(&[0, 0, 1, 47]).expect("there are some");
                self.spread_entry(peer, key, now.plus(Duration::from_hours(ahead)))
            }
            Trick::Oversize | Trick::FarFuture | Trick::ForeignAlerts | Trick::Withholds => Ok(()),
        }
    }

    /// Status broadcasts to all others.
    fn lie(&mut self, peer: usize, trick: Trick, now: Timestamp) -> Result<(), String> {
        for to in (0..self.nodes.len()).filter(|to| *to != peer) {
            let rng = &mut self.hostile_rng;
            let wall = match trick {
                Trick::FalseClaims => now,
                _ => hostile::some_time(now, rng).unwrap_or(Timestamp::ZERO),
            };
            let from = match trick {
                Trick::ForgedNames if rng.permille(200) => String::from("nobody"),
                Trick::ForgedNames => {
                    self.nodes[rng.below(self.nodes.len() as u64) as usize].name.clone()
                }
                _ => self.nodes[peer].name.clone(),
            };
            let claims = match trick {
                Trick::FalseClocks => Vec::new(),
                _ => self.overheard.claims.clone(),
            };
            let data = StatusBroadcast { from, wall, claims }.encode();
            let receiver = node::node_name(&self.nodes[to].name);
            let key = node::STATUS_KEY.to_owned();
            let via = SendVia::Datagram;
            let input = cluster::Input::SendToPeer { peer: receiver, key, data: data.into(), via };
            self.gossip(peer, input)?;
        }
        Ok(())
    }

    fn spread_silence(&mut self, peer: usize, silence: &Silence) -> Result<(), String> {
        let mut data = Vec::new();
        wire::append_message(&mut data, &wire::encode_silence(silence, silence.ends_at));
        self.spread(peer, Channel::Silences, data)
    }

    fn spread_entry(&mut self, peer: usize, key: LogKey, at: Timestamp) -> Result<(), String> {
        let entry = LogEntry {
            key,
            notified: Notified {
                firing: vec![self.hostile_rng.number()],
                resolved: vec![self.hostile_rng.number()],
                ..Notified::default()
            },
            at,
            expires_at: at.plus(Duration::from_hours(1)),
            remembered: Remembered::default(),
            wire: None,
        };
        self.note(|| format!("the hostile peer n{peer:02} spreads {entry:?}"));
        let mut data = Vec::new();
        wire::append_message(&mut data, &wire::encode_entry(&entry));
        self.spread(peer, Channel::NotificationLog, data)
    }

    /// Gossips records to all others.
    fn spread(&mut self, peer: usize, channel: Channel, data: Vec<u8>) -> Result<(), String> {
        self.gossip(peer, cluster::Input::Broadcast { key: node::key(channel), data: data.into() })
    }

    /// Of no alert that there is, with a text of so many bytes.
    fn silence_of_nothing(&mut self, starts_at: Timestamp, bytes: usize) -> Silence {
        Silence {
            id: format!("hostile-{}", self.number()),
            matcher_sets: vec![plans::equal("host", "nowhere")],
            starts_at,
            ends_at: starts_at.plus(Duration::from_secs(300)),
            updated_at: starts_at,
            created_by: String::new(),
            comment: "x".repeat(bytes),
            annotations: Default::default(),
        }
    }
}

const HARASSED_EVERY: Duration = Duration::from_millis(500);
/// Longer than any node is down.
const ENDS_FOR: Duration = Duration::from_secs(240);
const ENDED_EVERY: Duration = Duration::from_secs(10);
const CHANNELS: [Channel; 2] = [Channel::Silences, Channel::NotificationLog];
/// Records more than two days ahead are refused.
const AHEAD_HOURS: [u64; 4] = [1, 47, 49, 24 * 365 * 100];
