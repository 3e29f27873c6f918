//! The disk fails in any way, at any operation, and the process dies at any other: what was
//! acknowledged is found, and when the disk works again so does the journal.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::*;
use crate::sim_disk::{DiskFault, Rng};
use crate::{Activity, Entry, Journal};

/// A journal with its user, who has everything in memory.
struct User {
    disk: SimDisk,
    journal: FileJournal,
    /// What was in memory after each batch.
    states: Vec<Map>,
    /// Which of them is durable for certain.
    acknowledged: usize,
    now: Instant,
    rng: Rng,
    failures: usize,
    /// The texts of them.
    causes: Vec<String>,
}

impl User {
    fn open(disk: &SimDisk, seed: u64) -> Result<Self, JournalError> {
        let opened = open_sim(disk)?;
        assert_eq!(opened.moved_aside, None, "a failure is not damage");
        let found = map(opened.entries);
        Ok(Self {
            disk: disk.clone(),
            journal: opened.journal,
            states: vec![found],
            acknowledged: 0,
            now: Instant::now(),
            rng: Rng(seed),
            failures: 0,
            causes: Vec::new(),
        })
    }

    fn latest(&self) -> &Map {
        self.states.last().unwrap()
    }

    fn commit(&mut self) {
        let rng = &mut self.rng;
        let batch: Vec<_> = (0..1 + rng.below(5))
            .map(|_| {
                let key = format!("key {}", rng.below(12));
                if rng.below(4) == 0 { delete(&key) } else { put(&key, &"v".repeat(rng.below(90))) }
            })
            .collect();
        let mut state = self.latest().clone();
        apply(&mut state, &batch);
        self.states.push(state);
        let had_failed = self.journal.status().failure.is_some();
        if self.journal.commit(&batch).is_ok() {
            self.acknowledged = self.states.len() - 1;
        }
        self.note_failure(had_failed);
    }

    fn note_failure(&mut self, had_failed: bool) {
        if let (false, Some(failure)) = (had_failed, self.journal.status().failure) {
            self.failures += 1;
            self.causes.push(failure.error.to_string());
        }
    }

    /// Does what the journal wants; some batches come before it gets what it wants, some after.
    fn tend(&mut self) {
        self.now += Duration::from_secs(20);
        let had_failed = self.journal.status().failure.is_some();
        let tended = self.journal.tend(self.now);
        self.note_failure(had_failed);
        if had_failed && self.journal.status().failure.is_none() {
            // Everything that was handed in is durable.
            self.acknowledged = self.states.len() - 1;
        }
        if tended.activity == Activity::WantsLive {
            for _ in 0..self.rng.below(3) {
                self.commit();
            }
            let live: Vec<_> = self.latest().clone().into_iter().collect();
            let entry = |(key, value): (Vec<u8>, Vec<u8>)| Entry {
                key: key.into_boxed_slice(),
                value: value.into_boxed_slice(),
            };
            self.journal.begin_anew(Box::new(live.into_iter().map(entry)));
            for _ in 0..self.rng.below(3) {
                self.commit();
            }
        }
    }

    fn run(&mut self, commits: usize) {
        for _ in 0..commits {
            self.commit();
            self.tend();
        }
    }

    /// The disk works again.
    fn recover(&mut self, at: &str) {
        self.disk.get_well();
        for _ in 0..6 {
            self.tend();
        }
        assert!(self.journal.status().failure.is_none(), "{at}: {:?}", self.journal.status());
        self.commit();
        assert_eq!(self.acknowledged, self.states.len() - 1, "{at}: commits are durable again");
    }

    /// What the next process finds is what was in memory at some moment, not before the last one
    /// that is durable.
    fn check_after_crash(&self, rng: &mut Rng, at: &str) {
        let disk = self.disk.after_power_cut(rng);
        let opened = open_sim(&disk).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(opened.moved_aside, None, "{at}: a crash is not damage");
        let found = map(opened.entries);
        let since = &self.states[self.acknowledged..];
        assert!(since.contains(&found), "{at}: found {found:?}, durable {:?}", since[0]);
    }
}

const COMMITS: usize = 40;

/// How many operations a run has in which nothing fails.
fn operations() -> u64 {
    let disk = SimDisk::default();
    User::open(&disk, 7).unwrap().run(COMMITS);
    disk.operations()
}

#[test]
fn an_error_at_any_operation_is_survived_and_a_passing_one_fails_nothing() {
    let (mut failed, mut passed) = (0, 0);
    for operation in 0..operations() {
        for kind in [ErrorKind::Other, ErrorKind::Interrupted, ErrorKind::StorageFull] {
            let at = format!("operation {operation}, {kind}");
            let disk = SimDisk::default();
            disk.fault_at(operation, DiskFault::Fails(kind));
            // While it is read, a start may be refused; the next one succeeds.
            let user = User::open(&disk, 7).or_else(|_| User::open(&disk, 7));
            let mut user = user.unwrap_or_else(|error| panic!("{at}: {error}"));
            user.run(COMMITS + 4);
            let durable = user.acknowledged == user.states.len() - 1;
            assert!(durable, "{at}: one error is over long before the end");
            user.check_after_crash(&mut Rng(operation + 1), &at);
            passed += usize::from(user.failures == 0);
            failed += user.failures;
            for cause in user.causes {
                assert!(cause.contains(".log"), "{at}: only a record's write may fail it: {cause}");
            }
        }
    }
    assert!(failed > 30 && passed > 100, "failed {failed}, passed {passed}");
}

#[test]
fn nothing_durable_is_lost_wherever_the_process_dies_after_an_error() {
    let mut deaths = 0;
    for operation in 0..operations() {
        for later in 0..24 {
            let at = format!("an error at operation {operation}, death {later} later");
            let disk = SimDisk::default();
            let Ok(mut user) = User::open(&disk, 7) else { continue };
            disk.fault_at(operation, DiskFault::Fails(ErrorKind::Other));
            while disk.operations() <= operation + OPENING && user.states.len() < COMMITS {
                user.commit();
                user.tend();
            }
            disk.fault_at(later, DiskFault::Death);
            user.run(8);
            deaths += usize::from(disk.is_dead());
            user.check_after_crash(&mut Rng(operation * 31 + later + 1), &at);
        }
    }
    assert!(deaths > 1000, "{deaths}");
}

/// About the operations of an open.
const OPENING: u64 = 8;

#[test]
fn random_failures_and_crashes_lose_nothing_durable_and_the_journal_recovers() {
    let (mut failures, mut lives) = (0, 0);
    for seed in 1..=400_u64 {
        let mut rng = Rng(seed * 7919);
        let mut disk = SimDisk::default();
        if rng.below(3) == 0 {
            disk.refuse_reserve();
        }
        for life in 0..3 {
            let at = format!("seed {seed}, life {life}");
            let Ok(mut user) = User::open(&disk, seed + life) else {
                disk.get_well();
                continue;
            };
            lives += 1;
            for _ in 0..4 {
                match rng.below(4) {
                    0 => disk.get_well(),
                    1 => disk.fill(),
                    2 => disk.fall_sick(rng.below(1 << 30) as u64 + 1, 60),
                    _ => disk.fall_sick(rng.below(1 << 30) as u64 + 1, 8),
                }
                if rng.below(6) == 0 {
                    disk.fault_at(rng.below(60) as u64, DiskFault::Death);
                }
                user.run(1 + rng.below(20));
            }
            failures += user.failures;
            if !disk.is_dead() && rng.below(2) == 0 {
                user.recover(&at);
            }
            user.check_after_crash(&mut rng, &at);
            disk = disk.after_power_cut(&mut rng);
        }
    }
    assert!(failures > 300 && lives > 1000, "{failures} failures in {lives} lives");
}

#[test]
fn changes_after_the_live_entries_are_in_the_new_journal() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("old", "1"), put("gone", "1")]).unwrap();
    disk.fault_at(0, DiskFault::SyncFails);
    journal.commit(&[put("lost?", "1")]).unwrap_err();
    let later = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert_eq!(journal.tend(later(0)).activity, Activity::WantsLive);
    journal.commit(&[put("superseded", "1")]).unwrap_err();
    let live = [("old", "1"), ("live", "1")]
        .map(|(key, value)| Entry { key: key.as_bytes().into(), value: value.as_bytes().into() });
    journal.begin_anew(Box::new(live.into_iter()));
    journal.commit(&[put("later", "1"), delete("old")]).unwrap_err();
    assert_eq!(journal.tend(later(60)).activity, Activity::None);
    assert!(journal.status().failure.is_none());
    let after = disk.after_power_cut(&mut Rng(3));
    assert_eq!(load_sim(&after).1, entries([("live", "1"), ("later", "1")]));
}

#[test]
fn a_journal_that_lost_changes_begins_anew_before_anything_is_durable() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    journal.lose();
    journal.commit(&[put("b", "1")]).unwrap_err();
    assert_eq!(journal.tend(Instant::now()).activity, Activity::WantsLive);
    journal.begin_anew(Box::new(std::iter::empty()));
    // Once more, while it begins anew: these entries are not enough.
    journal.lose();
    let later = Instant::now() + Duration::from_secs(60);
    let tended = journal.tend(later);
    assert_eq!(tended.activity, Activity::None);
    assert!(tended.call_at.is_some_and(|at| at > later), "not at once: {tended:?}");
    assert!(journal.status().failure.is_some());
    assert_eq!(journal.tend(later + Duration::from_secs(60)).activity, Activity::WantsLive);
}

#[test]
fn bytes_whose_sync_failed_are_never_relied_on() {
    let disk = SimDisk::default();
    let mut user = User::open(&disk, 5).unwrap();
    user.run(3);
    disk.fault_at(0, DiskFault::SyncFails);
    user.commit();
    user.tend();
    user.recover("after a failed sync");
    user.run(5);
    for seed in 1..40 {
        user.check_after_crash(&mut Rng(seed), &format!("seed {seed}"));
    }
}

#[test]
fn a_full_disk_takes_commits_until_the_reserve_is_used_up_and_then_waits_for_space() {
    for refuses in [false, true] {
        let disk = SimDisk::default();
        if refuses {
            disk.refuse_reserve();
        }
        let mut user = User::open(&disk, 9).unwrap();
        user.commit();
        user.tend();
        assert_eq!(user.journal.status().reserved_bytes, RESERVE_BYTES, "refuses: {refuses}");
        disk.fill();
        let durable = user.acknowledged;
        while user.journal.status().failure.is_none() {
            user.commit();
            user.tend();
            assert!(user.states.len() < 1000, "the reserve has an end");
        }
        let in_reserve = user.acknowledged - durable;
        assert!(in_reserve > 15, "refuses: {refuses}: only {in_reserve} commits");
        let failure = user.journal.status().failure.unwrap();
        assert!(failure.error.to_string().contains("disk is full"), "{}", failure.error);
        assert!(failure.error.remedy().contains("free space"), "{}", failure.error.remedy());
        assert_eq!(failure.free_bytes, Some(0));
        user.check_after_crash(&mut Rng(3), "full");
        user.recover("with space again");
        user.tend();
        let reserved = user.journal.status().reserved_bytes;
        assert!(reserved >= RESERVE_BYTES / 4 * 3, "it is filled again: {reserved}");
        user.check_after_crash(&mut Rng(4), "recovered");
    }
}

#[test]
fn a_start_on_a_full_disk_has_everything_and_becomes_writable_with_the_space() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    // Ends with a snapshot, after which a log must be begun.
    for round in 0..60 {
        journal.commit(&[put("a", &round.to_string())]).unwrap();
    }
    drop(journal);
    let names: Vec<_> = crate::disk::journal_files(&disk).unwrap();
    let log = names.iter().rfind(|(file, _)| file.to_string().ends_with(".log")).unwrap().0;
    crate::disk::Disk::remove(&disk, &log.to_string()).unwrap();
    crate::disk::Disk::sync_names(&disk).unwrap();
    disk.fill();
    let mut user = User::open(&disk, 3).unwrap();
    assert!(!user.latest().is_empty());
    assert!(user.journal.status().failure.is_some());
    user.recover("with space");
    user.check_after_crash(&mut Rng(1), "recovered");
}
