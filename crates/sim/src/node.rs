//! One node: engine, membership, disk, and its own clock.
//!
//! It connects the two machines as the server does (`main_loop/peers.rs` there): what one has for
//! the other goes through two queues, and whatever depends on a record waits until that is durable.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use bellwether_engine::{
    Channel, DeliveryId, Effect, Engine, EngineSettings, Input, Note, Peer, PeerSettings, Plan,
    Record, Turn,
};
use bellwether_memberlist::cluster::{self, Cluster, Output, SendVia};
use bellwether_memberlist::{self as memberlist, Address, MemberFilter, NodeMeta, NodeName};
use bellwether_model::{GroupKey, IntegrationId, Mono, Now, Timestamp};
use std::sync::Arc;

use crate::disk::Disk;
use crate::hash::Hash;
use crate::rng::Rng;

pub struct Node {
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
    pub crashed_at: Duration,
    /// Whether membership runs in its processes.
    has_membership: bool,
    /// Whether peers must show a certificate.
    pub has_tls: bool,
    pub hash: Hash,
    pub turns: u64,
    /// When each silence first was durable here.
    pub learned: BTreeMap<String, Duration>,
}

pub struct Running {
    pub engine: Engine,
    /// `None` if the node has no membership.
    pub cluster: Option<Cluster>,
    pub booted_at: Duration,
    pub settled: bool,
    /// Inputs that the engine has not taken yet, and what was delivered if they say so.
    pub inbox: VecDeque<(Input, Option<Delivered>)>,
    /// What may be performed, since everything it depends on is durable.
    pub outbox: VecDeque<Released>,
    /// What waits for the disk, in order.
    held: VecDeque<Held>,
    /// Whether the last turn has effects; they are the last that are held.
    has_effects: bool,
    pub commit_is_due: bool,
    /// When it wants to be called again.
    pub wakeup: Duration,
}

/// Effects that wait until a batch is durable.
struct Held {
    batch: u64,
    effects: Vec<Effect>,
    delivered: Option<Delivered>,
    silences: Vec<String>,
}

pub enum Released {
    Effect(Effect),
    /// The outcome was taken, and whatever was recorded of it is durable.
    Confirmed(Delivered),
}

/// A successful attempt.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub integration: IntegrationId,
    pub group: GroupKey,
    pub delivery: DeliveryId,
}

impl Node {
    pub fn new(number: usize, skew: i64, has_membership: bool) -> Self {
        Node {
            // Names sort as numbers do.
            name: format!("n{number:02}"),
            address: address(number),
            running: None,
            disk: Disk::default(),
            boot: 0,
            skew,
            steady_since: Duration::ZERO,
            paused_until: Duration::ZERO,
            crashed_at: Duration::ZERO,
            has_membership,
            has_tls: true,
            hash: Hash::default(),
            turns: 0,
            learned: BTreeMap::new(),
        }
    }

    /// Starts the process, with what is on the disk; returns what membership wants done.
    pub fn start(
        &mut self,
        at: Duration,
        plan: &Arc<Plan>,
        peers: &[Address],
        seed: u64,
    ) -> Result<Vec<Output>, String> {
        self.boot += 1;
        let mut turn = Turn::default();
        let engine = self.restored(at, plan, u128::from(seed) << 64 | 1, &mut turn)?;
        let mut outputs = Vec::new();
        let cluster = self.has_membership.then(|| {
            let settings = membership(&self.name, self.address, peers);
            Cluster::new(memberlist::Mono(0), settings, seed, &mut outputs)
        });
        self.running = Some(Running {
            engine,
            booted_at: at,
            settled: cluster.is_none(),
            cluster,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            held: VecDeque::new(),
            has_effects: false,
            commit_is_due: false,
            wakeup: at,
        });
        self.steady_since = at;
        self.count(&turn);
        self.hold(turn, None);
        Ok(outputs)
    }

    /// An engine with the state that a start now would have.
    pub fn restored(
        &self,
        at: Duration,
        plan: &Arc<Plan>,
        seed: u128,
        turn: &mut Turn,
    ) -> Result<Engine, String> {
        let peers = PeerSettings {
            name: self.name.clone(),
            timeout: PEER_TIMEOUT,
            corrects_clock: true,
            trusts_status: self.has_tls,
        };
        let peers = Some(peers).filter(|_| self.has_membership);
        let mut engine =
            Engine::new(plan.clone(), EngineSettings { peers, ..EngineSettings::default() }, seed);
        let now = Now { wall: self.wall(at), mono: Mono(0) };
        engine.restore(now, self.disk.read()?, turn);
        Ok(engine)
    }

    /// What this node's wall clock shows.
    pub fn wall(&self, at: Duration) -> Timestamp {
        let by = Duration::from_nanos(self.skew.unsigned_abs());
        if self.skew < 0 { true_wall(at).minus(by) } else { true_wall(at).plus(by) }
    }

    /// Lets the engine take the next input; the effects wait for the disk.
    pub fn take_input(
        &mut self,
        at: Duration,
        input: Input,
        delivered: Option<Delivered>,
    ) -> Vec<Note> {
        let wall = self.wall(at);
        let Some(running) = &mut self.running else { return Vec::new() };
        let mono = running.mono(at);
        let mut turn = Turn::default();
        running.engine.handle(Now { wall, mono }, input, &mut turn);
        self.count(&turn);
        let notes = std::mem::take(&mut turn.notes);
        self.hold(turn, delivered);
        notes
    }

    /// Lets membership take an input.
    pub fn gossip(&mut self, at: Duration, input: cluster::Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        if let Some(running) = &mut self.running
            && let Some(cluster) = &mut running.cluster
        {
            let now = memberlist::Mono(nanos(at - running.booted_at));
            cluster.handle(now, input, &mut outputs);
        }
        outputs
    }

    /// Lets out what waited for batches that are durable by now.
    ///
    /// Durability: nothing else lets an effect out.
    pub fn release(&mut self, at: Duration) {
        let committed = self.disk.committed();
        let Some(running) = &mut self.running else { return };
        running.commit_is_due = false;
        while running.held.front().is_some_and(|held| held.batch <= committed) {
            let held = running.held.pop_front().expect("it was just seen");
            for id in held.silences {
                self.learned.entry(id).or_insert(at);
            }
            running.outbox.extend(held.effects.into_iter().map(Released::Effect));
            running.outbox.extend(held.delivered.map(Released::Confirmed));
        }
    }

    /// Makes everything durable that was handed in. Every few commits the journal begins anew with
    /// what the engine has, which must make no difference.
    pub fn sync(&mut self, at: Duration) -> Result<(), String> {
        self.disk.sync();
        let now = Now { wall: self.wall(at), mono: Mono(0) };
        let Some(running) = &self.running else { return Ok(()) };
        if !self.disk.committed().is_multiple_of(COMMITS_UNTIL_ANEW) {
            return Ok(());
        }
        let live =
            || running.engine.live_records(Now { mono: running.mono(at), ..now }).into_records();
        if let Some(difference) = self.disk.difference(live()) {
            return Err(format!("{}: memory and disk differ, {difference}", self.name));
        }
        self.disk.begin_anew(live());
        Ok(())
    }

    /// The process dies; what waited for the disk may be durable or not, and is never performed.
    pub fn crash(&mut self, at: Duration, rng: &mut Rng) {
        self.running = None;
        self.crashed_at = at;
        self.disk.crash(rng);
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
        let membership = running.cluster.as_ref().and_then(Cluster::next_wakeup).map(|at| at.0);
        let next = engine.into_iter().chain(membership).min().unwrap_or(u64::MAX);
        running.wakeup = running.booted_at.saturating_add(Duration::from_nanos(next));
    }

    /// How many members it counts, itself included; `None` if it has no membership.
    pub fn members(&self) -> Option<usize> {
        Some(self.running.as_ref()?.cluster.as_ref()?.members().count())
    }

    /// The other members, as the engine is to know them.
    pub fn peers(&self) -> Vec<Peer> {
        let cluster = self.running.as_ref().and_then(|running| running.cluster.as_ref());
        let members = cluster.into_iter().flat_map(Cluster::members).map(|member| Peer {
            name: member.name.to_string(),
            address: member.address.ip,
            is_bellwether: member.meta.starts_with(SCHEME),
        });
        members.filter(|peer| peer.name != self.name).collect()
    }

    fn count(&mut self, turn: &Turn) {
        self.turns += 1;
        if !(turn.keep.is_empty() && turn.after.is_empty() && turn.notes.is_empty()) {
            self.hash.add(turn);
        }
    }

    /// Holds a turn's effects until what it keeps is durable.
    fn hold(&mut self, turn: Turn, delivered: Option<Delivered>) {
        let Some(running) = &mut self.running else { return };
        running.has_effects = !turn.after.is_empty();
        if turn.keep.is_empty() && turn.after.is_empty() && delivered.is_none() {
            return;
        }
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
        running.held.push_back(Held { batch, effects: turn.after, delivered, silences });
    }
}

impl Running {
    /// What the last turn wants done.
    pub fn effects(&self) -> &[Effect] {
        match self.held.back() {
            Some(held) if self.has_effects => &held.effects,
            _ => &[],
        }
    }

    pub fn mono(&self, at: Duration) -> Mono {
        Mono(nanos(at - self.booted_at))
    }
}

/// The input to membership that an effect is, if it is for peers.
pub fn for_peers(effect: Effect) -> Result<cluster::Input, Box<Effect>> {
    Ok(match effect {
        Effect::Broadcast { channel, data } => {
            cluster::Input::Broadcast { key: key(channel), data: data.into() }
        }
        Effect::Forward { channel, data } => {
            cluster::Input::Forward { key: key(channel), data: data.into() }
        }
        Effect::SendStatus { peer, data } => {
            let (peer, key) = (node_name(&peer), STATUS_KEY.to_owned());
            cluster::Input::SendToPeer { peer, key, data: data.into(), via: SendVia::Datagram }
        }
        Effect::CheckLiveness { peer } => cluster::Input::CheckLiveness { peer: node_name(&peer) },
        other @ (Effect::Reply(_) | Effect::Attempt(_)) => return Err(Box::new(other)),
    })
}

/// The input to the engine that a message from a peer is.
pub fn from_peer(key: &str, data: Vec<u8>, from: IpAddr) -> Option<Input> {
    match key {
        "sil" => Some(Input::PeerRecords { channel: Channel::Silences, data }),
        "nfl" => Some(Input::PeerRecords { channel: Channel::NotificationLog, data }),
        STATUS_KEY => Some(Input::StatusBroadcast { from, data }),
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

fn membership(name: &str, own: Address, peers: &[Address]) -> cluster::ClusterSettings {
    let peers = peers.iter().map(|peer| format!("{}:{}", peer.ip, peer.port)).collect();
    let mut settings = cluster::ClusterSettings::alertmanager(node_name(name), own, peers);
    let meta = [SCHEME, b"\0", b"0123456789abcdef\0"].concat();
    settings.machine.meta = NodeMeta::new(meta).expect("it is short");
    settings.machine.member_filter =
        Some(MemberFilter { scheme: SCHEME.into(), cluster: (&b"\0"[..]).into() });
    settings
}

pub fn node_name(name: &str) -> NodeName {
    NodeName::new(name).expect("members have valid names")
}

pub fn key(channel: Channel) -> String {
    match channel {
        Channel::Silences => "sil".to_owned(),
        Channel::NotificationLog => "nfl".to_owned(),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// `--cluster.peer-timeout`, as it is if no flag says otherwise.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(15);
/// How the metadata of a Bellwether node begins.
const SCHEME: &[u8] = b"bellwether/1\0";
pub const STATUS_KEY: &str = "bellwether/bulletin";

/// Not a multiple of anything that happens regularly.
const COMMITS_UNTIL_ANEW: u64 = 7;
