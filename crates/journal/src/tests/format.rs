//! The bytes on the disk are those in docs/disk.md, so old stores stay readable.

use std::fs;

use super::*;
use crate::{Journal, open};

const DOCUMENT: &str = include_str!("../../../../docs/disk.md");
const LOG: &str = "0000000000000001.log";

/// The bytes of the document's example: hexadecimal up to the bar of each line.
fn documented() -> Vec<u8> {
    let (_, rest) = DOCUMENT.split_once("```hex\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block
        .lines()
        .flat_map(|line| line.split('|').next().unwrap().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

#[test]
fn the_example_in_the_document_is_what_is_written() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path(), JournalOptions::default()).unwrap().journal;
    journal.commit(&[put("key", "value")]).unwrap();
    journal.commit(&[delete("key")]).unwrap();
    assert_eq!(fs::read(root.path().join(LOG)).unwrap(), documented());
}

#[test]
fn the_example_in_the_document_is_read() {
    const UP_TO_COMMIT_2: usize = 116;
    for (bytes, expected) in [
        (&documented()[..UP_TO_COMMIT_2], entries([("key", "value")])),
        (&documented()[..], Map::new()),
    ] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(LOG), bytes).unwrap();
        let opened = open(root.path(), JournalOptions::default()).unwrap();
        assert_eq!((opened.moved_aside, opened.torn_bytes), (None, 0));
        assert_eq!(map(opened.entries), expected);
    }
}

/// A log whose first commit gives `key` the value `value`, without an empty one before it.
const OF_AN_OLDER_VERSION: &[u8] = b"\
    BWJRNL\r\n\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8\x33\x90\xf9\
    \xc0\x6c\x6a\x5d\xe6\xf3\x55\xc6\x01\0\0\0\0\0\0\0\x05\0\0\0\x03\0\x01\0keyvalue\
    \xc9\xfc\xa7\xc6\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0";

#[test]
fn logs_of_an_older_version_are_read_also_if_they_were_never_used() {
    const HEAD: usize = 36;
    let used = entries([("key", "value")]);
    for (bytes, expected) in
        [(OF_AN_OLDER_VERSION, used), (&OF_AN_OLDER_VERSION[..HEAD], Map::new())]
    {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(LOG), bytes).unwrap();
        let mut opened = open(root.path(), JournalOptions::default()).unwrap();
        assert_eq!((opened.moved_aside, opened.torn_bytes), (None, 0));
        assert_eq!(map(opened.entries), expected);
        drop(opened.journal);
        opened = open(root.path(), JournalOptions::default()).unwrap();
        assert_eq!((opened.moved_aside, opened.torn_bytes), (None, 0), "opened and closed");
        opened.journal.commit(&[put("key", "later")]).unwrap();
        drop(opened.journal);
        let opened = open(root.path(), JournalOptions::default()).unwrap();
        assert_eq!(map(opened.entries), entries([("key", "later")]));
    }
}
