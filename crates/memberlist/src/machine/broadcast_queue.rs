//! Which queued broadcasts go into the next datagram?
//!
//! Each broadcast is sent a limited number of times, enough to reach all members with high
//! probability, and then dropped. The least sent go first; among these the largest that still fits, so
//! that datagrams are full; among equals the newest.
//!
//! A broadcast about a subject replaces an older one about it. The queue is limited; beyond the limit
//! the most sent broadcast is dropped.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::message::NodeName;

/// **Invariant:** `subjects` names the rank of each item that has a subject.
#[derive(Debug)]
pub(super) struct BroadcastQueue {
    waiting: BTreeMap<Rank, Item>,
    subjects: BTreeMap<NodeName, Rank>,
    items_max: usize,
    next_id: u64,
}

/// The order of the queue; unique, since ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    transmits: u32,
    bytes: Reverse<usize>,
    id: Reverse<u64>,
}

#[derive(Debug)]
struct Item {
    subject: Option<NodeName>,
    message: Bytes,
}

impl BroadcastQueue {
    pub fn new(items_max: usize) -> Self {
        BroadcastQueue {
            waiting: BTreeMap::new(),
            subjects: BTreeMap::new(),
            items_max,
            next_id: 0,
        }
    }

    /// Queues an encoded message; returns how many others were dropped for it.
    pub fn push(&mut self, subject: Option<NodeName>, message: Bytes) -> usize {
        if let Some(older) = subject.as_ref().and_then(|subject| self.subjects.remove(subject)) {
            self.waiting.remove(&older);
        }
        let mut pruned = 0;
        while self.waiting.len() >= self.items_max && self.drop_most_sent() {
            pruned += 1;
        }
        let rank = Rank { transmits: 0, bytes: Reverse(message.len()), id: Reverse(self.next_id) };
        self.next_id += 1;
        self.insert(rank, Item { subject, message });
        pruned
    }

    /// Adds to `picked` what fits into `room` bytes, each message with [`PART_OVERHEAD`]; returns the
    /// room left. Messages sent `limit` times are dropped.
    pub fn fill(&mut self, mut room: usize, limit: u32, picked: &mut Vec<Bytes>) -> usize {
        let mut again = Vec::new();
        let mut transmits = 0;
        while let Some(rank) = self.next_fitting(transmits, room.saturating_sub(PART_OVERHEAD)) {
            let Some(item) = self.waiting.remove(&rank) else { break };
            room -= PART_OVERHEAD + item.message.len();
            picked.push(item.message.clone());
            transmits = rank.transmits;
            again.push((Rank { transmits: rank.transmits + 1, ..rank }, item));
        }
        for (rank, item) in again {
            if rank.transmits < limit {
                self.insert(rank, item);
            } else if let Some(subject) = item.subject {
                self.subjects.remove(&subject);
            }
        }
        room
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes of all queued messages in a datagram, each with [`PART_OVERHEAD`].
    pub fn bytes(&self) -> usize {
        self.waiting.keys().map(|rank| PART_OVERHEAD + rank.bytes.0).sum()
    }

    /// Whether a broadcast about the subject is queued.
    pub fn holds(&self, subject: &NodeName) -> bool {
        self.subjects.contains_key(subject)
    }

    /// The first message of at most `bytes_max`, no less sent than `transmits`.
    fn next_fitting(&self, mut transmits: u32, bytes_max: usize) -> Option<Rank> {
        loop {
            let largest = Rank { transmits, bytes: Reverse(bytes_max), id: Reverse(u64::MAX) };
            let (rank, _) = self.waiting.range(largest..).next()?;
            if rank.bytes.0 <= bytes_max {
                return Some(*rank);
            }
            // All of this tier are too large; this is the first of a later tier.
            transmits = rank.transmits;
        }
    }

    fn insert(&mut self, rank: Rank, item: Item) {
        if let Some(subject) = &item.subject {
            self.subjects.insert(subject.clone(), rank);
        }
        self.waiting.insert(rank, item);
    }

    fn drop_most_sent(&mut self) -> bool {
        let Some((_, item)) = self.waiting.pop_last() else { return false };
        if let Some(subject) = item.subject {
            self.subjects.remove(&subject);
        }
        true
    }
}

/// What each message of a compound costs beside its own bytes: two for its length.
pub(super) const PART_OVERHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(messages: &[&'static str]) -> BroadcastQueue {
        let mut queue = BroadcastQueue::new(100);
        for message in messages {
            assert_eq!(queue.push(None, Bytes::from_static(message.as_bytes())), 0);
        }
        queue
    }

    fn filled(queue: &mut BroadcastQueue, room: usize, limit: u32) -> Vec<String> {
        let mut picked = Vec::new();
        queue.fill(room, limit, &mut picked);
        picked.iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_largest_that_still_fits_goes_first_and_the_newest_among_equals() {
        let mut queue = queue(&["aa", "bbbbbb", "cc", "dddd"]);
        assert_eq!(queue.bytes(), 14 + 4 * PART_OVERHEAD);
        assert_eq!(filled(&mut queue, 12, 9), ["bbbbbb", "cc"]);
    }

    #[test]
    fn what_was_sent_less_goes_before_what_is_larger() {
        let mut queue = queue(&["aa", "bbbb"]);
        assert_eq!(filled(&mut queue, 6, 9), ["bbbb"]);
        assert_eq!(filled(&mut queue, 6, 9), ["aa"]);
        assert_eq!(filled(&mut queue, 100, 9), ["bbbb", "aa"]);
    }

    #[test]
    fn a_tier_without_anything_that_fits_is_passed_over() {
        let mut queue = queue(&["a"]);
        assert_eq!(filled(&mut queue, 100, 9), ["a"]);
        queue.push(None, Bytes::from_static(b"too large for it"));
        assert_eq!(filled(&mut queue, 4, 9), ["a"]);
    }

    #[test]
    fn what_reached_its_limit_is_forgotten() {
        let mut queue = queue(&["a"]);
        assert_eq!(filled(&mut queue, 100, 2), ["a"]);
        assert_eq!(filled(&mut queue, 100, 2), ["a"]);
        assert!(queue.is_empty());
        assert_eq!(filled(&mut queue, 100, 2), Vec::<String>::new());
    }

    #[test]
    fn everything_is_sent_at_least_once() {
        let mut queue = queue(&["a"]);
        assert_eq!(filled(&mut queue, 100, 0), ["a"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn newer_news_about_a_subject_replace_the_older() {
        let mut queue = queue(&[]);
        let subject = NodeName::new("x").unwrap();
        queue.push(Some(subject.clone()), Bytes::from_static(b"suspect"));
        queue.push(Some(subject.clone()), Bytes::from_static(b"alive"));
        assert_eq!(filled(&mut queue, 100, 1), ["alive"]);
        assert!(!queue.holds(&subject));
    }

    #[test]
    fn a_full_queue_drops_what_was_sent_most() {
        let mut queue = BroadcastQueue::new(2);
        queue.push(None, Bytes::from_static(b"old"));
        filled(&mut queue, 100, 9);
        queue.push(None, Bytes::from_static(b"new"));
        assert_eq!(queue.push(None, Bytes::from_static(b"newest")), 1);
        assert_eq!(filled(&mut queue, 100, 9), ["newest", "new"]);
        assert_eq!(queue.len(), 2);
    }
}
