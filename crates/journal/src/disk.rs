//! Which file operations does the journal need, and how are they made durable?
//!
//! The seam between the journal's rules and the operating system: a dozen operations on flat names
//! in one directory.
//! [`Directory`] is the real one; tests use a disk that loses, in a power cut, whatever was not
//! synced, and that can fail at any operation.
//!
//! It does not know records or the order of operations.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

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
    /// Makes creations, renames and removals durable; needs no free file descriptor.
    fn sync_names(&self) -> Result<()>;
    /// Keeps `names` as they are now in a new directory next to this one, and returns its path.
    fn set_aside(&self, names: &[String]) -> Result<PathBuf>;
    /// Bytes that this process may still use; `None` if the operating system does not say.
    fn free_bytes(&self) -> Option<u64>;
    /// The path for messages; the empty name stands for the directory.
    fn path(&self, name: &str) -> PathBuf;
}

/// A file that is being written.
pub(crate) trait DiskFile: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Returns once everything written is on the disk.
    fn sync(&mut self) -> Result<()>;
    /// Takes space for bytes `from` to `to`, beyond the end, so that writing them cannot fail for the
    /// lack of it; the length stays. [`ErrorKind::Unsupported`] if the file system cannot do it.
    fn reserve(&mut self, from: u64, to: u64) -> Result<()>;
    /// Cuts the file to `length` bytes, durable with the next sync, and goes on from there; gives
    /// back what was reserved.
    fn cut(&mut self, length: u64) -> Result<()>;
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
    /// Held open, so that names can be synced when no descriptor is free.
    handle: File,
}

impl Directory {
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let handle = File::open(&path)?;
        Ok(Self { path, handle })
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
        Ok(Box::new(create_private_file(&self.path(name))?))
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
        self.handle.sync_all()
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

    fn free_bytes(&self) -> Option<u64> {
        let found = statvfs(&self.path).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
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

    fn reserve(&mut self, from: u64, to: u64) -> Result<()> {
        let bytes = to.saturating_sub(from);
        match fallocate(&*self, FallocateFlags::KEEP_SIZE, from, bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                Err(ErrorKind::Unsupported.into())
            }
            reserved => Ok(reserved?),
        }
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length))?;
        Ok(())
    }
}

/// Creates an empty file that only its owner can read and write, whatever the umask says.
pub fn create_private_file(path: &Path) -> Result<File> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// Creates a directory, and those above it, that only its owner can use, whatever the umask says;
/// leaves one that is there as it is.
pub fn create_private_directory(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_directory(parent)?;
    }
    match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes from others what they may do with a journal that an earlier version created. What belongs to
/// another user stays as it is: only that user may change it.
pub(crate) fn make_private(directory: &Path) {
    let keep = |path: &Path, mode| {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode));
    };
    keep(directory, DIRECTORY_MODE);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(is_own_name);
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            keep(&entry.path(), FILE_MODE);
        }
    }
}

fn is_own_name(name: &str) -> bool {
    [LOCK, RESERVE, PROBE].contains(&name) || FileName::parse(name).is_some()
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
        match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(&name) {
            Ok(()) => {
                fs::set_permissions(&name, Permissions::from_mode(DIRECTORY_MODE))?;
                return Ok(name.into());
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Says in the lock file which process holds the directory, for people and for those who read the
/// journal. Best effort; nothing is cut off before the new text is there, since the disk may be full.
pub(crate) fn note_holder(lock: &mut File, condition: &str) {
    let text = format!("process {}{condition}", std::process::id());
    let _ = lock
        .rewind()
        .and_then(|()| lock.write_all(text.as_bytes()))
        .and_then(|()| lock.set_len(text.len() as u64));
}

/// The condition of a journal that has failed.
pub(crate) const CANNOT_WRITE: &str = ", which cannot write it";

/// The names of what is beside the journal's files.
pub(crate) const LOCK: &str = "LOCK";
pub(crate) const RESERVE: &str = "RESERVE";
pub(crate) const PROBE: &str = "PROBE";

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_directory_that_cannot_be_created_is_an_error_and_not_tried_for_ever() {
        let root = tempfile::tempdir().unwrap();
        let missing = root.path().join("missing").join("journal");
        assert_eq!(create_beside(&missing).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_goes_on_where_it_was_cut() {
        let root = tempfile::tempdir().unwrap();
        let disk = Directory::open(root.path().to_path_buf()).unwrap();
        let found = || fs::read_to_string(disk.path("log")).unwrap();
        let mut file = disk.create("log").unwrap();
        file.write(b"whole, torn").unwrap();
        file.cut(6).unwrap();
        assert_eq!(found(), "whole,");
        file.write(b" whole, torn").unwrap();
        drop(file);
        // The end that a crash left behind must not come between two commits.
        let mut file = disk.append("log", 13).unwrap();
        assert_eq!(found(), "whole, whole,");
        file.write(b" whole").unwrap();
        assert_eq!(found(), "whole, whole, whole");
    }

    #[test]
    fn reserved_space_is_taken_from_the_disk_and_not_seen_in_the_length() {
        const BYTES: u64 = 1 << 20;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        let mut file = create_private_file(&path).unwrap();
        DiskFile::write(&mut file, b"a commit").unwrap();
        if let Err(error) = file.reserve(8, BYTES) {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            return;
        }
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.len(), 8);
        assert!(metadata.blocks() * 512 >= BYTES, "{} blocks", metadata.blocks());
        file.cut(8).unwrap();
        assert!(fs::metadata(&path).unwrap().blocks() * 512 < BYTES, "it is given back");
    }

    #[test]
    fn free_space_is_that_of_the_file_system() {
        let root = tempfile::tempdir().unwrap();
        let disk = Directory::open(root.path().to_path_buf()).unwrap();
        let free = disk.free_bytes().unwrap();
        let found = statvfs(root.path()).unwrap();
        assert!(free >= found.f_frsize && free.is_multiple_of(found.f_frsize), "{free}");
        assert!(free < found.f_blocks * found.f_frsize, "{free}");
        fs::remove_dir(root.path()).unwrap();
        assert_eq!(disk.free_bytes(), None, "the directory is gone");
    }

    #[test]
    fn a_path_that_steps_back_over_a_directory_yet_to_be_created_is_created() {
        let root = tempfile::tempdir().unwrap();
        create_private_directory(&root.path().join("missing/../journal")).unwrap();
        assert!(root.path().join("journal").is_dir());
    }
}
