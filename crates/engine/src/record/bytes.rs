//! The small alphabet of our own record values: bytes, times, and texts behind their lengths.
//!
//! Numbers are little-endian. Nothing is indexed without a check, and no length is believed before
//! the bytes are there.

use bellwether_model::Timestamp;

use super::RecordError;

pub(super) struct Writer(Vec<u8>);

pub(super) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl Writer {
    pub fn with_capacity(bytes: usize) -> Self {
        Writer(Vec::with_capacity(bytes))
    }

    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Seconds since 1970 (8 bytes), nanoseconds (4), minutes east of UTC (2).
    pub fn time(&mut self, at: Timestamp) {
        self.0.extend_from_slice(&at.unix_seconds().to_le_bytes());
        self.0.extend_from_slice(&at.subsec_nanos().to_le_bytes());
        self.0.extend_from_slice(&at.offset_minutes().to_le_bytes());
    }

    /// Length in bytes (4), then UTF-8.
    pub fn text(&mut self, text: &str) {
        let length = u32::try_from(text.len()).expect("texts are limited far below 4 GiB");
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Reader<'a> {
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Reader { what, rest: bytes }
    }

    pub fn version(&mut self, known: u8) -> Result<(), RecordError> {
        let version = self.byte()?;
        if version == known {
            return Ok(());
        }
        let why = format!("version {version} is not known to this program, which knows {known}");
        Err(RecordError { what: self.what, why })
    }

    pub fn byte(&mut self) -> Result<u8, RecordError> {
        self.array().map(|[byte]| byte)
    }

    pub fn number(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn time(&mut self) -> Result<Timestamp, RecordError> {
        let seconds = i64::from_le_bytes(self.array()?);
        let nanos = u32::from_le_bytes(self.array()?);
        let offset = i16::from_le_bytes(self.array()?);
        Ok(Timestamp::from_unix(seconds, nanos).with_offset_minutes(offset))
    }

    pub fn text(&mut self) -> Result<&'a str, RecordError> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.cut())?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| self.bad("text that is not UTF-8"))
    }

    pub fn end(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("bytes behind the end")) }
    }

    pub fn bad(&self, why: &str) -> RecordError {
        RecordError { what: self.what, why: why.to_owned() }
    }

    fn cut(&self) -> RecordError {
        self.bad("ends too early")
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(*bytes)
    }
}
