//! Space for the next commits is kept while the disk has some, and is not given up without need.

use std::collections::HashSet;
use std::io::{ErrorKind, Read as _, Result};
use std::time::Instant;

use super::*;
use crate::Journal;
use crate::disk::{Disk, DiskFile, RESERVE};
use crate::reserve::Reserve;
use crate::sim_disk::DiskFault;

/// A log on a disk with so many bytes left.
struct Limited {
    free_bytes: u64,
}

impl DiskFile for Limited {
    fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn reserve(&mut self, from: u64, to: u64) -> Result<()> {
        if to - from > self.free_bytes { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, _length: u64) -> Result<()> {
        Ok(())
    }
}

fn reserve_file_bytes(disk: &SimDisk) -> Option<u64> {
    let files = disk.list().unwrap();
    files.into_iter().find(|(name, _)| name == RESERVE).map(|(_, bytes)| bytes)
}

#[test]
fn a_disk_with_too_little_space_gives_what_it_has_and_that_is_reported() {
    let disk = SimDisk::default();
    let mut log = Limited { free_bytes: 300 << 10 };
    let mut reserve = Reserve::new(1 << 20);
    let now = Instant::now();
    reserve.fill(now, &disk, &mut log, 100);
    assert_eq!(reserve.bytes(100), 256 << 10, "a quarter of what is wanted");
    let failure = reserve.failure().unwrap();
    assert!(failure.remedy().contains("free space"), "{failure}");
    assert!(reserve.next_attempt().is_some_and(|at| at > now));
    assert_eq!(reserve_file_bytes(&disk), None, "the file system can reserve for a file");
}

#[test]
fn a_reserve_in_a_file_has_its_size_and_cannot_be_compressed() {
    const BYTES: u64 = (300 << 10) + 5;
    let disk = SimDisk::default();
    disk.refuse_reserve();
    let mut log = disk.create("log").unwrap();
    let mut reserve = Reserve::new(BYTES);
    reserve.fill(Instant::now(), &disk, log.as_mut(), 0);
    assert_eq!((reserve.bytes(0), reserve_file_bytes(&disk)), (BYTES, Some(BYTES)));
    let mut bytes = Vec::new();
    disk.read(RESERVE).unwrap().read_to_end(&mut bytes).unwrap();
    let pieces: HashSet<&[u8]> = bytes.chunks(8).collect();
    assert_eq!(pieces.len(), bytes.len().div_ceil(8), "no eight bytes come twice");
    let ones: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
    assert!((BYTES * 3..BYTES * 5).contains(&ones), "about half of the bits: {ones}");
}

#[test]
fn a_reserve_in_a_file_outlives_a_restart_on_a_full_disk() {
    let disk = SimDisk::default();
    disk.refuse_reserve();
    let (mut journal, _) = load_sim(&disk);
    journal.tend(Instant::now());
    drop(journal);
    disk.fill();
    let (mut journal, _) = load_sim(&disk);
    journal.tend(Instant::now());
    assert_eq!(journal.status().reserved_bytes, RESERVE_BYTES);
    journal.commit(&[put("a", "1")]).unwrap();
    assert_eq!(reserve_file_bytes(&disk), None, "it has made room for the commit");
}

#[test]
fn an_error_that_is_not_a_full_disk_leaves_the_reserve() {
    let disk = SimDisk::default();
    disk.refuse_reserve();
    let (mut journal, _) = load_sim(&disk);
    journal.tend(Instant::now());
    disk.fault_at(0, DiskFault::Fails(ErrorKind::Other));
    journal.commit(&[put("a", "1")]).unwrap_err();
    assert_eq!(reserve_file_bytes(&disk), Some(RESERVE_BYTES));
}
