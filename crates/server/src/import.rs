//! Imports the silences and the notification log of a Go Alertmanager.
//!
//! In: the files `silences` and `nflog` that it left in the storage directory. Out: records, once
//! for each content: a mark in the journal records which content was imported, so that a file
//! is read again only if a Go server has changed it since.
//!
//! A file that cannot be read to its end is left as it is; the readable part is imported.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bellwether_engine::{Record, RecordError, wire};
use bellwether_journal::Change;
use bellwether_model::Timestamp;
use md5::{Digest, Md5};
use tracing::{error, info};

/// A file of a Go server, and what its messages are.
struct GoFile {
    name: &'static str,
    decode: fn(&[u8]) -> Result<Record, RecordError>,
}

const FILES: [GoFile; 2] = [
    GoFile {
        name: "silences",
        decode: |message| wire::decode_silence(message).map(Record::Silence),
    },
    GoFile { name: "nflog", decode: |message| wire::decode_entry(message).map(Record::LogEntry) },
];

/// Knows what the journal holds already, and what was imported before.
#[derive(Debug, Default)]
pub struct Importer {
    /// When each silence and log entry was last changed.
    newest: BTreeMap<Vec<u8>, Timestamp>,
    /// Marks: the digest of the content that was imported, by file name.
    marks: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an import found.
#[derive(Debug, Default)]
pub struct Imported {
    pub records: Vec<Record>,
    /// The records and the marks, to be made durable together.
    pub changes: Vec<Change>,
}

impl Importer {
    /// Looks at an entry of the journal; `true` if it is a mark and not a record.
    pub fn is_mark(&mut self, key: &[u8], value: &[u8]) -> bool {
        let is_mark = key.starts_with(MARK);
        if is_mark {
            self.marks.insert(key.to_vec(), value.to_vec());
        }
        is_mark
    }

    /// Looks at a record of the journal.
    pub fn note_record(&mut self, record: &Record, key: &[u8]) {
        if let Some(at) = changed_at(record) {
            self.newest.insert(key.to_vec(), at);
        }
    }

    /// Reads what is new in `directory`.
    pub fn import(&self, directory: &Path) -> Imported {
        let mut imported = Imported::default();
        for GoFile { name, decode } in FILES {
            let path = directory.join(name);
            let content = match fs::read(&path) {
                Ok(content) => content,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    error!(
                        component = "import", path = %path.display(), err = %error,
                        "Failed to read a file of another Alertmanager; starting without it"
                    );
                    continue;
                }
            };
            let key = [MARK, name.as_bytes()].concat();
            let digest = Md5::digest(&content).to_vec();
            if self.marks.get(&key) == Some(&digest) {
                continue;
            }
            self.take(&path, &content, decode, &mut imported);
            imported.changes.push(Change::put(key, digest));
        }
        imported
    }

    fn take(
        &self,
        path: &Path,
        content: &[u8],
        decode: fn(&[u8]) -> Result<Record, RecordError>,
        imported: &mut Imported,
    ) {
        let (mut newer, mut older) = (0, 0);
        for message in wire::split_messages(content) {
            match message.and_then(decode) {
                Ok(record) => {
                    let (key, value) = record.encode();
                    let held = self.newest.get(&key).copied();
                    if held.is_some() && held >= changed_at(&record) {
                        older += 1;
                        continue;
                    }
                    newer += 1;
                    let value = value.map(Vec::into_boxed_slice);
                    imported.changes.push(Change { key: key.into(), value });
                    imported.records.push(record);
                }
                Err(error) => {
                    error!(
                        component = "import", path = %path.display(), err = %error,
                        "File of another Alertmanager is damaged; importing what can be read"
                    );
                }
            }
        }
        info!(
            component = "import", path = %path.display(), imported = newer, older,
            "Imported file of another Alertmanager"
        );
    }
}

fn changed_at(record: &Record) -> Option<Timestamp> {
    match record {
        Record::Silence(version) => Some(version.silence.updated_at),
        Record::LogEntry(entry) => Some(entry.at),
        Record::Alert { .. }
        | Record::AlertGone(_)
        | Record::Group(_)
        | Record::GroupGone(_)
        | Record::SilenceGone(_)
        | Record::LogEntryGone(_) => None,
    }
}

/// Keys that begin with `m` are not records of the engine.
const MARK: &[u8] = b"m/imported/";

#[cfg(test)]
mod tests;
