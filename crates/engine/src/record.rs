//! Facts worth keeping: what the journal stores and what memory is rebuilt from.
//!
//! In: alerts, groups' deadlines, silences, log entries, or that one is gone. Out: a key and a
//! value of bytes, and back. The layouts are described in docs/disk.md. Silences and
//! log entries are stored as the Go Alertmanager encodes them, so that one form serves the disk,
//! export, import and gossip.

use std::fmt;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, LabelSet, Timestamp};

use crate::replicated::{LOG_ENTRY, LogEntry, LogKey, SilenceRecord, Wire, text_key};

mod bytes;
pub mod wire;

use bytes::{Reader, Writer};

/// One fact, or the end of one.
///
/// Keys that begin with `m` are never records: they are left to the shell.
#[derive(Clone, Debug)]
pub enum Record {
    Alert {
        alert: Arc<Alert>,
        /// Whether it was resolved when the record was made; else it counts as firing.
        ended: bool,
    },
    AlertGone(Fingerprint),
    Group(GroupRecord),
    GroupGone(GroupName),
    Silence(SilenceRecord),
    SilenceGone(String),
    LogEntry(LogEntry),
    LogEntryGone(LogKey),
}

/// What a group is called across restarts and edits of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// The identity of its route.
    pub route: String,
    pub receiver: String,
    /// [`LabelSet::packed`] of its labels.
    pub labels: String,
}

/// When a group is due.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRecord {
    pub name: GroupName,
    pub due: Timestamp,
    /// When to flush earlier, because a mute that suppresses a change may have ended.
    pub suppressed_until: Option<Timestamp>,
}

/// Why stored bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    pub what: &'static str,
    pub why: String,
}

impl Record {
    /// The key, and the value to store under it; no value removes the key.
    pub fn encode(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        match self {
            Record::Alert { alert, ended } => {
                (alert_key(alert.fingerprint), Some(encode_alert(alert, *ended)))
            }
            Record::AlertGone(fingerprint) => (alert_key(*fingerprint), None),
            Record::Group(group) => (group_key(&group.name), Some(encode_group(group))),
            Record::GroupGone(name) => (group_key(name), None),
            Record::Silence(version) => {
                (text_key(SILENCE, [version.silence.id.as_str()]), Some(version.encode()))
            }
            Record::SilenceGone(id) => (text_key(SILENCE, [id.as_str()]), None),
            Record::LogEntry(entry) => (entry.key.encode(), Some(wire::encode_entry(entry))),
            Record::LogEntryGone(key) => (key.encode(), None),
        }
    }

    /// Reads back what [`Record::encode`] wrote.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Record, RecordError> {
        match key.first().copied() {
            Some(ALERT) => decode_alert(value),
            Some(GROUP) => decode_group(value).map(Record::Group),
            Some(SILENCE) => wire::decode_silence(value).map(Record::Silence),
            Some(LOG_ENTRY) => wire::decode_entry(value).map(Record::LogEntry),
            kind => Err(RecordError { what: "record", why: format!("unknown kind {kind:?}") }),
        }
    }
}

impl SilenceRecord {
    /// As a message of the Go Alertmanager's, without a length before it.
    pub fn encode(&self) -> Vec<u8> {
        match &self.wire {
            Some(Wire(bytes)) => bytes.to_vec(),
            None => wire::encode_silence(&self.silence, self.expires_at),
        }
    }
}

fn alert_key(fingerprint: Fingerprint) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + size_of::<u64>());
    key.push(ALERT);
    key.extend_from_slice(&fingerprint.0.to_be_bytes());
    key
}

fn group_key(name: &GroupName) -> Vec<u8> {
    text_key(GROUP, [name.route.as_str(), &name.receiver, &name.labels])
}

fn encode_alert(alert: &Alert, ended: bool) -> Vec<u8> {
    let text_bytes = alert.labels.packed().len() + alert.annotations.packed().len();
    // Exactly what is written, so that nothing is copied once more.
    let is_late = alert.late_by_s > 0;
    let fixed_bytes = if is_late { 60 } else { 56 };
    let mut out = Writer::with_capacity(fixed_bytes + text_bytes + alert.generator_url.len());
    out.byte(ALERT_VERSION);
    out.byte(u8::from(alert.timed_out) | u8::from(ended) << 1 | u8::from(is_late) << 2);
    out.time(alert.starts_at);
    out.time(alert.ends_at);
    out.time(alert.updated_at);
    out.text(alert.labels.packed());
    out.text(alert.annotations.packed());
    out.text(&alert.generator_url);
    if is_late {
        out.number(alert.late_by_s);
    }
    out.finish()
}

fn decode_alert(value: &[u8]) -> Result<Record, RecordError> {
    let mut input = Reader::new("alert", value);
    input.version(ALERT_VERSION)?;
    let flags = input.byte()?;
    let (starts_at, ends_at, updated_at) = (input.time()?, input.time()?, input.time()?);
    let labels = LabelSet::from_packed(input.text()?).ok_or_else(|| input.bad("labels"))?;
    let annotations =
        LabelSet::from_packed(input.text()?).ok_or_else(|| input.bad("annotations"))?;
    let generator_url = input.text()?.into();
    let late_by_s = if flags & 4 != 0 { input.number()? } else { 0 };
    input.end()?;
    let fingerprint = labels.fingerprint();
    let alert = Alert {
        fingerprint,
        labels,
        annotations,
        generator_url,
        starts_at,
        ends_at,
        updated_at,
        timed_out: flags & 1 != 0,
        late_by_s,
    };
    Ok(Record::Alert { alert: alert.into(), ended: flags & 2 != 0 })
}

fn encode_group(group: &GroupRecord) -> Vec<u8> {
    let mut out = Writer::with_capacity(96);
    out.byte(GROUP_VERSION);
    out.time(group.due);
    out.byte(u8::from(group.suppressed_until.is_some()));
    out.time(group.suppressed_until.unwrap_or(Timestamp::ZERO));
    out.text(&group.name.route);
    out.text(&group.name.receiver);
    out.text(&group.name.labels);
    out.finish()
}

fn decode_group(value: &[u8]) -> Result<GroupRecord, RecordError> {
    let mut input = Reader::new("group", value);
    input.version(GROUP_VERSION)?;
    let due = input.time()?;
    let is_suppressed = input.byte()? != 0;
    let suppressed_until = Some(input.time()?).filter(|_| is_suppressed);
    let route = input.text()?.to_owned();
    let receiver = input.text()?.to_owned();
    let labels = input.text()?.to_owned();
    input.end()?;
    Ok(GroupRecord { name: GroupName { route, receiver, labels }, due, suppressed_until })
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {}", self.what, self.why)
    }
}

impl std::error::Error for RecordError {}

/// First byte of a key: what kind of record it names.
const ALERT: u8 = b'a';
const GROUP: u8 = b'g';
const SILENCE: u8 = b's';

const ALERT_VERSION: u8 = 1;
const GROUP_VERSION: u8 = 1;

#[cfg(test)]
mod tests;
