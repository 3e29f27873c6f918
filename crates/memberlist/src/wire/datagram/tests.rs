use proptest::prelude::*;

use super::{
    COMPOUND_PARTS_MAX, Checksum, DECOMPRESSED_BYTES_MAX, Datagram, Envelope, MESSAGES_MAX, decode,
    encode_message, pack,
};
use crate::message::{Address, Alive, Label, Message, NodeName, UserMessage};
use crate::wire::samples::{changes, message, mutated};
use crate::wire::{Compression, WireError, body, lzw};

fn none() -> Label {
    Label::default()
}

fn plain(label: &Label) -> Envelope<'_> {
    Envelope { label, checksum: Checksum::None, compression: Compression::None }
}

fn user(body: &'static [u8]) -> Message {
    Message::User(UserMessage { body: body.into() })
}

fn compressed(content: &[u8]) -> Vec<u8> {
    body::write_compressed(9, &lzw::compress(content))
}

fn compound(parts: &[&[u8]]) -> Vec<u8> {
    super::compound(parts).expect("several, and short enough")
}

/// What is decoded without an error.
fn good(bytes: &[u8]) -> Vec<Message> {
    let Datagram { messages, dropped } = decode(&none(), bytes);
    assert_eq!(dropped, []);
    messages
}

/// Why nothing is decoded.
fn bad(bytes: &[u8]) -> WireError {
    let Datagram { messages, dropped } = decode(&none(), bytes);
    assert_eq!((messages.len(), dropped.len()), (0, 1), "{bytes:02x?}");
    dropped.into_iter().next().unwrap()
}

#[test]
fn parts_that_came_whole_are_read_although_others_are_cut_off() {
    let bytes = compound(&[b"\x08one", b"\x08two", b"\x08three"]);
    let cut = decode(&none(), bytes.get(..bytes.len() - 1).unwrap());
    assert_eq!(cut.messages, [user(b"one"), user(b"two")]);
    assert_eq!(cut.dropped, [WireError::Truncated { what: "a compound" }]);
    let surplus = [bytes.as_slice(), b"surplus"].concat();
    assert_eq!(good(&surplus), [user(b"one"), user(b"two"), user(b"three")]);
    assert_eq!(bad(b"\x07\x02\x00\x01\x00"), WireError::Truncated { what: "a compound" });
    assert_eq!(bad(b"\x07"), WireError::Truncated { what: "a compound" });
}

#[test]
fn a_part_that_is_not_understood_costs_only_itself() {
    let bytes = compound(&[b"\x08one", b"\x06", b"", b"\x0b\x81", b"\x08two"]);
    let Datagram { messages, dropped } = decode(&none(), &bytes);
    assert_eq!(messages, [user(b"one"), user(b"two")]);
    let expected = [
        WireError::UnexpectedType { type_byte: 6 },
        WireError::Truncated { what: "a datagram" },
        WireError::Truncated { what: "a nack" },
    ];
    assert_eq!(dropped, expected);
}

#[test]
fn stream_types_and_unknown_types_are_dropped() {
    for type_byte in [6, 10, 13, 14, 99, 243, 255] {
        assert_eq!(bad(&[type_byte, 0x80]), WireError::UnexpectedType { type_byte });
    }
    assert_eq!(bad(b""), WireError::Truncated { what: "a datagram" });
}

#[test]
fn labels_and_checksums_stand_only_outside() {
    let label = Label::new("prod").unwrap();
    let checked = Envelope { checksum: Checksum::Crc32, ..plain(&label) };
    let bytes = pack(&[b"\x08x"], checked).remove(0);
    assert_eq!(bytes, b"\xf4\x04prod\x0c\xd7\xde\x61\xf9\x08x");
    assert_eq!(decode(&label, &bytes).messages, [user(b"x")]);
    let inside = decode(&none(), &compound(&[&bytes, b"\x0c\xd7\xde\x61\xf9\x08x"]));
    let expected = [244, 12].map(|type_byte| WireError::UnexpectedType { type_byte });
    assert_eq!((inside.messages, inside.dropped), (vec![], expected.to_vec()));
}

#[test]
fn another_label_than_ours_is_another_cluster() {
    let ours = Label::new("prod").unwrap();
    let strange: &[&[u8]] = &[
        b"\x08x",
        b"\xf4\x03pro\x08x",
        b"\xf4\x05prod2\x08x",
        b"\xf4\x04test\x08x",
        b"\xf4\x00\x08x",
    ];
    for bytes in strange {
        assert_eq!(decode(&ours, bytes).dropped, [WireError::Label], "{bytes:02x?}");
    }
    for bytes in [&b"\xf4\x04prod\x08x"[..], b"\xf4\x00\x08x"] {
        assert_eq!(bad(bytes), WireError::Label);
    }
    for bytes in [&b"\xf4"[..], b"\xf4\x09prod"] {
        assert_eq!(bad(bytes), WireError::Truncated { what: "a label" });
    }
}

#[test]
fn a_wrong_checksum_drops_the_datagram() {
    let error = bad(b"\x0c\xd7\xde\x61\xf8\x08x");
    assert_eq!(error, WireError::Checksum { claimed: 0xd7de_61f8, actual: 0xd7de_61f9 });
    assert_eq!(bad(b"\x0c\xd7\xde\x61"), WireError::Truncated { what: "a checksum" });
}

#[test]
fn many_messages_go_into_several_compounds() {
    let message: &[u8] = b"\x08x";
    let label = none();
    let counts = |messages: usize| {
        let datagrams = pack(&vec![message; messages], plain(&label));
        datagrams.iter().map(|bytes| good(bytes).len()).collect::<Vec<_>>()
    };
    assert_eq!(counts(0), []);
    assert_eq!(counts(1), [1]);
    assert_eq!(counts(2), [2]);
    assert_eq!(counts(COMPOUND_PARTS_MAX), [255]);
    assert_eq!(counts(COMPOUND_PARTS_MAX + 1), [255, 1]);
    assert_eq!(counts(600), [255, 255, 90]);
    assert_eq!(pack(&[message], plain(&label)), [message], "one is sent bare");
}

#[test]
fn only_what_becomes_shorter_is_compressed() {
    let label = none();
    let envelope = Envelope { compression: Compression::Lzw, ..plain(&label) };
    let long = [b"\x08".as_slice(), &[7; 500]].concat();
    let sent = pack(&[&long], envelope).remove(0);
    assert!(sent.len() < long.len() && sent.first() == Some(&9));
    assert_eq!(good(&sent), [Message::User(UserMessage { body: vec![7; 500].into() })]);
    assert_eq!(pack(&[b"\x08x"], envelope), [b"\x08x"]);
}

#[test]
fn an_address_keeps_its_length() {
    let alive = |ip: std::net::IpAddr| {
        Message::Alive(Alive {
            incarnation: 1,
            node: NodeName::new("n").unwrap(),
            address: Address::new(ip, 1),
            meta: Default::default(),
            versions: None,
        })
    };
    let v4: std::net::Ipv4Addr = "10.0.0.1".parse().unwrap();
    let mapped = v4.to_ipv6_mapped();
    let (short, long) = (encode_message(&alive(v4.into())), encode_message(&alive(mapped.into())));
    assert_eq!(long.len(), short.len() + 12);
    assert_eq!(good(&short), [alive(v4.into())]);
    assert_eq!(good(&long), [alive(mapped.into())]);
    for ip in [&b"\xa0"[..], b"\xa3abc", b"\xa5abcde"] {
        let bytes = [b"\x04\x82\xa4Node\xa1n\xa4Addr", ip].concat();
        assert_eq!(bad(&bytes), WireError::Malformed { what: "an address" });
    }
}

#[test]
fn names_and_metadata_that_are_invalid_or_too_long_are_refused() {
    let no_name = bad(b"\x03\x81\xa4From\xa1x");
    assert_eq!(no_name, WireError::Malformed { what: "a node's name" });
    let not_text = bad(b"\x03\x82\xa4Node\xa1\xff\xa4From\xa1x");
    assert_eq!(not_text, WireError::Malformed { what: "a node's name" });
    let name = [b"\x00\x81\xa4Node\xda\x02\x01".as_slice(), &[b'n'; 513]].concat();
    assert!(matches!(bad(&name), WireError::TooLarge { limit: 512, .. }));
    let meta =
        [b"\x04\x83\xa4Node\xa1n\xa4Addr\xa4abcd\xa4Meta\xda\x02\x01", &[0; 513][..]].concat();
    assert!(matches!(bad(&meta), WireError::TooLarge { limit: 512, .. }));
}

#[test]
fn a_source_that_is_half_there_is_none() {
    let only_ip = good(b"\x00\x82\xa5SeqNo\x01\xaaSourceAddr\xa4abcd");
    let only_port = good(b"\x00\x82\xa5SeqNo\x01\xaaSourcePort\x07");
    assert_eq!(only_ip, only_port);
    let [Message::Ping(ping)] = only_ip.as_slice() else { panic!("{only_ip:?}") };
    assert_eq!((ping.sequence, ping.source), (1, None));
}

#[test]
fn a_bomb_stands_for_no_more_than_its_budget() {
    // Fifty times 200 kB in less than one datagram's length.
    let bomb = compressed(&[b"\x08".as_slice(), &[0; 200_000]].concat());
    let parts = vec![bomb.as_slice(); 50];
    let bytes = compound(&parts);
    assert!(bytes.len() < 1 << 16, "{}", bytes.len());
    let Datagram { messages, dropped } = decode(&none(), &bytes);
    assert_eq!((messages.len(), dropped.len()), (1, 49));
    assert!(dropped.iter().all(|error| error.reason() == "too_large"), "{dropped:?}");

    let most = compressed(&[b"\x08".as_slice(), &[0; DECOMPRESSED_BYTES_MAX - 1]].concat());
    assert_eq!(good(&most).len(), 1);
    let more = compressed(&[b"\x08".as_slice(), &[0; DECOMPRESSED_BYTES_MAX]].concat());
    assert_eq!(bad(&more).reason(), "too_large");
}

#[test]
fn a_bomb_of_small_messages_is_defused() {
    // Compressed compounds of compounds: ten thousand times an empty user message.
    let inner = compound(&[b"\x08"; 100].map(|part| part.as_slice()));
    let outer = compressed(&compound(&vec![inner.as_slice(); 100]));
    assert!(outer.len() < 2000, "{}", outer.len());
    let Datagram { messages, dropped } = decode(&none(), &outer);
    assert_eq!((messages.len(), dropped.len()), (MESSAGES_MAX, MESSAGES_MAX));
}

#[test]
fn nesting_ends() {
    let nested =
        |depth| (0..depth).fold(b"\x08x".to_vec(), |inner, _| compound(&[&inner, b"\x08y"]));
    assert_eq!(good(&nested(7)).len(), 8);
    let Datagram { messages, dropped } = decode(&none(), &nested(8));
    assert_eq!((messages.len(), dropped.len()), (7, 2));
    let compressed = (0..8).fold(b"\x08x".to_vec(), |inner, _| compressed(&inner));
    assert_eq!(bad(&compressed).reason(), "too_large");
}

#[test]
fn compression_of_nothing_or_by_another_algorithm_is_refused() {
    assert_eq!(bad(&compressed(b"")), WireError::Truncated { what: "a datagram" });
    let other = bad(b"\x09\x82\xa4Algo\x01\xa3Buf\xa3\x00\x03\x02");
    assert_eq!(other, WireError::Malformed { what: "a compress frame" });
    assert_eq!(bad(b"\x09\x80").reason(), "truncated");
}

proptest! {
    #[test]
    fn what_is_packed_is_decoded(
        messages in prop::collection::vec(message(), 1..40),
        label in "[a-z]{0,12}",
        checksum in prop::sample::select(&[Checksum::None, Checksum::Crc32]),
        compression in prop::sample::select(&[Compression::None, Compression::Lzw]),
    ) {
        let label = Label::new(&label).unwrap();
        let encoded: Vec<_> = messages.iter().map(encode_message).collect();
        let parts: Vec<_> = encoded.iter().map(Vec::as_slice).collect();
        let datagrams = pack(&parts, Envelope { label: &label, checksum, compression });
        prop_assert_eq!(datagrams.len(), 1);
        let decoded = decode(&label, &datagrams[0]);
        prop_assert_eq!(decoded, Datagram { messages, dropped: vec![] });
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_bounds(&bytes)?;
    }

    #[test]
    fn no_change_of_a_datagram_brings_it_down(
        messages in prop::collection::vec(message(), 1..8),
        compression in prop::sample::select(&[Compression::None, Compression::Lzw]),
        changes in changes(),
    ) {
        let encoded: Vec<_> = messages.iter().map(encode_message).collect();
        let parts: Vec<_> = encoded.iter().map(Vec::as_slice).collect();
        let label = none();
        let datagram = pack(&parts, Envelope { compression, ..plain(&label) }).remove(0);
        check_bounds(&mutated(datagram, &changes))?;
    }
}

/// Whatever is decoded is within its limits and is what we would say.
fn check_bounds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Datagram { messages, dropped } = decode(&none(), bytes);
    prop_assert!(messages.len() <= MESSAGES_MAX && dropped.len() <= MESSAGES_MAX);
    for message in messages {
        let again = decode(&none(), &encode_message(&message));
        prop_assert_eq!(again, Datagram { messages: vec![message], dropped: vec![] });
    }
    Ok(())
}
