use super::{
    DayOfMonthRange, Location, MonthRange, TimeInterval, TimeRange, WeekdayRange, YearRange,
};
use crate::time::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a valid time")
}

/// `weekdays=monday:friday times=09:00-17:00 location=Europe/Berlin`; values separated by commas.
fn interval(text: &str) -> TimeInterval {
    let mut interval = TimeInterval::default();
    for field in text.split_whitespace() {
        let (key, values) = field.split_once('=').expect("key and value");
        let values = || values.split(',').filter(|value| !value.is_empty());
        fn all<'a, R, E: std::fmt::Debug>(
            values: impl Iterator<Item = &'a str>,
            parse: impl Fn(&'a str) -> Result<R, E>,
        ) -> Option<Vec<R>> {
            Some(values.map(|value| parse(value).expect("a valid range")).collect())
        }
        match key {
            "times" => {
                interval.times = all(values(), |value| {
                    let (start, end) = value.split_once('-').expect("two times");
                    TimeRange::parse(start, end)
                });
            }
            "weekdays" => interval.weekdays = all(values(), WeekdayRange::parse),
            "days" => interval.days_of_month = all(values(), DayOfMonthRange::parse),
            "months" => interval.months = all(values(), MonthRange::parse),
            "years" => interval.years = all(values(), YearRange::parse),
            _ => {
                interval.location =
                    values().map(Location::parse).next().expect("one").expect("known")
            }
        }
    }
    interval
}

#[track_caller]
fn check_contains(text: &str, inside: &[&str], outside: &[&str]) {
    let interval = interval(text);
    for (times, expected) in [(inside, true), (outside, false)] {
        for time in times {
            assert_eq!(interval.contains(at(time)), expected, "{text} at {time}");
        }
    }
}

#[test]
fn absent_lists_always_fit_and_empty_ones_never() {
    check_contains("", &["2025-01-01T00:00:00Z", "0001-01-01T00:00:00Z"], &[]);
    check_contains("years=", &[], &["2025-01-01T00:00:00Z"]);
    check_contains("times= years=2025", &[], &["2025-01-01T00:00:00Z"]);
    assert!(TimeInterval::default().contains(Timestamp::MAX));
}

#[test]
fn times_of_day_exclude_their_end() {
    check_contains(
        "times=09:00-17:00,22:00-24:00",
        &["2025-03-01T09:00:00Z", "2025-03-01T16:59:59.999Z", "2025-03-01T23:59:59Z"],
        &["2025-03-01T08:59:59Z", "2025-03-01T17:00:00Z", "2025-03-02T00:00:00Z"],
    );
}

#[test]
fn all_lists_must_fit_but_one_range_of_each_is_enough() {
    check_contains(
        "weekdays=monday:tuesday,sunday months=march,june years=2025",
        &["2025-03-02T12:00:00Z", "2025-03-03T12:00:00Z", "2025-06-10T12:00:00Z"],
        &["2025-03-05T12:00:00Z", "2025-04-06T12:00:00Z", "2024-03-03T12:00:00Z"],
    );
}

#[test]
fn weekdays_may_go_on_over_the_end_of_the_week() {
    // 2025-03-01 was a Saturday.
    let day = |day: u32| format!("2025-03-{day:02}T12:00:00Z");
    let [sat, sun, mon, tue, thu, fri] = [1, 2, 3, 4, 6, 7].map(day);
    check_contains("weekdays=friday:monday", &[&fri, &sat, &sun, &mon], &[&tue, &thu]);
    check_contains("weekdays=saturday:sunday", &[&sat, &sun], &[&fri, &mon]);
    check_contains("weekdays=monday:sunday", &[&sat, &sun, &mon, &thu], &[]);
    check_next("weekdays=friday:monday", &sat, Some("2025-03-04T00:00:00Z"));
    check_next("weekdays=friday:monday", &tue, Some("2025-03-07T00:00:00Z"));
}

#[test]
fn negative_days_count_from_the_end_of_each_month() {
    check_contains(
        "days=-2:-1",
        &[
            "2024-02-28T12:00:00Z",
            "2024-02-29T12:00:00Z",
            "2025-02-28T00:00:00Z",
            "2025-12-31T23:59:59Z",
        ],
        &["2024-02-27T12:00:00Z", "2024-03-01T00:00:00Z", "2025-04-28T12:00:00Z"],
    );
    check_contains(
        "days=20:-5",
        &["2025-01-20T00:00:00Z", "2025-01-27T00:00:00Z"],
        &["2025-02-25T00:00:00Z", "2025-01-28T00:00:00Z"],
    );
}

#[test]
fn days_that_a_month_lacks_are_left_out() {
    check_contains(
        "days=30:31",
        &["2025-01-31T00:00:00Z", "2025-04-30T00:00:00Z"],
        &["2025-02-28T00:00:00Z", "2025-04-29T00:00:00Z"],
    );
    check_contains("days=-31", &["2025-01-01T00:00:00Z"], &["2025-02-01T00:00:00Z"]);
}

#[test]
fn the_last_day_stays_the_last_where_clocks_change_in_its_month() {
    check_contains(
        "days=-1 location=America/New_York",
        &["2025-03-31T04:00:00Z", "2025-04-01T03:59:59Z", "2025-11-30T12:00:00Z"],
        &["2025-03-31T03:59:59Z", "2025-04-01T04:00:00Z", "2025-11-29T12:00:00Z"],
    );
}

#[test]
fn clocks_are_those_of_the_location() {
    check_contains(
        "times=09:00-17:00 location=Europe/Berlin",
        &["2025-01-15T08:00:00Z", "2025-07-15T07:00:00Z"],
        &["2025-01-15T07:59:59Z", "2025-07-15T15:00:00Z"],
    );
    // The day has no 02:30 in spring and two in autumn.
    check_contains(
        "times=02:00-03:00 location=Europe/Berlin",
        &["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"],
        &["2025-03-30T00:59:59Z", "2025-03-30T01:00:00Z", "2025-10-26T02:00:00Z"],
    );
    check_contains(
        "weekdays=friday location=Pacific/Apia",
        &["2025-01-02T11:00:00Z"],
        &["2025-01-03T11:00:00Z"],
    );
}

#[track_caller]
fn check_next(text: &str, after: &str, expected: Option<&str>) {
    let next = interval(text).next_change(at(after));
    assert_eq!(next, expected.map(at), "{text} after {after}");
}

#[test]
fn the_next_change_is_named_to_the_second() {
    check_next("times=09:00-17:00", "2025-03-01T09:00:00Z", Some("2025-03-01T17:00:00Z"));
    check_next("times=09:00-17:00", "2025-03-01T17:00:00Z", Some("2025-03-02T09:00:00Z"));
    check_next("times=09:00-17:00", "2025-03-01T16:59:59.5Z", Some("2025-03-01T17:00:00Z"));
    check_next("times=22:00-24:00", "2025-03-01T23:00:00Z", Some("2025-03-02T00:00:00Z"));
    check_next("times=00:00-12:00,12:00-24:00", "2025-03-01T11:00:00Z", None);
    check_next("weekdays=monday:friday", "2025-03-01T11:11:11Z", Some("2025-03-03T00:00:00Z"));
    check_next("days=-1 months=february", "2024-03-01T00:00:00Z", Some("2025-02-28T00:00:00Z"));
    check_next("years=2026", "2025-06-01T00:00:00Z", Some("2026-01-01T00:00:00Z"));
}

#[test]
fn changes_of_clocks_do_not_hide_changes_of_the_interval() {
    let night = "times=02:00-03:00 location=Europe/Berlin";
    // Spring: 02:00 to 03:00 does not exist.
    check_next(night, "2025-03-29T12:00:00Z", Some("2025-03-31T00:00:00Z"));
    // Autumn: it comes twice in a row.
    check_next(night, "2025-10-26T00:00:00Z", Some("2025-10-26T02:00:00Z"));
    // The first 02:00 to 02:30, then, an hour later, the second.
    let half = "times=02:00-02:30 location=Europe/Berlin";
    check_next(half, "2025-10-25T12:00:00Z", Some("2025-10-26T00:00:00Z"));
    check_next(half, "2025-10-26T00:00:00Z", Some("2025-10-26T00:30:00Z"));
    check_next(half, "2025-10-26T00:30:00Z", Some("2025-10-26T01:00:00Z"));
    // A change of clocks in the middle of a range: 02:30 comes an hour early.
    let late = "times=02:30-06:00 location=Europe/Berlin";
    check_next(late, "2025-03-30T00:00:00Z", Some("2025-03-30T01:00:00Z"));
}

#[test]
fn what_never_changes_soon_has_no_next_change() {
    check_next("", "2025-01-01T00:00:00Z", None);
    check_next("location=Europe/Berlin", "2025-01-01T00:00:00Z", None);
    check_next("years=2030", "2025-01-01T00:00:00Z", None);
    check_next("weekdays=monday", "9999-12-31T23:59:59Z", None);
    check_next("weekdays=monday", "0001-01-01T00:00:00Z", Some("0001-01-02T00:00:00Z"));
    assert_eq!(interval("location=Europe/Berlin").next_change(Timestamp::MAX), None);
}

#[test]
fn nothing_changes_before_the_next_change() {
    let intervals = [
        "times=01:30-02:30 location=Europe/Berlin",
        "times=00:00-01:00,23:30-24:00 weekdays=saturday:saturday,sunday location=Asia/Kolkata",
        "days=-3:-1 times=12:00-13:00 location=America/New_York",
        "weekdays=sunday location=America/Sao_Paulo",
        "times=01:45-02:15 location=Australia/Lord_Howe",
    ];
    // Around the changes of clocks of several zones.
    for start in [
        "2025-03-28T00:00:00Z",
        "2025-10-24T00:00:00Z",
        "2025-04-04T00:00:00Z",
        "2018-11-02T00:00:00Z",
    ] {
        for text in intervals {
            let interval = interval(text);
            let start = at(start);
            let minute = |n: u64| start.plus(std::time::Duration::from_secs(60 * n));
            let mut next = interval.next_change(start);
            for n in 1..5 * 24 * 60 {
                let changed = interval.contains(minute(n)) != interval.contains(minute(n - 1));
                assert_eq!(changed, next == Some(minute(n)), "{text} at {:?}", minute(n));
                if changed {
                    next = interval.next_change(minute(n));
                }
            }
        }
    }
}

#[track_caller]
fn check_text<R: std::fmt::Display, E: std::fmt::Display>(
    parsed: Result<R, E>,
    expected: Result<&str, &str>,
) {
    let found = parsed.map(|range| range.to_string()).map_err(|error| error.to_string());
    assert_eq!(found, expected.map(String::from).map_err(String::from));
}

#[test]
fn ranges_print_as_they_are_marshalled() {
    check_text(WeekdayRange::parse("Monday:FRIDAY"), Ok("monday:friday"));
    check_text(WeekdayRange::parse("saturday:saturday"), Ok("saturday"));
    check_text(DayOfMonthRange::parse("+1:-1"), Ok("1:-1"));
    check_text(MonthRange::parse("January:3"), Ok("1:3"));
    check_text(MonthRange::parse("december"), Ok("12"));
    check_text(YearRange::parse("2024:2030"), Ok("2024:2030"));
    check_text(TimeRange::parse("00:00", "24:00"), Ok("00:00-24:00"));
    check_text(Location::parse("Europe/Berlin"), Ok("Europe/Berlin"));
    check_text(Location::parse("Local"), Ok("Local"));
    check_text(Location::parse("posix/Europe/Berlin"), Ok("posix/Europe/Berlin"));
    check_text(Location::parse(""), Ok("UTC"));
    assert!(Location::default().is_default());
    assert!(!Location::parse("").expect("UTC").is_default());
}

#[test]
fn errors_are_worded_as_in_go() {
    check_text(WeekdayRange::parse("mon"), Err("mon is not a valid weekday"));
    check_text(WeekdayRange::parse(" monday"), Err(" monday is not a valid weekday"));
    check_text(WeekdayRange::parse("Friday:monday"), Ok("friday:monday"));
    check_text(WeekdayRange::parse("sunday:sunday"), Ok("sunday"));
    check_text(WeekdayRange::parse("a:b:C"), Err("couldn't parse range a:b:c, invalid format"));
    check_text(DayOfMonthRange::parse("0"), Err("0 is not a valid day of the month: out of range"));
    check_text(
        DayOfMonthRange::parse("-3:5"),
        Err("end day must be negative if start day is negative"),
    );
    check_text(DayOfMonthRange::parse("30:-1"), Err("end day -1 is always before start day 30"));
    check_text(DayOfMonthRange::parse("x"), Err(r#"strconv.Atoi: parsing "x": invalid syntax"#));
    check_text(
        YearRange::parse("99999999999999999999"),
        Err(r#"strconv.Atoi: parsing "99999999999999999999": value out of range"#),
    );
    check_text(YearRange::parse("2025:2024"), Err("end year 2024 is before start year 2025"));
    check_text(MonthRange::parse("foo"), Err("foo is not a valid month"));
    for (text, month) in [("13:june", "13"), ("june:0", "0"), ("-1:14", "-1"), ("0", "0")] {
        let message = format!("{month} is not a valid month: out of range");
        check_text(MonthRange::parse(text), Err(&message));
    }
    check_text(TimeRange::parse("", "10:00"), Err("both start and end times must be provided"));
    for text in ["9:00", "24:01", "12:60", "12-00", "1２:00", "12:000"] {
        let expected = format!("couldn't parse timestamp {text}, invalid format");
        check_text(TimeRange::parse(text, "24:00"), Err(&expected));
    }
    check_text(
        TimeRange::parse("10:00", "10:00"),
        Err("start time cannot be equal or greater than end time"),
    );
    for name in ["Mars/Base", "europe/berlin", "utc", "EST5EDT4"] {
        check_text(Location::parse(name), Err(&format!("unknown time zone {name}")));
    }
    check_text(Location::parse("../etc"), Err("time: invalid location name"));
    check_text(Location::parse("/etc"), Err("time: invalid location name"));
}
