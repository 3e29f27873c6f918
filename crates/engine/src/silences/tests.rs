use bellwether_model::{LabelSet, Matcher, Matchers, Op, Silence, Timestamp};
use proptest::prelude::*;
use std::time::Duration;

use super::{PostedSilence, SilenceRefusal, Silences};
use crate::replicated::{SilenceRecord, Wire};
use crate::settings::EngineSettings;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_000_000 + seconds, 0)
}

fn matcher(name: &str, op: Op, value: &str) -> Matcher {
    Matcher::new(name, op, value).expect("a valid matcher")
}

fn posted(matchers: Vec<Matcher>, starts_at: i64, ends_at: i64) -> PostedSilence {
    PostedSilence {
        id: None,
        matchers,
        starts_at: at(starts_at),
        ends_at: at(ends_at),
        created_by: String::new(),
        comment: String::new(),
        annotations: Default::default(),
    }
}

fn silence(id: &str, sets: Vec<Matchers>, starts_at: i64, ends_at: i64) -> Silence {
    Silence {
        id: id.to_owned(),
        matcher_sets: sets,
        starts_at: at(starts_at),
        ends_at: at(ends_at),
        updated_at: at(0),
        created_by: String::new(),
        comment: String::new(),
        annotations: Default::default(),
    }
}

fn holding(silences: &Silences, labels: &LabelSet, now: i64) -> Vec<String> {
    let matching = silences.matching(labels);
    silences.active(matching.iter(), at(now)).map(|(id, _)| id.to_string()).collect()
}

#[test]
fn a_silence_holds_where_any_of_its_sets_does_and_while_it_is_active() {
    let host = Matchers(vec![matcher("host", Op::Equal, "a"), matcher("job", Op::NotEqual, "x")]);
    let name = Matchers(vec![matcher("alertname", Op::Matches, "D.*")]);
    let mut silences = Silences::default();
    silences.merge(silence("s", vec![host, name], 10, 20), at(0));

    let disk = LabelSet::new([("alertname", "Disk")]);
    let host = LabelSet::new([("host", "a")]);
    let both_wrong = LabelSet::new([("host", "a"), ("job", "x")]);
    for (now, labels, expected) in [
        (9, &disk, false),
        (10, &disk, true),
        (19, &host, true),
        (19, &both_wrong, false),
        (20, &disk, false),
    ] {
        assert_eq!(!holding(&silences, labels, now).is_empty(), expected, "{labels:?} at {now}");
    }
}

#[test]
fn what_has_ended_leaves_the_index_at_once_and_the_table_after_the_retention() {
    let set = Matchers(vec![matcher("host", Op::Equal, "a")]);
    let mut silences = Silences::default();
    silences.merge(silence("s", vec![set], 0, 20), at(0));
    let retention = Duration::from_secs(100);
    let labels = LabelSet::new([("host", "a")]);

    assert!(silences.collect(at(20), retention).gone.is_empty());
    assert!(silences.index.candidates(&labels).is_empty() && silences.find("s").is_some());
    assert!(silences.collect(at(119), retention).gone.is_empty());
    assert_eq!(silences.collect(at(120), retention).gone.len(), 1);
    assert!(silences.find("s").is_none());
}

#[test]
fn creating_again_and_again_leaves_no_more_than_the_retention_holds() {
    let settings = EngineSettings::default();
    let retention = Duration::from_secs(3600);
    let mut silences = Silences::default();
    let mut most = 0;
    for round in 0..2000 {
        let now = round * 50;
        let new = posted(vec![matcher("host", Op::Equal, "a")], now, now + 60);
        let made = silences.post(new, at(now), &settings, || format!("{round}"));
        for version in made.expect("the silence is valid").versions {
            silences.merge(version, at(now));
        }
        silences.collect(at(now), retention);
        most = most.max(silences.iter().count());
    }
    assert!(most < 3660 / 50 + 3, "{most} silences were held");
}

#[test]
fn a_size_limit_counts_the_encoded_silence() {
    let settings = EngineSettings { silence_bytes_max: 120, ..EngineSettings::default() };
    let silences = Silences::default();
    let check = |value: &str, fits: bool| {
        let new = posted(vec![matcher("host", Op::Equal, value)], 0, 60);
        let id = || "778b5f1b-a685-499b-931f-c709ec67bce1".to_owned();
        match silences.post(new, at(0), &settings, id) {
            Ok(_) => assert!(fits, "{value} fits"),
            Err(SilenceRefusal::TooLarge { bytes, limit: 120 }) => {
                assert!(!fits && bytes > 120, "{bytes} bytes");
            }
            Err(other) => panic!("{other}"),
        }
    };
    check("a", true);
    check(&"a".repeat(60), false);
}

#[test]
fn a_change_is_newer_than_what_it_changes_even_if_the_clock_went_back() {
    let settings = EngineSettings::default();
    let mut silences = Silences::default();
    let matchers = vec![matcher("host", Op::Equal, "a")];
    let made = silences.post(posted(matchers, 100, 200), at(100), &settings, || "s".to_owned());
    for version in made.expect("the silence is valid").versions {
        silences.merge(version, at(100));
    }
    let ended = silences.expire("s", at(100)).expect("it is known").expect("it has not ended");
    assert!(ended.updated_at > at(100));
    assert!(silences.merge(ended, at(100)));
    assert_eq!(silences.find("s").map(|s| s.ends_at), Some(at(100)));
}

fn any_version() -> impl Strategy<Value = Silence> {
    ("[st]", 0i64..3, 0i64..3, 0i64..2, "[pq]", "[vw]").prop_map(
        |(id, updated, ends, starts, comment, value)| Silence {
            updated_at: at(updated),
            comment,
            annotations: [("k".to_owned(), value.clone())].into(),
            ..silence(
                &id,
                vec![Matchers(vec![matcher("host", Op::Equal, &value)])],
                starts,
                10 + ends,
            )
        },
    )
}

fn merged<'a>(versions: impl IntoIterator<Item = &'a Silence>) -> Vec<Silence> {
    let mut silences = Silences::default();
    for version in versions {
        silences.merge(version.clone(), at(5));
    }
    for value in ["v", "w"] {
        // The index agrees with the table.
        let labels = LabelSet::new([("host", value)]);
        let matching = |s: &&std::sync::Arc<Silence>| s.matches(&labels);
        let expected: Vec<String> =
            silences.iter().filter(matching).map(|s| s.id.clone()).collect();
        assert_eq!(holding(&silences, &labels, 5), expected);
    }
    silences.iter().map(|silence| (**silence).clone()).collect()
}

proptest! {
    #[test]
    fn merging_in_any_order_and_again_gives_the_same(
        (versions, shuffled) in proptest::collection::vec(any_version(), 0..8)
            .prop_flat_map(|versions| (Just(versions.clone()), Just(versions).prop_shuffle())),
    ) {
        let once = merged(&versions);
        prop_assert_eq!(&once, &merged(&shuffled));
        prop_assert_eq!(&once, &merged(versions.iter().chain(&shuffled)));
        let (left, right) = versions.split_at(versions.len() / 2);
        prop_assert_eq!(&once, &merged(merged(right).iter().chain(&merged(left))));
    }
}

#[test]
fn a_silence_may_end_in_the_instant_in_which_it_is_posted() {
    let matchers = || vec![matcher("host", Op::Equal, "a")];
    let post = |ends_at| {
        let settings = EngineSettings::default();
        let posted = posted(matchers(), 0, ends_at);
        Silences::default().post(posted, at(100), &settings, || "s".to_owned()).map(|it| it.id)
    };
    assert_eq!(post(100), Ok("s".to_owned()));
    assert_eq!(post(99), Err(SilenceRefusal::EndsInThePast));
}

#[test]
fn a_change_has_the_time_at_which_it_was_made_unless_the_clock_went_back() {
    let set = Matchers(vec![matcher("host", Op::Equal, "a")]);
    let mut silences = Silences::default();
    silences.merge(silence("s", vec![set], -10, 1000), at(0));
    let expired = |now| {
        let version = silences.expire("s", at(now)).expect("it is there").expect("it is active");
        version.updated_at
    };
    assert_eq!(expired(60), at(60));
    let nanosecond = Duration::from_nanos(1);
    assert_eq!([expired(0), expired(-5)], [at(0).plus(nanosecond), at(0).plus(nanosecond)]);
}

#[test]
fn a_silence_may_be_exactly_as_large_as_the_limit() {
    let post = |limit| {
        let settings = EngineSettings { silence_bytes_max: limit, ..EngineSettings::default() };
        let posted = posted(vec![matcher("host", Op::Equal, "a")], 0, 1000);
        Silences::default().post(posted, at(0), &settings, || "s".to_owned()).map(|it| it.id)
    };
    let Err(SilenceRefusal::TooLarge { bytes, limit: 1 }) = post(1) else {
        panic!("one byte is enough");
    };
    assert_eq!(post(bytes), Ok("s".to_owned()));
    assert_eq!(post(bytes - 1), Err(SilenceRefusal::TooLarge { bytes, limit: bytes - 1 }));
}

#[test]
fn what_a_peer_knew_of_a_silence_is_passed_on() {
    let retention = Duration::from_secs(500);
    let set = Matchers(vec![matcher("host", Op::Equal, "a")]);
    let ended_early = silence("s", vec![set], 0, 100);
    let mut silences = Silences::default();
    silences.merge(ended_early.clone(), at(0));
    // A longer version is about, and the message has fields of a newer program.
    let version = SilenceRecord {
        silence: ended_early.into(),
        expires_at: at(900).plus(retention),
        wire: Some(Wire([1, 2, 3].as_slice().into())),
    };
    silences.note_origin(version.clone(), retention);
    let passed_on: Vec<SilenceRecord> = silences.versions(retention).collect();
    assert_eq!(passed_on.len(), 1);
    assert_eq!(passed_on[0].expires_at, at(900).plus(retention));
    assert_eq!(passed_on[0].wire, version.wire);
}
