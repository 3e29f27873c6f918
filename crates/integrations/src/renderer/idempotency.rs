//! The key by which a receiver can distinguish a repeated attempt from another notification.
//!
//! A try that timed out may have arrived, and is then made again. Both tries carry the same key: a
//! hash of the group's key and of the content.
//!
//! A repetition after the repeat interval has the same content on purpose and must not be dropped,
//! so its key also has the minute: a try in the next minute is another one. Too many keys cost a
//! duplicate at worst, too few a page.

use bellwether_model::{Notification, Reason};

/// 16 hex digits of the group, a dash, and 16 of the content.
pub(super) fn key(notification: &Notification) -> String {
    let mut group = notification.group_key.hash();
    group.truncate(16);
    format!("{group}-{:016x}", content(notification))
}

fn content(notification: &Notification) -> u64 {
    let mut hash = Fnv::new();
    hash.add(notification.integration.to_string().as_bytes());
    for alert in &notification.alerts {
        hash.add(&alert.fingerprint.0.to_be_bytes());
        hash.add(&alert.starts_at.unix_nanos().to_be_bytes());
        let resolved = alert.resolved_at(notification.now);
        hash.add(if resolved { b"resolved" } else { b"firing" });
        hash.add(alert.annotations.packed().as_bytes());
    }
    if notification.reason == Reason::RepeatIntervalElapsed {
        hash.add(&notification.now.unix_seconds().div_euclid(60).to_be_bytes());
    }
    hash.0
}

/// FNV-1a, which is the same on all machines of a cluster.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
