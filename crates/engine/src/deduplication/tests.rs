use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bellwether_model::{
    FailureReason, GroupKey, IntegrationId, Mono, Now, Outcome, Reason, Timestamp,
};

use super::{Candidate, Content, Deferral, Known, SuppressedEnds};
use crate::mute::Selection;
use crate::peers::{Peer, PeerSettings, Peers, StatusBroadcast};
use crate::replicated::{LogEntry, LogKey, Notified};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_000_000, 0).plus(Duration::from_secs(seconds))
}

fn now(seconds: u64) -> Now {
    Now { wall: at(seconds), mono: Mono(seconds * 1_000_000_000) }
}

fn key() -> LogKey {
    LogKey {
        group: GroupKey::from_text("{}:{}"),
        integration: IntegrationId { receiver: "r".into(), kind: "webhook".into(), index: 0 },
    }
}

/// `1 2; 3; 4`: the alerts that are firing, resolved, resolve pending.
fn notified(text: &str) -> Notified {
    let mut lists = text.split(';').map(|list| {
        list.split_whitespace().map(|hash| hash.parse().expect("a number")).collect::<Vec<u64>>()
    });
    let mut next = || lists.next().unwrap_or_default();
    Notified { firing: next(), resolved: next(), resolve_pending: next(), muted: vec![] }
}

/// The reason at second 1000, after an entry of second 0, with a repeat interval of 1000 s less
/// `early`.
fn reason_with(
    before: Option<&str>,
    next: &str,
    send_resolved: bool,
    resolved_lately: &[u64],
    early: Duration,
) -> Option<Reason> {
    let entry = before.map(|it| LogEntry::new(key(), notified(it), at(0), Duration::MAX));
    let known = Known {
        entry: entry.as_ref(),
        notified_at: entry.as_ref().map(|entry| entry.at),
        resolved_lately: resolved_lately.to_vec(),
        peers_knew_until: None,
    };
    let notified = notified(next);
    let content =
        Content { alerts: Selection::default(), fires: !notified.firing.is_empty(), notified };
    super::reason(&content, &known, send_resolved, Duration::from_secs(1000) - early, at(1000))
}

#[test]
fn each_rule_has_its_reason() {
    use Reason::{AllAlertsResolved, FirstNotification, NewAlertsAdded, SomeAlertsResolved};
    let check = |before, next, expected: [Option<Reason>; 2]| {
        let found = [true, false].map(|it| reason_with(before, next, it, &[], Duration::ZERO));
        assert_eq!(found, expected, "{before:?} then {next:?}, with and without send_resolved");
    };
    let always = |reason| [Some(reason), Some(reason)];
    // 4: first notification.
    check(None, "1", always(FirstNotification));
    check(None, "; 1", [None, None]);
    check(None, "", [None, None]);
    check(Some("; 1"), "1", always(FirstNotification));
    check(Some(""), "1", always(FirstNotification));
    check(Some("; ; 1"), "1", always(FirstNotification));
    // 5: new alerts.
    check(Some("1"), "1 2", always(NewAlertsAdded));
    check(Some("1 3"), "1 2; 3", always(NewAlertsAdded));
    check(Some("1"), "1", [None, None]);
    check(Some("1 2"), "1", [None, None]);
    // 6: all resolved.
    check(Some("1"), "; 1", always(AllAlertsResolved));
    check(Some("1"), "", always(AllAlertsResolved));
    check(Some("1"), "; ; 1", [None, None]);
    check(Some("1 2"), "; 1; 2", always(AllAlertsResolved));
    check(Some("; ; 1"), "; 1", always(AllAlertsResolved));
    check(Some("; ; 1"), "; ; 1", [None, None]);
    check(Some("; ; 1"), "", [None, None]);
    check(Some("; 1"), "; 1", [None, None]);
    // 7: some resolved.
    check(Some("1 2"), "1; 2", [Some(SomeAlertsResolved), None]);
    check(Some("1"), "1; 2", [Some(SomeAlertsResolved), None]);
    check(Some("1; 2"), "1; 2", [None, None]);
    check(Some("1; 2"), "1; 2 3", [Some(SomeAlertsResolved), None]);
}

#[test]
fn what_was_lately_notified_as_resolved_is_not_notified_again_unless_it_fired_since() {
    let reason =
        |before, lately: &[u64]| reason_with(Some(before), "1; 2", true, lately, Duration::ZERO);
    assert_eq!(reason("1", &[2]), None);
    assert_eq!(reason("1", &[3]), Some(Reason::SomeAlertsResolved));
    assert_eq!(reason("1 2", &[2]), Some(Reason::SomeAlertsResolved));
    assert_eq!(reason("1; ; 2", &[2]), Some(Reason::SomeAlertsResolved));
}

#[test]
fn a_repetition_is_due_strictly_later_than_the_repeat_interval() {
    let nano = Duration::from_nanos(1);
    let reason = |next, early| reason_with(Some("1"), next, true, &[], early);
    assert_eq!(reason("1", Duration::ZERO), None);
    assert_eq!(reason("1", nano), Some(Reason::RepeatIntervalElapsed));
    assert_eq!(reason("; ; 1", nano), None);
}

#[test]
fn only_outcomes_that_are_certain_undo_what_was_intended() {
    let certain = |reason| {
        let detail = String::new();
        let retry = Outcome::Retry { after: None, reason, detail: detail.clone() };
        let refused = Outcome::Refused { reason, detail };
        [retry, refused].map(|outcome| super::is_certainly_not_notified(&outcome))
    };
    use FailureReason as R;
    for reason in [R::ContextDeadlineExceeded, R::ContextCanceled, R::ServerError] {
        assert_eq!(certain(reason), [false; 2], "{reason:?}");
    }
    for reason in [R::ClientError, R::RateLimited, R::Other] {
        assert_eq!(certain(reason), [true; 2], "{reason:?}");
    }
    let delivered = Outcome::Delivered { remember: Default::default() };
    assert!(!super::is_certainly_not_notified(&delivered));
}

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Whether claims may be forged.
#[derive(PartialEq)]
enum Claims {
    Trusted,
    Doubted,
}

/// Peers of `b`, which has Bellwether nodes before and behind it.
fn peers(claims: Claims) -> Peers {
    let timeout = Duration::from_secs(15);
    let settings = PeerSettings {
        name: "b".to_owned(),
        timeout,
        corrects_clock: true,
        trusts_status: claims == Claims::Trusted,
    };
    let mut peers = Peers::new(Some(settings));
    let peer = |name: &str| Peer { name: name.to_owned(), address: ADDRESS, is_bellwether: true };
    peers.set_peers(now(0), vec![peer("a"), peer("c")]);
    peers
}

fn claim(peers: &mut Peers, peer: &str, at: u64) {
    let from = peer.to_owned();
    let status = StatusBroadcast { from, wall: now(at).wall, claims: vec![key().hash()] };
    peers.take_status(now(at), now(at).wall, ADDRESS, status).expect("a status of a peer");
}

/// A delivery whose flush lasts 300 s.
fn due_since_the_start(key: &LogKey) -> Candidate<'_> {
    Candidate {
        key,
        send_resolved: true,
        repeat_interval: Duration::ZERO,
        since: now(0).mono,
        deadline: now(300).mono,
        last_attempt: None,
        waited_with: None,
        suppressed_ends: SuppressedEnds::Notified,
        logs_muted: false,
    }
}

fn deferral(candidate: &Candidate<'_>, peers: &Peers, second: u64) -> Option<(Mono, Deferral)> {
    super::deferral(candidate, peers, now(second).mono)
}

#[test]
fn a_node_waits_for_its_turn_and_no_longer_than_the_flush() {
    let key = key();
    let mut candidate = due_since_the_start(&key);
    let until = |second| now(second).mono;
    assert_eq!(deferral(&candidate, &Peers::new(None), 0), None);

    let mut peers = peers(Claims::Doubted);
    let turn = |wait| Deferral::EarlierPosition { wait: Duration::from_secs(wait) };
    assert_eq!(deferral(&candidate, &peers, 0), Some((until(15), turn(15))));
    assert_eq!(deferral(&candidate, &peers, 14), Some((until(15), turn(1))));
    assert_eq!(deferral(&candidate, &peers, 15), None);
    candidate.deadline = until(10);
    assert_eq!(deferral(&candidate, &peers, 0), Some((until(10), turn(15))));
    candidate.deadline = until(300);

    // For a peer timeout after its turn it leaves the notification to a peer that says that it tries.
    claim(&mut peers, "c", 29);
    assert_eq!(deferral(&candidate, &peers, 29), Some((until(30), Deferral::Claimed)));
    assert_eq!(deferral(&candidate, &peers, 30), None);
    // Three quarters of a shorter flush.
    candidate.deadline = until(27);
    claim(&mut peers, "c", 23);
    assert_eq!(deferral(&candidate, &peers, 23), Some((until(24), Deferral::Claimed)));
    assert_eq!(deferral(&candidate, &peers, 24), None);

    // After an attempt of its own, for as long, and only to peers with an earlier position.
    candidate.deadline = until(1000);
    candidate.last_attempt = Some(until(80));
    claim(&mut peers, "c", 94);
    assert_eq!(deferral(&candidate, &peers, 94), None);
    claim(&mut peers, "a", 94);
    assert_eq!(deferral(&candidate, &peers, 94), Some((until(95), Deferral::Claimed)));
    assert_eq!(deferral(&candidate, &peers, 95), None);
}

#[test]
fn a_claim_that_cannot_be_forged_is_heeded_for_a_minute_and_after_an_attempt_for_five() {
    let key = key();
    let mut candidate = due_since_the_start(&key);
    let until = |second| now(second).mono;
    let mut peers = peers(Claims::Trusted);
    claim(&mut peers, "c", 74);
    assert_eq!(deferral(&candidate, &peers, 74), Some((until(75), Deferral::Claimed)));
    assert_eq!(deferral(&candidate, &peers, 75), None);
    candidate.deadline = until(1000);
    candidate.last_attempt = Some(until(80));
    claim(&mut peers, "a", 379);
    assert_eq!(deferral(&candidate, &peers, 379), Some((until(380), Deferral::Claimed)));
    assert_eq!(deferral(&candidate, &peers, 380), None);
}
