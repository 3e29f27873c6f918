use std::time::Duration;

use bellwether_model::{GroupKey, IntegrationId, Remembered, Timestamp};
use proptest::prelude::*;

use super::{Ledger, LedgerEntry, LedgerKey, Told};
use crate::record::wire;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_000_000 + seconds, 0)
}

fn key(group: &str) -> LedgerKey {
    LedgerKey {
        group: GroupKey::from_text(group),
        integration: IntegrationId { receiver: "r".into(), kind: "webhook".into(), index: 0 },
    }
}

fn told(firing: &[u64], resolved: &[u64], owed: &[u64]) -> Told {
    Told { firing: firing.to_vec(), resolved: resolved.to_vec(), owed: owed.to_vec() }
}

fn any_entry() -> impl Strategy<Value = LedgerEntry> {
    // Few values, so that timestamps and parts of the content often are equal.
    let hashes = || proptest::collection::btree_set(0u64..3, 0..3);
    ("[gh]", hashes(), hashes(), hashes(), 0i64..3, 0i64..2).prop_map(
        |(group, firing, resolved, owed, seconds, lasts)| LedgerEntry {
            key: key(&group),
            told: Told {
                firing: firing.into_iter().collect(),
                resolved: resolved.into_iter().collect(),
                owed: owed.into_iter().collect(),
            },
            at: at(seconds),
            expires_at: at(seconds + lasts),
            wire: None,
            remembered: Remembered::default(),
        },
    )
}

fn merged<'a>(entries: impl IntoIterator<Item = &'a LedgerEntry>) -> Vec<LedgerEntry> {
    let mut ledger = Ledger::default();
    for entry in entries {
        ledger.merge(entry.clone());
    }
    ledger.entries.into_values().collect()
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
        let mut ledger = Ledger::default();
        for entry in entries {
            let before = ledger.find(&entry.key).map(|known| known.at);
            let changed = ledger.merge(entry.clone());
            let after = ledger.find(&entry.key).map(|known| known.at);
            prop_assert!(before <= after);
            prop_assert!(changed || before == after);
        }
    }
}

#[test]
fn a_stamp_is_later_than_what_it_replaces_even_if_the_clock_went_back() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.stamp(&key("g"), at(5)), at(5));
    ledger.merge(LedgerEntry::new(key("g"), Told::default(), at(5), Duration::from_secs(60)));
    assert_eq!(ledger.stamp(&key("g"), at(6)), at(6));
    for now in [5, -3600] {
        let stamp = ledger.stamp(&key("g"), at(now));
        assert!(stamp > at(5) && stamp < at(6), "{stamp:?}");
    }
}

#[test]
fn what_has_expired_is_collected_unless_it_is_still_owed() {
    let mut ledger = Ledger::default();
    for (group, lasts) in [("g", 10), ("h", 10), ("i", 20)] {
        let told = told(&[1], &[], &[]);
        ledger.merge(LedgerEntry::new(key(group), told, at(0), Duration::from_secs(lasts)));
    }
    let owed = |entry: &LedgerEntry| entry.key == key("h");
    assert_eq!(ledger.collect(at(9), owed), []);
    assert_eq!(ledger.collect(at(10), owed), [key("g")]);
    assert!(ledger.find(&key("h")).is_some() && ledger.find(&key("i")).is_some());
}

#[test]
fn during_an_attempt_neither_the_old_nor_the_new_is_certain() {
    let check = |before: Told, next: Told, expected: Told| {
        assert_eq!(before.unsure_after(&next), expected, "{before:?} then {next:?}");
    };
    // Nothing that it changes: a repetition.
    check(told(&[1], &[], &[]), told(&[1], &[], &[]), told(&[1], &[], &[]));
    // 2 begins, 1 ends, 3 begins again.
    check(told(&[1], &[], &[]), told(&[1, 2], &[], &[]), told(&[1], &[], &[2]));
    check(told(&[1, 2], &[], &[]), told(&[2], &[1], &[]), told(&[2], &[], &[1]));
    check(told(&[1], &[3], &[]), told(&[1, 3], &[], &[]), told(&[1], &[], &[3]));
    // What was owed stays owed until the answer comes.
    check(told(&[], &[], &[1]), told(&[], &[1], &[]), told(&[], &[], &[1]));
}

#[test]
fn what_peers_get_follows_every_change() {
    let entry = |group: &str, seconds: i64| LedgerEntry {
        key: key(group),
        told: told(&[1], &[], &[]),
        at: at(seconds),
        expires_at: at(seconds + 10),
        wire: None,
        remembered: Remembered::default(),
    };
    let encoded = |entries: &[LedgerEntry]| {
        let mut log = Vec::new();
        for entry in entries {
            wire::append_message(&mut log, &wire::encode_entry(entry));
        }
        log
    };
    let mut ledger = Ledger::default();
    assert_eq!(ledger.encode(), encoded(&[]));
    ledger.merge(entry("g", 0));
    ledger.merge(entry("h", 5));
    assert_eq!(ledger.encode(), encoded(&[entry("g", 0), entry("h", 5)]));
    ledger.merge(entry("g", 1));
    assert_eq!(ledger.encode(), encoded(&[entry("g", 1), entry("h", 5)]));
    ledger.merge(entry("g", 0));
    assert_eq!(ledger.encode(), encoded(&[entry("g", 1), entry("h", 5)]));
    ledger.collect(at(11), |_| false);
    assert_eq!(ledger.encode(), encoded(&[entry("h", 5)]));
}
