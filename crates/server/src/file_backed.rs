//! Values made from files, which are made again when a file changes.
//!
//! In: paths, and a function that makes the value from the files. Out: the current value. Callers ask
//! for it at each use; that costs one `stat` per path, and makes a new value only if a file has
//! changed. An error is logged once, and the last valid value stays in use.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, info};

type Make<T> = dyn Fn() -> anyhow::Result<T> + Send + Sync;

/// A value made from files.
pub struct FileBacked<T> {
    /// The name of the value in log lines.
    what: &'static str,
    files: Vec<PathBuf>,
    make: Box<Make<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    stamps: Vec<Option<Stamp>>,
    now: Now<T>,
}

/// What the files gave.
pub struct Now<T> {
    /// From the files as they are, or as they last were valid.
    pub value: Arc<T>,
    pub validity: Validity,
}

/// Whether the files are valid as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Invalid,
}

/// Identifies the content of a file: a file that was written or replaced has another stamp.
#[derive(PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T> FileBacked<T> {
    /// Makes the first value; blocks on files.
    pub fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        make: impl Fn() -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        // Before the files are read: a change in between is then seen as one.
        let stamps = stamps(&files);
        let now = Now { value: Arc::new(make()?), validity: Validity::Valid };
        let state = Mutex::new(State { stamps, now });
        Ok(FileBacked { what, files, make: Box::new(make), state })
    }

    /// The value as of now; blocks on files.
    pub fn now(&self) -> Now<T> {
        let stamps = stamps(&self.files);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps != state.stamps {
            state.stamps = stamps;
            let what = self.what;
            match (self.make)() {
                Ok(value) => {
                    info!(what, "Reloaded changed files");
                    state.now = Now { value: Arc::new(value), validity: Validity::Valid };
                }
                Err(error) => {
                    let err = format!("{error:#}");
                    error!(
                        what,
                        err, "Failed to reload changed files; using the last valid version"
                    );
                    state.now.validity = Validity::Invalid;
                }
            }
        }
        state.now.clone()
    }
}

impl<T> Clone for Now<T> {
    fn clone(&self) -> Self {
        Now { value: Arc::clone(&self.value), validity: self.validity }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| stamp(file)).collect()
}

/// `None` if there is no such file.
fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some(Stamp {
        inode: metadata.ino(),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use anyhow::Context as _;

    use super::{FileBacked, Validity};

    #[test]
    fn the_value_follows_the_file_and_survives_an_invalid_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        let make = {
            let file = file.clone();
            move || fs::read_to_string(&file)?.parse::<u32>().context("no number")
        };
        assert!(FileBacked::new("number", vec![file.clone()], make.clone()).is_err());
        fs::write(&file, "1").unwrap();
        let file_backed = FileBacked::new("number", vec![file.clone()], make).unwrap();
        let (first, again) = (file_backed.now().value, file_backed.now().value);
        assert!(*first == 1 && Arc::ptr_eq(&first, &again), "an unchanged file is not read again");

        // Another file in its place, as certificates are exchanged.
        let other = folder.path().join("other");
        fs::write(&other, "2").unwrap();
        fs::rename(&other, &file).unwrap();
        assert_eq!(*file_backed.now().value, 2);

        fs::remove_file(&file).unwrap();
        let gone = file_backed.now();
        assert_eq!((*gone.value, gone.validity), (2, Validity::Invalid));
        assert_eq!(file_backed.now().validity, Validity::Invalid);
        fs::write(&file, "3").unwrap();
        let back = file_backed.now();
        assert_eq!((*back.value, back.validity), (3, Validity::Valid));
    }
}
