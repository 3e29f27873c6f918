//! Which part of msgpack does the protocol use, and how liberal must a reader be?
//!
//! Written is one form only, the one that every version of Go's codec reads: maps, strings and
//! bytes in the old raw family (never `str 8`, never `bin`), unsigned integers as short as can be.
//! Read is all that any version of it reads: both integer families, all string and byte families,
//! an array of integers for bytes, nil for any zero, a structure as an array in the order of its
//! declaration, and unknown keys.
//!
//! The reader allocates nothing by a claimed length: it borrows, and every claim runs out of bytes
//! before it costs anything. [`WireError::Truncated`] says that more bytes could help, which is how
//! streams know that they have to wait; all other errors are final.

mod writer;

use std::borrow::Cow;

use crate::wire::WireError;

pub(super) use writer::MsgpackWriter;

/// Reads values from the front of some bytes.
#[derive(Debug)]
pub(super) struct MsgpackReader<'a> {
    rest: &'a [u8],
    /// What is being read, for errors.
    what: &'static str,
}

type Result<T> = std::result::Result<T, WireError>;

impl<'a> MsgpackReader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a structure: calls `field` with the name of each field, and the reader where its value
    /// begins. `names` are in the order of the declaration. What `field` does not know it skips.
    pub(super) fn fields(
        &mut self,
        names: &[&'static str],
        mut field: impl FnMut(&str, &mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut structure = self.structure(names)?;
        while let Some(name) = self.next_name(&mut structure)? {
            field(&name, self)?;
        }
        Ok(())
    }

    /// Reads a structure as far as the bytes of the field `last`, and answers with their length;
    /// the bytes themselves come next, and may not have arrived. `None` if there is no such field.
    pub(super) fn fields_before(
        &mut self,
        last: &str,
        names: &[&'static str],
        mut field: impl FnMut(&str, &mut Self) -> Result<()>,
    ) -> Result<Option<usize>> {
        let mut structure = self.structure(names)?;
        while let Some(name) = self.next_name(&mut structure)? {
            if name == last {
                return self.bytes_length().map(Some);
            }
            field(&name, self)?;
        }
        Ok(None)
    }

    fn structure<'n>(&mut self, names: &'n [&'static str]) -> Result<Structure<'n>> {
        match self.shape()? {
            Shape::Nil => Ok(Structure::Array(0, names.iter())),
            Shape::Map(count) => Ok(Structure::Map(count)),
            Shape::Array(count) => Ok(Structure::Array(count, names.iter())),
            Shape::Unsigned(_)
            | Shape::Negative
            | Shape::Bool(_)
            | Shape::Bytes(_)
            | Shape::Opaque => Err(self.malformed()),
        }
    }

    /// The name of the next field; an empty one if it has none.
    fn next_name(&mut self, structure: &mut Structure<'_>) -> Result<Option<Cow<'a, str>>> {
        let (Structure::Map(left) | Structure::Array(left, _)) = structure;
        let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
        *left = fewer;
        match structure {
            Structure::Map(_) => Ok(Some(match self.bytes()? {
                Cow::Borrowed(name) => std::str::from_utf8(name).unwrap_or_default().into(),
                Cow::Owned(name) => String::from_utf8(name).unwrap_or_default().into(),
            })),
            Structure::Array(_, names) => {
                Ok(Some(names.next().copied().unwrap_or_default().into()))
            }
        }
    }

    /// Strings and bytes alike, as Go's newer codec does; nil is empty.
    pub(super) fn bytes(&mut self) -> Result<Cow<'a, [u8]>> {
        match self.shape()? {
            Shape::Nil => Ok(Cow::Borrowed(&[])),
            Shape::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Shape::Array(count) => {
                let mut bytes = Vec::new();
                for _ in 0..count {
                    bytes.push(self.unsigned()?);
                }
                Ok(Cow::Owned(bytes))
            }
            Shape::Unsigned(_)
            | Shape::Negative
            | Shape::Bool(_)
            | Shape::Map(_)
            | Shape::Opaque => Err(self.malformed()),
        }
    }

    /// The length of bytes whose content comes next.
    fn bytes_length(&mut self) -> Result<usize> {
        let length = match self.byte()? {
            NIL => 0,
            head @ 0xa0..=0xbf => usize::from(head & 0x1f),
            0xc4 | 0xd9 => self.big_endian(1)? as usize,
            0xc5 | 0xda => self.big_endian(2)? as usize,
            0xc6 | 0xdb => self.big_endian(4)? as usize,
            _ => return Err(self.malformed()),
        };
        Ok(length)
    }

    /// An integer of any format, if `T` has room for it.
    pub(super) fn unsigned<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let value = match self.shape()? {
            Shape::Nil => 0,
            Shape::Unsigned(value) => value,
            Shape::Negative
            | Shape::Bool(_)
            | Shape::Bytes(_)
            | Shape::Array(_)
            | Shape::Map(_)
            | Shape::Opaque => return Err(self.malformed()),
        };
        T::try_from(value).map_err(|_| self.malformed())
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        match self.shape()? {
            Shape::Nil | Shape::Unsigned(0) => Ok(false),
            Shape::Bool(value) => Ok(value),
            Shape::Unsigned(1) => Ok(true),
            Shape::Unsigned(_)
            | Shape::Negative
            | Shape::Bytes(_)
            | Shape::Array(_)
            | Shape::Map(_)
            | Shape::Opaque => Err(self.malformed()),
        }
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Result<()> {
        self.skip_to_depth(SKIPPED_DEPTH_MAX)
    }

    fn skip_to_depth(&mut self, depth: usize) -> Result<()> {
        let values = match self.shape()? {
            Shape::Array(count) => u64::from(count),
            Shape::Map(count) => 2 * u64::from(count),
            Shape::Nil
            | Shape::Unsigned(_)
            | Shape::Negative
            | Shape::Bool(_)
            | Shape::Bytes(_)
            | Shape::Opaque => return Ok(()),
        };
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(WireError::TooLarge { what: "nesting", limit: SKIPPED_DEPTH_MAX });
        };
        (0..values).try_for_each(|_| self.skip_to_depth(deeper))
    }

    /// The next value, or the head of it if it has parts.
    fn shape(&mut self) -> Result<Shape<'a>> {
        let shape = match self.byte()? {
            head @ 0x00..=0x7f => Shape::Unsigned(u64::from(head)),
            head @ 0x80..=0x8f => Shape::Map(u32::from(head & 0x0f)),
            head @ 0x90..=0x9f => Shape::Array(u32::from(head & 0x0f)),
            head @ 0xa0..=0xbf => Shape::Bytes(self.take(usize::from(head & 0x1f))?),
            NIL => Shape::Nil,
            0xc1 => return Err(self.malformed()),
            FALSE => Shape::Bool(false),
            TRUE => Shape::Bool(true),
            0xc4 | 0xd9 => self.sized_bytes(1)?,
            0xc5 | 0xda => self.sized_bytes(2)?,
            0xc6 | 0xdb => self.sized_bytes(4)?,
            // Extensions have a byte for their type before the content.
            0xc7 => self.extension(1)?,
            0xc8 => self.extension(2)?,
            0xc9 => self.extension(4)?,
            0xca => self.opaque(4)?,
            0xcb => self.opaque(8)?,
            0xcc => Shape::Unsigned(self.big_endian(1)?),
            0xcd => Shape::Unsigned(self.big_endian(2)?),
            0xce => Shape::Unsigned(self.big_endian(4)?),
            0xcf => Shape::Unsigned(self.big_endian(8)?),
            0xd0 => self.signed(1)?,
            0xd1 => self.signed(2)?,
            0xd2 => self.signed(4)?,
            0xd3 => self.signed(8)?,
            head @ 0xd4..=0xd8 => self.opaque(1 + (1 << (head - 0xd4)))?,
            0xdc => Shape::Array(self.big_endian(2)? as u32),
            0xdd => Shape::Array(self.big_endian(4)? as u32),
            0xde => Shape::Map(self.big_endian(2)? as u32),
            0xdf => Shape::Map(self.big_endian(4)? as u32),
            0xe0..=0xff => Shape::Negative,
        };
        Ok(shape)
    }

    fn sized_bytes(&mut self, width: usize) -> Result<Shape<'a>> {
        let length = self.big_endian(width)? as usize;
        Ok(Shape::Bytes(self.take(length)?))
    }

    fn extension(&mut self, width: usize) -> Result<Shape<'a>> {
        let length = self.big_endian(width)? as usize;
        self.opaque(1)?;
        self.opaque(length)
    }

    fn opaque(&mut self, length: usize) -> Result<Shape<'a>> {
        self.take(length)?;
        Ok(Shape::Opaque)
    }

    /// The sign is the first bit of `width` bytes.
    fn signed(&mut self, width: usize) -> Result<Shape<'a>> {
        let value = self.big_endian(width)?;
        let sign = 1 << (8 * width - 1);
        Ok(if value & sign == 0 { Shape::Unsigned(value) } else { Shape::Negative })
    }

    fn big_endian(&mut self, width: usize) -> Result<u64> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(self.truncated())?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(self.truncated())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn malformed(&self) -> WireError {
        WireError::Malformed { what: self.what }
    }

    fn truncated(&self) -> WireError {
        WireError::Truncated { what: self.what }
    }
}

/// How many fields are left of a structure, and what they are called if it is an array.
enum Structure<'n> {
    Map(u32),
    Array(u32, std::slice::Iter<'n, &'static str>),
}

/// A value, as far as the protocol cares.
enum Shape<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative,
    Bytes(&'a [u8]),
    Array(u32),
    Map(u32),
    /// Floating point numbers and extensions: no field has them.
    Opaque,
}

const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;

/// Limit: how deep the value of an unknown field may be nested; the protocol's own are flat.
const SKIPPED_DEPTH_MAX: usize = 16;

#[cfg(test)]
mod tests;
