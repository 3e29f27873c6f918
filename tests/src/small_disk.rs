//! What happens when the disk is full, and when it has space again?
//!
//! A [`SmallDisk`] is a file system in memory, of a few mebibytes, mounted where a server keeps its
//! data. It can be filled by a file that belongs to somebody else, and that file can be removed.
//!
//! This needs root. Without, [`SmallDisk::mount`] reports it on stderr, past the test's capture, and
//! gives nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system that is gone when this is dropped.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one on `path`, which is created.
    pub fn mount(test_name: &str, path: &Path, mebibytes: u32) -> Option<Self> {
        fs::create_dir_all(path).expect("the test's folder is writable");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=0755"), "small-disk"])
            .arg(path)
            .output()
            .unwrap_or_else(|error| panic!("run mount: {error}"));
        if output.status.success() {
            return Some(Self { path: path.to_path_buf() });
        }
        let reason = String::from_utf8_lossy(&output.stderr);
        // Not `eprintln`, which is only shown when a test fails.
        let line = format!("SKIPPED {test_name}: no file system: {}\n", reason.trim());
        io::stderr().write_all(line.as_bytes()).expect("stderr is open");
        None
    }

    /// Takes all space that is left.
    pub fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("a name still fits");
        let mut piece = vec![1; 1 << 20];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
    }

    /// Gives it back.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the disk was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("of-somebody-else")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still be there.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.path).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.path.display());
        }
    }
}
