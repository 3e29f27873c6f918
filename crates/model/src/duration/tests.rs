use std::time::Duration;

use super::{format_go, format_prometheus, parse_go, parse_prometheus};

#[track_caller]
fn check_prometheus(text: &str, expected: Result<u64, &str>) {
    let found = parse_prometheus(text).map_err(|error| error.to_string());
    let expected = expected.map(Duration::from_millis).map_err(String::from);
    assert_eq!(found, expected, "{text}");
}

#[test]
fn reads_what_configurations_say() {
    check_prometheus("0", Ok(0));
    check_prometheus("0s", Ok(0));
    check_prometheus("30s", Ok(30_000));
    check_prometheus("1h30m", Ok(5_400_000));
    check_prometheus("1y2w3d4h5m6s7ms", Ok(33_019_506_007));
    check_prometheus("007s", Ok(7_000));
    check_prometheus("292y", Ok(292 * 365 * 86_400_000));
}

#[test]
fn refuses_with_the_words_of_prometheus() {
    let malformed = |text| format!("not a valid duration string: \"{text}\"");
    for text in ["1", "s", "-1s", "1.5s", "1s ", "1m1h", "1s1s", "1ms1s", "99999999999999999999s"] {
        let expected = if text == "1s " {
            r#"unknown unit "s " in duration "1s ""#.into()
        } else if text == "1.5s" {
            r#"unknown unit "." in duration "1.5s""#.into()
        } else {
            malformed(text)
        };
        check_prometheus(text, Err(&expected));
    }
    check_prometheus("", Err("empty duration string"));
    check_prometheus("5x", Err(r#"unknown unit "x" in duration "5x""#));
    check_prometheus("293y", Err("duration out of range"));
    check_prometheus("292y52w", Err("duration out of range"));
}

#[test]
fn prints_the_shortest_text_that_reads_back() {
    let cases = [
        ("0s", 0),
        ("1ms", 1),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("2w", 14 * 86_400_000),
        ("90d", 90 * 86_400_000),
        ("1y", 365 * 86_400_000),
        ("14d1ms", 14 * 86_400_000 + 1),
    ];
    for (text, millis) in cases {
        let duration = Duration::from_millis(millis);
        assert_eq!(format_prometheus(duration), text);
        assert_eq!(parse_prometheus(text), Ok(duration));
    }
    assert_eq!(format_prometheus(Duration::from_micros(1_999)), "1ms");
}

#[track_caller]
fn check_go(text: &str, expected: Result<i64, &str>) {
    let found = parse_go(text).map_err(|error| error.to_string());
    assert_eq!(found, expected.map_err(String::from), "{text}");
}

#[test]
fn reads_go_durations_with_signs_and_fractions() {
    check_go("0", Ok(0));
    check_go("-0", Ok(0));
    check_go("1h30m", Ok(5_400_000_000_000));
    check_go("-1.5h", Ok(-5_400_000_000_000));
    check_go("+5s", Ok(5_000_000_000));
    check_go(".5s", Ok(500_000_000));
    check_go("1.s", Ok(1_000_000_000));
    check_go("1us1µs1μs", Ok(3_000));
    check_go("1m1h1m", Ok(3_720_000_000_000));
    check_go("0.1000000000000000000000000001ns", Ok(0));
    check_go("-9223372036854775808ns", Ok(i64::MIN));
    check_go("9223372036854775807ns", Ok(i64::MAX));
}

#[test]
fn refuses_with_the_words_of_go() {
    for text in ["", "-", ".s", "x", "1s x", "9223372036854775808ns", "3000000h", "--1s"] {
        let expected = match text {
            "1s x" => r#"time: unknown unit "s x" in duration "1s x""#.into(),
            _ => format!("time: invalid duration \"{text}\""),
        };
        check_go(text, Err(&expected));
    }
    check_go("5", Err(r#"time: missing unit in duration "5""#));
    check_go("1d", Err(r#"time: unknown unit "d" in duration "1d""#));
    check_go("1é", Err(r#"time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#));
}

#[test]
fn prints_as_go_does() {
    let cases = [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (-250_000_000, "-250ms"),
        (1_000_000_001, "1.000000001s"),
        (90_000_000_000, "1m30s"),
        (5_400_000_000_000, "1h30m0s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ];
    for (nanos, text) in cases {
        assert_eq!(format_go(nanos), text);
        assert_eq!(parse_go(text), Ok(nanos));
    }
}
