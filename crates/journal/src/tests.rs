//! What the tests share: a journal on a simulated disk, and its live entries as a map.

mod basics;
mod crash;
mod damage;
mod directory;
mod faults;
mod format;
mod kill;
mod memory;
mod modes;
mod rebuild;
mod reserve;
mod tend;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::open_disk;
use crate::options::CompactionRuns;
use crate::sim_disk::SimDisk;
use crate::{Change, Entries, FileJournal, JournalError, JournalOptions, Opened};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Small enough that a few commits make a compaction due.
const FLOOR_BYTES: u64 = 1024;
/// Room for a few dozen commits.
const RESERVE_BYTES: u64 = 8192;

fn options(compaction_floor_bytes: u64) -> JournalOptions {
    JournalOptions { compaction_floor_bytes, reserve_bytes: RESERVE_BYTES }
}

fn open_sim(disk: &SimDisk) -> Result<Opened, JournalError> {
    open_disk(Arc::new(disk.clone()), options(FLOOR_BYTES), CompactionRuns::WithinCommit)
}

/// Opens and reads everything.
fn load_sim(disk: &SimDisk) -> (FileJournal, Map) {
    let opened = open_sim(disk).unwrap();
    (opened.journal, map(opened.entries))
}

fn map(entries: Entries) -> Map {
    let mut map = Map::new();
    for entry in entries {
        let entry = entry.unwrap();
        let before = map.insert(entry.key.into(), entry.value.into());
        assert_eq!(before, None, "a key is yielded once");
    }
    map
}

fn apply(map: &mut Map, batch: &[Change]) {
    for Change { key, value } in batch {
        match value {
            Some(value) => map.insert(key.to_vec(), value.to_vec()),
            None => map.remove(&**key),
        };
    }
}

fn put(key: &str, value: &str) -> Change {
    Change::put(key.as_bytes(), value.as_bytes())
}

fn delete(key: &str) -> Change {
    Change::delete(key.as_bytes())
}

fn entries<const N: usize>(pairs: [(&str, &str); N]) -> Map {
    pairs.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).into()
}
