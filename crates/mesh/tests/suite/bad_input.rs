//! Bad manners: what peers and strangers may send, or not send.
//!
//! Each story ends with the same proof that nothing is broken: another node joins.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bellwether_memberlist::cluster::ReceivedVia;
use bellwether_memberlist::wire::{Compression, stream};
use bellwether_memberlist::{PushPull, StreamMessage};
use bellwether_mesh::{MeshNote, Security};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::node::{Node, TEST_TIMEOUT, settings};

/// A node with the patience of a moment.
async fn hasty() -> Node {
    with_state(Bytes::new()).await
}

async fn with_state(state: Bytes) -> Node {
    let mut settings = settings("a", "127.0.0.1:0", &[], Security::Plain);
    settings.cluster.machine.stream_timeout = Duration::from_millis(300);
    Node::with_state(settings, vec![("nfl".to_owned(), state)]).await
}

async fn is_well(node: &Node) {
    let settings = settings("b", "127.0.0.1:0", &[node.address()], Security::Plain);
    let _other = Node::start(settings).await;
    node.until_members(&["a", "b"]).await;
}

/// All that the node sends until it closes.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match timeout(TEST_TIMEOUT, stream.read_to_end(&mut bytes)).await.expect("it closes") {
        Ok(_) => {}
        // It may close while something of ours is unread.
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    bytes
}

#[tokio::test]
async fn datagrams_of_garbage_are_counted_and_noted() {
    let mut node = hasty().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let garbage: [&[u8]; 6] =
        [b"", b"\xff", b"\x07\xff\xff", b"\x09\x82", b"\x0c\x00\x00\x00\x00x", &[0x85; 60_000]];
    for bytes in garbage {
        socket.send_to(bytes, node.address()).await.unwrap();
    }
    is_well(&node).await;
    node.until_noted(|note| matches!(note, MeshNote::Cluster(_))).await;
    let dropped = node.report().await.counters.dropped;
    assert!(dropped.values().sum::<u64>() >= 4, "{dropped:?}");
}

#[tokio::test]
async fn streams_of_garbage_are_answered_or_closed() {
    let mut node = hasty().await;
    // A compress frame that is none, an encrypted stream, and an unknown type.
    for (bytes, is_told) in
        [(&b"\x09\xff\xff"[..], true), (b"\x0a\0\0\0\x01x", true), (b"\xee", false)]
    {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let answer = rest(&mut stream).await;
        assert_eq!(answer.first() == Some(&13), is_told, "{bytes:?} {answer:?}");
        node.until_noted(|note| matches!(note, MeshNote::StreamFailed { .. })).await;
    }
    assert!(node.report().await.counters.dropped.values().sum::<u64>() >= 2);
    is_well(&node).await;
}

#[tokio::test]
async fn claims_of_enormous_size_are_refused_at_once() {
    let node = hasty().await;
    let claims: [&[u8]; 3] = [
        // A user message of 2³¹−1 bytes, a push-pull of as many nodes, and one of such a state.
        b"\x08\x81\xaaUserMsgLen\xd2\x7f\xff\xff\xff",
        b"\x06\x83\xa4Join\xc2\xa5Nodes\xd2\x7f\xff\xff\xff\xacUserStateLen\x00",
        b"\x06\x83\xa4Join\xc2\xa5Nodes\x00\xacUserStateLen\xd2\x7f\xff\xff\xff",
    ];
    for claim in claims {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(claim).await.unwrap();
        rest(&mut stream).await;
    }
    let dropped = node.report().await.counters.dropped;
    assert_eq!(dropped.get("too_large"), Some(&3), "{dropped:?}");
    is_well(&node).await;
}

#[tokio::test]
async fn a_state_beyond_the_operators_limit_is_refused() {
    let state = vec![("nfl".to_owned(), vec![7; 2_000_000].into())];
    let first = settings("a", "127.0.0.1:0", &[], Security::Plain);
    let large = Node::with_state(first, state).await;
    let mut limited = settings("b", "127.0.0.1:0", &[large.address()], Security::Plain);
    limited.state_bytes_max = 1_000_000;
    let mut limited = Node::start(limited).await;
    let mut unlimited =
        Node::start(settings("c", "127.0.0.1:0", &[large.address()], Security::Plain)).await;
    unlimited.until_received("nfl", &[7; 2_000_000], ReceivedVia::FullState).await;
    let is_refused = |note: &MeshNote| matches!(note, MeshNote::OpenFailed { error, .. } if error.contains("user state"));
    limited.until_noted(is_refused).await;
    assert!(limited.received.is_empty());
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let mut node = hasty().await;
    let mut silent = TcpStream::connect(node.address()).await.unwrap();
    let mut half = TcpStream::connect(node.address()).await.unwrap();
    half.write_all(b"\x06\x83").await.unwrap();
    assert_eq!(rest(&mut silent).await, b"");
    assert_eq!(rest(&mut half).await, b"");
    node.until_noted(|note| matches!(note, MeshNote::StreamFailed { .. })).await;
    is_well(&node).await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_does_not_block_others() {
    // More than the buffers of a connection take.
    let mut node = with_state(vec![7; 30_000_000].into()).await;
    let mut greedy = Vec::new();
    let wish = StreamMessage::PushPull(PushPull::default());
    for _ in 0..3 {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(&stream::encode(&wish, Compression::None)).await.unwrap();
        greedy.push(stream);
    }
    for _ in 0..3 {
        node.until_noted(|note| matches!(note, MeshNote::StreamFailed { .. })).await;
    }
    is_well(&node).await;
}

#[tokio::test]
async fn one_address_cannot_open_all_connections() {
    let mut settings = settings("a", "127.0.0.1:0", &[], Security::Plain);
    settings.cluster.machine.stream_timeout = TEST_TIMEOUT;
    let mut node = Node::start(settings).await;
    let mut crowd = Vec::new();
    for _ in 0..64 {
        crowd.push(connect_from("127.0.0.9:0", node.address()).await);
    }
    let mut one_more = connect_from("127.0.0.9:0", node.address()).await;
    assert_eq!(rest(&mut one_more).await, b"");
    let refused = |note: &MeshNote| matches!(note, MeshNote::TooManyConnections { from } if from.to_string() == "127.0.0.9");
    node.until_noted(refused).await;
    assert!(node.report().await.transport.connections_refused >= 1);
    is_well(&node).await;
    drop(crowd);
}

#[tokio::test]
async fn a_server_that_takes_no_events_only_loses_them() {
    let settings_a = settings("a", "127.0.0.1:0", &[], Security::Plain);
    let (mesh, _untouched) = bellwether_mesh::Mesh::start(settings_a).await.unwrap();
    let peers = [mesh.bound()];
    let b = Node::start(settings("b", "127.0.0.1:0", &peers, Security::Plain)).await;
    // Its state is never sent, so the exchange fails; but it is there and answers.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..20_000 {
        socket.send_to(b"\xff", mesh.bound()).await.unwrap();
    }
    let report = timeout(TEST_TIMEOUT, mesh.report()).await.unwrap().unwrap();
    assert!(report.transport.packets.received > 0);
    drop(b);
}

async fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("it works on loopback");
    socket.bind(from.parse().expect("an address")).expect("an address");
    socket.connect(to).await.expect("it works on loopback")
}
