//! A real process is killed, again and again, in the middle of its commits and compactions.
//!
//! The test starts itself as the child: commit n writes n to all keys of group n modulo
//! [`GROUPS`], and to the key `last`; once it is acknowledged the child prints n.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::{Journal, open};

const GROUPS: u64 = 16;
const KEYS_PER_GROUP: u64 = 8;
const CHILD: &str = "BELLWETHER_JOURNAL_KILL_TEST";

fn number_of(map: &Map, key: &str) -> u64 {
    map.get(key.as_bytes()).map_or(0, |value| {
        let digits = value.split(|byte| *byte == b' ').next().unwrap();
        std::str::from_utf8(digits).unwrap().parse().unwrap()
    })
}

fn commit_until_killed(dir: &Path) {
    let opened = open(dir, options(16 << 10)).unwrap();
    let mut journal = opened.journal;
    let mut number = number_of(&map(opened.entries), "last");
    let mut stdout = std::io::stdout();
    loop {
        number += 1;
        let value = format!("{number} {}", "x".repeat((number % 300) as usize));
        let mut batch = vec![put("last", &value)];
        batch.extend(
            (0..KEYS_PER_GROUP).map(|key| put(&format!("{} {key}", number % GROUPS), &value)),
        );
        journal.commit(&batch).unwrap();
        if writeln!(stdout, "\ncommitted {number}").and_then(|()| stdout.flush()).is_err() {
            return;
        }
    }
}

/// Runs a child until it has acknowledged `commits` commits, kills it, and gives the last one.
fn kill_after(dir: &Path, commits: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::no_acknowledged_write_is_lost_by_kill_9", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = 0;
    let mut seen = 0;
    for line in stdout.lines() {
        if let Some(number) = line.unwrap().strip_prefix("committed ") {
            acknowledged = number.parse().unwrap();
            seen += 1;
            if seen == commits {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(seen >= commits, "the child ended by itself after {seen} commits");
    acknowledged
}

#[test]
fn no_acknowledged_write_is_lost_by_kill_9() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return commit_until_killed(Path::new(&dir));
    }
    let root = tempfile::tempdir().unwrap();
    for commits in [1, 3, 40, 7, 100, 22, 61, 150] {
        let acknowledged = kill_after(root.path(), commits);
        let opened = open(root.path(), options(16 << 10)).unwrap();
        assert_eq!(opened.moved_aside, None);
        let found = map(opened.entries);
        let last = number_of(&found, "last");
        assert!(
            last == acknowledged || last == acknowledged + 1,
            "acknowledged {acknowledged}, found {last}"
        );
        for group in 0..GROUPS {
            let newest = (1..=last).rev().find(|number| number % GROUPS == group).unwrap_or(0);
            for key in 0..KEYS_PER_GROUP {
                let number = number_of(&found, &format!("{group} {key}"));
                assert_eq!(number, newest, "group {group}, key {key}: commits are atomic");
            }
        }
    }
}
