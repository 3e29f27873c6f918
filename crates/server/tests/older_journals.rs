//! A journal that an earlier version wrote is read without loss, and its records are written back
//! to the byte.
//!
//! `fixtures/journal-0.1` is the journal of version 0.1 after a `kill -9`: two groups that were
//! notified, one of them in vain, and one that is silenced.

use std::fs;
use std::path::Path;

use bellwether_engine::{LogEntry, Record};
use bellwether_journal::{Entry, JournalOptions, open};

#[test]
fn a_journal_of_version_0_1_is_read_whole() {
    let mut alerts = Vec::new();
    let mut groups = Vec::new();
    let mut silences = Vec::new();
    let mut log_entries = Vec::new();
    for entry in entries_of("journal-0.1") {
        let record = Record::decode(&entry.key, &entry.value).expect("the record is readable");
        let (key, value) = record.encode();
        assert_eq!(*key, *entry.key, "{record:?}");
        assert_eq!(value.as_deref(), Some(&*entry.value), "{record:?}");
        match record {
            Record::Alert { alert, ended } => alerts.push((alert.labels.to_string(), ended)),
            Record::Group(group) => groups.push((group.name.receiver, group.name.route)),
            Record::Silence(version) => silences.push(version.silence.comment.clone()),
            Record::LogEntry(entry) => log_entries.push(summary(&entry)),
            gone => panic!("a removed key is not an entry: {gone:?}"),
        }
    }
    alerts.sort();
    groups.sort();
    silences.sort();
    log_entries.sort();
    let firing = |labels: &str| (labels.to_owned(), false);
    assert_eq!(
        alerts,
        [
            firing(r#"{alertname="DiskFull", host="a"}"#),
            firing(r#"{alertname="DiskFull", host="b"}"#),
            firing(r#"{alertname="Quiet"}"#),
            firing(r#"{alertname="Slow", team="db"}"#),
        ]
    );
    let group = |receiver: &str, route: &str| (receiver.to_owned(), route.to_owned());
    let db = group("db", r#"{}/{team="db"}"#);
    assert_eq!(groups, [db, group("team", "{}"), group("team", "{}")]);
    assert_eq!(silences, ["ended", "kept <&> é"]);
    assert_eq!(
        log_entries,
        [
            r#"{}/{team="db"}:{alertname="Slow"} db/webhook[0]: 0 firing, 0 resolved, 1 pending"#,
            r#"{}:{alertname="DiskFull"} team/webhook[0]: 2 firing, 0 resolved, 0 pending"#,
        ]
    );
}

fn summary(entry: &LogEntry) -> String {
    let (group, integration) = (&entry.key.group, &entry.key.integration);
    let notified = &entry.notified;
    let (firing, resolved, pending) =
        (notified.firing.len(), notified.resolved.len(), notified.resolve_pending.len());
    format!("{group} {integration}: {firing} firing, {resolved} resolved, {pending} pending")
}

/// The live entries of a fixture, which is copied first: opening a journal writes to it.
fn entries_of(fixture: &str) -> Vec<Entry> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    let copy = tempfile::tempdir().expect("a temporary directory");
    for file in fs::read_dir(&from).expect("the fixture is there") {
        let file = file.expect("a readable directory").path();
        let name = file.file_name().expect("a file has a name");
        fs::copy(&file, copy.path().join(name)).expect("the copy is writable");
    }
    let opened = open(copy.path(), JournalOptions::default()).expect("the journal opens");
    assert_eq!(opened.moved_aside, None, "nothing is damaged");
    let entries: Result<Vec<Entry>, _> = opened.entries.collect();
    entries.expect("every entry is readable")
}
