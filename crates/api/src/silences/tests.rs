use std::collections::BTreeMap;

use bellwether_engine::NotInForce;
use bellwether_model::{Matcher, Matchers, Op, Silence, SilenceState, Timestamp};

use super::write::push_silence;
use super::{SilenceQuery, is_uuid, place};
use crate::query::Query;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a fixed time")
}

fn silence(id: &str, starts: &str, ends: &str) -> Silence {
    let matcher = Matcher::new("a", Op::NotMatches, "<b>").expect("a fixed pattern");
    Silence {
        id: id.into(),
        matcher_sets: vec![Matchers::new(vec![matcher])],
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at("2026-01-01T00:00:00.1239Z"),
        created_by: "me".into(),
        comment: "a&b".into(),
        annotations: BTreeMap::new(),
    }
}

#[test]
fn a_silence_is_written_in_the_order_of_upstream() {
    let mut shown = silence("x", "2026-01-01T02:00:00+02:00", "2026-01-02T00:00:00Z");
    let mut out = String::new();
    push_silence(&mut out, &shown, shown.state(at("2026-01-01T12:00:00Z")), None).expect("one set");
    assert_eq!(
        out,
        concat!(
            r#"{"id":"x","status":{"state":"active"},"updatedAt":"2026-01-01T00:00:00.123Z","#,
            r#""comment":"a\u0026b","createdBy":"me","endsAt":"2026-01-02T00:00:00.000Z","#,
            r#""matchers":[{"isEqual":false,"isRegex":true,"name":"a","value":"\u003cb\u003e"}],"#,
            r#""startsAt":"2026-01-01T00:00:00.000Z"}"#
        )
    );
    shown.annotations.insert("k".into(), "v".into());
    out.clear();
    push_silence(&mut out, &shown, shown.state(at("2026-01-03T00:00:00Z")), None).expect("one set");
    let expected = r#"updatedAt":"2026-01-01T00:00:00.123Z","annotations":{"k":"v"},"comment"#;
    assert!(out.contains(expected), "{out}");
    assert!(out.contains(r#""state":"expired""#), "{out}");
}

#[test]
fn a_silence_that_mutes_nothing_says_why() {
    let shown = silence("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let mut out = String::new();
    let why = Some(NotInForce::TooLarge);
    push_silence(&mut out, &shown, shown.state(at("2026-01-01T12:00:00Z")), why).expect("one set");
    let end = r#","bellwether":{"notInForce":"its regular expressions are too large (--silences.max-pattern-bytes)"}}"#;
    assert!(out.ends_with(end), "{out}");
}

#[test]
fn a_silence_with_two_sets_cannot_be_shown() {
    let mut shown = silence("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    shown.matcher_sets.push(Matchers::default());
    let refused = push_silence(&mut String::new(), &shown, SilenceState::Pending, None);
    let message =
        "silence 'x' has multiple matcher sets which is not supported by this API version";
    assert_eq!(refused, Err(message.to_owned()));
}

#[test]
fn active_then_pending_then_expired() {
    let now = at("2026-01-10T00:00:00Z");
    let mut silences = [
        silence("expired long ago", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        silence("expired just now", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z"),
        silence("pending late", "2026-01-20T00:00:00Z", "2026-01-21T00:00:00Z"),
        silence("pending soon", "2026-01-11T00:00:00Z", "2026-01-30T00:00:00Z"),
        silence("active long", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        silence("active short", "2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z"),
    ];
    silences.sort_by_key(|silence| place(silence, silence.state(now)));
    let ids: Vec<&str> = silences.iter().map(|silence| silence.id.as_str()).collect();
    let expected = [
        "active short",
        "active long",
        "pending soon",
        "pending late",
        "expired just now",
        "expired long ago",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn silences_with_equal_times_are_in_the_order_of_their_creation() {
    let now = at("2026-01-10T00:00:00Z");
    let spans = [
        ("2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z"),
        ("2026-01-11T00:00:00Z", "2026-01-12T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    ];
    for (starts_at, ends_at) in spans {
        let created = |id, second| {
            let updated_at = at(&format!("2026-01-01T00:00:{second:02}Z"));
            Silence { updated_at, ..silence(id, starts_at, ends_at) }
        };
        let mut silences = [created("a", 3), created("b", 1), created("c", 2)];
        silences.sort_by_key(|silence| place(silence, silence.state(now)));
        let ids: Vec<&str> = silences.iter().map(|silence| silence.id.as_str()).collect();
        assert_eq!(ids, ["b", "c", "a"], "{starts_at}");
    }
}

#[test]
fn filters_compare_texts_within_one_set() {
    let now = at("2026-01-01T12:00:00Z");
    let mut shown = silence("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let matcher = |name, op, value| Matcher::new(name, op, value).expect("a fixed pattern");
    shown.matcher_sets.push(Matchers::new(vec![matcher("c", Op::Equal, "d")]));
    let fits = |filters: Vec<Matcher>, raw: &str| {
        SilenceQuery::new(&Query::parse(Some(raw)), filters).fits(&shown, shown.state(now))
    };
    let same = matcher("a", Op::NotMatches, "<b>");
    let other_set = matcher("c", Op::Equal, "d");
    assert!(fits(vec![], ""));
    assert!(fits(vec![same.clone()], ""));
    assert!(fits(vec![other_set.clone()], "pending=0&expired=0"));
    assert!(!fits(vec![same.clone(), other_set], ""));
    assert!(!fits(vec![matcher("a", Op::NotEqual, "<b>")], ""));
    assert!(!fits(vec![same], "active=false"));
}

#[test]
fn ids_have_the_form_of_a_uuid() {
    let bare = "0123abcd-4567-89ef-0123-456789ABCDEF";
    let good = [
        bare.to_string(),
        bare.replace('-', ""),
        format!("{{{bare}}}"),
        format!("URN:uuid:{bare}"),
    ];
    for text in good {
        assert!(is_uuid(&text), "{text}");
    }
    let bad = ["", "x", "0123abcd4567-89ef-0123-456789ABCDEF", "é", "{0123}", "urn:uuid:"];
    for text in bad {
        assert!(!is_uuid(text), "{text}");
    }
    assert!(!is_uuid(&format!("{bare}-")));
    assert!(!is_uuid(&bare.replace('a', "g")));
}
