//! Which records are in this file, read from front to back?
//!
//! In: a byte stream. Out: its head and then its records, one at a time, in a buffer
//! that grows to the largest record.
//! Bytes that are not a valid record are reported as such and never interpreted; whether they are a
//! torn end or damage is for the caller to judge.
//! After them a scanner can seek the next valid record, byte by byte.

use std::io::{Read, Result};
use std::ops::Range;

use crate::record::{FileName, HEAD_BYTES, HEADER_BYTES, Head, HeadError, Header, Place};

pub(crate) struct Scanner {
    source: Box<dyn Read + Send>,
    file: FileName,
    /// **Invariant:** `buffer[start..]` are the file's bytes from `offset` on.
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
    source_ended: bool,
    /// The key and the value of the record that was read last, within the buffer.
    key: Range<usize>,
    value: Range<usize>,
}

pub(crate) enum Step {
    Record(Header),
    /// The bytes at the current offset are not a record that was written there.
    Unreadable,
    End,
}

impl Scanner {
    pub(crate) fn new(file: FileName, source: Box<dyn Read + Send>) -> Self {
        Self {
            source,
            file,
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            source_ended: false,
            key: 0..0,
            value: 0..0,
        }
    }

    /// Reads the head; the records begin after it, even if it is unreadable.
    pub(crate) fn head(&mut self) -> Result<std::result::Result<Head, HeadError>> {
        let available = self.fill(HEAD_BYTES)?;
        let head = Head::decode(self.window(available), self.file);
        self.advance(available);
        Ok(head)
    }

    /// Reads the next record and moves behind it; stays before anything else.
    pub(crate) fn step(&mut self) -> Result<Step> {
        let step = self.look()?;
        if let Step::Record(header) = &step {
            let body = self.start + HEADER_BYTES;
            let end = self.start + header.record_bytes();
            self.key = body..body + header.key_bytes();
            self.value = self.key.end..end;
            self.advance(header.record_bytes());
        }
        Ok(step)
    }

    /// Moves on, byte by byte, to the next record; false if there is none.
    pub(crate) fn seek_record(&mut self) -> Result<bool> {
        loop {
            match self.look()? {
                Step::Record(_) => return Ok(true),
                Step::End => return Ok(false),
                Step::Unreadable => self.advance(1),
            }
        }
    }

    /// The key and the value of the record that was read last.
    pub(crate) fn body(&self) -> (&[u8], &[u8]) {
        (&self.buffer[self.key.clone()], &self.buffer[self.value.clone()])
    }

    /// The end of what was read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    fn look(&mut self) -> Result<Step> {
        let available = self.fill(HEADER_BYTES)?;
        if available == 0 {
            return Ok(Step::End);
        }
        let place = Place { file: self.file, offset: self.offset };
        let Some(header) = Header::decode(self.window(available), place) else {
            return Ok(Step::Unreadable);
        };
        let available = self.fill(header.record_bytes())?;
        let sound =
            self.window(available).get(HEADER_BYTES..).is_some_and(|body| header.matches(body));
        Ok(if sound { Step::Record(header) } else { Step::Unreadable })
    }

    fn window(&self, bytes: usize) -> &[u8] {
        &self.buffer[self.start..self.start + bytes]
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Reads until `bytes` are buffered; returns how many of them there are, fewer only at the end.
    fn fill(&mut self, bytes: usize) -> Result<usize> {
        let mut buffered = self.buffer.len() - self.start;
        if buffered < bytes && !self.source_ended {
            self.buffer.drain(..self.start);
            self.start = 0;
            let wanted = (bytes - buffered).max(READ_BYTES);
            let read = self.source.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
            self.source_ended = read < wanted;
            buffered += read;
        }
        Ok(buffered.min(bytes))
    }
}

const READ_BYTES: usize = 256 << 10;
