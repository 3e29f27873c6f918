use std::time::Duration;

use bellwether_model::{GroupKey, IntegrationId, Mono, Now, Remembered, Timestamp};
use proptest::prelude::*;

use super::{FromPeer, NotificationLog};
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
        muted: Vec::new(),
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
                muted: Vec::new(),
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
    assert_eq!(notification_log.collect(at(9), usize::MAX, resolve_pending), []);
    assert_eq!(notification_log.collect(at(10), usize::MAX, resolve_pending), [key("g")]);
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
    notification_log.collect(at(11), usize::MAX, |_| false);
    assert_eq!(notification_log.encode(), encoded(&[entry("h", 5)]));
}

fn now(seconds: u64) -> Now {
    Now { wall: at(seconds.try_into().expect("few")), mono: Mono(seconds * 1_000_000_000) }
}

/// An entry of second `made`.
fn entry(made: i64, notified: Notified) -> LogEntry {
    LogEntry::new(key("g"), notified, at(made), Duration::from_secs(3600))
}

#[test]
fn for_five_minutes_peers_are_known_to_have_known_more() {
    let mut log = NotificationLog::default();
    let until = |log: &NotificationLog, now: Mono, lag| {
        log.peers_knew_until(&key("g"), now, Duration::from_secs(lag))
    };
    log.merge(entry(1, notified(&[1], &[], &[])));
    assert_eq!(until(&log, now(10).mono, 5), None, "it is this node's own");
    let _ = log.merge_from_peer(entry(8, notified(&[1], &[], &[])), now(10));
    assert_eq!(until(&log, now(10).mono, 1), Some(at(9)));
    assert_eq!(until(&log, now(10).mono, 5), Some(at(10)), "no later than it came");
    assert_eq!(until(&log, Mono(now(310).mono.0 - 1), 5), Some(at(10)));
    assert_eq!(until(&log, now(310).mono, 5), None);
}

#[test]
fn for_five_minutes_a_resolve_is_remembered_that_a_peer_no_longer_mentions() {
    let mut log = NotificationLog::default();
    let _ = log.merge_from_peer(entry(1, notified(&[], &[1, 2, 3], &[])), now(1));
    let _ = log.merge_from_peer(entry(10, notified(&[2], &[3], &[])), now(10));
    let lately = |log: &NotificationLog, now| log.resolved_lately(&key("g"), now);
    assert_eq!(lately(&log, now(10).mono), [1]);
    assert_eq!(lately(&log, Mono(now(310).mono.0 - 1)), [1]);
    assert_eq!(lately(&log, now(310).mono), []);
    // It fires again, and is resolved again.
    let _ = log.merge_from_peer(entry(20, notified(&[1, 2], &[], &[])), now(20));
    assert_eq!(lately(&log, now(20).mono), [3]);
}

#[test]
fn a_timestamp_ahead_of_the_clock_counts_from_when_it_was_first_seen() {
    let mut log = NotificationLog::default();
    log.merge(entry(100, notified(&[1], &[], &[])));
    let mut notified_at = |seconds| log.notified_at(&key("g"), at(seconds));
    assert_eq!(notified_at(10), Some(at(10)));
    assert_eq!(notified_at(20), Some(at(10)));
    assert_eq!(notified_at(5), Some(at(5)), "the clock went back");
    assert_eq!(notified_at(99), Some(at(5)));
    assert_eq!(notified_at(100), Some(at(100)));
    assert_eq!(notified_at(99), Some(at(99)), "it was forgotten when the clock had caught up");
    assert_eq!(log.notified_at(&key("h"), at(5)), None);
}

/// A log in which a peer's entry of second 10 left out alert 1, which fired in second 5, and which
/// has been resolve pending since then.
fn left_out() -> NotificationLog {
    let mut log = NotificationLog::default();
    log.merge(entry(5, notified(&[1], &[], &[])));
    let _ = log.merge_from_peer(entry(10, notified(&[], &[], &[])), now(10));
    let mut pending = entry(10, notified(&[], &[], &[1]));
    pending.at = log.next_timestamp(&key("g"), at(10));
    log.amend(pending);
    log
}

#[test]
fn a_resolve_that_a_late_entry_tells_of_is_pending_no_more() {
    let late = |log: &mut NotificationLog, made, seconds| {
        log.merge_from_peer(entry(made, notified(&[], &[1], &[])), now(seconds))
    };
    let no_longer = FromPeer::Late { not_pending: vec![1] };
    assert_eq!(late(&mut left_out(), 7, 11), no_longer);
    assert_eq!(late(&mut left_out(), 5, 11), FromPeer::Known, "it may be that it fired after that");

    // This node has notified since, and decides itself what is pending.
    let mut log = left_out();
    log.forget_left_out(&key("g"));
    assert_eq!(late(&mut log, 7, 11), FromPeer::Known);

    // It was left out too long ago, and another entry came.
    let other = |made| entry(made, notified(&[2], &[], &[1]));
    let mut log = left_out();
    let _ = log.merge_from_peer(other(20), now(309));
    assert_eq!(late(&mut log, 11, 310), no_longer);
    let mut log = left_out();
    let _ = log.merge_from_peer(other(20), now(310));
    assert_eq!(late(&mut log, 11, 310), FromPeer::Known);
}

#[test]
fn a_late_resolve_is_news_once() {
    let mut log = NotificationLog::default();
    log.merge(entry(5, notified(&[1], &[], &[])));
    let _ = log.merge_from_peer(entry(10, notified(&[], &[], &[])), now(10));
    let mut late = |resolved: &[u64], seconds| {
        let now = Now { wall: at(20), ..now(seconds) };
        log.merge_from_peer(entry(7, notified(&[], resolved, &[])), now)
    };
    let news = || FromPeer::Late { not_pending: vec![] };
    assert_eq!(late(&[1], 11), news(), "the newer entry does not say that it is pending");
    assert_eq!(late(&[1], 11), FromPeer::Known);
    // What was forgotten is news again.
    assert_eq!(late(&[3], 311), news());
    assert_eq!(late(&[1], 311), news());
}

#[test]
fn a_late_resolve_of_an_alert_that_the_newer_entry_mentions_is_no_news() {
    let mut log = NotificationLog::default();
    let _ = log.merge_from_peer(entry(10, notified(&[1], &[], &[])), now(10));
    let late = entry(7, notified(&[], &[1], &[]));
    assert_eq!(log.merge_from_peer(late, now(11)), FromPeer::Known);
}
