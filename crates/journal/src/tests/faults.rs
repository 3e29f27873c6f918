//! The disk refuses: the journal says so clearly and stays consistent. How it recovers is in
//! `rebuild.rs`.

use std::time::{Duration, Instant};

use super::*;
use crate::sim_disk::{DiskFault, Rng};
use crate::{Activity, Journal};

#[test]
fn a_full_disk_fails_commits_and_says_so() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    disk.fault_at(0, DiskFault::Full);
    let error = journal.commit(&[put("b", "1")]).unwrap_err().to_string();
    for part in ["disk is full", "/simulated/0000000000000001.log", "cannot be written at present"]
    {
        assert!(error.contains(part), "{error}");
    }
    disk.free_space();
    let error = journal.commit(&[put("c", "1")]).unwrap_err();
    assert!(matches!(error, JournalError::NotDurable { .. }), "it fails until it has begun anew");
    drop(journal);
    let (mut journal, found) = load_sim(&disk);
    assert_eq!(found, entries([("a", "1")]));
    journal.commit(&[put("d", "1")]).unwrap();
}

#[test]
fn a_full_disk_can_be_opened_and_read() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    drop(journal);
    disk.fault_at(0, DiskFault::Full);
    assert_eq!(load_sim(&disk).1, entries([("a", "1")]));
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    disk.fault_at(0, DiskFault::SyncFails);
    for _ in 0..3 {
        let error = journal.commit(&[put("a", "1")]).unwrap_err();
        assert!(matches!(error, JournalError::NotDurable { .. }), "{error}");
        assert!(error.to_string().contains("the device has failed"), "{error}");
    }
}

#[test]
fn a_disk_that_fills_at_any_operation_loses_nothing_acknowledged() {
    let mut compaction_failures = 0;
    for step in 0..400 {
        let disk = SimDisk::default();
        let (mut journal, _) = load_sim(&disk);
        let mut acknowledged = Map::new();
        disk.fault_at(step, DiskFault::Full);
        for round in 0..60 {
            let batch = [put(&format!("key {}", round % 5), &"v".repeat(round + 20))];
            match journal.commit(&batch) {
                Ok(()) => apply(&mut acknowledged, &batch),
                Err(_) => break,
            }
            compaction_failures += u32::from(journal.status().compaction_failure.is_some());
        }
        drop(journal);
        disk.free_space();
        let opened = open_sim(&disk.after_power_cut(&mut Rng(step + 1))).unwrap();
        assert_eq!(opened.moved_aside, None, "step {step}: a full disk is not damage");
        assert_eq!(map(opened.entries), acknowledged, "step {step}");
    }
    assert!(compaction_failures > 0, "some of the steps must hit a compaction");
}

#[test]
fn a_failed_compaction_is_reported_and_repeated_while_commits_go_on() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    // Rot in what is to be compacted, while the journal is open.
    disk.corrupt("0000000000000001.log", |bytes| bytes[74] ^= 1);
    let mut failure = None;
    for round in 0..100 {
        journal.commit(&[put("b", &round.to_string())]).unwrap();
        failure = failure.or(journal.status().compaction_failure);
    }
    let failure = failure.unwrap().to_string();
    assert!(failure.contains("0000000000000001.log is damaged at byte 60"), "{failure}");
    drop(journal);
    let opened = open_sim(&disk).unwrap();
    assert!(opened.moved_aside.is_some());
    assert_eq!(map(opened.entries), entries([("b", "99")]));
}

#[test]
fn a_compaction_that_finds_damage_is_repeated_after_as_much_growth_again() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    disk.corrupt("0000000000000001.log", |bytes| bytes[74] ^= 1);
    const COMMIT_BYTES: u64 = 24 + 2 + 24;
    /// A write and a sync.
    const COMMIT_OPERATIONS: u64 = 2;
    let mut attempts = Vec::new();
    while attempts.len() < 3 {
        let (bytes, operations) = (journal.status().disk_bytes, disk.operations());
        assert!(bytes < 10 * FLOOR_BYTES, "it is repeated: {attempts:?}");
        journal.commit(&[put("b", "1")]).unwrap();
        if disk.operations() - operations > COMMIT_OPERATIONS {
            attempts.push((bytes, journal.status().disk_bytes));
        }
    }
    for pair in attempts.windows(2) {
        let due = pair[0].1 + FLOOR_BYTES;
        let at = pair[1].0 + COMMIT_BYTES;
        assert!((due..due + COMMIT_BYTES).contains(&at), "due at {due}, repeated at {at} bytes");
    }
}

#[test]
fn the_cause_and_its_remedy_are_those_of_the_last_attempt() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    disk.fault_at(0, DiskFault::SyncFails);
    journal.commit(&[put("a", "1")]).unwrap_err();
    let failure = journal.status().failure.unwrap();
    assert!(failure.error.remedy().contains("kernel's log"), "{}", failure.error);
    disk.fill();
    let now = Instant::now() + Duration::from_secs(60);
    let tended = journal.tend(now);
    assert_eq!(tended.activity, Activity::None, "a disk that takes nothing needs no entries");
    assert!(tended.call_at.is_some_and(|at| at > now), "{tended:?}");
    let failure = journal.status().failure.unwrap();
    assert!(failure.error.remedy().contains("free space"), "{}", failure.error);
    assert_eq!(failure.free_bytes, Some(0));
}
