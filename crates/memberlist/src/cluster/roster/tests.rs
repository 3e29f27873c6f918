use super::*;
use crate::cluster::failure::JoinFailure;

fn settings(peers: &[&str]) -> ClusterSettings {
    let name = NodeName::new("own").unwrap();
    let peers = peers.iter().map(|peer| (*peer).to_owned()).collect();
    ClusterSettings::alertmanager(name, at("10.0.0.1:9094"), peers)
}

fn at(text: &str) -> Address {
    let address: SocketAddr = text.parse().unwrap();
    Address::new(address.ip(), address.port())
}

fn seconds(seconds: u64) -> Mono {
    Mono::default().plus(Duration::from_secs(seconds))
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// All visits that are due, as they are ended with `result`.
fn visits(roster: &mut Roster, result: Visited) -> Vec<Visit> {
    visits_noted(roster, result, &mut Vec::new())
}

fn visits_noted(roster: &mut Roster, result: Visited, notes: &mut Vec<ClusterNote>) -> Vec<Visit> {
    let mut visits = Vec::new();
    while let Some(visit) = roster.next_visit() {
        roster.visited(visit.address, result, notes);
        visits.push(visit);
    }
    visits
}

fn visit(address: &str, cause: JoinCause) -> Visit {
    Visit { address: at(address), cause, expecting: None }
}

#[test]
fn configured_addresses_are_visited_at_boot_and_again_until_they_are_met() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["10.0.0.1:9094", "10.0.0.2:9094"]));
    assert!(roster.advance(seconds(0), &mut notes).is_empty());
    assert!(roster.is_joining());
    assert_eq!((roster.failed(), roster.expected()), (1, 1));
    let boot = visit("10.0.0.2:9094", JoinCause::Boot);
    assert_eq!(visits(&mut roster, Visited::Failed), [boot]);
    assert!(!roster.is_joining());
    roster.advance(seconds(10), &mut notes);
    let again = visit("10.0.0.2:9094", JoinCause::Reconnect);
    assert_eq!(visits(&mut roster, Visited::Joined), [again]);
    roster.joined(seconds(0), &node("b"), at("10.0.0.2:9094"));
    roster.advance(seconds(20), &mut notes);
    assert_eq!(visits(&mut roster, Visited::Failed), []);
    assert_eq!(roster.failed(), 0);
}

#[test]
fn configured_and_failed_peers_are_missing_until_they_are_joined() {
    let mut notes = Vec::new();
    let configured = ["10.0.0.1:9094", "10.0.0.2:9094", "am:9094"];
    let mut roster = Roster::new(seconds(0), &settings(&configured));
    let mut troubles = Troubles::default();
    let listed = |roster: &Roster, troubles: &Troubles| -> Vec<String> {
        roster.missing(troubles).iter().map(Missing::to_string).collect()
    };
    assert_eq!(listed(&roster, &troubles), ["10.0.0.2:9094", "am:9094 (does not resolve)"]);
    roster.resolved(seconds(0), "am:9094", &[at("10.0.0.3:9094")], None, &mut notes);
    visits(&mut roster, Visited::Failed);
    troubles.failed(seconds(0), at("10.0.0.2:9094"), JoinFailure::Tls);
    troubles.failed(seconds(0), at("10.0.0.3:9094"), JoinFailure::Unreachable);
    let all = ["10.0.0.2:9094 (TLS handshake failed)", "am:9094 at 10.0.0.3:9094 (no connection)"];
    assert_eq!(listed(&roster, &troubles), all);
    assert_eq!(roster.peer_at(at("10.0.0.3:9094")).as_deref(), Some("am:9094"));
    assert!(roster.knows_host(at("10.0.0.3:4711")) && !roster.knows_host(at("10.0.0.4:9094")));

    // One is joined at another address than the configured one, the other is a member.
    troubles.ended(at("10.0.0.2:9094"));
    roster.joined(seconds(1), &node("c"), at("10.0.0.3:9094"));
    assert_eq!(listed(&roster, &troubles), [""; 0]);

    // Who fails is missing, even if it is not configured, and who leaves is not.
    roster.joined(seconds(1), &node("d"), at("10.0.0.4:9094"));
    roster.lost(seconds(2), &node("d"), at("10.0.0.4:9094"), Departure::Failed, &mut notes);
    assert_eq!(listed(&roster, &troubles), ["d at 10.0.0.4:9094"]);
    let away = roster.joined(seconds(9), &node("d"), at("10.0.0.5:9094"));
    assert_eq!(away, Some(Duration::from_secs(7)));
    roster.lost(seconds(10), &node("d"), at("10.0.0.5:9094"), Departure::Left, &mut notes);
    assert_eq!(listed(&roster, &troubles), [""; 0]);
    assert!(roster.has_left(seconds(10_000), at("10.0.0.5:9094")), "it is not configured");
    roster.lost(seconds(11), &node("c"), at("10.0.0.3:9094"), Departure::Left, &mut notes);
    assert!(roster.has_left(seconds(310), at("10.0.0.3:9094")));
    assert!(!roster.has_left(seconds(311), at("10.0.0.3:9094")));
}

#[test]
fn a_name_is_looked_up_until_it_stands_for_something_and_then_now_and_again() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["am:9094"]));
    assert_eq!(roster.advance(seconds(0), &mut notes), ["am:9094"]);
    assert!(roster.advance(seconds(1), &mut notes).is_empty());
    roster.resolved(seconds(1), "am:9094", &[], None, &mut notes);
    assert_eq!(notes, [ClusterNote::NameUnresolved { name: "am:9094".to_owned(), error: None }]);
    assert!(roster.is_joining());
    assert_eq!(roster.expected(), 1);
    assert_eq!(roster.advance(seconds(3), &mut notes), ["am:9094"]);
    let found = [at("10.0.0.3:9094"), at("10.0.0.1:9094"), at("10.0.0.3:9094")];
    roster.resolved(seconds(3), "am:9094", &found, None, &mut notes);
    assert_eq!(visits(&mut roster, Visited::Joined), [visit("10.0.0.3:9094", JoinCause::Boot)]);
    assert!(!roster.is_joining());
    assert!(roster.advance(seconds(9), &mut notes).is_empty());
    assert_eq!(visits(&mut roster, Visited::Joined), []);

    roster.joined(seconds(0), &node("c"), at("10.0.0.3:9094"));
    assert_eq!(roster.advance(seconds(18), &mut notes), ["am:9094"]);
    let found = [at("10.0.0.3:9094"), at("10.0.0.4:9094")];
    roster.resolved(seconds(18), "am:9094", &found, None, &mut notes);
    assert_eq!(visits(&mut roster, Visited::Joined), [visit("10.0.0.4:9094", JoinCause::Refresh)]);
}

#[test]
fn an_unconfigured_address_is_asked_for_the_peer_that_was_there() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&[]));
    roster.joined(seconds(0), &node("b"), at("10.0.0.2:9094"));
    roster.lost(seconds(5), &node("b"), at("10.0.0.2:9094"), Departure::Failed, &mut notes);
    let mut stranger = 0;
    for round in 1..=5 {
        roster.advance(seconds(10 * round), &mut notes);
        for visit in visits_noted(&mut roster, Visited::Stranger, &mut notes) {
            assert_eq!(visit.expecting, Some(node("b")));
            stranger += 1;
        }
    }
    assert_eq!(stranger, REFUSALS_MAX);
    assert_eq!(roster.failed(), 0);
    let reason = Forgotten::Recycled;
    assert_eq!(notes, [ClusterNote::PeerForgotten { address: at("10.0.0.2:9094"), reason }]);
}

#[test]
fn a_configured_address_is_never_given_up_for_who_is_there() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["10.0.0.2:9094"]));
    roster.joined(seconds(0), &node("b"), at("10.0.0.2:9094"));
    roster.lost(seconds(5), &node("b"), at("10.0.0.2:9094"), Departure::Failed, &mut notes);
    for round in 1..=9 {
        roster.advance(seconds(10 * round), &mut notes);
        let visits = visits(&mut roster, Visited::Stranger);
        assert_eq!(visits[0].expecting, None);
    }
    assert_eq!(roster.failed(), 1);
}

#[test]
fn a_peer_that_comes_back_elsewhere_is_not_looked_for_where_it_was() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&[]));
    roster.joined(seconds(0), &node("b"), at("10.0.0.2:9094"));
    roster.lost(seconds(5), &node("b"), at("10.0.0.2:9094"), Departure::Failed, &mut notes);
    roster.joined(seconds(0), &node("b"), at("10.0.0.9:9094"));
    assert_eq!(roster.failed(), 0);
    // And who restarts under a new name takes the place of the old one, whose end is reported later.
    roster.joined(seconds(0), &node("c"), at("10.0.0.9:9094"));
    roster.lost(seconds(9), &node("b"), at("10.0.0.9:9094"), Departure::Failed, &mut notes);
    assert_eq!(roster.failed(), 0);
}

#[test]
fn hope_ends_after_the_reconnect_timeout() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["10.0.0.2:9094"]));
    roster.advance(seconds(6 * 3600), &mut notes);
    assert_eq!(roster.failed(), 1);
    roster.advance(seconds(6 * 3600 + 60), &mut notes);
    assert_eq!(roster.failed(), 0);
    let reason = Forgotten::TimedOut;
    assert_eq!(notes, [ClusterNote::PeerForgotten { address: at("10.0.0.2:9094"), reason }]);
}

#[test]
fn hope_ends_sooner_where_no_name_stands_for_the_address_any_longer() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["am:9094"]));
    roster.resolved(seconds(0), "am:9094", &[at("10.0.0.2:9094")], None, &mut notes);
    roster.joined(seconds(0), &node("b"), at("10.0.0.2:9094"));
    roster.lost(seconds(60), &node("b"), at("10.0.0.2:9094"), Departure::Failed, &mut notes);
    // A lookup that fails says nothing about the address.
    roster.resolved(seconds(60), "am:9094", &[], None, &mut notes);
    roster.advance(seconds(900), &mut notes);
    assert_eq!(roster.failed(), 1);
    roster.resolved(seconds(901), "am:9094", &[at("10.0.0.7:9094")], None, &mut notes);
    roster.advance(seconds(961), &mut notes);
    assert_eq!(roster.failed(), 0);
    assert!(notes.contains(&ClusterNote::PeerForgotten {
        address: at("10.0.0.2:9094"),
        reason: Forgotten::NoLongerNamed
    }));
}

#[test]
fn what_is_remembered_of_the_lost_is_limited() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&[]));
    for port in 1..=FAILED_PEERS_MAX as u16 + 1 {
        let address = Address::new([10, 0, 0, 2], port);
        roster.lost(
            seconds(port.into()),
            &node(&format!("n{port}")),
            address,
            Departure::Failed,
            &mut notes,
        );
    }
    assert_eq!(roster.failed(), FAILED_PEERS_MAX);
    let reason = Forgotten::TooMany;
    assert_eq!(notes, [ClusterNote::PeerForgotten { address: at("10.0.0.2:1"), reason }]);
}

#[test]
fn few_visits_are_made_at_once_and_none_twice() {
    let peers: Vec<_> = (1..=20).map(|port| format!("10.0.0.2:{port}")).collect();
    let peers: Vec<_> = peers.iter().map(String::as_str).collect();
    let mut roster = Roster::new(seconds(0), &settings(&peers));
    let mut notes = Vec::new();
    let first: Vec<_> = std::iter::from_fn(|| roster.next_visit()).collect();
    assert_eq!(first.len(), VISITS_AT_ONCE_MAX);
    roster.advance(seconds(15), &mut notes);
    for visit in &first {
        roster.visited(visit.address, Visited::Failed, &mut notes);
    }
    assert_eq!(visits(&mut roster, Visited::Failed).len(), 20 - VISITS_AT_ONCE_MAX);
}

#[test]
fn after_a_leave_no_address_is_joined() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["10.0.0.2:9094", "am:9094"]));
    roster.leave();
    assert!(roster.advance(seconds(100), &mut notes).is_empty());
    assert_eq!(visits(&mut roster, Visited::Failed), []);
}

#[test]
fn an_address_is_the_same_in_both_forms() {
    assert_eq!(canonical(at("[::ffff:10.0.0.2]:9094")), at("10.0.0.2:9094"));
    assert_eq!(canonical(at("[fd00::2]:9094")), at("[fd00::2]:9094"));
}

#[test]
fn a_name_that_never_stood_for_anything_is_looked_up_often_at_first_and_rarely_later() {
    let mut notes = Vec::new();
    let settings = settings(&["am:9094"]);
    let mut roster = Roster::new(seconds(0), &settings);
    let mut lookups = Vec::new();
    for second in 0..600 {
        for text in roster.advance(seconds(second), &mut notes) {
            lookups.push(second);
            roster.resolved(seconds(second), &text, &[], None, &mut notes);
        }
    }
    let in_hurry = HURRIED_LOOKUPS.as_secs();
    let (early, late): (Vec<u64>, Vec<u64>) = lookups.iter().partition(|at| **at < in_hurry);
    assert!(early.len() as u64 >= in_hurry / LOOKUP_RETRY.as_secs(), "{early:?}");
    let refresh = settings.refresh_interval.as_secs();
    assert!(late.len() as u64 <= (600 - in_hurry) / refresh + 2, "{late:?}");

    // One that stood for something is in no hurry.
    let mut roster = Roster::new(seconds(0), &settings);
    roster.advance(seconds(0), &mut notes);
    roster.resolved(seconds(0), "am:9094", &[at("10.0.0.2:9094")], None, &mut notes);
    let next = seconds(0).plus(settings.refresh_interval);
    assert_eq!(roster.advance(next, &mut notes), ["am:9094"]);
    roster.resolved(next, "am:9094", &[], None, &mut notes);
    let soon = next.plus(LOOKUP_RETRY * 2);
    assert!(roster.advance(soon, &mut notes).is_empty());
}

#[test]
fn peers_are_expected_where_they_are_configured_or_were_lost() {
    let mut notes = Vec::new();
    let mut roster = Roster::new(seconds(0), &settings(&["10.0.0.2:9094"]));
    roster.joined(seconds(0), &node("c"), at("10.0.0.3:9094"));
    let expected = |roster: &Roster| {
        ["10.0.0.2:9094", "10.0.0.3:9094", "10.0.0.4:9094"].map(|it| roster.expects(at(it)))
    };
    let known = |roster: &Roster| {
        ["10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"].map(|host| roster.knows_host(at(host)))
    };
    assert_eq!((expected(&roster), known(&roster)), ([true, false, false], [true, true, false]));
    roster.lost(seconds(1), &node("c"), at("10.0.0.3:9094"), Departure::Failed, &mut notes);
    assert_eq!((expected(&roster), known(&roster)), ([true, true, false], [true, true, false]));
}
