//! One form for every value: the one that all versions of Go's codec read.

use super::{FALSE, NIL, TRUE};

/// Appends values.
#[derive(Debug, Default)]
pub(in crate::wire) struct MsgpackWriter {
    out: Vec<u8>,
}

impl MsgpackWriter {
    /// A structure that begins after `prefix`; `fields` follow, sorted by name.
    pub(in crate::wire) fn structure(prefix: &[u8], fields: u8) -> Self {
        debug_assert!(fields < 16, "longer maps have another head");
        let mut out = prefix.to_vec();
        out.push(0x80 | fields);
        Self { out }
    }

    /// A further structure behind the one before.
    pub(in crate::wire) fn next_structure(&mut self, fields: u8) {
        debug_assert!(fields < 16, "longer maps have another head");
        self.out.push(0x80 | fields);
    }

    pub(in crate::wire) fn bytes(&mut self, name: &str, value: &[u8]) {
        self.raw(name.as_bytes());
        self.raw(value);
    }

    pub(in crate::wire) fn bool(&mut self, name: &str, value: bool) {
        self.raw(name.as_bytes());
        self.out.push(if value { TRUE } else { FALSE });
    }

    pub(in crate::wire) fn nil(&mut self, name: &str) {
        self.raw(name.as_bytes());
        self.out.push(NIL);
    }

    pub(in crate::wire) fn unsigned(&mut self, name: &str, value: u32) {
        self.raw(name.as_bytes());
        let [_, _, second, first] = value.to_be_bytes();
        match value {
            0..=0x7f => self.out.push(first),
            0x80..=0xff => self.out.extend([0xcc, first]),
            0x100..=0xffff => self.out.extend([0xcd, second, first]),
            0x1_0000.. => {
                self.out.push(0xce);
                self.out.extend(value.to_be_bytes());
            }
        }
    }

    /// Bytes that are no value of msgpack.
    pub(in crate::wire) fn append(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(in crate::wire) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    fn raw(&mut self, value: &[u8]) {
        let length = u32::try_from(value.len()).expect("what is sent is far below 4 GiB");
        let [_, _, second, first] = length.to_be_bytes();
        match length {
            0..=0x1f => self.out.push(0xa0 | first),
            0x20..=0xffff => self.out.extend([0xda, second, first]),
            0x1_0000.. => {
                self.out.push(0xdb);
                self.out.extend(length.to_be_bytes());
            }
        }
        self.out.extend_from_slice(value);
    }
}
