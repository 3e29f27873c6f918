//! Exports silences and the notification log as files of a Go Alertmanager.
//!
//! In: the journal. Out: the files `silences` and `nflog`, by default in the storage directory
//! itself, where a Go Alertmanager with the same flags finds them.
//!
//! Of a server that does not run, the journal is marked as handed over, so that the next start knows
//! that what a Go server has done since counts (`import.rs`). Of a running server the files are a
//! copy of that moment, for another directory.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, fchown};
use std::path::Path;

use anyhow::{Context as _, bail};
use bellwether_engine::{Record, wire};
use bellwether_journal::{
    Journal as _, JournalError, JournalOptions, Opened, Read, create_private_file, open, read,
};

use crate::go_files::{self, Kind, LastUser, marks_of_export};
use crate::import::Journaled;
use crate::restore::journal_directory;

/// How many of each were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub silences: usize,
    pub log_entries: usize,
    /// Whether the server runs, so that it may have changed something since.
    pub is_running: bool,
    /// Whether that server cannot write its journal at present, so that newer changes are missing.
    pub is_failing: bool,
}

/// Writes the files into `output`. `None`: it changed nothing, since another Alertmanager has changed
/// the files there since this server ran.
pub fn export(storage: &Path, output: &Path) -> anyhow::Result<Option<Exported>> {
    let directory = journal_directory(storage);
    if !directory.is_dir() {
        bail!("no journal in {}", storage.display());
    }
    let Opened { mut journal, entries, written_at, .. } =
        match open(&directory, JournalOptions::default()) {
            Err(JournalError::Locked { .. }) => return export_running(storage, output).map(Some),
            opened => opened.context("open the journal")?,
        };
    // Also if what follows fails: the server could not open what belongs to root.
    keep_owner(&directory)?;
    let journaled = Journaled::read(entries, written_at, |_| {}).context("read the journal")?;
    if is_used_by_another(&journaled, storage, output) {
        return Ok(None);
    }
    let (contents, exported) = encode(&journaled.records);
    create_output(storage, output)?;
    let [silences, nflog] = &contents;
    let kinds = [(Kind::Silences, silences.as_slice()), (Kind::NotificationLog, nflog)];
    let to = output.canonicalize().unwrap_or_else(|_| output.to_path_buf());
    journal.commit(&marks_of_export(&kinds, &to)).context("mark the journal as handed over")?;
    for (kind, content) in kinds {
        write(output, kind.name(), content)?;
    }
    // Its last write comes after those of the files: what is younger is a Go server's.
    drop(journal);
    keep_owner(&directory)?;
    Ok(Some(exported))
}

/// Of a running server: what is durable by now, for a directory that the server does not use.
fn export_running(storage: &Path, output: &Path) -> anyhow::Result<Exported> {
    if is_same(storage, output) {
        bail!(
            "{} is in use by a running server, which would not know of the files: stop it first, \
             or write a copy of its state into another directory with --output",
            storage.display()
        );
    }
    let Read { entries, is_failing } =
        read(&journal_directory(storage)).context("read the journal")?;
    let journaled = Journaled::read(entries, None, |_| {}).context("read the journal")?;
    let (contents, exported) = encode(&journaled.records);
    create_output(storage, output)?;
    for (kind, content) in Kind::ALL.into_iter().zip(&contents) {
        write(output, kind.name(), content)?;
    }
    Ok(Exported { is_running: true, is_failing, ..exported })
}

/// Whether a Go server has used the files since this server ran. An export is repeated where it is part
/// of a start, and must not undo what happened in between.
fn is_used_by_another(journaled: &Journaled, storage: &Path, output: &Path) -> bool {
    let files = go_files::read(output);
    if is_same(storage, output) {
        return journaled.marks.last_user(&files, journaled.age()) != LastUser::Ourselves;
    }
    let is_there = journaled.marks.handed_over_to().is_some_and(|path| is_same(&path, output));
    is_there && files.iter().any(|file| !journaled.marks.knows(file))
}

/// The contents of both files.
fn encode(records: &[Record]) -> ([Vec<u8>; 2], Exported) {
    let (mut silences, mut nflog) = (Vec::new(), Vec::new());
    let mut exported = Exported::default();
    for record in records {
        match record {
            Record::Silence(version) => {
                exported.silences += 1;
                wire::append_message(&mut silences, &version.encode());
            }
            Record::LogEntry(entry) => {
                exported.log_entries += 1;
                wire::append_message(&mut nflog, &wire::encode_entry(entry));
            }
            // These files hold no alerts or groups.
            Record::Alert { .. }
            | Record::AlertGone(_)
            | Record::Group(_)
            | Record::GroupGone(_)
            | Record::SilenceGone(_)
            | Record::LogEntryGone(_) => {}
        }
    }
    ([silences, nflog], exported)
}

/// A new directory belongs to whom the storage directory belongs.
fn create_output(storage: &Path, output: &Path) -> anyhow::Result<()> {
    if !output.is_dir() {
        let create = || -> std::io::Result<()> {
            fs::create_dir_all(output)?;
            let like = fs::metadata(storage)?;
            fs::set_permissions(output, Permissions::from_mode(like.mode() & 0o7777))?;
            unless_refused(chown(output, Some(like.uid()), Some(like.gid())))
        };
        create().with_context(|| format!("create {}", output.display()))?;
    }
    Ok(())
}

/// Owner and mode are those of the file that is replaced; of a new one, those of the directory.
///
/// Durability: under another name first, so that a crash leaves the old file or the new one.
fn write(directory: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = directory.join(name);
    let unfinished = directory.join(format!("{name}.unfinished"));
    let written = || -> std::io::Result<()> {
        let like = fs::metadata(&path).or_else(|_| fs::metadata(directory))?;
        // A user who may search a directory may read a file in it.
        let mode = if like.is_dir() { like.mode() & 0o444 | 0o200 } else { like.mode() & 0o777 };
        let mut file = create_private_file(&unfinished)?;
        file.write_all(content)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        unless_refused(fchown(&file, Some(like.uid()), Some(like.gid())))?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(directory)?.sync_all()
    };
    written().with_context(|| format!("write {}", path.display()))
}

/// Gives what this process has created in the journal's directory to the directory's owner, whose
/// server could not write it otherwise.
fn keep_owner(directory: &Path) -> anyhow::Result<()> {
    let keep = || -> std::io::Result<()> {
        let like = fs::metadata(directory)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if (metadata.uid(), metadata.gid()) != (like.uid(), like.gid()) {
                unless_refused(chown(entry.path(), Some(like.uid()), Some(like.gid())))?;
            }
        }
        Ok(())
    };
    keep().with_context(|| format!("keep the owner of the files in {}", directory.display()))
}

/// Only root may give files away; anybody else has created them as far as the directory allows.
fn unless_refused(given: std::io::Result<()>) -> std::io::Result<()> {
    given.or_else(|error| match error.kind() {
        ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().is_some_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests;
