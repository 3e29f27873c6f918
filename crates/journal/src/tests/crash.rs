//! The process dies, with the power, at every single operation of the disk.
//!
//! Whatever was acknowledged must be found, a commit in flight wholly or not at all, and nothing
//! may be taken for damage. The next process dies during its recovery as well.

use super::*;
use crate::Journal;
use crate::sim_disk::{DiskFault, Rng};

const COMMITS: usize = 60;
const SEEDS_PER_STEP: u64 = 3;

/// What a run of commits had reached when it ended.
struct Reached {
    acknowledged: Map,
    /// The state if the commit in flight counts.
    in_flight: Map,
}

fn batch(rng: &mut Rng) -> Vec<Change> {
    (0..1 + rng.below(5))
        .map(|_| {
            let key = format!("key {}", rng.below(12));
            if rng.below(4) == 0 { delete(&key) } else { put(&key, &"v".repeat(rng.below(90))) }
        })
        .collect()
}

/// Commits until it is done or dead, on top of `start`.
fn run(disk: &SimDisk, start: &Map, seed: u64) -> Reached {
    let mut reached = Reached { acknowledged: start.clone(), in_flight: start.clone() };
    let Ok(opened) = open_sim(disk) else {
        return reached;
    };
    let mut journal = opened.journal;
    let mut rng = Rng(seed);
    for _ in 0..COMMITS {
        let batch = batch(&mut rng);
        apply(&mut reached.in_flight, &batch);
        if journal.commit(&batch).is_err() {
            break;
        }
        reached.acknowledged = reached.in_flight.clone();
    }
    reached
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_fails() {
    let mut deaths = 0;
    for step in 0.. {
        let mut died = false;
        for seed in 1..=SEEDS_PER_STEP {
            let disk = SimDisk::default();
            disk.fault_at(step, DiskFault::Death);
            let reached = run(&disk, &Map::new(), 99);
            died = disk.is_dead();
            let mut rng = Rng(seed * 7919 + step);
            let disk = disk.after_power_cut(&mut rng);
            check_recovery(&disk, &reached, &mut rng, &format!("step {step}, seed {seed}"));
        }
        deaths += u64::from(died);
        if !died {
            break;
        }
    }
    assert!(deaths > 150, "the run must have many operations to die at: {deaths}");
}

/// Lets the recovery die once too, and then looks at what is there.
fn check_recovery(disk: &SimDisk, reached: &Reached, rng: &mut Rng, at: &str) {
    disk.fault_at(rng.below(6) as u64, DiskFault::Death);
    drop(open_sim(disk));
    let disk = disk.after_power_cut(rng);
    let opened = open_sim(&disk).unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(opened.moved_aside, None, "{at}: a crash is not damage");
    let found = map(opened.entries);
    assert!(
        found == reached.acknowledged || found == reached.in_flight,
        "{at}: found {found:?}, acknowledged {:?}",
        reached.acknowledged
    );
    // The journal goes on from there: more commits, more compactions.
    drop(opened.journal);
    let more = run(&disk, &found, 5);
    assert_eq!(load_sim(&disk).1, more.acknowledged, "{at}: after going on");
}

#[test]
fn a_commit_survives_a_power_cut_because_it_was_synced() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    for seed in 1..50 {
        let after = disk.after_power_cut(&mut Rng(seed));
        assert_eq!(load_sim(&after).1, entries([("a", "1")]), "seed {seed}");
    }
}

#[test]
fn a_commit_whose_sync_failed_may_be_lost_in_a_power_cut() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    disk.fault_at(0, DiskFault::SyncFails);
    let error = journal.commit(&[put("b", "1")]).unwrap_err();
    assert!(matches!(error, JournalError::NotDurable { .. }), "{error}");
    let outcomes: Vec<_> =
        (1..50).map(|seed| load_sim(&disk.after_power_cut(&mut Rng(seed))).1).collect();
    let (without, with) = (entries([("a", "1")]), entries([("a", "1"), ("b", "1")]));
    assert!(outcomes.contains(&without), "the simulated disk forgets what was not synced");
    assert!(outcomes.iter().all(|found| *found == without || *found == with));
}

#[test]
fn a_torn_end_is_cut_off_and_reported() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    let whole = journal.status().disk_bytes;
    journal.commit(&[put("b", "1"), put("c", "1")]).unwrap();
    let log = "0000000000000001.log";
    let power_cut = |length: u64| {
        let after = disk.after_power_cut(&mut Rng(1));
        after.corrupt(log, |bytes| bytes.truncate(length as usize));
        after
    };
    for length in whole..journal.status().disk_bytes {
        let opened = open_sim(&power_cut(length)).unwrap();
        assert_eq!(opened.torn_bytes, length - whole);
        assert_eq!(opened.moved_aside, None);
        assert_eq!(map(opened.entries), entries([("a", "1")]), "cut to {length} bytes");
    }
}
