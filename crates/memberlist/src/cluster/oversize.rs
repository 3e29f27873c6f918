//! Messages too large for a datagram, or too many for gossip.
//!
//! They are sent to every other member by a stream each. One batch per key is in flight at a time, so
//! there are never more streams than members times keys; messages that arrive meanwhile form the next
//! batch, so that thousands of messages at once take a few streams. The waiting bytes are limited; the
//! next push-pull repairs what is dropped.

use std::collections::BTreeMap;

use bytes::Bytes;

/// The batches, one for each key.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    batches: BTreeMap<String, Batch>,
}

#[derive(Debug, Default)]
struct Batch {
    waiting: Vec<u8>,
    /// Streams of the batch in flight that have not ended.
    streams_in_flight: usize,
}

/// No room for more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Oversize {
    pub fn push(&mut self, key: &str, data: &[u8]) -> Result<(), Full> {
        let batch = match self.batches.get_mut(key) {
            Some(batch) => batch,
            None => self.batches.entry(key.to_owned()).or_default(),
        };
        if !batch.waiting.is_empty()
            && batch.waiting.len() + data.len() > OVERSIZE_WAITING_BYTES_MAX
        {
            return Err(Full);
        }
        batch.waiting.extend_from_slice(data);
        Ok(())
    }

    /// The next batch of a key that has none in flight, to be sent to `peers` members.
    pub fn next(&mut self, peers: usize) -> Option<(String, Bytes)> {
        let (key, batch) = self.batches.iter_mut().find(|(_, batch)| batch.is_free())?;
        batch.streams_in_flight = peers;
        Some((key.clone(), std::mem::take(&mut batch.waiting).into()))
    }

    /// One stream of the key's batch has ended, successfully or not.
    pub fn ended(&mut self, key: &str) {
        if let Some(batch) = self.batches.get_mut(key) {
            batch.streams_in_flight = batch.streams_in_flight.saturating_sub(1);
        }
    }

    /// Drops what waits: there are no peers.
    pub fn clear(&mut self) {
        for batch in self.batches.values_mut() {
            batch.waiting.clear();
        }
    }
}

impl Batch {
    fn is_free(&self) -> bool {
        self.streams_in_flight == 0 && !self.waiting.is_empty()
    }
}

/// Limit: waiting bytes of one key, unless the first message alone is larger. Far below what a Go
/// node accepts in one message.
pub const OVERSIZE_WAITING_BYTES_MAX: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"large";

    fn batch(key: &str, messages: usize) -> Option<(String, Bytes)> {
        Some((key.to_owned(), MESSAGE.repeat(messages).into()))
    }

    #[test]
    fn one_batch_of_a_key_is_in_flight_at_a_time_and_later_messages_form_the_next() {
        let mut oversize = Oversize::default();
        for key in ["sil", "nfl"] {
            oversize.push(key, MESSAGE).unwrap();
        }
        assert_eq!(oversize.next(2), batch("nfl", 1));
        assert_eq!(oversize.next(2), batch("sil", 1));
        oversize.push("sil", MESSAGE).unwrap();
        oversize.push("sil", MESSAGE).unwrap();
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), batch("sil", 2));
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
