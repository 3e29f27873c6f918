use bellwether_model::Timestamp;

use super::date;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a fixed time")
}

#[test]
fn dates_have_the_format_of_mail_headers() {
    assert_eq!(date(at("2006-01-02T15:04:05.9Z")), "Mon, 02 Jan 2006 15:04:05 +0000");
    assert_eq!(date(at("2026-11-22T00:30:00+01:30")), "Sun, 22 Nov 2026 00:30:00 +0130");
    assert_eq!(date(at("1969-12-31T23:30:00-01:00")), "Wed, 31 Dec 1969 23:30:00 -0100");
}
