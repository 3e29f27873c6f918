//! Restores the engine from the disk.
//!
//! In: the storage directory. Out: the engine as it was left, and its journal. What is damaged is
//! put aside or skipped, and logged, and the start goes on; it fails if the directory is unusable.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_engine::{Engine, EngineSettings, Plan, Record, Turn};
use bellwether_journal::{
    Change, Entries, FileJournal, Journal as _, JournalError, JournalOptions, Opened, open,
};
use tracing::{error, info};

use crate::clock::Clock;
use crate::import::{Imported, Importer};
use crate::metrics::Metrics;

/// Where the journal lies within the storage directory.
pub fn journal_directory(storage: &Path) -> PathBuf {
    storage.join("journal")
}

/// Locks the storage directory for this process.
pub fn open_journal(storage: &Path, metrics: &Metrics) -> anyhow::Result<Opened> {
    std::fs::create_dir_all(storage)
        .with_context(|| format!("unable to create data directory {}", storage.display()))?;
    let opened = open(&journal_directory(storage), JournalOptions::default())?;
    if let Some(path) = &opened.moved_aside {
        metrics.journal_moved_aside.set(1.0);
        error!(
            component = "journal", path = %path.display(),
            "Journal was damaged and has been moved aside; starting with what could be read"
        );
    }
    if opened.torn_bytes > 0 {
        let bytes = opened.torn_bytes;
        info!(
            component = "journal",
            bytes, "Discarded an incomplete commit at the end of the journal"
        );
    }
    Ok(opened)
}

/// The state at the start.
pub struct Restored {
    pub engine: Engine,
    /// What follows from the restoration.
    pub turn: Turn,
    pub journal: FileJournal,
}

/// The engine as it was left, with what a Go Alertmanager left in the same directory.
pub fn restore(
    opened: Opened,
    storage: &Path,
    plan: Arc<Plan>,
    settings: EngineSettings,
    clock: &Clock,
    metrics: &Metrics,
) -> anyhow::Result<Restored> {
    let Opened { mut journal, entries, moved_aside: _, torn_bytes: _ } = opened;
    let mut engine = Engine::new(plan, settings, seed()?);
    let mut turn = Turn::default();
    let mut records = RestoredRecords {
        entries,
        failure: None,
        importer: Importer::default(),
        storage,
        imported: None,
        changes: Vec::new(),
        metrics,
    };
    engine.restore(clock.now(), &mut records, &mut turn);
    if let Some(error) = records.failure {
        return Err(error).context("read the journal");
    }
    if !records.changes.is_empty() {
        journal.commit(&records.changes).context("keep what was imported")?;
    }
    Ok(Restored { engine, turn, journal })
}

/// All records of the state: those of the journal, then those of an import, which must
/// know the former.
struct RestoredRecords<'a> {
    entries: Entries,
    failure: Option<JournalError>,
    importer: Importer,
    storage: &'a Path,
    imported: Option<std::vec::IntoIter<Record>>,
    /// What the import must make durable.
    changes: Vec<Change>,
    metrics: &'a Metrics,
}

impl RestoredRecords<'_> {
    fn kept(&mut self) -> Option<Record> {
        loop {
            let entry = match self.entries.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    self.failure = Some(error);
                    return None;
                }
            };
            if self.importer.is_mark(&entry.key, &entry.value) {
                continue;
            }
            match Record::decode(&entry.key, &entry.value) {
                Ok(record) => {
                    self.importer.note_record(&record, &entry.key);
                    return Some(record);
                }
                Err(err) => {
                    self.metrics.journal_records_unreadable.increment();
                    error!(component = "journal", %err, "Failed to read a record of the journal; skipping it");
                }
            }
        }
    }
}

impl Iterator for RestoredRecords<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if let Some(imported) = &mut self.imported {
            return imported.next();
        }
        let kept = self.kept();
        if kept.is_some() || self.failure.is_some() {
            return kept;
        }
        let Imported { records, changes } = self.importer.import(self.storage);
        self.changes = changes;
        self.imported.insert(records.into_iter()).next()
    }
}

/// An unpredictable number.
pub fn random_u64() -> anyhow::Result<u64> {
    Ok(seed()? as u64)
}

fn seed() -> anyhow::Result<u128> {
    let mut bytes = [0; 16];
    let mut source = File::open("/dev/urandom").context("open the source of randomness")?;
    source.read_exact(&mut bytes).context("read from the source of randomness")?;
    Ok(u128::from_le_bytes(bytes))
}
