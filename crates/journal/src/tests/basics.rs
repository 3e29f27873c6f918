//! What is committed is found again, and only that.

use super::*;
use crate::{Journal, KEY_BYTES_MAX, VALUE_BYTES_MAX};

#[test]
fn a_new_journal_is_empty() {
    let (_, found) = load_sim(&SimDisk::default());
    assert_eq!(found, Map::new());
}

#[test]
fn a_later_value_replaces_an_earlier_one_and_a_delete_removes_it() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1"), put("b", "1"), put("c", "1")]).unwrap();
    journal.commit(&[put("b", "2"), delete("c"), delete("never there")]).unwrap();
    drop(journal);
    assert_eq!(load_sim(&disk).1, entries([("a", "1"), ("b", "2")]));
}

#[test]
fn the_last_of_two_changes_to_one_key_in_a_batch_counts() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1"), put("a", "2"), put("b", "1"), delete("b")]).unwrap();
    drop(journal);
    assert_eq!(load_sim(&disk).1, entries([("a", "2")]));
}

#[test]
fn keys_and_values_may_be_empty() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("", ""), put("a", "")]).unwrap();
    drop(journal);
    assert_eq!(load_sim(&disk).1, entries([("", ""), ("a", "")]));
}

#[test]
fn an_empty_batch_writes_nothing() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    let before = journal.status().disk_bytes;
    journal.commit(&[]).unwrap();
    assert_eq!(journal.status().disk_bytes, before);
}

#[test]
fn opening_and_closing_does_not_grow_the_store() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    drop(journal);
    let closed_bytes = load_sim(&disk).0.status().disk_bytes;
    for _ in 0..3 {
        assert_eq!(load_sim(&disk).0.status().disk_bytes, closed_bytes);
    }
}

#[test]
fn the_largest_key_and_value_come_back_and_larger_ones_are_refused_unwritten() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    let largest = Change::put(vec![b'k'; KEY_BYTES_MAX], vec![b'v'; VALUE_BYTES_MAX]);
    journal.commit(std::slice::from_ref(&largest)).unwrap();
    for (what, change) in [
        ("key", Change::delete(vec![0; KEY_BYTES_MAX + 1])),
        ("value", Change::put(*b"k", vec![0; VALUE_BYTES_MAX + 1])),
    ] {
        let error = journal.commit(&[put("beside", "1"), change]).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    journal.commit(&[put("after", "1")]).unwrap();
    drop(journal);
    let mut expected = entries([("after", "1")]);
    apply(&mut expected, &[largest]);
    assert!(load_sim(&disk).1 == expected, "the large entry and the one after it are found");
}

#[test]
fn compaction_keeps_the_live_entries_and_drops_the_others() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    let mut expected = Map::new();
    for round in 0..2000 {
        let batch = [
            put(&format!("key {}", round % 7), &format!("value {round}")),
            delete(&format!("key {}", (round + 3) % 11)),
        ];
        journal.commit(&batch).unwrap();
        apply(&mut expected, &batch);
        assert!(journal.status().disk_bytes < 4 * FLOOR_BYTES, "round {round}");
    }
    assert!(journal.status().compaction_failure.is_none());
    drop(journal);
    assert_eq!(load_sim(&disk).1, expected);
}

#[test]
fn a_store_emptied_by_deletes_compacts_to_nothing() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    for _ in 0..100 {
        journal.commit(&[put("a", "1")]).unwrap();
        journal.commit(&[delete("a")]).unwrap();
    }
    drop(journal);
    assert_eq!(load_sim(&disk).1, Map::new());
}

#[test]
fn a_hundred_thousand_entries_are_loaded_from_a_real_directory() {
    const ENTRIES: u32 = 100_000;
    let root = tempfile::tempdir().unwrap();
    let mut journal = crate::open(root.path(), options(1 << 20)).unwrap().journal;
    let numbers: Vec<u32> = (0..ENTRIES).collect();
    for generation in 0..2_u8 {
        for chunk in numbers.chunks(5_000) {
            let batch: Vec<_> = chunk
                .iter()
                .map(|number| Change::put(number.to_be_bytes(), [generation; 50]))
                .collect();
            journal.commit(&batch).unwrap();
        }
    }
    drop(journal);
    let found = map(crate::open(root.path(), options(1 << 20)).unwrap().entries);
    assert_eq!(found.len(), ENTRIES as usize);
    assert!(found.values().all(|value| *value == [1; 50]), "every value is the newer one");
    assert!(found.keys().map(Vec::as_slice).eq(numbers.iter().map(|n| n.to_be_bytes())));
}

#[test]
fn the_reported_size_is_that_of_the_files() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    for round in 0..200 {
        journal.commit(&[put(&format!("key {}", round % 7), &round.to_string())]).unwrap();
        if round % 25 == 24 {
            drop(journal);
            journal = load_sim(&disk).0;
        }
        let files = crate::disk::journal_files(&disk).unwrap();
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(journal.status().disk_bytes, bytes, "round {round}");
    }
}

#[test]
fn a_commit_is_one_write_and_one_sync_however_many_changes_it_has() {
    let disk = SimDisk::default();
    let runs = CompactionRuns::WithinCommit;
    let mut journal = open_disk(Arc::new(disk.clone()), options(1 << 20), runs).unwrap().journal;
    journal.commit(&[put("a", "1")]).unwrap();
    let before = disk.operations();
    let batch: Vec<_> = (0..100).map(|number| put(&format!("key {number}"), "1")).collect();
    journal.commit(&batch).unwrap();
    assert_eq!(disk.operations() - before, 2);
}

#[test]
fn what_a_crash_left_unfinished_is_removed_and_its_numbers_are_not_used_again() {
    let disk = SimDisk::default();
    for name in ["0000000000000003.log.tmp", "0000000000000007.snapshot.tmp", "PROBE", "notes.tmp"]
    {
        crate::disk::Disk::create(&disk, name).unwrap().write(b"left over").unwrap();
    }
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    let names: Vec<_> =
        crate::disk::Disk::list(&disk).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["0000000000000008.log", "notes.tmp"]);
}
