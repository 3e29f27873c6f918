//! Is what Go nodes have said understood, and would we have said it in the same bytes?
//!
//! The files in `vectors` hold what was seen between running nodes (`am025_…`: Debian's
//! Alertmanager 0.25; `ml060_…`: memberlist 0.6.0) as lines of words, the last of them bytes in
//! hexadecimal.

use bellwether_memberlist::wire::datagram::{self, Checksum, Datagram, Envelope};
use bellwether_memberlist::wire::part::{FullState, Part};
use bellwether_memberlist::wire::stream::{self, StreamReader};
use bellwether_memberlist::wire::tls_frame::{TlsFrame, TlsFrameReader};
use bellwether_memberlist::wire::{Compression, StreamError};
use bellwether_memberlist::{
    Ack, Address, Alive, Label, Message, NodeName, NodeStatus, Ping, StreamMessage, UserMessage,
    Versions,
};

const PLAIN: &str = include_str!("vectors/am025_3node_plain.txt");
const MISC: &str = include_str!("vectors/am025_misc_streams.txt");
const TLS_PACKETS: &str = include_str!("vectors/am025_tls_packet_frames.txt");
const TLS_STREAMS: &str = include_str!("vectors/am025_tls_stream_frames.txt");
const ENCODED: &str = include_str!("vectors/ml060_encode_vectors.txt");
const LABELLED: &str = include_str!("vectors/ml060_label_prod.txt");

#[test]
fn every_datagram_of_three_go_nodes_is_understood() {
    let mut seen = [0; 8];
    for (kind, bytes) in datagrams(PLAIN) {
        let messages = decoded(&Label::default(), &bytes);
        for message in &messages {
            seen[position(message)] += 1;
        }
        if let Some(index) = ["ping", "indirectping", "ack", "nack"].iter().position(|k| *k == kind)
        {
            assert_eq!(messages.iter().map(position).collect::<Vec<_>>(), [index], "{kind}");
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "every kind of message occurs: {seen:?}");
}

#[test]
fn we_write_what_go_nodes_have_written() {
    let mut compared = 0;
    for (kind, bytes) in datagrams(PLAIN) {
        if kind == "crc_compress" {
            continue;
        }
        // An empty meta of another node was passed on as nil by that codec, and is empty for us.
        let with_checksum = bytes.first() == Some(&0x0c);
        let content = if with_checksum { bytes.get(5..).unwrap() } else { &bytes };
        let expected = replaced(content, b"\xa4Meta\xc0", b"\xa4Meta\xa0");
        let written = written(&decoded(&Label::default(), &bytes), Checksum::None);
        assert_eq!(hex(&written), hex(&expected), "{kind}");
        if with_checksum && expected == content {
            let messages = decoded(&Label::default(), &bytes);
            assert_eq!(hex(&self::written(&messages, Checksum::Crc32)), hex(&bytes), "{kind}");
        }
        compared += 1;
    }
    assert!(compared > 190, "nearly all are uncompressed: {compared}");
}

#[test]
fn compressed_datagrams_say_the_same_when_we_write_them() {
    let lines: Vec<_> = datagrams(PLAIN).filter(|(kind, _)| kind == "crc_compress").collect();
    assert!(!lines.is_empty());
    for (_, bytes) in lines {
        let messages = decoded(&Label::default(), &bytes);
        assert!(messages.len() > 1, "only what is long is worth it");
        let written = written(&messages, Checksum::Crc32);
        assert_eq!(decoded(&Label::default(), &written), messages);
    }
}

#[test]
fn user_messages_are_parts() {
    let mut keys = Vec::new();
    for (_, bytes) in datagrams(PLAIN) {
        for message in decoded(&Label::default(), &bytes) {
            if let Message::User(user) = message {
                let part = Part::decode(user.body.clone()).expect("a part is inside");
                assert_eq!(part.encode_to_vec(), user.body);
                keys.push(part.key);
            }
        }
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys, ["nfl", "sil"]);
}

#[test]
fn every_stream_of_three_go_nodes_is_understood() {
    let mut push_pulls = 0;
    for bytes in streams(PLAIN) {
        match read_whole(StreamReader::reply(), &bytes) {
            StreamMessage::PushPull(push_pull) => {
                push_pulls += 1;
                assert_eq!(push_pull.skipped, 0);
                assert!(push_pull.nodes.iter().any(|node| node.status == NodeStatus::Alive));
                for node in &push_pull.nodes {
                    assert_eq!(node.versions, Some(Versions::OURS));
                }
                let state = FullState::decode(push_pull.user_state.clone()).expect("two states");
                let mut keys: Vec<_> = state.parts.iter().map(|part| part.key.as_str()).collect();
                keys.sort_unstable();
                assert_eq!(keys, ["nfl", "sil"]);
                assert_eq!(state.encode_to_vec(), push_pull.user_state);
            }
            StreamMessage::User(message) => {
                let part = Part::decode(message.body).expect("a part is inside");
                assert!(part.data.len() > 700, "it came by stream since it is long");
            }
            other @ (StreamMessage::Ping(_) | StreamMessage::Ack(_) | StreamMessage::Error(_)) => {
                panic!("not among what was captured: {other:?}")
            }
        }
    }
    assert!(push_pulls > 10);
}

#[test]
fn streams_say_the_same_however_we_write_and_cut_them() {
    for bytes in streams(PLAIN) {
        let message = read_whole(StreamReader::reply(), &bytes);
        assert_eq!(read_piecewise(StreamReader::reply(), &bytes), message);
        for compression in [Compression::None, Compression::Lzw] {
            let written = stream::encode(&message, compression);
            assert_eq!(read_whole(StreamReader::reply(), &written), message);
            assert_eq!(read_piecewise(StreamReader::reply(), &written), message);
        }
    }
}

#[test]
fn pings_and_errors_by_stream_are_understood() {
    let sent = |name| bytes_of(MISC, name, 2);
    let reply = |name| read_whole(StreamReader::reply(), &bytes_of(MISC, name, 4));

    let ping = read_whole(StreamReader::inbound(&Label::default()), &sent("tcp_ping_ok"));
    let StreamMessage::Ping(Ping { sequence, node, source, source_node }) = &ping else {
        panic!("not a ping: {ping:?}");
    };
    let name = node.as_ref().expect("it is for somebody").as_str();
    assert_eq!((*sequence, name), (77, "01M806A11QG5HTSSPDKYC7HK27"));
    assert_eq!((source, source_node), (&None, &None));
    assert_eq!(hex(&stream::encode(&ping, Compression::None)), hex(&sent("tcp_ping_ok")));

    let ack = reply("tcp_ping_ok");
    assert!(matches!(&ack, StreamMessage::Ack(ack) if ack.sequence == 77), "{ack:?}");

    let error = reply("encrypted_when_not_configured");
    let StreamMessage::Error(error) = error else { panic!("not an error: {error:?}") };
    assert_eq!(error.text.to_lowercase(), {
        let ours = StreamReader::inbound(&Label::default())
            .push(&sent("encrypted_when_not_configured"))
            .expect_err("we refuse it too");
        assert!(matches!(ours, StreamError::Reply(_)));
        ours.to_string()
    });
    assert!(matches!(reply("bad_compress"), StreamMessage::Error(_)));
    let ours = StreamReader::inbound(&Label::default()).push(&sent("bad_compress"));
    assert!(matches!(ours, Err(StreamError::Reply(_))), "{ours:?}");
    let ours = StreamReader::inbound(&Label::default()).push(&sent("label_prod"));
    assert!(matches!(ours, Err(StreamError::Close(_))), "{ours:?}");
    let error = read_whole(StreamReader::inbound(&Label::default()), &sent("err_type"));
    assert!(matches!(&error, StreamMessage::Error(error) if error.text == "x"), "{error:?}");
}

#[test]
fn an_uncompressed_join_is_written_byte_by_byte() {
    let bytes = bytes_of(MISC, "join_uncompressed", 2);
    let message = read_whole(StreamReader::inbound(&Label::default()), &bytes);
    assert_eq!(hex(&stream::encode(&message, Compression::None)), hex(&bytes));
    for line in MISC.lines().filter_map(|line| line.strip_prefix("INBOUND ")) {
        let message = read_whole(StreamReader::inbound(&Label::default()), &unhex(line));
        assert!(matches!(message, StreamMessage::Ping(_) | StreamMessage::PushPull(_)));
    }
}

#[test]
fn labelled_traffic_is_for_those_with_the_label() {
    let label = Label::new("prod").expect("it is short");
    let others = [Label::default(), Label::new("test").expect("it is short")];
    for (kind, bytes) in datagrams(LABELLED) {
        let messages = decoded(&label, &bytes);
        assert!(!messages.is_empty(), "{kind}");
        for other in &others {
            let Datagram { messages, dropped } = datagram::decode(other, &bytes);
            assert_eq!((messages.len(), dropped.len()), (0, 1));
            assert_eq!(dropped.first().map(|error| error.reason()), Some("label"));
        }
        if kind == "label_ping" || kind == "label_ack" {
            let encoded: Vec<_> = messages.iter().map(datagram::encode_message).collect();
            let parts: Vec<_> = encoded.iter().map(Vec::as_slice).collect();
            let envelope = Envelope {
                label: &label,
                checksum: Checksum::None,
                compression: Compression::None,
            };
            assert_eq!(datagram::pack(&parts, envelope), [bytes]);
        }
    }
    for bytes in streams(LABELLED) {
        // The initiator's side has the label, the answer none.
        let of_initiator = bytes.first() == Some(&244);
        let reader =
            if of_initiator { StreamReader::inbound(&label) } else { StreamReader::reply() };
        let message = read_whole(reader, &bytes);
        assert!(matches!(message, StreamMessage::PushPull(_) | StreamMessage::User(_)));
        assert_eq!(stream::label_header(&label), b"\xf4\x04prod");
        let mut other = StreamReader::inbound(others.get(usize::from(of_initiator)).unwrap());
        let read = other.push(&bytes);
        assert_eq!(matches!(read, Err(StreamError::Close(_))), of_initiator, "{read:?}");
    }
}

#[test]
fn every_structure_of_the_newer_library_is_understood() {
    let mut datagrams = 0;
    let names = [
        "ping",
        "indirect",
        "ack",
        "nack",
        "suspect",
        "dead",
        "alive",
        "pphdr",
        "usermsghdr",
        "pushnode",
        "err",
    ];
    for line in ENCODED.lines() {
        let (name, word) = line.split_once(' ').expect("a name and bytes");
        let kind = name.split('_').next().expect("a name has a beginning");
        if !names.contains(&kind) {
            continue;
        }
        let bytes = unhex(word);
        match kind {
            "pphdr" => push_pull_of(&[b"\x06", bytes.as_slice()].concat(), name),
            "usermsghdr" => user_message_of(&[b"\x08", bytes.as_slice()].concat(), name),
            "pushnode" => node_of(&bytes, name),
            "err" => {
                let message = read_whole(StreamReader::reply(), &bytes);
                assert_eq!(stream::encode(&message, Compression::None), bytes);
            }
            _ => {
                // Some were written without the type that stands before them.
                let typed = if kind == "nack" && bytes.first() == Some(&0x81) {
                    [b"\x0b", bytes.as_slice()].concat()
                } else {
                    bytes
                };
                let messages = decoded(&Label::default(), &typed);
                let expected = replaced(&typed, b"\xa4Meta\xc0", b"\xa4Meta\xa0");
                let expected = replaced(&expected, b"\xa7Payload\xc0", b"\xa7Payload\xa0");
                assert_eq!(hex(&written(&messages, Checksum::None)), hex(&expected), "{name}");
                datagrams += 1;
            }
        }
    }
    assert!(datagrams > 25, "{datagrams}");
}

#[test]
fn frames_of_a_tls_session_are_understood() {
    let mut packets = 0;
    for bytes in tls_reads(TLS_PACKETS) {
        let mut reader = TlsFrameReader::default();
        reader.push(&bytes);
        match reader.next_frame() {
            Ok(Some(frame @ TlsFrame::Packet { .. })) => {
                assert_eq!(hex(&frame.encode()), hex(&bytes));
                let TlsFrame::Packet { from, datagram } = frame else { unreachable!() };
                assert_eq!(from.to_string(), "127.0.0.21:9094");
                assert!(!decoded(&Label::default(), &datagram).is_empty());
                packets += 1;
            }
            Ok(Some(TlsFrame::Stream)) => assert!(reader.take_rest().is_empty()),
            // The stream behind such a frame.
            other => {
                assert!(other.is_err(), "{other:?}");
                let message = read_whole(StreamReader::reply(), &bytes);
                assert!(matches!(message, StreamMessage::Ping(_)), "{message:?}");
            }
        }
    }
    assert!(packets > 5);
    let mut push_pulls = 0;
    for bytes in tls_reads(TLS_STREAMS) {
        if bytes == TlsFrame::Stream.encode() {
            continue;
        }
        let message = read_whole(StreamReader::inbound(&Label::default()), &bytes);
        assert!(matches!(message, StreamMessage::PushPull(_)));
        push_pulls += 1;
    }
    assert!(push_pulls > 1);
}

#[test]
fn the_document_shows_the_bytes_that_are_written() {
    let label = Label::new("prod").expect("it is short");
    let none = Label::default();
    let plain = Envelope { label: &none, checksum: Checksum::None, compression: Compression::None };
    let pack = |messages: &[&[u8]], envelope| datagram::pack(messages, envelope).concat();
    let part = |key: &str| Part { key: key.to_owned(), data: Default::default() };
    let ack = |sequence| Message::Ack(Ack { sequence, payload: Default::default() });
    let address = Address::new([127, 0, 0, 1], 9094);
    let alive = Alive {
        incarnation: 1,
        node: name("a"),
        address,
        meta: b"bellwether/1\0prod\x000000000000000abc\0".as_slice().into(),
        versions: Some(Versions::OURS),
    };
    let question = Ping {
        sequence: 7,
        node: Some(name("b")),
        source: Some(address),
        source_node: Some(name("a")),
    };
    // What is in it is the engine's, whose own test holds these bytes.
    let data = unhex("08c0cfeeca0610c096b1021a087bdcda4c3fa411f9220161").into();
    let status = Part { key: "bellwether/bulletin".to_owned(), data }.encode_to_vec();
    let shown = [
        stream::label_header(&label),
        pack(&[b"\x08x"], Envelope { checksum: Checksum::Crc32, ..plain }),
        pack(&[b"\x08x", b"\x08y"], plain),
        datagram::encode_message(&ack(1)),
        TlsFrame::Stream.encode(),
        FullState { parts: vec![part("nfl"), part("sil")] }.encode_to_vec(),
        datagram::encode_message(&Message::Alive(alive)),
        datagram::encode_message(&Message::User(UserMessage { body: status.into() })),
        datagram::encode_message(&Message::Ping(question)),
        datagram::encode_message(&ack(7)),
    ];
    // Neither the spaces and lines of the examples nor the explanations in them count.
    let words = include_str!("../../../docs/wire.md").split_whitespace();
    let is_bytes =
        |word: &&str| word.len().is_multiple_of(2) && word.chars().all(|c| c.is_ascii_hexdigit());
    let document: String = words.filter(is_bytes).collect();
    for bytes in shown {
        assert!(document.contains(&hex(&bytes)), "{} is not shown", hex(&bytes));
    }
}

fn push_pull_of(header: &[u8], name: &str) {
    let count: usize = count_of(name);
    // The header claims as many nodes (of one byte each, without anything) as bytes of user state.
    let mut bytes = header.to_vec();
    bytes.extend(vec![0x80; count]);
    bytes.extend(vec![b'u'; count]);
    if count > stream::NODES_MAX {
        let read = StreamReader::reply().push(&bytes);
        return assert!(matches!(read, Err(StreamError::Close(_))), "{name}: {read:?}");
    }
    let StreamMessage::PushPull(read) = read_whole(StreamReader::reply(), &bytes) else {
        panic!("{name} is a push-pull")
    };
    assert_eq!((read.skipped, read.user_state.len(), read.nodes.len()), (count, count, 0));
    assert_eq!(read.join, header.starts_with(b"\x06\x83\xa4Join\xc3"));
}

fn user_message_of(header: &[u8], name: &str) {
    let count: usize = count_of(name);
    let mut bytes = header.to_vec();
    bytes.extend(vec![b'u'; count]);
    let StreamMessage::User(message) = read_whole(StreamReader::reply(), &bytes) else {
        panic!("{name} is a user message")
    };
    assert_eq!(message.body.len(), count);
    // Up to 127 both codecs write integers alike.
    if count < 128 {
        let message = StreamMessage::User(message);
        assert_eq!(hex(&stream::encode(&message, Compression::None)), hex(&bytes));
    }
}

fn node_of(bytes: &[u8], name: &str) {
    let status = match name {
        "pushnode_state0" => NodeStatus::Alive,
        "pushnode_state1" => NodeStatus::Suspect,
        "pushnode_state2" => NodeStatus::Dead,
        "pushnode_state3" => NodeStatus::Left,
        _ => panic!("unknown vector {name}"),
    };
    let header = b"\x06\x83\xa4Join\xc2\xa5Nodes\x01\xacUserStateLen\x00";
    let bytes = [header.as_slice(), bytes].concat();
    let message = read_whole(StreamReader::reply(), &bytes);
    assert_eq!(hex(&stream::encode(&message, Compression::None)), hex(&bytes));
    let StreamMessage::PushPull(read) = message else { panic!("{name} is a push-pull") };
    assert_eq!(read.nodes.iter().map(|node| node.status).collect::<Vec<_>>(), [status]);
}

/// All messages of a datagram with which nothing is wrong.
fn decoded(label: &Label, bytes: &[u8]) -> Vec<Message> {
    let Datagram { messages, dropped } = datagram::decode(label, bytes);
    assert_eq!(dropped, [], "{}", hex(bytes));
    messages
}

fn written(messages: &[Message], checksum: Checksum) -> Vec<u8> {
    let encoded: Vec<_> = messages.iter().map(datagram::encode_message).collect();
    let parts: Vec<_> = encoded.iter().map(Vec::as_slice).collect();
    let label = Label::default();
    let envelope = Envelope { label: &label, checksum, compression: Compression::None };
    let mut datagrams = datagram::pack(&parts, envelope);
    assert_eq!(datagrams.len(), 1);
    datagrams.remove(0)
}

fn read_whole(mut reader: StreamReader, bytes: &[u8]) -> StreamMessage {
    reader
        .push(bytes)
        .unwrap_or_else(|error| panic!("{error}: {}", hex(bytes)))
        .unwrap_or_else(|| panic!("it is not whole: {}", hex(bytes)))
}

fn read_piecewise(mut reader: StreamReader, bytes: &[u8]) -> StreamMessage {
    let mut pieces = bytes.chunks(7).peekable();
    loop {
        let piece = pieces.next().expect("it is whole before its end");
        if let Some(message) = reader.push(piece).expect("nothing is wrong with it") {
            assert!(pieces.peek().is_none(), "it is not whole before its end");
            return message;
        }
    }
}

/// The kind and the bytes of each datagram.
fn datagrams(text: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    captured(text, "udp")
}

fn streams(text: &str) -> impl Iterator<Item = Vec<u8>> {
    captured(text, "tcp").map(|(_, bytes)| bytes)
}

fn captured(text: &str, transport: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    text.lines().filter_map(move |line| {
        let words: Vec<_> = line.split(' ').collect();
        let [of, kind, _, _, bytes] = words.as_slice() else { panic!("five words: {line}") };
        (*of == transport).then(|| ((*kind).to_owned(), unhex(bytes)))
    })
}

fn tls_reads(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.lines().filter_map(|line| Some(unhex(line.split_once(" READ ")?.1.split_once(' ')?.1)))
}

/// The word of that index in the line that begins with `name`.
fn bytes_of(text: &str, name: &str, index: usize) -> Vec<u8> {
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    unhex(line.and_then(|line| line.split(' ').nth(index)).expect("the file has such a line"))
}

fn position(message: &Message) -> usize {
    match message {
        Message::Ping(_) => 0,
        Message::IndirectPing(_) => 1,
        Message::Ack(_) => 2,
        Message::Nack(_) => 3,
        Message::Suspect(_) => 4,
        Message::Alive(_) => 5,
        Message::Dead(_) => 6,
        Message::User(_) => 7,
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for start in 0..bytes.len().saturating_sub(from.len() - 1) {
        let window = &mut bytes[start..start + from.len()];
        if window == from {
            window.copy_from_slice(to);
        }
    }
    bytes
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).expect("hexadecimal") as u8;
    let (pairs, rest) = text.as_bytes().as_chunks();
    assert_eq!(rest, []);
    pairs.iter().map(|[high, low]| digit(high) << 4 | digit(low)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name(name: &str) -> NodeName {
    NodeName::new(name).expect("it is short")
}

/// The number at the end of a vector's name.
fn count_of(name: &str) -> usize {
    let (_, count) = name.rsplit_once('_').expect("the name ends with a count");
    count.parse().expect("a count is a number")
}
