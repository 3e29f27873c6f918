//! What is too large for a datagram, or too much for the gossip.
//!
//! It goes to every other member by a stream of its own, at the same time; one row of a key after
//! the other, so that there are never more streams than members and keys. What is told while a row
//! is on its way waits and goes together with the next, so that thousands of messages at once take
//! a few streams. What waits is limited, and what is dropped comes to the peers with the next
//! push-pull.

use std::collections::BTreeMap;

use bytes::Bytes;

/// The rows, one for each key.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    rows: BTreeMap<String, Row>,
}

#[derive(Debug, Default)]
struct Row {
    waiting: Vec<u8>,
    /// Streams of the row on its way that have not ended.
    underway: usize,
}

/// No room for more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Oversize {
    pub fn push(&mut self, key: &str, data: &[u8]) -> Result<(), Full> {
        let row = match self.rows.get_mut(key) {
            Some(row) => row,
            None => self.rows.entry(key.to_owned()).or_default(),
        };
        if !row.waiting.is_empty() && row.waiting.len() + data.len() > OVERSIZE_WAITING_BYTES_MAX {
            return Err(Full);
        }
        row.waiting.extend_from_slice(data);
        Ok(())
    }

    /// The next row whose key has none on its way, to be sent to `peers` others.
    pub fn next(&mut self, peers: usize) -> Option<(String, Bytes)> {
        let (key, row) = self.rows.iter_mut().find(|(_, row)| row.is_free())?;
        row.underway = peers;
        Some((key.clone(), std::mem::take(&mut row.waiting).into()))
    }

    /// One stream of the key's row has ended, well or not.
    pub fn ended(&mut self, key: &str) {
        if let Some(row) = self.rows.get_mut(key) {
            row.underway = row.underway.saturating_sub(1);
        }
    }

    /// Nobody is there to be told.
    pub fn clear(&mut self) {
        for row in self.rows.values_mut() {
            row.waiting.clear();
        }
    }
}

impl Row {
    fn is_free(&self) -> bool {
        self.underway == 0 && !self.waiting.is_empty()
    }
}

/// Limit: what waits for its stream under one key, beside a first message of any size. Far below
/// what a Go node takes in one message.
pub const OVERSIZE_WAITING_BYTES_MAX: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"large";

    fn row(key: &str, messages: usize) -> Option<(String, Bytes)> {
        Some((key.to_owned(), MESSAGE.repeat(messages).into()))
    }

    #[test]
    fn one_row_of_a_key_is_on_its_way_at_a_time_and_what_comes_meanwhile_is_one_row() {
        let mut oversize = Oversize::default();
        for key in ["sil", "nfl"] {
            oversize.push(key, MESSAGE).unwrap();
        }
        assert_eq!(oversize.next(2), row("nfl", 1));
        assert_eq!(oversize.next(2), row("sil", 1));
        oversize.push("sil", MESSAGE).unwrap();
        oversize.push("sil", MESSAGE).unwrap();
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), row("sil", 2));
        assert_eq!(oversize.next(2), None);
    }

    #[test]
    fn what_waits_is_limited_for_each_key() {
        let mut oversize = Oversize::default();
        let huge = vec![0; OVERSIZE_WAITING_BYTES_MAX + 1];
        oversize.push("sil", &huge).unwrap();
        assert_eq!(oversize.push("sil", MESSAGE), Err(Full));
        assert_eq!(oversize.push("nfl", MESSAGE), Ok(()));
        oversize.clear();
        assert_eq!(oversize.next(1), None);
        assert_eq!(oversize.push("sil", MESSAGE), Ok(()));
    }
}
