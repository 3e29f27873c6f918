//! The journal without a disk keeps the same promises.

use std::time::Instant;

use super::*;
use crate::{Activity, Entry, Fault, Journal, LiveEntries, MemoryJournal, MemoryStore};

fn found(store: &MemoryStore) -> Map {
    store.open().1.into_iter().map(|entry| (entry.key.into(), entry.value.into())).collect()
}

#[test]
fn what_was_committed_survives_and_a_crash_leaves_all_of_a_commit_or_nothing() {
    for (fault, kept) in
        [(Fault::CrashBefore, false), (Fault::CrashAfter, true), (Fault::DiskFull, false)]
    {
        let store = MemoryStore::default();
        let (mut journal, _) = store.open();
        store.fail_after(1, fault);
        journal.commit(&[put("a", "1"), put("b", "1")]).unwrap();
        let batch = [put("a", "2"), delete("b")];
        journal.commit(&batch).unwrap_err();
        let error = journal.commit(&[put("c", "1")]).unwrap_err();
        assert!(matches!(error, JournalError::NotDurable { .. }), "{fault:?}: {error}");
        let expected = if kept { entries([("a", "2")]) } else { entries([("a", "1"), ("b", "1")]) };
        assert_eq!(found(&store), expected, "{fault:?}");
        assert_eq!(store.commits(), 1 + u64::from(kept));
    }
}

#[test]
fn the_journal_of_an_earlier_run_can_write_no_more() {
    let store = MemoryStore::default();
    let (mut earlier, _) = store.open();
    let (mut later, _) = store.open();
    earlier.commit(&[put("a", "1")]).unwrap_err();
    later.commit(&[put("b", "1")]).unwrap();
    assert_eq!(found(&store), entries([("b", "1")]));
}

#[test]
fn a_full_disk_reads_as_on_a_real_one() {
    let store = MemoryStore::default();
    let (mut journal, _) = store.open();
    store.fail_after(0, Fault::DiskFull);
    let error = journal.commit(&[put("a", "1")]).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

fn live(key: &str) -> LiveEntries {
    let entry = Entry { key: key.as_bytes().into(), value: (*b"1").into() };
    Box::new([entry].into_iter())
}

/// Checks that it is to be called again later, and gives what it wants.
fn wants(journal: &mut MemoryJournal) -> Activity {
    let now = Instant::now();
    let tended = journal.tend(now);
    assert!(tended.call_at.is_some_and(|at| at > now), "{tended:?}");
    tended.activity
}

#[test]
fn a_journal_begins_anew_with_the_live_entries_once_there_is_space() {
    let store = MemoryStore::default();
    let (mut journal, _) = store.open();
    journal.commit(&[put("a", "1")]).unwrap();
    journal.begin_anew(live("not wanted"));
    store.fail_after(0, Fault::DiskFull);
    journal.commit(&[put("b", "1")]).unwrap_err();
    assert_eq!(wants(&mut journal), Activity::None, "the disk is full");
    journal.begin_anew(live("too early"));
    assert!(journal.status().failure.is_some());
    assert_eq!(store.commits(), 1);
    store.free_space();
    assert_eq!(wants(&mut journal), Activity::WantsLive);
    journal.begin_anew(live("b"));
    assert!(journal.status().failure.is_none());
    assert_eq!(store.commits(), 2);
    assert_eq!(found(&store), entries([("b", "1")]));
}

#[test]
fn a_run_that_is_dead_does_not_begin_anew() {
    let store = MemoryStore::default();
    let (mut earlier, _) = store.open();
    let (mut later, _) = store.open();
    later.commit(&[put("b", "1")]).unwrap();
    earlier.commit(&[put("a", "1")]).unwrap_err();
    assert_eq!(wants(&mut earlier), Activity::None);
    earlier.begin_anew(live("a"));
    assert!(earlier.status().failure.is_some());
    assert_eq!(found(&store), entries([("b", "1")]));
}
