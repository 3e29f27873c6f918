use std::time::Duration;

use bellwether_model::{GroupKey, IntegrationId, Remembered, Timestamp};
use proptest::prelude::*;

use super::NotificationLog;
use crate::record::wire;
use crate::replicated::{LogEntry, LogKey, Notified};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_000_000 + seconds, 0)
}

fn key(group: &str) -> LogKey {
    LogKey {
        group: GroupKey::from_text(group),
        integration: IntegrationId { receiver: "r".into(), kind: "webhook".into(), index: 0 },
    }
}

fn notified(firing: &[u64], resolved: &[u64], resolve_pending: &[u64]) -> Notified {
    Notified {
        firing: firing.to_vec(),
        resolved: resolved.to_vec(),
        resolve_pending: resolve_pending.to_vec(),
    }
}

fn any_entry() -> impl Strategy<Value = LogEntry> {
    // Few values, so that timestamps and parts of the content often are equal.
    let hashes = || proptest::collection::btree_set(0u64..3, 0..3);
    ("[gh]", hashes(), hashes(), hashes(), 0i64..3, 0i64..2).prop_map(
        |(group, firing, resolved, resolve_pending, seconds, lasts)| LogEntry {
            key: key(&group),
            notified: Notified {
                firing: firing.into_iter().collect(),
                resolved: resolved.into_iter().collect(),
                resolve_pending: resolve_pending.into_iter().collect(),
            },
            at: at(seconds),
            expires_at: at(seconds + lasts),
            wire: None,
            remembered: Remembered::default(),
        },
    )
}

fn merged<'a>(entries: impl IntoIterator<Item = &'a LogEntry>) -> Vec<LogEntry> {
    let mut notification_log = NotificationLog::default();
    for entry in entries {
        notification_log.merge(entry.clone());
    }
    notification_log.entries.into_values().collect()
}

proptest! {
    #[test]
    fn merging_in_any_order_and_again_gives_the_same(
        (entries, shuffled) in proptest::collection::vec(any_entry(), 0..8)
            .prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle())),
    ) {
        let once = merged(&entries);
        prop_assert_eq!(&once, &merged(&shuffled));
        prop_assert_eq!(&once, &merged(entries.iter().chain(&shuffled)));
        // As if two members had merged some each, and then each other.
        let (left, right) = entries.split_at(entries.len() / 2);
        prop_assert_eq!(&once, &merged(merged(right).iter().chain(&merged(left))));
    }

    #[test]
    fn no_entry_goes_back_in_time(entries in proptest::collection::vec(any_entry(), 0..8)) {
        let mut notification_log = NotificationLog::default();
        for entry in entries {
            let before = notification_log.find(&entry.key).map(|known| known.at);
            let changed = notification_log.merge(entry.clone());
            let after = notification_log.find(&entry.key).map(|known| known.at);
            prop_assert!(before <= after);
            prop_assert!(changed || before == after);
        }
    }
}

#[test]
fn a_stamp_is_later_than_what_it_replaces_even_if_the_clock_went_back() {
    let mut notification_log = NotificationLog::default();
    assert_eq!(notification_log.next_timestamp(&key("g"), at(5)), at(5));
    notification_log.merge(LogEntry::new(
        key("g"),
        Notified::default(),
        at(5),
        Duration::from_secs(60),
    ));
    assert_eq!(notification_log.next_timestamp(&key("g"), at(6)), at(6));
    for now in [5, -3600] {
        let stamp = notification_log.next_timestamp(&key("g"), at(now));
        assert!(stamp > at(5) && stamp < at(6), "{stamp:?}");
    }
}

#[test]
fn expired_entries_are_collected_unless_a_resolve_is_pending() {
    let mut notification_log = NotificationLog::default();
    for (group, lasts) in [("g", 10), ("h", 10), ("i", 20)] {
        let notified = notified(&[1], &[], &[]);
        notification_log.merge(LogEntry::new(
            key(group),
            notified,
            at(0),
            Duration::from_secs(lasts),
        ));
    }
    let resolve_pending = |entry: &LogEntry| entry.key == key("h");
    assert_eq!(notification_log.collect(at(9), resolve_pending), []);
    assert_eq!(notification_log.collect(at(10), resolve_pending), [key("g")]);
    assert!(
        notification_log.find(&key("h")).is_some() && notification_log.find(&key("i")).is_some()
    );
}

#[test]
fn during_an_attempt_neither_the_old_nor_the_new_is_certain() {
    let check = |before: Notified, next: Notified, expected: Notified| {
        assert_eq!(before.uncertain_during(&next), expected, "{before:?} then {next:?}");
    };
    // Nothing that it changes: a repetition.
    check(notified(&[1], &[], &[]), notified(&[1], &[], &[]), notified(&[1], &[], &[]));
    // 2 begins, 1 ends, 3 begins again.
    check(notified(&[1], &[], &[]), notified(&[1, 2], &[], &[]), notified(&[1], &[], &[2]));
    check(notified(&[1, 2], &[], &[]), notified(&[2], &[1], &[]), notified(&[2], &[], &[1]));
    check(notified(&[1], &[3], &[]), notified(&[1, 3], &[], &[]), notified(&[1], &[], &[3]));
    // What was resolve pending stays so until the answer comes.
    check(notified(&[], &[], &[1]), notified(&[], &[1], &[]), notified(&[], &[], &[1]));
}

#[test]
fn what_peers_get_follows_every_change() {
    let entry = |group: &str, seconds: i64| LogEntry {
        key: key(group),
        notified: notified(&[1], &[], &[]),
        at: at(seconds),
        expires_at: at(seconds + 10),
        wire: None,
        remembered: Remembered::default(),
    };
    let encoded = |entries: &[LogEntry]| {
        let mut log = Vec::new();
        for entry in entries {
            wire::append_message(&mut log, &wire::encode_entry(entry));
        }
        log
    };
    let mut notification_log = NotificationLog::default();
    assert_eq!(notification_log.encode(), encoded(&[]));
    notification_log.merge(entry("g", 0));
    notification_log.merge(entry("h", 5));
    assert_eq!(notification_log.encode(), encoded(&[entry("g", 0), entry("h", 5)]));
    notification_log.merge(entry("g", 1));
    assert_eq!(notification_log.encode(), encoded(&[entry("g", 1), entry("h", 5)]));
    notification_log.merge(entry("g", 0));
    assert_eq!(notification_log.encode(), encoded(&[entry("g", 1), entry("h", 5)]));
    notification_log.collect(at(11), |_| false);
    assert_eq!(notification_log.encode(), encoded(&[entry("h", 5)]));
}
