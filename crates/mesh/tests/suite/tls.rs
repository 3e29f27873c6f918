//! What is peculiar to TLS: who is let in, and how frames are cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_memberlist::Address;
use bellwether_memberlist::wire::tls_frame::TlsFrame;
use bellwether_memberlist::wire::{Compression, stream};
use bellwether_memberlist::{Ping, StreamMessage};
use bellwether_mesh::{MeshNote, Security};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::{Authority, Replaceable, node_config};
use crate::node::{Node, TEST_TIMEOUT, settings};

async fn node(name: &str, authority: &Authority, peers: &[SocketAddr]) -> Node {
    let security = Security::Tls(Replaceable::new(node_config(authority)));
    Node::start(settings(name, "127.0.0.1:0", peers, security)).await
}

async fn connect(to: SocketAddr, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(to).await.expect("it works on loopback");
    let name = ServerName::IpAddress(to.ip().into());
    TlsConnector::from(config).connect(name, stream).await.expect("it works on loopback")
}

fn ping() -> Vec<u8> {
    let ping = Ping { sequence: 77, node: None, source: None, source_node: None };
    stream::encode(&StreamMessage::Ping(ping), Compression::None)
}

#[tokio::test]
async fn peers_of_another_authority_are_rejected() {
    let ours = Authority::new();
    let mut a = node("a", &ours, &[]).await;
    let mut b = node("b", &Authority::new(), &[a.address()]).await;
    b.until_noted(|note| matches!(note, MeshNote::OpenFailed { .. })).await;
    a.until_noted(|note| matches!(note, MeshNote::HandshakeFailed { .. })).await;
    let _c = node("c", &ours, &[a.address()]).await;
    a.until_members(&["a", "c"]).await;
    b.until_members(&["b"]).await;
}

#[tokio::test]
async fn replaced_certificates_count_from_the_next_connection_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let credentials = Replaceable::new(node_config(&old));
    let security = Security::Tls(credentials.clone());
    let a = Node::start(settings("a", "127.0.0.1:0", &[], security)).await;
    let mut b = node("b", &new, &[a.address()]).await;
    b.until_noted(|note| matches!(note, MeshNote::OpenFailed { .. })).await;
    credentials.replace(node_config(&new));
    a.until_members(&["a", "b"]).await;
    b.until_members(&["a", "b"]).await;
}

#[tokio::test]
async fn a_stream_is_read_however_it_is_cut() {
    let authority = Authority::new();
    let a = node("a", &authority, &[]).await;
    let config = node_config(&authority).1;
    let whole = [TlsFrame::Stream.encode(), ping()].concat();
    for piece in [1, 5, 16, whole.len()] {
        let mut stream = connect(a.address(), config.clone()).await;
        for bytes in whole.chunks(piece) {
            stream.write_all(bytes).await.unwrap();
            stream.flush().await.unwrap();
        }
        let mut answer = [0; 1];
        timeout(TEST_TIMEOUT, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, [2], "an answer to the ping, cut at {piece}");
    }
}

#[tokio::test]
async fn datagrams_are_read_however_they_are_cut() {
    let authority = Authority::new();
    let a = node("a", &authority, &[]).await;
    let config = node_config(&authority).1;
    let from = Address::new([127, 0, 0, 1], 1);
    let frame = TlsFrame::Packet { from, datagram: b"\xee"[..].to_vec().into() }.encode();
    let two = [frame.clone(), frame].concat();
    for (round, piece) in [1, 7, two.len()].into_iter().enumerate() {
        let mut stream = connect(a.address(), config.clone()).await;
        for bytes in two.chunks(piece) {
            stream.write_all(bytes).await.unwrap();
        }
        stream.shutdown().await.unwrap();
        // The end of the connection is noted when all of it has been read.
        let received = 2 * (round as u64 + 1);
        while a.report().await.transport.packets.received < received {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn frames_of_another_kind_close_the_connection() {
    let authority = Authority::new();
    let mut a = node("a", &authority, &[]).await;
    let config = node_config(&authority).1;
    let frames: [&[u8]; 3] = [
        // An unknown version, a length beyond all measure, and no protobuf at all.
        b"\x08\0\0\0\x0a\x06v9.9.9",
        b"\xff\xff\xff\xff",
        b"\x04\0\0\0\xff\xff\xff\xff",
    ];
    for frame in frames {
        let mut stream = connect(a.address(), config.clone()).await;
        stream.write_all(frame).await.unwrap();
        a.until_noted(|note| matches!(note, MeshNote::HandshakeFailed { .. })).await;
        let mut nothing = Vec::new();
        // Without a farewell, since there was none to take leave of.
        let _ = timeout(TEST_TIMEOUT, stream.read_to_end(&mut nothing)).await.expect("it closes");
        assert!(nothing.is_empty());
    }
}

#[tokio::test]
async fn each_frame_has_tls_records_of_its_own() {
    let authority = Authority::new();
    let a = node("a", &authority, &[]).await;
    let (proxy, records) = record_lengths(a.address()).await;
    let b = node("b", &authority, &[proxy]).await;
    a.until_members(&["a", "b"]).await;
    // The first connection is the knock: a frame that a stream follows, then the ping. A record
    // adds a byte for its type and sixteen to authenticate it.
    let lengths = records.lock().unwrap().clone();
    let preamble = TlsFrame::Stream.encode().len() + 17;
    let at = lengths.iter().position(|length| *length == preamble);
    let at = at.unwrap_or_else(|| panic!("no record of {preamble} bytes in {lengths:?}"));
    assert!(lengths.len() > at + 1, "the ping is in another record: {lengths:?}");
    drop(b);
}

/// Passes connections on to `to`, and keeps the lengths of the TLS records of application data
/// that the first one sends there.
async fn record_lengths(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it works on loopback");
    let proxy = listener.local_addr().expect("it works on loopback");
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let kept = lengths.clone();
    tokio::spawn(async move {
        let mut first = Some(kept);
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(to).await.expect("it works on loopback");
            let kept = first.take();
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let back = tokio::io::copy(&mut from_server, &mut to_client);
                let forth = async {
                    let mut head = [0; 5];
                    while from_client.read_exact(&mut head).await.is_ok() {
                        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
                        if let (Some(kept), 23) = (&kept, head[0]) {
                            kept.lock().expect("nothing poisons it").push(length);
                        }
                        let mut body = vec![0; length];
                        from_client.read_exact(&mut body).await.expect("it works on loopback");
                        to_server
                            .write_all(&[&head[..], &body].concat())
                            .await
                            .expect("it works on loopback");
                    }
                    to_server.shutdown().await
                };
                let _ = tokio::join!(back, forth);
            });
        }
    });
    (proxy, lengths)
}

#[tokio::test]
async fn a_connection_without_a_handshake_is_closed() {
    let authority = Authority::new();
    let a = node("a", &authority, &[]).await;
    let mut stream = TcpStream::connect(a.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ =
        timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("closed");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}
