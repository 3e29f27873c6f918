//! Searching eight bytes of a text at once.
//!
//! In: a word, its first byte lowest. Out: words with the highest bit of each byte set that is looked
//! for. Bytes above such a byte may be marked wrongly, never bytes below it, so that "is there any?"
//! and "where is the first?" are answered rightly, and marks may be joined with `|`.
//!
//! Source: S. E. Anderson, "Bit Twiddling Hacks", "Determine if a word has a byte less than n".

/// Marks bytes below `bound`, which is at most 0x80.
#[inline]
pub fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(repeated(bound)) & !word & repeated(0x80)
}

/// Marks bytes that are `byte`.
#[inline]
pub fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ repeated(byte), 1)
}

#[inline]
pub const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}
