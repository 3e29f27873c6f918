use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{LabelSet, Matcher, Matchers, NewAlert, Op, Silence, Timestamp};

use super::{CANDIDATES_PER_TURN, SHARDS, SilenceIndex, UNFINISHED_MAX};
use crate::alerts::Alerts;

const ALERTS: usize = 5 * CANDIDATES_PER_TURN;

fn start() -> Timestamp {
    Timestamp::from_unix(1_000_000, 0)
}

/// Of the jobs `a` and `b` in turn.
fn alerts() -> Alerts {
    let mut alerts = Alerts::new(0);
    for number in 0..ALERTS {
        let number_text = number.to_string();
        let labels = LabelSet::new([("job", ["a", "b"][number % 2]), ("n", &number_text)]);
        let new = NewAlert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: LabelSet::default(),
            generator_url: "".into(),
            starts_at: Some(start()),
            ends_at: None,
        };
        alerts.report(new, start(), Duration::from_secs(300)).expect("a good alert");
    }
    alerts
}

/// Of all alerts with this job.
fn silence(id: &str, job: &str) -> (Arc<str>, Silence) {
    let matcher = Matcher::new("job", Op::Equal, job).expect("no pattern");
    let silence = Silence {
        id: id.to_owned(),
        matcher_sets: vec![Matchers::new(vec![matcher])],
        starts_at: start(),
        ends_at: start(),
        updated_at: start(),
        created_by: String::new(),
        comment: String::new(),
        annotations: Default::default(),
    };
    (id.into(), silence)
}

/// For each alert its job and how many silences match it.
fn matched(index: &SilenceIndex, alerts: &Alerts) -> Vec<(String, usize)> {
    let job = |labels: &LabelSet| labels.get("job").unwrap_or_default().to_owned();
    alerts.iter().map(|alert| (job(&alert.labels), index.of(alert).count())).collect()
}

#[track_caller]
fn check(index: &SilenceIndex, alerts: &Alerts, count_of_a: usize, count_of_b: usize) {
    for (job, count) in matched(index, alerts) {
        assert_eq!(count, if job == "a" { count_of_a } else { count_of_b }, "{job}");
    }
}

fn found(index: &SilenceIndex) -> usize {
    index.shards.iter().map(|shard| shard.len()).sum()
}

#[test]
fn a_silence_matches_all_its_alerts_before_they_are_found_and_after() {
    let alerts = alerts();
    let mut index = SilenceIndex::default();
    let (id, silence) = silence("s", "a");
    index.add_silence(&id, &silence, &alerts);
    let mut turns = 0;
    while !index.is_finished() {
        check(&index, &alerts, 1, 0);
        let before = found(&index);
        index.find_some(&alerts);
        assert!(found(&index) - before <= CANDIDATES_PER_TURN);
        turns += 1;
    }
    check(&index, &alerts, 1, 0);
    assert_eq!(found(&index), ALERTS / 2);
    assert!(turns > 2, "{turns}");
}

#[test]
fn alerts_that_come_meanwhile_have_the_silence_once() {
    let alerts = alerts();
    let mut index = SilenceIndex::default();
    let (id, silence) = silence("s", "a");
    index.add_silence(&id, &silence, &alerts);
    for alert in alerts.iter().filter(|alert| alert.labels.get("job") == Some("a")) {
        index.add_alert(alert.fingerprint, vec![id.clone()]);
    }
    while !index.is_finished() {
        check(&index, &alerts, 1, 0);
        index.find_some(&alerts);
    }
    check(&index, &alerts, 1, 0);
}

#[test]
fn an_ended_silence_is_looked_for_no_more_and_leaves_shard_by_shard() {
    let alerts = alerts();
    let mut index = SilenceIndex::default();
    let (ended, both) = (silence("s", "a"), silence("t", "a"));
    index.add_silence(&ended.0, &ended.1, &alerts);
    index.find_some(&alerts);
    index.stop_finding(&ended.0);
    assert!(index.is_finished() && found(&index) > 0);
    index.add_silence(&both.0, &both.1, &alerts);
    while !index.is_finished() {
        index.find_some(&alerts);
    }
    for shard in 0..SHARDS {
        index.remove_from(shard..shard + 1, |id| *id == ended.0);
    }
    check(&index, &alerts, 1, 0);
    index.remove_silence(&both.0);
    check(&index, &alerts, 0, 0);
    assert_eq!(found(&index), 0);
}

#[test]
fn only_a_few_silences_are_looked_for_at_a_time() {
    let alerts = alerts();
    let mut index = SilenceIndex::default();
    for number in 0..2 * UNFINISHED_MAX {
        let (id, silence) = silence(&number.to_string(), "b");
        index.add_silence(&id, &silence, &alerts);
        assert!(index.unfinished.len() <= UNFINISHED_MAX);
    }
    check(&index, &alerts, 0, 2 * UNFINISHED_MAX);
}
