//! How many connections may be open?
//!
//! Whoever connects costs memory before saying anything, so there is a limit for all and one for
//! each address. Who is over it is turned away at the door; gossip goes on without him.
//!
//! Who is inside may still bring more than there is room for, together with others: all messages
//! that are being read share one [`Larder`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the connections of one kind.
#[derive(Debug)]
pub(crate) struct Doorman {
    open: Mutex<Open>,
    max: usize,
    max_each: usize,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// The right to an open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    doorman: Arc<Doorman>,
    from: IpAddr,
}

impl Doorman {
    pub fn new(max: usize, max_each: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), max, max_each })
    }

    /// `None` if there are too many.
    pub fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Pass> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.max {
            return None;
        }
        let each = open.each.entry(from).or_default();
        if *each >= self.max_each {
            return None;
        }
        *each += 1;
        open.all += 1;
        Some(Pass { doorman: self.clone(), from })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.doorman.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(each) = open.each.get_mut(&self.from) {
            *each -= 1;
            if *each == 0 {
                open.each.remove(&self.from);
            }
        }
    }
}

/// Room for what is being read, in bytes.
#[derive(Debug)]
pub(crate) struct Larder {
    taken_bytes: AtomicUsize,
    max_bytes: usize,
}

/// What one message takes of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    larder: &'a Larder,
    bytes: usize,
}

impl Larder {
    pub fn new(max_bytes: usize) -> Self {
        Self { taken_bytes: AtomicUsize::new(0), max_bytes }
    }

    pub fn shelf(&self) -> Shelf<'_> {
        Shelf { larder: self, bytes: 0 }
    }
}

impl Shelf<'_> {
    /// Whether there is room for so many more.
    pub fn put(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let before = self.larder.taken_bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= self.larder.max_bytes
    }
}

impl Drop for Shelf<'_> {
    fn drop(&mut self) {
        self.larder.taken_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn one_address_cannot_take_all() {
        let doorman = Doorman::new(3, 2);
        let first = doorman.admit(address(1)).unwrap();
        let _second = doorman.admit(address(1)).unwrap();
        assert!(doorman.admit(address(1)).is_none());
        let _other = doorman.admit(address(2)).unwrap();
        assert!(doorman.admit(address(3)).is_none());
        drop(first);
        assert!(doorman.admit(address(3)).is_some());
        assert_eq!(doorman.open.lock().unwrap().each.len(), 2);
    }

    #[test]
    fn all_that_is_read_shares_one_room() {
        let larder = Larder::new(10);
        let (mut one, mut other) = (larder.shelf(), larder.shelf());
        assert!(one.put(6) && other.put(4));
        assert!(!other.put(1));
        drop(other);
        assert!(one.put(4));
        drop(one);
        assert_eq!(larder.taken_bytes.load(Ordering::Relaxed), 0);
    }
}
