//! What does one record look like in a file, and is it the one that was written there?
//!
//! A file is a head and then records; docs/disk.md draws both.
//! Every record carries two checksums: one over its header, so that a rotten length is never
//! followed, and one over key and value, so that a rotten value is never served.
//! The header's checksum also covers the record's place (file and offset).
//! A record is valid only where it was written: bytes inside a value that look like a record,
//! or a block that the disk put in the wrong place, are never taken for one.
//!
//! This file knows bytes only: it opens no files and does not know the order of records.

use crc32fast::Hasher;

use crate::{Change, JournalError};

/// Limit: bytes of a key; its length is stored in 16 bits.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// Limit: bytes of a value; also bounds the memory that a reader needs.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

/// The version of the format that is written; older ones would be listed here too.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// Bytes at the start of each file.
pub(crate) const HEAD_BYTES: usize = 36;
/// Bytes of a record before its key.
pub(crate) const HEADER_BYTES: usize = 24;

const MAGIC: [u8; 8] = *b"BWJRNL\r\n";

/// A journal file's identity, and its name: `<number as 16 hex digits>.<log|snapshot>`.
/// The order is the order in which the contents came into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) number: u64,
    pub(crate) kind: FileKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// Commits in the order in which they were made.
    Log = 1,
    /// Everything that was live after the log with the same number.
    Snapshot = 2,
}

/// The first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) file: FileName,
    /// The commit before the first one in this log, or the last one that a snapshot covers.
    pub(crate) base: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    Unreadable,
    Newer(u32),
}

/// Where a record starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) file: FileName,
    pub(crate) offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Delete = 0,
    Put = 1,
    /// Closes a commit: its records count only if this one is there.
    End = 2,
}

/// A record's fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) commit: u64,
    key_bytes: u16,
    value_bytes: u32,
    body_checksum: u32,
}

impl FileName {
    pub(crate) fn log(number: u64) -> Self {
        Self { number, kind: FileKind::Log }
    }

    pub(crate) fn snapshot(number: u64) -> Self {
        Self { number, kind: FileKind::Snapshot }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (digits, kind) = name.split_once('.')?;
        let kind = match kind {
            "log" => FileKind::Log,
            "snapshot" => FileKind::Snapshot,
            _ => return None,
        };
        let file = Self { number: u64::from_str_radix(digits, 16).ok()?, kind };
        (file.to_string() == name).then_some(file)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            FileKind::Log => "log",
            FileKind::Snapshot => "snapshot",
        };
        write!(f, "{:016x}.{kind}", self.number)
    }
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.file.kind as u32).to_le_bytes());
        bytes.extend_from_slice(&self.file.number.to_le_bytes());
        bytes.extend_from_slice(&self.base.to_le_bytes());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the head of `file`; one that names another file is unreadable.
    pub(crate) fn decode(bytes: &[u8], file: FileName) -> Result<Self, HeadError> {
        let (version, head) = Self::split(bytes).ok_or(HeadError::Unreadable)?;
        if version > FORMAT_VERSION {
            return Err(HeadError::Newer(version));
        }
        let same = version == FORMAT_VERSION && head.file == file;
        same.then_some(head).ok_or(HeadError::Unreadable)
    }

    fn split(bytes: &[u8]) -> Option<(u32, Self)> {
        let (sealed, mut checksum) = bytes.split_at_checked(HEAD_BYTES - 4)?;
        if u32::from_le_bytes(take(&mut checksum)?) != crc32fast::hash(sealed) {
            return None;
        }
        let mut rest = sealed;
        if take(&mut rest)? != MAGIC {
            return None;
        }
        let version = u32::from_le_bytes(take(&mut rest)?);
        let kind = match u32::from_le_bytes(take(&mut rest)?) {
            1 => FileKind::Log,
            2 => FileKind::Snapshot,
            _ => return None,
        };
        let number = u64::from_le_bytes(take(&mut rest)?);
        let base = u64::from_le_bytes(take(&mut rest)?);
        Some((version, Self { file: FileName { number, kind }, base }))
    }
}

impl Header {
    /// Reads the header at `place`; `None` if it is not one that was written there.
    pub(crate) fn decode(bytes: &[u8], place: Place) -> Option<Self> {
        let mut rest = bytes.get(..HEADER_BYTES)?;
        let checksum = u32::from_le_bytes(take(&mut rest)?);
        if checksum != header_checksum(place, rest) {
            return None;
        }
        let body_checksum = u32::from_le_bytes(take(&mut rest)?);
        let commit = u64::from_le_bytes(take(&mut rest)?);
        let value_bytes = u32::from_le_bytes(take(&mut rest)?);
        let key_bytes = u16::from_le_bytes(take(&mut rest)?);
        let kind = match take(&mut rest)? {
            [0] => Kind::Delete,
            [1] => Kind::Put,
            [2] => Kind::End,
            _ => return None,
        };
        (value_bytes as usize <= VALUE_BYTES_MAX).then_some(Self {
            kind,
            commit,
            key_bytes,
            value_bytes,
            body_checksum,
        })
    }

    /// Bytes of the whole record: header, key and value.
    pub(crate) fn record_bytes(&self) -> usize {
        HEADER_BYTES + self.key_bytes() + self.value_bytes as usize
    }

    pub(crate) fn key_bytes(&self) -> usize {
        usize::from(self.key_bytes)
    }

    /// Whether `body` is the key and the value that were written after this header.
    pub(crate) fn matches(&self, body: &[u8]) -> bool {
        body.len() == self.record_bytes() - HEADER_BYTES
            && crc32fast::hash(body) == self.body_checksum
    }
}

/// Refuses a change that a record cannot hold.
pub(crate) fn check_size(change: &Change) -> Result<(), JournalError> {
    check_sizes(&change.key, change.value.as_deref().unwrap_or_default())
}

pub(crate) fn check_sizes(key: &[u8], value: &[u8]) -> Result<(), JournalError> {
    for (what, bytes, limit) in
        [("key", key.len(), KEY_BYTES_MAX), ("value", value.len(), VALUE_BYTES_MAX)]
    {
        if bytes > limit {
            return Err(JournalError::TooLarge { what, bytes, limit });
        }
    }
    Ok(())
}

/// Appends one record to `into`. The sizes have been checked.
pub(crate) fn encode(
    into: &mut Vec<u8>,
    place: Place,
    commit: u64,
    kind: Kind,
    key: &[u8],
    value: &[u8],
) {
    let key_bytes = u16::try_from(key.len()).expect("keys are checked against KEY_BYTES_MAX");
    let value_bytes =
        u32::try_from(value.len()).expect("values are checked against VALUE_BYTES_MAX");
    let mut fields = [0; HEADER_BYTES - 4];
    fields[0..4].copy_from_slice(&body_checksum(key, value).to_le_bytes());
    fields[4..12].copy_from_slice(&commit.to_le_bytes());
    fields[12..16].copy_from_slice(&value_bytes.to_le_bytes());
    fields[16..18].copy_from_slice(&key_bytes.to_le_bytes());
    fields[18] = kind as u8;
    into.reserve(HEADER_BYTES + key.len() + value.len());
    into.extend_from_slice(&header_checksum(place, &fields).to_le_bytes());
    into.extend_from_slice(&fields);
    into.extend_from_slice(key);
    into.extend_from_slice(value);
}

fn header_checksum(place: Place, fields: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&[place.file.kind as u8]);
    hasher.update(&place.file.number.to_le_bytes());
    hasher.update(&place.offset.to_le_bytes());
    hasher.update(fields);
    hasher.finalize()
}

fn body_checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}
