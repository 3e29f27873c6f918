use proptest::prelude::*;

use super::{
    NODES_MAX, NODES_MEMORY_BYTES_MAX, STRUCTURE_BYTES_MAX, StreamReader, USER_BYTES_MAX, encode,
    label_header,
};
use crate::message::{Ack, Label, NodeStatus, StreamMessage, UserMessage};
use crate::wire::samples::{changes, mutated, stream_message};
use crate::wire::{Compression, StreamError, WireError, body, lzw};

const DECOMPRESSED_BYTES_MAX: usize = 40 << 20;
const COMPRESSED_BYTES_MAX: usize = 60 << 20;

fn inbound() -> StreamReader {
    StreamReader::inbound(&Label::default())
}

fn user(body: &'static [u8]) -> StreamMessage {
    StreamMessage::User(UserMessage { body: body.into() })
}

fn compressed(content: &[u8]) -> Vec<u8> {
    body::write_compressed(9, &lzw::compress(content))
}

/// The whole outcome of bytes that come in pieces: nothing is a message that is not whole.
fn read(
    mut reader: StreamReader,
    bytes: &[u8],
    piece_bytes: usize,
) -> Result<Option<StreamMessage>, StreamError> {
    for piece in bytes.chunks(piece_bytes) {
        if let Some(message) = reader.push(piece)? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// What is refused with an answer.
fn replied(bytes: &[u8]) -> WireError {
    match inbound().push(bytes) {
        Err(StreamError::Reply(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// What is refused without a word.
fn closed(bytes: &[u8]) -> WireError {
    match inbound().push(bytes) {
        Err(StreamError::Close(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn push_pull_header(nodes: u32, user_state_bytes: u32) -> Vec<u8> {
    let mut bytes = b"\x06\x82\xa5Nodes\xce".to_vec();
    bytes.extend(nodes.to_be_bytes());
    bytes.extend(b"\xacUserStateLen\xce");
    bytes.extend(user_state_bytes.to_be_bytes());
    bytes
}

#[test]
fn the_label_of_an_initiator_must_be_ours() {
    let label = Label::new("prod").unwrap();
    let message = encode(&user(b"x"), Compression::None);
    let labelled = [label_header(&label), message.clone()].concat();
    for piece_bytes in 1..labelled.len() {
        let read = read(StreamReader::inbound(&label), &labelled, piece_bytes);
        assert_eq!(read, Ok(Some(user(b"x"))));
    }
    let close = Err(StreamError::Close(WireError::Label));
    assert_eq!(StreamReader::inbound(&label).push(&message), close, "theirs is missing");
    assert_eq!(inbound().push(&labelled), close, "we have none");
    let other = Label::new("test").unwrap();
    assert_eq!(StreamReader::inbound(&other).push(&labelled), close);
    let unexpected = StreamError::Close(WireError::UnexpectedType { type_byte: 244 });
    assert_eq!(StreamReader::reply().push(&labelled), Err(unexpected), "answers have none");
    assert_eq!(label_header(&Label::default()), b"");
}

#[test]
fn as_in_go_only_what_is_wrong_with_the_outside_is_answered() {
    assert_eq!(replied(b"\x0a\0\0\0\x05hello"), WireError::Encrypted);
    let frame = WireError::Malformed { what: "a compress frame" };
    assert_eq!(replied(b"\x09\xff"), frame);
    assert_eq!(replied(b"\x09\x80"), frame, "nothing is in it");
    assert_eq!(replied(b"\x09\x82\xa4Algo\x01\xa3Buf\xa3\x00\x03\x02"), frame);
    let data = WireError::Malformed { what: "compressed data" };
    assert_eq!(replied(b"\x09\x81\xa3Buf\xa4\xff\xff\xff\xff"), data);
    let cut = WireError::Truncated { what: "compressed data" };
    assert_eq!(replied(b"\x09\x81\xa3Buf\xa2\x00\x11"), cut, "its end is missing");
    assert_eq!(replied(b"\x09\x81\xa3Buf\xa0"), cut);
    let message = WireError::Truncated { what: "a compressed message" };
    assert_eq!(closed(&compressed(b"\x08\x81\xaaUserMsgLen\x02x")), message);
    assert_eq!(closed(&compressed(b"\x0a")), WireError::UnexpectedType { type_byte: 10 });
    for type_byte in [1, 3, 4, 5, 7, 11, 12, 14, 243] {
        assert_eq!(closed(&[type_byte, 0x80]), WireError::UnexpectedType { type_byte });
    }
    assert_eq!(closed(b"\x06\xff"), WireError::Malformed { what: "a push-pull's header" });
}

#[test]
fn a_message_is_whole_without_the_end_of_the_stream() {
    for compression in [Compression::None, Compression::Lzw] {
        let bytes = encode(&user(b"some bytes"), compression);
        let (last, most) = bytes.split_last().unwrap();
        let mut reader = inbound();
        assert_eq!(reader.push(most), Ok(None));
        assert_eq!(reader.push(&[*last]), Ok(Some(user(b"some bytes"))));
        assert_eq!(reader.push(&bytes), Ok(None), "a stream has one message");
    }
}

#[test]
fn a_compressed_message_is_whole_when_all_of_its_bytes_have_come() {
    // Bytes after the message and after the end of the compression, within the frame.
    let content = encode(&user(b"x"), Compression::None);
    let mut data = lzw::compress(&[content.as_slice(), b"surplus"].concat());
    data.extend(b"more");
    let bytes = body::write_compressed(9, &data);
    let (last, most) = bytes.split_last().unwrap();
    let mut reader = inbound();
    assert_eq!(reader.push(most), Ok(None));
    assert_eq!(reader.push(&[*last]), Ok(Some(user(b"x"))));
}

#[test]
fn after_an_error_nothing_is_read() {
    let mut reader = inbound();
    assert!(reader.push(b"\x0a").is_err());
    assert_eq!(reader.push(&encode(&user(b"x"), Compression::None)), Ok(None));
}

#[test]
fn an_unusable_node_is_skipped_and_the_others_are_read() {
    let mut bytes = push_pull_header(5, 2);
    bytes.extend(b"\x80");
    bytes.extend(b"\x82\xa4Name\xa1a\xa4Addr\xa3abc");
    bytes.extend(b"\x83\xa4Name\xa1b\xa4Addr\xa4abcd\xa5State\x03");
    bytes.extend(b"\x83\xa4Name\xa1c\xa4Addr\xa4abcd\xa5State\x04");
    bytes.extend(b"\x92\xa1d\xa4abcd");
    bytes.extend(b"us");
    let Ok(Some(StreamMessage::PushPull(read))) = inbound().push(&bytes) else { panic!() };
    assert_eq!((read.skipped, read.join, read.user_state.as_ref()), (3, false, &b"us"[..]));
    let nodes: Vec<_> = read.nodes.iter().map(|node| (node.name.as_str(), node.status)).collect();
    assert_eq!(nodes, [("b", NodeStatus::Left), ("d", NodeStatus::Alive)]);
}

#[test]
fn claims_beyond_the_limits_are_refused_before_anything_comes() {
    let too_large = |what, limit| WireError::TooLarge { what, limit };
    let nodes = push_pull_header(NODES_MAX as u32 + 1, 0);
    assert_eq!(closed(&nodes), too_large("the number of nodes", NODES_MAX));
    let state = push_pull_header(0, USER_BYTES_MAX as u32 + 1);
    assert_eq!(closed(&state), too_large("user state", USER_BYTES_MAX));
    let message = b"\x08\x81\xaaUserMsgLen\xce\x01\x40\x00\x01";
    assert_eq!(closed(message), too_large("a user message", USER_BYTES_MAX));
    let frame = b"\x09\x81\xa3Buf\xdb\xff\xff\xff\xff";
    assert_eq!(replied(frame), too_large("compressed data", COMPRESSED_BYTES_MAX));
    let negative = b"\x06\x81\xa5Nodes\xff";
    assert_eq!(closed(negative), WireError::Malformed { what: "a push-pull's header" });
}

#[test]
fn nothing_is_set_aside_for_what_is_only_claimed() {
    let mut reader = inbound();
    let claims = push_pull_header(NODES_MAX as u32, USER_BYTES_MAX as u32);
    assert_eq!(reader.push(&claims), Ok(None));
    assert_eq!(reader.push(b"\x82\xa4Name"), Ok(None));
    assert!(reader.message.set_aside_bytes() < 1000);
    let mut reader = inbound();
    assert_eq!(reader.push(b"\x08\x81\xaaUserMsgLen\xce\x01\x40\x00\x00xyz"), Ok(None));
    assert!(reader.message.set_aside_bytes() < 1000);
}

#[test]
fn a_structure_without_end_is_refused() {
    let mut reader = inbound();
    assert_eq!(reader.push(b"\x00\xdf\xff\xff\xff\xff"), Ok(None));
    let mut sent = 0;
    let error = loop {
        sent += 4;
        match reader.push(b"\xa1x\xa1y") {
            Ok(None) => assert!(sent <= STRUCTURE_BYTES_MAX),
            Ok(Some(message)) => panic!("{message:?}"),
            Err(error) => break error,
        }
    };
    let expected = WireError::TooLarge { what: "a ping", limit: STRUCTURE_BYTES_MAX };
    assert_eq!(error, StreamError::Close(expected));
}

#[test]
fn nodes_that_are_written_shorter_than_they_are_kept_are_limited() {
    let mut bytes = push_pull_header(NODES_MAX as u32, 0);
    bytes.extend(b"\x92\xa1n\xa4abcd".repeat(NODES_MAX));
    let frame = compressed(&bytes);
    assert!(frame.len() < 60_000, "{}", frame.len());
    let error = closed(&frame);
    let what = "the memory of the nodes";
    assert_eq!(error, WireError::TooLarge { what, limit: NODES_MEMORY_BYTES_MAX });
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    // A message that is whole at once, and then gibibytes of nothing.
    let content = encode(&user(b"x"), Compression::None);
    let bomb = compressed(&[content.as_slice(), &vec![0; DECOMPRESSED_BYTES_MAX]].concat());
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let what = "decompressed data";
    assert_eq!(replied(&bomb), WireError::TooLarge { what, limit: DECOMPRESSED_BYTES_MAX });
}

#[test]
fn the_longest_user_message_is_read() {
    let body = bytes::Bytes::from(vec![7; USER_BYTES_MAX]);
    let message = StreamMessage::User(UserMessage { body });
    for compression in [Compression::None, Compression::Lzw] {
        let bytes = encode(&message, compression);
        assert!(read(inbound(), &bytes, 1 << 16) == Ok(Some(message.clone())));
    }
}

#[test]
fn a_reader_can_be_given_another_limit() {
    let limited = |max| inbound().with_user_bytes_max(max);
    let body = bytes::Bytes::from(vec![7; 1000]);
    let message = StreamMessage::User(UserMessage { body });
    for compression in [Compression::None, Compression::Lzw] {
        let bytes = encode(&message, compression);
        assert!(read(limited(1000), &bytes, 100) == Ok(Some(message.clone())));
        let error = WireError::TooLarge { what: "a user message", limit: 999 };
        assert_eq!(read(limited(999), &bytes, 100), Err(StreamError::Close(error)));
    }
    let state = push_pull_header(0, USER_BYTES_MAX as u32 + 1);
    assert_eq!(limited(USER_BYTES_MAX + 1).push(&state), Ok(None));
}

#[test]
fn what_is_held_is_what_has_come_decompressed() {
    let body = bytes::Bytes::from(vec![7; 1 << 20]);
    let bytes = encode(&StreamMessage::User(UserMessage { body }), Compression::Lzw);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let mut reader = inbound();
    assert_eq!(reader.push(&bytes[..bytes.len() - 1]), Ok(None));
    assert!(reader.held_bytes() >= 1 << 20, "{}", reader.held_bytes());
}

#[test]
fn an_ack_without_payload_is_the_same_as_one_with_an_empty_one() {
    let nil = StreamReader::reply().push(b"\x02\x82\xa7Payload\xc0\xa5SeqNo\x07");
    let empty = StreamReader::reply().push(b"\x02\x82\xa7Payload\xa0\xa5SeqNo\x07");
    let expected = StreamMessage::Ack(Ack { sequence: 7, payload: Default::default() });
    assert_eq!((nil, empty), (Ok(Some(expected.clone())), Ok(Some(expected))));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        message in stream_message(),
        compression in prop::sample::select(&[Compression::None, Compression::Lzw]),
        piece_bytes in 1..3000_usize,
    ) {
        let bytes = encode(&message, compression);
        prop_assert_eq!(read(StreamReader::reply(), &bytes, piece_bytes), Ok(Some(message)));
    }

    #[test]
    fn it_does_not_matter_how_bytes_are_cut(
        message in stream_message(),
        compression in prop::sample::select(&[Compression::None, Compression::Lzw]),
        changes in changes(),
        piece_bytes in 1..300_usize,
    ) {
        let bytes = mutated(encode(&message, compression), &changes);
        let whole = read(StreamReader::reply(), &bytes, usize::MAX);
        prop_assert_eq!(&read(StreamReader::reply(), &bytes, piece_bytes), &whole);
        if let Ok(Some(message)) = whole {
            let again = encode(&without_skipped(message.clone()), Compression::None);
            let again = read(StreamReader::reply(), &again, usize::MAX);
            prop_assert_eq!(again, Ok(Some(without_skipped(message))));
        }
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let whole = read(inbound(), &bytes, usize::MAX);
        prop_assert_eq!(read(inbound(), &bytes, 1), whole);
    }
}

fn without_skipped(message: StreamMessage) -> StreamMessage {
    match message {
        StreamMessage::PushPull(mut push_pull) => {
            push_pull.skipped = 0;
            StreamMessage::PushPull(push_pull)
        }
        other => other,
    }
}
