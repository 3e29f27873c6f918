//! When is the journal to be called again while a thread works for it, and what waits for that?

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::*;
use crate::{Activity, Journal};

fn open_with_threads(disk: &SimDisk) -> FileJournal {
    let runs = CompactionRuns::OnThread;
    open_disk(Arc::new(disk.clone()), options(FLOOR_BYTES), runs).unwrap().journal
}

/// Checks that it is to be called again, soon and not at once, and gives what it is at.
fn tend(journal: &mut FileJournal) -> Activity {
    let now = Instant::now();
    let tended = journal.tend(now);
    let soon = now + Duration::from_secs(1);
    assert!(tended.call_at.is_some_and(|at| at > now && at < soon), "{tended:?}");
    tended.activity
}

/// What it is at when the thread has ended.
fn tend_until_ended(journal: &mut FileJournal) -> Activity {
    loop {
        let activity = journal.tend(Instant::now()).activity;
        if activity != Activity::Rebuilding {
            return activity;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_failed_journal_waits_for_the_compaction_that_still_runs() {
    let disk = SimDisk::default();
    let mut journal = open_with_threads(&disk);
    let held = disk.hold_reads();
    while crate::disk::journal_files(&disk).unwrap().len() < 2 {
        journal.commit(&[put("a", "1")]).unwrap();
    }
    assert_eq!(tend(&mut journal), Activity::None, "it compacts");
    journal.lose();
    // Of two threads one could remove the unfinished file of the other.
    assert_eq!(tend(&mut journal), Activity::Rebuilding);
    drop(held);
    assert_eq!(tend_until_ended(&mut journal), Activity::WantsLive);
}

#[test]
fn a_rebuild_that_runs_is_looked_at_from_time_to_time() {
    let disk = SimDisk::default();
    let mut journal = open_with_threads(&disk);
    journal.lose();
    assert_eq!(journal.tend(Instant::now()).activity, Activity::WantsLive);
    let (proceed, wait) = channel::<()>();
    journal.begin_anew(Box::new(std::iter::from_fn(move || wait.recv().ok().and(None))));
    assert_eq!(tend(&mut journal), Activity::Rebuilding, "it begins");
    assert_eq!(tend(&mut journal), Activity::Rebuilding, "it runs");
    drop(proceed);
    assert_eq!(tend_until_ended(&mut journal), Activity::None);
    assert!(journal.status().failure.is_none());
}
