//! A disk for tests that loses what was not synced.
//!
//! Each file has the bytes that the process sees and those that are durable; the directory has the
//! names that the process sees and those that are durable.
//! At a power cut, of what was not synced some part is there and some is not, as a seed decides.
//! Of a file's bytes: nothing, everything, a part from the front, or everything but a hole of zeros.
//! Of the changes of names: any of them, each whole.
//! The process can be made to die at any operation, which then has half happened; any operation can
//! be made to fail, once or by chance; and the disk can be full.
//! Bytes whose sync has failed never become durable, even if a later sync succeeds.

use std::collections::BTreeMap;
use std::io::{Cursor, Error, ErrorKind, Read, Result};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile, RESERVE};

#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
    /// Held while no file may be read.
    reads: Arc<Mutex<()>>,
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
    /// The operation fails, once, whatever it is.
    Fails(ErrorKind),
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
    /// Bytes that can be written although the disk is full.
    spare: u64,
    refuses_reserve: bool,
    /// Operations fail by chance: so many of a hundred.
    sick: Option<(Rng, usize)>,
    operations: u64,
    set_aside: usize,
}

#[derive(Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Bytes whose sync has failed.
    dropped: Vec<Range<usize>>,
    /// Where the space ends that is its own.
    reserved: usize,
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
    Read,
    /// Also the creation of a file, and the reservation of space.
    Write,
    WriteRecords,
    Sync,
    Names,
}

/// A small generator (xorshift), enough to choose between outcomes.
#[derive(Clone)]
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

    pub(crate) fn fill(&self) {
        self.lock().full = true;
    }

    pub(crate) fn free_space(&self) {
        self.lock().full = false;
    }

    /// As a file system on which space cannot be reserved for a file.
    pub(crate) fn refuse_reserve(&self) {
        self.lock().refuses_reserve = true;
    }

    /// From now on, `percent` of the operations fail.
    pub(crate) fn fall_sick(&self, seed: u64, percent: usize) {
        self.lock().sick = Some((Rng(seed), percent));
    }

    pub(crate) fn get_well(&self) {
        let mut state = self.lock();
        (state.sick, state.full, state.fault) = (None, false, None);
    }

    /// A reader of a file waits until the answer is dropped.
    pub(crate) fn hold_reads(&self) -> MutexGuard<'_, ()> {
        self.reads.lock().unwrap()
    }

    /// How many operations there were.
    pub(crate) fn operations(&self) -> u64 {
        self.lock().operations
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
                Inode { durable: bytes.clone(), bytes, ..Inode::default() }
            })
            .collect();
        let refuses_reserve = state.refuses_reserve;
        let durable_names = names.clone();
        let next = State { inodes, durable_names, names, refuses_reserve, ..State::default() };
        Self { state: Arc::new(Mutex::new(next)), reads: Arc::default() }
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
        self.operations += 1;
        match self.fault.take() {
            Some((0, DiskFault::Death)) => {
                self.dead = true;
                return Ok(true);
            }
            Some((0, DiskFault::Full)) => self.full = true,
            Some((0, DiskFault::SyncFails)) if operation == Operation::Sync => {
                return Err(Error::other("the device has failed"));
            }
            Some((0, DiskFault::Fails(kind))) => return Err(kind.into()),
            Some((left, fault)) => self.fault = Some((left.saturating_sub(1), fault)),
            None => {}
        }
        if let Some((rng, percent)) = &mut self.sick
            && rng.below(100) < *percent
        {
            let kinds = [ErrorKind::Other, ErrorKind::Interrupted, ErrorKind::StorageFull];
            return Err(kinds[rng.below(kinds.len())].into());
        }
        if self.full && operation == Operation::Write {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(false)
    }

    /// Whether a write fits, as far as space goes.
    fn fits(&mut self, inode: usize, bytes: usize) -> bool {
        let file = &self.inodes[inode];
        let length = file.bytes.len();
        let beyond = (length + bytes).saturating_sub(file.reserved.max(length)) as u64;
        if !self.full || beyond == 0 {
            return true;
        }
        let fits = beyond <= self.spare;
        self.spare -= if fits { beyond } else { 0 };
        fits
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
        let mut state = self.lock();
        state.begin(Operation::Read)?;
        let size = |inode: &usize| state.inodes[*inode].bytes.len() as u64;
        Ok(state.names.iter().map(|(name, inode)| (name.clone(), size(inode))).collect())
    }

    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        drop(self.hold_reads());
        let mut state = self.lock();
        state.begin(Operation::Read)?;
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
        let Some(inode) = state.names.get(name).copied() else {
            return Err(ErrorKind::NotFound.into());
        };
        if name == RESERVE {
            state.spare += state.inodes[inode].bytes.len() as u64;
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

    fn free_bytes(&self) -> Option<u64> {
        self.lock().full.then_some(0)
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/simulated").join(name)
    }
}

impl DiskFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut state = self.disk.lock();
        // What fits into reserved space is written even if the disk is full.
        let begun = match state.begin(Operation::WriteRecords) {
            Ok(_) if !state.fits(self.inode, bytes.len()) => Err(ErrorKind::StorageFull.into()),
            begun => begun,
        };
        let written = if begun.is_err() && !state.dead { bytes.len() / 2 } else { bytes.len() };
        if !state.dead || begun.is_ok() {
            state.inodes[self.inode].bytes.extend_from_slice(&bytes[..written]);
        }
        let half = begun?;
        if half { Err(Error::other("the process dies")) } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<()> {
        let mut state = self.disk.lock();
        let begun = state.begin(Operation::Sync);
        let file = &mut state.inodes[self.inode];
        match begun {
            Ok(false) => {}
            Ok(true) => return Err(Error::other("the process dies")),
            Err(error) => {
                file.dropped.push(file.durable.len()..file.bytes.len());
                return Err(error);
            }
        }
        file.durable = file.bytes.clone();
        for range in &file.dropped {
            let end = range.end.min(file.durable.len());
            file.durable[range.start.min(end)..end].fill(0);
        }
        Ok(())
    }

    fn reserve(&mut self, _from: u64, to: u64) -> Result<()> {
        let mut state = self.disk.lock();
        if state.refuses_reserve {
            return Err(ErrorKind::Unsupported.into());
        }
        if state.begin(Operation::Write)? {
            return Err(Error::other("the process dies"));
        }
        state.inodes[self.inode].reserved = to as usize;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        let mut state = self.disk.lock();
        if state.begin(Operation::Sync)? {
            return Err(Error::other("the process dies"));
        }
        let file = &mut state.inodes[self.inode];
        file.bytes.truncate(length as usize);
        file.reserved = 0;
        Ok(())
    }
}
