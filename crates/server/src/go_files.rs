//! The files `silences` and `nflog` of a Go Alertmanager, and whether one has written them since
//! this server used the directory.
//!
//! In: a directory, and what the journal says about earlier imports and exports (the marks). Out:
//! the records in the files, and who used the directory last.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bellwether_engine::{Record, RecordError, wire};
use bellwether_journal::{Change, Entry};
use bellwether_model::Timestamp;
use md5::{Digest, Md5};
use tracing::error;

/// What the messages of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Silences,
    NotificationLog,
}

/// A file as it was found.
#[derive(Debug)]
pub struct GoFile {
    pub kind: Kind,
    pub path: PathBuf,
    /// Everything that can be read.
    pub records: Vec<Record>,
    /// Whether that is the whole file.
    pub is_whole: bool,
    digest: Vec<u8>,
    modified_at: Option<SystemTime>,
}

/// What the journal says about earlier imports and exports.
#[derive(Debug, Default)]
pub struct Marks(BTreeMap<Vec<u8>, Vec<u8>>);

/// When the journal was last used.
#[derive(Clone, Copy, Debug, Default)]
pub struct JournalAge {
    /// When its files were last written.
    pub written_at: Option<SystemTime>,
    /// The latest timestamp of a record.
    pub newest: Option<Timestamp>,
}

/// Who has used the directory last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUser {
    Ourselves,
    /// A Go server, after an export.
    GoServer,
    /// A Go server, without an export: it did not know what this server did before.
    GoServerWithoutExport,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Silences, Kind::NotificationLog];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Silences => "silences",
            Kind::NotificationLog => "nflog",
        }
    }

    pub fn is_of(self, record: &Record) -> bool {
        match self {
            Kind::Silences => matches!(record, Record::Silence(_)),
            Kind::NotificationLog => matches!(record, Record::LogEntry(_)),
        }
    }

    fn decode(self, message: &[u8]) -> Result<Record, RecordError> {
        match self {
            Kind::Silences => wire::decode_silence(message).map(Record::Silence),
            Kind::NotificationLog => wire::decode_entry(message).map(Record::LogEntry),
        }
    }
}

/// Reads the files that are there; what cannot be read is logged and left as it is.
pub fn read(directory: &Path) -> Vec<GoFile> {
    Kind::ALL.into_iter().filter_map(|kind| read_one(directory, kind)).collect()
}

fn read_one(directory: &Path, kind: Kind) -> Option<GoFile> {
    let path = directory.join(kind.name());
    let read = fs::read(&path).and_then(|content| Ok((content, fs::metadata(&path)?)));
    let (content, metadata) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            error!(
                component = "import", path = %path.display(), err = %error,
                "Failed to read a file of another Alertmanager; starting without it"
            );
            return None;
        }
    };
    let mut file = GoFile {
        kind,
        path,
        records: Vec::new(),
        is_whole: true,
        digest: Md5::digest(&content).to_vec(),
        modified_at: metadata.modified().ok(),
    };
    for message in wire::split_messages(&content) {
        match message.and_then(|message| kind.decode(message)) {
            Ok(record) => file.records.push(record),
            Err(error) => {
                file.is_whole = false;
                error!(
                    component = "import", path = %file.path.display(), err = %error,
                    "File of another Alertmanager is damaged; importing what can be read"
                );
            }
        }
    }
    Some(file)
}

impl GoFile {
    /// The mark that this content has been imported.
    pub fn mark_imported(&self) -> Change {
        Change::put(key(IMPORTED, self.kind), self.digest.clone())
    }
}

impl Marks {
    /// Looks at an entry of the journal; `true` if it is a mark and not a record.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        let is_mark = key.starts_with(MARK);
        if is_mark {
            self.0.insert(key.to_vec(), value.to_vec());
        }
        is_mark
    }

    /// The marks as entries of the journal, once `changes` are made.
    pub fn entries_after(&self, changes: &[Change]) -> Vec<Entry> {
        let mut marks = self.0.clone();
        for Change { key, value } in changes.iter().filter(|change| change.key.starts_with(MARK)) {
            match value {
                Some(value) => drop(marks.insert(key.to_vec(), value.to_vec())),
                None => drop(marks.remove(&**key)),
            }
        }
        let entry =
            |(key, value): (Vec<u8>, Vec<u8>)| Entry { key: key.into(), value: value.into() };
        marks.into_iter().map(entry).collect()
    }

    /// Whether this content was imported or exported before.
    pub fn knows(&self, file: &GoFile) -> bool {
        let is_digest = |kind| self.0.get(&key(kind, file.kind)) == Some(&file.digest);
        is_digest(IMPORTED) || is_digest(EXPORTED)
    }

    /// The directory that the state was exported to, if this server has not run since.
    pub fn handed_over_to(&self) -> Option<PathBuf> {
        self.0.get(HANDED_OVER).map(|path| OsStr::from_bytes(path).into())
    }

    /// Who has used `files` last; the journal is not empty.
    ///
    /// A Go server writes both files every 15 minutes and at its end, in any order of the records,
    /// so that they differ in content or at least in age. After an export either is enough; else
    /// the content must be unknown, and younger than the journal by the files' times or by those in
    /// the notification log. A file that was only copied there is neither, or it is alone.
    pub fn last_user(&self, files: &[GoFile], journal: JournalAge) -> LastUser {
        let is_changed = files.iter().any(|file| !self.knows(file));
        let is_later = |file: &GoFile| {
            let written = file.modified_at.zip(journal.written_at);
            written.is_some_and(|(file, journal)| file > journal)
        };
        let is_rewritten = files.len() == Kind::ALL.len() && files.iter().all(is_later);
        if self.handed_over_to().is_some() {
            let is_used = is_changed || is_rewritten;
            return if is_used { LastUser::GoServer } else { LastUser::Ourselves };
        }
        let entries = files.iter().filter(|file| file.kind == Kind::NotificationLog);
        let newest_entry =
            entries.flat_map(|file| file.records.iter().filter_map(changed_at)).max();
        let is_ahead = newest_entry.is_some_and(|at| journal.newest.is_none_or(|ours| at > ours));
        if is_changed && (is_rewritten || is_ahead) {
            LastUser::GoServerWithoutExport
        } else {
            LastUser::Ourselves
        }
    }
}

/// The marks of an export of these contents to `output`, to be durable before the files are
/// written: a crash in between leaves files whose content is known from before.
pub fn marks_of_export(contents: &[(Kind, &[u8])], output: &Path) -> Vec<Change> {
    let mut marks: Vec<Change> = contents
        .iter()
        .map(|(kind, content)| Change::put(key(EXPORTED, *kind), Md5::digest(content).to_vec()))
        .collect();
    marks.push(Change::put(HANDED_OVER, output.as_os_str().as_bytes()));
    marks
}

/// This server uses the journal again.
pub fn unmark_handed_over() -> Change {
    Change::delete(HANDED_OVER)
}

/// The time by which two versions of a silence or log entry are compared.
pub fn changed_at(record: &Record) -> Option<Timestamp> {
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

fn key(mark: &[u8], kind: Kind) -> Vec<u8> {
    [mark, kind.name().as_bytes()].concat()
}

/// Keys that begin with `m` are not records of the engine.
const MARK: &[u8] = b"m/";
/// Then the name of the file; the value is the MD5 of its content.
const IMPORTED: &[u8] = b"m/imported/";
const EXPORTED: &[u8] = b"m/exported/";
/// The value is the directory.
const HANDED_OVER: &[u8] = b"m/handed-over";
