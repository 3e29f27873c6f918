use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bellwether_engine::{LogEntry, LogKey, Notified, Record, SilenceRecord, wire};
use bellwether_journal::{Change, Journal as _, JournalOptions, Opened, open};
use bellwether_model::{
    Alert, GroupKey, IntegrationId, LabelSet, Matcher, Matchers, Op, Silence, Timestamp,
};
use tempfile::TempDir;

use super::{Imported, Journaled};
use crate::export::export;
use crate::restore::journal_directory;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds, 0)
}

fn silence(id: &str, updated_at: i64) -> Record {
    let matcher = Matcher::new("a", Op::Equal, "b").unwrap();
    let silence = Silence {
        id: id.into(),
        matcher_sets: vec![Matchers::new(vec![matcher])],
        starts_at: at(100),
        ends_at: at(900),
        updated_at: at(updated_at),
        created_by: "me".into(),
        comment: String::new(),
        annotations: Default::default(),
    };
    Record::Silence(SilenceRecord { silence: silence.into(), expires_at: at(2_000), wire: None })
}

fn labels(name: &str) -> LabelSet {
    LabelSet::new([("alertname", name)])
}

fn alert(name: &str, ended: bool) -> Record {
    let labels = labels(name);
    let alert = Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: at(100),
        ends_at: at(if ended { 150 } else { 400 }),
        updated_at: at(150),
        timed_out: false,
        late_by_s: 0,
    };
    Record::Alert { alert: Arc::new(alert), ended }
}

fn entry(name: &str, firing: bool, updated_at: i64) -> Record {
    let hash = vec![labels(name).log_hash()];
    let (firing, resolved) = if firing { (hash, vec![]) } else { (vec![], hash) };
    let integration = IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 };
    Record::LogEntry(LogEntry {
        key: LogKey {
            group: GroupKey::from_text(format!("{{}}:{{alertname={name:?}}}")),
            integration,
        },
        notified: Notified { firing, resolved, ..Notified::default() },
        at: at(updated_at),
        expires_at: at(5_000),
        remembered: Default::default(),
        wire: None,
    })
}

/// What a record is, in a word.
fn word(record: &Record) -> String {
    match record {
        Record::Silence(version) => version.silence.id[..3].to_owned(),
        Record::Alert { alert, ended } => {
            format!(
                "{} {}",
                alert.labels.value("alertname"),
                if *ended { "ended" } else { "fires" }
            )
        }
        Record::LogEntry(entry) => {
            let state = if entry.notified.firing.is_empty() { "resolved" } else { "firing" };
            format!("{} {state}", entry.key.group)
        }
        other => panic!("{other:?}"),
    }
}

/// A data directory, which this server and a Go server use in turn.
struct Storage(TempDir);

impl Storage {
    fn new() -> Self {
        Storage(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What this server knows at the end of a run that changes `records`.
    fn run_ours(&self, records: &[Record]) -> Vec<String> {
        let imported = self.start();
        let mut journal =
            open(&journal_directory(self.path()), JournalOptions::default()).unwrap().journal;
        let changes: Vec<_> = records.iter().map(change).collect();
        journal.commit(&changes).unwrap();
        let mut words: Vec<_> = imported.records.iter().map(word).collect();
        words.sort();
        words
    }

    /// Only the start, which keeps what was imported.
    fn start(&self) -> Imported {
        let directory = journal_directory(self.path());
        let Opened { mut journal, entries, written_at, .. } =
            open(&directory, JournalOptions::default()).unwrap();
        let unreadable = |error| panic!("{error}");
        let journaled = Journaled::read(entries, written_at, unreadable).unwrap();
        let imported = journaled.join(self.path(), at(500));
        journal.commit(&imported.changes).unwrap();
        imported
    }

    fn export(&self) {
        export(self.path(), self.path()).unwrap();
    }

    /// A run of a Go server, which leaves these records.
    fn run_go(&self, records: &[Record]) {
        self.write("silences", records, b"");
        self.write("nflog", records, b"");
        // It runs at least a minute, and our journal was not touched meanwhile.
        for name in ["silences", "nflog"] {
            let file = File::options().append(true).open(self.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        }
    }

    fn write(&self, name: &str, records: &[Record], tail: &[u8]) {
        let mut content = Vec::new();
        for record in records {
            let is_silence = matches!(record, Record::Silence(_));
            if is_silence == (name == "silences") {
                wire::append_message(&mut content, &record.encode().1.unwrap());
            }
        }
        content.extend_from_slice(tail);
        fs::write(self.path().join(name), content).unwrap();
    }
}

fn change(record: &Record) -> Change {
    let (key, value) = record.encode();
    Change { key: key.into(), value: value.map(Vec::into_boxed_slice) }
}

const ONE: &str = "111";
const TWO: &str = "222";

fn disk_firing() -> Vec<Record> {
    vec![silence(ONE, 100), alert("Disk", false), entry("Disk", true, 160)]
}

#[test]
fn nothing_is_imported_from_an_empty_directory() {
    let imported = Storage::new().start();
    assert!(imported.records.is_empty() && imported.changes.is_empty());
}

#[test]
fn a_file_is_imported_once() {
    let storage = Storage::new();
    storage.write("silences", &[silence(ONE, 200), silence(TWO, 200)], b"");
    assert_eq!(storage.run_ours(&[]), [ONE, TWO]);
    assert!(storage.start().changes.is_empty());
}

#[test]
fn a_single_file_adds_what_is_newer_and_replaces_nothing() {
    let storage = Storage::new();
    storage.run_ours(&[silence(ONE, 200), alert("Disk", false)]);
    storage.write("silences", &[silence(ONE, 199), silence(TWO, 201)], b"");
    assert_eq!(storage.run_ours(&[]), [ONE, TWO, "Disk fires"]);
}

#[test]
fn the_readable_part_of_a_damaged_file_is_imported_and_the_file_is_left() {
    let storage = Storage::new();
    storage.write("silences", &[silence(ONE, 200)], b"\xff\x01garbage");
    let before = fs::read(storage.path().join("silences")).unwrap();
    assert_eq!(storage.run_ours(&[]), [ONE]);
    assert_eq!(fs::read(storage.path().join("silences")).unwrap(), before);
}

#[test]
fn after_an_export_the_files_of_a_go_server_replace_silences_log_and_alerts() {
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    storage.run_ours(&[alert("Net", false), alert("Load", false), entry("Load", true, 160)]);
    storage.export();
    storage.run_go(&[silence(TWO, 300), entry("Disk", false, 300), entry("Load", true, 160)]);
    let load = r#"{}:{alertname="Load"} firing"#;
    let disk = r#"{}:{alertname="Disk"} resolved"#;
    let known = [TWO, "Load fires", disk, load];
    assert_eq!(storage.run_ours(&[]), known);
    assert_eq!(storage.run_ours(&[]), known, "and it is so at the next start");
}

#[test]
fn a_go_server_replaces_them_even_if_the_export_was_forgotten() {
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    storage.run_go(&[entry("Disk", false, 300)]);
    assert_eq!(storage.run_ours(&[]), [r#"{}:{alertname="Disk"} resolved"#]);

    // The times of the files were lost by a copy; the log's are there.
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    storage.write("silences", &[], b"");
    storage.write("nflog", &[entry("Disk", false, 300)], b"");
    for name in ["silences", "nflog"] {
        let file = File::options().append(true).open(storage.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    assert_eq!(storage.run_ours(&[]), [r#"{}:{alertname="Disk"} resolved"#]);
}

#[test]
fn a_go_server_that_changed_nothing_leaves_only_what_it_notified() {
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    storage.run_ours(&[alert("Muted", false)]);
    storage.export();
    storage.run_go(&[silence(ONE, 100), entry("Disk", true, 160)]);
    assert_eq!(storage.run_ours(&[]), [ONE, "Disk fires", r#"{}:{alertname="Disk"} firing"#]);
}

#[test]
fn an_alert_that_fired_again_meanwhile_is_not_ended() {
    let storage = Storage::new();
    storage.run_ours(&[alert("Disk", true), entry("Disk", false, 160)]);
    storage.export();
    storage.run_go(&[entry("Disk", true, 300)]);
    assert_eq!(storage.run_ours(&[]), ["Disk fires", r#"{}:{alertname="Disk"} firing"#]);
}

#[test]
fn without_a_go_server_an_export_changes_nothing() {
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    let known = [ONE, "Disk fires", r#"{}:{alertname="Disk"} firing"#];
    storage.export();
    storage.export();
    assert_eq!(storage.run_ours(&[alert("Net", false)]), known);
    // Our own later changes are not replaced by the exported files.
    let known = [ONE, "Disk fires", "Net fires", r#"{}:{alertname="Disk"} firing"#];
    assert_eq!(storage.run_ours(&[]), known);
}

#[test]
fn a_crash_during_the_export_changes_nothing() {
    let storage = Storage::new();
    storage.write("silences", &[silence(ONE, 100)], b"");
    storage.write("nflog", &[], b"");
    let before = ["silences", "nflog"].map(|name| fs::read(storage.path().join(name)).unwrap());
    storage.run_ours(&[silence(TWO, 200), alert("Disk", false)]);
    storage.export();
    // Neither file, or only the first, had its new content.
    for (name, content) in ["nflog", "silences"].into_iter().zip(before.iter().rev()) {
        fs::write(storage.path().join(name), content).unwrap();
        let file = File::options().append(true).open(storage.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(storage.run_ours(&[]), [ONE, TWO, "Disk fires"], "without {name}");
        storage.export();
    }
}

#[test]
fn moves_there_and_back_can_be_repeated() {
    let storage = Storage::new();
    storage.run_go(&[silence(ONE, 100), entry("Disk", true, 100)]);
    for round in 1..4 {
        let later = 1_000 * round;
        storage.run_ours(&[alert("Disk", false), entry("Disk", true, later), silence(TWO, later)]);
        storage.export();
        storage.run_go(&[silence(ONE, later + 1), entry("Disk", false, later + 1)]);
        assert_eq!(storage.run_ours(&[]), [ONE, r#"{}:{alertname="Disk"} resolved"#], "{round}");
        storage.export();
        storage.run_go(&[silence(ONE, later + 1), entry("Disk", true, later + 2)]);
        assert_eq!(storage.run_ours(&[]), [ONE, r#"{}:{alertname="Disk"} firing"#], "{round}");
    }
}

#[test]
fn an_export_does_not_overwrite_what_a_go_server_did() {
    for exported in [true, false] {
        let storage = Storage::new();
        storage.run_ours(&disk_firing());
        if exported {
            storage.export();
        }
        storage.run_go(&[entry("Disk", false, 300)]);
        let before = fs::read(storage.path().join("nflog")).unwrap();
        assert_eq!(export(storage.path(), storage.path()).unwrap(), None);
        assert_eq!(fs::read(storage.path().join("nflog")).unwrap(), before);
        assert_eq!(storage.run_ours(&[]), [r#"{}:{alertname="Disk"} resolved"#]);
    }
}

#[test]
fn a_damaged_file_of_a_go_server_removes_nothing_of_its_kind() {
    let storage = Storage::new();
    storage.run_ours(&disk_firing());
    storage.export();
    storage.run_go(&[entry("Disk", false, 300)]);
    storage.write("silences", &[silence(TWO, 300)], b"\xff\x01garbage");
    assert_eq!(storage.run_ours(&[]), [ONE, TWO, r#"{}:{alertname="Disk"} resolved"#]);
}
