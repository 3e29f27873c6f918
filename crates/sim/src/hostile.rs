//! Who is hostile in a run, and how; all of it within what anyone may send who can reach the ports.
//!
//! In: a seed. Out: one peer that never notifies and lies, one receiver that answers nonsense, one
//! client that posts what no sender would, or some of the three. What they do is in
//! `world/hostility.rs`. What they have a right to is left out: a member may say that it has notified
//! a group, or end a silence, and a client may resolve an alert.

use std::time::Duration;

use bellwether_model::{LabelSet, NewAlert, Timestamp};

use crate::receivers::ReceiverFaults;
use crate::rng::Rng;

#[derive(Clone, Debug)]
pub struct Hostile {
    /// Its membership works, so the others count it and find it alive.
    pub peer: Option<usize>,
    pub tricks: Vec<Trick>,
    pub receiver: Option<&'static str>,
    pub has_client: bool,
    /// Whether peers must show a certificate; the hostile one has one.
    pub has_tls: bool,
}

/// What a hostile peer does besides not notifying anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// It claims all that any other node has ever claimed.
    FalseClaims,
    /// Its clock shows anything.
    FalseClocks,
    /// It sends status broadcasts under the names of others, and under names that are not members.
    ForgedNames,
    /// It sends what cannot be read, as datagrams and as records.
    Malformed,
    /// It sends silences of 64 kB.
    Oversize,
    /// Its records are of the far future, some within what the wire allows.
    FarFuture,
    /// Its log entries of real groups name alerts that do not exist, and are also of the future.
    ForeignAlerts,
    /// It passes on nothing.
    Withholds,
}

impl Hostile {
    /// Someone at least.
    pub fn draw(nodes: usize, rng: &mut Rng) -> Self {
        let receiver = *rng.pick(&RECEIVERS).expect("there are some");
        let receiver = Some(receiver).filter(|_| rng.permille(400));
        let has_client = rng.permille(400);
        let is_peer = rng.permille(800) || receiver.is_none() && !has_client;
        let peer = rng.below(nodes as u64) as usize;
        Hostile {
            peer: is_peer.then_some(peer),
            tricks: TRICKS.into_iter().filter(|_| rng.permille(400)).collect(),
            receiver,
            has_client,
            has_tls: rng.permille(500),
        }
    }

    pub fn does(&self, trick: Trick) -> bool {
        self.tricks.contains(&trick)
    }
}

/// How a hostile receiver answers.
pub fn receiver() -> ReceiverFaults {
    ReceiverFaults {
        fails: 150,
        denies: 150,
        refuses: 150,
        limits: 150,
        hangs: 400,
        answer_lost: 200,
        vanishes: 300,
        slow: 500,
    }
}

/// An alert that no sender would post; of a host of its own, since a client may resolve what others
/// report.
pub fn alert(now: Timestamp, rng: &mut Rng) -> NewAlert {
    let number = rng.below(8).to_string();
    let labels = LabelSet::new([
        ("alertname", *rng.pick(&["A", "B", "C"]).expect("there are some")),
        ("host", "hostile"),
        ("number", &number),
        ("severity", *rng.pick(&["warning", "critical"]).expect("there are some")),
        ("team", *rng.pick(&["web", "db"]).expect("there are some")),
    ]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: some_time(now, rng),
        ends_at: some_time(now, rng),
    }
}

/// Up to a hundred years from now, in either direction; or none.
pub fn some_time(now: Timestamp, rng: &mut Rng) -> Option<Timestamp> {
    let most = *rng.pick(&[60, 3600, 47 * 3600, 100 * 365 * 86_400]).expect("there are some");
    let by = Duration::from_secs(rng.below(most));
    match rng.below(5) {
        0 => None,
        1 | 2 => Some(now.minus(by)),
        _ => Some(now.plus(by)),
    }
}

/// Any bytes, up to so many.
pub fn noise(most: u64, rng: &mut Rng) -> Vec<u8> {
    (0..rng.below(most)).map(|_| rng.number() as u8).collect()
}

const RECEIVERS: [&str; 3] = ["ops", "audit", "db"];

const TRICKS: [Trick; 8] = [
    Trick::FalseClaims,
    Trick::FalseClocks,
    Trick::ForgedNames,
    Trick::Malformed,
    Trick::Oversize,
    Trick::FarFuture,
    Trick::ForeignAlerts,
    Trick::Withholds,
];
