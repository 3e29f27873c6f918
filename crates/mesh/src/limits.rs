//! Limits on what peers can make this node hold.
//!
//! A connection costs memory before its first byte arrives, so [`ConnectionLimiter`] limits the
//! number of open connections, in total and for each remote address. A connection over the limit
//! is closed at once.
//!
//! Connections within the limit could still send more than fits into memory, so all messages that
//! are being read share one [`MemoryBudget`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Limits the open connections of one kind.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    open: Mutex<OpenConnections>,
    max: usize,
    max_per_address: usize,
}

#[derive(Debug, Default)]
struct OpenConnections {
    total: usize,
    /// **Invariant:** the counts add up to `total`, and none of them is zero.
    by_address: HashMap<IpAddr, usize>,
}

/// The right to an open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limiter: Arc<ConnectionLimiter>,
    from: IpAddr,
}

impl ConnectionLimiter {
    pub fn new(max: usize, max_per_address: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), max, max_per_address })
    }

    /// `None` if the limit is reached.
    pub fn admit(self: &Arc<Self>, from: IpAddr) -> Option<ConnectionPermit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.max {
            return None;
        }
        let each = open.by_address.entry(from).or_default();
        if *each >= self.max_per_address {
            return None;
        }
        *each += 1;
        open.total += 1;
        Some(ConnectionPermit { limiter: self.clone(), from })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limiter.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(each) = open.by_address.get_mut(&self.from) {
            *each -= 1;
            if *each == 0 {
                open.by_address.remove(&self.from);
            }
        }
    }
}

/// Limits the bytes of all messages that are being read.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    reserved_bytes: AtomicUsize,
    max_bytes: usize,
}

/// The share of one message in a [`MemoryBudget`], released when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    budget: &'a MemoryBudget,
    bytes: usize,
}

impl MemoryBudget {
    pub fn new(max_bytes: usize) -> Self {
        Self { reserved_bytes: AtomicUsize::new(0), max_bytes }
    }

    /// An empty reservation.
    pub fn reserve(&self) -> Reservation<'_> {
        Reservation { budget: self, bytes: 0 }
    }
}

impl Reservation<'_> {
    /// Adds `bytes` to the reservation; false if the budget is exceeded.
    pub fn grow(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let before = self.budget.reserved_bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= self.budget.max_bytes
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.budget.reserved_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
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
    fn one_address_cannot_use_all_connections() {
        let limiter = ConnectionLimiter::new(3, 2);
        let first = limiter.admit(address(1)).unwrap();
        let _second = limiter.admit(address(1)).unwrap();
        assert!(limiter.admit(address(1)).is_none());
        let _other = limiter.admit(address(2)).unwrap();
        assert!(limiter.admit(address(3)).is_none());
        drop(first);
        assert!(limiter.admit(address(3)).is_some());
        assert_eq!(limiter.open.lock().unwrap().by_address.len(), 2);
    }

    #[test]
    fn reservations_share_one_budget() {
        let budget = MemoryBudget::new(10);
        let (mut one, mut other) = (budget.reserve(), budget.reserve());
        assert!(one.grow(6) && other.grow(4));
        assert!(!other.grow(1));
        drop(other);
        assert!(one.grow(4));
        drop(one);
        assert_eq!(budget.reserved_bytes.load(Ordering::Relaxed), 0);
    }
}
