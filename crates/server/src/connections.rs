//! Limits the number of connections to our own HTTP port, and ends those that only wait.
//!
//! In: each connection that is accepted, and what happens on it. Out: its [`Slot`], or none; and the
//! connections that must end, each with the reason.
//!
//! A connection that waits for its client too long ends: within the head of a request, between two
//! requests, or while it takes an answer. If there is no room for another one, a connection that waits
//! for its client makes room: the one that has waited longest, where time between two requests counts
//! less than time within one. So a flood of connections displaces itself, and leaves each new one the
//! time to send a request. Clients with many connections lose theirs before others do, but no address
//! has a limit of its own while there is room: proxies and load balancers share one. What the server
//! works on is never ended.
//!
//! Compat: the times are those of Go's server; Go has no limit on the number, and stops accepting when
//! the process has no descriptors left.

mod descriptors;
mod service;
mod state;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::warn;

use crate::metrics::Metrics;

pub use descriptors::raise_descriptor_limit;
pub use service::{ClientAddress, WatchedService};
pub use state::End;
pub use stream::WatchedStream;

use state::{Connection, Waiting};

/// All connections of all listeners.
pub struct Connections {
    open: Mutex<Open>,
    /// Limit: connections (`--web.max-connections`).
    max: usize,
    /// Told each time that one has ended.
    freed: Notify,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Open {
    /// The sequence number of the next one.
    next: u64,
    all: BTreeMap<u64, Arc<Connection>>,
    /// Those in `all` that are being closed to make room.
    leaving: usize,
    /// When the log last said that there is no room.
    said_full_at: Option<Instant>,
}

/// The place of one connection, which is free again when this is dropped.
pub struct Slot {
    connections: Arc<Connections>,
    number: u64,
    pub connection: Arc<Connection>,
}

impl Connections {
    pub fn new(max: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        metrics.connections_max.set(max as f64);
        Arc::new(Connections { open: Mutex::default(), max, freed: Notify::new(), metrics })
    }

    /// A place for a connection that has just been accepted; another one may have to end for it.
    /// `None` if all of them are being worked on.
    pub async fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Slot> {
        loop {
            // Before the look, so that nothing that ends after it is missed.
            let freed = self.freed.notified();
            let now = Instant::now();
            {
                let mut open = self.lock();
                if open.all.len() < self.max {
                    return Some(self.insert(&mut open, Connection::new(from, now)));
                }
                self.say_full(&mut open, now);
                if open.leaving == 0 && !open.make_room(now, &self.metrics) {
                    self.metrics.connections_ended.with(&["refused"]).increment();
                    return None;
                }
            }
            if timeout(LEAVING_MAX, freed).await.is_err() {
                self.metrics.connections_ended.with(&["refused"]).increment();
                return None;
            }
        }
    }

    fn insert(self: &Arc<Self>, open: &mut Open, connection: Connection) -> Slot {
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(connection);
        open.all.insert(number, Arc::clone(&connection));
        self.metrics.connections.set(open.all.len() as f64);
        Slot { connections: Arc::clone(self), number, connection }
    }

    /// Ends a connection that waits for its client, if there is one.
    pub fn make_room(&self) {
        self.lock().make_room(Instant::now(), &self.metrics);
    }

    /// Ends all connections that have waited too long. To be called often.
    pub fn end_overdue(&self, now: Instant) {
        let open = self.lock();
        for connection in open.all.values() {
            if let Some(end) = connection.end_if_overdue(now) {
                self.metrics.connections_ended.with(&[end.reason()]).increment();
            }
        }
        let mut heads: Vec<_> = open.all.values().map(|it| (it.head_bytes(), it)).collect();
        let mut sum: usize = heads.iter().map(|(bytes, _)| bytes).sum();
        if sum > HEADS_BYTES_MAX {
            heads.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
            for (bytes, connection) in heads {
                if sum <= HEADS_BYTES_MAX {
                    break;
                }
                sum -= bytes;
                if connection.end(End::NoRoom) {
                    self.metrics.connections_ended.with(&[End::NoRoom.reason()]).increment();
                }
            }
        }
    }

    /// Waits until there are none.
    pub async fn none_left(&self) {
        loop {
            let freed = self.freed.notified();
            if self.lock().all.is_empty() {
                return;
            }
            freed.await;
        }
    }

    fn say_full(&self, open: &mut Open, now: Instant) {
        if open.said_full_at.is_none_or(|at| now - at >= SAY_AGAIN) {
            open.said_full_at = Some(now);
            let limit = self.max;
            warn!(
                limit,
                "Too many HTTP connections: those that wait for their clients are being closed. See \
                 --web.max-connections and the limit of open files"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Says whether there was one to end.
    fn make_room(&mut self, now: Instant, metrics: &Metrics) -> bool {
        let waiting = || self.all.values().filter_map(|it| Some((it, it.waiting()?)));
        let mut by_client: HashMap<IpAddr, usize> = HashMap::new();
        for (connection, _) in waiting() {
            *by_client.entry(client(connection.from)).or_default() += 1;
        }
        // A client with a handful of connections is none that takes many.
        let weight = |connection: &Connection| {
            by_client.get(&client(connection.from)).copied().filter(|count| *count > FEW)
        };
        let first = waiting().max_by_key(|(connection, Waiting { stage, since })| {
            let waited = now.saturating_duration_since(*since);
            (weight(connection), waited * stage.impatience())
        });
        let Some((connection, _)) = first else { return false };
        if connection.end(End::NoRoom) {
            metrics.connections_ended.with(&[End::NoRoom.reason()]).increment();
            self.leaving += 1;
        }
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.all.remove(&self.number);
        if self.connection.has_made_room() {
            open.leaving = open.leaving.saturating_sub(1);
        }
        self.connections.metrics.connections.set(open.all.len() as f64);
        drop(open);
        self.connections.freed.notify_waiters();
    }
}

/// Who is behind an address: one host with IPv6 often has 2⁶⁴ of them.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.into(),
            None => Ipv6Addr::from_bits(address.to_bits() & !0xffff_ffff_ffff_ffff).into(),
        },
    }
}

/// How often overdue connections are looked for.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Limit: bytes of all heads that have not been received to their ends.
const HEADS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Limit: how long an accepted connection waits for another one to end.
const LEAVING_MAX: Duration = Duration::from_secs(1);
/// Connections of one client that never count as many.
const FEW: usize = 8;
const SAY_AGAIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
