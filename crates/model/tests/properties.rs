//! Laws that hold for any value: what is printed reads back, what is packed unpacks, and reports
//! about one alert come together in an orderly way.

use std::collections::BTreeMap;

use bellwether_model::duration::{format_go, format_prometheus, parse_go, parse_prometheus};
use bellwether_model::labels::fingerprint_of;
use bellwether_model::matcher::{parse_matcher, parse_matchers};
use bellwether_model::quote::{quoted, unquoted};
use bellwether_model::{Alert, LabelSet, Matcher, MatcherMode, Matchers, Op, Timestamp};
use proptest::prelude::*;

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Equal), Just(Op::NotEqual), Just(Op::Matches), Just(Op::NotMatches)]
}

/// Any matcher whose name is one of `names` and not empty.
fn any_matcher(names: &'static str) -> impl Strategy<Value = Matcher> {
    // Half of all values are made of what the syntaxes themselves use.
    let value = prop_oneof![any::<String>(), "[a-c\\\\\"'{}=~!,\n\t é(|)*.]{0,12}"];
    let parts = (names, any_op(), value);
    parts.prop_filter_map("a pattern", |(name, op, value)| Matcher::new(name, op, value).ok())
}

/// An alert that started and ended at these seconds, and was reported at `updated`.
fn alert((start, length, updated): (i64, i64, i64)) -> Alert {
    let labels = LabelSet::new([("alertname", "X")]);
    Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::new([("reported", updated.to_string().as_str())]),
        generator_url: "".into(),
        starts_at: Timestamp::from_unix(start, 0),
        ends_at: Timestamp::from_unix(start + length, 0),
        updated_at: Timestamp::from_unix(updated, 0),
        timed_out: false,
        late_by_s: 0,
    }
}

fn any_alert() -> impl Strategy<Value = Alert> {
    (0..40i64, 1..20i64, 0..80i64).prop_map(alert)
}

fn facts(alert: &Alert) -> impl PartialEq + std::fmt::Debug + use<> {
    let Alert { annotations, starts_at, ends_at, updated_at, timed_out, late_by_s, .. } =
        alert.clone();
    (annotations, starts_at, ends_at, updated_at, timed_out, late_by_s)
}

proptest! {
    #[test]
    fn label_sets_survive_packing(pairs in prop::collection::btree_map(any::<String>(), any::<String>(), 0..8)) {
        let pairs: BTreeMap<String, String> = pairs;
        let sorted = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = LabelSet::new(sorted().rev());
        prop_assert!(labels.iter().eq(sorted()));
        prop_assert_eq!(LabelSet::from_packed(labels.packed()), Some(labels.clone()));
        prop_assert_eq!(labels.fingerprint(), fingerprint_of(sorted()));
        for (name, value) in sorted() {
            prop_assert_eq!(labels.get(name), Some(value));
        }
    }

    #[test]
    fn a_text_that_unpacks_packs_back(text in "[\u{0}-\u{7f}]{0,30}") {
        if let Some(labels) = LabelSet::from_packed(&text) {
            prop_assert_eq!(LabelSet::new(labels.iter()), labels);
        }
    }

    #[test]
    fn quoted_texts_read_back(text: String) {
        let read = unquoted(&quoted(&text));
        prop_assert_eq!(read, Some(text));
    }

    #[test]
    fn canonical_matchers_read_back(matcher in any_matcher("(?s:.{1,8})")) {
        let parsed = parse_matcher(&matcher.to_string(), MatcherMode::Utf8);
        prop_assert_eq!(parsed.map(|parsed| parsed.value), Ok(matcher));
    }

    #[test]
    fn canonical_lists_read_back(list in prop::collection::vec(any_matcher("(?s:.{1,4})"), 0..5)) {
        let set = Matchers::new(list);
        let parsed = parse_matchers(&set.to_string(), MatcherMode::Utf8);
        prop_assert_eq!(parsed.map(|parsed| Matchers(parsed.value)), Ok(set));
    }

    #[test]
    fn matchers_with_classic_names_mean_the_same_in_every_mode(
        matcher in any_matcher("[a-zA-Z_:][a-zA-Z0-9_:]{0,8}"),
    ) {
        for mode in [MatcherMode::Classic, MatcherMode::Utf8, MatcherMode::Fallback] {
            let parsed = parse_matcher(&matcher.to_string(), mode);
            let parsed = parsed.map(|parsed| (parsed.value, parsed.warning));
            prop_assert_eq!(parsed, Ok((matcher.clone(), None)));
        }
    }

    #[test]
    fn a_matcher_and_its_opposite_never_agree(matcher in any_matcher("a"), value: String) {
        let op = match matcher.op {
            Op::Equal => Op::NotEqual,
            Op::NotEqual => Op::Equal,
            Op::Matches => Op::NotMatches,
            Op::NotMatches => Op::Matches,
        };
        let opposite = Matcher::new("a", op, matcher.value.clone()).expect("it was valid");
        prop_assert_ne!(matcher.matches_value(&value), opposite.matches_value(&value));
    }

    #[test]
    fn durations_read_back(nanos: i64) {
        prop_assert_eq!(parse_go(&format_go(nanos)), Ok(nanos));
        let millis = std::time::Duration::from_millis(nanos.unsigned_abs() / 1_000_000);
        prop_assert_eq!(parse_prometheus(&format_prometheus(millis)), Ok(millis));
    }

    #[test]
    fn the_same_report_changes_nothing_the_second_time(old in any_alert(), new in any_alert()) {
        prop_assume!(old.updated_at <= new.updated_at);
        let once = Alert::after(&old, new.clone());
        prop_assert_eq!(facts(&Alert::after(&once, new)), facts(&once));
    }

    #[test]
    fn what_is_known_comes_from_one_of_the_reports(old in any_alert(), new in any_alert()) {
        let after = Alert::after(&old, new.clone());
        prop_assert!([old.starts_at, new.starts_at].contains(&after.starts_at));
        prop_assert!([old.ends_at, new.ends_at].contains(&after.ends_at));
        prop_assert!(after.starts_at <= new.starts_at);
        prop_assert!(after.updated_at >= new.updated_at);
    }

    #[test]
    fn overlapping_reports_come_together_in_either_order(
        first in any_alert(),
        by in 1..20i64,
        longer in 1..20i64,
        updated in 0..80i64,
    ) {
        let start = first.starts_at.unix_seconds();
        let end = first.ends_at.unix_seconds();
        prop_assume!(start + by < end && updated != first.updated_at.unix_seconds());
        let second = alert((start + by, end - start - by + longer, updated));
        let one = Alert::after(&first, second.clone());
        let other = Alert::after(&second, first);
        prop_assert_eq!(facts(&one), facts(&other));
    }
}
