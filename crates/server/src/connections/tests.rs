use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Connections, End, Slot, client};
use crate::features::Features;
use crate::metrics::Metrics;

const ONE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

fn setup(max: usize) -> Arc<Connections> {
    Connections::new(max, Arc::new(Metrics::new(Features::default())))
}

async fn admit(connections: &Arc<Connections>, from: &str) -> Slot {
    connections.admit(address(from)).await.unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Which of them is closed to make room for one more.
async fn ended(connections: &Arc<Connections>, slots: &mut Vec<Slot>) -> usize {
    let admitted = tokio::spawn({
        let connections = Arc::clone(connections);
        async move { connections.admit(address(OTHER)).await.is_some() }
    });
    while slots.iter().all(|slot| !slot.connection.has_made_room()) {
        tokio::task::yield_now().await;
    }
    assert!(!admitted.is_finished(), "it waits until there is room");
    let place = slots.iter().position(|slot| slot.connection.has_made_room()).unwrap();
    assert_eq!(slots[place].connection.ended().await, End::NoRoom);
    slots.remove(place);
    assert!(admitted.await.unwrap());
    place
}

#[tokio::test]
async fn the_connection_that_has_waited_longest_makes_room_and_busy_ones_never() {
    let connections = setup(4);
    let mut slots = Vec::new();
    for _ in 0..4 {
        slots.push(admit(&connections, ONE).await);
    }
    // Busy, just idle, within a head, silent but younger.
    slots[0].connection.request_begins();
    slots[1].connection.request_begins();
    slots[1].connection.request_ends();
    slots[2].connection.head_grows(10);
    assert_eq!(ended(&connections, &mut slots).await, 2, "silent since it was accepted");
    assert_eq!(slots.len(), 3);
}

#[tokio::test]
async fn a_connection_is_refused_if_all_others_are_busy() {
    let connections = setup(2);
    let slots = [admit(&connections, ONE).await, admit(&connections, OTHER).await];
    for slot in &slots {
        slot.connection.request_begins();
    }
    assert!(connections.admit(address(ONE)).await.is_none());
    slots[0].connection.request_ends();
    drop(slots);
    assert!(connections.admit(address(ONE)).await.is_some());
}

#[tokio::test]
async fn clients_with_many_connections_lose_theirs_first() {
    let connections = setup(20);
    let mut slots = vec![admit(&connections, OTHER).await];
    for _ in 1..20 {
        slots.push(admit(&connections, ONE).await);
    }
    // Older, and within a head; the many are between two requests.
    slots[0].connection.head_grows(10);
    for slot in &slots[1..] {
        slot.connection.request_begins();
        slot.connection.request_ends();
    }
    assert_eq!(ended(&connections, &mut slots).await, 1);
}

#[tokio::test]
async fn waits_have_the_ends_of_go() {
    let connections = setup(10);
    let slots = [
        admit(&connections, ONE).await,
        admit(&connections, ONE).await,
        admit(&connections, ONE).await,
        admit(&connections, ONE).await,
    ];
    slots[1].connection.request_begins();
    slots[1].connection.request_ends();
    slots[2].connection.request_begins();
    slots[3].connection.establish();
    let start = Instant::now();
    let overdue = |seconds| {
        let now = start + Duration::from_secs(seconds);
        slots.iter().map(|slot| slot.connection.end_if_overdue(now)).collect::<Vec<_>>()
    };
    assert_eq!(overdue(9), [None; 4]);
    assert_eq!(overdue(11), [Some(End::Head), None, None, None]);
    assert_eq!(overdue(89), [None; 4]);
    assert_eq!(overdue(91), [None, Some(End::Idle), None, Some(End::Idle)]);
    assert_eq!(overdue(900), [None; 4], "a request under way has no end here");
    slots[2].connection.stalls(true);
    assert_eq!(overdue(900)[2], Some(End::Stalled));
}

#[test]
fn a_host_with_ipv6_is_one_client() {
    assert_eq!(client(address("2001:db8::1")), client(address("2001:db8::ffff:2")));
    assert_ne!(client(address("2001:db8::1")), client(address("2001:db8:0:1::1")));
    assert_eq!(client(address("::ffff:192.0.2.1")), address("192.0.2.1"));
}
