//! Which file operations does the journal need, and how are they made durable?
//!
//! The seam between the journal's rules and the operating system: a dozen operations on flat names
//! in one directory.
//! [`Directory`] is the real one; tests use a disk that loses, in a power cut, whatever was not
//! synced, and that can fail at any operation.
//!
//! It does not know records or the order of operations.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};

use crate::record::FileName;

/// One directory with the journal's files.
pub(crate) trait Disk: Send + Sync {
    /// Names and sizes of all files, in no order.
    fn list(&self) -> Result<Vec<(String, u64)>>;
    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>>;
    /// An empty file, even if there was one; durable only after both its and the directory's sync.
    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>>;
    /// Cuts a file to `length` bytes, durably, and goes on from there.
    fn append(&self, name: &str, length: u64) -> Result<Box<dyn DiskFile>>;
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    fn remove(&self, name: &str) -> Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_names(&self) -> Result<()>;
    /// Keeps `names` as they are now in a new directory next to this one, and returns its path.
    fn set_aside(&self, names: &[String]) -> Result<PathBuf>;
    /// The path for messages; the empty name stands for the directory.
    fn path(&self, name: &str) -> PathBuf;
}

/// A file that is being written.
pub(crate) trait DiskFile: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Returns once everything written is on the disk.
    fn sync(&mut self) -> Result<()>;
}

/// The journal's own files among those of a disk, with their sizes, oldest first.
pub(crate) fn journal_files(disk: &dyn Disk) -> Result<Vec<(FileName, u64)>> {
    let mut files: Vec<_> = disk
        .list()?
        .into_iter()
        .filter_map(|(name, bytes)| Some((FileName::parse(&name)?, bytes)))
        .collect();
    files.sort();
    Ok(files)
}

/// A directory of the operating system.
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Disk for Directory {
    fn list(&self) -> Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            // The names of journal files are UTF-8.
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.path(name))?))
    }

    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(self.path(name))?))
    }

    fn append(&self, name: &str, length: u64) -> Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).open(self.path(name))?;
        if file.metadata()?.len() != length {
            file.set_len(length)?;
            file.sync_all()?;
        }
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> Result<()> {
        sync_directory(&self.path)
    }

    fn set_aside(&self, names: &[String]) -> Result<PathBuf> {
        let aside = create_beside(&self.path)?;
        for name in names {
            // The originals stay until the repaired store has replaced them, so a link is enough;
            // a copy is for file systems without links.
            let (from, to) = (self.path(name), aside.join(name));
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
                File::open(&to)?.sync_all()?;
            }
        }
        sync_directory(&aside)?;
        if let Some(parent) = aside.parent() {
            sync_directory(parent)?;
        }
        Ok(aside)
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(name) }
    }
}

impl DiskFile for File {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        // Durability: fdatasync also flushes the new length, which is all that reading back needs.
        self.sync_data()
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Creates `<path>.damaged-<n>` with the first free n.
fn create_beside(path: &Path) -> Result<PathBuf> {
    let mut number = 1_u64;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        match fs::create_dir(&name) {
            Ok(()) => return Ok(name.into()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
