//! One member: engine, membership, disk, and a clock of its own.
//!
//! It connects the two machines as the server does (`main_loop/peers.rs` there): what one says to
//! the other goes through two queues, and whatever depends on a record waits until that is durable.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bellwether_engine::{
    Channel, DeliveryId, Effect, Engine, EngineSettings, Input, Note, Peer, PeerSettings, Plan,
    Record, Turn,
};
use bellwether_memberlist::cluster::{self, Cluster, Output, Way};
use bellwether_memberlist::{self as memberlist, Address, Gate, Meta, NodeName};
use bellwether_model::{GroupKey, IntegrationId, Mono, Now, Timestamp};
use std::sync::Arc;

use crate::disk::Disk;
use crate::hash::Hash;

pub struct Host {
    pub name: String,
    pub address: Address,
    /// `None` while the process is down.
    pub running: Option<Running>,
    pub disk: Disk,
    /// Counts the starts: what was meant for an earlier process is lost.
    pub boot: u64,
    /// How far the wall clock is ahead, in nanoseconds.
    pub skew: i64,
    /// Since when the clock has been as it is, the process has run, and nothing held it up.
    pub steady_since: Duration,
    pub paused_until: Duration,
    pub hash: Hash,
    pub turns: u64,
    /// When each silence first was durable here.
    pub learned: BTreeMap<String, Duration>,
}

pub struct Running {
    pub engine: Engine,
    pub cluster: Cluster,
    pub booted_at: Duration,
    pub settled: bool,
    /// What the engine is to be told.
    pub inbox: VecDeque<(Input, Option<Delivered>)>,
    /// What may be performed.
    pub outbox: VecDeque<Released>,
    held: VecDeque<Held>,
    pub commit_is_due: bool,
    /// When it wants to be called again.
    pub wakeup: Duration,
}

/// Effects that wait until a batch is durable.
struct Held {
    batch: u64,
    effects: Vec<Effect>,
    took: Option<Delivered>,
    silences: Vec<String>,
}

pub enum Released {
    Effect(Effect),
    /// The answer was taken, and whatever was noted of it is durable.
    Took(Delivered),
}

/// What one attempt told successfully, and to whom.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub integration: IntegrationId,
    pub group: GroupKey,
    pub delivery: DeliveryId,
}

impl Host {
    pub fn new(number: usize, skew: i64) -> Self {
        Host {
            // Names sort as numbers do.
            name: format!("n{number:02}"),
            address: address(number),
            running: None,
            disk: Disk::default(),
            boot: 0,
            skew,
            steady_since: Duration::ZERO,
            paused_until: Duration::ZERO,
            hash: Hash::default(),
            turns: 0,
            learned: BTreeMap::new(),
        }
    }

    /// Starts the process, with what the disk remembers; returns what membership wants done.
    pub fn start(
        &mut self,
        at: Duration,
        plan: &Arc<Plan>,
        peers: &[Address],
        seed: u64,
    ) -> Result<Vec<Output>, String> {
        self.boot += 1;
        let timeout = PEER_TIMEOUT;
        let settings = EngineSettings {
            peers: Some(PeerSettings { name: self.name.clone(), timeout }),
            ..EngineSettings::default()
        };
        let mut engine = Engine::new(plan.clone(), settings, u128::from(seed) << 64 | 1);
        let mut turn = Turn::default();
        let now = Now { wall: self.wall(at), mono: Mono(0) };
        engine.restore(now, self.disk.read()?, &mut turn);
        let mut outputs = Vec::new();
        let settings = membership(&self.name, self.address, peers);
        let cluster = Cluster::new(memberlist::Mono(0), settings, seed, &mut outputs);
        self.running = Some(Running {
            engine,
            cluster,
            booted_at: at,
            settled: false,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            held: VecDeque::new(),
            commit_is_due: false,
            wakeup: at,
        });
        self.steady_since = at;
        self.hold(turn, None);
        Ok(outputs)
    }

    /// What this host's wall clock shows.
    pub fn wall(&self, at: Duration) -> Timestamp {
        let by = Duration::from_nanos(self.skew.unsigned_abs());
        if self.skew < 0 { true_wall(at).minus(by) } else { true_wall(at).plus(by) }
    }

    /// Lets the engine take the next input; its effects wait for the disk.
    pub fn think(&mut self, at: Duration, input: Input, took: Option<Delivered>) -> Vec<Note> {
        let wall = self.wall(at);
        let Some(running) = &mut self.running else { return Vec::new() };
        let mono = Mono(nanos(at - running.booted_at));
        let mut turn = Turn::default();
        running.engine.handle(Now { wall, mono }, input, &mut turn);
        let notes = std::mem::take(&mut turn.notes);
        if !notes.is_empty() {
            self.hash.add(&notes);
        }
        self.hold(turn, took);
        notes
    }

    /// Lets membership take an input.
    pub fn gossip(&mut self, at: Duration, input: cluster::Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        if let Some(running) = &mut self.running {
            let now = memberlist::Mono(nanos(at - running.booted_at));
            running.cluster.handle(now, input, &mut outputs);
        }
        outputs
    }

    /// Makes durable what was handed in, and lets out what waited for that.
    ///
    /// Durability: nothing else lets an effect out.
    pub fn commit(&mut self, at: Duration) {
        self.disk.sync();
        let committed = self.disk.committed();
        let Some(running) = &mut self.running else { return };
        running.commit_is_due = false;
        while running.held.front().is_some_and(|held| held.batch <= committed) {
            let held = running.held.pop_front().expect("it was just seen");
            for id in held.silences {
                self.learned.entry(id).or_insert(at);
            }
            running.outbox.extend(held.effects.into_iter().map(Released::Effect));
            running.outbox.extend(held.took.map(Released::Took));
        }
    }

    pub fn waits_for_disk(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.held.is_empty())
    }

    /// When the process wants to be called if nothing happens; `None` while it is down.
    pub fn wakeup(&self) -> Option<Duration> {
        Some(self.running.as_ref()?.wakeup.max(self.paused_until))
    }

    pub fn set_alarm(&mut self) {
        let Some(running) = &mut self.running else { return };
        let engine = running.engine.next_wakeup().map(|at| at.0);
        let membership = running.cluster.next_wakeup().map(|at| at.0);
        let next = engine.into_iter().chain(membership).min().unwrap_or(u64::MAX);
        running.wakeup = running.booted_at.saturating_add(Duration::from_nanos(next));
    }

    /// The other members, as the engine is to know them.
    pub fn peers(&self) -> Vec<Peer> {
        let Some(running) = &self.running else { return Vec::new() };
        let members = running.cluster.members().map(|member| Peer {
            name: member.name.to_string(),
            is_bellwether: member.meta.starts_with(SCHEME),
        });
        members.filter(|peer| peer.name != self.name).collect()
    }

    fn hold(&mut self, turn: Turn, took: Option<Delivered>) {
        self.turns += 1;
        let Some(running) = &mut self.running else { return };
        if turn.keep.is_empty() && turn.after.is_empty() && took.is_none() {
            return;
        }
        self.hash.add(&(turn.keep.len(), turn.after.len()));
        let silences = turn.keep.iter().filter_map(|record| match record {
            Record::Silence(version) => Some(version.silence.id.clone()),
            _ => None,
        });
        let silences = silences.collect();
        let batch = if turn.keep.is_empty() {
            // A turn without records waits for those before it.
            running.held.back().map_or(0, |held| held.batch)
        } else {
            self.disk.submit(&turn.keep)
        };
        running.held.push_back(Held { batch, effects: turn.after, took, silences });
    }
}

/// What an effect means to membership, if it is for it.
pub fn for_peers(effect: Effect) -> Result<cluster::Input, Box<Effect>> {
    Ok(match effect {
        Effect::Broadcast { channel, data } => {
            cluster::Input::Tell { key: key(channel), data: data.into() }
        }
        Effect::Forward { channel, data } => {
            cluster::Input::Forward { key: key(channel), data: data.into() }
        }
        Effect::SendStatus { peer, data } => {
            let (peer, key) = (node_name(&peer), BULLETIN_KEY.to_owned());
            cluster::Input::TellPeer { peer, key, data: data.into(), way: Way::Datagram }
        }
        Effect::CheckLiveness { peer } => cluster::Input::Ask { peer: node_name(&peer) },
        other @ (Effect::Reply { .. } | Effect::Attempt(_)) => return Err(Box::new(other)),
    })
}

/// What the engine is told of content that a peer sent.
pub fn heard(key: &str, data: Vec<u8>) -> Option<Input> {
    match key {
        "sil" => Some(Input::PeerRecords { channel: Channel::Silences, data }),
        "nfl" => Some(Input::PeerRecords { channel: Channel::NotificationLog, data }),
        BULLETIN_KEY => Some(Input::StatusBroadcast { data }),
        _ => None,
    }
}

/// The instant at which so much simulated time has passed.
pub fn true_wall(at: Duration) -> Timestamp {
    // 2026-01-05 12:00 UTC.
    Timestamp::from_unix(1_767_614_400, 0).plus(at)
}

pub fn address(number: usize) -> Address {
    let last = u8::try_from(number + 1).expect("clusters are small");
    Address::new([10, 0, 0, last], 9094)
}

fn membership(name: &str, own: Address, peers: &[Address]) -> cluster::Settings {
    let peers = peers.iter().map(|peer| format!("{}:{}", peer.ip, peer.port)).collect();
    let mut settings = cluster::Settings::alertmanager(node_name(name), own, peers);
    let meta = [SCHEME, b"\0", b"0123456789abcdef\0"].concat();
    settings.machine.meta = Meta::new(meta).expect("it is short");
    settings.machine.gate = Some(Gate { scheme: SCHEME.into(), cluster: (&b"\0"[..]).into() });
    settings
}

fn node_name(name: &str) -> NodeName {
    NodeName::new(name).expect("members have valid names")
}

fn key(channel: Channel) -> String {
    match channel {
        Channel::Silences => "sil".to_owned(),
        Channel::NotificationLog => "nfl".to_owned(),
    }
}

pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// `--cluster.peer-timeout`, as it is if no flag says otherwise.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(15);
/// How nodes of our kind introduce themselves.
const SCHEME: &[u8] = b"bellwether/1\0";
const BULLETIN_KEY: &str = "bellwether/bulletin";
