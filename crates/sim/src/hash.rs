//! One number for everything that happened, to compare two runs by.

use std::fmt::{self, Debug, Write};

/// FNV-1a over what is added, as it is printed for debugging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub u64);

impl Hash {
    pub fn add(&mut self, what: &impl Debug) {
        write!(self, "{what:?}").expect("a hash takes everything");
    }
}

impl Default for Hash {
    fn default() -> Self {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
