//! A disk for tests that loses what was not synced.
//!
//! Each file has the bytes that the process sees and those that are durable; the directory has the
//! names that the process sees and those that are durable.
//! At a power cut, of what was not synced some part is there and some is not, as a seed decides.
//! Of a file's bytes: nothing, everything, a part from the front, or everything but a hole of zeros.
//! Of the changes of names: any of them, each whole.
//! The process can be made to die at any operation, which then has half happened, and the disk can
//! be made to refuse writes.

use std::collections::BTreeMap;
use std::io::{Cursor, Error, ErrorKind, Read, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile};

#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// What goes wrong, and at which operation from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskFault {
    /// The process dies.
    Death,
    /// Creations and writes fail as on a full disk, until there is space.
    Full,
    /// The next sync of a file fails, once.
    SyncFails,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    fault: Option<(u64, DiskFault)>,
    dead: bool,
    full: bool,
    set_aside: usize,
}

#[derive(Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Write,
    Sync,
    Names,
}

/// A small generator (xorshift), enough to choose between outcomes.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

impl SimDisk {
    pub(crate) fn fault_at(&self, operation: u64, fault: DiskFault) {
        self.lock().fault = Some((operation, fault));
    }

    pub(crate) fn free_space(&self) {
        self.lock().full = false;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    pub(crate) fn times_set_aside(&self) -> usize {
        self.lock().set_aside
    }

    /// The disk as the next process finds it after a power cut.
    pub(crate) fn after_power_cut(&self, rng: &mut Rng) -> Self {
        let state = self.lock();
        let mut names = state.durable_names.clone();
        for change in &state.unsynced_names {
            if rng.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        let inodes: Vec<_> = state
            .inodes
            .iter()
            .map(|inode| {
                let bytes = torn(inode, rng);
                Inode { durable: bytes.clone(), bytes }
            })
            .collect();
        let next = State { inodes, durable_names: names.clone(), names, ..State::default() };
        Self { state: Arc::new(Mutex::new(next)) }
    }

    /// Changes the durable bytes of a file behind the journal's back.
    pub(crate) fn corrupt(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        let inode = state.names[name];
        change(&mut state.inodes[inode].bytes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The durable part, and some of the rest.
fn torn(inode: &Inode, rng: &mut Rng) -> Vec<u8> {
    let synced = inode.durable.len();
    let mut bytes = inode.bytes.clone();
    let unsynced = bytes.len().saturating_sub(synced);
    match rng.below(4) {
        0 => bytes.truncate(synced),
        1 => bytes.truncate(synced + rng.below(unsynced)),
        2 if unsynced > 0 => {
            let hole = synced + rng.below(unsynced);
            let end = (hole + 1 + rng.below(64)).min(bytes.len());
            bytes[hole..end].fill(0);
        }
        _ => {}
    }
    bytes
}

impl State {
    /// Counts an operation. When the fault comes, `Ok(true)` says that it half happens.
    fn begin(&mut self, operation: Operation) -> Result<bool> {
        if self.dead {
            return Err(Error::other("the process is dead"));
        }
        match self.fault.take() {
            Some((0, DiskFault::Death)) => {
                self.dead = true;
                return Ok(true);
            }
            Some((0, DiskFault::Full)) => self.full = true,
            Some((0, DiskFault::SyncFails)) if operation == Operation::Sync => {
                return Err(Error::other("the device has failed"));
            }
            Some((left, fault)) => self.fault = Some((left.saturating_sub(1), fault)),
            None => {}
        }
        if self.full && operation == Operation::Write {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(false)
    }

    fn change_names(&mut self, change: NameChange, half: bool) -> Result<()> {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
        if half { Err(Error::other("the process dies")) } else { Ok(()) }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

impl Disk for SimDisk {
    fn list(&self) -> Result<Vec<(String, u64)>> {
        let state = self.lock();
        let size = |inode: &usize| state.inodes[*inode].bytes.len() as u64;
        Ok(state.names.iter().map(|(name, inode)| (name.clone(), size(inode))).collect())
    }

    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let state = self.lock();
        let inode = state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(state.inodes[*inode].bytes.clone())))
    }

    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        let half = state.begin(Operation::Write)?;
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change_names(NameChange::Create(name.to_owned(), inode), half)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn append(&self, name: &str, length: u64) -> Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        let inode = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        if state.begin(Operation::Sync)? {
            return Err(Error::other("the process dies"));
        }
        let file = &mut state.inodes[inode];
        file.bytes.truncate(length as usize);
        file.durable = file.bytes.clone();
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut state = self.lock();
        let half = state.begin(Operation::Names)?;
        state.change_names(NameChange::Rename(from.to_owned(), to.to_owned()), half)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut state = self.lock();
        let half = state.begin(Operation::Names)?;
        if !state.names.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change_names(NameChange::Remove(name.to_owned()), half)
    }

    fn sync_names(&self) -> Result<()> {
        let mut state = self.lock();
        if state.begin(Operation::Names)? {
            return Err(Error::other("the process dies"));
        }
        state.durable_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }

    fn set_aside(&self, _names: &[String]) -> Result<PathBuf> {
        self.lock().set_aside += 1;
        Ok(self.path(".damaged-1"))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/simulated").join(name)
    }
}

impl DiskFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut state = self.disk.lock();
        let half = state.begin(Operation::Write)?;
        state.inodes[self.inode].bytes.extend_from_slice(bytes);
        if half { Err(Error::other("the process dies")) } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<()> {
        let mut state = self.disk.lock();
        if state.begin(Operation::Sync)? {
            return Err(Error::other("the process dies"));
        }
        let file = &mut state.inodes[self.inode];
        file.durable = file.bytes.clone();
        Ok(())
    }
}
