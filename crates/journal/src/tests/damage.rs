//! Bytes rot: never a panic, never a value that was not written, and what can be read is kept.

use super::*;
use crate::Journal;
use crate::directory::read_disk;
use crate::record::{FileName, Head, Kind, Place, encode};
use crate::sim_disk::Rng;

type Written = Vec<(Vec<u8>, Vec<u8>)>;

/// A closed store with a snapshot and a log, and every value that was ever written to it.
fn store() -> (SimDisk, Map, Written) {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    let mut live = Map::new();
    let mut written = Vec::new();
    for round in 0..40 {
        let batch = [
            put(&format!("key {}", round % 8), &format!("value {round}")),
            put(&format!("own {round}"), &"x".repeat(round)),
        ];
        journal.commit(&batch).unwrap();
        apply(&mut live, &batch);
        written.extend(batch.map(|change| (change.key.to_vec(), change.value.unwrap().to_vec())));
    }
    drop(journal);
    let disk = disk.after_power_cut(&mut Rng(3));
    assert_eq!(load_sim(&disk).1, live);
    (disk, live, written)
}

/// Those that count; others may be left over.
fn files(disk: &SimDisk) -> Vec<(String, u64)> {
    let listed = crate::disk::journal_files(disk).unwrap();
    let current = crate::compaction::current(&listed);
    current.into_iter().map(|(file, bytes)| (file.to_string(), bytes)).collect()
}

fn copy(disk: &SimDisk) -> SimDisk {
    disk.after_power_cut(&mut Rng(1))
}

#[test]
fn a_flipped_bit_anywhere_costs_one_record_and_never_serves_a_wrong_value() {
    let (disk, live, written) = store();
    let kinds: Vec<_> = files(&disk)
        .iter()
        .filter_map(|(name, _)| Some(name.split_once('.')?.1.to_owned()))
        .collect();
    assert!(kinds.contains(&"log".into()) && kinds.contains(&"snapshot".into()), "{kinds:?}");
    for (name, bytes) in files(&disk) {
        for position in 0..bytes as usize {
            let rotten = copy(&disk);
            rotten.corrupt(&name, |bytes| bytes[position] ^= 1 << (position % 8));
            let at = format!("{name} byte {position}");
            let opened = match open_sim(&rotten) {
                Ok(opened) => opened,
                Err(error) => panic!("{at}: {error}"),
            };
            // Only the empty commit that closes the log may pass for a torn end: nothing is lost.
            let closing = opened.moved_aside.is_none();
            let found = map(opened.entries);
            if closing {
                assert!(name.ends_with("log") && position as u64 >= bytes - 24, "{at}: unnoticed");
                assert_eq!(found, live, "{at}");
            }
            for (key, value) in &found {
                assert!(written.contains(&(key.clone(), value.clone())), "{at}: wrong value");
            }
            let missing = live.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
            assert!(missing <= 1, "{at}: {missing} entries are missing");
            drop(opened.journal);
            let again = open_sim(&rotten).unwrap();
            assert_eq!(again.moved_aside, None, "{at}: the fresh store is sound");
            assert_eq!(map(again.entries), found, "{at}");
        }
    }
}

#[test]
fn a_file_that_is_missing_or_cut_short_is_damage_and_the_rest_is_kept() {
    let (disk, live, _) = store();
    for (name, bytes) in files(&disk).into_iter().filter(|(name, _)| name.ends_with("snapshot")) {
        for length in [0, 10, 36, bytes / 2, bytes - 1] {
            let rotten = copy(&disk);
            rotten.corrupt(&name, |bytes| bytes.truncate(length as usize));
            let opened = open_sim(&rotten).unwrap();
            assert!(opened.moved_aside.is_some(), "{name} cut to {length}");
            assert_eq!(rotten.times_set_aside(), 1);
            let found = map(opened.entries);
            assert!(!found.is_empty(), "{name} cut to {length}: the log is still there");
            assert!(found.iter().all(|entry| live.get(entry.0) == Some(entry.1)));
        }
        let rotten = copy(&disk);
        crate::disk::Disk::remove(&rotten, &name).unwrap();
        assert!(open_sim(&rotten).unwrap().moved_aside.is_some(), "{name} removed");
    }
}

#[test]
fn a_log_that_was_emptied_is_damage() {
    let name = "0000000000000001.log";
    for length in [0, 10, 35, 37, 40, 59] {
        let disk = SimDisk::default();
        let (mut journal, _) = load_sim(&disk);
        journal.commit(&[put("a", "1")]).unwrap();
        drop(journal);
        disk.corrupt(name, |bytes| bytes.truncate(length));
        let opened = open_sim(&disk).unwrap();
        assert!(opened.moved_aside.is_some(), "cut to {length}");
        assert_eq!(map(opened.entries), Map::new());
    }
}

#[test]
fn garbage_of_any_kind_is_survived() {
    let (disk, _, written) = store();
    let mut rng = Rng(2026);
    for round in 0..300 {
        let rotten = copy(&disk);
        for (name, _) in files(&disk) {
            rotten.corrupt(&name, |bytes| {
                let start = rng.below(bytes.len());
                let end = (start + rng.below(200)).min(bytes.len());
                match rng.below(4) {
                    0 => bytes[start..end].fill(0),
                    1 => bytes[start..end].iter_mut().for_each(|byte| *byte = rng.below(256) as u8),
                    2 => drop(bytes.drain(start..end)),
                    _ => bytes.extend((0..end - start).map(|_| rng.below(256) as u8)),
                }
            });
        }
        for (key, value) in map(open_sim(&rotten).unwrap().entries) {
            assert!(written.contains(&(key, value)), "round {round}: wrong value");
        }
    }
}

#[test]
fn bytes_in_a_value_that_look_like_records_are_never_taken_for_them() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("forged", "by an alert's text")]).unwrap();
    let mut log = Vec::new();
    let name = "0000000000000001.log";
    disk.corrupt(name, |bytes| log.clone_from(bytes));
    journal.commit(&[delete("forged")]).unwrap();
    journal.commit(&[Change::put(*b"carrier", log)]).unwrap();
    let carrier_at = {
        let mut position = 0;
        disk.corrupt(name, |bytes| {
            position = bytes.windows(7).position(|window| window == b"carrier").unwrap();
        });
        position
    };
    journal.commit(&[put("last", "1")]).unwrap();
    drop(journal);
    // With its header gone, the carrier's value is hunted through byte by byte.
    disk.corrupt(name, |bytes| bytes[carrier_at - 10] ^= 0xff);
    let opened = open_sim(&disk).unwrap();
    assert!(opened.moved_aside.is_some());
    assert_eq!(map(opened.entries), entries([("last", "1")]));
}

#[test]
fn a_store_of_a_later_version_is_refused_and_left_alone() {
    let (disk, live, _) = store();
    let (name, _) = files(&disk).pop().unwrap();
    let newer = copy(&disk);
    newer.corrupt(&name, |bytes| {
        bytes[8] = 2;
        let checksum = crc32fast::hash(&bytes[..32]);
        bytes[32..36].copy_from_slice(&checksum.to_le_bytes());
    });
    let before = files(&newer);
    let error = open_sim(&newer).err().unwrap();
    assert!(matches!(error, JournalError::Newer { version: 2, .. }), "{error}");
    assert_eq!(files(&newer), before);
    assert_eq!(load_sim(&disk).1, live);
}

/// Writes a file of a head and these records: each a number of a commit, a kind, and a key.
fn add_file(disk: &SimDisk, file: FileName, base: u64, records: &[(u64, Kind, &str)]) {
    let mut bytes = Head { file, base }.encode();
    for &(commit, kind, key) in records {
        let place = Place { file, offset: bytes.len() as u64 };
        encode(&mut bytes, place, commit, kind, key.as_bytes(), b"");
    }
    crate::disk::Disk::create(disk, &file.to_string()).unwrap().write(&bytes).unwrap();
}

#[test]
fn sound_records_in_a_place_where_none_are_written_are_damage() {
    let (log, snapshot) = (FileName::log, FileName::snapshot);
    let end = |commit| (commit, Kind::End, "");
    let put = |commit| (commit, Kind::Put, "a");
    let cases = [
        ("sound", vec![(log(1), 0, vec![end(1), put(2), end(2)]), (log(2), 2, vec![end(3)])]),
        ("sound", vec![(snapshot(1), 3, vec![put(3), end(3)]), (log(2), 3, vec![end(4)])]),
        ("2.log is damaged at byte 0: commits before this file", vec![(log(2), 5, vec![])]),
        ("60: a commit is missing before", vec![(log(1), 0, vec![end(1), put(3), end(3)])]),
        (
            "85: unreadable record, or the file is cut short",
            vec![(log(1), 0, vec![end(1), put(2)]), (log(2), 1, vec![end(2)])],
        ),
        ("36: unreadable record in a snapshot", vec![(snapshot(1), 3, vec![put(4), end(3)])]),
        ("60: unreadable record in a snapshot", vec![(snapshot(1), 3, vec![end(3), put(3)])]),
    ];
    for (expected, files) in cases {
        let disk = SimDisk::default();
        for (file, base, records) in &files {
            add_file(&disk, *file, *base, records);
        }
        let found = read_disk(&disk).err().map_or("sound".into(), |error| error.to_string());
        assert!(found.contains(expected), "{expected}: {found}");
        let moved_aside = open_sim(&disk).unwrap().moved_aside;
        assert_eq!(moved_aside.is_some(), expected != "sound", "{expected}");
    }
}

#[test]
fn bytes_after_the_last_commit_of_a_log_that_was_followed_by_another_are_damage() {
    let disk = SimDisk::default();
    add_file(&disk, FileName::log(1), 0, &[(1, Kind::End, "")]);
    add_file(&disk, FileName::log(2), 1, &[(2, Kind::Put, "a"), (2, Kind::End, "")]);
    let torn = copy_of(&disk);
    torn.corrupt("0000000000000002.log", |bytes| bytes.extend([7; 30]));
    let opened = open_sim(&torn).unwrap();
    assert_eq!((opened.moved_aside, opened.torn_bytes), (None, 30), "a crash leaves such an end");
    disk.corrupt("0000000000000001.log", |bytes| bytes.extend([7; 30]));
    let opened = open_sim(&disk).unwrap();
    assert!(opened.moved_aside.is_some(), "a log is synced before the next one is begun");
    assert_eq!(map(opened.entries), entries([("a", "")]));
}

/// As `copy`, of names and bytes that were never synced.
fn copy_of(disk: &SimDisk) -> SimDisk {
    let files = crate::disk::Disk::list(disk).unwrap();
    let copy = SimDisk::default();
    for (name, _) in files {
        let mut bytes = Vec::new();
        disk.corrupt(&name, |found| bytes.clone_from(found));
        crate::disk::Disk::create(&copy, &name).unwrap().write(&bytes).unwrap();
    }
    copy
}
