use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
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
    let expected = Exported { silences: 1, log_entries: 0, ..Exported::default() };
    assert_eq!(exported, Some(expected));
    let file = fs::read(output.join("silences")).unwrap();
    let messages: Vec<&[u8]> = wire::split_messages(&file).map(Result::unwrap).collect();
    assert_eq!(messages.len(), 1);
    let version = wire::decode_silence(messages[0]).unwrap();
    let (read, expires_at) = (Silence::clone(&version.silence), version.expires_at);
    assert_eq!((read, expires_at.unix_seconds()), (silence(), 2_000));
    assert_eq!(fs::read(output.join("nflog")).unwrap(), b"");
}

#[test]
fn of_a_running_server_a_copy_is_written_but_not_into_its_own_directory() {
    let storage = tempfile::tempdir().unwrap();
    keep_silence(storage.path());
    let mut running = open(&journal_directory(storage.path()), JournalOptions::default()).unwrap();
    let error = export(storage.path(), storage.path()).unwrap_err().to_string();
    assert!(error.contains("in use by a running server"), "{error}");
    assert!(!storage.path().join("silences").exists());

    let output = storage.path().join("out");
    let exported = export(storage.path(), &output).unwrap();
    let expected =
        Exported { silences: 1, log_entries: 0, is_running: true, ..Exported::default() };
    assert_eq!(exported, Some(expected));
    assert!(!fs::read(output.join("silences")).unwrap().is_empty());
    running.journal.commit(&[Change::put(*b"key", *b"value")]).unwrap();
}

#[test]
fn files_have_the_mode_of_those_that_they_replace_or_of_the_directory() {
    let storage = tempfile::tempdir().unwrap();
    keep_silence(storage.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set(storage.path(), 0o750);
    fs::write(storage.path().join("nflog"), b"").unwrap();
    set(&storage.path().join("nflog"), 0o600);
    export(storage.path(), storage.path()).unwrap();
    assert_eq!(mode(&storage.path().join("nflog")), 0o600);
    assert_eq!(mode(&storage.path().join("silences")), 0o640);
    let output = storage.path().join("new");
    export(storage.path(), &output).unwrap();
    assert_eq!(mode(&output), 0o750);
}

#[test]
fn without_a_journal_there_is_nothing_to_export() {
    let storage = tempfile::tempdir().unwrap();
    let error = export(storage.path(), storage.path()).unwrap_err().to_string();
    assert!(error.starts_with("no journal in "), "{error}");
}
