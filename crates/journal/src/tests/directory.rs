//! Real directories: locks, permissions, and stores that are put aside.

use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use super::*;
use crate::directory::{READ_ATTEMPTS_MAX, read_disk};
use crate::sim_disk::DiskFault;
use crate::{Journal, open};

fn refusal(result: Result<Opened, JournalError>) -> JournalError {
    result.err().expect("the directory must be refused")
}

#[test]
fn a_directory_that_is_open_is_refused_with_its_holder_and_freed_by_drop() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("journal");
    let opened = open(&dir, JournalOptions::default()).unwrap();
    let error = refusal(open(&dir, JournalOptions::default()));
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    assert!(text.contains(dir.to_str().unwrap()), "{text}");
    drop(opened);
    assert_eq!(map(open(&dir, JournalOptions::default()).unwrap().entries), Map::new());
}

#[test]
fn a_path_that_cannot_be_a_directory_is_refused_with_path_and_reason() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("a file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let text = refusal(open(&path, JournalOptions::default())).to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert!(text.contains("cannot create the data directory"), "{text}");
    }
}

#[test]
fn a_read_only_directory_is_refused_and_not_taken_for_damage() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let mut dir = root.path().join("read-only");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(dir.join("probe"), "").is_ok() {
        // The superuser may write anywhere but in the kernel's own file system.
        dir = "/sys/kernel".into();
    }
    let error = refusal(open(&dir, JournalOptions::default()));
    assert!(matches!(error, JournalError::NotWritable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(dir.to_str().unwrap()) && text.contains("must be writable"), "{text}");
}

#[test]
fn a_damaged_store_is_kept_aside_and_the_readable_rest_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("journal");
    for number in 1..=2 {
        let mut journal = open(&dir, JournalOptions::default()).unwrap().journal;
        journal.commit(&[put("before", "1")]).unwrap();
        journal.commit(&[put("damaged", "a value to be found in the file")]).unwrap();
        journal.commit(&[put("after", "1")]).unwrap();
        drop(journal);
        let rotten: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "log"))
            .collect();
        let [log] = rotten.as_slice() else { panic!("one log: {rotten:?}") };
        let mut bytes = fs::read(log).unwrap();
        let value = bytes.windows(7).position(|window| window == b"a value").unwrap();
        bytes[value] = b'A';
        fs::write(log, &bytes).unwrap();

        let opened = open(&dir, JournalOptions::default()).unwrap();
        let aside = opened.moved_aside.expect("the damage is reported");
        assert_eq!(aside, dir.canonicalize().unwrap().with_extension(format!("damaged-{number}")));
        let kept = aside.join(log.file_name().unwrap());
        assert_eq!(fs::read(kept).unwrap(), bytes, "what was found is kept as it was");
        assert_eq!(map(opened.entries), entries([("before", "1"), ("after", "1")]));
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let names = ["silences", "nflog", "7.log", "x.snapshot", "notes.tmp", "000000000000000G.log"];
    for name in names {
        fs::write(root.path().join(name), "not ours").unwrap();
    }
    let mut opened = open(root.path(), options(FLOOR_BYTES)).unwrap();
    for round in 0..100 {
        opened.journal.commit(&[put("a", &round.to_string())]).unwrap();
    }
    assert_eq!(opened.moved_aside, None);
    drop(opened);
    for name in names {
        assert_eq!(fs::read_to_string(root.path().join(name)).unwrap(), "not ours");
    }
    assert_eq!(
        map(open(root.path(), JournalOptions::default()).unwrap().entries),
        entries([("a", "99")])
    );
}

#[test]
fn entries_can_be_read_while_commits_and_compactions_go_on() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path(), options(FLOOR_BYTES)).unwrap().journal;
    let mut before = Map::new();
    for key in 0..200 {
        let batch = [put(&key.to_string(), &"v".repeat(100))];
        journal.commit(&batch).unwrap();
        apply(&mut before, &batch);
    }
    drop(journal);
    let Opened { mut journal, entries, .. } = open(root.path(), options(FLOOR_BYTES)).unwrap();
    for key in 0..200 {
        journal.commit(&[put(&key.to_string(), "later")]).unwrap();
    }
    assert_eq!(map(entries), before);
    drop(journal);
    let after = map(open(root.path(), options(FLOOR_BYTES)).unwrap().entries);
    assert!(after.len() == 200 && after.values().all(|value| value == b"later"));
}

#[test]
fn a_used_directory_without_files_was_emptied() {
    let root = tempfile::tempdir().unwrap();
    let mut opened = open(root.path(), JournalOptions::default()).unwrap();
    assert!(!opened.emptied, "it is new");
    opened.journal.commit(&[put("a", "1")]).unwrap();
    drop(opened);
    fs::remove_file(root.path().join("0000000000000001.log")).unwrap();
    assert!(open(root.path(), JournalOptions::default()).unwrap().emptied);
    assert!(!open(root.path(), JournalOptions::default()).unwrap().emptied, "it is in use again");
}

#[test]
fn the_time_of_the_newest_file_is_reported() {
    let root = tempfile::tempdir().unwrap();
    let opened = open(root.path(), JournalOptions::default()).unwrap();
    assert_eq!(opened.written_at, None, "it is new");
    drop(opened);
    let log = fs::File::options().write(true).open(root.path().join("0000000000000001.log"));
    let stopped_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    log.unwrap().set_modified(stopped_at).unwrap();
    let opened = open(root.path(), JournalOptions::default()).unwrap();
    assert_eq!(opened.written_at, Some(stopped_at));
}

#[test]
fn reading_looks_again_for_files_that_are_replaced_and_gives_up_on_damage_at_last() {
    let disk = SimDisk::default();
    let (mut journal, _) = load_sim(&disk);
    journal.commit(&[put("a", "1")]).unwrap();
    for operation in 0..3 {
        disk.fault_at(operation, DiskFault::Fails(ErrorKind::NotFound));
        assert_eq!(map(read_disk(&disk).unwrap()), entries([("a", "1")]), "{operation}");
    }
    disk.fault_at(0, DiskFault::Fails(ErrorKind::PermissionDenied));
    let error = read_disk(&disk).err().unwrap();
    assert!(matches!(error, JournalError::NotWritable { .. }), "that does not pass: {error}");

    disk.corrupt("0000000000000001.log", |bytes| bytes.truncate(40));
    let before = disk.operations();
    let error = read_disk(&disk).err().unwrap();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    // Each lists the files and opens the one.
    assert_eq!(disk.operations() - before, 2 * READ_ATTEMPTS_MAX);
}
