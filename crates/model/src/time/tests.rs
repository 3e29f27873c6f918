use std::time::Duration;

use super::{Mono, Now, Timestamp, civil_from_days, days_from_civil};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a valid time")
}

#[track_caller]
fn check(input: &str, millis: &str, nanos: &str) {
    let time = at(input);
    assert_eq!(time.rfc3339_millis(), millis);
    assert_eq!(time.rfc3339_nanos(), nanos);
}

#[test]
fn prints_both_precisions_in_the_zone_it_was_written_in() {
    check("2025-01-02T03:04:05Z", "2025-01-02T03:04:05.000Z", "2025-01-02T03:04:05Z");
    check(
        "2025-01-02T03:04:05.1234+02:00",
        "2025-01-02T03:04:05.123+02:00",
        "2025-01-02T03:04:05.1234+02:00",
    );
    check(
        "2024-02-29t23:59:59.999999999-0530",
        "2024-02-29T23:59:59.999-05:30",
        "2024-02-29T23:59:59.999999999-05:30",
    );
    check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00Z");
}

#[test]
fn invalid_times_are_refused() {
    for text in [
        "",
        "2025",
        "2025-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:00:00",
        "2025-01-01T00:00:00.Z",
        "2025-01-01T00:00:00Zx",
        "0000-06-01T00:00:00Z",
        "２025-01-01T00:00:00Z",
    ] {
        assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
    }
}

#[test]
fn instants_compare_without_their_zones() {
    assert_eq!(at("2025-01-01T12:00:00+02:00"), at("2025-01-01T10:00:00Z"));
    assert!(at("2025-01-01T12:00:00+02:00") < at("2025-01-01T11:00:00Z"));
}

#[test]
fn sums_saturate_at_the_ends_of_time() {
    assert_eq!(at("9999-12-31T00:00:00Z").plus(Duration::MAX), Timestamp::MAX);
    assert_eq!(at("0001-01-02T00:00:00Z").minus(Duration::MAX), Timestamp::ZERO);
    assert_eq!(
        at("2025-01-01T00:00:00.5Z").minus(Duration::from_millis(700)),
        at("2024-12-31T23:59:59.8Z")
    );
    assert_eq!(
        at("2025-01-01T00:00:00.5Z").plus(Duration::from_millis(700)),
        at("2025-01-01T00:00:01.2Z")
    );
    assert_eq!(Timestamp::ZERO.since(Timestamp::MAX), Duration::ZERO);
}

#[test]
fn every_day_of_four_centuries_survives_a_round_trip() {
    for day in (-141_000..=141_000).step_by(7) {
        let time = Timestamp::from_unix(day * 86_400 + 3_661, 0);
        assert_eq!(at(&time.rfc3339_nanos()), time);
    }
}

#[test]
fn clocks_translate_into_each_other() {
    let now = Now { wall: at("2025-01-01T00:00:00Z"), mono: Mono(5_000_000_000) };
    assert_eq!(now.mono_at(at("2025-01-01T00:00:30Z")), Mono(35_000_000_000));
    assert_eq!(now.mono_at(at("2020-01-01T00:00:00Z")), now.mono);
    assert_eq!(now.wall_at(Mono(35_000_000_000)), at("2025-01-01T00:00:30Z"));
}

#[test]
fn every_day_of_the_calendar_has_its_own_date() {
    let mut expected = (0, 1, 1);
    for days in days_from_civil(0, 1, 1)..=days_from_civil(9999, 12, 31) {
        let (year, month, day) = civil_from_days(days);
        assert_eq!((year, month, day), expected);
        assert_eq!(days_from_civil(year, month, day), days);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + u32::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        expected = match (month, day) {
            (12, 31) => (year + 1, 1, 1),
            (_, day) if day == last => (year, month + 1, 1),
            _ => (year, month, day + 1),
        };
    }
    assert_eq!(expected, (10_000, 1, 1));
}
