use std::fs;
use std::path::Path;

use bellwether_engine::{Record, wire};
use bellwether_model::{Matcher, Matchers, Op, Silence, Timestamp};

use super::{Imported, Importer};

fn silence(id: &str, updated_at: i64) -> Silence {
    let matcher = Matcher::new("a", Op::Equal, "b").unwrap();
    Silence {
        id: id.into(),
        matcher_sets: vec![Matchers::new(vec![matcher])],
        starts_at: Timestamp::from_unix(100, 0),
        ends_at: Timestamp::from_unix(900, 0),
        updated_at: Timestamp::from_unix(updated_at, 0),
        created_by: "me".into(),
        comment: String::new(),
        annotations: Default::default(),
    }
}

fn write(directory: &Path, silences: &[Silence], tail: &[u8]) {
    let mut file = Vec::new();
    for silence in silences {
        let message = wire::encode_silence(silence, Timestamp::from_unix(2_000, 0));
        wire::append_message(&mut file, &message);
    }
    file.extend_from_slice(tail);
    fs::write(directory.join("silences"), file).unwrap();
}

fn ids(imported: &Imported) -> Vec<String> {
    let silences = imported.records.iter().map(|record| match record {
        Record::Silence(version) => version.silence.id.clone(),
        other => panic!("{other:?}"),
    });
    silences.collect()
}

/// What a later start knows of an earlier import.
fn after(imported: &Imported) -> Importer {
    let mut importer = Importer::default();
    for change in &imported.changes {
        let value = change.value.as_ref().unwrap();
        if !importer.is_mark(&change.key, value) {
            importer.note_record(&Record::decode(&change.key, value).unwrap(), &change.key);
        }
    }
    importer
}

const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TWO: &str = "22222222-2222-2222-2222-222222222222";

#[test]
fn nothing_is_imported_from_an_empty_directory() {
    let directory = tempfile::tempdir().unwrap();
    let imported = Importer::default().import(directory.path());
    assert!(imported.records.is_empty() && imported.changes.is_empty());
}

#[test]
fn a_file_is_imported_once() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[silence(ONE, 200), silence(TWO, 200)], b"");
    let imported = Importer::default().import(directory.path());
    assert_eq!(ids(&imported), [ONE, TWO]);
    let again = after(&imported).import(directory.path());
    assert!(again.records.is_empty() && again.changes.is_empty());
}

#[test]
fn only_newer_records_of_a_changed_file_are_imported() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[silence(ONE, 200), silence(TWO, 200)], b"");
    let imported = Importer::default().import(directory.path());
    write(directory.path(), &[silence(ONE, 199), silence(TWO, 201)], b"");
    assert_eq!(ids(&after(&imported).import(directory.path())), [TWO]);
}

#[test]
fn the_readable_part_of_a_damaged_file_is_imported_and_the_file_is_left() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[silence(ONE, 200)], b"\xff\x01garbage");
    let before = fs::read(directory.path().join("silences")).unwrap();
    let imported = Importer::default().import(directory.path());
    assert_eq!(ids(&imported), [ONE]);
    assert_eq!(fs::read(directory.path().join("silences")).unwrap(), before);
}
