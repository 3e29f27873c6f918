use std::fs;
use std::path::Path;

use bellwether_engine::{Record, SilenceRecord, wire};
use bellwether_journal::{Change, Journal as _, JournalOptions, open};
use bellwether_model::{Matcher, Matchers, Op, Silence, Timestamp};

use super::{Exported, export};
use crate::restore::journal_directory;

fn silence() -> Silence {
    let matcher = Matcher::new("a", Op::Equal, "b").unwrap();
    Silence {
        id: "11111111-1111-1111-1111-111111111111".into(),
        matcher_sets: vec![Matchers::new(vec![matcher])],
        starts_at: Timestamp::from_unix(100, 0),
        ends_at: Timestamp::from_unix(900, 0),
        updated_at: Timestamp::from_unix(100, 0),
        created_by: "me".into(),
        comment: "why".into(),
        annotations: Default::default(),
    }
}

fn keep_silence(storage: &Path) {
    let record = Record::Silence(SilenceRecord {
        silence: silence().into(),
        expires_at: Timestamp::from_unix(2_000, 0),
        wire: None,
    });
    let (key, value) = record.encode();
    let mut journal = open(&journal_directory(storage), JournalOptions::default()).unwrap().journal;
    journal.commit(&[Change::put(key, value.unwrap())]).unwrap();
}

#[test]
fn silences_are_written_as_a_go_server_reads_them() {
    let storage = tempfile::tempdir().unwrap();
    keep_silence(storage.path());
    let output = storage.path().join("out");
    let exported = export(storage.path(), &output).unwrap();
    assert_eq!(exported, Exported { silences: 1, log_entries: 0 });
    let file = fs::read(output.join("silences")).unwrap();
    let messages: Vec<&[u8]> = wire::split_messages(&file).map(Result::unwrap).collect();
    assert_eq!(messages.len(), 1);
    let version = wire::decode_silence(messages[0]).unwrap();
    let (read, expires_at) = (Silence::clone(&version.silence), version.expires_at);
    assert_eq!((read, expires_at.unix_seconds()), (silence(), 2_000));
    assert_eq!(fs::read(output.join("nflog")).unwrap(), b"");
}

#[test]
fn a_running_server_is_not_exported() {
    let storage = tempfile::tempdir().unwrap();
    keep_silence(storage.path());
    let _held = open(&journal_directory(storage.path()), JournalOptions::default()).unwrap();
    let error = export(storage.path(), storage.path()).unwrap_err().to_string();
    assert!(error.ends_with("is in use by a running server: stop it first"), "{error}");
    assert!(!storage.path().join("silences").exists());
}

#[test]
fn without_a_journal_there_is_nothing_to_export() {
    let storage = tempfile::tempdir().unwrap();
    let error = export(storage.path(), storage.path()).unwrap_err().to_string();
    assert!(error.starts_with("no journal in "), "{error}");
}
