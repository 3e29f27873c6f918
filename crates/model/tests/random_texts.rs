//! Every parser gets random texts, the same in every run: none may panic, and what one accepts
//! must hold together.

use bellwether_model::duration::{format_go, parse_go, parse_prometheus};
use bellwether_model::interval::{
    DayOfMonthRange, Location, MonthRange, TimeRange, WeekdayRange, YearRange,
};
use bellwether_model::matcher::{Matchers, parse_matcher, parse_matchers};
use bellwether_model::quote::unquoted;
use bellwether_model::regex::Pattern;
use bellwether_model::{LabelSet, MatcherMode, Timestamp};

const TEXTS: u64 = 20_000;

/// SplitMix64; see S. Vigna, <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Random bytes, as far as they are text, or a row of `pieces`.
    fn text(&mut self, pieces: &[&str]) -> String {
        let length = self.below(12);
        if self.below(3) == 0 {
            let bytes: Vec<u8> = (0..length * 2).map(|_| self.next() as u8).collect();
            return String::from_utf8_lossy(&bytes).into();
        }
        (0..length).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

/// Gives many texts to `try_text`, which says whether it accepts them: it must accept some, not all.
#[track_caller]
fn check_random_texts(seed: u64, pieces: &[&str], try_text: impl Fn(&str) -> bool) {
    let mut random = Random(seed);
    let accepted = (0..TEXTS).filter(|_| try_text(&random.text(pieces))).count() as u64;
    assert!((TEXTS / 1_000..TEXTS).contains(&accepted), "{accepted} of {TEXTS} accepted");
}

#[test]
fn random_patterns_are_refused_or_consistent() {
    let pieces = [
        "a",
        "b",
        "é",
        "(",
        ")",
        "(?",
        "(?:",
        "(?i)",
        "(?P<",
        ">",
        "|",
        "*",
        "+",
        "?",
        "{",
        "}",
        "2",
        ",",
        "1000",
        "[",
        "]",
        "^",
        "$",
        "-",
        ".",
        "\\",
        "\\p{",
        "L",
        "\\x{",
        "\\Q",
        "\\E",
        "\\b",
        "[:alpha:]",
        "\n",
        "d",
    ];
    check_random_texts(1, &pieces, |text| {
        let (anchored, unanchored) = (Pattern::anchored(text), Pattern::unanchored(text));
        if let (Ok(anchored), Ok(unanchored)) = (&anchored, &unanchored) {
            for input in ["", "a", "ab", "a\nb", "é", "aaaa", text] {
                let lawful = !anchored.is_match(input) || unanchored.is_match(input);
                assert!(lawful, "{text:?} matches all of {input:?}, but no part of it");
            }
        }
        if let Err(error) = &anchored {
            assert!(error.to_string().starts_with("error parsing regexp: "), "{error}");
        }
        anchored.is_ok()
    });
}

#[test]
fn random_matchers_are_refused_or_consistent() {
    let pieces = [
        "a", "b_1", "é", "=", "!=", "=~", "!~", "!", "~", "\"", "\"", "\\", "\\n", "{", "}", ",",
        " ", "\n", "\u{a0}", "'", "a=b", "a=\"b\"", ".*", "[", "x=~\"y\"", ",",
    ];
    check_random_texts(2, &pieces, |text| {
        let accepted = [MatcherMode::Classic, MatcherMode::Utf8].map(|mode| {
            let list = parse_matchers(text, mode);
            if let Ok(one) = parse_matcher(text, mode) {
                // What reads as one matcher reads as a list of one, unless its value has a comma, or
                // a brace or a space that only lists take off.
                let is_same = list.as_ref().is_ok_and(|list| list.value == [one.value]);
                let has_more = text.contains(['{', '}', ',']) || text.trim() != text;
                assert!(is_same || has_more, "{text:?}");
            }
            if let Ok(list) = &list {
                let canonical = Matchers(list.value.clone()).to_string();
                if list.value.iter().all(|matcher| !matcher.name.is_empty()) {
                    let again = parse_matchers(&canonical, MatcherMode::Utf8);
                    assert_eq!(again.map(|again| again.value), Ok(list.value.clone()), "{text:?}");
                }
            }
            list.is_ok()
        });
        let fallback = parse_matchers(text, MatcherMode::Fallback).is_ok();
        assert_eq!(fallback, accepted.contains(&true), "{text:?}");
        fallback
    });
}

#[test]
fn random_durations_are_refused_or_consistent() {
    let pieces = [
        "0",
        "1",
        "99",
        "9223372036854775807",
        ".",
        "-",
        "+",
        "y",
        "d",
        "h",
        "m",
        "s",
        "ms",
        "µs",
        "x",
    ];
    check_random_texts(3, &pieces, |text| {
        if let Ok(nanos) = parse_go(text) {
            assert_eq!(parse_go(&format_go(nanos)), Ok(nanos), "{text:?}");
        }
        let duration = parse_prometheus(text);
        if let Ok(duration) = duration {
            assert!(i64::try_from(duration.as_nanos()).is_ok(), "{text:?}");
        }
        duration.is_ok() || parse_go(text).is_ok()
    });
}

#[test]
fn random_ranges_and_locations_are_refused_or_consistent() {
    let pieces = [
        "monday",
        "Sunday",
        "may",
        "June",
        ":",
        ":",
        "-",
        "1",
        "2",
        "31",
        "0",
        "2025",
        "99999999999",
        "08:00",
        "24:00",
        "UTC",
        "Europe/Berlin",
        "/",
        "..",
        "é",
    ];
    check_random_texts(4, &pieces, |text| {
        let printed = [
            WeekdayRange::parse(text).map(|range| range.to_string()),
            DayOfMonthRange::parse(text).map(|range| range.to_string()),
            MonthRange::parse(text).map(|range| range.to_string()),
            YearRange::parse(text).map(|range| range.to_string()),
        ];
        let again = |index: usize, text: &str| match index {
            0 => WeekdayRange::parse(text).map(|range| range.to_string()),
            1 => DayOfMonthRange::parse(text).map(|range| range.to_string()),
            2 => MonthRange::parse(text).map(|range| range.to_string()),
            _ => YearRange::parse(text).map(|range| range.to_string()),
        };
        for (index, printed) in printed.iter().enumerate() {
            if let Ok(printed) = printed {
                assert_eq!(again(index, printed).as_ref(), Ok(printed), "{text:?}");
            }
        }
        let time = TimeRange::parse("00:00", text);
        if let Ok(time) = &time {
            assert_eq!(time.end_text(), text);
        }
        let place = Location::parse(text);
        printed.iter().any(Result::is_ok) || time.is_ok() || place.is_ok()
    });
}

#[test]
fn random_instants_packings_and_literals_are_refused_or_consistent() {
    let pieces = [
        "2025-01-02",
        "T",
        "03:04:05",
        ".5",
        "Z",
        "+01:00",
        "\"",
        "\\x41",
        "\\u00e9",
        "a",
        "\u{1}",
        "\u{2}",
        "\u{40}",
        "é",
        "",
    ];
    check_random_texts(5, &pieces, |text| {
        let instant = Timestamp::parse_rfc3339(text);
        if let Some(instant) = instant {
            assert_eq!(Timestamp::parse_rfc3339(&instant.rfc3339_nanos()), Some(instant));
        }
        let labels = LabelSet::from_packed(text);
        if let Some(labels) = &labels {
            assert_eq!(labels.packed(), text);
        }
        let literal = unquoted(&format!("\"{text}\""));
        instant.is_some() || labels.is_some() || literal.is_some()
    });
}
