//! Joins what the journal holds with what a Go Alertmanager left in the storage directory.
//!
//! In: the records and marks of the journal, and the files `silences` and `nflog`. Out: the records
//! to start from, and what has to be made durable for that.
//!
//! If this server has used the directory last, only what is newer in a file is added, once for each
//! content. If a Go server has used it since, its files replace the silences and the notification
//! log, and an alert goes on only if that server's log says that it was notified as firing: what the
//! journal knows of other alerts is from before that server's time.
//!
//! A file that cannot be read to its end is left as it is; the readable part is added.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bellwether_engine::{Notified, Record, RecordError};
use bellwether_journal::{Change, Entries, Entry, JournalError};
use bellwether_model::{Alert, Timestamp};
use tracing::{info, warn};

use crate::go_files::{self, GoFile, JournalAge, LastUser, Marks, changed_at};

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Journaled {
    pub records: Vec<Record>,
    pub marks: Marks,
    /// Entries that this version cannot read.
    pub unreadable: Vec<Entry>,
    /// When its files were last written.
    pub written_at: Option<SystemTime>,
}

/// What to start from.
#[derive(Debug, Default)]
pub struct Imported {
    pub records: Vec<Record>,
    /// What differs from the journal, to be made durable together.
    pub changes: Vec<Change>,
    /// What the journal holds beside the records, with these changes.
    pub other_entries: Vec<Entry>,
}

impl Journaled {
    /// Reads it; records that cannot be decoded are skipped.
    pub fn read(
        entries: Entries,
        written_at: Option<SystemTime>,
        mut unreadable: impl FnMut(RecordError),
    ) -> Result<Self, JournalError> {
        let mut journaled = Journaled { written_at, ..Journaled::default() };
        for entry in entries {
            let entry = entry?;
            if journaled.marks.take(&entry.key, &entry.value) {
                continue;
            }
            match Record::decode(&entry.key, &entry.value) {
                Ok(record) => journaled.records.push(record),
                Err(error) => {
                    unreadable(error);
                    journaled.unreadable.push(entry);
                }
            }
        }
        Ok(journaled)
    }

    /// When the journal was last used.
    pub fn age(&self) -> JournalAge {
        let newest = self.records.iter().filter_map(|record| match record {
            Record::Alert { alert, .. } => Some(alert.updated_at),
            other => changed_at(other),
        });
        JournalAge { written_at: self.written_at, newest: newest.max() }
    }

    /// Joins it with the files in `directory`; `now` decides which silences are worth a warning.
    pub fn join(mut self, directory: &Path, now: Timestamp) -> Imported {
        let files = go_files::read(directory);
        let mut changes = Vec::new();
        let is_new = self.records.is_empty();
        let user = match is_new {
            true => LastUser::Ourselves,
            false => self.marks.last_user(&files, self.age()),
        };
        match user {
            LastUser::Ourselves => {}
            LastUser::GoServer => info!(
                component = "import",
                "Another Alertmanager has used the data directory since the export: \
                 its silences and notification log replace this server's"
            ),
            LastUser::GoServerWithoutExport => warn!(
                component = "import",
                "Another Alertmanager has used the data directory without an export: \
                 its silences and notification log replace this server's"
            ),
        }
        if let Some(output) = self.marks.handed_over_to() {
            if user == LastUser::Ourselves {
                warn_of_changes_elsewhere(&self.marks, &output, directory);
            }
            changes.push(go_files::unmark_handed_over());
        }
        for file in files {
            let is_known = self.marks.knows(&file);
            let replaces = user != LastUser::Ourselves && file.is_whole;
            if replaces {
                self.remove_what_is_not_in(&file, user, now, &mut changes);
            }
            if !is_known {
                changes.push(file.mark_imported());
            }
            if !is_known || replaces {
                self.take_newer(file, &mut changes);
            }
        }
        if user != LastUser::Ourselves {
            self.remove_alerts_of_the_past(&mut changes);
        }
        let mut other_entries = self.marks.entries_after(&changes);
        other_entries.append(&mut self.unreadable);
        Imported { records: self.records, changes, other_entries }
    }

    fn remove_what_is_not_in(
        &mut self,
        file: &GoFile,
        user: LastUser,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) {
        let keys: BTreeSet<_> = file.records.iter().map(|record| record.encode().0).collect();
        let mut removed = 0;
        self.records.retain(|record| {
            if !file.kind.is_of(record) {
                return true;
            }
            let (key, _) = record.encode();
            let is_kept = keys.contains(&key);
            if !is_kept {
                removed += 1;
                warn_of_lost_silence(record, user, now);
                changes.push(Change::delete(key));
            }
            is_kept
        });
        let path = file.path.display();
        info!(component = "import", %path, removed, "Removed what another Alertmanager no longer has");
    }

    fn take_newer(&mut self, file: GoFile, changes: &mut Vec<Change>) {
        let mut held = BTreeMap::new();
        for (at, record) in self.records.iter().enumerate() {
            if file.kind.is_of(record) {
                held.insert(record.encode().0, at);
            }
        }
        let (mut imported, mut older) = (0, 0);
        for record in file.records {
            let (key, value) = record.encode();
            let known = held.get(&key).copied();
            if known.is_some_and(|at| changed_at(&self.records[at]) >= changed_at(&record)) {
                older += 1;
                continue;
            }
            imported += 1;
            changes.push(Change { key: key.into(), value: value.map(Vec::into_boxed_slice) });
            match known {
                Some(at) => self.records[at] = record,
                None => self.records.push(record),
            }
        }
        info!(
            component = "import", path = %file.path.display(), imported, older,
            "Imported file of another Alertmanager"
        );
    }

    /// Removes the alerts that were not notified as firing at last. The others may have fired again
    /// if the journal has them as ended: they count as firing until their senders say otherwise.
    fn remove_alerts_of_the_past(&mut self, changes: &mut Vec<Change>) {
        let mut firing = BTreeSet::new();
        for record in &self.records {
            if let Record::LogEntry(entry) = record {
                let Notified { firing: notified, resolve_pending, resolved: _, muted: _ } =
                    &entry.notified;
                firing.extend(notified.iter().chain(resolve_pending).copied());
            }
        }
        let (mut kept, mut removed) = (0, 0);
        self.records.retain_mut(|record| {
            let Record::Alert { alert, ended } = record else { return true };
            if !firing.contains(&alert.labels.log_hash()) {
                removed += 1;
                changes.push(Change::delete(Record::AlertGone(alert.fingerprint).encode().0));
                return false;
            }
            kept += 1;
            if *ended {
                *ended = false;
                // Whatever its end was, it is long past.
                *alert = Arc::new(Alert { timed_out: true, ..Alert::clone(alert) });
                let (key, value) = record.encode();
                changes.push(Change { key: key.into(), value: value.map(Vec::into_boxed_slice) });
            }
            true
        });
        info!(
            component = "import",
            kept, removed, "Removed alerts that another Alertmanager did not leave as firing"
        );
    }
}

/// A Go server that works on files elsewhere leaves nothing here.
fn warn_of_changes_elsewhere(marks: &Marks, output: &Path, storage: &Path) {
    let is_here = output.canonicalize().ok() == storage.canonicalize().ok();
    if !is_here && go_files::read(output).iter().any(|file| !marks.knows(file)) {
        warn!(
            component = "import", path = %output.display(),
            "Another Alertmanager has changed the exported files, and this server does not know \
             what it did: stop, copy silences and nflog into the data directory, and start again"
        );
    }
}

/// A silence that is dropped though it would still mute, and that the Go server cannot have known.
fn warn_of_lost_silence(record: &Record, user: LastUser, now: Timestamp) {
    if let Record::Silence(version) = record
        && user == LastUser::GoServerWithoutExport
        && version.silence.ends_at > now
    {
        let silence = &version.silence;
        warn!(
            component = "import", id = silence.id, created_by = silence.created_by,
            ends_at = silence.ends_at.rfc3339_millis(), matchers = ?silence.matcher_sets,
            "Removed a silence that another Alertmanager does not have: create it again if it is needed"
        );
    }
}

#[cfg(test)]
mod tests;
