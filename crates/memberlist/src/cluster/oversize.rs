//! Messages that are too large for a datagram.
//!
//! They go to every other member by a stream of its own, at the same time; one message of a key
//! after the other, so that there are never more streams than members and keys. What waits is
//! limited, and what is dropped comes to the peers with the next push-pull.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

/// The queues, one for each key.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Bytes>,
    /// Streams of the message on its way that have not ended.
    underway: usize,
}

/// No room for another message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Oversize {
    /// `message` is an encoded [`Part`](super::part::Part).
    pub fn push(&mut self, key: &str, message: Bytes) -> Result<(), Full> {
        if !self.queues.contains_key(key) {
            self.queues.insert(key.to_owned(), Queue::default());
        }
        let Some(queue) = self.queues.get_mut(key) else { return Err(Full) };
        if queue.waiting.len() >= OVERSIZE_WAITING_MAX {
            return Err(Full);
        }
        queue.waiting.push_back(message);
        Ok(())
    }

    /// The next message whose key has none on its way, to be sent to `peers` others.
    pub fn next(&mut self, peers: usize) -> Option<(String, Bytes)> {
        let (key, queue) = self.queues.iter_mut().find(|(_, queue)| queue.is_free())?;
        let message = queue.waiting.pop_front()?;
        queue.underway = peers;
        Some((key.clone(), message))
    }

    /// One stream of the key's message has ended, well or not.
    pub fn ended(&mut self, key: &str) {
        if let Some(queue) = self.queues.get_mut(key) {
            queue.underway = queue.underway.saturating_sub(1);
        }
    }

    /// Nobody is there to be told.
    pub fn clear(&mut self) {
        for queue in self.queues.values_mut() {
            queue.waiting.clear();
        }
    }
}

impl Queue {
    fn is_free(&self) -> bool {
        self.underway == 0 && !self.waiting.is_empty()
    }
}

/// Limit: messages of one key that wait, as in Go.
pub const OVERSIZE_WAITING_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Bytes = Bytes::from_static(b"large");

    #[test]
    fn one_message_of_a_key_is_on_its_way_at_a_time() {
        let mut oversize = Oversize::default();
        for key in ["sil", "sil", "nfl"] {
            oversize.push(key, MESSAGE).unwrap();
        }
        assert_eq!(oversize.next(2), Some(("nfl".to_owned(), MESSAGE)));
        assert_eq!(oversize.next(2), Some(("sil".to_owned(), MESSAGE)));
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), None);
        oversize.ended("sil");
        assert_eq!(oversize.next(2), Some(("sil".to_owned(), MESSAGE)));
    }

    #[test]
    fn what_waits_is_limited_for_each_key() {
        let mut oversize = Oversize::default();
        for _ in 0..OVERSIZE_WAITING_MAX {
            oversize.push("sil", MESSAGE).unwrap();
        }
        assert_eq!(oversize.push("sil", MESSAGE), Err(Full));
        assert_eq!(oversize.push("nfl", MESSAGE), Ok(()));
        oversize.clear();
        assert_eq!(oversize.next(1), None);
    }
}
