//! Which faults a run has, and how much happens in it.
//!
//! Faults that are always all there hide each other, so the seed turns some off and others up. Of
//! clusters every third has none, and every third has one kind only: then nothing else can be the
//! cause of what goes wrong. The others, and single nodes, have some of each.

use std::time::Duration;

use crate::hostile::Hostile;
use crate::receivers::ReceiverFaults;
use crate::rng::Rng;

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// So few datagrams are lost that gossip makes up for it.
    LittleLoss,
    MuchLoss,
    Duplication,
    /// Datagrams take long, and overtake each other.
    SlowNetwork,
    Partitions,
    /// Some receive from the others, but the others do not receive from them.
    OneWayPartitions,
    Crashes,
    /// One node starts again and again, and never runs for long.
    CrashLoop,
    /// Some crashes take the disk with them.
    LostDisks,
    Pauses,
    SlowDisks,
    /// Clocks differ by seconds.
    Skew,
    /// One clock is off by up to a day.
    GreatSkew,
    /// Clocks are set, by up to a day.
    ClockSteps,
    FailingReceivers,
    HangingReceivers,
    LostAnswers,
    SlowReceivers,
    LostPosts,
    /// What fires is reported to one node only.
    OneTarget,
    /// Operators reload the configuration, the same one or another.
    Reloads,
}

/// The steps at which a process can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoints {
    /// After an effect.
    Effects,
    /// Also between a turn and its commit, and between a commit and its effects; and what a start
    /// keeps takes its time on the disk, too.
    EveryStep,
}

/// Where senders post alerts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posts {
    /// As operators are told to set up Prometheus.
    AllNodes,
    SomeToOneNode,
}

/// Chances in a thousand, unless they say otherwise.
#[derive(Clone, Debug)]
pub struct Conditions {
    pub nodes: usize,
    /// Whether membership runs; if not, `--cluster.listen-address` is empty.
    pub has_membership: bool,
    /// How long faults and changes last, and how long afterwards everything has to heal: longer
    /// than silences, a resolve timeout after the longest absence, and two intervals.
    pub faults_last: Duration,
    pub healing_lasts: Duration,
    pub faults: Vec<Fault>,
    /// Of one datagram.
    pub loss: u64,
    pub duplication: u64,
    /// How long one takes at most.
    pub delay_max: Duration,
    /// Every five seconds.
    pub partition: u64,
    pub one_way: bool,
    pub pause: u64,
    pub clock_step: u64,
    /// At each of the steps at which a kill can fall.
    pub crash: u64,
    pub kill_points: KillPoints,
    /// How long a process is down at most after a crash.
    pub down_max: Duration,
    /// The node that cannot run for more than a few seconds.
    pub crash_looper: Option<usize>,
    /// Of one crash.
    pub lost_disk: u64,
    pub commit_max: Duration,
    /// How far each node's wall clock is ahead, in nanoseconds.
    pub skew: Vec<i64>,
    pub receivers: ReceiverFaults,
    /// Of one POST.
    pub lost_post: u64,
    /// Of all that fires.
    pub one_target: u64,
    /// How long a POST takes to each node.
    pub post_delay: Vec<Duration>,
    /// Each time senders report.
    pub fires: u64,
    pub resolves: u64,
    pub stops: u64,
    /// Each time operators look.
    pub silences: u64,
    pub expires: u64,
    pub reloads_same: u64,
    pub reloads_other: u64,
    pub hostile: Option<Hostile>,
}

impl Conditions {
    /// [`Fault::OneTarget`] is left out unless `posts` asks for it: where a node has not got what the
    /// others got, some rules cannot hold as long as nodes do not share their alerts.
    pub fn of_a_cluster(rng: &mut Rng, posts: Posts) -> Self {
        let mut conditions = Conditions::calm(2 + rng.below(4) as usize, rng);
        let kinds = match rng.below(3) {
            0 => Vec::new(),
            1 => vec![*rng.pick(&FAULTS).expect("there are some")],
            _ => FAULTS.into_iter().filter(|_| rng.permille(250)).collect(),
        };
        for fault in kinds {
            if fault != Fault::OneTarget || posts == Posts::SomeToOneNode {
                conditions.add(fault, rng);
            }
        }
        conditions
    }

    /// Someone is hostile, and half of the clusters have one kind of fault besides.
    pub fn of_a_hostile_cluster(rng: &mut Rng) -> Self {
        let mut conditions = Conditions::calm(3 + rng.below(4) as usize, rng);
        conditions.hostile = Some(Hostile::draw(conditions.nodes, rng));
        let fault = *rng.pick(&FAULTS).expect("there are some");
        // Where clocks are wrong by much hardly anything is judged.
        let is_judged = !matches!(fault, Fault::OneTarget | Fault::GreatSkew | Fault::ClockSteps);
        if rng.permille(500) && is_judged {
            conditions.add(fault, rng);
        }
        conditions
    }

    /// Longer than that of a cluster: one node has fewer steps.
    pub fn of_one_node(rng: &mut Rng) -> Self {
        let mut conditions = Conditions::calm(1, rng);
        conditions.has_membership = rng.permille(500);
        conditions.faults_last = Duration::from_secs(30 * 60);
        conditions.healing_lasts = Duration::from_secs(16 * 60);
        conditions.kill_points = KillPoints::EveryStep;
        conditions.down_max = Duration::from_secs(400);
        for fault in FAULTS_OF_ONE_NODE {
            if rng.permille(500) {
                conditions.add(fault, rng);
            }
        }
        conditions
    }

    /// There are no faults, but alerts and silences change.
    pub fn calm(nodes: usize, rng: &mut Rng) -> Self {
        let post_delay = |_| Duration::from_millis(rng.below(3000));
        let post_delay = (0..nodes).map(post_delay).collect();
        let mut some = |most: u64| if rng.permille(600) { 1 + rng.below(most) } else { 0 };
        Conditions {
            nodes,
            has_membership: true,
            faults_last: Duration::from_secs(10 * 60),
            healing_lasts: Duration::from_secs(9 * 60),
            faults: Vec::new(),
            loss: 0,
            duplication: 0,
            delay_max: Duration::from_millis(20),
            partition: 0,
            one_way: false,
            pause: 0,
            clock_step: 0,
            crash: 0,
            kill_points: KillPoints::Effects,
            down_max: Duration::from_secs(120),
            crash_looper: None,
            lost_disk: 0,
            commit_max: Duration::ZERO,
            skew: vec![0; nodes],
            receivers: ReceiverFaults::default(),
            lost_post: 0,
            one_target: 0,
            post_delay,
            fires: 20 + some(100),
            resolves: 20 + some(200),
            stops: some(60),
            silences: some(300),
            expires: some(400),
            reloads_same: 0,
            reloads_other: 0,
            hostile: None,
        }
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Whether some clock may be off by more than nodes tolerate.
    pub fn clocks_are_wrong(&self) -> bool {
        self.has(Fault::GreatSkew) || self.has(Fault::ClockSteps)
    }

    /// Whether there is no fault and no hostile part in this run.
    pub fn is_calm(&self) -> bool {
        self.faults.is_empty() && self.hostile.is_none()
    }

    fn add(&mut self, fault: Fault, rng: &mut Rng) {
        self.faults.push(fault);
        match fault {
            Fault::LittleLoss => self.loss = self.loss.max(1 + rng.below(20)),
            Fault::MuchLoss => self.loss = 50 + rng.below(300),
            Fault::Duplication => self.duplication = 50 + rng.below(300),
            Fault::SlowNetwork => self.delay_max = Duration::from_millis(50 + rng.below(250)),
            Fault::Partitions => self.partition = 10 + rng.below(60),
            Fault::OneWayPartitions => {
                self.partition = 10 + rng.below(60);
                self.one_way = true;
            }
            Fault::Crashes => self.crash = 1 + rng.below(10),
            Fault::CrashLoop => self.crash_looper = Some(rng.below(self.nodes as u64) as usize),
            Fault::LostDisks => {
                self.crash = self.crash.max(1 + rng.below(5));
                self.lost_disk = 100 + rng.below(900);
            }
            Fault::Pauses => self.pause = 10 + rng.below(60),
            Fault::SlowDisks => self.commit_max = Duration::from_millis(1 + rng.below(2000)),
            Fault::Skew => {
                for skew in &mut self.skew {
                    *skew = rng.below(5_000_000_000) as i64 - 2_500_000_000;
                }
            }
            Fault::GreatSkew => {
                let node = rng.below(self.nodes as u64) as usize;
                self.skew[node] = step(rng);
            }
            Fault::ClockSteps => self.clock_step = 5 + rng.below(20),
            Fault::FailingReceivers => {
                self.receivers.fails = 100 + rng.below(500);
                self.receivers.refuses = rng.below(100);
                self.receivers.limits = rng.below(200);
            }
            Fault::HangingReceivers => self.receivers.hangs = 20 + rng.below(150),
            Fault::LostAnswers => {
                self.receivers.answer_lost = rng.below(150);
                self.receivers.denies = rng.below(150);
                self.receivers.vanishes = rng.below(60);
            }
            Fault::SlowReceivers => self.receivers.slow = 50 + rng.below(400),
            Fault::LostPosts => self.lost_post = 20 + rng.below(300),
            Fault::OneTarget => self.one_target = 100 + rng.below(900),
            Fault::Reloads => {
                self.reloads_same = rng.below(200);
                self.reloads_other = rng.below(150);
            }
        }
    }
}

/// By how much a clock may be set: up to a minute, an hour, or a day.
pub fn step(rng: &mut Rng) -> i64 {
    let most = *rng.pick(&[60_000, 3_600_000, 86_400_000]).expect("there are some");
    let nanos = (1 + rng.below(most)) as i64 * 1_000_000;
    if rng.permille(500) { nanos } else { -nanos }
}

/// Those that clusters have.
const FAULTS: [Fault; 20] = [
    Fault::LittleLoss,
    Fault::MuchLoss,
    Fault::Duplication,
    Fault::SlowNetwork,
    Fault::Partitions,
    Fault::OneWayPartitions,
    Fault::Crashes,
    Fault::CrashLoop,
    Fault::LostDisks,
    Fault::Pauses,
    Fault::SlowDisks,
    Fault::Skew,
    Fault::GreatSkew,
    Fault::ClockSteps,
    Fault::FailingReceivers,
    Fault::HangingReceivers,
    Fault::LostAnswers,
    Fault::SlowReceivers,
    Fault::LostPosts,
    Fault::OneTarget,
];

const FAULTS_OF_ONE_NODE: [Fault; 8] = [
    Fault::Crashes,
    Fault::SlowDisks,
    Fault::FailingReceivers,
    Fault::HangingReceivers,
    Fault::LostAnswers,
    Fault::SlowReceivers,
    Fault::LostPosts,
    Fault::Reloads,
];
