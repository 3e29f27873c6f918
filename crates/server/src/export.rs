//! Exports silences and the notification log as files of a Go Alertmanager.
//!
//! In: the journal of a server that does not run. Out: the files `silences` and `nflog`, by default
//! in the storage directory itself, where a Go Alertmanager with the same flags finds them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use bellwether_engine::{Record, wire};
use bellwether_journal::{JournalError, JournalOptions, open};

use crate::restore::journal_directory;

/// How many of each were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    pub silences: usize,
    pub log_entries: usize,
}

/// Writes the files into `output`.
pub fn export(storage: &Path, output: &Path) -> anyhow::Result<Exported> {
    let directory = journal_directory(storage);
    if !directory.is_dir() {
        bail!("no journal in {}", storage.display());
    }
    let opened = match open(&directory, JournalOptions::default()) {
        Err(JournalError::Locked { .. }) => {
            bail!("{} is in use by a running server: stop it first", storage.display());
        }
        opened => opened.context("open the journal")?,
    };
    let (mut silences, mut nflog) = (Vec::new(), Vec::new());
    let mut exported = Exported { silences: 0, log_entries: 0 };
    for entry in opened.entries {
        let entry = entry.context("read the journal")?;
        match Record::decode(&entry.key, &entry.value) {
            Ok(Record::Silence(version)) => {
                exported.silences += 1;
                wire::append_message(&mut silences, &version.encode());
            }
            Ok(Record::LogEntry(entry)) => {
                exported.log_entries += 1;
                wire::append_message(&mut nflog, &wire::encode_entry(&entry));
            }
            // These files hold no alerts, groups or marks.
            Ok(_) | Err(_) => {}
        }
    }
    fs::create_dir_all(output).with_context(|| format!("create {}", output.display()))?;
    write(output, "silences", &silences)?;
    write(output, "nflog", &nflog)?;
    Ok(exported)
}

/// Durability: under another name first, so that a crash leaves the old file or the new one.
fn write(directory: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = directory.join(name);
    let unfinished = directory.join(format!("{name}.unfinished"));
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(directory)?.sync_all()
    };
    written().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests;
