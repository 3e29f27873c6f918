//! Restores the engine from the disk.
//!
//! In: the storage directory. Out: the engine as it was left, and its journal. What is damaged is
//! put aside or skipped, and logged, and the start goes on; it fails if the directory is unusable.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_engine::{Engine, EngineSettings, Plan, RecordError, Turn};
use bellwether_journal::{
    Entry, FileJournal, Journal as _, JournalError, JournalOptions, Opened,
    create_private_directory, open,
};
use tracing::{error, info};

use crate::clock::Clock;
use crate::import::{Imported, Journaled};
use crate::metrics::Metrics;

/// Where the journal lies within the storage directory.
pub fn journal_directory(storage: &Path) -> PathBuf {
    storage.join("journal")
}

/// Locks the storage directory for this process.
pub fn open_journal(storage: &Path, metrics: &Metrics) -> anyhow::Result<Opened> {
    create_private_directory(storage)
        .with_context(|| format!("unable to create data directory {}", storage.display()))?;
    let opened = open(&journal_directory(storage), JournalOptions::default())?;
    if let Some(path) = &opened.moved_aside {
        metrics.journal_moved_aside.set(1.0);
        error!(
            component = "journal", path = %path.display(),
            "Journal was damaged and has been moved aside; starting with what could be read, and what peers know"
        );
    }
    if opened.emptied {
        metrics.journal_moved_aside.set(1.0);
        error!(
            component = "journal", path = %journal_directory(storage).display(),
            "Journal has no files although it was used before; starting with what peers know"
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
    /// What the journal holds beside the engine's records.
    pub other_entries: Vec<Entry>,
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
    let Opened { mut journal, entries, written_at, moved_aside: _, emptied: _, torn_bytes: _ } =
        opened;
    let now = clock.now();
    let unreadable = |err: RecordError| {
        metrics.journal_records_unreadable.increment();
        error!(component = "journal", %err, "Failed to read a record of the journal; skipping it");
    };
    let journaled = Journaled::read(entries, written_at, unreadable).context("read the journal")?;
    let Imported { records, changes, other_entries } = journaled.join(storage, now.wall);
    let mut engine = Engine::new(plan, settings, u128::from_le_bytes(random()?));
    let mut turn = Turn::default();
    engine.restore(now, records, &mut turn);
    match journal.commit(&changes) {
        // It begins anew with all of this once the disk can be written.
        Ok(()) | Err(JournalError::NotDurable { .. }) => {}
        refused => refused.context("keep what was imported")?,
    }
    Ok(Restored { engine, turn, journal, other_entries })
}

/// An unpredictable number.
pub fn random_u64() -> anyhow::Result<u64> {
    Ok(u64::from_le_bytes(random()?))
}

/// Unpredictable bytes.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut source = File::open("/dev/urandom").context("open the source of randomness")?;
    source.read_exact(&mut bytes).context("read from the source of randomness")?;
    Ok(bytes)
}
