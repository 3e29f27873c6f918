//! Nobody but the owner reads or writes what is stored, whatever the umask says.
//!
//! The umask is that of the whole process, so the test starts itself as a child for each.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::{Journal as _, create_private_directory, open, read};

const CHILD: &str = "BELLWETHER_JOURNAL_MODES_TEST";
const NAME: &str = "tests::modes::files_are_private_whatever_the_umask_says";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn use_a_journal(root: &Path) {
    let dir = root.join("a/b/journal");
    let mut journal = open(&dir, options(FLOOR_BYTES)).unwrap().journal;
    for round in 0..200 {
        journal.commit(&[put("a", &round.to_string())]).unwrap();
    }
    drop(journal);
    let files: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    for directory in ["a", "a/b", "a/b/journal"] {
        assert_eq!(mode(&root.join(directory)), 0o700, "{directory}");
    }
}

#[test]
fn files_are_private_whatever_the_umask_says() {
    if let Some(root) = std::env::var_os(CHILD) {
        return use_a_journal(Path::new(&root));
    }
    for umask in ["000", "022", "077", "277"] {
        let root = tempfile::tempdir().unwrap();
        let run = format!("umask {umask}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &run])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(CHILD, root.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "umask {umask}: {text}");
    }
}

#[test]
fn a_journal_of_an_earlier_version_becomes_private_and_files_of_others_stay_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("journal");
    drop(open(&dir, JournalOptions::default()).unwrap());
    let other = dir.join("notes");
    fs::write(&other, "not ours").unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let log = dir.join("0000000000000001.log");
    for path in [&other, &log, &dir.join("LOCK")] {
        set(path, 0o644);
    }
    set(&dir, 0o755);
    set(root.path(), 0o755);
    drop(open(&dir, JournalOptions::default()).unwrap());
    assert_eq!([mode(&log), mode(&dir.join("LOCK")), mode(&dir)], [0o600, 0o600, 0o700]);
    assert_eq!([mode(&other), mode(root.path())], [0o644, 0o755]);
}

#[test]
fn a_directory_that_is_there_keeps_its_mode() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o750)).unwrap();
    create_private_directory(root.path()).unwrap();
    assert_eq!(mode(root.path()), 0o750);
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    create_private_directory(&file).unwrap_err();
    create_private_directory(&file.join("below")).unwrap_err();
}

#[test]
fn whoever_reads_a_journal_learns_that_its_process_cannot_write_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("journal");
    let mut opened = open(&dir, JournalOptions::default()).unwrap();
    opened.journal.commit(&[put("a", "1")]).unwrap();
    assert!(!read(&dir).unwrap().is_failing);
    opened.journal.lose();
    let found = read(&dir).unwrap();
    assert!(found.is_failing);
    assert_eq!(map(found.entries), entries([("a", "1")]));
    let refusal = open(&dir, JournalOptions::default()).err().unwrap().to_string();
    assert!(refusal.contains("which cannot write it"), "{refusal}");
    drop(opened);
    drop(open(&dir, JournalOptions::default()).unwrap());
    assert!(!read(&dir).unwrap().is_failing, "the next process can");
}
