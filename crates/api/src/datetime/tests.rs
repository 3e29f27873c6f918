use bellwether_model::Timestamp;

use super::parse_date_time;

#[test]
fn all_forms_of_a_date_time_are_read() {
    let cases = [
        ("2020-01-02T10:20:30Z", "2020-01-02T10:20:30Z"),
        ("2020-01-02T10:20:30.123456789+02:00", "2020-01-02T10:20:30.123456789+02:00"),
        ("2020-01-02T10:20:30,5Z", "2020-01-02T10:20:30.5Z"),
        ("2020-01-02T10:20:30.123+0200", "2020-01-02T10:20:30.123+02:00"),
        ("2020-01-02T10:20:30.123456-0330", "2020-01-02T10:20:30.123456-03:30"),
        ("2020-01-02T10:20:30", "2020-01-02T10:20:30Z"),
        ("2020-01-02T10:20:30.5", "2020-01-02T10:20:30.5Z"),
        ("2020-01-02T10:20Z", "2020-01-02T10:20:00Z"),
        ("2020-01-02T10:20", "2020-01-02T10:20:00Z"),
        ("2020-01-02 10:20:30", "2020-01-02T10:20:30Z"),
        ("2020-01-02", "2020-01-02T00:00:00Z"),
        ("", "1970-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ];
    for (text, expected) in cases {
        let at = parse_date_time(text).expect(text);
        assert_eq!(at.rfc3339_nanos(), expected, "{text}");
    }
}

#[test]
fn times_outside_the_range_become_the_nearest_one_inside() {
    for text in ["0000-01-01T00:00:00Z", "0000-02-29T00:00:00Z", "0001-01-01T00:00:00+02:00"] {
        let at = parse_date_time(text).expect(text);
        assert!(!at.is_zero(), "{text} must not mean: not set");
        assert_eq!(at.rfc3339_millis(), "0001-01-01T00:00:00.001Z", "{text}");
    }
    assert_eq!(parse_date_time("9999-12-31T23:59:59-01:00"), Ok(Timestamp::MAX));
}

#[test]
fn errors_are_those_of_the_last_layout() {
    let cases = [
        ("x", r#"parsing time "x" as "2006-01-02": cannot parse "x" as "2006""#),
        ("2020", r#"parsing time "2020" as "2006-01-02": cannot parse "" as "-""#),
        ("2020-1-01", r#"parsing time "2020-1-01" as "2006-01-02": cannot parse "1-01" as "01""#),
        ("2020-13-01", r#"parsing time "2020-13-01": month out of range"#),
        ("2020-02-30", r#"parsing time "2020-02-30": day out of range"#),
        ("0000-02-30", r#"parsing time "0000-02-30": day out of range"#),
        ("2020-01-01T10", r#"parsing time "2020-01-01T10": extra text: "T10""#),
        (
            "2020-01-01t10:00:00z",
            r#"parsing time "2020-01-01t10:00:00z": extra text: "t10:00:00z""#,
        ),
        (
            "2020-01-01T10:00:00+0200",
            r#"parsing time "2020-01-01T10:00:00+0200": extra text: "T10:00:00+0200""#,
        ),
        (
            "2020-01-01 10:00:00Z",
            r#"parsing time "2020-01-01 10:00:00Z": extra text: " 10:00:00Z""#,
        ),
        (
            "10000-01-01T00:00:00Z",
            r#"parsing time "10000-01-01T00:00:00Z" as "2006-01-02": cannot parse "0-01-01T00:00:00Z" as "-""#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_date_time(text).expect_err(text), expected);
    }
}

#[test]
fn no_text_panics() {
    let good = "2020-01-02T10:20:30.123+02:00é";
    for start in 0..good.len() {
        for end in start..=good.len() {
            if let Some(text) = good.get(start..end) {
                let whole = parse_date_time(text).is_ok();
                assert!(!whole || text.is_empty() || start == 0, "{text}");
            }
        }
    }
}
